"""Networks of the zoo that torchvision does not have, built once more from torch's modules."""

import pytest

from convalgebra.cost import cost

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  (only where there is torch)
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402


def dcgan_generator():
    layers, channels = [], 100
    for out, stride, padding in ((512, 1, 0), (256, 2, 1), (128, 2, 1), (64, 2, 1)):
        layers += [nn.ConvTranspose2d(channels, out, 4, stride, padding, bias=False)]
        layers += [nn.BatchNorm2d(out), nn.ReLU()]
        channels = out
    return nn.Sequential(*layers, nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh())


def dcgan_discriminator():
    layers = [nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for channels in (64, 128, 256):
        layers += [nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False)]
        layers += [nn.BatchNorm2d(2 * channels), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(512, 1, 4, bias=False), nn.Sigmoid())


def classifier(features, hidden, classes):
    return [
        *(nn.Flatten(), nn.Linear(features, hidden), nn.ReLU(), nn.Dropout()),
        *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, classes)),
    ]


def zfnet():
    return nn.Sequential(
        *(nn.Conv2d(3, 96, 7, 2, 1), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(nn.LocalResponseNorm(5), nn.Conv2d(96, 256, 5, 2), nn.ReLU()),
        *(nn.MaxPool2d(3, 2, ceil_mode=True), nn.LocalResponseNorm(5)),
        *(nn.Conv2d(256, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 384, 3, 1, 1), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *classifier(256 * 6 * 6, 4096, 1000),
    )


def c3d():
    layers = []
    for before, after, count, pool in (
        (3, 64, 1, nn.MaxPool3d((1, 2, 2))),
        (64, 128, 1, nn.MaxPool3d(2)),
        (128, 256, 2, nn.MaxPool3d(2)),
        (256, 512, 2, nn.MaxPool3d(2)),
        (512, 512, 2, nn.MaxPool3d(2, padding=(0, 1, 1))),
    ):
        for channels in (before, after)[:count]:
            layers += [nn.Conv3d(channels, after, 3, padding=1), nn.ReLU()]
        layers.append(pool)
    return nn.Sequential(*layers, *classifier(512 * 4 * 4, 4096, 487))


def slim_alexnet_v2():
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 11, 4), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 384, 3, padding=1)),
        *(nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(256, 4096, 5), nn.ReLU(), nn.Conv2d(4096, 4096, 1), nn.ReLU()),
        nn.Conv2d(4096, 1000, 1),
    )


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.dilations = [2**power for power in range(10)] * 5
        self.causal = nn.Conv1d(256, 32, 2, bias=False)
        self.wave = nn.ModuleList(nn.Conv1d(32, 32, 2, dilation=d) for d in self.dilations)
        self.gate = nn.ModuleList(nn.Conv1d(32, 32, 2, dilation=d) for d in self.dilations)
        self.dense = nn.ModuleList(nn.Conv1d(32, 32, 1) for _ in self.dilations)
        self.skip = nn.ModuleList(nn.Conv1d(32, 512, 1) for _ in self.dilations)
        self.head = nn.Sequential(
            nn.ReLU(), nn.Conv1d(512, 512, 1), nn.ReLU(), nn.Conv1d(512, 256, 1)
        )

    def forward(self, x):
        pad = nn.functional.pad
        x, total = self.causal(pad(x, (1, 0))), 0
        for index, dilation in enumerate(self.dilations):
            before = pad(x, (dilation, 0))
            z = torch.tanh(self.wave[index](before)) * torch.sigmoid(self.gate[index](before))
            x, total = x + self.dense[index](z), total + self.skip[index](z)
        return self.head(total)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [1, 64, 128, 256, 512, 1024]
        self.down = nn.ModuleList(map(self.two, widths, widths[1:]))
        self.wider = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in widths[-2:0:-1])
        self.up = nn.ModuleList(self.two(2 * w, w) for w in widths[-2:0:-1])
        self.head = nn.Conv2d(64, 2, 1)

    @staticmethod
    def two(before, after):
        return nn.Sequential(
            *(nn.Conv2d(before, after, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(after, after, 3, padding=1), nn.ReLU()),
        )

    def forward(self, x):
        kept = []
        for index, block in enumerate(self.down):
            x = block(nn.functional.max_pool2d(x, 2) if index else x)
            kept.append(x)
        for wider, block, skip in zip(self.wider, self.up, kept[-2::-1], strict=True):
            x = block(torch.cat([skip, wider(x)], 1))
        return self.head(x)


BUILT = {
    "c3d": c3d,
    "dcgan_discriminator": dcgan_discriminator,
    "dcgan_generator": dcgan_generator,
    "slim_alexnet_v2": slim_alexnet_v2,
    "unet": UNet,
    "wavenet": WaveNet,
    "zfnet": zfnet,
}


def figures(module, shape):
    """Shape, parameters, MACs and outputs of convolutions, all as torch has them."""
    outputs = []
    for part in module.modules():
        if isinstance(part, nn.modules.conv._ConvNd):
            part.register_forward_hook(lambda *parts: outputs.append(parts[2].numel()))
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        out = module.eval()(torch.zeros(1, *shape, device="meta"))
    params = sum(weight.numel() for weight in module.parameters())
    return tuple(out.shape[1:]), params, counter.get_total_flops() // 2, sum(outputs)


@pytest.mark.parametrize("name", BUILT)
def test_figures(name):
    report = cost(f"zoo:{name}")
    total = report.total
    with torch.device("meta"):
        module = BUILT[name]()
    expected = figures(module, report.input)
    assert (report.output, total.params, total.macs, total.conv_outputs) == expected
