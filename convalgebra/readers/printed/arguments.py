"""What stands between the parentheses of a module: `3, 64, kernel_size=(7, 7), bias=False`.

arguments = [ argument { "," argument } ]
argument  = [ name "=" ] value
value     = number | word | "'" text "'" | "(" [ value { "," value } [ "," ] ] ")"
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from convalgebra.errors import Span

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
_FOUND = re.compile(r"[\w.+-]+|.", re.DOTALL)  # what an error shows of what it met
_A_VALUE = "a number (of 18 digits at most), a word or values in parentheses"
_DEEPEST = 8


class Unfit(Exception):
    """Arguments that a class of torch.nn cannot have printed: what was expected, and where."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


class Argument(NamedTuple):
    """A value, and where in the text it stands."""

    value: Value
    span: Span


class Arguments(NamedTuple):
    """The arguments in their places, those with a name, and how long their text is."""

    places: tuple[Argument, ...]
    names: dict[str, Argument]
    length: int


def arguments_of(text: str) -> Arguments:
    """The arguments that `text` writes down.

    >>> arguments_of("3, padding=same").names
    {'padding': Argument(value='same', span=Span(start=11, stop=15))}
    >>> arguments_of("3 64")
    Traceback (most recent call last):
    convalgebra.readers.printed.arguments.Unfit: expected `,`, found `64`

    Raises Unfit where it is of another form.
    """
    places: list[Argument] = []
    names: dict[str, Argument] = {}
    at = _blank(text, 0)
    while at < len(text):
        key = _KEY.match(text, at)
        start = key.end() if key else at
        value, stop = _value(text, start, 0)
        argument = Argument(value, Span(start, stop))
        if key is None:
            if names:
                raise Unfit("expected a name before this, like `bias=True`", argument.span)
            places.append(argument)
        elif key.group(1) in names:
            raise Unfit(f"`{key.group(1)}=` stands twice", Span(at, stop))
        else:
            names[key.group(1)] = argument
        at = _blank(text, stop)
        if at < len(text):
            if text[at] != ",":
                raise _expected("`,`", text, at)
            at = _blank(text, at + 1)
    return Arguments(tuple(places), names, len(text))


def _expected(what: str, text: str, at: int) -> Unfit:
    found = _FOUND.match(text, at)
    if found is None:
        return Unfit(f"expected {what}, found nothing", Span(at, at + 1))
    return Unfit(f"expected {what}, found `{shown(found.group())}`", Span(*found.span()))


def shown(value: object) -> str:
    """A value in a report: not too long, and nothing that a terminal obeys."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:40])


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int, depth: int) -> tuple[Value, int]:
    if text[at : at + 1] in ("(", "["):
        return _sequence(text, at, depth)
    found = _SCALAR.match(text, at)
    if found is None:
        raise _expected(_A_VALUE, text, at)
    written = found.group(found.lastgroup or 0)
    end = found.end()
    if found.lastgroup == "int":
        return int(written), end
    if found.lastgroup == "float":
        return float(written), end
    if found.lastgroup == "word":
        if written == "torch.Size" and text[end : end + 1] == "(":
            inside, stop = _sequence(text, end, depth)
            if len(inside) != 1:
                raise Unfit("expected sizes in brackets, like torch.Size([2, 5])", Span(at, stop))
            return inside[0], stop
        return _WORDS.get(written, written), end
    return written, end


def _sequence(text: str, at: int, depth: int) -> tuple[tuple[Value, ...], int]:
    if depth > _DEEPEST:
        raise Unfit(f"brackets are nested more than {_DEEPEST} deep", Span(at, at + 1))
    close = ")" if text[at] == "(" else "]"
    values: list[Value] = []
    at = _blank(text, at + 1)
    while text[at : at + 1] != close:
        if key := _KEY.match(text, at):  # a bracket was left open
            raise Unfit(f"expected `{close}` before `{key.group(1)}=`", Span(at, key.end()))
        value, at = _value(text, at, depth + 1)
        values.append(value)
        at = _blank(text, at)
        if text[at : at + 1] == ",":
            at = _blank(text, at + 1)
        elif text[at : at + 1] != close:
            raise _expected(f"`,` or `{close}`", text, at)
    return tuple(values), at + 1
