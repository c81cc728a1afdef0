"""Verifies a certificate of `convalgebra equiv`: one file, the standard library, no engine.

    python check.py proof.json

Exits with 0 if all is verified, 3 if in part, 1 if something is false, 2 if it cannot be read. All
arithmetic is exact; work is counted and limited, and what would be too much is "not verified".

The format is described in docs/certificates.md. Taken for granted, besides elementary algebra:

* the image of a chain of one-channel convolutions is closed over C and R (it is the cone over the
  image of a projective variety), and over Q one rational member that is missed shows that those
  that are made form a thin set (Serre; Hilbert's irreducibility theorem);
* the image of a polynomial map contains an open set of its closure (Chevalley);
* Ruppert's criterion of irreducibility, Eisenstein's, Sturm's theorem;
* that the steps of a stack are what its text means, where the text is not a plain list of layers.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, pairwise, product
from math import gcd, isqrt, lcm, prod
from types import MappingProxyType
from typing import Any

SCHEMA = "convalgebra.certificate/1"
MAX_BYTES, MAX_DEPTH, MAX_DIGITS, MAX_ENTRY = 32_000_000, 900, 1000, 10**9
WORK_OF_CLAIM, WORK_OF_FILE = 60_000_000, 120_000_000  # a unit is about a quarter microsecond
FIELDS, SIDES = ("real", "complex", "rational"), ("left", "right")
STRENGTH = {"thin": 0, "part": 1, "dense": 2, "all": 3}
Key = int | None  # source and exponents in one int; None for the constant
Row = dict[Key, Any]
Axes = tuple[int, ...]
Rows = list[list[Row]]  # [channel][phase, row-major]


class Wrong(Exception):
    """Something in the file is false or malformed."""


class Open(Exception):
    """Something can neither be verified nor refuted here."""


class Unreadable(Exception):
    """No certificate at all."""


def need(holds: bool, text: str) -> None:
    if not holds:
        raise Wrong(text)


class Work:
    """What may still be spent, on this claim and on the file."""

    def __init__(self) -> None:
        self.total, self.left, self.price = WORK_OF_FILE, 0, 1

    def renew(self) -> None:
        """A new claim begins."""
        self.total += self.left
        self.left = min(WORK_OF_CLAIM, self.total)
        self.total -= self.left
        self.price = 1

    def spend(self, units: int) -> None:
        self.left -= units * self.price
        if self.left < 0:
            self.left = 0
            raise Open("it takes too much work")

    def exact(self, stack: Stack, numbers: Iterable[Fraction | int], times: int = 1) -> None:
        """Exact numbers grow: what follows multiplies such, and the taps of a stack."""
        taps = [tap for step in stack.steps for tap in step.taps or ()]
        found = [*numbers, *taps]
        bits = max(
            (n.numerator.bit_length() + n.denominator.bit_length() for n in found), default=0
        )
        slow = 4 * any(n.denominator > 1 for n in found)
        price = 1 + slow + bits * times * len(stack.steps) // 2000
        self.price = max(price, self.price)


# Reading: every number is an int or a fraction in a string, every field is known and needed.


def read(path: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise Unreadable("a field is given twice")
        return dict(pairs)

    def refused(text: str) -> Any:
        raise Unreadable(f"{text[:20]} is no exact number")

    def whole(text: str) -> int:
        if len(text) > MAX_DIGITS:
            raise Unreadable(f"a number has more than {MAX_DIGITS} digits")
        return int(text)

    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise Unreadable(f"more than {MAX_BYTES:,} bytes")
        found = json.loads(
            data.decode(),
            object_pairs_hook=unique,
            parse_int=whole,
            parse_float=refused,
            parse_constant=refused,
        )
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be opened") from None
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except ValueError as error:  # no UTF-8, no JSON, or an int of thousands of digits
        raise Unreadable(f"it is no JSON: {str(error)[:80]}") from None
    level = [found]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return found
    raise Unreadable("it is nested too deeply")


def taken(value: Any, names: str, optional: str = "") -> list[Any]:
    """The fields of an object, all of `names` and perhaps the optional ones, and no other."""
    need(isinstance(value, dict), f"an object with {names} is expected")
    wanted, more = names.split(), optional.split()
    for name in wanted:
        need(name in value, f"`{name}` is missing")
    for name in value:
        need(name in wanted or name in more, f"`{name[:20]}` has no meaning here")
    return [value.get(name) for name in (*wanted, *more)]


def listed(value: Any, length: int | None = None) -> list[Any]:
    need(isinstance(value, list), "a list is expected")
    need(length is None or len(value) == length, f"a list of {length} is expected")
    found: list[Any] = value
    return found


def integer(value: Any, low: int | None = None, high: int | None = None) -> int:
    need(type(value) is int, "an integer is expected")
    good = (low is None or value >= low) and (high is None or value <= high)
    need(good, f"{str(value)[:20]} is out of range")
    return int(value)


def integers(value: Any, length: int | None = None, low: int = -MAX_ENTRY) -> Axes:
    return tuple(integer(one, low, MAX_ENTRY) for one in listed(value, length))


def rational(value: Any) -> Fraction | int:
    if type(value) is int:
        return value
    good = isinstance(value, str) and re.fullmatch(r"-?\d{1,999}/[1-9]\d{0,998}", value, re.ASCII)
    need(bool(good), "an integer or a fraction is expected")
    return Fraction(value)


def one_of(value: Any, names: Iterable[str]) -> str:
    need(isinstance(value, str) and value in names, f"one of {', '.join(names)} is expected")
    return str(value)


# Stacks.


@dataclass(frozen=True)
class Step:
    op: str
    sources: Axes
    channels: tuple[int, int]
    size: Axes = ()
    stride: Axes = ()
    dilation: Axes = ()
    padding: Axes = ()
    groups: int = 1
    weights: int | None = None
    bias: bool = False
    taps: tuple[Fraction | int, ...] | None = None
    picked: Axes = ()
    factor: int = 1

    @property
    def kernel(self) -> int:
        """The number of its weights, biases apart."""
        return prod(self.size) * self.channels[1] * self.channels[0] // self.groups

    @property
    def free(self) -> int:
        return self.kernel + (self.channels[1] if self.bias else 0)

    def places(self) -> Iterator[Axes]:
        along = zip(self.size, self.dilation, self.padding, strict=True)
        return product(*(range(-p, d * k - p, d) for k, d, p in along))


@dataclass
class Stack:
    text: str
    axes: int
    steps: list[Step]
    rates: list[tuple[tuple[int, int], ...]] = field(default_factory=list)
    starts: dict[int, int] = field(default_factory=dict)  # the first weight of each block
    weights: int = 0

    def __post_init__(self) -> None:
        far = MAX_ENTRY
        for index, step in enumerate(self.steps):
            if step.weights == index:
                self.starts[index] = self.weights
                self.weights += step.free
            rate = self._rate(step)
            need(all(a <= MAX_ENTRY for a, _ in rate), "the strides are too large")
            need(prod(b for _, b in rate) <= 4096, "there are too many phases")
            self.rates.append(rate)
            sizes = zip(step.size, step.dilation, step.padding, step.stride, strict=True)
            far += max(a for a, _ in rate) * (
                max((k * d + abs(p) + s for k, d, p, s in sizes), default=0) + 5000
            )
            # Exponents are kept in slots of 80 bits.
            need(far < 1 << 78, "it sees too far")

    def _rate(self, step: Step) -> tuple[tuple[int, int], ...]:
        if step.op == "input":
            return ((1, 1),) * self.axes
        before = [self.rates[source] for source in step.sources]
        if step.op == "conv":
            pairs = zip(before[0], step.stride, strict=True)
            return tuple((a * s // gcd(b, s), b // gcd(b, s)) for (a, b), s in pairs)
        if step.op == "convt":
            return tuple((a, b * s) for (a, b), s in zip(before[0], step.stride, strict=True))
        if step.op == "depth_to_space":
            return tuple((a, b * step.factor) for a, b in before[0])
        for along in zip(*before, strict=True):
            need(len({Fraction(a, b) for a, b in along}) == 1, "branches of different stride meet")
        period = [lcm(*(a for a, _ in along)) for along in zip(*before, strict=True)]
        return tuple((a, b * (a // own)) for a, (own, b) in zip(period, before[0], strict=True))

    @property
    def is_chain(self) -> bool:
        return all(
            step.sources == (index - 1,) and step.weights in (None, index)
            for index, step in enumerate(self.steps[1:], 1)
        )

    @property
    def is_free(self) -> bool:
        """Whether all choices of its coefficients are members: one layer with free weights."""
        last = self.steps[-1]
        return len(self.steps) == 2 and last.weights == 1 and (last.op == "conv" or not last.bias)

    @property
    def has_relu(self) -> bool:
        return any(step.op == "relu" for step in self.steps)

    @property
    def padded(self) -> bool:
        return any(any(step.padding) for step in self.steps)

    def run(self, first: int, last: int) -> Stack:
        """Some steps of a chain by themselves."""
        width = self.steps[first].channels[0]
        steps = [Step("input", (), (0, width))]
        for index, step in enumerate(self.steps[first : last + 1], 1):
            own = None if step.weights is None else index
            steps.append(replace(step, sources=(index - 1,), weights=own))
        return Stack("", self.axes, steps)


def stack_of(value: Any) -> Stack:
    text, axes, channels, given = taken(value, "text axes channels steps")
    need(isinstance(text, str), "the text of a stack is expected")
    axes, channels = integer(axes, 1, 6), integer(channels, 1, 10**6)
    need(1 < len(listed(given)) <= 20_000, "a stack has from 1 to 20,000 steps")
    steps: list[Step] = []
    for index, one in enumerate(given):
        try:
            steps.append(step_of(one, steps, axes, channels))
        except Wrong as error:
            raise Wrong(f"step {index}: {error}") from None
    stack = Stack(text, axes, steps)
    compare_with_text(stack, channels)
    return stack


def step_of(value: Any, steps: list[Step], axes: int, channels: int) -> Step:
    index = len(steps)
    need(isinstance(value, dict), "an object is expected")
    op = value.get("op")
    need((op == "input") == (index == 0), "step 0 and no other is the input")
    if op == "input":
        taken(value, "op")
        return Step("input", (), (0, channels))
    if op in ("add", "cat"):
        _, given = taken(value, "op from")
        sources = tuple(integer(source, 0, index - 1) for source in listed(given))
        need(bool(sources), "it reads nothing")
        widths = [steps[source].channels[1] for source in sources]
        need(op == "cat" or len(set(widths)) == 1, "branches of different width are added")
        width = widths[0] if op == "add" else sum(widths)
        need(width <= 10**6, "there are too many channels")
        return Step(op, sources, (width, width))
    one_of(op, ("conv", "convt", "pick", "depth_to_space", "relu"))
    source = integer(value.get("from"), 0, index - 1)
    before = steps[source].channels[1]
    if op == "relu":
        taken(value, "op from")
        return Step(op, (source,), (before, before))
    if op == "pick":
        picked = tuple(
            integer(c, 0, before - 1) for c in listed(taken(value, "op from channels")[2])
        )
        need(bool(picked), "no channel is picked")
        return Step(op, (source,), (before, len(picked)), picked=picked)
    if op == "depth_to_space":
        factor = integer(taken(value, "op from factor")[2], 1, 4096)
        need(before % factor**axes == 0, "the channels do not fit")
        return Step(op, (source,), (before, before // factor**axes), factor=factor)
    names = "op from size stride dilation padding groups channels weights bias"
    found = taken(value, names, "taps")
    size, stride, dilation = (integers(one, axes, 1) for one in found[2:5])
    padding, groups = integers(found[5], axes), integer(found[6], 1, before)
    into, out = integers(found[7], 2, 1)
    need(into == before and out <= 10**6, "the channels do not fit")
    need(into % groups == 0 == out % groups, "the groups do not divide the channels")
    need(type(found[9]) is bool, "`bias` is true or false")
    if found[8] is None:
        need(groups == into == out and not found[9], "a fixed kernel treats channels alike")
        taps = tuple(map(rational, listed(found[10], prod(size))))
        return Step(op, (source,), (into, out), size, stride, dilation, padding, groups, taps=taps)
    need("taps" not in value, "a free kernel has no taps")
    first = integer(found[8], 1, index)
    step = Step(
        op, (source,), (into, out), size, stride, dilation, padding, groups, first, found[9]
    )
    if first < index:
        one = steps[first]
        same = (one.op, one.channels, one.size, one.groups, one.bias, one.weights)
        need(same == (op, (into, out), size, groups, found[9], first), "it shares no such weights")
    return step


_LAYER = re.compile(
    r"(dw)?(\d{1,9}(?:x\d{1,9})*)(?:s(\d{1,9}(?:x\d{1,9})*))?(?:p(\d{1,9}(?:x\d{1,9})*))?(?:d(\d{1,9}(?:x\d{1,9})*))?"
    r"(?:g(\d{1,9}))?(?:@(\d{1,9}))?(b?)",
    re.ASCII,
)


def plain_layers(stack: Stack) -> list[re.Match[str] | None] | None:
    """The layers of a text that is a plain list of convolutions and relus (None); else None."""
    found: list[re.Match[str] | None] = []
    for part in stack.text[:100_000].split(","):
        match = _LAYER.fullmatch(part.strip())
        if match is None and part.strip() != "relu":
            return None
        found.append(match)
    return found


def compare_with_text(stack: Stack, channels: int) -> None:
    layers = plain_layers(stack)
    if layers is None:
        return
    wrong = f"its steps are not what `{stack.text[:60]}` says"
    need(len(layers) == len(stack.steps) - 1 and stack.is_chain, wrong)
    width = channels
    for match, step in zip(layers, stack.steps[1:], strict=True):
        if match is None:
            need(step.op == "relu", wrong)
            continue

        def along(number: int, default: int) -> Axes:
            values = tuple(map(int, (match[number] or str(default)).split("x")))  # noqa: B023
            return values * stack.axes if len(values) == 1 and number > 2 else values

        size = along(2, 1)
        dilation = tuple(d if k > 1 else 1 for k, d in zip(size, along(5, 1), strict=False))
        out = int(match[7] or width)
        groups = width if match[1] else int(match[6] or 1)
        said = ("conv", (width, out), size, along(3, 1), dilation, along(4, 0), groups)
        width = out
        kind = (step.op, step.channels, step.size, step.stride, step.dilation, step.padding)
        need((*kind, step.groups) == said, wrong)
        need(step.weights is not None and step.bias == bool(match[8]), wrong)


# The operator of a stack, in a ring: rows of coefficients, by channel and phase.

SLOT = 1 << 80
HALF = SLOT >> 1


def key_of(source: int, exponent: Iterable[int]) -> int:
    found = source
    for e in exponent:
        found = found * SLOT + e
    return found


def unpacked(key: int, axes: int) -> tuple[int, Axes]:
    exponent = []
    for _ in range(axes):
        e = (key + HALF) % SLOT - HALF
        exponent.append(e)
        key = (key - e) // SLOT
    return key, tuple(reversed(exponent))


class Ring:
    """Exact numbers, or residues; the others below have the same methods."""

    one: Any = 1

    def __init__(self, point: Sequence[Any], prime: int = 0) -> None:
        self.point, self.prime = point, prime
        self.exact = not prime

    def weight(self, index: int) -> Any:
        return self.point[index]

    def tap(self, value: Fraction | int) -> Any:
        return residue(value, self.prime) if self.prime else value

    def times(self, one: Any, two: Any) -> Any:
        return one * two % self.prime if self.prime else one * two

    def plus(self, one: Any, two: Any) -> Any:
        """The sum; `one` may be changed."""
        return (one + two) % self.prime if self.prime else one + two

    def copy(self, one: Any) -> Any:
        return one


class Paths(Ring):
    """Every weight 1, and every tap that is not 0: which coefficients there are."""

    def __init__(self) -> None:
        super().__init__((), 2)

    def weight(self, index: int) -> int:
        return 1

    def tap(self, value: Fraction | int) -> int:
        return int(value != 0)

    def plus(self, one: int, two: int) -> int:
        return 1

    times = plus


class Duals(Ring):
    """Residues with their derivatives by the weights: (value, {weight: derivative})."""

    one: Any = (1, MappingProxyType({}))

    def __init__(self, point: Sequence[int], prime: int, work: Work) -> None:
        super().__init__([w % prime for w in point], prime)
        self.work = work

    def weight(self, index: int) -> Any:
        return self.point[index], {index: 1}

    def tap(self, value: Fraction | int) -> Any:
        return residue(value, self.prime), {}

    def times(self, one: Any, two: Any) -> Any:
        (a, da), (b, db) = one, two
        self.work.spend(len(da) + len(db))
        p = self.prime
        found = {i: a * d % p for i, d in db.items()} if a else {}
        if b:
            for i, d in da.items():
                found[i] = (found.get(i, 0) + b * d) % p
        self.work.spend(4 * len(found))
        return (a * b % p, found) if found or a * b % p else ()

    def plus(self, one: Any, two: Any) -> Any:
        (a, da), (b, db) = one, two
        self.work.spend(len(db))
        for i, d in db.items():
            da[i] = (da.get(i, 0) + d) % self.prime
        return ((a + b) % self.prime, da)

    def copy(self, one: Any) -> Any:
        return one[0], dict(one[1])


Poly = dict[int, Any]  # a product of weights as the product of their primes -> coefficient
PRIMES = [2, 3]


def letter(index: int) -> int:
    """The prime that stands for a variable."""
    if index > 60_000:
        raise Open("there are too many variables")
    while len(PRIMES) <= index:
        top = 4 * PRIMES[-1]
        sieve = bytearray([1]) * top
        for n in range(2, isqrt(top) + 1):
            if sieve[n]:
                sieve[n * n :: n] = bytes(len(range(n * n, top, n)))
        PRIMES[:] = [n for n in range(2, top) if sieve[n]]
    return PRIMES[index]


class Polys(Ring):
    """Polynomials; a weight is a variable, unless `filters` says what it is."""

    one: Any = MappingProxyType({1: 1})

    def __init__(self, work: Work, filters: Sequence[Poly] | None = None) -> None:
        super().__init__(())
        self.work, self.filters = work, filters

    def weight(self, index: int) -> Poly:
        return {letter(index): 1} if self.filters is None else self.filters[index]

    def tap(self, value: Fraction | int) -> Poly:
        return {1: value} if value else {}

    def times(self, one: Poly, two: Poly) -> Poly:
        self.work.spend(len(one) * len(two))
        found: Poly = {}
        for m, c in one.items():
            for n, d in two.items():
                mn = m * n
                found[mn] = found[mn] + c * d if mn in found else c * d
        self.work.spend(8 * len(found))  # for the memory that they take
        return found

    def plus(self, one: Poly, two: Poly) -> Poly:
        self.work.spend(len(two))
        for m, c in two.items():
            one[m] = one[m] + c if m in one else c
        return one

    def copy(self, one: Poly) -> Poly:
        return dict(one)


def residue(value: Fraction | int, prime: int) -> int:
    if isinstance(value, int):
        return value % prime
    need(value.denominator % prime != 0, "the prime divides a denominator")
    return value.numerator * pow(value.denominator, -1, prime) % prime


def row_at(phases: list[Row], rate: Sequence[tuple[int, int]], position: Axes) -> Row:
    """The row of the output at any position."""
    number, shift = moved(rate, position)
    if not shift:
        return phases[number]
    return {key if key is None else key + shift: value for key, value in phases[number].items()}


def moved(rate: Sequence[tuple[int, int]], position: Axes) -> tuple[int, int]:
    """The phase of a position, and what its keys are moved by."""
    number, steps = 0, []
    for (a, b), place in zip(rate, position, strict=True):
        number = number * b + place % b
        steps.append(a * (place // b))
    return number, key_of(0, steps)


def phases_of(rate: Sequence[tuple[int, int]]) -> list[Axes]:
    return list(product(*(range(b) for _, b in rate)))


Activation = Callable[[Rows], Rows]


def operator(stack: Stack, ring: Ring, work: Work, relu: Activation | None = None) -> Rows:
    """The coefficients of a stack."""
    if ring.exact:
        work.exact(stack, ())
    values: list[Rows] = []
    last = {source: index for index, step in enumerate(stack.steps) for source in step.sources}
    for index, step in enumerate(stack.steps):
        rate = stack.rates[index]
        before = [(values[source], stack.rates[source]) for source in step.sources]
        phases = phases_of(rate)
        work.spend(50 * step.channels[1] * len(phases))
        if step.op == "input":
            zero = (0,) * stack.axes
            found: Rows = [
                [{key_of(c, zero): ring.copy(ring.one)}] for c in range(step.channels[1])
            ]
        elif step.op == "pick":
            found = [before[0][0][channel] for channel in step.picked]
        elif step.op == "relu":
            if relu is None:
                raise Wrong("a stack with relu is not linear")
            found = relu(before[0][0])
        elif step.op in ("conv", "convt"):
            found = convolved(stack, index, ring, work, *before[0])
        elif step.op == "depth_to_space":
            found = []
            f, block = step.factor, step.factor**stack.axes
            for c, position in product(range(step.channels[1]), phases):
                place = 0
                for r in position:
                    place = place * f + r % f
                source = before[0][0][c * block + place]
                row = row_at(source, before[0][1], tuple(r // f for r in position))
                work.spend(len(row))
                found += [[row]] if position == phases[0] else []
                found[-1] += [row] if position != phases[0] else []
        else:
            lifted = []
            for rows, own in before:
                work.spend(sum(len(r) for ch in rows for r in ch) * len(phases) // len(rows[0]))
                lifted.append([[row_at(ch, own, r) for r in phases] for ch in rows])
            found = [channel for rows in lifted for channel in rows]
            if step.op == "add":
                found = [[{} for _ in phases] for _ in range(step.channels[1])]
                for rows in lifted:
                    for total, channel in zip(found, rows, strict=True):
                        for target, row in zip(total, channel, strict=True):
                            for key, value in row.items():
                                target[key] = (
                                    ring.plus(target[key], value)
                                    if key in target
                                    else ring.copy(value)
                                )
        values.append(found)
        for one in step.sources:
            if last[one] == index:
                values[one] = []  # nobody reads it any more
    return values[-1]


def convolved(
    stack: Stack,
    index: int,
    ring: Ring,
    work: Work,
    source: Rows,
    own: Sequence[tuple[int, int]],
) -> Rows:
    step = stack.steps[index]
    start = None if step.weights is None else stack.starts[step.weights]
    count = prod(step.size)
    width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
    phases = phases_of(stack.rates[index])
    work.spend(20 * count * len(phases))
    places = list(step.places())
    reads: list[list[tuple[int, int, int]]] = []
    for position in phases:
        reads.append([])
        for tap, place in enumerate(places):
            along = list(zip(position, step.stride, place, strict=True))
            if step.op == "conv":
                at = tuple(s * n + o for n, s, o in along)
            elif any((m - o) % s for m, s, o in along):
                continue
            else:
                at = tuple((m - o) // s for m, s, o in along)
            reads[-1].append((tap, *moved(own, at)))
    fixed = [] if step.taps is None else [ring.tap(tap) for tap in step.taps]
    found: Rows = []
    for channel in range(step.channels[1]):
        found.append([])
        for read in reads:
            row: Row = {}
            for i in range(width):
                at_channel = source[channel // out * width + i]
                base = 0 if start is None else start + (channel * width + i) * count
                work.spend(len(read))
                for tap, number, shift in read:
                    w = fixed[tap] if start is None else ring.weight(base + tap)
                    if not w:
                        continue
                    work.spend(len(at_channel[number]))
                    for key, value in at_channel[number].items():
                        term = ring.times(w, value)
                        if term:
                            at_key = key if key is None else key + shift
                            row[at_key] = ring.plus(row[at_key], term) if at_key in row else term
            work.spend(8 * len(row))
            if step.bias and start is not None:
                b = ring.copy(ring.weight(start + step.kernel + channel))
                row[None] = ring.plus(row[None], b) if None in row else b
            found[-1].append(row)
    return found


def clean(value: Poly) -> Poly:
    return {m: c for m, c in value.items() if c}


# Ranks mod p.


def is_prime(n: int) -> bool:
    """Miller and Rabin's test; these bases decide all n below 3 * 10^24."""
    bases = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
    if n < 2 or any(n % b == 0 for b in bases):
        return n in bases
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in bases:
        x = pow(base, odd, n)
        if x != 1 and all(pow(x, 1 << k, n) != n - 1 for k in range(twos)):
            return False
    return True


