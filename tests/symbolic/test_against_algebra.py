"""The two engines agree: entry by entry here, products of polynomials in `algebra`."""

from __future__ import annotations

from random import Random

import pytest
from sympy import Eq, Mul, Symbol

from convalgebra.algebra import equiv
from convalgebra.language import parse
from convalgebra.symbolic import derive
from convalgebra.symbolic.equations import system


def random_pair(seed: int) -> tuple[str, str]:
    """A random chain, and a kernel of its stride that covers its patch, or not quite."""
    random = Random(seed)
    axes = random.choice((1, 2, 2, 3))
    layers, extent, stride = [], [1] * axes, [1] * axes
    for _ in range(random.choice((1, 2, 2, 3))):
        taps = [random.choice((1, 2, 3) if axes < 3 else (1, 2)) for _ in range(axes)]
        steps = [random.choice((1, 1, 1, 2)) for _ in range(axes)]
        dilation = [random.choice((1, 1, 2)) for _ in range(axes)]
        word = random.choice(("", "", "", "avg"))
        if word:
            dilation = [1] * axes
        for axis in range(axes):
            extent[axis] += dilation[axis] * (taps[axis] - 1) * stride[axis]
            stride[axis] *= steps[axis]
        written = [f"{letter}{_by(sizes)}" for letter, sizes in (("s", steps), ("d", dilation))]
        padding = random.choice(("", "p1", "p0:1")) if not word and max(taps) > 1 else ""
        layers.append(f"{word}{_by(taps)}{written[0]}{padding}{'' if word else written[1]}")
    sides = [side + random.choice((0, 0, 0, 1, -1)) for side in extent]
    padding = random.choice(("", "p1"))
    return f"{_by(max(1, side) for side in sides)}s{_by(stride)}{padding}", ", ".join(layers)


def _by(sizes: object) -> str:
    return "x".join(map(str, sizes))  # type: ignore[call-overload]


@pytest.mark.parametrize("seed", range(80))
def test_equations_are_the_same(seed: int) -> None:
    single, stack = random_pair(seed)
    report = equiv(single, stack)
    assert report.system is not None
    expected = [
        Eq(
            Symbol(equation.left) if equation.left else 0,
            sum(Mul(*map(Symbol, term)) for term in equation.terms) / equation.scale,
            evaluate=False,
        )
        for equation in report.system
    ]
    found = system(parse(single), parse(stack)).equations
    assert [e.lhs for e in found] == [e.lhs for e in expected]
    assert all((a.rhs - b.rhs).expand() == 0 for a, b in zip(found, expected, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("single", "stack"),
    [
        ("3x3", "2x2, 2x2"),
        ("5x5", "3x3, 3x3"),
        ("3x3", "3x1, 1x3"),
        ("4x4", "2x2, 2x2, 2x2"),
        ("4x4", "2x2, 2x2"),
        ("7x7", "3*(3x3)"),
        ("5", "2, 2d3"),
        ("3", "2, avg2s1"),
    ],
)
def test_codimensions_are_the_same(single: str, stack: str) -> None:
    found = derive(parse(single), parse(stack))
    report = equiv(single, stack)
    assert found.rank == report.stack.dimension.value
    assert len(found.equations) - found.rank == report.right_reproduces_left.codimension


def test_over_the_reals_in_one_axis() -> None:
    """F6: `3` is `2, 2` over the reals where the discriminant allows: `part`, not `all`."""
    assert equiv("3", "2, 2").right_reproduces_left.reach.real == "part"
    assert "a1^2 - 4*a0*a2 >= 0" in str(derive(parse("3"), parse("2, 2")))
