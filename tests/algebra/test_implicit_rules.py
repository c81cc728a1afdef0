"""What the search for implicit equations rests on: gradings, parts, lifting, exclusion, names."""

from fractions import Fraction
from itertools import combinations_with_replacement, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convalgebra.algebra.families import family_of
from convalgebra.algebra.implicit.exclusion import exclusion
from convalgebra.algebra.implicit.generators import block_of
from convalgebra.algebra.implicit.gradings import gradings
from convalgebra.algebra.implicit.interpolation import (
    Sampler,
    Substitution,
    combined,
    kernel_of,
    lifted,
    prime,
    reconstructed,
)
from convalgebra.algebra.implicit.monomials import MAX_DEGREE, block_keys, blocks
from convalgebra.algebra.implicit.names import coordinate_names
from convalgebra.algebra.implicit.parametrization import parametrization
from convalgebra.algebra.implicit.parts import parts
from convalgebra.algebra.implicit.search import implicit_equations
from convalgebra.errors import UnsupportedError
from convalgebra.language import parse
from convalgebra.render.implicit_text import implicit_latex, implicit_sentence, implicit_text

from .oracles import rank_over_q


def expanded(stack, channels=1):
    return parametrization(family_of(parse(stack), channels))


def searched(stack, channels=1, **options):
    return implicit_equations(family_of(parse(stack), channels), **options)


STACKS = [
    ("2x2, 2x2", 1),
    ("avg2x2s1, 2x2", 1),
    ("(2, avg3s1) + id", 1),
    ("2s2b, convt3s2", 1),
    ("dw2, 1@2", 2),
    ("shared f = 2; f, f", 1),
    ("bilinear2, 2", 1),
    ("avg2s2", 1),
]


@pytest.mark.parametrize(("stack", "channels"), STACKS)
def test_the_polynomials_are_the_stack(stack, channels):
    found = expanded(stack, channels)
    random = Random(3)
    for _ in range(3):
        point = [random.randint(-9, 9) for _ in range(found.weights)]
        exact = found.family.exact_values(point)
        for number, polynomial in enumerate(found.polynomials):
            value = sum(
                int(coefficient) * product_of(point, term)
                for term, coefficient in polynomial.to_dict().items()
            )
            assert found.centre[number] + Fraction(value, found.scale) == exact[number]
        values = found.values(point, 10_007)
        assert values == [
            int(found.scale * (value - middle)) % 10_007
            for value, middle in zip(exact, found.centre, strict=True)
        ]


def product_of(point, powers):
    value = 1
    for base, power in zip(point, powers, strict=True):
        value *= base ** int(power)
    return value


def test_the_centre_is_the_stack_at_weights_0():
    found = expanded("(2, avg3s1) + id")
    assert list(found.centre) == found.family.exact_values([0, 0])


def test_too_many_products_are_refused():
    with pytest.raises(UnsupportedError, match="more than 100,000 products of weights"):
        expanded("6*(3x3)")


@pytest.mark.parametrize(
    ("stack", "channels", "count", "uniform"),
    [
        ("2x2, 2x2", 1, 3, True),  # the degree and two axes
        ("2x2x2, 2x2x2", 1, 4, True),
        ("2, 2d2", 1, 3, True),  # the taps 1 and 2 of the second need not be twice as far
        ("avg2s1, 2", 1, 1, True),  # only the degree
        ("1@2, 1@3", 3, 5, True),  # rows and columns, the degree being in both
        ("(2, 2) + id", 1, 2, True),  # about the centre
        ("(2 + id), (2 + id)", 1, 1, False),  # the axis
        ("shared f = 2; f, f", 1, 2, True),
    ],
)
def test_gradings_counted_by_hand(stack, channels, count, uniform):
    found = gradings(expanded(stack, channels))
    assert len(found.coordinates) == count
    assert found.uniform is uniform


