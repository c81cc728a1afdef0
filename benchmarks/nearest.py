"""How often one start finds the best approximation, and how long it takes, method by method.

    python benchmarks/nearest.py [--kernels 20] [--only 5x5]

For each problem random kernels (entries normal) are approximated by

    ours    Gauss-Newton and Newton steps, all starts as one batch (convalgebra.kernels.nearest)
    ALS     alternating least squares, layer by layer, up to 1000 rounds
    SciPy   scipy.optimize.least_squares (trust region) with our Jacobian

from the same random starts. A start succeeds if its relative error is within 1e-6 of the best known
one: the least of all methods and of a search with 1024 starts. Then the default call itself: how
often it has the best known error, and its time. Set OPENBLAS_NUM_THREADS=1 on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.optimize import least_squares

from convalgebra.algebra.plan import plan_of
from convalgebra.kernels.nearest import starts as searching
from convalgebra.kernels.nearest.coefficients import Coefficients
from convalgebra.kernels.nearest.newton import minimize
from convalgebra.kernels.nearest.problem import Problem
from convalgebra.readers import read
from convalgebra.render.tables import Table

SAME = 1e-6


class Case(NamedTuple):
    """A problem, and how many starts each of the slow methods gets."""

    kernel: str
    stack: str
    channels: int
    starts: int


CASES = (
    Case("3x3", "2x2,2x2", 1, 20),
    Case("5x5", "3x3,3x3", 1, 20),
    Case("7x7", "3x3,3x3,3x3", 1, 20),
    Case("2x2x3x3", "2x2@2,2x2@2", 2, 8),
)


def alternating(problem: Problem, start: Any, rounds: int = 1000) -> float:
    """The relative error after alternating least squares."""
    made = problem.made
    target = problem.kernel.ravel()
    weights = problem.scaled(start[None])
    before = np.inf
    for _ in range(rounds):
        for block in made.blocks:
            part = slice(block.start, block.stop)
            weights[:, part] = 0.0
            matrix = made.jacobian(weights, range(block.start, block.stop))[0]
            weights[0, part] = np.linalg.lstsq(matrix.T, target, rcond=None)[0]
        error = float(np.linalg.norm(problem.residuals(weights)))
        if before - error < 1e-10 * error:
            break
        before = error
        weights = problem.balanced(weights)
    return error


def by_scipy(problem: Problem, start: Any) -> float:
    """The relative error after scipy.optimize.least_squares."""
    found = least_squares(
        lambda w: problem.residuals(w[None])[0],
        problem.scaled(start[None])[0],
        jac=lambda w: problem.jacobian(w[None])[0].T,
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
        max_nfev=500,
    )
    return float(np.sqrt(2 * found.cost))


def measured(case: Case, kernels: int, seed: int) -> list[tuple[str, ...]]:
    """A row for each method."""
    made = Coefficients(plan_of(read(case.stack), case.channels))
    rates: dict[str, list[float]] = {"ours": [], "ALS": [], "SciPy": []}
    times = dict.fromkeys(rates, 0.0)
    tried = dict.fromkeys(rates, 0)
    hits, default_time = 0, 0.0
    slow: dict[str, Callable[[Problem, Any], float]] = {"ALS": alternating, "SciPy": by_scipy}
    for number in range(kernels):
        rng = np.random.default_rng([seed, number])
        kernel = rng.standard_normal(made.shape)
        problem = Problem(made, kernel / np.linalg.norm(kernel))
        first = rng.standard_normal((64, made.weights))
        errors: dict[str, Any] = {}
        begun = perf_counter()
        errors["ours"] = minimize(problem, first).errors
        times["ours"] += perf_counter() - begun
        for name, method in slow.items():
            begun = perf_counter()
            errors[name] = np.array([method(problem, start) for start in first[: case.starts]])
            times[name] += perf_counter() - begun
        begun = perf_counter()
        found = searching.search(problem, searching.default_starts(made.weights))
        default_time += perf_counter() - begun
        more = minimize(problem, rng.standard_normal((512, made.weights))).errors
        other = searching.search(problem, 512, seed=number + 1)
        best = min(found.error, other.error, more.min(), *(e.min() for e in errors.values()))
        hits += found.error < best + SAME
        for name, values in errors.items():
            rates[name].append(float((values < best + SAME).mean()))
            tried[name] += len(values)
        if sys.stderr.isatty():
            print(f"\r{case.kernel}: {number + 1} of {kernels}", end="", file=sys.stderr)
    title = f"{case.kernel} by {case.stack}"
    rows = [
        (
            title if name == "ours" else "",
            name,
            f"{np.mean(rates[name]):.0%}",
            f"{np.min(rates[name]):.0%}",
            f"{1000 * times[name] / tried[name]:.2f} ms",
        )
        for name in rates
    ]
    each = f"{default_time / kernels:.2f} s"
    return [*rows, ("", "default call", f"{hits} of {kernels}", "", each)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernels", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one size of kernel, like 5x5")
    options = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    for case in CASES:
        if options.only in (None, case.kernel):
            rows += measured(case, options.kernels, options.seed)
    header = ("problem", "method", "success", "worst kernel", "time")
    rules = tuple(n for n, row in enumerate(rows) if row[0] and n)
    print(Table(header, tuple(rows), left=2, rules=rules).to_text())


if __name__ == "__main__":
    main()
