"""What a size may be: an int, or an expression in named sizes.

Named sizes (`C`, `H`, `k`) are sympy expressions over positive integer symbols; sympy is imported by
the first named size and not before, so that plain numbers never pay for it. `+ - *` are Python's own
operators on both kinds; what needs a rule (division, comparison, text) is a function here.

A floor is kept in one canonical form, so that equal sizes compare equal: the terms under it have
fractional coefficients in [0, 1), and a floor of a floor is one floor.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from convalgebra.errors import SizeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sympy import Expr

Size: TypeAlias = "int | Expr"


@lru_cache(maxsize=None)
def symbol(name: str) -> Size:
    """The named size `name`: a positive integer that is not known.

    >>> symbol("C") * symbol("C") * 9
    9*C**2
    """
    from sympy import Symbol

    return Symbol(name, integer=True, positive=True)


def is_named(size: Size) -> bool:
    """Whether `size` is an expression in named sizes rather than a number."""
    return not isinstance(size, int)


def names(size: Size) -> set[str]:
    """The names that `size` depends on."""
    return set() if isinstance(size, int) else {s.name for s in size.free_symbols}


def simplest(size: Any) -> Size:
    """`size` in canonical form: expanded, and a plain int where it is a number."""
    if isinstance(size, int):
        return size
    from sympy import expand

    expanded = expand(size)
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
    if isinstance(difference, int):
        return difference == 0
    if at_least(difference, 1) or at_least(-difference, 1):
        return False
    return None


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
    # floor(x) >= b for a whole number b says the same as x >= b.
    from sympy import Add, floor

    floors = [t for t in Add.make_args(difference) if isinstance(t, floor)]
    if len(floors) == 1 and not (difference - floors[0]).free_symbols:
        difference = (difference - floors[0] + floors[0].args[0]).expand()
    # Every name is at least 1: write it as 1 + n with n >= 0, and let sympy look at the signs.
    from sympy import Symbol

    shifted = {s: 1 + Symbol(s.name, integer=True, nonnegative=True) for s in difference.free_symbols}
    moved = difference.subs(shifted, simultaneous=True).expand()
    if moved.is_nonnegative:
        return True
    if moved.is_negative:
        return False
    return None


def maximum(first: Size, *others: Size) -> Size:
    """The largest of some sizes; `Max(..)` of what cannot be decided."""
    largest = first
    for other in others:
        if at_least(largest, other):
            continue
        if at_least(other, largest):
            largest = other
        else:
            from sympy import Max

            largest = Max(largest, other)
    return largest


def minimum(first: Size, *others: Size) -> Size:
    """The smallest of some sizes; `Min(..)` of what cannot be decided."""
    return simplest(-maximum(-first, *(-other for other in others)))


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


def is_whole(size: Size) -> bool | None:
    """Whether `size` is a whole number for every choice of the named sizes (None: it depends)."""
    return True if isinstance(size, int) else size.is_integer


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
    from sympy import Add, Integer, floor

    quotient = (size / divisor).expand() if not isinstance(size, int) else Integer(size) / divisor
    whole, rest = Integer(0), Integer(0)
    for term in Add.make_args(quotient):
        coefficient, monomial = term.as_coeff_Mul()
        if monomial.is_integer and coefficient.is_Rational:
            whole += coefficient.floor() * monomial
            rest += (coefficient - coefficient.floor()) * monomial
        else:
            rest += term
    return simplest(whole + floor(_without_inner_floor(rest)))


def ceil_divide(size: Size, divisor: Size) -> Size:
    """`size / divisor` rounded up, in canonical form."""
    return simplest(-floor_divide(-size, divisor))


def _without_inner_floor(rest: Any) -> Any:
    # floor((floor(x) + m)/n) = floor((x + m)/n) for whole numbers m and n.
    from sympy import Add, Integer, floor, lcm

    terms = [term.as_coeff_Mul() for term in Add.make_args(rest)]
    inner = [(c, m) for c, m in terms if isinstance(m, floor)]
    if len(inner) != 1 or not all(c.is_Rational and m.is_integer for c, m in terms):
        return rest
    scale, nested = inner[0]
    denominator = lcm([c.q for c, _ in terms])
    if scale != Integer(1) / denominator:
        return rest
    return (rest - scale * nested + scale * nested.args[0]).expand()


def at(size: Size, values: Mapping[str, int]) -> Size:
    """`size` with numbers put in for some of its names.

    >>> at(symbol("C") * 9, {"C": 64})
    576
    """
    if isinstance(size, int):
        return size
    value = simplest(size.subs({symbol(name): number for name, number in values.items()}))
    if not isinstance(value, int) and not value.free_symbols:
        raise SizeError(f"{text(size)} is {value}, not a whole number, at {_listed(values)}")
    return value


def _listed(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={number}" for name, number in values.items())


def product(sizes: Iterable[Size]) -> Size:
    """The product of some sizes, 1 for none."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return simplest(result)


def text(size: Size) -> str:
    """`size` in the notation of the language, as `parse` reads it back inside parentheses.

    >>> C = symbol("C")
    >>> text(64), text(9 * C * C), text(floor_divide(C, 2) + 1)
    ('64', '9*C*C', 'C//2 + 1')
    """
    return str(size) if isinstance(size, int) else _Writer("*", power=False).write(size)


def formula(size: Size) -> str:
    """`size` as a reader likes it: `49C^2`, `9C^2 H W`, `(H + 1)//2`.

    >>> formula(49 * symbol("C") ** 2)
    '49C^2'
    """
    return f"{size:,}" if isinstance(size, int) else _Writer(" ", power=True).write(size)


