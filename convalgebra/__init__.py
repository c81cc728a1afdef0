"""The algebra of convolution stacks: what they cost and what they can express, exactly.

>>> import convalgebra as ca
>>> ca.equiv("3x3", "2x2,2x2").equivalent
False
>>> ca.cost("3x3p1@64, relu", input="3x32x32").total.macs
1769472
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convalgebra.algebra import EquivalenceReport, equiv
    from convalgebra.cost import CostReport, cost, inventory
    from convalgebra.cost.comparison import Comparison, compare
    from convalgebra.errors import ConvalgebraError
    from convalgebra.inventory import Inventory
    from convalgebra.kernels.factoring import FactorReport, factor
    from convalgebra.kernels.merging import MergeReport, merge
    from convalgebra.kernels.nearest import (
        FactorabilityReport,
        NearestReport,
        factorability,
        nearest,
    )
    from convalgebra.network import Network
    from convalgebra.readers import read as parse
    from convalgebra.readers.onnx_file import from_onnx
    from convalgebra.readers.torch_module import from_torch
    from convalgebra.symbolic import DenseMatrix
    from convalgebra.symbolic import matrix_of as matrix

__version__ = "0.1.0"

# Where each public name lives; it is imported when it is first asked for.
_PUBLIC = {
    "Comparison": ("convalgebra.cost.comparison", "Comparison"),
    "ConvalgebraError": ("convalgebra.errors", "ConvalgebraError"),
    "CostReport": ("convalgebra.cost", "CostReport"),
    "DenseMatrix": ("convalgebra.symbolic", "DenseMatrix"),
    "EquivalenceReport": ("convalgebra.algebra", "EquivalenceReport"),
    "FactorReport": ("convalgebra.kernels.factoring", "FactorReport"),
    "FactorabilityReport": ("convalgebra.kernels.nearest", "FactorabilityReport"),
    "Inventory": ("convalgebra.inventory", "Inventory"),
    "MergeReport": ("convalgebra.kernels.merging", "MergeReport"),
    "NearestReport": ("convalgebra.kernels.nearest", "NearestReport"),
    "Network": ("convalgebra.network", "Network"),
    "compare": ("convalgebra.cost.comparison", "compare"),
    "cost": ("convalgebra.cost", "cost"),
    "equiv": ("convalgebra.algebra", "equiv"),
    "from_onnx": ("convalgebra.readers.onnx_file", "from_onnx"),
    "from_torch": ("convalgebra.readers.torch_module", "from_torch"),
    "factor": ("convalgebra.kernels.factoring", "factor"),
    "factorability": ("convalgebra.kernels.nearest", "factorability"),
    "inventory": ("convalgebra.cost", "inventory"),
    "matrix": ("convalgebra.symbolic", "matrix_of"),
    "merge": ("convalgebra.kernels.merging", "merge"),
    "nearest": ("convalgebra.kernels.nearest", "nearest"),
    "parse": ("convalgebra.readers", "read"),
}

__all__ = [
    "Comparison",
    "ConvalgebraError",
    "CostReport",
    "DenseMatrix",
    "EquivalenceReport",
    "FactorReport",
    "FactorabilityReport",
    "Inventory",
    "MergeReport",
    "NearestReport",
    "Network",
    "__version__",
    "compare",
    "cost",
    "equiv",
    "factor",
    "factorability",
    "from_onnx",
    "from_torch",
    "inventory",
    "matrix",
    "merge",
    "nearest",
    "parse",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'convalgebra' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _PUBLIC[name]
    return getattr(import_module(module), attribute)


class _Package(ModuleType):
    """This package: `convalgebra.cost` is the function, though a folder has that name too.

    Importing a submodule sets it as an attribute of its package; here it must not hide a name.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PUBLIC and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted(__all__)
