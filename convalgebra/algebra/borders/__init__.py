"""Borders: where zero padding makes a stack differ from its merged convolution, and what mends it.

`losses` proves which outputs differ, `mending` moves the padding, `report` puts both together,
`comparison` sets two stacks side by side; `regions` are the sets of positions that all is about.
"""

from convalgebra.algebra.borders.comparison import BordersComparison, compare_borders
from convalgebra.algebra.borders.report import Blame, Borders, borders

__all__ = ["Blame", "Borders", "BordersComparison", "borders", "compare_borders"]
