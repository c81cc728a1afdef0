"""Names, patterns, shared layers and repetition: what is written out, and what is refused."""

from __future__ import annotations

import pytest

from convalgebra.errors import LanguageError
from convalgebra.language import parse
from convalgebra.layers import Opaque


def refused(text: str) -> str:
    with pytest.raises(LanguageError) as caught:
        parse(text)
    return caught.value.message


# Names


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("3x3, bn", [(0,), (1,)]),
        # A name begins a path at that value, whatever came before.
        ("a = 3x3; b = bn; cat(a | b)", [(0,), (1,), (1, 2)]),
        ("a = 3x3; b = bn; cat(b | a)", [(0,), (1,), (2, 1)]),
        ("e1 = 3x3; max2x2s2, up2; cat(e1 | id)", [(0,), (1,), (2,), (1, 3)]),
        ("a = 3x3; b = bn; a, 1x1; id + b", [(0,), (1,), (1,), (3, 2)]),
        ("a = 3x3; bn + a, 1x1", [(0,), (1,), (2, 1), (3,)]),
        # `x = id` names what comes in, `input` is the input.
        ("x = id; 3x3 + x", [(0,), (1, 0)]),
        ("3x3 + input", [(0,), (1, 0)]),
        ("3x3; x = id; bn; cat(id | x)", [(0,), (1,), (2, 1)]),
        ("id + id", [(0, 0)]),
        # Names inside parentheses stay inside, and may be those of others outside.
        ("(a = 3x3; bn, cat(id | a)), relu", [(0,), (1,), (2, 1), (3,)]),
        ("a = 3x3; (a = bn; cat(a | id)); cat(a | id)", [(0,), (1,), (2, 2), (1, 3)]),
        ("cat(a = 3x3; bn + a | 1x1)", [(0,), (1,), (2, 1), (0,), (3, 4)]),
        ("unused(3x3), bn", [(0,), (0, 1), (2,)]),
        ("unused(3x3 | 1x1), bn", [(0,), (0,), (0, 1, 2), (3,)]),
    ],
)
def test_names(text: str, inputs: list[tuple[int, ...]]) -> None:
    assert [node.inputs for node in parse(text).nodes[1:]] == inputs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a; a = 3x3", "`a` is not defined"),
        ("(a = 3x3); a", "`a` is not defined"),
        ("cat(a = 3x3 | a)", "`a` is not defined"),
        ("a = a, 3x3", "`a` is not defined"),
        ("a = 3x3; a = bn", "`a` is defined twice"),
        ("a = 3x3; def a = bn", "`a` is defined twice"),
        ("def a = 3x3; shared a = bn", "`a` is defined twice"),
        ("a = 3x3; a(3)", "`a` takes no arguments"),
        ("shared a = 3x3; a(3)", "`a` takes no arguments"),
        ("a = 3x3; input, bn", "what comes out here leads nowhere"),
        ("3x3; input, bn", "what comes out here leads nowhere"),
        ("a = 3x3; b = bn; output a", "what comes out here leads nowhere"),
        ("3x3, (input, bn)", "what comes out here leads nowhere"),
        ("3x3 + 3", "a kernel with 1 axis beside one with 2 axes"),
        ("3x3x3, 3x3", "a kernel with 2 axes beside one with 3 axes"),
    ],
)
def test_names_that_are_refused(text: str, message: str) -> None:
    assert refused(text) == message


# Patterns


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f = 3x3, bn; f, f", "3x3, bn, 3x3, bn"),
        ("def f(C) = 3x3@C; f(4), f(8)", "3x3@4, 3x3@8"),
        ("def f(C) = 3x3@(C//2 + 1); f(8)", "3x3@5"),
        ("def f(C, S) = 3x3sSp1@4C; f(2, 2)", "3x3s2p1@8"),
        ("def f(C) = 3x3@C; def g(C) = f(2*C), f(C); g(3)", "3x3@6, 3x3@3"),
        ("def f(n) = n*(bn); f(3), f(0), relu", "3*(bn), relu"),
        ("def f(n) = n*bn; f(2)", "bn, bn"),
        ("def f = 3x3; (def f = bn; f), f", "bn, 3x3"),
        ("def f = 3x3; def g = (def f = bn; f), f; g", "bn, 3x3"),
        ("def f = 3x3; def g = f; (def f = bn; g)", "3x3"),  # what g saw, it keeps
        ("def f = (a = 3x3; bn, a + id); f", "a = 3x3; bn, a + id"),
        ("def f(C) = 3x3@C; f(D)", "3x3@D"),
        ("def f = 3x3@C; f", "3x3@C"),
        ("def f(b) = 3x3@(b); f(2)", "3x3@2"),
        ("2*(def f = bn; f)", "bn, bn"),
        ("def f = (shared g = 3x3; g, g); f", "shared g = 3x3; g, g"),
    ],
)
def test_patterns(one: str, other: str) -> None:
    assert parse(one) == parse(other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f; def f = 3x3", "`f` is not defined"),
        ("def f = f; f", "`f` is not defined"),
        ("def f = g; def g = 3x3; f", "`g` is not defined"),
        ("a = 3x3; def f = a; f", "`a` is not defined"),
        ("shared a = 3x3; def f = a; f", "`a` is not defined"),
        ("def f = input; f", "`input` is not defined"),
        ("def f(C) = g(C); def g(C) = 3x3@C; f(3)", "`g` is not defined"),
        ("def f(C) = C; f(3)", "`C` is not defined"),
        ("def f(C) = 3x3@C; f", "`f` takes 1 argument, none given"),
        ("def f(C) = 3x3@C; f(3, 4)", "`f` takes 1 argument, 2 given"),
        ("def f(C, D) = 3x3@(C+D); f(3)", "`f` takes 2 arguments, 1 given"),
        ("def f = 3x3; f(3)", "`f` takes no arguments, 1 given"),
        ("def f(C, C) = 3x3@C; f(3, 4)", "the parameter `C` stands twice"),
        ("def f(C) = 3x3@C; f(0)", "a number of channels must be at least 1, not 0"),
        ("def f(C) = 3x3@(C/2); f(3)", "3/2 leaves a rest; // rounds down"),
        ("def f(n) = n*(bn); f(0-1)", "a repetition of -1 times"),
        ("def f(n) = n*(bn); f(C)", "a repetition needs a number: `n` is a named size"),
        ("n*(bn)", "a repetition needs a number: `n` is no parameter"),
    ],
)
def test_patterns_that_are_refused(text: str, message: str) -> None:
    assert refused(text) == message


