"""What other counters report for networks and layers, from our counts under their rules."""

import csv
from pathlib import Path

import pytest

from convalgebra.cost import conventions, cost
from convalgebra.cost.conventions import CONVENTIONS, FUNCTIONS, TRIED, account_of
from convalgebra.errors import Defect, InputError
from convalgebra.layers import KINDS
from convalgebra.readers import read
from convalgebra.sizes import at

DATA = Path(__file__).parents[1] / "data"


def rows(name):
    with open(DATA / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


PUBLISHED = {row["tool"]: row for row in rows("conventions.csv")}
RECORDED = rows("counters.csv")  # by record_counters.py
NAMES = {
    "torch.utils.flop_counter / 2": "torchvision",
    "fvcore": "fvcore",
    "thop 0.1.1": "thop",
    "torchinfo 1.8.0": "torchinfo",
    "ptflops 0.7.5 (pytorch backend)": "ptflops",
}


def figure(text, convention, shape=None):
    return account_of(read(text, shape), convention).total


@pytest.mark.parametrize("network", ["resnet50", "vgg16", "densenet121"])
@pytest.mark.parametrize("tool", NAMES)
def test_published_counts(tool, network):
    assert NAMES.keys() == PUBLISHED.keys()
    assert figure(f"zoo:{network}", NAMES[tool]) == int(PUBLISHED[tool][network])


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: f"{row['network']} {row['input']}")
def test_counts_of_the_tools_themselves(row):
    network = read(row["network"], row["input"])
    for tool in NAMES.values():
        assert account_of(network, tool).total == int(row[tool]), tool


def test_every_kind_that_is_tried_exists_and_was_tried():
    assert KINDS.keys() >= TRIED
    recorded = {node.layer.kind for row in RECORDED for node in read(row["network"]).nodes}
    # Borders other than these two, and branches that do not run, are no operations to the tools.
    assert TRIED - recorded == {"crop", "replicate", "circular", "unused"} - recorded
    assert all(rule.kinds <= TRIED for table in CONVENTIONS.values() for rule in table.rules)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("network", ["resnet18", "googlenet", "unet", "efficientnet_b0"])
def test_lines_lead_from_our_figure_to_theirs(network, convention):
    report = cost(f"zoo:{network}", convention=convention, batch=3)
    account, one = report.convention, cost(f"zoo:{network}").total
    assert account.ours == (one.flops if account.unit == "FLOPs" else one.macs)
    assert account.total == sum(line.theirs for line in account.lines)
    assert account.total - account.ours == sum(line.difference for line in account.lines)
    assert account.total == sum(account.layers)
    assert len(account.layers) == len(report.layers)


def test_a_kind_that_nobody_tried_leaves_the_figure_open(monkeypatch):
    monkeypatch.setattr(conventions, "TRIED", TRIED - {"mish"})
    account = account_of(read("3x3@8, mish", "4x9x9"), "fvcore")
    assert account.total is None
    assert account.notes == ("what it counts for `mish` is not known",)
    assert account.to_dict()["total"] is None


def test_our_figure_is_open_where_macs_are_not_known():
    report = cost("3x3@8, opaque(odd, 8x7x7, 0, ?)", input="4x9x9", convention="fvcore")
    account = report.convention
    assert (account.total, account.ours, account.layers) == (None, None, (14112, None))
    # 9 x 4 x 8 weights at 7 x 7 places, and what is not known.
    assert [(line.theirs, line.ours) for line in account.lines] == [(14112, 14112), (0, None)]
    assert account.to_dict()["ours"] is None
    assert "not known" in str(report)


