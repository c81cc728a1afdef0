"""What the steps of a derivation are made of, and the few words they have in common.

A step is a title, sentences and lines of sympy objects; `render` lays them out and shortens them.
"""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sympy import Eq, Symbol

from convalgebra.symbolic.elimination import Elimination
from convalgebra.symbolic.engine import letters_of
from convalgebra.symbolic.equations import System
from convalgebra.words import first_of, listed


class Line(NamedTuple):
    """A formula, a table of symbols or several formulas (a tuple), and what it is called.

    `joint` leads to a formula that goes with it, `other`.
    """

    formula: Any
    label: str = ""
    joint: str = ""
    other: Any = None


@dataclass(frozen=True)
class Step:
    """One step: its title, and what is said (str) and written (Line) one after the other.

    Where it `repeats`, the lines are all alike, and one who has seen two has seen them all.
    """

    title: str
    parts: tuple[str | Line, ...]
    repeats: bool = False

    @property
    def formulas(self) -> tuple[Any, ...]:
        """The sympy objects of the step."""
        return tuple(part.formula for part in self.parts if not isinstance(part, str))


@dataclass(frozen=True)
class Facts:
    """All that the steps tell: two stacks by name, their equations, and how they were solved."""

    single: str
    stack: str
    system: System
    fixed: tuple[Eq, ...]
    unknowns: tuple[Symbol, ...]
    elimination: Elimination
    rank: int
    independent: tuple[int, ...]

    @cached_property
    def names(self) -> list[str]:
        """What each equation is called: the a in it, or the input it stands before."""
        left, _ = self.system.sides
        return [
            str(left[place]) if place in left else f"the 0 before {self.system.name(place)}"
            for place in self.system.places
        ]

    @cached_property
    def capitals(self) -> dict[int, str]:
        """What each layer of the stack is called, by node index: B for the layer of b00."""
        letters = letters_of(self.system.stack.network)
        return {index: letter.strip("_").upper() for index, letter in letters.items()}

    @property
    def letters(self) -> list[str]:
        """The layers with weights, as capitals, shared ones once."""
        return list(dict.fromkeys(self.capitals[index] for index in self.system.stack.weights(1)))

    def capital_of(self, tap: Symbol) -> str:
        """The capital of the layer with this first tap."""
        weights = self.system.stack.weights(1)
        return next(self.capitals[i] for i, w in weights.items() if w.kernel.flat[0] == tap)


def are(letters: Sized) -> str:
    """`is` or `are`, for what is listed."""
    return "is" if len(letters) == 1 else "are"


def shortened(symbols: list[Any], most: int = 12) -> str:
    """The first of many symbols, or `a, b and c`."""
    shown = [str(symbol) for symbol in symbols]
    return listed(shown) if len(shown) <= most else first_of(shown, most)
