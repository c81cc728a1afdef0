"""The derivation, as one does it by hand: a single kernel against a chain of one-channel layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Eq, Expr, S, Symbol, expand

from convalgebra.errors import UnsupportedError
from convalgebra.network import Network
from convalgebra.symbolic.elimination import Elimination, eliminate
from convalgebra.symbolic.engine import written
from convalgebra.symbolic.equations import System, system
from convalgebra.symbolic.rows import Weights
from convalgebra.symbolic.steps import Facts, Step
from convalgebra.symbolic.steps_backward import steps_backward
from convalgebra.symbolic.steps_forward import steps_forward


@dataclass(frozen=True, repr=False)
class Derivation:
    """How a single kernel and a chain of layers are the same, both ways.

    `equations` say it, the single kernel on the left: solution one. `fixed` is what the idle scales
    allow to choose, `elimination` solution two, as far as one gets by hand. `rank` is that of the
    Jacobian of the right sides at a random point, `independent` as many equations, by number.

    >>> from convalgebra.language import parse
    >>> found = derive(parse("3x3"), parse("2x2, 2x2"))
    >>> len(found.equations), found.equations[1]
    (9, Eq(a01, b00*c01 + b01*c00))
    >>> len(found.elimination.moves), len(found.conditions), found.rank
    (7, 2, 7)
    """

    single: str
    stack: str
    equations: tuple[Eq, ...]
    fixed: tuple[Eq, ...]
    elimination: Elimination
    rank: int
    independent: tuple[int, ...]
    steps: tuple[Step, ...]

    @property
    def solution(self) -> dict[Symbol, Expr]:
        """Solution two: the weights of the stack in terms of A and the named roots."""
        return {equation.lhs: equation.rhs for equation in self.fixed} | self.elimination.solution

    @property
    def roots(self) -> dict[Symbol, Expr]:
        """The roots that were named, each with the polynomial that it is a root of."""
        return self.elimination.roots

    @property
    def conditions(self) -> tuple[Expr, ...]:
        """What has to be 0 for A to be such a stack, in terms of A and the named roots."""
        return tuple(condition for _, condition in self.elimination.conditions)

    def to_dict(self) -> dict[str, Any]:
        """The derivation as plain values, ready for JSON."""
        found = self.elimination
        return {
            "schema": "convalgebra.derivation/1",
            "single": self.single,
            "stack": self.stack,
            "equations": [[str(e.lhs), str(e.rhs)] for e in self.equations],
            "fixed": {str(e.lhs): int(e.rhs) for e in self.fixed},
            "solved": [
                {
                    "equation": move.equation,
                    "using": list(move.using),
                    "unknown": str(move.unknown),
                    "value": str(move.value),
                    "root_of": None if move.root is None else str(move.root),
                }
                for move in found.moves
            ],
            "nonzero": [str(divisor) for divisor in found.divisors],
            "conditions": [{"equation": n, "zero": str(e)} for n, e in found.conditions],
            "holding": list(found.holding),
            "not_written_out": list(found.given_up),
            "open": [number for number, _ in found.open],
            "rank": self.rank,
            "independent": list(self.independent),
        }

    def __repr__(self) -> str:
        return f"Derivation({self.single} | {self.stack}, {len(self.equations)} equations)"

    def __str__(self) -> str:
        from convalgebra.render.derivation_text import derivation_to_text

        return derivation_to_text(self)

    def _repr_html_(self) -> str:
        from convalgebra.render.derivation_latex import derivation_to_html

        return derivation_to_html(self)


def derive(single: Network, stack: Network) -> Derivation:
    """The derivation of `single`, one kernel, against `stack`, a chain of one-channel layers.

    >>> from convalgebra.language import parse
    >>> found = derive(parse("3"), parse("2, 2"))
    >>> found.solution
    {b0: 1, c0: a0, c1: -a0*t + a1, b1: t}
    >>> found.roots
    {t: a0*t**2 - a1*t + a2}

    Raises UnsupportedError for several channels, for anything but chains of convolutions of the
    same total stride, and for equations too long to be read.
    """
    equations = system(single, stack)
    for side in (equations.single, equations.stack):
        if any(shape[0] != 1 for shape in side.network.shapes):
            raise UnsupportedError(
                "a derivation is written out for one channel throughout; leave out the @"
            )
    weights = equations.stack.weights(1)
    fixed = dict.fromkeys(_idle(weights), S.One)
    unknowns = tuple(symbol for symbol in _all(weights) if symbol not in fixed)
    found = eliminate(_differences(equations, fixed), unknowns)
    solved = [move.equation for move in found.moves]
    others = [number for number in range(len(equations.places)) if number not in solved]
    rank, independent = equations.rank([*solved, *others])
    names = written(single), written(stack)
    chosen = tuple(Eq(symbol, value, evaluate=False) for symbol, value in fixed.items())
    facts = Facts(names[0], names[1], equations, chosen, unknowns, found, rank, independent)
    steps = (*steps_forward(facts), *steps_backward(facts))
    return Derivation(
        names[0], names[1], equations.equations, chosen, found, rank, independent, steps
    )


def _differences(equations: System, fixed: dict[Symbol, Expr]) -> list[Expr]:
    left, right = equations.sides
    return [
        expand((left.get(place, S.Zero) - right.get(place, S.Zero)).xreplace(fixed))
        for place in equations.places
    ]


def _all(weights: dict[int, Weights]) -> list[Symbol]:
    """All weights, each once, layer by layer."""
    found: dict[Symbol, None] = {}
    for kernel, bias in weights.values():
        found.update(dict.fromkeys(kernel.flat))
        found.update(dict.fromkeys([] if bias is None else bias))
    return list(found)


def _idle(weights: dict[int, Weights]) -> list[Symbol]:
    """The first tap of every layer but one: the scales that can be chosen.

    The layer left out takes up the scales. It is used once if any is: a shared one would have to
    take the root of a scale, which need not be real.
    """
    taps = [kernel.flat[0] for kernel, _ in weights.values()]
    once = [tap for tap in taps if taps.count(tap) == 1] or taps
    return [tap for tap in dict.fromkeys(taps) if tap != once[-1]]
