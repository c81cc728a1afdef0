"""Sizes as text: reading them, and their value where the names are known."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from convalgebra.errors import LanguageError, SizeError, Source
from convalgebra.language.scanner import MAX_DIGITS, Scanner
from convalgebra.language.syntax import OPERATORS, Expression, Side, SizeText
from convalgebra.sizes import (
    Size,
    floor_divide,
    is_named,
    limited,
    quotient,
    settled,
    symbol,
    text,
)

_MAX_UNITS = 100  # in one expression; no size that somebody means is longer
_MAX_VALUE = 50  # in its value, so that it can be written again
_MOST_READINGS = 4

# One letter with digits, never x X nor a letter that begins a modifier.
LETTER = r"[acefh-nqrt-wyzA-WYZ]\d*"
SIZE = rf"(?:\d+(?:[A-WYZ]\d*)?|{LETTER})"
_CAPITAL = re.compile(r"[A-WYZ][0-9]*")
_LETTER = re.compile(LETTER, re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OPERATOR = re.compile(r"//|[-+*/]")
_RANK = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2}


def parse_sizes(scanner: Scanner, what: str = "a size") -> tuple[SizeText, ...]:
    """`sizes = size { "x" size }`"""
    values = [parse_size(scanner, what)]
    while scanner.peek() == "x":
        scanner.read(1)
        values.append(parse_size(scanner, what))
    return tuple(values)


def parse_kernel(scanner: Scanner) -> tuple[SizeText, ...]:
    """`kernel = side { "x" side }`"""
    values = [_side(scanner, "the taps of a kernel")]
    while scanner.peek() == "x":
        scanner.read(1)
        values.append(_side(scanner, "a size"))
    return tuple(values)


def parse_shape(scanner: Scanner) -> tuple[Side, ...]:
    """`shape = sizes`"""
    sides: list[Side] = []
    while not sides or scanner.peek() == "x":
        if sides:
            scanner.read(1)
        start = scanner.at
        size = parse_size(scanner, "a size" if sides else "a shape like 3x224x224")
        sides.append(Side(size, scanner.span(start)))
    return tuple(sides)


def parse_size(scanner: Scanner, what: str) -> SizeText:
    """`size = number [ capital ] | letter | "(" expr ")"`; `what` is what an error expects."""
    start = scanner.at
    side = _side(scanner, what)
    if isinstance(side, int):
        capital = scanner.name(_CAPITAL)
        if capital is not None:
            return Expression((side, capital, "*"), scanner.span(start))
    return side


def _side(scanner: Scanner, what: str) -> SizeText:
    """`side = number | letter | "(" expr ")"`"""
    start = scanner.at
    number = scanner.number()
    if number is not None:
        return number
    if scanner.peek() == "(":
        return _postfix(scanner, closed=True)
    letter = scanner.name(_LETTER)
    if letter is None:
        scanner.expected(what, "no sign stands before a size" if scanner.peek() == "-" else "")
    return Expression((letter,), scanner.span(start))


def parse_expression(scanner: Scanner) -> Expression:
    """`expr = product { ("+"|"-") product }`, `product = unit { ("*"|"/"|"//") unit }`"""
    return _postfix(scanner, closed=False)


def parse_bound(scanner: Scanner) -> Expression:
    """`[ "-" ] expr`: a bound of a slice may count from the end, as in Python."""
    return _postfix(scanner, closed=False, signed=True)


def _postfix(scanner: Scanner, closed: bool, signed: bool = False) -> Expression:
    """An expression; if `closed`, one that ends where its first parenthesis is closed."""
    scanner.skip_lines()
    start, outside, units = scanner.at, scanner.depth, 0
    code: list[int | str] = []
    waiting: list[str] = []  # operators and parentheses whose right side is still to come
    if signed and scanner.peek() == "-":
        scanner.read(1)
        code.append(0)
        waiting.append("-")
    while True:
        while scanner.peek() == "(":
            scanner.open()
            waiting.append("(")
        _unit(scanner, code)
        units += 1
        if units > _MAX_UNITS:
            scanner.fail(f"a size of more than {_MAX_UNITS} numbers and names")
        while scanner.depth > outside and _next_sign(scanner) == ")":
            scanner.read(1)
            scanner.depth -= 1
            while waiting[-1] != "(":
                code.append(waiting.pop())
            waiting.pop()
            if closed and scanner.depth == outside:
                return Expression(tuple(code), scanner.span(start))
        scanner.skip_lines()
        sign = scanner.match(_OPERATOR)
        if sign is None:
            break
        while waiting and _RANK.get(waiting[-1], 0) >= _RANK[sign]:
            code.append(waiting.pop())
        waiting.append(sign)
        scanner.skip_lines()
    if scanner.depth > outside:
        scanner.expected("`)`")
    return Expression((*code, *reversed(waiting)), scanner.span(start))


def _next_sign(scanner: Scanner) -> str:
    scanner.skip_lines()
    return scanner.peek()


def _unit(scanner: Scanner, code: list[int | str]) -> None:
    """`unit = size | name`"""
    number = scanner.number()
    if number is not None:
        code.append(number)
        capital = scanner.name(_CAPITAL)
        if capital is not None:
            code.extend((capital, "*"))
    else:
        name = scanner.name(_NAME)
        if name is None:
            scanner.expected("a number or a name")
        code.append(name)


_APPLY: dict[str, Callable[[Size, Size], Size]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": quotient,
    "//": floor_divide,
}
assert _APPLY.keys() == OPERATORS == _RANK.keys()


def evaluate(expression: SizeText, parameters: Mapping[str, Size], source: Source) -> Size:
    """The value of an expression; a name that is no parameter is a named size.

    Raises LanguageError, at the place, for a division that leaves a rest and for sizes too large.
    """
    if isinstance(expression, int):
        return expression
    values: list[Size] = []
    try:
        for unit in expression.code:
            if isinstance(unit, int):
                values.append(unit)
            elif unit in _APPLY:
                right, left = values.pop(), values.pop()
                result = _APPLY[unit](left, right)
                if is_named(left) or is_named(right):
                    from convalgebra.size_quotients import with_needs

                    result = with_needs(limited(result, MAX_DIGITS, _MAX_VALUE), unit, left, right)
                values.append(limited(result, MAX_DIGITS, _MAX_VALUE))
            else:
                values.append(parameters[unit] if unit in parameters else symbol(unit))
    except SizeError as error:
        raise LanguageError(str(error), source, expression.span) from None
    return values.pop()


def evaluate_whole(expression: SizeText, parameters: Mapping[str, Size], source: Source) -> Size:
    """The value of an expression that has to be whole, in the form in which its text reads back.

    Raises LanguageError as `evaluate` does, and for a size that is too long to be written.
    """
    size = settled(evaluate(expression, parameters, source))
    if isinstance(size, int) or isinstance(expression, int):
        return size
    try:
        return _as_read(size)
    except LanguageError as error:
        raise LanguageError(error.message, source, expression.span) from None


@lru_cache(maxsize=4096)
def _as_read(size: Size) -> Size:
    for _ in range(_MOST_READINGS):
        source = Source(f"({text(size)})")
        again = settled(evaluate(_postfix(Scanner(source), closed=True), {}, source))
        if again == size:
            return size
        size = again
    raise LanguageError("a size that cannot be written down; write it in fewer steps")
