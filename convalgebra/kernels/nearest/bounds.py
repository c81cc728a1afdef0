"""What no choice of weights can undercut: lower bounds, with a bound for their own rounding.

A matrix A of rank at most r is at least as far from M (Frobenius norm) as the root of the sum of
the squares of all but the r largest singular values of M (Eckart, Young 1936; Mirsky 1960). It is
applied to the unfoldings of a chain, to the Ruppert matrix of a one-channel kernel, and, with the
rank 0, to the places that a stack does not reach.

Rounding. With U, s, V as computed, N = U diag(s) V^T (a real product of those floats) has singular
values of at least s_i sigma_min(U) sigma_min(V), and differs from M by E, so that the tail of M is
at least sigma_min(U) sigma_min(V) |(s_i), i > r| - |E|. sigma_min(U)^2 >= 1 - |U^T U - 1|, and both
norms are evaluated with the a priori bounds of floating-point sums: a sum of k products is off by
at most g(k) times the sum of their absolute values, g(k) = k u / (1 - k u), u = 2^-53, in whatever
order it is taken (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1).
"""

from __future__ import annotations

from functools import cache
from math import hypot, prod, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.kernels.nearest.covariance import Weighting
from convalgebra.kernels.nearest.problem import Problem
from convalgebra.kernels.nearest.unfoldings import Unfolding, unfoldings

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_U = 2.0**-53
_LARGEST = 3e10  # multiplications for the singular values of one matrix: about ten seconds
_RUPPERT_LIMIT = 15  # size of a kernel: its Ruppert matrix has about 2 n^2 columns


class Bound(NamedTuple):
    """An error that nothing undercuts, absolute, and why."""

    value: float
    reason: str


def _g(count: int) -> float:
    """The relative error of a sum of `count` products, an ulp more for its own rounding."""
    return count * _U / (1 - count * _U) * (1 + 2.0**-40)


def lower_bound(problem: Problem, only: Unfolding | None = None) -> Bound:
    """The largest lower bound known for `|(F(w) - kernel) L|`, what is outside included.

    With `only` that of one unfolding: the best one where the stack makes all matrices of its rank.
    """
    import numpy as np

    kernel = problem.kernel
    best = Bound(0.0, "")
    weighting = problem.weighting
    if weighting is None:
        missed = kernel[~problem.made.support()]
        if missed.size:
            value = float(np.sqrt((missed**2).sum())) * (1 - _g(missed.size + 4))
            best = Bound(value, "the stack does not reach all places of the kernel")
    for unfolding in unfoldings(problem.made) if only is None else [only]:
        found = _of_unfolding(problem, unfolding)
        best = max(best, found, key=lambda bound: bound.value)
    found = _of_products(problem)
    best = max(best, found, key=lambda bound: bound.value)
    return with_outside(best, problem)


def with_outside(bound: Bound, problem: Problem) -> Bound:
    """A bound for what the stack sees of the kernel, and what it does not see added to that."""
    if not problem.outside:
        return bound
    value = hypot(bound.value, sqrt(problem.outside)) * (1 - 16 * _U)
    return Bound(value, bound.reason or "the kernel is larger than what the stack sees")


def _of_unfolding(problem: Problem, unfolding: Unfolding) -> Bound:
    import numpy as np

    kernel, slack, factor = problem.kernel, 0.0, 1.0
    weighting = problem.weighting
    if weighting is not None:
        if fits(problem, unfolding):
            kernel, slack = _weighted(problem)
        else:
            factor = smallest(weighting)
            if factor <= 0:
                return Bound(0.0, "")
    squares = []
    for number, rectangle in enumerate(unfolding.rectangles):
        matrix = unfolding.matrix(kernel, number)
        rank = len(rectangle.hidden) * unfolding.multiple
        if rank < min(matrix.shape) and matrix.size * min(matrix.shape) <= _LARGEST:
            squares.append(tail(matrix, rank) ** 2)
    missed = unfolding.missed(kernel)
    squares.append(float((missed**2).sum()))
    count = len(squares) + missed.size + 4
    value = max(0.0, float(np.sqrt(sum(squares))) * (1 - _g(count)) - slack) * factor
    hidden = sum(len(r.hidden) for r in unfolding.rectangles)
    one = len(unfolding.rectangles) == 1
    rank = hidden * unfolding.multiple if one else 0
    what = f"rank at most {rank}" if one else "blocks of bounded rank"
    return Bound(value, f"singular values: an unfolding of all that the stack makes has {what}")


def fits(problem: Problem, unfolding: Unfolding) -> bool:
    """Whether a weighting acts on the rows and on the columns of an unfolding separately."""
    weighting = problem.weighting
    if weighting is None:
        return True
    full = all(len(unfolding.places(axis)) == size for axis, size in enumerate(problem.made.field))
    whole = set(unfolding.modes) == {"columns"} or set(unfolding.modes) == {"rows"}
    along = bool(weighting.along) and "split" not in unfolding.modes
    return full and (along or (whole and not weighting.channels))


