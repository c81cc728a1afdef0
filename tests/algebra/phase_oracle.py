"""One-axis stacks by plain loops on a grid of integers: values as linear forms of the input.

A layer is a function from a value to a value; a value gives, for a channel and a position, the
linear form {(channel, position) of the input: coefficient, None: constant}. Nothing is merged.
"""

import re
from fractions import Fraction
from functools import cache
from itertools import product
from math import gcd
from random import Random

from .oracles import rank_mod

PRIME = 2**31 - 1

# Stacks with biases before, behind and between layers that upsample, and strides behind those.
PHASES = [
    "3b", "1b,convt2s2b", "convt2s2b", "1b,convt2s2", "convt2s2,bn", "bn,convt2s2", "convt3s2b",
    "1b,convt3s2", "1b,convt3s2b", "2b,convt3s2p1b", "1@2b,pixelshuffle2", "3b,up2", "up2,3b",
    "1b,up2,2b", "bilinear2,3b", "3b,bilinear2", "bn,up3,2", "convt2s2b,2s2b", "convt2s2,3s2b",
    "convt3s3b,2s2", "convt2s2b,convt2s2b", "1b,convt2s2,convt2s2", "bn,convt4s2p1,bn",
    "2s2b,convt2s2b", "convt2s2,scale", "scale,convt2s2b", "1b,1@4b,pixelshuffle2,1@1b",
    "convt1s2b", "1b,convt1s2", "1b,convt1s2b", "convt3d2s2b", "avg2s1,bn", "bn,avg2s2,convt2s2",
    "(convt2s2b + up2)", "(convt2s2 + (1b,up2))", "((1b,convt2s2) + convt2s2b)",
    "(3p1b + id),convt2s2",
    "(bn + id),convt2s2", "cat(1b|bn),convt2s2@1", "cat(convt2s2b|up2),1@1b",
    "cat(1b|id),1@2,pixelshuffle2",
]  # fmt: skip


class Stack:
    """`run(take)` is the output as a value; `take(n)` draws the next n weights."""

    def __init__(self, text):
        self.text = text
        self.form([0] * 10_000)  # counts the weights

    def form(self, weights):
        left = iter(weights)
        count = 0

        def take(n):
            nonlocal count
            count += n
            return [next(left) for _ in range(n)]

        value, channels, ratio = _chain(self.text, _input, 1, Fraction(1), take)
        self.weights, self.channels, self.ratio = count, channels, ratio
        return value


def stack_of(text):
    return Stack(text.replace(" ", ""))


def _input(channel, position):
    return {(channel, position): 1}


