"""A cursor over the text: blanks, line ends, numbers, and the errors that point at a place."""

from __future__ import annotations

import re
from typing import NoReturn

from convalgebra.errors import LanguageError, Source, Span

MAX_DIGITS = 9
MAX_NESTING = 100  # parentheses; each level takes several Python frames, of which there are 1000
MAX_NAME = 60  # characters; past it a name is not one that somebody typed

# Possessive (`*+`): what was read as a comment is never tried again as two.
BLANKS = r"(?:[ \t\r\f]|#[^\n]*+)*+"
BLANK_LINES = r"(?:[ \t\r\f\n]|#[^\n]*+)*+"
RUN = re.compile(r"[\w.]+")

_BLANKS = re.compile(BLANKS)
_BLANK_LINES = re.compile(BLANK_LINES)
_NUMBER = re.compile(r"[0-9]+")
# A line break beside one of these does not end the line. Before "(" and after ")" it does: a line
# may begin with a group, and end with one.
_JOINS_BACKWARD = frozenset(",+|)*=")
_BLANK_OR_COMMENT = frozenset(" \t\r\f#")
_LONGEST_SHOWN = 20


class Scanner:
    """Reads a source from left to right; `last` to `end` is what was read last."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.last = 0
        self.end = 0
        self.depth = 0

    # Errors

    def fail(self, message: str, span: Span | None = None, hint: str = "") -> NoReturn:
        """Raise a LanguageError at `span`, or at the cursor."""
        raise LanguageError(message, self.source, span or self.run_span(), hint)

    def expected(self, what: str, hint: str = "") -> NoReturn:
        """Raise the error that `what` was expected here, after what was read last."""
        span = None if self.at < len(self.text) else Span(self.end, self.end + 1)
        self.fail(f"expected {what}{self._after()}, found {self._here()}", span, hint)

    def _after(self) -> str:
        before = " ".join(self.text[self.last : self.end].split())
        return f" after {_shown(before)}" if before else ""

    def _here(self) -> str:
        if self.at >= len(self.text):
            return "the end"
        run = RUN.match(self.text, self.at)
        found = run.group() if run else self.peek()
        return "the end of the line" if found == "\n" else _shown(found)

    def span(self, start: int) -> Span:
        """From `start` to the end of what was read last."""
        return Span(start, self.end)

    def whole(self, start: int) -> Span:
        """What was read from `start` on, which now counts as one thing."""
        self.last = start
        return Span(start, self.end)

    def run_span(self) -> Span:
        """The word or the one character at the cursor."""
        run = RUN.match(self.text, self.at)
        return Span(self.at, run.end() if run else self.at + 1)

    # Reading

    def peek(self) -> str:
        """The character under the cursor, "" at the end."""
        return self.text[self.at : self.at + 1]

    def looks_at(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What `pattern` matches here; the cursor stays."""
        return pattern.match(self.text, self.at)

    def read(self, characters: int) -> None:
        """Go past some characters."""
        self.last = self.at
        self.at += characters
        self.end = self.at

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Read what `pattern` matches here, or nothing."""
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.last = self.at
        self.at = self.end = found.end()
        return found.group()

    def skip_blanks(self) -> None:
        """Go past spaces and comments, not past a line end."""
        if self.peek() in _BLANK_OR_COMMENT:
            self.at = self._beyond(_BLANKS)

    def skip_lines(self) -> None:
        """Go past spaces, comments and line ends."""
        self.at = self._beyond(_BLANK_LINES)

    def skip_empty_lines(self) -> None:
        """Go past line ends of both kinds."""
        self.skip_lines()
        while self.peek() == ";":
            self.read(1)
            self.skip_lines()

    def _beyond(self, blanks: re.Pattern[str]) -> int:
        found = blanks.match(self.text, self.at)
        assert found is not None
        return found.end()

    def sign(self) -> str:
        """The next sign on this line, or on the next one where that sign joins lines; else ""."""
        self.skip_blanks()
        if self.peek() == "\n":
            beyond = self._beyond(_BLANK_LINES)
            if self.text[beyond : beyond + 1] in _JOINS_BACKWARD:
                self.at = beyond
        return self.peek()

    def take(self, sign: str) -> bool:
        """Read `sign` if it comes next, with the line end that may follow it."""
        if self.sign() != sign:
            return False
        self.read(1)
        if sign != ")":
            self.skip_lines()
        return True

    def open(self) -> None:
        """Read the `(` under the cursor, with the line end that may follow it."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.fail(f"parentheses nested more than {MAX_NESTING} deep")
        self.read(1)
        self.skip_lines()

    def close(self, expected: str) -> None:
        """Read the `)` that belongs here; an error names what is `expected`."""
        if not self.take(")"):
            self.expected(expected)
        self.depth -= 1

    def number(self) -> int | None:
        """Read a number of at most 9 digits, or nothing."""
        start = self.at
        digits = self.match(_NUMBER)
        if digits is None:
            return None
        if len(digits) > MAX_DIGITS:
            self.fail(
                f"a number of {len(digits)} digits; at most {MAX_DIGITS} are read", self.span(start)
            )
        return int(digits)

    def name(self, pattern: re.Pattern[str]) -> str | None:
        """Read a name of at most 60 characters, or nothing."""
        start = self.at
        name = self.match(pattern)
        if name is not None and len(name) > MAX_NAME:
            self.fail(
                f"a name of {len(name)} characters; at most {MAX_NAME} are read", self.span(start)
            )
        return name


def _shown(found: str) -> str:
    if len(found) > _LONGEST_SHOWN:
        found = found[: _LONGEST_SHOWN - 3] + "..."
    if found == " ":
        return "a space"
    return f"`{found}`" if found.isprintable() else f"the character U+{ord(found[0]):04X}"
