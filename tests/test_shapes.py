"""The shape that comes out of each kind of layer, by hand."""

from __future__ import annotations

import pytest

from convalgebra.assumptions import Assumptions
from convalgebra.errors import ShapeError, SizeError
from convalgebra.language import parse, parse_shape
from convalgebra.layers import Layer
from convalgebra.shapes import border, output_shape, shape_text, slice_bounds, windows
from convalgebra.sizes import exact_divide, floor_divide, symbol
from convalgebra.windows import Window

C, H, W = symbol("C"), symbol("H"), symbol("W")


def shape(shape_before: str, text: str) -> str:
    """The shape after a text, as it is written."""
    network = parse(text).with_input(parse_shape(shape_before))
    return shape_text(network.shapes[network.outputs[0]])


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("3x8x9", "3x3", "3x6x7"),
        ("3x8x9", "3x3s2x1p1x0@4", "4x4x7"),
        ("3x8x9", "3x3psame s2", "3x4x5"),
        ("3x8x9", "2x4psame", "3x8x9"),
        ("3x8", "3d2@*2", "6x4"),
        ("6x8", "1@/2", "3x8"),
        ("4x8x8x8", "3x1x2g2", "4x6x8x7"),
        ("4x8x8", "dw3x3@*2", "8x6x6"),
        ("4x8x8", "convt2x2s2@2", "2x16x16"),
        ("4x8x8", "convt3x3s2p1o1", "4x16x16"),
        ("4x8x8", "convt3x3s2p1:0", "4x16x16"),
        ("4x7x7", "max2x2s2", "4x3x3"),
        ("4x7x7", "max2x2s2ceil", "4x4x4"),
        ("4x7x7", "avg3x3s2p1", "4x4x4"),
        ("4x7x9", "gap", "4x1x1"),
        ("4x7x9", "gap2x3", "4x2x3"),
        ("4x7x9", "gmp2", "4x2x2"),
        ("4x7x9", "fc@10", "10"),
        ("4x7x9", "fc@/2", "126"),
        ("4x7x9", "linear@10", "10x7x9"),
        ("4x7x9", "bn, ln, in, gn2, lrn, relu, softmax, scale, dropout", "4x7x9"),
        ("4x7x9", "up2", "4x14x18"),
        ("4x7x9", "up2x1", "4x14x9"),
        ("4x7x9", "bilinear3", "4x21x27"),
        ("4x7x9", "resize28", "4x28x28"),
        ("4x7x9", "resize2x3", "4x2x3"),
        ("4x7x9", "pad1", "4x9x11"),
        ("4x7x9", "pad0:1x2", "4x8x13"),
        ("4x7x9", "crop1x2:0", "4x5x7"),
        ("4x7x9", "reflect6", "4x19x21"),
        ("4x7x9", "replicate9", "4x25x27"),
        ("4x7x9", "circular7", "4x21x23"),
        ("4x7x9", "shuffle2", "4x7x9"),
        ("4x7x9", "pixelshuffle2", "1x14x18"),
        ("8x7", "pixelshuffle2", "4x14"),
        ("4x7x9", "flatten", "252"),
        ("4x7x9", "[1:3]", "2x7x9"),
        ("4x7x9", "[:-1]", "3x7x9"),
        ("4x7x9", "[-3:-1]", "2x7x9"),
        ("4x7x9", "id + bn + relu", "4x7x9"),
        ("4x7x9", "mul(id | gap)", "4x7x9"),
        ("4x7x9", "mul(gap | id)", "4x7x9"),
        ("4x7x9", "mul(id | 1x1@1)", "4x7x9"),
        ("4x7x9", "mul([:1] | gap)", "4x7x9"),
        ("4x7x9", "cat(id | bn | 1x1@3)", "11x7x9"),
        ("4x7x9", "unused(gap, fc@3)", "4x7x9"),
        ("CxHxW", "3x3", "Cx(H - 2)x(W - 2)"),
        ("CxHxW", "3x3s2p1@2C", "(2*C)x((H + 1)//2)x((W + 1)//2)"),
        ("CxHxW", "fc@10", "10"),
        ("CxHxW", "flatten", "(C*H*W)"),
        ("CxHxW", "cat(id | 1x1@D)", "(C + D)xHxW"),
        ("CxHxW", "[C//2:]", "(C - (C//2))xHxW"),
        ("CxHxW", "1x1@/4", "(C/4)xHxW"),
        ("1xHxW", "mul(id | 1x1@C)", "CxHxW"),
        ("(b)x(s)x(X)", "bn", "(b)x(s)x(X)"),
    ],
)
def test_shapes(before: str, text: str, after: str) -> None:
    assert shape(before, text) == after


