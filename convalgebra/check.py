"""Verifies a certificate of `convalgebra equiv`: one file, the standard library, no engine.

    python check.py proof.json

Exits with 0 if all is verified, 3 if only a part is, or if something is missing, 1 if something is
false, 2 if it cannot be read. All arithmetic is exact; work is counted and limited, and what would
be too much is "not verified".

The format, and what each claim proves, is told in docs/certificates.md. Taken for granted, besides
elementary algebra: the image of a chain of one-channel convolutions is closed (it is the cone over
the image of a projective variety), and a rational member outside shows that those inside are thin
(Serre; Hilbert's irreducibility theorem); Ruppert's criterion and Eisenstein's.

In order: reading; stacks, from their texts or from steps; the coefficients of a stack; claims, one
verifier for each kind; answers, which follow from the claims by fixed rules.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import product
from math import gcd, isqrt, lcm, prod
from typing import Any

FORMAT, VERSION = "convalgebra.certificate/", "2"
SCHEMA = FORMAT + VERSION
MAX_BYTES, MAX_DIGITS, MAX_ENTRY = 32_000_000, 1000, 1 << 32
MAX_STEPS, MAX_CHANNELS, MAX_PHASES, MAX_NESTING = 20_000, 10**6, 4096, 100
WORK_OF_CLAIM, WORK_OF_FILE = 40_000_000, 80_000_000  # a unit is about a third of a microsecond
FIELDS, SIDES = ("real", "complex", "rational"), ("left", "right")
ANSWERS = {"thin": "a thin set", "part": "an open set", "dense": "almost all", "all": "all"}
Number = Fraction | int
Axes = tuple[int, ...]
Monomial = tuple[int, ...]  # its variables in order, each as often as its power says
Poly = dict[Monomial, Any]  # -> coefficient
Key = tuple[int, ...] | None  # an input: its channel, its place; None for the constant
Row = dict[Key, Poly]  # the coefficients of one output
Rows = list[list[Row]]  # by channel and phase


class Wrong(Exception):
    """Something in the file is false or malformed."""


class Open(Exception):
    """Something can neither be verified nor refuted here."""


class Unreadable(Exception):
    """No certificate at all."""


def need(holds: object, text: str) -> None:
    if not holds:
        raise Wrong(text)


class Work:
    """What may still be spent, on this claim and on the file."""

    def __init__(self) -> None:
        self.total, self.left = WORK_OF_FILE, 0

    def renew(self) -> None:
        self.total += self.left
        self.left = min(WORK_OF_CLAIM, self.total)
        self.total -= self.left

    def spend(self, units: int) -> None:
        self.left -= units
        if self.left < 0:
            self.left = 0
            raise Open("it takes too much work")


# Reading: every number is an int or a fraction in a string, every field is known and needed.


def read(path: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a field is given twice")
        return dict(pairs)

    def whole(text: str) -> int:
        if len(text) > MAX_DIGITS:
            raise ValueError(f"a number has more than {MAX_DIGITS} digits")
        return int(text)

    def refused(text: str) -> Any:
        raise ValueError(f"{text[:20]} is no exact number")

    hooks: dict[str, Any] = {"parse_int": whole, "parse_float": refused, "parse_constant": refused}
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise Unreadable(f"more than {MAX_BYTES:,} bytes")
        return json.loads(data.decode(), object_pairs_hook=unique, **hooks)
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be opened") from None
    except ValueError as error:
        why = f"see line {error.lineno}" if isinstance(error, json.JSONDecodeError) else str(error)
        text = "it is not text" if isinstance(error, UnicodeError) else f"no exact JSON: {why}"
        raise Unreadable(text) from None


def fields(value: Any, names: str, optional: str = "") -> list[Any]:
    """The fields of an object, all of `names` and perhaps the optional ones, and no other."""
    need(isinstance(value, dict), f"an object with {names} is expected")
    wanted, more = names.split(), optional.split()
    for name in wanted:
        need(name in value, f"`{name}` is missing")
    for name in value:
        need(name in wanted or name in more, f"`{name[:20]}` has no meaning here")
    return [value.get(name) for name in (*wanted, *more)]


def items(value: Any, length: int | None = None) -> list[Any]:
    need(isinstance(value, list), "a list is expected")
    need(length in (None, len(value)), f"a list of {length} is expected")
    return list(value)


def integer(value: Any, low: int = -MAX_ENTRY, high: int = MAX_ENTRY) -> int:
    need(type(value) is int and low <= value <= high, f"{str(value)[:20]} is no integer in range")
    return int(value)


def integers(value: Any, length: int | None = None, low: int = -MAX_ENTRY) -> Axes:
    return tuple(integer(one, low) for one in items(value, length))


def number(value: Any) -> Number:
    if type(value) is int:
        return value
    good = isinstance(value, str) and re.fullmatch(r"-?\d{1,999}/[1-9]\d{0,998}", value, re.ASCII)
    need(good, "an integer or a fraction is expected")
    return Fraction(value)


def one_of(value: Any, names: Iterable[str]) -> str:
    need(isinstance(value, str) and value in names, f"one of {', '.join(names)} is expected")
    return str(value)


def prime_of(value: Any, work: Work) -> int:
    p = integer(value, 2)
    work.spend(isqrt(p) // 8)
    need(p == 2 or (p % 2 and all(p % d for d in range(3, isqrt(p) + 1, 2))), f"{p} is no prime")
    return p


# Stacks: steps, each of which reads steps before it.


@dataclass(frozen=True)
class Step:
    """An input, a sum, a relu, or a convolution: then it has a size, and weights or taps."""

    op: str
    sources: Axes
    width: int  # channels that come in
    out: int
    size: Axes = ()
    stride: Axes = ()
    dilation: Axes = ()
    padding: Axes = ()
    groups: int = 1
    weights: int | None = None  # the first step with these weights
    bias: bool = False
    taps: tuple[tuple[int, int, int, Number], ...] = ()  # of a fixed kernel: out, in, tap, value

    @property
    def kernel(self) -> int:
        """The number of its weights, biases apart."""
        return prod(self.size) * self.width * self.out // self.groups

    @property
    def free(self) -> int:
        return self.kernel + self.out * self.bias

    @property
    def only_moves(self) -> bool:
        """Whether it pads or crops and does nothing else: one tap 1, channel by channel."""
        plain = self.op == "conv" and prod(self.size) == prod(self.stride) == 1
        return plain and self.groups == self.width == self.out and self.taps == ((0, 0, 0, 1),)

    def reads(self, position: Axes) -> dict[int, Axes]:
        """Which place of its source each tap reads, for an output."""
        along = zip(self.size, self.dilation, self.padding, strict=True)
        found = {}
        for tap, place in enumerate(product(*(range(-p, d * k - p, d) for k, d, p in along))):
            ways = list(zip(position, self.stride, place, strict=True))
            if self.op == "conv":
                found[tap] = tuple(s * n + u for n, s, u in ways)
            elif all((n - u) % s == 0 for n, s, u in ways):
                found[tap] = tuple((n - u) // s for n, s, u in ways)
        return found

    def entries(self, channel: int, start: int) -> Iterator[tuple[int, int, Number]]:
        """Input channel, tap, and number of the weight, or value, for an output channel."""
        width, out, count = self.width // self.groups, self.out // self.groups, prod(self.size)
        first = channel // out * width
        if self.weights is None:
            return ((first + i, u, v) for o, i, u, v in self.taps if o == channel % out)
        start += channel * width * count
        return ((first + n // count, n % count, start + n) for n in range(width * count))

    def __str__(self) -> str:
        """The step as a file writes it, with what it reads."""
        read = "from " + ", ".join(map(str, self.sources))
        if not self.size:
            return f"{self.op} {read}"
        parts = zip(" spd", (self.size, self.stride, self.padding, self.dilation), strict=True)
        text = "".join(letter + "x".join(map(str, along)) for letter, along in parts)
        taps = ", ".join(f"[{o}, {i}, {u}, {v}]" for o, i, u, v in self.taps)
        kind = f"taps {taps}" if self.weights is None else f"weights of step {self.weights}"
        return f"{self.op}{text}g{self.groups}@{self.out}{'b' * self.bias} {read}, {kind}"


@dataclass
class Stack:
    text: str
    axes: int
    steps: list[Step]
    work: Work
    unread: str = ""  # why the steps are those of the file, and not those of the text
    rates: list[tuple[tuple[int, int], ...]] = field(default_factory=list)  # inputs per outputs
    starts: dict[int, int] = field(default_factory=dict)  # the first weight of each block
    weights: int = 0

    def __post_init__(self) -> None:
        for index, step in enumerate(self.steps):
            if step.weights == index:
                self.starts[index] = self.weights
                self.weights += step.free
            rate = self._rate(step)
            if max(prod(b for _, b in rate), *(a >> 80 for a, _ in rate)) > MAX_PHASES:
                raise Open("its strides are too large")
            self.rates.append(rate)

    def _rate(self, step: Step) -> tuple[tuple[int, int], ...]:
        """Along each axis a and b: there are b outputs for a inputs, with the same coefficients."""
        before = [self.rates[source] for source in step.sources] or [((1, 1),) * self.axes]
        found = []
        for axis, along in enumerate(zip(*before, strict=True)):
            ratio, *others = {Fraction(a, b) for a, b in along}
            need(not others, "branches of different stride meet")
            if step.size:
                stride = step.stride[axis]
                ratio *= stride if step.op == "conv" else Fraction(1, stride)
            period = lcm(ratio.numerator, *(a for a, _ in along))
            found.append((period, int(period / ratio)))
        return tuple(found)

    @property
    def is_chain(self) -> bool:
        return all(
            step.sources == (index - 1,) and step.weights in (None, index)
            for index, step in enumerate(self.steps[1:], 1)
        )

    @property
    def is_kernel(self) -> bool:
        """Whether it is one convolution, all of whose coefficients are free."""
        layers = [step for step in self.steps[1:] if not step.only_moves]
        if not self.is_chain or len(layers) != 1 or layers[0].weights is None:
            return False
        return layers[0].op == "conv" or not layers[0].bias

    @property
    def has_relu(self) -> bool:
        return any(step.op == "relu" for step in self.steps)

    def run(self, first: int, last: int) -> Stack:
        """Some steps of a chain by themselves."""
        steps = [Step("input", (), 0, self.steps[first - 1].out)]
        for index, step in enumerate(self.steps[first : last + 1], 1):
            own = None if step.weights is None else index
            steps.append(replace(step, sources=(index - 1,), weights=own))
        return Stack("", self.axes, steps, self.work)


class Steps:
    """The steps of a stack while they are listed: whoever lists them, the same limits hold."""

    def __init__(self, axes: int, channels: int, work: Work) -> None:
        self.axes, self.work = axes, work
        self.listed = [Step("input", (), 0, channels)]

    def add(self, step: Step) -> int:
        if len(self.listed) >= MAX_STEPS:
            raise Open("it has too many steps")
        self.work.spend(50 + 10 * len(step.taps))
        self.listed.append(step)
        return len(self.listed) - 1

    def out(self, sources: Iterable[int]) -> int:
        """The channels that several steps have in common."""
        widths = {self.listed[source].out for source in sources}
        need(len(widths) == 1, "branches of different width are added")
        return widths.pop()

    def plain(self, op: str, sources: Iterable[int]) -> int:
        """A sum or a relu."""
        listed = tuple(sorted(sources))  # a sum is the same in any order
        width = self.out(listed)
        return self.add(Step(op, listed, width, width))

    def convolution(
        self,
        source: int,
        size: Axes,
        *,
        op: str = "conv",
        out: int | None = None,
        stride: Axes = (1,),
        dilation: Axes = (1,),
        padding: Axes = (0,),
        groups: int = 1,
        weights: int | None = None,
        bias: bool = False,
        taps: Iterable[tuple[int, int, int, Number]] | None = None,
    ) -> int:
        """A convolution; what has one entry is the same along all axes."""
        width = self.listed[source].out
        out = width if out is None else out
        size, stride, dilation, padding = map(self.along, (size, stride, dilation, padding))
        need(0 not in size + stride + dilation, "a size, stride or dilation is 0")
        need(0 < out <= MAX_CHANNELS and 0 < groups <= width, "there are no such channels")
        need(width % groups == 0 == out % groups, "the groups do not divide the channels")
        # Where there is one tap, a dilation means nothing.
        dilation = tuple(d if k > 1 else 1 for k, d in zip(size, dilation, strict=True))
        fixed = () if taps is None else tuple(sorted(taps))
        limits = (out // groups, width // groups, prod(size))
        for before, tap in zip((None, *fixed), fixed, strict=False):
            inside = all(n < limit for n, limit in zip(tap, limits, strict=False))
            need(inside and tap[3], "a tap is 0, or lies outside of the kernel")
            need(before is None or before[:3] < tap[:3], "a tap is given twice")
        own = None if taps is not None else len(self.listed) if weights is None else weights
        geometry = (size, stride, dilation, padding)
        found = Step(op, (source,), width, out, *geometry, groups, own, bias, fixed)
        if own is not None and own < len(self.listed):
            same = ("op", "width", "out", "size", "groups", "bias", "weights")
            alike = (getattr(self.listed[own], name) == getattr(found, name) for name in same)
            need(all(alike), "it shares no such weights")
        return self.add(found)

    def along(self, numbers: Axes) -> Axes:
        numbers = numbers * self.axes if len(numbers) == 1 else numbers
        need(len(numbers) == self.axes, "it has another number of axes")
        return numbers

    def each(self, source: int, size: Axes, tap: Callable[[Axes], Number], **more: Any) -> int:
        """The same fixed kernel on every channel, its taps by their places."""
        size = self.along(size)
        self.work.spend(20 * prod(size))
        places = product(*map(range, size))
        listed = [(0, 0, u, tap(place)) for u, place in enumerate(places)]
        groups = self.listed[source].out
        return self.convolution(source, size, groups=groups, taps=listed, **more)

    def picked(self, source: int, channels: Iterable[int], first: int = 0, out: int = 0) -> int:
        """Channels of a step as the channels from `first` on of one with `out`."""
        taps = [(first + o, i, 0, 1) for o, i in enumerate(channels)]
        self.work.spend(20 * len(taps))
        return self.convolution(source, (1,), out=out or len(taps), taps=taps)


# The text of a stack, in the notation of docs/language.md as it is printed, without named sizes.

_NUMBERS = r"\d{1,10}(?:x\d{1,10})*"
_PADS = r"\d{1,10}(?::\d{1,10})?(?:x\d{1,10}(?::\d{1,10})?)*"
_EPS = r"\d{1,30}(?:\.\d{1,30}(?:e-?\d{1,3})?|e-?\d{1,3})"
_OUT = r"@([*/]?)(\d{1,10})"
_END = r"(?=[,;+|)]| [+|]|\Z)"  # what may follow a layer
_LAYER = re.compile(
    rf"(dw|convt|)({_NUMBERS})(?:s({_NUMBERS}))?(?:p(same|{_PADS}))?(?:d({_NUMBERS}))?"
    rf"(o{_NUMBERS})?(?:g(\d{{1,10}}))?(?:{_OUT})?(b?){_END}",
    re.ASCII,
)
_WORD = re.compile(
    rf"(?:(linear){_OUT}(b?)|(bn)(?:\({_EPS}\))?|(scale|relu|id|dropout)"
    rf"|(avg)({_NUMBERS})s({_NUMBERS})(?:p(same|{_PADS}))?(?:ceil)?"
    rf"|(pad|crop|reflect|replicate|circular)({_PADS})|(up|bilinear)({_NUMBERS})"
    rf"|(shuffle|pixelshuffle)(\d{{1,10}})|(\[)(\d{{0,10}}):(\d{{0,10}})\]){_END}",
    re.ASCII,
)


class Text:
    """Reads a text: each method reads a part from `at` on, and returns the step that it ends in.

    What is not in this notation raises Open, what is in it and means nothing raises Wrong.
    """

    def __init__(self, text: str, steps: Steps) -> None:
        self.text, self.steps, self.at, self.depth = text, steps, 0, 0
        self.values: dict[str, int] = {"input": 0}  # the steps with names
        self.shared: dict[str, str] = {}  # the layers with names
        self.first: dict[str, int] = {}  # the steps that have their weights first

    def take(self, pattern: str | re.Pattern[str]) -> re.Match[str] | None:
        found = re.compile(pattern).match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found

    def must(self, pattern: str) -> None:
        if not self.take(pattern):
            raise Open(f"this checker cannot read it from `{self.text[self.at :][:20]}` on")

    def named(self, name: str, names: Mapping[str, Any]) -> Any:
        if name not in names:
            raise Open(f"this checker finds no `{name[:20]}` in it")
        return names[name]

    def whole(self) -> None:
        """The text, line by line: a line goes on where the one before ended."""
        value, more = 0, True
        while line := self.take(r"shared (w[0-9]+) = ([^;]+); "):
            self.shared[line[1]] = line[2]
        while more:
            if line := self.take(r"output (value_[0-9]+)\Z"):
                value = self.named(line[1], self.values)
                break
            line = self.take(r"(value_[0-9]+) = ")
            value = self.series(value)
            if line and self.values.setdefault(line[1], value) != value:
                raise Open(f"this checker finds `{line[1][:20]}` twice in it")
            more = self.take("; ") is not None
        self.must(r"\Z")
        listed = self.steps.listed
        read = {value}.union(*(step.sources for step in listed))
        need(read >= set(range(1, len(listed))), "a step leads nowhere")
        if value < len(listed) - 1:  # the last step is what goes out
            self.steps.picked(value, range(listed[value].out))

    def series(self, source: int) -> int:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise Open("this checker reads no text that is nested so deeply")
        source = self.sum(source)
        while self.take(", ?"):
            source = self.sum(source)
        self.depth -= 1
        return source

    def sum(self, source: int) -> int:
        ends = [self.term(source)]
        while self.take(r" ?\+ ?"):
            ends.append(self.term(source))
        return ends[0] if len(ends) == 1 else self.steps.plain("add", ends)

    def term(self, source: int) -> int:
        self.steps.work.spend(50)
        if found := self.take(r"([1-9][0-9]{0,8})\*\("):
            start = self.at
            for _ in range(int(found[1])):
                self.at = start
                source = self.series(source)
            self.must(r"\)")
            return source
        if self.take(r"\("):
            source = self.series(source)
            self.must(r"\)")
            return source
        if self.take(r"cat\("):
            ends = [self.series(source)]
            while self.take(r" ?\| ?"):
                ends.append(self.series(source))
            self.must(r"\)")
            return self.cat(ends)
        if found := self.take(rf"(value_[0-9]+|input){_END}"):
            return int(self.named(found[1], self.values))
        if found := self.take(rf"(w[0-9]+){_END}"):
            layer = _LAYER.fullmatch(self.named(found[1], self.shared))
            if layer is None:
                raise Open(f"this checker cannot read the layer `{found[1]}` in it")
            value = self.layer(layer, source, self.first.get(found[1]))
            self.first.setdefault(found[1], value)
            return value
        if found := self.take(_LAYER):
            return self.layer(found, source)
        found = self.take(_WORD)
        if found is None:
            self.must("(?!)")  # never
            return source
        return self.word([part for part in found.groups() if part is not None], source)

    def cat(self, ends: list[int]) -> int:
        need(len(ends) > 1, "one branch alone is not concatenated")
        widths = [self.steps.listed[end].out for end in ends]
        parts, first = [], 0
        for end, width in zip(ends, widths, strict=True):
            parts.append(self.steps.picked(end, range(width), first, sum(widths)))
            first += width
        return self.steps.plain("add", parts)

    def layer(self, found: re.Match[str], source: int, weights: int | None = None) -> int:
        """A convolution with weights."""
        kind, sizes, strides, pads, spread, more, groups, rule, out, bias = found.groups()
        odd = {"convt": pads == "same", "dw": more or groups, "": more}  # not in the notation
        if odd[kind]:
            raise Open(f"this checker cannot read `{found[0][:20]}` in it")
        size, stride, dilation = (numbers(one or "1") for one in (sizes, strides, spread))
        width = self.steps.listed[source].out
        return self.steps.convolution(
            source,
            size,
            op="convt" if kind == "convt" else "conv",
            out=channels_of(width, rule, out),
            stride=stride,
            dilation=dilation,
            padding=self.left(pads or "0", size, stride, dilation),
            groups=int(groups or (width if kind == "dw" else 1)),
            weights=weights,
            bias=bool(bias),
        )

    def left(self, pads: str, size: Axes, stride: Axes, dilation: Axes = (1,)) -> Axes:
        """The padding to the left."""
        if pads != "same":
            return tuple(int(one.split(":")[0]) for one in pads.split("x"))
        if set(stride) != {1}:
            raise Open("this checker reads no `psame` with a stride")
        along = zip(*map(self.steps.along, (size, dilation)), strict=True)
        return tuple((k - 1) * d // 2 for k, d in along)

    def word(self, parts: list[str], source: int) -> int:
        """What has no weights, or is a convolution by another name."""
        steps, (name, *given) = self.steps, parts
        width = steps.listed[source].out
        if name in ("id", "dropout"):
            return source
        if name == "relu":
            return steps.plain("relu", [source])
        if name == "linear":
            out = channels_of(width, *given[:2])
            return steps.convolution(source, (1,), out=out, bias=bool(given[2]))
        if name in ("bn", "scale"):
            return steps.convolution(source, (1,), groups=width, bias=name == "bn")
        if name == "[":
            start, stop = int(given[0] or 0), int(given[1] or width)
            need(stop <= width, "there are no such channels")
            return steps.picked(source, range(start, stop))
        if name == "avg":
            size, stride = numbers(given[0]), numbers(given[1])
            left = self.left(given[2] if given[2:] else "0", size, stride)
            mean = Fraction(1, prod(steps.along(size)) or 1)
            return steps.each(source, size, lambda place: mean, stride=stride, padding=left)
        if name in ("pad", "crop", "reflect", "replicate", "circular"):
            left = self.left(given[0], (1,), (1,))
            left = tuple(-n for n in left) if name == "crop" else left
            return steps.each(source, (1,), lambda place: 1, padding=left)
        factors = steps.along(numbers(given[0]))
        need(0 not in factors, "a factor is 0")
        if name == "shuffle":
            count = factors[0]
            need(width % count == 0, "the groups do not divide the channels")
            each = width // count
            return steps.picked(source, [i * each + j for j in range(each) for i in range(count)])
        if name == "pixelshuffle":
            block = prod(factors)
            need(width % block == 0, "the blocks do not divide the channels")
            taps, out = [(0, i, i, 1) for i in range(block)], width // block
            shape: dict[str, Any] = {"op": "convt", "stride": factors, "groups": out, "out": out}
            return steps.convolution(source, factors, taps=taps, **shape)
        if name == "up":
            return steps.each(source, factors, lambda place: 1, op="convt", stride=factors)
        # Bilinear: output m lies at (m + 1/2)/f - 1/2, in a hat of half-width f around an input.
        size, left = tuple(2 * f - f % 2 for f in factors), tuple(f // 2 for f in factors)

        def hat(place: Axes) -> Number:
            along = zip(place, size, factors, strict=True)
            return prod((1 - Fraction(abs(2 * i + 1 - n), 2 * f) for i, n, f in along))

        return steps.each(source, size, hat, op="convt", stride=factors, padding=left)


def numbers(text: str) -> Axes:
    return tuple(map(int, text.split("x")))


def channels_of(width: int, rule: str | None, out: str | None) -> int:
    """The channels that go out, which may be a multiple or a part of those that come in."""
    if out is None:
        return width
    if rule == "/":
        need(int(out) and width % int(out) == 0, "a part of the channels is no whole number")
        return width // int(out)
    return width * int(out) if rule == "*" else int(out)


# Stacks in a file.

_STEP = re.compile(
    rf"(dw|convt|)({_NUMBERS})(?:s({_NUMBERS}))?(?:p(-?\d{{1,10}}(?:x-?\d{{1,10}})*))?"
    rf"(?:d({_NUMBERS}))?(?:g(\d{{1,10}}))?(?:@(\d{{1,10}}))?(b?)",
    re.ASCII,
)


def stack_of(value: Any, work: Work) -> Stack:
    """A stack by its text; steps that are given have to be those of the text, if it can be read."""
    text, axes, channels, padded, given = fields(value, "text axes channels", "padded steps")
    need(isinstance(text, str) and len(text) <= 100_000, "the text of a stack is expected")
    axes, channels = integer(axes, 1, 6), integer(channels, 1, MAX_CHANNELS)
    # Whether padding is written says nothing about the question, see `Book.aligned`.
    need(type(padded) in (bool, type(None)), "`padded` is true or false")
    steps, meant = (Steps(axes, channels, work) for _ in range(2))
    for one in [] if given is None else items(given):
        try:
            add_step(one, steps)
        except Wrong as error:
            raise Wrong(f"step {len(steps.listed)}: {error}") from None
    try:
        Text(text, meant).whole()
    except Open as error:
        need(given is not None, f"its steps are missing: {error}")
        return Stack(text, axes, steps.listed, work, str(error))
    same = given is None or meant.listed == steps.listed
    need(same, "the steps are not those of the text")
    return Stack(text, axes, meant.listed, work)


def add_step(value: Any, steps: Steps) -> None:
    text, given, weights, taps = fields(value, "layer from", "weights taps")
    index, sources = len(steps.listed), integers(given, None, 0)
    need(sources and max(sources) < index, "it reads nothing, or what comes later")
    need((text == "add") == (len(sources) > 1), "sums, and nothing else, read several steps")
    if text in ("add", "relu"):
        need(weights is None and taps is None, "it has no weights")
        steps.plain(text, sources)
        return
    found = _STEP.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise Wrong(f"`{str(text)[:20]}` is no layer")
    kind, size, *along, groups, out, bias = found.groups()
    (source,), (stride, padding, dilation) = sources, along
    width = steps.listed[source].out
    fixed = None
    if taps is not None:
        need(weights is None and not bias, "a fixed kernel has no weights")
        fixed = [tap_of(one) for one in items(taps)]
    steps.convolution(
        source,
        numbers(size),
        op="convt" if kind == "convt" else "conv",
        out=int(out or width),
        stride=numbers(stride or "1"),
        dilation=numbers(dilation or "1"),
        padding=numbers(padding or "0"),
        groups=width if kind == "dw" else int(groups or 1),
        weights=None if weights is None else integer(weights, 1, index),
        bias=bool(bias),
        taps=fixed,
    )


def tap_of(value: Any) -> tuple[int, int, int, Number]:
    o, i, u, tap = items(value, 4)
    return integer(o, 0), integer(i, 0), integer(u, 0), number(tap)


# The operator of a stack: rows of coefficients, which are polynomials, by channel and phase.

ONE: Poly = {(): 1}


def moved_by(key: Key, steps: Axes) -> Key:
    """The key of an input that lies so many steps further on; constants stay."""
    return key and (key[0], *map(int.__add__, key[1:], steps))


def clean(value: Poly) -> Poly:
    return {m: c for m, c in value.items() if c}


@dataclass
class Ring:
    """Exact polynomials, or mod a prime; with `dual` only their terms of degree 0 and 1."""

    work: Work
    prime: int = 0
    dual: bool = False
    paths: bool = False  # only which coefficients there are: all are 1

    def times(self, one: Poly, two: Poly) -> Poly:
        pairs = 2 + len(one) * len(two)
        self.work.spend(2 * pairs)
        found: Poly = {}
        for m, c in one.items():
            for n, d in two.items():
                if not (self.dual and m and n):
                    to = tuple(sorted(m + n)) if m and n else m or n
                    found[to] = found.get(to, 0) + c * d
        size = 0  # of the largest entry, in bits
        if self.prime:
            found = {m: c % self.prime for m, c in found.items()}
        elif found:
            size = max(
                c.numerator.bit_length() + c.denominator.bit_length() + 16 * len(m)
                for m, c in found.items()
            )
        self.work.spend(pairs * (size // 400))
        self.work.spend(len(found) * (6 + size // 160))  # for the memory
        return found

    def add(self, total: Poly, term: Poly) -> None:
        for m, c in term.items():
            total[m] = (total.get(m, 0) + c) % self.prime if self.prime else total.get(m, 0) + c

    def tap(self, value: Number) -> Poly:
        return ONE if value == 1 else {(): residue(value, self.prime) if self.prime else value}


def residue(value: Number, prime: int) -> int:
    need(value.denominator % prime, "the prime divides a denominator")
    return value.numerator * pow(value.denominator, -1, prime) % prime


def phase_of(rate: Sequence[tuple[int, int]], position: Axes) -> tuple[int, Axes]:
    """The phase of a position, and how far the inputs that it reads lie from those of the phase."""
    phase, steps = 0, []
    for (a, b), place in zip(rate, position, strict=True):
        phase = phase * b + place % b
        steps.append(a * (place // b))
    return phase, tuple(steps)


def phases(rate: Sequence[tuple[int, int]]) -> list[Axes]:
    return list(product(*(range(b) for _, b in rate)))


def row_at(rows: list[Row], rate: Sequence[tuple[int, int]], position: Axes) -> Row:
    phase, steps = phase_of(rate, position)
    return {moved_by(key, steps): value for key, value in rows[phase].items()}


def operator(
    stack: Stack,
    weight: Callable[[int], Poly],
    ring: Ring,
    relu: Callable[[Row], Row] | None = None,
) -> Rows:
    """The coefficients of a stack, each as a polynomial."""
    values: list[Rows] = []
    last = {source: index for index, step in enumerate(stack.steps) for source in step.sources}
    for index, step in enumerate(stack.steps):
        positions = phases(stack.rates[index])
        taps = len(step.taps) * step.out or step.kernel if step.size else 0
        ring.work.spend(len(positions) * (30 * step.out + 10 * prod(step.size) + taps))
        reads = [step.reads(position) for position in positions] if step.size else []
        found: Rows = [[] for _ in range(step.out)]
        for channel in range(step.out):
            for phase, position in enumerate(positions):
                row: Row = {}
                parts: Iterable[tuple[int, Axes, Poly]] = [(channel, position, ONE)]
                if not step.sources:
                    row[channel, *position] = dict(ONE)
                elif step.size:
                    places = reads[phase]
                    start = stack.starts.get(step.weights or 0, 0)
                    free = step.weights is not None
                    parts = (
                        (i, places[u], weight(int(w)) if free else ring.tap(w))
                        for i, u, w in step.entries(channel, start)
                        if u in places
                    )
                    if step.bias:
                        row[None] = dict(weight(start + step.kernel + channel))
                for source in step.sources:
                    for i, place, w in parts:
                        at = row_at(values[source][i], stack.rates[source], place)
                        ring.work.spend(4 + 2 * len(at))
                        if ring.paths:
                            row |= dict.fromkeys(at, ONE)
                            continue
                        for key, value in at.items() if w else ():
                            term = value if w is ONE else ring.times(w, value)
                            if term:
                                ring.add(row.setdefault(key, {}), term)
                if step.op == "relu":
                    if relu is None:
                        raise Wrong("a stack with relu is not linear")
                    row = relu(row)
                found[channel].append(row)
        values.append(found)
        for source in step.sources:
            if last[source] == index:
                values[source] = []  # nobody reads it any more
    return values[-1]


def polynomials(stack: Stack) -> Rows:
    """The operator with every weight a variable."""
    return operator(stack, lambda index: {(index,): 1}, Ring(stack.work))


def at_point(stack: Stack, point: Sequence[Any], prime: int = 0) -> Rows:
    """The operator at given weights."""

    def weight(index: int) -> Poly:
        value = point[index] % prime if prime else point[index]
        return {(): value} if value else {}

    return operator(stack, weight, Ring(stack.work, prime))


def support(stack: Stack) -> Rows:
    """The coefficients that do not vanish identically."""
    if all(tap[3] > 0 for step in stack.steps for tap in step.taps):  # nothing cancels
        return operator(stack, lambda index: ONE, Ring(stack.work, paths=True))
    return [
        [{k: v for k, v in row.items() if clean(v)} for row in rows] for rows in polynomials(stack)
    ]


def count_of(stack: Stack) -> int:
    if stack.is_kernel:
        return stack.weights
    return sum(len(row) for rows in support(stack) for row in rows)


def rank_of(rows: Iterable[Mapping[Any, int]], prime: int, work: Work) -> int:
    """The rank of sparse rows, as the sum over the parts that hang together."""
    table = [{c: v % prime for c, v in row.items() if v % prime} for row in rows]
    columns: dict[Any, list[int]] = defaultdict(list)
    for at, row in enumerate(table):
        work.spend(4 + 4 * len(row))
        for c in row:
            columns[c].append(at)
    rank, seen = 0, set()
    for at in range(len(table)):
        part, names = [at], dict[Any, int]()
        for r in part if at not in seen else ():
            seen.add(r)
            for c in table[r]:
                if c not in names:
                    names[c] = len(names)
                    part += [one for one in columns[c] if one not in seen]
                    seen.update(columns[c])
        if names:
            work.spend(4 * len(part) * len(names))
            matrix = [[table[r].get(c, 0) for c in names] for r in part]
            rank += dense_rank(matrix, prime, work)
    return rank


def dense_rank(rows: list[list[int]], prime: int, work: Work) -> int:
    """Elimination, every row one long int with a slot for each column."""
    if len(rows) > len(rows[0]):
        rows = [list(column) for column in zip(*rows, strict=True)]
    length, width = len(rows[0]), (2 * prime.bit_length() + len(rows).bit_length() + 8) // 8
    pivots: list[tuple[int, int]] = []

    def packed(row: Iterable[int]) -> int:
        return int.from_bytes(b"".join(x.to_bytes(width, "little") for x in row), "little")

    for row in rows:
        work.spend(3 * length + len(pivots) * (length * width // 200 + 2))
        total = packed(row)
        for place, pivot in pivots:
            total += -(total >> place & (1 << 8 * width) - 1) % prime * pivot
        data = total.to_bytes(width * length, "little")
        left = [
            int.from_bytes(data[at : at + width], "little") % prime
            for at in range(0, width * length, width)
        ]
        column = next((c for c, value in enumerate(left) if value), None)
        if column is not None:
            inverse = pow(left[column], -1, prime)
            pivots.append((8 * width * column, packed(x * inverse % prime for x in left)))
    return len(pivots)


# Claims. Each verifier returns what it has shown, in words, and notes it in the book.


@dataclass
class Book:
    """The two stacks and what claims have shown about them."""

    stacks: dict[str, Stack]
    work: Work
    aligned: bool = False  # members count where they lie, else up to one shift for all of them
    lower: dict[str, int] = field(default_factory=dict)  # dimensions
    upper: dict[str, int] = field(default_factory=dict)
    made: set[tuple[str, str]] = field(default_factory=set)  # maker, field
    outside: set[tuple[str, Axes, Axes]] = field(default_factory=set)  # maker, offset, output
    missed: set[tuple[str, str]] = field(default_factory=set)  # maker, field
    nonlinear: set[str] = field(default_factory=set)  # stacks whose members are almost never linear

    def stack(self, name: Any) -> Stack:
        return self.stacks[one_of(name, SIDES)]

    def pair(self, maker: Any, given: Any) -> tuple[Stack, Stack, Axes]:
        """The maker, the other stack, and the offset between them."""
        one, two = self.stack(maker), self.stacks[other(maker)]
        return one, two, integers(given, one.axes)

    def all(self, maker: str, fields: Iterable[str], offset: Axes, output: Axes = ()) -> None:
        """All is made at one shift; that answers an aligned question only if there is none."""
        if not (self.aligned and any((*offset, *output))):
            self.made |= {(maker, over) for over in fields}


def other(name: str) -> str:
    return "right" if name == "left" else "left"


def polynomial(value: Any, variables: int) -> Poly:
    found: Poly = {}
    for term in items(value):
        coefficient, powers = items(term, 2)
        pairs = [integers(pair, 2, 0) for pair in items(powers)]
        good = all(index < variables and power > 0 for index, power in pairs)
        need(good and len({index for index, _ in pairs}) == len(pairs), "there is no such power")
        need(sum(power for _, power in pairs) <= 60, "the degree is too large")
        monomial = tuple(index for index, power in sorted(pairs) for _ in range(power))
        need(monomial not in found and number(coefficient), "a term is 0 or given twice")
        found[monomial] = number(coefficient)
    return found


def verify_rank(book: Book, claim: Any) -> str:
    _, name, p, given, value = fields(claim, "claim stack prime point rank")
    stack, prime = book.stack(name), prime_of(p, book.work)
    point = integers(given, stack.weights)

    def weight(index: int) -> Poly:
        value = point[index] % prime
        return {(): value, (index,): 1} if value else {(index,): 1}

    rows = operator(stack, weight, Ring(book.work, prime, dual=True))
    rank = rank_of(
        ({m: c for m, c in v.items() if m} for ch in rows for row in ch for v in row.values()),
        prime,
        book.work,
    )
    need(rank == integer(value), f"the rank is {rank}")
    book.lower[name] = max(rank, book.lower.get(name, 0))
    return f"the dimension of {name} is at least {rank}"


def verify_bound(book: Book, claim: Any) -> str:
    _, name, value, tree = fields(claim, "claim stack bound tree")
    stack = book.stack(name)
    need(not stack.has_relu, "a stack with relu is not linear")
    bound = bound_of(stack, tree, 1, len(stack.steps) - 1)
    need(bound == integer(value), f"the tree proves {bound}")
    book.upper[name] = min(bound, book.upper.get(name, bound))
    return f"the dimension of {name} is at most {bound}"


BOUNDS = ("weights", "coordinates", "fields", "split")


def bound_of(stack: Stack, tree: Any, first: int, last: int) -> int:
    """The dimension of the steps first..last is at most that."""
    by = one_of(tree.get("by") if isinstance(tree, dict) else None, BOUNDS)
    stack.work.spend(50 * (last - first))
    run = stack.run(first, last) if stack.is_chain else stack
    if by == "fields":
        return run.weights - rank_of_fields(run, tree)
    if by == "split":
        _, at, one, two, p, given = fields(tree, "by at first second prime point")
        need(stack.is_chain, "a stack that is no chain cannot be split")
        at = integer(at, first, last - 1)
        parts = bound_of(stack, one, first, at) + bound_of(stack, two, at + 1, last)
        prime, point = prime_of(p, run.work), integers(given, run.weights)
        return parts - orbit(run, at - first + 1, prime, point)
    fields(tree, "by")
    return run.weights if by == "weights" else count_of(run)


def orbit(run: Stack, at: int, prime: int, point: Axes) -> int:
    """The dimension of the orbit of the block matrices at a seam, at a point."""
    before, after = run.steps[at], run.steps[at + 1]
    need(None not in (before.weights, after.weights), "at a seam both layers have weights")
    first, second = run.run(1, at), run.run(at + 1, len(run.steps) - 1)
    blocks: dict[tuple[int, int], list[int]] = defaultdict(list)
    for c in range(before.out):
        blocks[c * before.groups // before.out, c * after.groups // after.width].append(c)
    fixed = dict.fromkeys(blocks, 1)  # the dimension of the stabiliser
    for side in sorted((first, second), key=lambda side: len(side.steps)):
        weights = point[: first.weights] if side is first else point[first.weights :]
        vectors: list[dict[Any, int]] = [{} for _ in range(before.out)]
        for c, rows in enumerate(at_point(side, weights, prime)):
            for r, row in enumerate(rows):
                for key, value in row.items():
                    if side is first:
                        vectors[c][r, key] = value.get((), 0)
                    elif key is not None:
                        vectors[key[0]][c, r, key[1:]] = value.get((), 0)
        for name, block in blocks.items():
            own = [vectors[c] for c in block]
            fixed[name] *= fixed[name] and len(block) - rank_of(own, prime, run.work)
        if not any(fixed.values()):
            break
    return sum(len(block) ** 2 - fixed[name] for name, block in blocks.items())


def rank_of_fields(run: Stack, tree: Any) -> int:
    """The rank of linear vector fields on the weights, each of which changes no coordinate."""
    _, given, p, at, value = fields(tree, "by fields prime point rank")
    prime, point = prime_of(p, run.work), integers(at, run.weights)
    coordinates = [clean(v) for ch in polynomials(run) for row in ch for v in row.values()]
    vectors = [vector_field(one, run.weights) for one in items(given)]
    for vector, poly in product(vectors, coordinates):
        total: Poly = {}
        run.work.spend(2 * (len(vector) + 1) * sum(1 + len(m) for m in poly))
        for (m, c), ((i, j), change) in product(poly.items(), vector.items()):
            if power := m.count(i):
                left = list(m)
                left.remove(i)
                to = tuple(sorted(left if j is None else [*left, j]))
                total[to] = total.get(to, 0) + c * power * change
        need(not clean(total), "a field changes a coordinate")
    values = []  # of the fields at the point
    for vector in vectors:
        values.append(Counter[int]())
        for (i, j), change in vector.items():
            values[-1][i] += residue(change, prime) * (1 if j is None else point[j])
    rank = rank_of(values, prime, run.work)
    need(rank == integer(value), f"the rank of the fields is {rank}")
    return rank


def vector_field(value: Any, weights: int) -> dict[tuple[int, int | None], Number]:
    """By (i, j): weight i grows by so much times weight j, or times 1 where j is None."""
    found: dict[tuple[int, int | None], Number] = {}
    for entry in items(value):
        i, j, change = items(entry, 3)
        i, j = integer(i, 0, weights - 1), None if j is None else integer(j, 0, weights - 1)
        need((i, j) not in found, "an entry of a field is given twice")
        found[i, j] = number(change)
    return found


def paired(
    one: Stack, two: Stack, have: Rows, want: Rows, offset: Axes, output: Axes
) -> Iterator[tuple[Row, Row]]:
    """Rows of both stacks, output by output over a period of both.

    The first ones are moved back by the offset, the second ones are `output` positions further on.
    """
    rates = zip(one.rates[-1], two.rates[-1], strict=True)
    common = [(1, b * (lcm(a, c) // a)) for (a, b), (c, _) in rates]
    if prod(b for _, b in common) > 10_000:
        raise Open("the common period is too long")
    for channel, position in product(range(len(want)), phases(common)):
        made = row_at(have[channel], one.rates[-1], position)
        made = {moved_by(key, tuple(-t for t in offset)): value for key, value in made.items()}
        later = tuple(map(int.__add__, position, output))
        asked = row_at(want[channel], two.rates[-1], later)
        one.work.spend(4 * len(made) + 4 * len(asked))
        yield made, asked


def verify_reproduces(book: Book, claim: Any) -> str:
    _, maker, t, given, later = fields(claim, "claim maker offset filters", "output")
    one, two, offset = book.pair(maker, t)
    output = (0,) * one.axes if later is None else integers(later, one.axes)
    filters = [polynomial(poly, two.weights) for poly in items(given, one.weights)]
    halves = Halves(one)
    have = operator(one, filters.__getitem__, Ring(book.work), halves)
    for made, asked in paired(one, two, have, polynomials(two), offset, output):
        need(halves.is_linear(made), "the relus do not cancel")
        for key in made.keys() | asked.keys():
            same = clean(made.get(key, {})) == clean(asked.get(key, {}))
            need(same, "these filters do not make it")
    book.all(maker, ("real", "rational") if one.has_relu else FIELDS, offset, output)
    return f"{maker} makes all of {other(maker)} with the filters given"


def verify_two_products(book: Book, claim: Any) -> str:
    """One channel, two hidden ones or more, one layer 2x2, the other k x l: see the document."""
    _, maker, given = fields(claim, "claim maker offset")
    one, two, offset = book.pair(maker, given)
    need(one.is_chain and two.is_kernel, "they are no such stacks")
    relu = len(one.steps) == 4 and one.steps[2].op == "relu"
    need(len(one.steps) == 3 or relu, "it has other steps")
    start, first, *_, last = one.steps
    need(first.op == last.op == "conv" and first.weights == 1, "it has a step of another kind")
    need(last.weights == len(one.steps) - 1, "it has a fixed step")
    need(start.out == last.out == 1 and first.out >= 2 + 2 * relu, "it has other channels")
    need(not first.bias and set(first.stride) == {1}, "its first step has a bias or a stride")
    axes = list(zip(first.size, last.size, first.dilation, last.dilation, strict=True))
    need(all(c == d for k, m, c, d in axes if k > 1 < m), "the dilations differ")
    sizes = [[taps for *taps, _, _ in axes if taps != [1, 1]]]
    sizes.append([taps[::-1] for taps in sizes[0]])
    rest = [[k for _, k in taps] for taps in sizes if [n for n, _ in taps] == [2, 2]]
    need(rest, "no layer is 2x2")
    linear = Stack("", one.axes, [start, first, replace(last, sources=(1,), weights=2)], one.work)
    zero = (0,) * one.axes
    full = count_of(linear) == two.weights and (offset, zero) in offsets(linear, two)
    need(full, "the other stack is not the full kernel")
    over = {"real": True, "complex": not relu, "most rational": [2, 2] in rest}
    over["rational"] = any(1 in taps for taps in rest)
    book.all(maker, (name for name, holds in over.items() if holds), offset)
    return f"{maker} makes all of {other(maker)}, as sums of two products"


class Halves:
    """relu(x) = x/2 + |x|/2, with |x| = |-x| as an input of its own, which has to cancel."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.known = stack, dict[Any, int]()

    def is_linear(self, row: Row) -> bool:
        inputs = self.stack.steps[0].out
        return all(key is None or key[0] < inputs or not clean(value) for key, value in row.items())

    def __call__(self, row: Row) -> Row:
        flat = [(k or (), m, c) for k, v in row.items() for m, c in v.items() if c]
        flat.sort()
        sign = -1 if flat and flat[0][2] < 0 else 1
        name = tuple((*key, sign * c) for *key, c in flat)
        self.stack.work.spend(8 * len(flat))
        found = {k: {m: Fraction(c) / 2 for m, c in v.items()} for k, v in row.items()}
        if flat:
            at = self.stack.steps[0].out + self.known.setdefault(name, len(self.known))
            found[(at, *(0,) * self.stack.axes)] = {(): Fraction(1, 2)}
        return found