@pytest.mark.parametrize(("stack", "channels"), STACKS)
def test_scaling_the_weights_scales_the_coordinates(stack, channels):
    found = expanded(stack, channels)
    scaled = gradings(found)
    random = Random(4)
    point = [random.randint(1, 9) for _ in range(found.weights)]
    before = found.family.exact_values(point)
    for h in scaled.weights:
        after = found.family.exact_values(
            [w * Fraction(2) ** power for w, power in zip(point, h, strict=True)]
        )
        ratios = [
            (a - c) / (b - c) if b != c else None
            for a, b, c in zip(after, before, found.centre, strict=True)
        ]
        g = [None if ratio is None else exponent_of_2(ratio) for ratio in ratios]
        known = [0 if power is None else power for power in g]
        assert rank_over_q([*scaled.coordinates, known]) == len(scaled.coordinates)
    # The weights that are made 1 can be.
    minor = [[h[one] for one in scaled.ones] for h in scaled.weights]
    assert rank_over_q(minor) == len(scaled.ones) == len(scaled.weights)


def exponent_of_2(ratio):
    power = 0
    while ratio != 1:
        power += 1 if ratio > 1 else -1
        ratio = ratio / 2 if ratio > 1 else ratio * 2
        assert abs(power) < 50
    return power


@given(
    st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), max_size=3), st.integers(1, 5)
)
def test_blocks_are_the_monomials_of_equal_totals(rows, degree):
    found = blocks(range(4), degree, block_keys(rows, 4))
    totals = {}
    for monomial in combinations_with_replacement(range(4), degree):
        totals.setdefault(tuple(sum(row[v] for v in monomial) for row in rows), []).append(monomial)
    assert sorted(found.values()) == sorted(totals.values())


def test_block_keys_tell_the_largest_degree_apart():
    first, second = block_keys([(1, -1), (0, 1)], 2)
    sums = {a * first + b * second for a in range(MAX_DEGREE) for b in range(MAX_DEGREE - a)}
    assert len(sums) == MAX_DEGREE * (MAX_DEGREE + 1) // 2


# Parts


@pytest.mark.parametrize(
    ("stack", "channels", "free", "sizes"),
    [
        ("2x2, 2x2", 1, 0, [9]),
        ("2x2b, 2x2b", 1, 1, [9]),
        ("(2x2, 2x2) + 1x1", 1, 1, [8]),
        ("(2x2, 2x2) + 3x3", 1, 9, []),
        ("dw2x2, dw2x2", 3, 0, [9, 9, 9]),
        ("dw3, 1@2", 4, 0, [6, 6, 6, 6]),
        ("1@2, 1@3", 3, 0, [9]),
    ],
)
def test_parts_counted_by_hand(stack, channels, free, sizes):
    alone, others = parts(expanded(stack, channels))
    assert len(alone) == free
    assert [len(part) for part in others] == sizes
    numbers = [*alone, *(number for part in others for number in part)]
    assert sorted(numbers) == list(range(len(numbers)))


def test_free_coordinates_can_be_anything_and_are_in_no_equation():
    found = searched("(2x2, 2x2) + 1x1")
    assert found.complete
    assert found.degrees == {6: 1}
    (equation,) = found.equations
    assert 0 not in {variable for powers in equation for variable, _ in powers}
    # All others of a 2x2,2x2 are: no sextic without the corner was lost.
    sextics = searched("2x2, 2x2").equations
    without = [one for one in sextics if 0 not in {v for powers in one for v, _ in powers}]
    assert len(without) == 1
    assert dict(without[0]) in (dict(equation), {key: -value for key, value in equation.items()})


# Lifting


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_fractions_come_back_from_their_residues(above, below):
    p = prime(0)
    value = Fraction(above, below)
    residue = above * pow(below, -1, p) % p
    assert reconstructed(residue, p) == (value.numerator, value.denominator)


def test_what_is_no_small_fraction_is_refused():
    p = 101
    small = {
        a * pow(b, -1, p) % p for a in range(-7, 8) for b in range(1, 8)
    }  # numerator and denominator at most sqrt(50)
    for residue in range(p):
        assert (reconstructed(residue, p) is not None) is (residue in small)


def test_large_coefficients_take_several_primes():
    from flint import nmod_mat

    true = [3 * 10**30 + 1, -7, 0, 10**29]
    rows = [  # the kernel of these is the line of `true`
        [true[1], -true[0], 0, 0],
        [0, 0, 1, 0],
        [true[3], 0, 0, -true[0]],
    ]

    def kernels():
        for number in range(8):
            p = prime(number)
            yield p, kernel_of(nmod_mat(3, 4, [x % p for row in rows for x in row], p))

    found = [lifted(vectors[0], modulus) for modulus, vectors in combined(kernels())]
    assert true in found or [-x for x in true] in found
    assert found[0] not in (true, [-x for x in true])
    monomials = [(0,), (1,), (2,), (3,)]
    wanted = {(0,): true[0], (1,): true[1], (3,): true[3]}
    block = block_of(
        monomials,
        [],
        kernels(),
        lambda form: form == wanted or form == {k: -v for k, v in wanted.items()},
    )
    assert block.new == [wanted]
    assert block_of(monomials, [], kernels(), lambda form: False) is None


