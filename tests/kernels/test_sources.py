"""What names a kernel, and what does not."""

from __future__ import annotations

import os
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from convalgebra.errors import InputError
from convalgebra.kernels.names import ALIASES, KERNELS
from convalgebra.kernels.sources import Kernel, kernel_of


def test_a_name() -> None:
    kernel = kernel_of("sobel")
    assert kernel.rows() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert kernel.name == "sobel"


@pytest.mark.parametrize("name", KERNELS)
def test_every_name_is_a_kernel_of_whole_numbers(name: str) -> None:
    kernel = kernel_of(name)
    assert not kernel.is_zero
    assert all(isinstance(entry, int) for entry in kernel.entries)
    assert kernel.name == name
    assert KERNELS[name].note


def test_every_other_name_leads_to_a_kernel() -> None:
    for alias, name in ALIASES.items():
        assert kernel_of(alias) == kernel_of(name)
        assert alias not in KERNELS


def test_spelling_of_names() -> None:
    assert kernel_of("Sobel-Y") == kernel_of("sobel_y") == kernel_of(" SOBEL_Y ")


def test_derivatives_sum_to_nothing_and_blurs_do_not() -> None:
    for name in ("prewitt", "sobel", "sobel5", "scharr", "roberts", "laplacian4", "laplacian8"):
        assert sum(kernel_of(name).entries) == 0, name
    for name in ("laplacian_diagonal", "laplacian9", "log5", "kirsch", "kirsch_nw", "robinson_nw"):
        assert sum(kernel_of(name).entries) == 0, name
    for name, total in [("box3", 9), ("binomial5", 256), ("gaussian5", 273), ("binomial7", 4096)]:
        assert sum(kernel_of(name).entries) == total
    assert sum(kernel_of("gaussian5_canny").entries) == 159
    assert sum(kernel_of("unsharp").entries) == 256


def test_kernels_named_y_are_transposes() -> None:
    for name in ("prewitt", "sobel", "scharr"):
        rows = kernel_of(name).rows()
        assert kernel_of(f"{name}_y").rows() == [list(row) for row in zip(*rows, strict=True)]


def test_binomials_are_outer_products() -> None:
    from math import comb

    for n in (3, 5, 7):
        row = [comb(n - 1, k) for k in range(n)]
        assert kernel_of(f"binomial{n}").rows() == [[a * b for b in row] for a in row]


def test_rows() -> None:
    assert kernel_of("1 2 1; 2 4 2").shape == (2, 3)
    assert kernel_of("1, 2, 1\n2, 4, 2\n").entries == (1, 2, 1, 2, 4, 2)
    assert kernel_of("1, 2, 1,").shape == (3,)
    assert kernel_of("1 2 1").shape == (3,)
    assert kernel_of("1; 2; 1").shape == (3, 1)
    assert kernel_of("1 2; 3 4 | 5 6; 7 8").shape == (2, 2, 2)


def test_numbers_are_exact() -> None:
    kernel = kernel_of("1/3 -0.1 1e-3 +2.50 .5 5. 1e300 -7")
    assert kernel.entries == (
        Fraction(1, 3),
        Fraction(-1, 10),
        Fraction(1, 1000),
        Fraction(5, 2),
        Fraction(1, 2),
        5,
        10**300,
        -7,
    )
    assert not kernel.floats


def test_long_decimals_are_taken_for_rounded() -> None:
    assert kernel_of("0.3333333 1").floats
    assert not kernel_of("0.333333 1").floats


@pytest.mark.parametrize("text", ["[[1, 2], [3, 4]]", "[[1 2]\n [3 4]]", "[[1,2],[3,4]]"])
def test_brackets(text: str) -> None:
    assert kernel_of(text).rows() == [[1, 2], [3, 4]]


