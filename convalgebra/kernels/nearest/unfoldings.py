"""Which rearrangements of a stack's coefficients into a matrix have a bounded rank.

Cut a chain after one of its layers, where it has h channels: K[O, e, I] = sum over hidden c and e'
+ e'' = e of T[O, c, e''] H[c, I, e'], H being what comes before and T what comes after, with places
e' in a product of sets S_H (one set an axis) and e'' in S_T. Put each axis on the rows, or on the
columns, or, where every e is e' + e'' in one way only, e'' on the rows and e' on the columns. The
matrix is then a sum of h x prod(|S_H| over axes on the rows) x prod(|S_T| over those on the
columns) products of a column and a row:

    K[(O, e_R), (I, e_C)] = sum over c, e'_R, e''_C of
                            T[O, c, e_R - e'_R, e''_C]  H[c, I, e'_R, e_C - e''_C]

which bounds its rank. With groups, hidden channel c connects the inputs I_c with the outputs O_c
only; channels with the same (I_c, O_c) form a block, and where the blocks are disjoint rectangles
each one has a bound of its own. Rectangles that overlap are taken together.

Where the rank is bounded by h alone (no axis on the rows with |S_H| > 1, none on the columns with
|S_T| > 1) and H and T are one layer each, every matrix of rank h comes from filters: its factors.
Then the best approximation is that of Eckart, Young (1936) and Mirsky (1960): the singular values
kept are the h largest ones, block by block.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.kernels.nearest.coefficients import Coefficients

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_ROWS, _COLUMNS, _SPLIT = "rows", "columns", "split"


class Rectangle(NamedTuple):
    """Outputs, inputs and the hidden channels between them."""

    outputs: tuple[int, ...]
    inputs: tuple[int, ...]
    hidden: tuple[int, ...]


@dataclass(frozen=True)
class Unfolding:
    """A matrix of coefficients for each rectangle, and the bound of its rank per hidden channel."""

    seam: int  # the step after which the chain is cut
    rectangles: tuple[Rectangle, ...]
    before: tuple[tuple[int, ...], ...]  # S_H, axis by axis, counted from the corner of the field
    after: tuple[tuple[int, ...], ...]  # S_T
    modes: tuple[str, ...]

    @property
    def multiple(self) -> int:
        """The rank per hidden channel."""
        along = zip(self.modes, self.before, self.after, strict=True)
        return prod({_ROWS: len(b), _COLUMNS: len(a), _SPLIT: 1}[mode] for mode, b, a in along)

    def places(self, axis: int) -> list[int]:
        """All e' + e'' along an axis."""
        return sorted({a + b for a, b in product(self.after[axis], self.before[axis])})

    def matrix(self, kernel: Array, number: int) -> Array:
        """The matrix of a rectangle, of the kernel [c_out, *field, c_in]."""
        import numpy as np

        rectangle = self.rectangles[number]
        part = kernel
        if len(rectangle.outputs) < kernel.shape[0]:
            part = part[list(rectangle.outputs)]
        if len(rectangle.inputs) < kernel.shape[-1]:
            part = part[..., list(rectangle.inputs)]
        axes = len(self.modes)
        rows, columns = [0], [2 * axes + 1]
        shape = [part.shape[0]]
        for axis, mode in enumerate(self.modes):
            # Every axis becomes two: what lies on the rows and what lies on the columns.
            if mode == _SPLIT:
                places = np.add.outer(np.array(self.after[axis]), np.array(self.before[axis]))
                part = np.take(part, places.ravel(), axis=1 + axis)
                shape += list(places.shape)
            else:
                places = self.places(axis)
                if len(places) < part.shape[1 + axis]:
                    part = np.take(part, places, axis=1 + axis)
                shape += [len(places), 1] if mode == _ROWS else [1, len(places)]
            rows.append(1 + 2 * axis)
            columns.insert(-1, 2 + 2 * axis)
        shape.append(part.shape[-1])
        height = prod(shape[at] for at in rows)
        folded = part.reshape(shape).transpose(rows + columns).reshape(height, -1)
        return np.ascontiguousarray(folded)

    def joined(self, made: Coefficients) -> bool:
        """Whether rectangles that overlap were taken together."""
        reach_in, reach_out = _reach(made, self.seam)
        return any(
            not reach_in[c][list(rectangle.inputs)].all()
            or not reach_out[c][list(rectangle.outputs)].all()
            for rectangle in self.rectangles
            for c in rectangle.hidden
        )

    def missed(self, kernel: Array) -> Array:
        """The entries that no rectangle and no place holds: 0 in whatever the stack makes."""
        import numpy as np

        held = np.zeros((kernel.shape[0], kernel.shape[-1]), bool)
        for rectangle in self.rectangles:
            held[np.ix_(rectangle.outputs, rectangle.inputs)] = True
        kept = [self.places(axis) for axis in range(len(self.modes))]
        places = np.zeros(kernel.shape[1:-1], bool)
        places[np.ix_(*kept)] = True
        rest = ~(held[(slice(None), *(None,) * len(kept))] & places[None, ..., None])
        return np.asarray(kernel[rest]) if rest.any() else np.zeros(0)


