"""Well-known networks as modules of PyTorch, in the ways in which people write them."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (as everybody calls it)
from torch import nn


class Doing(nn.Module):
    """A module that does what a function says."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.does = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.does(self, x)


def conv(channels, out, kernel=1, stride=1, groups=1, *, act=nn.ReLU):
    layers = [
        nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out),
    ]
    return nn.Sequential(*layers, *([act(inplace=True)] if act else []))


class Residual(nn.Module):
    def __init__(self, channels, width, out, stride, bottleneck):
        super().__init__()
        if bottleneck:
            body = [conv(channels, width), conv(width, width, 3, stride)]
            body.append(conv(width, out, act=None))
        else:
            body = [conv(channels, width, 3, stride), conv(width, out, 3, act=None)]
        self.body = nn.Sequential(*body)
        self.down = None
        if stride > 1 or channels != out:
            self.down = conv(channels, out, stride=stride, act=None)

    def forward(self, x):
        body = self.body(x)
        body += x if self.down is None else self.down(x)
        return F.relu(body, inplace=True)


def resnet(blocks, bottleneck):
    parts, channels = [conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        out = width * 4 if bottleneck else width
        for index in range(count):
            stride = 2 if stage and not index else 1
            parts.append(Residual(channels, width, out, stride, bottleneck))
            channels = out
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000))


class Inverted(nn.Module):
    def __init__(self, channels, factor, out, stride):
        super().__init__()
        wide = channels * factor
        body = [conv(channels, wide, act=nn.ReLU6)] if factor > 1 else []
        body += [conv(wide, wide, 3, stride, wide, act=nn.ReLU6), conv(wide, out, act=None)]
        self.body = nn.Sequential(*body)
        self.keeps = stride == 1 and channels == out

    def forward(self, x):
        return x + self.body(x) if self.keeps else self.body(x)


class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        parts, channels = [conv(3, 32, 3, 2, act=nn.ReLU6)], 32
        for factor, out, count, stride in (
            *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
            *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
        ):
            for index in range(count):
                parts.append(Inverted(channels, factor, out, 1 if index else stride))
                channels = out
        self.features = nn.Sequential(*parts, conv(320, 1280, act=nn.ReLU6))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


