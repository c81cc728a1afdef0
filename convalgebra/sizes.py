"""What a size may be: an int, or an expression in named sizes.

Named sizes (`C`, `H`, `k`) are sympy expressions over plain symbols, those that `Symbol("C")` is to
a reader of a report: that they are whole and at least 1 is known here, not to sympy. Sympy is
imported by the first named size and not before, and so is what knows their signs and writes them:
plain numbers never pay for it. `+ - *` are Python's own operators on both kinds; what needs a rule
(division, comparison, text) is a function here.

A floor is kept in one canonical form, so that equal sizes compare equal: the terms under it have
fractional coefficients in [0, 1), what does not change it is left out, and a floor of a floor is
one floor. A quotient that has to come out whole is a part of its own in the sizes of a text
(`size_quotients.py`), and a plain fraction in figures.
"""

from __future__ import annotations

from functools import cache, lru_cache
from math import lcm
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from convalgebra.errors import SizeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sympy import Expr

Size: TypeAlias = "int | Expr"


@cache
def symbol(name: str) -> Size:
    """The named size `name`: a positive integer that is not known.

    >>> symbol("C") * symbol("C") * 9
    9*C**2
    """
    from sympy import Symbol

    return Symbol(name)


def is_named(size: Size) -> bool:
    """Whether `size` is an expression in named sizes rather than a number."""
    return not isinstance(size, int)


def names(size: Size) -> set[str]:
    """The names that `size` depends on."""
    return set() if isinstance(size, int) else {s.name for s in size.free_symbols}


def simplest(size: Any) -> Size:
    """`size` as a figure, in canonical form: expanded, and a plain int where it is a number.

    Quotients are taken to come out whole: what has a size in it notes that of the size.
    """
    if isinstance(size, int):
        return size
    from convalgebra.size_quotients import has_quotient, plain

    return _expanded(plain(size) if has_quotient(size) else size)


def _expanded(size: Any) -> Size:
    expanded = size.expand()
    return int(expanded) if expanded.is_Integer else expanded


def same(left: Size, right: Size) -> bool | None:
    """Whether two sizes are equal: True, False, or None where it depends on the named sizes.

    >>> C = symbol("C")
    >>> same(2 * C, C + C), same(C, C + 1), same(C, 64)
    (True, False, None)
    """
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    difference = simplest(left - right)
    if isinstance(difference, int) or difference.is_number:
        return bool(difference == 0)
    if at_least(difference, 1) or at_least(-difference, 1):
        return False
    from convalgebra.size_values import is_never_negative

    return True if is_never_negative(difference) and is_never_negative(-difference) else None


def at_least(size: Size, bound: Size) -> bool | None:
    """Whether `size >= bound` for every choice of the named sizes; None where it depends on them.

    >>> C = symbol("C")
    >>> at_least(C, 1), at_least(-C, 0), at_least(C, 7)
    (True, False, None)
    """
    if isinstance(size, int) and isinstance(bound, int):
        return size >= bound
    difference = simplest(size - bound)
    if isinstance(difference, int):
        return difference >= 0
    from convalgebra.size_signs import is_nonnegative

    return is_nonnegative(difference)


def maximum(
    first: Size, *others: Size, decide: Callable[[Size, Size], bool | None] = at_least
) -> Size:
    """The largest of some sizes; `Max(..)` of what `decide` does not tell."""
    return _chosen("Max", decide, first, others)


def minimum(
    first: Size, *others: Size, decide: Callable[[Size, Size], bool | None] = at_least
) -> Size:
    """The smallest of some sizes; `Min(..)` of what `decide` does not tell."""
    return _chosen("Min", lambda one, two: decide(two, one), first, others)


def _chosen(
    undecided: str,
    beats: Callable[[Size, Size], bool | None],
    first: Size,
    others: Iterable[Size],
) -> Size:
    best = first
    for other in others:
        if beats(best, other):
            continue
        best = other if beats(other, best) else _choice(undecided, best, other)
    return best


def _choice(undecided: str, one: Size, other: Size) -> Size:
    """`Max(..)` or `Min(..)`; of floors under floors without sympy's own look at their signs."""
    import sympy

    kind: Any = getattr(sympy, undecided)
    sizes: list[Any] = [sympy.sympify(one), sympy.sympify(other)]
    if not any(map(has_nested_floor, sizes)):
        return cast("Expr", kind(*sizes))
    parts = [part for size in sizes for part in (size.args if isinstance(size, kind) else [size])]
    return cast("Expr", kind(*parts, evaluate=False))


def has_nested_floor(size: Size) -> bool:
    """Whether a floor stands under a floor.

    >>> half, third = floor_divide(symbol("H"), 2), floor_divide(symbol("H"), 3)
    >>> has_nested_floor(half), has_nested_floor(floor_divide(half + third, 2))
    (False, True)
    """
    if isinstance(size, int):
        return False
    from sympy import floor

    return any(rounded.args[0].has(floor) for rounded in size.atoms(floor))


