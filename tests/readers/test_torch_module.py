"""Live modules: figures of published networks, and PyTorch's own counter."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convalgebra as ca

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812  (as everybody calls it)
from cost.test_torch_counts import networks  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from . import torch_networks as known  # noqa: E402
from .torch_networks import Doing  # noqa: E402

TABLE = Path(__file__).parents[1] / "data" / "networks.csv"
PUBLISHED = {
    row["model"]: (int(row["params"]), int(row["macs"]))
    for row in csv.DictReader(TABLE.read_text().splitlines())
} | {"shufflenet_v2_x1_0": (2_278_604, 144_907_992), "convnext_tiny": (28_589_128, 4_455_531_264)}


def figures(module, shape):
    """Params, MACs and the output's shape as PyTorch itself tells them."""
    device = next((parameter.device for parameter in module.parameters()), "cpu")
    image = torch.zeros(1, *shape, device=device)
    module = module.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        out = module(image)
    while isinstance(out, (dict, tuple, list)):
        out = next(iter(out.values() if isinstance(out, dict) else out))
    params = sum(parameter.numel() for parameter in module.parameters())
    return params, counter.get_total_flops() / 2, tuple(out.shape[1:])


def read(module, shape):
    report = ca.cost(ca.from_torch(module, shape))
    return report.total.params, report.total.macs, report.output


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("resnet18", lambda: known.resnet((2, 2, 2, 2), False)),
        ("resnet50", lambda: known.resnet((3, 4, 6, 3), True)),
        ("mobilenet_v2", known.MobileNetV2),
        ("densenet121", known.DenseNet121),
        ("shufflenet_v2_x1_0", known.ShuffleNetV2),
        ("convnext_tiny", known.ConvNeXt),
    ],
)
def test_published_figures(name, build):
    with torch.device("meta"):
        module = build()
    network = ca.from_torch(module, (3, 224, 224))
    report = ca.cost(network)
    assert (report.total.params, report.total.macs) == PUBLISHED[name]
    assert (report.output, report.status) == ((1000,), "complete")
    assert not any(node.layer.kind == "opaque" for node in network.nodes)
    assert ca.parse(str(network)) == network


@pytest.mark.parametrize(
    ("name", "blocks", "bottleneck"),
    [("resnet18", (2, 2, 2, 2), False), ("resnet50", (3, 4, 6, 3), True)],
)
def test_a_module_is_the_network_that_the_zoo_writes_down(name, blocks, bottleneck):
    with torch.device("meta"):
        module = known.resnet(blocks, bottleneck)
    assert ca.from_torch(module, (3, 224, 224)) == ca.parse(f"zoo:{name}")


@pytest.mark.parametrize("build", [known.ViT, known.UNet])
def test_other_networks_against_torch(build):
    shape = (3, 224, 224)
    with torch.device("meta"):
        module = build()
    assert read(module, shape) == figures(module, shape)


def test_attention_by_hand():
    report = ca.cost(ca.from_torch(known.ViT().to("meta"), "3x224x224"))
    # 12 blocks: two products of 197 x 64 and 197 x 197 matrices for 12 heads.
    products = [layer.macs for layer in report.layers if layer.layer == "opaque matmul"]
    assert products == [12 * 197 * 197 * 64] * 24
    assert report.total.params == 86_567_656  # as published for ViT-B/16
    assert report.status == "complete"


@settings(max_examples=60)
@given(networks())
def test_sequential_modules_are_their_text(network):
    shape, texts, module = network
    try:
        given_text = ca.cost(", ".join(texts), input=shape)
    except ca.ConvalgebraError:
        with pytest.raises(ca.ConvalgebraError, match="PyTorch says"):
            ca.cost(module, input=shape)
        return
    given_module = ca.cost(module, input=shape)
    assert given_text.total == given_module.total
    assert given_text.output == given_module.output
    fields = [[layer.field for layer in report.layers] for report in (given_text, given_module)]
    assert fields[0] == fields[1]


