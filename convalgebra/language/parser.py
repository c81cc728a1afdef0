"""Text -> syntax tree. Each method's docstring is the rule that it reads."""

from __future__ import annotations

import re
from typing import NoReturn

from convalgebra.errors import LanguageError, Source, Span
from convalgebra.language.expressions import parse_bound, parse_expression, parse_shape
from convalgebra.language.layer_parser import parse_layer
from convalgebra.language.scanner import BLANK_LINES, MAX_NESTING, Scanner
from convalgebra.language.syntax import (
    Added,
    Atom,
    Branches,
    Call,
    Define,
    Item,
    LayerText,
    Line,
    OpaqueText,
    Program,
    Series,
    Share,
    Side,
    SizeText,
    Slice,
    Term,
    Text,
)
from convalgebra.language.words import MERGE_WORDS, NAME, RESERVED, layer_word, reads_as_layer
from convalgebra.layers import CONVOLUTIONS, LIKE

_KEYWORD = re.compile(r"(?:input|output|def|shared)(?=[ \t]+[\w(])", re.ASCII)
_ASSIGNED = re.compile(rf"[A-Za-z_][\w.]*{BLANK_LINES}=", re.ASCII)
_COUNT = re.compile(rf"(\d+|[A-Za-z_]\w*){BLANK_LINES}\*", re.ASCII)
_PARAMETER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_BARE_NUMBER = re.compile(r"\d+(?![\w(@.]|[ \t]*\*)", re.ASCII)
_TO_PARENTHESIS = re.compile(r"[\w+\-*/ \t]*[()]", re.ASCII)
_FIGURE = re.compile(r"\d+|\?", re.ASCII)
_MOST_DIGITS = 18  # of a figure of an opaque layer
_LONGEST_SIDE = 1000  # characters; a longer parenthesis before an x is no side of a kernel


def parse_program(source: Source) -> Program:
    """The syntax tree of a whole text.

    Raises LanguageError with what was expected, after what, and where.
    """
    return _Parser(source).program()


def parse_shape_text(source: Source) -> tuple[Side, ...]:
    """The sizes of a shape alone, as after `input`: `3x224x224`."""
    scanner = Scanner(source)
    scanner.skip_lines()
    sizes = parse_shape(scanner)
    scanner.skip_lines()
    if scanner.peek():
        scanner.expected("`x` and a size, or the end")
    return sizes


