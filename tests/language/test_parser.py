"""The grammar, rule by rule: texts that say the same, and neighbours that are refused."""

from __future__ import annotations

import pytest
from strategies import EXAMPLES

from convalgebra.errors import LanguageError, LocatedError
from convalgebra.language import parse, parse_shape
from convalgebra.layers import Channels, Layer
from convalgebra.sizes import symbol


def layer(text: str) -> Layer:
    """The one layer of a text."""
    network = parse(text)
    assert len(network.nodes) == 2
    return network.nodes[1].layer


def refused(text: str) -> str:
    with pytest.raises(LanguageError) as caught:
        parse(text)
    return caught.value.message


# Layers


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("3x3", Layer("conv", (3, 3))),
        ("3", Layer("conv", (3,))),
        ("3x3x3", Layer("conv", (3, 3, 3))),
        ("conv3x3", Layer("conv", (3, 3))),
        ("conv 3x3", Layer("conv", (3, 3))),
        ("conv 3", Layer("conv", (3,))),
        (
            "3x3s2p1@64",
            Layer("conv", (3, 3), (2, 2), padding=((1, 1),), channels=Channels("=", 64)),
        ),
        ("3x3@64b", Layer("conv", (3, 3), channels=Channels("=", 64), bias=True)),
        ("3x3bs2", Layer("conv", (3, 3), (2, 2), bias=True)),
        ("3x3bp1", Layer("conv", (3, 3), padding=((1, 1),), bias=True)),
        ("3x3d2", Layer("conv", (3, 3), dilation=(2, 2))),
        ("3x3g8", Layer("conv", (3, 3), groups=8)),
        ("1x1@*6", Layer("conv", (1, 1), channels=Channels("*", 6))),
        ("1x1@/4", Layer("conv", (1, 1), channels=Channels("/", 4))),
        ("3x3psame", Layer("conv", (3, 3), padding="same")),
        ("dw3x3", Layer("dw", (3, 3))),
        ("dw 3x3", Layer("dw", (3, 3))),
        ("convt3x3s2p1o1", Layer("convt", (3, 3), (2,), padding=((1, 1),), output_padding=(1,))),
        ("max3x3s2p1", Layer("max", (3, 3), (2, 2), padding=((1, 1),))),
        ("avg2x2s2ceil", Layer("avg", (2, 2), (2, 2), ceil=True)),
        ("avg2x2s2psameceil", Layer("avg", (2, 2), (2, 2), padding="same", ceil=True)),
        ("gap", Layer("gap")),
        ("gap7x7", Layer("gap", (7, 7))),
        ("gmp", Layer("gmp")),
        ("fc@10b", Layer("fc", channels=Channels("=", 10), bias=True)),
        ("fcb@10", Layer("fc", channels=Channels("=", 10), bias=True)),
        ("linear@*4", Layer("linear", channels=Channels("*", 4))),
        ("gn32", Layer("gn", (32,))),
        ("lrn", Layer("lrn")),
        ("in", Layer("in")),
        ("relu6", Layer("relu6")),
        ("softmax", Layer("softmax")),
        ("scale", Layer("scale")),
        ("up2", Layer("up", (2,))),
        ("up2x3", Layer("up", (2, 3))),
        ("bilinear28", Layer("bilinear", (28,))),
        ("resize28x28", Layer("resize", (28, 28))),
        ("pad1", Layer("pad", pads=((1, 1),))),
        ("pad0:1x2", Layer("pad", pads=((0, 1), (2, 2)))),
        ("crop1x0", Layer("crop", pads=((1, 1), (0, 0)))),
        ("circular1", Layer("circular", pads=((1, 1),))),
        ("shuffle2", Layer("shuffle", (2,))),
        ("pixelshuffle2", Layer("pixelshuffle", (2,))),
        ("[:32]", Layer("slice", bounds=(None, 32))),
        ("[8:]", Layer("slice", bounds=(8, None))),
        ("[8:32]", Layer("slice", bounds=(8, 32))),
        ("[:]", Layer("slice")),
        ("[-8:]", Layer("slice", bounds=(-8, None))),
        ("[ 4 * 2 : 8//2*8 ]", Layer("slice", bounds=(8, 32))),
    ],
)
def test_layer(text: str, meant: Layer) -> None:
    assert layer(text) == meant


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3x3s2", "3x3s2x2"),
        ("3x3s1", "3x3"),
        ("3x3p0d1g1", "3x3"),
        ("3x3p1", "3x3p1:1x1:1"),
        ("3x3@*1", "3x3"),
        ("3x3@/1", "3x3"),
        ("3x3 s2 p1 @64", "3x3s2p1@64"),
        ("3x3 s2p1\t@64 b", "3x3@64bp1s2"),
        ("3x3 @ 64", "3x3@64"),
        ("3x3 stride=2 padding=1 channels=64 bias", "3x3s2p1@64b"),
        ("3x3 dilation=2x1 groups = 4", "3x3d2x1g4"),
        ("convt2x2 output_padding=1 stride=2", "convt2x2s2o1"),
        ("3x3 channels=*2", "3x3@*2"),
        ("3x3s(1+1)", "3x3s2"),
        ("(1+2)x(3)", "3x3"),
        ("3x(2 + 1)", "3x3"),
        ("up2x2", "up2"),
        ("pad1x1", "pad1"),
    ],
)
def test_spellings_of_one_layer(one: str, other: str) -> None:
    assert layer(one) == layer(other)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("3x3", "3X3"),
        ("3x3", "3 x3"),
        ("3x3", "3x 3"),
        ("3x3s2", "3x3s"),
        ("3x3s2", "3x3s0"),
        ("3x3s2", "3x3 s 2"),
        ("3x3@64", "3x3@6 4"),
        ("3x3@64", "3x3@-64"),
        ("3x3@64", "3x3@0"),
        ("3x3p0", "3x3p-1"),
        ("3x3d1", "3x3d0"),
        ("3x3g1", "3x3g0"),
        ("3x3g8", "3x3g8x8"),
        ("3x3s2x1", "3x3s2x1x1"),
        ("3x3s2p1", "3x3s2s1"),
        ("3x3psame", "3x3psamep1"),
        ("3x3b", "3x3bb"),
        ("3x3b", "3x3o1"),
        ("3x3", "3x3ceil"),
        ("dw3x3", "dw3x3g4"),
        ("dw kxk", "dwkxk"),
        ("max2x2s2", "max2x2"),
        ("max2x2s2", "max2x2s2@64"),
        ("max2x2s2", "maxs2"),
        ("avg2x2s2", "avg2x2s2d2"),
        ("fc@10", "fc"),
        ("fc@10", "fc10"),
        ("linear@10", "linear@10p1"),
        ("bn", "bn@64"),
        ("bn", "bn3"),
        ("gn32", "gn"),
        ("gn32", "gn0"),
        ("gn32", "gn4x8"),
        ("up2", "up"),
        ("up2", "up0"),
        ("shuffle2", "shuffle"),
        ("pad1", "pad"),
        ("resize7", "resize"),
        ("[:2]", "[2]"),
        ("[:2]", "[:2:1]"),
        ("[:2]", "[:2"),
        ("conv k", "k"),
        ("1x1", "1x1/2"),
    ],
)
def test_neighbours(good: str, bad: str) -> None:
    parse(good)
    refused(bad)


