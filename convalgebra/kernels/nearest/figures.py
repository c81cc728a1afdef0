"""What the kernel and the stack cost, side by side: weights, MACs, traffic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from convalgebra.algebra.families import Family
from convalgebra.cost import CostReport, cost
from convalgebra.errors import InputError
from convalgebra.kernels.nearest.coefficients import Coefficients
from convalgebra.kernels.nearest.target import Target
from convalgebra.network import Network
from convalgebra.readers import Input, read, read_shape


class Cost(NamedTuple):
    """Weights, MACs per position of the output; on a given input all MACs, and bytes moved."""

    weights: int
    macs_per_output: int | Fraction
    macs: int | None = None
    traffic: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Under stable keys; whole numbers as ints."""
        each = self.macs_per_output
        return self._asdict() | {"macs_per_output": each if isinstance(each, int) else str(each)}


class Figures(NamedTuple):
    """Before: the kernel as one dense convolution; after: the stack. `input`: what both run on."""

    before: Cost
    after: Cost
    input: tuple[int, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Under stable keys."""
        return {
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "input": None if self.input is None else list(self.input),
        }


def figures_of(
    network: Network, family: Family, target: Target, made: Coefficients, input: Input
) -> Figures:
    """The costs of both; on an input if one is given, or if the stack is written with one."""
    size = int(target.entries.size)
    before = Cost(size, size)
    after = Cost(made.weights, family.macs_per_output)
    shape = network.shape if input is None else read_shape(input)
    if shape is None:
        return Figures(before, after)
    into, out = target.channels
    if len(shape) == len(made.field) and shape[0] != into:
        shape = (into, *shape)
    if shape[0] != into or len(shape) != len(made.field) + 1:
        raise InputError(
            f"the input {'x'.join(map(str, shape))} does not fit {target.name}; "
            f"expected {into} channels and {len(made.field)} sizes"
        )
    if any(not isinstance(n, int) for n in shape):
        raise InputError("nearest takes numbers as an input, like 64x56x56")
    stack = cost(network, input=shape)
    outputs = tuple(int(n) for n in stack.layers[-1].output[1:])
    one = cost(_dense(target, family, shape[1:], outputs, out), input=shape)
    return Figures(
        before._replace(**_moved(one)),
        after._replace(**_moved(stack)),
        tuple(int(n) for n in shape),
    )


def _moved(report: CostReport) -> dict[str, int]:
    macs, traffic = report.total.macs, report.total.bytes
    assert isinstance(macs, int)  # a linear stack, on numbers: all of it is known
    assert isinstance(traffic, int)
    return {"macs": macs, "traffic": traffic}


def _dense(
    target: Target, family: Family, sizes: tuple[int, ...], outputs: tuple[int, ...], out: int
) -> Network:
    """The kernel as a convolution, padded so that it gives as many outputs as the stack."""
    strides = [int(s) for s in family.total_stride]
    pads = []
    for n, m, k, s in zip(sizes, outputs, target.size, strides, strict=True):
        missing = max(0, s * (m - 1) + k - n)
        pads.append(f"{missing // 2}:{missing - missing // 2}")
    text = "x".join(map(str, target.size)) + "s" + "x".join(map(str, strides))
    if any(pad != "0:0" for pad in pads):
        text += "p" + "x".join(pads)
    return read(f"{text}@{out}")
