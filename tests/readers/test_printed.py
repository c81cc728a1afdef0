"""Print-outs of models: their params, when they are a chain, and what is refused."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import convalgebra as ca
from convalgebra.cli import main
from convalgebra.errors import FormatError, ShapeError, UnsupportedError
from convalgebra.inventory import Inventory
from convalgebra.language import parse
from convalgebra.readers import read_model
from convalgebra.readers.printed import read
from convalgebra.render.forms import inventory_in

DATA = Path(__file__).parent.parent / "data" / "printed"  # as torchvision 0.29 prints its models
with open(DATA / "params.csv", encoding="utf-8") as file:
    ROWS = {row["file"]: row for row in csv.DictReader(file)}


def printed(text):
    return read(text.encode(), "m.txt")


def sequential(*modules):
    lines = "".join(f"  ({number}): {module}\n" for number, module in enumerate(modules))
    return f"Sequential(\n{lines})"


@pytest.mark.parametrize("name", ROWS)
def test_real_models(name):
    """`sum(p.numel())`, less what no module prints: that is named."""
    found = ca.inventory(DATA / f"{name}.txt")
    hidden = int(ROWS[name]["not_printed"])
    assert found.at_least.params == int(ROWS[name]["parameters"]) - hidden
    assert not hidden or found.holders
    assert max(map(len, str(found).splitlines())) <= 80


def test_what_holds_the_rest_is_named():
    vit = ca.inventory(DATA / "vit_b_32.txt")
    assert {"VisionTransformer", "Encoder"} <= set(vit.holders)
    assert {module.kind for module in vit.unknown} == {"MultiheadAttention"}
    assert vit.unknown[0].reason.endswith("by default 1,771,776 each")
    convnext = ca.inventory(DATA / "convnext_tiny.txt")
    assert {module.kind for module in convnext.unknown} >= {"LayerNorm2d", "StochasticDepth"}
    assert "CNBlock" in convnext.holders
    assert convnext.status == "partial"


@pytest.mark.parametrize(
    ("name", "macs", "outputs"),
    # Of vgg16 in networks.csv: without its three dense layers, which make no convolution outputs.
    [
        ("vgg16_features", 15470264320 - 25088 * 4096 - 4096 * 4096 - 4096 * 1000, 13547520),
        ("vgg11_bn_features", 7485456384, 7426048),
    ],
)
def test_a_chain_is_costed(name, macs, outputs):
    report = ca.cost(DATA / f"{name}.txt", input="3x224x224")
    assert report.total.macs == macs
    assert report.total.conv_outputs == outputs
    assert report.total.params == int(ROWS[name]["parameters"])


# One module each, counted by hand.
PARAMS = {
    "Conv2d(3, 8, kernel_size=(3, 5), stride=(1, 1))": 3 * 8 * 15 + 8,
    "Conv2d(4, 8, kernel_size=(3, 3), stride=(1, 1), groups=2, bias=False)": 2 * 8 * 9,
    "ConvTranspose2d(4, 8, kernel_size=(2, 2), stride=(2, 2), groups=2)": 4 * 4 * 4 + 8,
    "Linear(in_features=4, out_features=3, bias=True)": 15,
    "Linear(in_features=4, out_features=3, bias=False)": 12,
    "BatchNorm2d(8, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)": 16,
    "BatchNorm2d(8, eps=1e-05, momentum=0.1, affine=True, bias=False, track_running_stats=True)": 8,
    "BatchNorm2d(8, eps=1e-05, momentum=None, affine=False, track_running_stats=False)": 0,
    "LayerNorm((8,), eps=1e-05, elementwise_affine=True)": 16,
    "LayerNorm((8, 3), eps=1e-05, elementwise_affine=True, bias=False)": 24,
    "LayerNorm((8,), eps=1e-05, elementwise_affine=False)": 0,
    "GroupNorm(4, 8, eps=1e-05, affine=True)": 16,
    "RMSNorm((8,), eps=None, elementwise_affine=True)": 8,
    "PReLU(num_parameters=1)": 1,
    "Embedding(10, 4, padding_idx=0)": 40,
    "LSTM(5, 7)": 4 * 7 * (5 + 7 + 2),
    "GRU(5, 7, num_layers=2, bias=False)": 3 * 7 * (5 + 7) + 3 * 7 * (7 + 7),
    "RNN(5, 7, bidirectional=True)": 2 * 7 * (5 + 7 + 2),
    "Bilinear(in1_features=3, in2_features=4, out_features=5, bias=True)": 65,
    "CrossEntropyLoss()": 0,
}


@pytest.mark.parametrize("module", PARAMS)
def test_params_of_one_module(module):
    assert printed(module).params == PARAMS[module]
    assert printed(module).status == "complete"


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("StochasticDepth(p=0.1, mode=row)", "it is no class of torch.nn"),
        ("Permute()", "it is no class of torch.nn"),
        ("QuantizedLinear(in_features=4, out_features=3, scale=1.0)", "it is no class of torch.nn"),
        ("RecursiveScriptModule(original_name=Conv2d)", "it is no class of torch.nn"),
        ("e3nn.Linear(8x0e -> 8x0e | 64 weights)", "it is no class of torch.nn"),
        ("LayerNorm()", "it prints no arguments, and the class of torch.nn of that name does"),
        (
            "Linear(in_features=4, out_features=3, bias=True, rank=2, alpha=3)",
            "rank=2 is not printed by torch.nn.Linear",
        ),
        ("LazyLinear(in_features=0, out_features=3, bias=True)", "it is lazy"),
        ("MultiheadAttention()", "kdim, vdim and add_bias_kv are not printed"),
        (
            "LayerNorm((" + "9" * 18 + ", 9999999), eps=1e-05, elementwise_affine=True)",
            "it would have",
        ),
    ],
)
def test_what_is_not_known_is_never_zero(module, reason):
    found = printed(module)
    assert found.status == "partial"
    assert found.modules[0].params is None
    assert found.modules[0].reason.startswith(reason)
    assert "at least 0 in the modules" in str(found)


# Each with what is marked by the caret.
BROKEN = {
    "Conv2d(3, x, kernel_size=3)": ("expected a whole number from 1, found `x`", "x"),
    "Conv2d(3, 64, kernel_size=(7, 7, stride=2))": ("expected `)` before `stride=`", "stride="),
    "Conv2d(3, 8, kernel_size=3)": (
        "expected `stride=..`, which torch.nn.Conv2d always prints",
        "3, 8, kernel_size=3",
    ),
    "Conv2d(3, 8, kernel_size=(3, 3, 3), stride=(1, 1))": (
        "expected a number, or 2 in parentheses, found `(3, 3, 3)`",
        "(3, 3, 3)",
    ),
    "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), groups=2)": (
        "torch.nn.Conv2d makes no 8 channels of 3 in 2 groups",
        "3, 8, kernel_size=(3, 3), stride=(1, 1), groups=2",
    ),
    "Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), padding=same)": (
        "expected padding in numbers, found `same`",
        "same",
    ),
    "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), output_padding=(1, 1))": (
        "expected no output padding, found `(1, 1)`",
        "(1, 1)",
    ),
    "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding_mode=full)": (
        "expected one of circular, reflect, replicate, found `full`",
        "full",
    ),
    "Linear(8x0e -> 8x0e | 64 weights)": (
        "expected a number (of 18 digits at most), a word or values in parentheses, found `8x0e`",
        "8x0e",
    ),
    "Linear(in_features=4, out_features=3, bias=1)": ("expected True or False, found `1`", "1"),
    "LSTM(5, 7, num_layers=0)": ("expected a whole number from 1, found `0`", "0"),
    "GroupNorm(2, 1, eps=1e-05, affine=True)": (
        "torch.nn.GroupNorm makes no 2 groups of 1 channel",
        "2, 1, eps=1e-05, affine=True",
    ),
    "LayerNorm(8, eps=1e-05)": (
        "expected a shape in parentheses, like (64,), found `8`",
        "8",
    ),
    "ZeroPad2d((1, 2, 3))": (
        "expected 4 whole numbers in parentheses, found `(1, 2, 3)`",
        "(1, 2, 3)",
    ),
    "Linear(4, in_features=4, out_features=3, bias=True)": (
        "expected nothing more without a name, found `4`",
        "4",
    ),
    "Sequential(2 x ReLU())": (
        "expected nothing in Sequential but modules after names, like `(0): ReLU()`",
        "2 x ReLU()",
    ),
}


@pytest.mark.parametrize("module", BROKEN)
def test_a_line_that_pytorch_cannot_have_printed(module):
    message, marked = BROKEN[module]
    with pytest.raises(FormatError) as caught:
        printed(f"Net(\n  (a): ReLU()\n  (b): {module}\n)")
    assert caught.value.message == message
    kind = module.partition("(")[0]
    assert caught.value.hint == (
        f"if this {kind} is no class of torch.nn, write whose it is before its name: "
        f"`library.{kind}(`"
    )
    start, stop = caught.value.span
    assert caught.value.source.text[start:stop] == marked
    assert max(map(len, str(caught.value).splitlines()[1:3])) <= 80


def test_a_class_of_ones_own_may_have_a_name_of_torch_nn():
    found = printed("Upsample(\n  mode, x=(1, y=2)\n  (conv): ReLU()\n)")
    assert found.holders == ("Upsample",)


# A chain is what the language writes.
CHAINS = {
    "Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)": "3x3s2p1@8",
    "Conv2d(3, 8, kernel_size=(3, 1), stride=(1, 1), padding=same, dilation=(2, 2))": (
        "3x1psamed2@8b"
    ),
    "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=valid)": "3x3@8b",
    "Conv2d(3, 6, kernel_size=(3, 3), stride=(1, 1), groups=3)": "dw3x3@6b",
    "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 2), padding_mode=circular)": (
        "circular1x2, 3x3@8b"
    ),
    "Conv2d(3, 8, kernel_size=(4, 4), stride=(1, 1), padding=same, padding_mode=reflect)": (
        "reflect1:2, 4x4@8b"
    ),
    "ConvTranspose2d(3, 8, kernel_size=(3, 3), stride=(2, 2), output_padding=(1, 1))": (
        "convt3x3s2o1@8b"
    ),
    "MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=True)": "max3x3s2p1ceil",
    "AvgPool2d(kernel_size=2, stride=2, padding=0)": "avg2x2s2",
    "AdaptiveAvgPool2d(output_size=(1, 1))": "gap",
    "AdaptiveAvgPool2d(output_size=7)": "gap7x7",
    "Upsample(scale_factor=2.0, mode=nearest)": "up2",
    "Upsample(size=(7, 9), mode='nearest')": "resize7x9",
    "ZeroPad2d((1, 2, 3, 4))": "pad3:4x1:2",
    "ReflectionPad2d((1, 1, 1, 1))": "reflect1",
    "ConstantPad2d(padding=(1, 1, 1, 1), value=0)": "pad1",
    "ChannelShuffle(groups=3)": "shuffle3",
    "GroupNorm(3, 3, eps=1e-05, affine=True)": "gn3",
    "InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=False)": "in",
    "Softmax(dim=1)": "softmax",
    "LeakyReLU(negative_slope=0.2, inplace=True)": "leakyrelu",
    "Identity()": "id",
    "Dropout2d(p=0.5, inplace=False)": "dropout",
    "LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=2.0)": "lrn",
}


@pytest.mark.parametrize("module", CHAINS)
def test_layers_of_a_chain(module):
    network = ca.parse(sequential(module), input="3x16x16")
    assert network == parse(f"input 3x16x16; {CHAINS[module]}")


def test_a_chain_nested_and_wrapped():
    text = """\
