"""The layers as frozen values, and the one table of what each kind is.

A `Layer` says what stands in the text, in canonical form: `3x3`, `3x3s1` and `3x3s1x1p0` are equal.
What depends on the value that comes in (channels kept, groups of a depthwise layer, 'same' padding)
stays relative, so that a layer means the same wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from dataclasses import field as field_of
from math import inf
from typing import Any, Literal, NamedTuple

from convalgebra.assumptions import Assumptions
from convalgebra.errors import SizeError
from convalgebra.sizes import (
    Size,
    at_least,
    exact_divide,
    is_whole,
    names,
    settled,
    simplest,
    text,
)
from convalgebra.windows import Pad, same_padding

Argument = Literal[
    "none", "kernel", "factor", "sizes", "optional sizes", "pads", "number", "slice", "opaque"
]


class Kind(NamedTuple):
    """What a kind of layer takes, and what it is in a sentence."""

    argument: Argument
    modifiers: str  # of "s d p o g @ b c" (c is ceil)
    weights: Literal["none", "matrix", "per channel"]
    meaning: str


_ACTIVATIONS = (
    *("relu", "relu6", "leakyrelu", "elu", "selu", "silu", "gelu", "mish", "softplus"),
    *("sigmoid", "hardsigmoid", "hardswish", "tanh", "softmax"),
)

KINDS: dict[str, Kind] = {
    "conv": Kind("kernel", "sdpg@b", "matrix", "convolution"),
    "dw": Kind("kernel", "sdp@b", "matrix", "depthwise convolution: as many groups as channels"),
    "convt": Kind("kernel", "sdpog@b", "matrix", "transposed convolution"),
    "max": Kind("kernel", "sdpc", "none", "max pooling"),
    "avg": Kind("kernel", "spc", "none", "average pooling; its padding counts"),
    "gap": Kind("optional sizes", "", "none", "global (or adaptive) average pooling"),
    "gmp": Kind("optional sizes", "", "none", "global (or adaptive) max pooling"),
    "fc": Kind("none", "@b", "matrix", "dense layer on everything that comes in"),
    "linear": Kind("none", "@b", "matrix", "dense layer over the channels, at each position"),
    "bn": Kind("none", "", "per channel", "batch norm"),
    "ln": Kind("none", "", "per channel", "layer norm"),
    "in": Kind("none", "", "per channel", "instance norm"),
    "gn": Kind("number", "", "per channel", "group norm"),
    "plainbn": Kind("none", "", "none", "batch norm without weights"),
    "plainln": Kind("none", "", "none", "layer norm without weights"),
    "plainin": Kind("none", "", "none", "instance norm without weights"),
    "plaingn": Kind("number", "", "none", "group norm without weights"),
    "lrn": Kind("none", "", "none", "local response norm over 5 channels"),
    **{word: Kind("none", "", "none", "activation") for word in _ACTIVATIONS},
    "prelu": Kind("none", "", "per channel", "ReLU with a learned slope a channel"),
    "sharedprelu": Kind("none", "", "per channel", "ReLU with one learned slope for all"),
    "scale": Kind("none", "", "per channel", "one weight a channel"),
    "up": Kind("factor", "", "none", "nearest-neighbour upsampling"),
    "bilinear": Kind("factor", "", "none", "bilinear upsampling"),
    "bilinearto": Kind("sizes", "", "none", "bilinear resize to a given size"),
    "resize": Kind("sizes", "", "none", "nearest-neighbour resize to a given size"),
    "pad": Kind("pads", "", "none", "zeros around"),
    "crop": Kind("pads", "", "none", "the border cut off"),
    "reflect": Kind("pads", "", "none", "reflection around"),
    "replicate": Kind("pads", "", "none", "the edge repeated around"),
    "circular": Kind("pads", "", "none", "the other side around"),
    "shuffle": Kind("number", "", "none", "channel shuffle in groups"),
    "pixelshuffle": Kind("number", "", "none", "depth to space"),
    "flatten": Kind("none", "", "none", "everything as one row of channels"),
    "dropout": Kind("none", "", "none", "nothing, when the network is used"),
    "slice": Kind("slice", "", "none", "channels from : to"),
    "input": Kind("none", "", "none", "what comes in"),
    "add": Kind("none", "", "none", "the sum of its branches"),
    "mul": Kind("none", "", "none", "the product of its branches; a side of 1 is stretched"),
    "cat": Kind("none", "", "none", "its branches, channels one after another"),
    "bilinearlike": Kind("none", "", "none", "bilinear resize to the sides of its second branch"),
    "resizelike": Kind("none", "", "none", "nearest resize to the sides of its second branch"),
    "unused": Kind("none", "", "none", "what comes in; the branch beside it only has weights"),
    "opaque": Kind("opaque", "", "matrix", "an operation that the language has no word for"),
}

ACTIVATIONS = frozenset(_ACTIVATIONS)
PLAIN_NORMS = frozenset({"plainbn", "plainln", "plainin", "plaingn", "lrn"})  # without weights
NORMS = frozenset({"bn", "ln", "in", "gn"}) | PLAIN_NORMS
WITH_EPS = NORMS - {"lrn"}  # divide by the root of a variance plus eps
SLOPES = frozenset({"prelu", "sharedprelu"})
BORDERS = frozenset({"pad", "crop", "reflect", "replicate", "circular"})
LIKE = frozenset({"bilinearlike", "resizelike"})
MERGES = frozenset({"add", "mul", "cat", "unused"}) | LIKE
FIRST_ALONE = LIKE | {"unused"}  # work on the first of their branches: no number of others is read
# Linear, and no convolution: what they make of a map depends on its size.
ON_ONE_SIZE = frozenset({"fc", "flatten", "gap", "resize", "bilinearto"}) | LIKE
CONVOLUTIONS = frozenset({"conv", "dw", "convt"})
DENSE = frozenset({"fc", "linear"})
# Opaque operations of these names work at each position by itself: a unit sees what it saw before.
POINTWISE = frozenset(
    {
        *("add", "sub", "mul", "div", "pow", "neg", "abs", "exp", "log", "sqrt", "rsqrt", "square"),
        *("exp2", "expm1", "log1p", "log2", "log10", "erf", "erfc", "reciprocal", "sign"),
        *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh", "acosh"),
        *("atanh", "clip", "clamp", "clamp_min", "clamp_max", "hardtanh", "prelu", "celu", "rrelu"),
        *("threshold", "thresholdedrelu", "logsigmoid", "softsign", "tanhshrink", "hardshrink"),
        *("softshrink", "shrink", "floor", "ceil", "round", "trunc", "frac", "mod", "remainder"),
        *("fmod", "floor_divide", "maximum", "minimum", "max", "min", "lerp", "where", "addcmul"),
        *("addcdiv", "masked_fill", "nan_to_num", "eq", "ne", "ge", "gt", "le", "lt", "equal"),
        *("less", "greater", "lessorequal", "greaterorequal", "and", "or", "xor", "not"),
        *("logical_and", "logical_or", "logical_not", "isnan", "isinf", "log_sigmoid"),
        *("batch_norm", "layer_norm", "rms_norm", "instance_norm", "group_norm"),
        *("local_response_norm", "rescale", "reparametrize", "unsqueeze"),
    }
)
# Opaque operations of these names only move numbers, or repeat them: they take no FLOPs.
MOVING = frozenset(
    {
        *("rearrange", "reshape", "expand", "unsqueeze", "slice", "cat", "stack", "gather", "copy"),
        *("pad", "constant_pad", "edge_pad", "reflect_pad", "replicate_pad", "circular_pad"),
        *("wrap_pad", "channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "depth_to_space"),
        *("SpaceToDepth", "nearest_resize", "flip", "roll", "repeat", "repeat_interleave", "tile"),
        *("Tile", "setitem", "index", "index_select", "take", "unfold", "diagonal", "tril", "triu"),
        *("ReverseSequence", "GatherElements", "GatherND", "Trilu", "masked_fill", "where"),
    }
)
# Opaque operations of these names do more than their MACs: a bias, a softmax, gates.
MIXED = frozenset(
    {
        *("linear", "addmm", "baddbmm", "addmv", "addbmm", "bilinear", "Gemm", "reparametrize"),
        *("convolution", "transposed_convolution", "deform_conv2d", "DeformConv", "ConvInteger"),
        *("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        *("QLinearConv", "QLinearMatMul", "MatMulInteger", "Attention", "MultiHeadAttention"),
        *("scaled_dot_product_attention", "multi_head_attention_forward", "GroupQueryAttention"),
        *("lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell"),
        *("rnn_relu_cell", "LSTM", "GRU", "RNN"),
    }
)
# Opaque convolutions some of whose MACs are on padding, and no window tells how many.
PADDED = frozenset(f"padded_{name}" for name in MIXED if "conv" in name)
WORDS = frozenset(KINDS) - MERGES - {"slice", "input", "opaque"}  # what a text may name as a layer


class Channels(NamedTuple):
    """The channels that go out: a number ("="), or those that come in times or over one."""

    rule: Literal["=", "*", "/"]
    size: Size


KEPT = Channels("*", 1)
EPS = 1e-5  # of a norm that is written without one


class Opaque(NamedTuple):
    """What is known of an operation that the language has no word for; None is not known.

    `biases` of the params are told apart, the others are weights.
    """

    name: str
    params: int | None
    macs: int | None
    biases: int = 0


@dataclass(frozen=True)
class Layer:
    """One layer. `Layer("conv", (3, 3), stride=(2, 2))` is `3x3s2`.

    `size` is the argument: the taps of a kernel, a factor, a target size, a number of groups,
    begin:end pairs, or the whole shape that comes out of an `opaque` layer. A one-element `stride`,
    `dilation`, `padding` or `output_padding` holds for all axes. `eps` is what a norm adds to
    variances. `window` is a convolution that does what an `opaque` layer does, with weights that
    are no params of its own; it takes no part in equality. Fields that a kind does not have keep
    their defaults.

    >>> Layer("conv", (3, 3), stride=(1,)) == Layer("conv", (3, 3))
    True

    Raises SizeError for a size that cannot be: a stride of 0, a kernel of 0 taps, an eps below 0.
    """

    kind: str
    size: tuple[Size, ...] = ()
    stride: tuple[Size, ...] = ()
    dilation: tuple[Size, ...] = ()
    padding: tuple[Pad, ...] | Literal["same"] = ()
    output_padding: tuple[Size, ...] = ()
    groups: Size = 1
    channels: Channels = KEPT
    ceil: bool = False
    bias: bool = False
    pads: tuple[Pad, ...] = ()
    bounds: tuple[Size | None, Size | None] = (None, None)
    opaque: Opaque | None = None
    eps: float = EPS
    window: Layer | None = field_of(default=None, compare=False)

    def __post_init__(self) -> None:
        kind = KINDS[self.kind]
        if self.named():
            for field, value in _sizes_changed(self, settled).items():
                self._set(field, value)
        for field, values in self._fields().items():
            check_field(field, values, self.kind)
        if self.eps != EPS:
            if not 0 <= self.eps < inf:
                raise SizeError(f"eps must be a number from 0, not {self.eps}")
            self._set("eps", float(self.eps) + 0.0)  # of -0.0, 0.0
        if kind.argument == "kernel":
            axes = len(self.size)
            for field, default in (("stride", 1), ("dilation", 1), ("output_padding", 0)):
                self._set(field, _spread(getattr(self, field), default, axes, field))
            if self.padding != "same":
                self._set("padding", _spread(self.padding, (0, 0), axes, "padding"))
        elif kind.argument == "factor":
            self._set("size", _gathered(self.size))
        elif kind.argument == "pads":
            self._set("pads", _gathered(self.pads))
        if self.channels == Channels("/", 1):
            self._set("channels", KEPT)
        if self.opaque is not None:
            params, biases = self.opaque.params, self.opaque.biases
            if params is None:  # then nobody knows how many of them are biases
                self._set("opaque", self.opaque._replace(biases=0))
            elif not 0 <= biases <= params:
                raise SizeError(f"{biases:,} of {params:,} params cannot be biases")

    def _set(self, field: str, value: object) -> None:
        object.__setattr__(self, field, value)

    @property
    def works_as(self) -> Layer:
        """The layer that reads and writes as it does: of an opaque convolution its `window`."""
        return self.window or self

    @property
    def axes(self) -> int | None:
        """The axes it works on, None where it takes any number."""
        return len(self.size) if KINDS[self.kind].argument == "kernel" else None

    def named(self) -> set[str]:
        """The named sizes in it."""
        sizes = [size for values in self._fields().values() for size in _flat(values)]
        sizes += [bound for bound in self.bounds if bound is not None]
        inside = set() if self.window is None else self.window.named()
        return inside.union(*(names(size) for size in sizes if not isinstance(size, int)))

    def assume(self, assumptions: Assumptions) -> None:
        """Take for granted that its named sizes are whole numbers, and large enough."""
        for field, values in self._fields().items():
            for size in _flat(values):
                if not isinstance(size, int):
                    assumptions.whole(size, _LEAST[field][1])
        if self.window is not None:
            self.window.assume(assumptions)

    def _fields(self) -> dict[str, tuple[Size, ...] | tuple[Pad, ...]]:
        return {
            "size": self.size,
            "stride": self.stride,
            "dilation": self.dilation,
            "padding": () if self.padding == "same" else self.padding,
            "output_padding": self.output_padding,
            "groups": (self.groups,),
            "channels": (self.channels.size,),
            "pads": self.pads,
        }

    def map_sizes(self, change: Callable[[Size], Size]) -> Layer:
        """The layer with every size replaced by `change(size)`."""
        return replace(self, **_sizes_changed(self, change))


def _sizes_changed(layer: Layer, change: Callable[[Size], Size]) -> dict[str, Any]:
    def pairs(values: tuple[Pad, ...]) -> tuple[Pad, ...]:
        return tuple((change(a), change(b)) for a, b in values)

    return {
        "size": tuple(map(change, layer.size)),
        "stride": tuple(map(change, layer.stride)),
        "dilation": tuple(map(change, layer.dilation)),
        "padding": layer.padding if layer.padding == "same" else pairs(layer.padding),
        "output_padding": tuple(map(change, layer.output_padding)),
        "groups": change(layer.groups),
        "channels": Channels(layer.channels.rule, change(layer.channels.size)),
        "pads": pairs(layer.pads),
        "bounds": tuple(None if bound is None else change(bound) for bound in layer.bounds),
        "window": layer.window and layer.window.map_sizes(change),
    }


_LEAST = {
    "size": ("a size", 1),
    "stride": ("a stride", 1),
    "dilation": ("a dilation", 1),
    "groups": ("a number of groups", 1),
    "channels": ("a number of channels", 1),
    "padding": ("padding", 0),
    "pads": ("padding", 0),
    "output_padding": ("output padding", 0),
}
_SIZE_NOUNS = {"factor": "a factor", "pixelshuffle": "a factor", "number": "a number of groups"}


def check_field(field: str, values: Iterable[Size] | Iterable[Pad], kind: str) -> None:
    """Raise a SizeError where a value of a field cannot be: a stride of 0, half a tap."""
    noun, least = _LEAST[field]
    if field == "size":
        noun = _SIZE_NOUNS.get(kind) or _SIZE_NOUNS.get(KINDS[kind].argument, noun)
    for size in _flat(values):
        _require(size, least, noun)


def _flat(values: Iterable[Size] | Iterable[Pad]) -> Iterator[Size]:
    for value in values:
        if isinstance(value, tuple):
            yield from value
        else:
            yield value


def _require(value: Size, least: int, noun: str) -> None:
    if isinstance(value, int):
        if value < least:
            raise SizeError(f"{noun} must be at least {least}, not {value}")
    elif not names(value) or is_whole(value) is False:
        raise SizeError(f"{noun} must be a whole number, not {text(value)}")
    elif at_least(value, least) is False:
        raise SizeError(f"{noun} must be at least {least}, not {text(value)}")


def _spread(values: tuple[Any, ...], default: Any, axes: int, field: str) -> tuple[Any, ...]:
    if not values:
        return (default,) * axes
    if len(values) == 1:
        return values * axes
    if len(values) != axes:
        name = field.replace("_", " ")
        raise SizeError(f"{len(values)} values of {name} for {axes_text(axes)}")
    return values


def _gathered(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return values[:1] if all(value == values[0] for value in values) else values


def axes_text(axes: int) -> str:
    """How many axes, in words.

    >>> axes_text(2)
    '2 axes'
    """
    return "1 axis" if axes == 1 else f"{axes or 'no'} axes"


def spread_over(values: tuple[Any, ...], axes: int, what: str) -> tuple[Any, ...]:
    """`values` for each of `axes` axes, where one value holds for all.

    >>> spread_over((2,), 3, "factor")
    (2, 2, 2)
    """
    return _spread(values, None, axes, what)


def out_channels(layer: Layer, channels: Size) -> Size:
    """The channels that go out of `layer` when `channels` come in.

    >>> out_channels(Layer("conv", (1, 1), channels=Channels("*", 6)), 16)
    96
    """
    rule, size = layer.channels
    if rule == "=":
        return size
    return simplest(channels * size) if rule == "*" else exact_divide(channels, size)


def groups_of(layer: Layer, channels: Size) -> Size:
    """The groups of a convolution when `channels` come in: all of them for a depthwise one."""
    return channels if layer.kind == "dw" else layer.groups


def padding_of(layer: Layer, inputs: tuple[Size, ...]) -> tuple[Pad, ...]:
    """The padding of each axis; 'same' padding depends on the input and is worked out here."""
    if layer.padding != "same":
        return layer.padding
    return tuple(
        same_padding(i, k, s, d)
        for i, k, s, d in zip(inputs, layer.size, layer.stride, layer.dilation, strict=True)
    )
