"""The commands `nearest` and `factorability`: forms, files, exit codes, what they import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import convalgebra as ca
from convalgebra.cli import main


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments, prog_name="convalgebra")
    assert result.exit_code == 0, result.output
    return result.stdout


def test_json_has_the_promised_keys() -> None:
    found = json.loads(run("nearest", "sobel", "2x2,2x2", "--format", "json", "--starts", "16"))
    assert found["schema"] == "convalgebra.nearest/1"
    assert found["relative_error"] < 1e-9
    assert 0 <= found["lower_bound"] <= found["relative_error"]
    assert [filter["shape"] for filter in found["filters"]] == [[2, 2], [2, 2]]
    assert found["figures"]["before"]["weights"] == 9
    assert found["figures"]["after"]["macs_per_output"] == 8


def test_filters_are_written_and_multiply_back(tmp_path: Path) -> None:
    layer = np.random.default_rng(1).standard_normal((3, 2, 3, 3))
    np.savez(tmp_path / "w.npz", conv=layer, other=np.ones(2))
    out = f"{tmp_path}/filters.npz"
    text = run("nearest", f"{tmp_path}/w.npz:conv", "3x1@2,1x3@3", "--input", "2x8x8", "--out", out)
    assert "bytes moved" in text
    with np.load(out) as filters:
        first, second = filters["0.weight"], filters["1.weight"]
    report = ca.nearest(layer, "3x1@2,1x3@3")
    made = np.einsum("ocx,ciy->oiyx", second[:, :, 0, :], first[:, :, :, 0])
    assert np.linalg.norm(made - layer) / np.linalg.norm(layer) == pytest.approx(
        report.relative_error, rel=1e-12
    )
    merged = ca.merge("3x1@2,1x3@3", {"0.weight": first, "1.weight": second})
    assert np.allclose(merged.weight, made, atol=1e-12)
    run("nearest", "sobel", "2x2,2x2", "--out", out)
    with np.load(out) as filters:
        again = ca.merge("2x2,2x2", dict(filters))
    assert np.allclose(again.weight, [[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]]], atol=1e-7)
    one = run("nearest", f"{tmp_path}/w.npz:conv[0,1]", "3x1,1x3", "--format", "json")
    assert json.loads(one)["shape"] == [3, 3]


@pytest.mark.parametrize(
    ("stack", "channels"),
    [
        ("avg2x2s1,2x2", 1),
        ("2x2,avg2x2s1", 1),
        ("shared s = 2x2; s, s", 1),
        ("2x2,convt2x2", 1),
        ("2x2@4,convt2x2g2@2", 2),
        ("3x3p1@2+id", 2),
    ],
)
def test_written_filters_are_what_merge_expects(stack: str, channels: int, tmp_path: Path) -> None:
    layer = np.random.default_rng(3).standard_normal((channels, channels, 3, 3))
    report = ca.nearest(layer, stack, starts=4)
    report.save(f"{tmp_path}/w.npz")
    assert np.allclose(ca.merge(stack, f"{tmp_path}/w.npz").weight, report.approximation)


@pytest.mark.parametrize("form", ["text", "json", "md", "html"])
def test_forms_of_nearest(form: str) -> None:
    text = run("nearest", "laplacian4", "3x1,1x3", "--format", form)
    assert "0.46" in text or "laplacian4" in text
    if form == "text":
        assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("form", ["text", "json", "csv", "md", "html"])
def test_forms_of_factorability(form: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", conv=np.random.default_rng(2).standard_normal((3, 2, 3, 3)))
    text = run("factorability", f"{tmp_path}/w.npz", "2x2,2x2", "dw+pw", "--format", form)
    assert "conv" in text
    if form == "json":
        assert json.loads(text)["schema"] == "convalgebra.factorability/1"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nearest", "sobel", "2x2,relu"),
        ("nearest", "nothing", "2x2,2x2"),
        ("nearest", "sobel", "2x2,2x2", "--covariance", "pink"),
        ("nearest", "sobel", "2x2,2x2", "--out", "/no/such/folder/f.npz"),
        ("factorability", "none.npz", "2x2,2x2"),
    ],
)
def test_errors_have_exit_code_2_and_no_traceback(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, arguments, prog_name="convalgebra")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")


def test_no_progress_without_a_terminal_and_one_thread_unless_told() -> None:
    code = (
        "import sys; from convalgebra.__main__ import main; sys.argv = ['convalgebra', 'nearest',"
        " 'sobel', '3x1,1x3']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "import os; print(os.environ['OPENBLAS_NUM_THREADS'], 'sympy' in sys.modules)"
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.splitlines()[-1] == "1 False"
    assert done.stderr == ""


def test_reports_show_as_html() -> None:
    layer = np.random.default_rng(3).standard_normal((2, 2, 3, 3))
    for report in (ca.nearest("sobel", "3x1,1x3"), ca.factorability(layer, "3x1,1x3")):
        html = report._repr_html_()
        assert html.startswith("<div>")
        assert html.count("<table") == html.count("</table>") > 0
        assert str(report)