def test_a_kernel_that_is_too_large_mod_one_prime_is_dropped():
    bad = (5, ((1, 2), [[1, 1, 0], [2, 0, 1]]))
    good = (7, ((2,), [[3, 1, 1]]))
    also_bad = (11, ((0, 1, 2), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]))
    assert list(combined([bad, good, also_bad]))[1:] == [(7, [[3, 1, 1]])]


def test_products_of_lower_equations_are_no_generators():
    # x0 x3 - x1 x2 times x0, in the block of x0^2 x3: nothing new.
    monomials = [(0, 0, 3), (0, 1, 2)]
    old = {(0, 0, 3): 1, (0, 1, 2): -1}
    kernel = (prime(0), ((1,), [[prime(0) - 1, 1]]))
    block = block_of(monomials, [old, {k: 2 * v for k, v in old.items()}], [kernel], lambda f: True)
    assert (block.old, block.new, block.exact) == ([old], [], True)


def test_the_points_are_on_the_image():
    found = expanded("2x1, 1x2")
    points = Sampler(found, 101)
    for number in range(20):
        a, b, c, d, one = points.point(number)
        assert (a * d - b * c) % 101 == 0
        assert one == 1


@pytest.mark.parametrize("stack", ["2x1, 1x2", "(2s1, 2d2) + id", "avg2x2s1, 2x1, 1x2d2"])
def test_substitution_tells_equations_from_others(stack):
    found = expanded(stack)
    count = len(found.polynomials)
    scaled = gradings(found)
    vanishes = Substitution(found, scaled, range(count)).vanishes
    keys = block_keys(scaled.coordinates, count)
    random = Random(1)
    points = [  # of a prime that is used nowhere else
        found.values([random.randrange(P) for _ in range(found.weights)], P) for _ in range(10)
    ]
    checked = 0
    for form in differences(blocks(range(count), 2, keys).values()):
        sums = [sum(c * v[i] * v[j] for (i, j), c in form.items()) % P for v in points]
        assert vanishes(form) is not any(sums)
        checked += 1
    assert checked


P = 998_244_353


def differences(blocks):
    """All x_i x_j - x_k x_l of one block."""
    for block in blocks:
        for number, one in enumerate(block):
            for other in block[:number]:
                yield {one: 1, other: -1}


# Members that are not made, and certificates


def value_of_poly(poly, values):
    """A POLY of a certificate at a point."""
    total = 0
    for coefficient, powers in poly:
        term = Fraction(coefficient)
        for variable, power in powers:
            term *= values[variable] ** power
        total += term
    return total


@pytest.mark.parametrize(
    ("maker", "made"),
    [
        ("2x2, 2x2", "3x3"),
        ("2x3, 2x1", "2x2, 2x2"),  # both of dimension 7
        ("2x2, 2x2", "2x3, 2x1"),
        ("(2s1, 2d2) + id", "4"),
        ("2x2", "3x1"),  # a tap beyond
    ],
)
def test_a_member_outside(maker, made):
    found, other = searched(maker), family_of(parse(made))
    outside = exclusion(found, other)
    claim = outside.claim("right")
    assert claim["stack"] == "right"
    ((weights, offset),) = claim["members"]
    (poly,) = claim["equations"]
    assert value_of_poly(poly, list(map(Fraction, outside.kernel))) == outside.value != 0
    # The kernel is the member, moved.
    values = other.exact_values(weights)
    member = {
        tuple(e + o for e, o in zip(place.exponent, offset, strict=True)): value
        for place, value in zip(other.coordinates, values, strict=True)
    }
    listed = [tuple(coordinate[3]) for coordinate in claim["coordinates"]]
    assert list(outside.kernel) == [member.get(place, 0) for place in listed]
    # The equation holds on the maker.
    maker_family, random = family_of(parse(maker)), Random(9)
    for _ in range(10):
        point = [random.randint(-9, 9) for _ in range(maker_family.weights)]
        seen = {
            place.exponent: value
            for place, value in zip(
                maker_family.coordinates, maker_family.exact_values(point), strict=True
            )
        }
        assert value_of_poly(poly, [seen.get(place, 0) for place in listed]) == 0