def _weighted(problem: Problem) -> tuple[Array, float]:
    """The kernel times L, and a bound for the rounding in it."""
    import numpy as np

    assert problem.weighting is not None
    found = problem.weighting.applied(problem.kernel)
    count = sum(len(factor) + 1 for factor in problem.weighting.factors)
    size = float(np.sqrt((problem.kernel**2).sum())) * stretched(problem.weighting)
    return found, size * _g(count)


def stretched(weighting: Weighting | None) -> float:
    """More than by what L can multiply a norm: its Frobenius norm."""
    import numpy as np

    factors = () if weighting is None else weighting.factors
    return float(np.prod([np.sqrt((factor**2).sum()) for factor in factors])) * 1.01


def smallest(weighting: Weighting) -> float:
    """A lower bound for the least singular value of L, rounding included: 0 where L is singular."""
    least = [tail(factor, len(factor) - 1) for factor in weighting.factors]
    return prod(least) * (1 - _g(len(least)))


def norm_above(problem: Problem) -> float:
    """An upper bound for the norm of the kernel, weighted, what is outside included."""
    import numpy as np

    slack = 0.0 if problem.weighting is None else _weighted(problem)[1]
    within = problem.weighted(problem.kernel[None])
    norm = float(np.sqrt((within**2).sum())) * (1 + _g(within.size + 2)) + slack
    return float(np.hypot(norm, np.sqrt(problem.outside))) * (1 + 16 * _U)


def linear_bound(problem: Problem, weights: Array) -> Bound:
    """The bound of a stack with at most one free layer, from weights near the best ones.

    The residuals are c + w M. With r those at the given weights and g = M r, all others have at
    least the square |r|^2 - |g|^2 / s^2, s being the least singular value of M. M and c, as they
    are computed, are off by at most g(count) of what the absolute values of their terms add up to,
    count being the multiplications of the whole stack and of L.
    """
    import numpy as np

    made = problem.made
    zero = np.zeros((1, made.weights))
    constant = problem.residuals(zero)[0]
    matrix = problem.jacobian(zero)[0]
    residual = constant + weights @ matrix
    margin = _g(made.work + 4 * matrix.size + 100)
    grown = stretched(problem.weighting)
    size = float(np.sqrt((made.jacobian(zero) ** 2).sum())) * grown
    parts = (made.values(zero), problem.kernel)
    scale = sum(float(np.sqrt((part**2).sum())) for part in parts) * grown
    scale += size * float(np.sqrt((weights**2).sum()))
    length = max(0.0, float(np.sqrt((residual**2).sum())) - margin * scale)
    missing = 0.0
    if made.weights:
        least = tail(matrix, made.weights - 1) - margin * size
        if least <= 0:
            return Bound(0.0, "")
        slope = float(np.sqrt(((matrix @ residual) ** 2).sum())) + 3 * margin * size * scale
        missing = slope / least
    square = (length - missing) * (length + missing) + problem.outside
    value = float(np.sqrt(max(0.0, square))) * (1 - 16 * _U)
    return Bound(
        value, "one free layer: linear least squares" if made.weights else "nothing is free"
    )


def tail(matrix: Array, rank: int) -> float:
    """A lower bound for the distance of a matrix from those of at most that rank.

    >>> import numpy
    >>> 2.999 < tail(numpy.diag([5.0, 3.0]), 1) <= 3.0
    True
    """
    import numpy as np

    m, n = matrix.shape
    k = min(m, n)
    if rank >= k:
        return 0.0
    u, s, v = np.linalg.svd(matrix, full_matrices=False)
    size = float(np.sqrt((matrix**2).sum())) * (1 + _g(matrix.size + 2))
    of_u = float(np.sqrt((u**2).sum())) * (1 + _g(u.size + 2))
    of_v = float(np.sqrt((v**2).sum())) * (1 + _g(v.size + 2))
    of_sv = float(np.sqrt(((s[:, None] * v) ** 2).sum())) * (1 + _g(v.size + 3))
    difference = matrix - (u * s) @ v
    off = float(np.sqrt((difference**2).sum())) * (1 + _g(matrix.size + 2))
    off += _g(k + 3) * (size + of_u * of_sv)
    eye = np.eye(k)
    bent_u = float(np.sqrt(((u.T @ u - eye) ** 2).sum())) * (1 + _g(k * k + 2))
    bent_u += _g(m + 2) * (of_u**2 + k)
    bent_v = float(np.sqrt(((v @ v.T - eye) ** 2).sum())) * (1 + _g(k * k + 2))
    bent_v += _g(n + 2) * (of_v**2 + k)
    kept = np.sqrt(max(0.0, 1 - bent_u) * max(0.0, 1 - bent_v)) * (1 - 8 * _U)
    rest = float(np.sqrt((s[rank:] ** 2).sum())) * (1 - _g(k + 4))
    return max(0.0, float(rest * kept - off) * (1 - 4 * _U))


