"""Borders as text: places, rings, pictures, what is mended and what is not told."""

import pytest

import convalgebra
from convalgebra.algebra.borders import borders, compare_borders
from convalgebra.language import parse
from convalgebra.render.borders_text import border_sections, borders_sentence


def of(text):
    return borders(parse(f"input {text}"))


def shown(left, right):
    found = compare_borders(parse(f"input {left}"), parse(f"input {right}"))
    ((title, lines),) = border_sections(found, 80)
    return "\n".join([title, *lines])


def test_the_text_of_a_ring():
    assert (
        shown("1x12x12; 5x5p2", "1x12x12; 3x3p1, 3x3p1")
        == """\
Borders on an input of 1x12x12
5x5p2 is its merged convolution at all 144 outputs.
3x3p1,3x3p1 differs from its merged convolution at 44 of 144 outputs, a ring of width 1.
Layer 2 (3x3p1) reads zeros where layer 1, continued beyond its border, is not zero.
Mended by 3x3p2,3x3: all padding at the input, the same output, no difference.
Where the two are equal away from the borders, they differ at 44 of 144 outputs, \
for almost all weights."""
    )


def test_the_text_of_sides_and_of_several_layers():
    assert (
        shown("1x9x9; 7x7p2:4x3", "1x9x9; 3x3p2:0x1, 3x3p0:2x1, 3x3p0:2x1")
        == """\
Borders on an input of 1x9x9
7x7p2:4x3 is its merged convolution at all 81 outputs.
3x3p2:0x1,3x3p0:2x1,3x3p0:2x1 differs from its merged convolution at 56 of 81 outputs, the last 4 \
rows, the first 2 columns and the last 2 columns.
Layer 2 (3x3p0:2x1) reads zeros where layer 1, continued beyond its border, is not zero; 56 \
outputs feel it.
Layer 3 (3x3p0:2x1) reads zeros where layer 2, continued beyond its border, is not zero; 32 \
outputs feel it.
Mended by 3x3p2:4x3,3x3,3x3: all padding at the input, the same output, no difference.
Where the two are equal away from the borders, they differ at 56 of 81 outputs, \
for almost all weights."""
    )


def test_the_text_of_a_picture():
    assert (
        shown("1x7; 7p3", "1x7; 3p1, 3p2d2")
        == """\
Borders on an input of 1x7
7p3 is its merged convolution at all 7 outputs.
3p1,3p2d2 differs from its merged convolution at 2 of 7 outputs, among the first 2 and the last 2.
  .#...#.
Layer 2 (3p2d2) reads zeros where layer 1, continued beyond its border, is not zero.
Mended by 3p3,3d2: all padding at the input, the same output, no difference.
Where the two are equal away from the borders, they differ at 2 of 7 outputs, \
for almost all weights."""
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("1x9; 3p1, 3p2:0", "2 of 9 outputs, the first 2."),
        ("1x9; 3p1, 3p1:0", "1 of 8 outputs, the first."),
        ("1x3; 3p1, 3p1, 3p1", "all 3 outputs."),
        ("1x5x5x5; 3x3x3p1, 3x3x3p1", "98 of 125 outputs, a shell of width 1."),
        ("1x5x5x5; 3x3x3p1, 3x1x1p0:2x0x0", "50 of 125 outputs, the last 2 along axis 1."),
        ("1x12x12; 3x3p1, 3x3p3d3", "44 of 144 outputs, not all of a ring of width 3."),
        ("1x9x9; 3x3p1, 3x3p1:0x0:1", "15 of 64 outputs, the first row and the last column."),
    ],
)
def test_the_text_of_places(text, where):
    assert borders_sentence(of(text)).partition(" convolution at ")[2] == where


def test_the_text_of_many_layers():
    text = shown("1x40; 25p12", "1x40; 12*(3p1)")
    assert "feel it.\nSo do up to 8 more layers.\n" in text
    assert "Mended by 3p12,11*(3): all padding" in text


def test_the_text_of_a_long_stack_that_is_mended():
    branches = " + ".join(f"{2 * p + 1}p{p}" for p in range(10))
    text = shown("1x20; 21p10", f"1x20; {branches}, 3p1")
    assert "\nMended by moving all padding to the input, the same output, no difference.\n" in text


def test_the_text_of_an_output_that_differs_everywhere():
    text = shown("1x3; 7p3", "1x3; 3p1, 3p1, 3p1")
    assert text.endswith(
        "\nWhere the two are equal away from the borders, they differ at all 3 outputs, "
        "for almost all weights."
    )


def test_the_text_of_what_is_not_decided():
    where = "Where the two are equal away from the borders, they"
    undecided = (
        "at 2 of 9 outputs neither is the merged convolution, and it is not decided whether they "
        "differ from one another."
    )
    text = shown("1x9; 3p1, 3p1", "1x9; 3p1, 1, 3p1")
    assert text.endswith(f"\n{where} are equal at 7; {undecided}")
    text = shown("1x9; 3p1, 3p1", "1x9; 2p1:0, 2p0:1, 3p1")
    assert text.endswith(f"\n{where} differ at 1 of 9 outputs; {undecided}")


def test_the_text_of_what_is_refused():
    assert (
        shown("1x9; 3p1", "1x9; 2, circular0:1, 2")
        == """\
Borders on an input of 1x9
3p1 is its merged convolution at all 9 outputs.
Not told: `circular0:1` continues a map by the other side; borders are told for padding with zeros \
only (p1, psame, pad1)."""
    )


def test_a_report_has_its_borders():
    report = convalgebra.equiv("5x5p2", "3x3p1,3x3p1", channels=2, input="12x12")
    assert report.borders.exactly_one == 44
    text = str(report)
    assert "they differ at 44 of 144" in text
    assert max(map(len, text.splitlines())) <= 80
