"""The line with its caret: within 80 columns, whatever the line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convalgebra.errors import LocatedError, Source, Span


def excerpt(text, start, stop):
    """The two lines that show the place."""
    return str(LocatedError("wrong", Source(text), Span(start, stop))).splitlines()[1:3]


@given(st.integers(70, 300), st.data())
def test_a_place_is_shown_within_80_columns(length, data):
    start = data.draw(st.integers(0, length))
    stop = data.draw(st.integers(start + 1, length + 200))
    text = "".join(chr(0x4E00 + at) for at in range(length))  # every character another one
    line, pointer = excerpt(text + "\nmore", start, stop)
    assert len(line) <= 80
    assert len(pointer) <= 80
    assert pointer.strip("~ ") == "^"
    if start < length:
        first = len(pointer) - len(pointer.lstrip())
        assert line[first] == text[start]


@pytest.mark.parametrize(
    ("start", "shown"),
    [
        (0, f"  {'a' * 72}..."),
        (100, f"  ...{'a' * 72}..."),
        (199, f"  ...{'a' * 72}"),  # as much as fits, also at the end
        (200, f"  ...{'a' * 72}"),
    ],
)
def test_a_long_line_is_cut_around_the_place(start, shown):
    assert excerpt("a" * 200, start, start + 1)[0] == shown


def test_a_line_that_fits_is_shown_whole():
    assert excerpt("a" * 78, 77, 78) == ["  " + "a" * 78, " " * 79 + "^"]
