"""`convalgebra merge` as a command: what it prints, writes and refuses."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from convalgebra.cli import main


def invoked(*arguments):
    return CliRunner().invoke(main, ["merge", *arguments], prog_name="convalgebra")


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(
        path, **{"0.weight": np.array([[[[1, 2, 1]]]]), "1.weight": np.array([[[[1, 0, -1]]]])}
    )
    return str(path)


def test_the_merged_weights_are_written_and_read_back(weights, tmp_path) -> None:
    out = str(tmp_path / "merged.npz")
    found = invoked("1x3p0x1, 1x3", "--weights", weights, "--out", out)
    assert found.exit_code == 0
    assert found.stdout.startswith("1x3p0x1,1x3 is 1x5p0x1, exact\n")
    assert found.stderr.split() == f"wrote {out}: 0.weight 1x1x1x5".split()  # in lines that fit
    with np.load(out) as stored:
        assert stored["0.weight"].tolist() == [[[[1, 2, 0, -2, -1]]]]
    again = invoked("1x5p0x1", "--weights", out, "--format", "json")
    assert json.loads(again.stdout)["weight"] == [[[[1, 2, 0, -2, -1]]]]


def test_numbers_that_are_rounded_when_written_are_told(weights, tmp_path) -> None:
    out = str(tmp_path / "merged.npz")
    found = invoked("1x3, 1x3, avg1x3s1", "--weights", weights, "--out", out)
    assert found.exit_code == 0
    assert (
        found.stderr.split()
        == (
            f"wrote {out}: 0.weight 1x1x1x7\nsome fractions were rounded to floats of 64 bits\n"
        ).split()
    )
    with np.load(out) as stored:
        assert stored["0.weight"].dtype == np.float64


def test_json_has_stable_keys(weights) -> None:
    found = json.loads(
        invoked("1x3, 1x3p0x1", "--weights", weights, "--input", "2x9", "--format", "json").stdout
    )
    assert found["schema"] == "convalgebra.merge/1"
    assert found["verdict"] == "except"
    assert found["input"] == [1, 2, 9]
    assert found["borders"] == {
        "input": [1, 2, 9],
        "outputs": 14,
        "differ": 4,
        "ring": [[0, 0], [1, 1]],
        "whole_ring": True,
        # At the left, 1 times (1 2 1) on the inputs -1, 0, 1: position -1 lies outside, 2 + 1 left.
        "error": 3,
        "channel": 0,
        "position": [0, 0],
    }
    assert found["mended"] == "1x3p0x1,1x3"


def test_names(weights) -> None:
    found = json.loads(invoked("dw3x3b", "--names", "--input", "4x9x9", "--format", "json").stdout)
    assert found["parameters"] == [
        {"name": "0.weight", "shape": [4, 1, 3, 3], "layer": "dw3x3b"},
        {"name": "0.bias", "shape": [4], "layer": "dw3x3b"},
    ]
    assert invoked("avg2x2s2", "--names").stdout == "the stack has no weights\n"


def test_stacks_without_weights_need_no_file() -> None:
    assert invoked("avg2x2s1, up2").stdout.startswith("avg2x2s1,up2 is convt4x4s2p2, exact\n")


def test_names_of_channels_that_nothing_tells() -> None:
    assert invoked("3x3", "--names").stdout.endswith(
        "\n\n1 channel is taken to come in; --channels says otherwise (Python: channels=..)\n"
    )
    assert "taken" not in invoked("3x3", "--names", "--channels", "1").stdout
    found = json.loads(invoked("3x3", "--names", "--format", "json").stdout)
    assert (found["channels"], found["assumed"]) == (1, True)


def test_names_with_the_channels_of_a_file(weights) -> None:
    assert "taken" not in invoked("1x3, 1x3", "--names", "--weights", weights).stdout


@pytest.mark.parametrize("form", ["md", "latex", "html"])
def test_tables_of_names(form) -> None:
    found = invoked("3x3b", "--names", "--format", form)
    assert found.exit_code == 0
    assert "0.weight" in found.stdout
    assert "1x1x3x3" in found.stdout
    assert "1 channel is taken" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["3x3"], "name the file with the weights: --weights w.npz; --names lists what is in it"),
        (["3x3", "--weights", "nowhere.npz"], "there is no file nowhere.npz"),
        (["3x3, relu", "--weights", "nowhere.npz"], "not mergeable: `relu` is an activation"),
        (["3x3, bn", "--names", "--eps", "x"], ""),
    ],
)
def test_errors_are_told_without_a_traceback(arguments, expected) -> None:
    found = invoked(*arguments)
    if not expected:
        assert found.exit_code == 0
        return
    assert found.exit_code == 2
    assert found.stdout == ""
    assert " ".join(found.stderr.split()).startswith(f"error: {expected}")


def test_the_command_line_starts_without_numpy() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from convalgebra.cli import main\n"
        "CliRunner().invoke(main, ['merge', '--help']); CliRunner().invoke(main, ['--help'])\n"
        "print('numpy' in sys.modules, 'sympy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
