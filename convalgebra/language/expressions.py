"""Sizes as text: reading them, and their value where the names are known."""

from __future__ import annotations

import re
from collections.abc import Mapping

from convalgebra.errors import LanguageError, SizeError, Source
from convalgebra.language.scanner import MAX_DIGITS, Scanner
from convalgebra.language.syntax import Product, Sum, Unit, number
from convalgebra.sizes import Size, exact_divide, floor_divide, simplest, symbol

MAX_NESTING = 100
_MAX_UNITS = 100  # in one expression: a product of many sums has a term for each choice
_MAX_TERMS = 64
_MAX_DEGREE = 32

# One letter with digits, never x X nor a letter that begins a modifier.
LETTER = r"[acefh-nqrt-wyzA-WYZ]\d*"
SIZE = rf"(?:\d+(?:[A-WYZ]\d*)?|{LETTER})"
_CAPITAL = re.compile(r"[A-WYZ][0-9]*")
_LETTER = re.compile(LETTER, re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OPERATOR = re.compile(r"//|[*/]")


def parse_size(scanner: Scanner, what: str, after: str) -> Sum:
    """`size = number [ capital ] | letter | "(" expr ")"`"""
    start = scanner.at
    character = scanner.peek()
    if character.isascii() and character.isdigit():
        value = scanner.number()
        capital = scanner.match(_CAPITAL)
        if capital is None:
            return number(value, scanner.span(start))
        return Sum(((1, Product(value, (("*", capital),))),), scanner.span(start))
    if character == "(":
        scanner.at += 1
        return parse_parenthesised(scanner, start)
    letter = scanner.match(_LETTER)
    if letter is None:
        hint = "write -n inside parentheses as (0 - n)" if character == "-" else ""
        scanner.fail(
            f"expected {what} after {after}, found {scanner.here()}", scanner.run_span(), hint
        )
    return Sum(((1, Product(letter)),), scanner.span(start))


def parse_parenthesised(scanner: Scanner, start: int) -> Sum:
    """`expr ")"`, the opening parenthesis read at `start`."""
    return _Reader(scanner).parenthesised(start)


def parse_expression(scanner: Scanner) -> Sum:
    """`expr = product { ("+"|"-") product }`"""
    return _Reader(scanner).expression()


class _Reader:
    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.units = 0
        self.depth = 0

    def parenthesised(self, start: int) -> Sum:
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.scanner.fail(f"parentheses nested more than {MAX_NESTING} deep")
        inner = self.expression()
        if self.scanner.peek() != ")":
            self.scanner.fail(
                f"expected `)` after the size, found {self.scanner.here()}", self.scanner.run_span()
            )
        self.scanner.at += 1
        self.depth -= 1
        return inner._replace(span=self.scanner.span(start))

    def expression(self) -> Sum:
        """`expr = product { ("+"|"-") product }`"""
        scanner = self.scanner
        scanner.skip_lines()
        start = scanner.at
        products = [(1, self.product())]
        while True:
            scanner.skip_lines()
            sign = scanner.peek()
            if sign not in ("+", "-"):
                return Sum(tuple(products), scanner.span(start))
            scanner.at += 1
            products.append((1 if sign == "+" else -1, self.product()))

    def product(self) -> Product:
        """`product = unit { ("*"|"/"|"//") unit }`"""
        first = self.unit("a number or a name")
        rest = []
        while True:
            self.scanner.skip_lines()
            operator = self.scanner.match(_OPERATOR)
            if operator is None:
                return Product(first, tuple(rest))
            rest.append((operator, self.unit(f"a number or a name after `{operator}`")))

    def unit(self, expected: str) -> Unit:
        """`unit = size | name`"""
        scanner = self.scanner
        scanner.skip_lines()
        start = scanner.at
        self.units += 1
        if self.units > _MAX_UNITS:
            scanner.fail(f"a size of more than {_MAX_UNITS} numbers and names")
        if scanner.peek() == "(":
            scanner.at += 1
            return self.parenthesised(start)
        if scanner.peek().isdigit() and scanner.peek().isascii():
            value = scanner.number()
            capital = scanner.match(_CAPITAL)
            if capital is None:
                return value
            return Sum(((1, Product(value, (("*", capital),))),), scanner.span(start))
        name = scanner.match(_NAME)
        if name is None:
            scanner.fail(f"expected {expected}, found {scanner.here()}", scanner.run_span())
        return name


def names_in(expression: Sum) -> list[str]:
    """The names in an expression, as often as they stand there."""
    found = []
    stack: list[Unit] = [expression]
    while stack:
        unit = stack.pop()
        if isinstance(unit, str):
            found.append(unit)
        elif not isinstance(unit, int):
            for _, product in unit.products:
                stack.append(product.first)
                stack.extend(other for _, other in product.rest)
    return found


def evaluate(expression: Sum, parameters: Mapping[str, Size], source: Source) -> Size:
    """The value of an expression; a name that is no parameter is a named size.

    Raises LanguageError, at the place, for a division that leaves a rest and for sizes too large.
    """
    try:
        return _sum(expression, parameters)
    except SizeError as error:
        raise LanguageError(str(error), source, expression.span) from None


def _sum(expression: Sum, parameters: Mapping[str, Size]) -> Size:
    total: Size = 0
    for sign, product in expression.products:
        total = _limited(total + sign * _product(product, parameters))
    return total


def _product(product: Product, parameters: Mapping[str, Size]) -> Size:
    value = _unit(product.first, parameters)
    for operator, unit in product.rest:
        other = _unit(unit, parameters)
        if operator == "*":
            value = _limited(value * other)
        elif operator == "/":
            value = _limited(exact_divide(value, other))
        else:
            value = _limited(floor_divide(value, other))
    return value


def _unit(unit: Unit, parameters: Mapping[str, Size]) -> Size:
    if isinstance(unit, int):
        return unit
    if isinstance(unit, str):
        return parameters[unit] if unit in parameters else symbol(unit)
    return _sum(unit, parameters)


def _limited(value: Size) -> Size:
    if isinstance(value, int):
        if abs(value) >= 10**MAX_DIGITS:
            raise SizeError(f"a size of more than {MAX_DIGITS} digits")
        return value
    value = simplest(value)
    if isinstance(value, int):
        return _limited(value)
    from sympy import Add, Pow

    if len(Add.make_args(value)) > _MAX_TERMS:
        raise SizeError(f"a size of more than {_MAX_TERMS} terms")
    if any(abs(power.exp) > _MAX_DEGREE for power in value.atoms(Pow)):
        raise SizeError(f"a size with a power above {_MAX_DEGREE}")
    return value


