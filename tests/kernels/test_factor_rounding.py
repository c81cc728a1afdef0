"""Kernels of rounded numbers: a product to rounding is told apart from an exact one, and proved."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.kernels.factoring.rounding import allowance_of
from convalgebra.kernels.sources import Kernel
from convalgebra.render.factor_text import headline


def gaussian(size: int, deviation: float) -> np.ndarray:
    along = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * deviation**2))
    kernel = np.outer(along, along)
    return kernel / kernel.sum()


@pytest.mark.parametrize("size", [3, 5, 7])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_gaussian_in_floats_is_separable_to_rounding(size: int, kind: type) -> None:
    kernel = gaussian(size, 1.3).astype(kind)
    report = ca.factor(kernel, f"{size}x1,1x{size}")
    assert report.real is False  # the floats as they are
    assert report.rounding is not None
    assert report.rounding.product is True
    # An oracle: the singular values after the first.
    values = np.linalg.svd(kernel.astype(float), compute_uv=False)
    left = np.linalg.norm(values[1:]) / np.linalg.norm(kernel)
    assert report.rounding.relative_error == pytest.approx(left, abs=1e-15)
    column, row = (filter.values for filter in report.rounding.filters)
    assert np.abs(column * row - kernel).max() <= report.rounding.allowance * kernel.max()
    assert headline(report).endswith("to rounding, but not exactly")


def test_decimals_of_a_product_have_the_rounding_of_their_digits() -> None:
    rows = "; ".join(" ".join(f"{value:.8f}" for value in row) for row in gaussian(5, 1.0))
    report = ca.factor(rows, "5x1,1x5")
    assert report.rounding is not None
    assert report.rounding.product is True
    assert 1e-10 < report.rounding.relative_error < report.rounding.allowance < 1e-6


def test_a_kernel_that_is_near_no_product_is_refused_to_rounding_too() -> None:
    kernel = np.random.default_rng(5).standard_normal((3, 3))
    for stack in ("3x1,1x3", "2x2,2x2"):
        report = ca.factor(kernel, stack)
        assert report.rounding is not None
        assert report.rounding.product is False
        assert report.rounding.lower_bound > 1e-3
        assert "to rounding," not in headline(report)
        assert "To rounding: no." in str(report)


def test_near_a_product_and_yet_not_to_rounding() -> None:
    """The second singular value is a thousand times what rounding explains."""
    kernel = gaussian(3, 1.0)
    u, s, v = np.linalg.svd(kernel)
    near = kernel + 1e-12 * s[0] * np.outer(u[:, 1], v[1])
    report = ca.factor(near, "3x1,1x3")
    assert report.rounding is not None
    assert report.rounding.product is False


def test_exact_kernels_have_no_question_of_rounding() -> None:
    assert ca.factor("sobel", "2x2,2x2").rounding is None
    assert ca.factor("laplacian4", "2x2,2x2").rounding is None
    assert ca.factor([[0.1, 0.2], [0.2, 0.4]], "2x1,1x2").rounding is None  # exact in floats too
    assert ca.factor("0.25 0.5; 1 3", "2x1,1x2").rounding is None


def test_what_nearest_does_not_take_is_left_open() -> None:
    kernel = np.random.default_rng(1).standard_normal((3, 3))
    report = ca.factor(kernel, "3x1,1x15")  # it could lie in 13 places
    assert report.rounding is not None
    report = ca.factor(kernel, "30x1,1x30")  # in 28 x 28
    assert report.rounding is None
    assert any("to rounding is not decided: " in note for note in report.notes)


def test_every_form_tells_of_rounding() -> None:
    report = ca.factor(gaussian(3, 1.0), "3x1,1x3")
    values = json.loads(json.dumps(report.to_dict()))["rounding"]
    assert values["product"] is True
    assert len(values["filters"]) == 2
    assert "To rounding: yes" in str(report)
    assert "To rounding: yes" in report._repr_html_()


@pytest.mark.parametrize(
    ("entries", "allowance"),
    [
        # Four units in the last place: 4 * 2^-52 of doubles, 4 * 2^-23 of single floats.
        ([Fraction(0.1)], 4 * 2.0**-52),
        ([Fraction(float(np.float32(0.1)))], 4 * 2.0**-23),
        ([Fraction(1, 2)], 4 * 2.0**-52),  # short binary fractions need not be single floats
        ([Fraction("0.12345678")], 4e-7),  # eight digits in all: the last is worth 1e-7 of it
        ([Fraction("0.12345678"), Fraction("0.00000001")], 4e-7),
    ],
)
def test_units_in_the_last_place(entries: list[Fraction], allowance: float) -> None:
    found = allowance_of(Kernel((len(entries),), tuple(entries)))
    assert allowance / 2 < found < allowance * 2