DataParallel(
  (module): Sequential(
    (stem): Sequential(
      (0): Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1))
      (1): ReLU()
    )
    (flat): Flatten(start_dim=1, end_dim=-1)
    (head): Linear(in_features=16, out_features=2, bias=True)
  )
)"""
    network = ca.parse(text, "3x4x4")
    assert network == parse("input 3x4x4; 3x3@4b, relu, flatten, fc@2b")
    assert [node.block for node in network.nodes[1:3]] == [("module", "stem")] * 2


REFUSED = {
    "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=False)": (
        "BatchNorm2d (0) is no layer of the language: norms have two weights a channel there, or "
        "none (bias=False)"
    ),
    "DropPath(drop_prob=0.100)": "no layer of the language: it is no class of torch.nn",
    "Flatten(start_dim=2, end_dim=-1)": "Flatten (0) is no layer of the language",
    "Upsample(scale_factor=inf, mode='nearest')": "Upsample (0) is no layer of the language",
    "Linear(in_features=3, out_features=0, bias=True)": "it has no outputs",
    "Upsample(scale_factor=2.5, mode='nearest')": "Upsample (0) is no layer of the language",
    "UpsamplingBilinear2d(scale_factor=2.0, mode='bilinear')": "`bilinear2` is with align_corners",
    "ZeroPad2d((-1, 1, 1, 1))": "what takes away is `crop` there",
    "Upsample(scale_factor=(), mode='nearest')": "Upsample (0) is no layer of the language",
    "Upsample(scale_factor=(2, 2, 2), mode='bilinear')": "Upsample (0) is no layer of the language",
    "AdaptiveAvgPool2d(output_size=(None, 7))": "a side that is kept (None) has no word",
    "Block(\n    (0): ReLU()\n  )": "stands in the forward of Block, which is not printed",
    "ModuleList(\n    (0): ReLU()\n  )": (
        "in the order in which they were registered; a ModuleList runs none of them, and what does "
        "is not printed"
    ),
}


@pytest.mark.parametrize("module", REFUSED)
def test_an_order_or_a_layer_that_is_not_known(module):
    text = sequential(module)
    found = ca.inventory(text)
    assert found.chain is None
    assert REFUSED[module] in found.reason
    with pytest.raises(UnsupportedError) as caught:
        ca.cost(text, input="3x16x16")
    assert found.reason in str(caught.value)
    assert "ca.from_torch" in str(caught.value)
    assert "ca.inventory" in str(caught.value)


FOLDED = """\
Sequential(
  (0): ReLU()
  (1-3): 3 x Sequential(
    (0): Conv2d(3, 3, kernel_size=(3, 3), stride=(1, 1))
    (1-2): 2 x Sequential(
      (0): Tanh()
    )
  )
  (4): ReLU()
)"""


def test_what_is_folded_in_a_sequential_runs_every_time():
    report = ca.cost(FOLDED, input="3x16x16")
    assert report.network == parse("input 3x16x16; relu, 3*(3x3@3b, 2*tanh), relu")
    assert report.total.params == ca.inventory(FOLDED).params == 3 * (9 * 9 + 3)
    assert report.assumptions == ("modules that print alike do not share their weights",)
    assert report.layers[1].block == ("1-3",)


def test_what_is_folded_may_have_one_number():
    text = "Sequential(\n  (0): 2 x Sequential(\n    (0): ReLU()\n    (1): Tanh()\n  )\n)"
    assert ca.parse(text) == parse("2*(relu, tanh)")


def test_what_is_folded_in_a_list_has_no_order():
    found = ca.inventory(FOLDED.replace("Sequential(", "ModuleList(", 1))
    assert found.params == 3 * (9 * 9 + 3)
    assert found.reason.endswith("a ModuleList runs none of them, and what does is not printed")


def test_the_inside_of_a_sequential():
    whole = sequential(CONV, "ReLU()")
    inside = "\n".join(whole.splitlines()[1:-1])
    taken = "the lines stand in an nn.Sequential, which runs them in their order"
    assert ca.cost(inside, input="3x8x8").network == ca.cost(whole, input="3x8x8").network
    assert ca.cost(inside, input="3x8x8").assumptions == ca.inventory(inside).assumed == (taken,)
    assert taken in " ".join(str(ca.cost(inside, input="3x8x8")).split())
    other = ca.inventory("(0): Own()\n(1): ReLU()")
    assert other.reason.startswith("Own (0) is no layer")
    assert other.assumed == (taken,)
    folded = ca.inventory("(0-1): 2 x ReLU()\n(2): Tanh()")
    assert (folded.model, folded.assumed) == (
        "ModuleList",
        ("the lines stand in an nn.ModuleList",),
    )


def test_a_class_with_modules_keeps_its_order_for_itself():
    found = ca.inventory("Net(\n  (a): Sequential(\n    (0): ReLU()\n  )\n)")
    assert found.reason == (
        "print(model) lists modules in the order in which they were registered; what runs when "
        "stands in the forward of Net, which is not printed"
    )
    assert found.holders == ("Net",)
    assert found.params == 0


CONV = "Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1))"


@pytest.mark.parametrize(
    ("modules", "shape", "message"),
    [
        ([CONV], "1x8x8", "Conv2d takes 3 channels, and 1 comes in"),
        ([CONV], "CxHxW", "Conv2d takes 3 channels, and C come in"),
        ([CONV], "3x8", "Conv2d takes channels and 2 axes, not 3x8"),
        ([CONV, CONV], "3x8x8", "Conv2d takes 3 channels, and 4 come in"),
        ([CONV], "3x2x2", "a window over 3 does not fit on an input of 2"),
        (["Linear(in_features=8, out_features=2, bias=True)"], "3x8", "Linear works on the last"),
        (
            [
                "Flatten(start_dim=1, end_dim=-1)",
                "Linear(in_features=8, out_features=2, bias=True)",
            ],
            "3x3",
            "Linear takes 8 features, and 9 come in",
        ),
        (
            ["Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1))"],
            "3x8x8",
            "takes 1 channel, and 3 come",
        ),
        (
            ["AvgPool1d(kernel_size=2, stride=2, padding=0)"],
            "3x8x8",
            "channels and 1 axis, not 3x8",
        ),
        (["BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True)"], "3x8x8", "0 or 1 axis, not"),
        (["LayerNorm((8,), eps=1e-05, elementwise_affine=True)"], "3x8", "LayerNorm works on the"),
    ],
)
def test_an_input_that_does_not_fit(modules, shape, message):
    with pytest.raises(ShapeError) as caught:
        ca.cost(sequential(*modules), input=shape)
    assert message in str(caught.value)
    assert f":{len(modules) + 1}:3" in str(caught.value)  # where it is printed


def test_what_is_not_printed_is_assumed_and_said():
    pool = "AvgPool2d(kernel_size=2, stride=2, padding=0)"
    assert ca.cost(sequential(pool), input="3x8x8").assumptions == ()
    assert ca.cost(sequential(pool), input="3x9x8").assumptions == ("ceil_mode=False in AvgPool2d",)
    bilinear = "Upsample(scale_factor=2.0, mode=bilinear)"
    assumed = ca.cost(sequential(bilinear), input="3x9x8").assumptions
    assert assumed == ("align_corners=False in Upsample",)
    norm = "LayerNorm((8,), eps=1e-05, elementwise_affine=True)"
    assumed = ca.inventory(sequential(norm)).assumed
    assert assumed == ca.cost(sequential(norm), input=(8,)).assumptions != ()
    assert ca.inventory(sequential(norm[:-1] + ", bias=True)")).assumed == ()
    twice = ca.cost(
        sequential(*["Linear(in_features=4, out_features=4, bias=True)"] * 2), input=(4,)
    )
    assert twice.assumptions == ("modules that print alike do not share their weights",)


def test_without_an_input_a_chain_is_an_inventory():
    found = ca.inventory(sequential(CONV))
    assert isinstance(found, Inventory)
    assert found.refusal == "the shape of the input is not known"
    with pytest.raises(ShapeError, match="the input shape is not known"):
        ca.cost(sequential(CONV))


def test_long_names_fit_on_80_columns():
    name = "a_" * 40
    for kind in ("ReLU", "B" * 90):
        found = ca.inventory(f"Net(\n  ({name}): {kind}(x=1)\n)")
        assert max(map(len, str(found).splitlines()[:6])) <= 80


def test_nothing_that_a_terminal_obeys_is_shown():
    text = "N\x1b[2J(\n  (\x1b[31ma): Foo[\x1b](x='\x1b')\n  (b): ReLU6(y='\x1b')\n)"
    found = read_model(text.replace("N\x1b[2J", "N"), "print")
    for form in ("text", "csv", "md", "html", "latex"):
        assert "\x1b" not in inventory_in(form, found, 80)


def test_a_network_has_no_inventory():
    with pytest.raises(ca.ConvalgebraError, match="this is a network"):
        ca.inventory("3x3@4")


def test_an_empty_chain():
    model = read_model("Sequential()", "print")
    assert ca.inventory(model).params == 0
    assert ca.cost(model, input="3x4x4").output == (3, 4, 4)


def test_the_inventory_as_a_value():
    text = """\
