"""What a figure in named sizes depends on, where it is the same for all of them that leave a rest.

'same' padding puts `(ceil(i/s) - 1) s + d(k - 1) + 1 - i` zeros around i inputs: how many stand
before them depends on what i leaves when it is divided by the strides, and on nothing else. So does
the left edge of a field behind such layers.
"""

from __future__ import annotations

from functools import lru_cache
from math import lcm
from typing import Any, NamedTuple

from convalgebra.cost.receptive_field.amounts import Amount, divided, is_formula
from convalgebra.sizes import names, simplest, symbol

_LARGEST_MODULUS = 2**12


class Remainders(NamedTuple):
    """A figure that depends on the rest of `name` divided by the number of `values` alone.

    `values[r]` is the figure where the rest is r.
    """

    name: str
    values: tuple[Amount, ...]


def by_remainder(figure: Amount | None) -> Remainders | None:
    """What a figure is for every rest of its one named size; None if it depends on more.

    >>> from convalgebra.sizes import floor_divide
    >>> by_remainder(2 * floor_divide(symbol("H"), 2) - symbol("H"))
    Remainders(name='H', values=(0, -1))
    """
    if not is_formula(figure):
        return None
    return _by_remainder(figure)


@lru_cache(maxsize=1024)
def _by_remainder(figure: Any) -> Remainders | None:
    named = names(figure)
    if len(named) != 1:
        return None
    (name,) = named
    modulus = _modulus(figure)
    if modulus > _LARGEST_MODULUS:
        return None
    moved = _canonical(figure.subs(symbol(name), symbol(name) + modulus))
    if _canonical(moved - figure) != 0:
        return None
    values = [_canonical(figure.subs(symbol(name), modulus + rest)) for rest in range(modulus)]
    return Remainders(name, _shortest([_number(value) for value in values]))


def _modulus(figure: Any) -> int:
    """A number by which the name may grow so that every floor grows by a whole number."""
    from sympy import Rational, floor

    inside = [one.args[0] for one in figure.atoms(floor)]
    return lcm(*(int(number.q) for part in inside for number in part.atoms(Rational)))


def _canonical(figure: Any) -> Any:
    from sympy import floor

    from convalgebra.sizes import floor_divide

    return simplest(figure.replace(floor, lambda inside: floor_divide(inside, 1)))


def _number(value: Any) -> Amount:
    return value if isinstance(value, int) else divided(int(value.p), int(value.q))


def _shortest(values: list[Amount]) -> tuple[Amount, ...]:
    """The values over the smallest number of which they repeat themselves."""
    for number in range(1, len(values)):
        if len(values) % number == 0 and values == values[:number] * (len(values) // number):
            return tuple(values[:number])
    return tuple(values)