def verify_equations(book: Book, claim: Any) -> str:
    _, name, places, given, members = fields(claim, "claim stack coordinates equations members")
    stack, member = book.stack(name), book.stacks[other(name)]
    equations = [polynomial(equation, len(items(places))) for equation in items(given)]
    need(all(equations), "0 = 0")
    different = {frozenset(equation.items()) for equation in equations}
    need(len(different) == len(equations), "an equation is given twice")
    rows = polynomials(stack)
    zero = (0,) * stack.axes
    found = [coefficient(stack, rows, place, zero, zero) for place in places]
    vanish = not any(substituted(equations, found, book.work))
    need(equations and vanish, "an equation does not vanish")
    for one in map(items, items(members)):
        need(
            len(one) in (2, 3), "weights, an offset and perhaps a shift of the output are expected"
        )
        weights, t, *later = one
        offset, point = integers(t, stack.axes), list(map(number, items(weights, member.weights)))
        output = integers(later[0], stack.axes) if later else zero
        rows = at_point(member, point)
        found = [coefficient(member, rows, place, offset, output) for place in places]
        need(any(substituted(equations, found, book.work)), "a member satisfies all equations")
        book.outside.add((name, offset, output))
    violated = f", and not for {len(members)} of {other(name)}" if members else ""
    return f"{len(given)} equations hold for all that {name} makes{violated}"