def _split(text, mark):
    """The parts between marks outside of parentheses."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == mark and not depth:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _sum(text, value, channels, ratio, take):
    parts = _split(text, "+")
    branches = [
        _chain(part[1:-1] if part[0] == "(" else part, value, channels, ratio, take)
        for part in parts
    ]
    values = [branch[0] for branch in branches]

    def added(channel, position):
        total = {}
        for one in values:
            for key, amount in one(channel, position).items():
                total[key] = total.get(key, 0) + amount
        return total

    assert len({branch[1:] for branch in branches}) == 1, text
    return added, *branches[0][1:]


def _chain(text, value, channels, ratio, take):
    for layer in _split(text, ","):
        if layer.startswith("cat("):
            parts = [
                _chain(part, value, channels, ratio, take) for part in _split(layer[4:-1], "|")
            ]
            rows = [(one, channel) for one, count, _ in parts for channel in range(count)]
            value = _joined(rows)
            channels, ratio = len(rows), parts[0][2]
        elif layer.startswith("(") or len(_split(layer, "+")) > 1:
            value, channels, ratio = _sum(layer, value, channels, ratio, take)
        else:
            value, channels, ratio = _layer(layer, value, channels, ratio, take)
            value = cache(value)
    return value, channels, ratio


def _joined(rows):
    return lambda channel, position: rows[channel][0](rows[channel][1], position)


_LAYER = re.compile(r"(avg|convt)?(\d+)((?:[spd]\d+)*)(?:@(\d+))?(b?)")


def _layer(text, before, channels, ratio, take):
    """The value after a layer, its channels, and how many inputs there are for an output."""
    if text == "id":
        return before, channels, ratio
    if text in ("bn", "scale"):
        factors = take(channels)
        shifts = take(channels) if text == "bn" else [0] * channels
        kernel = {(c, c, 0): factors[c] for c in range(channels)}
        return _conv(before, kernel, 1, 1, 0, shifts), channels, ratio
    if match := re.fullmatch(r"up(\d+)", text):
        f = int(match[1])
        return (lambda c, n: before(c, n // f)), channels, ratio / f
    if match := re.fullmatch(r"pixelshuffle(\d+)", text):
        f = int(match[1])
        return (lambda c, n: before(c * f + n % f, n // f)), channels // f, ratio / f
    if text == "bilinear2":  # output n lies at n/2 - 1/4 between the inputs
        return (lambda c, n: _blend(before, c, Fraction(2 * n - 1, 4))), channels, ratio / 2
    match = _LAYER.fullmatch(text)
    kind, size, rest, out, bias = match.groups()
    options = {letter: int(number) for letter, number in re.findall(r"([spd])(\d+)", rest)}
    k, s = int(size), options.get("s", int(size) if kind == "avg" else 1)
    p, d = options.get("p", 0), options.get("d", 1)
    if kind == "avg":
        part = pow(k, -1, PRIME)
        kernel = {(c, c, u): part for c in range(channels) for u in range(k)}
        return _conv(before, kernel, s, d, p, [0] * channels), channels, ratio * s
    out = int(out or channels)
    weights = take(out * channels * k)
    places = [(o, i, u) for o in range(out) for i in range(channels) for u in range(k)]
    kernel = dict(zip(places, weights, strict=True))
    biases = take(out) if bias else [0] * out
    if kind == "convt":
        return _convt(before, kernel, s, d, p, biases), out, ratio / s
    return _conv(before, kernel, s, d, p, biases), out, ratio * s


def _blend(before, channel, place):
    low = place.numerator // place.denominator
    right = place - low
    total = {}
    for at, part in ((low, 1 - right), (low + 1, right)):
        part = part.numerator * pow(part.denominator, -1, PRIME)
        for key, amount in before(channel, at).items():
            total[key] = (total.get(key, 0) + part * amount) % PRIME
    return total


def _conv(before, kernel, s, d, p, biases):
    def value(channel, n):
        total = {None: biases[channel]}
        for (o, i, u), w in kernel.items():
            if o == channel:
                for key, amount in before(i, s * n + d * u - p).items():
                    total[key] = (total.get(key, 0) + w * amount) % PRIME
        return total

    return value


def _convt(before, kernel, s, d, p, biases):
    def value(channel, m):
        total = {None: biases[channel]}
        for (o, i, u), w in kernel.items():
            n, rest = divmod(m + p - d * u, s)
            if o == channel and not rest:
                for key, amount in before(i, n).items():
                    total[key] = (total.get(key, 0) + w * amount) % PRIME
        return total

    return value


_OUTPUTS = 24  # a multiple of every period here


def coefficients(stack, weights, outputs=range(_OUTPUTS)):
    """{(channel, position, key): coefficient} of a long piece of the output."""
    value = stack.form(weights)
    return {
        (channel, n, key): amount
        for channel in range(stack.channels)
        for n in outputs
        for key, amount in value(channel, n).items()
        if amount % PRIME
    }


def dimension_of(stack):
    """The rank of the Jacobian at a random point: all is linear in every weight alone."""
    random = Random(1)
    point = [random.randrange(1, PRIME) for _ in range(stack.weights)]
    start = coefficients(stack, point)
    rows = []
    for number in range(stack.weights):
        moved = coefficients(stack, [*point[:number], point[number] + 1, *point[number + 1 :]])
        keys = start.keys() | moved.keys()
        rows.append({key: (moved.get(key, 0) - start.get(key, 0)) % PRIME for key in keys})
    columns = {key: at for at, key in enumerate({key for row in rows for key in row})}
    return rank_mod([[row.get(key, 0) for key in columns] for row in rows], PRIME) if rows else 0


def shifts_of(maker, made, most=12):
    """The shifts of input and output that put all taps of `made` on taps of `maker`.

    Output n of the maker is output n + t of the other one, whose inputs lie m earlier.
    """
    sides = []
    for stack in (maker, made):
        at = coefficients(stack, [1] * stack.weights, range(-_OUTPUTS, 2 * _OUTPUTS))
        sides.append({key for key in at if key[2] is not None})
    have, need = sides
    periods = [stack.ratio.denominator for stack in (maker, made)]
    found = set()
    for t in range(gcd(*periods)):
        for m in range(-most, most + 1):
            inside = [
                (c, n - t, (i, k + m)) in have for c, n, (i, k) in need if 0 <= n - t < _OUTPUTS
            ]
            if all(inside):
                found.add(((m,), (t,)))
    return found


def made_part(maker, made, *, aligned, prime=3, period=4):
    """Which part of all members mod a prime another stack makes, at the best shift."""
    wanted = _members(made, prime, range(3 * period))
    have = _members(maker, prime, range(period))
    shifts = product(range(period), range(-6, 7))
    best = 0
    for t, m in [(0, 0)] if aligned else shifts:
        moved = (
            frozenset(
                (n - t, key and (key[0], key[1] + m), amount)
                for n, key, amount in member
                if 0 <= n - t < period
            )
            for member in wanted
        )
        best = max(best, sum(member in have for member in moved))
    return Fraction(best, len(wanted))


def _members(text, prime, outputs):
    stack, found = stack_of(text), set()
    for weights in product(range(prime), repeat=stack.weights):
        value = stack.form(list(weights))
        found.add(
            frozenset(
                (n, key, amount % prime)
                for n in outputs
                for key, amount in value(0, n).items()
                if amount % prime
            )
        )
    return found
