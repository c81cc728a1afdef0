"""Q(a) within C: the roots of an irreducible polynomial, told apart, to any precision.

The discs are computed by FLINT's ball arithmetic, so what they prove is proved: those of different
roots do not meet, those of real roots lie on the real line, and a disc around some root that meets
only one of them is around that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from math import ceil, log
from typing import Any, NamedTuple

from convalgebra.kernels.factoring.fields import RATIONALS, Element, Field
from convalgebra.kernels.factoring.rational import Undecided
from convalgebra.kernels.sources import Number

PRECISIONS = (128, 256, 512, 1024, 2048, 4096, 8192, 16384)  # bits, tried one after the other
_MOST_CLUSTERED = 1_000  # degree times bits of a polynomial with roots close together
_MOST_PRECISE = 2048  # bits of the search for roots far apart
_DOUBLE = 60  # bits of a number that becomes a float
_NOTHING = -1100  # the power of 2 below which a float is 0
FEWEST_DIGITS, MOST_DIGITS = 6, 17


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


@lru_cache(256)
def roots(modulus: tuple[int, ...], bits: int = PRECISIONS[0]) -> tuple[Any, ...]:
    """Discs around the roots of a squarefree polynomial, in one order at every precision.

    The real ones come first, by size, then pairs of complex conjugate ones, the upper one first.

    >>> [root.imag.is_zero() for root in roots((-2, 0, 0, 1))]
    [True, False, False]

    Raises Undecided where that could take too long.
    """
    if bits == PRECISIONS[0]:
        if len(modulus) > 3:
            _check(modulus)
        return tuple(sorted(_enclosed(modulus, bits), key=_order))
    coarse, fine = roots(modulus), _enclosed(modulus, bits)
    return tuple(next(root for root in fine if root.overlaps(disc)) for disc in coarse)


def _enclosed(modulus: tuple[int, ...], bits: int) -> list[Any]:
    from flint import acb, fmpz_poly

    if len(modulus) == 3:  # the square root may be almost b
        c, b, a = modulus
        with precision(bits + 2 * fmpz_poly(list(modulus)).height_bits()):
            root = acb(b * b - 4 * a * c).sqrt()
            return [(-b - root) / (2 * a), (-b + root) / (2 * a)]
    with precision(bits):
        return [root for root, _ in fmpz_poly(list(modulus)).complex_roots()]


def _check(modulus: tuple[int, ...]) -> None:
    """Raises Undecided if roots lie so close together that FLINT could take hours to part them.

    A search with bounded work parts them, or the height bounds how close they can be (Mahler).
    """
    from flint import acb_poly, fmpz_poly

    polynomial = fmpz_poly(list(modulus))
    with precision(PRECISIONS[0]):
        try:
            acb_poly(polynomial).roots(maxprec=_MOST_PRECISE)
        except ValueError:
            if polynomial.degree() * polynomial.height_bits() > _MOST_CLUSTERED:
                reason = "roots of a factor may lie too close together to be told apart"
                raise Undecided(reason) from None


def _order(root: Any) -> tuple[int, float, float, int]:
    real, imaginary = float(root.real.mid()), float(root.imag.mid())
    if root.imag.is_zero():
        return 0, real, 0.0, 0
    return 1, round(real, 12), round(abs(imaginary), 12), int(imaginary < 0)


def mirrored(modulus: tuple[int, ...], at: int) -> int:
    """The number of the root that is the complex conjugate of root `at`."""
    discs = roots(modulus)
    if discs[at].imag.is_zero():
        return at
    mirror = discs[at].conjugate()
    (other,) = [n for n, disc in enumerate(discs) if disc.overlaps(mirror)]
    return other


class Embedding(NamedTuple):
    """Q(a) within C, where a is root number `root` of the modulus, counted as `roots` does.

    >>> Embedding(Field((-2, 0, 1)), 1).generator
    (1.4142135623730951+0j)
    """

    field: Field = RATIONALS
    root: int = 0

    def value(self, element: Element, bits: int) -> Any:
        """A disc around an element."""
        from flint import acb

        a = roots(self.field.modulus, bits)[self.root]
        with precision(bits):
            total = acb(0)
            for c in reversed(element):
                total = total * a + _disc(c)
        return total

    @property
    def is_real(self) -> bool:
        """Whether a is real."""
        return bool(roots(self.field.modulus)[self.root].imag.is_zero())

    @property
    def generator(self) -> complex:
        """The number a to double precision."""
        return _generator(self)

    @property
    def digits(self) -> int:
        """So many digits of a tell it from its conjugates; no more than a float has."""
        return _digits(self)

    def generated_by(self, element: Element) -> Embedding:
        """The same field with an element that generates it for a."""
        field = Field(self.field.minimal(element))
        for bits in PRECISIONS:
            disc = self.value(element, bits)
            met = [n for n, r in enumerate(roots(field.modulus, bits)) if r.overlaps(disc)]
            if len(met) == 1:
                return Embedding(field, met[0])
        raise Undecided("conjugates lie too close together to be told apart")


RATIONAL = Embedding()


@lru_cache(1024)
def _generator(embedding: Embedding) -> complex:
    (value,) = doubles(lambda bits: [roots(embedding.field.modulus, bits)[embedding.root]])
    return value


@lru_cache(1024)
def _digits(embedding: Embedding) -> int:
    discs = roots(embedding.field.modulus)
    here = discs[embedding.root]
    if len(discs) == 1 or here.contains(0):
        return FEWEST_DIGITS
    with precision(PRECISIONS[0]):
        ratios = [(abs(here) / abs(d - here)).log().mid() for d in discs if d is not here]
        needed = 2 + ceil(max(map(float, ratios)) / log(10))
    return min(MOST_DIGITS, max(FEWEST_DIGITS, needed))


def doubles(discs: Callable[[int], Sequence[Any]], real: bool = False) -> tuple[complex, ...]:
    """Numbers to double precision, given as discs at any number of bits; `real` if they all are.

    A real or an imaginary part is 0 only if it is smaller than any float.
    """
    for bits in PRECISIONS:
        found = discs(bits)
        if all(_is_sharp(d.real) and (real or _is_sharp(d.imag)) for d in found):
            break
    return tuple(complex(_middle(d.real), 0.0 if real else _middle(d.imag)) for d in found)


def _is_sharp(part: Any) -> bool:
    return bool(part.rel_accuracy_bits() >= _DOUBLE) or _is_nothing(part)


def _is_nothing(part: Any) -> bool:
    from flint import arb

    return bool(abs(part) < arb(2) ** _NOTHING)


def _middle(part: Any) -> float:
    return 0.0 if part.contains(0) else float(part.mid())


def _disc(value: Number) -> Any:
    from flint import acb, fmpq

    exact = Fraction(value)
    return acb(fmpq(exact.numerator, exact.denominator))
