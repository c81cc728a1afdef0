"""Number fields Q(a), a a root of an irreducible polynomial m: elements are polynomials in a."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.kernels.factoring.polynomials import (
    Terms,
    as_flint,
    expanded,
    from_flint,
    plain,
)
from convalgebra.kernels.sources import Number

Element: TypeAlias = "tuple[Number, ...]"  # c_0 + c_1 a + .., the last coefficient not 0


def number(value: Any) -> Number:
    """A number of FLINT as an int or a Fraction."""
    from flint import fmpq

    exact = fmpq(value)
    return plain(Fraction(int(exact.p), int(exact.q)))


def element(polynomial: Any) -> Element:
    """The coefficients of an `fmpq_poly`."""
    return tuple(number(c) for c in polynomial.coeffs())


def polynomial(coefficients: Iterable[Number]) -> Any:
    """An `fmpq_poly` of exact coefficients, the constant first."""
    from flint import fmpq, fmpq_poly

    return fmpq_poly([fmpq(c.numerator, c.denominator) for c in coefficients])


@dataclass(frozen=True)
class Field:
    """Q(a) for a root a of an irreducible polynomial with whole coefficients, the constant first.

    >>> field = Field((-2, 0, 1))
    >>> field.times((1, 1), (1, 1)), field.inverse((0, 1))
    ((3, 2), (0, Fraction(1, 2)))
    """

    modulus: tuple[int, ...]

    @property
    def degree(self) -> int:
        """The degree of the field over Q."""
        return len(self.modulus) - 1

    def reduced(self, value: Iterable[Number]) -> Element:
        """The element that a polynomial in a is."""
        return element(polynomial(value) % polynomial(self.modulus))

    def times(self, one: Element, other: Element) -> Element:
        """The product of two elements."""
        return element(polynomial(one) * polynomial(other) % polynomial(self.modulus))

    def inverse(self, value: Element) -> Element:
        """The inverse of an element that is not 0."""
        common, factor, _ = polynomial(value).xgcd(polynomial(self.modulus))
        if common.degree() != 0:
            raise ZeroDivisionError("0 has no inverse")
        return element(factor / common[0])

    def matrix(self, value: Element) -> Any:
        """The `fmpq_mat` of multiplication by an element: column n is the element times a^n."""
        from flint import fmpq_mat

        columns = []
        power = polynomial(value)
        for _ in range(self.degree):
            columns.append([power[line] for line in range(self.degree)])
            power = power * polynomial((0, 1)) % polynomial(self.modulus)
        return fmpq_mat(columns).transpose()

    def minimal(self, value: Element) -> tuple[int, ...]:
        """The minimal polynomial of an element, whole coefficients without common divisor.

        >>> Field((-2, 0, 1)).minimal((1, Fraction(1, 2)))
        (1, -4, 2)
        """
        return tuple(int(c) for c in self.matrix(value).minpoly().numer().coeffs())

    def simplest(self, values: Iterable[Element]) -> Element | None:
        """The one of some elements that generates the field and has the least minimal polynomial.

        >>> Field((-2, 0, 1)).simplest([(3,), (3, 5), (1, 1)])
        (1, 1)
        """
        found: dict[Element, tuple[int, int]] = {}
        for value in values:
            minimal = self.minimal(value)
            if len(minimal) > self.degree:
                found[value] = max(map(abs, minimal)), sum(map(abs, minimal))
        return min(found, key=found.__getitem__, default=None)

    def generated_by(self, value: Element) -> list[Element]:
        """The powers 1, a, a^2, .. written in powers of an element that generates the field.

        >>> Field((-2, 0, 1)).generated_by((3, 2))
        [(1,), (Fraction(-3, 2), Fraction(1, 2))]
        """
        from flint import fmpq_mat

        powers = [polynomial((1,))]
        while len(powers) < self.degree:
            powers.append(powers[-1] * polynomial(value) % polynomial(self.modulus))
        rows = [[power[line] for line in range(self.degree)] for power in powers]
        inverse = fmpq_mat(rows).inv()
        return [
            _trimmed([number(inverse[line, at]) for at in range(self.degree)])
            for line in range(self.degree)
        ]

    def product(
        self, one: dict[Exponent, Element], other: dict[Exponent, Element]
    ) -> dict[Exponent, Element]:
        """The product of two polynomials with coefficients in the field."""
        left = {place: polynomial(value) for place, value in one.items()}
        right = {place: polynomial(value) for place, value in other.items()}
        modulus = polynomial(self.modulus)
        found = {p: element(value % modulus) for p, value in expanded(left, right).items()}
        return {place: value for place, value in found.items() if value}

    def norm(self, terms: dict[Exponent, Element]) -> Terms:
        """The product of all conjugates of a polynomial over the field, times a number.

        The resultant of m(t), of leading coefficient c and degree r, and g(t), of degree d in t,
        with respect to t is c^d times the product of g(a) over the roots a of m.

        >>> Field((-2, 0, 1)).norm({(0,): (1,), (1,): (0, 1)})  # (1 + a z) (1 - a z)
        {(2,): -2, (0,): 1}
        """
        axes = len(next(iter(terms)))
        modulus = {(n, *(0,) * axes): c for n, c in enumerate(self.modulus) if c}
        lifted = {(n, *p): c for p, value in terms.items() for n, c in enumerate(value) if c}
        norm = as_flint(modulus, axes + 1).resultant(as_flint(lifted, axes + 1), "z0")
        return {place[1:]: value for place, value in from_flint(norm).items()}


RATIONALS = Field((0, 1))


def _trimmed(values: list[Number]) -> Element:
    while values and not values[-1]:
        values.pop()
    return tuple(values)


def substituted(value: Element, powers: list[Element]) -> Element:
    """An element with the powers of a replaced by other elements."""
    total = [Fraction(0)] * max(map(len, powers))
    for factor, power in zip(value, powers, strict=False):
        for at, c in enumerate(power):
            total[at] += factor * Fraction(c)
    return _trimmed(list(map(plain, total)))
