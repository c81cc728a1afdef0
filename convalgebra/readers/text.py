"""The language, from a file."""

from __future__ import annotations

from convalgebra.errors import InputError
from convalgebra.language import parse
from convalgebra.network import Network

name = "text"


def recognises(content: bytes, path: str) -> bool:
    """Whether it is text at all: every text may be meant for the language."""
    return b"\0" not in content and _bad_byte(content) is None


def read(content: bytes, path: str) -> Network:
    """The Network that a text in the language writes down.

    >>> read(b"3x3p1@64", "net.txt") == parse("3x3p1@64")
    True
    """
    return parse(decoded(content, path), path)


def decoded(content: bytes, path: str) -> str:
    """The content as text; InputError where it is none."""
    title = "standard input" if path == "<stdin>" else path
    bad = _bad_byte(content)
    if bad is not None:
        raise InputError(f"{title} is not text (byte {bad} is no UTF-8)")
    text = content.decode("utf-8-sig")
    if "\0" in text:
        raise InputError(f"{title} is not text (byte {text.index(chr(0))} is zero)")
    return text


def _bad_byte(content: bytes) -> int | None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None
