"""The normal form of a plan that is a chain of one-channel convolutions."""

from __future__ import annotations

from math import prod

from convalgebra.algebra.one_channel.chains import Chain, Factor
from convalgebra.algebra.plan import Plan


def chain_of_plan(plan: Plan) -> Chain | None:
    """The chain of a plan; None where it has several channels, branches, biases or the like.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.language import parse
    >>> chain = chain_of_plan(plan_of(parse("2x2s2, 2x2")))
    >>> chain.receptive_field, chain.stride, chain.factors[1].dilation
    ((4, 4), (2, 2), (2, 2))
    """
    if not plan.is_chain:
        return None
    stride = (1,) * plan.axes
    offset = [0] * plan.axes
    factors: list[Factor] = []
    strides: list[tuple[int, ...]] = []
    for step in plan.steps[1:]:
        average = step.kind == "avg"
        if step.op != "conv" or step.channels != (1, 1) or step.bias:
            return None
        moved = step.only_moves
        if step.weights is None and not average and not moved:
            return None
        for axis, left in enumerate(step.padding):
            offset[axis] -= stride[axis] * left
        if moved:
            continue
        dilation = tuple(s * d for s, d in zip(stride, step.dilation, strict=True))
        factors.append(Factor(step.size, dilation, not average))
        strides.append(step.stride)
        stride = tuple(a * b for a, b in zip(stride, step.stride, strict=True))
    if not factors:
        return None
    macs, positions = 0, 1
    for factor, along in zip(reversed(factors), reversed(strides), strict=True):
        macs += positions * factor.weights
        positions *= prod(along)
    return Chain(plan.text, tuple(factors), stride, tuple(offset), plan.padded, macs, plan.aligned)
