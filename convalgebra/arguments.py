"""What callers from Python give: of the right type, or an InputError that says what is expected."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import index
from os import PathLike, fsdecode
from typing import Any

from convalgebra.errors import InputError

_SHOWN = 40
_LONG = 400  # bits; Python itself writes no numbers of thousands of digits


def as_whole(value: Any, name: str, least: int | None = None, most: int | None = None) -> int:
    """The int that a whole number of any library is.

    >>> as_whole(True, "channels", 1)
    Traceback (most recent call last):
    convalgebra.errors.InputError: channels must be a whole number of at least 1, not True
    """
    number: int | None
    try:
        number = index_of(value)
    except TypeError:
        number = None
    low = number is not None and least is not None and number < least
    high = number is not None and most is not None and number > most
    if number is None or low or high:
        span = "must be a whole number" + ("" if least is None else f" of at least {least}")
        if most is not None:
            span = f"is expected to be a whole number from {least:,} to {most:,}"
        raise InputError(f"{name} {span}, not {shown(value)}")
    return number


def index_of(value: Any) -> int:
    """The int that a value stands for; TypeError for what is none, True and False among it."""
    if _is_flag(value):
        raise TypeError
    return index(value)


def as_text(value: Any, name: str, example: str) -> str:
    """The text that was given.

    >>> as_text(3, "to", "layer1")
    Traceback (most recent call last):
    convalgebra.errors.InputError: to must be text, like "layer1", not 3
    """
    if not isinstance(value, str):
        raise InputError(f'{name} must be text, like "{example}", not {shown(value)}')
    return value


def as_path(value: Any, name: str) -> str:
    """The name of a file that a text or a Path is.

    >>> as_path(0, "the file")
    Traceback (most recent call last):
    convalgebra.errors.InputError: the file must be text or a Path, not 0
    """
    if not isinstance(value, (str, PathLike)):
        raise InputError(f"{name} must be text or a Path, not {shown(value)}")
    return fsdecode(value)


def as_flag(value: Any, name: str) -> bool:
    """True or False, of numpy too.

    >>> as_flag("no", "width")
    Traceback (most recent call last):
    convalgebra.errors.InputError: width must be True or False, not 'no'
    """
    if not _is_flag(value):
        raise InputError(f"{name} must be True or False, not {shown(value)}")
    return bool(value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")  # of numpy


def as_numbers(values: Any, name: str) -> dict[str, int]:
    """Whole numbers under the names of sizes; whether they fit is for the sizes to say.

    >>> as_numbers({"C": 64}, "at")
    {'C': 64}
    """
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise InputError(f'{name} must be a dictionary like {{"C": 64}}, not {shown(values)}')
    return {key: as_whole(value, f"{name}[{key[:_SHOWN]!r}]") for key, value in values.items()}


def check_named(at: Mapping[str, int], named: Collection[str]) -> None:
    """Refuse a number for a name that no size has: a slip that would go unseen.

    >>> check_named({"c": 64}, {"C", "H"})
    Traceback (most recent call last):
    convalgebra.errors.InputError: there is no named size `c`; named are C, H
    """
    for name in at:
        if name not in named:
            known = f"named are {', '.join(sorted(named))}" if named else "nothing is named here"
            raise InputError(f"there is no named size `{name[:_SHOWN]}`; {known}")


def numbers_of_each(
    at: Mapping[str, int], named: Sequence[Collection[str]]
) -> list[dict[str, int]]:
    """The numbers for the names that each of several stacks has; a name of none is refused."""
    check_named(at, {name for own in named for name in own})
    return [{name: at[name] for name in at if name in own} for own in named]


def shown(value: Any) -> str:
    """A value as an error shows it: short, whatever it is."""
    if isinstance(value, int) and value.bit_length() > _LONG:
        return "one of more than a hundred digits"
    try:
        written = " ".join(repr(value).split())
    except Exception:  # an object of somebody else's
        return f"a {type(value).__name__}"
    return written if len(written) <= _SHOWN else f"a {type(value).__name__}"