def has_choice(size: Size) -> bool:
    """Whether a `Max(..)` or `Min(..)` is in it, of what could not be decided."""
    if isinstance(size, int):
        return False
    from sympy import Max, Min

    return bool(size.has(Max, Min))


def limited(size: Size, digits: int, most: int) -> Size:
    """`size` in canonical form, where it is not beyond what is worked with.

    Raises SizeError for a number of more than `digits` digits, and for a formula of more than
    `most` numbers and names: products of sums have one term for every choice.

    >>> limited(2 * symbol("C") - symbol("C"), 9, 50)
    C
    """
    if isinstance(size, int):
        if abs(size) >= 10**digits:
            raise SizeError(f"a size of more than {digits} digits")
        return size
    return _limited_formula(size, digits, most)


@lru_cache(maxsize=4096)
def _limited_formula(size: Expr, digits: int, most: int) -> Size:
    from sympy import nan, zoo

    canonical: Any = _expanded(size)
    if not isinstance(canonical, int) and canonical.has(nan, zoo):
        raise SizeError("division by zero")
    if isinstance(canonical, int):
        return limited(canonical, digits, most)
    if units(canonical, most) > most:
        raise SizeError(f"a size of more than {most} numbers and names")
    from sympy import Rational

    numbers = canonical.atoms(Rational)
    if max(*(abs(n.p) for n in numbers), lcm(*(int(n.q) for n in numbers)), 0) >= 10**digits:
        raise SizeError(f"a size with a number of more than {digits} digits")
    return cast("Expr", canonical)


def units(expression: Any, most: int) -> int:
    """The numbers and names in an expression when it is written out; past `most`, any number."""
    total = 0
    waiting = [(expression, 1)]
    while waiting and total <= most:
        part, times = waiting.pop()
        if part.is_Pow:
            waiting.append((part.base, times * abs(int(part.exp))))
        elif part.args:
            waiting.extend((argument, times) for argument in part.args)
        else:
            total += times
    return total


def exact_divide(size: Size, divisor: Size) -> Size:
    """`size / divisor`, an error where it leaves a rest.

    >>> exact_divide(12, 4), exact_divide(6 * symbol("C"), 4)
    (3, 3*C/2)
    """
    if isinstance(divisor, int) and divisor == 0:
        raise SizeError("division by zero")
    if isinstance(size, int) and isinstance(divisor, int):
        quotient, rest = divmod(size, divisor)
        if rest:
            raise SizeError(f"{size}/{divisor} leaves a rest; // rounds down")
        return quotient
    return simplest(size / divisor)


def quotient(size: Size, divisor: Size) -> Size:
    """`size / divisor` as a text means it: it comes out whole, now and with numbers put in.

    >>> W = symbol("W")
    >>> at(floor_divide(quotient(W, 8), 2), {"W": 40})
    2
    """
    if isinstance(divisor, int) and (divisor == 0 or isinstance(size, int)):
        return exact_divide(size, divisor)
    from convalgebra.size_quotients import quotient_of

    return _expanded(quotient_of(size / divisor))


def settled(size: Size) -> Size:
    """`size` of a layer or an input, which is whole itself: of `C/2 + 1` a plain fraction.

    >>> settled(quotient(symbol("C"), 2) + 1) == symbol("C") / 2 + 1
    True
    """
    if isinstance(size, int):
        return size
    from convalgebra.size_quotients import has_quotient, settled_once

    return _expanded(settled_once(size)) if has_quotient(size) else size


def is_whole(size: Size) -> bool | None:
    """Whether `size` is a whole number for every choice of the named sizes (None: it depends)."""
    if isinstance(size, int):
        return True
    from convalgebra.size_signs import is_integral

    return is_integral(size)


def floor_divide(size: Size, divisor: Size) -> Size:
    """`size // divisor`, rounded down, in canonical form.

    >>> H = symbol("H")
    >>> floor_divide(H - 1, 2) + 1 == floor_divide(H + 1, 2)
    True
    >>> floor_divide(floor_divide(H, 2), 2) == floor_divide(H, 4)
    True
    """
    if isinstance(divisor, int) and divisor == 0:
        raise SizeError("division by zero")
    if isinstance(size, int) and isinstance(divisor, int):
        return size // divisor
    return _floor(size / divisor)


