"""The language, from a file."""

from __future__ import annotations

import re

from convalgebra.errors import InputError, LanguageError
from convalgebra.files import text_of
from convalgebra.language import parse
from convalgebra.network import Network

name = "text"

_LOOKED_AT = 2**16
_CODE = "this is Python code, and code is never run here: give what print(model) writes"
_TABLE = "this is the table of a summary, which does not say how data flows: see docs/readers.md"
_SIGNS = (
    (re.compile(r"^[ \t]*(?:import|from) \w|^[ \t]*class \w+\(|\bnn\.[A-Z]\w*\(", re.M), _CODE),
    (re.compile(r"^[ |│┃]*Layer \(type", re.M), _TABLE),
)
_IN_PYTHON = "in Python, give the module itself: ca.from_torch(module, (3, 224, 224))"
_BINARY = {
    b"PK\x03\x04": f"it looks like saved weights, which are never loaded; {_IN_PYTHON}",
    b"\x80": f"it looks like a pickle, which is never loaded; {_IN_PYTHON}",
    b"\x89HDF": "it looks like saved weights, which are never loaded",
}


def recognises(content: bytes, path: str) -> bool:
    """Whether it is text at all: every text may be meant for the language."""
    try:
        decoded(content, path)
    except InputError:
        return False
    return True


def read(content: bytes, path: str) -> Network:
    """The Network that a text in the language writes down.

    >>> read(b"3x3p1@64", "net.txt") == parse("3x3p1@64")
    True
    """
    text = decoded(content, path)
    try:
        return parse(text, path)
    except LanguageError as error:
        error.hint = _foreign(text) or error.hint
        raise


def _foreign(text: str) -> str:
    """What to give instead of a text that is likely meant for something else."""
    return next((hint for sign, hint in _SIGNS if sign.search(text[:_LOOKED_AT])), "")


def decoded(content: bytes, path: str) -> str:
    """The content as text; InputError where it is none, with what it is if that is known."""
    title = "standard input" if path == "<stdin>" else path
    for start, told in _BINARY.items():
        if content.startswith(start):
            raise InputError(f"{title} is not text ({told})")
    return text_of(content, title, len(content), "")
