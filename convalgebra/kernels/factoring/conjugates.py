"""The irreducible factors of a kernel over C, told apart by discs that hold one root each.

Each factor over Q is a product of conjugate factors g(a), one for each root a of an irreducible
polynomial (see `splitting`). The discs are computed by FLINT's ball arithmetic, so what they prove
is proved: two discs that do not meet hold different numbers, and a root in a disc that meets the
real line and no other disc's mirror image is real.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.kernels.factoring.absolute import Count
from convalgebra.kernels.factoring.fields import Element
from convalgebra.kernels.factoring.polynomials import degree
from convalgebra.kernels.factoring.rational import Irreducible
from convalgebra.kernels.factoring.splitting import Conjugates

BITS = 128  # the precision at which roots are told apart
_MOST_BITS = 2**20


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """So many bits for ball arithmetic within the block."""
    from flint import ctx

    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


@dataclass(frozen=True)
class Splitting:
    """An irreducible factor over Q, the count of its factors over C, and these."""

    irreducible: Irreducible
    count: Count
    conjugates: Conjugates

    @property
    def size(self) -> int:
        """The number of its factors over C."""
        return self.conjugates.field.degree

    @cached_property
    def degree(self) -> Exponent:
        """The degree of each of its factors over C."""
        return degree(self.conjugates.factor)

    @cached_property
    def isolated(self) -> tuple[Any, ...]:
        """Discs around the roots a: the real ones first, by size, then pairs, upper ones first."""
        return tuple(sorted(self._roots(BITS), key=_order))

    def roots(self, bits: int) -> list[Any]:
        """The roots a to at least so many bits, in the order of `isolated`."""
        if bits not in self._known:
            finer = self._roots(max(bits, BITS))
            found = []
            for disc in self.isolated:
                (one,) = [root for root in finer if root.overlaps(disc)]
                found.append(one)
            self._known[bits] = found
        return self._known[bits]

    @cached_property
    def _known(self) -> dict[int, list[Any]]:
        return {}

    def _roots(self, bits: int) -> list[Any]:
        from flint import acb, fmpq, fmpz_poly

        modulus = self.conjugates.field.modulus
        with precision(bits):
            if len(modulus) == 2:
                return [acb(fmpq(-modulus[0], modulus[1]))]
            return [root for root, _ in fmpz_poly(list(modulus)).complex_roots()]

    def mirrored(self, at: int) -> int:
        """The number of the root that is the complex conjugate of root `at`."""
        if self.isolated[at].imag.is_zero():
            return at
        mirror = self.isolated[at].conjugate()
        (other,) = [n for n, disc in enumerate(self.isolated) if disc.overlaps(mirror)]
        return other

    def values(self, root: Any) -> dict[Exponent, Any]:
        """The coefficients of the factor g(a) at a root a given as a disc."""
        return {place: value_at(c, root) for place, c in self.conjugates.factor.items()}


def _order(root: Any) -> tuple[int, float, float, int]:
    real, imaginary = float(root.real.mid()), float(root.imag.mid())
    if root.imag.is_zero():
        return 0, real, 0.0, 0
    return 1, round(real, 12), round(abs(imaginary), 12), int(imaginary < 0)


def value_at(element: Element, root: Any) -> Any:
    """An element of Q(a) where a is in a disc, as a disc."""
    from fractions import Fraction

    from flint import acb, fmpq

    total = acb(0)
    for c in reversed(element):
        exact = Fraction(c)
        total = total * root + acb(fmpq(exact.numerator, exact.denominator))
    return total


@dataclass(frozen=True)
class Atom:
    """An irreducible factor over C: root `root` of splitting `of`; `mirror` is its conjugate."""

    of: int
    root: int
    mirror: int  # the number of the atom
    degree: Exponent
    multiplicity: int


def atoms_of(splittings: tuple[Splitting, ...]) -> tuple[Atom, ...]:
    """All irreducible factors over C."""
    found: list[Atom] = []
    for number, splitting in enumerate(splittings):
        first = len(found)
        found += [
            Atom(
                number,
                root,
                first + splitting.mirrored(root),
                splitting.degree,
                splitting.irreducible.multiplicity,
            )
            for root in range(splitting.size)
        ]
    return tuple(found)
