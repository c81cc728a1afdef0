"""A linear stack with given weights as the one convolution that equals it, and where it does.

`parameters` names the weights of a stack, `weights` takes them in, `blocks` multiplies
block-diagonal arrays, `composition` runs a plan, `convolution` reads the one convolution off what
comes out, `sides` pads it, `classes` and `differences` find the outputs that zero padding inside
the stack makes differ, `verdicts` puts it together.
"""

from convalgebra.kernels.merging.report import MergeReport
from convalgebra.kernels.merging.stacks import merge, parameter_table

__all__ = ["MergeReport", "merge", "parameter_table"]
