"""Write tests/data/counters.csv: what other counters print for networks and for single layers.

Not a test. It wants torch, torchvision, fvcore, thop, torchinfo and ptflops; the tests read what it
wrote. `python tests/cost/record_counters.py` runs all of them, without weights, one input a batch.
"""

from __future__ import annotations

import contextlib
import csv
import io
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn

# torchvision's own operators are not needed, and not there in every build; it looks for these.
_OPERATORS = torch.library.Library("torchvision", "FRAGMENT")
with contextlib.suppress(RuntimeError):
    _OPERATORS.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _OPERATORS.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import torchvision  # noqa: E402, after its operators

FILE = Path(__file__).parents[1] / "data" / "counters.csv"

NETWORKS = (
    *("alexnet", "vgg11", "vgg16", "vgg16_bn", "vgg19", "resnet18", "resnet34", "resnet50"),
    *("resnet101", "resnext50_32x4d", "wide_resnet50_2", "squeezenet1_0", "squeezenet1_1"),
    *("mobilenet_v2", "efficientnet_b0", "shufflenet_v2_x1_0", "densenet121", "googlenet"),
    "inception_v3",
)
SIDES = {"inception_v3": 299}


class ChannelsLast(nn.Module):
    """A layer over the channels."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.movedim(1, -1)).movedim(-1, 1)


class Apart(nn.Module):
    """A function as a module, after a layer that does nothing (some tools want one)."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function, self.nothing = function, nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.nothing(x))


class Scaled(nn.Module):
    """One weight a channel, as a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma, self.nothing = nn.Parameter(torch.ones(4, 1, 1)), nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.gamma * self.nothing(x)


class Twice(nn.Module):
    """One layer, used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.both(self.both(x))


# Our text, its input, and the same layer there.
LAYERS: list[tuple[str, str, Callable[[], nn.Module]]] = [
    ("3x3p1@8", "4x9x9", lambda: nn.Conv2d(4, 8, 3, padding=1, bias=False)),
    (
        "3x3s2p1d2g2@8b",
        "4x9x9",
        lambda: nn.Conv2d(4, 8, 3, stride=2, padding=1, dilation=2, groups=2),
    ),
    ("dw3x3@*2b", "4x9x9", lambda: nn.Conv2d(4, 8, 3, groups=4)),
    ("3x3x3@5b", "2x4x5x6", lambda: nn.Conv3d(2, 5, 3)),
    ("3s2@5b", "2x9", lambda: nn.Conv1d(2, 5, 3, stride=2)),
    (
        "convt3x3s2p1o1@6",
        "4x5x6",
        lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, bias=False),
    ),
    ("convt3x3s2g2@6b", "4x5x6", lambda: nn.ConvTranspose2d(4, 6, 3, 2, groups=2)),
    ("fc@7b", "12", lambda: nn.Linear(12, 7)),
    ("fc@7", "12", lambda: nn.Linear(12, 7, bias=False)),
    ("linear@7b", "4x5x6", lambda: nn.Sequential(ChannelsLast(nn.Linear(4, 7)))),
    ("bn", "4x5x6", lambda: nn.BatchNorm2d(4)),
    ("ln", "4x5x6", lambda: nn.Sequential(ChannelsLast(nn.LayerNorm(4)))),
    ("in", "4x5x6", lambda: nn.InstanceNorm2d(4, affine=True)),
    ("gn2", "4x5x6", lambda: nn.GroupNorm(2, 4)),
    ("lrn", "4x5x6", lambda: nn.LocalResponseNorm(5)),
    ("max3x3s2p1", "4x9x9", lambda: nn.MaxPool2d(3, 2, 1)),
    ("avg3x3s2p1", "4x9x9", lambda: nn.AvgPool2d(3, 2, 1)),
    ("gap", "4x5x6", lambda: nn.AdaptiveAvgPool2d(1)),
    ("gap3x2", "4x5x6", lambda: nn.AdaptiveAvgPool2d((3, 2))),
    ("gmp", "4x5x6", lambda: nn.AdaptiveMaxPool2d(1)),
    ("up2", "4x5x6", lambda: nn.Upsample(scale_factor=2)),
    ("bilinear2", "4x5x6", lambda: nn.Upsample(scale_factor=2, mode="bilinear")),
    ("resize7x8", "4x5x6", lambda: nn.Upsample(size=(7, 8))),
    ("pad1", "4x5x6", lambda: nn.ZeroPad2d(1)),
    ("reflect1", "4x5x6", lambda: nn.ReflectionPad2d(1)),
    ("shuffle2", "4x5x6", lambda: nn.ChannelShuffle(2)),
    ("pixelshuffle2", "4x5x6", lambda: nn.PixelShuffle(2)),
    ("flatten", "4x5x6", lambda: nn.Flatten()),
    ("dropout", "4x5x6", lambda: nn.Dropout()),
    ("[:2]", "4x5x6", lambda: Apart(lambda x: x[:, :2])),
    ("id + id", "4x5x6", lambda: Apart(lambda x: x + x)),
    ("mul(id | id)", "4x5x6", lambda: Apart(lambda x: x * x)),
    ("cat(id | id)", "4x5x6", lambda: Apart(lambda x: torch.cat([x, x], 1))),
    ("max3s2", "4x9", lambda: nn.MaxPool1d(3, 2)),
    ("avg2x2x2s2", "4x4x6x8", lambda: nn.AvgPool3d(2)),
    ("gap", "4x6", lambda: nn.AdaptiveAvgPool1d(1)),
    ("gap", "4x3x4x5", lambda: nn.AdaptiveAvgPool3d(1)),
    ("bn", "4x6", lambda: nn.BatchNorm1d(4)),
    ("bn", "4x3x4x5", lambda: nn.BatchNorm3d(4)),
    ("in", "4x6", lambda: nn.InstanceNorm1d(4, affine=True)),
    ("gn2", "4x6", lambda: nn.GroupNorm(2, 4)),
    ("lrn", "6x3x4x5", lambda: nn.LocalResponseNorm(5)),
    ("up2", "4x6", lambda: nn.Upsample(scale_factor=2)),
    ("up2", "4x3x4x5", lambda: nn.Upsample(scale_factor=2)),
    ("bilinear2", "4x6", lambda: nn.Upsample(scale_factor=2, mode="linear")),
    ("bilinear2", "4x3x4x5", lambda: nn.Upsample(scale_factor=2, mode="trilinear")),
    ("convt3s2@6b", "4x6", lambda: nn.ConvTranspose1d(4, 6, 3, 2)),
    ("convt2x2x2s2@3b", "4x3x4x5", lambda: nn.ConvTranspose3d(4, 3, 2, 2)),
    ("scale", "4x5x6", Scaled),
    ("shared f = 3x3p1b, bn; f, f", "4x5x6", Twice),
    *(
        (word, "4x5x6", make)
        for word, make in {
            "relu": nn.ReLU,
            "relu6": nn.ReLU6,
            "leakyrelu": nn.LeakyReLU,
            "elu": nn.ELU,
            "selu": nn.SELU,
            "silu": nn.SiLU,
            "gelu": nn.GELU,
            "mish": nn.Mish,
            "softplus": nn.Softplus,
            "sigmoid": nn.Sigmoid,
            "hardsigmoid": nn.Hardsigmoid,
            "hardswish": nn.Hardswish,
            "tanh": nn.Tanh,
            "softmax": lambda: nn.Softmax(1),
        }.items()
    ),
]