conv = nn.Conv2d(3, 3, 3, padding=1)
matrix = nn.Parameter(torch.zeros(8, 3, 3, 3))
SMALL = {
    "a layer used twice": (
        Doing(lambda s, x: s.c(F.relu(s.c(x))), c=conv),
        "shared shared_1 = 3x3p1@3b; shared_1, relu, shared_1",
    ),
    "a decision about a shape": (
        Doing(lambda s, x: s.c(x) if x.shape[2] > 8 else x, c=conv),
        "3x3p1@3b",
    ),
    "operators": (
        Doing(lambda s, x: sum([x * torch.sigmoid(s.c(x)), x]), c=conv),
        "mul(id | 3x3p1@3b, sigmoid) + id",
    ),
    "squeeze and excite by dense layers": (
        Doing(
            lambda s, x: x * s.l(x.mean((2, 3))).view(1, 3, 1, 1).expand_as(x),
            l=nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 3), nn.Hardsigmoid()),
        ),
        "mul(id | gap, linear@2b, relu, linear@3b, hardsigmoid)",
    ),
    "pooling": (
        nn.Sequential(
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.AvgPool2d(3, 1, 1, count_include_pad=False),
            nn.AdaptiveMaxPool2d((2, 3)),
        ),
        "max3x3s2ceil, avg3x3s1p1, opaque(rescale, 3x8x8, 0, 0), gmp2x3",
    ),
    "slices of channels": (
        Doing(lambda s, x: torch.cat([x[:, 1:], *x.split([1, 2], 1)], 1)),
        "cat([1:] | [:1] | [1:])",
    ),
    "a slice of positions": (Doing(lambda s, x: x[:, :, 1:, :-2]), "crop1:0x0, crop0x0:2"),
    "borders": (
        Doing(lambda s, x: F.pad(F.pad(x, (1, 2, 0, -1)), (1, 1, 0, 0), mode="circular")),
        "pad0x1:2, crop0:1x0, circular0x1",
    ),
    "a gated unit": (
        nn.Sequential(nn.Conv2d(3, 8, 1), nn.GLU(1)),
        "1x1@8b, mul([:4] | [4:], sigmoid)",
    ),
    "depth to space by hand": (
        Doing(
            lambda s, x: (
                s.c(x).view(1, 3, 2, 2, 16, 16).permute(0, 1, 4, 2, 5, 3).reshape(1, 3, 32, 32)
            ),
            c=nn.Conv2d(3, 12, 1),
        ),
        "1x1@12b, pixelshuffle2",
    ),
    "norms": (
        nn.Sequential(
            *(conv, nn.InstanceNorm2d(3), nn.InstanceNorm2d(3, affine=True), nn.GroupNorm(3, 3)),
            *(nn.LayerNorm([3, 16, 16]), nn.LocalResponseNorm(5), nn.PReLU()),
        ),
        "3x3p1@3b, plainin, in, gn3, opaque(layer_norm, 3x16x16, 1536, 0), lrn, sharedprelu",
    ),
    "norms with less, slopes, any size": (
        nn.Sequential(
            *(nn.Conv2d(3, 8, 3), nn.PReLU(8), nn.BatchNorm2d(8, affine=False)),
            *(nn.GroupNorm(4, 8, affine=False), nn.Upsample(size=(17, 19), mode="bilinear")),
        ),
        "3x3@8b, prelu, plainbn, plaingn4, bilinearto17x19",
    ),
    "layer norms with less": (
        nn.Sequential(nn.Flatten(), nn.LayerNorm(768, bias=False), nn.LayerNorm(768, 1e-6, False)),
        "flatten, plainln, scale, plainln(1e-6)",
    ),
    "resizing": (
        nn.Sequential(
            *(nn.Upsample(scale_factor=2), nn.UpsamplingBilinear2d(scale_factor=2)),
            nn.Upsample(size=(70, 64), mode="nearest"),
        ),
        "up2, opaque(bilinear_resize, 3x64x64, 0, 0), resize70x64",
    ),
    "weights that are made of others": (
        nn.Sequential(torch.nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 8, 3))),
        "opaque(reparametrize, 3x16x16, 8, 0), 3x3@8b",
    ),
    "weights that are computed from the input": (
        Doing(lambda s, x: F.conv2d(x, s.l(x.mean((2, 3))).view(4, 3, 3, 3)), l=nn.Linear(3, 108)),
        "opaque(conv2d, 4x14x14, 0, 21168 | id | gap, linear@108b)",
    ),
    "weights in two uses": (
        Doing(lambda s, x: F.conv_transpose2d(F.conv2d(x, s.w), s.w), w=matrix),
        "3x3@8, opaque(transposed_convolution, 3x16x16, 0, 42336)",
    ),
    "modules that are never called": (
        Doing(
            lambda s, x: s.c(x),
            c=conv,
            aux=nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2, bias=False)),
            p=nn.Parameter(torch.zeros(7)),
        ),
        "3x3p1@3b, unused(opaque(p, 3x16x16, 7, 0) | opaque(aux_0_Linear, 3x16x16, 20+5, 0) | "
        "opaque(aux_2_Linear, 3x16x16, 10, 0))",
    ),
    "what is computed and thrown away": (
        Doing(lambda s, x: (s.d(x), s.c(x))[1], c=conv, d=nn.Conv2d(3, 3, 3)),
        "value_1 = 3x3@3b; value_2 = input, 3x3p1@3b; output value_2 | value_1",
    ),
    "a view that is written to": (
        Doing(lambda s, x: (lambda y: (y[:, :1].mul_(2), s.d(y))[1])(s.c(x)), c=conv, d=conv),
        "shared shared_1 = 3x3p1@3b; shared_1, opaque(setitem, 3x16x16, 0, 0 | id | [:1], "
        "opaque(mul, 1x16x16, 0, 0)), shared_1",
    ),
    "sums that are divided by another number than the taps": (
        Doing(lambda s, x: F.avg_pool2d(x, 2, divisor_override=3)),
        "avg2x2s2, opaque(rescale, 3x8x8, 0, 0)",
    ),
    "sums over windows": (
        nn.AvgPool2d(3, 1, 1, divisor_override=1),
        "avg3x3s1p1, opaque(rescale, 3x16x16, 0, 0)",
    ),
    "lazy modules": (
        nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(5)),
        "3x3@8b, bn, fc@5b",
    ),
    "numbers from elsewhere": (
        Doing(lambda s, x: s.c(x) + torch.tensor([1.0], device="cpu"), c=conv),
        "3x3p1@3b, opaque(add, 3x16x16, 0, 0)",
    ),
    "an operation whose cost is not known": (
        Doing(lambda s, x: torch.fft.fft2(x).real),
        "opaque(fft_fft2, 3x16x16, 0, ?)",
    ),
}


