"""How weights are called in equations: a00 .. a22 for the kernel, b00, c00 .. for the layers."""

from __future__ import annotations

from collections.abc import Sequence

# x, y, z are inputs and outputs, s and t roots in derivations, i, j, o too like digits.
_LETTERS = "abcdefghklmnpqruvw"


def layer_letter(number: int) -> str:
    """The letter of layer `number` (0 is the single kernel, 1 the first layer of the stack).

    >>> layer_letter(0), layer_letter(2), layer_letter(18)
    ('a', 'c', 'a1_')
    """
    turn, place = divmod(number, len(_LETTERS))
    return _LETTERS[place] + (f"{turn}_" if turn else "")


def tap_name(letter: str, tap: Sequence[int], kernel: Sequence[int]) -> str:
    """The name of one weight: its letter and its place, row first.

    >>> tap_name("a", (0, 2), (3, 3)), tap_name("a", (0, 10), (3, 11))
    ('a02', 'a0_10')
    """
    return letter + ("_" if max(kernel) > 10 else "").join(map(str, tap))