def test_a_pattern_that_is_not_used_is_not_read() -> None:
    assert parse("def f(C) = g(C); bn") == parse("bn")


# Shared layers


def weights(text: str) -> list[int]:
    return [node.weights for node in parse(text).nodes]


def test_new_weights_and_the_same_weights() -> None:
    assert weights("def f = 3x3; f, f") == [0, 1, 2]
    assert weights("shared f = 3x3; f, f") == [0, 1, 1]
    assert weights("shared f = 3x3, bn; 2*f, 3x3") == [0, 1, 2, 1, 2, 5]
    assert weights("shared f = 3x3; shared g = f, f; g, f, g") == [0, 1, 1, 1, 1, 1]
    assert weights("cat(shared f = 3x3; f, f | shared f = 1x1; f, f)") == [0, 1, 1, 3, 3, 5]


def test_only_weights_are_shared() -> None:
    assert parse("shared f = relu; f, f") == parse("relu, relu")
    assert parse("shared f = 3x3p1 + id; f, f") == parse("shared g = 3x3p1; (g + id), (g + id)")
    assert parse("shared f = id; 3x3, f") == parse("3x3")
    assert weights("shared f = 3x3p1 + bn, relu; f, f") == [0, 1, 2, 3, 4, 1, 2, 7, 8]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shared f = f, 3x3; f", "`f` is not defined"),
        ("shared f = g; def g = 3x3; f", "`g` is not defined"),
        ("shared f = g; g = 3x3; f", "`g` is not defined"),
        ("shared f = g; shared g = f; f", "`g` is not defined"),
        ("(shared f = 3x3; f); f", "`f` is not defined"),
    ],
)
def test_shared_layers_that_are_refused(text: str, message: str) -> None:
    assert refused(text) == message


def test_a_shared_layer_sees_what_was_there_before_it() -> None:
    # A later name of its own surroundings does not change what a shared layer means.
    text = "def g = bn; (shared f = g, 3x3; f, (def g = relu; f), f)"
    assert parse(text) == parse("shared b = bn; shared c = 3x3; 3*(b, c)")
    text = "def g = bn; (shared f = g, 3x3; f; def g = relu, relu; f)"
    assert parse(text) == parse("shared b = bn; shared c = 3x3; 2*(b, c)")


# Where a layer stands


def test_blocks_and_names() -> None:
    text = """\
def unit(C) = 3x3p1@C, (relu)
stem = 7x7
layer1 = 2*unit(8), 2*(bn, 1x1)
shared head = linear@4
head
"""
    network = parse(text)
    assert [node.block for node in network.nodes[1:]] == [
        ("stem",),
        ("layer1", "unit(8) #1"),
        ("layer1", "unit(8) #1"),
        ("layer1", "unit(8) #2"),
        ("layer1", "unit(8) #2"),
        ("layer1", "#1"),
        ("layer1", "#1"),
        ("layer1", "#2"),
        ("layer1", "#2"),
        ("head",),
    ]
    assert [node.name for node in network.nodes] == ["input", "stem", *[""] * 7, "layer1", ""]
    assert len(network) == 10


def test_layers_stand_where_they_are_written() -> None:
    text = "def f(C) = 3x3@C, bn\nf(8), 1x1p0:1 @4"
    shown = [text[node.span.start : node.span.stop] for node in parse(text).nodes[1:]]
    assert shown == ["3x3@C", "bn", "1x1p0:1 @4"]


def test_equal_layers_are_one_object() -> None:
    nodes = parse("3x3p1@64; def f(C) = 3x3p1@C; f(64), f(32), f(64), 3x3 p1 @64").nodes
    assert nodes[1].layer is nodes[2].layer is nodes[4].layer is nodes[5].layer


def test_opaque_layers() -> None:
    text = "a = 1x1@4; def f(C) = opaque(attend, (C*2)x7, 12345678901234, ? | a | input); f(3)"
    network = parse(text.replace("def f(C)", "def g = id; def f(C)").replace("| a | input", ""))
    node = network.nodes[-1]
    assert node.inputs == (1,)
    assert node.layer.size == (6, 7)
    assert node.layer.opaque == Opaque("attend", 12345678901234, None)
    head = parse("opaque(head, 5, 20+5, 100)").nodes[1].layer.opaque
    assert head == Opaque("head", 25, 100, biases=5)
    joined = parse("a = 1x1@4; opaque(attend, 6x7, 0, 5 | a | input | 3x3), bn")
    assert joined.nodes[3].inputs == (1, 0, 2)
    assert parse(str(joined)) == joined