def tied():
    first, second = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
    second.weight = first.weight
    return nn.Sequential(first, second)


def test_convolutions_with_the_weights_of_another_layer():
    network = ca.from_torch(tied(), (4, 8, 8))
    assert str(network).endswith("; 3x3p1@4b, opaque(convolution, 4x8x8, 0+4, 9216, 3x3p1@4b)")
    assert ca.parse(str(network)) == network
    for report in (ca.cost(network), ca.cost(str(network))):
        total = report.total
        assert (total.weights, total.biases, total.macs) == (144, 8, 18432)
        # Along an axis 3 taps at 8 places, less one at either end: 22 pairs.
        assert total.macs_exact == 2 * 16 * 22 * 22
        assert total.flops == 37376
        assert [axis.size for axis in report.receptive_field.axes] == [5, 5]
        assert report.unit("[0,4]").seen == (((0, 2),), ((2, 6),))
        assert report.spread() is None  # of weights that are not independent


def test_fixed_filters():
    filters = torch.ones(3, 1, 3, 3)
    module = Doing(lambda s, x: F.conv2d(x, filters, padding=1, groups=3))
    report = ca.cost(ca.from_torch(module, (3, 16, 16)))
    assert (report.total.params, report.total.macs) == (0, 6912)
    assert (report.total.macs_exact, report.total.flops) == (3 * 46 * 46, 13824)
    assert [axis.size for axis in report.receptive_field.axes] == [3, 3]
    one = ca.cost(Doing(lambda s, x: F.conv1d(x, filters[0].flatten(1)[None])), input=(1, 20))
    assert (one.output, one.total.macs) == ((1, 12), 9 * 12)
    assert one.receptive_field.axes[0].size == 9
    up = Doing(lambda s, x: F.conv_transpose2d(x, filters, stride=2, padding=1, groups=3))
    turned = ca.cost("convt3x3s2p1g3", input="3x6x6")
    assert ca.cost(up, input=(3, 6, 6)).total.macs_exact == turned.total.macs_exact