def test_what_a_module_calls():
    torch = pytest.importorskip("torch")
    nn, functional = torch.nn, torch.nn.functional

    class Squeeze(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 2, bias=False), nn.Linear(2, 8, bias=False)

        def forward(self, x):
            y = functional.relu(self.a(x.mean((2, 3))))
            return x * torch.sigmoid(self.b(y))[:, :, None, None]

    def account(module, shape, tool):
        return cost(module, input=shape, convention=tool).convention

    # fvcore prints 8 x 2 + 2 x 8: a mean is no adaptive average to it.
    squeeze = account(Squeeze(), (8, 16, 16), "fvcore")
    assert (squeeze.total, squeeze.ours) == (32, 32)
    assert squeeze.notes == ("counted as the model is written, which calls 1 gap as a mean",)
    modules = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    assert account(modules, (8, 4, 4), "fvcore").total == 64 * 16 + 8 * 16
    assert account(modules, (8, 4, 4), "ptflops").notes == ()  # nothing is taken to be a module
    for word in ("same", "valid"):
        by_word = account(nn.Conv2d(3, 8, 3, padding=word), (3, 32, 32), "fvcore")
        assert (by_word.total, by_word.layers) == (0, (0,))
        assert by_word.notes[0].startswith("1 convolution with a word for the padding")
    assert account(nn.Conv2d(3, 8, 3, padding="same"), (3, 32, 32), "thop").total == 221184

    class Held(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.ones(4, 3, 1, 1))

        def forward(self, x):
            return functional.conv2d(x, self.w, padding="same")

    assert account(Held(), (3, 5, 5), "fvcore").total == 0
    for tool in ("thop", "torchinfo", "ptflops"):  # they watch modules: who knows
        assert account(Held(), (3, 5, 5), tool).total is None
    assert account(Held(), (3, 5, 5), "torchvision").total == 12 * 25


def test_terms_that_are_not_the_sum_of_the_layers_are_no_answer(monkeypatch):
    network = read("3x3@8, bn", "4x9x9")
    monkeypatch.setattr(conventions, "total", lambda amounts: sum(amounts) + 1)
    with pytest.raises(Defect, match="the terms of fvcore are not the sum of its layers"):
        account_of(network, "fvcore")


def test_padding_same_in_a_text():
    account = account_of(read("3x3psame@8", "3x32x32"), "fvcore")
    assert (account.total, account.ours) == (0, 221184)
    account = account_of(read("3x3s2psame@8", "3x32x32"), "fvcore")
    assert account.total is None
    assert account.notes[0] == (
        "what it counts for `psame` with a stride (no module of PyTorch has it) is not known"
    )


def test_functions_are_named_for_networks_that_are_there():
    for name, calls in FUNCTIONS.items():
        kinds = {node.layer.kind for node in read(f"zoo:{name}").nodes}
        assert all(called <= kinds for called, _, _ in calls)


def test_the_same_network_under_other_names_calls_the_same_functions():
    text = str(read("zoo:densenet121"))  # canonical text, without names
    assert "block4" not in text
    assert figure(text, "thop") == figure("zoo:densenet121", "thop")
    # At another size, too.
    assert account_of(read("zoo:densenet121", "3x64x64"), "thop").notes


def test_what_is_a_module_is_said():
    (note,) = account_of(read("zoo:densenet121"), "ptflops").notes
    assert note == (
        "counted as torchvision's densenet121 is written, "
        "which calls 1 relu as a function, 1 gap as a function"
    )
    assert account_of(read("zoo:densenet121"), "fvcore").notes == ()
    (note,) = account_of(read("3x3, relu", "1x9x9"), "ptflops").notes
    assert note == "every relu is taken to be a module, not a function call"


def test_named_sizes():
    account = account_of(read("3x3p1@Cb, bn, relu", "CxHxW"), "fvcore")
    numbers = {"C": 8, "H": 9, "W": 7}
    assert at(account.total, numbers) == figure("3x3p1@8b, bn, relu", "fvcore", "8x9x7")


def test_shared_weights_and_unused_heads():
    # Each use is counted, and a head that does not run is not.
    assert figure("shared f = 3x3p1b; f, f", "torchinfo", "4x5x5") == 2 * 25 * 148
    assert figure("3x3p1, unused(gap, fc@10b)", "torchinfo", "4x5x5") == 25 * 144


