"""The equations of a kernel against a chain: written out by hand once, then against plain loops."""

from __future__ import annotations

from itertools import product
from math import prod
from random import Random
from typing import Any

import pytest
from calls import counted
from sympy import Eq, Symbol, solve, symbols

from convalgebra.errors import UnsupportedError
from convalgebra.language import parse
from convalgebra.symbolic import equations
from convalgebra.symbolic.equations import system

Kernel = dict[tuple[int, ...], int]


def test_the_nine_equations_of_two_2x2_in_a_3x3() -> None:
    a00, a01, a02, a10, a11, a12, a20, a21, a22 = symbols("a00 a01 a02 a10 a11 a12 a20 a21 a22")
    b00, b01, b10, b11, c00, c01, c10, c11 = symbols("b00 b01 b10 b11 c00 c01 c10 c11")
    assert equations(parse("3x3"), parse("2x2, 2x2")) == [
        Eq(a00, b00 * c00),
        Eq(a01, b00 * c01 + b01 * c00),
        Eq(a02, b01 * c01),
        Eq(a10, b00 * c10 + b10 * c00),
        Eq(a11, b00 * c11 + b01 * c10 + b10 * c01 + b11 * c00),
        Eq(a12, b01 * c11 + b11 * c01),
        Eq(a20, b10 * c10),
        Eq(a21, b10 * c11 + b11 * c10),
        Eq(a22, b11 * c11),
    ]


def composed(layers: list[tuple[Kernel, tuple[int, ...], tuple[int, ...]]]) -> Kernel:
    """What one output reads, tap by tap: (kernel, stride, dilation) of each layer, first first."""
    axes = len(layers[0][1])
    reach: Kernel = {(0,) * axes: 1}
    # From the output back: an output of layer n at place p reads its input at s p + d t.
    for kernel, stride, dilation in reversed(layers):
        found: Kernel = {}
        for place, weight in reach.items():
            for tap, value in kernel.items():
                steps = zip(place, tap, stride, dilation, strict=True)
                read = tuple(p * s + t * d for p, t, s, d in steps)
                found[read] = found.get(read, 0) + weight * value
        reach = found
    return reach


PAIRS = [
    ("3", "2, 2"),
    ("5", "3, 3"),
    ("9", "3, 2, 2d3, 4"),
    ("3x3", "3x1, 1x3"),
    ("5x5", "3x3, 3x3"),
    ("4x4", "2x2, 2x2, 2x2"),
    ("4x5", "2x3p1, 3x1, 1x3"),
    ("4x4s2", "2x2s2, 2x2"),
    ("4x4s2", "2x2, 3x3s2"),
    ("7x4s2x1", "3x2s2x1, 3x3p1"),
    ("7x7", "2x2, 3x3d2, 3x2d1x3"),
    ("3x3x3", "2x2x2, 2x2x2"),
    ("4x4", "2x2, 2x2"),
    ("2x2", "2x2, 2x2"),
    ("6x6", "3x3d2, 2x2"),
]


@pytest.mark.parametrize(("single", "stack"), PAIRS)
def test_equations_hold_for_what_plain_loops_compose(single: str, stack: str) -> None:
    random = Random(1)
    layers, values = [], {}
    for letter, node in zip("bcdef", parse(stack).nodes[1:], strict=False):
        layer = node.layer
        kernel = {tap: random.randint(-9, 9) for tap in product(*map(range, layer.size))}
        values |= {letter + "".join(map(str, tap)): value for tap, value in kernel.items()}
        layers.append((kernel, layer.stride, layer.dilation))
    expected = composed(layers)
    found = system(parse(single), parse(stack))
    assert found.equations == tuple(equations(parse(single), parse(stack)))
    for place, equation in zip(found.places, found.equations, strict=True):
        value = equation.rhs.subs({Symbol(name): number for name, number in values.items()})
        assert value == expected.pop(place[2:], 0)
    assert not any(expected.values())  # every input that the stack reads has its equation


@pytest.mark.parametrize(("single", "stack"), PAIRS)
def test_the_left_side_is_the_kernel(single: str, stack: str) -> None:
    sides = parse(single).nodes[1].layer.size
    found = system(parse(single), parse(stack))
    left: dict[Any, Any] = {
        place[2:]: equation.lhs
        for place, equation in zip(found.places, found.equations, strict=True)
    }
    kernel = {tap: Symbol("a" + "".join(map(str, tap))) for tap in product(*map(range, sides))}
    assert {place: value for place, value in left.items() if value != 0} == kernel


def test_equations_are_for_subs_and_solve() -> None:
    found = equations(parse("3"), parse("2, 2"))
    b0, b1, c0, c1, a0, a1, a2 = symbols("b0 b1 c0 c1 a0 a1 a2")
    assert found[0].subs({a0: 1, b0: 1, c0: 1}) == True  # noqa: E712  (sympy's true)
    solutions = solve([e.subs({a0: 1, a1: 3, a2: 2, b0: 1}) for e in found], [b1, c0, c1])
    assert sorted(solutions) == [(1, 1, 2), (2, 1, 1)]  # x^2 + 3x + 2 = (x + 1)(x + 2)