def test_a_padded_convolution_of_a_batch():
    weight = nn.Parameter(torch.zeros(4, 2, 3, 3))
    for padding, exact in ((0, 2 * 72 * 36), (1, None)):
        pad = Doing(lambda s, x, p=padding: F.conv2d(x.view(2, 2, 8, 8), s.w, padding=p), w=weight)
        network = ca.from_torch(pad, (4, 8, 8))
        report = ca.cost(network)
        assert report.total.macs == 2 * 72 * (6 + 2 * padding) ** 2
        assert (report.total.macs_exact, report.status) == (exact, "complete")
        assert ca.parse(str(network)) == network
        assert ca.cost(str(network)).total == report.total


def test_weights_from_the_input_and_padding():
    module = Doing(
        lambda s, x: F.conv2d(x, s.l(x.mean((2, 3))).view(3, 1, 3, 3), padding=1, groups=3),
        l=nn.Linear(3, 27),
    )
    network = ca.from_torch(module, (3, 16, 16))
    assert str(network).endswith("opaque(conv2d, 3x16x16, 0, 6912, dw3x3p1 | id | gap, linear@27b)")
    assert ca.parse(str(network)) == network
    report = ca.cost(network)
    assert (report.total.macs, report.total.macs_exact) == (6912 + 81, 3 * 46 * 46 + 81)
    assert report.receptive_field.is_global
    assert [axis.size for axis in report.receptive_field.axes] == [3, 3]
    unit = report.unit("[0,9]")
    assert unit.windowed == (((0, 1),), ((8, 10),))
    assert unit.seen == (((0, 15),), ((0, 15),))
    # Weights that are those of a place: what a unit sees is not worked out.
    placed = Doing(lambda s, x: F.conv2d(x, x[:, :, :3, :3].expand(4, 3, 3, 3), padding=1))
    report = ca.cost(placed, input=(3, 16, 16))
    assert (report.total.macs, report.total.macs_exact) == (4 * 27 * 256, 4 * 3 * 46 * 46)
    assert report.receptive_field.axes is None
    itself = Doing(lambda s, x: F.conv2d(x, x, padding=1))
    assert ca.cost(itself, input=(1, 3, 3)).receptive_field.axes is None


def test_weights_and_biases_that_are_never_used_are_told_apart():
    module = Doing(lambda s, x: s.c(x), c=conv, aux=nn.Linear(4, 5), norm=nn.BatchNorm2d(6))
    total = ca.cost(ca.from_torch(module, (3, 16, 16))).total
    assert (total.weights, total.biases, total.params) == (81 + 20 + 6, 3 + 5 + 6, 84 + 25 + 12)


@pytest.mark.parametrize("name", SMALL)
def test_small_modules(name):
    module, text = SMALL[name]
    network = ca.from_torch(module, (3, 16, 16))
    assert str(network).partition("; ")[2] == text
    assert ca.parse(str(network)) == network
    params, macs, output = figures(module, (3, 16, 16))
    report = ca.cost(network)
    assert (report.total.params, report.output) == (params, output)
    assert report.total.macs == (None if "?" in text else macs)
    assert report.total.at_least.macs == macs
    assert report.status == ("partial" if "?" in text else "complete")