@pytest.mark.parametrize(
    ("before", "text", "facts"),
    [
        ("CxHxW", "3x3p1, relu", ()),
        ("CxHxW", "3x3", ("H >= 3", "W >= 3")),
        ("CxHxH", "2*(max2x2s2)", ("H >= 4",)),
        ("CxHxW", "3x3p1g4", ("4 divides C",)),
        ("CxHxW", "dw3x3p1@*2", ()),
        ("CxHxW", "dw3x3p1@D", ("C divides D",)),
        ("CxHxW", "1x1@/4, 1x1@(C/4)", ("4 divides C",)),
        ("CxHxW", "3x3p1@D + id", ("D = C",)),
        ("CxHxH", "(max2x2s2, up2) + id", ("H >= 2", "2*(H//2) = H")),
        ("CxHxW", "[:64]", ("C >= 64",)),
        ("CxHxW", "pixelshuffle2", ("4 divides C",)),
        ("CxHxW", "crop1", ("H >= 3", "W >= 3")),
        ("CxHxW", "1x1@(D-8)", ("D >= 9",)),
        ("(C/2)xHxH", "bn", ("2 divides C",)),
        ("CxHxW", "convt3x3p2", ("H >= 3", "W >= 3")),
    ],
)
def test_what_is_taken_for_granted(before: str, text: str, facts: tuple[str, ...]) -> None:
    network = parse(text).with_input(parse_shape(before))
    assert network.assumptions.listed() == facts


@pytest.mark.parametrize(
    ("before", "text", "message"),
    [
        ("3x8x8", "3x3x3", "a kernel with 3 axes cannot slide over 3x8x8 (3 channels, 2 axes)"),
        ("3x8x8", "[:4]", "[0:4] of 3 channels: there are not so many"),
        ("3x8x8", "[-4:]", "[-1:3] of 3 channels: begins before the first"),
        ("3x8x8", "[2:2]", "[2:2] of 3 channels: nothing is left"),
        ("3x8x8", "fc@/7", "192 channels cannot be divided by 7"),
        ("3x8x8", "dw3x3@4", "3 groups do not divide the 4 channels that go out"),
        ("3x8x8", "id + gap", "branches of 3x8x8 and 3x1x1 cannot be added: sizes differ"),
        ("3x8x8", "mul(id | 1x1@4)", "cannot be multiplied: 3 channels and 4"),
        ("3x8x8", "up2x2x3", "3 values of factor for 2 axes"),
        ("3", "up2, pad1", None),
        ("CxHxH", "3x3, crop(H)", "nothing is left of H - 2"),
        ("CxHxH", "[C:]", "[C:C] of C channels: nothing is left"),
        ("CxHxH", "3x3p1@(C+1) + id", "cannot be added: C + 1 channels and C"),
        ("CxHxH", "(H+1)x1", "a window over H + 1 does not fit on an input of H"),
        ("CxHxH", "2*(3x3s2p1), (H)x1s1", None),
        ("3x999999999x999999999", "2*(up9999)", "a size of more than 15 digits"),
        ("3x999999999x999999999", "flatten", "a size of more than 15 digits"),
        ("CxHxH", "50*(cat(id | id))", "a size with a number of more than 15 digits"),
        ("CxHxH", "60*(1x1@*(C+1))", "a size of more than 400 numbers and names"),
        ("CxHxH", "200*(3x3s2p1)", "a size with a number of more than 15 digits"),
    ],
)
def test_shapes_that_do_not_fit(before: str, text: str, message: str | None) -> None:
    network = parse(text).with_input(parse_shape(before))
    if message is None:
        assert len(network.shapes) == len(network.nodes)
        return
    with pytest.raises(ShapeError) as caught:
        _ = network.shapes
    assert message in str(caught.value)


def test_shape_text_reads_back() -> None:
    for one in ((3, 8, 8), (C, H + 1, floor_divide(W, 2)), (symbol("x"), exact_divide(C, 2))):
        assert parse_shape(shape_text(one)) == one


def test_parts() -> None:
    layer = Layer("conv", (3, 2), (2, 1), padding="same")
    assert windows(layer, (3, 7, 7)) == (Window(3, 2, 1, (1, 1)), Window(2, 1, 1, (0, 1)))
    assert border(Layer("pad", pads=((1, 2),)), 2) == ((1, 2), (1, 2))
    assert slice_bounds(Layer("slice", bounds=(-3, None)), 8) == (5, 8)
    assert slice_bounds(Layer("slice", bounds=(None, C)), 2 * C) == (0, C)
    with pytest.raises(SizeError):
        output_shape(Layer("slice", bounds=(9, None)), [(8, 3)], Assumptions())
