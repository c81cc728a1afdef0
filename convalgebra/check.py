"""Verifies a certificate of `convalgebra equiv`: one file, the standard library, no engine.

    python check.py proof.json

Exits with 0 if all is verified, 3 if in part, 1 if something is false, 2 if it cannot be read. All
arithmetic is exact; work is counted and limited, and what would be too much is "not verified".

The format, and what each claim proves, is told in docs/certificates.md. Taken for granted, besides
elementary algebra: the image of a chain of one-channel convolutions is closed (it is the cone over
the image of a projective variety), and a rational member outside shows that those inside are thin
(Serre; Hilbert's irreducibility theorem); Ruppert's criterion and Eisenstein's; that the steps of a
stack are what its text says, where the text is no plain list of convolutions.
"""

from __future__ import annotations

import json
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

SCHEMA = "convalgebra.certificate/2"
MAX_BYTES, MAX_DIGITS, MAX_ENTRY = 32_000_000, 1000, 1 << 32
WORK_OF_CLAIM, WORK_OF_FILE = 40_000_000, 80_000_000  # a unit is about a third of a microsecond
FIELDS, SIDES = ("real", "complex", "rational"), ("left", "right")
ANSWERS = {"thin": "a thin set", "part": "an open set", "dense": "almost all", "all": "all"}
Number = Fraction | int
Axes = tuple[int, ...]
Poly = dict[int, Any]  # exponents of the variables, 16 bits for each, in one int -> coefficient
Row = dict[int | None, Poly]  # source and place in one int -> coefficient; None for the constant
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


def prime_of(value: Any) -> int:
    p = integer(value, 2, 1 << 32)
    need(p == 2 or (p % 2 and all(p % d for d in range(3, isqrt(p) + 1, 2))), f"{p} is no prime")
    return p


# Stacks.


@dataclass(frozen=True)
class Step:
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


@dataclass
class Stack:
    text: str
    axes: int
    steps: list[Step]
    work: Work
    rates: list[tuple[tuple[int, int], ...]] = field(default_factory=list)  # inputs per outputs
    starts: dict[int, int] = field(default_factory=dict)  # the first weight of each block
    weights: int = 0

    def __post_init__(self) -> None:
        far = MAX_ENTRY
        for index, step in enumerate(self.steps):
            if step.weights == index:
                self.starts[index] = self.weights
                self.weights += step.free
            rate = self._rate(step)
            need(prod(b for _, b in rate) <= 4096, "there are too many phases")
            self.rates.append(rate)
            reach = sum(map(sum, (step.size, map(abs, step.padding), step.stride))) + 5000
            far += max(a for a, _ in rate) * reach * (1 + max(step.dilation, default=0))
            need(far < HALF >> 2, "it sees too far")

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
        last = self.steps[-1]
        single = len(self.steps) == 2 and last.weights == 1
        return single and (last.op == "conv" or not last.bias)

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


_AXES = r"(\d{1,10}(?:x\d{1,10})*)"
_LAYER = re.compile(
    rf"(dw|convt)?{_AXES}(?:s{_AXES})?(?:p(-?\d{{1,10}}(?:x-?\d{{1,10}})*))?(?:d{_AXES})?"
    r"(?:g(\d{1,10}))?(?:@(\d{1,10}))?(b?)",
    re.ASCII,
)


def stack_of(value: Any, work: Work) -> Stack:
    text, axes, channels, padded, given = fields(value, "text axes channels", "padded steps")
    need(isinstance(text, str) and len(text) <= 100_000, "the text of a stack is expected")
    axes, channels = integer(axes, 1, 6), integer(channels, 1, 10**6)
    # Whether padding is written says nothing about the question, see `Book.aligned`.
    need(type(padded) in (bool, type(None)), "`padded` is true or false")
    if given is None:
        given = [{"layer": one, "from": [index]} for index, one in enumerate(text.split(","))]
    steps = [Step("input", (), 0, channels)]
    for one in items(given):
        try:
            need(len(steps) < 20_000, "there are too many steps")
            steps.append(step_of(one, steps, axes))
        except Wrong as error:
            raise Wrong(f"step {len(steps)}: {error}") from None
    return Stack(text, axes, steps, work)


