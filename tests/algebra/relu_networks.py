"""Stacks with activations along one axis, run by plain loops; and the answers about them."""

from dataclasses import dataclass
from fractions import Fraction

from convalgebra.algebra import equiv
from convalgebra.algebra.activations import activation_reach
from convalgebra.algebra.answers import Reach
from convalgebra.language import parse

SLOPE = Fraction(1, 100)


def relu(x):
    return max(x, 0)


def leakyrelu(x):
    return x if x > 0 else SLOPE * x


def hardswish(x):
    return x * Fraction(min(max(x + 3, 0), 6), 6)


EXACT = {"relu": relu, "leakyrelu": leakyrelu, "hardswish": hardswish}


@dataclass(frozen=True)
class Conv:
    taps: int
    out: int
    groups: int = 1
    stride: int = 1
    dilation: int = 1
    bias: bool = False

    def text(self):
        return (
            f"{self.taps}"
            + (f"s{self.stride}" if self.stride > 1 else "")
            + (f"d{self.dilation}" if self.dilation > 1 else "")
            + (f"g{self.groups}" if self.groups > 1 else "")
            + f"@{self.out}"
            + ("b" if self.bias else "")
        )

    def count(self, channels):
        return self.out * (channels // self.groups) * self.taps + self.out * self.bias


def text_of(layers):
    return ", ".join(layer if isinstance(layer, str) else layer.text() for layer in layers)


def count_weights(layers, channels):
    total = 0
    for layer in layers:
        if not isinstance(layer, str):
            total += layer.count(channels)
            channels = layer.out
    return total


def run(layers, weights, signal):
    """The outputs whose windows lie in the signal (a list of rows, one for each channel)."""
    at = 0
    for layer in layers:
        if isinstance(layer, str):
            signal = [[EXACT[layer](x) for x in row] for row in signal]
            continue
        channels, length = len(signal), len(signal[0])
        width, out = channels // layer.groups, layer.out // layer.groups
        kernel = weights[at : at + layer.count(channels)]
        at += len(kernel)
        positions = range(0, length - layer.dilation * (layer.taps - 1), layer.stride)
        made = []
        for o in range(layer.out):
            row = []
            for n in positions:
                value = kernel[layer.out * width * layer.taps + o] if layer.bias else 0
                for i in range(width):
                    for u in range(layer.taps):
                        w = kernel[(o * width + i) * layer.taps + u]
                        value += w * signal[o // out * width + i][n + layer.dilation * u]
                row.append(value)
            made.append(row)
        signal = made
    assert at == len(weights)
    return signal


THIN = ("thin", "unknown", "thin")
ALL = ("all", "all", "all")
UNKNOWN = ("unknown", "unknown", "unknown")


def one_channel(maker, made, channels):
    """The engine for one-channel chains as the callback."""
    if maker == made:
        return Reach("all", "all", "all", "equal", ((0,) * maker.nodes[-1].layer.axes,))
    return equiv(maker, made).left_reproduces_right.reach


def reach(maker, made, channels=1, linear=one_channel):
    return activation_reach(parse(maker), parse(made), channels, linear)


def answers(maker, made, channels=1, linear=one_channel):
    found = reach(maker, made, channels, linear)
    return found.real, found.complex, found.rational
