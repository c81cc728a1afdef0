"""Files that somebody names: opened, read as text, written; what goes wrong is an InputError."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from convalgebra.errors import InputError


@contextmanager
def opened(path: str, *, ordinary: bool = False) -> Iterator[IO[bytes]]:
    """The bytes of a file; with `ordinary`, not those of a pipe or a device, which may have no end.

    >>> with opened("nowhere.txt") as file:
    ...     file.read()
    Traceback (most recent call last):
    convalgebra.errors.InputError: there is no file nowhere.txt
    """
    try:
        if ordinary and os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
            raise InputError(f"{path} is no ordinary file")
        file = open(path, "rb")  # noqa: SIM115  (closed below: other errors are not of its name)
    except IsADirectoryError:
        raise InputError(f"{path} is a directory; name a file") from None
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:  # a name with a zero byte is no value
        raise InputError(f"{path!r} cannot be read: {_why(error)}") from None
    with file:
        try:
            yield file
        except OSError as error:
            raise InputError(f"{path!r} cannot be read: {_why(error)}") from None


def check_file(path: str) -> None:
    """Raise an InputError unless there is such a file, to be read."""
    with opened(path, ordinary=True):
        pass


@contextmanager
def created(path: str) -> Iterator[IO[bytes]]:
    """A file to write bytes to; what it held before is gone."""
    try:
        with open(path, "wb") as file:
            yield file
    except (OSError, ValueError) as error:
        raise InputError(f"{path!r} cannot be written: {_why(error)}") from None


def read_text(path: str, most: int, advice: str) -> str:
    """What stands in a file of text of at most `most` bytes; of more, `advice` is given."""
    with opened(path) as file:
        return text_of(file.read(most + 1), path, most, advice)


def text_of(content: bytes, name: str, most: int, advice: str) -> str:
    """The text that bytes are, without a byte order mark.

    >>> text_of(b"3x3", "spec.txt", 2, "leave some out")
    Traceback (most recent call last):
    convalgebra.errors.InputError: spec.txt has more than 2 bytes: leave some out

    Raises InputError for what is no UTF-8, or holds a zero byte.
    """
    if len(content) > most:
        shown = f"{most >> 20} MiB" if most >> 20 else f"{most:,} bytes"
        raise InputError(f"{name} has more than {shown}: {advice}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not text (byte {error.start} is no UTF-8)") from None
    if "\0" in text:
        raise InputError(f"{name} is not text (byte {text.index(chr(0))} is zero)")
    return text


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
