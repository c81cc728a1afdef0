"""Given weights: merge a stack, factor a kernel, or approximate it by a stack."""