# Sizes in run-together text


def test_modifier_letters_are_no_sizes() -> None:
    size = symbol("S")
    assert layer("3x3sSp1@4C") == Layer(
        "conv", (3, 3), (size,), padding=((1, 1),), channels=Channels("=", 4 * symbol("C"))
    )
    for letter in "bdgopsxX":
        refused(f"3x3@{letter}")
        parse(f"3x3@({letter})")


def test_letters_with_digits() -> None:
    assert layer("3x3@C2").channels.size == symbol("C2")
    assert layer("3x3@4C2").channels.size == 4 * symbol("C2")
    assert layer("k1xk2") == Layer("conv", (symbol("k1"), symbol("k2")))
    refused("3x3@Cx")
    refused("3x3@CC")
    refused("3x3@4c")  # c could begin ceil: only a capital stands behind a number
    refused("4Cx3")  # a side of a kernel is a number, a letter, or stands in parentheses
    assert layer("(4C)x3").size == (4 * symbol("C"), 3)


def test_longer_names_stand_in_parentheses() -> None:
    assert layer("3x3@(width//2 + 1)p(k//2)s(S)").named() == {"width", "k", "S"}
    refused("3x3@width")
    refused("3x3@C//2")
    refused("3x3@C+1")


# Series, sums, repetition


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3x3, 1x1 + bn", "3x3, (1x1 + bn)"),
        ("2*bn + id", "(2*(bn)) + id"),
        ("2*3x3, bn", "(3x3, 3x3), bn"),
        ("2*(3x3, bn)", "3x3, bn, 3x3, bn"),
        ("2 * (3x3)", "3x3, 3x3"),
        ("1*(3x3)", "3x3"),
        ("3x3, 0*(bn)", "3x3"),
        ("3*(2*(bn))", "6*(bn)"),
        ("3x3, id, bn", "3x3, bn"),
        ("(3x3)", "3x3"),
        ("((3x3), bn)", "3x3, bn"),
        ("a = 3x3; a, bn", "3x3, bn"),
        ("e1 = 3x3; cat(e1 | 1x1)", "3x3, cat(id | 1x1)"),
        ("input + 3x3", "id + 3x3"),
        ("x_ = id; 3x3; cat(id | x_)", "cat(3x3 | input)"),
    ],
)
def test_readings(one: str, other: str) -> None:
    assert parse(one) == parse(other)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("3*(3)", "3*3"),
        ("3*3x3", "3*33"),
        ("3*(bn)", "3*"),
        ("3*(bn)", "3**(bn)"),
        ("3*(bn)", "-3*(bn)"),
        ("3*bn", "bn*3"),
        ("2*(2*(bn))", "2*2*(bn)"),
        ("3x3, bn", "3x3 bn"),
        ("3x3, bn", "3x3,, bn"),
        ("3x3, bn", "3x3,"),
        ("3x3, bn", ", bn"),
        ("3x3 + bn", "3x3 + "),
        ("3x3 + bn", "3x3 - bn"),
        ("(3x3)", "(3x3"),
        ("(3x3)", "3x3)"),
        ("(3x3)", "(3x3]"),
        ("(3x3)", "()"),
        ("cat(3x3 | bn)", "cat(3x3, bn)"),
        ("cat(3x3 | bn)", "cat(3x3 | )"),
        ("cat(3x3 | bn)", "cat (3x3 | bn)"),
        ("cat(3x3 | bn)", "cat(3x3)"),
        ("cat(3x3 | bn)", "3x3 | bn"),
        ("unused(bn)", "mul(bn)"),
        ("unused(bn)", "unused bn"),
        ("id", "id(3)"),
        ("bn", "bn()"),
        ("bn", "BN"),
    ],
)
def test_neighbours_in_a_series(good: str, bad: str) -> None:
    parse(good)
    refused(bad)


