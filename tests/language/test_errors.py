"""What a user reads where a text is wrong: whole, with the line and the caret."""

from __future__ import annotations

from pathlib import Path

import pytest

from convalgebra.errors import ConvalgebraError
from convalgebra.language import parse

# Blocks of a text, each line after a bar, and the error that it gets.
BLOCKS = (
    (Path(__file__).parent.parent / "data" / "language_errors.txt")
    .read_text(encoding="utf-8")
    .rstrip("\n")
    .split("\n\n")
)


def error_of(text: str, name: str = "<stack>") -> str:
    with pytest.raises(ConvalgebraError) as caught:
        _ = parse(text, name).shapes
    return str(caught.value)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.partition("\n")[0][2:30])
def test_error(block: str) -> None:
    lines = block.split("\n")
    text = [line[2:] for line in lines if line.startswith("|")]
    assert error_of("\n".join(text)).split("\n") == lines[len(text) :]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3x3\0", "found the character U+0000"),
        ("3x3 \u200b", "found the character U+200B"),
        ("3x3\u00a0p1", "found the character U+00A0"),
        ("3x3\u2028", "found the character U+2028"),
        ("3x3@ \t", "found the end"),
        ("3x3s ", "found a space"),
        ("\ufeff3x3", "found the character U+FEFF"),
        ("３x３", "found `３x３`"),
    ],
)
def test_characters_that_cannot_be_seen(text: str, found: str) -> None:
    assert error_of(text).split("\n")[0].endswith(found)


def test_an_error_names_its_source() -> None:
    shown = error_of("3x3\n\n  bn, frobnicate", "nets/spec.txt")
    assert shown.split("\n")[-1] == "  nets/spec.txt:3:7"


def test_control_characters_do_not_reach_the_terminal() -> None:
    shown = error_of("3x3 # \x1b[31m\n\r\x07bn, \x9bfrobnicate")
    assert all(line.isprintable() for line in shown.split("\n"))
