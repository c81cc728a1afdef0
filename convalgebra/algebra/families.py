"""A stack with free weights as a family: the polynomial map from weights to coefficients.

Its *image* is the set of operators that it can be. All coefficients are sums of products of weights
with positive factors (fixed kernels have positive taps), one for each path through the stack; so a
coefficient vanishes identically iff there is no path to it, iff it is 0 where all weights are 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from convalgebra.algebra.jacobians import jacobian_rows
from convalgebra.algebra.one_channel.chains import Chain
from convalgebra.algebra.one_channel.normal_form import chain_of_plan
from convalgebra.algebra.operators import (
    CONSTANT,
    Coordinate,
    Evaluation,
    Grid,
    Rate,
    grid_of,
    work_of,
)
from convalgebra.algebra.plan import Axes, Plan, plan_of
from convalgebra.algebra.supports import bits_of, supports
from convalgebra.algebra.weight_polynomials import Polynomial
from convalgebra.errors import UnsupportedError
from convalgebra.network import Network

MAX_COORDINATES = 2_000_000  # listed one by one: past it they fill the memory


@dataclass(frozen=True)
class Family:
    """The family of a plan, at the period `step` (inputs per period, along each axis) if given.

    A `step` is given only where it is a multiple of the plan's own: see `at_period`.
    """

    plan: Plan
    step: Axes | None = field(default=None)

    @property
    def text(self) -> str:
        """The stack in canonical form."""
        return self.plan.text

    @property
    def weights(self) -> int:
        """The number of free weights, biases among them."""
        return self.plan.weights

    @property
    def channels_in(self) -> int:
        """The channels that come in."""
        return self.plan.channels[0]

    @property
    def channels_out(self) -> int:
        """The channels that go out."""
        return self.plan.channels[1]

    @cached_property
    def grid(self) -> Grid:
        """The rates and extents of all steps."""
        return grid_of(self.plan, self.step)

    @property
    def rate(self) -> Rate:
        """(a, b) per axis: b outputs for every a inputs."""
        return self.grid.rates[-1]

    @property
    def total_stride(self) -> tuple[Fraction, ...]:
        """Inputs per output along each axis: below 1 where the stack makes its input larger."""
        return tuple(Fraction(a, b) for a, b in self.rate)

    def at_period(self, step: Axes) -> Family:
        """The same family, `step` inputs taken as one period: multiples of its own."""
        return self if tuple(a for a, _ in self.rate) == step else Family(self.plan, step)

    @cached_property
    def with_folded_padding(self) -> Family:
        """The same family, its steps that only pad or crop made part of its layers."""
        plan = self.plan.with_folded_padding()
        return self if plan.steps == self.plan.steps else Family(plan, self.step)

    def shifted(self, by: Axes) -> Family:
        """The same family with its output shifted: what was at n + by comes to lie at n."""
        return self if not any(by) else Family(self.plan.shifted(by), self.step)

    @cached_property
    def chain(self) -> Chain | None:
        """The normal form of a chain of one-channel convolutions, None for anything else."""
        return chain_of_plan(self.plan) if self.step is None else None

    @property
    def is_kernel(self) -> bool:
        """Whether it is one dense convolution with free weights and nothing else."""
        steps = self.plan.steps
        return (
            self.step is None
            and len(steps) == 2
            and steps[1].op == "conv"
            and steps[1].groups == 1
            and steps[1].weights is not None
        )

    def run(self, first: int, last: int) -> Family:
        """The steps first..last of a chain as a family of their own."""
        return Family(self.plan.run(first, last))

    @cached_property
    def work(self) -> int:
        """An upper bound for the multiplications in one evaluation."""
        return sum(work_of(self.grid, index) for index in range(1, len(self.plan.steps)))

    @cached_property
    def _support(self) -> list[list[dict[int, int]]]:
        """Of every output channel and phase: {source: its exponents as bits}; the constant as 1."""
        return supports(self.grid)[-1]

    @cached_property
    def _narrow(self) -> Family | None:
        """A chain of dense layers with one channel everywhere: every pair of channels has its taps.

        None for what is no such chain, and for one that is narrow already.
        """
        steps = self.plan.steps
        dense = all(step.op in ("conv", "convt") and step.groups == 1 for step in steps[1:])
        if not (dense and self.plan.is_chain) or max(max(s.channels) for s in steps) == 1:
            return None
        thin = tuple(step._replace(channels=(1, 1)) for step in steps)
        return Family(replace(self.plan, steps=thin), self.step)

    @cached_property
    def ambient(self) -> int:
        """The number of coefficients that do not vanish identically, constants among them."""
        if self.chain is not None:
            return self.chain.ambient
        if self._narrow is not None:
            pairs = self.channels_in * self.channels_out
            (phases,) = self._narrow._support
            return sum(
                self.channels_out if source == CONSTANT else pairs * mask.bit_count()
                for row in phases
                for source, mask in row.items()
            )
        counts: dict[int, int] = {}
        total = 0
        for phases in self._support:
            for row in phases:
                if id(row) not in counts:
                    masks = {id(mask): mask for mask in row.values()}
                    bits = {key: mask.bit_count() for key, mask in masks.items()}
                    counts[id(row)] = sum(bits[id(mask)] for mask in row.values())
                total += counts[id(row)]
        return total

    @property
    def constants(self) -> int:
        """How many of them are constants, which biases make: of so many channels and phases."""
        if self._narrow is not None:
            return self.channels_out * self._narrow.constants
        return sum(CONSTANT in row for phases in self._support for row in phases)

    @cached_property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """Those coefficients in order: by channel and phase, the constant last.

        Raises UnsupportedError where there are more than `MAX_COORDINATES`.
        """
        if self.ambient > MAX_COORDINATES:
            raise UnsupportedError(
                f"{self.text} has {self.ambient:,} coefficients, more than {MAX_COORDINATES:,}: "
                "too many to be listed"
            )
        return tuple(
            Coordinate(out, phase, CONSTANT, ())
            if key == CONSTANT
            else Coordinate(out, phase, *self.grid.unpacked(key))
            for out, phase, key in self._keys
        )

    @cached_property
    def _keys(self) -> list[tuple[int, Axes, int]]:
        phases = list(product(*(range(b) for _, b in self.rate)))
        places = self.grid.places
        found = []
        for out, rows in enumerate(self._support):
            for phase, row in zip(phases, rows, strict=True):
                for source in sorted(row, key=lambda s: (s == CONSTANT, s)):
                    if source == CONSTANT:
                        found.append((out, phase, CONSTANT))
                        continue
                    for bit in bits_of(row[source]):
                        found.append((out, phase, source * places + bit))
        return found

    @cached_property
    def _columns(self) -> list[list[dict[int, int]]]:
        """The column of each coordinate: [channel][phase]{key: column}."""
        numbers = {phase: n for n, phase in enumerate(product(*(range(b) for _, b in self.rate)))}
        found: list[list[dict[int, int]]] = [
            [{} for _ in numbers] for _ in range(self.channels_out)
        ]
        for column, (out, phase, key) in enumerate(self._keys):
            found[out][numbers[phase]][key] = column
        return found

    def _values(self, point: Sequence[Any], modulus: int | None) -> list[Any]:
        rows = Evaluation(self.grid, point, modulus).output()
        found: list[Any] = [0] * len(self._keys)
        for phases, columns in zip(rows, self._columns, strict=True):
            for row, column in zip(phases, columns, strict=True):
                for key, value in row.items():
                    found[column[key]] = value
        return found

    def values(self, point: Sequence[int], modulus: int) -> list[int]:
        """The coordinates at these weights, mod `modulus`.

        >>> from convalgebra.language import parse
        >>> family_of(parse("2,2")).values([1, 2, 3, 4], 7)
        [3, 3, 1]
        """
        return self._values(point, modulus)

    def exact_values(self, point: Sequence[Any]) -> list[Any]:
        """The coordinates at weights of any exact ring: ints, Fractions, polynomials."""
        return self._values(point, None)

    @cached_property
    def polynomials(self) -> list[Polynomial]:
        """The coordinates in the weights, multiplied out; `products_of` says how long they are."""
        weights = [Polynomial.variable(index) for index in range(self.weights)]
        return [Polynomial.of(value) for value in self.exact_values(weights)]

    def jacobian(self, point: Sequence[int], modulus: int) -> list[dict[int, int]]:
        """The derivatives of the coordinates by every weight: a row {column: value} for each.

        The derivative by w[o, i, u] of a step is what stands before channel o of its value in the
        output, times what its source's channel i is of the input, moved by u: in shared layers the
        sum over their uses.

        >>> from convalgebra.language import parse
        >>> family_of(parse("2,2")).jacobian([1, 2, 3, 4], 7)
        [{0: 3, 1: 4}, {1: 3, 2: 4}, {0: 1, 1: 2}, {1: 1, 2: 2}]
        """
        return jacobian_rows(self.grid, self._columns, point, modulus)

    @cached_property
    def receptive_field(self) -> tuple[int, ...]:
        """The inputs from the first that an output sees to the last, per axis; the widest phase."""
        return tuple(high - low + 1 for low, high in self._extents)

    @property
    def offset(self) -> Axes:
        """The first input that output 0 sees, along each axis: minus the merged padding."""
        return tuple(low for low, _ in self._extents)

    @cached_property
    def _extents(self) -> list[tuple[int, int]]:
        """Along each axis the exponents of one output, the phase that sees most."""
        if self.chain is not None:
            along = zip(self.chain.offset, self.chain.receptive_field, strict=True)
            return [(low, low + size - 1) for low, size in along]
        if self._narrow is not None:
            return self._narrow._extents
        boxes: dict[int, list[tuple[int, int]]] = {}
        best: list[list[tuple[int, int]]] = []
        phases = len(self._support[0])
        for number in range(phases):
            # Channels of a group have one row, and its sources few masks: each is looked at once.
            distinct = {id(rows[number]): rows[number] for rows in self._support}
            masks = {
                id(mask): mask
                for row in distinct.values()
                for source, mask in row.items()
                if source != CONSTANT
            }
            for key, mask in masks.items():
                if key not in boxes:
                    boxes[key] = self.grid.box(mask)
            if masks:
                hull = zip(*(boxes[key] for key in masks), strict=True)
                best.append([(min(a for a, _ in h), max(b for _, b in h)) for h in hull])
        if not best:
            return [(0, -1)] * self.plan.axes
        return [
            max((box[axis] for box in best), key=lambda span: (span[1] - span[0], -span[0]))
            for axis in range(self.plan.axes)
        ]

    @cached_property
    def macs_per_output(self) -> int | Fraction:
        """MACs of free kernels per position of the output: each layer's at its own rate.

        As in `cost`, the products of `bn` and `scale` are no MACs.
        """
        total = Fraction(0)
        for index, step in enumerate(self.plan.steps):
            if step.weights is not None and step.kind not in ("bn", "scale"):
                at = index if step.op == "conv" else step.sources[0]
                positions = prod(
                    (
                        Fraction(b * out_a, a * out_b)
                        for (a, b), (out_a, out_b) in zip(
                            self.grid.rates[at], self.grid.rates[-1], strict=True
                        )
                    ),
                    start=Fraction(1),
                )
                total += positions * step.kernel_weights
        return int(total) if total.denominator == 1 else total


def family_of(network: Network, channels: int = 1, axes: int | None = None) -> Family:
    """The family of a linear network, see `plan_of` for what is refused.

    >>> from convalgebra.language import parse
    >>> family = family_of(parse("2x2@6, 2x2@4"), channels=4)
    >>> family.weights, family.ambient, family.receptive_field
    (192, 144, (3, 3))
    """
    return Family(plan_of(network, channels, axes))
