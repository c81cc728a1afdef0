"""A cursor over the text: white space, line ends, numbers, and the errors that point at a place."""

from __future__ import annotations

import re
from typing import NoReturn

from convalgebra.errors import LanguageError, Source, Span

MAX_DIGITS = 9

_BLANKS = re.compile(r"(?:[ \t\r\f]|#[^\n]*)*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\f\n]|#[^\n]*)*")
# A line break beside one of these does not end the line. Before "(" and after ")" it does: a line may
# begin with a group, and end with one.
_JOINS_BACKWARD = frozenset(",+|)*=")
RUN = re.compile(r"[\w.]+")
_NUMBER = re.compile(r"[0-9]+")


class Scanner:
    """Reads a source from left to right."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0

    def fail(self, message: str, span: Span | None = None, hint: str = "") -> NoReturn:
        """Raise a LanguageError at `span`, or at the cursor."""
        span = span or Span(self.at, self.at + 1)
        raise LanguageError(message, self.source, span, hint)

    def span(self, start: int) -> Span:
        """From `start` to the cursor, blanks at the end left out."""
        stop = self.at
        while stop > start and self.text[stop - 1].isspace():
            stop -= 1
        return Span(start, stop)

    def peek(self) -> str:
        """The character under the cursor, "" at the end."""
        return self.text[self.at : self.at + 1]

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Read what `pattern` matches here, or nothing."""
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found.group()

    def looks_at(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What `pattern` matches here; the cursor stays."""
        return pattern.match(self.text, self.at)

    def skip_blanks(self) -> None:
        """Go past spaces and comments, not past a line end."""
        self.match(_BLANKS)

    def skip_lines(self) -> None:
        """Go past spaces, comments and line ends."""
        self.match(_BLANK_LINES)

    def sign(self) -> str:
        """The next sign on this line, or on the next one where that sign joins lines; else ""."""
        self.skip_blanks()
        if self.peek() == "\n":
            beyond = _BLANK_LINES.match(self.text, self.at)
            assert beyond is not None
            if self.text[beyond.end() : beyond.end() + 1] in _JOINS_BACKWARD:
                self.at = beyond.end()
        return self.peek()

    def take(self, sign: str) -> bool:
        """Read `sign` if it comes next, with the line end that may follow it."""
        if self.sign() != sign:
            return False
        self.at += 1
        if sign != ")":
            self.skip_lines()
        return True

    def here(self) -> str:
        """What stands at the cursor, as an error names it."""
        if self.at >= len(self.text):
            return "the end"
        run = self.looks_at(RUN)
        shown = run.group() if run else self.peek()
        if shown == "\n":
            return "the end of the line"
        return f"`{shown if len(shown) <= 20 else shown[:17] + '...'}`"

    def run_span(self) -> Span:
        """The word or the one character at the cursor."""
        run = self.looks_at(RUN)
        return Span(self.at, run.end() if run else self.at + 1)

    def number(self) -> int:
        """Read a number of at most 9 digits."""
        start = self.at
        digits = self.match(_NUMBER)
        assert digits is not None
        if len(digits) > MAX_DIGITS:
            self.fail(
                f"a number of {len(digits)} digits; at most {MAX_DIGITS} are read", self.span(start)
            )
        return int(digits)