class DenseLayer(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, 128, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(128), nn.Conv2d(128, 32, 3, padding=1, bias=False)

    def forward(self, before):
        x = self.conv1(F.relu(self.norm1(torch.cat(before, 1)), inplace=True))
        before.append(self.conv2(F.relu(self.norm2(x), inplace=True)))
        return before


class DenseNet121(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, channels = conv(3, 64, 7, 2), 64
        self.blocks, self.halves = nn.ModuleList(), nn.ModuleList()
        for count in (6, 12, 24, 16):
            layers = nn.ModuleList(DenseLayer(channels + 32 * index) for index in range(count))
            self.blocks.append(layers)
            channels += 32 * count
            half = [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels // 2, 1)]
            half[2].bias = None
            self.halves.append(nn.Sequential(*half, nn.AvgPool2d(2)))
            channels //= 2 if count != 16 else 1
        self.halves[3] = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self.fc = nn.Linear(channels, 1000)

    def forward(self, x):
        x = F.max_pool2d(self.stem(x), 3, stride=2, padding=1)
        for block, half in zip(self.blocks, self.halves, strict=True):
            values = [x]
            for layer in block:
                values = layer(values)
            x = half(torch.cat(values, dim=1))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class Shuffled(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        half = out // 2
        self.left = None
        if stride > 1:
            narrow = conv(channels, channels, 3, stride, channels, act=None)
            self.left = nn.Sequential(narrow, conv(channels, half))
        right = [conv(channels if stride > 1 else half, half)]
        self.right = nn.Sequential(
            *right, conv(half, half, 3, stride, half, act=None), conv(half, half)
        )

    def forward(self, x):
        if self.left is None:
            left, x = x.chunk(2, dim=1)
        else:
            left = self.left(x)
        both = torch.cat((left, self.right(x)), dim=1)
        batch, channels, height, width = both.size()
        both = both.view(batch, 2, channels // 2, height, width).transpose(1, 2).contiguous()
        return both.view(batch, channels, height, width)


class ShuffleNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        parts, channels = [conv(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)], 24
        for out, count in ((116, 4), (232, 8), (464, 4)):
            for index in range(count):
                parts.append(Shuffled(channels, out, 1 if index else 2))
                channels = out
        self.body, self.fc = nn.Sequential(*parts, conv(464, 1024)), nn.Linear(1024, 1000)

    def forward(self, x):
        return self.fc(self.body(x).mean((2, 3)))


class Scaled(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.spatial = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.wide, self.narrow = (
            nn.Linear(channels, 4 * channels),
            nn.Linear(4 * channels, channels),
        )
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x):
        y = self.norm(self.spatial(x).permute(0, 2, 3, 1))
        return x + self.scale * self.narrow(F.gelu(self.wide(y))).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """ConvNeXt-T: norms before the stem's blocks and the strides, as the paper has them."""

    def __init__(self):
        super().__init__()
        self.steps, self.norms, self.blocks = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        channels = 3
        for out, count in ((96, 3), (192, 3), (384, 9), (768, 3)):
            first = channels == 3
            self.steps.append(nn.Conv2d(channels, out, 4 if first else 2, 4 if first else 2))
            self.norms.append(nn.LayerNorm(out if first else channels))
            self.blocks.append(nn.Sequential(*(Scaled(out) for _ in range(count))))
            channels = out
        self.norm, self.head = nn.LayerNorm(channels), nn.Linear(channels, 1000)

    def forward(self, x):
        for index, (step, norm, blocks) in enumerate(
            zip(self.steps, self.norms, self.blocks, strict=True)
        ):
            x = step(x) if not index else step(norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
            x = x if index else norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            x = blocks(x)
        return self.head(self.norm(x.mean([-2, -1])))


class ViT(nn.Module):
    """ViT-B/16, with a fused projection of q, k and v and attention by hand."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 768, 16, 16)
        self.token = nn.Parameter(torch.zeros(1, 1, 768))
        self.places = nn.Parameter(torch.zeros(1, 197, 768))
        block = {"n1": nn.LayerNorm, "n2": nn.LayerNorm}
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {name: norm(768) for name, norm in block.items()}
                | {"qkv": nn.Linear(768, 2304), "out": nn.Linear(768, 768)}
                | {"mlp": nn.Sequential(nn.Linear(768, 3072), nn.GELU(), nn.Linear(3072, 768))}
            )
            for _ in range(12)
        )
        self.norm, self.head = nn.LayerNorm(768), nn.Linear(768, 1000)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        for block in self.blocks:
            batch, length, width = x.shape
            qkv = block["qkv"](block["n1"](x)).reshape(batch, length, 3, 12, width // 12)
            q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
            weights = (q @ k.transpose(-2, -1) / 8).softmax(-1)
            x = x + block["out"]((weights @ v).transpose(1, 2).reshape(batch, length, width))
            x = x + block["mlp"](block["n2"](x))
        return self.head(self.norm(x)[:, 0])


class UNet(nn.Module):
    """Two levels, with transposed convolutions, bilinear upsampling and a dilated middle."""

    def __init__(self):
        super().__init__()
        self.down1, self.down2 = conv(3, 16, 3), conv(16, 32, 3)
        self.middle = nn.Conv2d(32, 64, 3, padding=2, dilation=2, padding_mode="reflect")
        self.up2 = nn.ConvTranspose2d(64, 32, 3, 2, 1, output_padding=1)
        self.join2, self.join1 = conv(64, 32, 3), conv(48, 16, 3)
        self.last = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        one = self.down1(x)
        two = self.down2(F.max_pool2d(one, 2))
        x = F.silu(self.middle(F.avg_pool2d(two, 2)))
        x = self.join2(torch.cat([two, self.up2(x)], 1))
        x = F.interpolate(x, size=one.shape[2:], mode="bilinear", align_corners=False)
        return {"out": self.last(self.join1(torch.cat([one, x], 1)))}
