"""The verdict on a merged stack: on one input, or on every input.

On one input the outputs that differ are worked out (`differences`), unless nothing can differ
whatever the weights are (`algebra.borders.losses`, told which biases are zero).

On every input: if nothing can differ on large inputs, of every length modulo the periods of the
strides, then on none. For what a window reads beyond the left border of a hidden map depends on its
distance from that border only; so does whether the continued map is zero there, but that a smaller
input leaves more of it zero; and a smaller input has fewer outputs. The right border alike, counted
from its end, which stands at one of as many places as there are lengths modulo the period. Where
outputs do differ, the two borders are looked at on inputs so large that some output in the middle
sees neither: larger ones have the same borders, further apart.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import inf, lcm, prod
from typing import Any, NamedTuple

import numpy as np

from convalgebra import progress
from convalgebra.algebra.borders import Borders, borders
from convalgebra.algebra.borders.losses import Losses, losses_of
from convalgebra.algebra.operators import grid_of
from convalgebra.algebra.plan import Axes, Plan
from convalgebra.errors import InputError, ShapeError, UnsupportedError
from convalgebra.kernels.merging.blocks import check_bits, check_finite
from convalgebra.kernels.merging.classes import TooLong, interior
from convalgebra.kernels.merging.composition import Value, values_of
from convalgebra.kernels.merging.convolution import Convolution
from convalgebra.kernels.merging.differences import MAX_WORK, Differences, differences
from convalgebra.kernels.merging.report import MergeReport, Ring, Verdict
from convalgebra.kernels.merging.rounding import (
    UNIT,
    Noise,
    gamma,
    operations,
    stored_error,
    sums_of,
    underflows,
    upward,
)
from convalgebra.kernels.merging.sides import Ends, ends_of, sides_of
from convalgebra.kernels.merging.weights import Given
from convalgebra.network import Network
from convalgebra.shapes import Shape, shape_text

MAX_SAMPLES = 16  # inputs that are looked at to tell of every input
MAX_REMAINDERS = 10**6  # lengths times steps, to see that nothing differs; some seconds
MAX_SIDE = 2**16  # of such an input
CHEAP = 2 * 10**8  # multiplications to merge floats exactly; a second or so

_TOO_LARGE = "the outputs that differ are too many to count; ask on a smaller input"


class _Sample(NamedTuple):
    """What was found on one input."""

    shape: Shape
    output: Shape
    found: Differences | None  # None where it was too much work


class Merging:
    """A stack with its numbers, merged; what is left is the verdict."""

    def __init__(
        self,
        network: Network,
        plan: Plan,
        nodes: list[int],
        given: Given,
        values: list[Value],
        merged: Convolution,
        channels: int,
    ) -> None:
        self.network, self.plan, self.nodes, self.given = network, plan, nodes, given
        self.values, self.merged, self.channels = values, merged, channels
        self.sides = sides_of(network, plan, nodes)
        # The lemma of `borders.losses` is about the biases that are there. One that is 0 in floats
        # may be there.
        biased = given.steps if given.exact else given.magnitudes
        steps = []
        for index, step in enumerate(plan.steps):
            bias = step.bias and bool(np.any(biased[index].bias != 0))
            steps.append(step._replace(bias=bias))
        self.bare = replace(plan, steps=tuple(steps))
        self.weight, self.bias = merged.weight, merged.bias
        self.noise: Noise | None = None
        self.lost = 0.0  # by rounding of the merged weights, for inputs between -1 and 1
        if given.dtype != object:
            self.round()

    def round(self) -> None:
        """Round the merged weights to their own type, and find what that may change."""
        given, merged = self.given, self.merged
        if self.of_floats and not (_fits(merged.weight) and _fits(merged.bias)):
            raise TooLong  # the merged floats are refused with a reason
        self.weight = _rounded(merged.weight, given.dtype)
        self.bias = None if merged.bias is None else _rounded(merged.bias, given.dtype)
        unit = float(np.finfo(given.dtype).eps) / 2
        own = 0.0 if given.exact else UNIT
        if not given.exact and underflows(given):
            unit = own = inf
        with np.errstate(all="ignore"):  # what overflows has no bound
            sizes = sums_of(values_of(self.plan, given.magnitudes, False)[-1])
            factor = gamma(2 * operations(self.plan, given, merged=True), own)
            lost = upward(factor * float(sizes.max(initial=0)) if factor else 0.0)
            lost += upward(stored_error(merged.weight, self.weight, int(merged.kind == "convt")))
            if merged.bias is not None:
                lost += upward(stored_error(merged.bias, self.bias, 0))
        self.lost = lost
        count = operations(self.plan, given, merged=False)
        self.noise = Noise(sizes, count, unit, own)

    def on_input(self) -> MergeReport:
        network = self.network
        shapes = network.shapes
        assert network.shape is not None
        output = shapes[network.outputs[0]]
        inputs, outputs = (tuple(int(n) for n in shape[1:]) for shape in (network.shape, output))
        ends = ends_of(self.merged, self.sides, inputs, outputs)
        sample = self.sample(network.shape)
        if sample is None:
            return self.equal(ends, [], output=output)
        ring = self.ring([sample])
        if ring is None:
            return self.report("unknown", ends, output=output, notes=(_TOO_LARGE,))
        if ring.differ:
            bound = self.bound([sample])
            return self.report("except", ends, ring=ring, output=output, bound=bound)
        return self.equal(ends, [sample], ring=ring, output=output)

    def equal(self, ends: Ends | None, samples: list[_Sample], **facts: Any) -> MergeReport:
        """The report where nothing differs, but perhaps for rounding at the borders."""
        border = max((s.found.rounding for s in samples if s.found is not None), default=0)
        if border == inf or (samples and self.noise is not None and self.noise.own == inf):
            note = "the weights are so many or so small that the rounding of floats has no bound"
            return self.report("unknown", ends, notes=(note,), **facts)
        verdict: Verdict = "equal to rounding" if border else "exact"
        return self.report(verdict, ends, bound=self.bound(samples), **facts)

    def bound(self, samples: list[_Sample]) -> float | None:
        """By how much outputs that count as equal differ at most; None where that is not known."""
        found = [sample.found for sample in samples]
        border = max((part.rounding for part in found if part is not None), default=0)
        total = upward(self.lost + upward(border))
        return total if None not in found and total < inf else None

    def on_every_input(self) -> MergeReport:
        ends = ends_of(self.merged, self.sides)
        if ends is None and self.merged.kind != "phases":
            self.first_sample()  # raises where branches fit on no input
            raise UnsupportedError(
                "the size of the output follows no one rule: branches that meet agree for some "
                "inputs only, or a strided map is stretched again; give the input, like --input "
                "12x12 (in Python input=..)"
            )
        periods = self.periods()
        first = self.first_sample()
        least = tuple(int(n) for n in first[1:])
        if self.nothing_differs(least, periods):
            return self.equal(ends, [])
        if prod(periods) > MAX_SAMPLES:
            note = "the strides are so large that too many sizes of inputs differ; give one input"
            return self.report("unknown", ends, notes=(note,), least=least)
        found = []
        for moves in product(*map(range, periods)):
            moved = (n + m for n, m in zip(least, moves, strict=True))
            found.append(self.sample((self.channels, *moved), MAX_WORK // prod(periods)))
        samples = [sample for sample in found if sample is not None]
        ring = self.ring(samples)
        if ring is None and samples:
            return self.report("unknown", ends, notes=(_TOO_LARGE,), least=least)
        if ring is None or ring.differ == 0:
            return self.equal(ends, samples, least=least)
        bound = self.bound(samples)
        if len(samples) < len(found):  # on some inputs nothing differs
            ring = ring._replace(whole=False)
        return self.report("except", ends, ring=ring, least=least, bound=bound)

    def nothing_differs(self, least: Axes, periods: Axes) -> bool:
        """Whether nothing can differ on inputs of every length; False also where that is unknown.

        A border loses something or not whatever the other axes are like, so that lengths along all
        axes are tried at once.
        """
        if max(periods) * len(self.plan.steps) > MAX_REMAINDERS:
            return False
        for number in range(max(periods)):
            moved = (n + number % p for n, p in zip(least, periods, strict=True))
            losses = self.losses((self.channels, *moved))
            if losses is None or losses.count():
                return False
        return True

    def periods(self) -> Axes:
        """Along each axis how much longer an input must be for its far border to look the same."""
        rates = grid_of(self.plan).rates
        return tuple(lcm(*(rate[axis][0] for rate in rates)) for axis in range(self.plan.axes))

    def first_sample(self) -> Shape:
        """An input so large that outputs in its middle see no border."""
        side, error = 8, None
        while side <= MAX_SIDE:
            shape = (self.channels, *(side,) * self.plan.axes)
            try:
                boxes = self.boxes(shape)
                if all(interior(self.plan, boxes, axis).any() for axis in range(self.plan.axes)):
                    return shape
                error = None
            except ShapeError as found:
                error = found
            side *= 2
        if error is not None:
            raise error
        raise UnsupportedError(
            f"an output in the middle sees more than {MAX_SIDE:,} inputs along an axis; give the "
            "input, like --input 12x12 (in Python input=..)"
        )

    def boxes(self, shape: Shape) -> tuple[Axes, ...]:
        shapes = self.network.with_input(shape).shapes
        return tuple(tuple(int(side) for side in shapes[index][1:]) for index in self.nodes)

    def losses(self, shape: Shape) -> Losses | None:
        """Where outputs differ on an input for almost all weights; None if unknown."""
        try:
            return losses_of(self.bare, self.boxes(shape))
        except UnsupportedError:
            return None

    @property
    def of_floats(self) -> bool:
        """Whether floats are merged exactly."""
        return bool(self.given.exact and self.given.dtype != object)

    def sample(self, shape: Shape, most: int = MAX_WORK) -> _Sample | None:
        """The differences on one input; None if there are none, whatever the weights are."""
        losses = self.losses(shape)
        if losses is not None and not losses.count():
            return None
        network = self.network.with_input(shape)
        output = network.shapes[network.outputs[0]]
        may = None if losses is None else losses.differ
        progress.report(f"both sides are compared on {shape_text(shape)}")
        try:
            with np.errstate(all="ignore"):
                found = differences(
                    self.plan,
                    self.boxes(shape),
                    self.values,
                    self.given.steps,
                    exact=self.given.exact,
                    may=may,
                    most=CHEAP if self.of_floats else most,
                    noise=self.noise,
                )
        except TooLong:
            if self.of_floats:  # they are not merged exactly, then
                raise
            found = None
        return _Sample(shape, output, found)

    def ring(self, samples: list[_Sample]) -> Ring | None:
        """That of the sample with the largest error, as wide as the widest of them.

        None of no samples, and where the outputs that differ are too many to count.
        """
        worst: Ring | None = None
        for sample in samples:
            ring = self.ring_of(sample)
            if ring is None:
                return None
            if worst is None:
                worst = ring
                continue
            widths = tuple(
                (max(a, c), max(b, d))
                for (a, b), (c, d) in zip(worst.widths, ring.widths, strict=True)
            )
            whole = worst.whole and ring.whole and worst.widths == ring.widths
            if worst.error is not None and (ring.error is None or ring.error > worst.error):
                worst = ring
            worst = worst._replace(widths=widths, whole=whole)
        return worst

    def ring_of(self, sample: _Sample) -> Ring | None:
        outputs = prod(int(n) for n in sample.output[1:])
        if sample.found is None:
            generic = self.generic(sample.shape)
            if generic is None:
                return None
            return Ring(
                sample.shape, outputs, generic.differ, generic.widths, generic.whole_ring,
                None, 0, (), None,
            )  # fmt: skip
        found = sample.found
        errors = found.errors
        mask = np.asarray(errors != 0)
        differ = int(np.count_nonzero(mask))
        widths, whole = _ring(mask, found.inner)
        error: Any = 0
        if differ:
            error = errors[found.position]
            if self.of_floats:
                errors = errors.astype(np.float64)
                error = float(error) or 5e-324
            elif self.given.exact:
                check_bits(error.numerator, error.denominator)
            else:
                check_finite(np.asarray(error), "kernel's difference at the borders")
                error = float(error)
        return Ring(
            sample.shape, outputs, differ, widths, whole, error, found.channel, found.position,
            errors,
        )  # fmt: skip

    def generic(self, shape: Shape) -> Borders | None:
        """What is known for almost all weights; None if that is too much work."""
        try:
            return borders(self.network.with_input(shape))
        except UnsupportedError:
            return None

    def report(
        self,
        verdict: Verdict,
        ends: Ends | None,
        *,
        ring: Ring | None = None,
        output: Shape | None = None,
        least: Axes | None = None,
        notes: tuple[str, ...] = (),
        bound: float | None = None,
    ) -> MergeReport:
        merged = self.merged
        reason, mended = "", None
        if ring is not None and ring.differ:
            generic = self.generic(ring.input)
            if generic is not None:
                reason, mended = generic.reason, generic.mended_text
        weight = self.weight
        padding = None
        extra: Axes = (0,) * self.plan.axes
        if ends is not None:
            padding = tuple(zip(merged.before, ends.after, strict=True))
            extra = ends.output_padding
            if any(ends.zeros):
                weight = np.pad(weight, [(0, 0), (0, 0), *((0, n) for n in ends.zeros)])
        return MergeReport(
            network=self.network,
            kind=merged.kind,
            weight=np.ascontiguousarray(weight),
            bias=self.bias,
            stride=merged.stride,
            dilation=merged.dilation,
            padding=padding,
            output_padding=extra,
            groups=merged.groups,
            phases=merged.phases,
            input=self.network.shape,
            output=output,
            least=least,
            verdict=verdict,
            ring=ring,
            reason=reason,
            mended=mended,
            exact_numbers=self.given.dtype == object,
            bound=bound,
            notes=(*self.given.notes, *notes),
            by_order=self.given.by_order,
        )


def _fits(array: Any) -> bool:
    """Whether the Fractions in an array are within the range of floats."""
    return array is None or all(abs(value) < 2**1023 for value in array.ravel())


def _rounded(array: Any, dtype: Any) -> Any:
    with np.errstate(all="ignore"):
        found = array.astype(np.float64).astype(dtype)
    if not np.isfinite(found).all():
        raise InputError(
            f"a merged weight is larger than any float of {dtype.itemsize * 8} bits; give the "
            "weights as float64"
        )
    return found


def _ring(
    mask: Any, inner: tuple[tuple[int, int] | None, ...]
) -> tuple[tuple[tuple[int, int], ...], bool]:
    """How wide the ring is in which the outputs lie that differ, and whether they fill it."""
    axes = mask.ndim
    widths = [[0, 0] for _ in range(axes)]
    covered = np.zeros(mask.shape, dtype=bool)

    def widen(axis: int, members: Any) -> None:
        """Cover these places along an axis, each from the nearer end of its inner part."""
        side = mask.shape[axis]
        ends = inner[axis]
        middle = side / 2 if ends is None else (ends[0] + ends[1] + 1) / 2
        for n in np.flatnonzero(members):
            end = int(n >= middle)
            widths[axis][end] = max(widths[axis][end], int(side - n) if end else int(n) + 1)
        before, after = widths[axis]
        index: list[Any] = [slice(None)] * axes
        index[axis] = slice(0, before)
        covered[tuple(index)] = True
        index[axis] = slice(side - after, side)
        covered[tuple(index)] = True

    for axis in range(axes):  # what differs where the other axes see no border
        index: list[Any] = []
        for other, ends in enumerate(inner):
            if other == axis:
                index.append(slice(None))
            else:
                index.append(slice(0, 0) if ends is None else slice(ends[0], ends[1] + 1))
        others = tuple(a for a in range(axes) if a != axis)
        widen(axis, mask[tuple(index)].any(axis=others))
    for axis in range(axes):  # corners that are left
        rest = mask & ~covered
        if rest.any():
            widen(axis, rest.any(axis=tuple(a for a in range(axes) if a != axis)))
    return tuple((a, b) for a, b in widths), bool((mask == covered).all())
