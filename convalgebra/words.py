"""How numbers of things, and lists of them, are written."""

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
