"""Every kind of layer, and the traps in their settings, against modules of torch.

Shapes come from running the module on the meta device, MACs from torch.utils.flop_counter.
"""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.cost import cost

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  (only where there is torch)
from torch.nn import functional  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
SMOOTH = {1: "linear", 2: "bilinear", 3: "trilinear"}


def figures(module, shape):
    """Shape, parameters and MACs; the batch has two samples, for the norms."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        out = module.eval()(torch.zeros(2, *shape))
    assert counter.get_total_flops() % 4 == 0
    params = sum(weight.numel() for weight in module.parameters())
    return tuple(out.shape[1:]), params, counter.get_total_flops() // 4


def check(text, module, shape):
    report = cost(text, input=shape)
    found = (report.output, report.total.params, report.total.macs)
    assert found == figures(module, shape)


class Of(nn.Module):
    """A function of a value, with the modules that it uses."""

    def __init__(self, function, *parts):
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.function = function

    def forward(self, x):
        return self.function(x, *self.parts)


class Scale(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x):
        return self.weight * x


def on_last_axis(*parts):
    """Modules that work on the last axis of a tensor, applied to its channels."""
    inner = nn.Sequential(*parts)
    return Of(lambda x, inner: inner(x.movedim(1, -1)).movedim(-1, 1), inner)


def squeeze_excite(channels, squeezed):
    return Of(
        lambda x, gate: x * gate(x),
        nn.Sequential(
            *(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, squeezed, 1), nn.ReLU()),
            *(nn.Conv2d(squeezed, channels, 1), nn.Hardsigmoid()),
        ),
    )


def dense_block():
    return Of(
        lambda x, one, two: torch.cat([x, one(x), two(torch.cat([x, one(x)], 1))], 1),
        *(nn.Conv2d(4, 3, 3, padding=1), nn.Conv2d(7, 3, 3, padding=1)),
    )


# One spelling for every trap: the settings of a module, and how they are written here.
CASES = [
    # convolutions
    ("3x5s2x1p1x4d1x2@8b", nn.Conv2d(4, 8, (3, 5), (2, 1), (1, 4), (1, 2)), (4, 9, 12)),
    ("3x3p1g2@6", nn.Conv2d(4, 6, 3, padding=1, groups=2, bias=False), (4, 5, 7)),
    ("dw3x3s2p1@*3b", nn.Conv2d(4, 12, 3, 2, 1, groups=4), (4, 5, 7)),
    ("4x3psame@5", nn.Conv2d(4, 5, (4, 3), padding="same", bias=False), (4, 5, 7)),
    (
        "3p4:0d2@6b",
        nn.Sequential(nn.ConstantPad1d((4, 0), 0), nn.Conv1d(4, 6, 3, dilation=2)),
        (4, 9),
    ),
    ("3x3x3s1x2x2p0x1x1@5b", nn.Conv3d(4, 5, 3, (1, 2, 2), (0, 1, 1)), (4, 5, 6, 7)),
    ("convt4x4s2p1@3", nn.ConvTranspose2d(4, 3, 4, 2, 1, bias=False), (4, 5, 7)),
    ("convt3x3s2p1o1g2@6b", nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), (4, 5, 7)),
    ("convt3d2s3@2b", nn.ConvTranspose1d(4, 2, 3, 3, dilation=2), (4, 7)),
    (
        "convt2x1x2s2x1x2@2",
        nn.ConvTranspose3d(4, 2, (2, 1, 2), (2, 1, 2), bias=False),
        (4, 2, 3, 2),
    ),
    # dense layers: flattened, and over the channels of a value of any rank
    ("fc@7b", nn.Sequential(nn.Flatten(), nn.Linear(140, 7)), (4, 5, 7)),
    ("linear@7b", nn.Linear(4, 7), (4,)),
    ("linear@7b", on_last_axis(nn.Linear(4, 7)), (4, 5, 7)),
    ("linear@*2, linear@/4b", on_last_axis(nn.Linear(4, 8, False), nn.Linear(8, 2)), (4, 2, 3, 2)),
    # norms
    ("bn, relu", nn.Sequential(nn.BatchNorm3d(4), nn.ReLU()), (4, 2, 3, 2)),
    ("gn2", nn.GroupNorm(2, 4), (4, 5, 7)),
    ("in", nn.InstanceNorm2d(4, affine=True), (4, 5, 7)),
    ("plainin", nn.InstanceNorm2d(4), (4, 5, 7)),
    ("plainbn", nn.BatchNorm2d(4, affine=False), (4, 5, 7)),
    ("plaingn4", nn.GroupNorm(4, 4, affine=False), (4, 5, 7)),
    ("ln", on_last_axis(nn.LayerNorm(4)), (4, 5, 7)),
    ("plainln, scale", on_last_axis(nn.LayerNorm(4, bias=False)), (4, 5, 7)),
    ("lrn", nn.LocalResponseNorm(5), (4, 5, 7)),
    # activations with weights, and a weight a channel
    ("prelu", nn.PReLU(4), (4, 5, 7)),
    ("sharedprelu", nn.PReLU(), (4, 5, 7)),
    ("scale", Scale(4), (4, 5, 7)),
    # pooling: a last window that would begin past the input is left out, whatever ceil says
    ("max3x3s2p1ceil", nn.MaxPool2d(3, 2, 1, ceil_mode=True), (4, 5, 6)),
    ("max2s3ceil", nn.MaxPool1d(2, 3, ceil_mode=True), (4, 9)),
    ("max2s2p1ceil", nn.MaxPool1d(2, 2, 1, ceil_mode=True), (4, 8)),
    ("max3x3s2d2", nn.MaxPool2d(3, 2, dilation=2), (4, 9, 10)),
    ("avg3x3s2p1", nn.AvgPool2d(3, 2, 1), (4, 5, 6)),
    ("avg3x3s2p1", nn.AvgPool2d(3, 2, 1, count_include_pad=False), (4, 5, 6)),
    ("avg2x2x2s2ceil", nn.AvgPool3d(2, ceil_mode=True), (4, 3, 4, 5)),
    ("gap3x2", nn.AdaptiveAvgPool2d((3, 2)), (4, 5, 7)),
    ("gmp, flatten", nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten()), (4, 5, 7)),
    # other sizes
    ("up2x3", nn.Upsample(scale_factor=(2, 3)), (4, 5, 7)),
    ("resize3x9", nn.Upsample((3, 9)), (4, 5, 7)),
    ("bilinear2", nn.UpsamplingBilinear2d(scale_factor=2), (4, 5, 7)),
    ("bilinearto11x3", nn.Upsample((11, 3), mode="bilinear"), (4, 5, 7)),
    ("bilinearto9", nn.Upsample(9, mode="linear"), (4, 7)),
    ("bilinearto3x4x5", nn.Upsample((3, 4, 5), mode="trilinear"), (4, 2, 3, 2)),
    ("pixelshuffle2", nn.PixelShuffle(2), (4, 5, 7)),
    ("pad1x2:0", nn.ZeroPad2d((2, 0, 1, 1)), (4, 5, 7)),
    ("crop1x2:0", nn.ZeroPad2d((-2, 0, -1, -1)), (4, 5, 7)),
    # channels
    ("shuffle2, [1:3]", Of(lambda x: functional.channel_shuffle(x, 2)[:, 1:3]), (4, 5, 7)),
    (
        "cat([:2] | [2:], 3x3p1b)",
        Of(
            lambda x, conv: torch.cat([x[:, :2], conv(x[:, 2:])], 1),
            nn.Conv2d(2, 2, 3, padding=1),
        ),
        (4, 5, 7),
    ),
    ("mul(id | gap, 1x1@2b, relu, 1x1@4b, hardsigmoid)", squeeze_excite(4, 2), (4, 5, 7)),
    ("mul([:2] | [2:], sigmoid)", nn.GLU(1), (4, 7)),
    ("shared f = 3x3p1@3b; cat(id | f | cat(id | f), 3x3p1@3b)", dense_block(), (4, 5, 7)),
]


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@pytest.mark.parametrize(("text", "module", "shape"), CASES, ids=lambda value: str(value)[:40])
def test_settings(text, module, shape):
    check(text, module, shape)


@st.composite
def padded_convolutions(draw):
    axes = draw(st.sampled_from([1, 2, 3]))

    def each(least, most):
        return tuple(draw(st.lists(st.integers(least, most), min_size=axes, max_size=axes)))

    mode = draw(st.sampled_from(["circular", "reflect", "replicate"]))
    kernel, stride, padding, dilation = each(1, 3), each(1, 2), each(0, 2), each(1, 2)
    groups = draw(st.sampled_from([1, 2, 4]))
    bias = draw(st.booleans())
    module = CONV[axes](*(4, 8, kernel, stride, padding, dilation, groups, bias), padding_mode=mode)

    def listed(values):
        return "x".join(map(str, values))

    text = f"{mode}{listed(padding)}, "
    text += f"{listed(kernel)}s{listed(stride)}d{listed(dilation)}g{groups}@8{'b' * bias}"
    return text, module, (4, *each(5, 9))


@settings(max_examples=40)
@given(padded_convolutions())
def test_padding_modes(case):
    text, module, shape = case
    check(text, module, shape)
    # Such a border is no zero: every pair is on data.
    total = cost(text, input=shape).total
    assert total.macs_exact == total.macs


@settings(max_examples=80)
@given(
    st.integers(1, 12),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(0, 2),
    st.integers(1, 2),
    st.booleans(),
)
def test_ceil_mode(side, taps, stride, padding, dilation, ceil):
    """Torch's rule: the last window begins on the input or on the padding before it."""
    assume(2 * padding <= taps and dilation * (taps - 1) < side + 2 * padding)
    text = f"max{taps}s{stride}p{padding}d{dilation}{'ceil' * ceil}"
    check(text, nn.MaxPool1d(taps, stride, padding, dilation, ceil_mode=ceil), (2, side))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 7), st.integers(1, 9)), min_size=1, max_size=3))
def test_sizes_of_interpolation(sides):
    shape = (2, *(before for before, _ in sides))
    after = tuple(after for _, after in sides)
    written = "x".join(map(str, after))
    check(f"resize{written}", nn.Upsample(after), shape)
    check(f"bilinearto{written}", nn.Upsample(after, mode=SMOOTH[len(sides)]), shape)
    total = cost(f"bilinearto{written}", input=shape).total
    outputs = 2
    for size in after:
        outputs *= size
    # 2 products and an addition, 4 and 3, 8 and 7.
    assert total.flops_by_class == {"interpolation": {1: 3, 2: 7, 3: 15}[len(sides)] * outputs}