def factors_of(problem: Problem) -> int:
    """How many factors, at least, a generic member of a one-channel chain with two axes has.

    A layer with two axes is one, irreducible over C or not; one with a single axis has a root over
    C for each of its degrees. A fixed kernel counts as the free one that contains it. 0 for other
    stacks.
    """
    plan = problem.made.plan
    if plan.axes != 2 or problem.made.shape[0] != 1 or problem.made.shape[-1] != 1:
        return 0
    if not all(
        step.op in ("conv", "convt") and step.channels == (1, 1) and step.sources == (index - 1,)
        for index, step in enumerate(plan.steps[1:], 1)
    ):
        return 0
    count = 0
    for step in plan.steps[1:]:
        along = [
            (k - 1) * d * problem.made.rate(step.sources[0], axis)
            for axis, (k, d) in enumerate(zip(step.size, step.dilation, strict=True))
        ]
        long = [degree for degree in along if degree]
        count += 1 if len(long) == 2 else sum(long)
    return count


def _of_products(problem: Problem) -> Bound:
    """The bound by Ruppert's matrix.

    For f of degree at most (m, n) let R(f) be the matrix of (g, h) -> f g_y - g f_y - f h_x + h f_x
    on deg g <= (m - 1, n), deg h <= (m, n - 2). If f = f_1 .. f_s of degree exactly (m, n), the f_i
    pairwise coprime and not constant, then g_i = (f / f_i) (f_i)_x and h_i = (f / f_i) (f_i)_y
    solve it, since g_i / f and h_i / f are the derivatives of log f_i; they are linearly
    independent, and the coefficient of y^(n-1) in sum c_i h_i is sum c_i n_i times a polynomial in
    x, n_i the degree of f_i in y. So R(f) has nullity s - 1 at least (Ruppert 1999; Gao's
    form of 2003 allows deg h <= (m, n - 1)). A generic member of a chain is such a
    product, all members are limits of generic ones, and a bound of the rank passes to the limit:
    for *every* member K' the s - 1 least singular values of R(K') are 0. R is linear: with its rows
    and columns scaled in any way,

        |(least s - 1 singular values of R(K))|  <=  |R(K - K')|  <=  c |K - K'|,

    where c^2 is the largest sum of squares that a coefficient has in R (each entry of R is a
    multiple of one coefficient, and no coefficient appears twice in a column).
    """
    import numpy as np

    count = factors_of(problem)
    kernel = problem.kernel.reshape(problem.made.field) if count >= 2 else None
    if kernel is None or min(kernel.shape) < 2 or max(kernel.shape) > _RUPPERT_LIMIT:
        return Bound(0.0, "")
    factor = 1.0 if problem.weighting is None else smallest(problem.weighting)
    best = 0.0
    for turned in (kernel, kernel.T):
        table = _ruppert(*turned.shape)
        for columns in (np.ones(table.shape[1]), 1 / np.sqrt((table**2).sum((0, 2)))):
            scaled = table * columns[None, :, None]
            matrix = scaled @ turned.ravel()  # one product an entry: off by an ulp of it each
            off = _g(4) * float(np.sqrt((matrix**2).sum()))
            norm = float(np.sqrt((scaled**2).sum((0, 1)).max())) * (1 + _g(table.shape[0] + 8))
            value = (tail(matrix, matrix.shape[1] - (count - 1)) - off) / norm * (1 - 8 * _U)
            best = max(best, value)
    return Bound(
        best * factor,
        f"a product of {count} polynomials has a singular Ruppert matrix, and this kernel's is not",
    )


@cache
def _ruppert(height: int, width: int) -> Any:
    """[rows, columns, coefficients] for kernels height x width, height - 1 = m, width - 1 = n."""
    import numpy as np

    m, n = height - 1, width - 1
    of_g = [(a, b) for a in range(m) for b in range(n + 1)]
    of_h = [(a, b) for a in range(m + 1) for b in range(n - 1)]
    table = np.zeros((2 * m, 2 * n, len(of_g) + len(of_h), height, width))
    for i in range(height):
        for j in range(width):
            for column, (a, b) in enumerate(of_g):
                if b != j:
                    table[i + a, j + b - 1, column, i, j] = b - j
            for column, (a, b) in enumerate(of_h, len(of_g)):
                if i != a:
                    table[i + a - 1, j + b, column, i, j] = i - a
    return table.reshape(4 * m * n, len(of_g) + len(of_h), height * width)
