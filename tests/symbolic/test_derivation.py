"""Derivations: both solutions put back, exactly; known kernels; where the hand stops."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

import pytest
from sympy import Eq, I, Integer, Rational, Symbol, fraction, prem, sqrt, symbols, together

from convalgebra.errors import UnsupportedError
from convalgebra.language import parse
from convalgebra.symbolic import Derivation, derive

SOLVED = [  # single, stack, equations solved, conditions left
    ("3x3", "2x2, 2x2", 7, 2),
    ("3", "2, 2", 3, 0),
    ("4", "2, 3", 4, 0),
    ("4", "2, 2, 2", 4, 0),
    ("3x3", "3x1, 1x3", 5, 4),
    ("4x4", "2x4, 3x1", 10, 6),
    ("3x3s2", "2x2, 2x2s2", 7, 2),
    ("4x4s2", "2x2s2, 2x2", 7, 9),
    ("2x2x2", "2x1x1, 1x2x2", 5, 3),
    ("4x4", "2x2, 2x2", 7, 9),
    ("5", "2, 2d3", 3, 2),
    ("3", "2, avg2s1", 2, 1),
    ("3x3b", "2x2b, 2x2b", 8, 2),
    pytest.param("4x4", "3x3, 2x2", 12, 4, marks=pytest.mark.slow),
]


@cache
def derived(single: str, stack: str) -> Derivation:
    return derive(parse(single), parse(stack))


def values_of(derivation: Derivation, seed: int) -> dict[Symbol, Any]:
    """Random weights with the idle scales as chosen, the A they make, and the roots."""
    random = Random(seed)
    fixed = {equation.lhs: equation.rhs for equation in derivation.fixed}
    weights = {s for equation in derivation.equations for s in equation.rhs.free_symbols}
    values: dict[Symbol, Any] = {
        w: Rational(random.choice((-1, 1)) * random.randint(1, 99), random.randint(1, 9))
        for w in sorted(weights, key=str)
    }
    values |= fixed
    for equation in derivation.equations:
        if equation.lhs != 0:
            values[equation.lhs] = equation.rhs.xreplace(values)
    for move in derivation.elimination.moves:
        if move.root is not None:
            values[move.value] = values[move.unknown]
    return values


@pytest.mark.slow
@pytest.mark.parametrize(("single", "stack", "moves", "conditions"), SOLVED)
def test_numbers_of_equations_solved_and_left(
    single: str, stack: str, moves: int, conditions: int
) -> None:
    found = derived(single, stack)
    assert len(found.elimination.moves) == moves == found.rank
    assert len(found.conditions) == conditions == len(found.equations) - moves
    assert not found.elimination.open
    assert not found.elimination.given_up


@pytest.mark.parametrize(("single", "stack", "moves", "conditions"), SOLVED)
def test_solution_two_gives_back_what_made_the_kernel(
    single: str, stack: str, moves: int, conditions: int
) -> None:
    """Exactly, in rational numbers: roots and conditions vanish on products, and B, C come back."""
    found = derived(single, stack)
    for seed in range(3):
        values = values_of(found, seed)
        for polynomial in (*found.roots.values(), *found.conditions):
            assert polynomial.xreplace(values).expand() == 0
        for weight, value in found.solution.items():
            assert value.xreplace(values) == values[weight]
        assert all(divisor.xreplace(values) != 0 for divisor in found.elimination.divisors)


@pytest.mark.parametrize(
    ("single", "stack"), [(single, stack) for single, stack, *_ in SOLVED[:-1]]
)
def test_solved_equations_hold_identically(single: str, stack: str) -> None:
    """Solution two put into the equations it solves: 0 modulo the roots, for all letters a."""
    found = derived(single, stack)
    for move in found.elimination.moves:
        equation = found.equations[move.equation]
        difference = (equation.lhs - equation.rhs).xreplace(found.solution)
        value, below = fraction(together(difference))
        assert below != 0
        for root, polynomial in reversed(found.roots.items()):
            value = prem(value.expand(), polynomial, root)
        assert value.expand() == 0


@pytest.mark.parametrize(("single", "stack", "moves", "conditions"), SOLVED)
def test_conditions_are_not_empty_words(
    single: str, stack: str, moves: int, conditions: int
) -> None:
    """Each condition fails when the number of A that its equation is about is changed."""
    found = derived(single, stack)
    values = values_of(found, 5)
    for number, condition in found.elimination.conditions:
        changed = values | {found.equations[number].lhs: Integer(12345)}
        assert condition.xreplace(changed).expand() != 0


def test_two_2x2_step_by_step() -> None:
    found = derived("3x3", "2x2, 2x2")
    a00, a01, a02, a10, a20, s, t = symbols("a00 a01 a02 a10 a20 s t")
    assert found.fixed == (Eq(Symbol("b00"), Integer(1)),)
    assert found.roots == {t: a00 * t**2 - a01 * t + a02, s: a00 * s**2 - a10 * s + a20}
    assert [(str(m.unknown), m.equation) for m in found.elimination.moves] == [
        ("c00", 0),
        ("c01", 1),
        ("b01", 2),
        ("c10", 3),
        ("b10", 6),
        ("c11", 4),
        ("b11", 5),
    ]
    assert found.solution[Symbol("c01")] == a01 - a00 * t
    assert found.solution[Symbol("c10")] == a10 - a00 * s
    assert [number for number, _ in found.elimination.conditions] == [7, 8]
    assert found.independent == (0, 1, 2, 3, 4, 5, 6)


def kernel(rows: str) -> dict[Symbol, Any]:
    numbers = [list(map(int, row.split())) for row in rows.split("/")]
    return {Symbol(f"a{i}{j}"): Integer(numbers[i][j]) for i in range(3) for j in range(3)}


def choices(found: Derivation, values: dict[Symbol, Any]) -> list[list[Any]]:
    """The values of the conditions, for all choices of the roots of the two quadratics."""
    t, s = symbols("t s")
    a00, a01, a02, a10, a20 = (values[Symbol(f"a{n}")] for n in ("00", "01", "02", "10", "20"))
    results = []
    for one in (1, -1):
        for other in (1, -1):
            roots = {
                t: (a01 + one * sqrt(a01**2 - 4 * a00 * a02)) / (2 * a00),
                s: (a10 + other * sqrt(a10**2 - 4 * a00 * a20)) / (2 * a00),
            }
            results.append([c.xreplace(values | roots).expand() for c in found.conditions])
    return results


def test_the_box_is_a_product_of_complex_filters() -> None:
    """F7: the box is a product over C; its t and s are the complex cube roots of -1."""
    found = derived("3x3", "2x2, 2x2")
    box = kernel("1 1 1 / 1 1 1 / 1 1 1")
    assert all(value == 0 for values in choices(found, box) for value in values)
    t = (1 + sqrt(3) * I) / 2
    roots = {Symbol("t"): t, Symbol("s"): t}
    filters = {w: v.xreplace(box | roots).simplify() for w, v in found.solution.items()}
    for equation in found.equations:
        assert (equation.lhs.xreplace(box) - equation.rhs.xreplace(filters)).expand() == 0


def test_a_sum_of_three_squares_is_no_product() -> None:
    """x^2 + y^2 + 1 is irreducible: no choice of the roots meets both conditions."""
    found = derived("3x3", "2x2, 2x2")
    values = choices(found, kernel("1 0 1 / 0 0 0 / 1 0 0"))
    assert len(values) == 4
    assert all(any(value != 0 for value in both) for both in values)


def test_products_and_only_products_among_known_kernels() -> None:
    """F7: the binomial is a product over Q, the 8-neighbour Laplacian over no field."""
    found = derived("3x3", "2x2, 2x2")
    binomial = choices(found, kernel("1 2 1 / 2 4 2 / 1 2 1"))
    assert [0, 0] in binomial
    laplacian = choices(found, kernel("1 1 1 / 1 -8 1 / 1 1 1"))
    assert [0, 0] not in laplacian


def test_one_axis_is_a_quadratic() -> None:
    found = derived("3", "2, 2")
    a0, a1, a2, b1, c0, c1, t = symbols("a0 a1 a2 b1 c0 c1 t")
    assert found.solution == {Symbol("b0"): 1, c0: a0, c1: a1 - a0 * t, b1: t}
    assert found.roots == {t: a0 * t**2 - a1 * t + a2}
    assert found.conditions == ()
    (last, _) = found.steps[-2:]
    assert any(str(formula) == "-4*a0*a2 + a1**2 >= 0" for formula in last.formulas)


def test_shared_layers_leave_no_idle_scale() -> None:
    found = derived("3", "shared f = 2; f, f")
    a0, a1, t = symbols("a0 a1 t")
    assert found.fixed == ()
    assert found.roots == {t: t**2 - a0}
    assert found.solution[Symbol("b1")] == a1 / (2 * t)
    assert len(found.conditions) == 1


def test_a_kernel_too_small_for_the_stack() -> None:
    found = derived("2", "2, 2")
    assert found.equations[2] == Eq(Integer(0), symbols("b1") * symbols("c1"), evaluate=False)
    assert found.solution[Symbol("b1")] == 0
    (move,) = [m for m in found.elimination.moves if m.others]
    assert move.equation == 2


def test_where_the_hand_stops_the_rank_goes_on() -> None:
    """M4: 5x5 against two 3x3: 17 of 25, codimension 8; the edges leave a sextic."""
    found = derived("5x5", "3x3, 3x3")
    assert len(found.elimination.moves) == 9
    assert len(found.elimination.open) == 16
    assert not found.conditions
    assert (found.rank, len(found.equations) - found.rank) == (17, 8)
    assert set(range(3)) | {5, 6, 7, 10, 11, 12} <= set(found.independent)
    text = str(found)
    assert "one equation of degree 6 in b01" in text
    assert "codimension 8" in text


def test_what_was_solved_before_the_stop_is_true() -> None:
    found = derived("5x5", "3x3, 3x3")
    values = values_of(found, 0)
    for move in found.elimination.moves:
        assert move.value.xreplace(values) == values[move.unknown]
    for _, expression in found.elimination.open:
        assert expression is None or expression.xreplace(values).expand() == 0


@pytest.mark.slow
def test_three_2x2_have_ten_equations_solved_and_six_left() -> None:
    found = derived("4x4", "2x2, 2x2, 2x2")
    assert (len(found.elimination.moves), found.rank) == (10, 10)
    left = [n for n, _ in found.elimination.conditions] + list(found.elimination.given_up)
    assert len(left) == 6
    values = values_of(found, 1)
    for polynomial in (*found.roots.values(), *found.conditions):
        assert polynomial.xreplace(values).expand() == 0


@pytest.mark.parametrize(
    ("single", "stack", "message"),
    [
        ("3x3@2", "2x2@2, 2x2", "leave out the @"),
        ("3x3", "2x2@4, 2x2@1", "leave out the @"),
        ("11x11", "5*(3x3)", "too long to write out"),
        ("3x3", "2x2, relu, 2x2", "is not linear"),
    ],
)
def test_refused(single: str, stack: str, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        derived(single, stack)


def test_to_dict_is_json() -> None:
    found = derived("3", "2, 2").to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["schema"] == "convalgebra.derivation/1"
    assert found["equations"] == [["a0", "b0*c0"], ["a1", "b0*c1 + b1*c0"], ["a2", "b1*c1"]]
    assert found["solved"][2] == {
        "equation": 2,
        "using": [],
        "unknown": "b1",
        "value": "t",
        "root_of": "a0*t**2 - a1*t + a2",
    }
