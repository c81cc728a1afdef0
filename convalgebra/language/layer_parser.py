"""Text -> a layer of the syntax tree. Each method's docstring is the rule that it reads."""

from __future__ import annotations

import re
from math import inf
from typing import Literal, NamedTuple

from convalgebra.errors import Span
from convalgebra.language.expressions import parse_kernel, parse_size, parse_sizes
from convalgebra.language.scanner import Scanner
from convalgebra.language.syntax import Argument, LayerText, PadText, SizeText
from convalgebra.language.words import goes_on, modifier_set_off
from convalgebra.layers import DENSE, EPS, KINDS, WITH_EPS

_LONG = re.compile(
    r"(stride|dilation|padding|output_padding|groups|channels)[ \t]*=[ \t]*", re.ASCII
)
_FLAG = re.compile(r"psame|ceil|bias|b")
_SHORT = re.compile(r"[sdpog@]")
_EPS = re.compile(r"\d{1,17}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,3})?", re.ASCII)


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
_FLAG_LETTERS = {"psame": "p", "ceil": "c", "bias": "b", "b": "b"}


def parse_layer(scanner: Scanner, word: str) -> LayerText:
    """`layer = kernel { modifier } | word [ argument ] { modifier }`, `word` not yet read"""
    return _LayerReader(scanner, word).layer()


