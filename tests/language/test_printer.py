"""Canonical text, case by case. That it reads back is a property test."""

from __future__ import annotations

import pytest
from calls import counted

from convalgebra.language import parse
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import Channels, Layer
from convalgebra.network import INPUT, Network, Node
from convalgebra.sizes import symbol


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        # Modifiers in the order s p d o g @ ceil b.
        ("3x3 b @64 g2 d2 p1 s2", "3x3s2p1d2g2@64b"),
        ("convt3x3@8o1p1s2", "convt3x3s2p1o1@8"),
        ("max2x2ceilp1s2", "max2x2s2p1ceil"),
        ("conv3x3", "3x3"),
        ("conv 3", "3"),
        ("conv k", "conv k"),
        ("conv (k+1)", "conv (k + 1)"),
        ("(k+1)x3", "conv (k + 1)x3"),
        ("3x(k+1)", "3x(k + 1)"),
        ("kxk", "kxk"),
        ("dw kxk", "dw kxk"),
        ("dwKxK", "dwKxK"),
        ("3x3s1p0d1g1@*1", "3x3"),
        ("3x3s2x1p1x0d1x2", "3x3s2x1p1x0d1x2"),
        ("3x3p0:1", "3x3p0:1"),
        ("3x3p0:1x2:2", "3x3p0:1x2"),
        ("3x3psame", "3x3psame"),
        ("max2x2s1", "max2x2s1"),
        ("3x3@(4*16)", "3x3@64"),
        ("3x3@4C", "3x3@(4*C)"),
        ("3x3@(C//2)", "3x3@(C//2)"),
        ("3x3@((C+1)/2*2)", "3x3@(2*((C + 1)/2))"),
        ("3x3@(2*(6*C)/4)", "3x3@(3*C)"),
        ("fc@((W/8)//2)", "fc@((W/8)//2)"),
        ("3x3@(C + 0*(H/2))", "3x3@(0*(H/2) + C)"),
        ("3x3@(C + 0//(H//2))", "3x3@(0//(H//2) + C)"),
        ("3x3@(C + 0//H)", "3x3@C"),
        ("3x3@*(E)", "3x3@*E"),
        ("up(k)", "up(k)"),
        ("upK", "upK"),
        ("pad(k):2", "pad(k):2"),
        ("pad1x1", "pad1"),
        ("[(2*3):]", "[6:]"),
        ("[-2:]", "[-2:]"),
        ("[:]", "[:]"),
        ("linear@/2b", "linear@/2b"),
        # A sum inside a series stands in parentheses, a series inside a sum too.
        ("3x3, 1x1 + id, bn", "3x3, (1x1 + id), bn"),
        ("(3x3, bn) + id", "(3x3, bn) + id"),
        ("(3x3) + (id)", "3x3 + id"),
        ("(1x1 + id) + bn", "(1x1 + id) + bn"),
        ("cat(3x3, bn | (1x1 + id))", "cat(3x3, bn | 1x1 + id)"),
        # Equal neighbours are folded.
        ("3x3, 3x3", "2*(3x3)"),
        ("3x3, bn, 3x3, bn, 3x3", "3x3, 2*(bn, 3x3)"),
        ("2*(3x3, 3x3, bn)", "2*(2*(3x3), bn)"),
        ("3x3 + id, 3x3 + id", "2*(3x3 + id)"),
        ("cat(id | bn), cat(id | bn)", "2*(cat(id | bn))"),
        ("0*(3x3)", "id"),
        ("def f(C) = 3x3@C, bn; 3*f(8)", "3*(3x3@8, bn)"),
        # Names only where a value is read again, or out of order.
        ("a = 3x3; b = bn; cat(a | b)", "3x3, cat(id | bn)"),
        ("a = 3x3; b = bn; cat(b | a)", "3x3, cat(bn | id)"),
        ("a = 3x3; b = bn; output a | b", "value_1 = 3x3; value_2 = bn; output value_1 | value_2"),
        ("3x3 + input", "3x3 + id"),
        (
            "a = 3x3; input; b = bn; cat(b | a)",
            "value_1 = 3x3; value_2 = input, bn; cat(value_2 | value_1)",
        ),
        ("3x3, 1x1 + id + (bn + relu)", "3x3, (1x1 + id + (bn + relu))"),
        ("unused(gap, fc@10), bn", "unused(gap, fc@10), bn"),
        ("shared f = 3x3p1; f, relu, f", "shared shared_1 = 3x3p1; shared_1, relu, shared_1"),
        ("input 3x(4*2)xW; bn", "input 3x8xW; bn"),
        ("input Cx(H+1)x(b); bn", "input Cx(H + 1)x(b); bn"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical
    assert str(parse(canonical)) == canonical


def test_every_field_is_printed() -> None:
    full = Layer(
        "convt",
        (3, symbol("k")),
        (2, 1),
        (1, 2),
        ((1, 0), (2, 2)),
        (1, 0),
        4,
        Channels("*", 2),
        bias=True,
    )
    assert layer_text(full) == "convt3xks2x1p1:0x2d1x2o1x0g4@*2b"


def test_networks_that_no_reader_writes_by_hand() -> None:
    twice = Network(None, (Node(INPUT, (), 0), Node(Layer("mul"), (0, 0), 1)), (1, 1, 0))
    assert str(twice) == "value_1 = mul(id | id); output value_1 | value_1 | input"
    nothing = Network((3, 8, 8), (Node(INPUT, (), 0),), (0,))
    assert str(nothing) == "input 3x8x8; id"
    assert parse(str(nothing)) == nothing


def test_deep_branches_are_cut_where_the_parser_stops() -> None:
    for text in ("(3x3p1 + id)", "(2*(bn, cat(3x3p1, 1x1 + bn | id)) + id)"):
        for _ in range(30):
            text = f"({text}, relu) + id" if text.count("relu") % 2 else f"cat({text}, relu | id)"
        network = parse(text)
        assert parse(str(network)) == network


def test_a_deep_wiring_needs_no_deep_text() -> None:
    nodes = [Node(INPUT, (), 0)]
    for index in range(1, 401, 2):  # 200 residual blocks, each inside the branch of the next
        nodes.append(Node(Layer("bn"), (index - 1,), index))
        nodes.append(Node(Layer("add"), (index, 0), index + 1))
    network = Network(None, tuple(nodes), (400,))
    assert parse(str(network)) == network


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"3x3p1@{i + 1}, bn" for i in range(5000)),
        "500*((3x3p1, relu) + id)",
        "\n".join(f"l{i}_ = 3x3p1@{i % 7 + 1}" for i in range(10_000)),
        "cat(" + " | ".join("3x3" for _ in range(10_000)) + ")",
    ],
    ids=["chain", "blocks", "names", "branches"],
)
def test_ten_thousand_layers_are_printed_in_linear_time(text: str) -> None:
    network = parse(text)
    with counted(6_000_000):
        printed = str(network)
    assert parse(printed) == network