def test_an_unknown_convention():
    with pytest.raises(InputError, match=r"no convention `flops`; there are torchvision, fvcore,"):
        cost("3x3", input="1x9x9", convention="flops")


def test_every_form_has_the_account():
    from convalgebra.render.forms import cost_in

    report = cost("zoo:mobilenet_v2", convention="thop")
    for form in ("text", "json", "md", "latex", "html", "csv"):
        shown = cost_in(form, report, 80)
        assert "thop" in shown
        total = "327486720" if form in ("json", "csv") else "327,486,720"
        assert (total in shown) == (form != "csv")  # which has the layers alone
    assert max(map(len, cost_in("text", report, 80).splitlines())) <= 80


# Endpoints of slim's networks, GFLOPs to the printed digits. The convolutions of its MobileNet
# have biases, which is what its batch norms leave; those of the ResNet have none.
SLIM = {
    "vgg_a": (
        "3x3p1@64b, relu | max2x2s2 | 3x3p1@128b, relu | max2x2s2 | 3x3p1@256b, relu |"
        "3x3p1@256b, relu | max2x2s2 | 3x3p1@512b, relu | 3x3p1@512b, relu | max2x2s2 |"
        "3x3p1@512b, relu | 3x3p1@512b, relu | max2x2s2"
    ),
    "vgg_16": (
        "3x3p1@64b, relu | 3x3p1@64b, relu, max2x2s2 | 3x3p1@128b, relu |"
        "3x3p1@128b, relu, max2x2s2 | 3x3p1@256b, relu | 3x3p1@256b, relu |"
        "3x3p1@256b, relu, max2x2s2 | 3x3p1@512b, relu | 3x3p1@512b, relu |"
        "3x3p1@512b, relu, max2x2s2 | 3x3p1@512b, relu | 3x3p1@512b, relu |"
        "3x3p1@512b, relu, max2x2s2"
    ),
    "alexnet_v2": (
        "11x11s4@64b, relu | max3x3s2 | 5x5p2@192b, relu | max3x3s2, 3x3p1@384b, relu |"
        "3x3p1@384b, relu | 3x3p1@256b, relu | max3x3s2"
    ),
    "mobilenet_v1": " | ".join(
        ["3x3s2psame@32b, relu6"]
        + [
            f"dw3x3s{stride}psameb, relu6, 1x1@{channels}b, relu6"
            for stride, channels in (
                *((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512)),
                *((1, 512),) * 5,
                *((2, 1024), (1, 1024)),
            )
        ]
    ),
    "resnet_v1_50": (
        "def c(K, C, S) = KxKsSp(K//2)@C, bn;"
        "def neck(C, S) = c(1, C, 1), relu, c(3, C, S), relu, c(1, 4C, 1);"
        "def wide(C) = neck(C, 1) + c(1, 4C, 1), relu;"
        "def keep(C) = neck(C, 1) + id, relu;"
        "def half(C) = neck(C, 2) + max1x1s2, relu;"  # the stride stands in the last unit
        "c(7, 64, 2), relu, max3x3s2psame, wide(64), keep(64), half(64) |"
        "wide(128), 2*keep(128), half(128) | wide(256), 4*keep(256), half(256) |"
        "wide(512), 2*keep(512)"
    ),
}
ENDPOINTS = rows("slim_endpoints.csv")


@pytest.mark.parametrize("side", [224, 321])
@pytest.mark.parametrize("name", SLIM)
def test_slim_endpoints(name, side):
    gflops = [row[f"gflops_{side}"] for row in ENDPOINTS if row["cnn"] == name]
    parts = SLIM[name].split("|")
    assert len(parts) == len(gflops)
    layers = account_of(read(", ".join(parts), f"3x{side}x{side}"), "slim").layers
    for number, printed in enumerate(gflops, 1):
        before = read(", ".join(parts[:number]), f"3x{side}x{side}")
        counted = sum(layers[: len(before.nodes) - 1])
        assert f"{counted / 10**9:.3f}" == printed, (name, number)
