"""What stands between the parentheses of a module: `3, 64, kernel_size=(7, 7), bias=False`.

arguments = [ argument { "," argument } ]
argument  = [ name "=" ] value
value     = number | word | "'" text "'" | "(" [ value { "," value } [ "," ] ] ")"
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

Value: TypeAlias = "int | float | bool | str | tuple[Value, ...] | None"

_BLANK = re.compile(r"\s*")
_KEY = re.compile(r"([^\W\d]\w*)\s*=\s*")
_SCALAR = re.compile(
    r"(?P<int>[+-]?\d{1,18}(?![\w.]))"
    r"|(?P<float>-?inf\b|[+-]?(?:\d{1,30}\.\d{0,30}|\.\d{1,30}|\d{1,30}(?=[eE]))"
    r"(?:[eE][+-]?\d{1,3})?(?!\w))"
    r"|'(?P<single>[^'\n]*)'|\"(?P<double>[^\"\n]*)\""
    r"|(?P<word>[^\W\d][\w.]*)"
)
_WORDS: dict[str, Value] = {"True": True, "False": False, "None": None}
_DEEPEST = 8


class Arguments(NamedTuple):
    """The values in their places, and those with a name."""

    places: tuple[Value, ...]
    names: dict[str, Value]


def arguments_of(text: str) -> Arguments | None:
    """The arguments that `text` writes down, None where it is of another form.

    >>> arguments_of("3, 64, kernel_size=(7, 7), padding=same")
    Arguments(places=(3, 64), names={'kernel_size': (7, 7), 'padding': 'same'})
    >>> arguments_of("8x0e -> 8x0e | 64 weights") is None
    True
    """
    places: list[Value] = []
    names: dict[str, Value] = {}
    at = _blank(text, 0)
    while at < len(text):
        key = _KEY.match(text, at)
        try:
            value, at = _value(text, key.end() if key else at, 0)
        except _Unread:
            return None
        if key is None:
            if names:
                return None
            places.append(value)
        elif key.group(1) in names:
            return None
        else:
            names[key.group(1)] = value
        at = _blank(text, at)
        if at < len(text):
            if text[at] != ",":
                return None
            at = _blank(text, at + 1)
    return Arguments(tuple(places), names)


class _Unread(Exception):
    pass


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int, depth: int) -> tuple[Value, int]:
    if text[at : at + 1] in ("(", "["):
        return _sequence(text, at, depth)
    found = _SCALAR.match(text, at)
    if found is None:
        raise _Unread
    written = found.group(found.lastgroup or 0)
    end = found.end()
    if found.lastgroup == "int":
        return int(written), end
    if found.lastgroup == "float":
        return float(written), end
    if found.lastgroup == "word":
        if written == "torch.Size" and text[end : end + 1] == "(":
            inside, end = _sequence(text, end, depth)
            if len(inside) != 1:
                raise _Unread
            return inside[0], end
        return _WORDS.get(written, written), end
    return written, end


def _sequence(text: str, at: int, depth: int) -> tuple[tuple[Value, ...], int]:
    if depth > _DEEPEST:
        raise _Unread
    close = ")" if text[at] == "(" else "]"
    values: list[Value] = []
    at = _blank(text, at + 1)
    while text[at : at + 1] != close:
        value, at = _value(text, at, depth + 1)
        values.append(value)
        at = _blank(text, at)
        if text[at : at + 1] == ",":
            at = _blank(text, at + 1)
        elif text[at : at + 1] != close:
            raise _Unread
    return tuple(values), at + 1