def coefficient(stack: Stack, rows: Rows, place: Any, offset: Axes, output: Axes) -> Poly:
    """The coefficient [c, [r..], i, [e..]], or [c, [r..]], of an operator that is moved."""
    need(len(items(place)) in (2, 4), "a coordinate is expected")
    channel = integer(place[0], 0, stack.steps[-1].out - 1)
    position = tuple(map(int.__add__, integers(place[1], stack.axes, 0), output))
    phase, steps = phase_of(stack.rates[-1], position)
    key: Key = None
    if len(place) == 4:
        source = integer(place[2], 0, stack.steps[0].out - 1)
        place = zip(integers(place[3], stack.axes), offset, steps, strict=True)
        key = (source, *(e - t - s for e, t, s in place))
    return clean(rows[channel][phase].get(key, {}))


def substituted(equations: list[Poly], values: Sequence[Poly], work: Work) -> list[Poly]:
    """Polynomials at values of their variables, which are polynomials again."""
    ring = Ring(work)
    known: dict[Monomial, Poly] = {(): ONE}

    def power(factor: Monomial) -> Poly:
        if factor not in known:
            known[factor] = clean(ring.times(power(factor[:-1]), values[factor[-1]]))
        return known[factor]

    found = []
    for equation in equations:
        total: Poly = {}
        for factor, value in equation.items():
            ring.add(total, ring.times({(): value}, power(factor)))
        found.append(clean(total))
    return found


