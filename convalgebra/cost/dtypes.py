"""The kinds of number that values and weights are kept in."""

from __future__ import annotations

from convalgebra.arguments import as_text
from convalgebra.errors import InputError

BYTES = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "float8": 1,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
}


def bytes_of(dtype: str) -> int:
    """The bytes of one number.

    >>> bytes_of("bfloat16")
    2

    Raises InputError for a kind of number that is not in `BYTES`.
    """
    if as_text(dtype, "dtype", "float16") not in BYTES:
        raise InputError(f"there is no dtype `{dtype}`; there are {', '.join(BYTES)}")
    return BYTES[dtype]
