"""Where the search begins, and when it ends.

The error has many local minima, and no start is sure to reach the least. So: first kernels that
algebra offers (the leading separable part of the kernel, its real roots shared out among the
layers) and random ones; then, round by round, minima that were found, with one layer made new or
all of them shaken, beside more random ones. The search ends when the least error was reached often
enough and the last round found nothing less, or when the starts are used up. What it tells is how
many starts reached the least error: evidence, no proof.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra import progress
from convalgebra.kernels.nearest.alternating import descend
from convalgebra.kernels.nearest.newton import NEWTON_LIMIT, Found, minimize
from convalgebra.kernels.nearest.problem import ROUNDING, Problem

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

AGREE = 1e-6  # relative errors that differ by less are the same minimum
_ENOUGH = 8  # starts that reach the least error
_ELITES = 8
_MOST_COMPARED = 1_000_000  # coefficients of equally near kernels


class Search(NamedTuple):
    """The best weights, their relative error, and how many of the starts reached it."""

    weights: Any
    error: float
    agreed: int
    starts: int
    converged: bool


def search(problem: Problem, starts: int, seed: int = 0) -> Search:
    """The best of at most `starts` starts, the same ones for the same seed."""
    import numpy as np

    rng = np.random.default_rng(seed)
    norm = problem.norm()
    batch = min(starts, _batch(problem.made.weights))
    progress.report(f"{batch:,} of {starts:,} starts at once")
    first = np.concatenate([algebraic(problem), _random(problem, rng, batch)])[:batch]
    found = _tried(problem, first)
    # With three layers or more the best minimum may attract one random start in a hundred.
    many = len(problem.made.blocks) > 2
    at_least = (8 if many else 3) * batch
    while (left := starts - len(found.errors)) > 0:
        best = found.errors.min()
        agreed = int((found.errors < best + AGREE * norm).sum())
        progress.report(f"{len(found.errors):,} of {starts:,} starts")
        if best <= ROUNDING * norm or (agreed >= _ENOUGH and 2 * agreed > len(found.errors)):
            break
        count = min(batch, left)
        before = best
        if many and len(found.errors) < 2 * batch:
            new = _random(problem, rng, count)
        else:
            new = _next(problem, rng, found, count, norm)
        found = found.joined(_tried(problem, new))
        best = found.errors.min()
        agreed = int((found.errors < best + AGREE * norm).sum())
        settled = before < best + AGREE * norm and agreed >= _ENOUGH
        if settled and len(found.errors) >= at_least:
            break
    winner = _winner(problem, found, norm)
    best = float(found.errors[winner])
    return Search(
        found.weights[winner],
        best / norm,
        int((found.errors < best + AGREE * norm).sum()),
        len(found.errors),
        bool(found.converged[winner]),
    )


def _winner(problem: Problem, found: Found, norm: float) -> int:
    """The number of the least error.

    A symmetric kernel has several nearest ones, its mirror images. Among equal errors that with the
    larger first coefficients is taken, so that rounding does not decide which.
    """
    import numpy as np

    near = found.errors <= found.errors.min() + AGREE * norm / 100
    if found.converged[np.argmin(found.errors)]:  # others may have ended before they arrived
        near &= found.converged
    equal = np.flatnonzero(near)
    if len(equal) == 1 or problem.kernel.size * len(equal) > _MOST_COMPARED:
        return int(np.argmin(found.errors))
    values = problem.made.values(found.weights[equal]).reshape(len(equal), -1)
    rounded = (values / norm).round(5) + 0.0  # no -0.0
    return int(max(equal, key=dict(zip(equal, map(tuple, rounded), strict=True)).__getitem__))


def _tried(problem: Problem, starts: Array) -> Found:
    if problem.made.weights <= NEWTON_LIMIT:
        return minimize(problem, starts)
    found = descend(problem, starts[0])
    for start in starts[1:]:
        if found.errors.min() <= ROUNDING * problem.norm():
            break
        found = found.joined(descend(problem, start))
    return found


def default_starts(weights: int) -> int:
    """How many starts are tried at most when nobody says: fewer where each takes long.

    >>> default_starts(18), default_starts(128), default_starts(10_000)
    (640, 24, 1)
    """
    if weights > NEWTON_LIMIT:
        return 1
    return 640 if weights <= 32 else max(4, 400_000 // weights**2)


def _batch(weights: int) -> int:
    """Starts in a round."""
    return 64 if weights <= 40 else 32 if weights <= 80 else 8


def _random(problem: Problem, rng: np.random.Generator, count: int) -> Array:
    return rng.standard_normal((count, problem.made.weights))


def _next(
    problem: Problem, rng: np.random.Generator, found: Found, count: int, norm: float
) -> Array:
    """A quarter random, the rest from minima found: one layer new, or all shaken."""
    import numpy as np

    elites = _distinct(found, norm)
    starts = _random(problem, rng, count)
    blocks = problem.made.blocks
    for number in range(count // 4, count):
        # The better a minimum, the more often it is taken up.
        base = elites[min(int(rng.exponential(len(elites) / 3)), len(elites) - 1)]
        if number % 2:
            block = blocks[int(rng.integers(len(blocks)))]
            part = slice(block.start, block.stop)
            size = np.sqrt((base[part] ** 2).mean())
            new = starts[number, part] * size
            starts[number] = base
            starts[number, part] = new
        else:
            shake = rng.uniform(0.2, 1.0)
            for block in blocks:
                part = slice(block.start, block.stop)
                size = np.sqrt((base[part] ** 2).mean())
                starts[number, part] = base[part] + shake * size * starts[number, part]
    return starts


def _distinct(found: Found, norm: float) -> list[Array]:
    """The best minima, one for each error."""
    import numpy as np

    order = np.argsort(found.errors, kind="stable")
    chosen = [order[0]]
    for at in order[1:]:
        if found.errors[at] > found.errors[chosen[-1]] + AGREE * norm:
            chosen.append(at)
        if len(chosen) == _ELITES:
            break
    return [found.weights[at] for at in chosen]


def algebraic(problem: Problem, limit: int = 8) -> Array:
    """Starts `[count, weights]` from the leading separable part of a one-channel kernel.

    The best approximation u(y) v(x) of a kernel by a product along its axes comes from its singular
    vectors. u and v have real factors of degree 1 and 2, which are handed out to the layers, in a
    few of the ways; a pair of complex roots that must be split becomes its real part twice. Empty
    for stacks with several channels, dilations or strides: there is no such factorization there.
    """
    import numpy as np

    made = problem.made
    plan = made.plan
    steps = [plan.steps[block.step] for block in made.blocks]
    plain = (
        made.shape[0] == made.shape[-1] == 1
        and plan.is_chain
        and len(steps) == len(plan.steps) - 1
        and all(step.channels == (1, 1) and step.op == "conv" for step in steps)
        and all(set(step.dilation) | set(step.stride) == {1} for step in steps)
    )
    none = np.zeros((0, made.weights))
    if not plain:
        return bottleneck(problem)
    vectors = _leading(problem.kernel.reshape(made.field))
    degrees = [[step.size[axis] - 1 for step in steps] for axis in range(plan.axes)]
    ways = [_shared_out(v, d, limit) for v, d in zip(vectors, degrees, strict=True)]
    if not all(ways):
        return none
    starts = []
    for number in range(min(limit, prod(map(len, ways)))):
        filters = []
        rest = number
        chosen = []
        for way in ways:
            chosen.append(way[rest % len(way)])
            rest //= len(way)
        for layer in range(len(steps)):
            kernel = np.ones(1)
            for axis in range(plan.axes):
                kernel = np.multiply.outer(kernel, chosen[axis][layer])
            filters.append(kernel.ravel())
        starts.append(np.concatenate(filters))
    # Exactly separable points are saddles more often than not.
    rng = np.random.default_rng(0)
    found = np.array(starts, dtype=float)
    shaken = found + 0.02 * np.abs(found).max() * rng.standard_normal(found.shape)
    return np.asarray(shaken)


def bottleneck(problem: Problem) -> Array:
    """One start for a stack like 1x1@h,3x3@h',1x1: the truncated higher-order SVD; else none.

    The leading singular vectors of the kernel as a matrix over c_in and as one over c_out are the
    outer layers, and what the kernel is between them is the middle one. Its squared error is at
    most twice the least (De Lathauwer, De Moor, Vandewalle 2000).
    """
    import numpy as np

    made = problem.made
    steps = made.plan.steps[1:]
    fits = (
        len(steps) == len(made.blocks) == 3
        and made.plan.is_chain
        and all(step.op == "conv" and step.groups == 1 for step in steps)
        and prod(steps[0].size) == prod(steps[2].size) == 1
        and prod(steps[1].size) == prod(made.field)
        and not problem.many
    )
    if not fits:
        return np.zeros((0, made.weights))
    kernel = problem.kernel.reshape(made.shape[0], -1, made.shape[-1])
    first, last = steps[0].channels[1], steps[2].channels[0]
    v = np.linalg.svd(kernel.reshape(-1, made.shape[-1]), full_matrices=False)[2][:first]
    u = np.linalg.svd(kernel.reshape(made.shape[0], -1), full_matrices=False)[0][:, :last]
    middle = np.zeros((last, first, prod(made.field)))
    inner = np.einsum("op,oei,ci->pce", u, kernel, v, optimize=True)
    middle[: inner.shape[0], : inner.shape[1]] = inner
    before = np.zeros((first, made.shape[-1]))
    before[: len(v)] = v
    after = np.zeros((made.shape[0], last))
    after[:, : u.shape[1]] = u
    return np.concatenate([before.ravel(), middle.ravel(), after.ravel()])[None]


def _leading(kernel: Array) -> list[Array]:
    """A vector along each axis: the leading singular ones of the unfoldings."""
    import numpy as np

    found = []
    for axis in range(kernel.ndim):
        matrix = np.moveaxis(kernel, axis, 0).reshape(kernel.shape[axis], -1)
        found.append(np.linalg.svd(matrix, full_matrices=False)[0][:, 0])
    return found


def _shared_out(vector: Array, degrees: list[int], limit: int) -> list[list[Array]]:
    """Ways to write a polynomial as a product of some of these degrees."""
    import numpy as np

    if abs(vector[-1]) < 1e-9 * np.abs(vector).max() or len(vector) != sum(degrees) + 1:
        return []
    roots = np.roots(vector[::-1])
    pairs = [r for r in roots if r.imag > 1e-9]
    real = [r.real for r in roots if abs(r.imag) <= 1e-9]
    ways: list[list[Array]] = []
    for turn in range(limit):
        room = list(degrees)
        filters = [np.ones(1) for _ in degrees]
        for root in pairs[turn % max(1, len(pairs)) :] + pairs[: turn % max(1, len(pairs))]:
            layer = next((j for j in _turned(room, turn) if room[j] >= 2), None)
            if layer is not None:
                filters[layer] = np.convolve(filters[layer], [abs(root) ** 2, -2 * root.real, 1.0])
                room[layer] -= 2
            else:
                real = [*real, root.real, root.real]
        for root in real[turn % max(1, len(real)) :] + real[: turn % max(1, len(real))]:
            layer = next(j for j in _turned(room, turn) if room[j] >= 1)
            filters[layer] = np.convolve(filters[layer], [-root, 1.0])
            room[layer] -= 1
        real = [r.real for r in roots if abs(r.imag) <= 1e-9]
        filters = [f / np.linalg.norm(f) for f in filters]
        if not any(
            all(np.allclose(a, b) for a, b in zip(filters, way, strict=True)) for way in ways
        ):
            ways.append(filters)
    return ways


def _turned(room: list[int], turn: int) -> list[int]:
    return [(j + turn) % len(room) for j in range(len(room))]