# One-channel chains: products of polynomials f(z^D), one for each layer.

Kernel = dict[Axes, Number]


@dataclass(frozen=True)
class Layer:
    free: bool
    size: Axes
    step: Axes  # dilation times the strides before; 1 where the layer has one tap
    total: Number  # of the taps of a fixed layer, else 0
    sign: str = ""  # of all its roots, if known

    @property
    def vary(self) -> list[int]:
        return [axis for axis, k in enumerate(self.size) if k > 1]

    def holds(self, kernel: Kernel) -> bool:
        """Whether there is a shift that puts a kernel on its taps."""
        return all(
            max(along) - min(along) <= d * (k - 1) and all((e - along[0]) % d == 0 for e in along)
            for along, k, d in zip(zip(*kernel, strict=True), self.size, self.step, strict=True)
        )


def chain_of(stack: Stack) -> tuple[list[Layer], Axes]:
    """The layers of a one-channel chain, and where its first tap lies."""
    stack.work.spend(30 * len(stack.steps))
    found, start, stride = list[Layer](), [0] * stack.axes, [1] * stack.axes
    for step in stack.steps[1:]:
        single = step.op == "conv" and (step.width, step.out) == (1, 1) and not step.bias
        need(single and stack.is_chain, "it is no chain of one-channel layers without bias")
        taps = [tap[3] for tap in step.taps]
        alike = step.weights is not None or (len(set(taps)) == 1 and len(taps) == prod(step.size))
        need(alike, "the taps of a fixed layer differ")
        along = list(zip(step.size, step.dilation, stride, strict=True))
        steps = tuple(1 if k == 1 else d * s for k, d, s in along)
        found.append(Layer(step.weights is not None, step.size, steps, sum(taps)))
        start = [t - p * s for t, p, s in zip(start, step.padding, stride, strict=True)]
        stride = [s * t for s, t in zip(stride, step.stride, strict=True)]
    return found, tuple(start)


