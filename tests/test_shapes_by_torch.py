"""Shapes of layers with a window, against those that torch works out."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.assumptions import Assumptions
from convalgebra.errors import SizeError
from convalgebra.language import parse
from convalgebra.language.printer import layer_text
from convalgebra.layers import Channels, Layer
from convalgebra.shapes import Shape, output_shape

torch = pytest.importorskip("torch")
functional = torch.nn.functional

axes = st.integers(1, 3)
channels = st.integers(1, 3)


def per_axis(values: st.SearchStrategy[int], count: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[values] * count)


@st.composite
def windows(draw: st.DrawFn) -> tuple[Shape, dict[str, tuple[int, ...]]]:
    """The sides of an input, and a kernel, stride, dilation and padding for each axis."""
    count = draw(axes)
    sides = draw(per_axis(st.integers(1, 12), count))
    return sides, {
        "size": draw(per_axis(st.integers(1, 4), count)),
        "stride": draw(per_axis(st.integers(1, 4), count)),
        "dilation": draw(per_axis(st.integers(1, 3), count)),
        "padding": draw(per_axis(st.integers(0, 4), count)),
    }


def twice(padding: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((p, p) for p in padding)


def ours(layer: Layer, shape: Shape) -> Shape | None:
    """Our shape, None where the layer does not fit; through the text, as a user gets there."""
    assert parse(layer_text(layer)).nodes[1].layer == layer
    try:
        return output_shape(layer, [shape], Assumptions())
    except SizeError:
        return None


def theirs(operation: partial[object], shape: Shape) -> Shape | None:
    """Their shape, None where the layer does not fit, or nothing comes out."""
    try:
        after = tuple(operation(torch.empty(1, *shape)).shape[1:])
    except RuntimeError:
        return None
    return after if all(after) else None


def weight(*shape: int) -> object:
    return torch.empty(*shape)


@settings(max_examples=120)
@given(windows(), channels, channels, channels)
def test_convolutions(
    window: tuple[Shape, dict[str, tuple[int, ...]]], groups: int, fan_in: int, fan_out: int
) -> None:
    sides, fields = window
    layer = Layer(
        "conv",
        **{**fields, "padding": twice(fields["padding"])},
        groups=groups,
        channels=Channels("=", groups * fan_out),
    )
    operation = partial(
        [functional.conv1d, functional.conv2d, functional.conv3d][len(sides) - 1],
        weight=weight(groups * fan_out, fan_in, *fields["size"]),
        stride=fields["stride"],
        padding=fields["padding"],
        dilation=fields["dilation"],
        groups=groups,
    )
    shape = (groups * fan_in, *sides)
    assert ours(layer, shape) == theirs(operation, shape)


@settings(max_examples=100)
@given(windows(), st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_padding_on_one_side(
    window: tuple[Shape, dict[str, tuple[int, ...]]], zeros: list[int]
) -> None:
    sides, fields = window
    pads = tuple(zip(zeros[::2], zeros[1::2], strict=True))[: len(sides)]
    convolve = [functional.conv1d, functional.conv2d, functional.conv3d][len(sides) - 1]
    arguments = {"stride": fields["stride"], "dilation": fields["dilation"]}
    kernel = weight(1, 1, *fields["size"])
    flat = [zero for pair in reversed(pads) for zero in pair]

    def operation(values: object) -> object:
        return convolve(functional.pad(values, flat), kernel, **arguments)

    expected = theirs(partial(operation), (1, *sides))
    assert ours(Layer("conv", **{**fields, "padding": pads}), (1, *sides)) == expected
    padded = output_shape(Layer("pad", pads=pads), [(1, *sides)], Assumptions())
    bare = Layer("conv", **{**fields, "padding": ()})
    assert ours(bare, padded) == expected


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@settings(max_examples=100)
@given(windows())
def test_same_padding(window: tuple[Shape, dict[str, tuple[int, ...]]]) -> None:
    sides, fields = window
    layer = Layer("conv", fields["size"], (), fields["dilation"], padding="same")
    convolve = [functional.conv1d, functional.conv2d, functional.conv3d][len(sides) - 1]
    kernel = weight(1, 1, *fields["size"])
    operation = partial(convolve, weight=kernel, padding="same", dilation=fields["dilation"])
    assert ours(layer, (1, *sides)) == theirs(operation, (1, *sides)) == (1, *sides)


@settings(max_examples=120)
@given(windows(), channels, channels, st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_transposed_convolutions(
    window: tuple[Shape, dict[str, tuple[int, ...]]], groups: int, fan_out: int, extra: list[int]
) -> None:
    sides, fields = window
    more = tuple(extra[: len(sides)])
    # torch wants output padding below the stride or the dilation; the size is the same rule.
    assume(all(e < max(fields["stride"]) for e in more))
    layer = Layer(
        "convt",
        **{**fields, "padding": twice(fields["padding"])},
        output_padding=more,
        groups=groups,
        channels=Channels("=", groups * fan_out),
    )
    transposed = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"][len(sides) - 1]
    operation = partial(
        getattr(functional, transposed),
        weight=weight(2 * groups, fan_out, *fields["size"]),
        stride=fields["stride"],
        padding=fields["padding"],
        output_padding=more,
        groups=groups,
        dilation=fields["dilation"],
    )
    shape = (2 * groups, *sides)
    expected = theirs(operation, shape)
    assume(expected is not None or ours(layer, shape) is None)
    assert ours(layer, shape) == expected


@settings(max_examples=200)
@given(windows(), st.booleans(), st.booleans())
def test_pooling(
    window: tuple[Shape, dict[str, tuple[int, ...]]], ceil: bool, average: bool
) -> None:
    sides, fields = window
    padding = tuple(min(p, k // 2) for p, k in zip(fields["padding"], fields["size"], strict=True))
    common = {"kernel_size": fields["size"], "stride": fields["stride"], "padding": padding}
    taken = {"size": fields["size"], "stride": fields["stride"], "padding": twice(padding)}
    if average:
        layer = Layer("avg", **taken, ceil=ceil)
        pool = [functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d]
    else:
        layer = Layer("max", **taken, dilation=fields["dilation"], ceil=ceil)
        pool = [functional.max_pool1d, functional.max_pool2d, functional.max_pool3d]
        common["dilation"] = fields["dilation"]
    if average and len(sides) == 3:  # its padding does not count there for what fits
        assume(all(i >= k for i, k in zip(sides, fields["size"], strict=True)))
    operation = partial(pool[len(sides) - 1], **common, ceil_mode=ceil)
    mine = ours(layer, (2, *sides))
    if mine is None:  # a kernel larger than its input, which torch takes in ceil mode
        assert not ceil or any(
            i + 2 * p < d * (k - 1) + 1
            for i, p, k, d in zip(sides, padding, fields["size"], layer.dilation, strict=True)
        )
        return
    assert mine == theirs(operation, (2, *sides))


@pytest.mark.parametrize(
    ("before", "text", "module"),
    [
        ((4, 7, 9), "gap2x3", torch.nn.AdaptiveAvgPool2d((2, 3))),
        ((4, 7, 9), "gmp", torch.nn.AdaptiveMaxPool2d(1)),
        ((4, 7, 9), "up2x3", torch.nn.Upsample(scale_factor=(2, 3))),
        ((4, 7), "up3", torch.nn.Upsample(scale_factor=3)),
        ((4, 7, 9), "bilinear2", torch.nn.Upsample(scale_factor=2, mode="bilinear")),
        ((4, 7, 9), "bilinearto5x20", torch.nn.Upsample(size=(5, 20), mode="bilinear")),
        ((4, 7), "bilinearto3", torch.nn.Upsample(size=3, mode="linear")),
        ((4, 7, 9), "resize14x5", torch.nn.Upsample(size=(14, 5))),
        ((4, 7, 9), "reflect3:2x1", torch.nn.ReflectionPad2d((1, 1, 3, 2))),
        ((4, 7, 9), "replicate3x9:0", torch.nn.ReplicationPad2d((9, 0, 3, 3))),
        ((4, 7, 9), "circular7x9", torch.nn.CircularPad2d((9, 9, 7, 7))),
        ((8, 7, 9), "pixelshuffle2", torch.nn.PixelShuffle(2)),
        ((8, 7, 9), "shuffle2", torch.nn.ChannelShuffle(2)),
        ((8, 7, 9), "flatten", torch.nn.Flatten()),
        ((8, 7, 9), "gn2", torch.nn.GroupNorm(2, 8)),
        ((8, 7, 9), "prelu, sharedprelu", torch.nn.PReLU(8)),
        ((8, 7, 9), "relu, softmax", torch.nn.Softmax(1)),
    ],
)
def test_other_layers(before: Shape, text: str, module: object) -> None:
    network = parse(text).with_input(before)
    expected = tuple(module(torch.zeros(1, *before)).shape[1:])
    assert network.shapes[-1] == expected
