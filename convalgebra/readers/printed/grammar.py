"""The form of what `print(model)` writes.

    paste     = { prompt } [ "(" name "):" ] module { prompt }
    module    = class "(" [ arguments ] { child } ")"
    child     = "(" name "):" ( [ count "x" ] module | parameter | "None" )
    parameter = "Parameter containing: [" type "of size" sizes "]"

Arguments are any text with its brackets in pairs; `arguments.py` reads those of known classes.
Parentheses alone decide; the indentation serves to say where one is missing. Nothing here calls
itself, whatever the depth.
"""

from __future__ import annotations

import re
from math import prod
from typing import NamedTuple

from convalgebra.errors import FormatError, Source, Span

_DEEPEST = 100  # modules inside modules, as in the language
_MOST = 10**6  # modules, repeated ones counted, as in the language
_MOST_PRINTED = 200_000  # of them on lines of their own: some seconds
_LONGEST = 2**16  # characters of arguments
_MOST_DIGITS = 24  # of the sizes of a parameter together

_PROMPT = re.compile(r"[ \t]*(?:>>>|In[ ]?\[[^\]\n]*\]:|```|\$ |Python \d)[^\n]*(?:\n|\Z)|\s*\n")
_MORE_CODE = re.compile(r"[ \t]*(?:\.\.\.:?)[^\n]*(?:\n|\Z)")
_ANSWER = re.compile(r"[ \t]*(?:Out[ ]?\[[^\]\n]*\]:|<bound method [\w.]+ of)?\s*")
_NAME = re.compile(r"\(([^()\n]*(?:\([^()\n]*\)[^()\n]*)*)\):\s*")
_TIMES = re.compile(r"(\d+)\s+x\s+")
_CLASS = re.compile(r"([^\W\d][\w.]*(?:\[[^\[\]()\n]*\])?)\(")
_PARAMETER = re.compile(r"Parameter containing:\s*\[[^\]\n]*?of size ([\dx]*)[^\]\n]*\]")
_OTHER_OBJECT = re.compile(r"(?:None\b|Object of type:|Tensor containing:)[^\n]*")
_ARGUMENTS = re.compile(
    r"(?P<space>\s+)|(?P<open>[(\[{])|(?P<close>[)\]}])"
    r"|(?<=[=,(\[{\s])(?:'[^'\n]*'|\"[^\"\n]*\")|[^\s()\[\]{}'\"]+|."
)
_CUT = re.compile(r"(?:\.\.\.|…)", re.ASCII)
_CODE = re.compile(r"def forward\(self")  # what a traced module prints after itself


class Printed(NamedTuple):
    """A module as it is printed. `parent` is the number of the one it stands in, -1 for none.

    `times` says how often it stands there, for `(0-2): 3 x Block(`. `numbers` is how many numbers
    a parameter has that stands in place of a module, None for a module.
    """

    name: str
    kind: str
    parent: int
    times: int
    span: Span
    arguments: str = ""
    numbers: int | None = None


class _Open(NamedTuple):
    number: int
    column: int
    every: int  # how often it stands in the whole


def parse(source: Source) -> list[Printed]:
    """The modules of a print-out in the order of the text, the whole one first.

    >>> [(m.name, m.kind) for m in parse(Source("Sequential(\\n  (0): ReLU()\\n)"))]
    [('', 'Sequential'), ('0', 'ReLU')]

    Raises FormatError for a text that is not in this form.
    """
    return _Parser(source).whole()


