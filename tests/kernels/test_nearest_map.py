"""The map from weights to coefficients, and its derivatives, against the exact engine."""

from __future__ import annotations

import numpy as np
import pytest

from convalgebra.algebra.families import Family
from convalgebra.algebra.plan import plan_of
from convalgebra.errors import UnsupportedError
from convalgebra.kernels.nearest.coefficients import Coefficients
from convalgebra.kernels.nearest.covariance import weighting_of
from convalgebra.kernels.nearest.problem import Problem
from convalgebra.readers import read

STACKS = [
    ("2x2,2x2", 1),
    ("3,2d2,3s2,2", 1),
    ("3x3@3,dw2x2@6d2,1x1@2", 2),
    ("3x3p1@2+id,avg2x2s2,2x1@3", 2),
    ("shared s = 2x2; s, 1x1, s", 1),
    ("cat(1x1@2|3x3p1@2),2x2@1", 3),
    ("2x2,convt3x3,1x2", 2),
    ("dw3x3,1x1@5", 3),
    ("3x3g2@4,shuffle2,2x2g4@8", 4),
    ("2x2@4,[1:3],2x2@1", 2),
    ("2x2x2,2x1x2", 1),
]


def made_of(text: str, channels: int) -> Coefficients:
    return Coefficients(plan_of(read(text), channels))


@pytest.mark.parametrize(("text", "channels"), STACKS)
def test_values_are_those_of_the_exact_engine(text: str, channels: int) -> None:
    made = made_of(text, channels)
    family = Family(made.plan)
    rng = np.random.default_rng(1)
    weights = rng.integers(-3, 4, made.weights)
    low = [least for least, _ in family.grid.spans[-1]]
    expected = np.zeros(made.shape)
    values = family.exact_values([int(w) for w in weights])
    for coordinate, value in zip(family.coordinates, values, strict=True):
        place = [e - least for e, least in zip(coordinate.exponent, low, strict=True)]
        expected[(coordinate.out, *place, coordinate.source)] = float(value)
    assert np.allclose(made.values(weights[None].astype(float))[0], expected, atol=1e-12)
    assert made.support().sum() == family.ambient


@pytest.mark.parametrize(("text", "channels"), STACKS)
@pytest.mark.parametrize("covariance", [None, "ar1:0.6", "isotropic:0.5"])
def test_derivatives_are_those_by_differences(
    text: str, channels: int, covariance: str | None
) -> None:
    made = made_of(text, channels)
    rng = np.random.default_rng(2)
    kernel = rng.standard_normal(made.shape)
    problem = Problem(made, kernel, weighting_of(covariance, made.field, channels))
    weights = rng.standard_normal((2, made.weights))
    residual = problem.residuals(weights)

    def halves(at: np.ndarray) -> np.ndarray:
        return (problem.residuals(at) ** 2).sum(1) / 2

    direction = rng.standard_normal((2, made.weights))
    step = 1e-4
    there, back = weights + step * direction, weights - step * direction
    slope = (halves(there) - halves(back)) / (2 * step)
    gradient = problem.gradient(weights, residual)
    assert np.allclose((gradient * direction).sum(1), slope, rtol=1e-5)
    jacobian = problem.jacobian(weights)
    assert np.allclose((jacobian @ residual[..., None])[..., 0], gradient)
    along = problem.along(weights, direction)
    assert np.allclose((direction[:, None, :] @ jacobian)[:, 0], along)
    bend = (
        problem.gradient(there, problem.residuals(there))
        - problem.gradient(back, problem.residuals(back))
    ) / (2 * step)
    second = jacobian @ jacobian.swapaxes(1, 2) + problem.second(weights, residual)
    expected = (second @ direction[..., None])[..., 0]
    assert np.allclose(expected, bend, rtol=1e-4, atol=1e-4 * np.abs(bend).max())


def test_the_weighted_error_is_the_expected_square_of_the_output() -> None:
    """Inputs drawn as x[n] = 0.7 x[n-1] + noise, and the mean over many outputs."""
    rng = np.random.default_rng(3)
    count = 400_000
    noise = rng.standard_normal(count)
    signal = np.empty(count)
    signal[0] = noise[0] / np.sqrt(1 - 0.49)
    for n in range(1, count):
        signal[n] = 0.7 * signal[n - 1] + noise[n]
    signal *= np.sqrt(1 - 0.49)  # a variance of 1
    difference = np.array([1.0, -2.0, 0.5])
    weighting = weighting_of("ar1:0.7", (3,), 1)
    assert weighting is not None
    predicted = float((weighting.applied(difference[None, :, None]) ** 2).sum())
    seen = float((np.correlate(signal, difference, "valid") ** 2).mean())
    assert seen == pytest.approx(predicted, rel=0.02)
    lags = 0.7 ** np.abs(np.arange(-2, 3))
    table = weighting_of(lags, (3,), 1)
    assert table is not None
    assert float((table.applied(difference[None, :, None]) ** 2).sum()) == pytest.approx(predicted)


def test_channels_may_depend_on_one_another() -> None:
    """One input twice: a kernel that subtracts the channels gives 0."""
    lags = np.ones((2, 2, 1, 1)) * np.array([[[[1.0]]]])
    weighting = weighting_of(lags, (1, 1), 2)
    assert weighting is not None
    kernel = np.array([1.0, -1.0]).reshape(1, 1, 1, 2)
    assert float((weighting.applied(kernel) ** 2).sum()) == pytest.approx(0, abs=1e-15)
    kernel = np.array([1.0, 1.0]).reshape(1, 1, 1, 2)
    assert float((weighting.applied(kernel) ** 2).sum()) == pytest.approx(4)


def test_stacks_that_are_no_convolution_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="without transposed convolutions of a stride"):
        made_of("2s2,convt2s2", 1)
