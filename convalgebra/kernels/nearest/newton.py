"""Small problems: many starts at once, by Gauss-Newton first and Newton's method at the end.

Half the square of the residuals r has the gradient J^T r and the second derivatives J^T J + S, with
S = sum of r_k times the second derivatives of F_k. Without S (Gauss-Newton) steps are cheap and
good far away; where the minimum is not 0, which is the usual case here, they converge slowly, and S
makes the last steps quadratic. Both are damped by a multiple mu of the identity, raised where a
step does not do what was predicted of it (Levenberg 1944, Marquardt 1963); the directions along
which scales pass between layers, where nothing changes, are harmless so. Negative eigenvalues are
taken by their absolute value, so that saddles repel (Dauphin et al. 2014).
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.kernels.nearest.problem import ROUNDING, Problem
from convalgebra.kernels.nearest.threads import one_thread

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_FIRST_STEPS = 6  # of Gauss and Newton
_FLOATS_AT_ONCE = 16_000_000  # in the derivatives of the starts treated together: 128 MB
NEWTON_LIMIT = 600  # weights past which eigenvectors take seconds a step
_STEEP = 1e-11


class Found(NamedTuple):
    """Where starts arrived: weights, absolute errors (with what the stack does not see)."""

    weights: Any
    errors: Any
    steps: Any
    converged: Any

    def joined(self, other: Found) -> Found:
        """Both one after another."""
        import numpy as np

        return Found(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def minimize(problem: Problem, starts: Array, steps: int = 200, each_for: int = 1) -> Found:
    """The local minima that the starts lead to; chunk by chunk, so that memory stays bounded.

    When one start arrives at 0, to rounding, the others for the same kernel end where they are: all
    of them, or with `many` kernels those of `each_for` starts in a row.
    """
    import numpy as np

    made = problem.made
    each = made.weights * (made.weights + 2 * problem.coefficients + made.memory)
    chunk = max(1, _FLOATS_AT_ONCE // max(1, each))
    parts = [slice(at, at + chunk) for at in range(0, len(starts), chunk)]
    groups = np.arange(len(starts)) // (each_for if problem.many else max(1, len(starts)))
    with one_thread():
        found = [
            _minimize(problem.chosen(part), starts[part], steps, groups[part]) for part in parts
        ]
    return reduce(Found.joined, found)


def _minimize(problem: Problem, starts: Array, limit: int, groups: Any) -> Found:
    import numpy as np

    weights = problem.scaled(starts)
    count, n = weights.shape
    residual = problem.residuals(weights)
    half = (residual**2).sum(1) / 2
    size = np.broadcast_to(problem.norms() ** 2, half.shape)
    mu = np.full(count, 0.1)
    taken = np.zeros(count, int)
    converged = np.zeros(count, bool)
    active = np.ones(count, bool)
    for number in range(limit):
        at = np.flatnonzero(active)
        if not len(at):
            break
        w, r = weights[at], residual[at]
        here = problem.chosen(at)
        jacobian = here.jacobian(w)
        gradient = (jacobian @ r[..., None])[..., 0]
        matrix = jacobian @ jacobian.swapaxes(1, 2)
        if number >= _FIRST_STEPS:
            matrix += here.second(w, r)
            step = _damped(matrix, gradient, mu[at])
        else:
            damped = matrix + mu[at][:, None, None] * np.eye(n)
            step = np.asarray(-np.linalg.solve(damped, gradient[..., None])[..., 0], dtype=float)
        predicted = -(gradient * step).sum(1) - np.einsum("bn,bnm,bm->b", step, matrix, step) / 2
        moved = w + step
        there = here.residuals(moved)
        new = (there**2).sum(1) / 2
        better = new < half[at]
        trust = (half[at] - new) / np.maximum(predicted, 1e-300)
        mu[at] *= np.where(trust > 0.75, 0.25, np.where(trust < 0.25, 4.0, 1.0))
        mu[at] = np.clip(mu[at], 1e-12, 1e14)
        flat = np.linalg.norm(gradient, axis=1) < _STEEP * np.sqrt(2 * half[at] * size[at])
        stuck = ~better & (mu[at] > 1e8)
        exact = 2 * half[at] <= ROUNDING**2 * size[at]
        gain = at[better]
        weights[gain], residual[gain], half[gain] = moved[better], there[better], new[better]
        taken[at] += 1
        done = flat | stuck | exact
        converged[at[done]] = True
        active[at[done]] = False
        active[np.isin(groups, groups[at[exact]])] = False
        if number % 8 == 7:
            weights = problem.balanced(weights)
    errors = np.sqrt(2 * half + problem.outside)
    return Found(problem.balanced(weights), errors, taken, converged)


def _damped(matrix: Array, gradient: Array, mu: Array) -> Array:
    """The step of Newton's method with absolute eigenvalues, damped."""
    import numpy as np

    values, vectors = np.linalg.eigh(matrix)
    inside = (vectors.swapaxes(1, 2) @ gradient[..., None])[..., 0]
    inside /= -(np.abs(values) + mu[:, None])
    return (vectors @ inside[..., None])[..., 0]
