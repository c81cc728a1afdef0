"""The irreducible factors of a kernel over C, and which of them are complex conjugate.

Each factor over Q is a product of conjugate factors g(a), one for each root a of an irreducible
polynomial (see `splitting`); the embeddings of Q(a) tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.kernels.factoring.absolute import Count
from convalgebra.kernels.factoring.embeddings import Embedding, mirrored
from convalgebra.kernels.factoring.polynomials import degree
from convalgebra.kernels.factoring.rational import Irreducible
from convalgebra.kernels.factoring.splitting import Conjugates


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

    def embedding(self, root: int) -> Embedding:
        """The embedding of Q(a) that makes g(a) the factor of this number."""
        return Embedding(self.conjugates.field, root)

    @property
    def real(self) -> int:
        """The number of its real factors: the coefficients of g(a) generate Q(a)."""
        return sum(self.embedding(root).is_real for root in range(self.size))

    def mirrored(self, root: int) -> int:
        """The number of the factor that is the complex conjugate of factor `root`."""
        return mirrored(self.conjugates.field.modulus, root)

    def values(self, root: int, bits: int) -> dict[Exponent, Any]:
        """The coefficients of the factor of this number, as discs."""
        a = self.embedding(root)
        return {place: a.value(c, bits) for place, c in self.conjugates.factor.items()}


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
