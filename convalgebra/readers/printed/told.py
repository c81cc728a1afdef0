"""What a module tells of itself, and how its arguments are taken.

A rule for a class is given the arguments that were printed and gives a `Told`; it raises `Unfit`
where they are not those of its class, which is then somebody else's of the same name. What an
argument is when it is not printed stands in the `extra_repr` of the class (PyTorch 1.0 to 2.13).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from convalgebra.inventory import Takes
from convalgebra.layers import Layer
from convalgebra.readers.printed.arguments import Arguments


class Unfit(Exception):
    """The arguments are not those of the class. The text says which, for a reason in a report."""


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

    def unfit(self, what: str) -> Unfit:
        """What to raise for an argument that does not belong there."""
        return Unfit(f"{what} is not printed so by torch.nn.{self.kind}")

    def next(self) -> int:
        """The next number without a name."""
        if not self.places:
            raise Unfit(f"a number is missing that torch.nn.{self.kind} prints")
        return self.whole(self.places.pop(0))

    def whole(self, value: object, least: int = 0) -> int:
        """A value that has to be a whole number."""
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.unfit(shown(value))
        return value

    def number(self, name: str) -> int:
        """The number called `name`, which is always printed."""
        return self.whole(self.take(name))

    def take(self, name: str, default: Any = Unfit) -> Any:
        """The value called `name`; without a default it is always printed."""
        value = self.names.pop(name, default)
        if value is Unfit:
            raise Unfit(f"no {name} is printed, as torch.nn.{self.kind} does")
        return value

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or False."""
        value = self.take(name, Unfit if default is None else default)
        if not isinstance(value, bool):
            raise self.unfit(f"{name}={shown(value)}")
        return value

    def sizes(self, value: object, axes: int, least: int) -> tuple[int, ...]:
        """One number for each axis; a single one holds for all."""
        values = value if isinstance(value, tuple) else (value,) * axes
        if len(values) != axes:
            raise self.unfit(shown(value))
        return tuple(self.whole(one, least) for one in values)

    def end(self, *ignored: str) -> None:
        """Nothing else may be printed, apart from what has no influence."""
        if self.places:
            raise self.unfit(shown(self.places[0]))
        for name in self.names.keys() - set(ignored):
            raise self.unfit(f"{name}={shown(self.names[name])}")


def shown(value: object) -> str:
    """A value in a report: not too long, and nothing that a terminal obeys."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:40])


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
