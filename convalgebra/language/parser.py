"""Text -> syntax tree. Each method's docstring is the rule that it reads."""

from __future__ import annotations

import re
from typing import NamedTuple

from convalgebra.errors import Source, Span
from convalgebra.language import words
from convalgebra.language.expressions import (
    MAX_NESTING,
    names_in,
    parse_expression,
    parse_parenthesised,
    parse_size,
)
from convalgebra.language.scanner import RUN, Scanner
from convalgebra.language.syntax import (
    Added,
    Argument,
    Branches,
    Call,
    Define,
    Item,
    LayerText,
    Line,
    Program,
    Series,
    Share,
    Slice,
    Sum,
    Term,
    Text,
)
from convalgebra.layers import KINDS, WORDS

_KEYWORD = re.compile(r"(?:input|output|def|shared)(?=[ \t]+[\w(]|[ \t]*$)", re.ASCII | re.MULTILINE)
_ASSIGNED = re.compile(r"([A-Za-z_][\w.]*)[ \t\r]*=(?!=)", re.ASCII)
_COUNT = re.compile(r"(\d+|[A-Za-z_]\w*)[ \t]*\*(?![*/])", re.ASCII)
_BARE_NUMBER = re.compile(r"\d+(?![\w(@.]|[ \t]*\*)", re.ASCII)
_GROUPED_SIDE = re.compile(r"\([\w+\-*/() \t]*\)x", re.ASCII)
_LONG = re.compile(
    r"(stride|dilation|padding|output_padding|groups|channels)[ \t]*=[ \t]*", re.ASCII
)
_FLAG = re.compile(r"(psame|ceil|bias|b)(?![a-z])", re.ASCII)
_SHORT = re.compile(r"[sdpog](?=[\w(])|@", re.ASCII)


class _Modifier(NamedTuple):
    field: str
    noun: str


_MODIFIERS = {
    "s": _Modifier("stride", "stride"),
    "d": _Modifier("dilation", "dilation"),
    "p": _Modifier("padding", "padding"),
    "o": _Modifier("output_padding", "output padding"),
    "g": _Modifier("groups", "groups"),
    "@": _Modifier("channels", "channels"),
    "b": _Modifier("bias", "bias"),
    "c": _Modifier("ceil", "ceil"),
}
_LETTERS = {modifier.field: letter for letter, modifier in _MODIFIERS.items()}


def parse_program(source: Source) -> Program:
    """The syntax tree of a whole text.

    Raises LanguageError with what was expected, after what, and where.
    """
    return _Parser(source).program()


def parse_shape_text(source: Source) -> tuple[Sum, ...]:
    """The sizes of a shape alone, as after `input`: `3x224x224`."""
    parser = _Parser(source)
    parser.scanner.skip_blanks()
    sizes = parser.sizes("the shape")
    parser.scanner.skip_lines()
    if parser.scanner.peek():
        parser.unexpected("expected a shape like 3x224x224")
    return sizes


