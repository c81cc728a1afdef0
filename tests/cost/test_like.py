"""Resizes to the sides of another value, on inputs of any size."""

import pytest

from convalgebra.cost import cost
from convalgebra.errors import LanguageError, ShapeError, UnsupportedError
from convalgebra.language import parse
from convalgebra.sizes import symbol

# Segmentation in small: a dilated trunk, a pooled branch beside windows, sides as they came in.
NETWORK = """
    stem = 3x3s2p1@8b
    e = 3x3s2p1@16b
    cat(1x1@4b | 3x3p2d2@4b | gap, 1x1@4b, bilinearlike(id | e)), 1x1@5b
    skip = resizelike(id | stem)
    head = stem, 1x1@5b
    bilinearlike(skip + head | input)
"""


@pytest.mark.parametrize("sides", [(32, 32), (31, 17), (33, 50), (5, 7)])
def test_segmentation_as_torch_has_it(sides):
    torch = pytest.importorskip("torch")
    from torch import nn
    from torch.nn.functional import adaptive_avg_pool2d, interpolate
    from torch.utils.flop_counter import FlopCounterMode

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3, 2, 1)
            self.e = nn.Conv2d(8, 16, 3, 2, 1)
            self.one = nn.Conv2d(16, 4, 1)
            self.wide = nn.Conv2d(16, 4, 3, padding=2, dilation=2)
            self.pooled = nn.Conv2d(16, 4, 1)
            self.mix = nn.Conv2d(12, 5, 1)
            self.head = nn.Conv2d(8, 5, 1)

        def forward(self, x):
            stem = self.stem(x)
            e = self.e(stem)
            pooled = self.pooled(adaptive_avg_pool2d(e, 1))
            pooled = interpolate(pooled, size=e.shape[2:], mode="bilinear")
            y = self.mix(torch.cat([self.one(e), self.wide(e), pooled], 1))
            y = interpolate(y, size=stem.shape[2:]) + self.head(stem)
            return interpolate(y, size=x.shape[2:], mode="bilinear")

    with torch.device("meta"):
        net, x = Net(), torch.zeros(1, 3, *sides)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shape = tuple(net(x).shape[1:])
    report = cost(NETWORK, input=(3, *sides))
    assert report.output == shape == (5, *sides)
    assert report.total.macs == counter.get_total_flops() // 2
    assert report.total.params == sum(weight.numel() for weight in net.parameters())
    high, wide = (((side + 1) // 2 + 1) // 2 for side in sides)
    # Bilinear to e and to the input: 4 products and 3 sums an output.
    outputs = 4 * high * wide + 5 * sides[0] * sides[1]
    assert report.total.flops_by_class["interpolation"] == 7 * outputs


def test_what_lends_its_sides_is_not_read():
    # 2 x 3x3 numbers in, 2 x 9x9 out: 4 bytes each, nothing of e.
    report = cost("input 2x9x9; e = 1x1; r = 3x3s3; a = resizelike(r | e); output a | e")
    (like,) = (layer for layer in report.layers if layer.layer == "resizelike")
    assert like.bytes == 4 * 2 * (9 + 81)
    (field,) = {axis.size for axis in like.field.axes}
    assert field == 3
    assert report.meetings() == ()
    assert report.paths().number == 1


def test_named_sides():
    report = cost("3x3s2p1@4; bilinearlike(1x1@2 | input)", input="3xHxW")
    assert report.output == (2, symbol("H"), symbol("W"))
    assert report.receptive_field.reason == "a resize by a factor that is not known"
    assert cost(report.network, at={"H": 9, "W": 8}).receptive_field.axes is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bilinearlike(id)", "`bilinearlike` needs two branches"),
        ("resizelike(id | id | id)", "`resizelike` takes two branches"),
        ("bilinearlike, 3x3", "expected `(`"),
        ("bilinearlike = 3x3", "already means something"),
    ],
)
def test_what_is_no_resize_to_another_value(text, message):
    with pytest.raises(LanguageError, match=message.replace("(", r"\(")):
        parse(f"input 3x8x8; {text}")


def test_values_without_sides():
    with pytest.raises(ShapeError) as caught:
        cost("bilinearlike(id | gap, flatten)", input="3x8x8")
    assert "3x8x8 is not resized to the sides of 3: 2 axes, no axes" in str(caught.value)


def test_other_tools_were_not_tried_on_it():
    report = cost("bilinearlike(3x3s2 | input)", input="1x9x9", convention="fvcore")
    assert report.convention is not None
    assert "bilinearlike" in str(report)


def test_equiv_says_why_not():
    from convalgebra.algebra.equivalence import equiv

    with pytest.raises(UnsupportedError, match="linear on a given input size only"):
        equiv("bilinearlike(3x3s2 | input)", "3x3")
