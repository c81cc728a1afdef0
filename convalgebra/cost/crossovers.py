"""Where one of two stacks begins to be the cheaper one: exact sign changes of differences.

The difference of two figures is factored. Every irreducible factor has to be of one sign wherever
the named sizes are (whole numbers of at least 1), or a polynomial in one and the same named size.
The real roots of odd multiplicity of those polynomials, above 1, are then all the places where the
sign changes. Where a factor mixes names, nothing is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from convalgebra.size_signs import denominator
from convalgebra.sizes import Size, at_least, has_choice, names, simplest

# Of a difference: beyond it factoring takes seconds, and a single name is hardly what is left.
_MOST_TERMS = 60
_MOST_UNKNOWNS = 8  # names, and floors of them


class Crossover(NamedTuple):
    """Of two stacks, numbered 0 and 1, one costs less on each side of some values of `name`.

    `points` are exact numbers above 1, ascending; between the points `n - 1` and `n` it is the
    stack `cheaper[n]` that costs less.
    """

    name: str
    points: tuple[Any, ...]
    cheaper: tuple[int, ...]

    def ranges(self) -> Iterator[tuple[int, Any, Any]]:
        """The cheaper stack from a point (or None) to the next (or None), in ascending order."""
        return zip(self.cheaper, (None, *self.points), (*self.points, None), strict=True)


def crossover(first: Size, second: Size, sides: frozenset[Size] = frozenset()) -> Crossover | None:
    """Where two figures change places as a named size grows; None if they do not, or who knows.

    `sides` are sizes that are taken to be at least 1, those of shapes.

    >>> from convalgebra.sizes import symbol
    >>> C = symbol("C")
    >>> crossover(9 * C**2, C**2 + 9 * C)
    Crossover(name='C', points=(9/8,), cheaper=(0, 1))
    """
    difference: Any = simplest(first - second)
    if isinstance(difference, int) or has_choice(difference):
        return None
    from sympy import PolynomialError, factor_list, floor

    unknowns = len(difference.free_symbols) + len(difference.atoms(floor))
    if len(difference.args) > _MOST_TERMS or unknowns > _MOST_UNKNOWNS:
        return None
    try:
        constant, factors = factor_list(difference)
    except PolynomialError:
        return None
    sign = 1 if constant > 0 else -1
    open_factors = []
    for factor, times in factors:
        known = _sign(factor, sides)
        if known is None:
            open_factors.append((factor, times))
        else:
            sign *= known**times
    return _changes(sign, open_factors)


def _sign(factor: Any, sides: frozenset[Size]) -> int | None:
    """1 or -1 where a factor is never 0 and always of one sign."""
    for sign in (1, -1):
        whole = simplest(sign * factor * denominator(factor))
        if sign * factor in sides or at_least(whole, 1):
            return sign
    return None


def _changes(sign: int, factors: Sequence[tuple[Any, int]]) -> Crossover | None:
    """The sign changes, above 1, of `sign` times a product of polynomials in one name."""
    named = set().union(*(names(factor) for factor, _ in factors))
    if len(named) != 1 or not all(factor.is_polynomial() for factor, _ in factors):
        return None
    from sympy import Poly

    odd: Counter[Any] = Counter()
    for factor, times in factors:
        polynomial = Poly(factor)
        sign *= 1 if polynomial.LC() > 0 else (-1) ** times
        odd.update(dict.fromkeys(polynomial.real_roots(), times))
    points = sorted(root for root, times in odd.items() if times % 2 and root > 1)
    if not points:
        return None
    # Far out the first stack costs more if the sign is +; every point turns it.
    signs = [sign * (-1) ** (len(points) - n) for n in range(len(points) + 1)]
    return Crossover(named.pop(), tuple(points), tuple(1 if each > 0 else 0 for each in signs))