def step_of(value: Any, steps: list[Step], axes: int) -> Step:
    text, given, weights, taps = fields(value, "layer from", "weights taps")
    index, sources = len(steps), integers(given, None, 0)
    need(sources and max(sources) < index, "it reads nothing, or what comes later")
    widths = {steps[source].out for source in sources}
    need(len(widths) == 1, "branches of different width are added")
    width = widths.pop()
    need((text == "add") == (len(sources) > 1), "sums, and nothing else, read several steps")
    if text in ("add", "relu"):
        need(weights is taps is None, "it has no weights")
        return Step(text, sources, width, width)
    match = _LAYER.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Wrong(f"`{str(text)[:20]}` is no layer: its steps are missing")
    kind, *along, groups, out, bias = match.groups()
    numbers = [one or default for one, default in zip(along, "1101", strict=True)]
    listed = [tuple(map(int, one.split("x"))) for one in numbers]
    size, stride, padding, dilation = (one * axes if len(one) == 1 else one for one in listed)
    need(all(len(one) == axes for one in (listed[0], stride, padding, dilation)), "other axes")
    need(0 not in size + stride + dilation, "a size, stride or dilation is 0")
    groups, out = width if kind == "dw" else int(groups or 1), int(out or width)
    need(0 < out <= 10**6 and 0 < groups <= width, "there are no such channels")
    need(width % groups == 0 == out % groups, "the groups do not divide the channels")
    op = "convt" if kind == "convt" else "conv"
    found = Step(op, sources, width, out, size, stride, dilation, padding, groups)
    if taps is not None:
        need(weights is None and not bias, "a fixed kernel has no weights")
        fixed = []
        for one in items(taps):
            *at, tap = items(one, 4)
            limits = (out // groups, width // groups, prod(size))
            o, i, u = (integer(n, 0, high - 1) for n, high in zip(at, limits, strict=True))
            fixed.append((o, i, u, number(tap)))
        need(len({tap[:3] for tap in fixed}) == len(fixed), "a tap is given twice")
        need(all(tap[3] for tap in fixed), "a tap is 0")
        return replace(found, taps=tuple(fixed))
    own = index if weights is None else integer(weights, 1, index)
    found = replace(found, weights=own, bias=bool(bias))
    if own < index:
        one, same = steps[own], ("op", "width", "out", "size", "groups", "bias", "weights")
        alike = all(getattr(one, name) == getattr(found, name) for name in same)
        need(alike, "it shares no such weights")
    return found


# The operator of a stack: rows of coefficients, which are polynomials, by channel and phase.

SLOT = 1 << 80
HALF = SLOT >> 1
ONE: Poly = {0: 1}


def key_of(source: int, place: Iterable[int]) -> int:
    for e in place:
        source = source * SLOT + e
    return source


def unpacked(key: int, axes: int) -> tuple[int, Axes]:
    place: Axes = ()
    for _ in range(axes):
        e = (key + HALF) % SLOT - HALF
        place, key = (e, *place), (key - e) // SLOT
    return key, place


def letter(index: int) -> int:
    if index >= 5000:
        raise Open("there are too many variables")
    return 1 << 16 * index


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
        found: Poly = {}
        for m, c in one.items():
            for n, d in two.items():
                if not (self.dual and m and n):
                    found[m + n] = found.get(m + n, 0) + c * d
        size = 0  # of the largest entry, in bits
        if self.prime:
            found = {m: c % self.prime for m, c in found.items()}
        elif found:
            size = max(
                c.numerator.bit_length() + c.denominator.bit_length() + m.bit_length()
                for m, c in found.items()
            )
        self.work.spend((2 + len(one) * len(two)) * (2 + size // 400))
        self.work.spend(len(found) * (6 + size // 160))  # for the memory
        return found

    def add(self, total: Poly, term: Poly) -> None:
        for m, c in term.items():
            total[m] = (total.get(m, 0) + c) % self.prime if self.prime else total.get(m, 0) + c

    def tap(self, value: Number) -> Poly:
        return ONE if value == 1 else {0: residue(value, self.prime) if self.prime else value}


def residue(value: Number, prime: int) -> int:
    need(value.denominator % prime, "the prime divides a denominator")
    return value.numerator * pow(value.denominator, -1, prime) % prime


def moved(rate: Sequence[tuple[int, int]], position: Axes) -> tuple[int, int]:
    """The phase of a position, and what its keys are moved by."""
    phase, steps = 0, []
    for (a, b), place in zip(rate, position, strict=True):
        phase = phase * b + place % b
        steps.append(a * (place // b))
    return phase, key_of(0, steps)


def phases(rate: Sequence[tuple[int, int]]) -> list[Axes]:
    return list(product(*(range(b) for _, b in rate)))


def row_at(rows: list[Row], rate: Sequence[tuple[int, int]], position: Axes, by: int = 0) -> Row:
    phase, shift = moved(rate, position)
    return {k if k is None else k + shift + by: v for k, v in rows[phase].items()}


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
                    row[key_of(channel, position)] = dict(ONE)
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
                        number, shift = moved(stack.rates[source], place)
                        at = values[source][i][number]
                        ring.work.spend(4 + 2 * len(at))
                        if ring.paths:
                            row |= {k if k is None else k + shift: ONE for k in at}
                            continue
                        for key, value in at.items() if w else ():
                            term = value if w is ONE else ring.times(w, value)
                            if term:
                                to = key if key is None else key + shift
                                ring.add(row.setdefault(to, {}), term)
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


def polynomials(stack: Stack, filters: Sequence[Poly] | None = None) -> Rows:
    """The operator with every weight a variable, or what `filters` says.

    Polynomials in a file have degree 60 at most, so no exponent needs more than 16 bits.
    """
    if sum(step.weights is not None for step in stack.steps) > 1000:
        raise Open("there are too many layers")
    one = (lambda index: {letter(index): 1}) if filters is None else filters.__getitem__
    return operator(stack, one, Ring(stack.work))


def at_point(stack: Stack, point: Sequence[Any], prime: int = 0) -> Rows:
    """The operator at given weights."""

    def weight(index: int) -> Poly:
        value = point[index] % prime if prime else point[index]
        return {0: value} if value else {}

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
        monomial = sum(power * letter(index) for index, power in pairs)
        need(monomial not in found and number(coefficient), "a term is 0 or given twice")
        found[monomial] = number(coefficient)
    return found


def verify_rank(book: Book, claim: Any) -> str:
    _, name, p, given, value = fields(claim, "claim stack prime point rank")
    stack, prime = book.stack(name), prime_of(p)
    point = integers(given, stack.weights)

    def weight(index: int) -> Poly:
        value = point[index] % prime
        return {0: value, index + 1: 1} if value else {index + 1: 1}

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
        return parts - orbit(run, at - first + 1, prime_of(p), integers(given, run.weights))
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
                        vectors[c][r, key] = value.get(0, 0)
                    elif key is not None:
                        source, place = unpacked(key, run.axes)
                        vectors[source][c, r, place] = value.get(0, 0)
        for name, block in blocks.items():
            own = [vectors[c] for c in block]
            fixed[name] *= fixed[name] and len(block) - rank_of(own, prime, run.work)
        if not any(fixed.values()):
            break
    return sum(len(block) ** 2 - fixed[name] for name, block in blocks.items())


def rank_of_fields(run: Stack, tree: Any) -> int:
    """The rank of linear vector fields on the weights, each of which changes no coordinate."""
    _, given, p, at, value = fields(tree, "by fields prime point rank")
    prime, point = prime_of(p), integers(at, run.weights)
    coordinates = [clean(v) for ch in polynomials(run) for row in ch for v in row.values()]
    vectors = []
    for one in items(given):
        moves: dict[int, Poly] = defaultdict(dict)
        vectors.append(Counter[int]())
        for entry in items(one):
            i, j, change = items(entry, 3)  # weight i grows by so much times weight j, or times 1
            i, change = integer(i, 0, run.weights - 1), number(change)
            j = None if j is None else integer(j, 0, run.weights - 1)
            need(moves[i].setdefault(0 if j is None else letter(j), change) == change, "twice")
            vectors[-1][i] += residue(change, prime) * (1 if j is None else point[j])
        for poly in coordinates:
            total: Poly = {}
            run.work.spend(len(poly) * (len(moves) + 1) * 2)
            for i, by in moves.items():
                for m, c in poly.items():
                    if power := m >> 16 * i & 0xFFFF:
                        for n, d in by.items():
                            to = m - letter(i) + n
                            total[to] = total.get(to, 0) + c * d * power
            need(not clean(total), "a field changes a coordinate")
    rank = rank_of(vectors, prime, run.work)
    need(rank == integer(value), f"the rank of the fields is {rank}")
    return rank


def paired(
    one: Stack, two: Stack, have: Rows, want: Rows, offset: Iterable[int] = (), output: Axes = ()
) -> Iterator[tuple[Row, Row]]:
    """Rows of both stacks, output by output over a period of both.

    The first ones are moved back by the offset, the second ones are `output` positions further on.
    """
    rates = zip(one.rates[-1], two.rates[-1], strict=True)
    common = [(1, b * (lcm(a, c) // a)) for (a, b), (c, _) in rates]
    if prod(b for _, b in common) > 10_000:
        raise Open("the common period is too long")
    for channel, position in product(range(len(want)), phases(common)):
        made = row_at(have[channel], one.rates[-1], position, -key_of(0, offset))
        later = tuple(map(int.__add__, position, output)) if output else position
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
    need(first.groups == last.groups == 1, "it has groups")
    axes = list(zip(first.size, last.size, first.dilation, last.dilation, strict=True))
    need(all(c == d for k, m, c, d in axes if k > 1 < m), "the dilations differ")
    sizes = [[taps for *taps, _, _ in axes if taps != [1, 1]]]
    sizes.append([taps[::-1] for taps in sizes[0]])
    rest = [[k for _, k in taps] for taps in sizes if [n for n, _ in taps] == [2, 2]]
    need(rest, "no layer is 2x2")
    linear = Stack("", one.axes, [start, first, replace(last, sources=(1,), weights=2)], one.work)
    place = (offset, (0,) * one.axes)
    full = count_of(linear) == two.weights and place in offsets(linear, two)
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
        return all(
            key is None or not clean(value) or unpacked(key, self.stack.axes)[0] < inputs
            for key, value in row.items()
        )

    def __call__(self, row: Row) -> Row:
        need(self.is_linear(row), "the relus do not cancel")
        flat = [(k is None, k or 0, m, c) for k, v in row.items() for m, c in v.items() if c]
        flat.sort()
        sign = -1 if flat and flat[0][3] < 0 else 1
        name = tuple((*key, sign * c) for *key, c in flat)
        self.stack.work.spend(8 * len(flat))
        found = {k: {m: Fraction(c) / 2 for m, c in v.items()} for k, v in row.items()}
        if flat:
            at = self.stack.steps[0].out + self.known.setdefault(name, len(self.known))
            found[key_of(at, (0,) * self.stack.axes)] = {0: Fraction(1, 2)}
        return found


def verify_equations(book: Book, claim: Any) -> str:
    _, name, places, given, members = fields(claim, "claim stack coordinates equations members")
    stack, member = book.stack(name), book.stacks[other(name)]
    need(all(polynomial(equation, len(items(places))) for equation in items(given)), "0 = 0")
    rows = polynomials(stack)
    zero = (0,) * stack.axes
    found = [coefficient(stack, rows, place, zero, zero) for place in places]
    need(given and not any(substituted(given, found, book.work)), "an equation does not vanish")
    for weights, t, *later in map(items, items(members)):
        need(len(later) < 2, "weights, an offset and perhaps a shift of the output are expected")
        offset, point = integers(t, stack.axes), list(map(number, items(weights, member.weights)))
        output = integers(later[0], stack.axes) if later else zero
        rows = at_point(member, point)
        found = [coefficient(member, rows, place, offset, output) for place in places]
        need(any(substituted(given, found, book.work)), "a member satisfies all equations")
        book.outside.add((name, offset, output))
    violated = f", and not for {len(members)} of {other(name)}" if members else ""
    return f"{len(given)} equations hold for all that {name} makes{violated}"


def coefficient(stack: Stack, rows: Rows, place: Any, offset: Axes, output: Axes) -> Poly:
    """The coefficient [c, [r..], i, [e..]], or [c, [r..]], of an operator that is moved."""
    need(len(items(place)) in (2, 4), "a coordinate is expected")
    channel = integer(place[0], 0, stack.steps[-1].out - 1)
    position = tuple(map(int.__add__, integers(place[1], stack.axes, 0), output))
    phase, shift = moved(stack.rates[-1], position)
    key = None
    if len(place) == 4:
        source = integer(place[2], 0, stack.steps[0].out - 1)
        key = key_of(source, map(int.__sub__, integers(place[3], stack.axes), offset)) - shift
    return clean(rows[channel][phase].get(key, {}))


def substituted(equations: list[Any], values: Sequence[Poly], work: Work) -> list[Poly]:
    """Polynomials at values of their variables, which are polynomials again."""
    ring = Ring(work)
    known: dict[Axes, Poly] = {(): ONE}

    def power(factor: Axes) -> Poly:
        """A product of variables."""
        if factor not in known:
            known[factor] = clean(ring.times(power(factor[:-1]), values[factor[-1]]))
        return known[factor]

    found = []
    for equation in equations:
        total: Poly = {}
        for value, powers in equation:
            factor = tuple(sorted(i for i, times in powers for _ in range(times)))
            ring.add(total, ring.times({0: number(value)}, power(factor)))
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


def chain_of(stack: Stack) -> tuple[list[Layer], Axes, Axes]:
    """The layers of a one-channel chain, where its first tap lies, and the total stride."""
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
    return found, tuple(start), tuple(stride)


def kernel_of(value: Any, axes: int) -> Kernel:
    found: Kernel = {}
    for entry in items(value):
        place, tap = items(entry, 2)
        need(integers(place, axes) not in found and number(tap), "a tap is 0 or given twice")
        found[tuple(place)] = number(tap)
    need(found, "the kernel is 0")
    return found


def fits(layers: Sequence[Layer], factors: Sequence[Kernel], work: Work) -> bool:
    """Whether irreducible factors can be given to layers, each of which holds what it gets."""
    if len(layers) ** len(factors) > 100_000:
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
    stack, prime = book.stack(name), prime_of(p)
    layers, _, _ = chain_of(stack)
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
        layers, _, _ = chain_of(stack)
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
    (rooms, start, stride), (layers, origin, strides) = chain_of(one), chain_of(two)
    need(stride == strides and one_of(over, FIELDS), "the total strides differ")
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
            need(room.size[axis] > 1 and layer.step[axis] % room.step[axis] == 0, "no such lattice")
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
        alone = not any(layer.free for layer in layers)
        need(alone and scales[0] == scales[1], "the scales differ")
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
    need(stack.is_chain and len(relus) == 1, "it is no chain with one relu")
    at, last = relus[0], len(stack.steps) - 1
    one: Rows = [[{0: ONE}]] * stack.steps[0].out
    hidden = support(stack.run(1, at - 1)) if at > 1 else one
    alive = {c for c, rows in enumerate(hidden) if all(set(row) - {None} for row in rows)}
    after = stack.run(at + 1, last) if at < last else None
    weights = items(given, after.weights if after else 0)
    if after:
        rows = at_point(after, list(map(number, weights)))
        seen = [
            [k for k, v in row.items() if k is not None and clean(v)] for ch in rows for row in ch
        ]
        single = {unpacked(keys[0], stack.axes)[0] for keys in seen if len(keys) == 1}
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
    pairs = []
    for given, asked in paired(one, two, have, want, (), output):
        if None in asked and None not in given:
            return []
        pairs.append([{key for key in row if key is not None} for row in (asked, given)])
    shifts, wanted = [0], [pair for pair in pairs if pair[0]]
    if wanted:
        keys, places = min(wanted, key=lambda pair: len(pair[1]))
        low, high = min(keys), max(keys)
        shifts = [place - low for place in places if place - low + high in places]
    found = []
    for shift in sorted(shifts):
        one.work.spend(1 + sum(len(asked) for asked, _ in wanted))
        source, offset = unpacked(shift, one.axes)
        if source == 0 and all(key + shift in made for asked, made in pairs for key in asked):
            found.append(offset)
    return found


def verify(data: Any, say: Callable[[str], None]) -> int:
    """The exit status for a certificate; every result is said in words."""
    names = "schema left right claims answers"
    schema, left, right, claims, answers, aligned = fields(data, names, "aligned")
    need(schema == SCHEMA, f"the schema is not {SCHEMA}")
    need(aligned is None or type(aligned) is bool, "`aligned` is true or false")
    work = Work()
    book = Book({}, work, bool(aligned))
    say("compared as they lie" if aligned else "compared up to one shift for all members")
    for name, value in zip(SIDES, (left, right), strict=True):
        stack = book.stacks[name] = named(name, partial(stack_of, value, work))
        trust = "" if "steps" not in value else " (that these are its steps is taken on trust)"
        say(f"{name}: {stack.text[:200]}{trust}")
    one, two = book.stacks.values()
    need(one.axes == two.axes, "left and right have different numbers of axes")
    alike = all(one.steps[at].out == two.steps[at].out for at in (0, -1))
    need(alike, "left and right have different channels")
    rates = zip(one.rates[-1], two.rates[-1], strict=True)
    need(all(a * d == b * c for (a, b), (c, d) in rates), "the total strides differ")
    status = 0
    need(len(items(claims)) <= 500, "there are more than 500 claims")
    for index, claim in enumerate(claims):
        kind = claim.get("claim") if isinstance(claim, dict) else None
        work.renew()
        about = f"claim {index} ({kind if isinstance(kind, str) else '?'})"
        try:
            verifier = named(about, partial(one_of, kind, VERIFIERS))
            text = named(about, partial(VERIFIERS[verifier], book, claim))
            say(f"{about} holds: {text}")
        except Open as error:
            status = 3
            say(f"{about} NOT verified: {error}")
    seen: set[Any] = set()
    for index, answer in enumerate(items(answers)):
        maker, over, given = fields(answer, "maker field answer")
        one_of(maker, SIDES), one_of(over, FIELDS), one_of(given, ANSWERS)
        need((maker, over) not in seen, f"answer {index}: it was answered before")
        seen.add((maker, over))
        text = f"{maker} makes {ANSWERS[given]} of {other(maker)} ({over})"
        try:
            shown = conclusion(book, maker, over)
        except Open:
            shown = None
        strength = list(ANSWERS)
        if shown and (shown[0] == "thin" or strength.index(given) <= strength.index(shown[0])):
            about = f"answer {index}: it says `{given}`, and the claims show `{shown[0]}`"
            need(given == shown[0], f"{about}: {shown[1]}")
            say(f"answer {index} holds: {text}: {shown[1]}")
            continue
        refuted = given in ("dense", "all") and (maker, over) in book.missed
        need(not refuted, f"answer {index}: it says `{given}`, and a member is missed")
        status = 3
        say(f"answer {index} NOT verified: {text}")
    return status


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
        lines.append("verified in part" if status else "verified")
    except Unreadable as error:
        status, lines = 2, [f"unreadable: {arguments[0][-60:]}: {error}"]
    except (Wrong, Open) as error:
        status, lines = 1, [f"rejected: {error}"]
    except (MemoryError, RecursionError):
        status, lines = 2, ["unreadable: it is too large"]
    for line in lines:  # whatever the file says, plain characters come out
        plain = "".join(c if c.isprintable() else "?" for c in line)
        print(plain.encode("ascii", "replace").decode())
    return status


if __name__ == "__main__":
    sys.exit(main())
