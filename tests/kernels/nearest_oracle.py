"""Another way to the same numbers: plain loops over exact fractions, and SciPy's solvers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from convalgebra.kernels.nearest import NearestReport

Rows = list[list[Fraction]]


def exact_rows(values: Any) -> Rows:
    """A filter of floats as the exact fractions that they are."""
    array = np.atleast_2d(np.asarray(values, dtype=float))
    return [[Fraction(float(v)) for v in row] for row in array]


def product_of(filters: Sequence[Rows]) -> Rows:
    """One after another, as one kernel: polynomials multiplied out by hand."""
    total = [[Fraction(1)]]
    for rows in filters:
        height, width = len(total) + len(rows) - 1, len(total[0]) + len(rows[0]) - 1
        after = [[Fraction(0)] * width for _ in range(height)]
        for i, j in product(range(len(total)), range(len(total[0]))):
            for u, v in product(range(len(rows)), range(len(rows[0]))):
                after[i + u][j + v] += total[i][j] * rows[u][v]
        total = after
    return total


def square(rows: Rows) -> Fraction:
    """The sum of squares."""
    return sum((v * v for row in rows for v in row), Fraction(0))


def exact_square_error(kernel: Any, report: NearestReport) -> Fraction:
    """(|K - K'| / |K|)^2 of the filters of a report of one channel, without any rounding."""
    target = exact_rows(kernel)
    made = product_of([exact_rows(filter.values) for filter in report.filters])
    difference = [
        [a - b for a, b in zip(row, other, strict=True)]
        for row, other in zip(target, made, strict=True)
    ]
    return square(difference) / square(target)


def composed(first: Any, second: Any) -> Any:
    """[o, c, ..] after [c, i, ..], two axes, by loops over the taps."""
    out, hidden, h2, w2 = second.shape
    _, into, h1, w1 = first.shape
    found = np.zeros((out, into, h1 + h2 - 1, w1 + w2 - 1))
    for u, v, y, x in product(range(h2), range(w2), range(h1), range(w1)):
        found[:, :, u + y, v + x] += second[:, :, u, v] @ first[:, :, y, x]
    assert hidden == first.shape[0]
    return found


def by_scipy(kernel: Any, shapes: Sequence[tuple[int, int]], starts: int, seed: int) -> float:
    """The least relative error that scipy.optimize.least_squares finds from random starts."""
    from scipy.optimize import least_squares
    from scipy.signal import convolve2d

    target = kernel / np.linalg.norm(kernel)
    sizes = [h * w for h, w in shapes]
    cuts = np.cumsum(sizes)[:-1]

    def residuals(weights: Any) -> Any:
        total = np.ones((1, 1))
        for part, shape in zip(np.split(weights, cuts), shapes, strict=True):
            total = convolve2d(total, part.reshape(shape))
        return (total - target).ravel()

    rng = np.random.default_rng(seed)
    return float(
        min(
            np.sqrt(2 * least_squares(residuals, rng.standard_normal(sum(sizes))).cost)
            for _ in range(starts)
        )
    )
