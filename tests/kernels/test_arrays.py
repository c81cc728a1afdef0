"""Reading arrays from files that lie, are cut short, or would have to be run."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
