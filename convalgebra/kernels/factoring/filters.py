"""From groups of factors to the filters of the layers, multiplied back exactly.

A filter is the product of its group, moved within its layer where there is room, and spread out on
its taps. The product of all filters, averages included, is compared with the kernel in the exact
arithmetic of their field before it is shown. Where a common field would be too large, each filter
has a field of its own; then the product of its conjugates, a resultant, must be the product of the
right powers of the irreducible factors over Q.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import ceil, log10, prod
from typing import Any

from convalgebra.algebra.one_channel.chains import Chain, Exponent, Factor
from convalgebra.algebra.one_channel.work import Work
from convalgebra.kernels.factoring.compositum import Products, products
from convalgebra.kernels.factoring.conjugates import Atom, Splitting, precision, value_at
from convalgebra.kernels.factoring.factorizations import Conjugate, Factorization, Filter
from convalgebra.kernels.factoring.fields import RATIONALS, Element, Field
from convalgebra.kernels.factoring.groupings import Grouping
from convalgebra.kernels.factoring.parts import FieldName, Undecided
from convalgebra.kernels.factoring.polynomials import Terms, degree, multiplied, plus
from convalgebra.kernels.sources import Number

_MOST_COMMON = 8  # degree of a field for all filters; each has one of its own past it
_BITS = 256  # of what the decimals are taken from


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

    def factorization(self, groups: Grouping, over: FieldName) -> Factorization:
        """The filters of groups of atoms, one for each free layer, verified."""
        rational, rest = self._separated(groups)
        if any(rest):
            try:
                common = products(rest, self.atoms, self.splittings, self.work, _MOST_COMMON)
            except Undecided:
                return self._apart(groups, rational, rest, over)
        else:
            one: dict[Exponent, Element] = {(0,) * len(self.shape): (1,)}
            common = Products(RATIONALS, None, (one,) * len(rest))
        filters = [
            common.field.product({place: (c,) for place, c in plain.items()}, algebraic)
            for plain, algebraic in zip(rational, common.filters, strict=True)
        ]
        return self._placed(filters, common, groups, over)

    def _separated(self, groups: Grouping) -> tuple[list[Terms], list[list[int]]]:
        """The part of each group that is rational, multiplied out, and the atoms that are left."""
        one: Terms = {(0,) * len(self.shape): 1}
        plain, rest = [], []
        for group in groups:
            counts = Counter(group)
            whole_part = dict(one)
            left: list[int] = []
            for which, splitting in enumerate(self.splittings):
                members = [n for n, atom in enumerate(self.atoms) if atom.of == which]
                whole = min(counts[n] for n in members)
                for _ in range(whole):
                    whole_part = multiplied(whole_part, splitting.irreducible.terms)
                for n in members:
                    left += [n] * (counts[n] - whole)
            plain.append(whole_part)
            rest.append(left)
        return plain, rest

    def _placed(
        self,
        filters: list[dict[Exponent, Element]],
        found: Products,
        groups: Grouping,
        over: FieldName,
    ) -> Factorization:
        """The filters on their taps, the number that is left over multiplied into the first one."""
        field = found.field
        moves, shift = self._moves([degree(f) for f in filters])
        moved = [
            {plus(place, move): value for place, value in f.items()}
            for f, move in zip(filters, moves, strict=True)
        ]
        total: dict[Exponent, Element] = {(0,) * len(self.shape): (1,)}
        for f in [*moved, *map(_average, self._fixed())]:
            total = field.product(total, f)
        first, place = min(self.kernel), min(total)
        ratio = field.times((self.kernel[first],), field.inverse(total[place]))
        if moved:
            moved[0] = field.product(moved[0], {(0,) * len(self.shape): ratio})
        elif ratio != (1,):
            raise ArithmeticError("a stack without weights is scaled")
        total = field.product(total, {(0,) * len(self.shape): ratio})
        wanted = {plus(at, shift): (value,) for at, value in self.kernel.items()}
        if total != wanted:
            raise ArithmeticError("the filters do not multiply back")
        listed = iter(moved)
        shown = []
        for factor, text in zip(self.chain.factors, self.texts, strict=True):
            if factor.free:
                shown.append(_filter(next(listed), factor, text, field, found.root, over))
            else:
                shown.append(_filter(_average(factor), factor, text, RATIONALS, None, over, True))
        return Factorization(over, tuple(shown), shift, groups)

    def _fixed(self) -> list[Factor]:
        return [factor for factor in self.chain.factors if not factor.free]

    def _moves(self, degrees: list[Exponent]) -> tuple[list[Exponent], Exponent]:
        """Where each filter lies within its layer, and by how much the kernel is moved.

        The kernel is to lie in the middle of the receptive field, in its place if it is as large;
        the filters in the middle of their layers, as far as that allows.
        """
        free = [factor for factor in self.chain.factors if factor.free]
        low = tuple(min(along) for along in zip(*self.kernel, strict=True))
        moves: list[list[int]] = [[] for _ in free]
        shift = []
        for axis, size in enumerate(self.shape):
            wanted = low[axis] + (self.chain.receptive_field[axis] - size) // 2
            rooms = [
                ((f.degree[axis] - d[axis]) // f.dilation[axis], f.dilation[axis])
                for f, d in zip(free, degrees, strict=True)
            ]
            steps = _steps(rooms, wanted)
            for move, count, (_, step) in zip(moves, steps, rooms, strict=True):
                move.append(count * step)
            reached = sum(move[axis] for move in moves)
            shift.append(reached - low[axis])
        return [tuple(move) for move in moves], tuple(shift)

    def _apart(
        self,
        groups: Grouping,
        rational: list[Terms],
        rest: list[list[int]],
        over: FieldName,
    ) -> Factorization:
        """The filters, each in a field of its own, or in decimals only where that is too large."""
        filters: list[tuple[dict[Exponent, Any], Products | None]] = []
        factors: list[tuple[Conjugate, ...]] = []
        for plain, atoms in zip(rational, rest, strict=True):
            lifted: dict[Exponent, Element] = {place: (c,) for place, c in plain.items()}
            factors.append(self._conjugates(plain, atoms))
            if not atoms:
                filters.append((lifted, Products(RATIONALS, None, ())))
                continue
            try:
                found = products([atoms], self.atoms, self.splittings, self.work)
            except Undecided:
                filters.append((self._numerically(plain, atoms), None))
                continue
            self._verify_norm(found, atoms)
            filters.append((found.field.product(lifted, found.filters[0]), found))
        moves, shift = self._moves([degree(f) for f, _ in filters])
        # All filters start with a rational number; the first one takes what makes up the kernel's.
        scale = Fraction(self.kernel[min(self.kernel)])
        for plain in rational:
            scale /= Fraction(plain[min(plain)])
        for factor in self._fixed():
            scale *= prod(factor.taps)
        listed = iter(zip(filters, moves, factors, strict=True))
        shown = []
        for factor, text in zip(self.chain.factors, self.texts, strict=True):
            if not factor.free:
                shown.append(_filter(_average(factor), factor, text, RATIONALS, None, over, True))
                continue
            (terms, exact), move, parts = next(listed)
            moved = {plus(place, move): value for place, value in terms.items()}
            if exact is None:
                shown.append(_inexact(moved, factor, text, scale, over, parts))
            else:
                moved = exact.field.product(moved, {(0,) * len(self.shape): (number_of(scale),)})
                shown.append(_filter(moved, factor, text, exact.field, exact.root, over))
            scale = Fraction(1)
        return Factorization(over, tuple(shown), shift, groups)

    def _conjugates(self, plain: Terms, atoms: list[int]) -> tuple[Conjugate, ...]:
        """A rational polynomial and atoms, those of the same factor over Q together."""
        found = []
        if len(plain) > 1:
            lifted: dict[Exponent, Element] = {place: (c,) for place, c in plain.items()}
            found.append(_conjugate(lifted, RATIONALS, ()))
        for which, splitting in enumerate(self.splittings):
            roots = tuple(
                _complex(splitting.isolated[self.atoms[n].root], "complex")
                for n in atoms
                if self.atoms[n].of == which
            )
            if roots:
                conjugates = splitting.conjugates
                found.append(_conjugate(conjugates.factor, conjugates.field, roots))
        return tuple(found)

    def _numerically(self, plain: Terms, atoms: list[int]) -> dict[Exponent, Any]:
        from flint import acb

        with precision(_BITS):
            total: dict[Exponent, Any] = {place: acb(int(c)) for place, c in plain.items()}
            for n in atoms:
                atom = self.atoms[n]
                splitting = self.splittings[atom.of]
                values = splitting.values(splitting.roots(_BITS)[atom.root])
                again: dict[Exponent, Any] = {}
                for place, value in total.items():
                    for there, factor in values.items():
                        at = plus(place, there)
                        again[at] = again[at] + value * factor if at in again else value * factor
                total = again
        return total

    def _verify_norm(self, found: Products, atoms: list[int]) -> None:
        """The product over the conjugates, as powers of the irreducible factors."""
        from flint import Ordering, fmpq, fmpq_mpoly_ctx

        axes = len(self.shape)
        names = ["t", *(f"z{axis}" for axis in range(axes))]
        context = fmpq_mpoly_ctx.get(names, Ordering.lex)
        zero = (0,) * axes
        modulus = context.from_dict({(n, *zero): c for n, c in enumerate(found.field.modulus) if c})
        terms = {}
        for place, value in found.filters[0].items():
            for n, c in enumerate(value):
                exact = Fraction(c)
                if c:
                    terms[(n, *place)] = fmpq(exact.numerator, exact.denominator)
        norm = modulus.resultant(context.from_dict(terms), "t")
        wanted = context.from_dict({(0, *zero): 1})
        for which, times in Counter(self.atoms[n].of for n in atoms).items():
            splitting = self.splittings[which]
            power, left = divmod(times * found.field.degree, splitting.size)
            whole = {(0, *place): int(c) for place, c in splitting.irreducible.terms.items()}
            wanted = wanted * context.from_dict(whole) ** power
            if left:
                raise ArithmeticError("a filter does not have as many conjugates as it should")
        if norm * wanted.leading_coefficient() != wanted * norm.leading_coefficient():
            raise ArithmeticError("the conjugates of a filter do not multiply back")


def number_of(value: Fraction) -> Number:
    """A fraction as an int where it is one."""
    return int(value) if value.denominator == 1 else value


def _average(factor: Factor) -> dict[Exponent, Element]:
    share = number_of(Fraction(1, prod(factor.taps)))
    return dict.fromkeys(factor.exponents(), (share,))


def _filter(
    terms: dict[Exponent, Element],
    factor: Factor,
    text: str,
    field: Field,
    root: Any,
    over: FieldName,
    fixed: bool = False,
) -> Filter:
    if not set(terms) <= set(factor.exponents()):
        raise ArithmeticError("a filter has taps outside its layer")
    entries = tuple(terms.get(place, ()) for place in factor.exponents())
    if root is None or all(len(entry) < 2 for entry in entries):
        decimals = tuple(complex(_float(entry[0])) if entry else 0j for entry in entries)
        return Filter(text, factor.taps, entries, decimals, fixed=fixed)
    with precision(_BITS):
        decimals = tuple(_complex(value_at(entry, root), over) for entry in entries)
    generator = _complex(root, "complex")
    digits = _isolating_digits(field.modulus, generator)
    return Filter(text, factor.taps, entries, decimals, field, generator, digits=digits)


def _isolating_digits(modulus: tuple[int, ...], near: complex) -> int:
    """So many digits of a root tell it from the others, six at least, those of a float at most."""
    others = sorted(abs(complex(root) - near) for root in _roots(modulus))[1:]
    if not others or not others[0]:
        return 17 if others else 6
    return min(17, max(6, 2 + ceil(log10(abs(near) / others[0])))) if near else 6


@lru_cache(64)
def _roots(modulus: tuple[int, ...]) -> tuple[complex, ...]:
    from flint import fmpz_poly

    with precision(_BITS):
        roots = fmpz_poly(list(modulus)).complex_roots()
    return tuple(complex(float(r.real.mid()), float(r.imag.mid())) for r, _ in roots)


def _inexact(
    terms: dict[Exponent, Any],
    factor: Factor,
    text: str,
    scale: Fraction,
    over: FieldName,
    parts: tuple[Conjugate, ...],
) -> Filter:
    from flint import acb, fmpq

    with precision(_BITS):
        times = acb(fmpq(scale.numerator, scale.denominator))
        zero = acb(0)
        decimals = tuple(
            _complex(terms.get(place, zero) * times, over) for place in factor.exponents()
        )
    number = Conjugate((1,) * len(factor.taps), ((number_of(scale),),), RATIONALS, ())
    parts = parts if scale == 1 else (number, *parts)
    return Filter(text, factor.taps, None, decimals, product=parts)


def _conjugate(
    terms: dict[Exponent, Element], field: Field, roots: tuple[complex, ...]
) -> Conjugate:
    shape = tuple(size + 1 for size in degree(terms))
    places = product(*map(range, shape))
    return Conjugate(shape, tuple(terms.get(place, ()) for place in places), field, roots)


def _float(value: Number) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _complex(disc: Any, over: FieldName) -> complex:
    """The middle of a disc; a part of it that may be 0 at this precision is."""
    real = 0.0 if disc.real.contains(0) else float(disc.real.mid())
    if over != "complex" or disc.imag.contains(0):
        return complex(real)
    return complex(real, float(disc.imag.mid()))


def _steps(rooms: list[tuple[int, int]], wanted: int) -> list[int]:
    """How many steps each filter moves: in total as close to `wanted` as can be, each near the
    middle of its room.

    >>> _steps([(2, 1), (2, 1)], 2), _steps([(1, 2), (1, 1)], 1), _steps([(0, 1)], 3)
    ([1, 1], [0, 1], [0])
    """
    totals: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}
    for most, step in rooms:
        more: dict[int, tuple[int, tuple[int, ...]]] = {}
        for total, (cost, steps) in totals.items():
            for count in range(most + 1):
                at = total + count * step
                entry = (cost + (2 * count - most) ** 2, (*steps, count))
                if at not in more or entry < more[at]:
                    more[at] = entry
        totals = more
    best = min(totals, key=lambda total: (abs(total - wanted), totals[total]))
    return list(totals[best][1])
