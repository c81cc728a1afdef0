"""Files that somebody names: opened, read as text, written; what goes wrong is an InputError.

A file is written beside its place and then moved there: whoever reads it finds the old one or the
new one, whole.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import IO

from convalgebra.errors import InputError

_TARGET: ContextVar[os.stat_result | None] = ContextVar("target", default=None)


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
        _check_not_target(file, path)
        try:
            yield file
        except OSError as error:
            raise InputError(f"{path!r} cannot be read: {_why(error)}") from None


@contextmanager
def standard_input() -> Iterator[IO[bytes]]:
    """The bytes of standard input."""
    _check_not_target(sys.stdin.buffer, "standard input")
    try:
        yield sys.stdin.buffer
    except OSError as error:
        raise InputError(f"standard input cannot be read: {_why(error)}") from None


def check_file(path: str) -> None:
    """Raise an InputError unless there is such a file, to be read."""
    with opened(path, ordinary=True):
        pass


@contextmanager
def target(path: str | None, *, force: bool = False) -> Iterator[None]:
    """Check that a file can be written, before the work; the work may read it only with `force`.

    Raises InputError for what is a directory or in none, for what must not be written, and where
    the work opens that very file, by whatever name.
    """
    if path is None:
        yield
        return
    place, there = _place(path)
    folder = os.path.dirname(place)
    if there is None or stat.S_ISREG(there.st_mode):
        if not os.path.isdir(folder):
            raise InputError(f"{path!r} cannot be written: there is no directory {folder}")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"{path!r} cannot be written: no file can be created in {folder}")
    if there is not None and not os.access(path, os.W_OK):
        raise InputError(f"{path!r} cannot be written: it is protected against that")
    token = _TARGET.set(None if force else there)
    try:
        yield
    finally:
        _TARGET.reset(token)


def _check_not_target(file: IO[bytes], name: str) -> None:
    """Raise an InputError where a file that is read is the one that will be written."""
    written = _TARGET.get()
    if written is None or not stat.S_ISREG(written.st_mode):
        return
    with suppress(OSError):  # a stream in memory is no file
        if os.path.samestat(os.fstat(file.fileno()), written):
            raise InputError(
                f"{name} is read here, and the result would be written over it; "
                "write to another file, or pass --force"
            )


@contextmanager
def created(path: str) -> Iterator[IO[bytes]]:
    """A file to write bytes to, which takes the place of an old one when all is written.

    An old file keeps its permissions, and a link still points to it; where writing fails it is as
    it was. What is no ordinary file (a pipe, a device) is written to at once.
    """
    try:
        place, there = _place(path)
        stream = None if there is None else _open_stream(there)
        if stream is not None:  # /dev/stdout, or a file to which that goes
            stream.flush()
            yield stream
            stream.flush()
        elif there is not None and not stat.S_ISREG(there.st_mode):
            with open(path, "wb") as file:
                yield file
        else:
            with _replacing(place, there) as file:
                yield file
    except (OSError, ValueError) as error:
        raise InputError(f"{path!r} cannot be written: {_why(error)}") from None


@contextmanager
def _replacing(place: str, there: os.stat_result | None) -> Iterator[IO[bytes]]:
    temporary = os.path.join(os.path.dirname(place), f".convalgebra-{os.urandom(8).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(temporary, flags, 0o666), "wb") as file:
            yield file
        if there is not None:
            with suppress(OSError, AttributeError):  # only root gives files away; nobody on Windows
                os.chown(temporary, there.st_uid, there.st_gid)
            os.chmod(temporary, stat.S_IMODE(there.st_mode))
        os.replace(temporary, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _place(path: str) -> tuple[str, os.stat_result | None]:
    """Where a file stands behind all links, and what is there; InputError for a directory."""
    try:
        there = os.stat(path)
    except FileNotFoundError:  # or a link to what is not there yet
        there = None
    except (OSError, ValueError) as error:  # a circle of links; a name with a zero byte
        raise InputError(f"{path!r} cannot be written: {_why(error)}") from None
    if not os.path.basename(path) or (there is not None and stat.S_ISDIR(there.st_mode)):
        raise InputError(f"{path!r} cannot be written: Is a directory; name a file")
    return os.path.realpath(path), there


def _open_stream(there: os.stat_result) -> IO[bytes] | None:
    """Standard output or error, where that is what a file is."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, AttributeError):  # in notebooks and tests it is no file
            if os.path.samestat(os.fstat(stream.fileno()), there):
                return stream.buffer
    return None


def read_text(path: str, most: int, advice: str) -> str:
    """What stands in a file of text of at most `most` bytes; of more, `advice` is given."""
    with opened(path, ordinary=True) as file:
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