def kernel_of(value: Any, axes: int) -> Kernel:
    found: Kernel = {}
    for entry in items(value):
        place, tap = items(entry, 2)
        need(integers(place, axes) not in found and number(tap), "a tap is 0 or given twice")
        found[tuple(place)] = number(tap)
    return found


def fits(layers: Sequence[Layer], factors: Sequence[Kernel], work: Work) -> bool:
    """Whether irreducible factors can be given to layers, each of which holds what it gets."""
    if len(layers) ** min(len(factors), 20) > 100_000:
        raise Open("there are too many ways to give the factors to the layers")
    for owners in product(range(len(layers)), repeat=len(factors)):
        for layer in set(owners):
            whole: Kernel = {}
            for factor, owner in zip(factors, owners, strict=True):
                if owner == layer:
                    work.spend(4 * len(factor) * (1 + len(whole)))
                    whole = multiplied(whole, factor) if whole else factor
            if not layers[layer].holds(whole):
                break
        else:
            return True
    return False


def multiplied(one: Kernel, two: Kernel) -> Kernel:
    found: Kernel = {}
    for (a, x), (b, y) in product(one.items(), two.items()):
        place = tuple(map(int.__add__, a, b))
        found[place] = found.get(place, 0) + x * y
    return {place: tap for place, tap in found.items() if tap}