Net(
  (a): ModuleList(
    (0-2): 3 x Linear(in_features=4, out_features=4, bias=True)
  )
  (b): Own(x=1)
)"""
    found = ca.inventory(text)
    assert found == ca.inventory(text)
    assert list(found.by_class()) == ["Linear", "Own"]
    told = found.to_dict()
    assert told["schema"] == "convalgebra.inventory/1"
    assert found.params is None
    assert found.at_least.params == 60
    bound = {"at_least": {"params": 60}}
    assert told["total"] == {"modules": 4, "params": None, "unknown": 1, "macs": None, **bound}
    nothing = {"at_least": {"params": 0}}
    assert told["by_class"]["Own"] == {"modules": 1, "params": None, "unknown": 1, **nothing}
    assert told["by_class"]["Linear"] == {"modules": 3, "params": 60, "unknown": 0}
    assert told["modules"][0] == {
        "name": "a.0-2",
        "class": "Linear",
        "layer": "linear@4b",
        "params": 20,
        "times": 3,
    }
    assert told["unknown"] == ["b"]
    assert told["status"] == "partial"
    assert told["receptive_field"] is None
    html = found._repr_html_()
    assert html.count("<div") == html.count("</div>") == 1


def test_params_of_which_none_are_known_are_not_zero():
    found = ca.inventory("Net(\n  (b): Own(x=1)\n)")
    assert (found.params, found.status) == (None, "partial")
    assert found.to_dict()["total"]["params"] is None
    assert "params      at least 0 in the modules" in str(found)


LENET = (DATA / "lenet.txt").read_text(encoding="utf-8")
PIECES = ["(", ")", "\n", "  ", "=", ",", "0", "-1", "None", "same", "(0): ", "3 x ", "...", "inf"]


@given(
    st.lists(
        st.tuples(st.integers(0, len(LENET)), st.integers(0, 30), st.sampled_from(PIECES)),
        min_size=1,
        max_size=4,
    )
)
def test_a_paste_that_went_wrong_is_read_or_refused(edits):
    text = LENET
    for at, cut, piece in edits:
        text = text[:at] + piece + text[at + cut :]
    try:
        found = read_model(text, "print")
        for form in ("text", "json", "csv", "md", "html", "latex"):
            assert inventory_in(form, found, 80)
        ca.cost(found, input="1x28x28")
    except ca.ConvalgebraError as error:
        assert str(error)  # noqa: PT017  (either will do)


def test_the_command_line():
    def run(*arguments):
        return CliRunner().invoke(main, ["cost", *arguments], input=LENET)

    assert "the modules of Sequential" in run("-").stdout
    assert "the modules of Sequential" in run("--layers", "-", "--from", "print").stdout
    assert "416,520" in run("-", "--input", "1x28x28").stdout
    for arguments, said in [
        (["-", "--from", "text"], "is not defined"),
        (["-", "--from", "yaml"], "no reader is called `yaml`; there are json, print, onnx, text"),
        (["-", "--input", "3xx"], "expected a size after `x`"),
        (["-", "--at", "C=3"], "there is no named size `C`"),
        ([str(DATA / "resnet18.txt"), "zoo:resnet18"], "ResNet is read as an inventory"),
    ]:
        result = run(*arguments)
        assert result.exit_code == 2
        assert said in result.stderr
