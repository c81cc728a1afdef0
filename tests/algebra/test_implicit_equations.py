"""Implicit equations: their number, that they hold, that nothing is missed."""

import csv
import re
import subprocess
import sys
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product
from math import comb
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.algebra.families import family_of
from convalgebra.algebra.implicit.search import implicit_equations
from convalgebra.language import parse

from .oracles import Layer, rank_mod, response, text_of

Q = 32_003  # a prime that the engine does not use


@cache
def found(stack, channels=1, **options):
    return implicit_equations(family_of(parse(stack), channels), **options)


def at(equation, values):
    """A polynomial {((variable, power), ..): coefficient}, term by term."""
    total = 0
    for powers, coefficient in equation.items():
        for variable, power in powers:
            coefficient *= values[variable] ** power
        total += coefficient
    return total


def chain(*taps, strides=None, dilations=None):
    axes = len(taps[0])
    ones = [(1,) * axes] * len(taps)
    zero = (0,) * axes
    return [
        Layer(size, stride, dilation, zero)
        for size, stride, dilation in zip(taps, strides or ones, dilations or ones, strict=True)
    ]


def member(random, layers, most=9):
    """A merged kernel with random weights, by plain loops."""
    weights = [{tap: random.randint(-most, most) for tap in layer.places()} for layer in layers]
    return response(layers, weights)


def places_of(layers):
    """Where a merged kernel has taps."""
    ones = [dict.fromkeys(layer.places(), 1) for layer in layers]
    return sorted(response(layers, ones))


CHAINS = {
    "2x2,2x2": chain((2, 2), (2, 2)),
    "3x1,1x3": chain((3, 1), (1, 3)),
    "2x2,2x1": chain((2, 2), (2, 1)),
    "2x3,2x1": chain((2, 3), (2, 1)),
    "2s2,2": chain((2,), (2,), strides=[(2,), (1,)]),
    "3s2,2": chain((3,), (2,), strides=[(2,), (1,)]),
    "2,2d3,2d2": chain((2,), (2,), (2,), dilations=[(1,), (3,), (2,)]),
    "2x1,1x2,2x2d2": chain((2, 1), (1, 2), (2, 2), dilations=[(1, 1), (1, 1), (2, 2)]),
}


@pytest.mark.parametrize(
    ("stack", "degrees", "complete"),
    [
        ("2x2,2x2", {6: 39}, False),
        ("3x1,1x3", {2: 9}, False),
        ("2x2,2x1", {4: 1}, True),
        ("2x3,2x1", {3: 1, 4: 6}, False),
        ("2s2,2", {2: 1}, True),
        ("3s2,2", {3: 1}, True),
        ("2,2", {}, True),
    ],
)
def test_published_numbers(stack, degrees, complete):
    equations = found(stack)
    assert equations.degrees == degrees
    assert equations.complete is complete
    assert equations.minimal
    assert equations.cuts_out
    assert equations.stopped is None
    if degrees:
        assert equations.empty_up_to == min(degrees) - 1
        assert equations.searched_up_to == (None if complete else max(degrees))
    else:
        assert (equations.empty_up_to, equations.searched_up_to) == (None, None)


KINDS = {"quadric": 2, "cubic": 3, "quartic": 4, "sextic": 6}


def rows_with_equations():
    with (Path(__file__).parent.parent / "data" / "algebra.csv").open() as file:
        return [row for row in csv.DictReader(file, delimiter=";") if row["equations"]]


@pytest.mark.parametrize("row", rows_with_equations(), ids=lambda row: row["stack"])
def test_published_equations(row):
    said, family = row["equations"], family_of(parse(row["stack"]))
    counts = re.findall(r"(\d+) (quadric|cubic|quartic|sextic)s?\b", said)
    expected = {KINDS[kind]: int(count) for count, kind in counts}
    if said == "w1*w2 - w0*w3":
        expected = {2: 1}
    assert expected or said.startswith("none")
    equations = implicit_equations(family)
    assert equations.degrees == expected
    if said == "w1*w2 - w0*w3":
        (equation,) = equations.equations
        assert {frozenset(n for n, _ in factors) for factors in equation} == {
            frozenset({1, 2}),
            frozenset({0, 3}),
        }
        assert sum(equation.values()) == 0
    if expected:
        assert equations.empty_up_to == min(expected) - 1


def test_every_row_with_equations_is_there():
    assert len(rows_with_equations()) == 7


