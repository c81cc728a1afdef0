"""The Jacobian of a family: the derivatives of all coefficients by all weights, mod a prime."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from convalgebra.algebra.operators import (
    CONSTANT,
    Evaluation,
    Grid,
    source_place,
    split_position,
)
from convalgebra.algebra.plan import Axes, Step

Column = dict[int, int]
Functional = dict[tuple[int, Axes], int]  # (channel, position) of a step's value -> coefficient


def jacobian_rows(
    grid: Grid, columns: list[list[Column]], point: Sequence[int], modulus: int
) -> list[dict[int, int]]:
    """One row {column: derivative} for each weight; `columns` numbers the keys of each output row.

    Backwards: an output is a linear functional on the values of every step. The derivative by
    w[o, i, u] is that functional on channel o, with the source's channel i moved by tap u in its
    place. Steps with shared weights add up.
    """
    evaluation = Evaluation(grid, point, modulus)
    rows: list[dict[int, int]] = [{} for _ in range(grid.plan.weights)]
    phases = list(product(*(range(b) for _, b in grid.rates[-1])))
    for channel, by_phase in enumerate(columns):
        for phase, numbers in zip(phases, by_phase, strict=True):
            _Output(evaluation, numbers, rows).run(channel, phase)
    return rows


class _Output:
    """The derivatives of one output: a channel at a phase."""

    def __init__(self, evaluation: Evaluation, columns: Column, rows: list[dict[int, int]]) -> None:
        self.evaluation, self.columns, self.rows = evaluation, columns, rows
        self.grid, self.plan = evaluation.grid, evaluation.plan
        self.p = evaluation.modulus or 0
        self.functionals: list[Functional] = [{} for _ in self.plan.steps]

    def run(self, channel: int, phase: Axes) -> None:
        self.functionals[-1][channel, phase] = 1
        for index in range(len(self.plan.steps) - 1, 0, -1):
            step, functional = self.plan.steps[index], self.functionals[index]
            self.functionals[index] = {}
            if not functional:
                continue
            if step.op in ("conv", "convt"):
                self.convolution(step, functional)
            elif step.op == "add":
                for source in step.sources:
                    self.add(source, functional)
            elif step.op == "cat":
                self.cat(step, functional)
            elif step.op == "pick":
                (source,) = step.sources
                picked = {(step.picked[c], at): v for (c, at), v in functional.items()}
                if len(picked) == len(functional):
                    self.add(source, picked)
                else:  # a channel that was picked twice
                    for (c, at), v in functional.items():
                        self.add(source, {(step.picked[c], at): v})
            else:
                self.add(step.sources[0], self.blocks(step, functional))

    def add(self, source: int, functional: Functional) -> None:
        total = self.functionals[source]
        for place, value in functional.items():
            total[place] = (total.get(place, 0) + value) % self.p

    def cat(self, step: Step, functional: Functional) -> None:
        first = 0
        for source in step.sources:
            last = first + self.plan.steps[source].channels[1]
            part = {(c - first, at): v for (c, at), v in functional.items() if first <= c < last}
            self.add(source, part)
            first = last

    def blocks(self, step: Step, functional: Functional) -> Functional:
        f, count = step.factor, step.factor**self.plan.axes
        found: Functional = {}
        for (c, at), value in functional.items():
            place = 0
            for n in at:
                place = place * f + n % f
            found[c * count + place, tuple(n // f for n in at)] = value
        return found

    def convolution(self, step: Step, functional: Functional) -> None:
        (source,) = step.sources
        below, rate = self.evaluation.rows[source], self.grid.rates[source]
        total = self.functionals[source] if source else None  # nothing hangs on the input
        p, columns = self.p, self.columns
        width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
        free = step.weights is not None
        kernel = self.evaluation.kernel(step) if free else self.evaluation.fixed(step)
        start = self.plan.blocks[step.weights].start if step.weights is not None else 0
        size = len(kernel) if not free else step.kernel_weights // (step.channels[1] * width)
        offsets = step.offsets()
        for (o, position), value in functional.items():
            if not value:
                continue
            if step.bias and step.weights is not None:
                row = self.rows[start + step.kernel_weights + o]
                column = columns[CONSTANT]
                row[column] = (row.get(column, 0) + value) % p
            first = o // out * width
            for tap, offset in enumerate(offsets):
                place = source_place(step, position, offset)
                if place is None:
                    continue
                number, steps = split_position(rate, place)
                shift = self.grid.shift(rate, steps)
                for i in range(width):
                    if free:
                        weight = (o * width + i) * size + tap
                        row = self.rows[start + weight]
                        for key, below_value in below[first + i][number].items():
                            column = columns[key if key == CONSTANT else key + shift]
                            row[column] = (row.get(column, 0) + value * below_value) % p
                    else:
                        weight = tap
                    if total is not None and kernel[weight]:
                        at = (first + i, place)
                        total[at] = (total.get(at, 0) + value * kernel[weight]) % p
