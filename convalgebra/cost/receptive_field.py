"""Which inputs a unit sees, along each axis, exactly.

The field of a value along one axis is periodic: unit `q b + r` sees the inputs
`left_r + q a .. right_r + q a`, where b is the number of phases and a the step. With windows alone
there is one phase, and a is the jump (the effective stride): `left -= p jump`,
`right += (d(k-1) - p) jump`, `jump *= s`. Transposed convolutions and upsampling make several
phases. Where branches meet, the field is the hull of theirs.

A global layer (gap, fc) sees everything: the field through windows alone is kept beside that fact,
and goes on where a global branch meets others (squeeze-excite). The statistics of instance, group
and layer norms are not counted as seeing. Channels are not told apart: a slice of a value sees what
the value sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

from convalgebra.layers import ACTIVATIONS, BORDERS, KINDS, NORMS, POINTWISE, Layer
from convalgebra.network import Network
from convalgebra.shapes import Shape, border, windows
from convalgebra.sizes import Size, maximum, minimum, same, simplest
from convalgebra.windows import Window, extent

if TYPE_CHECKING:
    from fractions import Fraction

Interval = tuple[Size, Size]

# Upsampling by large factors, again and again, has as many phases as outputs: past this much work
# for one layer the field is left unknown.
_MOST_LOOKS = 2**16


class Axis(NamedTuple):
    """The field along one axis. A phase is None where the unit sees nothing at all."""

    step: Size
    phases: tuple[Interval | None, ...]

    @property
    def size(self) -> Size:
        """The inputs from the first to the last seen, both counted: the most over the phases."""
        widths = [simplest(right - left + 1) for left, right in filter(None, self.phases)]
        return maximum(0, *widths)

    @property
    def jump(self) -> Size | Fraction:
        """How far the field moves from one unit to the next, on average over the phases."""
        if isinstance(self.step, int) and self.step % len(self.phases):
            from fractions import Fraction

            return Fraction(self.step, len(self.phases))
        if isinstance(self.step, int):
            return self.step // len(self.phases)
        return simplest(self.step / len(self.phases))

    def seen_by(self, unit: int) -> Interval | None:
        """The first and the last input that a unit sees."""
        round_number, phase = divmod(unit, len(self.phases))
        interval = self.phases[phase]
        moved = round_number * self.step
        return None if interval is None else (interval[0] + moved, interval[1] + moved)

    @property
    def left(self) -> Size | None:
        """The first input that unit 0 sees; negative inside the padding."""
        return None if self.phases[0] is None else self.phases[0][0]

    @property
    def right(self) -> Size | None:
        """The last input that unit 0 sees."""
        return None if self.phases[0] is None else self.phases[0][1]


class Field(NamedTuple):
    """What a unit sees: through windows along each axis (None: not known), and whether everything.

    `pooled`: the positions are gone (after gap, fc, flatten), so that later windows add nothing.
    """

    axes: tuple[Axis, ...] | None
    is_global: bool = False
    pooled: bool = False


class _Step(NamedTuple):
    """One use of a layer: what comes in and what goes out."""

    layer: Layer
    fields: Sequence[Field]
    inputs: Sequence[Shape]
    output: Shape


def receptive_fields(network: Network) -> tuple[Field, ...]:
    """The field of every node of `network`, the input first.

    >>> from convalgebra.language import parse
    >>> last = receptive_fields(parse("input 3x32x32; 3x3s2p1, 5x5p2"))[-1].axes[0]
    >>> last.size, last.jump, last.left, last.right
    (11, 2, -5, 5)
    """
    shapes = network.shapes
    itself = Axis(1, ((0, 0),))
    fields = [Field((itself,) * (len(shapes[0]) - 1))]
    for node, output in zip(network.nodes[1:], shapes[1:], strict=True):
        incoming = [fields[source] for source in node.inputs]
        inputs = [shapes[source] for source in node.inputs]
        rule = _RULES[node.layer.kind]
        fields.append(rule(_Step(node.layer, incoming, inputs, output)))
    return tuple(fields)


def _through(axis: Axis, period: int, outputs: int, reads: Callable[[int], range]) -> Axis | None:
    """The field after a layer whose output m reads the units `reads(m)` of `axis`.

    `reads(m + outputs)` must be `reads(m)` moved by `period`. None where it is too much work.
    """
    phases = len(axis.phases)
    rounds = phases // gcd(phases, period)
    if outputs * rounds * phases > _MOST_LOOKS:
        return None

    def seen(m: int) -> Interval | None:
        units = reads(m)
        # From one period of the phases to the next the field moves right: the ends decide.
        ends = {*units[:phases], *units[-phases:]}
        return _hull([axis.seen_by(unit) for unit in ends])

    merged = tuple(seen(m) for m in range(outputs * rounds))
    return Axis(simplest(axis.step * (period * rounds // phases)), merged)


def _hull(intervals: Sequence[Interval | None]) -> Interval | None:
    seen = [interval for interval in intervals if interval is not None]
    if not seen:
        return None
    left, right = minimum(*(s[0] for s in seen)), maximum(*(s[1] for s in seen))
    return simplest(left), simplest(right)


def _window(axis: Axis, window: Window) -> Axis | None:
    taps, stride, dilation, (before, _) = window
    if len(axis.phases) == 1:
        step = simplest(axis.step * stride)
        if axis.phases[0] is None:
            return Axis(step, (None,))
        left, right = axis.phases[0]
        after = extent(window) - 1 - before
        seen = simplest(left - before * axis.step), simplest(right + after * axis.step)
        return Axis(step, (seen,))
    if not all(isinstance(size, int) for size in (taps, stride, dilation, before)):
        return None

    def reads(m: int) -> range:
        first = m * stride - before
        return range(first, first + taps * dilation, dilation)

    return _through(axis, stride, 1, reads)


def _transposed(axis: Axis, window: Window) -> Axis | None:
    taps, stride, dilation, (before, _) = window
    if not all(isinstance(size, int) for size in (taps, stride, dilation, before)):
        return None
    # Output m reads the inputs (m + p - t d)/s that are whole: every (s/g)th tap, d/g apart.
    common = gcd(stride, dilation)
    every, apart = stride // common, dilation // common

    def reads(m: int) -> range:
        for tap in range(min(taps, every)):
            last, rest = divmod(m + before - tap * dilation, stride)
            if not rest:
                more = (taps - 1 - tap) // every
                return range(last - more * apart, last + 1, apart)
        return range(0)

    return _through(axis, 1, stride, reads)


Rule = Callable[[_Step], Field]
AxisRule = Callable[[Axis], "Axis | None"]


def _each(rule: Callable[[_Step], Sequence[AxisRule]]) -> Rule:
    """A rule for a layer that treats every axis apart; pooled values have no positions to move."""

    def apply(step: _Step) -> Field:
        field = step.fields[0]
        if field.axes is None or field.pooled:
            return field
        axes = [along(axis) for along, axis in zip(rule(step), field.axes, strict=True)]
        return field._replace(axes=_all_known(axes))

    return apply


def _all_known(axes: Sequence[Axis | None]) -> tuple[Axis, ...] | None:
    known = tuple(axis for axis in axes if axis is not None)
    return known if len(known) == len(axes) else None


def _slide(step: _Step) -> list[AxisRule]:
    return [partial(_window, window=window) for window in windows(step.layer, step.inputs[0])]


def _slide_transposed(step: _Step) -> list[AxisRule]:
    return [partial(_transposed, window=window) for window in windows(step.layer, step.inputs[0])]


def _move(step: _Step) -> list[AxisRule]:
    sign = -1 if step.layer.kind == "crop" else 1
    return [
        partial(_window, window=Window(1, padding=(sign * before, 0)))
        for before, _ in border(step.layer, len(step.output) - 1)
    ]


Reads = Callable[[int, int, int], range]


def _scaled(reads: Reads) -> Callable[[_Step], list[AxisRule]]:
    """Steps for a layer whose output m of o reads `reads(m, i, o)` of its i inputs."""

    def steps(step: _Step) -> list[AxisRule]:
        return [
            partial(_resampled, inputs=i, outputs=o, reads=reads)
            for i, o in zip(step.inputs[0][1:], step.output[1:], strict=True)
        ]

    return steps


def _resampled(axis: Axis, inputs: Size, outputs: Size, reads: Reads) -> Axis | None:
    if same(inputs, outputs):
        return axis
    if isinstance(inputs, int) and isinstance(outputs, int):
        common = gcd(inputs, outputs)
        period, phases = inputs // common, outputs // common
    else:
        period, phases = 1, simplest(outputs / inputs)
        if not isinstance(phases, int):
            return None
    return _through(axis, period, phases, lambda m: reads(m, period, phases))


def _nearest(m: int, inputs: int, outputs: int) -> range:
    first = m * inputs // outputs
    return range(first, first + 1)


def _bilinear(m: int, inputs: int, outputs: int) -> range:
    # The centre of output m lies at (m + 1/2) i/o - 1/2 = ((2m + 1) i - o) / (2 o).
    first, rest = divmod((2 * m + 1) * inputs - outputs, 2 * outputs)
    return range(first, first + (2 if rest else 1))


def _adaptive(m: int, inputs: int, outputs: int) -> range:
    return range(m * inputs // outputs, -((m + 1) * inputs // -outputs))


def _global(step: _Step) -> Field:
    if all(same(size, 1) for size in step.output[1:]):
        return Field(step.fields[0].axes, True, True)
    return _each(_scaled(_adaptive))(step)


def _everything(step: _Step) -> Field:
    return Field(step.fields[0].axes, True, True)


def _flatten(step: _Step) -> Field:
    return step.fields[0]._replace(pooled=True)


def _linear(step: _Step) -> Field:
    # Over the channels of what was flattened: over everything.
    field = step.fields[0]
    return field._replace(is_global=field.is_global or field.pooled)


def _unchanged(step: _Step) -> Field:
    return step.fields[0]


def _multiply(step: _Step) -> Field:
    fields = []
    for field, shape in zip(step.fields, step.inputs, strict=True):
        stretched = any(
            same(side, 1) and not same(out, 1)
            for side, out in zip(shape[1:], step.output[1:], strict=True)
        )
        # One unit that shows at every position does not move with them: no step describes it.
        fields.append(field._replace(axes=None) if stretched and not field.pooled else field)
    return _meet(step._replace(fields=fields))


def _opaque(step: _Step) -> Field:
    """Not known, unless its name says that it works position by position."""
    assert step.layer.opaque is not None
    if step.layer.opaque.name not in POINTWISE or not step.inputs:
        return Field(None)
    if len(step.inputs) == 1 and step.fields[0].pooled:
        return step.fields[0]
    fits = all(
        len(shape) == len(step.output)
        and all(same(s, 1) or same(s, o) for s, o in zip(shape[1:], step.output[1:], strict=True))
        for shape in step.inputs
    )
    return _multiply(step) if fits else Field(None)


def _meet(step: _Step) -> Field:
    """The hull of the branches; a pooled one has no part in the field through windows."""
    is_global = any(field.is_global for field in step.fields)
    placed = [field for field in step.fields if not field.pooled]
    first, *others = placed or step.fields
    axes = first.axes
    for other in others:
        if axes is None or other.axes is None:
            axes = None
        elif axes is not other.axes:
            axes = _all_known(list(map(_union, axes, other.axes)))
    return Field(axes, is_global, first.pooled)


def _union(one: Axis, two: Axis) -> Axis | None:
    if one == two:
        return one
    phases = len(one.phases) * len(two.phases) // gcd(len(one.phases), len(two.phases))
    if phases > _MOST_LOOKS or not same(one.step * len(two.phases), two.step * len(one.phases)):
        return None  # at different speeds no one interval follows both
    merged = tuple(_hull([one.seen_by(unit), two.seen_by(unit)]) for unit in range(phases))
    return Axis(simplest(one.step * (phases // len(one.phases))), merged)


_RULES: dict[str, Rule] = {
    **dict.fromkeys(("conv", "dw", "max", "avg"), _each(_slide)),
    "convt": _each(_slide_transposed),
    **dict.fromkeys(("gap", "gmp"), _global),
    "fc": _everything,
    "flatten": _flatten,
    "linear": _linear,
    **dict.fromkeys(("up", "resize", "pixelshuffle"), _each(_scaled(_nearest))),
    "bilinear": _each(_scaled(_bilinear)),
    **dict.fromkeys(BORDERS, _each(_move)),
    **dict.fromkeys(("add", "cat"), _meet),
    "mul": _multiply,
    "opaque": _opaque,
    **dict.fromkeys(ACTIVATIONS | NORMS, _unchanged),
    **dict.fromkeys(("scale", "shuffle", "dropout", "slice", "input", "unused"), _unchanged),
}
assert _RULES.keys() == KINDS.keys(), "a kind of layer has no rule for its receptive field"
