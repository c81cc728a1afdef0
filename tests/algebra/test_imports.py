"""The verdict, the printed equations included, needs neither sympy nor numpy."""

import subprocess
import sys

HEAVY = ("sympy", "numpy", "torch")
PROGRAM = """
import sys
import convalgebra
report = convalgebra.equiv({left!r}, {right!r})
str(report)
report.to_dict()
{more}
print(*[name for name in {heavy!r} if name in sys.modules])
"""


def imported_by(left, right, more=""):
    program = PROGRAM.format(left=left, right=right, heavy=HEAVY, more=more)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_the_verdict_imports_neither_sympy_nor_numpy():
    assert imported_by("3x3", "2x2,2x2") == []


def test_along_one_axis_too():
    assert imported_by("3", "2,2") == []


def test_the_same_test_sees_what_sympy_equations_import():
    assert "sympy" in imported_by("3x3", "2x2,2x2", "report.equations")


def test_the_same_test_sees_numpy():
    assert "numpy" in imported_by("3x3", "2x2,2x2", "import numpy")