def prime_of(value: Any) -> int:
    prime = integer(value, 2, 1 << 64)
    need(is_prime(prime), f"{prime} is not a prime")
    return prime


def rank_of(rows: Iterable[Mapping[Any, int]], prime: int, work: Work) -> int:
    """The rank of sparse rows: lonely entries first, then the parts that hang together."""
    table = [{c: v % prime for c, v in row.items() if v % prime} for row in rows]
    columns: dict[Any, set[int]] = defaultdict(set)
    for number, row in enumerate(table):
        work.spend(1 + len(row))
        for c in row:
            columns[c].add(number)
    rank = 0
    waiting: list[tuple[bool, Any]] = [(True, r) for r in range(len(table))]
    waiting += [(False, c) for c in columns]
    while waiting:
        is_row, at = waiting.pop()
        line = table[at] if is_row else columns[at]
        if len(line) != 1:
            continue
        (other,) = line
        r, c = (at, other) if is_row else (other, at)
        rank += 1
        for one in table[r]:
            columns[one].discard(r)
            waiting.append((False, one))
        table[r] = {}
        for one in columns[c]:
            del table[one][c]
            waiting.append((True, one))
        work.spend(len(columns[c]) + 1)
        columns[c] = set()
    seen: set[int] = set()
    for number, row in enumerate(table):
        if number in seen or not row:
            continue
        part, names = [number], dict.fromkeys(row)
        seen.add(number)
        reached = list(names)
        while reached:
            for r in columns[reached.pop()]:
                if r not in seen:
                    seen.add(r)
                    part.append(r)
                    reached += [c for c in table[r] if c not in names]
                    names |= dict.fromkeys(table[r])
        work.spend(3 * len(part) * len(names))
        rank += _dense_rank([[table[r].get(c, 0) for c in names] for r in part], prime, work)
    return rank