@pytest.mark.parametrize("stack", CHAINS)
def test_equations_hold_on_kernels_merged_by_plain_loops(stack):
    layers, equations, random = CHAINS[stack], found(stack), Random(5)
    places = places_of(layers)
    assert [place.exponent for place in equations.coordinates] == places
    assert equations.equations
    for _ in range(20):
        kernel = member(random, layers)
        values = [kernel.get(place, 0) for place in places]
        assert not any(at(equation, values) for equation in equations.equations)
        assert equations.outside(values) is None


@pytest.mark.parametrize("stack", CHAINS)
def test_other_kernels_violate_them(stack):
    equations, random = found(stack), Random(6)
    for _ in range(20):
        values = [random.randint(-99, 99) for _ in equations.coordinates]
        number = equations.outside(values)
        assert number is not None
        assert at(equations.equations[number], values) != 0
        assert not any(at(equation, values) for equation in equations.equations[:number])


def test_by_expanding_with_sympy():
    from sympy import expand, symbols

    for stack in ("2x3,2x1", "2x2,2x1", "3s2,2", "2,2d3,2d2"):
        layers = CHAINS[stack]
        kernel = {(0,) * len(layers[0].taps): 1}
        step = (1,) * len(layers[0].taps)
        for number, layer in enumerate(layers):
            grown = {}
            for count, tap in enumerate(layer.places()):
                weight = symbols(f"w{number}_{count}")
                for place, value in kernel.items():
                    spot = tuple(
                        p + s * d * u
                        for p, s, d, u in zip(place, step, layer.dilation, tap, strict=True)
                    )
                    grown[spot] = grown.get(spot, 0) + weight * value
            kernel = grown
            step = tuple(a * b for a, b in zip(step, layer.stride, strict=True))
        values = [kernel[place] for place in sorted(kernel)]
        for equation in found(stack).equations:
            assert expand(at(equation, values)) == 0
            changed = dict(equation)
            changed[next(iter(changed))] += 1
            assert expand(at(changed, values)) != 0


@pytest.mark.parametrize("stack", ["2s2,2", "2x1,1x2", "3s2,2"])
def test_elimination_by_groebner_bases(stack):
    from sympy import groebner, symbols

    family = family_of(parse(stack))
    weights = symbols(f"w0:{family.weights}")
    places = symbols(f"a0:{family.ambient}")
    values = family.exact_values(weights)
    system = [place - value for place, value in zip(places, values, strict=True)]
    basis = groebner(system, *weights, *places, order="lex")
    eliminated = [one for one in basis.exprs if not one.free_symbols & set(weights)]
    (equation,) = found(stack).equations
    (other,) = eliminated
    assert (at(equation, places) - other).expand() == 0 or (
        at(equation, places) + other
    ).expand() == 0


def test_box_satisfies_all_sextics_though_it_is_no_real_product():
    sextics = found("2x2,2x2")
    assert sextics.outside([1] * 9) is None  # (1 + x + x^2)(1 + y + y^2), regrouped over C
    laplacian = [0, 1, 0, 1, -4, 1, 0, 1, 0]
    assert sextics.outside(laplacian) is not None
    sobel = [1, 0, -1, 2, 0, -2, 1, 0, -1]
    assert sextics.outside(sobel) is None


# Nothing is missed: all monomials at once, at points from plain loops, over another prime


def count_equations(points, variables, degree):
    """The number of independent forms of a degree that vanish at many points, mod Q."""
    monomials = list(combinations_with_replacement(range(variables), degree))
    rows = []
    for values in points[: len(monomials) + 3]:
        row = []
        for monomial in monomials:
            term = 1
            for variable in monomial:
                term = term * values[variable] % Q
            row.append(term)
        rows.append(row)
    assert len(rows) >= len(monomials)
    return len(monomials) - rank_of(rows)


def rank_of(rows):
    from flint import nmod_mat

    return int(nmod_mat(len(rows), len(rows[0]), [x for row in rows for x in row], Q).rank())


def count_generated(equations, variables, degree):
    """The dimension of what the equations generate in a degree, mod Q."""
    monomials = list(combinations_with_replacement(range(variables), degree))
    numbers = {monomial: number for number, monomial in enumerate(monomials)}
    rows = []
    for equation in equations:
        forms = {
            tuple(v for v, power in powers for _ in range(power)): c % Q
            for powers, c in equation.items()
        }
        missing = degree - len(next(iter(forms)))
        if missing < 0:
            continue
        for factor in combinations_with_replacement(range(variables), missing):
            row = [0] * len(monomials)
            for monomial, coefficient in forms.items():
                row[numbers[tuple(sorted(monomial + factor))]] = coefficient
            rows.append(row)
    return rank_of(rows) if rows else 0