LONE = {  # of y = c(x), 3x16x16
    "opaque(sum, 1, 0, 0)": lambda y: y.sum(),
    "opaque(max, 1, 0, 0)": lambda y: y.max(),
    "opaque(mse_loss, 1, 0, ?)": lambda y: F.mse_loss(y, torch.zeros(1, 3, 16, 16)),
    "gap, opaque(sum, 1, 0, 0), relu": lambda y: y.mean((2, 3)).sum().relu(),
    "opaque(dot, 1, 0, 768)": lambda y: torch.dot(y.flatten(), y.flatten()),
    "[:1], crop0:15x0, crop0x0:15, flatten": lambda y: y[0, 0, 0, 0],
    "(opaque(mean, 1, 0, 0) + opaque(amax, 1, 0, 0))": lambda y: y.mean() + y.amax(),
    "opaque(mean, 1, 0, 0), opaque(unsqueeze, 1x1, 0, 0)": lambda y: y.mean().view(1, 1, 1),
}


@pytest.mark.parametrize("text", LONE)
def test_a_lone_number_is_one_channel(text):
    module = Doing(lambda s, x: LONE[text](s.c(x)), c=conv)
    network = ca.from_torch(module, (3, 16, 16))
    assert str(network).partition("; ")[2] == f"3x3p1@3b, {text}"
    assert ca.parse(str(network)) == network
    report = ca.cost(network)
    assert report.output in ((1,), (1, 1))
    assert report.total.params == 84


def test_a_map_comes_before_the_numbers_beside_it():
    for both in (lambda y: (y, y.mean()), lambda y: {"loss": y.mean(), "map": y}):
        module = Doing(lambda s, x, both=both: both(s.c(x)), c=conv)
        network = ca.from_torch(module, (3, 16, 16))
        assert [network.shapes[end] for end in network.outputs] == [(3, 16, 16), (1,)]
        assert ca.cost(network).output == (3, 16, 16)


def test_recurrent_and_attention_modules():
    # Four gates of 8 units, from 3 channels and 8 units, at 256 positions.
    lstm = nn.LSTM(3, 8, batch_first=True)
    network = ca.from_torch(Doing(lambda s, x: s.l(x.flatten(2).mT)[0], l=lstm), (3, 16, 16))
    assert ca.cost(network).total.macs == 256 * 4 * 8 * (3 + 8)
    assert ca.cost(network).output == (256, 8)
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    report = ca.cost(Doing(lambda s, x: s.l(x.flatten(2).mT), l=layer), input="16x4x4")
    attention = 16 * 16 * 48 + 2 * 16 * 16 * 16 + 16 * 16 * 16
    assert report.total.macs == attention + 2 * 16 * 16 * 32
    assert report.total.params == sum(p.numel() for p in layer.parameters())


def test_a_module_stands_where_a_stack_does():
    module = nn.Sequential(nn.Conv2d(1, 1, 3, bias=False), nn.Conv2d(1, 1, 3, bias=False))
    assert ca.cost(module, input=(1, 9, 9)).total.macs == 9 * 49 + 9 * 25
    assert str(ca.parse(module, "1x9x9")) == "input 1x9x9; 2*(3x3@1)"


def in_place(self, x):
    y = self.c(x).tan()
    y -= 1
    y /= x
    y **= 2
    return self.c((y > 0).float() * y)


def test_the_field_goes_on_through_what_works_number_by_number():
    report = ca.cost(Doing(in_place, c=conv), input=(3, 16, 16))
    assert [axis.size for axis in report.receptive_field.axes] == [5, 5]
    assert report.status == "complete"


def test_names_of_what_works_number_by_number():
    from convalgebra.layers import POINTWISE
    from convalgebra.readers.torch_module.elementwise import WORDS, nameless
    from convalgebra.readers.torch_module.rules import RULES

    names = {WORDS.get(name, name) for name, rule in RULES.items() if rule is nameless}
    assert names <= POINTWISE


