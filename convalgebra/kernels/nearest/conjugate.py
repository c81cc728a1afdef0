"""Large problems: one start at a time, Gauss-Newton steps by conjugate gradients.

Neither the Jacobian nor J^T J is ever formed; a step solves (J^T J + mu) p = -gradient by conjugate
gradients, each iteration of which takes the time of a few evaluations of the stack. The work is
counted in multiplications and bounded; where it ran out the result says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convalgebra.kernels.nearest.newton import Found
from convalgebra.kernels.nearest.problem import Problem

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

WORK = 3e11  # multiplications in all: about a minute
_INNER = 25
_PATIENCE = 20  # steps that together
_SMALL_GAIN = 1e-4  # take this part of the error off, or it ends


def descend(problem: Problem, start: Array, work: float = WORK) -> Found:
    """Where one start leads, by a bounded amount of work."""
    import numpy as np

    weights = problem.scaled(start[None])
    residual = problem.residuals(weights)
    half = float((residual**2).sum()) / 2
    size = problem.norm() ** 2
    each = problem.made.work
    left = work / each - 1
    mu, steps = 1e-2, 0
    halves = [half]
    converged = False
    while left > 0:
        gradient = problem.gradient(weights, residual)
        left -= 3
        slope = float(np.linalg.norm(gradient))
        if slope < 1e-11 * np.sqrt(2 * half * size) or half < 1e-32 * size:
            converged = True
            break
        step, used = _conjugate(problem, weights, gradient, mu, left)
        left -= used + 1
        moved = weights + step
        there = problem.residuals(moved)
        new = float((there**2).sum()) / 2
        gain = half - new
        steps += 1
        if gain > 0:
            weights, residual, half = problem.balanced(moved), there, new
            mu = max(mu / 3, 1e-10)
        else:
            mu *= 5
        halves.append(half)
        if mu > 1e9 or (
            steps >= _PATIENCE and halves[-1 - _PATIENCE] - half < 2 * _SMALL_GAIN * half
        ):
            break
    error = np.sqrt(2 * half + problem.outside)
    return Found(weights, np.array([error]), np.array([steps]), np.array([converged]))


def _conjugate(
    problem: Problem, weights: Array, gradient: Array, mu: float, left: float
) -> tuple[Array, float]:
    import numpy as np

    cost = len(problem.made.blocks) + 3
    step = np.zeros_like(weights)
    rest = -gradient
    direction = rest.copy()
    square = first = float((rest**2).sum())
    used = 0.0
    for _ in range(_INNER):
        image = problem.along(weights, direction)
        product = problem.gradient(weights, image) + mu * direction
        used += cost
        bend = float((direction * product).sum())
        length = square / bend
        step += length * direction
        rest -= length * product
        before, square = square, float((rest**2).sum())
        if square < 1e-4 * first or used > left:
            break
        direction = rest + (square / before) * direction
    return step, used
