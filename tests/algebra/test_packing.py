"""What chains make of chains, against every assignment of their parts."""

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.algebra.one_channel.chains import chain_of
from convalgebra.algebra.one_channel.codimension import codimension_of_common_members
from convalgebra.algebra.one_channel.dimension import dimension
from convalgebra.algebra.one_channel.reach import reach
from convalgebra.language import parse

from .oracles import (
    Layer,
    plus,
    random_layer,
    random_weights,
    response,
    text_of,
)
from .packing_oracle import (
    answers,
    as_weights,
    filters,
    is_made,
    products,
    verify_packing,
)


def chain(layers):
    return chain_of(parse(text_of(layers)))


def fields(found):
    return {"real": found.real, "complex": found.complex, "rational": found.rational}


def asked(maker, made):
    return reach(chain_of(parse(maker)), chain_of(parse(made)))


def spans(layers):
    free, fixed, _ = products(layers)
    degrees = [[d * (k - 1) for k, d in zip(*one, strict=True)] for one in free + fixed]
    return tuple(map(sum, zip(*degrees, strict=True)))


def roots(layers):
    """How many roots of averages there are, along all axes: what trying everything costs."""
    return sum(sum(layer.taps) for layer in layers if layer.average)


def random_pair(random, axes, *, averages=0.0, paddings=(0,), dilations=None, makers=1):
    """A maker and a made chain of one total stride; the maker has room, more often than not."""
    steps = dilations or ((1, 1, 2, 3, 4, 6) if axes == 1 else (1, 1, 1, 2))
    while True:
        sides = []
        for count in (random.randint(makers, 4), random.randint(1, 3)):
            layers = [
                random_layer(
                    random,
                    axes,
                    most=4 if axes == 1 else 3,
                    dilations=steps,
                    averages=averages,
                    paddings=paddings,
                )
                for _ in range(count)
            ]
            sides.append(layers)
        if random.random() < 0.3:
            for layers in sides:
                at = random.randrange(len(layers))
                first = layers[at]
                layers[at] = Layer(
                    first.taps, (2,) * axes, first.dilation, first.padding, first.average
                )
        maker, made = sides
        room = zip(spans(maker), spans(made), strict=True)
        fits = all(a >= b for a, b in room)
        if (
            sum(map(roots, sides)) <= 8
            and max(spans(made)) <= 12
            and (fits or random.random() < 0.1)
        ):
            return maker, made


CASES = {
    "lines": (1, {}, 350),
    "lattices": (1, {"dilations": (1, 2, 3, 4, 6, 6), "makers": 4}, 250),
    "lines with averages": (1, {"averages": 0.35, "dilations": (1, 1, 2, 3)}, 200),
    "lines with padding": (1, {"paddings": (0, 1, 2)}, 150),
    "planes": (2, {}, 250),
    "planes with averages": (2, {"averages": 0.2}, 120),
    "planes with padding": (2, {"paddings": (0, 1)}, 100),
    "space": (3, {}, 60),
}


QUICK = ("lines with averages", "planes with padding", "space")


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=() if c in QUICK else pytest.mark.slow) for c in CASES]
)
def test_against_every_assignment(case):
    axes, options, number = CASES[case]
    random = Random(number)
    seen = {}
    for _ in range(number):
        maker, made = random_pair(random, axes, **options)
        aligned = "paddings" in options and random.random() < 0.8
        sides = (replace(chain(side), aligned=aligned) for side in (maker, made))
        found = reach(*sides)
        expected, places = answers(maker, made, aligned=aligned)
        assert fields(found) == expected, (text_of(maker), text_of(made), aligned)
        assert set(found.offsets) == places
        for answer in expected.items():
            seen[answer] = seen.get(answer, 0) + 1
        verify_evidence(found, maker, made, random)
    for field in ("real", "complex", "rational"):
        assert min(seen[field, "all"], seen[field, "thin"]) > number // 20


def verify_evidence(found, maker, made, random):
    """Every `all` has a packing that is right, and that numbers confirm.

    Where averages are torn apart into roots of unity it has none; a single kernel needs none.
    """
    packings = [claim for claim in found.claims if claim["claim"] == "packs"]
    averages = any(layer.average for layer in maker + made)
    for field, answer in fields(found).items():
        mine = [claim for claim in packings if claim["field"] == field]
        some = [claim for claim in mine if any(how == "signs" for how, *_ in claim["splits"])]
        assert answer == ("part" if some else "all") or not mine
        if answer == "all" and not averages and len(maker) > 1:
            assert mine, (text_of(maker), text_of(made), field)
        for claim in mine:
            verify_packing(claim, maker, made)
            split_a_member(claim, maker, made, random)


