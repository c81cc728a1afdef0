"""Number fields Q(a), a a root of an irreducible polynomial m: elements are polynomials in a."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.kernels.sources import Number

Element: TypeAlias = "tuple[Number, ...]"  # c_0 + c_1 a + .., the last coefficient not 0


def number(value: Any) -> Number:
    """A number of FLINT as an int or a Fraction."""
    from flint import fmpq

    exact = fmpq(value)
    above, below = int(exact.p), int(exact.q)
    return above if below == 1 else Fraction(above, below)


def element(polynomial: Any) -> Element:
    """The coefficients of an `fmpq_poly`."""
    return tuple(number(c) for c in polynomial.coeffs())


def polynomial(coefficients: Any) -> Any:
    """An `fmpq_poly` of exact coefficients, the constant first."""
    from flint import fmpq, fmpq_poly

    exact = [Fraction(c) for c in coefficients]
    return fmpq_poly([fmpq(c.numerator, c.denominator) for c in exact])


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

    def reduced(self, value: Any) -> Element:
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

    def matrix(self, value: Element) -> list[list[Any]]:
        """The matrix of multiplication by an element: column n is the element times a^n."""
        from flint import fmpq

        columns = []
        power: Element = value
        for _ in range(self.degree):
            row = [Fraction(c) for c in power]
            row += [Fraction(0)] * (self.degree - len(row))
            columns.append([fmpq(c.numerator, c.denominator) for c in row])
            power = self.times(power, (0, 1)) if self.degree > 1 else power
        return [list(row) for row in zip(*columns, strict=True)]

    def minimal(self, value: Element) -> tuple[int, ...]:
        """The minimal polynomial of an element, whole coefficients without common divisor.

        >>> Field((-2, 0, 1)).minimal((1, Fraction(1, 2)))
        (1, -4, 2)
        """
        from flint import fmpq_mat

        found = fmpq_mat(self.matrix(value)).minpoly()
        return tuple(int(c) for c in found.numer().coeffs())

    def generated_by(self, value: Element) -> list[Element] | None:
        """The powers 1, a, a^2, .. written in powers of `value`; None if it does not generate.

        >>> Field((-2, 0, 1)).generated_by((3, 2))
        [(1,), (Fraction(-3, 2), Fraction(1, 2))]
        """
        from flint import fmpq_mat

        size = self.degree
        powers: list[Element] = [(1,)]
        while len(powers) < size:
            powers.append(self.times(powers[-1], value))
        rows = []
        for line in range(size):
            exact = [Fraction(p[line]) if line < len(p) else Fraction(0) for p in powers]
            rows.append(exact)
        matrix = fmpq_mat([[_fmpq(value) for value in row] for row in rows])
        if matrix.rank() < size:
            return None
        inverse = matrix.inv()
        return [_trimmed([number(inverse[line, at]) for line in range(size)]) for at in range(size)]

    def product(
        self, one: dict[Exponent, Element], other: dict[Exponent, Element]
    ) -> dict[Exponent, Element]:
        """The product of two polynomials with coefficients in the field."""
        ring = {place: polynomial(value) for place, value in one.items()}
        there = {place: polynomial(value) for place, value in other.items()}
        total: dict[Exponent, Any] = {}
        for place, value in ring.items():
            for step, factor in there.items():
                at = tuple(a + b for a, b in zip(place, step, strict=True))
                term = value * factor
                total[at] = total[at] + term if at in total else term
        modulus = polynomial(self.modulus)
        found = {place: element(value % modulus) for place, value in total.items()}
        return {place: value for place, value in found.items() if value}


RATIONALS = Field((0, 1))


def _fmpq(value: Fraction) -> Any:
    from flint import fmpq

    return fmpq(value.numerator, value.denominator)


def _trimmed(values: list[Number]) -> Element:
    while values and not values[-1]:
        values.pop()
    return tuple(values)


def substituted(value: Element, powers: list[Element]) -> Element:
    """An element with the powers of a replaced by other elements."""
    size = max(map(len, powers))
    total = [Fraction(0)] * size
    for factor, power in zip(value, powers, strict=False):
        for at, c in enumerate(power):
            total[at] += factor * Fraction(c)
    return _trimmed([int(c) if c.denominator == 1 else c for c in total])
