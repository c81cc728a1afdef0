"""Sizes as text: what they are worth, and what is refused."""

from __future__ import annotations

import pytest

from convalgebra.errors import LanguageError
from convalgebra.language import parse
from convalgebra.sizes import Size, exact_divide, floor_divide, quotient, symbol

C, H, W = symbol("C"), symbol("H"), symbol("W")


def size(text: str) -> Size:
    """What `text` is worth inside parentheses."""
    return parse(f"3x3@({text})").nodes[1].layer.channels.size


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64", 64),
        ("2+3*4", 14),
        ("(2+3)*4", 20),
        ("20-3-4", 13),
        ("20-(3-4)", 21),
        ("24/2/3", 4),
        ("24/(6/3)", 12),
        ("17//5*2", 6),
        ("2*17//5", 6),
        ("17//(5*2)", 1),
        ("7//2//2", 1),
        ("1+2-3+4*5//6", 3),
        ("((((5))))", 5),
        (" 5\n*\n2 # ten\n", 10),
        ("C", C),
        ("4C", 4 * C),
        ("4C*2", 8 * C),
        ("24/4C", 6 / C),
        ("C*C + C*(H - 1)", C * C + C * H - C),
        ("C/2*2", 2 * quotient(C, 2)),
        ("2*(C/2)", 2 * quotient(C, 2)),
        ("4*C/2", 2 * C),
        ("C/2/2", exact_divide(C, 4)),
        ("(W/8)//2", floor_divide(quotient(symbol("W"), 8), 2)),
        ("(C+1)*(C-1)", C * C - 1),
        ("C//2", floor_divide(C, 2)),
        ("(C*6)//2", 3 * C),
        ("C//2//3", floor_divide(C, 6)),
        ("width", symbol("width")),
        ("_n1", symbol("_n1")),
        ("b + x", symbol("b") + symbol("x")),
        ("__import__", symbol("__import__")),
    ],
)
def test_values(text: str, value: Size) -> None:
    assert size(text) == value
    assert isinstance(size(text), int) == isinstance(value, int)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("7/2", "7/2 leaves a rest; // rounds down"),
        ("7//0", "division by zero"),
        ("C/0", "division by zero"),
        ("C/(H-H)", "division by zero"),
        ("C//(H-H)", "division by zero"),
        ("2-2", "a number of channels must be at least 1, not 0"),
        ("2-3", "a number of channels must be at least 1, not -1"),
        ("0-C", "a number of channels must be at least 1, not 0 - C"),
        ("C-C", "a number of channels must be at least 1, not 0"),
        ("(2*C + 1)/2", "a number of channels must be a whole number, not (2*C + 1)/2"),
        ("1/2/C", "1/2 leaves a rest; // rounds down"),
        ("1/(2*C)", "1/2 leaves a rest; // rounds down"),
        ("C//(36//(2/C))", "a number of channels must be at least 1, not C//(36//(2/C))"),
        ("999999999+1", "a size of more than 9 digits"),
        ("99999*99999", "a size of more than 9 digits"),
        ("99999*99999*C", "a size of more than 9 digits"),
        ("99999C*99999", "a size with a number of more than 9 digits"),
        ("C/99999/99999", "a size with a number of more than 9 digits"),
        ("C/99991 + H/99989", "a size with a number of more than 9 digits"),
        ("1234567890", "a number of 10 digits; at most 9 are read"),
        ("+".join(f"n{i}" for i in range(51)), "a size of more than 50 numbers and names"),
        ("+".join("1" * 101), "a size of more than 100 numbers and names"),
        ("*".join("C" * 51), "a size of more than 50 numbers and names"),
        ("*".join(["(C+H)"] * 40), "a size of more than 50 numbers and names"),
        ("(" * 100 + "C" + ")" * 100, "parentheses nested more than 100 deep"),
        ("n" * 61, "a name of 61 characters; at most 60 are read"),
        ("", "expected a number or a name after `(`, found `)`"),
        ("3+", "expected a number or a name after `+`, found `)`"),
        ("3 4", "expected `)` after `3`, found `4`"),
        ("-3", "expected a number or a name after `(`, found `-`"),
        ("3*-4", "expected a number or a name after `*`, found `-`"),
        ("3%2", "expected `)` after `3`, found `%`"),
        ("3**2", "expected a number or a name after `*`, found `*`"),
        ("3.5", "expected `)` after `3`, found `.5`"),
        ("C(3)", "expected `)` after `C`, found `(`"),
        ("C, H", "expected `)` after `C`, found `,`"),
        ("'os'", "expected a number or a name after `(`, found `'`"),
        ("3;4", "expected `)` after `3`, found `;`"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(LanguageError) as caught:
        size(text)
    assert caught.value.message == message


def test_limits_are_reached() -> None:
    assert size("999999999") == 999_999_999
    assert size("(" * 99 + "C" + ")" * 99) == C
    assert size("*".join("C" * 50)) == C**50
    assert size("+".join("1" * 100)) == 100
    assert size("n" * 60) == symbol("n" * 60)