def split_a_member(claim, maker, made, random):
    weights = [
        dict.fromkeys(layer.places(), 1 / prod(layer.taps))
        if layer.average
        else {tap: random.choice((-7, -5, -4, -3, -2, 1, 2, 3, 5, 8)) for tap in layer.places()}
        for layer in made
    ]
    built = filters(claim, maker, made, weights)
    if built is None:  # it is about members of other signs
        return
    split = as_weights(built, maker, real=claim["field"] != "complex")
    have, want = response(maker, split), response(made, weights)
    want = {plus(place, claim["offset"]): value for place, value in want.items()}
    first = max(want, key=lambda place: abs(want[place]))
    for place in set(have) | set(want):
        ratio = have.get(place, 0) / have[first] - want.get(place, 0) / want[first]
        assert abs(ratio) < 1e-5, (text_of(maker), text_of(made), claim)


def test_the_oracle_can_fail():
    maker, made = [Layer((5,), (1,), (1,), (0,))], [Layer((4,), (1,), (1,), (0,))]
    maker = [*maker, Layer((1,), (1,), (1,), (0,))]
    cut = ["cut", 0, 2]
    claim = {
        "field": "real",
        "offset": [1],
        "shifts": [[0, [1]]],
        "splits": [cut],
        "into": [[1, 0], [2, 0]],
    }
    verify_packing(claim, maker, made)
    for wrong in (
        {**claim, "offset": [0]},
        {**claim, "shifts": []},
        {**claim, "offset": [2], "shifts": [[0, [2]]]},
        {**claim, "splits": []},
        {**claim, "splits": [cut, cut]},
        {**claim, "splits": [["cut", 0, 3]]},
        {**claim, "splits": [cut, ["cut", 1, 1]], "into": [[3, 0], [4, 0], [2, 0]]},
        {**claim, "splits": [["turn", 0, 2]]},
        {**claim, "into": [[1, 0]]},
        {**claim, "into": [[1, 1], [2, 0]]},
        {**claim, "into": [[0, 0]]},
    ):
        with pytest.raises((AssertionError, KeyError)):
            verify_packing(wrong, maker, made)
    split_a_member(claim, maker, made, Random(0))
    with pytest.raises(AssertionError):
        split_a_member({**claim, "offset": [0]}, maker, made, Random(0))


# What is not made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("axes", "averages", "number"), [(1, 0.0, 250), (1, 0.3, 120), (2, 0.0, 120), (2, 0.2, 70)]
)
def test_witnesses_are_members_that_are_not_made(axes, averages, number):
    random = Random(number)
    seen = {}
    missing = 0
    for _ in range(number):
        maker, made = random_pair(random, axes, averages=averages)
        found = reach(chain(maker), chain(made))
        for field, answer in fields(found).items():
            shown = [w for w in found.witnesses if w.field in (field, "complex")]
            missing += answer in ("part", "thin") and not shown
        for witness in found.witnesses:
            kernel = dict(witness.kernel)
            assert fields(found)[witness.field] in ("part", "thin")
            out = is_made(kernel, maker, witness.field)
            within = is_made(kernel, made, witness.field)
            assert out is not True, (text_of(maker), text_of(made), witness)
            assert within is not False, (text_of(maker), text_of(made), witness)
            key = witness.field, out, within
            seen[key] = seen.get(key, 0) + 1
    assert seen["complex", False, True] > number // 10
    assert missing <= number // 10
    if axes == 1 and not averages:
        assert seen["real", False, True] > 3
        assert seen["rational", False, True] > 3


def test_averages_make_linear_equations():
    random = Random(9)
    checked = 0
    while checked < 40:
        maker, made = random_pair(
            random, random.choice((1, 1, 2)), averages=0.4, paddings=(0, 0, 1)
        )
        found = reach(chain(maker), chain(made))
        equations = [claim for claim in found.claims if claim["claim"] == "equations"]
        if not equations:
            continue
        checked += 1
        for claim in equations:
            for _ in range(3):
                kernel = response(maker, random_weights(random, maker))
                assert set(values_of(claim, kernel)) == {0}
            for weights, offset in claim["members"]:
                kernel = response(made, as_taps(weights, made))
                kernel = {plus(e, offset): value for e, value in kernel.items()}
                assert any(values_of(claim, kernel))


def values_of(claim, kernel):
    """What the equations, all of degree 1, are at a kernel."""
    places = [tuple(exponent) for _, _, _, exponent in claim["coordinates"]]
    for equation in claim["equations"]:
        assert equation
        yield sum(value * kernel.get(places[i], 0) for value, ((i, _),) in equation)


def as_taps(weights, layers):
    left = iter(weights)
    return [
        dict.fromkeys(layer.places(), Fraction(1, prod(layer.taps)))
        if layer.average
        else {tap: next(left) for tap in layer.places()}
        for layer in layers
    ]


