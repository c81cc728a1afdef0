"""Which of two figures is the smaller one, as the named sizes are: exact signs of differences.

The difference of two figures is factored. Factors that are of one sign wherever the named sizes are
(whole numbers of at least 1, or what a report assumes of them) only turn the sign. What is left is
decided in two ways. If it is a product of polynomials in one and the same name, the sign changes at
their real roots of odd multiplicity. If it is one polynomial `a n + b` that is linear in a name
`n`, with `a` and `b` in the other names, its sign is that of `n - (-b/a)`, times the sign of `a`:
wherever that is known. Of anything else nothing is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convalgebra.size_signs import denominator
from convalgebra.sizes import Size, at_least, has_choice, names, simplest

# Of a difference: beyond it factoring takes seconds, and there is hardly anything to be said.
_MOST_TERMS = 60
_MOST_UNKNOWNS = 8  # names, and floors of them
_MOST_TRIED = 12  # values of a name, one by one
_HIGHEST_START = 4  # of several names, from where a coefficient is positive


class Condition(NamedTuple):
    """`size` (a name, or a product of names) stands in a relation to an exact number or formula."""

    size: Size
    relation: str  # one of < = > >=
    bound: Any


class Case(NamedTuple):
    """Where all `conditions` hold, the sign of the first figure less the second.

    1 says that the first is the larger one, 0 that they are the same, None that it is not decided;
    unless it is `strict`, they may also be the same where the sign is 1 or -1.
    """

    sign: int | None
    conditions: tuple[Condition, ...] = ()
    strict: bool = True


class _Known(NamedTuple):
    """What is known of named sizes: `sides` are at least 1, a name at least what `least` has."""

    sides: frozenset[Size]
    least: Mapping[str, int]

    def least_of(self, name: str) -> int:
        return self.least.get(name, 1)


def crossover(
    first: Size,
    second: Size,
    sides: frozenset[Size] = frozenset(),
    least: Mapping[str, int] | None = None,
) -> tuple[Case, ...]:
    """Which of two figures is the smaller one, case by case.

    Whatever the named sizes are, exactly one case holds; the last one may stand for all that is
    left over. `sides` are sizes that are taken to be at least 1, those of shapes; `least` says from
    where on names are looked at.

    >>> from convalgebra.sizes import symbol
    >>> C, k = symbol("C"), symbol("k")
    >>> for case in crossover(9 * C**2, C**2 + 9 * C):
    ...     print(case.sign, *case.conditions)
    -1 Condition(size=C, relation='<', bound=9/8)
    1 Condition(size=C, relation='>', bound=9/8)
    >>> for condition in crossover(k**2 * C**2, k**2 * C + C**2)[2].conditions:
    ...     print(*condition)
    C > k**2/(k**2 - 1)
    k >= 2
    """
    return _cases(simplest(first - second), _Known(sides, least or {}))


def _cases(difference: Any, known: _Known) -> tuple[Case, ...]:
    if isinstance(difference, int):
        return (Case((difference > 0) - (difference < 0)),)
    if has_choice(difference):
        return (Case(None),)
    from sympy import PolynomialError, factor_list, floor

    unknowns = len(difference.free_symbols) + len(difference.atoms(floor))
    if len(difference.args) > _MOST_TERMS or unknowns > _MOST_UNKNOWNS:
        return (Case(None),)
    try:
        constant, factors = factor_list(difference)
    except PolynomialError:
        return (Case(None),)
    sign = 1 if constant > 0 else -1
    weak: list[tuple[Any, int]] = []  # of one sign, but 0 at places
    rest: list[tuple[Any, int]] = []  # change their sign, or who knows
    for factor, times in factors:
        turn, strict = _sign(factor, known)
        if turn is None:
            (rest if times % 2 else weak).append((factor, times))
            continue
        sign *= turn**times
        if not strict:
            weak.append((turn * factor, times))
    if not weak and not rest:
        return (Case(sign),)
    for open_factors, strict in (([*weak, *rest], True), (rest, not weak)):
        if open_factors and _in_one_name(open_factors):
            found = _along_a_name(sign, open_factors, known)
            return tuple(case._replace(strict=strict or case.sign == 0) for case in found)
    if not rest:
        return (Case(sign, strict=False),)
    if len(rest) > 1:
        return (Case(None),)
    return tuple(
        case if case.sign is None else Case(sign * case.sign, case.conditions, not weak)
        for case in _linear(rest[0][0], known)
    )


def _sign(factor: Any, known: _Known) -> tuple[int | None, bool]:
    """1 or -1 where a factor is of one sign; and whether it is never 0."""
    for sign in (1, -1):
        if sign * factor in known.sides:
            return sign, True
    if factor.is_polynomial():
        return _sign_of_polynomial(factor, known)
    whole = simplest(factor * denominator(factor))
    for bound in (1, 0):
        for sign in (1, -1):
            if at_least(sign * whole, bound):
                return sign, bool(bound)
    return None, False


def _sign_of_polynomial(factor: Any, known: _Known) -> tuple[int | None, bool]:
    from sympy import Poly

    # With every name as its least number and a rest of at least 0 the signs show.
    shift = {name: name + known.least_of(name.name) for name in factor.free_symbols}
    if not shift:
        return (1 if factor > 0 else -1), True
    moved = Poly(factor.subs(shift, simultaneous=True), *shift)
    where_all_are_least = moved.coeff_monomial(1) != 0
    if all(coefficient > 0 for coefficient in moved.coeffs()):
        return 1, where_all_are_least
    if all(coefficient < 0 for coefficient in moved.coeffs()):
        return -1, where_all_are_least
    return None, False


def _in_one_name(factors: Sequence[tuple[Any, int]]) -> bool:
    named = set().union(*(names(factor) for factor, _ in factors))
    return len(named) == 1 and all(factor.is_polynomial() for factor, _ in factors)


def _along_a_name(sign: int, factors: Sequence[tuple[Any, int]], known: _Known) -> tuple[Case, ...]:
    """The cases, in ascending order, of `sign` times a product of polynomials in one name."""
    from sympy import Poly, ceiling, floor

    odd: Counter[Any] = Counter()
    for factor, times in factors:
        polynomial = Poly(factor)
        sign *= 1 if polynomial.LC() > 0 else (-1) ** times
        odd.update(dict.fromkeys(polynomial.real_roots(), times))
    (name,) = factors[0][0].free_symbols
    least = known.least_of(name.name)
    points: list[Any] = sorted(root for root in odd if root >= least)
    sign *= (-1) ** sum(odd[point] for point in points)  # far out it is `sign`, each turns it
    low, first = None, least  # the whole numbers from `first` on come next
    ranges: list[tuple[int, Any, Any]] = []
    for point in points:
        if first < ceiling(point):
            _add(ranges, sign, low, point)
        if point.is_Integer:
            ranges.append((0, point, point))
        sign *= (-1) ** odd[point]
        low, first = point, floor(point) + 1
    _add(ranges, sign, low, None)
    return tuple(Case(sign, tuple(_between(name, low, high))) for sign, low, high in ranges)


def _add(ranges: list[tuple[int, Any, Any]], sign: int, low: Any, high: Any) -> None:
    """One more range; together with the one before where nothing changes in between."""
    if ranges and ranges[-1][0] == sign:
        low = ranges.pop()[1]
    ranges.append((sign, low, high))


def _between(name: Size, low: Any, high: Any) -> Iterator[Condition]:
    if low is not None and low == high:
        yield Condition(name, "=", low)
        return
    if low is not None:
        yield Condition(name, ">", low)
    if high is not None:
        yield Condition(name, "<", high)


def _linear(factor: Any, known: _Known) -> tuple[Case, ...]:
    """The cases of a polynomial in several names that is linear in one of them."""
    from sympy import floor

    rounded = set().union(*(each.free_symbols for each in factor.atoms(floor)))
    found = []
    for name in sorted(factor.free_symbols - rounded, key=str):
        polynomial = factor.as_poly(name)
        if polynomial is not None and polynomial.degree() == 1:
            slope, rest = polynomial.all_coeffs()
            found.append(_along_a_line(factor, name, slope, rest, known))
    # What is said of the most sizes comes first, then what is said shortly.
    return min(found, key=_clumsiness, default=(Case(None),))


def _clumsiness(cases: Sequence[Case]) -> tuple[bool, int, int]:
    conditions = [condition for case in cases for condition in case.conditions]
    return any(case.sign is None for case in cases), len(conditions), len(str(conditions))


def _along_a_line(factor: Any, name: Any, slope: Any, rest: Any, known: _Known) -> tuple[Case, ...]:
    """The cases of `factor = slope * name + rest`."""
    from sympy import cancel

    size = name
    for other in sorted(slope.free_symbols - rest.free_symbols, key=str):  # H W > .., not H > ../W
        quotient = cancel(slope / other)
        if other not in quotient.free_symbols:
            slope, size = quotient, size * other
    where, others = _where_it_has_a_sign(slope, factor, known)
    if where is None:
        return (Case(None),)
    sign, domain = where
    bound = cancel(-rest / slope)
    return (
        Case(-sign, (Condition(size, "<", bound), *domain)),
        Case(0, (Condition(size, "=", bound), *domain)),
        Case(sign, (Condition(size, ">", bound), *domain)),
        *others,
    )


def _where_it_has_a_sign(
    slope: Any, factor: Any, known: _Known
) -> tuple[tuple[int, tuple[Condition, ...]] | None, tuple[Case, ...]]:
    """The sign of `slope` from where on it is never 0, and the cases of `factor` elsewhere."""
    sign, strict = _sign(slope, known)
    if sign is not None and strict:
        return (sign, ()), ()
    if not slope.is_polynomial():
        return None, ()
    involved = sorted(slope.free_symbols, key=str)
    if len(involved) == 1:
        (name,) = involved
        cases = _along_a_name(1, [(slope, 1)], known)
        start = max(int(c.bound) + 1 for case in cases for c in case.conditions)
        assert cases[-1].sign
        return (cases[-1].sign, (Condition(name, ">=", start),)), _below(factor, name, start, known)
    for start in range(2, _HIGHEST_START + 1):
        starts = {s: max(known.least_of(s.name), start) for s in involved}
        sign, strict = _sign(slope, known._replace(least={s.name: n for s, n in starts.items()}))
        if sign is not None and strict:
            domain = tuple(Condition(name, ">=", number) for name, number in starts.items())
            return (sign, domain), (Case(None),)
    return None, ()


def _below(factor: Any, name: Any, start: int, known: _Known) -> tuple[Case, ...]:
    """What is known of `factor` where a name is smaller than `start`."""
    least = known.least_of(name.name)
    tried = range(least, min(start, least + _MOST_TRIED + 1))
    signs = {_cases(simplest(factor.subs(name, value)), known) for value in tried}
    where = Condition(name, "=", least) if start == least + 1 else Condition(name, "<", start)
    if len(tried) == start - least and len(signs) == 1:
        ((case, *more),) = signs
        if not more and not case.conditions:
            return (case._replace(conditions=(where,)),)
    return (Case(None, (where,)),)
