"""The coefficients that a stack makes of its weights, in floats, for many weights at once.

The map F from weights to coefficients is affine in the kernel of each layer separately (if no
kernel is used twice): F(w + e) - F(w) is then *exactly* the derivative along e when e changes one
weight, so that columns of the Jacobian, and of the second derivatives of <r, F(w)>, are plain
differences without truncation error. With kernels used twice, central differences are exact for
kernels used up to two times, and taken for what they are otherwise (steps are checked anyway).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.algebra.operators import grid_of
from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.errors import UnsupportedError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_FIELD_LIMIT = 100_000  # places of a receptive field


class Block(NamedTuple):
    """Where the kernel of a step stands in the weights: [out, in of its group, taps]."""

    step: int
    start: int
    shape: tuple[int, int, int]

    @property
    def stop(self) -> int:
        """The first weight after it."""
        return self.start + prod(self.shape)


@dataclass(frozen=True)
class Coefficients:
    """The map of a plan. Weights are `[starts, weights]`, coefficients `[starts, c_out, *field,
    c_in]`; biases are left out, since they have no part in the kernel.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.readers import read
    >>> import numpy
    >>> made = Coefficients(plan_of(read("2,2")))
    >>> made.values(numpy.array([[1.0, 2.0, 1.0, 3.0]])).ravel().tolist()
    [1.0, 5.0, 6.0]
    """

    plan: Plan

    def __post_init__(self) -> None:
        if any(b != 1 for rate in self._grid.rates for _, b in rate):
            raise UnsupportedError(
                f"{self.plan.text} makes its input larger; nearest takes stacks that are one "
                "convolution, without transposed convolutions of a stride or upsampling"
            )
        if prod(self.field) > _FIELD_LIMIT:
            raise UnsupportedError(
                f"{self.plan.text} sees {prod(self.field):,} places; nearest takes up to "
                f"{_FIELD_LIMIT:,}"
            )

    @cached_property
    def _grid(self) -> Any:
        return grid_of(self.plan)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The free kernels in the order of the steps."""
        found = []
        count = 0
        for index, step in enumerate(self.plan.steps):
            if step.weights == index:
                out, into = step.channels[1], step.channels[0] // step.groups
                found.append(Block(index, count, (out, into, prod(step.size))))
                count = found[-1].stop
        return tuple(found)

    @cached_property
    def weights(self) -> int:
        """The number of free weights, without biases."""
        return self.blocks[-1].stop if self.blocks else 0

    @cached_property
    def shared(self) -> bool:
        """Whether a kernel is used more than once."""
        used = [step.weights for step in self.plan.steps if step.weights is not None]
        return len(used) > len(set(used))

    @property
    def scales(self) -> bool:
        """Whether the stack makes every multiple of what it makes: a chain with a free layer."""
        return self.plan.is_chain and bool(self.blocks)

    def rate(self, step: int, axis: int) -> int:
        """The stride before what comes after a step, along an axis."""
        return int(self._grid.rates[step][axis][0])

    @cached_property
    def field(self) -> Axes:
        """The size of the box of places that the stack sees."""
        return tuple(high - low + 1 for low, high in self._grid.spans[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the coefficients at one point: c_out, the field, c_in."""
        into, out = self.plan.channels
        return (out, *self.field, into)

    @cached_property
    def work(self) -> int:
        """The multiplications of one evaluation, about."""
        into = self.plan.channels[0]
        total = 0
        for step in self.plan.steps:
            if step.op in ("conv", "convt"):
                box = prod(self.box(step.sources[0]))
                total += prod(step.size) * step.channels[1] * step.channels[0] // step.groups * box
        return total * into + 1

    @cached_property
    def memory(self) -> int:
        """The floats that all values of one evaluation take, about."""
        into = self.plan.channels[0]
        return into * sum(
            step.channels[1] * prod(self.box(index)) for index, step in enumerate(self.plan.steps)
        )

    def values(self, weights: Array) -> Array:
        """The coefficients at each of the given weights."""
        return self._forward(weights)[-1]

    def pulled_back(self, weights: Array, residual: Array, only: Block | None = None) -> Array:
        """The gradient of `<residual, F(w)>` at each of the weights, the residual being fixed.

        With `only` that by one block, and 0 elsewhere.
        """
        import numpy as np

        steps = self.plan.steps
        found = np.zeros_like(weights)
        values = self._forward(weights)
        adjoint: list[Array | None] = [None] * len(steps)
        adjoint[-1] = residual
        first_used = 1 if only is None else only.step
        for index in range(len(steps) - 1, first_used - 1, -1):
            step, back = steps[index], adjoint[index]
            if back is None:
                continue
            adjoint[index] = None
            if step.op in ("conv", "convt"):
                source = step.sources[0]
                block = self._block(step)
                if only is not None and block != only:
                    block = None
                kernel = self._kernel(step, weights)
                into = np.zeros_like(values[source]) if source and index > first_used else None
                for tap, place in enumerate(self.places(index)):
                    part = back[(slice(None), slice(None), *place)]
                    if block is not None:
                        gradient = _outer(part, values[source], step.groups)
                        view = found[:, block.start : block.stop].reshape(-1, *block.shape)
                        view[..., tap] += gradient  # a view of `found`: slices of rows are
                    if into is not None:
                        into += _applied_back(kernel[..., tap], part, step.groups)
                if into is not None:
                    _collect(adjoint, source, into)
            elif step.op == "pick":
                into = np.zeros_like(values[step.sources[0]])
                for channel, source in enumerate(step.picked):
                    into[:, source] += back[:, channel]
                _collect(adjoint, step.sources[0], into)
            else:
                first = 0
                for source in step.sources:
                    width = steps[source].channels[1]
                    where = self._inside(source, index)
                    channels = slice(first, first + width)
                    first += width if step.op == "cat" else 0
                    _collect(adjoint, source, back[(slice(None), channels, *where)].copy())
        return found

    def jacobian(self, weights: Array, chosen: range | None = None) -> Array:
        """The derivatives `[starts, weights, coefficients]` by each weight, or by those chosen."""
        import numpy as np

        at = range(self.weights) if chosen is None else chosen
        starts, n = weights.shape
        flat = (starts * len(at), n)
        each = (starts, len(at), prod(self.shape))
        moved = np.repeat(weights, len(at), axis=0).reshape(starts, len(at), n)
        number = np.arange(len(at))
        moved[:, number, number + at.start] += 1.0
        there = self.values(moved.reshape(flat)).reshape(each)
        if not self.shared:
            return np.asarray(there - self.values(weights).reshape(starts, 1, -1))
        moved[:, number, number + at.start] -= 2.0
        back = self.values(moved.reshape(flat)).reshape(each)
        return np.asarray((there - back) / 2)

    def second(self, weights: Array, residual: Array) -> Array:
        """The second derivatives `[starts, weights, weights]` of `<residual, F(w)>`."""
        import numpy as np

        if self.shared:
            return self._second_shared(weights, residual)
        starts, n = weights.shape
        found = np.zeros((starts, n, n))
        base = self.pulled_back(weights, residual)[:, None, :]
        # Symmetric, and 0 where both weights are of one layer: the largest layer can be left out.
        largest = max(self.blocks, key=lambda block: prod(block.shape))
        for block in self.blocks:
            if block is largest:
                continue
            width = block.stop - block.start
            number = np.arange(width)
            moved = np.repeat(weights, width, axis=0).reshape(starts, width, n)
            moved[:, number, number + block.start] += 1.0
            fixed = np.repeat(residual, width, axis=0)
            there = self.pulled_back(moved.reshape(starts * width, n), fixed)
            columns = there.reshape(starts, width, n) - base
            found[:, block.start : block.stop] = columns
            to = slice(largest.start, largest.stop)
            found[:, to, block.start : block.stop] = columns[:, :, to].swapaxes(1, 2)
        return found

    def _second_shared(self, weights: Array, residual: Array) -> Array:
        import numpy as np

        starts, n = weights.shape
        number = np.arange(n)
        moved = np.repeat(weights, n, axis=0).reshape(starts, n, n)
        moved[:, number, number] += 1.0
        fixed = np.repeat(residual, n, axis=0)
        there = self.pulled_back(moved.reshape(starts * n, n), fixed)
        moved[:, number, number] -= 2.0
        back = self.pulled_back(moved.reshape(starts * n, n), fixed)
        found = (there - back).reshape(starts, n, n) / 2
        return np.asarray((found + found.transpose(0, 2, 1)) / 2)

    def _forward(self, weights: Array) -> list[Array]:
        """What every step makes of the input's channels: [starts, channels, *box, c_in]."""
        import numpy as np

        into = self.plan.channels[0]
        eye = np.eye(into).reshape(1, into, *(1,) * self.plan.axes, into)
        return self._continued(weights, [np.broadcast_to(eye, (len(weights), *eye.shape[1:]))])

    def before(self, weights: Array, index: int) -> Array:
        """What comes into a step of a chain: [starts, channels, *box, c_in]."""
        return self._forward(weights)[index - 1]

    def after(self, weights: Array, index: int, basis: Array) -> Array:
        """What a chain makes of values of a step, [starts, channels, *box, how many there are]."""
        return self._continued(weights, [basis] * (index + 1))[-1]

    def _continued(self, weights: Array, values: list[Array]) -> list[Array]:
        """The values of the first steps, and of the rest."""
        import numpy as np

        starts, into = len(weights), values[-1].shape[-1]
        for index, step in enumerate(self.plan.steps[len(values) :], len(values)):
            if step.op == "pick":
                values.append(values[step.sources[0]][:, list(step.picked)])
                continue
            out = np.zeros((starts, step.channels[1], *self.box(index), into))
            if step.op in ("conv", "convt"):
                kernel = self._kernel(step, weights)
                source = values[step.sources[0]]
                for tap, place in enumerate(self.places(index)):
                    where = (slice(None), slice(None), *place)
                    out[where] += _applied(kernel[..., tap], source, step.groups)
            else:
                first = 0
                for number in step.sources:
                    width = self.plan.steps[number].channels[1]
                    where = (slice(None), slice(first, first + width), *self._inside(number, index))
                    first += width if step.op == "cat" else 0
                    out[where] += values[number]
            values.append(out)
        return values

    def box(self, index: int) -> Axes:
        return tuple(high - low + 1 for low, high in self._grid.spans[index])

    def _block(self, step: Step) -> Block | None:
        if step.weights is None:
            return None
        return next(block for block in self.blocks if block.step == step.weights)

    def _kernel(self, step: Step, weights: Array) -> Array:
        """[starts or 1, out, in of the group, taps]."""
        import numpy as np

        block = self._block(step)
        if block is not None:
            return weights[:, block.start : block.stop].reshape(-1, *block.shape)
        assert step.taps is not None
        taps = np.array([float(tap) for tap in step.taps])
        return np.broadcast_to(taps, (1, step.channels[1], 1, len(taps)))

    def places(self, index: int) -> list[tuple[slice, ...]]:
        """Of each tap the part of the box that it fills with the source's box."""
        return self._all_places[index]

    @cached_property
    def _all_places(self) -> dict[int, list[tuple[slice, ...]]]:
        found = {}
        for index, step in enumerate(self.plan.steps):
            if step.op not in ("conv", "convt"):
                continue
            (source,) = step.sources
            rate, box = self._grid.rates[source], self.box(source)
            sign = 1 if step.op == "conv" else -1
            low = [
                before[0] - here[0]
                for before, here in zip(
                    self._grid.spans[source], self._grid.spans[index], strict=True
                )
            ]
            found[index] = [
                tuple(
                    slice(least + sign * a * o, least + sign * a * o + size)
                    for least, (a, _), o, size in zip(low, rate, offset, box, strict=True)
                )
                for offset in step.offsets()
            ]
        return found

    def _inside(self, source: int, index: int) -> tuple[slice, ...]:
        spans = zip(self._grid.spans[source], self._grid.spans[index], strict=True)
        return tuple(slice(low - base, high - base + 1) for (low, high), (base, _) in spans)

    def support(self) -> Any:
        """Which coefficients are not identically 0: those that are not where all weights are 1."""
        import numpy as np

        return self.values(np.ones((1, self.weights)))[0] != 0


def _collect(adjoint: list[Array | None], source: int, part: Array) -> None:
    if source:
        before = adjoint[source]
        adjoint[source] = part if before is None else before + part


def _applied(kernel: Array, source: Array, groups: int) -> Array:
    """Channel by channel: [b, out, in] on [b, in of all groups, ..]."""
    into = kernel.shape[2]
    if into == 1 and (kernel.shape[1] == source.shape[1] or source.shape[1] == 1):
        return kernel.reshape(*kernel.shape[:2], *(1,) * (source.ndim - 2)) * source
    rest = source.shape[2:]
    flat = source.reshape(len(source), groups, into, -1)
    grouped = kernel.reshape(len(kernel), groups, -1, into)
    return (grouped @ flat).reshape(-1, kernel.shape[1], *rest)


def _applied_back(kernel: Array, back: Array, groups: int) -> Array:
    into = kernel.shape[2]
    if into == 1 and kernel.shape[1] == groups:
        return kernel.reshape(*kernel.shape[:2], *(1,) * (back.ndim - 2)) * back
    rest = back.shape[2:]
    flat = back.reshape(len(back), groups, kernel.shape[1] // groups, -1)
    grouped = kernel.reshape(len(kernel), groups, -1, into).swapaxes(2, 3)
    return (grouped @ flat).reshape(-1, groups * into, *rest)


def _outer(back: Array, source: Array, groups: int) -> Array:
    """[b, out, in of the group]: the sums over places and channels that come in."""
    import numpy as np

    starts = len(back)
    left = back.reshape(starts, groups, back.shape[1] // groups, -1)
    right = source.reshape(starts, groups, source.shape[1] // groups, -1)
    if left.shape[2] == right.shape[2] == 1:
        return np.asarray(np.einsum("bgix,bgix->bgi", left, right)).reshape(
            starts, back.shape[1], -1
        )
    return np.asarray(left @ right.swapaxes(2, 3)).reshape(starts, back.shape[1], -1)
