"""Parameters, shapes and MACs against the same networks in torch."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.cost import cost

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  (only where there is torch)
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
CONVT = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH_NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
MAX = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVG = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
GLOBAL = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}

small = st.integers(1, 3)


def listed(values):
    return "x".join(map(str, values))


@st.composite
def pairs_of_layers(draw, axes, channels):
    """A layer as text and as a module, and the channels that it makes."""

    def each(strategy):
        return tuple(draw(st.lists(strategy, min_size=axes, max_size=axes)))

    kind = draw(st.sampled_from(["conv", "conv", "dw", "convt", "bn", "max", "avg", "relu", "gap"]))
    if kind == "bn":
        return "bn", BATCH_NORM[axes](channels), channels
    if kind == "relu":
        return "relu", nn.ReLU(), channels
    if kind == "gap":
        sizes = each(small)
        return f"gap{listed(sizes)}", GLOBAL[axes](sizes), channels
    kernel, stride = each(small), each(st.integers(1, 2))
    if kind in ("max", "avg"):
        padding = tuple(k // 2 for k in kernel)
        ceil = draw(st.booleans())
        module = (MAX if kind == "max" else AVG)[axes](kernel, stride, padding, ceil_mode=ceil)
        text = f"{kind}{listed(kernel)}s{listed(stride)}p{listed(padding)}{'ceil' * ceil}"
        return text, module, channels
    padding, dilation = each(st.integers(0, 2)), each(st.integers(1, 2))
    bias = draw(st.booleans())
    written = f"{listed(kernel)}s{listed(stride)}p{listed(padding)}d{listed(dilation)}"
    groups = draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
    if kind == "dw":
        groups = channels
    out = groups * draw(small)
    options = {"dilation": dilation, "groups": groups, "bias": bias}
    group = "" if kind == "dw" else f"g{groups}"
    tail = f"{group}@{out}{'b' * bias}"
    if kind == "convt":
        extra = tuple(
            min(e, max(s, d) - 1) for e, s, d in zip(each(small), stride, dilation, strict=True)
        )
        module = CONVT[axes](channels, out, kernel, stride, padding, extra, **options)
        return f"convt{written}o{listed(extra)}{tail}", module, out
    module = CONV[axes](channels, out, kernel, stride, padding, **options)
    return f"{kind}{written}{tail}", module, out


@st.composite
def networks(draw):
    axes = draw(st.sampled_from([1, 2, 2, 3]))
    channels = start = draw(st.integers(1, 4))
    texts, modules = [], []
    for _ in range(draw(st.integers(1, 5))):
        text, module, channels = draw(pairs_of_layers(axes, channels))
        texts.append(text)
        modules.append(module)
    shape = (start, *draw(st.lists(st.integers(6, 13), min_size=axes, max_size=axes)))
    return shape, texts, nn.Sequential(*modules).eval()


def counted_by_torch(module, shape):
    """The shape that comes out, and half of the FLOPs that torch counts; None if it cannot run."""
    counter = FlopCounterMode(display=False)
    try:
        with counter, torch.no_grad():
            out = module(torch.zeros(1, *shape))
    except RuntimeError:
        return None
    return tuple(out.shape[1:]), counter.get_total_flops() // 2


@settings(max_examples=200, deadline=None, derandomize=True)
@given(networks())
def test_random_networks(network):
    shape, texts, module = network
    counted = counted_by_torch(module, shape)
    if counted is None:
        return
    report = cost(", ".join(texts), input=shape)
    assert (report.output, report.total.macs) == counted
    assert report.total.params == sum(p.numel() for p in module.parameters())


def test_most_random_networks_run():
    ran = []

    @settings(max_examples=100, deadline=None, derandomize=True, database=None)
    @given(networks())
    def run(network):
        ran.append(counted_by_torch(network[2], network[0]) is not None)

    run()
    assert sum(ran) > len(ran) // 2


def test_dense_layers():
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.Flatten(),
        nn.Linear(8 * 36, 10, bias=False),
        nn.Linear(10, 5),
    )
    report = cost("3x3p1@8b, fc@10, linear@5b", input="3x6x6")
    assert report.total.macs == counted_by_torch(module, (3, 6, 6))[1]
    assert report.total.params == sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("bn", nn.BatchNorm2d(12)),
        ("gn4", nn.GroupNorm(4, 12)),
        ("in", nn.InstanceNorm2d(12, affine=True)),
        ("ln", nn.LayerNorm(12)),
        ("lrn", nn.LocalResponseNorm(5)),
        ("plainbn", nn.BatchNorm2d(12, affine=False)),
        ("plaingn4", nn.GroupNorm(4, 12, affine=False)),
        ("plainin", nn.InstanceNorm2d(12)),
        ("plainln", nn.LayerNorm(12, elementwise_affine=False)),
        ("plainln, scale", nn.LayerNorm(12, bias=False)),
        ("prelu", nn.PReLU(12)),
        ("sharedprelu", nn.PReLU()),
    ],
)
def test_weights_of_norms_and_slopes(text, module):
    total = cost(text, input="12x5x5").total
    assert total.params == total.norms == sum(p.numel() for p in module.parameters())


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        )
        self.side = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return torch.cat([self.body(self.body(x)) + self.side(x), x], 1)


def test_branches_and_a_module_used_twice():
    module = Residual().eval()
    report = cost("shared body = 3x3p1, bn, relu; cat((body, body) + 1x1b | id)", input="8x9x9")
    assert (report.output, report.total.macs) == counted_by_torch(module, (8, 9, 9))
    assert report.total.params == sum(p.numel() for p in module.parameters())
