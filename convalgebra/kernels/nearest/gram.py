"""The products of the derivatives by the weights of one layer of a chain: its Gram matrix.

Cut the chain before and after a layer W[o, i, t]: K[O, e, I] = sum over f + t + g = e of
P[O, o, f] W[o, i, t] Q[i, I, g]. Where Q has a single place g, the inner product of the derivatives
by W[o, i, t] and W[o', i', t'] is

    sum over O, e of P[O, o, e - t] P[O, o', e - t']   times   sum over I of Q[i, I] Q[i', I],

a Kronecker product, and likewise, with the taps on the other side, where P has a single place: in a
chain of two layers always, and between 1x1 layers. Elsewhere, and between different groups, such a
product is no more than close to it: good enough to precondition with.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.kernels.nearest.coefficients import Block, Coefficients

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_RIDGE = 1e-10  # of the mean eigenvalue, added
_LARGEST = 3000  # rows of a factor: its inverse takes seconds


class Gram(NamedTuple):
    """The inverses of its two factors, group by group: of (o, t) and i, or of o and (i, t)."""

    left: Any
    right: Any
    exact: bool
    work: float  # multiplications that it took

    def solved(self, gradient: Array, block: Block) -> Array:
        """Gram^-1 times the gradient by the block."""
        import numpy as np

        out, into, taps = block.shape
        groups = len(self.left)
        on_left = self.left.shape[1] * groups > out
        shaped = gradient.reshape(groups, out // groups, into, taps)
        if on_left:
            shaped = shaped.swapaxes(2, 3)
        found = self.left @ shaped.reshape(groups, self.left.shape[1], -1) @ self.right
        if on_left:
            found = found.reshape(groups, out // groups, taps, into).swapaxes(2, 3)
        return np.asarray(found.reshape(gradient.shape))


def gram(made: Coefficients, weights: Array, block: Block) -> Gram | None:
    """That of a block at one point; None where its factors are too large, and in sums."""
    import numpy as np

    steps, index = made.plan.steps, block.step
    if made.shared or any(step.sources != (n - 1,) for n, step in enumerate(steps[1:], 1)):
        return None
    (out, into, taps), groups = block.shape, steps[index].groups
    box, seen = made.box(index), made.box(steps[index].sources[0])
    point, last = prod(seen) == 1, box == made.field
    each, rest = out // groups * (taps if point else 1), into * (1 if point else taps)
    if max(each, rest) > _LARGEST:
        return None
    corner: Any = np.zeros((1, out, *box, out))
    corner[0].reshape(out, -1, out)[:, 0] = np.eye(out)
    size = tuple(slice(f - b + 1) for f, b in zip(made.field, box, strict=True))
    after: Any = made.after(weights, index, corner)[0]  # P, beside zeros: [O, *field, o]
    after = np.moveaxis(after[(slice(None), *size)], -1, 0)
    before = made.before(weights, index)[0]  # Q: [i of all groups, *seen, I]
    at = [tuple(place.start for place in places) for places in made.places(index)]
    left = _shifted(np.moveaxis(after, 1, -1), at, made.field) if point else after
    right = before if point else _shifted(before, at, box)
    left, right = left.reshape(groups, each, -1), right.reshape(groups, rest, -1)
    work = left.size * each + right.size * rest + 2 * groups * (each**3 + rest**3)
    return Gram(
        _inverse(left @ left.swapaxes(1, 2)),
        _inverse(right @ right.swapaxes(1, 2)),
        (point or last) and (groups == 1 or index in (1, len(steps) - 1)),
        float(work + out * made.work / made.plan.channels[0]),
    )


def _shifted(values: Array, at: list[tuple[int, ...]], box: tuple[int, ...]) -> Array:
    """[channels, taps, *box, ..]: values [channels, *size, ..] laid where each tap puts them."""
    import numpy as np

    found: Any = np.zeros((len(values), len(at), *box, values.shape[-1]))
    for tap, corner in enumerate(at):
        sizes = zip(corner, values.shape[1:-1], strict=True)
        found[(slice(None), tap, *(slice(c, c + size) for c, size in sizes))] = values
    return np.asarray(found)


def _inverse(matrices: Array) -> Array:
    import numpy as np

    n = matrices.shape[-1]
    ridge = _RIDGE * np.trace(matrices, axis1=1, axis2=2) / n + 1e-300
    return np.asarray(np.linalg.inv(matrices + ridge[:, None, None] * np.eye(n)))
