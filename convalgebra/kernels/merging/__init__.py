"""A linear stack with given weights as the one convolution that equals it, and where it does.

`linear` says which stacks are merged, `parameters` names their weights, `state` takes these in,
`inputs` reads channels off them, `weights` makes numbers of them, `blocks` multiplies
block-diagonal arrays, `composition` runs a plan, `convolution` reads the one convolution off what
comes out, `rounding` bounds what floats lose, `sides` pads it, `classes` and `differences` find the
outputs that zero padding inside the stack makes differ, `verdicts` puts it together.
"""

from convalgebra.kernels.merging.report import MergeReport
from convalgebra.kernels.merging.stacks import merge, parameter_table

__all__ = ["MergeReport", "merge", "parameter_table"]
