"""The errors a user can meet: each says what was expected, where, and what to write instead."""

from __future__ import annotations

from typing import NamedTuple

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
    """The base of every error that convalgebra raises on purpose."""


class InputError(ConvalgebraError):
    """Something that cannot be read: a missing or binary file, an unknown network of the zoo."""


class SizeError(ConvalgebraError):
    """A size that cannot be: a rest in an exact division, a stride of zero."""


class UnsupportedError(ConvalgebraError):
    """A question that is well put and outside what is decided."""


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
        return "\n".join(parts)


class LanguageError(LocatedError):
    """A text that is not in the language, or that breaks one of its rules."""


class FormatError(LocatedError):
    """A text in a foreign format (a pasted print-out, JSON) that breaks its rules."""


class ShapeError(LocatedError):
    """Layers that do not fit together, or do not fit the input."""


_LINE_SHOWN = 77  # a longer line is cut; set in by 2, with a caret behind it, it takes 80 columns
_WINDOW = 72  # of a longer line, with `...` on both sides


def _point_at(source: Source, span: Span) -> str:
    text = source.text
    start = min(span.start, len(text))
    line_start = text.rfind("\n", 0, start) + 1
    line_stop = text.find("\n", start)
    line_stop = len(text) if line_stop < 0 else line_stop
    column = start - line_start
    place = f"  {source.name}:{text.count(chr(10), 0, line_start) + 1}:{column + 1}"
    if not text[line_start:line_stop].strip():
        return place
    # A hostile line may be megabytes long and hold control characters: show a window, made safe.
    whole = line_stop - line_start <= _LINE_SHOWN
    first, most = (0, _LINE_SHOWN) if whole else (max(0, column - _WINDOW // 2), _WINDOW)
    shown = text[line_start + first : min(line_stop, line_start + first + most)]
    shown = "".join(c if c.isprintable() else " " for c in shown)
    lead = "..." if first else ""
    tail = "..." if line_start + first + len(shown) < line_stop else ""
    width = max(1, min(span.stop - start, line_stop - start, most - (column - first)))
    pointer = " " * (len(lead) + column - first) + "~" * (width - 1) + "^"
    return f"  {lead}{shown}{tail}\n  {pointer}\n{place}"
