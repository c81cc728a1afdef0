"""Packing by trying everything, and a reader of packings that shares no code with the engine."""

from collections import Counter, defaultdict
from functools import cache
from itertools import chain, product
from math import gcd, lcm

import numpy as np
import sympy

from .oracles import is_irreducible_over_c, minus, plus, times

# Stacks as products


def strides_before(layers):
    before = [(1,) * len(layers[0].taps)]
    for layer in layers[:-1]:
        before.append(times(before[-1], layer.stride))
    return before


def products(layers):
    """(taps, effective dilation) of the free layers, of the fixed ones, and the first tap."""
    free, fixed = [], []
    start = (0,) * len(layers[0].taps)
    for layer, before in zip(layers, strides_before(layers), strict=True):
        dilation = times(layer.dilation, before)
        steps = tuple(d if k > 1 else 1 for k, d in zip(layer.taps, dilation, strict=True))
        (fixed if layer.average else free).append((layer.taps, steps))
        start = minus(start, times(layer.padding, before))
    return free, fixed, start


# Every assignment


@cache
def uses_of_a_cycle(size, steps, kind):
    """How many roots each layer takes, over every assignment of a cycle (or a conjugate pair).

    The roots of f(z^e), f generic of degree n, are n cycles of e: one of them times the e-th roots
    of unity, numbered by Z/e. A layer in powers of z^d takes sets that the d-th roots of unity map
    to themselves, so steps of e/d; over R the sets of each layer are closed under conjugation,
    which takes turn k to -k in the cycle of a positive number, to -k - 1 in that of a negative
    one, and to another cycle else. A step of 0 stands for a layer with one tap along the axis.
    """
    conjugate = {"positive": lambda k: -k, "negative": lambda k: -k - 1}.get(kind, lambda k: k)
    takers = [layer for layer, step in enumerate(steps) if step and size % step == 0]
    found = set()
    for owners in product(takers, repeat=size):
        closed = all(
            owners[(k + size // steps[owner]) % size] == owner
            and owners[conjugate(k) % size] == owner
            for k, owner in enumerate(owners)
        )
        if closed:
            factor = 2 if kind == "pair" else 1
            found.add(tuple(factor * owners.count(layer) for layer in range(len(steps))))
    return found


def roots_of_unity(fixed, axis, order):
    """How often the product of averages has each of the `order`-th roots of unity along an axis."""
    found = Counter()
    for taps, steps in fixed:
        k, d = taps[axis], steps[axis]
        for r in range(order):
            if k * d * r % order == 0 and d * r % order:
                found[r] += 1
    return found


def uses_of_unity(counts, order, steps, field):
    """The same for the roots of unity of averages, `counts` of them."""

    def images(step, r):
        yield (r + order // step) % order
        if field == "real":
            yield -r % order
        if field == "rational":
            yield from (c * r % order for c in range(order) if gcd(c, order) == 1)

    residues = sorted(counts)
    takers = [layer for layer, step in enumerate(steps) if step]

    def shares(count, layers):
        if not layers:
            return [()] if count == 0 else []
        return [
            (taken, *rest)
            for taken in range(count + 1)
            for rest in shares(count - taken, layers[1:])
        ]

    found = set()
    for given in product(*(shares(counts[r], takers) for r in residues)):
        use = [0] * len(steps)
        for at, layer in enumerate(takers):
            mine = {r: share[at] for r, share in zip(residues, given, strict=True)}
            if any(
                mine.get(image, 0) != count
                for r, count in mine.items()
                for image in images(steps[layer], r)
            ):
                break
            use[layer] = sum(mine.values())
        else:
            found.add(tuple(use))
    return found


def patterns(degree):
    """What the roots of a real polynomial of this degree may be, in every combination."""
    for pairs in range(degree // 2 + 1):
        for positive in range(degree - 2 * pairs + 1):
            negative = degree - 2 * pairs - positive
            yield ("pair",) * pairs + ("positive",) * positive + ("negative",) * negative


def places_made(maker, made, field, kinds=None):
    """The shifts at which a generic member is made, over every assignment of its parts.

    `kinds` are those of the roots of each layer along one axis, over R.
    """
    rooms, divisors, _ = products(maker)
    parts, averages, _ = products(made)
    axes = len(maker[0].taps)
    if not rooms and any(max(taps) >= 1 for taps, _ in parts):
        return set()
    steps = [tuple(d[a] if k[a] > 1 else 0 for k, d in rooms) for a in range(axes)]
    full = tuple(tuple(d * (k - 1) for k, d in zip(*room, strict=True)) for room in rooms)
    states = {full}

    def take(states, uses):
        """What is left after one of the uses, each so many places per layer and axis."""
        left = {
            tuple(minus(room, use) for room, use in zip(state, one, strict=True))
            for state in states
            for one in uses
        }
        return {state for state in left if all(min(room) >= 0 for room in state)}

    def along(axis, uses):
        line = [tuple(int(a == axis) for a in range(axes))] * len(rooms)
        return {
            tuple(times(unit, (use,) * axes) for unit, use in zip(line, one, strict=True))
            for one in uses
        }

    number = 0
    for taps, dilation in parts:
        vary = [axis for axis in range(axes) if taps[axis] > 1]
        if not vary:
            continue
        degree = tuple(d * (k - 1) for k, d in zip(taps, dilation, strict=True))
        if len(vary) > 1 or field == "rational":
            zero = (0,) * axes
            uses = {
                tuple(degree if layer == j else zero for layer in range(len(rooms)))
                for j in range(len(rooms))
                if all(steps[a][j] and dilation[a] % steps[a][j] == 0 for a in vary)
            }
            states = take(states, uses)
            continue
        (axis,) = vary
        roots = ("any",) * (taps[axis] - 1) if kinds is None else kinds[number]
        number += 1
        for kind in roots:
            uses = uses_of_a_cycle(dilation[axis], steps[axis], kind)
            states = take(states, along(axis, uses))
    for axis in range(axes):
        orders = [taps[axis] * d[axis] for taps, d in divisors + averages]
        order = lcm(*orders, *(step for step in steps[axis] if step))
        counts = roots_of_unity(averages, axis, order)
        counts.subtract(roots_of_unity(divisors, axis, order))
        if min(counts.values(), default=0) < 0:
            return set()
        uses = uses_of_unity(+counts, order, steps[axis], field)
        states = take(states, along(axis, uses))
    found = set()
    for state in states:
        fillings = []
        for axis in range(axes):
            reached = {0}
            for room, (_, d) in zip(state, rooms, strict=True):
                moves = range(0, room[axis] + 1, d[axis])
                reached = {one + two for one in reached for two in moves}
            fillings.append(reached)
        found |= set(product(*fillings))
    return found


def degrees_along_lines(made):
    parts, _, _ = products(made)
    lines = [[k for k in taps if k > 1] for taps, _ in parts]
    return [line[0] - 1 for line in lines if len(line) == 1]


def answers(maker, made, *, aligned=False):
    """The answer over each field, and the shifts over C, by trying everything."""
    fixed = None
    if aligned:
        fixed = minus(products(made)[2], products(maker)[2])

    def places(field, kinds=None):
        found = places_made(maker, made, field, kinds)
        return found if fixed is None else found & {fixed}

    over_c, over_q = places("complex"), places("rational")
    over_r = [places("real", kinds) for kinds in product(*map(patterns, degrees_along_lines(made)))]
    real = "all" if set.intersection(*over_r) else "part" if any(over_r) else "thin"
    return {
        "real": real,
        "complex": "all" if over_c else "thin",
        "rational": "all" if over_q else "thin",
    }, over_c


# Reading a packing


def all_layers(layers):
    """(taps, effective dilation, free) of every layer, fixed ones too."""
    found = []
    for layer, before in zip(layers, strides_before(layers), strict=True):
        dilation = times(layer.dilation, before)
        steps = tuple(d if k > 1 else 1 for k, d in zip(layer.taps, dilation, strict=True))
        found.append((layer.taps, steps, not layer.average))
    return found


def pieces(layer, how, number, field):
    """The layers (axis, roots, dilation, sign) that a split makes of one."""
    axis, roots, dilation, sign = layer
    if how == "cut":
        assert 0 < number < roots
        assert field == "complex" or sign or number % 2 == 0 or (roots - number) % 2 == 0
        return [(axis, number, dilation, sign), (axis, roots - number, dilation, sign)]
    if how == "signs":
        assert field == "real"
        assert sign is None
        assert 0 <= number <= roots
        signed = [(axis, number, dilation, 1), (axis, roots - number, dilation, -1)]
        return [one for one in signed if one[1]]
    assert how == "turn"
    assert number > 1
    assert dilation % number == 0
    dilation //= number
    if field == "complex" or (sign is None and roots % 2 == 0):
        return [(axis, roots, dilation, None)] * number
    if sign is None:
        assert roots == 1
    # Of a root of this sign, those of its m-th roots that are real.
    real = {1: [1, -1] if number % 2 == 0 else [1], -1: [-1] * (number % 2)}
    real[None] = [None] * (number % 2)
    pairs = (number - len(real[sign])) // 2
    alone = [(axis, roots, dilation, one) for one in real[sign]]
    return alone + [(axis, 2 * roots, dilation, None)] * pairs


def verify_packing(claim, maker, made):
    """Fails unless the packing is one: every rule of the format, one after another."""
    rooms, parts = all_layers(maker), all_layers(made)
    start, begin = products(maker)[2], products(made)[2]
    axes, field = len(start), claim["field"]
    steps = [tuple(d[a] if k[a] > 1 and free else 0 for k, d, free in rooms) for a in range(axes)]
    used = Counter()
    whole = {i: part for i, part in enumerate(parts) if max(part[0]) > 1}
    torn, count = {}, len(parts)
    given = {i for i, (_, _, free) in enumerate(parts) if not free}  # roots that none can choose
    for how, i, number in claim["splits"]:
        assert field != "rational"
        assert how != "signs" or i not in given
        if i in whole:
            taps, dilation, _ = whole.pop(i)
            (axis,) = (a for a in range(axes) if taps[a] > 1)
            torn[i] = (axis, taps[axis] - 1, dilation[axis], None)
        for piece in pieces(torn.pop(i), how, number, field):
            if how == "turn" or i in given:
                given.add(count)
            torn[count] = piece
            count += 1
    taken = []
    for i, j in claim["into"]:
        if not rooms[j][2]:
            assert whole.pop(i) == rooms[j]
            taken.append(j)
            continue
        if i in torn:
            axis, roots, dilation, _ = torn.pop(i)
            needs = [(axis, roots, dilation)]
        else:
            taps, dilation, _ = whole.pop(i)
            needs = [(a, taps[a] - 1, dilation[a]) for a in range(axes) if taps[a] > 1]
        for axis, roots, dilation in needs:
            assert steps[axis][j]
            assert dilation % steps[axis][j] == 0
            used[j, axis] += dilation * roots
    assert not whole
    assert not torn
    averages = [j for j, (taps, _, free) in enumerate(rooms) if not free and max(taps) > 1]
    assert sorted(taken) == averages
    moved = {layer: tuple(move) for layer, move in claim["shifts"]}
    place = [0] * axes
    for j, (taps, dilation, free) in enumerate(rooms):
        assert free or j not in moved
        for axis in range(axes) if free else ():
            move = dilation[axis] * moved.get(j, (0,) * axes)[axis]
            assert 0 <= move <= dilation[axis] * (taps[axis] - 1) - used[j, axis]
            place[axis] += move
    assert tuple(place) == plus(claim["offset"], minus(begin, start))
    assert any(free for _, _, free in rooms) or not any(free for _, _, free in parts)


# Doing what a packing says, with numbers


def multiplied(one, two):
    found = defaultdict(complex)
    for place, value in one.items():
        for other, weight in two.items():
            found[plus(place, other)] += value * weight
    return found


def joined(lists):
    return list(chain.from_iterable(lists))


def is_real(root):
    return abs(root.imag) <= 1e-9 * abs(root)


def conjugates(roots):
    """Real roots one by one after pairs of conjugate ones."""
    pairs = [[u, u.conjugate()] for u in roots if not is_real(u) and u.imag > 0]
    return [*pairs, *([complex(u.real)] for u in roots if is_real(u))]


def taken_out(roots, number, real):
    """So many roots, over the reals with their conjugates, and the others."""
    if not real:
        return [roots[:number], roots[number:]]
    found = [[], []]
    for some in conjugates(roots):
        found[len(found[0]) + len(some) > number].extend(some)
    assert len(found[0]) == number
    return found


def turned(roots, number, real):
    """The m-th roots of roots, in as many lists; over the reals conjugate ones in one list."""
    every = [
        abs(u) ** (1 / number) * np.exp(1j * (np.angle(u) + 2 * np.pi * k) / number)
        for u in roots
        for k in range(number)
    ]
    if not real:
        return [every[k::number] for k in range(number)]
    groups = conjugates(every)
    alone = [group for group in groups if len(group) == 1]
    if len(roots) == 1:
        # The positive one first; for even m both of a positive root may be wanted together.
        alone.sort(key=lambda group: -group[0].real)
        return [*alone, *(group for group in groups if len(group) == 2)]
    twos = [group for group in groups if len(group) == 2]
    twos += [one + two for one, two in zip(alone[::2], alone[1::2], strict=True)]
    return [joined(twos[k::number]) for k in range(number)]


def filters(claim, maker, made, weights):
    """The maker's layers for a member with these weights, as the packing has them.

    None where the packing is one of members whose roots have other signs.
    """
    rooms, parts = all_layers(maker), all_layers(made)
    axes = len(maker[0].taps)
    zero = (0,) * axes
    built = [{zero: 1} for _ in rooms]
    real = claim["field"] == "real"

    def unit(axis):
        return tuple(int(a == axis) for a in range(axes))

    for layer, move in claim["shifts"]:
        built[layer] = {times(rooms[layer][1], move): 1}
    torn, count = {}, len(parts)  # axis, dilation, roots, sign
    for how, i, number in claim["splits"]:
        if i < len(parts):
            taps, dilation, _ = parts[i]
            (axis,) = (a for a in range(axes) if taps[a] > 1)
            line = [value for _, value in sorted(weights[i].items())]
            torn[i] = (axis, dilation[axis], [complex(u) for u in np.roots(line[::-1])], None)
        axis, dilation, roots, sign = torn.pop(i)
        if how == "signs":
            positive = [u for u in roots if is_real(u) and u.real > 0]
            negative = [u for u in roots if is_real(u) and u.real < 0]
            if len(positive) != number or len(positive) + len(negative) < len(roots):
                return None
            found = [(some, s) for some, s in ((positive, 1), (negative, -1)) if some]
        elif how == "cut":
            found = [(some, sign) for some in taken_out(roots, number, real and sign is None)]
        else:
            dilation //= number
            if sign is None:
                lists = turned(roots, number, real)
                if real and len(roots) == 1 and roots[0].real > 0 and number % 2 == 0:
                    lists = [lists[0] + lists[1], *lists[2:]]  # two real ones instead of a pair
                found = [(some, None) for some in lists]
            else:
                lists = [turned([u], number, real) for u in roots]
                found = [
                    (joined(some), int(np.sign(some[0][0].real)) if len(some[0]) == 1 else None)
                    for some in zip(*lists, strict=True)
                ]
        for some, one in found:
            torn[count] = (axis, dilation, some, one)
            count += 1
    for i, j in claim["into"]:
        if i in torn:
            axis, dilation, roots, _ = torn.pop(i)
            step = times((dilation,) * axes, unit(axis))
            for u in roots:
                built[j] = multiplied(built[j], {zero: -u, step: 1})
            continue
        own = {times(parts[i][1], tap): value for tap, value in weights[i].items()}
        built[j] = multiplied(built[j], own)
    return built


def as_weights(built, maker, *, real):
    """The weights of the maker that these filters are; fails where one is off its taps."""
    found = []
    for layer, (_, step, free), own in zip(maker, all_layers(maker), built, strict=True):
        if not free:
            found.append(dict.fromkeys(layer.places(), 1 / np.prod(layer.taps)))
            continue
        taps = {times(step, tap): tap for tap in layer.places()}
        size = max(map(abs, own.values()))
        weights = dict.fromkeys(layer.places(), 0)
        for place, value in own.items():
            if abs(value) > 1e-6 * size:
                weights[taps[place]] = value / size
                assert not real or abs(value.imag) < 1e-6 * size
        found.append(weights)
    return found


# Factoring a kernel and trying every way to give its factors to the layers


def lines_of(factor, axis, field):
    """The irreducible factors of a polynomial in one variable, over a field."""
    coefficients = np.zeros(1 + max(place[axis] for place in factor))
    for place, value in factor.items():
        coefficients[place[axis]] = value
    roots = list(np.roots(coefficients[::-1]))
    zero = (0,) * len(next(iter(factor)))

    def power(count):
        return tuple(count * int(a == axis) for a in range(len(zero)))

    if field == "rational":
        return [factor]
    if field == "real":
        real = [root.real for root in roots if abs(root.imag) < 1e-9]
        upper = [root for root in roots if root.imag > 1e-9]
        assert len(real) + 2 * len(upper) == len(roots)
        pairs = [{zero: abs(u) ** 2, power(1): -2 * u.real, power(2): 1} for u in upper]
        return [{zero: -root, power(1): 1} for root in real] + pairs
    return [{zero: -root, power(1): 1} for root in roots]


def irreducible_factors(kernel, field):
    """The factors of an integer kernel over a field, without monomials."""
    low = tuple(map(min, zip(*kernel, strict=True)))
    names = sympy.symbols(f"z:{len(low)}")
    _, found = sympy.Poly({minus(e, low): v for e, v in kernel.items()}, *names).factor_list()
    factors = []
    for poly, times_ in found:
        factor = {place: int(value) for place, value in poly.terms()}
        vary = [axis for axis in range(len(low)) if any(place[axis] for place in factor)]
        if len(vary) > 1:
            assert is_irreducible_over_c(factor)
            factors += [factor] * times_
        else:
            factors += lines_of(factor, vary[0], field) * times_
    return factors


def fits_a_layer(kernel, taps, dilation):
    """Whether some shift puts every place with a coefficient that is not 0 on a tap."""
    size = max(map(abs, kernel.values()))
    places = [place for place, value in kernel.items() if abs(value) > 1e-7 * size]
    return all(
        (max(along) - min(along)) <= d * (k - 1) and all((e - along[0]) % d == 0 for e in along)
        for along, k, d in zip(zip(*places, strict=True), taps, dilation, strict=True)
    )


def is_made(kernel, layers, field, most=4_000):
    """Whether a kernel is, up to a shift, a member; None where there are too many ways to try."""
    rooms, averages, _ = products(layers)
    names = sympy.symbols(f"z:{len(layers[0].taps)}")
    poly = sympy.Poly(kernel, *names)
    for taps, dilation in averages:
        places = product(*(range(0, d * k, d) for k, d in zip(taps, dilation, strict=True)))
        quotient, rest = poly.div(sympy.Poly(dict.fromkeys(places, 1), *names))
        if not rest.is_zero:
            return False
        poly = quotient
    if not rooms:
        return poly.is_one
    factors = irreducible_factors({place: int(value) for place, value in poly.terms()}, field)
    if len(rooms) ** len(factors) > most:
        return None
    zero = (0,) * len(names)

    @cache
    def held(layer, mine):
        kernel = {zero: 1}
        for number in mine:
            kernel = multiplied(kernel, factors[number])
        return fits_a_layer(kernel, *rooms[layer])

    return any(
        all(
            held(layer, tuple(n for n, owner in enumerate(owners) if owner == layer))
            for layer in range(len(rooms))
        )
        for owners in product(range(len(rooms)), repeat=len(factors))
    )
