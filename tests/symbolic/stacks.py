"""Stacks for the tests of the symbolic engine, one or more for each kind of linear layer."""

from __future__ import annotations

from random import Random

from convalgebra.errors import ShapeError
from convalgebra.language import parse

RANDOM = 48  # random stacks that the tests try

# Every linear kind, every modifier, one to three axes.
BY_HAND = (
    "input 1x4x4; 3x3",
    "input 3x5x5; 3x3@4b",
    "input 2x7; 3s2p1@3",
    "input 2x9; 3d2p0:2@2b",
    "input 4x5x4; 3x2s2x1p1:0x0:1g2@6b",
    "input 2x3x4x3; 2x3x2p1x0x1@2",
    "input 2x6x5; 3x3psame@2",
    "input 1x7x6; 3x5 psame d2x1",
    "input 3x5x5; dw3x3p1b",
    "input 2x6; dw3s2@*2",
    "input 2x3x3; convt2x2s2@3b",
    "input 4x4x3; convt3x3s2p1o1g2@2",
    "input 1x5; convt3d2s3p2",
    "input 2x2x2x3; convt2x1x2s1x2x1@1",
    "input 2x5x5; avg2x2s2",
    "input 1x7x6; avg3x3s2p1ceil",
    "input 2x6; avg3s2ceil",
    "input 1x4x4x4; avg2x2x2s2",
    "input 3x4x5; gap",
    "input 2x7x5; gap3x2",
    "input 2x3x3; fc@3b",
    "input 3x4; linear@2b",
    "input 3x2x2; linear@*2",
    "input 2x3x3; flatten, fc@2",
    "input 2x3x3; bn, scale",
    "input 1x3x4; up2x3",
    "input 2x3; up2",
    "input 1x3x4; bilinear2",
    "input 1x5; bilinear3",
    "input 1x2x3x2; bilinear2",
    "input 1x3x4; bilinearto7x3",
    "input 2x6; bilinearto4",
    "input 1x3x4; resize6x8",
    "input 1x5x4; e = 2x2s2@2; bilinearlike(id | input)",
    "input 1x7; e = 3s2; 2; resizelike(id | e) + resizelike(2 | e) + e",
    "input 1x6; resize4",
    "input 2x3x3; pad1:0x0:2, crop0:1x1:0",
    "input 1x4x5; reflect1:2",
    "input 1x4x5; replicate2",
    "input 1x4x5; circular1:2x3:0",
    "input 1x3x3x4; reflect1, circular1, replicate1",
    "input 6x2x2; shuffle2, shuffle3",
    "input 8x2x3; pixelshuffle2",
    "input 5x3; [1:3]",
    "input 5x3; cat([:2] | [2:]), [3:]",
    "input 2x3x3; dropout",
    "input 2x3x3; (3x3p1, 1x1@4) + 1x1@4 + (1x1@4b)",
    "input 2x4x4; cat(1x1@3 | 3x3p1@2b | id), 2x2s2@2",
    "input 2x4x4; 3x3@2; unused(relu, fc@5)",
    "input 1x6x6; shared f = 3x3p1; f, avg2x2s1, f",
    "input 1x5x5; 2x2b, 2x2b, 2x2s2b",
    "input 2x4x4; 3x3s2p1@3, convt2x2s2@2, circular1, 3x3@1",
    "input 3x4; id",
)


def random_stack(seed: int) -> str:
    """A chain of two or three random layers that fit on a small input, as text."""
    random = Random(seed)
    while True:
        text = _random_text(random)
        try:
            parse(text).shapes  # noqa: B018  (it is looked up for its errors)
        except ShapeError:
            continue
        return text


def _random_text(random: Random) -> str:
    axes = random.choice((1, 1, 2, 2, 2, 3))
    channels, side = random.choice((1, 2, 4)), {1: 12, 2: 6, 3: 4}[axes]
    text = f"input {'x'.join(map(str, (channels, *[side] * axes)))}; "
    layers = []
    for _ in range(random.choice((2, 2, 3))):
        kind = random.choice(("", "", "", "dw", "convt", "avg", "up", "pad"))
        kernel = "x".join(str(random.choice((1, 2, 2, 3))) for _ in range(axes))
        stride = random.choice(("", "", "s2")) if kind != "avg" else random.choice(("s1", "s2"))
        bias = random.choice(("", "b"))
        if kind == "up":
            layers.append("up2")
        elif kind == "pad":
            layers.append(random.choice(("reflect1", "replicate1", "circular1", "pad1:0")))
        elif kind == "avg":
            layers.append(f"avg{kernel}{stride}")
        elif kind == "dw":
            layers.append(f"dw{kernel}{stride}p1{bias}")
        else:
            groups = random.choice(("", "g2")) if channels % 2 == 0 else ""
            dilation = random.choice(("", "d2"))
            channels = random.choice((2, 4))
            layers.append(f"{kind}{kernel}{stride}p2{dilation}{groups}@{channels}{bias}")
    return text + ", ".join(layers)