# Enumeration over a small field


def image(layers, prime):
    """All that a chain is over the field with `prime` elements, as sets of (place, value)."""
    count = sum(prod(layer.taps) for layer in layers)
    found = set()
    for weights in product(range(prime), repeat=count):
        kernel = response(layers, as_taps(weights, layers))
        found.add(frozenset((e, v % prime) for e, v in kernel.items() if v % prime))
    return found


@pytest.mark.parametrize(("prime", "most", "number"), [(2, 9, 60), (3, 6, 40)])
def test_whole_layers_are_held_over_every_field(prime, most, number):
    """What is made by putting layers into layers is made over the field with two elements too."""
    random = Random(prime)
    seen = {"all": 0, "thin": 0}
    while sum(seen.values()) < number:
        maker, made = random_pair(random, random.choice((1, 2)))
        if max(sum(prod(layer.taps) for layer in side) for side in (maker, made)) > most:
            continue
        found = reach(chain(maker), chain(made))
        seen[found.rational] += 1
        if found.rational == "thin":
            continue
        if len(maker) == 1:
            offset = found.offsets[0]
        else:
            (claim,) = (c for c in found.claims if c.get("field") == "rational")
            offset = claim["offset"]
        have, want = image(maker, prime), image(made, prime)
        for kernel in want:
            moved = frozenset((plus(e, offset), v) for e, v in kernel)
            assert moved in have
    assert min(seen.values()) > number // 8


# Laws


SIZES = st.tuples(st.integers(1, 3), st.integers(1, 3))
PLAIN = st.builds(
    Layer,
    SIZES,
    st.just((1, 1)),
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
    st.just((0, 0)),
)
STACKS = st.lists(PLAIN, min_size=1, max_size=4)


@settings(max_examples=60)
@given(STACKS, st.randoms(use_true_random=False))
def test_the_order_of_layers_does_not_matter(layers, random):
    shuffled = random.sample(layers, len(layers))
    one, two = chain(layers), chain(shuffled)
    for found in (reach(one, two), reach(two, one)):
        assert fields(found) == dict.fromkeys(fields(found), "all")
        assert (found.codimension, found.degree) == (0, 1)


@settings(max_examples=60)
@given(STACKS, st.integers(0, 4), st.integers(1, 4))
def test_layers_that_are_merged_make_all_that_they_did(layers, start, count):
    start %= len(layers)
    run = layers[start : start + count]
    merged = Layer(plus(spans(run), (1, 1)), (1, 1), (1, 1), (0, 0))
    found = reach(chain([*layers[:start], merged, *layers[start + count :]]), chain(layers))
    assert fields(found) == dict.fromkeys(fields(found), "all")
    assert (0, 0) in found.offsets


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(PLAIN, min_size=2, max_size=3), st.lists(PLAIN, min_size=1, max_size=2))
def test_what_makes_a_maker_makes_what_it_makes(layers, more):
    merged = Layer(plus(spans(layers[:2]), (1, 1)), (1, 1), (1, 1), (0, 0))
    chains = [chain(layers), chain([merged, *layers[2:]]), chain([merged, *more]), chain(more)]
    for field in ("real", "complex", "rational"):
        makes = {
            (i, j): getattr(reach(chains[i], chains[j]), field) == "all"
            for i, j in product(range(4), repeat=2)
        }
        assert makes[1, 0]
        for i, j, k in product(range(4), repeat=3):
            assert makes[i, k] or not (makes[i, j] and makes[j, k])


@settings(max_examples=60)
@given(STACKS, STACKS)
def test_what_fields_and_dimensions_say_of_one_another(one, two):
    maker, made = chain(one), chain(two)
    found = reach(maker, made)
    order = ("thin", "part", "all")
    assert order.index(found.rational) <= order.index(found.real) <= order.index(found.complex)
    if found.complex == "all":
        assert dimension(maker).value >= dimension(made).value
        assert found.codimension == 0
    elif found.codimension is not None:
        assert found.codimension >= max(1, dimension(made).value - dimension(maker).value)
        assert found.codimension <= dimension(made).value - 1
    more = reach(chain([*one, Layer((2, 2), (1, 1), (1, 1), (0, 0))]), made)
    for field, answer in fields(found).items():
        assert order.index(getattr(more, field)) >= order.index(answer)