def verify_missed(book: Book, claim: Any) -> str:
    _, name, over, given, p = fields(claim, "claim stack field factors prime")
    stack, prime = book.stack(name), prime_of(p, book.work)
    layers, _ = chain_of(stack)
    factors = [kernel_of(one, stack.axes) for one in items(given)]
    if one_of(over, FIELDS) == "real":
        need(len(factors) == 1, "one kernel is expected")
        need_real_roots(layers, factors[0])
    else:
        for factor in factors:
            need_irreducible(factor, prime, over, book.work)
        need(not fits(layers, factors, book.work), f"the layers of {name} hold the factors")
    if is_member(book.stacks[other(name)], factors):
        book.missed.add((name, over))
    return f"{name} does not make the kernel given ({over})"


def is_member(stack: Stack, factors: Sequence[Kernel]) -> bool:
    """Whether a product of kernels is, up to a shift, one that a chain makes."""
    try:
        layers, _ = chain_of(stack)
    except Wrong:
        return False
    free = [layer for layer in layers if layer.free]
    averages = any(layer.vary for layer in layers if not layer.free)
    return not averages and fits(free, factors, stack.work)


def need_irreducible(kernel: Kernel, prime: int, over: str, work: Work) -> None:
    """By Ruppert's matrix over C (two variables); over Q by Eisenstein's criterion (one)."""
    vary = [axis for axis, along in enumerate(zip(*kernel, strict=True)) if len(set(along)) > 1]
    low = [min(place[axis] for place in kernel) for axis in vary]
    f = {
        tuple(place[axis] - least for axis, least in zip(vary, low, strict=True)): tap
        for place, tap in kernel.items()
    }
    if len(vary) == 1:
        need(over == "rational" or max(f) == (1,), "it has several roots")
        taps = [tap for _, tap in sorted(f.items())]
        need(all(tap.denominator == 1 for tap in taps), "its coefficients are no integers")
        eisenstein = any(
            v[-1] % prime and not any(tap % prime for tap in v[:-1]) and v[0] % prime**2
            for v in (taps, taps[::-1])
        )
        need(max(f) == (1,) or eisenstein, f"Eisenstein's criterion does not hold at {prime}")
        return
    need(len(vary) == 2, "the kernel involves other axes")
    m, n = (max(along) for along in zip(*f, strict=True))
    work.spend((m + 1) * (n + 1) * 20 * len(f))
    rows: list[Counter[Any]] = []  # f g_y - g f_y - f h_x + h f_x, by the monomials of g and h
    for i, j in product(range(m + 1), range(n + 1)):
        g, h = Counter[Any](), Counter[Any]()
        for (a, b), tap in f.items():
            value = residue(tap, prime)
            g[a + i, b + j - 1] += value * (j - b)
            h[a + i - 1, b + j] += value * (a - i)
        rows += [g] * (i < m) + [h] * (j < n - 1)
    rank = rank_of(rows, prime, work)
    need(rank == len(rows), f"Ruppert's matrix has rank {rank} of {len(rows)}")


