"""Params as PyTorch counts them, shapes as PyTorch computes them, class by class."""

from __future__ import annotations

import inspect
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convalgebra as ca
from convalgebra.cost import cost
from convalgebra.errors import UnsupportedError
from convalgebra.readers.printed import read
from convalgebra.readers.printed.classes import CONTAINERS, KINDS
from convalgebra.readers.torch_module import from_torch

torch = pytest.importorskip("torch")
nn = torch.nn

# Every class with the arguments that change what is printed.
MODULES = [
    *(c(6, 4, 3) for c in (nn.Conv1d, nn.Conv2d, nn.Conv3d)),
    nn.Conv2d(6, 12, (3, 5), stride=(2, 1), padding=(1, 2), dilation=(1, 3), groups=3, bias=False),
    nn.Conv2d(6, 12, 3, padding="same", dilation=2, groups=6),
    nn.Conv2d(6, 12, (2, 4), padding="same"),
    nn.Conv2d(6, 4, 3, padding="valid"),
    *(nn.Conv2d(6, 4, (3, 5), padding=(1, 2), padding_mode=m) for m in ("circular", "replicate")),
    nn.Conv2d(6, 4, (4, 2), padding="same", padding_mode="reflect"),
    *(c(6, 4, 3) for c in (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)),
    nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=(0, 1), groups=2, bias=False),
    nn.ConvTranspose2d(6, 4, 3, stride=3, dilation=2, output_padding=1),
    *(nn.Linear(7, 5, bias=bias) for bias in (True, False)),
    nn.Bilinear(3, 4, 5),
    nn.Bilinear(3, 4, 5, bias=False),
    *(c(6) for c in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)),
    *(c(6) for c in (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)),
    nn.BatchNorm2d(6, affine=False, track_running_stats=False),
    nn.BatchNorm2d(6, momentum=None, eps=1e-3),
    nn.InstanceNorm2d(6, affine=True),
    nn.GroupNorm(3, 6),
    nn.GroupNorm(3, 6, affine=False),
    *(nn.LayerNorm(s) for s in (6, (6, 5), (6, 5, 5))),
    nn.LayerNorm(6, bias=False),
    nn.LayerNorm(6, elementwise_affine=False),
    nn.RMSNorm((6, 5)),
    nn.RMSNorm(6, eps=1e-3, elementwise_affine=False),
    nn.LocalResponseNorm(5),
    nn.LocalResponseNorm(3),
    nn.CrossMapLRN2d(5),
    nn.MaxPool1d(3, 2, 1),
    *(nn.MaxPool2d(3, 2, 1, ceil_mode=ceil) for ceil in (True, False)),
    nn.MaxPool2d((3, 2), (2, 1), (1, 0), dilation=(1, 2)),
    nn.MaxPool3d(2),
    nn.AvgPool1d(3, 2, 1),
    nn.AvgPool2d(2),
    nn.AvgPool2d((3, 1), (2, 1), (1, 0)),
    nn.AvgPool3d(3, 1, 1),
    nn.LPPool2d(2, 3),
    nn.FractionalMaxPool2d(2, output_size=3),
    nn.MaxUnpool2d(2),
    *(c(1) for c in (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)),
    *(c((3, 2)) for c in (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)),
    nn.AdaptiveAvgPool2d((None, 2)),
    nn.AdaptiveMaxPool1d(4),
    nn.ZeroPad1d(2),
    nn.ZeroPad2d((1, 2, 3, 4)),
    nn.ZeroPad3d((1, 2, 3, 4, 0, 1)),
    nn.ConstantPad2d((1, 2, 3, 4), 0),
    nn.ConstantPad2d(1, 3.5),
    nn.ZeroPad2d(-1),
    nn.ReflectionPad1d((1, 2)),
    nn.ReflectionPad2d((1, 2, 3, 4)),
    nn.ReflectionPad3d(1),
    nn.ReplicationPad1d(2),
    nn.ReplicationPad2d((1, 2, 3, 4)),
    nn.CircularPad1d(2),
    nn.CircularPad2d((1, 2, 3, 4)),
    nn.Upsample(scale_factor=2),
    nn.Upsample(scale_factor=(2, 3)),
    nn.Upsample(scale_factor=2.5),
    nn.Upsample(scale_factor=2, mode="bilinear"),
    nn.Upsample(scale_factor=2, mode="bicubic"),
    nn.Upsample(size=(7, 9)),
    nn.Upsample(size=(7, 9), mode="bilinear"),
    nn.UpsamplingNearest2d(scale_factor=2),
    nn.UpsamplingBilinear2d(scale_factor=2),
    nn.PixelShuffle(1),
    nn.PixelUnshuffle(2),
    nn.ChannelShuffle(3),
    nn.Flatten(),
    nn.Flatten(2),
    nn.Unflatten(1, (2, 3)),
    nn.Unflatten(1, torch.Size([2, 3])),
    nn.Fold((4, 5), 2),
    nn.Unfold(3),
    nn.Identity(1, 2, 3),
    nn.PReLU(),
    nn.PReLU(6),
    nn.Embedding(10, 4, padding_idx=1, max_norm=2.0, norm_type=1, scale_grad_by_freq=True),
    nn.Embedding(10, 4),
    nn.EmbeddingBag(10, 4, mode="sum"),
    nn.MultiheadAttention(8, 2),
    *(c(5, 7) for c in (nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell)),
    *(c(5, 7, 3, bias=False, bidirectional=True, dropout=0.5) for c in (nn.RNN, nn.LSTM, nn.GRU)),
    nn.LSTM(5, 7, 2, proj_size=3, bidirectional=True, batch_first=True),
    nn.RNN(5, 7, nonlinearity="relu"),
    nn.RNNCell(5, 7, bias=False, nonlinearity="relu"),
    nn.Dropout(0.3, inplace=True),
    *(nn.Dropout1d(), nn.Dropout2d(), nn.Dropout3d(), nn.AlphaDropout(), nn.FeatureAlphaDropout()),
    *(nn.ReLU(inplace=True), nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.1), nn.ELU(), nn.SELU()),
    *(nn.SiLU(), nn.GELU("tanh"), nn.Mish(), nn.Softplus(), nn.Tanh(), nn.Sigmoid()),
    *(nn.Hardsigmoid(), nn.Hardswish(), nn.Softmax(dim=1), nn.Softmax2d(), nn.Softmax()),
    *(nn.CELU(), nn.GLU(), nn.Hardshrink(), nn.Hardtanh(), nn.LogSigmoid(), nn.LogSoftmax(1)),
    *(nn.RReLU(), nn.Softmin(1), nn.Softshrink(), nn.Softsign(), nn.Tanhshrink()),
    *(nn.Threshold(0.1, 20), nn.CosineSimilarity(), nn.PairwiseDistance()),
    *(nn.CrossEntropyLoss(), nn.MSELoss(), nn.TripletMarginLoss(), nn.CTCLoss()),
]


