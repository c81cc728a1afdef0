"""The form of what `print(model)` writes.

    paste     = { prompt } [ "(" name "):" ] [ count "x" ] module { child } { prompt }
    module    = class "(" [ arguments ] { child } ")"
    child     = "(" name "):" ( [ count "x" ] module | parameter | "None" )
    parameter = "Parameter containing: [" type "of size" sizes "]"

Children that nothing holds are called by numbers one after another: somebody has pasted what stands
inside of an nn.Sequential, or of an nn.ModuleList where some are folded, which only that one does.
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
_MOST_SHOWN = 60  # characters of a name in an error
_MOST_DIGITS = 24  # of the sizes of a parameter together

_PROMPT = re.compile(r"[ \t]*(?:>>>|In[ ]?\[[^\]\n]*\]:|```|\$ |Python \d)[^\n]*(?:\n|\Z)|\s*\n")
_MORE_CODE = re.compile(r"[ \t]*(?:\.\.\.:?)[^\n]*(?:\n|\Z)")
_ANSWER = re.compile(r"[ \t]*(?:Out[ ]?\[[^\]\n]*\]:|<bound method [\w.]+ of)?\s*")
_NAME = re.compile(r"\(([^()\n]*(?:\([^()\n]*\)[^()\n]*)*)\):\s*")
_TIMES = re.compile(r"(\d+)\s+x\s+")
_CLASS = re.compile(r"(?:(?:torch\.)?nn\.)?([^\W\d][\w.]*(?:\[[^\[\]()\n]*\])?)\(")
_NUMBERED = re.compile(r"\s*\((\d{1,9})(?:-(\d{1,9}))?\):")
_PARAMETER = re.compile(
    r"Parameter containing:\s*\[[^\]\n]{0,99}?of size ([\dx]{0,199})(?![\dx])[^\]\n]{0,99}\]"
)
_NAME_IN_TUPLE = re.compile(r"(?<![\w)\]])[(\[][^()\[\]]*,\s*(\w+=)")
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
    a parameter has that stands in place of a module, None for a module. `arguments` begin at
    `arguments_at`. `is_there` is False for what is taken to be around modules that nothing holds.
    """

    name: str
    kind: str
    parent: int
    times: int
    span: Span
    arguments: str = ""
    arguments_at: int = 0
    numbers: int | None = None
    is_there: bool = True


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


def _numbers(name: str) -> tuple[int, int] | None:
    """The first and the last number of `(0-2):`, twice the same of `(0):`."""
    found = _NUMBERED.fullmatch(f"({name}):")
    return (int(found[1]), int(found[2] or found[1])) if found else None


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
        self.seen = 0  # where the column was last asked for, and where that line begins
        self.line = 0

    def fail(self, message: str, start: int, stop: int, hint: str = "") -> FormatError:
        return FormatError(message, self.source, Span(start, max(stop, start + 1)), hint)

    def whole(self) -> list[Printed]:
        outermost: list[Printed] = []
        at = self.before()
        while True:
            index = len(self.found)
            at = self.module(at)
            outermost.append(self.found[index])
            last = _numbers(outermost[-1].name)
            following = _NUMBERED.match(self.text, at)
            if last is None or following is None or int(following[1]) != last[1] + 1:
                break
            at = following.start(1) - 1
        self.after(at)
        is_folded = any(module.times > 1 for module in outermost)
        if len(outermost) == 1 and not is_folded:
            return self.found
        kind = "ModuleList" if is_folded else "Sequential"
        around = Printed("", kind, -1, 1, outermost[0].span, is_there=False)
        return [around, *(one._replace(parent=one.parent + 1) for one in self.found)]

    def module(self, at: int) -> int:
        at = self.head(at)
        while self.open:
            at = self.inside(at)
        return at

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
                message, hint = "this closes nothing: there is a parenthesis too many", ""
                if self.found[0].name:
                    message = "this closes nothing"
                    hint = "the first line is missing: put it before, like `Sequential(`"
                raise self.fail(message, at, at + 1, hint)
            if _CLASS.match(rest):
                raise self.fail("a second module begins here", at, line, "read one at a time")
            if _NAME.match(rest):
                hint = (
                    "modules that run one after another stand between a line `Sequential(` and a "
                    "line `)`, or are called 0, 1, 2, .. in order"
                )
                raise self.fail("a second module begins here", at, line, hint)
            raise self.fail("the module ends before this", at, line)

    def line_end(self, at: int) -> int:
        stop = self.text.find("\n", at)
        return len(self.text.rstrip()) if stop < 0 else stop

    def column(self, at: int) -> int:
        """The characters before `at` on its line; asked in the order of the text, for speed."""
        found = self.text.rfind("\n", self.seen, at)
        self.line = max(self.line, found + 1)
        self.seen = at
        return at - self.line

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
        if "-" in name and (numbers := _numbers(name)):
            there = numbers[1] - numbers[0] + 1
            if there != times:
                message = f"expected `{there} x` after ({name}):, found `{times} x`"
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
            self.found.append(Printed(name, "Parameter", parent, 1, span, numbers=numbers))
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
                raise self.not_closed(start, depth)
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
            before = self.found[index]
            joined = f"{before.arguments} {text}" if before.arguments else text
            if len(joined) > _LONGEST:
                raise self.too_long()
            at = before.arguments_at or self.text.index(text[0], start)
            self.found[index] = before._replace(arguments=joined, arguments_at=at)

    def too_long(self) -> FormatError:
        span = self.found[self.open[-1].number].span
        return self.fail(f"its arguments have more than {_LONGEST:,} characters", *span)

    def close(self, start: int, at: int) -> None:
        if self.text[at] != ")":
            raise self.fail(f"expected `)`, found `{self.text[at]}`", at, at + 1)
        self.keep(start, at)
        self.check_column(at, closes=True)
        self.open.pop()

    def check_column(self, at: int, *, closes: bool = False) -> None:
        """Indentation shows where a parenthesis is missing, unless the paste has lost it."""
        top, column = self.open[-1], self.column(at)
        if top.number == 0 or top.column == 0 or column + closes > top.column:
            return
        if not self.text[at - column : at].strip():
            span = self.found[top.number].span
            number = self.text.count("\n", 0, span.start) + 1
            raise self.left_open() or self.fail(
                f"`{self.class_shown(span)}(` of line {number} is not closed before this",
                at,
                self.line_end(at),
                "a parenthesis is missing: paste the print-out as it is",
            )

    def class_shown(self, span: Span) -> str:
        """The name of a class, as much of it as an error has room for."""
        name = self.text[span.start : min(span.stop, span.start + _MOST_SHOWN)]
        return name + "..." * (span.stop - span.start > _MOST_SHOWN)

    def not_closed(self, start: int, depth: list[int]) -> FormatError:
        if depth:
            return self.fail("this bracket is not closed", depth[-1], depth[-1] + 1)
        self.keep(start, len(self.text))
        span = self.found[self.open[-1].number].span
        return self.left_open() or self.fail(
            f"`{self.class_shown(span)}(` is not closed: the print-out ends inside it",
            span.start,
            span.stop,
            "paste all of it, to the last parenthesis",
        )

    def left_open(self) -> FormatError | None:
        """The place of a parenthesis that is missing, if `(7, 7, stride=2` shows it."""
        for module in reversed(self.found):
            found = _NAME_IN_TUPLE.search(module.arguments)
            if found and self.text.startswith(module.arguments, module.arguments_at):
                start, stop = (module.arguments_at + at for at in found.span(1))
                return self.fail(f"expected `)` before `{found[1]}`", start, stop)
        return None
