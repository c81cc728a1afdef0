"""Large layers, layer by layer: Gram matrices, momentum, and where the search ends."""

from __future__ import annotations

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.algebra.plan import plan_of
from convalgebra.kernels.nearest.alternating import descend
from convalgebra.kernels.nearest.coefficients import Coefficients
from convalgebra.kernels.nearest.covariance import weighting_of
from convalgebra.kernels.nearest.gram import gram
from convalgebra.kernels.nearest.newton import minimize
from convalgebra.kernels.nearest.problem import Problem
from convalgebra.kernels.nearest.threads import one_thread, openblas
from convalgebra.readers import read

STACKS = [
    ("2x2@3,2x2@2", 2, "all"),
    ("1x1@3,3x3@2,1x1@4", 3, "all"),
    ("3x3g2@4,1x1@4", 4, "all"),
    ("2x2@3,3x3g3@6", 2, "all"),
    ("2x2s2@3,3x2d2@2", 2, "all"),
    ("2x2@3,convt2x2@2", 2, "all"),
    ("1x1@4,dw3x3,1x1@3", 2, "ends"),
    ("2x2@2,2x2@3,2x2@2", 2, "ends"),
]


@pytest.mark.parametrize(("text", "channels", "exact"), STACKS)
def test_gram_matrices_are_those_of_the_jacobian(text: str, channels: int, exact: str) -> None:
    made = Coefficients(plan_of(read(text), channels))
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((1, made.weights))
    jacobian = made.jacobian(weights)[0]
    for number, block in enumerate(made.blocks):
        found = gram(made, weights, block)
        assert found is not None
        assert found.exact == (exact == "all" or number in (0, len(made.blocks) - 1))
        rows = jacobian[block.start : block.stop]
        vector = rng.standard_normal((1, len(rows)))
        solved = found.solved(vector, block)
        assert (solved * vector).sum() > 0
        if found.exact:
            assert np.allclose(solved @ rows @ rows.T, vector, atol=1e-6)


def problem_of(text: str, channels: int, seed: int, covariance: str | None = None) -> Problem:
    made = Coefficients(plan_of(read(text), channels))
    kernel = np.random.default_rng(seed).standard_normal(made.shape)
    return Problem(made, kernel, weighting_of(covariance, made.field, channels))


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("2x2@1,2x2@3", 2),
        ("1x1@4,dw3x3,1x1@3", 2),
        ("2x2p1@2,2x2@2+id", 2),
        ("shared s = 2x2; s, 1x1, s", 1),
    ],
)
@pytest.mark.parametrize("covariance", [None, "ar1:0.5"])
def test_errors_fall_to_those_that_newtons_method_finds_from_there(
    text: str, channels: int, covariance: str | None
) -> None:
    problem = problem_of(text, channels, 1, covariance)
    start = np.random.default_rng(2).standard_normal(problem.made.weights)
    found = descend(problem, start)
    there = np.linalg.norm(problem.residuals(found.weights))
    assert found.errors[0] == pytest.approx(there, rel=1e-9)
    after = minimize(problem, found.weights).errors[0]
    assert found.errors[0] <= 1.05 * after + 1e-12


def test_members_are_found() -> None:
    problem = problem_of("2x2@6,2x2@4", 3, 3)
    rng = np.random.default_rng(4)
    member = problem.made.values(rng.standard_normal((1, problem.made.weights)))[0]
    found = descend(Problem(problem.made, member), rng.standard_normal(problem.made.weights))
    assert found.errors[0] < 0.05 * np.linalg.norm(member)


@pytest.mark.parametrize("stack", ["3x1p1x0@24+1x3p0x1@24", "3x3@24p1+id"])
def test_free_layers_side_by_side_are_linear_and_come_to_rest(stack: str) -> None:
    """What no layer reaches is lost, the rest is met: the error is counted by hand."""
    layer = np.random.default_rng(5).standard_normal((24, 24, 3, 3))
    report = ca.nearest(layer, stack)
    lost = layer[:, :, ::2, ::2] if "1x3" in stack else np.zeros(1)
    expected = np.linalg.norm(lost) / np.linalg.norm(layer)
    assert report.relative_error == pytest.approx(expected, abs=1e-9)
    assert report.proved or expected == 0
    assert not any("falling" in note for note in report.notes)


def test_a_large_single_layer_claims_least_squares_only_where_it_came_to_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer = np.random.default_rng(6).standard_normal((16, 16, 3, 3))
    report = ca.nearest(layer, "avg2x2s1,2x2@16")
    assert (report.method, report.proved) == ("least squares", True)
    monkeypatch.setattr("convalgebra.kernels.nearest.alternating.WORK", 1.0)
    monkeypatch.setattr(descend, "__defaults__", (1.0,))
    hasty = ca.nearest(layer, "avg2x2s1,2x2@16", covariance="isotropic:0.9")
    assert (hasty.method, hasty.proved) == ("search", False)
    assert "From one start" in str(hasty)


@pytest.mark.slow
def test_a_layer_of_64_channels() -> None:
    layer = np.random.default_rng(7).standard_normal((64, 64, 3, 3))
    report = ca.nearest(layer, "2x2@64,2x2@64")
    assert report.relative_error < 0.206  # Gauss-Newton steps came to that in 50 seconds
    text = " ".join(str(report).split())
    assert "From one start (seed 0); no lower bound is known but 0." in text
    assert "The error was still falling" in text


def test_one_thread_is_for_the_block_only_and_counts_calls() -> None:
    blas = openblas()
    if blas is None:
        pytest.skip("no OpenBLAS that can be asked")
    count, choose = blas
    before = count()
    choose(2)
    try:
        with one_thread():
            with one_thread():
                assert count() == 1
            assert count() == 1
        assert count() == 2
    finally:
        choose(before)