# Lines


@pytest.mark.parametrize(
    "text",
    [
        "3x3p1@64, relu",
        "3x3p1@64,\nrelu",
        "3x3p1@64\n, relu",
        "3x3p1@64\nrelu",
        "3x3p1@64; relu",
        "3x3p1@64;\n;\n relu;",
        "\n\n3x3p1@64 # a comment, with ) and (\n# another\n\n   \t relu\n",
        "3x3p1@64\r\nrelu\r\n",
        "3x3p1@64\r\n,\r\n\trelu",
        "(3x3p1@64\nrelu)",
        "(\n3x3p1@64,\nrelu\n)",
        "(3x3p1@64;relu)",
        "a = 3x3p1@64\nrelu",
        "a =\n3x3p1@64, relu",
        "a\n= 3x3p1@64, relu",
        "def f(\nC\n,D)\n=\n3x3p1@C\nf(64\n,\n1\n)\nrelu",
        "1\n*\n(3x3p1@64), relu",
        "1 # once\n* (3x3p1@64), relu",
        "3x3p1@(\n64\n), relu",
        "3x3p1@(60\n+ 4), relu",
        "3x3p1@64 \f, relu",
    ],
)
def test_line_breaks(text: str) -> None:
    assert parse(text) == parse("3x3p1@64, relu")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("3x3\n(bn)", "3x3, bn"),  # before "(" and after ")" a line ends
        ("(3x3)\nbn", "3x3, bn"),
        ("def f(C) = 3x3@C\nf(3)\nf(4)", "3x3@3, 3x3@4"),
        ("cat(\n3x3\n|\nbn\n)", "cat(3x3 | bn)"),
        ("cat(3x3\n| bn)", "cat(3x3 | bn)"),
        ("3x3\n+ id", "3x3 + id"),
        ("3x3 +\nid", "3x3 + id"),
        ("a = 3x3\nb = bn\noutput a |\nb", "a = 3x3; b = bn; output a | b"),
    ],
)
def test_signs_that_join_lines(text: str, same: str) -> None:
    assert parse(text) == parse(same)