def test_brackets_of_three_axes() -> None:
    assert kernel_of("[[[1,2],[3,4]],[[5,6],[7,8]]]") == kernel_of("1 2; 3 4 | 5 6; 7 8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no entries"),
        ("  ", "no entries"),
        (";;", "no entries"),
        ("|", "no entries"),
        ("1 2; 3", "row 2 has 1 entry"),
        ("1 2 | 3 4; 5 6", "ragged"),
        ("1 2 |", "ragged"),
        ("1 2 1, 2 4 2", "as in `1 2 1; 2 4 2`"),
        ("1 2 1, 2; 1 2 3 4", "commas between some"),
        ("1 nan", "finite"),
        ("nan", "finite"),
        ("-inf 1", "finite"),
        ("1 two", "`two`"),
        ("0x10 1", "`0x10`"),
        ("1_000 2", "`1_000`"),
        ("2**9 1", "no number"),
        ("1/0 1", "divides by zero"),
        ("1e999 1", "exponent beyond"),
        ("9" * 2000, "2000 characters"),
        ("[1, 2", "brackets"),
        ("[[[[1]]]]", "brackets"),
        ("]1[", "brackets"),
        ("1 ²", "no number"),
        ("__import__('os').system('true')", "no kernel named"),
        ("kernel.json", "no kernel named"),
        ("sobol", "did you mean sobel"),
        ("laplacan4", "laplacian4"),
        ("nothing_like_it", "factor --list"),
        ("missing.csv", "there is no file missing.csv"),
        ("missing.npy", "missing.npy"),
        ("missing.npz:conv[0,1]", "missing.npz"),
        ("\0.txt", "cannot be read"),
    ],
)
def test_texts_that_are_no_kernels(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        kernel_of(text)
    assert message in str(error.value)


def test_a_text_of_megabytes() -> None:
    with pytest.raises(InputError, match="too long"):
        kernel_of("1 " * 3_000_000)
    with pytest.raises(InputError, match="at most 100,000"):
        kernel_of("1 " * 100_001)


def test_arrays_and_lists() -> None:
    wanted = Kernel((2, 2), (1, 2, 3, 4))
    for source in ([[1, 2], [3, 4]], ((1.0, 2.0), (3.0, 4.0)), np.array([[1, 2], [3, 4]])):
        assert kernel_of(source) == wanted
    assert kernel_of(np.array([[1, 2], [3, 4]], dtype=np.uint8)) == wanted
    assert kernel_of(np.float32([[0.1]])).entries == (Fraction(float(np.float32(0.1))),)
    assert kernel_of(np.float32([[0.1]])).floats
    assert kernel_of([[Fraction(1, 3)]]).entries == (Fraction(1, 3),)
    assert not kernel_of([[Fraction(1, 3)]]).floats


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([[1, float("nan")]], r"[0, 1] is nan"),
        (np.array([[1.0], [-np.inf]]), r"[1, 0] is -inf"),
        ([], "no entries"),
        ([[]], "no entries"),
        (np.zeros((0, 3)), "no entries"),
        ([[1, 2], [3]], "ragged"),
        ([[1, 2], 3], "ragged"),
        ([1, [2]], "expected a real number"),
        (np.ones((2, 2), dtype=complex), "complex"),
        ([["1"]], "str"),
        (np.array([[None]]), "NoneType"),
        (3, "not int"),
        (None, "not NoneType"),
        ({"rows": [[1]]}, "not dict"),
        (np.zeros((400, 400)), "at most 100,000"),
        ([[[[[[[[[[1]]]]]]]]]], "more than 8 axes"),
    ],
)
def test_values_that_are_no_kernels(source: object, message: str) -> None:
    with pytest.raises(InputError) as error:
        kernel_of(source)
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["w.npz:[0]", "k.npy[1e3]", "k.npy[0", "w.npz:conv[0][1]"])
def test_places_in_files_that_are_misspelt(text: str) -> None:
    with pytest.raises(InputError, match=r"is no array in a file; write k\.npy, "):
        kernel_of(text)