def printed(module):
    return read(str(module).encode(), "model.txt")


def one(modules):
    return pytest.mark.parametrize("module", modules, ids=lambda module: str(module)[:60])


@one(MODULES)
def test_params(module):
    found = printed(module)
    own = found.modules[0]
    if isinstance(module, nn.MultiheadAttention):
        hidden = module.in_proj_weight.numel() + module.in_proj_bias.numel()
        assert own.params is None
        assert own.reason.endswith(f"by default {hidden:,} each")
        return
    assert found.status == "complete", own.reason
    assert found.params == sum(p.numel() for p in module.parameters())


def inputs_of(module):
    """Inputs, without batch, that a module may be meant for."""
    channels = getattr(module, "in_channels", getattr(module, "num_features", 6))
    if isinstance(module, nn.Linear):
        return [(7,)]
    if isinstance(module, nn.LayerNorm):
        return [tuple(module.normalized_shape)]
    sides = [(), (11,), (11, 12), (7, 8, 9)]
    name = type(module).__name__
    if name == "PixelShuffle":  # which takes three axes for a batch less
        return [(channels, 11, 12)]
    if name[-2:] in ("1d", "2d", "3d") and "Dropout" not in name and name != "Softmax2d":
        return [(channels, *sides[int(name[-2])])]
    return [(channels, *side) for side in sides[1:3]]


@one(MODULES)
def test_shapes(module):
    """What comes out of a chain of one has the shape that PyTorch gives it."""
    chain = printed(module).chain
    if chain is None:
        assert printed(module).reason
        return
    module.eval()
    for shape in inputs_of(module):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                wanted = tuple(module(torch.zeros(2, *shape)).shape[1:])
        except (RuntimeError, ValueError, NotImplementedError):
            continue  # not for so many axes
        report = cost(printed(module), input=shape)
        assert report.output == wanted
        assert report.total.params == sum(p.numel() for p in module.parameters())


