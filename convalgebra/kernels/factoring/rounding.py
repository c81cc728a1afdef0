"""Whether a kernel of rounded numbers is a product to within its own rounding."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import hypot, prod
from typing import TYPE_CHECKING, Any

from convalgebra.algebra.one_channel.chains import Chain
from convalgebra.errors import UnsupportedError
from convalgebra.kernels.sources import Kernel
from convalgebra.readers import Stack

if TYPE_CHECKING:
    from convalgebra.kernels.nearest.report import Filter

_UNITS = 4  # in the last place of each entry: a few roundings happen before a kernel is stored
_DOUBLE, _SINGLE = 53, 24  # bits of binary floats
_DIGITS = 17  # of a double; more are not its own
_COMPUTED = 1e-15  # of an error that is computed in doubles, relative to the kernel
_STARTS = 64  # of the search for the nearest product: about a second
_LARGEST = 1_000_000  # entries of the kernel times weights of the stack


@dataclass(frozen=True)
class Rounding:
    """How far a kernel is from the nearest real product, and how far rounding can move it.

    All three numbers are relative to the kernel (Frobenius norm): `relative_error` of the product
    of `filters`, `lower_bound` of every real product, and `allowance`, four units in the last
    place of each entry. `product` is True if the error is within the allowance, False if the lower
    bound is above it, None if neither.
    """

    relative_error: float
    lower_bound: float
    allowance: float
    filters: tuple[Filter, ...]

    @property
    def product(self) -> bool | None:
        """Whether it is a product to rounding: True, False, or None if that is not decided."""
        if self.relative_error <= self.allowance + _COMPUTED:
            return True
        return False if self.lower_bound > self.allowance + _COMPUTED else None

    def to_dict(self) -> dict[str, Any]:
        """As plain numbers."""
        return {
            "product": self.product,
            "relative_error": self.relative_error,
            "lower_bound": self.lower_bound,
            "allowance": self.allowance,
            "filters": [filter.to_dict() for filter in self.filters],
        }


def rounding_of(kernel: Kernel, stack: Stack, chain: Chain) -> Rounding:
    """The kernel against the nearest real product.

    Raises InputError or UnsupportedError, with the reason, where that is not worked out.
    """
    from convalgebra.kernels.nearest import nearest

    weights = sum(prod(factor.taps) for factor in chain.factors if factor.free)
    if max(len(kernel.entries), prod(chain.receptive_field)) * weights > _LARGEST:
        raise UnsupportedError("the kernel and the stack are too large for that")
    report = nearest(kernel, stack, starts=_STARTS)
    return Rounding(report.relative_error, report.lower_bound, allowance_of(kernel), report.filters)


def allowance_of(kernel: Kernel) -> float:
    """The Frobenius norm of four units in the last place of each entry, over that of the kernel.

    Entries that are all binary fractions are single floats if 24 bits hold them and some need
    more than 11, else doubles. Decimals have the digits of the longest, after the point or in all,
    whichever means less precision for an entry.

    >>> allowance_of(Kernel((2,), (Fraction(1, 3 * 2**0), Fraction(1, 7)))) < 1e-15
    True
    >>> allowance_of(Kernel((2,), (Fraction("0.3333333"), Fraction("0.25")))) > 1e-7
    True
    """
    entries = [abs(Fraction(entry)) for entry in kernel.entries if entry]
    if all(entry.denominator & (entry.denominator - 1) == 0 for entry in entries):
        bits = max(_significant_bits(entry) for entry in entries)
        precision = _SINGLE if 11 < bits <= _SINGLE else _DOUBLE
        units = [entry / 2 ** (precision - 1) for entry in entries]
    else:
        decimals = [_decimal_places(entry) for entry in entries]
        last = Fraction(1, 10 ** max(decimals))
        digits = max(
            len(str(int(entry * 10**places)))
            for entry, places in zip(entries, decimals, strict=True)
        )
        relative = Fraction(1, 10 ** (min(digits, _DIGITS) - 1))
        units = [max(last, entry * relative) for entry in entries]
    largest = max(entries)
    return (
        _UNITS * hypot(*(unit / largest for unit in units)) / hypot(*(e / largest for e in entries))
    )


def _significant_bits(entry: Fraction) -> int:
    numerator = entry.numerator
    return (numerator // (numerator & -numerator)).bit_length()


def _decimal_places(entry: Fraction) -> int:
    """The places after the point; 17 significant digits of what is no decimal fraction."""
    rest, places = entry.denominator, 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    if rest == 1:
        return places
    size = len(str(entry.numerator)) - len(str(entry.denominator))
    return max(0, _DIGITS - size)