class _Parser:
    def __init__(self, source: Source) -> None:
        self.scanner = Scanner(source)

    # Lines

    def program(self) -> Program:
        """`text = line { (line break | ";") line }`, `input` first and `output` last"""
        scanner = self.scanner
        scanner.skip_empty_lines()
        shape = None
        if self.keyword() == "input":
            shape = self.input()
        start = scanner.at
        lines: list[Line | Define | Share] = []
        outputs = None
        while outputs is None:
            scanner.skip_empty_lines()
            if not scanner.peek():
                break
            if self.keyword() == "output":
                outputs = self.output()
            else:
                lines.append(self.line())
            self.end_line()
        scanner.skip_empty_lines()
        if scanner.peek():
            scanner.fail("`output` is the last line of a text")
        if not lines and outputs is None:
            scanner.fail(
                "expected a layer, like 3x3p1@64, found nothing", scanner.span(scanner.end)
            )
        return Program(shape, Text(tuple(lines), scanner.span(start)), outputs)

    def end_line(self) -> None:
        scanner = self.scanner
        sign = scanner.sign()
        if sign in ("", "\n", ";"):
            return
        if sign == ")":
            scanner.fail("this `)` closes nothing")
        self.series_breaks_off("`,` or the end of the line")

    def series_breaks_off(self, expected: str) -> NoReturn:
        scanner = self.scanner
        if scanner.peek() == "|":
            scanner.fail("`|` stands between branches: cat(.. | ..)")
        from convalgebra.language import hints  # only for errors

        last = scanner.text[scanner.last : scanner.end]
        hint = hints.missing_comma(scanner.text, scanner.at, last, scanner.at > scanner.end)
        scanner.expected(expected, hint)

    def keyword(self) -> str:
        """The word that makes this line a special one, or ""."""
        found = self.scanner.looks_at(_KEYWORD)
        return found.group() if found else ""

    def read_keyword(self) -> None:
        self.scanner.match(_KEYWORD)
        self.scanner.skip_blanks()

    def input(self) -> tuple[Side, ...]:
        """`"input" shape`"""
        self.read_keyword()
        shape = parse_shape(self.scanner)
        self.end_line()
        return shape

    def output(self) -> tuple[Call, ...]:
        """`"output" name { "|" name }`"""
        self.read_keyword()
        names = [self.name()]
        while self.scanner.take("|"):
            names.append(self.name())
        return tuple(names)

    def name(self, pattern: re.Pattern[str] = NAME) -> Call:
        start = self.scanner.at
        name = self.scanner.name(pattern)
        if name is None:
            self.scanner.expected("a name")
        return Call(name, None, self.scanner.span(start))

    def new_name(self) -> str:
        found = self.name()
        name, span = found.name, found.span
        if reads_as_layer(name):
            other = f"{name}_1" if name.isalpha() else f"n_{name}"
            self.scanner.fail(
                f"`{name}` already means something and cannot be a name",
                span,
                f"a word like {other} can",
            )
        return name

    def line(self) -> Line | Define | Share:
        """`line = [ name "=" ] series | "def" .. | "shared" ..`"""
        scanner = self.scanner
        start = scanner.at
        word = self.keyword()
        if word == "def":
            return self.define()
        if word == "shared":
            return self.share()
        if word:
            where = "first" if word == "input" else "last"
            scanner.fail(f"`{word}` is the {where} line of a text")
        name = ""
        if scanner.looks_at(_ASSIGNED):
            name = self.new_name()
            scanner.take("=")
        series = self.series()
        return Line(name, series, scanner.span(start) if name else series.span)

    def define(self) -> Define:
        """`"def" name [ "(" name { "," name } ")" ] "=" series`"""
        self.read_keyword()
        start = self.scanner.at
        name = self.new_name()
        parameters = self.parameters() if self.scanner.sign() == "(" else ()
        self.equals()
        return Define(name, parameters, self.series(), self.scanner.span(start))

    def parameters(self) -> tuple[str, ...]:
        """`"(" name { "," name } ")"`"""
        names: dict[str, None] = {}
        self.scanner.open()
        while True:
            found = self.name(_PARAMETER)
            name, span = found.name, found.span
            if name in names:
                self.scanner.fail(f"the parameter `{name}` stands twice", span)
            names[name] = None
            if not self.scanner.take(","):
                self.scanner.close("`,` or `)`")
                return tuple(names)

    def share(self) -> Share:
        """`"shared" name "=" series`"""
        self.read_keyword()
        start = self.scanner.at
        name = self.new_name()
        self.equals()
        return Share(name, self.series(), self.scanner.span(start))

    def equals(self) -> None:
        if not self.scanner.take("="):
            self.scanner.expected("`=`")

    # Series

    def series(self) -> Series:
        """`series = sum { "," sum }`"""
        start = self.scanner.at
        items = [self.sum()]
        while self.scanner.take(","):
            items.append(self.sum())
        return Series(tuple(items), self.scanner.span(start))

    def sum(self) -> Item:
        """`sum = term { "+" term }`"""
        start = self.scanner.at
        terms = [self.term()]
        while self.scanner.take("+"):
            terms.append(self.term())
        return Added(tuple(terms), self.scanner.span(start)) if len(terms) > 1 else terms[0]

    def term(self) -> Item:
        """`term = [ count "*" ] atom`"""
        scanner = self.scanner
        counted = scanner.looks_at(_COUNT)
        if counted is None:
            return self.atom()
        start = scanner.at
        times = scanner.number() if counted.group(1).isdigit() else scanner.name(_PARAMETER)
        assert times is not None
        scanner.take("*")
        bare = scanner.looks_at(_BARE_NUMBER)
        if bare is not None:
            scanner.fail(
                f"`{times}*{bare.group()[:20]}` can be read in two ways",
                Span(start, bare.end()),
                f"a kernel is written {times}x{bare.group()[:20]}, "
                f"a repetition {times}*({bare.group()[:20]})",
            )
        return Term(times, self.atom(), scanner.span(start))

    def atom(self) -> Atom:
        """`atom = layer | "(" text ")" | name [ "(" .. ")" ] | "[" .. "]" | word "(" .. ")"`"""
        scanner = self.scanner
        character = scanner.peek()
        if character == "[":
            return self.slice()
        if character == "(" and not self.begins_with_side():
            start = scanner.at
            scanner.open()
            text = self.inner_text(start)
            self.close(start)
            return text
        word = "" if character == "(" else layer_word(scanner.text, scanner.at)
        if word is not None:
            return parse_layer(scanner, word)
        name = scanner.looks_at(NAME)
        if name is None:
            scanner.expected("a layer", "sizes are at least 1" if character == "-" else "")
        if name.group() in MERGE_WORDS:
            return self.branches()
        if name.group() == "opaque":
            return self.opaque()
        if name.group() in RESERVED - {"input", "id"}:
            scanner.fail(f"`{name.group()}` begins a line; here a layer is expected")
        return self.call()

    def begins_with_side(self) -> bool:
        # (k+1)x3 is a kernel, (k, 3x3) a group: a side holds no comma.
        text, at, depth = self.scanner.text, self.scanner.at, 0
        limit = at + _LONGEST_SIDE
        while depth <= MAX_NESTING and (found := _TO_PARENTHESIS.match(text, at, limit)):
            at = found.end()
            depth += 1 if text[at - 1] == "(" else -1
            if depth == 0:
                return text[at : at + 1] == "x"
        return False

    def close(self, start: int) -> None:
        """The `)` that closes a text which begins at `start`."""
        scanner = self.scanner
        if scanner.sign() == ")":
            scanner.close("`)`")
            return
        if not scanner.peek():
            scanner.fail("this `(` is never closed", Span(start, start + 1))
        self.series_breaks_off("`,` or `)`")

    def inner_text(self, start: int) -> Text:
        """`text = line { (line break | ";") line }`, up to `)` or `|`"""
        scanner = self.scanner
        begin = scanner.at
        lines: list[Line | Define | Share] = []
        scanner.skip_empty_lines()
        while scanner.peek() not in (")", "|", ""):
            lines.append(self.line())
            if scanner.sign() not in ("\n", ";"):
                break
            scanner.skip_empty_lines()
        if not lines and not scanner.peek():
            scanner.fail("this `(` is never closed", Span(start, start + 1))
        if not lines:
            scanner.expected("a layer", "what comes in, unchanged, is `id`")
        return Text(tuple(lines), scanner.span(begin))

    def branches(self) -> Branches:
        """`( "cat" | "mul" | "bilinearlike" | .. | "unused" ) "(" text { "|" text } ")"`"""
        scanner = self.scanner
        start = scanner.at
        word = scanner.match(NAME) or ""
        if scanner.peek() != "(":
            from convalgebra.language.hints import EXAMPLES

            scanner.expected("`(`", f"`{word}` is written like {EXAMPLES[word]}")
        opened = scanner.at
        scanner.open()
        texts = self.texts(opened)
        if word != "unused" and len(texts) < 2:
            scanner.fail(
                f"`{word}` needs two branches",
                scanner.span(start),
                f"branches stand between bars: {word}(a | b); a comma joins layers to a series",
            )
        if word in LIKE and len(texts) > 2:
            scanner.fail(
                f"`{word}` takes two branches",
                scanner.span(start),
                f"what is resized, and what has the sides: {word}(a | b)",
            )
        return Branches(word, tuple(texts), scanner.span(start))

    def texts(self, opened: int) -> list[Text]:
        """`text { "|" text } ")"`"""
        texts = [self.inner_text(opened)]
        while self.scanner.take("|"):
            texts.append(self.inner_text(opened))
        self.close(opened)
        return texts

    def opaque(self) -> OpaqueText:
        """`"opaque" "(" name "," shape "," figure [ "+" figure ] "," figure [ "," layer ]
        { "|" text } ")"`
        """
        from convalgebra.language.hints import EXAMPLES

        scanner = self.scanner
        start = scanner.at
        scanner.match(NAME)
        example = f"`opaque` is written like {EXAMPLES['opaque']}"
        if scanner.peek() != "(":
            scanner.expected("`(`", example)
        opened = scanner.at
        scanner.open()
        name = self.name().name
        self.comma(example)
        shape = parse_shape(scanner)
        self.comma(example)
        params, biases = self.figure("params"), 0
        if params is not None and scanner.take("+"):
            biases = self.figure("biases") or 0
            params += biases
        self.comma(example)
        macs = self.figure("MACs")
        window = self.window() if scanner.take(",") else None
        texts: list[Text] = []
        if scanner.take("|"):
            texts = self.texts(opened)
        else:
            scanner.close("`|` or `)`")
        span = scanner.span(start)
        return OpaqueText(name, shape, params, macs, biases, window, tuple(texts), span)

    def window(self) -> LayerText:
        """The convolution that an opaque layer works as."""
        scanner = self.scanner
        scanner.peek()
        start = scanner.at
        word = layer_word(scanner.text, scanner.at)
        layer = None if word is None else parse_layer(scanner, word)
        if layer is None or layer.kind not in CONVOLUTIONS:
            scanner.fail("expected a convolution here", scanner.span(start), "dw3x3p1")
        return layer

    def comma(self, hint: str) -> None:
        if not self.scanner.take(","):
            self.scanner.expected("`,`", hint)

    def figure(self, what: str) -> int | None:
        """`number | "?"`"""
        scanner = self.scanner
        start = scanner.at
        found = scanner.match(_FIGURE)
        if found is None:
            scanner.expected(f"a number of {what}", "`?` where it is not known")
        if len(found) > _MOST_DIGITS:
            scanner.fail(
                f"a number of {len(found)} digits; at most {_MOST_DIGITS} are read here",
                scanner.span(start),
            )
        return None if found == "?" else int(found)

    def call(self) -> Call:
        """`name [ "(" expr { "," expr } ")" ]`"""
        scanner = self.scanner
        start = scanner.at
        name = scanner.name(NAME)
        assert name is not None
        if scanner.peek() != "(":
            return Call(name, None, scanner.span(start))
        span = scanner.span(start)
        try:
            arguments = self.arguments()
        except LanguageError:
            from convalgebra.language import hints

            if hint := hints.foreign_call(scanner.text, start):
                scanner.fail(f"`{name}` is not defined", span, hint)
            raise
        return Call(name, arguments, scanner.span(start))

    def arguments(self) -> tuple[SizeText, ...]:
        """`"(" expr { "," expr } ")"`"""
        scanner = self.scanner
        scanner.open()
        arguments = [parse_expression(scanner)]
        while scanner.take(","):
            arguments.append(parse_expression(scanner))
        scanner.close("`,` or `)`")
        return tuple(arguments)

    def slice(self) -> Slice:
        """`"[" [ expr ] ":" [ expr ] "]"`"""
        scanner = self.scanner
        begin = scanner.at
        bounds: list[SizeText | None] = []
        for closing in (":", "]"):
            scanner.read(1)
            scanner.skip_blanks()
            bounds.append(None if scanner.peek() == closing else parse_bound(scanner))
            if scanner.peek() != closing:
                scanner.expected(f"`{closing}`", "a slice of the channels is written [:32]")
        scanner.read(1)
        return Slice(bounds[0], bounds[1], scanner.span(begin))