@pytest.mark.parametrize(
    "text", ["3x3\ns2", "3x3@\n64", "max2x2\ns2", "cat\n(3x3 | bn)", "[:\n2]x", "3x3;,bn", "a;=3x3"]
)
def test_line_breaks_that_are_refused(text: str) -> None:
    refused(text)


def test_input_first_and_output_last() -> None:
    network = parse("input 3x8x8; a = 3x3p1; b = bn; output b | a | b")
    assert network.shape == (3, 8, 8)
    assert network.outputs == (2, 1, 2)
    assert parse("input CxHxW; bn").shape == (symbol("C"), symbol("H"), symbol("W"))
    assert parse("input 3x(2*4)x8; bn").shape == (3, 8, 8)
    assert parse("output input") == parse("id")
    assert parse("input; bn") == parse("bn")
    assert refused("bn; input 3x8x8") == "`input` is the first line of a text"
    assert refused("a = bn; output a; bn") == "`output` is the last line of a text"
    assert refused("(output a)") == "`output` is the last line of a text"
    assert refused("a = bn; output b") == "`b` is not the name of a value"
    assert refused("def f = bn; f; output f") == "`f` is not the name of a value"


@pytest.mark.parametrize("text", ["input", "output", "def", "shared", "cat", "mul", "unused", "id"])
def test_words_of_the_language_are_no_names(text: str) -> None:
    refused(f"{text} = 3x3")


@pytest.mark.parametrize(
    "name", ["up2", "kxk", "relu", "gn32", "max2x2", "conv", "dw3", "conv3x3", "exh", "axis"]
)
def test_what_reads_as_a_layer_is_no_name(name: str) -> None:
    refused(f"{name} = 3x3")
    refused(f"def {name}(C) = 3x3")


@pytest.mark.parametrize(
    "name", ["conv1", "layer1.0", "e1", "f", "x", "fc1", "relu1", "bn1", "up_2", "_", "Stem", "b"]
)
def test_names(name: str) -> None:
    assert parse(f"{name} = 3x3; {name}, bn") == parse("3x3, bn")
    assert parse(f"def {name} = 3x3; 2*{name}") == parse("2*(3x3)")


# Examples and shapes


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_the_reference(name: str) -> None:
    network = parse(EXAMPLES[name])
    assert parse(str(network)) == network
    assert str(parse(str(network))) == str(network)


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("resnet50", (1000,)),
        ("vgg16", (1000,)),
        ("mobilenet_v2", (1000,)),
        ("efficientnet_b0", (1000,)),
        ("densenet121", (1000,)),
        ("shufflenet_v2", (1000,)),
        ("unet", (2, 512, 512)),
    ],
)
def test_shapes_of_the_examples(name: str, output: tuple[int, ...]) -> None:
    network = parse(EXAMPLES[name])
    assert network.shapes[network.outputs[0]] == output
    assert network.assumptions.listed() == ()


def test_parse_shape() -> None:
    assert parse_shape("3x224x224") == (3, 224, 224)
    assert parse_shape(" 16 ") == (16,)
    assert parse_shape("CxHx(2*W)") == (symbol("C"), symbol("H"), 2 * symbol("W"))


@pytest.mark.parametrize("text", ["", "3x", "3x0x4", "3,4", "3x4 x5", "x", "3x-1", "(3", "3x4;"])
def test_shapes_that_are_none(text: str) -> None:
    with pytest.raises(LocatedError):
        parse_shape(text)