def test_the_codimension_over_every_table_of_extents():
    random = Random(4)
    for _ in range(60):
        sides = [
            [tuple(random.randint(0, 2) for _ in range(2)) for _ in range(random.randint(1, 2))]
            for _ in range(2)
        ]
        made, maker = sides
        if any(all(not any(box) for box in side) for side in sides):
            continue
        cells = list(product(range(len(made)), range(len(maker))))
        best = 0
        for table in product(
            *(
                product(*(range(min(a, b) + 1) for a, b in zip(made[i], maker[j], strict=True)))
                for i, j in cells
            )
        ):
            used = dict(zip(cells, table, strict=True))
            rows = all(
                sum(used[i, j][axis] for j in range(len(maker))) <= made[i][axis]
                for i in range(len(made))
                for axis in range(2)
            )
            columns = all(
                sum(used[i, j][axis] for i in range(len(made))) <= maker[j][axis]
                for j in range(len(maker))
                for axis in range(2)
            )
            if rows and columns:
                best = max(best, sum(prod(s + 1 for s in part) - 1 for part in table))
        stacks = [
            chain([Layer(plus(box, (1, 1)), (1, 1), (1, 1), (0, 0)) for box in side])
            for side in sides
        ]
        expected = sum(prod(s + 1 for s in box) - 1 for box in made) - best
        assert codimension_of_common_members(stacks[1], stacks[0]) == expected


# Counted by hand


def test_a_2x2_in_a_3x3_has_four_places():
    found = asked("3x3", "2x2")
    assert found.offsets == ((0, 0), (0, 1), (1, 0), (1, 1))
    assert asked("3x3, 3x3", "2x2").offsets == tuple(product(range(4), repeat=2))


def test_a_row_and_a_column_in_two_squares():
    found = asked("3x3, 3x3", "5x1, 1x5")
    # Four roots along each axis, two places in each square: pairs go together.
    assert fields(found) == {"real": "all", "complex": "all", "rational": "thin"}
    # Three filters with one place along each axis hold no pair.
    found = asked("2x2, 2x2, 2x2, 2x2", "5x1, 1x5")
    assert fields(found) == {"real": "part", "complex": "all", "rational": "thin"}


def test_the_codimension_of_a_full_kernel_is_what_is_missing():
    found = asked("50*(3x3)", "101x101")
    assert found.codimension == 101**2 - 401
    found = asked("2x2, 2x2", "3x3")
    assert (found.codimension, found.degree) == (2, 10)


def test_averages_are_made_of_their_roots():
    # 1 + z + z^2 + z^3 = (1 + z)(1 + z^2): the latter is held by 2d2, or over C by 2 and 2.
    assert fields(asked("2, 2d2", "avg4s1")) == dict.fromkeys(
        ("real", "complex", "rational"), "all"
    )
    assert fields(asked("2, 2, 2", "avg4s1")) == {
        "real": "thin",
        "complex": "all",
        "rational": "thin",
    }
    # 1 + z + .. + z^4 is two pairs over R and irreducible over Q.
    assert fields(asked("3, 3", "avg5s1")) == {"real": "all", "complex": "all", "rational": "thin"}


def test_strides_dilate_what_comes_after():
    assert fields(asked("2s2, 2", "2s2, 2")) == dict.fromkeys(fields(asked("2", "2")), "all")
    # 2 after stride 2 is 2d2: a 3 at stride 2 does not hold it beside another 2.
    assert asked("3s2", "2s2, 2").complex == "thin"
    assert asked("4s2", "2s2, 2").rational == "all"


# Budgets


@pytest.mark.parametrize(
    ("maker", "made", "answer"),
    [
        ("10*(5x5)", "20*(3x3)", "all"),
        ("20*(3x3)", "10*(5x5)", "thin"),
        ("200*(3x3)", "3x3", "all"),
        ("300*(3)", "150*(5)", "all"),
        (
            ",".join(f"{2 + n % 5}x{2 + n % 7}d{1 + n % 3}x{1 + n % 2}" for n in range(40)),
            ",".join(f"{2 + n % 7}x{2 + n % 5}d{1 + n % 2}x{1 + n % 3}" for n in range(40)),
            None,
        ),
        ("2d60,2d30,2d20,2d15,2d12,2d10,2d6,2d5,2d4,2d3,2d2,2,3,4,5", "3d60,2d30", None),
        ("30,30,30d2,30d3,30d5", "avg60s1,avg30s1", None),
    ],
)
def test_nothing_runs_away(maker, made, answer):
    found = asked(maker, made)
    if answer is None:
        assert found.complex in ("all", "thin") or found.reason.endswith("to try them all")
    else:
        assert found.complex == answer
    assert len(found.offsets) <= 10_000


def test_places_that_are_too_many_are_not_listed():
    found = asked("60*(3x3)", "3x3")
    assert len(found.offsets) == 10_000  # of 119 x 119
    assert found.offsets[0] == (0, 0)
    assert any("there are more" in note for note in found.notes)
    assert not any("there are more" in note for note in asked("40*(3x3)", "3x3").notes)
