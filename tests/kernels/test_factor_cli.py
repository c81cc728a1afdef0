"""The command `factor`: exit codes, forms, errors without a traceback, and what it imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from convalgebra.cli import main
from convalgebra.kernels.names import KERNELS


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["factor", *arguments], prog_name="convalgebra")


def test_json_has_stable_keys() -> None:
    result = run("box3", "2x2,2x2", "--format", "json")
    found = json.loads(result.stdout)
    assert found["schema"] == "convalgebra.factor/1"
    assert found["stack"] == "2x2,2x2"
    assert (found["rational"], found["real"], found["complex"]) == (False, False, True)
    assert found["reason"]
    assert found["ways"]["complex"] == {"count": 2, "complete": True}
    way = found["factorizations"][0]
    assert way["over"] == "complex"
    assert way["filters"][0]["entries"][0] == [1, "1/2 + 1/2*i*sqrt(3)"]
    assert way["filters"][0]["decimals"][0] == [1.0, [0.5, pytest.approx(0.75**0.5)]]


@pytest.mark.parametrize("form", ["text", "json", "md", "html"])
def test_every_form(form: str) -> None:
    result = run("unsharp", "3x3,3x3", "--format", form)
    assert result.exit_code == 0
    assert "sqrt(2)" in result.stdout


@pytest.mark.parametrize(
    ("kernel", "stack", "code"),
    [
        ("sobel", "2x2,2x2", 0),
        ("unsharp", "3x3,3x3", 0),
        ("box3", "2x2,2x2", 1),
        ("kirsch", "2x2,2x2", 1),
        ("; ".join(["1 " * 59 + "2"] * 60), "30x30,31x31", 3),
    ],
)
def test_exit_code(kernel: str, stack: str, code: int) -> None:
    assert run(kernel, stack, "--exit-code").exit_code == code
    assert run(kernel, stack).exit_code == 0


def test_list_has_every_name_and_entry() -> None:
    text = run("--list").stdout
    assert all(name in text for name in KERNELS)
    found = json.loads(run("--list", "--format", "json").stdout)
    rows = {kernel["name"]: kernel["rows"] for kernel in found["kernels"]}
    assert rows["sobel"] == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert rows.keys() == KERNELS.keys()


def test_ways() -> None:
    assert run("scharr", "2x2,2x2", "--ways", "0").stdout.count("Way ") == 0
    assert run("scharr", "2x2,2x2", "--ways", "1").stdout.count("Way ") == 1
    assert run("scharr", "2x2,2x2").stdout.count("Way ") == 2


def test_rows_that_begin_with_a_minus() -> None:
    assert run("--", "-1 0 1", "2,2").output == run("-1 0 1", "2,2").output
    result = run("-1 0 1", "2,2")
    assert result.exit_code == 0
    assert "over the rationals" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a kernel and a stack"),
        (("sobel",), "name a kernel and a stack"),
        (("sobol", "2x2,2x2"), "did you mean sobel"),
        (("", "2x2"), "no entries"),
        (("1 2; 3", "2x2"), "ragged"),
        (("nan 1", "2"), "finite"),
        (("1 inf", "2"), "finite"),
        (("sobel", "3x3@8"), "several channels"),
        (("sobel", "3x3+id"), "several branches"),
        (("sobel", "3"), "1 axis is asked for"),
        (("sobel", "3x"), "expected a size"),
        (("missing.npy", "3x3"), "missing.npy"),
        (("__import__('os')", "3x3"), "no kernel named"),
    ],
)
def test_bad_input(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_filter_of_a_saved_layer(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", conv=np.ones((2, 3, 3, 3)))
    assert "over the complex" in run(f"{tmp_path}/w.npz:conv[1,2]", "2x2,2x2").stdout
    result = run(f"{tmp_path}/w.npz:conv", "2x2,2x2")
    assert result.exit_code == 2
    assert "choose one filter" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("kernel", "stack"),
    [
        ("box7", "4x4,4x4"),
        ("laplacian_diagonal", "2x2,2x2"),
        ("prewitt", "2x2,2x2"),
        ("box5", "3x5,3x1"),
        ("1 2 1", "300,300"),
        ("1e300 1 2 3 1e300", "3,3"),
        ("; ".join(["0.123456789 " * 20] * 20), "20x2,1x19"),
    ],
)
def test_lines_are_at_most_80_columns_wide(kernel: str, stack: str) -> None:
    text = run(kernel, stack).stdout
    assert "over the" in text
    assert max(map(len, text.splitlines())) <= 80


def test_rounded_numbers_have_a_tilde(tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", np.array([[0.1, 0.25], [0.5, 0.7]]))
    text = run(f"{tmp_path}/k.npy", "2x1,1x2").stdout
    assert "  ~  0.1  0.25\n  ~  0.5   0.7\n" in text
    assert "the number ~0.1\n" in text
    assert "2x2  ~  1  2.5   (" in text
    np.save(tmp_path / "k.npy", np.array([[0.5, 0.25], [0.5, 0.75]]))
    text = run(f"{tmp_path}/k.npy", "2x1,1x2").stdout
    assert "  0.5  0.25\n  0.5  0.75\n" in text
    assert "~" not in text


def test_large_kernels_are_shown_in_part() -> None:
    text = run("; ".join(["1 " * 40 + "2"] * 30), "2x2").stdout
    assert text.count("1  1  1  ..\n") == 16
    assert "\n  ..\n" in text


def test_neither_sympy_nor_numpy_is_imported() -> None:
    program = (
        "import sys, convalgebra\n"
        "report = convalgebra.factor('unsharp', '3x3,3x3')\n"
        "str(report), report.to_dict()\n"
        "{more}\n"
        "print(*[name for name in ('sympy', 'numpy', 'torch') if name in sys.modules])"
    )
    for more, wanted in [("", []), ("import numpy", ["numpy"])]:
        done = subprocess.run(
            [sys.executable, "-c", program.format(more=more)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == wanted
