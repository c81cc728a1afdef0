"""What the readers of graphs of tensor operations share: tensors become values of a Network.

Frameworks move numbers about (`permute`, `view`, `flatten`) where the language has nothing to say,
and say with general operations (`mean`, `matmul`, `narrow`) what has a word there. A reader calls
one function of `operations` for each operation of its format, and `finished` at the end.
"""

from __future__ import annotations

from convalgebra.readers.graphs.builder import Builder, Constant, Parameter, Tensor
from convalgebra.readers.graphs.finishing import finished

__all__ = ["Builder", "Constant", "Parameter", "Tensor", "finished"]
