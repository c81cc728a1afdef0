"""Polynomial equations solved as one does it by hand, one unknown at a time.

An equation is solved for an unknown that stands in it to the first power, with nothing unknown
before it. An equation in a single unknown of higher degree names a root of itself (t, s, ..) and
goes on with that. Of two equations in the same two unknowns, a multiple of one is taken from the
other if that leaves one unknown. Where none of this helps it stops: no search, no Groebner basis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, NamedTuple

from sympy import QQ, Expr, S, Symbol, lex
from sympy.polys.rings import PolyRing

Polynomial = Any  # sympy's PolyElement, in a ring where it is a dict from exponents to numbers

_LONGEST = 400  # terms of an equation that is still solved; a page holds fewer
_LONGEST_PAIRED = 60  # terms of an equation that is subtracted from another
_LONGEST_MADE = 20_000  # terms that a substitution may have before like ones are collected
_ROOT = 10**6  # naming a root is the last choice


@dataclass(frozen=True)
class Move:
    """One equation solved for one unknown: `unknown = value`.

    `value` may hold unknowns that are found later. `divisor` is what was divided by, so taken to be
    nonzero. Where `root` is not None, `value` is a new symbol, a root of that polynomial. `others`
    are factors that were set aside: with one of them zero there are other solutions. `using` are
    the equations of which multiples were subtracted first.
    """

    equation: int
    unknown: Symbol
    value: Expr
    divisor: Expr = S.One
    root: Expr | None = None
    others: tuple[Expr, ...] = ()
    using: tuple[int, ...] = ()


@dataclass(frozen=True)
class Elimination:
    """How far the equations (numbered from 0) are solved by hand, and what is left of them.

    `conditions` are free of unknowns and have to be zero, cleared of denominators; `holding` are
    the equations that hold by themselves; `open` those that still hold unknowns (None for one that
    is long); `given_up` those that grew too long to be written out. `solution` has every solved
    unknown in terms of what is known, the roots, and what stays unknown, as far as that does not
    grow too long.
    """

    moves: tuple[Move, ...]
    conditions: tuple[tuple[int, Expr], ...]
    holding: tuple[int, ...]
    open: tuple[tuple[int, Expr | None], ...]
    given_up: tuple[int, ...]
    solution: dict[Symbol, Expr]

    @property
    def roots(self) -> dict[Symbol, Expr]:
        """The roots that were named, each with its polynomial."""
        return {move.value: move.root for move in self.moves if move.root is not None}

    @property
    def divisors(self) -> tuple[Expr, ...]:
        """What is taken to be nonzero, each once."""
        return tuple(dict.fromkeys(m.divisor for m in self.moves if m.divisor != 1))


def eliminate(equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> Elimination:
    """The equations `.. = 0` solved for `unknowns` as far as one gets by hand.

    >>> from sympy.abc import a, b, x, y
    >>> found = eliminate([x * y - b, x + y - a], [x, y])
    >>> [(move.unknown, move.value, move.root) for move in found.moves]
    [(y, a - x, None), (x, t, -a*t + b + t**2)]
    >>> found.solution
    {y: a - t, x: t}
    """
    work = _Work(equations, unknowns)
    while work.step():
        pass
    return work.result()


class _Choice(NamedTuple):
    """A way to solve one equation; the smallest one is taken."""

    unknowns: int  # in the equation
    effort: int  # the terms of what is divided by, 0 for a number
    terms: int
    equation: int
    place: int  # of the unknown, negative: the last one first


class _Work:
    def __init__(self, equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> None:
        known = sorted(
            {s for e in equations for s in e.free_symbols} - set(unknowns), key=lambda s: s.name
        )
        self.names = root_names(len(unknowns))
        # Later roots first: then a root's polynomial leads with its highest power, also where its
        # coefficients hold earlier roots, and dividing by it lowers that power.
        symbols = [*reversed(self.names), *unknowns, *known]
        self.ring = PolyRing(symbols, QQ, lex)
        self.first = len(self.names)
        self.symbols = symbols
        self.unknowns = range(self.first, self.first + len(unknowns))
        self.open = {n: self.ring.from_expr(e) for n, e in enumerate(equations)}
        self.roots: list[tuple[int, Polynomial]] = []
        self.divisors: list[Polynomial] = []
        self.seen: dict[int, tuple[Polynomial, list[_Choice], frozenset[int]]] = {}
        self.given_up: list[int] = []
        self.used: dict[int, tuple[int, ...]] = {}
        self.moves: list[tuple[Move, Polynomial, Polynomial, int]] = []

    def step(self) -> bool:
        """Solve one more equation; False where none can be."""
        for number, equation in self.open.items():
            if number not in self.seen or self.seen[number][0] is not equation:
                short = len(equation) <= _LONGEST
                choices = list(self._choices(number, equation)) if short else []
                self.seen[number] = (equation, choices, self._held(equation))
        choices = sorted(c for number in self.open for c in self.seen[number][1])
        # Dividing by something long makes everything after it long: other ways first.
        easy = [c for c in choices if c.unknowns == 1 or c.effort <= 1]
        hard = [c for c in choices if c.unknowns > 1 and c.effort > 1]
        return any(map(self._take, easy)) or self._combine() or any(map(self._take, hard))

    def _choices(self, number: int, equation: Polynomial) -> Iterator[_Choice]:
        degrees = {u: d for u in self.unknowns if (d := degree(equation, u))}
        for unknown, power in degrees.items():
            if power == 1:
                before = coefficients(equation, unknown)[1]
                if not self._held(before):
                    effort = 0 if before.is_ground else len(before)
                    yield _Choice(len(degrees), effort, len(equation), number, -unknown)
            elif len(degrees) == 1:
                yield _Choice(1, _ROOT, len(equation), number, -unknown)

    def _combine(self) -> bool:
        """Subtract a multiple of one equation from another where that leaves a single unknown."""
        short = [n for n, p in self.open.items() if len(p) <= _LONGEST_PAIRED]
        held = {n: self.seen[n][2] for n in short}
        for one, other in permutations(short, 2):
            if held[one] != held[other] or len(held[one]) != 2:
                continue
            for unknown in sorted(held[one], reverse=True):
                leading = coefficients(self.open[one], unknown)[-1]
                if self._held(leading) or self._vanishes(leading):
                    continue
                rest = pseudo_remainder(self.open[other], self.open[one], unknown)
                rest = self._reduced(rest)
                if len(self._held(rest)) == 1:
                    if not leading.is_ground:
                        self.divisors.append(leading.primitive()[1])
                    self.open[other] = self._reduced(rest)
                    self.used[other] = (*self.used.get(other, ()), one)
                    return True
        return False

    def _held(self, polynomial: Polynomial) -> frozenset[int]:
        return frozenset(u for u in self.unknowns if degree(polynomial, u))

    def _take(self, choice: _Choice) -> bool:
        number, unknown = choice.equation, -choice.place
        equation, others = self.open[number], []
        if choice.effort == _ROOT:
            factors = [f for f, _ in equation.factor_list()[1] if degree(f, unknown)]
            factors.sort(key=lambda f: (degree(f, unknown), len(f)))
            equation, *others = factors
        root = None
        if degree(equation, unknown) == 1:
            rest, before = coefficients(equation, unknown)
            above, below = self._lowest(-rest, before)
        else:
            place = self.first - 1 - len(self.roots)
            root = substituted(equation, unknown, self.ring.gens[place], self.ring.one)
            before = coefficients(root, place)[-1]
            above, below = self.ring.gens[place], self.ring.one
        if self._vanishes(before):
            return False
        remaining = {n: p for n, p in self.open.items() if n != number}
        made = {n: self._put(p, unknown, above, below) for n, p in remaining.items()}
        kept = {n: p for n, p in made.items() if p is not None}
        free = set().union(*(self._held(p) for p in self.open.values())) - {unknown}
        if len(kept) < len(made) and len(kept) < len(free):
            return False  # too few equations would be left for the other unknowns
        self.given_up += sorted(made.keys() - kept.keys())
        self.open = kept
        if root is not None:
            self.roots.append((place, root))
        if not before.is_ground:
            self.divisors.append(before.primitive()[1])
        self.open = {n: self._reduced(p) for n, p in self.open.items()}
        move = Move(
            number,
            self.symbols[unknown],
            above.as_expr() / below.as_expr(),
            self.divisors[-1].as_expr() if not before.is_ground else S.One,
            None if root is None else root.as_expr(),
            tuple(other.as_expr() for other in others),
            self.used.get(number, ()),
        )
        self.moves.append((move, above, below, unknown))
        return True

    def _put(
        self, polynomial: Polynomial, unknown: int, above: Polynomial, below: Polynomial
    ) -> Polynomial | None:
        parts = coefficients(polynomial, unknown)
        if _made(parts, above, below, len(parts) - 1) > _LONGEST_MADE:
            return None
        return substituted(polynomial, unknown, above, below)

    def _lowest(self, above: Polynomial, below: Polynomial) -> tuple[Polynomial, Polynomial]:
        above, below = above.cancel(below)
        return above, below

    def _reduced(self, polynomial: Polynomial) -> Polynomial:
        """The polynomial modulo the roots, without the factors that are taken to be nonzero."""
        reduced = polynomial.rem([root for _, root in self.roots]) if self.roots else polynomial
        if self._vanishes(reduced):
            return self.ring.zero
        for divisor in self.divisors:
            while True:
                quotient, rest = reduced.div(divisor)
                if rest:
                    break
                reduced = quotient
        return reduced.primitive()[1]

    def _vanishes(self, polynomial: Polynomial) -> bool:
        """Whether it is zero for every root, given that no leading coefficient of one is zero."""
        for place, root in reversed(self.roots):
            polynomial = pseudo_remainder(polynomial, root, place)
        return not polynomial

    def result(self) -> Elimination:
        conditions, holding, still_open = [], [], []
        for number, equation in self.open.items():
            if not equation:
                holding.append(number)
            elif self._held(equation):
                short = len(equation) <= _LONGEST_PAIRED
                still_open.append((number, equation.as_expr() if short else None))
            else:
                conditions.append((number, equation.as_expr()))
        moves = tuple(move for move, *_ in self.moves)
        return Elimination(
            moves,
            tuple(conditions),
            tuple(holding),
            tuple(still_open),
            tuple(sorted(self.given_up)),
            self._solution(),
        )

    def _solution(self) -> dict[Symbol, Expr]:
        solved: dict[Symbol, Expr] = {}
        later: list[tuple[int, Polynomial, Polynomial]] = []
        for move, above, below, unknown in reversed(self.moves):
            for place, over, under in later:
                parts = [coefficients(p, place) for p in (above, below)]
                power = max(map(len, parts)) - 1
                if any(_made(part, over, under, power) > _LONGEST_MADE for part in parts):
                    continue
                above = substituted(above, place, over, under, power)
                below = substituted(below, place, over, under, power)
            above, below = self._lowest(self._modulo_roots(above), self._modulo_roots(below))
            later.insert(0, (unknown, above, below))
            solved[move.unknown] = above.as_expr() / below.as_expr()
        return {move.unknown: solved[move.unknown] for move, *_ in self.moves}

    def _modulo_roots(self, polynomial: Polynomial) -> Polynomial:
        return polynomial.rem([root for _, root in self.roots]) if self.roots else polynomial


def root_names(count: int) -> list[Symbol]:
    """The names of roots: t, s, then t2, s2, ..

    >>> root_names(3)
    [t, s, t2]
    """
    turns = [str(n // 2 + 1) if n > 1 else "" for n in range(count)]
    return [Symbol("ts"[n % 2] + turn) for n, turn in enumerate(turns)]


def degree(polynomial: Polynomial, place: int) -> int:
    """The highest power of generator number `place`; 0 for the zero polynomial."""
    return max((monomial[place] for monomial in polynomial), default=0)


def coefficients(polynomial: Polynomial, place: int) -> list[Polynomial]:
    """What stands before each power of generator number `place`, the power 0 first."""
    ring = polynomial.ring
    parts = [ring.zero for _ in range(degree(polynomial, place) + 1)]
    for monomial, number in polynomial.items():
        parts[monomial[place]][(*monomial[:place], 0, *monomial[place + 1 :])] = number
    return parts


def _made(parts: list[Polynomial], above: Polynomial, below: Polynomial, power: int) -> int:
    """At most how many terms a substitution makes before like ones are collected."""
    return sum(
        len(part) * len(above) ** n * len(below) ** (power - n) for n, part in enumerate(parts)
    )


def substituted(
    polynomial: Polynomial,
    place: int,
    above: Polynomial,
    below: Polynomial,
    power: int | None = None,
) -> Polynomial:
    """The polynomial with `above/below` for generator `place`, times `below` to `power`.

    The power is the degree, unless given: the least that clears the denominator.
    """
    power = degree(polynomial, place) if power is None else power
    total = polynomial.ring.zero
    for exponent, part in enumerate(coefficients(polynomial, place)):
        if part:
            # sympy refuses 0**0, and `above` may be 0.
            over = above**exponent if exponent else polynomial.ring.one
            total += part * over * below ** (power - exponent)
    return total


def pseudo_remainder(polynomial: Polynomial, root: Polynomial, place: int) -> Polynomial:
    """The remainder by `root` in generator `place`, times a power of root's leading coefficient."""
    of_root = coefficients(root, place)
    leading, top = of_root[-1], len(of_root) - 1
    generator = polynomial.ring.gens[place]
    while polynomial and (power := degree(polynomial, place)) >= top:
        before = coefficients(polynomial, place)[-1]
        polynomial = polynomial * leading - root * before * generator ** (power - top)
    return polynomial