def test_what_has_macs_is_a_product_or_does_more():
    from convalgebra.layers import MIXED
    from convalgebra.readers.onnx_file import rules as onnx_rules
    from convalgebra.readers.torch_module.rules import MACS

    known = MACS.keys() | onnx_rules.PRODUCTS.keys() | onnx_rules.MACS.keys()
    products = {"matmul", "mm", "bmm", "mv", "dot", "vdot", "einsum", "MatMul", "Einsum"}
    assert known - products <= MIXED
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    total = ca.cost(Doing(lambda s, x: s.l(x.flatten(2).mT), l=layer), input="16x4x4").total
    assert total.flops is None
    assert total.at_least.flops >= 2 * total.macs


def test_opaque_layers_are_counted_on_one_input():
    network = ca.from_torch(Doing(lambda s, x: x.roll(1, 2)), (3, 16, 16))
    with pytest.raises(ca.ConvalgebraError, match="was counted on an input of 3x16x16"):
        ca.cost(network, input="3x32x32")


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(["view", "permute", "flatten", "linear", "add"]), max_size=6),
    st.data(),
)
def test_tensors_moved_at_random(steps, data):
    """However numbers are moved about, shapes are those of torch and params and MACs are right."""
    orders = {
        3: [(0, 2, 1), (1, 0, 2), (2, 0, 1)],
        4: [(0, 2, 3, 1), (0, 3, 1, 2), (1, 0, 2, 3), (0, 1, 3, 2)],
    }
    draws = [data.draw(st.integers(0, 3)) for _ in steps]
    layer = nn.Linear(4, 4)

    def does(self, x):
        for step, draw in zip(steps, draws, strict=True):
            if step == "view":
                x = x.reshape([(1, 4, 4, 4), (1, 16, 4), (4, 16), (1, 2, 8, 4)][draw])
            elif step == "permute" and x.dim() in orders:
                x = x.permute(orders[x.dim()][draw % 3])
            elif step == "flatten":
                x = x.flatten(1)
            elif step == "linear" and x.shape[-1] == 4:
                x = self.l(x)
            elif step == "add" and x.dim() == 4 and x.shape[2] == x.shape[3]:
                x = x + x.mT
        return x.reshape(1, 8, 8)

    module = Doing(does, l=layer)
    assert read(module, (4, 4, 4)) == figures(module, (4, 4, 4))


def test_norms_keep_their_eps():
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False),
        nn.BatchNorm2d(8, eps=1e-3),
        nn.GroupNorm(4, 8, eps=1e-6),
        nn.InstanceNorm2d(8, affine=True, eps=1e-4),
        nn.BatchNorm2d(8, affine=False, eps=2e-3),
        nn.InstanceNorm2d(8, eps=0.1),
        nn.BatchNorm2d(8),
    )
    text = "3x3@8, bn(1e-3), gn4(1e-6), in(1e-4), plainbn(2e-3), plainin(0.1), bn"
    network = ca.from_torch(module, (3, 9, 9))
    assert str(network) == f"input 3x9x9; {text}"
    assert ca.parse(str(network)) == network
    assert ca.parse(str(module)) == ca.parse(text)  # print(model) says the same


class Functional(nn.Module):
    def forward(self, x):
        mean, var = torch.zeros(4), torch.ones(4)
        x = nn.functional.batch_norm(x, mean, var)
        x = nn.functional.batch_norm(x, mean, var, eps=1e-3)
        x = nn.functional.batch_norm(x, mean, var, None, None, False, 0.1, 1e-4)
        x = torch.batch_norm(x, None, None, mean, var, False, 0.1, 1e-2, False)
        x = nn.functional.instance_norm(x, eps=1e-6)
        x = nn.functional.group_norm(x, 2, eps=1e-7)
        return torch.group_norm(x, 2, None, None, 1e-8)


def test_functions_keep_their_eps():
    assert str(ca.from_torch(Functional(), (4, 5, 5))) == (
        "input 4x5x5; plainbn, plainbn(1e-3), plainbn(1e-4), plainbn(0.01), plainin(1e-6), "
        "plaingn2(1e-7), plaingn2(1e-8)"
    )