class Assumptions:
    """What was taken for granted of named sizes, in the order met, each once.

    >>> taken = Assumptions()
    >>> taken.at_least(symbol("H"), 7)
    >>> taken.same(symbol("H"), 2 * floor_divide(symbol("H"), 2))
    >>> taken.listed()
    ('H >= 7', 'H = 2*(H//2)')
    """

    def __init__(self) -> None:
        self._facts: dict[str, None] = {}

    def at_least(self, size: Size, bound: Size, otherwise: str = "") -> None:
        """Take `size >= bound`; an error that says `otherwise` where it is false."""
        decided = at_least(size, bound)
        if decided is False:
            raise SizeError(otherwise or f"{formula(size)} must be at least {formula(bound)}")
        if decided is None:
            # Numbers on the right, where a reader looks for them.
            constant = simplest(size - bound)
            offset = constant.as_coeff_Add()[0] if not isinstance(constant, int) else 0
            self._facts[f"{formula(simplest(constant - offset))} >= {formula(int(-offset))}"] = None

    def same(self, left: Size, right: Size, otherwise: str = "") -> None:
        """Take `left = right`; an error that says `otherwise` where it is false."""
        decided = same(left, right)
        if decided is False:
            raise SizeError(otherwise or f"{formula(left)} is not {formula(right)}")
        if decided is None:
            self._facts[f"{formula(left)} = {formula(right)}"] = None

    def divides(self, divisor: Size, size: Size, otherwise: str = "") -> None:
        """Take that `divisor` divides `size`; an error that says `otherwise` where it does not."""
        if isinstance(divisor, int) and isinstance(size, int):
            if size % divisor:
                raise SizeError(otherwise or f"{divisor} does not divide {size}")
        elif not is_whole(exact_divide(size, divisor)):
            self._facts[f"{formula(divisor)} divides {formula(size)}"] = None

    def note(self, fact: str) -> None:
        """Take `fact`, in words."""
        self._facts[fact] = None

    def listed(self) -> tuple[str, ...]:
        """The assumptions as text."""
        return tuple(self._facts)


def _by_power(factor: Any) -> tuple[int, str]:
    # 49C^2 H W: the highest power first, then by name.
    exponent = factor.as_base_exp()[1]
    return (-int(exponent) if exponent.is_Integer else 0, str(factor))


class _Writer:
    """Writes an expression; `times` joins factors, `power` allows `C^2` for `C*C`."""

    def __init__(self, times: str, power: bool) -> None:
        self.times = times
        self.power = power

    def write(self, expression: Any) -> str:
        if expression.is_Add:
            return self._sum(expression)
        coefficient, factors = expression.as_coeff_mul()
        numerator, denominator = coefficient.p, coefficient.q
        above, below = [], []
        for factor in sorted(factors, key=_by_power):
            base, exponent = factor.as_base_exp()
            whole = exponent.is_Integer
            if whole and exponent < 0:
                below.append(self._power(base, -exponent))
            else:
                above.append(self._power(base, exponent) if whole else f"({factor})")
        sign = "-" if numerator < 0 else ""
        written = self._times(abs(numerator), above)
        if denominator != 1:
            below.insert(0, str(denominator))
        for divisor in below:
            written += f"/{divisor}"
        return sign + written

    def _times(self, number: int, factors: list[str]) -> str:
        if not factors:
            return str(number)
        joined = self.times.join(factors)
        if number == 1:
            return joined
        # 49C^2, but 2*(H//2): a number stands right before a letter only.
        return f"{number}{joined}" if self.power and joined[0].isalpha() else f"{number}*{joined}"

    def _power(self, base: Any, exponent: Any) -> str:
        written = self._atom(base)
        if exponent == 1:
            return written
        return f"{written}^{exponent}" if self.power else "*".join([written] * int(exponent))

    def _atom(self, base: Any) -> str:
        from sympy import Max, Min, floor

        if base.is_Symbol:
            return str(base.name)
        if isinstance(base, floor):
            return f"({self._floor(base)})"
        if isinstance(base, (Max, Min)):
            listed = ", ".join(sorted(self.write(argument) for argument in base.args))
            return f"{type(base).__name__.lower()}({listed})"
        return f"({self.write(base)})"

    def _sum(self, expression: Any) -> str:
        from sympy import floor

        # Highest degree first, numbers last.
        generators = sorted(
            expression.atoms(floor) | {s for s in expression.free_symbols}, key=lambda g: str(g)
        )

        def rank(term: Any) -> tuple[Any, ...]:
            degrees = term.as_powers_dict()
            return (-sum(degrees.get(g, 0) for g in generators), str(term))

        terms = sorted(expression.args, key=rank)
        if terms[0].as_coeff_Mul()[0] < 0:  # begin with a positive term where there is one
            terms.sort(key=lambda t: bool(t.as_coeff_Mul()[0] < 0))
        written = ""
        for term in terms:
            piece = self._floor(term) if isinstance(term, floor) else self.write(term)
            negative = piece.startswith("-")
            bare = piece[1:] if negative else piece
            written += (" - " if negative else " + ") + bare if written else piece
        return written

    def _floor(self, expression: Any) -> str:
        numerator, denominator = expression.args[0].together().as_numer_denom()
        over = self.write(numerator)
        if numerator.is_Add or (numerator.is_Mul and "/" in over):
            over = f"({over})"
        return f"{over}//{self._atom(denominator) if not denominator.is_Integer else denominator}"
