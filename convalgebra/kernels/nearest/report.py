"""`nearest`: how close a stack comes to a kernel, with which filters, and what is proved of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import product
from math import fsum
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.algebra.families import Family
from convalgebra.algebra.plan import Plan, plan_of
from convalgebra.arguments import as_whole
from convalgebra.errors import Defect, InputError, ShapeError, UnsupportedError
from convalgebra.kernels.arrays import Written, write_arrays
from convalgebra.kernels.merging.parameters import parameters_of
from convalgebra.kernels.nearest.bounds import stretched
from convalgebra.kernels.nearest.coefficients import Coefficients
from convalgebra.kernels.nearest.covariance import weighting_of
from convalgebra.kernels.nearest.figures import Figures, figures_of
from convalgebra.kernels.nearest.problem import Problem
from convalgebra.kernels.nearest.solution import SEARCH, Solution, solve
from convalgebra.kernels.nearest.target import Target, target_of
from convalgebra.kernels.sources import KernelSource
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import ACTIVATIONS
from convalgebra.network import Network
from convalgebra.readers import Input, Stack, read

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

EXACT = 1e-12  # relative errors below are rounding
MAYBE_EXACT = 1e-7  # at repeated factors the last digits are lost
GROWTH = 5.0  # 1 is usual
PLACES_LIMIT = 25  # placements that are tried
_SCALE_LIMIT = 24  # powers of two; starts are of size 1, and further off the search misses minima
_SQUARES_LIMIT = 400  # powers of two; squares of larger numbers leave the range of floats
_WORK_LIMIT = 10**12  # multiplications of one evaluation
_MEMORY_LIMIT = 0.4 * 2**30  # bytes of the values at one start; a few times that is needed


class Filter(NamedTuple):
    """The weights of one layer: [*size] of one channel, else [out, in / groups, *size].

    `stored` has them as PyTorch does, under `name`, which `merge` expects.
    """

    layer: str
    values: Any
    name: str
    stored: Any

    def to_dict(self) -> dict[str, Any]:
        """As plain numbers; only the shape of more than 100,000 of them."""
        values = self.values.tolist() if self.values.size <= 100_000 else None
        shape = list(self.values.shape)
        return {"layer": self.layer, "name": self.name, "shape": shape, "values": values}


@dataclass(frozen=True)
class NearestReport:
    """The best approximation of a kernel by a stack that was found, and a bound for all others.

    Errors are |K - K'| / |K| (Frobenius norm, weighted if `weighting` says so). `lower_bound` is
    proved: no weights of the stack have a smaller error. `proved` tells that none is better than
    the one found; else it is the best of `starts` starts, `agreed` of which reached it. Of the
    `placements` that the kernel can have on what the stack sees, `as_good` have the least error;
    `placement` is one of them.
    """

    kernel: str
    shape: tuple[int, ...]
    stack: str
    relative_error: float
    lower_bound: float
    lower_bound_reason: str
    proved: bool
    method: str
    starts: int
    agreed: int
    seed: int
    weighting: str
    placement: tuple[int, ...]
    placements: int
    as_good: int
    seen: tuple[int, ...]
    filters: tuple[Filter, ...]
    figures: Figures
    notes: tuple[str, ...] = ()
    approximation: Any = dataclasses.field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The bound is proved and the error is computed: only its rounding may be between them.
        if not self.lower_bound <= self.relative_error * (1 + 1e-9) + EXACT:
            raise Defect(
                f"a lower bound of {self.lower_bound} for an error of {self.relative_error}"
            )

    @property
    def exact(self) -> bool:
        """Whether nothing but rounding is left of the error."""
        return self.relative_error <= EXACT

    def save(self, path: str | PathLike[str]) -> Written:
        """Write the filters to an .npz file, as PyTorch and `merge` call them: 0.weight, .."""
        return write_arrays(path, {filter.name: filter.stored for filter in self.filters})

    def to_dict(self) -> dict[str, Any]:
        """The report under stable keys."""
        return {
            "schema": "convalgebra.nearest/1",
            "kernel": self.kernel,
            "shape": list(self.shape),
            "stack": self.stack,
            "relative_error": self.relative_error,
            "lower_bound": self.lower_bound,
            "lower_bound_reason": self.lower_bound_reason,
            "proved": self.proved,
            "exact": self.exact,
            "method": self.method,
            "starts": self.starts,
            "agreed": self.agreed,
            "seed": self.seed,
            "weighting": self.weighting,
            "placement": list(self.placement),
            "placements": self.placements,
            "as_good": self.as_good,
            "filters": [filter.to_dict() for filter in self.filters],
            "figures": self.figures.to_dict(),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        from convalgebra.render.nearest_text import nearest_to_text

        return nearest_to_text(self, 80)

    def _repr_html_(self) -> str:
        from convalgebra.render.nearest_text import nearest_to_html

        return nearest_to_html(self)


def nearest(
    kernel: KernelSource,
    stack: Stack,
    *,
    covariance: Any = None,
    starts: int | None = None,
    seed: int = 0,
    input: Input = None,
) -> NearestReport:
    """The best approximation of a kernel, or of a layer [c_out, c_in, ..], by a linear stack.

    `covariance` weighs the error by what the inputs look like: `ar1:0.95`, `isotropic:0.95`, or an
    array over lags; without it inputs are white. `starts` and `seed` are those of the search, where
    there is one; the same ones give the same result. `input` (64x56x56) adds MACs and traffic.

    >>> report = nearest("sobel", "3x1,1x3")
    >>> report.exact, report.proved
    (True, True)
    >>> round(nearest("1 0 0; 0 1 0; 0 0 1", "3x1,1x3").relative_error ** 2, 12)
    0.666666666667

    Raises InputError for what is no kernel or does not fit the stack, UnsupportedError for stacks
    that are no convolution.
    """
    if starts is not None:
        starts = as_whole(starts, "the number of starts", 1, 1_000_000)
    seed = as_whole(seed, "the seed", 0, 2**63 - 1)
    network = read(stack)
    target = target_of(kernel, axes_of(network))
    plan = plan_for(network, target)
    made = Coefficients(plan)
    check_size(made)
    figures = figures_of(network, Family(plan), target, made, input)  # an input that is wrong
    found = best_placed(made, target, covariance, starts, seed)  # is told before the search
    return _report(network, made, target, found, seed, figures)


def axes_of(network: Network) -> int:
    """The axes of the kernels of a stack: 2 where none tells.

    >>> axes_of(read("3,3")), axes_of(read("bn,3x3"))
    (1, 2)
    """
    return network.axes or 2


def check_linear(network: Network) -> None:
    """Refuse activations."""
    active = next((n.layer for n in network.nodes if n.layer.kind in ACTIVATIONS), None)
    if active is not None:
        raise UnsupportedError(
            f"only linear stacks are compared with kernels; `{layer_text(active)}` is an activation"
        )


def plan_for(network: Network, target: Target) -> Plan:
    """The plan of a stack that takes the channels of a kernel and gives those it has."""
    into, out = target.channels
    if network.shape is not None and network.shape[0] != into:
        raise InputError(
            f"the stack is written for {network.shape[0]} channels, {target.name} has {into}"
        )
    check_linear(network)
    try:
        plan = plan_of(network, into, axes_of(network))
    except UnsupportedError as error:
        raise UnsupportedError(str(error).replace("equiv", "nearest")) from None
    if plan.channels[1] != out:
        last = layer_text(network.nodes[-1].layer)
        shape = "x".join(map(str, target.entries.shape))
        raise ShapeError(
            f"{plan.text} gives {plan.channels[1]} channels, {target.name} ({shape}) has {out}; "
            f"write the channels at its last layer, like {last.partition('@')[0]}@{out}"
        )
    return plan


def check_size(made: Coefficients) -> None:
    """Refuse what would not fit into memory, before it is tried."""
    if 8 * made.memory > _MEMORY_LIMIT or made.work > _WORK_LIMIT:
        raise UnsupportedError(
            f"{made.plan.text} on {made.plan.channels[0]} channels needs about "
            f"{8 * made.memory / 2**30:.1f} GiB at a time; nearest takes up to "
            f"{_MEMORY_LIMIT / 2**30:.1f} GiB: take one group of channels"
        )


class Placed(NamedTuple):
    """A solution, and where on the field the kernel begins (below 0: the other way round)."""

    solution: Solution
    problem: Problem
    offset: tuple[int, ...]
    placements: int
    as_good: int = 1  # of the placements: those with the least error


def best_placed(
    made: Coefficients, target: Target, covariance: Any, starts: int | None, seed: int
) -> Placed:
    """The best solution of all places that the kernel can have on the field of the stack.

    The bound is the least of the bounds at all these places.
    """
    options = [
        range(min(0, f - k), max(0, f - k) + 1)
        for f, k in zip(made.field, target.size, strict=True)
    ]
    offsets = list(product(*options))
    if len(offsets) > PLACES_LIMIT:
        size, seen = ("x".join(map(str, s)) for s in (target.size, made.field))
        raise InputError(
            f"{target.name} is {size} and {made.plan.text} sees {seen}: it could lie in "
            f"{len(offsets)} places; take a stack that sees as much as the kernel"
        )
    middle = [option[0] + option[-1] for option in options]
    offsets.sort(key=lambda one: sum(abs(2 * o - m) for o, m in zip(one, middle, strict=True)))
    best: Placed | None = None
    bound, reason, errors = float("inf"), "", []
    for offset in offsets:
        problem = problem_at(made, target, offset, covariance)
        solution = solve(problem, starts, seed)
        if solution.bound < bound:
            bound, reason = solution.bound, solution.reason
        errors.append(solution.error)
        # The one next to the middle among equals: the last digits decide nothing.
        least = 0.0 if best is None or best.solution.error <= EXACT else best.solution.error
        if best is None or solution.error < least * (1 - 1e-9) - 1e-15:
            best = Placed(solution, problem, offset, len(offsets))
    assert best is not None
    least = max(best.solution.error, EXACT) * (1 + 1e-9)
    as_good = sum(error <= least for error in errors)
    solution = best.solution._replace(bound=bound, reason=reason)
    return best._replace(solution=solution, as_good=as_good)


def problem_at(
    made: Coefficients, target: Target, offset: tuple[int, ...], covariance: Any = None
) -> Problem:
    """The problem with the kernel laid on the field at an offset."""
    import numpy as np

    entries = np.moveaxis(target.entries, 1, -1)  # [c_out, *size, c_in]
    if not made.scales and target.power:
        if abs(target.power) > (_SCALE_LIMIT if made.blocks else _SQUARES_LIMIT):
            why = "has branches or uses weights twice" if made.blocks else "has no weights"
            raise InputError(
                f"{target.name} has entries near 2^{target.power}, and the stack {why}, so that "
                "its scale matters; scale it to about 1"
            )
        entries = np.ldexp(entries, target.power)
    field = np.zeros(made.shape)
    theirs, ours = [], []
    for k, f, o in zip(target.size, made.field, offset, strict=True):
        length = min(k, f)
        ours.append(slice(max(o, 0), max(o, 0) + length))
        theirs.append(slice(max(-o, 0), max(-o, 0) + length))
    inside = entries[(slice(None), *theirs)]
    field[(slice(None), *ours)] = inside
    outside = 0.0
    if inside.size < entries.size:
        rest = entries.copy()
        rest[(slice(None), *theirs)] = 0.0
        outside = fsum((rest**2).ravel())  # the bounds rely on its last digits
    weighting = weighting_of(covariance, made.field, target.channels[0])
    if weighting is not None and outside:
        raise InputError(
            f"{target.name} is larger than what {made.plan.text} sees; with a covariance the stack "
            "has to see all of it"
        )
    problem = Problem(made, field, weighting, outside)
    size = float(np.sqrt((field**2).sum())) * stretched(weighting)
    if problem.norm() <= 1e-7 * size:
        raise InputError(f"on such inputs {target.name} always gives 0: no error is relative to it")
    return problem


def filters_of(
    network: Network, made: Coefficients, weights: Array, power: int, layer: bool
) -> tuple[Filter, ...]:
    """The weights of each layer, the scale 2^power shared out among them."""
    import numpy as np

    named = {p.step: p for p in parameters_of(network, made.plan) if p.role == "weight"}
    found = []
    count = len(made.blocks)
    for number, block in enumerate(made.blocks):
        step, parameter = made.plan.steps[block.step], named[block.step]
        share = (power + number) // count if made.scales else 0
        flat = np.ldexp(weights[block.start : block.stop], share)
        single = step.channels == (1, 1) and not layer
        values = flat.reshape(step.size if single else (*block.shape[:2], *step.size))
        stored = flat
        if step.op == "convt":  # [in, out / groups, ..] there
            into, taps = block.shape[1:]
            stored = flat.reshape(step.groups, -1, into, taps).swapaxes(1, 2)
        stored = stored.reshape(parameter.shape)
        found.append(Filter(parameter.layer, values, parameter.name, stored))
    return tuple(found)


def _report(
    network: Network,
    made: Coefficients,
    target: Target,
    placed: Placed,
    seed: int,
    figures: Figures,
) -> NearestReport:
    import numpy as np

    solution, problem = placed.solution, placed.problem
    plan = made.plan
    weights = np.asarray(solution.weights)
    power = target.power if made.scales else 0
    there = np.moveaxis(made.values(weights[None])[0], -1, 1)
    proved = solution.method != SEARCH or solution.bound >= solution.error * (1 - 1e-9)
    return NearestReport(
        kernel=target.name,
        shape=tuple(target.entries.shape) if target.layer else target.size,
        stack=plan.text,
        relative_error=solution.error,
        lower_bound=solution.bound,
        lower_bound_reason=solution.reason if solution.bound > 0 else "",
        proved=proved,
        method=solution.method,
        starts=solution.starts,
        agreed=solution.agreed,
        seed=seed,
        weighting="white" if problem.weighting is None else problem.weighting.name,
        placement=placed.offset,
        placements=placed.placements,
        as_good=placed.as_good,
        seen=made.field,
        filters=filters_of(network, made, weights, power, target.layer),
        figures=figures,
        notes=tuple(_notes(made, target, solution, problem)),
        approximation=np.ldexp(there if target.layer else there[0, 0], power),
    )


def _notes(made: Coefficients, target: Target, solution: Solution, problem: Problem) -> list[str]:
    notes = []
    one_channel = all(step.channels[1] == 1 for step in made.plan.steps) and made.plan.is_chain
    if solution.error <= EXACT:
        if one_channel and problem.weighting is None:
            notes.append(
                "Exactly, to rounding. Floats are hardly ever an exact product; of entries that "
                "are written as fractions `convalgebra factor` decides it."
            )
    elif solution.error <= MAYBE_EXACT and problem.weighting is None:
        notes.append(
            "So small an error may be rounding: where layers share factors, half of the digits are "
            "lost." + (" `convalgebra factor` decides it." if one_channel else "")
        )
    if solution.method != SEARCH:
        return notes
    if not solution.converged:
        if solution.error > EXACT:
            notes.append(
                "The error was still falling, slowly, when the search ended; other starts may lead "
                "further down."
            )
        if not one_channel and solution.growth > GROWTH:
            notes.append(
                f"The norms of the filters multiply to {solution.growth:.2g} times what is usual: "
                "they cancel. With several channels the least error need not be "
                "attained; it may fall for ever while filters grow."
            )
    if solution.starts == 1 and solution.converged:
        notes.append("One start only was tried; --starts tries more.")
    return notes
