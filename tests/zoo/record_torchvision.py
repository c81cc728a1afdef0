"""Writes tests/data/torchvision.csv anew; needs torchvision, which the tests do not.

    python tests/zoo/record_torchvision.py

Every network of convolutions for classification, segmentation and video, as built without weights:
parameters, half of the FLOPs that torch.utils.flop_counter finds on the meta device, and the
elements that come out of convolutions, by hooks. No detectors, no networks of attention.
"""

import csv
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

OTHERS = (
    *("quantized", "vit", "swin", "maxvit", "mvit", "raft"),
    *("fasterrcnn", "maskrcnn", "keypointrcnn", "fcos", "retinanet", "ssd"),
)
SIDES = {
    **dict(zip("01234567", (224, 240, 260, 300, 380, 456, 528, 600), strict=True)),
    "s": 384,
    "m": 480,
    "l": 480,
}
SEGMENTATION = ("fcn", "deeplabv3", "lraspp")


def input_shape(name):
    if name.startswith("efficientnet"):
        return 3, SIDES[name[-1]], SIDES[name[-1]]
    if name.startswith(SEGMENTATION):
        return 3, 520, 520
    if name in ("r3d_18", "mc3_18", "r2plus1d_18"):
        return 3, 16, 112, 112
    return {"inception_v3": (3, 299, 299), "s3d": (3, 16, 224, 224)}.get(name, (3, 224, 224))


def options(name):
    if name.startswith(SEGMENTATION):
        auxiliary = {} if name.startswith("lraspp") else {"aux_loss": False}
        return {"weights_backbone": None, **auxiliary}
    if name == "googlenet":
        return {"aux_logits": False, "init_weights": False}
    return {"init_weights": False} if name == "inception_v3" else {}


def figures(name):
    shape = input_shape(name)
    model = models.get_model(name, weights=None, **options(name)).eval().to("meta")
    made = []
    for part in model.modules():
        if isinstance(part, nn.modules.conv._ConvNd):
            part.register_forward_hook(lambda *parts: made.append(parts[2].numel()))
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        out = model(torch.zeros(1, *shape, device="meta"))
    out = out["out"] if isinstance(out, dict) else out
    params = sum(weight.numel() for weight in model.parameters())
    macs, rest = divmod(counter.get_total_flops(), 2)
    assert rest == 0
    return written(shape), params, macs, sum(made), written(out.shape[1:])


def written(shape):
    return "x".join(map(str, shape))


def main():
    path = Path(__file__).parents[1] / "data" / "torchvision.csv"
    names = [name for name in models.list_models() if not name.startswith(OTHERS)]
    with open(path, "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("model", "input", "params", "macs", "conv_outputs", "output"))
        rows.writerows((name, *figures(name)) for name in names)


if __name__ == "__main__":
    main()
