"""Factorizations against other methods: numpy's roots, sympy, equations of the image, loops."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convalgebra as ca
from convalgebra.kernels.factoring.absolute import absolute_factors
from convalgebra.kernels.factoring.compositum import assignments
from convalgebra.kernels.factoring.conjugates import Atom
from convalgebra.kernels.factoring.fields import Field
from convalgebra.kernels.factoring.filters import _steps
from convalgebra.kernels.factoring.groupings import Layer, exists, groupings
from convalgebra.kernels.factoring.parts import Part
from convalgebra.kernels.factoring.polynomials import multiplied
from convalgebra.kernels.factoring.rational import rational_factors
from convalgebra.kernels.factoring.splitting import Conjugates, _verify, splitting

from .factor_oracle import convolved, multiplies_back, nested, size, sympy_pieces, ways_by_roots

ONE_AXIS = {
    "3,3": [((3,), (1,))] * 2,
    "2,4": [((2,), (1,)), ((4,), (1,))],
    "2,2,3": [((2,), (1,))] * 2 + [((3,), (1,))],
    "4,4": [((4,), (1,))] * 2,
    "3,3,3": [((3,), (1,))] * 3,
    "3,2d2": [((3,), (1,)), ((2,), (2,))],
    "2,3d2": [((2,), (1,)), ((3,), (2,))],
    "3,2d3": [((3,), (1,)), ((2,), (3,))],
    "2,2d2,2d3": [((2,), (1,)), ((2,), (2,)), ((2,), (3,))],
    "3d2,2d2": [((3,), (2,)), ((2,), (2,))],
}


@pytest.mark.slow
@pytest.mark.parametrize("stack", ONE_AXIS)
def test_one_axis_against_all_ways_to_share_out_roots(stack: str) -> None:
    layers = ONE_AXIS[stack]
    random = Random(stack)
    (length,) = size(layers)
    tried = 0
    while tried < 6:
        if tried % 2:  # a product, so that dilated layers have something to take
            made = convolved(
                [([random.randint(-3, 3) for _ in range(*k)], k, d) for k, d in layers]
            )
            row = [made.get((n,), 0) for n in range(length)]
        else:
            row = [random.randint(-4, 4) for _ in range(length)]
        if not (row[0] and row[-1]):
            continue
        try:
            wanted = ways_by_roots(row, layers)
        except AssertionError:  # roots too close together for floats
            continue
        tried += 1
        report = ca.factor(row, stack)
        assert (report.real, report.complex) == (bool(wanted["real"]), bool(wanted["complex"]))
        assert {f: w.count for f, w in report.ways.items() if f != "rational"} == {
            "real": wanted["real"],
            "complex": wanted["complex"],
        }
        assert multiplies_back(report)


def test_one_axis_by_the_number_of_real_roots() -> None:
    # Over R iff there are at least as many real roots as even filters (Kohn and others, 2022).
    random = Random(5)
    for stack, even in [("2,2,2", 3), ("2,2,3", 2), ("2,4", 2), ("3,3", 0), ("2,3", 1)]:
        (length,) = size([((int(k),), (1,)) for k in stack.split(",")])
        for _ in range(6):
            row = [random.randint(-5, 5) or 1 for _ in range(length)]
            roots = np.roots(row[::-1])
            real = int(sum(abs(root.imag) < 1e-9 for root in roots))
            assert ca.factor(row, stack).real is (real >= even), (row, stack)


def test_separable_iff_of_rank_one() -> None:
    random = Random(2)
    for number in range(60):
        if number % 2:
            column, row = ([random.randint(-2, 2) for _ in range(3)] for _ in range(2))
            kernel = np.outer(column, row)
        else:
            kernel = np.array([[random.randint(-1, 1) for _ in range(3)] for _ in range(3)])
        report = ca.factor(kernel, "3x1,1x3")
        separable = bool(np.linalg.matrix_rank(kernel) <= 1)
        assert (report.rational, report.real, report.complex) == (separable,) * 3


def test_two_by_two_against_the_equations_of_its_image() -> None:
    # 39 sextics cut out the complex image exactly; they are found by interpolation, elsewhere.
    from convalgebra.algebra.families import family_of
    from convalgebra.algebra.implicit.search import implicit_equations
    from convalgebra.language import parse

    equations = implicit_equations(family_of(parse("2x2,2x2")))
    assert len(equations.equations) == 39
    random = Random(3)
    seen = set()
    for number in range(60):
        entries = [random.randint(-1, 1) for _ in range(9)]
        if number % 3 == 0:  # of determinant and symmetry like the known products over C
            entries = [random.choice((1, 2)) if n % 2 == 0 else 0 for n in range(9)]
        made = equations.outside(entries) is None
        report = ca.factor(np.reshape(entries, (3, 3)), "2x2,2x2")
        assert report.complex is made
        seen.add((report.rational, report.real, report.complex))
    assert {(True, True, True), (False, False, False)} < seen


def test_all_products_of_small_filters() -> None:
    random = Random(4)
    filters = list(product((-1, 0, 1), repeat=4))
    for _ in range(60):
        one, other = random.choice(filters), random.choice(filters)
        kernel = convolved([(one, (2, 2), (1, 1)), (other, (2, 2), (1, 1))])
        assert ca.factor(nested(kernel, (3, 3)), "2x2,2x2").rational


def norm(one, other, square):
    """The product of one + other sqrt(square) and its conjugate."""
    a, b = multiplied(one, one), multiplied(other, other)
    return {
        place: a.get(place, 0) - square * b.get(place, 0)
        for place in a.keys() | b.keys()
        if a.get(place, 0) != square * b.get(place, 0)
    }


@pytest.mark.parametrize("square", [2, 5, -1, -3])
def test_norms_from_quadratic_fields(square: int) -> None:
    random = Random(square)

    def filter() -> dict:
        return {place: random.randint(-3, 3) or 1 for place in product(range(2), repeat=2)}

    for _ in range(2):
        kernel = norm(filter(), filter(), square)
        if max(kernel) != (2, 2):
            continue
        report = ca.factor(nested(kernel, (3, 3)), "2x2,2x2")
        pieces = sympy_pieces(kernel)
        assert sorted(p.shape for p in report.pieces for _ in range(p.multiplicity)) == sorted(
            tuple(n + 1 for n in piece) for piece in pieces
        )
        if pieces == [(2, 2)]:
            assert (report.rational, report.real, report.complex) == (False, square > 0, True)
            assert sympy_pieces(kernel, _root(square)) == [(1, 1), (1, 1)]
            (way,) = report.factorizations
            assert way.filters[0].field.modulus == (-square, 0, 1)
        assert multiplies_back(report)


def _root(square: int):
    from sympy import sqrt

    return sqrt(square)


def test_norms_from_a_cubic_field() -> None:
    # N(u + v a + w a^2) = u^3 + 2 v^3 + 4 w^3 - 6 u v w, a the cube root of 2.
    random = Random(7)

    def cube(*factors: dict) -> dict:
        one, two, three = factors
        return multiplied(multiplied(one, two), three)

    u, v, w = (
        {place: random.randint(-2, 2) or 1 for place in product(range(2), repeat=2)}
        for _ in range(3)
    )
    parts = [(1, cube(u, u, u)), (2, cube(v, v, v)), (4, cube(w, w, w)), (-6, cube(u, v, w))]
    kernel = {
        place: sum(times * part.get(place, 0) for times, part in parts)
        for place in product(range(4), repeat=2)
    }
    kernel = {place: value for place, value in kernel.items() if value}
    assert absolute_factors(kernel).factors == 3
    report = ca.factor(nested(kernel, (4, 4)), "2x2,3x3")
    # The real conjugate in one layer, the other two, which are complex conjugate, in the other.
    assert (report.rational, report.real, report.complex) == (False, True, True)
    assert (report.ways["real"].count, report.ways["complex"].count) == (1, 3)
    assert multiplies_back(report)
    assert ca.factor(nested(kernel, (4, 4)), "2x2,2x2,2x2").real is False


def test_dilated_filters_on_two_axes() -> None:
    random = Random(8)
    layers = [((2, 2), (1, 1)), ((2, 2), (2, 2))]
    for _ in range(10):
        filters = [([random.randint(-2, 2) or 1 for _ in range(4)], k, d) for k, d in layers]
        kernel = nested(convolved(filters), size(layers))
        assert ca.factor(kernel, "2x2,2x2d2").rational
        assert multiplies_back(ca.factor(kernel, "2x2,2x2d2"))
    kernel[1][1] += 1
    assert ca.factor(kernel, "2x2,2x2d2").complex is False


def test_orbits_of_complex_factors_on_a_lattice() -> None:
    # x^2 y^2 + x^2 + y^2 + 1 - 4xy in x^2, y^2: over C two factors in them, which in x, y are
    # again products of two each or stay whole; the layer 2x2d2 takes one factor in x^2, y^2.
    rows = ca.kernels.sources.kernel_of("laplacian_diagonal").rows()
    spread = np.zeros((5, 5), dtype=int)
    spread[::2, ::2] = rows
    report = ca.factor(spread, "2x2d2,2x2d2")
    assert (report.rational, report.real, report.complex) == (False, False, True)
    assert multiplies_back(report)
    assert ca.factor(spread, "3x3d2").rational
    mixed = ca.factor(spread, "3x3,2x2d2")
    assert (mixed.rational, mixed.real, mixed.complex) == (False, False, True)
    assert multiplies_back(mixed)


def test_three_axes() -> None:
    random = Random(9)
    for _ in range(4):
        filters = [
            ([random.randint(-2, 2) or 1 for _ in range(8)], (2, 2, 2), (1, 1, 1)) for _ in range(2)
        ]
        kernel = nested(convolved(filters), (3, 3, 3))
        report = ca.factor(kernel, "2x2x2,2x2x2")
        assert report.rational
        assert multiplies_back(report)
        kernel[1][1][1] += 1
        assert ca.factor(kernel, "2x2x2,2x2x2").complex is False


# -------------------------------------------------------------------------------- single rooms


def test_numbers_of_absolute_factors() -> None:
    # By hand: x^2 - 2 y^2, x^2 + y^2, x^3 - 2 y^3, x^2 + y^2 + 1, xy + 1, x^2 y^2 + xy + 1.
    cases = [
        ({(2, 0): 1, (0, 2): -2}, 2),
        ({(2, 0): 1, (0, 2): 1}, 2),
        ({(3, 0): 1, (0, 3): -2}, 3),
        ({(2, 0): 1, (0, 2): 1, (0, 0): 1}, 1),
        ({(1, 1): 1, (0, 0): 1}, 1),
        ({(2, 2): 1, (1, 1): 1, (0, 0): 1}, 2),
    ]
    for terms, count in cases:
        assert absolute_factors(terms).factors == count
        assert splitting(terms, count).field.degree == count


def test_a_wrong_conjugate_factor_is_noticed() -> None:
    terms = {(0, 0): 1, (0, 2): 1, (1, 1): -4, (2, 0): 1, (2, 2): 1}
    found = splitting(terms, 2)
    _verify(terms, found)
    wrong = dict(found.factor)
    wrong[1, 1] = (1,)
    with pytest.raises(ArithmeticError, match="do not multiply back"):
        _verify(terms, Conjugates(found.field, wrong))


def test_filters_that_do_not_multiply_back_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    from convalgebra.kernels.factoring import filters

    real = filters.products

    def wrong(*arguments):
        found = real(*arguments)
        first = dict(found.filters[0])
        first[max(first)] = (7,)
        return found._replace(filters=(first, *found.filters[1:]))

    monkeypatch.setattr(filters, "products", wrong)
    with pytest.raises(ArithmeticError, match="do not multiply back"):
        ca.factor("box3", "2x2,2x2")


def test_rational_factors_against_sympy() -> None:
    random = Random(11)
    for _ in range(12):
        one, other = (
            {p: random.randint(-3, 3) for p in product(range(3), repeat=2)} for _ in range(2)
        )
        terms = multiplied(
            {p: v for p, v in one.items() if v}, {p: v for p, v in other.items() if v}
        )
        low = [min(along) for along in zip(*terms, strict=True)]
        terms = {(y - low[0], x - low[1]): v for (y, x), v in terms.items()}
        _, factors = rational_factors(terms)
        found = sorted(f.degree for f in factors for _ in range(f.multiplicity))
        assert found == sympy_pieces(terms)


def test_large_coefficients() -> None:
    # fmpz_mpoly.factor of python-flint 0.9 fails on these.
    one = {(0, 0): 2**70 + 1, (0, 1): 3, (1, 0): 2**90}
    other = {(0, 0): 1, (0, 1): 2**80, (1, 1): 5}
    _, factors = rational_factors(multiplied(one, other))
    assert len(factors) == 2


def test_fields() -> None:
    field = Field((-2, 0, 0, 1))
    value = (1, 2, 3)
    assert field.times(value, field.inverse(value)) == (1,)
    assert field.minimal((0, 0, 1)) == (-4, 0, 0, 1)
    with pytest.raises(ZeroDivisionError):
        field.inverse(())


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4)), min_size=1, max_size=4),
    st.integers(-3, 40),
)
def test_steps_come_as_close_as_can_be(rooms, wanted: int) -> None:
    taken = _steps(rooms, wanted)
    assert all(0 <= n <= most for n, (most, _) in zip(taken, rooms, strict=True))
    totals = {
        sum(n * step for n, (_, step) in zip(counts, rooms, strict=True))
        for counts in product(*(range(most + 1) for most, _ in rooms))
    }
    total = sum(n * step for n, (_, step) in zip(taken, rooms, strict=True))
    assert abs(total - wanted) == min(abs(other - wanted) for other in totals)


def test_many_and_large_layers_are_soon_placed() -> None:
    assert _steps([(1, 1)] * 5000, 2500).count(1) == 2500
    assert _steps([(3000, 1)] * 3, 4500) == [1500] * 3


def test_assignments_are_counted() -> None:
    atoms = tuple(Atom(0, root, root, (1,), 1) for root in range(6))
    for groups in ([(0, 1, 2), (3, 4, 5)], [(0, 1), (2, 3), (4, 5)], [(0,), (1, 2, 3, 4, 5)]):
        rows = [tuple(group.count(n) for group in groups) for n in range(6)]
        assert assignments(groups, atoms) == len(set(_permutations(rows)))


def _permutations(rows):
    from itertools import permutations

    return permutations(rows)


def test_groupings_against_enumeration() -> None:
    # Every atom to every layer, equal layers made interchangeable by sorting.
    from convalgebra.algebra.one_channel.work import Work

    random = Random(12)
    for _ in range(60):
        degrees = [
            (random.randint(0, 2), random.randint(0, 2)) for _ in range(random.randint(1, 5))
        ]
        degrees = [d if any(d) else (1, 0) for d in degrees]
        layers = [
            Layer((random.randint(1, 3), random.randint(0, 3)), (1, 1))
            for _ in range(random.randint(1, 3))
        ]
        wanted = set()
        for homes in product(range(len(layers)), repeat=len(degrees)):
            groups = [tuple(n for n, h in enumerate(homes) if h == m) for m in range(len(layers))]
            if all(
                sum(degrees[n][axis] for n in group) <= layer.room[axis]
                for group, layer in zip(groups, layers, strict=True)
                for axis in range(2)
            ):
                wanted.add(tuple(sorted(zip(layers, groups, strict=True))))
        parts = tuple(Part((n,), d) for n, d in enumerate(degrees))
        counts = (1,) * len(degrees)
        found = [
            tuple(sorted(zip(layers, way, strict=True)))
            for way in groupings(layers, {(1, 1): parts}, counts, tuple(degrees), Work(10**6))
        ]
        assert len(found) == len(set(found))
        assert set(found) == wanted
        placed = exists(layers, [(part, 1) for part in parts], Work(10**6))
        assert (placed is not None) is bool(wanted)


def test_a_prime_that_divides_the_entries() -> None:
    # Modulo 2^31 - 1 all this is 1. With u = sqrt(p) x and v = sqrt(p) y it is
    # (1 + u^2) (1 + v^2), or the diagonal Laplacian in u and v: four roots, or two factors.
    prime = 2**31 - 1
    for middle, count in [(0, 4), (-4 * prime, 2)]:
        terms = {(0, 0): 1, (0, 2): prime, (1, 1): middle, (2, 0): prime, (2, 2): prime**2}
        terms = {place: value for place, value in terms.items() if value}
        _, pieces = rational_factors(terms)
        assert sum(absolute_factors(piece.terms).factors for piece in pieces) == count
        report = ca.factor(nested(terms, (3, 3)), "2x2,2x2")
        assert (report.rational, report.real, report.complex) == (False, False, True)
        assert multiplies_back(report)
