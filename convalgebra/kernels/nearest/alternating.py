"""Large problems: one start at a time, layer by layer by least squares, with momentum.

The coefficients are affine in each layer, so that the best weights of one layer, the others being
fixed, solve a linear least-squares problem (alternating least squares). It is solved by conjugate
gradients, preconditioned by `gram`, which is often the matrix itself, so that one step is enough.
From sweep to sweep the weights are carried on in the direction in which they moved (Nesterov's
momentum, begun anew where the error rises; Mitchell, Ye, De Sterck 2020), without which the
last digits take ten times as long. The work is counted in multiplications and bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convalgebra.kernels.nearest.coefficients import Block
from convalgebra.kernels.nearest.gram import Gram, gram
from convalgebra.kernels.nearest.newton import Found
from convalgebra.kernels.nearest.problem import Problem

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

WORK = 3e11  # multiplications of a start: about a minute
_CALL = 2e5  # multiplications in the time that a call for one tap takes by itself
_INNER = 12  # steps of conjugate gradients
_PATIENCE = 20  # sweeps that together
_SMALL_GAIN = 1e-3  # take this part of the error off, or it ends
_MOMENTUM = 0.98
_EXACT = 1e-28  # of the square of the kernel: the rest is rounding


def descend(problem: Problem, start: Array, work: float = WORK) -> Found:
    """Where one start leads, by a bounded amount of work."""
    import numpy as np

    made = problem.made
    weights = problem.scaled(start[None])
    before = weights
    half = _half(problem.residuals(weights))
    size = problem.norm() ** 2
    left = work
    halves = [half]
    since = 0  # sweeps since the momentum began
    converged = False
    while left > 0:
        moved = weights + min(since / (since + 3), _MOMENTUM) * (weights - before)
        flat = True
        for block in made.blocks:
            moved, slope, used = _improved(problem, moved, block)
            flat = flat and slope < 1e-11 * np.sqrt(2 * half * size)
            left -= used
        new = _half(problem.residuals(moved))
        if new < half:
            before, weights, half = weights, moved, new
        elif since and not flat:
            since = 0
            continue
        since += 1
        halves.append(half)
        if flat or half < _EXACT * size:
            converged = True
            break
        if len(halves) > _PATIENCE and halves[-1 - _PATIENCE] - half < 2 * _SMALL_GAIN * half:
            break
    error = np.sqrt(2 * half + problem.outside)
    sweeps = np.array([len(halves) - 1])
    return Found(problem.balanced(weights), np.array([error]), sweeps, np.array([converged]))


def _half(residual: Array) -> float:
    return float((residual**2).sum()) / 2


def _improved(problem: Problem, weights: Array, block: Block) -> tuple[Array, float, float]:
    """The best weights of one layer, or better ones; the gradient's norm, and the work."""
    import numpy as np

    made = problem.made
    part = slice(block.start, block.stop)
    residual = problem.residuals(weights)
    gradient = problem.gradient(weights, residual, block)
    slope = float(np.linalg.norm(gradient))
    close = gram(made, weights, block)
    each = made.work + _CALL * sum(len(made.places(block.step)) for block in made.blocks)
    used = 4 * each + (close.work if close else 0)
    if close is not None and close.exact and problem.weighting is None:
        found = weights.copy()
        found[:, part] -= close.solved(gradient[:, part], block)
        return found, slope, used
    step = np.zeros_like(weights)
    rest = -gradient
    better = _solved(close, rest, block)
    direction = better.copy()
    square = first = float((rest * better).sum())
    for _ in range(_INNER):
        if not square:
            break
        image = problem.along(weights, direction, block)
        product = problem.gradient(weights, image, block)
        used += 4 * each
        bend = float((direction * product).sum())
        if bend <= 0:
            break
        step += square / bend * direction
        rest -= square / bend * product
        better = _solved(close, rest, block)
        before, square = square, float((rest * better).sum())
        if square < 1e-8 * first:
            break
        direction = better + (square / before) * direction
    # A kernel that is used twice makes the residual no longer affine.
    half = _half(residual)
    while made.shared and _half(problem.residuals(weights + step)) > half and step.any():
        step = step / 2 if np.abs(step).max() > 1e-12 * np.abs(weights).max() else 0 * step
        used += each
    return weights + step, slope, used


def _solved(close: Gram | None, rest: Array, block: Block) -> Array:
    if close is None:
        return rest
    found = rest.copy()
    part = slice(block.start, block.stop)
    found[:, part] = close.solved(rest[:, part], block)
    return found