class _Parser:
    def __init__(self, source: Source) -> None:
        self.scanner = Scanner(source)
        self.depth = 0

    def unexpected(self, expected: str, hint: str = "") -> None:
        scanner = self.scanner
        scanner.fail(f"{expected}, found {scanner.here()}", scanner.run_span(), hint)

    def program(self) -> Program:
        """`text = line { (line break | ";") line }`, `input` first and `output` last"""
        scanner = self.scanner
        self.skip_empty_lines()
        shape = None
        if self.keyword() == "input":
            self.read_keyword("input")
            shape = self.sizes("`input`")
            self.end_line()
        start = scanner.at
        lines: list[Line | Define | Share] = []
        outputs = None
        while True:
            self.skip_empty_lines()
            if not scanner.peek():
                break
            if outputs is not None:
                self.unexpected("`output` is the last line")
            if self.keyword() == "output":
                outputs = self.output()
            else:
                lines.append(self.line())
            self.end_line()
        if not lines:
            scanner.fail("expected a layer, like 3x3p1@64, found nothing")
        return Program(shape, Text(tuple(lines), scanner.span(start)), outputs)

    def skip_empty_lines(self) -> None:
        scanner = self.scanner
        scanner.skip_lines()
        while scanner.peek() == ";":
            scanner.at += 1
            scanner.skip_lines()

    def end_line(self) -> None:
        sign = self.scanner.sign()
        if sign in ("", "\n", ";"):
            return
        if sign == ")":
            self.scanner.fail("this `)` closes nothing")
        if sign == "|":
            self.scanner.fail("`|` stands between branches: cat(.. | ..)")
        self.expected_comma()

    def expected_comma(self) -> None:
        scanner = self.scanner
        hint = ""
        here, before = scanner.peek(), scanner.text[: scanner.at].rstrip()
        previous = re.search(r"[\w@]+$", before[-30:])
        if here == "×":
            hint = "write the letter x: 3x3"
        elif here == "/" and (side := re.match(r"/(\d+)", scanner.text[scanner.at :])):
            hint = f"a stride is written s{side.group(1)}"
        elif here.isdigit() and previous:
            run = scanner.looks_at(RUN)
            number = run.group() if run else here
            hint = f"channels are written with an @: {previous.group()}@{number}"
        elif here == "*":
            hint = "a repetition is written count first: 3*(3x3p1, relu)"
        elif here == "=":
            hint = "a name is a word like conv1 or layer1.0 at the beginning of a line"
        elif here in "-":
            hint = "layers are joined with `,`"
        self.unexpected("expected `,` or the end of the line", hint)

    def keyword(self) -> str:
        found = self.scanner.looks_at(_KEYWORD)
        return found.group() if found else ""

    def read_keyword(self, word: str) -> None:
        self.scanner.at += len(word)
        self.scanner.skip_blanks()

    def sizes(self, after: str) -> tuple[Sum, ...]:
        """`sizes = size { "x" size }`"""
        values = [parse_size(self.scanner, "a size", after)]
        while self.scanner.peek() == "x":
            self.scanner.at += 1
            values.append(parse_size(self.scanner, "a size", "`x`"))
        return tuple(values)

    def output(self) -> tuple[Call, ...]:
        """`"output" name { "|" name }`"""
        self.read_keyword("output")
        names = [self.name("`output`")]
        while self.scanner.take("|"):
            names.append(self.name("`|`"))
        return tuple(names)

    def name(self, after: str) -> Call:
        scanner = self.scanner
        start = scanner.at
        name = scanner.match(words.NAME)
        if name is None:
            self.unexpected(f"expected a name after {after}")
        assert name is not None
        return Call(name, None, scanner.span(start))

    def new_name(self, after: str) -> str:
        name, _, span = self.name(after)
        if words.reads_as_layer(name):
            self.scanner.fail(
                f"`{name}` already means something and cannot be a name", span,
                f"a word like {name}_1 can" if name.isalpha() else f"a word like n_{name} can",
            )
        return name

    def line(self) -> Line | Define | Share:
        """`line = [ name "=" ] series | "def" .. | "shared" ..`"""
        scanner = self.scanner
        start = scanner.at
        word = self.keyword()
        if word == "def":
            return self.define(start)
        if word == "shared":
            self.read_keyword("shared")
            name = self.new_name("`shared`")
            self.equals(name)
            return Share(name, self.series(), scanner.span(start))
        if word:
            scanner.fail(f"`{word}` is the {'first' if word == 'input' else 'last'} line of a text",
                         Span(start, start + len(word)))
        name = ""
        if scanner.looks_at(_ASSIGNED):
            name = self.new_name("the line begins")
            self.equals(name)
        return Line(name, self.series(), scanner.span(start))

    def equals(self, name: str) -> None:
        if not self.scanner.take("="):
            self.unexpected(f"expected `=` after `{name}`")

    def define(self, start: int) -> Define:
        """`"def" name [ "(" name { "," name } ")" ] "=" series`"""
        scanner = self.scanner
        self.read_keyword("def")
        name = self.new_name("`def`")
        parameters: list[str] = []
        if scanner.take("("):
            while True:
                parameter, _, span = self.name("`(`")
                if parameter in parameters:
                    scanner.fail(f"the parameter `{parameter}` stands twice", span)
                parameters.append(parameter)
                if not scanner.take(","):
                    break
            self.close("the parameters")
        self.equals(name)
        return Define(name, tuple(parameters), self.series(), scanner.span(start))

    def close(self, what: str) -> None:
        if self.scanner.sign() in ("\n", ";"):
            self.scanner.skip_lines()
        if not self.scanner.take(")"):
            self.unexpected(f"expected `)` after {what}")

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
        first = self.term()
        if self.scanner.sign() != "+":
            return first
        terms = [first]
        while self.scanner.take("+"):
            terms.append(self.term())
        return Added(tuple(terms), self.scanner.span(start))

    def term(self) -> Item:
        """`term = [ count "*" ] atom`"""
        scanner = self.scanner
        scanner.skip_blanks()
        counted = scanner.looks_at(_COUNT)
        if counted is None:
            return self.atom()
        start = scanner.at
        digits = counted.group(1)
        count: int | str = scanner.number() if digits.isdigit() else digits
        scanner.at = counted.end()
        scanner.skip_lines()
        bare = scanner.looks_at(_BARE_NUMBER)
        if bare is not None:
            span = Span(start, bare.end())
            other = bare.group()
            scanner.fail(
                f"`{digits}*{other}` can be read in two ways", span,
                f"a kernel is written {digits}x{other}, a repetition {digits}*({other})",
            )
        return Term(count, self.atom(), scanner.span(start))

    def atom(self) -> Item:
        """`atom = layer | "(" text ")" | name [ "(" .. ")" ] | "[" .. ":" .. "]" | word "(" .. ")"`"""
        scanner = self.scanner
        character = scanner.peek()
        if character == "(" and not self.begins_with_grouped_side():
            return self.group()
        if character == "[":
            return self.slice()
        word = words.layer_word(scanner.text, scanner.at) if character != "(" else ""
        if word is not None:
            return self.layer(word)
        name = scanner.looks_at(words.NAME)
        if name is None:
            after = scanner.text[: scanner.at].rstrip()[-1:]
            expected = f"expected a layer{f' after `{after}`' if after in set('+,|(*=') else ''}"
            hint = ""
            if character == "-":
                hint = "sizes are at least 1"
            elif not scanner.text.strip():
                hint = "for example 3x3p1@64, relu"
            self.unexpected(expected, hint)
        assert name is not None
        if name.group() in words.MERGE_WORDS:
            return self.branches(name.group())
        if name.group() in ("input", "id") or name.group() not in words.RESERVED:
            return self.call(name.group())
        scanner.fail(f"`{name.group()}` begins a line; here a layer is expected", Span(*name.span()))

    def begins_with_grouped_side(self) -> bool:
        # (k+1)x3 is a kernel, (k, 3x3) a group: a side holds no comma.
        found = self.scanner.looks_at(_GROUPED_SIDE)
        if found is None:
            return False
        depth = 0
        for index, character in enumerate(found.group()):
            depth += (character == "(") - (character == ")")
            if depth == 0:
                return found.group()[index + 1 : index + 2] == "x"
        return False

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.scanner.fail(f"parentheses nested more than {MAX_NESTING} deep")

    def group(self) -> Text:
        """`"(" text ")"`"""
        start = self.scanner.at
        self.open()
        text = self.inner_text(start)
        if not self.scanner.take(")"):
            self.unclosed(start)
        self.depth -= 1
        return text

    def open(self) -> None:
        self.enter()
        self.scanner.at += 1
        self.scanner.skip_lines()

    def unclosed(self, start: int) -> None:
        scanner = self.scanner
        if not scanner.peek():
            scanner.fail("this `(` is never closed", Span(start, start + 1))
        if scanner.peek() == "|":
            scanner.fail("`|` stands between branches: cat(.. | ..)")
        self.expected_comma()

    def inner_text(self, start: int) -> Text:
        """`text = line { (line break | ";") line }`, up to `)` or `|`"""
        scanner = self.scanner
        begin = scanner.at
        lines: list[Line | Define | Share] = []
        while True:
            self.skip_empty_lines()
            if scanner.peek() in (")", "|", ""):
                break
            lines.append(self.line())
            if scanner.sign() not in ("\n", ";"):
                break
        if not lines:
            if not scanner.peek():
                self.unclosed(start)
            self.unexpected("expected a layer", "what comes in, unchanged, is `id`")
        return Text(tuple(lines), scanner.span(begin))

    def branches(self, word: str) -> Branches:
        """`( "cat" | "mul" | "unused" ) "(" text { "|" text } ")"`"""
        scanner = self.scanner
        start = scanner.at
        scanner.at += len(word)
        if scanner.peek() != "(":
            self.unexpected(f"expected `(` after `{word}`")
        self.open()
        texts = [self.inner_text(start)]
        while scanner.take("|"):
            texts.append(self.inner_text(start))
        if not scanner.take(")"):
            self.unclosed(start)
        self.depth -= 1
        if word != "unused" and len(texts) < 2:
            scanner.fail(
                f"`{word}` needs two branches", scanner.span(start),
                f"branches stand between bars: {word}(a | b); a comma joins layers to a series",
            )
        return Branches(word, tuple(texts), scanner.span(start))

    def call(self, name: str) -> Call:
        """`name [ "(" expr { "," expr } ")" ]`"""
        scanner = self.scanner
        start = scanner.at
        scanner.at += len(name)
        arguments = None
        if scanner.peek() == "(" and not words.hint_for(scanner.text, start).startswith("this looks"):
            scanner.at += 1
            values = [parse_expression(scanner)]
            while scanner.take(","):
                values.append(parse_expression(scanner))
            self.close(f"the arguments of `{name}`")
            arguments = tuple(values)
        elif scanner.peek() == "(":
            scanner.fail(
                f"`{name}` is not defined", scanner.span(start), words.hint_for(scanner.text, start)
            )
        return Call(name, arguments, scanner.span(start))

    def slice(self) -> Slice:
        """`"[" [ expr ] ":" [ expr ] "]"`"""
        scanner = self.scanner
        begin = scanner.at
        scanner.at += 1
        bounds: list[Sum | None] = []
        for closing in (":", "]"):
            scanner.skip_blanks()
            bounds.append(None if scanner.peek() == closing else parse_expression(scanner))
            if scanner.peek() != closing:
                self.unexpected(f"expected `{closing}`", "a slice of the channels is written [:32]")
            scanner.at += 1
        names = tuple(name for bound in bounds if bound for name in names_in(bound))
        return Slice(bounds[0], bounds[1], names, scanner.span(begin))

    # Layers

    def layer(self, word: str) -> LayerText:
        """`layer = kernel { modifier } | word [ argument ] { modifier }`"""
        scanner = self.scanner
        start = scanner.at
        scanner.at += len(word)
        kind = word or "conv"
        fields: dict[str, Argument] = {}
        self.argument(kind, fields)
        flags, rule = self.modifiers(kind, start, fields)
        span = scanner.span(start)
        if kind in ("max", "avg") and "stride" not in fields:
            shown = scanner.text[start : span.stop]
            scanner.fail(f"the stride of {kind} pooling must be written", span, f"{shown}s2, {shown}s1")
        if kind in ("fc", "linear") and "channels" not in fields:
            scanner.fail(f"`{kind}` needs its outputs after an @", span, f"{kind}@1000, or {kind}@1000b")
        names = {
            name
            for argument in fields.values()
            for value in argument.values
            for part in (value if not isinstance(value, Sum) else (value,))
            for name in names_in(part)
        }
        return LayerText(
            kind,
            fields,
            tuple(sorted(names)),
            span,
            channels_rule=rule,
            same="psame" in flags,
            ceil="ceil" in flags,
            bias="b" in flags,
        )

    def argument(self, kind: str, fields: dict[str, Argument]) -> None:
        """`kernel = side { "x" side }`, and the arguments of words"""
        scanner = self.scanner
        wanted = KINDS[kind].argument
        start = scanner.at
        if wanted == "kernel":
            scanner.skip_blanks()
            start = scanner.at
            fields["size"] = Argument(self.sizes("the word"), scanner.span(start))
        elif wanted in ("factor", "sizes", "number") or (
            wanted == "optional sizes" and scanner.looks_at(re.compile(r"[\w(]"))
        ):
            fields["size"] = Argument(self.sizes(f"`{kind}`"), scanner.span(start))
        elif wanted == "pads":
            fields["pads"] = Argument(self.pads(f"`{kind}`"), scanner.span(start))
        if wanted == "number" and len(fields["size"].values) > 1:
            scanner.fail(f"`{kind}` takes one number", scanner.span(start))

    def pads(self, after: str) -> tuple[tuple[Sum, Sum], ...]:
        """`pads = pad { "x" pad }`, `pad = size [ ":" size ]`"""
        pairs = []
        while True:
            begin = parse_size(self.scanner, "a number of zeros", after)
            end = begin
            if self.scanner.peek() == ":":
                self.scanner.at += 1
                end = parse_size(self.scanner, "a number of zeros", "`:`")
            pairs.append((begin, end))
            if self.scanner.peek() != "x":
                return tuple(pairs)
            self.scanner.at += 1
            after = "`x`"

    def modifiers(
        self, kind: str, start: int, fields: dict[str, Argument]
    ) -> tuple[set[str], str]:
        """`modifier = "s" sizes | "d" sizes | "p" pads | "psame" | "o" sizes | "g" size | "@" .. | "b"`"""
        scanner = self.scanner
        flags: set[str] = set()
        rule = "*"
        while True:
            end = scanner.at
            scanner.skip_blanks()
            run = scanner.looks_at(RUN)
            if scanner.at > end and run is not None and run.group() in WORDS:
                scanner.at = end  # `3x3 bn`: the comma is missing
                return flags, rule
            begin = scanner.at
            long = scanner.match(_LONG)
            flag = None if long else scanner.match(_FLAG)
            short = None if long or flag else scanner.match(_SHORT)
            if flag:
                letter = {"psame": "p", "ceil": "c"}.get(flag, "b")
            elif long:
                letter = _LETTERS[long.partition("=")[0].strip()]
            elif short:
                letter = short
            else:
                scanner.at = end
                return flags, rule
            field, noun = _MODIFIERS[letter]
            span = Span(begin, scanner.at)
            if letter not in KINDS[kind].modifiers:
                self.no_such_modifier(kind, letter, span)
            if field in fields or field in flags or (letter == "p" and "psame" in flags):
                scanner.fail(f"the {noun} is given twice", span)
            if flag:
                flags.add({"psame": "psame", "ceil": "ceil"}.get(flag, "b"))
                if letter != "p":
                    flags.add(field)
                continue
            after = f"`{scanner.text[begin : scanner.at].strip()}`"
            value = scanner.at
            if letter == "p":
                fields[field] = Argument(self.pads(after), Span(begin, scanner.at))
            elif letter == "@":
                if scanner.peek() in ("*", "/"):
                    rule = scanner.peek()
                    scanner.at += 1
                else:
                    rule = "="
                fields[field] = Argument(
                    (parse_size(scanner, "a number of channels", after),), Span(begin, scanner.at)
                )
            elif letter == "g":
                fields[field] = Argument(
                    (parse_size(scanner, "a number of groups", after),), Span(begin, scanner.at)
                )
            else:
                fields[field] = Argument(self.sizes(after), Span(begin, scanner.at))
            fields[field] = fields[field]._replace(span=Span(begin, scanner.at))
            assert value <= scanner.at

    def no_such_modifier(self, kind: str, letter: str, span: Span) -> None:
        noun = _MODIFIERS[letter].noun
        hint = ""
        if kind == "dw" and letter == "g":
            hint = "a depthwise layer has one group a channel; write 3x3g8 for 8 groups"
        elif letter == "@":
            hint = "it keeps the channels that come in; a 1x1@64 changes them"
        elif letter == "o":
            hint = "output padding belongs to transposed convolutions: convt3x3s2p1o1"
        elif letter == "c":
            hint = "only pooling rounds up"
        subject = "a convolution" if kind == "conv" else f"`{kind}`"
        self.scanner.fail(f"{subject} takes no {noun}", span, hint)
