"""What merging a stack comes to: the numbers, and where they are the stack."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from os import PathLike
from typing import Any, Literal, NamedTuple

import numpy as np

from convalgebra.algebra.plan import Axes, plan_of, stack_text
from convalgebra.errors import InputError
from convalgebra.kernels.arrays import Written, write_arrays
from convalgebra.kernels.merging.blocks import Array
from convalgebra.kernels.merging.convolution import Kind
from convalgebra.kernels.merging.parameters import parameters_of
from convalgebra.layers import KEPT, Channels, Layer
from convalgebra.network import INPUT, Network, Node
from convalgebra.shapes import Shape

Verdict = Literal["exact", "equal to rounding", "except", "unknown"]
Number = Fraction | float

MAX_SHOWN = 4_096  # numbers of a weight in JSON; more go to a file


class Ring(NamedTuple):
    """The outputs of a stack that differ from its merged convolution, on an input of shape `input`.

    `differ` counts positions at which some channel differs. They lie among the first `widths[i][0]`
    and the last `widths[i][1]` positions of axis i for some i, and are all of them if `whole`.

    For inputs between -1 and 1 no output differs by more than `error`, exactly; `channel` of the
    output at `position` differs by that much for some input. `errors` has that bound for each
    position, the largest of its channels. `error` is None where it was too much work: then `differ`
    counts the outputs that differ for almost all weights.
    """

    input: Shape
    outputs: int
    differ: int
    widths: tuple[tuple[int, int], ...]
    whole: bool
    error: Number | None
    channel: int
    position: Axes
    errors: Array | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        known = self.error is not None
        return {
            "input": [int(size) for size in self.input],
            "outputs": self.outputs,
            "differ": self.differ,
            "ring": [list(pair) for pair in self.widths],
            "whole_ring": self.whole,
            "error": _plain(self.error),
            "channel": self.channel if known else None,
            "position": list(self.position) if known else None,
        }


@dataclass(frozen=True, eq=False, repr=False)
class MergeReport:
    """A linear stack with given weights as one convolution.

    `kind` is `conv`, or `convt` for a transposed one, with `weight` and `bias` as PyTorch keeps
    them, arrays of floats or of Fractions; or `phases`: the stack makes `phases` outputs in a row
    of every `stride` inputs, each by a kernel of its own, and `weight` holds them as the channels
    of a convolution that a pixelshuffle lays out in space.

    `padding` has (before, after) for each axis; below 0 it crops. It is None for phases, and where
    an input is needed to say it. `verdict` is `exact`, `equal to rounding`, `except` (where `ring`
    says), or `unknown` (why, `notes` say), on `input`, or, where that is None, on every input of at
    least `least`. `exact` says that no border makes a difference; where one does that may be
    nothing but rounding, the two are `equal to rounding`. For inputs between -1 and 1 outputs that
    count as equal differ by at most `bound`: 0 if they are the same numbers, else what rounding the
    merged weights can do, as `merging.rounding` proves; None where that is not known.
    `by_order` says which array of weights is which, where only their order did.

    >>> from convalgebra.kernels.merging import merge
    >>> report = merge("3p1, 3p1", [[[[1, 2, 1]]], [[[1, 0, -1]]]], input="9")
    >>> report.text, report.verdict, report.ring.differ, report.ring.error
    ('5p2', 'except', 2, Fraction(1, 1))
    """

    network: Network
    kind: Kind
    weight: Array
    bias: Array | None
    stride: Axes
    dilation: Axes
    padding: tuple[tuple[int, int], ...] | None
    output_padding: Axes
    groups: int
    phases: Axes
    input: Shape | None
    output: Shape | None
    least: Axes | None
    verdict: Verdict
    ring: Ring | None
    reason: str
    mended: str | None
    exact_numbers: bool
    notes: tuple[str, ...]
    by_order: str = ""
    bound: float | None = None

    @property
    def stack(self) -> str:
        """The stack as text."""
        return stack_text(self.network)

    @property
    def exact(self) -> bool:
        """Whether the merged convolution is the stack, at every output."""
        return self.verdict == "exact"

    @property
    def channels(self) -> tuple[int, int]:
        """The channels that come in and that go out."""
        if self.kind == "convt":
            return self.weight.shape[0], self.weight.shape[1] * self.groups
        out = self.weight.shape[0] // prod(self.phases)
        return self.weight.shape[1] * self.groups, out

    @property
    def size(self) -> Axes:
        """The taps of the merged kernel along each axis."""
        return tuple(self.weight.shape[2:])

    @property
    def merged(self) -> Network | None:
        """The merged convolution as a stack, cropped before it where padding is below 0.

        None where it cannot be written: the padding is not known, or phases differ by axis.
        """
        if self.padding is None:
            return None
        layers = []
        if any(min(pair) < 0 for pair in self.padding):
            crops = tuple((max(0, -a), max(0, -b)) for a, b in self.padding)
            layers.append(Layer("crop", pads=crops))
        width, out = self.channels
        rows = out * prod(self.phases)
        kind = "convt" if self.kind == "convt" else "conv"
        depthwise = kind == "conv" and self.groups == width > 1 and rows % width == 0
        kept = Channels("*", rows // width) if depthwise else Channels("=", rows)
        layers.append(
            Layer(
                "dw" if depthwise else kind,
                self.size,
                stride=self.stride,
                dilation=self.dilation,
                padding=tuple((max(0, a), max(0, b)) for a, b in self.padding),
                output_padding=self.output_padding,
                groups=1 if depthwise else self.groups,
                channels=KEPT if rows == width else kept,
                bias=self.bias is not None,
            )
        )
        if self.kind == "phases":
            if len(set(self.phases)) > 1:
                return None
            layers.append(Layer("pixelshuffle", size=(self.phases[0],)))
            if self.output is not None and self.input is not None:
                layers += self._rest(layers)
        nodes = [Node(INPUT, (), 0)]
        nodes += [Node(layer, (n - 1,), n) for n, layer in enumerate(layers, 1)]
        return Network(self.input, tuple(nodes), (len(layers),))

    def _rest(self, layers: list[Layer]) -> list[Layer]:
        """What is cropped of whole periods."""
        nodes = [Node(INPUT, (), 0)]
        nodes += [Node(layer, (n - 1,), n) for n, layer in enumerate(layers, 1)]
        assert self.input is not None
        assert self.output is not None
        made = Network(self.input, tuple(nodes), (len(layers),)).shapes[-1][1:]
        spare = [int(n) - int(side) for n, side in zip(made, self.output[1:], strict=True)]
        return [Layer("crop", pads=tuple((0, n) for n in spare))] if any(spare) else []

    @property
    def text(self) -> str | None:
        """The merged convolution in the notation of stacks; None where it cannot be written."""
        merged = self.merged
        return None if merged is None else stack_text(merged)

    def arrays(self) -> dict[str, Array]:
        """The merged weights by the names that they have in `merged`: its own `weights`.

        They are `weight` and `bias` where it cannot be written.
        """
        merged = self.merged
        names = ["weight", "bias"]
        if merged is not None:
            plan = plan_of(merged.with_input(None), self.channels[0], len(self.stride))
            names = [p.name for p in parameters_of(merged, plan)]
        values = [self.weight] + ([] if self.bias is None else [self.bias])
        return dict(zip(names, values, strict=False))

    def save(self, path: str | PathLike[str]) -> Written:
        """Write the merged weights to an .npz file, under the names of `arrays`.

        Whole numbers stay whole numbers of 64 bits; other Fractions become floats, and `rounded`
        tells whether that changed one.
        """
        stored = {name: _storable(array) for name, array in self.arrays().items()}
        arrays = {name: array for name, (array, _) in stored.items()}
        return write_arrays(path, arrays, rounded=any(rounded for _, rounded in stored.values()))

    def to_dict(self) -> dict[str, Any]:
        """The report under the keys of `convalgebra.merge/1`.

        The numbers of a weight are left out (null) where they are more than MAX_SHOWN.
        """
        shown = self.weight.size <= MAX_SHOWN
        return {
            "schema": "convalgebra.merge/1",
            "stack": self.stack,
            "merged": self.text,
            "kind": self.kind,
            "channels": list(self.channels),
            "weight_shape": list(self.weight.shape),
            "weight": _listed(self.weight) if shown else None,
            "bias": None if self.bias is None or not shown else _listed(self.bias),
            "has_bias": self.bias is not None,
            "stride": list(self.stride),
            "dilation": list(self.dilation),
            "padding": None if self.padding is None else [list(pair) for pair in self.padding],
            "output_padding": list(self.output_padding),
            "groups": self.groups,
            "phases": list(self.phases),
            "exact_numbers": self.exact_numbers,
            "input": None if self.input is None else [int(size) for size in self.input],
            "output": None if self.output is None else [int(size) for size in self.output],
            "least": None if self.least is None else list(self.least),
            "verdict": self.verdict,
            "bound": self.bound,
            "borders": None if self.ring is None else self.ring.to_dict(),
            "reason": self.reason or None,
            "mended": self.mended,
            "notes": list(self.notes),
            "by_order": self.by_order or None,
        }

    def __repr__(self) -> str:
        return f"MergeReport({self.stack} -> {self.text or self.kind}, {self.verdict})"

    def __str__(self) -> str:
        from convalgebra.render.merge_text import merge_to_text

        return merge_to_text(self)

    def _repr_html_(self) -> str:
        from convalgebra.render.merge_markup import merge_to_html

        return merge_to_html(self)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else str(value)
    return float(value)


def _listed(array: Array) -> Any:
    if array.dtype != object:
        return array.tolist()
    flat = np.empty(array.size, dtype=object)
    flat[:] = [_plain(value) for value in array.ravel()]
    return flat.reshape(array.shape).tolist()


def _storable(array: Array) -> tuple[Array, bool]:
    """The array in a type that files have, and whether that rounded a number."""
    if array.dtype != object:
        return array, False
    values = array.ravel().tolist()
    if all(v.denominator == 1 and abs(v) < 2**63 for v in values):
        return np.array([int(v) for v in values], dtype=np.int64).reshape(array.shape), False
    try:
        floats = [float(v) for v in values]
    except OverflowError:
        raise InputError("a merged weight is larger than any float of 64 bits") from None
    rounded = any(Fraction(f) != v for f, v in zip(floats, values, strict=True))
    return np.array(floats).reshape(array.shape), rounded
