"""Every classification, segmentation and video model of the torchvision that is installed.

    python tests/readers/every_torchvision_model.py [NAME]...

compares params, MACs and output shape with PyTorch's own figures, and exits with 1 if one differs.
It is no test, as torchvision is not among what the tests need.
"""

from __future__ import annotations

import sys
import warnings

import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models
from torchvision.models import regnet

import convalgebra as ca

# They take lists of images or two images, or decide by the numbers that come in.
OTHERS = ("fasterrcnn", "maskrcnn", "keypointrcnn", "fcos", "retinanet", "ssd", "raft", "quantized")
SIDES = {
    **dict(zip("01234567", (224, 240, 260, 300, 380, 456, 528, 600), strict=True)),
    "v2_s": 384,
    "v2_m": 480,
    "v2_l": 480,
}
VIDEO = ("r3d", "mc3", "r2plus1d", "s3d", "mvit", "swin3d")


def shape_of(name: str) -> tuple[int, ...]:
    """An input that the model takes."""
    if name.startswith("efficientnet"):
        key = name[-1] if "_b" in name else name[-4:]
        return (3, SIDES[key], SIDES[key])
    if name.startswith(("fcn", "deeplab", "lraspp")):
        return (3, 520, 520)
    return (3, 16, 224, 224) if name.startswith(VIDEO) else (3, *[299 if "v3" in name else 224] * 2)


def built(name: str) -> torch.nn.Module:
    """The model, without numbers."""
    options = {"weights_backbone": None} if name.startswith(("fcn", "deeplab", "lraspp")) else {}
    with torch.device("meta"):
        return models.get_model(name, weights=None, **options).eval()


def figures(module: torch.nn.Module, shape: tuple[int, ...]) -> tuple[int, float, tuple[int, ...]]:
    """Params, MACs and output shape, as PyTorch counts them."""
    with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
        out = module(torch.empty(1, *shape))
    out = out["out"] if isinstance(out, dict) else out
    params = sum(parameter.numel() for parameter in module.parameters())
    return params, counter.get_total_flops() / 2, tuple(out.shape[1:])


def main(names: list[str]) -> int:
    """The number of models whose figures differ."""
    wrong = 0
    for name in names or [n for n in models.list_models() if not n.startswith(OTHERS)]:
        module, shape = built(name), shape_of(name)
        report = ca.cost(module, input=shape)
        found = (report.total.params, report.total.macs, report.output)
        wanted = figures(module, shape)
        wrong += found != wanted
        print("same" if found == wanted else f"DIFFERENT, {wanted} by torch:", name, *found)
    return wrong


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    widths = regnet.BlockParams.from_init_params.__func__

    def on_cpu(cls, *args, **options):
        with torch.device("cpu"):  # it computes widths with tensors
            return widths(cls, *args, **options)

    regnet.BlockParams.from_init_params = classmethod(on_cpu)
    sys.exit(1 if main(sys.argv[1:]) else 0)