class _LayerReader:
    def __init__(self, scanner: Scanner, word: str) -> None:
        self.scanner = scanner
        self.start = scanner.at
        self.kind = word or "conv"
        self.fields: dict[str, Argument] = {}
        self.given: set[str] = set()
        self.same = False
        self.rule: Literal["=", "*", "/"] = "*"
        self.eps = EPS
        scanner.read(len(word))

    def layer(self) -> LayerText:
        self.argument()
        while self.modifier():
            pass
        span = self.scanner.whole(self.start)
        self.check_complete(span)
        return LayerText(
            self.kind,
            self.fields,
            _names(self.fields),
            span,
            channels_rule=self.rule,
            same=self.same,
            ceil="c" in self.given,
            bias="b" in self.given,
            eps=self.eps,
        )

    def check_complete(self, span: Span) -> None:
        kind, fail = self.kind, self.scanner.fail
        if kind in ("max", "avg") and "s" not in self.given:
            shown = self.scanner.text[span.start : span.stop]
            fail(f"the stride of {kind} pooling must be written", span, f"{shown}s2, {shown}s1")
        if kind in DENSE and "@" not in self.given:
            fail(f"`{kind}` needs its outputs after an @", span, f"{kind}@1000, or {kind}@1000b")

    def argument(self) -> None:
        """`kernel = side { "x" side }`, and the arguments of words"""
        scanner = self.scanner
        wanted = KINDS[self.kind].argument
        if wanted == "kernel":
            scanner.skip_blanks()
        start = scanner.at
        if wanted == "kernel":
            self.fields["size"] = Argument(parse_kernel(scanner), scanner.span(start))
        elif wanted == "pads":
            self.fields["pads"] = Argument(self.pads(), scanner.span(start))
        elif wanted == "number":
            self.fields["size"] = Argument((parse_size(scanner, "a number"),), scanner.span(start))
        elif wanted != "none" and (scanner.peek().isalnum() or scanner.peek() == "("):
            self.fields["size"] = Argument(parse_sizes(scanner), scanner.span(start))
        if self.kind in WITH_EPS and scanner.peek() == "(":
            self.epsilon()

    def epsilon(self) -> None:
        """`"(" eps ")"`: a decimal, with a point or an exponent: `bn(64)` is no eps"""
        scanner = self.scanner
        scanner.open()
        start = scanner.at
        written = scanner.match(_EPS) or ""
        span = scanner.span(start) if written else scanner.run_span()
        if not written or written.isdigit():
            hint = f"a norm keeps its channels; what it adds to variances: {self.kind}"
            hint += "32(1e-3)" if KINDS[self.kind].argument == "number" else "(1e-3)"
            scanner.fail("expected an eps like 1e-3, with a point or an exponent", span, hint)
        self.eps = float(written)
        if self.eps == inf or (self.eps == 0 and set(written.lower().partition("e")[0]) - {*"0."}):
            scanner.fail("no float of 64 bits is this eps", span)
        scanner.close("a ) after the eps")

    def pads(self) -> tuple[PadText, ...]:
        """`pads = pad { "x" pad }`"""
        pairs = [self.pad()]
        while self.scanner.peek() == "x":
            self.scanner.read(1)
            pairs.append(self.pad())
        return tuple(pairs)

    def pad(self) -> PadText:
        """`pad = size [ ":" size ]`"""
        begin = parse_size(self.scanner, "a number of zeros")
        if self.scanner.peek() != ":":
            return begin, begin
        self.scanner.read(1)
        return begin, parse_size(self.scanner, "a number of zeros")

    def modifier(self) -> bool:
        """`modifier = "s" sizes | "d" sizes | .. | "b" | "ceil"`; False if none stands here"""
        scanner = self.scanner
        back = scanner.at
        scanner.skip_blanks()
        start = scanner.at
        if start > back and not modifier_set_off(scanner.text, start):
            scanner.at = back
            return False
        if flag := self.flag():
            self.claim(_FLAG_LETTERS[flag], scanner.span(start))
            self.same |= flag == "psame"
        elif long := scanner.match(_LONG):
            self.value(_LETTERS[long.rstrip("= \t")], start)
        elif letter := scanner.match(_SHORT):
            self.value(letter, start)
        else:
            scanner.at = back
            return False
        return True

    def flag(self) -> str:
        """`"psame" | "ceil" | "bias" | "b"`; "" if none stands here"""
        found = self.scanner.looks_at(_FLAG)
        if found is None or (found.group() == "b" and not goes_on(self.scanner.text, found.end())):
            return ""
        self.scanner.at = found.end()
        return found.group()

    def value(self, letter: str, start: int) -> None:
        """What follows the letter of a modifier."""
        scanner = self.scanner
        self.claim(letter, scanner.span(start))
        values: tuple[SizeText, ...] | tuple[PadText, ...]
        if letter == "p":
            values = self.pads()
        elif letter == "@":
            values = (self.channels(),)
        elif letter == "g":
            values = (parse_size(scanner, "a number of groups"),)
        else:
            values = parse_sizes(scanner)
        self.fields[_MODIFIERS[letter].field] = Argument(values, scanner.span(start))

    def channels(self) -> SizeText:
        """`"@" [ "*" | "/" ] size`"""
        sign = self.scanner.peek()
        self.rule = "*" if sign == "*" else "/" if sign == "/" else "="
        if self.rule != "=":
            self.scanner.read(1)
        self.scanner.skip_blanks()
        return parse_size(self.scanner, "a number of channels")

    def claim(self, letter: str, span: Span) -> None:
        """Take note of a modifier: the layer must have it, and once."""
        noun = _MODIFIERS[letter].noun
        if letter not in KINDS[self.kind].modifiers:
            self.no_such_modifier(letter, span)
        if letter in self.given:
            self.scanner.fail(f"{noun} given twice", span)
        self.given.add(letter)

    def no_such_modifier(self, letter: str, span: Span) -> None:
        from convalgebra.language.hints import EXAMPLES  # only for errors

        hint = ""
        if self.kind == "dw" and letter == "g":
            hint = "a depthwise layer has one group a channel; write 3x3g8 for 8 groups"
        elif letter == "@":
            hint = "it keeps the channels that come in; a 1x1@64 changes them"
        elif letter == "o":
            hint = "output padding belongs to transposed convolutions: convt3x3s2p1o1"
        elif letter == "c":
            hint = "only pooling rounds up"
        elif self.kind in EXAMPLES:
            hint = f"`{self.kind}` is written like {EXAMPLES[self.kind]}"
        subject = "a convolution" if self.kind == "conv" else f"`{self.kind}`"
        self.scanner.fail(f"{subject} takes no {_MODIFIERS[letter].noun}", span, hint)


def _names(fields: dict[str, Argument]) -> tuple[str, ...]:
    expressions = [size for argument in fields.values() for size in argument.expressions()]
    return tuple(sorted({name for size in expressions for name in size.names()}))