def test_numbers_of_numpy_in_a_list_are_what_they_are_in_an_array() -> None:
    assert kernel_of([np.float32(0.1)]).floats
    assert not kernel_of([np.float32(0.0), np.float64(3), np.int8(4)]).floats
    assert not kernel_of([Decimal("0.1"), Fraction(1, 3)]).floats
    assert kernel_of([Decimal("0.1")]).entries == (Fraction(1, 10),)


def test_entries_that_are_too_long_to_be_written() -> None:
    with pytest.raises(InputError, match=r"kernel\[1\] has more than 1000 digits"):
        kernel_of([1, 10**5000])
    with pytest.raises(InputError, match=r"kernel\[0, 0\] has more than 1000 digits"):
        kernel_of([[Fraction(1, 10**5000)]])


def test_a_list_that_holds_itself() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(InputError, match="axes"):
        kernel_of(loop)


def test_files(tmp_path: Path) -> None:
    rows = np.array([[1.0, 2.0], [0.5, 4.0]])
    np.save(tmp_path / "k.npy", rows)
    np.savez(tmp_path / "k.npz", conv=np.stack([rows, 2 * rows])[None])
    np.savetxt(tmp_path / "k.csv", rows, delimiter=",")
    (tmp_path / "k.txt").write_text("# a comment\n1 2\n1/2 4  # half\n\n")
    wanted = (1, 2, Fraction(1, 2), 4)
    for name in ("k.npy", "k.csv", "k.txt"):
        assert kernel_of(str(tmp_path / name)).entries == wanted
        assert kernel_of(tmp_path / name).entries == wanted
    assert kernel_of(f"{tmp_path}/k.npz:conv[0,1]").entries == (2, 4, 1, 8)
    assert kernel_of(f"{tmp_path}/k.npz[0, 0]").entries == wanted
    assert kernel_of(f"{tmp_path}/k.npz[0,0]").with_axes(2).shape == (2, 2)


def test_places_in_files(tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", np.ones((2, 3, 3)))
    for place, message in [
        ("[2]", "there is no"),
        ("[0,0,0,0]", "there is no"),
        ("[]", "no place"),
    ]:
        with pytest.raises(InputError) as error:
            kernel_of(f"{tmp_path}/k.npy{place}")
        assert message in str(error.value)
    with pytest.raises(InputError, match="choose one filter"):
        kernel_of(f"{tmp_path}/k.npy").with_axes(2)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "k.csv").write_bytes(b"\xff\xfe1")
    with pytest.raises(InputError, match="not text"):
        kernel_of(tmp_path / "k.csv")
    with pytest.raises(InputError, match="directory"):
        kernel_of(_folder(tmp_path / "d.txt"))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", np.array([[object]]), allow_pickle=True)
    with pytest.raises(InputError, match="unpickled"):
        kernel_of(tmp_path / "k.npy")


def test_axes_are_added_in_front() -> None:
    assert kernel_of("1 2 1").with_axes(3).shape == (1, 1, 3)
    assert kernel_of([[[[1, 2], [3, 4]]]]).with_axes(2).shape == (2, 2)
    with pytest.raises(InputError, match="1 axis is asked for"):
        kernel_of("1; 2").with_axes(1)


def test_entries_must_fill_the_shape() -> None:
    with pytest.raises(InputError, match="no 2x2 kernel"):
        Kernel((2, 2), (1, 2, 3))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("ending", ["csv", "txt", "npy", "npz"])
def test_a_pipe_is_no_file_to_read_a_kernel_from(tmp_path: Path, ending: str) -> None:
    os.mkfifo(tmp_path / f"k.{ending}")  # to open it would wait for somebody who writes
    with pytest.raises(InputError, match="no ordinary file"):
        kernel_of(f"{tmp_path}/k.{ending}")
    (tmp_path / f"folder.{ending}").mkdir()
    with pytest.raises(InputError, match="is a directory"):
        kernel_of(f"{tmp_path}/folder.{ending}")
