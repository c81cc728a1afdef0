"""The field over which a polynomial that is irreducible over Q splits, and a factor over it.

With h = (h_1, .., h_n) a closed form (see `absolute`), its residues along the r factors over C are
conjugate numbers; if they are different, they are the roots of a polynomial m(t), irreducible over
Q of degree r, and the factor along which the residue is a has coefficients in Q(a) (Gao, Math.
Comp. 72, 2003). On a line parallel to the first axis, `h_1 = sum a_j f_j' f / f_j` by Lagrange, so
the residues are the values of `h_1 / f_1` at the roots of f: m is the minimal polynomial of
multiplication by `h_1 / f_1` modulo f.

The closed form with residue 1 along one factor g and 0 along the others is `f dg / g`. So g is,
up to a number, the only polynomial of the degrees of f over r with `f g_1 = h_1 g`, which is a
system of linear equations over Q(a). What comes out is verified: the product of g over all
conjugates of a, a resultant, is f times a number.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import product
from math import lcm
from random import Random
from typing import Any, NamedTuple

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.kernels.factoring.absolute import closed_form_solutions
from convalgebra.kernels.factoring.fields import (
    RATIONALS,
    Element,
    Field,
    element,
    number,
    polynomial,
    substituted,
)
from convalgebra.kernels.factoring.polynomials import (
    Terms,
    active,
    degree,
    off_axes,
    on_axes,
    plain,
    plus,
    primitive,
)
from convalgebra.kernels.sources import Number


class Conjugates(NamedTuple):
    """The factor g of f over Q(a): the factors over C are g at all the conjugates of a.

    `factor` has coefficient 1 at its first place.
    """

    field: Field
    factor: dict[Exponent, Element]


_TRIES = 200


def splitting(terms: Terms, factors: int) -> Conjugates:
    """The conjugate factors of a polynomial that is irreducible over Q with `factors` over C.

    >>> found = splitting({(0, 0): 1, (0, 2): 1, (1, 1): -4, (2, 0): 1, (2, 2): 1}, 2)
    >>> found.field.modulus, found.factor
    ((1, 0, 1), {(0, 0): (1,), (0, 1): (0, 1), (1, 0): (0, -1), (1, 1): (-1,)})
    """
    axes = active(terms)
    count = len(next(iter(terms)))
    f = on_axes(terms, axes)
    if factors == 1:
        first = Fraction(terms[min(terms)])
        whole: dict[Exponent, Element] = {
            place: (plain(value / first),) for place, value in terms.items()
        }
        return Conjugates(RATIONALS, whole)
    if len(axes) == 1:
        size = degree(f)[0]
        # The root of 1 + a z is -1/a: a has the coefficients reversed, with signs.
        reverse = [int(f.get((size - n,), 0)) * (-1) ** n for n in range(size + 1)]
        modulus = tuple(reverse) if reverse[-1] > 0 else tuple(-c for c in reverse)
        line: dict[Exponent, Element] = {(0,): (1,), (1,): (0, 1)}
        found = Conjugates(Field(modulus), line)
    else:
        found = _simplified(_by_residues(f, factors))
    _verify(f, found)
    return Conjugates(found.field, off_axes(found.factor, axes, count))


def _by_residues(f: Terms, factors: int) -> Conjugates:
    solutions = closed_form_solutions(f)
    random = Random(1)
    size = degree(f)
    for attempt in range(_TRIES):
        point = [random.randrange(-9 - attempt, 10 + attempt) for _ in size[1:]]
        line = _on_line(f, point)
        if line.degree() < size[0] or line.gcd(line.derivative()).degree():
            continue
        slope = _inverse(line.derivative(), line)
        residues = [_on_line(solution[0], point) * slope % line for solution in solutions]
        for mix in _mixes(len(residues), random):
            mixed = sum(
                (c * residue for c, residue in zip(mix, residues, strict=True)), start=0 * line
            )
            modulus = _minimal(mixed, line)
            if modulus.degree() == factors:
                field = Field(tuple(int(c) for c in modulus.numer().coeffs()))
                weights = _weights(residues, mixed, line, field)
                return Conjugates(field, _logarithm(f, solutions, weights, field))
    raise ArithmeticError("no closed form with different residues was found")


def _on_line(terms: Terms, point: list[int]) -> Any:
    from flint import fmpq_poly

    row: dict[int, Any] = defaultdict(int)
    for (first, *others), value in terms.items():
        for power, there in zip(others, point, strict=True):
            value = value * there**power
        row[first] += int(value)
    return fmpq_poly([row[n] for n in range(max(row, default=0) + 1)])


def _inverse(value: Any, modulus: Any) -> Any:
    common, factor, _ = value.xgcd(modulus)
    return factor / common[0]


def _mixes(size: int, random: Random) -> list[list[int]]:
    units = [[int(at == n) for at in range(size)] for n in range(size)]
    return units + [[random.randrange(-3, 4) for _ in range(size)] for _ in range(30)]


def _minimal(value: Any, line: Any) -> Any:
    from flint import fmpq_mat

    size = line.degree()
    columns = []
    power = value
    for _ in range(size):
        columns.append([power[n] for n in range(size)])
        power = power * polynomial((0, 1)) % line
    return fmpq_mat(columns).transpose().minpoly()


def _weights(residues: list[Any], mixed: Any, line: Any, field: Field) -> list[Element]:
    """How much of each solution makes the one with residue 1 where the mixed one has a, else 0.

    The residues are polynomials rho_k(t) in the mixed one; wanted are x_k in Q(a) with
    `sum x_k rho_k(t) = (m(t) / (t - a)) / m'(a)`, which is 1 at t = a and 0 at its conjugates.
    """
    from flint import fmpq_mat

    size, length = field.degree, line.degree()
    powers = [0 * line + 1]
    while len(powers) < size:
        powers.append(powers[-1] * mixed % line)
    basis = fmpq_mat([[power[n] for power in powers] for n in range(length)])
    square = basis.transpose() * basis  # of full rank, as the powers are independent over Q
    given = fmpq_mat([[residue[n] for residue in residues] for n in range(length)])
    rho = square.solve(basis.transpose() * given)
    if basis * rho != given:
        raise ArithmeticError("a residue is no polynomial in the mixed one")
    inverse = rho.inv()
    # m(t) / (t - a) by Horner's rule: its coefficient at t^n is m_{n+1} + m_{n+2} a + ..
    derivative = tuple(n * c for n, c in enumerate(field.modulus))[1:]
    slope = field.inverse(field.reduced(derivative))
    target = [field.times(field.reduced(field.modulus[n + 1 :]), slope) for n in range(size)]
    return [
        element(sum((polynomial(t) * inverse[k, n] for n, t in enumerate(target)), polynomial(())))
        for k in range(size)
    ]


def _logarithm(
    f: Terms, solutions: list[list[Terms]], weights: list[Element], field: Field
) -> dict[Exponent, Element]:
    """The g with `f g_1 = h_1 g`, h the weighted solution; its first coefficient is 1."""
    from flint import fmpz_mat

    h: dict[Exponent, list[Fraction]] = {}
    for solution, weight in zip(solutions, weights, strict=True):
        for place, times in solution[0].items():
            total = h.setdefault(place, [Fraction(0)] * field.degree)
            for n, part in enumerate(weight):
                total[n] += Fraction(part) * times
    size = field.degree
    places = list(product(*(range(m // size + 1) for m in degree(f))))
    # One block of rows for each coefficient of f g_1 - h_1 g, one of columns for each of g.
    blocks: dict[tuple[Exponent, int], list[Fraction]] = {}

    def block(at: Exponent, column: int) -> list[Fraction]:
        return blocks.setdefault((at, column), [Fraction(0)] * size)

    for column, place in enumerate(places):
        for there, c in f.items():
            if place[0]:
                first, *others = plus(place, there)
                block((first - 1, *others), column)[0] += place[0] * Fraction(c)
        for there, values in h.items():
            entry = block(plus(place, there), column)
            for n, share in enumerate(values):
                entry[n] -= share
    # A few more equations than unknowns mostly do; what they give is verified.
    equations = sorted({at for at, _ in blocks})
    Random(2).shuffle(equations)
    matrix: list[list[int]] = []
    needed = len(places) + 2
    while True:
        for at in equations[len(matrix) // size : needed]:
            matrix += _equation(
                [blocks.get((at, column), []) for column in range(len(places))], field
            )
        basis, nullity = fmpz_mat(matrix).nullspace()
        if nullity == size:
            break
        if needed >= len(equations):
            raise ArithmeticError("the equations for a conjugate factor have no single solution")
        needed *= 2
    found: dict[Exponent, Element] = {}
    for n, place in enumerate(places):
        value = field.reduced([number(basis[n * size + at, 0]) for at in range(size)])
        if value:
            found[place] = value
    scale = field.inverse(found[min(found)])
    return {place: field.times(value, scale) for place, value in found.items()}


def _equation(coefficients: list[list[Fraction]], field: Field) -> list[list[int]]:
    """A linear equation over Q(a) as equations over Q in the coefficients of the unknowns."""
    size = field.degree
    lines: list[list[Number]] = [[] for _ in range(size)]
    for held in coefficients:
        rows = field.matrix(field.reduced(held)).tolist() if held else [[0] * size] * size
        for line, row in zip(lines, rows, strict=True):
            line += map(number, row)
    return [_whole(line) for line in lines]


def _whole(line: list[Number]) -> list[int]:
    below = lcm(*(value.denominator for value in line))
    return [int(value * below) for value in line]


def _simplified(found: Conjugates) -> Conjugates:
    """The same factor over the same field, generated by the simplest of its coefficients."""
    best = found.field.simplest(dict.fromkeys(found.factor.values()))
    if best is None:
        return found
    powers = found.field.generated_by(best)
    factor = {place: substituted(value, powers) for place, value in found.factor.items()}
    return Conjugates(Field(found.field.minimal(best)), factor)


def _verify(f: Terms, found: Conjugates) -> None:
    """Raises ArithmeticError unless the product over the conjugates is f times a number."""
    if primitive(found.field.norm(found.factor))[1] != primitive(f)[1]:
        raise ArithmeticError("the conjugate factors do not multiply back")
