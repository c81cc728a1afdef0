"""Sums of two products, found by other means: numbers over R, Fractions over Q."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random

import numpy as np
import pytest

from convalgebra.algebra import equiv
from convalgebra.algebra.plan import plan_of
from convalgebra.algebra.two_products import other_layer
from convalgebra.language import parse

Kernel = list[list[Fraction]]


def multiplied(a: Kernel, b: Kernel) -> Kernel:
    rows, columns = len(a) + len(b) - 1, len(a[0]) + len(b[0]) - 1
    made = [[Fraction(0)] * columns for _ in range(rows)]
    for i, j in product(range(len(a)), range(len(a[0]))):
        for m, n in product(range(len(b)), range(len(b[0]))):
            made[i + m][j + n] += a[i][j] * b[m][n]
    return made


def is_sum_of_two(p: np.ndarray, forms: np.ndarray) -> bool:
    """Whether p = a1 b1 + a2 b2 for given 2x2 filters, by least squares."""
    rows, columns_of_b = p.shape[0] - 1, p.shape[1] - 1
    columns = []
    for form, i, j in product(forms, range(rows), range(columns_of_b)):
        column = np.zeros(p.shape)
        column[i : i + 2, j : j + 2] = form
        columns.append(column.ravel())
    matrix = np.array(columns).T
    found = np.linalg.lstsq(matrix, p.ravel(), rcond=None)[0]
    return bool(np.abs(matrix @ found - p.ravel()).max() < 1e-7 * np.abs(p).max())


def forms_through(u: complex, v: complex) -> np.ndarray:
    """The real 2x2 filters that vanish at (u, v) and its conjugate: two of them."""
    values = np.array([1, v, u, u * v])
    return np.linalg.svd(np.array([values.real, values.imag]))[2][2:].reshape(2, 2, 2)


def a_point(p: np.ndarray) -> tuple[complex, complex] | None:
    for u in (1j, 1 + 1j, 2j - 1, 0.5 + 0.7j, 3 + 0.2j):
        along = np.polynomial.polynomial.polyroots(u ** np.arange(p.shape[0]) @ p)
        for v in along:
            if abs(v.imag) > 1e-6 * abs(v):
                return u, v
    return None


@pytest.mark.parametrize("shape", [(3, 3), (3, 4), (5, 5), (2, 6), (6, 2), (2, 3)])
def test_every_real_kernel(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        p = rng.integers(-9, 10, shape).astype(float)
        point = a_point(p)
        assert point is not None
        assert is_sum_of_two(p, forms_through(*point))


@pytest.mark.parametrize(
    ("q", "c"), [([1, 0, 1], [2, -3, 1]), ([1, 2, 3], [1, 0, 0]), ([1, 1, 1], [1, 1, 1])]
)
def test_kernels_of_rank_one(q: list[int], c: list[int]) -> None:
    # q has a root that is not real, and any v goes with it.
    p = np.outer(q, c).astype(float)
    (u, *_) = np.polynomial.polynomial.polyroots(q)
    assert is_sum_of_two(p, forms_through(u, 1j))


def test_a_circle_and_a_product_of_lines() -> None:
    # 1 + u^2 + v^2 is no product; (1 + u)(1 - u)(1 + v)(2 - v) is one.
    circle = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 0.0]])
    point = a_point(circle)
    assert point is not None
    assert is_sum_of_two(circle, forms_through(*point))
    lines = multiplied([[1, 1], [1, 1]], [[2, -1], [-2, 1]])
    assert lines == [[2, 1, -1], [0, 0, 0], [-2, -1, 1]]


class Quadratic:
    """x + y r over Q, where a r^2 + b r + c = 0."""

    def __init__(self, a: Fraction, b: Fraction, c: Fraction) -> None:
        self.square = (-c / a, -b / a)  # r^2

    def times(
        self, one: tuple[Fraction, Fraction], two: tuple[Fraction, Fraction]
    ) -> tuple[Fraction, Fraction]:
        (a, b), (c, d), (e, f) = one, two, self.square
        return a * c + b * d * e, a * d + b * c + b * d * f

    def over(
        self, one: tuple[Fraction, Fraction], two: tuple[Fraction, Fraction]
    ) -> tuple[Fraction, Fraction]:
        (c, d), f = two, self.square[1]
        conjugate = (c + d * f, -d)
        norm, zero = self.times(two, conjugate)
        assert zero == 0
        x, y = self.times(one, conjugate)
        return x / norm, y / norm


def solve(rows: list[list[Fraction]], right: list[Fraction]) -> bool:
    """Whether the system has a rational solution."""
    table = [[*row, value] for row, value in zip(rows, right, strict=True)]
    at = 0
    for column in range(len(rows[0])):
        pivot = next((i for i in range(at, len(table)) if table[i][column]), None)
        if pivot is None:
            continue
        table[at], table[pivot] = table[pivot], table[at]
        for i in range(len(table)):
            if i != at and table[i][column]:
                factor = table[i][column] / table[at][column]
                table[i] = [x - factor * y for x, y in zip(table[i], table[at], strict=True)]
        at += 1
    return all(row[-1] == 0 for row in table[at:])


def test_most_rational_kernels_by_the_formula() -> None:
    random = Random(1)
    one, s, t, c = Fraction(1), Fraction(0), Fraction(1), Fraction(2)
    d = 1 / (1 / c + t - s)
    tried = 0
    for _ in range(30):
        p = [[Fraction(random.randint(-5, 5)) for _ in range(3)] for _ in range(3)]

        def at(v: Fraction, p: Kernel = p) -> list[Fraction]:
            return [x + v * y + v * v * z for x, y, z in p]

        top = [row[2] for row in p]
        zero = [(s - t) * a - c * b + d * e for a, b, e in zip(top, at(t), at(s), strict=True)]
        if not zero[2]:
            continue
        field = Quadratic(zero[2], zero[1], zero[0])
        u = (Fraction(0), one)
        uu = field.times(u, u)

        def value(poly: list[Fraction], uu: tuple[Fraction, Fraction] = uu) -> tuple[Fraction, ...]:
            return poly[0] + poly[2] * uu[0], poly[1] + poly[2] * uu[1]

        low = value(top)
        if low == (0, 0) or zero[1] ** 2 == 4 * zero[0] * zero[2]:
            continue
        x, y = field.over(value(at(t)), low)
        v = (t + c * x, c * y)
        if v[1] == 0:
            continue
        tried += 1
        # The point lies on the curve, and the filters that vanish there are rational.
        vv = field.times(v, v)
        powers = [((one, Fraction(0)), v, vv), (u, field.times(u, v), field.times(u, vv))]
        powers.append((uu, field.times(uu, v), field.times(uu, vv)))
        for part in (0, 1):
            total = sum(p[i][j] * powers[i][j][part] for i in range(3) for j in range(3))
            assert total == 0
        # 1, u, v, uv in the basis 1, r: two relations.
        (v0, v1), (w0, w1) = v, field.times(u, v)
        forms = [[[-v0, one], [-v1, Fraction(0)]], [[-w0, Fraction(0)], [-w1, one]]]
        columns = []
        for form, i, j in product(forms, range(2), range(2)):
            unit = [[Fraction(int((m, n) == (i, j))) for n in range(2)] for m in range(2)]
            columns.append([entry for row in multiplied(form, unit) for entry in row])
        rows = [list(row) for row in zip(*columns, strict=True)]
        assert solve(rows, [entry for row in p for entry in row])
    assert tried > 20


@pytest.mark.parametrize(
    ("text", "taps"),
    [
        ("2x2@2,2x2@1", (2, 2)),
        ("2x2@7,3x4@1", (3, 4)),
        ("3x4@2,2x2s2@1b", (3, 4)),
        ("2x2d3@2,3x1d3@1", (3, 1)),
        ("2x1x2@2,3x1x3@1", (3, 3)),
        ("2x2,2x2", None),
        ("2x2s2@2,2x2@1", None),
        ("2x2@2b,2x2@1", None),
        ("2x2d2@2,2x2@1", None),
        ("2x2@2,2x2@1,1x1", None),
        ("2x2x2@2,2x2x2@1", None),
        ("2x2x1@2,2x2x2@1", None),
        ("2x2@4,2x2@2g2,1x1@1", None),
        ("2@2,2@1", None),
        ("3x3@2,3x3@1", None),
        ("shared f = 2x2@1; f, f", None),
    ],
)
def test_which_stacks(text: str, taps: tuple[int, int] | None) -> None:
    assert other_layer(plan_of(parse(text))) == taps


def test_the_answers() -> None:
    for kernel, stack, rational in [
        ("3x3", "2x2@2,2x2@1", "dense"),
        ("5x5", "2x2@2,4x4@1", "unknown"),
        ("5x5", "4x4@2,2x2@1", "unknown"),
        ("4x2", "2x2@2,3x1@1", "all"),
        ("3x3p1", "2x2@2,2x2p1@1", "dense"),
    ]:
        report = equiv(kernel, stack)
        reach = report.right_reproduces_left.reach
        assert (reach.real, reach.complex, reach.rational) == ("all", "all", rational), stack
        assert report.equivalent is True
    behind_relu = equiv("3x3", "2x2@4,relu,2x2@1").right_reproduces_left.reach
    assert (behind_relu.real, behind_relu.complex) == ("all", "unknown")
    assert equiv("5x5", "3x3@2,3x3@1").right_reproduces_left.reach.real == "part"
