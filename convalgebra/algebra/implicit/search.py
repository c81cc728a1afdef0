"""The search for implicit equations: one degree after another, within a budget of work."""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING

from convalgebra import progress
from convalgebra.algebra.implicit.equations import ImplicitEquations, degree_of
from convalgebra.algebra.implicit.ideals import Ideal
from convalgebra.algebra.implicit.interpolation import prime
from convalgebra.algebra.implicit.parametrization import (
    MAX_TERMS,
    Parametrization,
    parametrization,
)
from convalgebra.algebra.implicit.parts import Part, parts, shape
from convalgebra.budget import Budget
from convalgebra.errors import UnsupportedError
from convalgebra.interrupts import compiled

if TYPE_CHECKING:
    from convalgebra.algebra.families import Family

BUDGET = 3_000_000_000  # about as many nanoseconds
_PER_EXPONENT = 3_000  # of a product of weights, to find the gradings
_PER_DERIVATIVE = 1_000


def implicit_equations(
    family: Family,
    *,
    max_degree: int | None = None,
    dimension: int | None = None,
    budget: int = BUDGET,
) -> ImplicitEquations:
    """The equations of the closure of the image of a stack, in its coordinates.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> found = implicit_equations(family_of(parse("2x2, 2x2")))
    >>> found.degrees, found.empty_up_to
    ({6: 39}, 5)

    Without `max_degree` the search goes on until the closure of the image is a component of what
    the equations cut out. `dimension`, if it is known and proved, saves a rank where it is that of
    all coordinates. `budget` is about the number of nanoseconds to spend; the work for a degree is
    estimated before it is begun.
    """
    if dimension == family.ambient:
        return _result(family, dimension)
    meter = Budget(budget)
    rows = _jacobian(family, meter)
    if rows is None:
        why = f"the Jacobian of {family.text} is too large for the budget"
        return _result(family, dimension or 0, why)
    lower = rank_at(rows, range(family.ambient))
    if lower == family.ambient:
        return _result(family, lower)
    try:
        found = parametrization(family)
    except UnsupportedError as error:
        return _result(family, max(lower, dimension or 0), str(error))
    products = sum(map(len, found.monomials))
    if not meter.takes(_PER_EXPONENT * products * family.weights):
        why = f"the gradings of {products:,} products of {family.weights:,} weights are too much"
        return _result(family, max(lower, dimension or 0), f"{why} for the budget")
    return _searched(found, rows, meter, max_degree)


def _result(family: Family, dimension: int, stopped: str | None = None) -> ImplicitEquations:
    """Without equations: there are none, or the search was not begun."""
    places = family.coordinates if family.ambient <= MAX_TERMS else ()
    none = None if stopped is None else 0
    return ImplicitEquations(
        text=family.text,
        coordinates=places,
        centre=(Fraction(0),) * len(places),
        equations=(),
        empty_up_to=none,
        searched_up_to=none,
        complete=stopped is None,
        minimal=True,
        independent=0,
        dimension=dimension,
        ambient=family.ambient,
        stopped=stopped,
    )


def _jacobian(family: Family, meter: Budget) -> list[dict[int, int]] | None:
    """The Jacobian mod a prime at a random point, None where that is too much work."""
    rows, columns = family.weights, family.ambient
    if not meter.takes(rows * columns * (_PER_DERIVATIVE + min(rows, columns) // 4)):
        return None
    random, p = Random(1), prime(0)
    return family.jacobian([random.randrange(1, p) for _ in range(rows)], p)


@compiled()
def rank_at(rows: list[dict[int, int]], columns: range | tuple[int, ...]) -> int:
    """The rank of some columns of a matrix, given by its rows, mod the first prime.

    >>> rank_at([{0: 1, 2: 3}, {0: 2, 2: 6}], range(3))
    1
    """
    from flint import nmod_mat

    numbers = {column: number for number, column in enumerate(columns)}
    matrix = nmod_mat(len(rows), len(numbers), prime(0))
    for number, row in enumerate(rows):
        for column, value in row.items():
            if column in numbers:
                matrix[number, numbers[column]] = value
    return int(matrix.rank())


def _searched(
    found: Parametrization, rows: list[dict[int, int]], meter: Budget, max_degree: int | None
) -> ImplicitEquations:
    free, split = parts(found)
    alike: dict[Hashable, list[Part]] = {}
    for part in split:
        alike.setdefault(shape(found, part), []).append(part)
    copies = [
        (Ideal(found, same[0], rank_at(rows, same[0]), meter), same) for same in alike.values()
    ]
    ideals = [ideal for ideal, _ in copies]
    stopped = None
    degree = 0
    while stopped is None and (max_degree is None or degree < max_degree):
        waiting = [
            ideal
            for ideal in ideals
            if not (ideal.complete or (max_degree is None and ideal.cuts_out))
        ]
        if not waiting:
            break
        progress.report(f"equations of degree {degree + 1} of {found.family.text}")
        for ideal in waiting:
            stopped = stopped or ideal.seek(degree + 1)
        degree += stopped is None
    complete = all(ideal.complete for ideal in ideals)
    equations = [
        ideal.polynomial(form, part)
        for ideal, same in copies
        for part in same
        for form in ideal.generators
    ]
    equations.sort(key=degree_of)
    lowest = degree_of(equations[0]) if equations else None
    least = None if complete else degree
    return ImplicitEquations(
        text=found.family.text,
        coordinates=found.family.coordinates,
        centre=found.centre,
        equations=tuple(equations),
        empty_up_to=least if lowest is None else lowest - 1,
        searched_up_to=least,
        complete=complete,
        minimal=all(ideal.minimal for ideal in ideals),
        independent=sum(len(same) * ideal.independent for ideal, same in copies),
        dimension=len(free) + sum(len(same) * ideal.dimension for ideal, same in copies),
        ambient=len(found.polynomials),
        stopped=stopped,
    )
