"""What the commands print, whole, at 80 columns.

`UPDATE_DOCS=1 pytest tests/test_golden.py` writes the files anew; read the difference before
committing it.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from convalgebra.cli import main

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "UPDATE_DOCS" in os.environ

COMMANDS = {
    "equiv_3x3_2x2_2x2": "equiv 3x3 2x2,2x2",
    "equiv_3x3_2x2_2x2_derive": "equiv 3x3 2x2,2x2 --derive",
    "equiv_3x3_2x2_2x2_json": "equiv 3x3 2x2,2x2 --format json",
    "equiv_3x3_2x2_2x2_latex": "equiv 3x3 2x2,2x2 --format latex",
    "equiv_3x3_2x2_2x2_md": "equiv 3x3 2x2,2x2 --format md",
    "equiv_swapped": "equiv 2x2,2x2 3x3",
    "equiv_3_2_2": "equiv 3 2,2",
    "equiv_3_2_2_derive": "equiv 3 2,2 --derive",
    "equiv_3x3_3x1_1x3": "equiv 3x3 3x1,1x3",
    "equiv_5x5_3x3_3x3": "equiv 5x5 3x3,3x3",
    "equiv_11x11": "equiv 11x11 '5*(3x3)'",
    "equiv_2x2_in_3x3": "equiv 3x3 2x2",
    "equiv_smaller_kernel": "equiv 1x3 2x2,2x2",
    "equiv_strides": "equiv 4x4s2 2x2s2,2x2",
    "equiv_dilated": "equiv 4 2,2d2",
    "equiv_average": "equiv 3x3 avg2x2s1,2x2",
    "equiv_channels": "equiv 5x5 3x3,3x3 --channels 8",
    "equiv_channels_derive": "equiv 3x3 3x1@3,1x3@2 --channels 2 --derive",
    "equiv_channels_latex": "equiv 3x3 2x2,2x2 --channels 2 --format latex",
    "equiv_width": "equiv 3x3 2x2,2x2 --channels 4 --width",
    "equiv_equations": "equiv 3x3 3x1,1x3 --equations",
    "equiv_relu": "equiv 3x3 2x2,relu,2x2",
    "equiv_relu_wide": "equiv 3x3 2x2@8,relu,2x2@1",
    "equiv_borders": "equiv 5x5p2 3x3p1,3x3p1 --input 12x12",
    "equiv_stacks": "equiv 2x2,4x4 3x3,3x3",
    "equiv_sums": "equiv 3x3p1 3x3p1+1x1+id --channels 2",
    "cost_layers": "cost '3x3p1@64b, bn, relu, max2x2s2, 3x3p1@128' --input 3x32x32",
    "cost_resnet50": "cost zoo:resnet50",
    "cost_resnet50_md": "cost zoo:resnet50 --format md",
    "cost_csv": "cost '3x3p1@64b, relu' --input 3x32x32 --format csv",
    "cost_json": "cost '3x3p1@64b, relu' --input 3x32x32 --format json",
    "cost_latex": "cost 'kxk@C, relu' --input CxHxW --format latex",
    "cost_html": "cost 'kxk@C, relu' --input CxHxW --format html",
    "inventory_resnet18": "cost --layers tests/data/printed/resnet18.txt",
    "inventory_vit": "cost --layers tests/data/printed/vit_b_32.txt",
    "inventory_chain": "cost --layers tests/data/printed/lenet.txt",
    "inventory_json": "cost --layers tests/data/printed/lenet.txt --format json",
    "inventory_csv": "cost --layers tests/data/printed/lenet.txt --format csv",
    "inventory_html": "cost --layers tests/data/printed/lenet.txt --format html",
    "inventory_md": "cost --layers tests/data/printed/r3d_18.txt --format md",
    "cost_print": "cost --layers tests/data/printed/lenet.txt --input 1x29x29",
    "cost_symbolic": "cost kxk@C --input CxHxW",
    "cost_branches": "cost 'cat(1x1@8 | 3x3p1@8 | up2, 2x2s2) + 1x1@20, gap, fc@9' --input 4x8x8",
    "cost_training": "cost zoo:mobilenet_v2 --batch 32 --dtype bfloat16 --training adam",
    "cost_batch": "cost '3x3p1@C, bn, relu' --input CxHxH --batch N",
    "cost_convention": "cost zoo:densenet121 --convention ptflops",
    "cost_convention_json": "cost '3x3p1@4b, bn, gap' --input 3x8x8 --convention fvcore"
    " --format json",
    "cost_convention_md": "cost '3x3p1@4b, max2x2s2' --input 3x8x8 --convention slim --format md",
    "cost_convention_csv": "cost '3x3p1@4b, bn, gap' --input 3x8x8 --convention thop --format csv",
    "compare_crossover": "cost 3x3p1@C dw3x3p1,1x1@C --input CxHxW",
    "compare_convention": "cost 3x3p1@8 '2*(2x2psame@8b)' --input 8x9x9 --convention torchinfo",
    "cost_phases": "cost 'a = 3x3p1; (max2x2s2, 3x3p1, up2) + a, 3x3p1' --input 4x16x16",
    "cost_alignment": "cost '3x3p1@8, (3x3p0:2, relu) + id, (2x2s2) + 3x3s2p1' --input 4x16x16",
    "cost_same_padding": "cost '3x3s2psame, (3x3s2psame) + 1x1s2' --input 3xHxW",
    "cost_jumps": "cost '(2x2s2) + crop8x4' --input 3x32x16 --format json",
    "cost_unit": "cost zoo:efficientnet_b0 --unit output --unit '20[0,55]' --unit 'input[3,4]'",
    "cost_unit_holes": "cost '3x3d4, 3x3d4' --input 1x40x40 --unit '[5,0]'",
    "cost_unit_json": "cost '1x7p0x3 + 7x1p3x0' --input 2x40x40 --unit '[0,20]' --format json",
    "cost_unit_md": "cost '1x7p0x3 + 7x1p3x0' --input 2x40x40 --unit '[0,20]' --format md",
    "cost_unit_html": "cost '3x3d4' --input 1x9x9 --unit '[0,0]' --format html",
    "cost_unit_csv": "cost '3x3p1' --input 1x9x9 --unit '[0,0]' --unit '[4,4]' --format csv",
    "cost_unit_latex": "cost '3x3p1' --input 1x9x9 --unit '[0,0]' --format latex",
    "compare_symbolic": "cost 7x7p3@C '3*(3x3p1@C)' --input CxHxW",
    "compare_numbers": "cost 7x7p3@C '3*(3x3p1@C)' --input CxHxW --at C=64,H=56,W=56",
    "compare_three": "cost 7x7p3@8 '3*(3x3p1@8)' dw7x7p3,1x1@8 --input 8x28x28",
    "compare_kernel": "cost kxk@C 'dw kxk, 1x1@C' --input CxHxW",
    "compare_zoo": "cost zoo:resnet18 zoo:resnet50 zoo:vgg16 zoo:mobilenet_v2",
    "compare_long": "cost '3x3p1@C, bn, relu, 3x3p1@C, bn, relu' "
    "'dw3x3p1, 1x1@C, bn, relu, dw3x3p1, 1x1@C, bn, relu' 3x3p1@C --input CxHxW",
    "compare_latex": "cost 3x3p1@C dw3x3p1,1x1@C --input CxHxW --format latex",
    "compare_csv": "cost 7x7p3@8 '3*(3x3p1@8)' --input 8x28x28 --format csv",
    "matrix_3x3": "matrix 3x3 --input 4x4",
    "matrix_2x2_2x2": "matrix 2x2,2x2 --input 3x3",
    "matrix_json": "matrix 2 --input 3 --format json",
    "matrix_channels": "matrix 3x3@8 --input 1x3x3",
    "merge_border": "merge 3x3p1,3x3p1 --weights tests/data/weights/blur_sharpen.npz --input 12x12",
    "merge_every_input": "merge 3x3p1,3x3s2p1 --weights tests/data/weights/blur_sharpen.npz",
    "merge_json": "merge 3x3,3x3 --weights tests/data/weights/blur_sharpen.npz --format json",
    "merge_md": "merge 3,3p1b --weights tests/data/weights/one_axis.npz --input 9 --format md",
    "merge_latex": "merge 3,3p1b --weights tests/data/weights/one_axis.npz --format latex",
    "merge_names": "merge '3x3p1@8b, bn, convt2x2s2@4' --channels 3 --names",
    "merge_repvgg": "merge '(3x3p1, bn) + (1x1, bn) + bn' --input 9x9 "
    "--weights tests/data/weights/repvgg.npz",
    "factor_sobel": "factor sobel 2x2,2x2",
    "factor_box3": "factor box3 2x2,2x2",
    "factor_kirsch": "factor kirsch 2x2,2x2",
    "factor_unsharp": "factor unsharp 3x3,3x3",
    "factor_unsharp_json": "factor unsharp 3x3,3x3 --format json",
    "factor_one_axis": "factor '1 2 3 4 5' 3,3",
    "factor_roots": "factor '1 2 3 4 5 6 8' 3,5 --ways 1",
    "factor_dilated": "factor '1 0 -1 0 1' 3,2d2",
    "factor_scharr_md": "factor scharr 2x2,2x2 --format md",
    "factor_list": "factor --list",
    "nearest_search": "nearest '1 2 0; 3 4 1; 0 2 5' 2x2,2x2",
    "nearest_separable": "nearest sharpen 3x1,1x3 --covariance ar1:0.95 --input 8x8",
    "nearest_exact": "nearest scharr 3x1,1x3",
    "nearest_places": "nearest '1 5 5 1 5 5' 2",
    "nearest_layer": "nearest tests/data/nearest.npz:depthwise dw3x3,1x1@4 --input 3x8x8",
    "nearest_md": "nearest emboss 3x1,1x3 --format md",
    "factorability": "factorability tests/data/nearest.npz 2x2,2x2 3x1,1x3 dw+pw",
    "factorability_csv": "factorability tests/data/nearest.npz 3x1,1x3 dw+pw --format csv",
    "zoo": "zoo",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_output(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN.parent.parent)  # where the files are that commands name
    result = CliRunner().invoke(main, shlex.split(COMMANDS[name]), prog_name="convalgebra")
    assert result.exit_code == 0, result.output
    path = GOLDEN / f"{name}.txt"
    if UPDATE:
        path.write_text(result.stdout, encoding="utf-8")
    assert result.stdout == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", [n for n in COMMANDS if not n.endswith(("json", "html", "csv", "md", "latex"))]
)
def test_text_fits_on_80_columns(name: str) -> None:
    lines = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 80


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(COMMANDS)


def test_totals_are_the_sums_of_the_printed_rows() -> None:
    lines = (GOLDEN / "cost_resnet50.txt").read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("layer "))
    rule = next(i for i, line in enumerate(lines) if line.startswith("---"))
    params_end, macs_end = (lines[start].index(word) + len(word) for word in ("params", "MACs"))

    def figure(line: str, end: int) -> int:
        return int(line[:end].split()[-1].replace(",", ""))

    for end in (params_end, macs_end):
        rows = [figure(line, end) for line in lines[start + 1 : rule]]
        assert sum(rows) == figure(lines[rule + 1], end)
