"""Reading arrays from files that lie, are cut short, or would have to be run."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.errors import InputError
from convalgebra.files import opened
from convalgebra.kernels import arrays
from convalgebra.kernels.arrays import (
    finite,
    headers,
    is_array_file,
    read_array,
    read_arrays,
    write_arrays,
)


def npy(text: str, data: bytes = b"", version: int = 1) -> bytes:
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode() + data


def header(shape: str, kind: str = "<f8") -> str:
    return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n"


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<f2", ">i4", "|u1", "<i8", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_numpy_writes_is_read_as_numpy_reads_it(tmp_path: Path, kind: str, order: Any) -> None:
    array = np.asarray(np.arange(24).reshape(2, 3, 4) % 7, dtype=kind, order=order)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "plain.npz", a=array, b=array + array)
    np.savez_compressed(tmp_path / "packed.npz", a=array)
    for name in ("a.npy", "plain.npz:a", "packed.npz", "packed.npz:a"):
        found = read_array(f"{tmp_path}/{name}")
        assert found.dtype == array.dtype
        assert found.shape == (2, 3, 4)
        assert (found == array).all()
    assert [(h.name, h.shape) for h in headers(f"{tmp_path}/plain.npz")] == [
        ("a", (2, 3, 4)),
        ("b", (2, 3, 4)),
    ]


def test_scalars_and_empty_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", scalar=np.float64(2.5), empty=np.zeros((0, 3)))
    assert read_array(f"{tmp_path}/a.npz:scalar") == 2.5
    assert read_array(f"{tmp_path}/a.npz:empty").shape == (0, 3)


class Boom:
    ran = False

    def __reduce__(self) -> Any:
        return (setattr, (Boom, "ran", True))


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    evil = np.array([Boom(), 1], dtype=object)
    np.save(tmp_path / "evil.npy", evil, allow_pickle=True)
    np.savez(tmp_path / "evil.npz", evil=evil, good=np.ones(3))
    for name in ("evil.npy", "evil.npz:evil"):
        with pytest.raises(InputError, match="unpickled"):
            read_array(f"{tmp_path}/{name}")
    assert [h.name for h in headers(f"{tmp_path}/evil.npz")] == ["good"]
    assert not Boom.ran
    np.load(tmp_path / "evil.npy", allow_pickle=True)
    assert Boom.ran  # the file does what it threatens when somebody does unpickle it


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (npy(header("(1000000000, 1000)")), "0 bytes follow its header"),
        (npy(header("(4,)"), bytes(31)), "31 bytes follow"),
        (npy(header("(4,)"), bytes(33)), "33 bytes follow"),
        (npy(header("(-1, -4)"), bytes(32)), "cannot be read"),
        (npy(header("(True, 4)"), bytes(32)), "cannot be read"),
        (npy(header("4"), bytes(32)), "cannot be read"),
        (npy("{" * 9000), "cannot be read"),
        (npy("(" * 9000), "cannot be read"),
        (npy("__import__('os').system('true')"), "cannot be read"),
        (npy("{'descr': '<f8'}"), "cannot be read"),
        (npy(header("()", "<c16"), bytes(16)), "complex numbers"),
        (npy(header("()", "<U4"), bytes(16)), "expected real numbers"),
        (npy(header("()", "|O"), bytes(8)), "unpickled"),
        (npy(header("(1,)"), bytes(8), version=2)[:8] + b"\xff\xff\xff\xff", "4294967295 char"),
        (npy(header("()"), bytes(8), version=9), "format version 9"),
        (npy(header("()"))[:20], "cut short"),
        (b"\x93NUMPY\x01", "cut short"),
        (b"", "does not begin"),
        (b"\x80\x04K\x01.", "does not begin"),
    ],
)
def test_headers_that_lie(tmp_path: Path, content: bytes, match: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", content)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(InputError, match=match):
            read_array(f"{tmp_path}/{name}")


def test_a_sparse_file_is_not_read_into_memory(tmp_path: Path) -> None:
    with open(tmp_path / "a.npy", "wb") as file:
        file.write(npy(header(f"({2**33},)", "|u1")))
        file.truncate(file.tell() + 2**33)
    with pytest.raises(InputError, match=r"8\.0 GiB of numbers; the limit is 1 GiB"):
        read_array(f"{tmp_path}/a.npy")


def test_zips_that_lie(tmp_path: Path) -> None:
    sound = io.BytesIO()
    with zipfile.ZipFile(sound, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", npy(header("(64,)"), bytes(512)))
    data = sound.getvalue()
    size = struct.pack("<I", len(npy(header("(64,)"))) + 512)
    big = len(npy(header("(99999999,)"))) + 8 * 99999999
    at = data.rindex(size)  # the size unpacked, in the central directory
    (tmp_path / "bomb.npz").write_bytes(data[:at] + struct.pack("<I", big + 2**31) + data[at + 4 :])
    with pytest.raises(InputError, match="no honest zip"):
        read_array(f"{tmp_path}/bomb.npz")
    (tmp_path / "short.npz").write_bytes(data[:-30])
    with pytest.raises(InputError, match=r"no sound \.npz"):
        read_array(f"{tmp_path}/short.npz")
    flipped = bytearray(data)
    flipped[60] ^= 255
    (tmp_path / "flipped.npz").write_bytes(bytes(flipped))
    with pytest.raises(InputError, match=r"no sound .npz|cannot be read|begin|cut short"):
        read_array(f"{tmp_path}/flipped.npz")
    (tmp_path / "empty.npz").write_bytes(b"")
    with pytest.raises(InputError, match=r"no sound \.npz"):
        read_array(f"{tmp_path}/empty.npz")


def test_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", first=np.ones(2), second=np.ones(3))
    with pytest.raises(InputError, match=r"2 arrays \(first, second\); name one, as in .*:first"):
        read_array(f"{tmp_path}/w.npz")
    with pytest.raises(InputError, match="no array `third`; it holds first, second"):
        read_array(f"{tmp_path}/w.npz:third")
    np.save(tmp_path / "w.npy", np.ones(2))
    with pytest.raises(InputError, match="without a name"):
        read_array(f"{tmp_path}/w.npy", "w")
    with pytest.raises(InputError, match="there is no file"):
        read_array(f"{tmp_path}/none.npy")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(InputError, match="is a directory"):
        read_array(f"{tmp_path}/folder.npy")
    with pytest.raises(InputError, match="no ordinary file"):
        read_array("/dev/zero")
    with pytest.raises(InputError):
        read_array("a\0b.npy")
    assert not is_array_file("w.txt")


def test_what_is_not_finite_is_named(tmp_path: Path) -> None:
    array = np.zeros((2, 3))
    array[1, 2] = np.inf
    np.save(tmp_path / "w.npy", array)
    with pytest.raises(InputError, match=r"w.npy\[1, 2\] is inf: 1 of 6 entries is not finite"):
        read_array(f"{tmp_path}/w.npy")
    assert finite(np.array([1, 2])).sum() == 3


def test_many_arrays_are_read_from_a_file_that_is_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "w.npz")
    assert write_arrays(path, {"a": np.ones(2), "b": np.ones((3, 1))}) == (
        path,
        {"a": (2,), "b": (3, 1)},
        False,
    )
    opens = []
    monkeypatch.setattr(arrays, "opened", lambda *a, **k: opens.append(a) or opened(*a, **k))
    assert {name: array.shape for name, array in read_arrays(path, ["b", "a"]).items()} == {
        "b": (3, 1),
        "a": (2,),
    }
    assert len(opens) == 1


def test_a_name_that_ends_otherwise_is_written_as_npz(tmp_path: Path) -> None:
    assert write_arrays(f"{tmp_path}/w", {"a": np.ones(2)}).path == f"{tmp_path}/w.npz"
    assert (read_array(f"{tmp_path}/w.npz:a") == 1).all()
    with pytest.raises(InputError, match="cannot be written: embedded null byte"):
        write_arrays("a\0b", {})


def test_nothing_is_written_beside_a_directory(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        write_arrays(str(folder), {"a": np.ones(2)})
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("name", ["conv2", "conv2.wieght"])
def test_a_name_that_is_close_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, **{"conv1.weight": np.ones(2), "conv2.weight": np.ones(2)})
    with pytest.raises(InputError, match=r"did you mean conv2\.weight\?$"):
        read_array(f"{path}:{name}")


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        (f"({10**4200}, {10**4200})", "a shape beyond 4,611,686,018,427,387,904 entries"),
        (f"(0, {10**30})", "a shape beyond"),  # no bytes of numbers, and no array of numpy's
        (f"({2**31}, {2**32})", "a shape beyond"),
        ("(0, 2**70)", "cannot be read"),
        (f"({'1, ' * 40})", "cannot be read"),
        ("[1]", "cannot be read"),
    ],
)
def test_shapes_that_no_array_has(tmp_path: Path, shape: str, match: str) -> None:
    (tmp_path / "a.npy").write_bytes(npy(header(shape), bytes(8)))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("w.npy", npy(header(shape)))
    for name in ("a.npy", "a.npz"):
        for read in (read_array, headers):
            with pytest.raises(InputError, match=match) as told:
                read(f"{tmp_path}/{name}")
            assert len(str(told.value)) < 400


def entry(content: bytes, name: bytes = b"w.npy", flags: int = 0, method: int = 0) -> bytes:
    """A zip of one stored entry, written by hand: with any name, flags and method."""
    crc = struct.pack("<III", zipfile.crc32(content), len(content), len(content))
    fields = struct.pack("<HHHHH", 20, flags, method, 0, 33) + crc
    local = b"PK\3\4" + fields + struct.pack("<HH", len(name), 0) + name + content
    central = b"PK\1\2" + struct.pack("<H", 20) + fields
    central += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    return (
        local
        + central
        + b"PK\5\6"
        + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    )


SOUND = npy(header("(1,)"), struct.pack("<d", 2.5))


@pytest.mark.parametrize(
    ("zipped", "match"),
    [
        (entry(SOUND, b"w\xff\xfe.npy", 0x800), "a name in it is no UTF-8"),
        (entry(SOUND, flags=1), "encrypted"),
        (entry(SOUND, method=12), "packed as no .npz of numpy is"),
        (entry(SOUND, method=14), "packed as no .npz of numpy is"),
        (entry(SOUND, method=99), "packed as no .npz of numpy is"),
        (entry(entry(SOUND), b"inner.npz"), "holds no arrays"),
        (entry(SOUND, b"w.txt"), "holds no arrays"),
        (entry(SOUND + b"more"), "12 bytes follow its header"),
        (entry(SOUND)[:-22], "no sound .npz"),
        (entry(SOUND).replace(b"PK\1\2", b"PK\1\3"), "no sound .npz"),
    ],
)
def test_zips_that_numpy_does_not_write(tmp_path: Path, zipped: bytes, match: str) -> None:
    (tmp_path / "a.npz").write_bytes(zipped)
    with pytest.raises(InputError, match=match):
        read_array(f"{tmp_path}/a.npz")


def test_the_zip_written_by_hand_is_sound(tmp_path: Path) -> None:
    # Names are never paths here: nothing is unpacked to the disk.
    for name in (b"w.npy", b"../../w.npy", b"/w.npy", "\N{GREEK SMALL LETTER ALPHA}.npy".encode()):
        (tmp_path / "a.npz").write_bytes(entry(SOUND, name, 0x800))
        inner = name.decode().removesuffix(".npy")
        assert read_array(f"{tmp_path}/a.npz:{inner}").tolist() == [2.5]
    assert [*tmp_path.iterdir()] == [tmp_path / "a.npz"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("w.npy", SOUND)
        archive.writestr("w.npy", npy(header("(1,)"), struct.pack("<d", 3.5)))
    with pytest.raises(InputError, match="stands twice"):
        read_array(f"{tmp_path}/a.npz:w")


class Unpacked(Exception):
    """Numbers were asked for."""


def test_a_bomb_is_refused_by_its_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def numbers(*_: object) -> None:
        raise Unpacked

    size = 160 * 2**20
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("w.npy", "w") as member:
            member.write(npy(header(f"({size // 8},)")))
            for _ in range(160):
                member.write(bytes(2**20))
        archive.writestr("b.npy", SOUND)
    assert (tmp_path / "a.npz").stat().st_size < 2**18
    monkeypatch.setattr("convalgebra.kernels.arrays._numbers", numbers)
    with pytest.raises(InputError, match=r"from [\d,]+ bytes to 167,[\d,]+; past 64 MiB the limit"):
        read_array(f"{tmp_path}/a.npz:w")
    with pytest.raises(Unpacked):  # the other array of that file is sound
        read_array(f"{tmp_path}/a.npz:b")


@pytest.mark.parametrize("read", ["factor", "nearest"])
def test_a_kernel_that_is_too_large_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    def numbers(*_: object) -> None:
        raise Unpacked

    monkeypatch.setattr("convalgebra.kernels.arrays._numbers", numbers)
    side = {"factor": 400, "nearest": 5000}[read]
    with open(tmp_path / "a.npy", "wb") as file:
        file.write(npy(header(f"({side}, {side})", "|u1")))
        file.truncate(file.tell() + side * side)
    with pytest.raises(InputError, match=f"has {side * side:,} entries"):
        getattr(ca, read)(f"{tmp_path}/a.npy", "2x2,2x2")


def test_more_than_a_file_may_hold_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convalgebra.kernels.arrays._TOTAL_LIMIT", 1000)
    np.savez(tmp_path / "a.npz", a=np.ones(80), b=np.ones(80))
    assert read_array(f"{tmp_path}/a.npz:a").sum() == 80
    with pytest.raises(InputError, match="would be read"):
        read_arrays(f"{tmp_path}/a.npz", ["a", "b"])