@pytest.mark.parametrize(
    ("stack", "most"),
    [
        ("2x2,2x2", 3),
        ("3x1,1x3", 3),
        ("2x2,2x1", 4),
        ("2x3,2x1", 4),
        ("3s2,2", 5),
        ("2,2d3,2d2", 4),
    ],
)
def test_nothing_is_missed(stack, most):
    layers, random = CHAINS[stack], Random(7)
    places = places_of(layers)
    equations = found(stack, max_degree=most)
    points = []
    for _ in range(comb(len(places) + most - 1, most) + 3):
        kernel = member(random, layers, Q)
        points.append([kernel.get(place, 0) % Q for place in places])
    for degree in range(1, most + 1):
        seen = count_equations(points, len(places), degree)
        assert seen == count_generated(equations.equations, len(places), degree)


layers_of_2 = st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2))


@settings(max_examples=40)
@given(st.lists(st.tuples(layers_of_2, layers_of_2), min_size=1, max_size=3), st.integers(0, 99))
def test_nothing_is_missed_in_random_chains(sizes, seed):
    layers = [
        Layer(
            tuple(along[0] for along in axes),
            tuple(along[1] for along in axes),
            tuple(along[2] for along in axes),
            (0, 0),
        )
        for axes in sizes
    ]
    places = places_of(layers)
    degree = 3 if len(places) <= 9 else 2
    if comb(len(places) + degree - 1, degree) > 200:
        return
    equations = implicit_equations(family_of(parse(text_of(layers))), max_degree=degree)
    random = Random(seed)
    points = []
    for _ in range(comb(len(places) + degree - 1, degree) + 3):
        kernel = member(random, layers, Q)
        points.append([kernel.get(place, 0) % Q for place in places])
    seen = count_equations(points, len(places), degree)
    assert seen == count_generated(equations.equations, len(places), degree)


# Several channels


@pytest.mark.parametrize(("channels", "hidden"), [(2, 1), (3, 1), (3, 2), (4, 2)])
def test_matrices_of_low_rank_are_cut_out_by_minors(channels, hidden):
    minors = found(f"1@{hidden}, 1@{channels}", channels)
    assert minors.degrees == {hidden + 1: comb(channels, hidden + 1) ** 2}
    assert minors.empty_up_to == hidden
    assert minors.complete is (channels == hidden + 1)


def test_the_determinant():
    from sympy import Matrix, symbols

    (equation,) = found("1@2, 1@3", 3).equations
    entries = symbols("a0:9")
    determinant = Matrix(3, 3, entries).det()
    assert (at(equation, entries) - determinant).expand() == 0


def test_depthwise_layers_are_told_apart_channel_by_channel():
    three = found("dw2x2, dw2x2", 3)
    assert three.degrees == {6: 3 * 39}
    assert (three.dimension, three.independent, three.ambient) == (21, 6, 27)
    for equation in three.equations:
        sources = {three.coordinates[v].source for powers in equation for v, _ in powers}
        assert len(sources) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stack", "channels"),
    [
        ("dw2, 1@2", 2),
        ("2x2b, 2x2b", 1),
        ("(2x2, 2x2) + id", 1),
        ("(2x2, 2x2) + 1x1", 1),
        ("(2s1, 2d2) + id", 1),
        ("(avg2s1, 2, 2d3) + id", 1),
        ("avg2x2s1, 2x2", 1),
        ("2s2, convt2s2", 1),
        ("1@2b, 1@3b", 3),
        ("2g2, 1@2", 2),
        ("2d2, 2d2, 2d2, 3d2", 1),
        ("shared f = 2x2; f, f", 1),
        ("shared f = 2; f + id, f", 1),
        ("avg2s2, avg2s1", 1),
        ("cat(2s1, 2d2 | id)", 1),
    ],
)
def test_equations_of_any_stack_hold_at_random_members(stack, channels):
    family = family_of(parse(stack), channels)
    equations = implicit_equations(family)
    assert equations.complete or equations.cuts_out
    assert len(equations.equations) >= equations.codimension
    random = Random(8)
    for _ in range(10):
        values = family.exact_values([random.randint(-9, 9) for _ in range(family.weights)])
        assert equations.outside(values) is None
        for equation in equations.equations:
            assert at(equations.expanded(equation), values) == 0
    if equations.equations:
        changed = [value + random.choice((-3, -1, 2, 5)) for value in values]
        assert equations.outside(changed) is not None


