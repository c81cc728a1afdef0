"""The atoms of a one-channel chain over a field, and the room that another one has for them.

One channel, so that Laurent polynomials factor uniquely up to units (monomials). A generic layer
with several axes is irreducible over C, dilated or not: its taps lie on no line, so by Bertini's
theorem the only way to factor would be a common factor, and there is none. A layer in powers of
z^d takes a product of atoms iff the d-th roots of unity map it to itself (it is then a monomial
times a polynomial in z^d) and its extent is small enough. They map a generic layer f(z^e) to itself
iff d divides e along all its axes, and else to a polynomial that is no atom of a generic member. So
it goes into one layer, if d divides e.

A layer along one axis is a product of n cycles of e roots over C (see `cycles`). A root r of a
generic one is no root of unity, and r times a d-th root of unity is a root of the same member only
if it lies in the cycle of r: so d must divide e for a layer to take any of them. Over R its roots
u = z^e are so many positive and negative numbers and conjugate pairs, each pattern on an open set.
Over Q it is irreducible (it is linear in its first weight), for almost all weights by Hilbert's
theorem: one part.

An average is a product of `(1 - w^k) / (1 - w)`, w = z^d: its roots are roots of unity, those whose
order divides d k and not d. The fixed layers of the maker divide all that is made; what is left of
the fixed layers of the made chain is packed with the rest. Roots of unity and roots of generic
layers are never mapped to one another, so they are cut up apart. Over Q the d-th roots of unity and
the conjugations together map a root of order N to all those of orders N' with
`N' / gcd(N', d) = N / gcd(N, d) = n`: the pieces are the cyclotomic polynomials of order n in z^d.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from math import gcd, lcm
from typing import NamedTuple

from convalgebra.algebra.one_channel.chains import Chain, Factor
from convalgebra.algebra.one_channel.cycles import Options, Vector, doubled, improves, options
from convalgebra.algebra.one_channel.cycles import added as vector_sum
from convalgebra.algebra.one_channel.packing import Demand, Lines, Shape, lines
from convalgebra.algebra.one_channel.work import Work
from convalgebra.budget import Exhausted

_LONGEST_CYCLE = 20_000  # roots of unity along an axis that are looked at one by one

Pattern = dict[tuple[int, int], tuple[int, int, int]]  # (axis, step): positive, negative, pairs


class Group(NamedTuple):
    """The made layers along one axis with the same step: the degrees in u = z^step."""

    axis: int
    step: int
    degrees: tuple[int, ...]

    @property
    def worst(self) -> tuple[int, int, int]:
        """Conjugate pairs wherever the roots can be, and negative numbers else."""
        return (0, sum(n % 2 for n in self.degrees), sum(n // 2 for n in self.degrees))

    @property
    def best(self) -> tuple[int, int, int]:
        """Positive numbers only."""
        return (sum(self.degrees), 0, 0)

    def patterns(self) -> Iterator[tuple[int, int, int]]:
        """All that the roots of real layers can be, each on an open set of weights."""
        positive, negative, pairs = self.worst
        for fewer in range(pairs + 1):
            real = positive + negative + 2 * fewer
            for count in range(real + 1):
                yield (real - count, count, pairs - fewer)


def shape(factor: Factor) -> Shape:
    """The shape of a layer: its effective dilations and how far its taps extend."""
    return Shape(factor.dilation, factor.degree)


class Question:
    """Whether `maker` has room for the atoms of `made`: what both are made of."""

    def __init__(self, maker: Chain, made: Chain, work: Work) -> None:
        self.maker, self.made, self.work = maker, made, work
        free = [factor for factor in maker.factors if factor.free]
        self.rooms: dict[Shape, int] = dict(Counter(shape(factor) for factor in free))
        self.lattices = tuple(
            tuple(sorted({f.dilation[axis] for f in free if f.taps[axis] > 1}))
            for axis in range(maker.axes)
        )
        self.layers = [factor for factor in made.factors if factor.free and factor.axes]
        self.solid = dict(Counter(shape(f) for f in self.layers if len(f.axes) > 1))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The made layers along one axis, by axis and step."""
        found: dict[tuple[int, int], list[int]] = {}
        for factor in self.layers:
            if len(factor.axes) == 1:
                (axis,) = factor.axes
                found.setdefault((axis, factor.dilation[axis]), []).append(factor.taps[axis] - 1)
        return tuple(Group(*key, tuple(sorted(found[key]))) for key in sorted(found))

    @cached_property
    def orders(self) -> tuple[dict[int, int], ...]:
        """Along each axis, how often the roots of unity of each order are left for free layers.

        Negative where the fixed layers of the maker have more of them than those of the made chain.
        """
        return tuple(
            {n: count for n, count in orders_along(self.made, axis, self.maker).items() if count}
            for axis in range(self.made.axes)
        )

    @property
    def alike(self) -> bool:
        """Whether all packings reach the same places: where each axis has one lattice at most."""
        return all(len(along) <= 1 for along in self.lattices)

    @property
    def divisible(self) -> bool:
        """Whether the fixed layers of the maker divide all members of the made chain."""
        return all(count > 0 for along in self.orders for count in along.values())

    def length(self, axis: int) -> int:
        """A common order of the roots of unity along an axis and of the lattices there."""
        return lcm(1, *self.orders[axis], *self.lattices[axis])

    def unity(self, axis: int) -> tuple[int, ...]:
        """How often each root of unity is left along an axis, by its turn."""
        length = self.length(axis)
        if length > _LONGEST_CYCLE:
            raise Exhausted
        orders = self.orders[axis]
        return tuple(orders.get(length // gcd(length, turn), 0) for turn in range(length))

    def cut(self, axis: int, step: int, mirror: int | None) -> Options:
        """The ways to cut one cycle of a layer along an axis among the layers of the maker."""
        lattices = self.lattices[axis]
        takers = tuple(lattice for lattice in lattices if step % lattice == 0)
        if len(takers) > 1 and step > _LONGEST_CYCLE:
            raise Exhausted
        key = ("cut", axis, step, mirror)
        if key not in self.work.cycles:
            ways = options((1,) * step, takers, mirror, self.work) if takers else {}
            self.work.cycles[key] = {
                _spread(vector, takers, lattices): pieces for vector, pieces in ways.items()
            }
        known: Options = self.work.cycles[key]
        return known

    def kinds(self, axis: int, step: int) -> tuple[Options, Options, Options]:
        """The ways to cut the cycle of a positive root, of a negative one, of a conjugate pair."""
        return (
            self.cut(axis, step, 0),
            self.cut(axis, step, -1),
            doubled(self.cut(axis, step, None)),
        )

    def ordered(self) -> bool:
        """Whether positive roots pack wherever negative ones do, and real ones where pairs do.

        More exactly: whether every way to cut up the cycle of a negative root is improved by one
        for a positive root, and of a conjugate pair by one for any two real roots. Then the worst
        pattern decides over R whether all members are made, and the best one whether any are.

        It holds wherever the cycles are cut by splitting them into p shorter ones of the same size,
        and those again (for p odd a positive root splits into one positive root and pairs, a
        negative one likewise; for p = 2 a positive root splits into one of each sign, a negative
        one into a pair; by induction). Other ways need three different primes; so it is looked up.
        """
        return all(
            _improved(self.kinds(group.axis, group.step), pairs=max(group.degrees) > 1)
            for group in self.groups
        )

    def lines(self, pattern: Pattern | None) -> tuple[Lines, ...]:
        """The roots along every axis, over C without a pattern, else over R with this one."""
        found = []
        for axis in range(self.made.axes):
            demands = []
            if self.orders[axis]:
                mirror = None if pattern is None else 0
                ways = options(self.unity(axis), self.lattices[axis], mirror, self.work)
                demands.append(Demand(("unity", axis), ways, 1))
            for group in self.groups:
                if group.axis != axis:
                    continue
                key = (axis, group.step)
                if pattern is None:
                    demands.append(Demand(key, self.cut(*key, None), sum(group.degrees)))
                    continue
                for kind, ways, count in zip(
                    ("+", "-", "pair"), self.kinds(*key), pattern[key], strict=True
                ):
                    if count:
                        demands.append(Demand((*key, kind), ways, count))
            found.append(lines(self.lattices[axis], demands, self.rooms, axis, self.work))
        return tuple(found)

    def nothing_along(self) -> tuple[Lines, ...]:
        """The roots along every axis where all parts are whole: none."""
        return tuple(
            lines(self.lattices[axis], [], self.rooms, axis, self.work)
            for axis in range(self.made.axes)
        )

    def rational_parts(self) -> Iterator[dict[Shape, int]]:
        """The parts over Q: all layers whole, and the roots of unity in every way to cut them."""
        whole = Counter(shape(factor) for factor in self.layers)
        found = [whole]
        for axis, orders in enumerate(self.orders):
            if not orders:
                continue
            more = []
            for parts in found:
                for pieces in rational_cuts(orders, self.lattices[axis], self.work):
                    new = parts.copy()
                    for (lattice, order), count in pieces.items():
                        new[cyclotomic(self.made.axes, axis, lattice, order)] += count
                    self.work.spend(1)
                    more.append(new)
            found = more
        yield from found


def orders_along(made: Chain, axis: int, maker: Chain | None = None) -> Counter[int]:
    """How often the fixed layers have the roots of unity of each order along an axis.

    Less those of the fixed layers of the maker, if there is one.
    """
    found: Counter[int] = Counter()
    for chain, sign in ((made, 1), (maker, -1)):
        for factor in chain.factors if chain else ():
            taps, step = factor.progressions[axis]
            if not factor.free and taps > 1:
                for order in range(1, taps * step + 1):
                    if taps * step % order == 0 and step % order:
                        found[order] += sign
    return found


def _spread(vector: Vector, some: tuple[int, ...], lattices: tuple[int, ...]) -> Vector:
    counts = dict(zip(some, vector, strict=True))
    return tuple(counts.get(lattice, (0, 0)) for lattice in lattices)


def _improved(kinds: tuple[Options, Options, Options], *, pairs: bool) -> bool:
    positive, negative, pair = kinds

    def by_some(vector: Vector, ways: list[Vector]) -> bool:
        return any(improves(way, vector) for way in ways)

    return all(by_some(vector, list(positive)) for vector in negative) and (
        not pairs
        or all(
            by_some(vector, [vector_sum(a, b) for a in one for b in two])
            for vector in pair
            for one, two in ((negative, negative), (positive, negative), (positive, positive))
        )
    )


def totient(order: int) -> int:
    """The degree of the cyclotomic polynomial of this order."""
    return sum(gcd(order, number) == 1 for number in range(1, order + 1))


def cyclotomic(axes: int, axis: int, lattice: int, order: int) -> Shape:
    """The shape of the cyclotomic polynomial of this order in z^lattice."""
    steps = tuple(lattice if a == axis else 1 for a in range(axes))
    extent = tuple(lattice * totient(order) if a == axis else 0 for a in range(axes))
    return Shape(steps, extent)


def rational_cuts(
    orders: dict[int, int], lattices: tuple[int, ...], work: Work
) -> list[Counter[tuple[int, int]]]:
    """Every way to write the product of cyclotomic polynomials as one of Phi_n(z^d)."""
    found = []
    stack: list[tuple[dict[int, int], Counter[tuple[int, int]]]] = [(orders, Counter())]
    seen = set()
    while stack:
        left, pieces = stack.pop()
        state = frozenset(pieces.items())  # with it the rest is known, in whatever order it came
        if state in seen:
            continue
        seen.add(state)
        work.spend(1 + len(left) + len(pieces))
        order = min((n for n in left if left[n]), default=None)
        if order is None:
            found.append(pieces)
            continue
        for lattice in lattices:
            base = order // gcd(order, lattice)
            taken = [
                n
                for d in range(1, lattice + 1)
                if lattice % d == 0
                for n in (base * d,)
                if n // gcd(n, lattice) == base
            ]
            rest = dict(left)
            for n in taken:
                rest[n] = rest.get(n, 0) - 1
            if min(rest.values()) >= 0:
                stack.append((rest, pieces + Counter([(lattice, base)])))
    return found