def need_real_roots(layers: Sequence[Layer], kernel: Kernel) -> None:
    """A kernel a + b w^n, ab > 0, has n mod 2 real roots; every filter of even size needs one."""
    vary = [axis for axis, along in enumerate(zip(*kernel, strict=True)) if len(set(along)) > 1]
    need(len(vary) == 1 and len(kernel) == 2, "a kernel of two taps along one axis is expected")
    (axis,) = vary
    need(prod(kernel.values()) > 0, "its taps have different signs")
    along = [layer for layer in layers if layer.size[axis] > 1]
    steps = {layer.step[axis] for layer in along}
    need(len(steps) == 1, "the layers lie on several lattices")
    length = max(kernel)[axis] - min(kernel)[axis]
    degree, off = divmod(length, steps.pop())
    total = sum(layer.size[axis] - 1 for layer in along)
    need(not off and degree <= total, "the kernel is too large, or off the lattice")
    even = sum(layer.size[axis] % 2 == 0 for layer in along)
    roots = degree % 2 + total - degree  # those at 0 and infinity too
    need(roots < even, f"{roots} real roots are enough")


def verify_packs(book: Book, claim: Any) -> str:
    """The layers of one chain, whole or in pieces, find room in those of the other."""
    names = "claim maker field offset splits into shifts"
    _, maker, over, t, splits, into, shifts = fields(claim, names)
    one, two, offset = book.pair(maker, t)
    (rooms, start), (layers, origin), over = chain_of(one), chain_of(two), one_of(over, FIELDS)
    parts, count = {i: layer for i, layer in enumerate(layers) if layer.vary}, len(layers)
    for how, i, number in (items(entry, 3) for entry in items(splits)):
        good = integer(i) in parts and len(parts[i].vary) == 1 and over != "rational"
        need(good and how in ("cut", "turn", "signs"), "there is no such layer to split")
        book.work.spend(20 * integer(number, 0))
        pieces = split(parts.pop(i), str(how), number, over == "real")
        parts |= enumerate(pieces, count)
        count += len(pieces)
    used = [[0] * one.axes for _ in rooms]
    fixed = {j for j, room in enumerate(rooms) if not room.free and room.vary}
    for i, j in (integers(entry, 2, 0) for entry in items(into)):
        need(i in parts and j < len(rooms), "there is no such layer")
        layer, room = parts.pop(i), rooms[j]
        if not room.free:
            need(layer == room and j in fixed, "a fixed layer is no other")
            fixed.remove(j)
            continue
        for axis in layer.vary:
            need(layer.step[axis] % room.step[axis] == 0, "no such lattice")
            used[j][axis] += layer.step[axis] * (layer.size[axis] - 1)
    need(not parts and not fixed, "a layer is left over")
    moves = {integer(j): move for j, move in (items(entry, 2) for entry in items(shifts))}
    need(len(moves) == len(shifts), "a layer is moved twice")
    place = [b + t - a for a, b, t in zip(start, origin, offset, strict=True)]
    for j, room in enumerate(rooms):
        move = integers(moves.pop(j, [0] * one.axes), one.axes, 0)
        for axis, step in enumerate(room.step):
            free = step * (room.size[axis] - 1) * room.free - used[j][axis]
            need(step * move[axis] <= free, f"layer {j} has no room for that")
            place[axis] -= step * move[axis]
    need(not moves and not any(place), "the layers come to lie at another offset")
    if not any(room.free for room in rooms):
        scales = [prod(layer.total for layer in chain) for chain in (rooms, layers)]
        need(scales[0] == scales[1], "the scales differ")  # that of a layer with weights is 0
    some = any(how == "signs" for how, *_ in splits)
    book.all(maker, ["some real" if some else over], offset)
    return f"the layers of {other(maker)} fit into those of {maker} ({over})"


