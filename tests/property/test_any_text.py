"""Whatever is written, the answer is a Network or a ConvalgebraError, at once."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import PIECES

from convalgebra.errors import ConvalgebraError, LocatedError
from convalgebra.language import parse, parse_shape
from spec_examples import EXAMPLES

SOON = 2.0  # seconds; a text of this length takes a few milliseconds, but machines hesitate


def is_answered(text: str) -> None:
    start = time.perf_counter()
    try:
        network = parse(text)
        assert parse(str(network)) == network
        if network.shape is not None:
            assert len(network.shapes) == len(network.nodes)
    except ConvalgebraError as error:
        message = str(error)
        assert message.isprintable() or "\n" in message
        assert len(message) < 2000
        if isinstance(error, LocatedError) and error.span is not None:
            assert 0 <= error.span.start <= error.span.stop
    assert time.perf_counter() - start < SOON


pieces = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@settings(max_examples=500)
@given(pieces)
@example("3x3@(C/(D-D))")
@example("input 3x8x8; 3x3@(C//(C-1))")
def test_pieces_of_the_language(text: str) -> None:
    is_answered(text)


@settings(max_examples=100)
@given(st.text(max_size=30))
def test_any_characters(text: str) -> None:
    is_answered(text)


@settings(max_examples=300)
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


@pytest.mark.parametrize("end", range(0, 40))
def test_every_beginning_of_a_text(end: int) -> None:
    is_answered("input 3x8x8; def f(C) = 3x3@C; 2*(f(4) + id)"[:end])