def test_a_bias_is_free():
    plain, biased = found("2x2, 2x2"), found("2x2b, 2x2b")
    assert biased.degrees == {6: 39}
    assert (biased.ambient, biased.dimension) == (10, 8)
    assert plain.equations == biased.equations  # the constant comes last


def test_id_in_a_sum_moves_the_centre():
    plain, moved = found("2s1, 2d2"), found("(2s1, 2d2) + id")
    assert plain.equations == moved.equations
    assert [int(value) for value in moved.centre] == [1, 0, 0, 0]
    (equation,) = moved.equations
    # (a0 - 1) a3 - a1 a2
    assert moved.expanded(equation) == {((0, 1), (3, 1)): 1, ((3, 1),): -1, ((1, 1), (2, 1)): -1}


def test_linear_equations_of_averages():
    # avg2s1 then 2: (b0, b0 + b1, b1) / 2.
    line = found("avg2s1, 2")
    assert line.complete
    assert line.equations == ({((0, 1),): 1, ((1, 1),): -1, ((2, 1),): 1},)
    fixed = found("avg2s2")
    assert fixed.complete
    assert fixed.degrees == {1: 2}
    assert fixed.outside([Fraction(1, 2), Fraction(1, 2)]) is None
    assert fixed.outside([Fraction(1, 2), Fraction(1, 3)]) is not None


# Budgets


def test_a_budget_stops_between_degrees():
    wide = found("3x3, 3x3", budget=300_000_000)
    assert wide.equations == ()
    assert wide.empty_up_to == wide.searched_up_to >= 2
    assert not wide.complete
    assert f"degree {wide.searched_up_to + 1} has" in wide.stopped
    less = found("3x3, 3x3", budget=30_000_000)
    assert less.searched_up_to < wide.searched_up_to


def test_the_degree_can_be_limited():
    low = found("2x2, 2x2", max_degree=5)
    assert (low.equations, low.empty_up_to, low.stopped) == ((), 5, None)
    assert not low.complete
    high = found("3x1, 1x3", max_degree=4)
    assert high.degrees == {2: 9}
    assert high.searched_up_to == 4


@pytest.mark.parametrize(
    ("stack", "channels"), [("101x101, 3x3", 1), ("2x2@64, 2x2@64", 64), ("3x3@512,3x3@512", 512)]
)
def test_what_is_too_large_is_not_begun(stack, channels):
    nothing = found(stack, channels)
    assert nothing.stopped
    assert (nothing.equations, nothing.empty_up_to, nothing.searched_up_to) == ((), 0, 0)
    assert not nothing.complete


def test_a_known_dimension_saves_the_rank():
    kernel = implicit_equations(family_of(parse("101x101")), dimension=101 * 101)
    assert kernel.complete
    assert kernel.equations == ()


# Over a finite field everything can be tried


@pytest.mark.parametrize("q", [2, 3])
def test_members_over_a_small_field_satisfy_them(q):
    for stack, kernels in (("2s2, 2", 4), ("2x1, 1x2", 4)):
        made = set()
        for b, c in product(product(range(q), repeat=2), repeat=2):
            values = family_of(parse(stack)).values([*b, *c], q)
            made.add(tuple(values))
        zeros = {
            kernel
            for kernel in product(range(q), repeat=kernels)
            if not any(at(equation, kernel) % q for equation in found(stack).equations)
        }
        assert made == zeros


def test_equations_import_neither_sympy_nor_numpy():
    program = """
import sys
from convalgebra.algebra.families import family_of
from convalgebra.algebra.implicit.search import implicit_equations
from convalgebra.render.implicit_text import implicit_latex, implicit_text
from convalgebra.language import parse
found = implicit_equations(family_of(parse("2x2, 2x1")))
implicit_text(found), implicit_latex(found), found.claims("left")
print(*[name for name in ("sympy", "numpy", "torch") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_the_rank_oracle():
    rows = [[1, 2, 3], [2, 4, 6], [0, 1, 1]]
    assert rank_of(rows) == rank_mod(rows, Q) == 2
