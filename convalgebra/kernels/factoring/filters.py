"""From groups of factors to the filters of the layers, multiplied back exactly.

A filter is the product of its group, moved within its layer where there is room, and spread out on
its taps. The product of all filters, averages included, is compared with the kernel in the exact
arithmetic of their field before it is shown. Where a common field would be too large, the filters
are the kernel because they share out its factors over C; each has a field of its own if that is
small enough, and then its norm must be the product of the right powers of the factors over Q.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from convalgebra.algebra.one_channel.chains import Chain, Exponent, Factor
from convalgebra.algebra.one_channel.places import holds, listed, sums
from convalgebra.algebra.one_channel.work import Work
from convalgebra.kernels.factoring.compositum import Products, products
from convalgebra.kernels.factoring.conjugates import Atom, Splitting
from convalgebra.kernels.factoring.embeddings import RATIONAL, Embedding, doubles, precision
from convalgebra.kernels.factoring.factorizations import Conjugate, Factorization, Filter
from convalgebra.kernels.factoring.fields import Element
from convalgebra.kernels.factoring.groupings import Grouping
from convalgebra.kernels.factoring.parts import FieldName
from convalgebra.kernels.factoring.polynomials import (
    Terms,
    core,
    degree,
    expanded,
    lowest,
    multiplied,
    plain,
    plus,
    primitive,
)
from convalgebra.kernels.factoring.rational import Undecided
from convalgebra.kernels.sources import Number

_MOST_COMMON = 8  # degree of a field for all filters; each has one of its own past it

Lifted = dict[Exponent, Element]  # a polynomial over a field


class Builder:
    """Makes filters of groups for one kernel and one chain."""

    def __init__(
        self,
        kernel: Terms,
        shape: Exponent,
        chain: Chain,
        texts: Sequence[str],
        splittings: tuple[Splitting, ...],
        atoms: tuple[Atom, ...],
        work: Work,
    ) -> None:
        self.work = work  # for exact entries
        self.kernel, self.shape, self.chain, self.texts = kernel, shape, chain, texts
        self.splittings, self.atoms = splittings, atoms
        self.origin = (0,) * len(shape)

    def factorization(self, groups: Grouping, over: FieldName) -> Factorization:
        """The filters of groups of atoms, one for each free layer, verified."""
        rational, rest = self._separated(groups)
        one: Lifted = {self.origin: (1,)}
        common = Products(RATIONAL, (one,) * len(rest))
        if any(rest):
            try:
                common = products(rest, self.atoms, self.splittings, self.work, _MOST_COMMON)
            except Undecided:
                return self._apart(groups, rational, rest, over)
        return self._together(groups, rational, common, over)

    def _separated(self, groups: Grouping) -> tuple[list[Terms], list[list[int]]]:
        """The part of each group that is rational, multiplied out, and the atoms that are left."""
        rational, rest = [], []
        for group in groups:
            counts = Counter(group)
            whole: Terms = {self.origin: 1}
            left: list[int] = []
            for which, splitting in enumerate(self.splittings):
                members = [n for n, atom in enumerate(self.atoms) if atom.of == which]
                times = min(counts[n] for n in members)
                for _ in range(times):
                    whole = multiplied(whole, splitting.irreducible.terms)
                for n in members:
                    left += [n] * (counts[n] - times)
            rational.append(whole)
            rest.append(left)
        return rational, rest

    def _together(
        self, groups: Grouping, rational: list[Terms], common: Products, over: FieldName
    ) -> Factorization:
        """The filters in one field, the number that is left over multiplied into the first one."""
        field = common.embedding.field
        filters = [
            field.product(_lifted(whole), algebraic)
            for whole, algebraic in zip(rational, common.filters, strict=True)
        ]
        moves, shift = self._moves([degree(f) for f in filters])
        filters = [_moved(f, move) for f, move in zip(filters, moves, strict=True)]
        total: Lifted = {self.origin: (1,)}
        for f in [*filters, *map(_average, self._averages())]:
            total = field.product(total, f)
        ratio = field.times((self.kernel[min(self.kernel)],), field.inverse(total[min(total)]))
        if filters:
            filters[0] = field.product(filters[0], {self.origin: ratio})
            total = field.product(total, {self.origin: ratio})
        if total != _moved(_lifted(self.kernel), shift):
            raise ArithmeticError("the filters do not multiply back")
        made = [
            _filter(f, factor, text, over, common.embedding)
            for f, (factor, text) in zip(filters, self.free, strict=True)
        ]
        return Factorization(over, self._with_averages(made), shift, groups)

    def _apart(
        self, groups: Grouping, rational: list[Terms], rest: list[list[int]], over: FieldName
    ) -> Factorization:
        """The filters, each in a field of its own, or in decimals only where that is too large."""
        moves, shift = self._moves(
            [
                tuple(
                    map(sum, zip(degree(whole), *(self.atoms[n].degree for n in left), strict=True))
                )
                for whole, left in zip(rational, rest, strict=True)
            ]
        )
        # All filters start with a rational number; the first one takes what makes up the kernel's.
        scale = Fraction(self.kernel[min(self.kernel)])
        scale *= prod(prod(factor.taps) for factor in self._averages())
        scale /= prod(whole[min(whole)] for whole in rational)
        rational = [multiplied(rational[0], {self.origin: plain(scale)}), *rational[1:]]
        made = [
            self._alone(_moved(whole, move), left, factor, text, over)
            for whole, left, move, (factor, text) in zip(
                rational, rest, moves, self.free, strict=True
            )
        ]
        return Factorization(over, self._with_averages(made), shift, groups)

    def _alone(
        self, whole: Terms, atoms: list[int], factor: Factor, text: str, over: FieldName
    ) -> Filter:
        """The filter that is a rational polynomial times atoms, in a field of its own."""
        if not atoms:
            return _filter(_lifted(whole), factor, text, over)
        parts = self._conjugates(core(whole)[1], atoms)
        try:
            found = products([atoms], self.atoms, self.splittings, self.work)
        except Undecided:
            decimals = doubles(
                lambda bits: self._discs(whole, atoms, factor, bits), over != "complex"
            )
            return Filter(text, factor.taps, factor.dilation, None, decimals, product=parts)
        self._verify_norm(found, atoms)
        terms = found.embedding.field.product(_lifted(whole), found.filters[0])
        return _filter(terms, factor, text, over, found.embedding, product=parts)

    def zero(self) -> Factorization:
        """The kernel 0: the first filter is 0, the others are 1."""
        made = [
            _filter({} if at == 0 else {self.origin: (1,)}, factor, text, "rational")
            for at, (factor, text) in enumerate(self.free)
        ]
        return Factorization("rational", self._with_averages(made), self.origin)

    @property
    def free(self) -> list[tuple[Factor, str]]:
        """The layers with weights, and their texts."""
        layers = zip(self.chain.factors, self.texts, strict=True)
        return [(factor, text) for factor, text in layers if factor.free]

    def _averages(self) -> list[Factor]:
        return [factor for factor in self.chain.factors if not factor.free]

    def _with_averages(self, free: list[Filter]) -> tuple[Filter, ...]:
        """The filters of all layers, given those of the free ones."""
        listed = iter(free)
        return tuple(
            next(listed) if factor.free else _filter(_average(factor), factor, text, fixed=True)
            for factor, text in zip(self.chain.factors, self.texts, strict=True)
        )

    def _moves(self, degrees: list[Exponent]) -> tuple[list[Exponent], Exponent]:
        """Where each filter lies within its layer, and by how much the kernel is moved.

        The kernel is to lie in the middle of the receptive field, in its place if it is as large;
        the filters in the middle of their layers, as far as that allows.
        """
        low = lowest(self.kernel)
        moves: list[list[int]] = [[] for _ in degrees]
        shift = []
        for axis, size in enumerate(self.shape):
            wanted = low[axis] + (self.chain.receptive_field[axis] - size) // 2
            rooms = [
                ((factor.degree[axis] - d[axis]) // factor.dilation[axis], factor.dilation[axis])
                for (factor, _), d in zip(self.free, degrees, strict=True)
            ]
            for move, steps, (_, step) in zip(moves, _steps(rooms, wanted), rooms, strict=True):
                move.append(steps * step)
            shift.append(sum(move[axis] for move in moves) - low[axis])
        return [tuple(move) for move in moves], tuple(shift)

    def _conjugates(self, whole: Terms, atoms: list[int]) -> tuple[Conjugate, ...]:
        """A rational polynomial and atoms, those of the same factor over Q together."""
        found = [] if whole == {self.origin: 1} else [_conjugate(_lifted(whole))]
        for which, splitting in enumerate(self.splittings):
            roots = tuple(
                splitting.embedding(self.atoms[n].root) for n in atoms if self.atoms[n].of == which
            )
            if roots:
                found.append(_conjugate(splitting.conjugates.factor, roots))
        return tuple(found)

    def _discs(self, whole: Terms, atoms: list[int], factor: Factor, bits: int) -> list[Any]:
        """The taps of a filter as discs."""
        from flint import acb

        with precision(bits):
            total: dict[Exponent, Any] = {
                place: RATIONAL.value((c,), bits) for place, c in whole.items()
            }
            for n in atoms:
                atom = self.atoms[n]
                total = expanded(total, self.splittings[atom.of].values(atom.root, bits))
            return [total.get(place, acb(0)) for place in factor.exponents()]

    def _verify_norm(self, found: Products, atoms: list[int]) -> None:
        """The product over the conjugates must be made of the right irreducible factors."""
        wanted: Terms = {self.origin: 1}
        for which, times in Counter(self.atoms[n].of for n in atoms).items():
            splitting = self.splittings[which]
            power, left = divmod(times * found.embedding.field.degree, splitting.size)
            if left:
                raise ArithmeticError("a filter does not have as many conjugates as it should")
            for _ in range(power):
                wanted = multiplied(wanted, splitting.irreducible.terms)
        if primitive(found.embedding.field.norm(found.filters[0]))[1] != primitive(wanted)[1]:
            raise ArithmeticError("the conjugates of a filter do not multiply back")


def _lifted(terms: Terms) -> Lifted:
    return {place: (c,) for place, c in terms.items()}


def _moved(terms: dict[Exponent, Any], move: Exponent) -> dict[Exponent, Any]:
    return {plus(place, move): value for place, value in terms.items()}


def _average(factor: Factor) -> Lifted:
    return dict.fromkeys(factor.exponents(), (plain(Fraction(1, prod(factor.taps))),))


def _filter(
    terms: Lifted,
    factor: Factor,
    text: str,
    over: FieldName = "rational",
    embedding: Embedding = RATIONAL,
    fixed: bool = False,
    product: tuple[Conjugate, ...] = (),
) -> Filter:
    if not terms.keys() <= set(factor.exponents()):
        raise ArithmeticError("a filter has taps outside its layer")
    entries = tuple(terms.get(place, ()) for place in factor.exponents())
    if all(len(entry) < 2 for entry in entries):
        embedding = RATIONAL
        decimals = tuple(complex(_float(entry[0])) if entry else 0j for entry in entries)
    else:
        decimals = doubles(
            lambda bits: [embedding.value(entry, bits) for entry in entries], over != "complex"
        )
    return Filter(text, factor.taps, factor.dilation, entries, decimals, embedding, fixed, product)


def _conjugate(terms: Lifted, roots: tuple[Embedding, ...] = ()) -> Conjugate:
    shape = tuple(size + 1 for size in degree(terms))
    places = product(*map(range, shape))
    return Conjugate(shape, tuple(terms.get(place, ()) for place in places), roots)


def _float(value: Number) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _steps(rooms: list[tuple[int, int]], wanted: int) -> list[int]:
    """How many steps each filter moves: in total as close to `wanted` as can be.

    Each has room for so many steps of some length, and takes its share of the way as far as the
    others can make up the rest.

    >>> _steps([(2, 1), (2, 1)], 2), _steps([(1, 2), (1, 1)], 1), _steps([(0, 1)], 3)
    ([1, 1], [0, 1], [0])
    """
    reached = [1]  # by the last ones
    for most, step in reversed(rooms):
        reached.append(sums([(most + 1, step)], reached[-1]))
    left = min(listed(reached.pop()), key=lambda total: abs(total - wanted))
    room = sum(most * step for most, step in rooms)
    taken = []
    for most, step in rooms:
        others = reached.pop()
        counts = [n for n in range(most + 1) if holds(others, left - n * step)]
        taken.append(min((abs(n * room - left * most), n) for n in counts)[1])
        left -= taken[-1] * step
        room -= most * step
    return taken
