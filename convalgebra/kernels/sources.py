"""Whatever names a kernel -> Kernel: a name of the table, rows as text, a file, an array, lists.

Nothing in a text or a file is ever evaluated. Numbers are taken exactly: `0.1` in a text is 1/10, a
binary float is the dyadic fraction that it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import prod
from numbers import Rational, Real
from operator import index
from os import PathLike, fsdecode
from typing import Any, TypeAlias

from convalgebra.errors import InputError
from convalgebra.files import read_text
from convalgebra.kernels.names import KERNELS, canonical
from convalgebra.words import counted

Number: TypeAlias = "int | Fraction"
KernelSource: TypeAlias = "str | PathLike[str] | Kernel | Sequence[Any] | Any"

MAX_ENTRIES = 100_000
MAX_AXES = 3
_WHOLE = 2**53  # past it floats are no longer all whole numbers
_MAX_BYTES = 4 * 2**20
_MAX_DIGITS = 1000
_MAX_EXPONENT = 400  # that of a float is at most 324
_MAX_BITS = 5_000  # of so many digits with such an exponent
_ROUNDED = 7  # digits after the point past which a decimal was likely rounded
_NOT_FINITE = ("nan", "inf", "infinity")
_TEXT_FILES = (".csv", ".txt")
_ROWS = 'write rows like "1 2 1; 2 4 2; 1 2 1"'


@dataclass(frozen=True)
class Kernel:
    """The taps of one filter, row by row, as exact numbers.

    `floats` tells that some were binary floats or long decimals: numbers that somebody rounded.

    >>> kernel = Kernel((1, 2), (Fraction(4, 2), Fraction(1, 3)), "mine")
    >>> kernel.entries
    (2, Fraction(1, 3))
    """

    shape: tuple[int, ...]
    entries: tuple[Number, ...]
    name: str = "the kernel"
    floats: bool = False

    def __post_init__(self) -> None:
        if len(self.entries) != prod(self.shape):
            size = "x".join(map(str, self.shape))
            raise InputError(f"{self.name}: {len(self.entries)} entries are no {size} kernel")
        whole = (int(e) if e == int(e) else e for e in self.entries)
        object.__setattr__(self, "entries", tuple(whole))

    @property
    def is_zero(self) -> bool:
        """Whether all its entries are 0."""
        return not any(self.entries)

    @property
    def axes(self) -> int:
        """The number of its axes."""
        return len(self.shape)

    def rows(self) -> list[list[Number]]:
        """Its entries as rows; the planes of a kernel with three axes stand one after another."""
        width = self.shape[-1]
        return [list(self.entries[at : at + width]) for at in range(0, len(self.entries), width)]

    def with_axes(self, axes: int) -> Kernel:
        """The same kernel on so many axes: leading axes of size 1 are added or left out.

        >>> Kernel((3,), (1, 2, 1)).with_axes(2).shape
        (1, 3)

        Raises InputError where the leading axes are larger.
        """
        shape = (1,) * (axes - len(self.shape)) + self.shape
        extra = len(shape) - axes
        if any(size != 1 for size in shape[:extra]):
            stored = self.name.partition(":")[0].lower().endswith((".npy", ".npz"))
            one = f"{self.name}[{','.join('0' * extra)}]"
            raise InputError(
                f"{self.name} is {'x'.join(map(str, self.shape))}, a kernel with {axes} "
                f"{'axis' if axes == 1 else 'axes'} is asked for"
                + (f"; of a whole layer choose one filter, like {one}" if stored else "")
            )
        return Kernel(shape[extra:], self.entries, self.name, self.floats)


def kernel_of(source: KernelSource) -> Kernel:
    """The kernel that `source` names.

    A string is the name of a kernel in `names.KERNELS`; rows such as "1 2 1; 2 4 2; 1 2 1" (`|`
    between planes); or a file that ends in .npy, .npz, .csv or .txt, `weights.npz:conv1[0,2]` being
    one filter of one array in it. Arrays, nested lists and Kernels are taken as they are.

    >>> kernel_of("laplacian4").entries
    (0, 1, 0, 1, -4, 1, 0, 1, 0)
    >>> kernel_of("1/2 0.1").entries
    (Fraction(1, 2), Fraction(1, 10))
    >>> kernel_of([[0.5, 1], [2, 3]]).shape
    (2, 2)

    Raises InputError for what is no kernel of finite numbers.
    """
    if isinstance(source, Kernel):
        return source
    if isinstance(source, str):
        return _from_string(source)
    if isinstance(source, PathLike):
        return _from_file(fsdecode(source))
    return _from_numbers(source, "the kernel")


def _from_string(text: str) -> Kernel:
    if len(text) > _MAX_BYTES:
        raise InputError(f"a kernel of {len(text):,} characters is too long; save it as .npy")
    name = canonical(text)
    if name is not None:
        return _parsed(KERNELS[name].rows, name)
    stripped = text.strip()
    if "\n" not in stripped and _file_name(stripped):
        return _from_file(stripped)
    if re.match(r"\S+\.np[yz]\b", stripped, re.I):
        raise InputError(
            f"`{stripped[:40]}` is no array in a file; write k.npy, w.npz:conv1, or "
            "w.npz:conv1[0,2] for one filter of it"
        )
    words = re.findall(r"[^\W\d_]\w*", stripped)
    if words and not re.match(r"[-+.\d\[(]", stripped) and words[0].lower() not in _NOT_FINITE:
        return _unknown(stripped)
    return _parsed(text, "the kernel")


def _unknown(text: str) -> Kernel:
    from difflib import get_close_matches

    from convalgebra.kernels.names import ALIASES

    shown = text[:40]
    close = get_close_matches(text.lower(), [*KERNELS, *ALIASES], n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise InputError(
        f"there is no kernel named `{shown}`; {hint}"
        f"`convalgebra factor --list` shows all names, or {_ROWS}"
    )


# ---------------------------------------------------------------------------------------- rows

_NUMBER = re.compile(
    r"(?P<sign>[-+]?)(?:(?P<whole>\d*)(?P<point>\.?)(?P<part>(?<=\.)\d*|))(?:[eE](?P<power>[-+]?\d+))?"
    r"(?:/(?P<below>\d+))?"
)


def _parsed(text: str, name: str) -> Kernel:
    """Rows of numbers between `;` or line breaks, planes between `|`; nested brackets will do."""
    rows_text = _without_brackets(text, name)
    _check_size(len(re.findall(r"[^\s,;|]+", rows_text)), name)
    planes: list[list[list[Number]]] = []
    rounded = False
    for plane_text in rows_text.split("|"):
        plane: list[list[Number]] = []
        for row_text in re.split(r"[;\n]", plane_text):
            words = row_text.replace(",", " ").split()
            if not words:
                continue
            _check_commas(row_text, len(words), name)
            row = [number_of(word, name) for word in words]
            rounded |= any(long for _, long in row)
            plane.append([value for value, _ in row])
        planes.append(plane)
    if not any(planes):
        raise InputError(f"{name} has no entries; {_ROWS}, or name one like sobel")
    return _from_planes(planes, name, rounded)


def _check_commas(row: str, numbers: int, name: str) -> None:
    """Refuse `1 2 1, 2 4 2`, which could be two rows or one of six numbers."""
    if "," in row and sum(bool(part.strip()) for part in row.split(",")) < numbers:
        rows = "; ".join(" ".join(part.split()) for part in row.split(","))
        raise InputError(
            f"{name} has a row with commas between some of its numbers; rows are separated by `;`, "
            f"as in `{rows[:40]}`, and numbers by spaces or by commas"
        )


def _without_brackets(text: str, name: str) -> str:
    """`[[1, 2], [3, 4]]` as `1, 2; 3, 4`, one level more with `|` between planes."""
    if "[" not in text and "]" not in text:
        return text
    depth = deepest = 0
    for character in text:
        depth += (character == "[") - (character == "]")
        deepest = max(deepest, depth)
        if depth < 0 or deepest > MAX_AXES:
            break
    if depth or deepest > MAX_AXES:
        raise InputError(f"the brackets of {name} do not match as those of 1 to 3 axes; {_ROWS}")
    flat = re.sub(r"\s+", " ", text.replace(";", " "))
    if deepest == MAX_AXES:
        flat = re.sub(r"\] ?\] ?,? ?\[ ?\[", "|", flat)
    return re.sub(r"[\[\]]", " ", re.sub(r"\] ?,? ?\[", ";", flat))


def number_of(word: str, name: str) -> tuple[Number, bool]:
    """The exact value of a word, and whether it is a long decimal."""
    if len(word) > _MAX_DIGITS:
        raise InputError(f"{name} has a number of {len(word)} characters; {_MAX_DIGITS} are enough")
    found = _NUMBER.fullmatch(word) if word.isascii() else None
    if found is None or not (found["whole"] or found["part"]):
        if word.lower().lstrip("+-") in _NOT_FINITE:
            raise InputError(f"{name} has an entry `{word}`; a kernel is made of finite numbers")
        raise InputError(
            f"`{word[:40]}` in {name} is no number; expected one like 3, -1/4, 0.25 or 1e-3"
        )
    if word.isdigit():
        return int(word), False
    power = int(found["power"] or 0)
    if abs(power) > _MAX_EXPONENT:
        raise InputError(f"`{word[:40]}` in {name} has an exponent beyond {_MAX_EXPONENT}")
    value = Fraction(int((found["whole"] or "") + found["part"])) * Fraction(10) ** (
        power - len(found["part"])
    )
    if found["below"] is not None:
        below = int(found["below"])
        if not below:
            raise InputError(f"`{word[:40]}` in {name} divides by zero")
        value /= below
    if found["sign"] == "-":
        value = -value
    return value, len(found["part"]) >= _ROUNDED


def _from_planes(planes: list[list[list[Number]]], name: str, rounded: bool) -> Kernel:
    width = len(planes[0][0]) if planes[0] else 0
    height = len(planes[0])
    for number, plane in enumerate(planes, 1):
        where = f"plane {number}, " if len(planes) > 1 else ""
        if len(plane) != height:
            raise InputError(f"{name} is ragged: plane {number} has not the {height} rows of 1")
        for line, row in enumerate(plane, 1):
            if len(row) != width:
                raise InputError(
                    f"{name} is ragged: {where}row {line} has {counted(len(row), 'entry')}, "
                    f"the first one {width}"
                )
    shape: tuple[int, ...] = (width,)
    if height > 1 or len(planes) > 1:
        shape = (height, width)
    if len(planes) > 1:
        shape = (len(planes), height, width)
    entries = tuple(value for plane in planes for row in plane for value in row)
    _check_size(len(entries), name)
    return Kernel(shape, entries, name, rounded)


def _check_size(entries: int, name: str) -> None:
    if entries > MAX_ENTRIES:
        raise InputError(f"{name} has {entries:,} entries; a kernel has at most {MAX_ENTRIES:,}")


# --------------------------------------------------------------------------------------- files

# Of several `.npz:` the last one counts: each is read up to the next and no further.
ARRAY_FILE = r"(?P<file>.+\.np[yz](?::(?:(?!\.np[yz]:)[^\[\]])+)?)"
_ARRAY_FILE = re.compile(rf"{ARRAY_FILE}(?:\[(?P<at>[-\d, ]*)\])?", re.I)


def _file_name(text: str) -> bool:
    return text.lower().endswith(_TEXT_FILES) or _ARRAY_FILE.fullmatch(text) is not None


def _from_file(path: str) -> Kernel:
    named = _ARRAY_FILE.fullmatch(path)
    if named is None:
        return _parsed(_read_rows(path), path)
    from convalgebra.kernels.arrays import read_array

    whole = named["at"] is None
    array = read_array(named["file"], check=partial(_check_size, name=path) if whole else None)
    if named["at"] is not None:
        try:
            place = tuple(int(number) for number in named["at"].split(","))
            array = array[place]
        except ValueError:
            raise InputError(f"`[{named['at']}]` is no place; write numbers, like [0,2]") from None
        except IndexError:
            shape = "x".join(map(str, array.shape))
            raise InputError(f"{path}: there is no [{named['at']}] in {shape} numbers") from None
    return _from_numbers(array, path)


def _read_rows(path: str) -> str:
    if not path.lower().endswith(_TEXT_FILES):
        raise InputError(f"{path}: a kernel is read from .npy, .npz, .csv or .txt")
    text = read_text(path, _MAX_BYTES, "save it as .npy")
    return "\n".join(line.partition("#")[0] for line in text.splitlines())


# ------------------------------------------------------------------------------------- numbers


def _from_numbers(source: Any, name: str) -> Kernel:
    """An array or nested lists; what is in them decides, not what they are called."""
    shape: tuple[int, ...] | None = None
    if hasattr(source, "tolist") and hasattr(source, "shape"):
        shape = tuple(int(size) for size in source.shape)
        _check_size(prod(shape), name)
        source = source.tolist()
    if not isinstance(source, (list, tuple)):
        raise InputError(
            f"a kernel is a name, rows, a file, an array or nested lists, "
            f"not {type(source).__name__}"
        )
    found = nested_shape(source, name)
    if not all(found):
        raise InputError(f"{name} has no entries; {_ROWS}, or name one like sobel")
    values: list[Number] = []
    floats = False
    for place, leaf in _leaves(source, found, (), name):
        value = _exact(leaf, place, name)
        binary = isinstance(leaf, Real) and not isinstance(leaf, Rational)
        floats |= binary and (value.denominator > 1 or not -_WHOLE < value < _WHOLE)
        values.append(value)
        _check_size(len(values), name)
    return Kernel(found, tuple(values), name, floats)


_MAX_DEPTH = 8


def nested_shape(source: Any, name: str) -> tuple[int, ...]:
    """The lengths of lists in lists, read off the first of each.

    >>> nested_shape([[1, 2, 3], [4]], "it")
    (2, 3)
    """
    shape: list[int] = []
    while isinstance(source, (list, tuple)):
        shape.append(len(source))
        if len(shape) > _MAX_DEPTH:
            raise InputError(f"{name} has more than {_MAX_DEPTH} axes")
        if not source:
            break
        source = source[0]
    return tuple(shape)


def _leaves(
    source: Any, shape: tuple[int, ...], place: tuple[int, ...], name: str
) -> Iterator[tuple[tuple[int, ...], Any]]:
    if not shape:
        yield place, source
        return
    if not isinstance(source, (list, tuple)) or len(source) != shape[0]:
        has = counted(len(source), "entry") if isinstance(source, (list, tuple)) else "no entries"
        where = "".join(f"[{at}]" for at in place)
        raise InputError(f"{name} is ragged: {where or 'it'} has {has}, the first one {shape[0]}")
    for at, part in enumerate(source):
        yield from _leaves(part, shape[1:], (*place, at), name)


def _exact(value: Any, place: tuple[int, ...], name: str) -> Number:
    where = f"{name}[{', '.join(map(str, place))}]"
    try:
        whole = hasattr(value, "__index__")
        found = Fraction(*((index(value),) if whole else map(int, value.as_integer_ratio())))
    except (ValueError, OverflowError):
        raise InputError(f"{where} is {value}; a kernel is made of finite numbers") from None
    except (AttributeError, TypeError):
        shown = type(value).__name__
        raise InputError(f"{where} is of type {shown}; expected a real number") from None
    if max(found.numerator.bit_length(), found.denominator.bit_length()) > _MAX_BITS:
        raise InputError(f"{where} has more than {_MAX_DIGITS} digits")
    return found
