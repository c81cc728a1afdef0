"""How numbers of things are written."""

from __future__ import annotations


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
