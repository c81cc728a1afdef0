"""Factorizations as values: filters with exact entries, and one way to write a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.kernels.factoring.embeddings import RATIONAL, Embedding
from convalgebra.kernels.factoring.fields import RATIONALS, Element, Field
from convalgebra.kernels.factoring.groupings import Grouping
from convalgebra.kernels.factoring.parts import FieldName
from convalgebra.kernels.sources import Number


class Conjugate(NamedTuple):
    """A factor over Q(a) for one or several of the roots a: coefficients row by row, and the roots.

    Without roots it is a factor over Q.
    """

    shape: Exponent
    entries: tuple[Element, ...]
    roots: tuple[Embedding, ...] = ()

    @property
    def field(self) -> Field:
        """The field Q(a)."""
        return self.roots[0].field if self.roots else RATIONALS


@dataclass(frozen=True)
class Filter:
    """The taps of one layer, row by row, and how far apart they are in the product.

    `entries` are elements of Q(a), written in powers of a, and `embedding` tells which number a is;
    `decimals` are their values to double precision. Where the filters have no field in common, the
    filter is that of `product` at all their roots, moved within its taps; `entries` is None if
    its own field is too large as well.
    """

    layer: str
    taps: Exponent
    dilation: Exponent
    entries: tuple[Element, ...] | None
    decimals: tuple[complex, ...]
    embedding: Embedding = RATIONAL
    fixed: bool = False
    product: tuple[Conjugate, ...] = ()

    @property
    def field(self) -> Field:
        """The field Q(a)."""
        return self.embedding.field

    @property
    def is_real(self) -> bool:
        """Whether all its entries are real."""
        return not any(value.imag for value in self.decimals)

    def exact(self) -> tuple[Number, ...] | None:
        """The entries as ints and Fractions if they are rational, else None."""
        if self.entries is None or any(len(entry) > 1 for entry in self.entries):
            return None
        return tuple(entry[0] if entry else 0 for entry in self.entries)


@dataclass(frozen=True)
class Factorization:
    """One way to write the kernel: the filters, over the smallest of the three fields.

    The stack with these filters is the kernel moved by `shift`: its tap at u + shift is the
    kernel's at u. `groups` numbers the factors over C that each layer takes.
    """

    over: FieldName
    filters: tuple[Filter, ...]
    shift: Exponent
    groups: Grouping = ()

    def numbers(self) -> list[Any]:
        """The filters as nested lists of floats, or of complex numbers where they are not real."""
        found = []
        for filter in self.filters:
            values: list[Any] = [v.real for v in filter.decimals]
            if not filter.is_real:
                values = list(filter.decimals)
            found.append(_nested(values, filter.taps))
        return found


def _nested(values: list[Any], shape: Exponent) -> list[Any]:
    if len(shape) == 1:
        return values
    step = prod(shape[1:])
    return [_nested(values[at : at + step], shape[1:]) for at in range(0, len(values), step)]