def test_fixed_averages_have_no_unknowns() -> None:
    a0, a1, a2, b0, b1 = symbols("a0 a1 a2 b0 b1")
    assert equations(parse("3"), parse("2, avg2s1")) == [
        Eq(a0, b0 / 2),
        Eq(a1, b0 / 2 + b1 / 2),
        Eq(a2, b1 / 2),
    ]


def test_biases_have_an_equation_of_their_own() -> None:
    a, b, c, c0, c1 = symbols("a_bias_0 b_bias_0 c_bias_0 c0 c1")
    assert equations(parse("3b"), parse("2b, 2b"))[-1] == Eq(a, b * c0 + b * c1 + c)


def test_several_channels() -> None:
    """a = C B as matrices, tap by tap: 2 channels, `1` against `1, 1`."""
    found = equations(parse("1"), parse("1, 1"), channels=2)
    pairs = list(product(range(2), repeat=2))  # (out, in)
    assert found == [
        Eq(
            Symbol(f"a0_{out}_{source}"),
            sum(Symbol(f"b0_{h}_{source}") * Symbol(f"c0_{out}_{h}") for h in range(2)),
        )
        for out, source in pairs
    ]


@pytest.mark.parametrize(
    ("single", "stack", "rank"),
    [
        ("3x3", "2x2, 2x2", 7),
        ("5x5", "3x3, 3x3", 17),
        ("4x4", "2x2, 2x2, 2x2", 10),
        ("3x3", "3x1, 1x3", 5),
        ("7x7", "3*(3x3)", 25),
        ("3", "2, 2", 3),
        ("3", "2, avg2s1", 2),
    ],
)
def test_ranks(single: str, stack: str, rank: int) -> None:
    """Weights less one scale a seam, where no layer is fixed: 8 - 1, 18 - 1, 12 - 2, 6 - 1, .."""
    found = system(parse(single), parse(stack))
    number, independent = found.rank()
    assert number == len(independent) == rank
    last_first = range(len(found.places))[::-1]
    assert found.rank(last_first)[0] == rank
    assert found.rank(last_first)[1] != independent or rank == len(found.places)


def test_places_where_the_stack_fits() -> None:
    assert system(parse("4x4"), parse("2x2, 2x2")).rooms == 4
    assert system(parse("3x3"), parse("2x2, 2x2")).rooms == 1


@pytest.mark.parametrize(
    ("single", "stack", "left"),
    [
        ("3p1", "1p0:0", ["a0", "a1", "a2"]),  # the stack has no padding: the first corner
        ("3p1", "2p1:0", ["a0", "a1", "a2"]),  # reads -1, 0 of -1, 0, 1
        ("3p1", "2p0:1", ["a0", "a1", "a2"]),  # reads 0, 1 of them
        ("3p1", "2p2:0", ["0", "a0", "a1", "a2"]),  # reads -2, -1
        ("3psame", "2psame", ["a0", "a1", "a2"]),  # the odd zero at the end: 0, 1
    ],
)
def test_padding_on_both_sides_places_the_stack(single: str, stack: str, left: list[str]) -> None:
    found = equations(parse(single), parse(stack))
    assert [str(equation.lhs) for equation in found] == left
    where = {
        "1p0:0": ["b0", "0", "0"],
        "2p1:0": ["b0", "b1", "0"],
        "2p0:1": ["0", "b0", "b1"],
        "2p2:0": ["b0", "b1", "0", "0"],
        "2psame": ["0", "b0", "b1"],
    }
    assert [str(equation.rhs) for equation in found] == where[stack]


@pytest.mark.parametrize(
    ("single", "stack", "message"),
    [
        ("3x3", "2x2, relu, 2x2", "relu (layer 2) is not linear"),
        ("3x3", "2x2, 2x2s2", "`3x3` moves by 1x1 and `2x2, 2x2s2` by 2x2"),
        ("3x3", "3", "`3x3` has 2 axes and `3` 1 axis"),
        ("2x2, 2x2", "3x3", "the left side of a derivation is a single kernel"),
        ("3x3", "2x2 + 2x2", "chains of convolutions only"),
        ("3x3", "convt3x3", "chains of convolutions only"),
        ("3x3", "id", "`id` has no convolution"),
        ("3x3", "3x3@2", "1 from `3x3`, 2 from `3x3@2`; write @2"),
        ("kxk", "3x3", "k is not known"),
        ("11x11", "5*(3x3)", "6,561 products of 4 weights"),
        ("3x3", "3x3d100000", "spans 200001x200001 inputs"),
        ("3", "999999999", "spans 999999999 inputs"),
        ("3", "1000*(1), 3", "1,001 layers, where 60 are the most"),
        ("3", "100000*(2)", "100,000 layers, where 60 are the most"),
    ],
)
def test_refused_at_once(single: str, stack: str, message: str) -> None:
    one, other = parse(single), parse(stack)
    with counted(3_000_000), pytest.raises(UnsupportedError) as caught:
        equations(one, other)
    assert message in str(caught.value)


def test_the_largest_that_is_written_out() -> None:
    found = equations(parse("7x7"), parse("3*(3x3)"))
    assert sum(len(e.rhs.args) if e.rhs.is_Add else 1 for e in found) == prod([9, 9, 9])