def unfoldings(made: Coefficients) -> list[Unfolding]:
    """All of them, for all cuts of a chain; none for stacks that are no chains."""
    plan = made.plan
    if any(step.sources != (index - 1,) for index, step in enumerate(plan.steps[1:], 1)):
        return []
    found = []
    last = len(plan.steps) - 1
    convolutions = [i for i, step in enumerate(plan.steps) if step.op in ("conv", "convt")]
    for seam in range(1, last):
        # A cut before a step that only moves channels is that after it.
        if plan.steps[seam].op == "pick" or not convolutions or seam >= convolutions[-1]:
            continue
        before, after = _sums(made, 1, seam), _sums(made, seam + 1, last)
        rectangles = _rectangles(made, seam)
        choices = []
        for b, a in zip(before, after, strict=True):
            unique = len({x + y for x, y in product(b, a)}) == len(a) * len(b)
            if len(b) == 1:
                choices.append([_ROWS])
            elif len(a) == 1:
                choices.append([_COLUMNS])
            else:
                choices.append([_SPLIT] if unique else [_ROWS, _COLUMNS])
        found += [Unfolding(seam, rectangles, before, after, modes) for modes in product(*choices)]
    return found


def closed_form(made: Coefficients) -> Unfolding | None:
    """The unfolding in which the stack is *all* matrices of rank at most h, if there is one."""
    plan = made.plan
    free = [step for step in plan.steps[1:] if step.weights is not None]
    if len(plan.steps) != 3 or len(free) != 2 or made.shared:
        return None
    for unfolding in unfoldings(made):
        if unfolding.multiple == 1 and not unfolding.joined(made):
            return unfolding
    return None


def _sums(made: Coefficients, first: int, last: int) -> tuple[tuple[int, ...], ...]:
    """The places, along each axis, that the steps first..last reach, counted from the least."""
    plan = made.plan
    found = []
    for axis in range(plan.axes):
        places = {0}
        for index in range(first, last + 1):
            step = plan.steps[index]
            if step.op not in ("conv", "convt"):
                continue
            a = made.rate(step.sources[0], axis)
            sign = 1 if step.op == "conv" else -1
            taps = [sign * a * step.dilation[axis] * u for u in range(step.size[axis])]
            places = {x + y for x in places for y in taps}
        least = min(places)
        found.append(tuple(sorted(place - least for place in places)))
    return tuple(found)


def _reach(made: Coefficients, seam: int) -> tuple[Any, Any]:
    """Which inputs reach each hidden channel, and which outputs it reaches."""
    import numpy as np

    plan = made.plan
    into = np.eye(plan.channels[0], dtype=bool)
    for step in plan.steps[1 : seam + 1]:
        into = _passed(into, step)
    out = np.eye(plan.steps[seam].channels[1], dtype=bool)
    for step in plan.steps[seam + 1 :]:
        out = _passed(out, step)
    return into, out.T


def _passed(reach: Any, step: Any) -> Any:
    import numpy as np

    if step.op == "pick":
        return reach[list(step.picked)]
    each = reach.reshape(step.groups, -1, reach.shape[1]).any(axis=1)
    return np.repeat(each, step.channels[1] // step.groups, axis=0)


def _rectangles(made: Coefficients, seam: int) -> tuple[Rectangle, ...]:
    reach_in, reach_out = _reach(made, seam)
    blocks: dict[tuple[bytes, bytes], list[int]] = {}
    for c, (into, out) in enumerate(zip(reach_in, reach_out, strict=True)):
        blocks.setdefault((into.tobytes(), out.tobytes()), []).append(c)
    parts = [
        (set(reach_out[c[0]].nonzero()[0]), set(reach_in[c[0]].nonzero()[0]), set(c))
        for c in blocks.values()
    ]
    merged: list[tuple[set[int], set[int], set[int]]] = []
    for part in parts:
        while True:
            touching = [m for m in merged if m[0] & part[0] and m[1] & part[1]]
            if not touching:
                break
            merged = [m for m in merged if not any(m is t for t in touching)]
            for outputs, inputs, hidden in touching:
                part = (part[0] | outputs, part[1] | inputs, part[2] | hidden)
        merged.append(part)
    return tuple(
        Rectangle(tuple(sorted(map(int, o))), tuple(sorted(map(int, i))), tuple(sorted(h)))
        for o, i, h in merged
        if o and i
    )
