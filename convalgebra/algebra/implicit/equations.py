"""The implicit equations of the closure of a stack's image, degree by degree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convalgebra.algebra.operators import Coordinate

Powers = tuple[tuple[int, int], ...]  # (number of a coordinate, power > 0), in order
Polynomial = Mapping[Powers, int]
Number = int | Fraction


@dataclass(frozen=True)
class ImplicitEquations:
    """Equations that hold on the image of a stack, so on its closure, and what is proved of them.

    `equations` are polynomials in `y = K - centre`, where the centre is the stack at weights 0: it
    is 0 unless `id` or an average stands in a sum. Each vanishes on the image: it was checked by
    exact expansion. They generate, together with multiples by monomials, all equations of degree at
    most `searched_up_to`; there is none of degree at most `empty_up_to`, except 0. None stands for
    "every degree".

    * `complete`: they generate the whole ideal of the image. Claimed only where it is proved: no
      equations for full dimension, linear ones as many as the codimension, or these and one more.
    * `minimal`: none follows from those of lower degree, and no fewer generators of any degree do.
    * `independent` is the rank of their gradients at a point of the image: the dimension is at most
      `ambient`, the number of coordinates, less that. `dimension` is a lower bound that is proved.
      If both meet, `cuts_out`: the closure of the image is an irreducible component of what the
      equations cut out.
    * `stopped` says why the search ended before that (or before `max_degree`), None if it did not.
    """

    text: str
    coordinates: tuple[Coordinate, ...]
    centre: tuple[Fraction, ...]
    equations: tuple[Polynomial, ...]
    empty_up_to: int | None
    searched_up_to: int | None
    complete: bool
    minimal: bool
    independent: int
    dimension: int
    ambient: int
    stopped: str | None = None

    @property
    def degrees(self) -> dict[int, int]:
        """How many equations there are of each degree."""
        found = Counter(map(degree_of, self.equations))
        return dict(sorted(found.items()))

    @property
    def codimension(self) -> int:
        """The number of coordinates less `dimension`: the codimension is at most that."""
        return self.ambient - self.dimension

    @property
    def cuts_out(self) -> bool:
        """Whether the closure of the image is a component of what the equations cut out."""
        return self.independent == self.codimension

    def outside(self, values: Sequence[Number]) -> int | None:
        """The number of the first equation that a vector of coordinates violates, None if none.

        An equation that is violated proves that the vector is not made, nor approximated.

        >>> from convalgebra.algebra.families import family_of
        >>> from convalgebra.algebra.implicit.search import implicit_equations
        >>> from convalgebra.language import parse
        >>> found = implicit_equations(family_of(parse("2x1, 1x2")))
        >>> found.outside([1, 1, 1, 1]), found.outside([1, 0, 0, 1])
        (None, 0)
        """
        moved = [value - middle for value, middle in zip(values, self.centre, strict=True)]
        # Over one denominator, then in whole numbers: fractions would be twenty times as slow.
        below = lcm(*(value.denominator for value in moved))
        above = [int(value * below) for value in moved]
        for number, equation in enumerate(self.equations):
            if value_of(equation, above) if below == 1 else _scaled(equation, above, below):
                return number
        return None

    def expanded(self, equation: Polynomial) -> dict[Powers, int]:
        """An equation as a polynomial in the coordinates themselves, in coprime integers."""
        total: dict[Powers, Fraction] = {}
        for powers, coefficient in equation.items():
            product: dict[Powers, Fraction] = {(): Fraction(coefficient)}
            for number, power in powers:
                for _ in range(power):
                    product = _times(product, number, self.centre[number])
            for monomial, value in product.items():
                total[monomial] = total.get(monomial, Fraction(0)) + value
        common = lcm(*(value.denominator for value in total.values()))
        whole = {monomial: int(value * common) for monomial, value in total.items() if value}
        shared = gcd(*whole.values())
        return {monomial: value // shared for monomial, value in whole.items()}

    def claims(self, stack: str) -> list[dict[str, Any]]:
        """The `equations` claim of a certificate, `stack` being "left" or "right"; none without.

        >>> from convalgebra.algebra.families import family_of
        >>> from convalgebra.algebra.implicit.search import implicit_equations
        >>> from convalgebra.language import parse
        >>> (claim,) = implicit_equations(family_of(parse("2x1, 1x2"))).claims("right")
        >>> claim["coordinates"][3], claim["equations"][0]
        ([0, [0, 0], 0, [1, 1]], [[1, [[0, 1], [3, 1]]], [-1, [[1, 1], [2, 1]]]])
        """
        if not self.equations:
            return []
        return [
            {
                "claim": "equations",
                "stack": stack,
                "coordinates": [coordinate_list(place) for place in self.coordinates],
                "equations": [poly_list(self.expanded(one)) for one in self.equations],
                "members": [],
            }
        ]


def degree_of(equation: Polynomial) -> int:
    """The degree of a polynomial.

    >>> degree_of({((0, 2), (3, 1)): 1, ((1, 1),): -2})
    3
    """
    return max(sum(power for _, power in powers) for powers in equation)


def value_of(equation: Polynomial, values: Sequence[Number]) -> Number:
    """A polynomial at a point.

    >>> value_of({((0, 1), (3, 1)): 1, ((1, 2),): -1}, [2, 3, 0, 5])
    1
    """
    total: Number = 0
    for powers, coefficient in equation.items():
        term: Number = coefficient
        for number, power in powers:
            term *= values[number] ** power
        total += term
    return total


def _scaled(equation: Polynomial, above: Sequence[int], below: int) -> int:
    """The value at `above / below`, times a power of `below` that makes it whole."""
    most = degree_of(equation)
    total = 0
    for powers, coefficient in equation.items():
        term = coefficient * below ** (most - sum(power for _, power in powers))
        for number, power in powers:
            term *= above[number] ** power
        total += term
    return total


def coordinate_list(place: Coordinate) -> list[Any]:
    """A coordinate as it stands in a certificate."""
    row: list[Any] = [place.out, list(place.phase)]
    return row if place.source < 0 else [*row, place.source, list(place.exponent)]


def poly_list(polynomial: Polynomial) -> list[Any]:
    """A polynomial as it stands in a certificate."""
    return [
        [coefficient, [list(pair) for pair in powers]] for powers, coefficient in polynomial.items()
    ]


def _times(
    polynomial: dict[Powers, Fraction], number: int, middle: Fraction
) -> dict[Powers, Fraction]:
    """A polynomial times `x - middle`, x being the coordinate with this number."""
    found: dict[Powers, Fraction] = {}
    for powers, value in polynomial.items():
        exponents = dict(powers)
        exponents[number] = exponents.get(number, 0) + 1
        raised = tuple(sorted(exponents.items()))
        found[raised] = found.get(raised, Fraction(0)) + value
        if middle:
            found[powers] = found.get(powers, Fraction(0)) - value * middle
    return found
