"""Arrays of numbers in .npy and .npz files. Nobody vouches for those that are read: nothing in them
is run, and nothing is taken for granted of their sizes.

A .npy file is a short header (a dictionary as text: type, order, shape) and the numbers; an .npz is
a zip of such files. What can go wrong is checked before any memory is taken: a header that promises
more than the file holds, a zip whose entries unpack to far more than they could or should, arrays
of Python objects (which would have to be unpickled, that is, run). No file is unpacked to the disk,
so names of entries are names and nothing else. Source of the format: NEP 1 of numpy.
"""

from __future__ import annotations

import ast
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from convalgebra.arguments import as_path
from convalgebra.errors import InputError
from convalgebra.files import created, opened
from convalgebra.words import first_of

if TYPE_CHECKING:
    import numpy as np

_MAGIC = b"\x93NUMPY"
_HEADER_LIMIT = 10_000  # characters; numpy's own limit. A header of ours has about 80
_BYTES_LIMIT = 2**30  # of one array; ten times the largest layer in use
_TOTAL_LIMIT = 2**32  # bytes of all the arrays that are read from one file
_SIZE_LIMIT = 2**62  # numpy counts entries in 64 bits
_ENTRIES_LIMIT = 100_000  # arrays in one .npz
_AXES_LIMIT = 32
_INFLATION = 1032  # deflate turns one byte into at most 1032 (RFC 1951: 258 bytes for two bits)
_PACKING = 100  # times that an array may unpack; numbers that were trained hardly pack at all
_PACKED_FREE = 2**26  # bytes that may unpack however far: masks, and layers of zeros
_CHUNK = 2**20
_NUMBERS = re.compile(r"[<>=|]?(?:b1|[iu][1248]|f[248])")
_MOST_NAMED = 8
_SAVE_AGAIN = 'save it again as numbers, as in np.savez("w.npz", w=w.astype("float32"))'


class ArrayHeader(NamedTuple):
    """What an array says of itself before its numbers are read."""

    name: str  # in the archive; "" for a .npy
    shape: tuple[int, ...]
    dtype: str
    fortran: bool

    @property
    def entries(self) -> int:
        """The number of entries.

        >>> ArrayHeader("w", (64, 3, 3, 3), "<f4", False).entries
        1728
        """
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """The bytes of its numbers.

        >>> ArrayHeader("w", (64, 3, 3, 3), "<f4", False).size
        6912
        """
        return self.entries * int(self.dtype[-1])


def is_array_file(path: str) -> bool:
    """Whether a name is that of a .npy or .npz, an array inside one named after a colon included.

    >>> is_array_file("w.npz"), is_array_file("w.npz:conv1.weight"), is_array_file("w.csv")
    (True, True, False)
    """
    return _split(path)[0].lower().endswith((".npy", ".npz"))


def headers(path: str) -> tuple[ArrayHeader, ...]:
    """The headers of the arrays in a .npy or .npz, in the order of the file; no numbers are read.

    Of `w.npz:conv1.weight` it is that of the one array. Arrays that are no real numbers (objects,
    text, complex) are left out: a saved model may hold some beside its weights; `read_array` says
    what is wrong with one when it is asked for.
    """
    file, inner = _split(path)
    found = []
    with opened(file, ordinary=True) as stream:
        if file.lower().endswith(".npy"):
            return (_header(stream, "", file, os.fstat(stream.fileno()).st_size),)
        with _archive(stream, file) as archive:
            entries = {_name(entry): entry for entry in _entries(archive, file)}
            for name in entries if inner is None else [_known(inner, entries, file)]:
                with archive.open(entries[name]) as member:
                    try:
                        found.append(_header(member, name, file, entries[name].file_size))
                    except NoNumbersError:
                        if inner is not None:
                            raise
    return tuple(found)


def read_array(
    path: str, name: str | None = None, check: Callable[[int], None] | None = None
) -> np.ndarray[Any, Any]:
    """The array in a .npy, or the one of that name in an .npz, as it is stored; finite numbers.

    `weights.npz:conv1.weight` names an array too. Without a name the .npz must hold one array.
    `check` is called with the number of its entries before they are read, and raises an error for
    too many.
    Raises InputError for what is no array of finite real numbers.
    """
    if check is not None and name is None:
        stored = headers(path)
        if len(stored) == 1:  # of several `read_arrays` says that one is to be named
            check(stored[0].entries)
    file, inner = _split(path)
    name = inner if name is None else name
    if not file.lower().endswith(".npy"):
        return next(iter(read_arrays(file, None if name is None else [name]).values()))
    if name:
        raise InputError(f"{file!r} holds one array without a name; leave `:{name}` out")
    with opened(file, ordinary=True) as stream:
        header = _header(stream, "", file, os.fstat(stream.fileno()).st_size)
        return finite(_numbers(stream, header, file), os.path.basename(file))


