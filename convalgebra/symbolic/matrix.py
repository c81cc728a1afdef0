"""The dense matrix of a linear stack: every output against every input, entry by entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np
from sympy import Add, Expr, Matrix, Mul, Pow, S, SparseMatrix, Symbol

from convalgebra.arguments import shown
from convalgebra.errors import InputError, UnsupportedError
from convalgebra.network import Network
from convalgebra.readers import Input, Stack, read, read_shape
from convalgebra.shapes import Shape, shape_text
from convalgebra.symbolic.engine import (
    CONSTANT,
    LinearForm,
    letters_of,
    linear_forms,
    most_products,
    require_linear,
    weights_of,
    written,
)

_MOST_ENTRIES = 4_000_000
_MOST_TERMS = 20_000  # products of weights in all different entries: sympy takes a few seconds


class Entry(NamedTuple):
    """An entry that is not zero: a weight, a number, or a sum of products of weights."""

    row: int
    column: int
    value: Expr


@dataclass(frozen=True, repr=False)
class DenseMatrix:
    """A linear stack as one matrix, from the flattened input (columns) to the output (rows).

    `entries` are those that are not zero, row by row; `bias` has one value a row. An entry that is
    not a number is *tied* when another one must be equal to it. `free` are the weights that occur.

    >>> from convalgebra.language import parse
    >>> found = matrix(parse("3x3"), (4, 4))
    >>> (found.rows, found.columns), found.zeros, found.tied, len(found.free)
    ((4, 16), 28, 36, 9)
    >>> set(found.copies.values())
    {4}
    """

    stack: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    entries: tuple[Entry, ...]
    bias: tuple[Expr, ...]

    @property
    def rows(self) -> int:
        """The outputs, flattened."""
        return prod(self.output_shape)

    @property
    def columns(self) -> int:
        """The inputs, flattened."""
        return prod(self.input_shape)

    @property
    def size(self) -> int:
        """All entries, zeros included."""
        return self.rows * self.columns

    @property
    def zeros(self) -> int:
        """The entries that are zero whatever the weights are."""
        return self.size - len(self.entries)

    @cached_property
    def copies(self) -> dict[Expr, int]:
        """How many times each different entry stands in the matrix, numbers not counted."""
        return dict(Counter(e.value for e in self.entries if not e.value.is_number))

    @property
    def fixed(self) -> int:
        """The entries that are a number other than zero whatever the weights are."""
        return len(self.entries) - sum(self.copies.values())

    @property
    def tied(self) -> int:
        """The entries, numbers not counted, that are equal to another one whatever the weights."""
        return sum(times for times in self.copies.values() if times > 1)

    @cached_property
    def free(self) -> tuple[Symbol, ...]:
        """The weights that occur in the matrix, in the order in which they do."""
        # A dict keeps the order, and a tap that only ever reads padding does not occur.
        found: dict[Symbol, None] = {}
        for value in self.copies:
            symbols = [value] if value.is_Symbol else sorted(value.free_symbols, key=str)
            found.update(dict.fromkeys(symbols))
        return tuple(found)

    @property
    def is_plain(self) -> bool:
        """Whether every entry is a weight or a number, as for one layer."""
        return all(value.is_Symbol for value in self.copies)

    def to_sympy(self) -> Matrix:
        """The matrix as a sympy Matrix."""
        places = {(entry.row, entry.column): entry.value for entry in self.entries}
        return Matrix(SparseMatrix(self.rows, self.columns, places))

    def to_numpy(self, values: Mapping[Any, Any]) -> Any:
        """The matrix as a numpy array of floats, for given values of the weights by name.

        >>> from convalgebra.language import parse
        >>> matrix(parse("2"), (3,)).to_numpy({"a0": 1, "a1": -1})
        array([[ 1., -1.,  0.],
               [ 0.,  1., -1.]])

        Raises InputError where a weight has no value.
        """
        numbers = self._numbers(values, self.free)
        evaluated = {value: _evaluate(value, numbers) for value in {e.value for e in self.entries}}
        array = np.zeros((self.rows, self.columns))
        for row, column, value in self.entries:
            array[row, column] = evaluated[value]
        return array

    def bias_to_numpy(self, values: Mapping[Any, Any]) -> Any:
        """The bias, one a row, as a numpy array of floats, for given values by name."""
        occurring = sorted({s for value in self.bias for s in value.free_symbols}, key=str)
        numbers = self._numbers(values, tuple(occurring))
        return np.array([_evaluate(value, numbers) for value in self.bias], dtype=float)

    def _numbers(self, values: Mapping[Any, Any], wanted: tuple[Symbol, ...]) -> dict[str, Any]:
        if not isinstance(values, Mapping):
            raise InputError(f"values are a dictionary from names to numbers, not {shown(values)}")
        numbers = {str(name): value for name, value in values.items()}
        missing = [symbol.name for symbol in wanted if symbol.name not in numbers]
        if missing:
            first = ", ".join(missing[:5]) + (", .." if len(missing) > 5 else "")
            raise InputError(f"{len(missing)} of {len(wanted)} weights have no value: {first}")
        return numbers

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        return {
            "schema": "convalgebra.matrix/1",
            "stack": self.stack,
            "input": list(self.input_shape),
            "output": list(self.output_shape),
            "rows": self.rows,
            "columns": self.columns,
            "entries": self.size,
            "zeros": self.zeros,
            "tied": self.tied,
            "fixed": self.fixed,
            "free": [symbol.name for symbol in self.free],
            "copies": [{"entry": str(value), "times": n} for value, n in self.copies.items()],
            "nonzero": [[row, column, str(value)] for row, column, value in self.entries],
            "bias": [str(value) for value in self.bias],
        }

    def __repr__(self) -> str:
        return f"DenseMatrix({self.stack}, {self.rows} x {self.columns})"

    def __str__(self) -> str:
        from convalgebra.render.matrix_text import matrix_to_text

        return matrix_to_text(self)

    def _repr_html_(self) -> str:
        from convalgebra.render.matrix_latex import matrix_to_html

        return matrix_to_html(self)


def matrix(network: Network, shape: Shape | None = None, first: int | None = None) -> DenseMatrix:
    """The dense matrix of a linear network on an input of `shape` (its own, if None).

    A shape with as many sizes as the kernel has axes means one channel. `first` is the number of
    the first letter: 0 (`a00`) for a single layer with a kernel, else 1 (`b00`), unless given.

    >>> from convalgebra.language import parse
    >>> matrix(parse("2, 2"), (3,)).to_sympy()
    Matrix([[b0*c0, b0*c1 + b1*c0, b1*c1]])

    Raises UnsupportedError for a layer that is not linear and for matrices too large to write out.
    """
    if shape is not None:
        network = with_channel(network, shape)
    require_linear(network)
    rows, columns = prod(network.shapes[network.outputs[0]]), prod(network.shapes[0])
    if rows * columns > _MOST_ENTRIES:
        raise UnsupportedError(
            f"the matrix on {shape_text(network.shapes[0])} has {rows:,} rows and {columns:,} "
            f"columns: {rows * columns:,} entries, and {_MOST_ENTRIES:,} are the most; "
            "take a smaller input or fewer channels"
        )
    most = most_products(network)
    if most > _MOST_TERMS:
        raise UnsupportedError(
            f"one row of the matrix has {most:,} products of weights when multiplied out, and "
            f"{_MOST_TERMS:,} are the most; take fewer or smaller layers"
        )
    if first is None:
        first = 0 if len(set(letters_of(network).values())) == 1 else 1
    forms = linear_forms(network, weights_of(network, first))
    expanded = _multiplied_out(forms)
    entries = tuple(
        Entry(row, column, value)
        for row, form in enumerate(forms)
        for column in sorted(form.keys() - {CONSTANT})
        if (value := expanded[form[column]]) != 0
    )
    bias = tuple(expanded[form.get(CONSTANT, S.Zero)] for form in forms)
    return DenseMatrix(
        written(network), network.shapes[0], network.shapes[network.outputs[0]], entries, bias
    )


def matrix_of(stack: Stack, input: Input = None) -> DenseMatrix:
    """The dense matrix of a stack: text, a file, `zoo:NAME`, or a Network.

    `input` is a shape, `3x4x4`, or only the sides, `4x4`, for one channel.

    >>> matrix_of("3x3", input="4x4").zeros
    28
    """
    return matrix(read(stack), None if input is None else read_shape(input))


def with_channel(network: Network, shape: Shape) -> Network:
    """The network on an input of `shape`; one channel is meant where only the sides are given.

    >>> from convalgebra.language import parse
    >>> with_channel(parse("3x3"), (4, 4)).shape, with_channel(parse("3x3"), (2, 4, 4)).shape
    ((1, 4, 4), (2, 4, 4))
    """
    axes = network.axes
    return network.with_input((1, *shape) if len(shape) == axes else shape)


def _multiplied_out(forms: list[LinearForm]) -> dict[Expr, Expr]:
    """Each coefficient in `forms`, multiplied out; those that are tied are done once."""
    counted: dict[Expr, int] = {}
    different = {value for form in forms for value in form.values()} | {S.Zero}
    terms = sum(terms_in(value, counted) for value in different if not value.is_Symbol)
    if terms > _MOST_TERMS:
        raise UnsupportedError(
            f"the {len(different):,} different entries have {terms:,} terms in all when multiplied "
            f"out, and {_MOST_TERMS:,} are the most; take fewer or smaller layers"
        )
    known: dict[Expr, _Polynomial] = {}
    return {
        value: value if value.is_Symbol else _sum_of(_polynomial(value, known))
        for value in different
    }


# {powers: coefficient}, powers of symbols sorted by name: sympy's own `expand` takes a thousand
# times as long for sums of sums.
_Polynomial = dict[tuple[tuple[Expr, int], ...], Any]


def _polynomial(value: Expr, known: dict[Expr, _Polynomial]) -> _Polynomial:
    """An expression multiplied out; `known` keeps what was, for all that holds it.

    >>> from sympy.abc import b, c
    >>> _sum_of(_polynomial((b + c) * (2 * b - c) + 1, {}))
    2*b**2 + b*c - c**2 + 1
    """
    if value.is_number:
        return {(): value} if value else {}
    if value.is_Symbol:
        return {((value, 1),): S.One}
    found = known.get(value)
    if found is None:
        parts = [_polynomial(part, known) for part in value.args[: 1 if value.is_Pow else None]]
        if value.is_Add:
            found = {}
            for part in parts:
                for powers, coefficient in part.items():
                    found[powers] = found.get(powers, 0) + coefficient
        else:
            factors = parts * int(value.exp) if value.is_Pow else parts
            found = reduce(_product, factors)
        known[value] = found
    return found


def _product(one: _Polynomial, two: _Polynomial) -> _Polynomial:
    found: _Polynomial = {}
    for first, coefficient in one.items():
        for second, factor in two.items():
            powers = dict(first)
            for symbol, power in second:
                powers[symbol] = powers.get(symbol, 0) + power
            key = tuple(sorted(powers.items(), key=_name))
            found[key] = found.get(key, 0) + coefficient * factor
    return found


def _name(power: tuple[Expr, int]) -> str:
    return str(power[0].name)


def _sum_of(polynomial: _Polynomial) -> Expr:
    return Add(
        *(
            Mul(coefficient, *(Pow(symbol, power) for symbol, power in powers))
            for powers, coefficient in polynomial.items()
        )
    )


def terms_in(value: Expr, counted: dict[Expr, int]) -> int:
    """At most how many terms `value` has when multiplied out; `counted` keeps what is known.

    >>> from sympy.abc import b, c, d
    >>> terms_in((b + c) * (b + d) ** 2, {})
    8
    """
    if value.is_Atom:
        return 1
    known = counted.get(value)
    if known is None:
        known = counted[value] = _COMBINED[value.func](
            [terms_in(argument, counted) for argument in value.args], value
        )
    return known


# All that adding and multiplying weights can make.
_COMBINED: dict[Any, Any] = {
    Add: lambda counts, value: sum(counts),
    Mul: lambda counts, value: prod(counts),
    Pow: lambda counts, value: counts[0] ** int(value.exp),
}


def _evaluate(value: Expr, numbers: Mapping[str, Any]) -> Any:
    # Entries are multiplied out. Not lambdify: it compiles one expression, as deep as it is long.
    total: Any = 0
    for term in Add.make_args(value):
        coefficient, factors = term.as_coeff_mul()
        part: Any = float(coefficient)
        for factor in factors:
            base, exponent = factor.as_base_exp()
            part = part * numbers[base.name] ** int(exponent)
        total = total + part
    return total
