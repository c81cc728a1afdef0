"""Plain numbers are costed without the libraries that formulas need."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
HEAVY = ("sympy", "numpy", "fractions", "torch", "flint")
PROGRAM = """
import sys
from convalgebra.cost import cost
report = cost({stack!r}, input={input!r})
report.to_dict()
print(*[name for name in {heavy!r} if name in sys.modules])
"""


def imported_by(stack, input=None):
    program = PROGRAM.format(stack=stack, input=input, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.split()


@pytest.mark.parametrize("stack", ["zoo:resnet50", "zoo:mobilenet_v2", "zoo:unet"])
def test_plain_numbers(stack):
    assert imported_by(stack) == []


def test_a_print_out():
    assert imported_by("tests/data/printed/lenet.txt", "1x28x28") == []


def test_the_same_test_sees_what_named_sizes_import():
    assert "sympy" in imported_by("3x3@C", "CxHxW")


def test_the_same_test_sees_a_fraction():
    assert imported_by("up2, 3x3", "1x8x8") == ["fractions"]