def read_arrays(file: str, names: Sequence[str] | None = None) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of these names in an .npz, each as `read_array` gives it; the file is opened once.

    Without names the .npz must hold one array.
    """
    found = {}
    with opened(file, ordinary=True) as stream, _archive(stream, file) as archive:
        entries = {_name(entry): entry for entry in _entries(archive, file)}
        if names is None and len(entries) > 1:
            raise InputError(
                f"{file!r} holds {len(entries)} arrays ({first_of(entries, _MOST_NAMED)}); name "
                f"one, as in `{file}:{next(iter(entries))}`"
            )
        wanted = [_known(name, entries, file) for name in (entries if names is None else names)]
        for name in wanted:
            _check_packing(entries[name], f"{file}:{name}")
        total = sum(entries[name].file_size for name in wanted)
        if total > _TOTAL_LIMIT:
            raise InputError(
                f"{file!r}: {total / 2**30:.1f} GiB of numbers would be read; the limit is "
                f"{_TOTAL_LIMIT >> 30} GiB"
            )
        for name in wanted:
            with archive.open(entries[name]) as member:
                header = _header(member, name, file, entries[name].file_size)
                found[name] = finite(_numbers(member, header, file), name)
    return found


def _known(name: str, entries: Iterable[str], file: str) -> str:
    from difflib import get_close_matches

    if name not in entries:
        entries = list(entries)
        held = first_of(entries, _MOST_NAMED)
        close = [one for one in entries if one.startswith(f"{name}.")][:1]
        close = close or get_close_matches(name[:80], entries, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InputError(f"{file!r} holds no array `{name}`; it holds {held}{hint}")
    return name


class Written(NamedTuple):
    """A file that was written: the arrays in it, and whether numbers were rounded for that."""

    path: str
    shapes: dict[str, tuple[int, ...]]
    rounded: bool = False


def write_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, Any], *, rounded: bool = False
) -> Written:
    """What was written: an .npz file, with `.npz` behind a name that ends otherwise.

    Raises InputError where that cannot be.
    """
    import numpy as np

    path = npz_name(as_path(path, "the file"))
    with created(path) as file:
        np.savez(file, **arrays)
    return Written(path, {name: array.shape for name, array in arrays.items()}, rounded)


def npz_name(path: str) -> str:
    """The name of the file that `write_arrays` writes.

    >>> npz_name("merged"), npz_name("merged.npz"), npz_name("/dev/null")
    ('merged.npz', 'merged.npz', '/dev/null')
    """
    named = path.lower().endswith(".npz") or (os.path.exists(path) and not os.path.isfile(path))
    return path if named or not os.path.basename(path) else f"{path}.npz"


def finite(array: np.ndarray[Any, Any], name: str = "the array") -> np.ndarray[Any, Any]:
    """The array itself, if all its entries are finite; else an error that names the first that is
    not.

    >>> import numpy
    >>> finite(numpy.array([1.0, float("nan")]), "w")
    Traceback (most recent call last):
    convalgebra.errors.InputError: w[1] is nan: 1 of 2 entries is not finite; expected numbers only
    """
    import numpy as np

    if array.dtype.kind != "f":
        return array
    good = np.isfinite(array)
    if bool(good.all()):
        return array
    bad = int(good.size - np.count_nonzero(good))
    place = np.unravel_index(int(np.argmin(good.ravel())), good.shape)
    index = ", ".join(str(int(i)) for i in place)
    raise InputError(
        f"{name}[{index}] is {array[place]}: {bad} of {good.size} entries "
        f"{'is' if bad == 1 else 'are'} not finite; expected numbers only"
    )


class NoNumbersError(InputError):
    """An array that is sound and holds no real numbers."""


def _split(path: str) -> tuple[str, str | None]:
    """The file and the array of it: `w.npz:conv1.weight`, unless a file is called just so."""
    at = path.lower().find(".npz:")
    if at >= 0 and not os.path.exists(path):
        return path[: at + 4], path[at + 5 :]
    return path, None


@contextmanager
def _archive(stream: IO[bytes], file: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(stream) as archive:
            yield archive
    except UnicodeDecodeError:
        raise InputError(
            f"{file!r} is no sound .npz (a zip of .npy files): a name in it is no UTF-8"
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, struct.error) as error:
        raise InputError(f"{file!r} is no sound .npz (a zip of .npy files): {error}") from None
    except (NotImplementedError, RuntimeError) as error:  # methods, passwords
        raise InputError(f"{file!r} cannot be unpacked: {error}; {_SAVE_AGAIN}") from None


def _entries(archive: zipfile.ZipFile, file: str) -> list[zipfile.ZipInfo]:
    entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
    if not entries:
        raise InputError(f"{file!r} holds no arrays; expected an .npz as numpy.savez writes it")
    if len(entries) > _ENTRIES_LIMIT:
        raise InputError(f"{file!r} holds {len(entries)} arrays; the limit is {_ENTRIES_LIMIT}")
    seen = set()
    for entry in entries:
        called, packed, size = f"{file}:{_name(entry)}", entry.compress_size, entry.file_size
        if entry.filename in seen:
            raise InputError(f"{called!r} stands twice in the file; {_SAVE_AGAIN}")
        seen.add(entry.filename)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{called!r} is packed as no .npz of numpy is; {_SAVE_AGAIN}")
        if size > _INFLATION * (packed + _CHUNK):
            raise InputError(
                f"{file!r}: {packed} bytes cannot unpack to {size}; it is no honest zip"
            )
    return entries


def _check_packing(entry: zipfile.ZipInfo, called: str) -> None:
    packed, size = entry.compress_size, entry.file_size
    if size > max(_PACKED_FREE, _PACKING * packed):
        raise InputError(
            f"{called!r} would unpack from {packed:,} bytes to {size:,}; past "
            f"{_PACKED_FREE >> 20} MiB the limit is {_PACKING} times: save it by np.savez, "
            "which does not pack"
        )


def _name(entry: zipfile.ZipInfo) -> str:
    return entry.filename[: -len(".npy")]


def _exactly(stream: IO[bytes], count: int, file: str) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise InputError(f"{file!r} ends inside the header of an array; it was cut short")
    return data


def _header(stream: IO[bytes], name: str, file: str, size: int) -> ArrayHeader:
    """The header at the start of a .npy of that size in bytes; the stream then stands at the
    numbers, and there are as many bytes of them as the header says.
    """
    called = f"{file}:{name}" if name else file
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise InputError(f"{called!r} is no .npy file: it does not begin with \\x93NUMPY")
    major = _exactly(stream, 2, called)[0]
    if major not in (1, 2, 3):
        raise InputError(f"{called!r} has format version {major}; expected 1, 2 or 3")
    length = int.from_bytes(_exactly(stream, 2 if major == 1 else 4, called), "little")
    if length > _HEADER_LIMIT:
        raise InputError(f"{called!r} has a header of {length} characters; expected about 80")
    text = _exactly(stream, length, called).decode("utf-8" if major == 3 else "latin1", "replace")
    header = _parsed(text, name, called)
    behind = size - len(_MAGIC) - 2 - (2 if major == 1 else 4) - length
    if header.size != behind:
        shape = "x".join(map(str, header.shape)) or "()"
        raise InputError(
            f"{called!r} says it holds {shape[:80]} numbers, {header.size} bytes, but "
            f"{max(behind, 0)} bytes follow its header; it was cut short or is no honest file"
        )
    if header.size > _BYTES_LIMIT:
        raise InputError(
            f"{called!r} has {header.size / 2**30:.1f} GiB of numbers; the limit is "
            f"{_BYTES_LIMIT >> 30} GiB: save one layer by itself"
        )
    return header


def _parsed(text: str, name: str, called: str) -> ArrayHeader:
    broken = InputError(f"the header of {called!r} cannot be read; {_SAVE_AGAIN}")
    try:
        said = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise broken from None
    if not isinstance(said, dict) or set(said) != {"descr", "fortran_order", "shape"}:
        raise broken
    kind, fortran, shape = said["descr"], said["fortran_order"], said["shape"]
    sound = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    if not sound or not isinstance(fortran, bool) or len(shape) > _AXES_LIMIT:
        raise broken
    if math.prod(max(size, 1) for size in shape) > _SIZE_LIMIT:
        raise InputError(f"the header of {called!r} has a shape beyond {_SIZE_LIMIT:,} entries")
    if isinstance(kind, str) and "O" in kind:
        raise NoNumbersError(
            f"{called!r} holds Python objects, which would have to be unpickled (run); "
            f"that is never done here: {_SAVE_AGAIN}"
        )
    if not isinstance(kind, str) or not _NUMBERS.fullmatch(kind):
        what = "complex numbers" if isinstance(kind, str) and kind[1:2] == "c" else f"type {kind!r}"
        raise NoNumbersError(
            f"{called!r} has {what[:60]}; expected real numbers of up to 64 bits: {_SAVE_AGAIN}"
        )
    return ArrayHeader(name, shape, kind, fortran)


def _numbers(stream: IO[bytes], header: ArrayHeader, file: str) -> np.ndarray[Any, Any]:
    import numpy as np

    raw = np.empty(header.size, dtype=np.uint8)
    view = raw.data
    done = 0
    while done < header.size:
        chunk = stream.read(min(_CHUNK, header.size - done))
        if not chunk:
            raise InputError(f"{file!r} ends before the numbers that its header promises")
        view[done : done + len(chunk)] = chunk
        done += len(chunk)
    flat = raw.view(np.dtype(header.dtype))
    return flat.reshape(header.shape, order="F" if header.fortran else "C")
