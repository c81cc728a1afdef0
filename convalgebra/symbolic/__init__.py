"""The sympy engine: symbols pushed through the layers, entry by entry, and collected.

It shows how a stack works and cross-checks the verdicts, which come from elsewhere.
"""

from convalgebra.symbolic.derivation import Derivation, derive
from convalgebra.symbolic.engine import push, weights_of
from convalgebra.symbolic.equations import equations
from convalgebra.symbolic.matrix import DenseMatrix, matrix, matrix_of, with_channel

__all__ = [
    "DenseMatrix",
    "Derivation",
    "derive",
    "equations",
    "matrix",
    "matrix_of",
    "push",
    "weights_of",
    "with_channel",
]