def _floor(quotient: Any) -> Size:
    """The floor of an expression, with the terms under it in [0, 1)."""
    from sympy import Add, Integer, floor, lcm

    from convalgebra.size_signs import is_integral

    whole, rest = Integer(0), []
    for term in Add.make_args(quotient.expand()):
        coefficient, monomial = term.as_coeff_Mul()
        if is_integral(monomial):
            whole += coefficient.floor() * monomial
            coefficient -= coefficient.floor()
        if coefficient:
            rest.append((coefficient, monomial))
    if all(is_integral(monomial) for _, monomial in rest):
        # floor(m/n + c) = floor(m/n + floor(c n)/n) for whole m.
        n = lcm([c.q for c, monomial in rest if monomial != 1])
        rest = [(c if monomial != 1 else (c * n).floor() / n, monomial) for c, monomial in rest]
        # floor((floor(x) + m)/n) = floor((x + m)/n) for whole m.
        inner = [(c, monomial.args[0]) for c, monomial in rest if isinstance(monomial, floor)]
        if len(inner) == 1 and inner[0][0] == Integer(1) / n:
            rest = [pair for pair in rest if not isinstance(pair[1], floor)]
            merged = Add(*(c * monomial for c, monomial in [*rest, *inner]))
            return _expanded(whole + _floor(merged))
    return _expanded(whole + floor(Add(*(c * monomial for c, monomial in rest))))


def ceil_divide(size: Size, divisor: Size) -> Size:
    """`size / divisor` rounded up, of whole numbers, in canonical form.

    >>> ceil_divide(7, 2), ceil_divide(symbol("H"), 2)
    (4, floor(H/2 + 1/2))
    """
    return floor_divide(size + divisor - 1, divisor)


def at(size: Size, values: Mapping[str, int]) -> Size:
    """`size` with numbers put in for some of its names.

    >>> at(symbol("C") * 9, {"C": 64})
    576
    """
    if isinstance(size, int):
        return size
    for name, number in values.items():
        if number < 1:
            raise SizeError(f"{name}={number}: a named size is at least 1")
    from sympy import Integer

    numbers: dict[str, Any] = {name: Integer(number) for name, number in values.items()}
    try:
        value = _expanded(_filled(size, numbers))
    except SizeError as error:
        raise SizeError(f"{error}, at {_listed(values)}") from None
    if not isinstance(value, int) and not value.free_symbols:
        raise SizeError(f"{text(size)} is {value}, not a whole number, at {_listed(values)}")
    return value


def _filled(part: Any, numbers: Mapping[str, Any]) -> Any:
    """An expression with numbers for some names, worked out from the inside to the outside."""
    from sympy import Max, floor, sympify

    from convalgebra.size_quotients import Quotient, Zero, quotient_of, with_needs

    if part.is_Symbol:
        return numbers.get(part.name, part)
    if not part.args:
        return part
    parts = [_filled(argument, numbers) for argument in part.args]
    if part.is_Add or part.is_Mul:
        return part.func(*parts)
    if part.is_Pow:
        if parts[0] == 0 and parts[1] < 0:
            raise SizeError(f"{text(part.base)} is 0, and divides: not a whole number")
        return part.func(*parts)
    if isinstance(part, floor):
        return sympify(_floor(*parts))
    if isinstance(part, Quotient):
        if parts[0].is_Rational and not parts[0].is_Integer:
            raise SizeError(f"{text(part)} is {parts[0]}, not a whole number")
        return quotient_of(*parts)
    if isinstance(part, Zero):
        return sympify(with_needs(0, "*", 0, parts[0]))
    return sympify((maximum if isinstance(part, Max) else minimum)(*map(simplest, parts)))


def _listed(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={number}" for name, number in values.items())


def product(sizes: Iterable[Size]) -> Size:
    """The product of some sizes, 1 for none."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return simplest(result)


def total(sizes: Iterable[Size]) -> Size:
    """The sum of some sizes, 0 for none; expressions are added all at once.

    >>> total([1, symbol("C"), 2 * symbol("C")])
    3*C + 1
    """
    numbers: int = 0
    named: dict[Expr, int] = {}  # layers repeat themselves
    for size in sizes:
        if isinstance(size, int):
            numbers += size
        else:
            named[size] = named.get(size, 0) + 1
    if not named:
        return numbers
    from sympy import Add

    return simplest(Add(numbers, *(times * size for size, times in named.items())))


def text(size: Size) -> str:
    """`size` in the notation of the language, as `parse` reads it back inside parentheses.

    >>> C = symbol("C")
    >>> text(64), text(9 * C * C), text(floor_divide(C, 2) + 1)
    ('64', '9*C*C', 'C//2 + 1')
    """
    if isinstance(size, int):
        return str(size)
    from convalgebra.size_text import written

    return written(size)


def formula(size: Size) -> str:
    """`size` as a reader likes it: `49C^2`, `9C^2 H W`, `(H + 1)//2`.

    >>> formula(49 * symbol("C") ** 2)
    '49C^2'
    """
    if isinstance(size, int):
        return f"{size:,}"
    from convalgebra.size_text import shown

    return shown(size)