def test_what_becomes_a_layer():
    """Most of the modules above are costed, and not listed only."""
    refused = {type(m).__name__ for m in MODULES if printed(m).chain is None}
    assert refused == {
        *("Bilinear", "LayerNorm", "RMSNorm", "LocalResponseNorm", "CrossMapLRN2d", "LPPool2d"),
        *("FractionalMaxPool2d", "MaxUnpool2d", "AdaptiveAvgPool2d", "ConstantPad2d", "ZeroPad2d"),
        *("Upsample", "UpsamplingBilinear2d", "PixelUnshuffle", "Flatten", "Unflatten", "Fold"),
        *("Unfold", "Embedding", "EmbeddingBag", "MultiheadAttention", "RNN", "LSTM"),
        *("GRU", "RNNCell", "LSTMCell", "GRUCell", "GLU"),
        *("CosineSimilarity", "PairwiseDistance", "CrossEntropyLoss", "MSELoss"),
        *("TripletMarginLoss", "CTCLoss"),
    }


KEEPING = (
    *(nn.CELU(), nn.Hardshrink(), nn.Hardtanh(), nn.Hardtanh(0, 6), nn.LogSigmoid(), nn.RReLU()),
    *(nn.LogSoftmax(1), nn.Softmin(1), nn.Softmin(2), nn.Softshrink(), nn.Softsign()),
    *(nn.Tanhshrink(), nn.Threshold(0.1, 20)),
)


@one(KEEPING)
def test_what_keeps_the_shape_is_what_the_live_module_is(module):
    model = nn.Sequential(nn.Conv2d(3, 5, 3), module, nn.MaxPool2d(2))
    found = printed(model)
    assert str(found.network((3, 12, 9))) == str(from_torch(model, (3, 12, 9)))
    relu6 = isinstance(module, nn.Hardtanh) and module.min_val == 0
    assert found.modules[1].layer == ("relu6" if relu6 else "")
    if not relu6:
        with pytest.raises(UnsupportedError, match="and the shape of the input is not known"):
            found.network()


@one([nn.LazyConv2d(4, 3), nn.LazyLinear(5), nn.LazyBatchNorm2d(), nn.LazyInstanceNorm1d()])
def test_lazy_modules(module):
    found = printed(module)
    assert found.status == "partial"
    assert "lazy" in found.unknown[0].reason


def test_a_lazy_chain_is_known_with_its_input():
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(5))
    report = cost(printed(model), input=(3, 8, 8))
    model(torch.zeros(2, 3, 8, 8))  # which makes them what they are
    assert report.total.params == sum(p.numel() for p in model.parameters())


def test_every_class_of_torch_nn_is_known():
    classes = {
        name
        for name, value in vars(nn).items()
        if inspect.isclass(value) and issubclass(value, nn.Module) and name != "Module"
    }
    bases = {"Container", "RNNBase", "RNNCellBase"}
    # What it holds is printed beside its arguments: it is taken for somebody's own class.
    assert classes - KINDS - CONTAINERS - bases <= {"LinearCrossEntropyLoss"}


def test_transformers_hold_nothing_themselves():
    model = nn.Transformer(16, 2, 1, 1, 32, batch_first=True)
    found = printed(model)
    attention = [m for m in model.modules() if isinstance(m, nn.MultiheadAttention)]
    hidden = sum(a.in_proj_weight.numel() + a.in_proj_bias.numel() for a in attention)
    assert found.at_least.params + hidden == sum(p.numel() for p in model.parameters())
    assert not found.holders
    assert len(found.unknown) == len(attention)


def test_adaptive_softmax():
    model = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10], div_value=2)
    assert printed(model).params == sum(p.numel() for p in model.parameters())


def test_lists_of_parameters():
    model = nn.ModuleDict(
        {
            "list": nn.ParameterList(
                [nn.Parameter(torch.zeros(3, 4)), nn.Parameter(torch.ones(()))]
            ),
            "dict": nn.ParameterDict({"a": nn.Parameter(torch.zeros(5)), "b": torch.zeros(2)}),
        }
    )
    assert printed(model).params == sum(p.numel() for p in model.parameters())


def test_folded_lists():
    blocks = [nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(3)]
    model = nn.ModuleList([*blocks, nn.Linear(4, 1)])
    found = printed(model)
    assert "(0-2): 3 x" in str(model)
    assert found.params == sum(p.numel() for p in model.parameters())
    assert [(m.name, m.times) for m in found.modules] == [("0-2.0", 3), ("0-2.1", 3), ("3", 1)]


