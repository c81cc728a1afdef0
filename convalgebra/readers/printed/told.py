"""What a module tells of itself, and how its arguments are taken.

A rule for a class is given the arguments that were printed and gives a `Told`; it raises `Unfit`
where its class cannot have printed them. What an argument is when it is not printed stands in the
`extra_repr` of the class (PyTorch 1.0 to 2.13).
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

from convalgebra.errors import Span
from convalgebra.inventory import Takes
from convalgebra.layers import EPS, Layer
from convalgebra.readers.printed.arguments import Argument, Arguments, Unfit, shown


class Foreign(Exception):
    """An argument that the class of torch.nn does not know: it is another class, made of that."""


class Told(NamedTuple):
    """What a module tells of itself.

    `params` is None where print(model) does not show them, and `reason` says why. `layers` are the
    same thing in the language, None where it has no word for it: then `lacks` says what it lacks.
    `assumed` is what was taken for granted about arguments that are not printed, `of_params` what
    the params depend on.
    """

    params: int | None = 0
    layers: tuple[Layer, ...] | None = None
    takes: Takes | None = None
    reason: str = ""
    lacks: str = ""
    assumed: str = ""
    of_params: str = ""


class Reading:
    """The arguments of one module, each taken once; what is left over does not belong there."""

    def __init__(self, kind: str, arguments: Arguments) -> None:
        self.kind = kind
        self.places = list(arguments.places)
        self.names = dict(arguments.names)
        self.whole_span = self.span = Span(0, arguments.length)  # `span`: of what was taken last

    def unfit(self, expected: str, value: object) -> Unfit:
        """What to raise for the value that was taken last."""
        return Unfit(f"expected {expected}, found `{shown(value)}`", self.span)

    def contradicts(self, what: str) -> Unfit:
        """What to raise for arguments that do not fit together."""
        return Unfit(f"torch.nn.{self.kind} makes no {what}", self.whole_span)

    def _taken(self, argument: Argument) -> Any:
        self.span = argument.span
        return argument.value

    def next(self) -> Any:
        """The next value without a name."""
        if not self.places:
            message = f"a value without a name is missing that torch.nn.{self.kind} prints"
            raise Unfit(message, self.whole_span)
        return self._taken(self.places.pop(0))

    def count(self, least: int = 0) -> int:
        """The next value without a name, a whole number."""
        return self.whole(self.next(), least)

    def whole(self, value: object, least: int = 0) -> int:
        """A value that has to be a whole number."""
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.unfit(f"a whole number from {least}", value)
        return value

    def number(self, name: str) -> int:
        """The whole number called `name`, which is always printed."""
        return self.whole(self.take(name))

    def take(self, name: str, default: Any = Unfit) -> Any:
        """The value called `name`; without a default it is always printed."""
        if name in self.names:
            return self._taken(self.names.pop(name))
        if default is Unfit:
            message = f"expected `{name}=..`, which torch.nn.{self.kind} always prints"
            raise Unfit(message, self.whole_span)
        self.span = self.whole_span
        return default

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or False."""
        value = self.take(name, Unfit if default is None else default)
        if not isinstance(value, bool):
            raise self.unfit("True or False", value)
        return value

    def eps(self) -> float:
        """What is added to variances: a number from 0."""
        value = self.take("eps", EPS)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < inf:
            raise self.unfit("a number from 0", value)
        return float(value)

    def sizes(self, value: object, axes: int, least: int) -> tuple[int, ...]:
        """One number for each axis; a single one holds for all."""
        values = value if isinstance(value, tuple) else (value,) * axes
        if len(values) != axes:
            raise self.unfit(f"a number, or {axes} in parentheses", value)
        return tuple(self.whole(one, least) for one in values)

    def end(self, *ignored: str) -> None:
        """Nothing else may be printed, apart from what has no influence.

        Raises Foreign for another name: newer versions and subclasses print more.
        """
        if self.places:
            value, self.span = self.places[0]
            raise self.unfit("nothing more without a name", value)
        for name, argument in self.names.items():
            if name not in ignored:
                what = f"{shown(name)}={shown(argument.value)}"
                raise Foreign(f"{what} is not printed by torch.nn.{self.kind}")


Rule = Callable[[str, Reading], Told]


def axes_of(kind: str) -> int:
    """The axes of a class called `..2d`.

    >>> axes_of("MaxPool2d")
    2
    """
    return int(kind[-2])


def same_around(pads: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """As much before each axis as after it."""
    return tuple((pad, pad) for pad in pads)


LAZY = "it is lazy: what comes in decides, and is not known yet"
