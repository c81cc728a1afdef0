"""Bad calls of every command: exit code 2, a sentence, no traceback, no line wider than 80."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from convalgebra.cli import main

ROOT = Path(__file__).parents[1]
LONG = ", ".join(["3x3p1@64, bn, relu"] * 9)

BY_HAND = [
    "frobnicate 3x3",
    "costs zoo:resnet50",
    "--frobnicate",
    "equiv",
    "equiv 3x3",
    "equiv 3x3 2x2 2x2",
    "equiv 3x3 '2x2,'",
    "equiv 3x3 2x2,frobnicate",
    "equiv 3x3 2x2@4,2x2@2",
    "equiv 3x3 2,2",
    "equiv 3x3 2x2,fc@10",
    "equiv 3x3p1 2x2,2x2 --input 2",
    "equiv 3x3 2x2,2x2 --input 3x12x12x12",
    "equiv 3x3 2x2 --width",
    "equiv 3x3 2x2 --input CxHxW",
    "equiv 3x3 no.txt --certificate README.md/proof.json",
    "equiv 3x3 2x2,2x2 --channels 0",
    "equiv 3x3 2x2,2x2 --certificate no/such/folder/proof.json",
    "equiv 3x3 2x2,2x2 --certificate .",
    f"equiv '{LONG}, 3x' 3x3",
    "cost",
    "cost 3x3",
    "cost 3x3@64",
    "cost 3x3p1@8+1x1@16 --input 3x8x8",
    "cost 9x9 --input 3x8x8",
    "cost 3 --input 3x8x8",
    "cost '(3x3s2p1 + id), 1x1@8' --input 3x8x8",
    "cost 3x3 --input 3x",
    "cost 3x3 --input 0x4x4",
    "cost 3x3@C --input CxHxW --at C",
    "cost 3x3@C --input CxHxW --at C=x",
    "cost 3x3@C --input CxHxW --at Z=3",
    "cost '3x3@(C/2)' --input CxHxW --at C=3,H=8,W=8",
    "cost zoo:resnet51",
    "cost zoo:resnet50 --to layer5",
    "cost zoo:resnet50 --unit layer5",
    "cost zoo:resnet50 --unit 'layer3[99,99]'",
    "cost zoo:resnet50 --unit 'layer3['",
    "cost zoo:resnet50 zoo:resnet18 --unit layer3",
    "cost zoo:resnet50 --dtype float33",
    "cost zoo:resnet50 --batch 0",
    "cost zoo:resnet50 --batch C=3",
    "cost 3x3 --input 1x9x9 --from frobnicate",
    "cost --layers no/such/file.txt",
    "cost --layers .",
    "cost no_such_file.txt",
    "cost --layers tests/data/nearest.npz",
    "cost --layers tests/data/printed/resnet18.txt --batch 3",
    "cost --layers tests/data/printed/resnet18.txt zoo:resnet18",
    "cost --layers tests/data/printed/resnet18.txt --at C=3",
    f"cost '{LONG}, 3x' --input 3x99x99",
    f"cost '3x, {LONG}' --input 3x99x99",
    f"cost '{LONG}' --input 3x99",
    "matrix 3x3",
    "matrix 3x3 --input 2x2",
    "matrix 3x3,relu --input 9x9",
    "matrix 3x3 --input 400x400",
    "matrix 3x3@C --input 4x4",
    "merge 3x3",
    "merge 3x3,relu,3x3 --names",
    "merge 3x3 --weights no_such_file.npz",
    "merge 3x3 --weights README.md",
    "merge 3x3 --weights .",
    "merge 3x3,3x3 --weights tests/data/weights/blur_sharpen.npz --out .",
    "merge 3x3,3x3 --weights tests/data/weights/blur_sharpen.npz --eps -1",
    "merge 5x5 --weights tests/data/weights/blur_sharpen.npz",
    "merge 3x3,3x3,3x3 --weights tests/data/weights/blur_sharpen.npz",
    "merge 3x3,3x3 --weights tests/data/weights/blur_sharpen.npz --channels 7",
    "merge 3x3,3x3 --weights tests/data/weights/blur_sharpen.npz --input 2x2",
    "merge '(3x3p1, bn) + (1x1, bn) + bn' --weights tests/data/weights/repvgg.npz --eps x",
    "merge 3x3,3x3 --weights tests/data/weights/blur_sharpen.npz --out no/such/folder/w.npz",
    "factor",
    "factor sobel",
    "factor sobelx 2x2,2x2",
    "factor sobel 2x2,relu",
    "factor sobel 2x2@4,2x2",
    "factor '1 2; 3' 2x2",
    "factor '1 2 x' 2,2",
    "factor no_such_file.csv 2x2",
    "factor -1 -2",
    "nearest",
    "nearest sobel",
    "nearest sobelx 2x2,2x2",
    "nearest sobel 2x2,relu",
    "nearest '0 0; 0 0' 2x2",
    "nearest sobel 2x2,2x2 --covariance ar2:0.95",
    "nearest sobel 2x2,2x2 --covariance ar1:2",
    "nearest sobel 2x2,2x2 --input 1",
    "nearest sobel 2x2,2x2 --out no/such/folder/w.npz",
    "nearest tests/data/nearest.npz 2x2,2x2",
    "nearest tests/data/nearest.npz:frobnicate 2x2,2x2",
    "nearest 'tests/data/nearest.npz:depthwise[9,9]' 2x2,2x2",
    "nearest tests/data/nearest.npz:depthwise dw3x3,1x1@7",
    "factorability",
    "factorability tests/data/nearest.npz",
    "factorability no_such_file.npz 2x2,2x2",
    "factorability README.md 2x2,2x2",
    "factorability tests/data/nearest.npz:depth 2x2,2x2",
    "factorability tests/data/nearest.npz 2x2,relu",
    "factorability tests/data/nearest.npz 2x2,",
    "check",
    "check no_such_file.json",
    "check README.md",
    "check tests/data/nearest.npz",
    "check a b",
    "zoo resnet51",
    "zoo resnet50 resnet18",
]


def of_options() -> Iterator[list[str]]:
    """Every option of every command: unknown, without its value, with one out of range."""
    for name, command in main.commands.items():
        yield [name, "--no-such-option-of-this-command-or-of-any-other-command-anywhere"]
        for option in command.params:
            if not isinstance(option, click.Option):
                continue
            arguments = ["3x3" for one in command.params if isinstance(one, click.Argument)]
            flag = option.opts[-1]
            yield [name, *arguments, f"{flag}x"]
            if option.is_flag:
                yield [name, *arguments, f"{flag}=yes"]
                continue
            yield [name, *arguments, flag]
            if isinstance(option.type, (click.Choice, click.IntRange)):
                yield [name, *arguments, flag, "not-one-of-those-that-are-there"]
                yield [name, *arguments, flag, "-99999999999999999999"]


@pytest.mark.parametrize(
    "arguments",
    [*map(shlex.split, BY_HAND), *of_options()],
    ids=lambda arguments: " ".join(arguments)[:60],
)
def test_a_bad_call(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(ROOT)  # where the files are that calls name
    result = CliRunner().invoke(main, arguments, prog_name="convalgebra")
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 2
    assert result.output
    # A name that is longer than a line is not cut: it is there to be copied.
    lines = [line for line in result.output.splitlines() if " " in line.strip()]
    assert [line for line in lines if len(line) > 80] == []


def test_every_command_is_called_badly() -> None:
    assert {call.split()[0] for call in BY_HAND} >= set(main.commands)