def test_a_shared_module_counts_where_it_stands():
    layer = nn.Linear(4, 4)
    model = nn.ModuleList([layer, layer])
    assert printed(model).params == 40
    assert sum(p.numel() for p in model.parameters()) == 20
    assert "whether modules share their weights" in printed(model).not_printed()[-1]


def test_a_parametrized_module_is_not_known():
    model = nn.Sequential(torch.nn.utils.parametrizations.weight_norm(nn.Linear(5, 5)))
    found = printed(model)
    assert found.status == "partial"
    assert found.chain is None


def test_a_traced_module_prints_its_code():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x):
            return self.fc(x)

    traced = torch.fx.symbolic_trace(Net())
    traced.print_readable(print_output=False)
    assert printed(str(traced)).params == 8


LAYERS = st.sampled_from(
    [
        lambda c: nn.Conv2d(c, c + 2, 3, padding=1),
        lambda c: nn.Conv2d(c, 2 * c, (1, 3), stride=(1, 2), padding=(0, 2), bias=False),
        lambda c: nn.Conv2d(c, 3 * c, 3, padding="same", dilation=(2, 1), groups=c),
        lambda c: nn.Conv2d(c, 4, 3, padding=(2, 1), padding_mode="circular"),
        lambda c: nn.Conv2d(c, 4, 2, padding=1, padding_mode="reflect"),
        lambda c: nn.ConvTranspose2d(c, 3, 3, stride=2, padding=1, output_padding=1),
        lambda c: nn.ConvTranspose2d(c, 2 * c, (2, 3), dilation=(3, 1), groups=c),
        lambda c: nn.MaxPool2d(3, 2, 1, ceil_mode=True),
        lambda c: nn.MaxPool2d((2, 1), (1, 2)),
        lambda c: nn.AvgPool2d(2, 1),
        lambda c: nn.BatchNorm2d(c),
        lambda c: nn.InstanceNorm2d(c, affine=True),
        lambda c: nn.GroupNorm(c, c),
        lambda c: nn.ReLU(inplace=True),
        lambda c: nn.Upsample(scale_factor=(1, 2)),
        lambda c: nn.ZeroPad2d((1, 0, 2, 1)),
        lambda c: nn.ReplicationPad2d(1),
        lambda c: nn.ChannelShuffle(c),
        lambda c: nn.Sequential(nn.Identity(), nn.Conv2d(c, 5, 1), nn.GELU()),
    ]
)


@given(makers=st.lists(LAYERS, max_size=6), ends=st.booleans())
@settings(max_examples=25)
def test_chains_as_pytorch_counts_them(makers, ends):
    """Shapes, params and MACs of a chain; the MACs from PyTorch's own counter of operations."""
    from torch.utils.flop_counter import FlopCounterMode

    value = torch.zeros(1, 3, 9, 8, device="meta")
    modules = []
    for make in makers:
        modules.append(make(value.shape[1]).to("meta").eval())
        value = modules[-1](value)
    if ends:
        sides = value.shape[1] * 6
        modules += [nn.AdaptiveAvgPool2d((2, 3)), nn.Flatten(), nn.Linear(sides, 5, device="meta")]
    model = nn.Sequential(*modules)
    with FlopCounterMode(display=False) as counter:
        wanted = model(torch.zeros(1, 3, 9, 8, device="meta"))
    report = cost(printed(model), input=(3, 9, 8))
    assert report.output == tuple(wanted.shape[1:])
    assert report.total.params == sum(p.numel() for p in model.parameters())
    assert report.total.macs == counter.get_total_flops() // 2


@pytest.mark.parametrize("argument", ["gain=2", "dim=2"])
def test_an_argument_that_is_not_known_is_not_its_default(argument):
    kind = "Softmax" if argument == "dim=2" else "ReLU"
    model = f"Sequential(\n  (0): {kind}({argument})\n)"
    with pytest.raises(ca.ConvalgebraError, match="is no layer of the language"):
        ca.cost(model, input="3x8x8")
    assert len(ca.inventory(model).unknown) == (kind == "ReLU")


def test_a_softmax_over_the_last_side_is_none_over_channels():
    rows = "Sequential(\n  (0): Softmax(dim=-1)\n)"
    assert str(ca.cost(rows, input="5").network) == "input 5; softmax"
    with pytest.raises(ca.ConvalgebraError, match="Softmax works on the last axis"):
        ca.cost(rows, input="3x8x8")
