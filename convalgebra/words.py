"""How numbers of things, lists of them, and names that nobody vouches for are written."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice


def counted(number: int, noun: str) -> str:
    """`1 equation`, `9 equations`; a power of ten for a number that nobody reads.

    >>> counted(1, "symmetry"), counted(12, "symmetry"), counted(2, "way")
    ('1 symmetry', '12 symmetries', '2 ways')
    >>> counted(59049, "product")
    '59,049 products'
    """
    if number == 1:
        return f"1 {noun}"
    many = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeou" else f"{noun}s"
    if number >= 10**30:
        # A bit is log10(2) = 0.30103 digits: Python writes no numbers of thousands of digits.
        return f"about 10^{int((number.bit_length() - 1) * 0.30103)} {many}"
    return f"{number:,} {many}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a, b and c`; nothing for no words.

    >>> listed("abc"), listed("ab", "or"), listed("a"), listed("")
    ('a, b and c', 'a or b', 'a', '')
    """
    *first, final = [*words] or [""]
    return f"{', '.join(first)} {last} {final}" if first else final


def first_of(words: Iterable[str], most: int) -> str:
    """The first of many words.

    >>> first_of("abc", 3), first_of("abcd", 3)
    ('a, b, c', 'a, b, c, ..')
    """
    shown = [*islice(words, most + 1)]
    return ", ".join(shown[:most]) + (", .." if len(shown) > most else "")


def visible(text: str) -> str:
    """`text` with every character that is no letter, sign or line break shown as an escape.

    Names of files, layers and arrays may hold what moves the cursor of a terminal, colors it, or
    turns the direction of writing.

    >>> visible("conv\\x1b[31m 3x3")
    'conv\\\\x1b[31m 3x3'
    """
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
