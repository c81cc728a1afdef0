"""Named sizes as text: for the language, which reads it back, and for people."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from math import lcm
from typing import Any, TypeAlias

_COEFFICIENT = "-0123456789*"


@lru_cache(maxsize=4096)  # the layers of a report repeat themselves
def written(expression: Any) -> str:
    """A named size in the notation of the language: `9*C*C`, `(C + 1)//2`, `0 - C`."""
    return _Writer(times="*", power=False).inside(expression)


@lru_cache(maxsize=4096)
def shown(expression: Any) -> str:
    """A named size as a reader likes it: `9C^2`, `(C + 1)//2`, `-C`; factored where it is shorter.

    >>> from sympy.abc import C, H, k
    >>> shown(C**2 * H * k**2 - C**2 * k**3 + C**2 * k**2)
    'C^2 k^2 (H - k + 1)'
    """
    return _SHOWN.inside(factored(expression))


def typeset(expression: Any) -> str:
    r"""A named size in LaTeX, factored as in `shown`.

    >>> from sympy import floor
    >>> from sympy.abc import C, H, k
    >>> print(typeset(C**2 * H * k**2 - C**2 * k**3 + C**2 * k**2))
    C^{2} k^{2} \left(H - k + 1\right)
    >>> print(typeset(9 * floor((H + 1) / 2)))
    9 \left\lfloor \frac{H + 1}{2} \right\rfloor
    """
    return _Typesetter(times=" ", power=True).inside(factored(expression))


@lru_cache(maxsize=4096)
def factored(expression: Any) -> Any:
    """A sum as a product, where that is shorter to read."""
    if not 2 < len(getattr(expression, "args", ())) <= _MOST_FACTORED or not expression.is_Add:
        return expression
    from sympy import Mul

    number, parts = _factors(expression)
    if len(parts) < 2:
        return expression
    for place, part in enumerate(parts):
        base, exponent = part.as_base_exp()
        if _mostly_negative(base):  # H - k + 1, not k - H - 1
            parts = (*parts[:place], (-base) ** exponent, *parts[place + 1 :])
            number *= (-1) ** exponent
    product = Mul(number, *parts)
    shorter = len(_SHOWN.inside(product)) < len(_SHOWN.inside(expression))
    return product if shorter else expression


def _factors(expression: Any) -> tuple[Any, tuple[Any, ...]]:
    """The number and the other factors of a sum; the sum alone where it is too much work."""
    from sympy import Add, Mul, factor, floor

    powers = [term.as_powers_dict() for term in expression.args]
    shared = [base for base in powers[0] if not base.is_number]
    common = {base: min(power.get(base, 0) for power in powers) for base in shared}
    outside = Mul(*(base**exponent for base, exponent in common.items() if exponent > 0))
    rest = Add(*(term / outside for term in expression.args))
    if _is_irreducible(rest):
        if outside == 1:
            return 1, (expression,)
        number, inside = rest.primitive()
        signs = [bool(term.as_coeff_Mul()[0] > 0) for term in inside.args]
        if 2 * sum(signs) > len(signs):
            return number, (*Mul.make_args(outside), inside)
    if len(expression.free_symbols) + len(expression.atoms(floor)) > _MOST_ATOMS:
        return 1, (expression,)
    found: tuple[Any, tuple[Any, ...]] = factor(expression).as_coeff_mul()
    return found


def _is_irreducible(expression: Any) -> bool:
    """Whether a sum shows at once that it is no product of two: False does not say that it is one.

    `a x + b`, with a and b free of x, is a product of two sums only if a and b have a common
    factor. That has no y in it if there is none with numbers, modulo a prime, for all names but y
    at which the degree of a in y stays.
    """
    from sympy import Add

    terms = []
    for term in Add.make_args(expression):
        number, monomial = term.as_coeff_Mul()
        powers = dict(monomial.as_powers_dict()) if monomial != 1 else {}
        if any(not e.is_Integer or e < 0 or base.is_Add for base, e in powers.items()):
            return False
        if number.q % _PRIME == 0:
            return False
        residue = int(number.p) * pow(int(number.q), -1, _PRIME) % _PRIME
        terms.append((residue, {base: int(e) for base, e in powers.items()}))
    atoms = sorted({base for _, powers in terms for base in powers}, key=str)
    places = {atom: pow(3, 1000 + 77 * number, _PRIME) for number, atom in enumerate(atoms)}
    times = Counter(base for _, powers in terms for base in powers)
    linear = [x for x in atoms if all(powers.get(x, 0) < 2 for _, powers in terms)]
    if not linear:
        return False
    x = min(linear, key=lambda atom: times[atom])
    above = [(n, {y: e for y, e in powers.items() if y != x}) for n, powers in terms if x in powers]
    below = [(n, powers) for n, powers in terms if x not in powers]
    return all(
        _are_coprime(above, below, y, places) for y in {y for _, powers in above for y in powers}
    )


_PRIME = 2**31 - 1
_Terms: TypeAlias = "list[tuple[int, dict[Any, int]]]"


def _are_coprime(one: _Terms, two: _Terms, name: Any, places: dict[Any, int]) -> bool:
    """Whether two sums have no common factor with `name` in it; False may be bad luck."""
    first, second = (_along(terms, name, places) for terms in (one, two))
    if not first[-1]:
        return False
    while any(second):
        while not second[-1]:
            second.pop()
        inverse = pow(second[-1], -1, _PRIME)
        while len(first) >= len(second):
            factor, shift = first[-1] * inverse, len(first) - len(second)
            for at, number in enumerate(second):
                first[shift + at] = (first[shift + at] - factor * number) % _PRIME
            first.pop()
        first, second = second, first
    return len(first) == 1


def _along(terms: _Terms, name: Any, places: dict[Any, int]) -> list[int]:
    """The coefficients, modulo the prime, where all names but one are numbers."""
    found = [0] * (1 + max((powers.get(name, 0) for _, powers in terms), default=0))
    for number, powers in terms:
        for base, exponent in powers.items():
            if base != name:
                number = number * pow(places[base], exponent, _PRIME) % _PRIME
        found[powers.get(name, 0)] = (found[powers.get(name, 0)] + number) % _PRIME
    return found


def _mostly_negative(base: Any) -> bool:
    terms = base.args if base.is_Add else ()
    return 2 * sum(1 for term in terms if term.as_coeff_Mul()[0] < 0) > len(terms)


_MOST_FACTORED = 60  # terms
_MOST_ATOMS = 32  # names and floors: beyond it factoring takes seconds


class _Writer:
    """Writes an expression; `times` joins factors, `power` allows `C^2` for `C*C`."""

    def __init__(self, times: str, power: bool) -> None:
        self.times = times
        self.power = power

    def write(self, expression: Any) -> str:
        from sympy import floor

        from convalgebra.size_quotients import Quotient, Zero

        if expression.is_Add:
            return self._sum(expression)
        if isinstance(expression, floor):
            return self._floor(expression)
        if isinstance(expression, Quotient):
            return self._fraction(expression.args[0], "/")
        if isinstance(expression, Zero):
            (part,) = expression.args
            return f"0//{self._atom(part.base)}" if part.is_Pow else f"0*{self._atom(part)}"
        return self._product(expression)

    def inside(self, expression: Any) -> str:
        """It, where it begins a text or stands in parentheses: the language has no sign there."""
        text = self.write(expression)
        return f"0 - {text[1:]}" if text.startswith("-") and not self.power else text

    def _product(self, expression: Any) -> str:
        coefficient, factors = expression.as_coeff_mul()
        above: list[str] = []
        below: list[str] = []
        for factor in sorted(factors, key=_by_power):
            base, exponent = factor.as_base_exp()
            (below if exponent < 0 else above).extend(self._power(base, abs(int(exponent))))
        sign = "-" if coefficient.p < 0 else ""
        over = sign + self._times(abs(coefficient.p), above)
        number = [] if coefficient.q == 1 else [str(coefficient.q)]
        if self.power and len(number) + len(below) > 1:  # 288/(25C)
            return self._ratio(over, f"({self._times(coefficient.q, below)})")
        for under in [*number, *below]:
            over = self._ratio(over, under)
        return over

    def _ratio(self, over: str, under: str) -> str:
        return f"{over}/{under}"

    def _rank(self, term: Any, text: str) -> str:
        """What terms of a degree are sorted by."""
        return text.lstrip(_COEFFICIENT)

    def _times(self, number: int, factors: list[str]) -> str:
        if not factors:
            return str(number)
        joined = self.times.join(factors)
        if number == 1:
            return joined
        # 49C^2, but 2*(H//2): a number stands right before a letter only.
        return f"{number}{joined}" if self.power and joined[0].isalpha() else f"{number}*{joined}"

    def _power(self, base: Any, exponent: int) -> list[str]:
        atom = self._atom(base)
        if self.power and exponent > 1:
            return [f"{atom}^{exponent}"]
        return [atom] * exponent

    def _atom(self, base: Any) -> str:
        from sympy import Max, Min

        if base.is_Symbol:
            return str(base.name)
        if isinstance(base, (Max, Min)):
            listed = ", ".join(sorted(self.write(argument) for argument in base.args))
            return f"{type(base).__name__.lower()}({listed})"
        return f"({self.inside(base)})"

    def _sum(self, expression: Any) -> str:
        # (C + 1)/2, not C/2 + 1/2: half a size is no size.
        terms = list(expression.args)
        if not self.power and any(_divides(term) for term in terms):
            return self._fraction(expression, "/")  # that is whole as a whole
        denominator = lcm(*(int(term.as_coeff_Mul()[0].q) for term in terms))
        if denominator > 1:
            whole = expression.func(*(term * denominator for term in terms))
            return self._ratio(f"({self.inside(whole)})", str(denominator))
        # Highest degree first, numbers last, else as in the alphabet.
        written = [(-_degree(term), term, self.write(term)) for term in terms]
        pieces = [p for *_, p in sorted(written, key=lambda w: (w[0], self._rank(*w[1:])))]
        if pieces[0].startswith("-"):  # begin with a positive term where there is one
            pieces.sort(key=lambda piece: piece.startswith("-"))
        text = pieces[0]
        for piece in pieces[1:]:
            text += f" - {piece[1:]}" if piece.startswith("-") else f" + {piece}"
        return text

    def _floor(self, expression: Any) -> str:
        return self._fraction(expression.args[0], "//")

    def _fraction(self, fraction: Any, sign: str) -> str:
        numerator, denominator = fraction.together(deep=False).as_numer_denom()
        over = self.inside(numerator)
        if numerator.is_Add or numerator.is_Function or numerator.could_extract_minus_sign():
            over = f"({over})"
        under = str(denominator) if denominator.is_Integer else self._atom(denominator)
        return f"{over}{sign}{under}"


class _Typesetter(_Writer):
    """Writes an expression in LaTeX, its terms in the order of the text."""

    def _times(self, number: int, factors: list[str]) -> str:
        shown = [*([str(number)] if number != 1 or not factors else []), *factors]
        return self.times.join(shown)

    def _ratio(self, over: str, under: str) -> str:
        sign = "-" if over.startswith("-") else ""
        return rf"{sign}\frac{{{_bare(over.removeprefix(sign))}}}{{{_bare(under)}}}"

    def _rank(self, term: Any, text: str) -> str:
        return _SHOWN.write(term).lstrip(_COEFFICIENT)

    def _power(self, base: Any, exponent: int) -> list[str]:
        atom = self._atom(base)
        return [f"{atom}^{{{exponent}}}" if exponent > 1 else atom]

    def _atom(self, base: Any) -> str:
        from sympy import Max, Min, floor, latex

        if base.is_Symbol:
            return str(latex(base))
        if isinstance(base, floor):
            return self._floor(base)
        if isinstance(base, (Max, Min)):
            listed = ", ".join(sorted(self.write(argument) for argument in base.args))
            return rf"\{type(base).__name__.lower()}\left({listed}\right)"
        return rf"\left({self.inside(base)}\right)"

    def _fraction(self, fraction: Any, sign: str) -> str:
        over, under = fraction.together(deep=False).as_numer_denom()
        ratio = self._ratio(self.inside(over), self.inside(under))
        return rf"\left\lfloor {ratio} \right\rfloor" if sign == "//" else ratio


def _bare(text: str) -> str:
    """A numerator or a denominator without the parentheses around it."""
    for first, last in (("(", ")"), (r"\left(", r"\right)")):
        inner = text.removeprefix(first).removesuffix(last)
        if text == first + inner + last and _is_closed(inner):
            return inner
    return text


def _is_closed(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


_SHOWN = _Writer(times=" ", power=True)


def _by_power(factor: Any) -> tuple[bool, int, str]:
    # 49C^2 H W (H//2): the highest power first, then by name, parentheses last.
    base, exponent = factor.as_base_exp()
    return not base.is_Symbol, -int(exponent), str(base)


def _divides(term: Any) -> bool:
    return any(exponent < 0 for exponent in term.as_powers_dict().values())


def _degree(term: Any) -> int:
    powers = term.as_powers_dict().items()
    return sum(int(exponent) for base, exponent in powers if not base.is_number)
