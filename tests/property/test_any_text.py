"""Whatever is written, the answer is a Network or a ConvalgebraError, at once."""

from __future__ import annotations

import pytest
from calls import counted
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import EXAMPLES, PIECES

from convalgebra.errors import ConvalgebraError
from convalgebra.language import parse, parse_shape
from convalgebra.sizes import symbol

symbol("C")  # the first named size imports sympy
SOON = 1_000_000  # calls of functions; such a text takes some thousands


def is_answered(text: str) -> None:
    with counted(SOON):
        try:
            network = parse(text)
        except ConvalgebraError as error:
            is_readable(error)
        else:
            assert parse(str(network)) == network
            try:
                assert len(network.shapes) == len(network.nodes)
            except ConvalgebraError as error:
                is_readable(error)


def is_readable(error: ConvalgebraError) -> None:
    lines = str(error).split("\n")
    assert len(lines) <= 5
    assert all(line.isprintable() and len(line) <= 200 for line in lines)


pieces = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@settings(max_examples=300)
@given(pieces)
@example("3x3@(C/(D-D))")
@example("input 3x8x8; 3x3@(C//(C-1))")
def test_pieces_of_the_language(text: str) -> None:
    is_answered(text)


@settings(max_examples=100)
@given(st.text(max_size=30))
def test_any_characters(text: str) -> None:
    is_answered(text)


@settings(max_examples=120)
@given(st.sampled_from(sorted(EXAMPLES)), st.data())
def test_examples_with_something_changed(name: str, data: st.DataObject) -> None:
    text = EXAMPLES[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = start + data.draw(st.sampled_from([0, 1, 1, 2, 7]))
        text = text[:start] + data.draw(st.one_of(st.just(""), pieces)) + text[stop:]
    is_answered(text)


@settings(max_examples=200)
@given(st.lists(st.sampled_from([*"0123456789xXCkHs()+-*/:,. \n", "224"]), max_size=8))
def test_shapes(parts: list[str]) -> None:
    try:
        shape = parse_shape("".join(parts))
        assert len(shape) >= 1
    except ConvalgebraError:
        pass


@pytest.mark.parametrize("end", range(40))
def test_every_beginning_of_a_text(end: int) -> None:
    is_answered("input 3x8x8; def f(C) = 3x3@C; 2*(f(4) + id)"[:end])
