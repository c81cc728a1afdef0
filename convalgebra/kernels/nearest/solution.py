"""The best approximation of one kernel at one place: by singular values, or by a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.kernels.nearest.alternating import descend
from convalgebra.kernels.nearest.bounds import (
    Bound,
    fits,
    linear_bound,
    lower_bound,
    norm_above,
    with_outside,
)
from convalgebra.kernels.nearest.coefficients import Coefficients
from convalgebra.kernels.nearest.newton import NEWTON_LIMIT
from convalgebra.kernels.nearest.problem import Problem
from convalgebra.kernels.nearest.starts import default_starts, search
from convalgebra.kernels.nearest.unfoldings import Unfolding, closed_form

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

SINGULAR_VALUES, CONVEX, SEARCH = "singular values", "least squares", "search"
FIXED, ONE_LAYER = "fixed", "one layer"
_CONDITION = 1e8  # of a weighting that is undone


class Solution(NamedTuple):
    """Weights and what is known of them. Errors are relative to the kernel."""

    weights: Any
    error: float
    bound: float
    reason: str  # of the bound
    method: str
    starts: int
    agreed: int
    converged: bool
    growth: float  # the norms of the layers multiplied, over what is usual for what they make


def solve(problem: Problem, starts: int | None, seed: int) -> Solution:
    """The best weights that are found, with a lower bound for any."""
    import numpy as np

    unfolding = closed_form(problem.made)
    if unfolding is not None and _undone(problem, unfolding):
        weights = canonical(problem.made, separated(problem, unfolding))
        bound = lower_bound(problem, unfolding)
        return _solution(problem, weights, bound, SINGULAR_VALUES, 0, 0, True)
    made = problem.made
    held = held_by_a_layer(problem) if len(made.blocks) > 1 else None
    if held is not None:
        bound = with_outside(Bound(0.0, ""), problem)
        return _solution(problem, held, bound, ONE_LAYER, 0, 0, True)
    bound = lower_bound(problem)
    if len(made.blocks) <= 1 and not made.shared:
        weights, ended = _straight(problem)
        if made.weights <= NEWTON_LIMIT:
            bound = max(bound, linear_bound(problem, weights), key=lambda one: one.value)
        if ended:
            return _solution(problem, weights, bound, CONVEX if made.blocks else FIXED, 0, 0, True)
        return _solution(problem, weights, bound, SEARCH, 1, 1, False)
    count = default_starts(made.weights) if starts is None else starts
    found = search(problem, count, seed)
    weights = canonical(made, np.asarray(found.weights))
    return _solution(problem, weights, bound, SEARCH, found.starts, found.agreed, found.converged)


def _solution(
    problem: Problem,
    weights: Array,
    bound: Bound,
    method: str,
    starts: int,
    agreed: int,
    converged: bool,
) -> Solution:
    import numpy as np

    norm = problem.norm()
    error = float(np.sqrt((problem.residuals(weights[None]) ** 2).sum() + problem.outside)) / norm
    least = bound.value / norm_above(problem) * (1 - 2.0**-50)
    made = problem.made
    growth = 1.0
    if made.scales:
        sizes = [np.linalg.norm(weights[b.start : b.stop]) for b in made.blocks]
        there = float(np.linalg.norm(made.values(weights[None])))
        # h channels that do not cancel have norms that multiply to the root of h times as much.
        seams = [made.plan.steps[block.step].channels[1] for block in made.blocks[:-1]]
        usual = there * float(np.prod(np.sqrt(seams)))
        growth = float(np.prod(sizes)) / usual if usual else 1.0
    return Solution(weights, error, least, bound.reason, method, starts, agreed, converged, growth)


def canonical(made: Coefficients, weights: Array) -> Array:
    """One of the weights of a one-channel chain that make the same, whichever was found.

    Signs: the largest entry of every layer but the last is positive. Layers of the same size and
    dilation commute: those with the larger first entries come first.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.readers import read
    >>> import numpy
    >>> made = Coefficients(plan_of(read("2,2")))
    >>> canonical(made, numpy.array([-1.0, -2.0, 4.0, 1.0])).tolist()
    [4.0, 1.0, -1.0, -2.0]
    """
    import numpy as np

    steps = made.plan.steps
    plain = made.plan.is_chain and all(step.channels == (1, 1) for step in steps[1:])
    if not plain or len(made.blocks) < 2 or made.shared:
        return weights
    found = weights.copy()
    sign = 1.0
    parts = [found[block.start : block.stop] for block in made.blocks]
    for part in parts:
        if part[np.argmax(np.abs(part) > 0.999 * np.abs(part).max())] < 0:
            part *= -1.0
            sign = -sign
    same: dict[Any, list[int]] = {}
    for number, block in enumerate(made.blocks):
        step = steps[block.step]
        rate = tuple(made.rate(step.sources[0], axis) for axis in range(made.plan.axes))
        same.setdefault((step.op, step.size, step.dilation, rate), []).append(number)
    for numbers in same.values():
        order = sorted((tuple(-parts[n].round(6)), n, parts[n].copy()) for n in numbers)
        for number, (_, _, part) in zip(numbers, order, strict=True):
            parts[number][:] = part
    parts[-1] *= sign
    return found


def held_by_a_layer(problem: Problem) -> Array | None:
    """Weights that make the kernel with one layer, every other one being a single tap; else None.

    Of one-channel chains of free convolutions. Along an axis, tap t of layer j lies at t times its
    dilation and the strides before it, and the places of the layers add up. So a layer holds the
    kernel, with its corner moved by s, iff along every axis its places less s are multiples
    of that layer's step inside it, and s is a sum of places of the other layers. No error is less,
    whatever the weighting: what is left is what the stack does not see.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.readers import read
    >>> import numpy
    >>> made = Coefficients(plan_of(read("2,2")))
    >>> held_by_a_layer(Problem(made, numpy.array([[[0.0], [3.0], [4.0]]]))).tolist()
    [3.0, 4.0, 0.0, 1.0]
    """
    import numpy as np

    made = problem.made
    steps = [made.plan.steps[block.step] for block in made.blocks]
    plain = made.plan.is_chain and not made.shared and len(steps) == len(made.plan.steps) - 1
    if not plain or any(step.op != "conv" or step.channels != (1, 1) for step in steps):
        return None
    places = np.argwhere(problem.kernel[0, ..., 0])
    apart = [
        [d * made.rate(step.sources[0], axis) for axis, d in enumerate(step.dilation)]
        for step in steps
    ]
    for number, step in enumerate(steps):
        others = [other for other in range(len(steps)) if other != number]
        moves = []
        for axis, size in enumerate(step.size):
            along = [(other, apart[other][axis], steps[other].size[axis]) for other in others]
            moves.append(_move(set(places[:, axis].tolist()), apart[number][axis], size, along))
        if all(move is not None for move in moves):
            corner = [move[0] for move in moves if move is not None]
            filters = [np.zeros(other.size) for other in steps]
            for other in others:
                filters[other][tuple(move[1][other] for move in moves if move is not None)] = 1.0
            taps = (places - corner) // apart[number]
            filters[number][tuple(taps.T)] = problem.kernel[0, ..., 0][tuple(places.T)]
            return np.concatenate([filter.ravel() for filter in filters])
    return None


def _move(
    places: set[int], apart: int, size: int, others: list[tuple[int, int, int]]
) -> tuple[int, dict[int, int]] | None:
    """Where one axis of a layer must begin to hold the places, and the taps that move it there."""
    sums: dict[int, dict[int, int]] = {0: {}}
    for other, step, taps in others:
        sums = {
            start + step * tap: {**chosen, other: tap}
            for start, chosen in sums.items()
            for tap in range(taps)
        }
    for start, chosen in sums.items():
        if all((p - start) % apart == 0 and 0 <= (p - start) // apart < size for p in places):
            return start, chosen
    return None


def _undone(problem: Problem, unfolding: Unfolding) -> bool:
    """Whether a weighting, if any, acts along the rows and columns and can be undone."""
    import numpy as np

    weighting = problem.weighting
    if weighting is None:
        return True
    return (
        bool(weighting.along)
        and fits(problem, unfolding)
        and all(np.linalg.cond(factor) < _CONDITION for factor in weighting.along)
    )


def separated(problem: Problem, unfolding: Unfolding) -> Array:
    """The weights that the largest singular values of each block give: the global minimum."""
    import numpy as np

    made = problem.made
    first, second = made.blocks
    early, late = (made.plan.steps[block.step] for block in made.blocks)
    kernel = problem.kernel
    if problem.weighting is not None:
        kernel = problem.weighting.applied(kernel)
    before = np.zeros(first.shape)
    after = np.zeros(second.shape)
    into, hidden = first.shape[1], second.shape[1]
    for number, rectangle in enumerate(unfolding.rectangles):
        u, s, v = np.linalg.svd(unfolding.matrix(kernel, number), full_matrices=False)
        rank = min(len(s), len(rectangle.hidden))
        root = np.sqrt(s[:rank])
        rows = (u[:, :rank] * root).reshape(len(rectangle.outputs), second.shape[2], rank)
        columns = (root[:, None] * v[:rank]).reshape(rank, first.shape[2], len(rectangle.inputs))
        chosen = list(rectangle.hidden[:rank])
        before[np.ix_(chosen, [i % into for i in rectangle.inputs])] = columns.swapaxes(1, 2)
        after[np.ix_(list(rectangle.outputs), [c % hidden for c in chosen])] = rows.swapaxes(1, 2)
    for step, filters in ((early, before), (late, after)):
        shaped = filters.reshape(*filters.shape[:2], *step.size)
        if problem.weighting is not None:
            for axis, factor in enumerate(problem.weighting.along):
                if step.size[axis] > 1:
                    moved = np.moveaxis(shaped, 2 + axis, -1)
                    moved = np.linalg.solve(factor.T, moved[..., None])[..., 0]
                    shaped = np.moveaxis(moved, -1, 2 + axis)
        if step.op == "convt":
            shaped = np.flip(shaped, axis=tuple(range(2, shaped.ndim)))
        filters[:] = shaped.reshape(filters.shape)
    return np.concatenate([before.ravel(), after.ravel()])


def _straight(problem: Problem) -> tuple[Array, bool]:
    """The weights of a stack with one free layer, in which the coefficients are linear.

    With many weights they are found by iteration: whether it came to its end.
    """
    import numpy as np

    made = problem.made
    zero = np.zeros((1, made.weights))
    if not made.weights:
        return zero[0], True
    if made.weights > NEWTON_LIMIT:
        found = descend(problem, zero[0])
        return found.weights[0], bool(found.converged[0])
    matrix = problem.jacobian(zero)[0]
    return np.linalg.lstsq(matrix.T, -problem.residuals(zero)[0], rcond=None)[0], True