def flop_counter(model: nn.Module, x: torch.Tensor) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model(x)
    return counter.get_total_flops() // 2


def by_fvcore(model: nn.Module, x: torch.Tensor) -> int:
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(model, x)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return int(analysis.total())


def by_thop(model: nn.Module, x: torch.Tensor) -> int:
    from thop import profile

    return int(profile(model, inputs=(x,), verbose=False)[0])


def by_torchinfo(model: nn.Module, x: torch.Tensor) -> int:
    from torchinfo import summary

    return int(summary(model, input_data=x, verbose=0, device="cpu").total_mult_adds)


def by_ptflops(model: nn.Module, x: torch.Tensor) -> int:
    from ptflops import get_model_complexity_info

    figures = get_model_complexity_info(
        model,
        tuple(x.shape[1:]),
        as_strings=False,
        print_per_layer_stat=False,
        backend="pytorch",
    )
    return int(figures[0])


TOOLS = {
    "torchvision": ("torch.utils.flop_counter / 2", "torch", flop_counter),
    "fvcore": ("fvcore", "fvcore", by_fvcore),
    "thop": ("thop", "thop", by_thop),
    "torchinfo": ("torchinfo", "torchinfo", by_torchinfo),
    "ptflops": ("ptflops, backend pytorch", "ptflops", by_ptflops),
}


def subjects() -> Iterator[tuple[str, str, Callable[[], nn.Module]]]:
    for name in NETWORKS:
        side = SIDES.get(name, 224)
        make = getattr(torchvision.models, name)
        options = {"init_weights": False} if name in ("inception_v3", "googlenet") else {}
        if name == "googlenet":
            options["aux_logits"] = False
        yield f"zoo:{name}", f"3x{side}x{side}", lambda make=make, options=options: make(**options)
    yield from LAYERS


def main() -> None:
    warnings.simplefilter("ignore")
    rows = []
    for name, shape, make in subjects():
        x = torch.zeros(1, *map(int, shape.split("x")))
        row: dict[str, object] = {"network": name, "input": shape}
        for tool, (_, _, run) in TOOLS.items():
            model = make().eval()  # anew: some of them leave things behind
            with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
                try:
                    row[tool] = run(model, x)
                except Exception as error:
                    row[tool] = f"{type(error).__name__}: {error}"[:60]
        print(row)
        rows.append(row)
    with open(FILE, "w", newline="", encoding="utf-8") as file:
        named = {tool: f"{what} {version(package)}" for tool, (what, package, _) in TOOLS.items()}
        versions = "; ".join(f"{tool}: {what}" for tool, what in named.items())
        file.write(f"# {versions}; models of torchvision {version('torchvision')}\n")
        writer = csv.DictWriter(file, ["network", "input", *TOOLS], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
