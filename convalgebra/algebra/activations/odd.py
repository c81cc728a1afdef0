"""A concrete input on which a stack with ReLUs shows that it is not linear.

A linear map g has g(-x) = -g(x). A stack of ReLUs without biases, all of whose weights are
positive, has g(-x) = 0 for every x without negative entries, and g(x) > 0 if an output sees some
of x: so the sum g(x) + g(-x) is not 0. (The other direction is false: with negative weights after a
ReLU another one may stay 0 for all inputs.)
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from convalgebra.algebra.operators import source_place
from convalgebra.algebra.plan import Axes, Plan, Step, plan_of
from convalgebra.network import Network

MAX_WORK = 500_000  # multiplications: more would not be read by anybody
MAX_WRITTEN = 5_000  # numbers that a certificate writes out


@dataclass(frozen=True)
class OddWitness:
    """A member of a stack with ReLUs, an input x, and the outputs at x and at -x.

    `weights` are in the order of the plan; `values` are x, channel by channel, row-major, on a
    patch of `size` that holds all that one output sees. `plus` and `minus` are that output's
    channels.
    """

    weights: tuple[int, ...]
    size: Axes
    values: tuple[int, ...]
    plus: tuple[int, ...]
    minus: tuple[int, ...]

    @property
    def sums(self) -> tuple[int, ...]:
        """g(x) + g(-x), channel by channel: 0 for a linear map."""
        return tuple(a + b for a, b in zip(self.plus, self.minus, strict=True))

    def rows(self) -> list[list[int]]:
        """The input as rows of numbers, channel after channel."""
        width = self.size[-1]
        return [list(self.values[at : at + width]) for at in range(0, len(self.values), width)]

    def sentence(self, text: str) -> str:
        """What it shows of the stack `text`, in words.

        >>> from convalgebra.language import parse
        >>> print(odd_witness(parse("2, relu")).sentence("2,relu").partition("; ")[0])
        with all weights 1 the stack 2,relu maps an input of 2 ones to 2 and its negative to 0
        """
        patch = prod(self.size)
        channels = len(self.values) // patch
        ones = f"{'x'.join(map(str, self.size))} ones" if patch > 1 else "1"
        if channels > 1:
            ones = f"{ones} in each of {channels:,} channels"
        how = "with all weights 1 the" if self.weights else "the"
        return (
            f"{how} stack {text} maps an input of {ones} to {self.plus[0]:,} and its negative to "
            f"{self.minus[0]:,}; for a linear map the two would add up to 0"
        )


def nonlinear(network: Network, channels: int, axes: int, stack: str) -> dict[str, Any] | None:
    """The claim of a certificate that almost no member of a chain with one ReLU is linear.

    With weights after the ReLU that leave one unit h alone, `f(x) + f(-x)` is |h(x)| up to a
    factor and constants: all first weights are 1, and there is nothing else. None where a layer
    after the ReLU is fixed, or where there is more than one ReLU.
    """
    plan = plan_of(network, channels, axes, relu=True)
    relus = [index for index, step in enumerate(plan.steps) if step.op == "relu"]
    if len(relus) != 1 or not plan.is_chain:
        return None
    after = plan.steps[relus[0] + 1 :]
    if any(step.weights is None for step in after) or sum(s.free for s in after) > MAX_WRITTEN:
        return None
    weights = [int(number == 0) for step in after for number in range(step.free)]
    return {"claim": "nonlinear", "stack": stack, "weights": weights}


def odd_witness(network: Network, channels: int = 1, axes: int | None = None) -> OddWitness | None:
    """All weights 1 and an input of ones: a proof that a stack with ReLUs has nonlinear members.

    None for stacks with biases, with steps that are not convolutions and ReLUs, or that are too
    large to write the input down.

    >>> from convalgebra.language import parse
    >>> witness = odd_witness(parse("2x2, relu, 2x2"))
    >>> witness.rows(), witness.plus, witness.minus, witness.sums
    ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], (16,), (0,), (16,))
    """
    plan = plan_of(network, channels, axes, relu=True)
    if any(
        step.op not in ("input", "conv", "relu", "add", "cat") or step.bias or step.taps is not None
        for step in plan.steps
    ) or not any(step.op == "relu" for step in plan.steps):
        return None
    needed = _needed(plan)
    if needed is None or not needed[0]:
        return None
    low, high = (tuple(map(f, zip(*needed[0], strict=True))) for f in (min, max))
    size = tuple(b - a + 1 for a, b in zip(low, high, strict=True))
    count = prod(size) * plan.channels[0]
    if count > MAX_WORK:
        return None
    plus, minus = (_output(plan, needed, value) for value in (1, -1))
    if not any(plus):
        return None
    return OddWitness((1,) * plan.weights, size, (1,) * count, plus, minus)


def _needed(plan: Plan) -> list[set[Axes]] | None:
    """The positions of every step's value that output 0 depends on; None if there are too many."""
    needed: list[set[Axes]] = [set() for _ in plan.steps]
    needed[-1] = {(0,) * plan.axes}
    work = 0
    for index in range(len(plan.steps) - 1, 0, -1):
        step = plan.steps[index]
        for source in step.sources:
            if step.op != "conv":
                needed[source] |= needed[index]
                continue
            pairs = step.channels[0] * step.channels[1] // step.groups
            work += len(needed[index]) * prod(step.size) * max(1, pairs)
            if work > MAX_WORK:
                return None
            needed[source] |= {
                place
                for position, offset in product(needed[index], step.offsets())
                if (place := source_place(step, position, offset)) is not None
            }
    return needed


def _output(plan: Plan, needed: list[set[Axes]], value: int) -> tuple[int, ...]:
    """The channels of output 0 where all weights are 1 and every input is `value`."""
    values: list[dict[Axes, list[int]]] = []
    for index, step in enumerate(plan.steps):
        values.append({at: _at(step, at, values, value) for at in needed[index]})
    (output,) = values[-1].values()
    return tuple(output)


def _at(step: Step, at: Axes, values: list[dict[Axes, list[int]]], value: int) -> list[int]:
    if step.op == "input":
        return [value] * step.channels[1]
    if step.op == "relu":
        return [max(0, number) for number in values[step.sources[0]][at]]
    if step.op == "add":
        return [
            sum(numbers) for numbers in zip(*(values[s][at] for s in step.sources), strict=True)
        ]
    if step.op == "cat":
        return [number for source in step.sources for number in values[source][at]]
    width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
    source = values[step.sources[0]]
    totals = [0] * step.groups
    for offset in step.offsets():
        place = source_place(step, at, offset)
        assert place is not None
        for group in range(step.groups):
            totals[group] += sum(source[place][group * width : (group + 1) * width])
    return [total for total in totals for _ in range(out)]