def _dense_rank(rows: list[list[int]], prime: int, work: Work) -> int:
    """Elimination, every row one long int with a slot for each column."""
    if len(rows) > len(rows[0]):
        rows = [list(column) for column in zip(*rows, strict=True)]
    width = (2 * prime.bit_length() + len(rows).bit_length() + 8) // 8
    mask = (1 << 8 * width) - 1
    length = len(rows[0])
    pivots: list[tuple[int, int]] = []
    for row in rows:
        work.spend(2 * length + len(pivots) * (length * width // 200 + 2))
        packed = int.from_bytes(b"".join(x.to_bytes(width, "little") for x in row), "little")
        for place, pivot in pivots:
            value = (packed >> place & mask) % prime
            if value:
                packed += (prime - value) * pivot
        data = packed.to_bytes(width * length, "little")
        left = [
            int.from_bytes(data[at : at + width], "little") % prime
            for at in range(0, width * length, width)
        ]
        column = next((c for c, value in enumerate(left) if value), None)
        if column is not None:
            inverse = pow(left[column], -1, prime)
            scaled = [x * inverse % prime for x in left]
            one = b"".join(x.to_bytes(width, "little") for x in scaled)
            pivots.append((8 * width * column, int.from_bytes(one, "little")))
    return len(pivots)


# Claims. Each verifier returns what it has shown, in words, and notes it in the book.

Offset = Axes


@dataclass
class Book:
    """The two stacks and what claims have shown about them."""

    stacks: dict[str, Stack]
    work: Work
    lower: dict[str, int] = field(default_factory=dict)  # dimensions
    upper: dict[str, int] = field(default_factory=dict)
    made: set[tuple[str, str, str]] = field(default_factory=set)  # maker, made, field
    outside: set[tuple[str, Offset]] = field(default_factory=set)  # maker
    missed: list[tuple[str, str, list[Axes]]] = field(default_factory=list)  # maker, field, taps

    def joined(self, others: Iterable[Book]) -> Book:
        """What some books show together."""
        found = Book(self.stacks, self.work)
        for one in others:
            for name in SIDES:
                found.limit(name, one.lower.get(name), one.upper.get(name))
            found.made |= one.made
            found.outside |= one.outside
            found.missed += one.missed
        return found

    def limit(self, name: str, lower: int | None = None, upper: int | None = None) -> None:
        if lower is not None:
            self.lower[name] = max(lower, self.lower.get(name, 0))
        if upper is not None:
            self.upper[name] = min(upper, self.upper.get(name, upper))

    def stack(self, name: Any) -> Stack:
        return self.stacks[one_of(name, SIDES)]

    def pair(self, maker: Any, made: Any, offset: Any) -> tuple[Stack, Stack, Offset]:
        one, two = self.stack(maker), self.stack(made)
        need(maker != made, "a stack is compared with itself")
        return one, two, integers(offset, one.axes)

    def all(self, maker: str, made: str, fields: Iterable[str], offset: Offset) -> None:
        """All is made; where padding is written on both sides only in its own place."""
        if not (any(offset) and self.stacks[maker].padded and self.stacks[made].padded):
            self.made |= {(maker, made, over) for over in fields}


def other(name: str) -> str:
    return "right" if name == "left" else "left"


def polynomial(value: Any, variables: int) -> Poly:
    found: Poly = {}
    for term in listed(value):
        coefficient, powers = listed(term, 2)
        monomial, degree = 1, 0
        seen: set[int] = set()
        for pair in listed(powers):
            index, power = integers(pair, 2, 0)
            need(index < variables and index not in seen and power > 0, "there is no such power")
            seen.add(index)
            degree += power
            need(degree <= 60, "the degree is too large")
            monomial *= letter(index) ** power
        need(monomial not in found and rational(coefficient) != 0, "a term is 0 or given twice")
        found[monomial] = rational(coefficient)
    return found


def point_of(value: Any, count: int) -> list[int]:
    need(len(listed(value)) == count, f"the point has {len(value)} of {count} weights")
    return [integer(one) for one in value]


def verify_rank(book: Book, claim: Any) -> str:
    _, name, p, given, value = taken(claim, "claim stack prime point rank")
    stack, prime = book.stack(name), prime_of(p)
    point = point_of(given, stack.weights)
    rows = operator(stack, Duals(point, prime, book.work), book.work)
    jacobian = (value[1] for channel in rows for row in channel for value in row.values())
    rank = rank_of(jacobian, prime, book.work)
    need(rank == integer(value), f"the rank is {rank}")
    book.limit(name, lower=rank)
    return f"the dimension of {name} is at least {rank}"


def support(stack: Stack, work: Work) -> list[list[set[Key]]]:
    """The coefficients that do not vanish identically, by channel and phase."""
    if all(tap >= 0 for step in stack.steps for tap in step.taps or ()):
        rows = operator(stack, Paths(), work)  # nothing cancels
    else:
        rows = [
            [{k: v for k, v in row.items() if clean(v)} for row in channel]
            for channel in operator(stack, Polys(work), work)
        ]
    return [[set(row) for row in channel] for channel in rows]


def count_of(stack: Stack, work: Work) -> int:
    if stack.is_free:
        return stack.weights
    return sum(len(row) for channel in support(stack, work) for row in channel)


def verify_ambient(book: Book, claim: Any) -> str:
    _, name, value = taken(claim, "claim stack count")
    count = count_of(book.stack(name), book.work)
    need(count == integer(value), f"{count} coordinates do not vanish")
    book.limit(name, upper=count)
    return f"{name} has {count} coordinates, so its dimension is no more"


def verify_bound(book: Book, claim: Any) -> str:
    _, name, value, root = taken(claim, "claim stack bound tree")
    stack = book.stack(name)
    need(not stack.has_relu, "a stack with relu is not linear")
    last, is_chain = len(stack.steps) - 1, stack.is_chain
    order: list[tuple[dict[str, Any], int, int]] = []
    waiting = [(root, 1, last)]
    while waiting:  # from the root; the values then from the leaves
        tree, first, end = waiting.pop()
        need(isinstance(tree, dict), "a tree is expected")
        need(integers(tree.get("steps")) == (first, end), f"steps {first} to {end} are expected")
        order.append((tree, first, end))
        if tree.get("by") == "split":
            need(is_chain, "a stack that is no chain cannot be split")
            at = integer(tree.get("at"), first, end - 1)
            waiting += [(tree.get("first"), first, at), (tree.get("second"), at + 1, end)]
    values: list[int] = []
    for tree, first, end in reversed(order):
        book.work.spend(50 * (end - first))
        run = stack.run(first, end) if is_chain else stack
        if one_of(tree.get("by"), ("weights", "ambient", "fields", "split")) == "split":
            taken(tree, "steps by at first second prime point")
            lost = orbit(run, tree, tree["at"] - first + 1, book.work)
            values.append(values.pop() + values.pop() - lost)
        elif tree["by"] == "fields":
            values.append(run.weights - fields_rank(run, tree, book.work))
        else:
            taken(tree, "steps by")
            weights = tree["by"] == "weights"
            values.append(run.weights if weights else count_of(run, book.work))
    need(values == [integer(value)], f"the tree proves {values[0]}")
    book.limit(name, upper=value)
    return f"the dimension of {name} is at most {value}"


def orbit(run: Stack, tree: Mapping[str, Any], at: int, work: Work) -> int:
    """The dimension of the orbit of the block matrices at a seam, at a point."""
    prime, point = prime_of(tree["prime"]), point_of(tree["point"], run.weights)
    before, after = run.steps[at], run.steps[at + 1]
    for step in (before, after):
        need(step.weights is not None, "at a seam both layers have weights")
    first, second = run.run(1, at), run.run(at + 1, len(run.steps) - 1)
    one = operator(first, Ring([w % prime for w in point[: first.weights]], prime), work)
    two = operator(second, Ring([w % prime for w in point[first.weights :]], prime), work)
    rows = [{(r, k): v for r, row in enumerate(ch) for k, v in row.items()} for ch in one]
    columns: list[dict[Any, int]] = [{} for _ in rows]
    for c, channel in enumerate(two):
        for r, row in enumerate(channel):
            for key, value in row.items():
                if key is not None:
                    source, exponent = unpacked(key, run.axes)
                    columns[source][c, r, exponent] = value
    blocks: dict[tuple[int, int], list[int]] = defaultdict(list)
    for c in range(before.channels[1]):
        group = c // (before.channels[1] // before.groups), c // (after.channels[0] // after.groups)
        blocks[group].append(c)
    return sum(
        len(block) ** 2
        - (len(block) - rank_of([rows[c] for c in block], prime, work))
        * (len(block) - rank_of([columns[c] for c in block], prime, work))
        for block in blocks.values()
    )


def fields_rank(run: Stack, tree: Mapping[str, Any], work: Work) -> int:
    """The rank of linear fields, each of which is shown to change no coordinate."""
    _, _, given, p, at, value = taken(tree, "steps by fields prime point rank")
    prime, point = prime_of(p), point_of(at, run.weights)
    terms = [
        (c, factors(m, run.weights, work), m)
        for channel in operator(run, Polys(work), work)
        for row in channel
        for poly in [*map(clean, row.values())]
        for m, c in [*poly.items(), (0, 0)]  # a mark behind each coordinate
    ]
    vectors = []
    for one in listed(given):
        linear, constant = map(listed, taken(one, "linear constant"))
        moves: dict[int, list[tuple[int, Any]]] = defaultdict(list)
        vector: Counter[int] = Counter()
        for length, entry in [*((3, e) for e in linear), *((2, e) for e in constant)]:
            *indices, change = listed(entry, length)
            i, *j = (integer(index, 0, run.weights - 1) for index in indices)
            change = rational(change)
            moves[i].append((letter(j[0]) if j else 1, change))
            vector[i] += residue(change, prime) * (point[j[0]] if j else 1)
        vectors.append(vector)
        total: Counter[int] = Counter()
        for c, powers, m in terms:
            if not m:
                need(not any(total.values()), "a field changes a coordinate")
                total.clear()
            for i, power in powers:
                work.spend(len(moves.get(i, ())) + 1)
                for factor, change in moves.get(i, ()):
                    total[m // letter(i) * factor] += c * power * change
    rank = rank_of(vectors, prime, work)
    need(rank == integer(value), f"the rank of the fields is {rank}")
    return rank


def factors(monomial: int, variables: int, work: Work) -> list[tuple[int, int]]:
    """The variables in a product with their powers."""
    found, index = [], 0
    while monomial > 1:
        power = 0
        while monomial % letter(index) == 0:
            monomial, power = monomial // letter(index), power + 1
        if power:
            found.append((index, power))
        index += 1
    work.spend(index // 2)
    return found


def periods(one: Stack, two: Stack) -> list[Axes]:
    """The positions of a period that both stacks have."""
    rates = zip(one.rates[-1], two.rates[-1], strict=True)
    common = [(1, b * (lcm(a, c) // a)) for (a, b), (c, _) in rates]
    if prod(b for _, b in common) > 10_000:
        raise Open("the common period is too long")
    return phases_of(common)


def compare(one: tuple[Stack, Rows], two: tuple[Stack, Rows], offset: Offset, work: Work) -> bool:
    """Whether the first is the second moved; the coefficients may be polynomials."""
    shift = key_of(0, offset)
    for channel, position in product(range(len(one[1])), periods(one[0], two[0])):
        have = row_at(one[1][channel], one[0].rates[-1], position)
        want = row_at(two[1][channel], two[0].rates[-1], position)
        work.spend(len(have) + len(want))
        made = {key if key is None else key + shift: plain(value) for key, value in want.items()}
        own = {key: plain(value) for key, value in have.items()}
        if {k: v for k, v in made.items() if v} != {k: v for k, v in own.items() if v}:
            return False
    return True


def plain(value: Any) -> Any:
    return clean(value) if isinstance(value, dict) else value


def verify_reproduces(book: Book, claim: Any) -> str:
    kind, maker, made, t, given = taken(claim, "claim maker made offset filters")
    one, two, offset = book.pair(maker, made, t)
    need(len(listed(given)) == one.weights, f"{len(given)} filters for {one.weights} weights")
    filters = [polynomial(poly, two.weights) for poly in given]
    relu = kind == "relu_pairs"
    book.work.exact(one, [c for poly in filters for c in poly.values()])
    need(one.has_relu == relu, "it has relu" if one.has_relu else "it has no relu")
    absolute = Absolute(one, book.work) if relu else None
    have = operator(one, Polys(book.work, filters), book.work, absolute)
    if absolute is not None:
        have = [[absolute.row(row, "what comes out") for row in channel] for channel in have]
    want = operator(two, Polys(book.work), book.work)
    need(compare((one, have), (two, want), offset, book.work), "these filters do not make it")
    book.all(maker, made, ("real", "rational") if relu else FIELDS, offset)
    return f"{maker} makes all of {made} with the filters given"


class Absolute:
    """relu(x) = x/2 + |x|/2, with |x| = |-x| as an input of its own, which has to cancel."""

    def __init__(self, stack: Stack, work: Work) -> None:
        self.work, self.axes = work, stack.axes
        self.inputs = stack.steps[0].channels[1]
        self.known: dict[Any, int] = {}

    def row(self, row: Row, where: str) -> Row:
        """A row that must be free of absolute values, as long as anything of it is left."""
        found = {key: value for key, poly in row.items() if (value := clean(poly))}
        for key in found:
            free = key is None or unpacked(key, self.axes)[0] < self.inputs
            need(free, f"the relus do not cancel in pairs in {where}")
        return found

    def __call__(self, rows: Rows) -> Rows:
        half = Fraction(1, 2)
        zero = (0,) * self.axes
        found: Rows = []
        for channel in rows:
            found.append([])
            for row in channel:
                own = self.row(row, "a row before a relu")
                self.work.spend(sum(map(len, own.values())))
                new = {k: {m: c * half for m, c in poly.items()} for k, poly in own.items()}
                if own:
                    number = self.number(own)
                    new[key_of(self.inputs + number, zero)] = {1: half}
                found[-1].append(new)
        return found

    def number(self, row: Row) -> int:
        names = sorted(row, key=lambda key: (key is None, key or 0))
        flat = [(key, m, row[key][m]) for key in names for m in sorted(row[key])]
        sign = 1 if flat[0][2] > 0 else -1
        name = tuple((key, m, c * sign) for key, m, c in flat)
        return self.known.setdefault(name, len(self.known))


def verify_covers(book: Book, claim: Any) -> str:
    _, maker, made, t = taken(claim, "claim maker made offset")
    one, two, offset = book.pair(maker, made, t)
    need(not two.has_relu, "a stack with relu is not linear")
    step = one.steps[-1]
    single = one.is_free and step.op == "conv" and step.groups == 1
    need(single, f"{maker} is not one convolution with all weights free")
    need(one.rates[-1] == two.rates[-1], "it does not have the stride of one convolution")
    box = [(-p, d * (k - 1) - p, d) for k, d, p in zip(step.size, step.dilation, step.padding)]  # noqa: B905
    if all(d == 1 for _, _, d in box) and all(
        low <= a + t and b + t <= high
        for (low, high, _), (a, b), t in zip(box, spans(two), offset, strict=True)
    ):
        need(step.bias or not any(s.bias for s in two.steps), f"{maker} has no bias")
    else:
        reached = {key for channel in support(two, book.work) for row in channel for key in row}
        need(step.bias or None not in reached, f"{maker} has no bias")
        book.work.spend(4 * len(reached))
        for key in reached - {None}:
            place = unpacked(key or 0, one.axes)[1]
            inside = all(
                low <= e + t <= high and (e + t - low) % d == 0
                for e, t, (low, high, d) in zip(place, offset, box, strict=True)
            )
            need(inside, f"a tap of {made} lies outside")
    book.all(maker, made, FIELDS, offset)
    return f"the taps of {maker} cover {made}, so it makes all of it"


def spans(stack: Stack) -> list[tuple[int, int]]:
    """A box that holds all exponents, where every step has one phase; else one too large."""
    found: list[list[tuple[int, int]]] = [[(0, 0)] * stack.axes]
    for index, step in enumerate(stack.steps[1:], 1):
        if any(b != 1 for _, b in stack.rates[index]) or step.op == "convt":
            return [(-SLOT, SLOT)] * stack.axes
        before = [found[source] for source in step.sources]
        box = [(min(a for a, _ in x), max(b for _, b in x)) for x in zip(*before, strict=True)]
        if step.op == "conv":
            period = [a for a, _ in stack.rates[step.sources[0]]]
            sizes = zip(box, period, step.size, step.dilation, step.padding, strict=True)
            box = [(lo - a * p, hi + a * (d * (k - 1) - p)) for (lo, hi), a, k, d, p in sizes]
        found.append(box)
    return found[-1]


def verify_vanishes(book: Book, claim: Any) -> str:
    _, name, places, given = taken(claim, "claim stack coordinates equations")
    stack = book.stack(name)
    rows = operator(stack, Polys(book.work), book.work)
    zero = (0,) * stack.axes
    listing = coordinates(stack, places, zero)
    values = [clean(coefficient(stack, rows, place, {})) for place in listing]
    need(bool(listed(given)), "there are no equations")
    polynomials = [polynomial(equation, len(values)) for equation in given]
    need(all(polynomials), "an equation is 0 = 0")
    terms = [term for equation in given for term in equation]
    most = max((sum(power for _, power in powers) for _, powers in terms), default=0)
    book.work.exact(stack, [rational(term[0]) for term in terms], most)
    known: dict[Axes, Poly] = {(): {1: 1}}
    size = 0
    for equation in given:
        total: Poly = {}
        for number, powers in equation:
            factor = tuple(sorted(i for i, power in powers for _ in range(power)))
            start = len(factor)
            while factor[:start] not in known:
                start -= 1
            for end in range(start, len(factor)):
                one = Polys(book.work).times(known[factor[:end]], values[factor[end]])
                known[factor[: end + 1]] = clean(one)
                size += len(one)
            value = rational(number)
            book.work.spend(len(known[factor]))
            for m, c in known[factor].items():
                total[m] = total.get(m, 0) + c * value
            if size > 3_000_000:  # terms that are kept
                known, size = {(): {1: 1}}, 0
        need(not clean(total), "an equation does not vanish")
    return f"{len(given)} equations hold for all that {name} makes"


Coordinate = tuple[int, Axes, Key]


def coordinates(stack: Stack, places: Any, offset: Offset) -> list[Coordinate]:
    """Coordinates [c, [r..], i, [e..]] and [c, [r..]], moved back by an offset: none twice."""
    found: list[Coordinate] = []
    for place in listed(places):
        need(len(listed(place)) in (2, 4), "a coordinate is expected")
        channel = integer(place[0], 0, stack.steps[-1].channels[1] - 1)
        key = None
        if len(place) == 4:
            source = integer(place[2], 0, stack.steps[0].channels[1] - 1)
            exponent = integers(place[3], stack.axes)
            key = key_of(source, (e - t for e, t in zip(exponent, offset, strict=True)))
        found.append((channel, integers(place[1], stack.axes, 0), key))
    need(len(set(found)) == len(found), "a coordinate is given twice")
    return found


def coefficient(stack: Stack, rows: Rows, place: Coordinate, zero: Any) -> Any:
    channel, position, key = place
    number, shift = moved(stack.rates[-1], position)
    return rows[channel][number].get(key if key is None else key - shift, zero)


def verify_outside(book: Book, claim: Any, claims: list[Any]) -> str:
    _, name, index, given, member, at, t = taken(
        claim, "claim stack claim_of kernel member_of weights offset"
    )
    book.stack(name)
    need(member == other(name), f"`member_of` is {other(name)}")
    stack = book.stack(member)
    offset = tuple(integers(t, stack.axes))
    about = claims[integer(index, 0, len(claims) - 1)]
    need(about.get("claim") == "vanishes" and about["stack"] == name, "it names no equations")
    weights = list(map(rational, listed(at, stack.weights)))
    kernel = list(map(rational, listed(given, len(about["coordinates"]))))
    book.work.exact(stack, [*weights, *kernel], 60)
    rows = operator(stack, Ring(weights), book.work)
    book.work.spend(sum(map(len, about["equations"])))
    for place, value in zip(coordinates(stack, about["coordinates"], offset), kernel, strict=True):
        need(coefficient(stack, rows, place, 0) == value, "the weights make another kernel")
    need(
        any(
            sum(rational(c) * prod(kernel[i] ** power for i, power in powers) for c, powers in one)
            for one in about["equations"]
        ),
        "the kernel satisfies all equations",
    )
    book.outside.add((name, offset))
    return f"a member of {member} violates an equation of {name}"


# One-channel chains: products of polynomials f(z^D), one for each layer.


@dataclass(frozen=True)
class Layer:
    free: bool
    size: Axes
    step: Axes  # dilation times the strides before; 1 where the layer has one tap
    taps: Fraction | int  # the sum of those of a fixed layer

    def holds(self, kernel: Sequence[Axes]) -> bool:
        """Whether there is a shift that puts a kernel on its taps."""
        return all(
            max(along) - min(along) <= d * (k - 1) and all((e - along[0]) % d == 0 for e in along)
            for along, k, d in zip(zip(*kernel, strict=True), self.size, self.step, strict=True)
        )


def chain_of(stack: Stack, work: Work) -> tuple[list[Layer], Axes, Axes]:
    """The layers of a one-channel chain, where its first tap lies, and the total stride."""
    work.spend(30 * len(stack.steps))
    need(stack.is_chain, "it is no chain")
    found, start, stride = [], [0] * stack.axes, [1] * stack.axes
    for step in stack.steps[1:]:
        single = step.op == "conv" and step.channels == (1, 1) and not step.bias
        need(single, "it is no chain of one-channel convolutions without bias")
        taps = step.taps or (1,)
        need(len(set(taps)) == 1 and taps[0] != 0, "the taps of a fixed layer differ")
        along = zip(step.size, step.dilation, stride, strict=True)
        steps = tuple(1 if k == 1 else d * s for k, d, s in along)
        found.append(Layer(step.taps is None, step.size, steps, sum(taps)))
        start = [t - p * s for t, p, s in zip(start, step.padding, stride, strict=True)]
        stride = [s * t for s, t in zip(stride, step.stride, strict=True)]
    return found, tuple(start), tuple(stride)


def kernel_of(value: Any, axes: int) -> dict[Axes, Fraction | int]:
    found: dict[Axes, Fraction | int] = {}
    for entry in listed(value):
        place, number = listed(entry, 2)
        exponent = integers(place, axes) if isinstance(place, list) else (integer(place),)
        need(exponent not in found and rational(number) != 0, "a tap is 0 or given twice")
        found[exponent] = rational(number)
    need(bool(found), "the kernel is 0")
    return found


def verify_too_far(book: Book, claim: Any) -> str:
    _, name, given, axis = taken(claim, "claim stack kernel axis")
    stack = book.stack(name)
    layers, _, _ = chain_of(stack, book.work)
    kernel = kernel_of(given, stack.axes)
    along = [place[integer(axis, 0, stack.axes - 1)] for place in kernel]
    reach = sum(layer.step[axis] * (layer.size[axis] - 1) for layer in layers)
    need(max(along) - min(along) > reach, f"{name} reaches that far")
    book.missed.append((name, "complex", list(kernel)))
    return f"{name} does not make the kernel given: its taps lie too far apart"


def verify_not_a_product(book: Book, claim: Any) -> str:
    _, name, given, p, both = taken(claim, "claim stack kernel prime axes")
    stack, prime = book.stack(name), prime_of(p)
    layers, _, _ = chain_of(stack, book.work)
    kernel = kernel_of(given, stack.axes)
    one, two = (integer(axis, 0, stack.axes - 1) for axis in listed(both, 2))
    vary = [axis for axis in range(stack.axes) if len({place[axis] for place in kernel}) > 1]
    need(one < two and vary == [one, two], "the kernel involves other axes")
    need(not any(layer.holds(list(kernel)) for layer in layers), f"a layer of {name} holds it")
    low = [min(place[axis] for place in kernel) for axis in vary]
    f = {(e[one] - low[0], e[two] - low[1]): residue(v, prime) for e, v in kernel.items()}
    m, n = (max(along) for along in zip(*f, strict=True))
    book.work.spend((m + 1) * (n + 1) * 20 * len(f))
    rows: list[Counter[Any]] = []  # of f g_y - g f_y - f h_x + h f_x, by the monomials of g and h
    for i, j in product(range(m), range(n + 1)):
        rows.append(Counter())
        for (a, b), value in f.items():
            rows[-1][a + i, b + j - 1] += value * (j - b)
    for i, j in product(range(m + 1), range(n - 1)):
        rows.append(Counter())
        for (a, b), value in f.items():
            rows[-1][a + i - 1, b + j] += value * (a - i)
    rank = rank_of(rows, prime, book.work)
    need(rank == len(rows), f"Ruppert's matrix has rank {rank} of {len(rows)}")
    book.missed.append((name, "complex", list(kernel)))
    return f"{name} does not make the kernel given: it is irreducible and fits no layer"


def verify_irreducible(book: Book, claim: Any) -> str:
    _, name, given, p = taken(claim, "claim stack kernel prime")
    stack, prime = book.stack(name), prime_of(p)
    layers, _, _ = chain_of(stack, book.work)
    kernel = kernel_of(given, stack.axes)
    vary = [axis for axis in range(stack.axes) if len({place[axis] for place in kernel}) > 1]
    need(len(vary) == 1, "the kernel is not one of one variable")
    need(not any(layer.holds(list(kernel)) for layer in layers), f"a layer of {name} holds it")
    values = [Fraction(kernel[place]) for place in sorted(kernel)]
    need(all(value.denominator == 1 for value in values), "its coefficients are no integers")
    holds = any(  # Eisenstein's criterion, from either end
        v[-1] % prime and not any(one % prime for one in v[:-1]) and v[0] % prime**2
        for v in (values, values[::-1])
    )
    need(holds, f"Eisenstein's criterion does not hold at {prime}")
    book.missed.append((name, "rational", list(kernel)))
    return f"{name} does not make the kernel given over the rationals: it is irreducible there"


def verify_few_real_roots(book: Book, claim: Any) -> str:
    _, name, axis, step, given, roots, needed = taken(
        claim, "claim stack axis step kernel roots needed"
    )
    stack = book.stack(name)
    layers, _, _ = chain_of(stack, book.work)
    axis, step = integer(axis, 0, stack.axes - 1), integer(step, 1, MAX_ENTRY)
    kernel = {place[0]: value for place, value in kernel_of(given, 1).items()}
    along = [layer for layer in layers if layer.size[axis] > 1]
    need(all(layer.step[axis] == step for layer in along), "a layer lies on another lattice")
    low = min(kernel)
    need(all((e - low) % step == 0 for e in kernel), "the kernel lies on another lattice")
    degree = (max(kernel) - low) // step
    total = sum(layer.size[axis] - 1 for layer in along)
    need(degree <= total, "the kernel is too large")
    book.work.spend(10 * degree)
    f: list[Any] = [0] * (degree + 1)
    for e, value in kernel.items():
        f[(e - low) // step] = Fraction(value)
    count = total - degree  # at 0 and infinity
    while len(f) > 1:
        distinct_roots, f = real_roots(f, book.work)
        count += distinct_roots
    even = sum(layer.size[axis] % 2 == 0 for layer in along)
    need(count == integer(roots), f"it has {count} real roots")
    need(even == integer(needed), f"{even} filters have an even size")
    need(count < even, "it has enough real roots")
    places = [tuple(e if a == axis else 0 for a in range(stack.axes)) for e in kernel]
    book.missed.append((name, "real", places))
    return f"{name} does not make the kernel given over the reals: it has too few real roots"


def real_roots(f: list[Any], work: Work) -> tuple[int, list[Any]]:
    """The number of different real roots, by Sturm's sequence, and gcd(f, f')."""
    sequence = [f, [k * c for k, c in enumerate(f)][1:]]
    while len(sequence[-1]) > 1 or sequence[-1][0]:
        rest, by = list(sequence[-2]), sequence[-1]
        while len(rest) >= len(by):
            factor = rest[-1] / by[-1]
            size = sum(c.numerator.bit_length() for c in rest[-3:]) // 64
            work.spend(8 * len(by) * (1 + size))
            if factor:
                for k, c in enumerate(by, len(rest) - len(by)):
                    if c:
                        rest[k] -= factor * c
            rest.pop()
        while rest and not rest[-1]:
            rest.pop()
        if not rest:
            break
        top = abs(rest[-1])
        sequence.append([-c / top for c in rest])
    changes = []
    for at in (-1, 1):
        signs = [(one[-1] > 0) == (at > 0 or len(one) % 2 == 1) for one in sequence]
        changes.append(sum(a != b for a, b in pairwise(signs)))
    return changes[0] - changes[1], sequence[-1]


def verify_packs(book: Book, claim: Any) -> str:
    _, maker, made, over, t, shifts, whole, roots, unity = taken(
        claim, "claim maker made field offset shifts whole roots unity"
    )
    one, two, offset = book.pair(maker, made, t)
    one_of(over, FIELDS)
    (holders, start, stride), (parts, origin, strides) = (
        chain_of(one, book.work),
        chain_of(two, book.work),
    )
    need(stride == strides, "the total strides differ")
    rooms = [layer for layer in holders if layer.free]
    pieces = [layer for layer in parts if layer.free]
    used = [[0] * one.axes for _ in rooms]
    left: dict[int, int] = {}  # roots to be shared out, by layer
    for i, layer in enumerate(pieces):
        vary = [axis for axis, k in enumerate(layer.size) if k > 1]
        left[i] = layer.size[vary[0]] - 1 if len(vary) == 1 else int(bool(vary))

    def lattice(j: int, axis: int, order: int) -> int:
        """How the roots in a room repeat, in turns of `order`."""
        need(rooms[j].size[axis] > 1 and order % rooms[j].step[axis] == 0, "no such lattice")
        return order // rooms[j].step[axis]

    for entry in listed(whole):
        i, j = integers(entry, 2, 0)
        need(i < len(pieces) and j < len(rooms), "there is no such layer")
        layer, full = pieces[i], [k - 1 for k in pieces[i].size]
        fresh = max(full) if sum(map(bool, full)) == 1 else 1
        need(any(full) and left[i] == fresh, f"layer {i} goes twice")
        left[i] = 0
        for axis in range(one.axes):
            if full[axis]:
                lattice(j, axis, layer.step[axis])
                used[j][axis] += layer.step[axis] * full[axis]
    both_signs = True  # whether an open set of real members is packed like this
    for entry in listed(roots):
        need(over != "rational", "roots are not shared out over the rationals")
        names = "layer times shares" if over == "complex" else "layer times real"
        i, times, ways, *pair = taken(entry, names, "" if over == "complex" else "pair")
        i, times = integer(i, 0, len(pieces) - 1), integer(times, 1)
        vary = [axis for axis, k in enumerate(pieces[i].size) if k > 1]
        need(len(vary) == 1, f"layer {i} has not one axis")
        axis = vary[0]
        order = pieces[i].step[axis]

        def shares(value: Any, sign: str = "") -> Counter[int]:
            """How many turns go to which room."""
            found: Counter[int] = Counter()
            turns: set[int] = set()
            for share in listed(value):
                j, given = listed(share, 2)
                one_share = set(integers(given, None, 0))
                need(integer(j, 0, len(rooms) - 1) not in found, "a layer is named twice")
                need(len(one_share) == len(given) and one_share, "a turn comes twice, or none")  # type: ignore[arg-type]
                need(not one_share & turns and max(one_share) < order, "no such turn is left")  # noqa: B023
                by = lattice(j, axis, order)  # noqa: B023
                need({(k + by) % order for k in one_share} == one_share, "off the lattice")  # noqa: B023
                if sign:
                    mirror = {(-k - (sign == "-")) % order for k in one_share}  # noqa: B023
                    need(mirror == one_share, "a real root is not shared out symmetrically")
                turns |= one_share
                found[j] = len(one_share)
            need(len(turns) == order, "some turns are left over")  # noqa: B023
            return found

        if over == "complex":
            count, total = 1, shares(ways)
            both_signs = both_signs and symmetric(ways, order)
        elif pair[0] is not None:
            count, total = 2, Counter({j: 2 * n for j, n in shares(pair[0]).items()})
            for signs, two_ways in zip(("++", "+-", "--"), taken(ways, "++ +- --"), strict=True):
                got = sum(map(shares, listed(two_ways, 2), signs), Counter[int]())
                need(got == total, "pairs of roots take up other rooms")
        else:
            need(times == 1 and left[i] % 2 == 1, "there is no such single real root")
            count, (total, again) = 1, map(shares, taken(ways, "+ -"), "+-")
            need(total == again, "a negative root takes up other rooms")
        left[i] -= count * times
        need(left[i] >= 0, f"layer {i} has no such roots left")
        for j, turns in total.items():
            used[j][axis] += times * turns
    need(not any(left.values()), "a layer is left over")
    both_signs &= check_unity(unity, over, (holders, parts), rooms, used, lattice, book.work)
    moves = {}
    for entry in listed(shifts):
        j, move = listed(entry, 2)
        need(integer(j, 0, len(rooms) - 1) not in moves, "a layer is moved twice")
        moves[j] = integers(move, one.axes, 0)
        need(any(moves[j]), "a layer is moved by nothing")
    place = [b - a for a, b in zip(start, origin, strict=True)]
    for axis in range(one.axes):
        place[axis] += offset[axis]
        for j, layer in enumerate(rooms):
            room = layer.step[axis] * (layer.size[axis] - 1) - used[j][axis]
            shift = layer.step[axis] * moves[j][axis] if j in moves else 0
            need(shift <= room, f"layer {j} has no room for that")
            place[axis] -= shift
    need(not any(place), "the layers come to lie at another offset")
    if not rooms:
        need(not pieces, "the maker has no free layer")
        scales = [prod(layer.taps for layer in layers) for layers in (holders, parts)]
        need(scales[0] == scales[1], "the scales differ")
    some = ["some real"] if over == "complex" and both_signs else []
    book.all(maker, made, [over, *some], offset)
    return f"the layers of {made} fit into those of {maker} over the {NAMES[over]}"


NAMES = {"real": "reals", "complex": "complex numbers", "rational": "rationals"}


def symmetric(ways: list[Any], order: int) -> bool:
    """Whether all positive, or all negative, roots shared out like that leave real layers."""
    return any(
        all({(-k - odd) % order for k in turns} == set(turns) for _, turns in ways)
        for odd in (0, 1)
    )


def check_unity(
    value: Any,
    over: str,
    chains: tuple[list[Layer], list[Layer]],
    rooms: list[Layer],
    used: list[list[int]],
    lattice: Callable[[int, int, int], int],
    work: Work,
) -> bool:
    """Whether the roots of unity of the averages add up; tells whether the shares are real."""
    found: dict[int, tuple[int, list[Any]]] = {}
    for entry in listed(value):
        axis, order, shares = taken(entry, "axis order shares")
        need(integer(axis, 0, len(chains[0][0].size) - 1) not in found, "an axis is given twice")
        found[axis] = integer(order, 1, MAX_ENTRY), listed(shares)
    real = True
    for axis in range(len(chains[0][0].size)):
        fixed = [[x for x in c if not x.free and x.size[axis] > 1] for c in chains]
        orders = [layer.size[axis] * layer.step[axis] for layers in fixed for layer in layers]
        order, shares = found.get(axis, (lcm(*orders), []))
        need(all(order % one == 0 for one in orders), "the order fits no average")
        work.spend(order * (1 + len(orders)))
        roots: list[int] = [0] * order
        for sign, layers in zip((-1, 1), fixed, strict=True):
            for layer in layers:
                for r in range(0, order, order // (layer.size[axis] * layer.step[axis])):
                    roots[r] += sign * (layer.step[axis] * r % order != 0)
        seen = set()
        for share in shares:
            j, given = listed(share, 2)
            need(integer(j, 0, len(rooms) - 1) not in seen, "a layer is named twice")
            seen.add(j)
            counts = integers(given, order, 0)
            by = lattice(j, axis, order)
            need(all(counts[r] == counts[r - order + by] for r in range(order)), "off the lattice")
            mirrored = all(counts[r] == counts[-r] for r in range(order))
            real = real and mirrored
            need(over != "real" or mirrored, "roots of unity are not shared out in real pairs")
            if over == "rational":
                classes = {(gcd(r, order), counts[r]) for r in range(order)}
                need(len(classes) == len(dict(classes)), "a cyclotomic polynomial is torn apart")
            roots = [a - b for a, b in zip(roots, counts, strict=True)]
            used[j][axis] += sum(counts)
        need(not any(roots), "the roots of the averages are not all shared out")
    return real


def verify_not_odd(book: Book, claim: Any) -> str:
    _, name, at, given = taken(claim, "claim stack point input")
    size, values = taken(given, "size values")
    stack = book.stack(name)
    need(stack.has_relu, "it has no relu")
    need(not any(step.bias for step in stack.steps), "it has a bias")
    weights = list(map(rational, listed(at, stack.weights)))
    size = integers(size, stack.axes, 1)
    count = prod(size)
    channels = stack.steps[0].channels[1]
    inputs = list(map(rational, listed(values, count * channels)))
    book.work.exact(stack, [*weights, *inputs])
    total: Counter[Any] = Counter()
    for sign in (1, -1):
        for place, outputs in patch(stack, weights, size, [sign * x for x in inputs], book.work):
            for c, y in enumerate(outputs):
                total[c, place] += y
    need(any(total.values()), "the outputs add up to 0")
    return f"{name} has a member that is not linear"


def patch(
    stack: Stack, weights: list[Any], size: Axes, inputs: list[Any], work: Work
) -> list[tuple[Axes, list[Any]]]:
    """The outputs all of whose windows lie inside the input; without biases."""
    count = prod(size)
    found: list[dict[Axes, list[Any]]] = []
    for step in stack.steps:
        before = [found[source] for source in step.sources]
        work.spend(8 * step.channels[1] * max(map(len, before), default=count))
        if step.op == "input":
            now = {at: inputs[n::count] for n, at in enumerate(product(*map(range, size)))}
        elif step.op == "relu":
            now = {at: [max(0, x) for x in row] for at, row in before[0].items()}
        elif step.op == "pick":
            now = {at: [row[c] for c in step.picked] for at, row in before[0].items()}
        elif step.op in ("add", "cat"):
            common = [at for at in before[0] if all(at in one for one in before)]
            now = {at: list(chain(*(one[at] for one in before))) for at in common}
            if step.op == "add":
                width = step.channels[1]
                now = {at: [sum(row[c::width]) for c in range(width)] for at, row in now.items()}
        elif step.op == "conv":
            work.spend(20 * prod(step.size))
            now = {}
            taps = list(step.places())
            for place in before[0]:  # read by the first tap of a window
                along = list(zip(place, taps[0], step.stride, strict=True))
                at = tuple((e - o) // s for e, o, s in along)
                if any((e - o) % s for e, o, s in along):
                    continue
                bases = [tuple(n * s for n, s in zip(at, step.stride, strict=True))] * len(taps)
                places = [tuple(map(sum, zip(*pair, strict=True))) for pair in zip(bases, taps)]  # noqa: B905
                work.spend(len(taps) * (8 + step.channels[1] * step.channels[0] // step.groups))
                window = [before[0][place] for place in places if place in before[0]]
                if len(window) == len(taps):
                    now[at] = window_sums(stack, step, weights, window)
        else:
            raise Open(f"{step.op} is not evaluated on a patch")
        found.append(now)
    return list(found[-1].items())


def window_sums(stack: Stack, step: Step, weights: list[Any], window: list[Any]) -> list[Any]:
    """What a convolution makes of the inputs on its taps, channel by channel."""
    width, out = (c // step.groups for c in step.channels)
    found = []
    for c in range(step.channels[1]):
        group = c // out * width
        values = [row[group + i] for i in range(width) for row in window]
        kernel: Sequence[Any] = step.taps or ()
        if step.weights is not None:
            start = stack.starts[step.weights] + c * len(values)
            kernel = weights[start : start + len(values)]
        found.append(sum(w * x for w, x in zip(kernel, values, strict=True)))
    return found


VERIFIERS: dict[str, Callable[[Book, Any], str]] = {
    "rank": verify_rank,
    "ambient": verify_ambient,
    "bound": verify_bound,
    "reproduces": verify_reproduces,
    "relu_pairs": verify_reproduces,
    "covers": verify_covers,
    "packs": verify_packs,
    "vanishes": verify_vanishes,
    "not_a_product": verify_not_a_product,
    "few_real_roots": verify_few_real_roots,
    "irreducible_over_q": verify_irreducible,
    "too_far": verify_too_far,
    "not_odd": verify_not_odd,
}


# Answers: what follows from the claims, by fixed rules.


def conclusion(book: Book, maker: str, made: str, over: str) -> tuple[str, str] | None:
    """The strongest answer that is shown, and why."""
    one, two = book.stacks[maker], book.stacks[made]
    if (maker, made, over) in book.made:
        return "all", "it was shown how"
    if one.has_relu or two.has_relu:
        return None
    above = min(book.upper.get(maker, one.weights), one.weights)
    below = max(book.lower.get(made, 0), two.weights if two.is_free else 0)
    if above < below:
        return "thin", f"dimension at most {above} against at least {below}"
    missed = {f for m, f, taps in book.missed if m == maker and is_member(two, taps, book.work)}
    if "complex" in missed or (over == "rational" and "rational" in missed):
        return "thin", "a member is missed, and what is made is closed"
    places = offsets(book, maker, made)
    if not places:
        return "thin", "its coefficients fit nowhere"
    if all((maker, place) in book.outside for place in places):
        return "thin", "its members violate an equation"
    if not one.weights and not two.weights:
        rows = [(s, operator(s, Ring(()), book.work)) for s in (one, two)]
        if not any(compare(rows[0], rows[1], place, book.work) for place in places):
            return "thin", "both are fixed, and differ"
    alike = one.rates[-1] == two.rates[-1]
    if one.is_free and alike:
        return "all", "it is one free layer, and its taps cover all"
    if (
        (two.is_free and alike)
        and over != "rational"
        and count_of(one, book.work) == two.weights <= book.lower.get(maker, 0)
    ):
        return ("dense" if over == "complex" else "part"), "it has the full dimension"
    if over == "real" and (maker, made, "some real") in book.made:
        return "part", "members with real roots of one sign are packed"
    return None


def concluded(book: Book, maker: str, made: str, over: str) -> tuple[str, str] | None:
    book.work.renew()
    try:
        return conclusion(book, maker, made, over)
    except Open:
        return None


def may_be(given: str, shown: str, book: Book, maker: str, made: str, over: str) -> bool:
    """Whether an answer is stronger than the one that is shown, and no claim contradicts it."""
    stronger = shown != "thin" and STRENGTH[given] > STRENGTH[shown]
    return stronger and not any(
        (name, kind) == (maker, over) and is_member(book.stacks[made], taps, book.work)
        for name, kind, taps in book.missed
    )


def is_member(stack: Stack, taps: list[Axes], work: Work) -> bool:
    """Whether a kernel on these taps is a member, up to a shift: one layer, the others one tap."""
    try:
        layers, _, _ = chain_of(stack, work)
    except Wrong:
        return False
    if any(not layer.free and prod(layer.size) > 1 for layer in layers):
        return False
    return any(layer.free and layer.holds(taps) for layer in layers)


def offsets(book: Book, maker: str, made: str) -> set[Offset]:
    """The shifts that put all coefficients of `made` on coefficients of the maker."""
    one, two = book.stacks[maker], book.stacks[made]
    rooms, parts = support(one, book.work), support(two, book.work)
    pairs = []
    for channel, position in product(range(len(parts)), periods(one, two)):
        want = row_at([dict.fromkeys(row) for row in parts[channel]], two.rates[-1], position)
        have = row_at([dict.fromkeys(row) for row in rooms[channel]], one.rates[-1], position)
        book.work.spend(sum(map(len, parts[channel])) + sum(map(len, rooms[channel])))
        if None in want and None not in have:
            return set()
        pairs.append([{key for key in row if key is not None} for row in (want, have)])
    pairs = [pair for pair in pairs if pair[0]]
    zero = (0,) * one.axes
    if (one.padded and two.padded) or not pairs:
        candidates = {zero}
    else:
        want_keys, have_keys = min(pairs, key=lambda pair: len(pair[1]))
        first = unpacked(next(iter(want_keys)), one.axes)
        places = [unpacked(key, one.axes) for key in have_keys]
        candidates = {
            tuple(a - b for a, b in zip(place, first[1], strict=True))
            for source, place in places
            if source == first[0]
        }
    found = set()
    for offset in candidates:
        shift = key_of(0, offset)
        book.work.spend(sum(len(want) for want, _ in pairs))
        if all(key + shift in have for want, have in pairs for key in want):
            found.add(offset)
    return found


def verify(data: Any, say: Callable[[str], None]) -> int:
    """The exit status for a certificate; every result is said in words."""
    schema, left, right, claims, answers = taken(data, "schema left right claims answers")
    need(schema == SCHEMA, f"the schema is not {SCHEMA}")
    book = Book({}, Work())
    books: list[Book] = []
    for name, value in zip(SIDES, (left, right), strict=True):
        try:
            book.stacks[name] = stack_of(value)
        except Wrong as error:
            raise Wrong(f"{name}: {error}") from None
    one, two = book.stacks["left"], book.stacks["right"]
    need(one.axes == two.axes, "left and right have different numbers of axes")
    for at in (0, -1):
        same = one.steps[at].channels[1] == two.steps[at].channels[1]
        need(same, "left and right have different channels")
    rates = zip(one.rates[-1], two.rates[-1], strict=True)
    need(all(a * d == b * c for (a, b), (c, d) in rates), "the total strides differ")
    for name, stack in book.stacks.items():
        trust = (
            ""
            if plain_layers(stack) is not None
            else " (that these are its steps is taken on trust)"
        )
        say(f"{name}: {stack.text[:200]}{trust}")
    status = 0
    shown: set[int] = set()
    need(len(listed(claims)) <= 500, "there are more than 500 claims")
    for index, claim in enumerate(claims):
        book.work.renew()
        books.append(book.joined(()))
        need(isinstance(claim, dict), f"claim {index} is no object")
        kind = claim.get("claim")
        try:
            if kind == "outside":
                of = claim.get("claim_of")
                if type(of) is int and 0 <= of < index and of not in shown:
                    raise Open(f"claim {of} is not verified")
                text = verify_outside(books[-1], claim, claims[:index])
            else:
                text = VERIFIERS[one_of(kind, VERIFIERS)](books[-1], claim)
            shown.add(index)
            say(f"claim {index} ({kind}) holds: {text}")
        except Open as error:
            status = 3
            say(f"claim {index} ({kind}) NOT verified: {error}")
        except Wrong as error:
            raise Wrong(
                f"claim {index} ({kind if isinstance(kind, str) else '?'}): {error}"
            ) from None
    seen: set[Any] = set()
    for index, answer in enumerate(listed(answers)):
        try:
            maker, made, over, given, because = taken(answer, "maker made field answer because")
            asked = one_of(maker, SIDES), one_of(made, SIDES), one_of(over, FIELDS)
            need(maker != made and asked not in seen, "it was answered before")
            seen.add(asked)
            named = [integer(number, 0, len(claims) - 1) for number in listed(because)]
            need(len(set(named)) == len(named), "a claim is named twice")
            follows = concluded(book.joined(books[number] for number in named), *asked)
            best = concluded(book.joined(books), *asked)
            text = (
                f"{maker} makes {PHRASES[one_of(given, PHRASES)]} of {made} over the {NAMES[over]}"
            )
            if best is None or may_be(given, best[0], book.joined(books), *asked):
                status = 3
                only = "" if best is None else f"; shown is {PHRASES[best[0]]}"
                say(f"answer {index} NOT verified: {text}{only}")
                continue
            need(given == best[0], f"it says `{given}`, and the claims show `{best[0]}`: {best[1]}")
            need(follows == best, f"`{given}` does not follow from the claims that it names")
            say(f"answer {index} holds: {text}: {best[1]}")
        except Wrong as error:
            raise Wrong(f"answer {index}: {error}") from None
    return status


PHRASES = {"all": "all", "dense": "almost all", "part": "an open set", "thin": "a thin set"}


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
        status, lines = 2, [f"unreadable: {error}"]
    except (Wrong, Open) as error:
        status, lines = 1, [f"rejected: {error}"]
    except (MemoryError, RecursionError):
        status, lines = 2, ["unreadable: it is too large"]
    for line in lines:  # whatever the file says, plain characters come out
        print(
            "".join(c if c.isprintable() else "?" for c in line).encode("ascii", "replace").decode()
        )
    return status


if __name__ == "__main__":
    sys.exit(main())
