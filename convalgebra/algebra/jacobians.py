"""The Jacobian of a family: the derivatives of all coefficients by all weights, mod a prime."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from convalgebra.algebra.operators import (
    CONSTANT,
    Evaluation,
    Grid,
    source_place,
    taps_read,
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
        if step.weights is not None:
            if step.bias:
                self.biases(step, functional)
            # With one phase all taps see the same, moved: one product serves them.
            one_phase = all(b == 1 for _, b in self.grid.rates[step.sources[0]])
            if step.op == "conv" and one_phase:
                self.weights_by_products(step, functional)
            else:
                self.weights_by_taps(step, functional)
        if step.sources[0]:  # nothing hangs on the input
            self.pull_back(step, functional)

    def biases(self, step: Step, functional: Functional) -> None:
        assert step.weights is not None
        start = self.plan.blocks[step.weights].start + step.kernel_weights
        column = self.columns[CONSTANT]
        for (o, _), value in functional.items():
            row = self.rows[start + o]
            row[column] = (row.get(column, 0) + value) % self.p

    def weights_by_products(self, step: Step, functional: Functional) -> None:
        """Of channels o and i the functional on o times the row of i: a product of polynomials."""
        assert step.weights is not None
        (source,) = step.sources
        rate, grid, columns, p = self.grid.rates[source], self.grid, self.columns, self.p
        width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
        start, size = self.plan.blocks[step.weights].start, prod(step.size)
        shifts = [grid.shift(rate, offset) for offset in step.offsets()]
        by_channel: dict[int, Column] = {}
        for (o, position), value in functional.items():
            moved = tuple(s * n for s, n in zip(step.stride, position, strict=True))
            if value:
                by_channel.setdefault(o, {})[grid.shift(rate, moved)] = value
        for o, places in by_channel.items():
            first = o // out * width
            for i in range(width):
                found = product_of(places, self.evaluation.rows[source][first + i][0], p)
                constant = found.pop(CONSTANT, 0)
                at = start + (o * width + i) * size
                for row, shift in zip(self.rows[at : at + size], shifts, strict=True):
                    for key, value in found.items():
                        column = columns[key + shift]
                        row[column] = (row.get(column, 0) + value) % p
                    if constant:
                        column = columns[CONSTANT]
                        row[column] = (row.get(column, 0) + constant) % p

    def weights_by_taps(self, step: Step, functional: Functional) -> None:
        assert step.weights is not None
        (source,) = step.sources
        below, rate = self.evaluation.rows[source], self.grid.rates[source]
        p, columns = self.p, self.columns
        width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
        start, size = self.plan.blocks[step.weights].start, prod(step.size)
        for (o, position), value in functional.items():
            if not value:
                continue
            first = o // out * width
            for tap, number, steps in taps_read(step, rate, position):
                shift = self.grid.shift(rate, steps)
                for i in range(width):
                    row = self.rows[start + (o * width + i) * size + tap]
                    for key, below_value in below[first + i][number].items():
                        column = columns[key if key == CONSTANT else key + shift]
                        row[column] = (row.get(column, 0) + value * below_value) % p

    def pull_back(self, step: Step, functional: Functional) -> None:
        """The functional on the values of the source."""
        total, p = self.functionals[step.sources[0]], self.p
        width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
        free = step.weights is not None
        kernel = self.evaluation.kernel(step) if free else self.evaluation.fixed(step)
        offsets, size = step.offsets(), prod(step.size)
        for (o, position), value in functional.items():
            if not value:
                continue
            first = o // out * width
            for tap, offset in enumerate(offsets):
                place = source_place(step, position, offset)
                if place is None:
                    continue
                for i in range(width):
                    weight = kernel[(o * width + i) * size + tap if free else tap]
                    if weight:
                        at = (first + i, place)
                        total[at] = (total.get(at, 0) + value * weight) % p


def product_of(places: Column, row: Column, p: int) -> Column:
    """The product of two polynomials {exponent: coefficient}, mod p, without zeros.

    The row's constant has a place of its own, `CONSTANT`: it is moved nowhere.

    >>> product_of({0: 1, -2: 3}, {0: 2, 5: 4}, 7)
    {0: 2, 5: 4, -2: 6, 3: 5}
    """
    constant = row.get(CONSTANT, 0) * sum(places.values()) % p
    found: Column = {CONSTANT: constant} if constant else {}
    keys = [key for key in row if key != CONSTANT]
    if not keys:
        return found
    low, least = min(places), min(keys)
    length = max(places) - low + max(keys) - least + 1
    if len(places) * len(keys) > _MOST_ONE_BY_ONE + length:
        from flint import nmod_poly

        one, two = [0] * (max(places) - low + 1), [0] * (max(keys) - least + 1)
        for place, value in places.items():
            one[place - low] = value
        for key in keys:
            two[key - least] = row[key]
        dense = (nmod_poly(one, p) * nmod_poly(two, p)).coeffs()
        start = low + least
        found |= {start + at: int(value) for at, value in enumerate(dense) if value}
        return found
    for place, value in places.items():
        for key in keys:
            found[place + key] = (found.get(place + key, 0) + value * row[key]) % p
    return {key: value for key, value in found.items() if value}


_MOST_ONE_BY_ONE = 200  # products that take no longer one by one than as polynomials
