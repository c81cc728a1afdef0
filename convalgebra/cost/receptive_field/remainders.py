"""What a figure in named sizes depends on, where it is the same for all of them that leave a rest.

'same' padding puts `(ceil(i/s) - 1) s + d(k - 1) + 1 - i` zeros around i inputs: how many stand
before them depends on what i leaves when it is divided by the strides, and on nothing else. So does
the left edge of a field behind such layers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from convalgebra.cost.receptive_field.amounts import Amount, divided, is_formula
from convalgebra.size_values import MOST_VALUES, line_of

LARGEST_MODULUS = 2**12  # rows of a table: nobody reads more


class Remainders(NamedTuple):
    """A figure that depends on the rest of `name` divided by the number of `values` alone.

    `values[r]` is the figure where the rest is r.
    """

    name: str
    values: tuple[Amount, ...]


def by_remainder(figure: Amount | None) -> Remainders | None:
    """What a figure is for every rest of its one named size; None if it depends on more.

    >>> from convalgebra.sizes import floor_divide, symbol
    >>> by_remainder(2 * floor_divide(symbol("H"), 2) - symbol("H"))
    Remainders(name='H', values=(0, -1))
    """
    if not is_formula(figure):
        return None
    return _by_remainder(figure)


@lru_cache(maxsize=1024)
def _by_remainder(figure: Any) -> Remainders | None:
    line = line_of(figure)
    if line is None or line.slope or line.period > LARGEST_MODULUS or line.work > MOST_VALUES:
        return None
    values = line.times_denominator(range(line.period, 2 * line.period))
    return Remainders(line.name, _shortest([divided(value, line.denominator) for value in values]))


def _shortest(values: list[Amount]) -> tuple[Amount, ...]:
    """The values over the smallest number of which they repeat themselves."""
    for number in range(1, len(values)):
        if len(values) % number == 0 and values == values[:number] * (len(values) // number):
            return tuple(values[:number])
    return tuple(values)
