"""Where a padded stack differs from its merged convolution, why, and what would mend it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any, NamedTuple

from convalgebra.algebra.borders.losses import CONSTANT, INPUT, MAX_WORK, Losses, losses_of
from convalgebra.algebra.borders.mending import with_padding_first
from convalgebra.algebra.borders.regions import count, extent, rows
from convalgebra.algebra.plan import Axes, Plan, plan_of, stack_text
from convalgebra.errors import Defect, UnsupportedError
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import ACTIVATIONS
from convalgebra.network import Network
from convalgebra.shapes import Shape, windows
from convalgebra.windows import output_size

MAX_MASK = 65_536  # positions; a map beyond it is counted, and not drawn
MAX_BLAMED = 8  # layers that are looked at one by one


class Blame(NamedTuple):
    """A layer that reads zeros where the map before it, continued, is not zero."""

    layer: int  # its number in the text, from 1; the input is 0
    text: str
    reads: tuple[int, ...]  # the layers whose map ends there
    ends: tuple[tuple[bool, bool], ...]  # per axis: before it, after it
    sees_input: bool  # the continued map still sees the input there
    constant: bool  # it carries a bias there
    differ: int  # the outputs that would gain something if it alone read the continued map

    @property
    def reason(self) -> str:
        """What the layer does wrong at the border, without a full stop."""
        many = len(self.reads) > 1
        named = " and ".join(f"layer {number}" for number in self.reads)
        where = f"{named}, continued beyond {'their' if many else 'its'} border,"
        if self.constant and not self.sees_input:
            what = "are constants from biases" if many else "is the constant that its bias makes"
        else:
            what = "are not zero" if many else "is not zero"
        if self.constant and self.sees_input:
            what += f", and {'carry' if many else 'carries'} a bias besides"
        return f"layer {self.layer} ({self.text}) reads zeros where {where} {what}"


@dataclass(frozen=True)
class Borders:
    """Which outputs of a stack differ from its merged convolution, on an input of a given size.

    `outputs` counts positions (of one channel); `differ` those at which at least one channel
    differs. `channels` says how many channels differ at how many positions: ((44, 16),).
    `widths` are the widths of the ring in which they lie, before and after the output along each
    axis. `mask` are the rows of the output along its last axis, True where it differs, None
    for more than 65,536 positions. `blame` names the layers to blame, the first eight of them.
    `mended` is the same stack with all padding at the input, or None where `note` says why not.
    """

    stack: str
    input: Shape
    output: Shape
    differ: int
    channels: tuple[tuple[int, int], ...]
    widths: tuple[tuple[int, int], ...]
    whole_ring: bool
    mask: tuple[tuple[bool, ...], ...] | None
    blame: tuple[Blame, ...]
    more_blame: int
    mended: Network | None
    note: str = ""

    def __post_init__(self) -> None:
        counted = sum(positions * count for positions, count in self.channels)
        if not 0 <= self.differ <= min(self.outputs, counted):
            raise Defect(
                f"{self.stack} differs at {self.differ:,} of {self.outputs:,} outputs, and its "
                f"channels at {counted:,}"
            )

    @property
    def outputs(self) -> int:
        """The positions of one channel of the output."""
        return prod(int(side) for side in self.output[1:])

    @property
    def agrees(self) -> bool:
        """Whether the stack is its merged convolution on this input, output by output."""
        return self.differ == 0

    @property
    def mended_text(self) -> str | None:
        """The mended stack as text, without its input."""
        return None if self.mended is None else _one_line(self.mended)

    @property
    def reason(self) -> str:
        """Why outputs differ, in a sentence; empty where none does.

        >>> from convalgebra.language import parse
        >>> print(borders(parse("input 1x12x12; 3x3p1, 3x3p1")).reason)
        layer 2 (3x3p1) reads zeros where layer 1, continued beyond its border, is not zero
        """
        return self.blame[0].reason if self.blame else ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "stack": self.stack,
            "input": list(self.input),
            "output": list(self.output),
            "outputs": self.outputs,
            "differ": self.differ,
            "channels": [{"differ": many, "channels": number} for many, number in self.channels],
            "ring": [list(pair) for pair in self.widths],
            "whole_ring": self.whole_ring,
            "blame": [
                {
                    "layer": blame.layer,
                    "text": blame.text,
                    "reads": list(blame.reads),
                    "ends": [list(pair) for pair in blame.ends],
                    "sees_input": blame.sees_input,
                    "constant": blame.constant,
                    "differ": blame.differ,
                }
                for blame in self.blame
            ],
            "reason": self.reason or None,
            "mended": self.mended_text,
            "note": self.note or None,
        }


def borders(network: Network) -> Borders:
    """Which outputs of a stack differ from its merged convolution, and how to mend it.

    The merged convolution is the operator of the stack on the unbounded grid (with stride, merged
    padding p1 + s1 p2 + .. and merged bias), applied to the input continued by zeros. An output
    differs if the two are different functions of weights and input; it then does for all weights
    outside a proper algebraic subset. It agrees if they are the same for all weights. Both are
    proved by the lemma of `algebra.borders.losses`.

    >>> from convalgebra.language import parse
    >>> found = borders(parse("input 1x12x12; 3x3p1, 3x3p1"))
    >>> found.differ, found.outputs, found.widths, found.mended_text
    (44, 144, ((1, 1), (1, 1)), '3x3p2,3x3')

    The input must have numbers. Raises UnsupportedError for layers that are not linear on an
    unbounded grid, for borders that are not zeros (`circular`, `bilinear`, ..), and where the sets
    become too large.
    """
    return examined(network)[0]


def examined(network: Network) -> tuple[Borders, Losses]:
    """What `borders` returns, and the sets that it is counted from."""
    plan, boxes, nodes = _plan(network)
    found = losses_of(plan, boxes)
    sides = found.sides
    shape = network.shapes[network.outputs[0]]
    differ = found.count()
    channels: dict[int, int] = {}
    many = int(shape[0]) if len(found.states) == 1 else 1
    counted = {state: count(region) for state, region in found.regions.items()}
    for state in found.states:
        channels[counted[state]] = channels.get(counted[state], 0) + many
    widths = _widths(found)
    ring = prod(sides) - prod(
        max(0, side - before - after) for side, (before, after) in zip(sides, widths, strict=True)
    )
    mask = tuple(rows(found.differ, sides)) if sides and prod(sides) <= MAX_MASK else None
    blame, more = _blame(network, nodes, found)
    mended, note = _mended(network) if differ else (None, "")
    report = Borders(
        stack=stack_text(network),
        input=network.shapes[0],
        output=shape,
        differ=differ,
        channels=tuple(sorted(channels.items(), reverse=True)),
        widths=widths,
        whole_ring=differ == ring,
        mask=mask,
        blame=blame,
        more_blame=more,
        mended=mended,
        note=note,
    )
    return report, found


def _plan(network: Network) -> tuple[Plan, tuple[Axes, ...], list[int]]:
    """The plan, and for every step the sides of its map and its node."""
    shapes = network.shapes  # raises where the input is not known
    live = [index for index in range(1, len(network.nodes)) if network.live[index]]
    for index in live:
        _check(network, index)
    plan = plan_of(network, axes=len(shapes[0]) - 1)
    kept = ("dropout", "unused")  # no steps of their own
    nodes = [0, *(index for index in live if network.nodes[index].layer.kind not in kept)]
    if len(nodes) < len(plan.steps):  # an output that is not the last value is picked out
        nodes.append(network.outputs[0])
    assert len(nodes) == len(plan.steps)
    boxes = tuple(tuple(int(side) for side in shapes[index][1:]) for index in nodes)
    return plan, boxes, nodes


_CONTINUED = {
    "circular": "by the other side",
    "reflect": "by reflection",
    "replicate": "by the edge",
    "bilinear": "by the edge",
}


def _check(network: Network, index: int) -> None:
    """Raise UnsupportedError for a layer whose border is not of zeros, or that is not linear."""
    layer = network.nodes[index].layer
    if layer.kind in ACTIVATIONS:
        raise UnsupportedError(
            f"borders are told for linear stacks, and `{layer_text(layer)}` is not linear"
        )
    if layer.kind in _CONTINUED:
        if layer.kind != "bilinear" and not any(any(pair) for pair in layer.pads):
            return
        raise UnsupportedError(
            f"`{layer_text(layer)}` continues a map {_CONTINUED[layer.kind]}; borders are told for "
            "padding with zeros only (p1, psame, pad1)"
        )
    if layer.kind == "avg" and layer.ceil:
        shape = network.shapes[network.nodes[index].inputs[0]]
        for side, window in zip(shape[1:], windows(layer, shape), strict=True):
            if output_size(side, window) != output_size(side, window, ceil=True):
                raise UnsupportedError(
                    f"the last window of `{layer_text(layer)}` hangs over the border and divides "
                    "by fewer numbers there: no border of zeros; leave `ceil` away, or pad after"
                )


def _widths(found: Losses) -> tuple[tuple[int, int], ...]:
    widths = [[0, 0] for _ in found.sides]
    for label, region in found.by_label.items():
        for product in region:
            ends = extent(product[label.axis])
            if ends is None:
                continue
            far = ends[1] + 1 if label.end == 0 else found.sides[label.axis] - ends[0]
            widths[label.axis][label.end] = max(widths[label.axis][label.end], far)
    return tuple((before, after) for before, after in widths)


def _blame(network: Network, nodes: list[int], found: Losses) -> tuple[tuple[Blame, ...], int]:
    """The layers to blame, and how many more may be."""
    blamed = [step for step in range(len(nodes)) if found.blame >> step & 1]
    numbers = _numbers(network)
    named: list[Blame] = []
    for place, step in enumerate(blamed):
        if len(named) == MAX_BLAMED or place * found.work > MAX_WORK:
            return tuple(named), len(blamed) - place
        alone = losses_of(found.plan, found.boxes, only=step)
        seen = [label for label, region in alone.by_label.items() if region]
        if not seen:
            continue  # what it takes away is cropped later
        ends = {label[:2] for label in seen}
        node = network.nodes[nodes[step]]
        named.append(
            Blame(
                layer=numbers[nodes[step]],
                text=layer_text(node.layer),
                reads=_read(network, nodes[step], numbers),
                ends=tuple(((a, 0) in ends, (a, 1) in ends) for a in range(found.plan.axes)),
                sees_input=any(label.cause == INPUT for label in seen),
                constant=any(label.cause == CONSTANT for label in seen),
                differ=alone.count(),
            )
        )
    return tuple(named), 0


def _numbers(network: Network) -> list[int]:
    """The number of every layer as people count them; merges have none of their own."""
    numbers, count = [0], 0
    for node in network.nodes[1:]:
        count += len(node.inputs) == 1
        numbers.append(count if len(node.inputs) == 1 else -1)
    return numbers


def _read(network: Network, index: int, numbers: list[int]) -> tuple[int, ...]:
    """The layers whose maps a node reads, through sums and concatenations."""
    found: set[int] = set()
    waiting = list(network.nodes[index].inputs[:1])
    seen = set(waiting)
    while waiting:
        source = waiting.pop()
        if numbers[source] > 0:
            found.add(numbers[source])
            continue
        node = network.nodes[source]
        for before in node.read:
            if before not in seen:
                seen.add(before)
                waiting.append(before)
    return tuple(sorted(found))


def _mended(network: Network) -> tuple[Network | None, str]:
    """The stack with its padding moved, checked; or why it could not be checked."""
    mended = with_padding_first(network)
    try:
        plan, boxes, _ = _plan(mended)
        left = losses_of(plan, boxes).count()
    except UnsupportedError as error:
        return None, f"with its padding moved to the input it could not be checked: {error}"
    output = network.shapes[network.outputs[0]]
    if mended.shapes[mended.outputs[0]] != output or left:
        raise Defect(f"{mended} does not mend {network}")
    return mended, ""


def _one_line(network: Network) -> str:
    """A stack without its input; where weights are used twice, the text says so."""
    if all(node.weights == index for index, node in enumerate(network.nodes)):
        return stack_text(network)
    return str(replace(network, shape=None)).replace(", ", ",")
