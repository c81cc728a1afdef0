"""A linear stack as a program of a few operations on an unbounded grid.

Every linear layer is a convolution, a transposed convolution, or moves channels: an average is a
fixed convolution, upsampling a fixed transposed one, a batch norm (in evaluation, when it is an
affine map) a depthwise one with a bias, padding and cropping a shift. On an unbounded grid nothing
has a border; `algebra.borders` looks at those of a given input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, NamedTuple

from convalgebra.errors import ShapeError, SizeError, UnsupportedError
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import (
    ACTIVATIONS,
    KINDS,
    MERGES,
    NORMS,
    ON_ONE_SIZE,
    SLOPES,
    Layer,
    axes_text,
    groups_of,
    out_channels,
    padding_of,
    spread_over,
)
from convalgebra.network import Network, Node
from convalgebra.shapes import slice_bounds
from convalgebra.windows import same_padding

Axes = tuple[int, ...]  # a number for each axis


class Step(NamedTuple):
    """One operation. The fields that an operation does not have keep their defaults.

    With x the source, group by group, u the taps and n the positions, along every axis:

        conv            y[o, n] = b[o] + sum over i, u of  w[o, i, u] x[i, s n + d u - p]
        convt           y[o, m] = b[o] + sum over i, u, n of  w[o, i, u] x[i, n], s n + d u - p = m
        add, cat        the sum of the sources; their channels one after another
        pick            the channels `picked`
        depth_to_space  y[c, f n + j] = x[c f^axes + j, n], j numbering the places of the block

    `weights` is the first step with the same weights, None where the kernel is fixed: then `taps`
    are its entries, the same for every channel (`groups` = channels in = channels out).
    """

    op: str
    sources: tuple[int, ...] = ()
    channels: tuple[int, int] = (1, 1)
    size: Axes = ()
    stride: Axes = ()
    dilation: Axes = ()
    padding: Axes = ()
    groups: int = 1
    weights: int | None = None
    bias: bool = False
    taps: tuple[Fraction, ...] | None = None
    picked: tuple[int, ...] = ()
    factor: int = 1
    kind: str = ""  # of the layer that it stands for

    @property
    def kernel_weights(self) -> int:
        """The free weights of its kernel, biases apart."""
        if self.weights is None:
            return 0
        return prod(self.size) * self.channels[1] * self.channels[0] // self.groups

    @property
    def free(self) -> int:
        """All its free weights, kernel first, then one bias for each channel that goes out."""
        return self.kernel_weights + (self.channels[1] if self.bias else 0)

    @property
    def only_moves(self) -> bool:
        """Whether it pads or crops, and does nothing else."""
        return self.taps is not None and len(self.taps) == 1 and self.kind != "avg"

    def offsets(self) -> list[Axes]:
        """`d u - p` of every tap u, in row-major order."""
        along = zip(self.size, self.dilation, self.padding, strict=True)
        return list(product(*(range(-p, k * d - p, d) for k, d, p in along)))


@dataclass(frozen=True)
class Plan:
    """Steps in the order in which they run: step 0 is the input, the last one the output."""

    text: str
    axes: int
    steps: tuple[Step, ...]
    padded: bool = False  # whether padding was written anywhere: no answer depends on it
    aligned: bool = False  # compared as it lies, else up to a shift: see `algebra.reach`

    @property
    def channels(self) -> tuple[int, int]:
        """The channels that come in and that go out."""
        return self.steps[0].channels[1], self.steps[-1].channels[1]

    @cached_property
    def blocks(self) -> dict[int, range]:
        """The numbers of the weights of each step that is the first with its weights."""
        found: dict[int, range] = {}
        count = 0
        for index, step in enumerate(self.steps):
            if step.weights == index:
                found[index] = range(count, count + step.free)
                count += step.free
        return found

    @cached_property
    def weights(self) -> int:
        """The number of free weights, biases among them."""
        return sum(len(block) for block in self.blocks.values())

    def read_by(self, last: int) -> set[int]:
        """The steps that a step depends on, itself among them."""
        found = {last}
        for index in range(last, 0, -1):
            if index in found:
                found.update(self.steps[index].sources)
        return found

    def run(self, first: int, last: int) -> Plan:
        """The steps first..last as a plan of their own: each must read only the one before."""
        steps = [Step("input", channels=(0, self.steps[first].channels[0]))]
        for index, step in enumerate(self.steps[first : last + 1], 1):
            weights = None if step.weights is None else step.weights - first + 1
            steps.append(step._replace(sources=(index - 1,), weights=weights))
        return Plan(f"steps {first} to {last} of {self.text}", self.axes, tuple(steps))

    def with_folded_padding(self) -> Plan:
        """The same operator, steps that only pad or crop made part of the layers that read them."""
        readers: list[list[Step]] = [[] for _ in self.steps]
        for step in self.steps:
            for source in step.sources:
                readers[source].append(step)
        steps, place, pads = list[Step](), list[int](), list[Axes]()  # what was folded before each
        for step, reading in zip(self.steps, readers, strict=True):
            sources = tuple(place[source] for source in step.sources)
            if step.op in ("conv", "convt"):
                along = zip(step.padding, pads[step.sources[0]], step.stride, strict=True)
                convt = step.op == "convt"
                padding = tuple(p - s * more if convt else p + more for p, more, s in along)
                step = step._replace(padding=padding)
                if step.only_moves and reading and all(r.op in ("conv", "convt") for r in reading):
                    place.append(sources[0])
                    pads.append(padding)
                    continue
                last = steps[sources[0]]
                before = step.sources[0]
                alone = len(readers[before]) == 1
                while alone and self.steps[before].only_moves:
                    before = self.steps[before].sources[0]
                    alone = len(readers[before]) == 1
                if step.only_moves and alone and last.op in ("conv", "convt"):
                    along = zip(last.padding, padding, last.stride, strict=True)
                    up = last.op == "convt"
                    moved = tuple(p - more if up else p + s * more for p, more, s in along)
                    steps[sources[0]] = last._replace(padding=moved)
                    place.append(sources[0])
                    pads.append((0,) * self.axes)
                    continue
            place.append(len(steps))
            pads.append((0,) * self.axes)
            weights = None if step.weights is None else place[step.weights]
            steps.append(step._replace(sources=sources, weights=weights))
        return replace(self, steps=tuple(steps))

    @cached_property
    def without_padding(self) -> tuple[tuple[Step, ...], Axes, Axes]:
        """The steps with their padding moved to both ends: equal ones make equal plans, shifted.

        With K' for the operator of the steps returned, that of the plan is, with shifts m and n
        that are returned too, `K[r, e + m] = K'[r + n, e]`. Padding that a stride or a sum does not
        let through stays there.
        """
        zero = (0,) * self.axes
        first, scale = list(zero), [1] * self.axes
        way = [len(self.steps) - 1]
        while way[-1]:
            way.append(self.steps[way[-1]].sources[0])
        for step in map(self.steps.__getitem__, reversed(way[:-1])):  # all padding on a way goes in
            if step.op in ("convt", "depth_to_space"):
                break
            if step.op == "conv":
                first = [m + s * p for m, s, p in zip(first, scale, step.padding, strict=True)]
                scale = [s * t for s, t in zip(scale, step.stride, strict=True)]
        moves, steps, place = [tuple(first)], [self.steps[0]], [0]
        for step in self.steps[1:]:
            before = [moves[source] for source in step.sources]
            move = before[0]
            along = list(zip(move, step.padding, step.stride, strict=False))
            if step.op == "conv":
                left = tuple((p - m) % s for m, p, s in along)
                move = tuple((m - p + r) // s for (m, p, s), r in zip(along, left, strict=True))
                step = step._replace(padding=left)
            elif step.op == "convt":
                move, step = tuple(p + s * m for m, p, s in along), step._replace(padding=zero)
            elif step.op == "depth_to_space":
                move = tuple(step.factor * m for m in move)
            moves.append(move)
            if step.only_moves:
                place.append(place[step.sources[0]])  # it did nothing but pad or crop
                continue
            sources = []
            for source, own in zip(step.sources, before, strict=True):  # how branches lie stays
                by = tuple(b - a for a, b in zip(before[0], own, strict=True))
                sources.append(place[source] if not any(by) else len(steps))
                if any(by):
                    steps.append(self.move(place[source], self.steps[source].channels[1], by))
            place.append(len(steps))
            weights = None if step.weights is None else place[step.weights]
            steps.append(step._replace(sources=tuple(sources), weights=weights, kind=""))
        return tuple(steps), tuple(-m for m in first), moves[-1]

    def shifted(self, by: Axes) -> Plan:
        """The plan with its output shifted: what was at position n + by comes to lie at n."""
        return replace(
            self, steps=(*self.steps, self.move(len(self.steps) - 1, self.channels[1], by))
        )

    def move(self, source: int, channels: int, by: Axes) -> Step:
        """The step after which lies at n what was at n + by."""
        ones, pads = (1,) * self.axes, tuple(-b for b in by)
        step = Step("conv", (source,), (channels, channels), ones, ones, ones, pads, channels)
        return step._replace(taps=(Fraction(1),))

    @cached_property
    def is_chain(self) -> bool:
        """Whether every step reads only the one before, and no weights are shared."""
        return all(
            step.sources == (index - 1,) and step.weights in (None, index)
            for index, step in enumerate(self.steps[1:], 1)
        )


MAX_LAYERS = 10_000  # about a second
MAX_CHANNELS = 1_000_000


def plan_of(
    network: Network, channels: int = 1, axes: int | None = None, *, relu: bool = False
) -> Plan:
    """The plan of a linear network; `channels` come in, unless its input line says how many.

    `axes` is used where no kernel in the stack tells (`linear`, `bn`). With `relu` a ReLU stands
    as a step of its own, for certificates.

    >>> from convalgebra.language import parse
    >>> plan = plan_of(parse("2x2@6, avg2x2s2"), channels=3)
    >>> plan.channels, plan.weights, [step.op for step in plan.steps]
    ((3, 6), 72, ['input', 'conv', 'conv'])

    Raises UnsupportedError, naming the layer, for what is not linear on an unbounded grid, and
    ShapeError where the channels do not fit.
    """
    if len(network) > MAX_LAYERS:
        raise UnsupportedError(
            f"{len(network):,} layers are too many for equiv; it takes up to {MAX_LAYERS:,}"
        )
    if network.named():
        names = sorted(network.named())
        what = "is a named size; write a number"
        if len(names) > 1:
            what = "are named sizes; write a number for each"
        raise UnsupportedError(f"equiv works on numbers, and {' and '.join(names)} {what}")
    if len(network.outputs) != 1:
        raise UnsupportedError(
            f"the stack has {len(network.outputs)} outputs; equiv compares stacks with one"
        )
    if network.shape is not None:
        channels = int(network.shape[0])
        _ = network.shapes  # raises where the layers do not fit the input
    return _Compiler(network, channels, _axes(network, axes), relu).plan()


def _axes(network: Network, axes: int | None) -> int:
    found: int | None = None
    for node in network.nodes:
        has = node.layer.axes
        if found is not None and has not in (None, found):
            raise UnsupportedError(
                f"`{layer_text(node.layer)}` has {axes_text(has)} and another kernel of the stack "
                f"has {found}; kernels of one stack have the same number of axes"
            )
        found = found or has
    if found is None and axes is None:
        raise UnsupportedError("equiv compares convolutions; there is no kernel in this stack")
    return found or axes or 0


def stack_text(network: Network) -> str:
    """A stack in canonical form without spaces; long ones with equal neighbours folded.

    It parses back to the same layers, wired in the same way, its input line left out.

    >>> from convalgebra.language import parse
    >>> stack_text(parse("3x3, 3x3")), stack_text(parse("4*(3x3)"))
    ('3x3,3x3', '4*(3x3)')
    >>> stack_text(parse("shared c = 3p1; c, relu, c"))
    'shared w1 = 3p1; w1,relu,w1'
    """
    last = len(network.nodes) - 1
    if not last and network.outputs == (0,):
        return "id"
    if (
        1 <= last <= _MOST_SPELLED
        and network.outputs == (last,)
        and all(
            node.inputs == (index - 1,) and node.weights == index
            for index, node in enumerate(network.nodes[1:], 1)
        )
    ):
        return ",".join(layer_text(node.layer) for node in network.nodes[1:])
    folded = str(replace(network, shape=None)).replace(", ", ",")
    return folded.replace("shared_", "w")  # a stack that equiv takes has no named size w1


_MOST_SPELLED = 3  # layers


class _Compiler:
    def __init__(self, network: Network, channels: int, axes: int, relu: bool) -> None:
        self.network, self.axes, self.relu = network, axes, relu
        self.steps = [Step("input", channels=(0, channels))]
        self.place = {0: 0}  # of a node in the steps
        self.first: dict[int, int] = {}  # the step of the first use of weights
        self.padded = False

    def plan(self) -> Plan:
        network = self.network
        for index, node in enumerate(network.nodes):
            if index and network.live[index]:
                self.place[index] = self.compiled(index, node)
        last = self.place[network.outputs[0]]
        if last != len(self.steps) - 1:  # the output is named, and is not the last value
            self.add(Step("pick", (last,), picked=tuple(range(self.steps[last].channels[1]))))
        return Plan(stack_text(network), self.axes, tuple(self.steps), self.padded)

    def compiled(self, index: int, node: Node) -> int:
        """The step of a node."""
        kind = node.layer.kind
        sources = tuple(self.place[source] for source in node.read)
        if kind in ("dropout", "unused"):
            return sources[0]
        rule = _RULES.get(kind)
        if rule is None or (kind == "relu" and not self.relu):
            raise UnsupportedError(_refusal(node.layer))
        if kind in ("add", "cat"):
            return self.add(Step(kind, sources, kind=kind))
        channels = self.steps[sources[0]].channels[1]
        try:
            step = rule(self, index, node.layer, channels)
        except SizeError as error:
            raise self.error(str(error), node) from None
        step = step._replace(sources=sources, kind=kind)
        if step.weights is not None:
            step = step._replace(weights=self.first.setdefault(node.weights, len(self.steps)))
            self.check_shared(step, node)
        return self.add(step)

    def add(self, step: Step) -> int:
        widths = [self.steps[source].channels[1] for source in step.sources]
        if step.op == "add" and len(set(widths)) > 1:
            listed = " and ".join(map(str, widths))
            raise ShapeError(f"branches of {listed} channels cannot be added")
        out = {"add": widths[0], "relu": widths[0], "cat": sum(widths)}.get(step.op)
        if step.op == "pick":
            out = len(step.picked)
        if out is not None:
            step = step._replace(channels=(widths[0], out))
        if step.channels[1] > MAX_CHANNELS:
            raise UnsupportedError(f"more than {MAX_CHANNELS:,} channels are too many for equiv")
        self.steps.append(step)
        return len(self.steps) - 1

    def check_shared(self, step: Step, node: Node) -> None:
        assert step.weights is not None
        first = [*self.steps, step][step.weights]
        if first.channels != step.channels:
            raise self.error(
                f"the shared layer cannot serve {step.channels[0]} channels here and "
                f"{first.channels[0]} where it was first used",
                node,
            )

    def error(self, message: str, node: Node) -> ShapeError:
        return ShapeError(message, self.network.source, node.span)

    def fixed(
        self, op: str, channels: int, size: Axes, taps: Sequence[Fraction], **fields: Any
    ) -> Step:
        ones = (1,) * self.axes
        values = {"stride": ones, "dilation": ones, "padding": (0,) * self.axes} | fields
        return Step(
            op,
            channels=(channels, channels),
            size=size,
            groups=channels,
            taps=tuple(taps),
            **values,
        )

    def left_padding(self, index: int, layer: Layer) -> Axes:
        """The zeros before the first input, along each axis."""
        pads = layer.padding
        if pads == "same":
            shape = self.network.shape
            if shape is not None:
                inputs = self.network.shapes[self.network.nodes[index].inputs[0]][1:]
                pads = padding_of(layer, inputs)
            elif any(s != 1 for s in layer.stride):
                raise UnsupportedError(
                    f"psame with a stride depends on the input size (here: `{layer_text(layer)}`); "
                    "write the padding, like p1 or p0:1"
                )
            else:  # at stride 1 it is the same for every input
                sizes = zip(layer.size, layer.dilation, strict=True)
                pads = tuple(same_padding(1, k, 1, d) for k, d in sizes)
        self.padded |= any(pad != (0, 0) for pad in pads)
        return tuple(int(left) for left, _ in pads)


def _refusal(layer: Layer) -> str:
    shown = layer.kind if layer.kind in MERGES else layer_text(layer)
    if layer.kind in ACTIVATIONS:
        why = "activations between linear layers there are told apart only one after another"
        return f"equiv does not decide stacks with `{shown}` in this place: {why}"
    meaning = KINDS[layer.kind].meaning.partition(":")[0]
    if layer.kind == "opaque":
        return f"equiv compares layers that it knows, and `{shown}` is {meaning}"
    if layer.kind == "plainbn":
        return f"`{shown}` ({meaning}) divides by a spread that is no weight of it; write `bn`"
    if layer.kind in ON_ONE_SIZE:
        return (
            f"equiv compares stacks on an unbounded grid, and `{shown}` ({meaning}) is linear on a "
            "given input size only; `convalgebra matrix` writes it out"
        )
    return f"equiv compares linear stacks, and `{shown}` ({meaning}) is not linear"


def _convolution(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    out, groups = int(out_channels(layer, channels)), int(groups_of(layer, channels))
    if channels % groups or out % groups:
        raise SizeError(
            f"{layer_text(layer)}: {groups} groups do not divide {channels} channels that come in "
            f"and {out} that go out"
        )
    return Step(
        "convt" if layer.kind == "convt" else "conv",
        channels=(channels, out),
        size=tuple(map(int, layer.size)),
        stride=tuple(map(int, layer.stride)),
        # Along an axis with a single tap a dilation means nothing.
        dilation=tuple(
            int(d) if k != 1 else 1 for k, d in zip(layer.size, layer.dilation, strict=True)
        ),
        padding=c.left_padding(index, layer),
        groups=groups,
        weights=index,
        bias=layer.bias,
    )


def _average(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    size = tuple(map(int, layer.size))
    count = prod(size)
    return c.fixed(
        "conv",
        channels,
        size,
        [Fraction(1, count)] * count,
        stride=tuple(map(int, layer.stride)),
        padding=c.left_padding(index, layer),
    )


def _linear(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    ones = (1,) * c.axes
    return Step(
        "conv",
        channels=(channels, int(out_channels(layer, channels))),
        size=ones,
        stride=ones,
        dilation=ones,
        padding=(0,) * c.axes,
        weights=index,
        bias=layer.bias,
    )


def _per_channel(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    same = _linear(c, index, layer, channels)
    return same._replace(channels=(channels, channels), groups=channels, bias=layer.kind == "bn")


def _border(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    pads = spread_over(layer.pads, c.axes, "padding")
    left = tuple(int(before) for before, _ in pads)
    if layer.kind == "crop":
        left = tuple(-before for before in left)
    c.padded |= any(pads)
    return c.fixed("conv", channels, (1,) * c.axes, [Fraction(1)], padding=left)


def _nearest(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    size = tuple(map(int, spread_over(layer.size, c.axes, "factor")))
    return c.fixed("convt", channels, size, [Fraction(1)] * prod(size), stride=size)


def _bilinear(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    """Output m stands at (m + 1/2)/f - 1/2; a hat of half-width f around every input."""
    factors = tuple(map(int, spread_over(layer.size, c.axes, "factor")))
    hats = [_hat(f) for f in factors]
    taps = [prod(values, start=Fraction(1)) for values in product(*hats)]
    return c.fixed(
        "convt",
        channels,
        tuple(map(len, hats)),
        taps,
        stride=factors,
        padding=tuple(f // 2 if f % 2 == 0 else (f - 1) // 2 for f in factors),
    )


def _hat(factor: int) -> list[Fraction]:
    """Where an input stands to the outputs around it.

    >>> [str(tap) for tap in _hat(2)], [str(tap) for tap in _hat(3)]
    (['1/4', '3/4', '3/4', '1/4'], ['1/3', '2/3', '1', '2/3', '1/3'])
    """
    count = 2 * factor - factor % 2
    middle = Fraction(count - 1, 2)
    return [Fraction(1) - abs(place - middle) / factor for place in range(count)]


def _slice(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    start, stop = (int(bound) for bound in slice_bounds(layer, channels))
    if not 0 <= start < stop <= channels:
        raise SizeError(f"[{start}:{stop}] of {channels} channels: there are not so many")
    return Step("pick", picked=tuple(range(start, stop)))


def _shuffle(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    groups = int(layer.size[0])
    if channels % groups:
        raise SizeError(f"shuffle{groups} needs a multiple of {groups} channels, not {channels}")
    each = channels // groups
    return Step("pick", picked=tuple(i * each + j for j in range(each) for i in range(groups)))


def _pixelshuffle(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    factor = int(layer.size[0])
    block = factor**c.axes
    if channels % block:
        raise SizeError(
            f"pixelshuffle{factor} needs a multiple of {block} channels, not {channels}"
        )
    return Step("depth_to_space", channels=(channels, channels // block), factor=factor)


def _relu(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    return Step("relu")


def _merge(c: _Compiler, index: int, layer: Layer, channels: int) -> Step:
    raise AssertionError("merges are compiled apart")


_RULES: dict[str, Callable[[_Compiler, int, Layer, int], Step]] = {
    **dict.fromkeys(("conv", "dw", "convt"), _convolution),
    "avg": _average,
    "linear": _linear,
    **dict.fromkeys(("bn", "scale"), _per_channel),
    **dict.fromkeys(("pad", "crop", "reflect", "replicate", "circular"), _border),
    "up": _nearest,
    "bilinear": _bilinear,
    "slice": _slice,
    "shuffle": _shuffle,
    "pixelshuffle": _pixelshuffle,
    "relu": _relu,
    **dict.fromkeys(("add", "cat"), _merge),
}
REFUSED = frozenset(KINDS) - set(_RULES) - {"input", "dropout", "unused"}
assert (
    (ACTIVATIONS | SLOPES | NORMS) - {"relu", "bn"} | {"max", "gmp", "mul", "opaque"} | ON_ONE_SIZE
) == REFUSED, "a kind of layer without a rule"
