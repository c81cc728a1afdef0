"""The errors a user can meet: each says what was expected, where, and what to write instead."""

from __future__ import annotations

from typing import NamedTuple

from convalgebra.words import visible

HINT = "  hint: "


class Source(NamedTuple):
    """Text that somebody wrote, and where it stands."""

    text: str
    name: str = "<stack>"


class Span(NamedTuple):
    """The characters `start` to `stop` (exclusive) of a source."""

    start: int
    stop: int


class ConvalgebraError(Exception):
    """The base of every error that convalgebra raises on purpose.

    `str` of it shows what moves a cursor as escapes: messages name files, layers and arrays.
    """

    def __str__(self) -> str:
        return visible(super().__str__())


class Defect(Exception):
    """An internal check failed: a bug of convalgebra, never an answer and never a user's error.

    It is no `ConvalgebraError`: whoever catches those lets it through.
    """


class InputError(ConvalgebraError):
    """Something that cannot be read: a missing or binary file, an unknown network of the zoo."""


class SizeError(ConvalgebraError):
    """A size that cannot be: a rest in an exact division, a stride of zero."""


class UnsupportedError(ConvalgebraError):
    """A question that is well put and outside what is decided."""


class NotKnownError(ConvalgebraError):
    """A figure beside the main ones that is not worked out; it refuses no report."""


class LocatedError(ConvalgebraError):
    """An error at a place in a text; `str` of it shows the line with a caret under the place.

    >>> print(LocatedError("expected a size", Source("3x, relu"), Span(2, 3)))
    expected a size
      3x, relu
        ^
      <stack>:1:3
    """

    def __init__(
        self, message: str, source: Source | None = None, span: Span | None = None, hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.source = source
        self.span = span
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.message]
        if self.source is not None and self.span is not None:
            parts.append(_point_at(self.source, self.span))
        if self.hint:
            parts.append(HINT + self.hint)
        return visible("\n".join(parts))


class LanguageError(LocatedError):
    """A text that is not in the language, or that breaks one of its rules."""


class FormatError(LocatedError):
    """A text in a foreign format (a pasted print-out, JSON) that breaks its rules."""


class ShapeError(LocatedError):
    """Layers that do not fit together, or do not fit the input."""


_LINE_SHOWN = 78  # beside an indentation of 2; a longer line is cut to a window around the caret
_CUT = "..."


def _point_at(source: Source, span: Span) -> str:
    text = source.text
    start = min(span.start, len(text))
    line_start = text.rfind("\n", 0, start) + 1
    line_stop = text.find("\n", start)
    line_stop = len(text) if line_stop < 0 else line_stop
    column, length = start - line_start, line_stop - line_start
    place = f"  {source.name}:{text.count(chr(10), 0, line_start) + 1}:{column + 1}"
    if not text[line_start:line_stop].strip():
        return place
    # A hostile line may be megabytes long and hold control characters: show a window, made safe.
    first, width = 0, length
    if max(length, column + 1) > _LINE_SHOWN:  # the caret may stand behind the line
        width = _LINE_SHOWN - 2 * len(_CUT)
        first = max(0, min(column - width // 2, length - width))
    shown = text[line_start + first : line_start + first + width]
    shown = "".join(c if c.isprintable() else " " for c in shown)
    lead, tail = _CUT * (first > 0), _CUT * (first + width < length)
    before = len(lead) + column - first
    marked = max(1, min(span.stop - start, length - column, len(lead + shown) - before))
    pointer = " " * before + "~" * (marked - 1) + "^"
    return f"  {lead}{shown}{tail}\n  {pointer}\n{place}"
