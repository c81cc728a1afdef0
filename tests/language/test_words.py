"""The cut of run-together text, decided by the text alone."""

from __future__ import annotations

import pytest

from convalgebra.language.hints import EXAMPLES
from convalgebra.language.words import RESERVED, layer_word, reads_as_layer
from convalgebra.layers import KINDS, MERGES, WORDS


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("3x3", ""),
        ("kxk", ""),
        ("KxKxK", ""),
        ("kxksSp(K//2)", ""),
        ("kx(k+1)", ""),
        ("kxkps(k)", None),
        ("k", None),
        ("mb", None),
        ("dw3x3sSp1", "dw"),
        ("dwKxKsSp(K//2)", "dw"),
        ("dwkxk", None),
        ("dw kxk", "dw"),
        ("dw k", "dw"),
        ("dw", None),
        ("down", None),
        ("max2x2s2ceil", "max"),
        ("maxpool", None),
        ("conv1", None),
        ("conv1x1", "conv"),
        ("conv 1", "conv"),
        ("conv2s2", "conv"),
        ("convt2x2s2", "convt"),
        ("convt", None),
        ("gap", "gap"),
        ("gap7x7", "gap"),
        ("gapped", None),
        ("gn32", "gn"),
        ("gn", None),
        ("relu", "relu"),
        ("relu6", "relu6"),
        ("relu1", None),
        ("relu.1", None),
        ("fc@10", "fc"),
        ("fcb", "fc"),
        ("fc10", None),
        ("in", "in"),
        ("input", None),
        ("up2", "up"),
        ("up2x(k)", "up"),
        ("upk", None),
        ("pad1:(k)", "pad"),
        ("layer1.0", None),
        ("é", None),
        ("", None),
    ],
)
def test_layer_word(text: str, word: str | None) -> None:
    assert layer_word(text, 0) == word
    assert layer_word(f"bn, {text}", 4) == word


@pytest.mark.parametrize("word", sorted(WORDS | RESERVED))
def test_every_word_is_refused_as_a_name(word: str) -> None:
    assert reads_as_layer(word)


def test_every_word_with_an_argument_has_an_example() -> None:
    taking = {word for word in WORDS if KINDS[word].argument not in ("none", "optional sizes")}
    assert taking | {"fc", "linear", "opaque"} | MERGES - {"add"} == EXAMPLES.keys()