def _safe(text: str) -> str:
    """A name without what a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


class _Parser:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.found: list[Printed] = []
        self.open: list[_Open] = []
        self.modules = 0

    def fail(self, message: str, start: int, stop: int, hint: str = "") -> FormatError:
        return FormatError(message, self.source, Span(start, max(stop, start + 1)), hint)

    def whole(self) -> list[Printed]:
        at = self.head(self.before())
        while self.open:
            at = self.inside(at)
        self.after(at)
        return self.found

    # Around the module

    def before(self) -> int:
        at = 0
        prompted = False
        while True:
            found = _PROMPT.match(self.text, at)
            if found is None and prompted:
                found = _MORE_CODE.match(self.text, at)
            if found is None or found.end() == at:
                break
            prompted = prompted or not found.group().isspace()
            at = found.end()
        found = _ANSWER.match(self.text, at)
        return found.end() if found else at

    def after(self, at: int) -> None:
        while found := _PROMPT.match(self.text, at):
            if found.end() == at:
                break
            at = found.end()
        at += len(self.text) - at - len(self.text[at:].lstrip())
        rest = self.text[at : at + 200].rstrip()
        if rest and rest not in (">", "None") and not _CODE.match(rest):
            line = self.line_end(at)
            if rest[0] in ")]}":
                raise self.fail("this closes nothing: there is a parenthesis too many", at, at + 1)
            if _CLASS.match(rest):
                raise self.fail("a second module begins here", at, line, "read one at a time")
            raise self.fail("the module ends before this", at, line)

    def line_end(self, at: int) -> int:
        stop = self.text.find("\n", at)
        return len(self.text.rstrip()) if stop < 0 else stop

    def column(self, at: int) -> int:
        return at - self.text.rfind("\n", 0, at) - 1

    # A module, from its head to its end

    def head(self, start: int) -> int:
        """Begin a module at `start`; where what is in it begins."""
        name, times = "", 1
        at = start
        if found := _NAME.match(self.text, at):
            name, at = _safe(found.group(1).strip()), found.end()
        if found := _TIMES.match(self.text, at):
            times = self.times(name, found.group(1), start, found.end())
            at = found.end()
        parent = self.open[-1] if self.open else _Open(-1, -1, 1)
        found = _CLASS.match(self.text, at)
        if found is None:
            return self.no_module(name, parent.number, start, at)
        every = parent.every * times
        self.modules += every
        if self.modules > _MOST or len(self.found) >= _MOST_PRINTED:
            most = f"{_MOST:,} modules, or {_MOST_PRINTED:,} printed ones"
            raise self.fail(f"these are more than {most}", start, found.end() - 1)
        if len(self.open) >= _DEEPEST:
            message = f"modules are nested more than {_DEEPEST} deep"
            raise self.fail(message, start, found.end() - 1)
        span = Span(start, found.end() - 1)
        self.open.append(_Open(len(self.found), self.column(start), every))
        kind = _safe(found.group(1))
        self.found.append(Printed(name, kind, parent.number, times, span))
        return found.end()

    def times(self, name: str, digits: str, start: int, stop: int) -> int:
        times = int(digits) if len(digits) <= len(str(_MOST)) else 0
        if not 1 <= times <= _MOST:
            raise self.fail(f"from 1 to {_MOST:,} modules can be folded", start, stop)
        first, dash, last = name.partition("-")
        if dash and first.isdecimal() and last.isdecimal() and max(len(first), len(last)) < 10:
            there = int(last) - int(first) + 1
            if there != times:
                message = f"({name}) would be {there:,} modules, and {times:,} are said to be there"
                raise self.fail(message, start, stop)
        return times

    def no_module(self, name: str, parent: int, start: int, at: int) -> int:
        """A parameter, or nothing, in place of a module; where the text goes on."""
        if parent >= 0 and (found := _PARAMETER.match(self.text, at)):
            sizes = [side for side in found.group(1).split("x") if side]
            if sum(map(len, sizes)) > _MOST_DIGITS:
                raise self.fail("a size with too many digits", at, found.end())
            numbers = prod(map(int, sizes))
            span = Span(start, found.end())
            self.found.append(Printed(name, "Parameter", parent, 1, span, "", numbers))
            return found.end()
        if parent >= 0 and (found := _OTHER_OBJECT.match(self.text, at)):
            return found.end()
        stop = self.line_end(at)
        if not self.text[at:].strip():
            raise self.fail("expected a module, found nothing", len(self.text.rstrip()), stop)
        if _CUT.match(self.text, at):
            raise self.cut(at)
        after = f" after ({name}):" if at > start else ""
        hint = "" if after else "a print-out begins like `ResNet(` or `Sequential(`"
        raise self.fail(f"expected a class and its parenthesis{after}", at, stop, hint)

    def cut(self, at: int) -> FormatError:
        return self.fail("the print-out is cut here", at, self.line_end(at), "paste all of it")

    def inside(self, at: int) -> int:
        """Read on in the innermost open module, to a module in it or to its end."""
        start = at
        depth: list[int] = []
        while True:
            found = _ARGUMENTS.match(self.text, at)
            if found is None:
                raise self.not_closed(depth)
            if at - start > _LONGEST:
                raise self.too_long()
            if not depth and found.lastgroup != "space":
                if found.lastgroup == "close":
                    self.close(start, at)
                    return found.end()
                beginning = at == start or self.text[at - 1].isspace()
                if beginning and _CUT.match(self.text, at):
                    raise self.cut(at)
                if beginning and found.group() == "(" and _NAME.match(self.text, at):
                    self.keep(start, at)
                    self.check_column(at)
                    return self.head(at)
            if found.lastgroup == "open":
                depth.append(at)
            elif found.lastgroup == "close":
                depth.pop()
            at = found.end()

    def keep(self, start: int, stop: int) -> None:
        """The text from `start` to `stop` belongs to the arguments of the innermost module."""
        text = self.text[start:stop].strip()
        if text:
            index = self.open[-1].number
            before = self.found[index].arguments
            joined = f"{before} {text}" if before else text
            if len(joined) > _LONGEST:
                raise self.too_long()
            self.found[index] = self.found[index]._replace(arguments=joined)

    def too_long(self) -> FormatError:
        span = self.found[self.open[-1].number].span
        return self.fail(f"its arguments have more than {_LONGEST:,} characters", *span)

    def close(self, start: int, at: int) -> None:
        if self.text[at] != ")":
            raise self.fail(f"expected `)`, found `{self.text[at]}`", at, at + 1)
        self.keep(start, at)
        self.open.pop()

    def check_column(self, at: int) -> None:
        """Indentation shows where a parenthesis is missing, unless the paste has lost it."""
        top = self.open[-1]
        if top.number == 0 or not self.starts_line(at) or top.column == 0:
            return
        if self.column(at) <= top.column:
            span = self.found[top.number].span
            number = self.text.count("\n", 0, span.start) + 1
            raise self.fail(
                f"`{self.text[span.start : span.stop]}(` of line {number} is not closed before "
                "this",
                at,
                self.line_end(at),
                "a parenthesis is missing: paste the print-out as it is",
            )

    def starts_line(self, at: int) -> bool:
        return not self.text[self.text.rfind("\n", 0, at) + 1 : at].strip()

    def not_closed(self, depth: list[int]) -> FormatError:
        if depth:
            return self.fail("this bracket is not closed", depth[-1], depth[-1] + 1)
        span = self.found[self.open[-1].number].span
        return self.fail(
            f"`{self.text[span.start : span.stop]}(` is not closed: the print-out ends inside it",
            span.start,
            span.stop,
            "paste all of it, to the last parenthesis",
        )