def split(layer: Layer, how: str, number: int, real: bool) -> list[Layer]:
    """Layers along one axis whose products are all members of a layer, or some if by `signs`.

    A `cut` takes some of the roots and leaves the others. A `turn` takes the m-th roots of all
    roots, which make f(z^(m d)) a product of kernels f_i(z^d): over C each has one of every root;
    over R that of a positive root are a positive, for m even a negative one, and conjugate pairs;
    of a negative one a negative, for m odd, and pairs. By `signs` some roots are positive and the
    others negative, if they can still be chosen: not those of a layer without weights, nor the m-th
    roots of a turn, of which one gives the others.
    """
    (axis,) = layer.vary
    roots, step = layer.size[axis] - 1, layer.step[axis]

    def piece(roots: int, step: int, sign: str = "") -> Layer:
        size, steps = (
            tuple(value if k > 1 else 1 for k in layer.size) for value in (roots + 1, step)
        )
        return Layer(layer.free and how != "turn", size, steps, 0, sign)

    if how == "cut":
        need(0 < number < roots, "there are no such roots")
        apart = real and not layer.sign and number * (roots - number) % 2
        need(not apart, "conjugate roots would be separated")
        return [piece(count, step, layer.sign) for count in (number, roots - number)]
    if how == "signs":
        good = real and layer.free and not layer.sign and number <= roots
        need(good, "its roots have no such signs")
        return [piece(n, step, s) for n, s in ((number, "+"), (roots - number, "-")) if n]
    need(number > 1 and step % number == 0, "there are no such turns")
    step //= number
    if not real or (not layer.sign and roots % 2 == 0):
        return [piece(roots, step)] * number
    need(layer.sign or roots == 1, "its roots have several signs")
    odd = number % 2
    alone = {"+": ["+", "-"][: 2 - odd], "-": ["-"] * odd, "": [""] * odd}[layer.sign]
    pairs = [piece(2 * roots, step)] * ((number - len(alone)) // 2)
    return [piece(roots, step, sign) for sign in alone] + pairs


def verify_nonlinear(book: Book, claim: Any) -> str:
    """One relu, and weights after it that leave one unit alone: then f(x) + f(-x) is its |h(x)|.

    For weights on an open set, f(x) + f(-x) = 2 f(0) for all x would hold for all weights after the
    relu, being polynomial in them; so h would be constant, on an open set and then everywhere.
    """
    _, name, given = fields(claim, "claim stack weights")
    stack = book.stack(name)
    relus = [index for index, step in enumerate(stack.steps) if step.op == "relu"]
    need(stack.is_chain and relus, "it is no chain with a relu")
    at, end, last = relus[0], relus[-1], len(stack.steps) - 1
    need(end - at < len(relus), "its relus do not follow one another, as one")
    origin = (0,) * stack.axes
    one: Rows = [[{(c, *origin): ONE}] for c in range(stack.steps[0].out)]
    hidden = support(stack.run(1, at - 1)) if at > 1 else one
    alive = {c for c, rows in enumerate(hidden) if all(set(row) - {None} for row in rows)}
    after = stack.run(end + 1, last) if end < last else None
    weights = items(given, after.weights if after else 0)
    if after:
        rows = at_point(after, list(map(number, weights)))
        seen = [
            [k for k, v in row.items() if k is not None and clean(v)] for ch in rows for row in ch
        ]
        single = {keys[0][0] for keys in seen if len(keys) == 1}
        need(single & alive, "no unit is left alone")
    need(alive, "the units are constant")
    book.nonlinear.add(name)
    return f"almost no member of {name} is linear"


VERIFIERS: dict[str, Callable[[Book, Any], str]] = {
    "rank": verify_rank,
    "bound": verify_bound,
    "reproduces": verify_reproduces,
    "two_products": verify_two_products,
    "packs": verify_packs,
    "equations": verify_equations,
    "missed": verify_missed,
    "nonlinear": verify_nonlinear,
}


# Answers: what follows from the claims, by fixed rules.


def conclusion(book: Book, maker: str, over: str) -> tuple[str, str] | None:
    """The strongest answer that is shown, and why."""
    book.work.renew()
    one, two = book.stacks[maker], book.stacks[other(maker)]
    if (maker, over) in book.made:
        return "all", "it was shown how"
    if other(maker) in book.nonlinear and not one.has_relu and over != "complex":
        return "thin", "almost no member is linear"
    if over == "rational" and (maker, "most rational") in book.made:
        return "dense", "almost all have such points"
    if one.has_relu or two.has_relu:
        return None
    above = min(book.upper.get(maker, one.weights), one.weights)
    below = max(book.lower.get(other(maker), 0), two.weights if two.is_kernel else 0)
    if above < below:
        return "thin", f"dimension <= {above} < {below}"
    if book.missed & ({(maker, "complex"), (maker, over)} - {(maker, "real")}):
        return "thin", "a member is missed"
    places = offsets(one, two, book.aligned)
    if not places:
        return "thin", "its coefficients fit nowhere"
    if all((maker, *place) in book.outside for place in places):
        return "thin", "its members violate an equation"
    alike = one.rates[-1] == two.rates[-1]
    if one.is_kernel and alike:
        return "all", "one free layer covers it"
    full = two.is_kernel and count_of(one) == two.weights <= book.lower.get(maker, 0)
    if full and alike and over != "rational":
        return ("dense" if over == "complex" else "part"), "it has the full dimension"
    if over == "real" and (maker, "some real") in book.made:
        return "part", "members with roots of chosen signs are packed"
    return None


def offsets(one: Stack, two: Stack, aligned: bool = False) -> list[tuple[Axes, Axes]]:
    """The shifts that put all coefficients of the second stack on coefficients of the first.

    A shift of the input, and one of the output. Moving b outputs of a stack is moving a inputs, so
    along each axis as many shifts of the output are different as the two b have in common.
    """
    zero = (0,) * one.axes
    rates = zip(one.rates[-1], two.rates[-1], strict=True)
    outputs = [zero] if aligned else product(*(range(gcd(b, d)) for (_, b), (_, d) in rates))
    have, want = support(one), support(two)
    return [
        (offset, output)
        for output in outputs
        for offset in offsets_at(one, two, have, want, output)
        if not (aligned and any(offset))
    ]


def offsets_at(one: Stack, two: Stack, have: Rows, want: Rows, output: Axes) -> list[Axes]:
    """The shifts of the input that do, with this shift of the output."""
    zero = (0,) * one.axes
    pairs = []
    for given, asked in paired(one, two, have, want, zero, output):
        if None in asked and None not in given:
            return []
        pairs.append([{key for key in row if key is not None} for row in (asked, given)])
    wanted = [pair for pair in pairs if pair[0]]
    if not wanted:
        return [zero]
    keys, places = min(wanted, key=lambda pair: len(pair[1]))
    low = min(keys)
    found = []
    for place in sorted(places):
        shift = tuple(map(int.__sub__, place[1:], low[1:]))
        one.work.spend(2)
        if place[0] == low[0] and moved_by(max(keys), shift) in places:
            one.work.spend(2 * sum(len(asked) for asked, _ in wanted))
            if all(moved_by(key, shift) in made for asked, made in wanted for key in asked):
                found.append(shift)
    return found


def verify(data: Any, say: Callable[[str], None]) -> int:
    """The exit status for a certificate; every result is said in words, the last line sums up."""
    schema = data.get("schema") if isinstance(data, dict) else None
    if isinstance(schema, str) and schema.startswith(FORMAT) and schema != SCHEMA:
        raise Open(f"the format is {schema}, and this checker reads {SCHEMA}")
    names = "schema left right claims answers"
    _, *sides, claims, answers, aligned, undecided = fields(data, names, "aligned undecided")
    need(schema == SCHEMA, f"the schema is not {SCHEMA}")
    need(aligned is None or type(aligned) is bool, "`aligned` is true or false")
    work = Work()
    work.renew()
    book = Book({}, work, bool(aligned))
    for name, value in zip(SIDES, sides, strict=True):
        book.stacks[name] = named(name, partial(stack_of, value, work))
    one, two = book.stacks.values()
    need(one.axes == two.axes, "left and right have different numbers of axes")
    alike = all(one.steps[at].out == two.steps[at].out for at in (0, -1))
    need(alike, "left and right have different channels")
    rates = zip(one.rates[-1], two.rates[-1], strict=True)
    need(all(a * d == b * c for (a, b), (c, d) in rates), "the total strides differ")
    describe(book, say)
    need(len(items(claims)) <= 500, "there are more than 500 claims")
    doubts = []
    for index, claim in enumerate(claims):
        kind = claim.get("claim") if isinstance(claim, dict) else None
        work.renew()
        about = f"claim {index} ({kind if isinstance(kind, str) else '?'})"
        try:
            verifier = named(about, partial(one_of, kind, VERIFIERS))
            text = named(about, partial(VERIFIERS[verifier], book, claim))
            say(f"{about} holds: {text}")
        except Open as error:
            doubts = ["verified in part"]
            say(f"{about} NOT verified: {error}")
    asked = dict.fromkeys(product(SIDES, FIELDS), "")  # the questions, and what becomes of each
    for index, value in enumerate(items(answers)):
        maker, over, given = fields(value, "maker field answer")
        about = f"answer {index}"
        note(asked, about, maker, over)
        text = f"{maker} makes {ANSWERS[one_of(given, ANSWERS)]} of {other(maker)} ({over})"
        why = answered(book, about, maker, over, given)
        if not why:
            doubts = ["verified in part"]
        say(f"{about} holds: {text}: {why}" if why else f"{about} NOT verified: {text}")
    decided = any(asked.values())
    for value in [] if undecided is None else items(undecided):
        maker, over = fields(value, "maker field")
        note(asked, "undecided", maker, over)
        say(f"undecided: how much {maker} makes of {other(maker)} ({over})")
    missing = [f"{maker} ({over})" for (maker, over), about in asked.items() if not about]
    if missing or not decided:
        doubts.append(f"incomplete: no answer for {', '.join(missing) or 'anything'}")
    for name, stack in book.stacks.items():
        if stack.unread:
            doubts.append(f"that the steps of {name} are what its text means was NOT checked")
    say("; ".join(doubts) or "verified")
    return 3 if doubts else 0


def describe(book: Book, say: Callable[[str], None]) -> None:
    """What the certificate is about, in full."""
    for name, stack in book.stacks.items():
        say(f"{name}: {stack.text}")
        if stack.unread:
            say(f"  the text is not verified: {stack.unread}; these steps are:")
        for index, step in enumerate(stack.steps if stack.unread else ()):
            say(f"  step {index}: {step}")
        padding = [
            f"{'x'.join(map(str, step.padding))} in step {index}"
            for index, step in enumerate(stack.steps)
            if any(step.padding)
        ]
        say(f"  padding before the first input: {', '.join(padding) or 'none'}")
    stack = book.stacks["left"]
    last = stack.steps[-1].out
    say(f"axes: {stack.axes}; channels that come in: {stack.steps[0].out}, that go out: {last}")
    how = "as they lie" if book.aligned else "up to a shift, the same for all weights"
    say(f"compared {how}; without borders")


def note(asked: dict[tuple[str, str], str], about: str, maker: Any, over: Any) -> None:
    """Every question, one of `asked`, has one answer."""
    question = one_of(maker, SIDES), one_of(over, FIELDS)
    need(not asked[question], f"{about}: it was answered before")
    asked[question] = about


def answered(book: Book, about: str, maker: str, over: str, given: str) -> str:
    """Why an answer holds; nothing if that is not shown, and Wrong if another one is."""
    try:
        shown = conclusion(book, maker, over)
    except Open:
        shown = None
    strength = list(ANSWERS)
    if shown and (shown[0] == "thin" or strength.index(given) <= strength.index(shown[0])):
        says = f"{about}: it says `{given}`, and the claims show `{shown[0]}`"
        need(given == shown[0], f"{says}: {shown[1]}")
        return shown[1]
    refuted = given in ("dense", "all") and (maker, over) in book.missed
    need(not refuted, f"{about}: it says `{given}`, and a member is missed")
    return ""


def named(about: str, verifier: Callable[[], Any]) -> Any:
    try:
        return verifier()
    except Wrong as error:
        raise Wrong(f"{about}: {error}") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Verifies the file that is named; prints what was verified, and returns the exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python check.py proof.json")
        return 2
    lines: list[str] = []
    try:
        status = verify(read(arguments[0]), lines.append)
    except Unreadable as error:
        status, lines = 2, [f"unreadable: {arguments[0][-60:]}: {error}"]
    except Wrong as error:
        status, lines = 1, [f"rejected: {error}"]
    except Open as error:
        status, lines = 3, [f"NOT verified: {error}"]
    except (MemoryError, RecursionError):
        status, lines = 2, ["unreadable: it is too large"]
    for line in lines:
        print(plain(line))
    return status


def plain(text: str) -> str:
    """Whatever the file says, plain characters come out, others as their codes."""
    return text.encode("unicode_escape").decode("ascii")


if __name__ == "__main__":
    try:
        code = main()
        print(end="", flush=True)
    except OSError as fault:  # Python's own exit code, 1, would say "rejected"
        print(f"the output cannot be written: {fault.strerror}", file=sys.stderr, flush=True)
        os._exit(2)  # no second try to write the rest
    sys.exit(code)