def test_no_member_outside_where_all_are_made():
    assert exclusion(searched("2x2, 2x2"), family_of(parse("2x1, 1x2"))) is None
    assert exclusion(searched("3x1, 1x3"), family_of(parse("2x1, 1x2")), (1, 1)) is None
    assert exclusion(searched("3x1, 1x3"), family_of(parse("2x1, 1x2")), (2, 1)) is not None


def test_certificates_are_about_the_coordinates_themselves():
    found = searched("(2s1, 2d2) + id")
    (claim,) = found.claims("left")
    assert claim["coordinates"][1] == [0, [0], 0, [1]]
    (poly,) = claim["equations"]
    family = family_of(parse("(2s1, 2d2) + id"))
    for weights in product((-1, 2), repeat=4):
        assert value_of_poly(poly, family.exact_values(weights)) == 0
    assert value_of_poly(poly, [1, 1, 1, 0]) != 0
    assert searched("2, 2").claims("left") == []


# Names and text


@pytest.mark.parametrize(("stack", "channels"), STACKS)
def test_names_are_told_apart(stack, channels):
    names = coordinate_names(family_of(parse(stack), channels).coordinates)
    assert len(set(names)) == len(names)
    assert all(name.startswith("a") for name in names)


def test_names_are_those_of_a_single_kernel():
    assert coordinate_names(family_of(parse("2x2p1, 2x1")).coordinates) == (
        *("a00", "a01", "a10", "a11", "a20", "a21"),
    )
    assert coordinate_names(family_of(parse("2")).coordinates, (-1,)) == ("a1", "a2")
    assert coordinate_names(family_of(parse("12")).coordinates)[-1] == "a11"


def test_text():
    text = implicit_text(searched("3x1, 1x3"), most=2)
    assert text.splitlines() == [
        "9 equations of degree 2 hold on the image of 3x1,1x3, none of degree 1; all of",
        "degree 2 or less follow from these.",
        "  0 = a00*a11 - a01*a10",
        "  0 = a00*a12 - a02*a10",
        "  (7 more like these)",
    ]
    assert len(implicit_text(searched("3x1, 1x3"), most=None).splitlines()) == 11


@pytest.mark.parametrize(
    ("stack", "options", "sentence"),
    [
        ("2, 2", {}, "No equation holds on all that 2,2 makes: its dimension is full."),
        (
            "2x2, 2x2",
            {"max_degree": 3},
            "No equation of degree 3 or less holds on the image of 2x2,2x2.",
        ),
        (
            "avg2s1, 2, 2",
            {},
            "1 equation of degree 1 holds on the image of avg2s1,2,2, and every other one is a "
            "multiple of it.",
        ),
        (
            "2x3, 2x1",
            {},
            "1 equation of degree 3 and 6 equations of degree 4 hold on the image of 2x3,2x1, none "
            "of degree 2 or less; all of degree 4 or less follow from these.",
        ),
        (
            "5x5, 5x5",
            {"budget": 10_000},
            "No equations were sought for 5x5,5x5: the Jacobian of 5x5,5x5 is too large for the "
            "budget.",
        ),
    ],
)
def test_sentences(stack, options, sentence):
    assert implicit_sentence(searched(stack, **options)) == sentence


def test_a_sentence_says_where_the_search_stopped():
    text = implicit_sentence(searched("3x3, 3x3", budget=30_000_000))
    assert text.startswith("No equation of degree ")
    assert "The search stopped there: degree" in text


def test_latex():
    assert implicit_latex(searched("(2s1, 2d2) + id")) == (
        "\\begin{aligned}\n0 &= (a_{0} - 1) a_{3} - a_{1} a_{2}\n\\end{aligned}"
    )
    assert implicit_latex(searched("2, 2")) == ""
    assert implicit_latex(searched("2x2, 2x2")).count("\\\\\n") == 6
    assert "33 more like these" in implicit_latex(searched("2x2, 2x2"))
