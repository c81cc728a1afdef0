"""What is no kernel, no stack for it, or no covariance: errors that say what to write instead."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convalgebra as ca

KERNEL = "1 2 1; 2 4 2; 1 2 1"


@pytest.mark.parametrize(
    ("kernel", "match"),
    [
        ("", "no entries"),
        ("   ", "no entries"),
        ("1 2; 3", "ragged"),
        ("1 nan; 2 3", "finite"),
        ("1 inf; 2 3", "finite"),
        ("sobell", "did you mean sobel"),
        ("0 0 0; 0 0 0; 0 0 0", "is zero"),
        (np.zeros((3, 3)), "is zero"),
        (np.full((3, 3), np.nan), r"\[0, 0\] is nan"),
        (np.array([[1.0, np.inf], [0, 0]]), r"\[0, 1\] is inf"),
        (np.ones((3, 3), complex), "complex128; expected real numbers"),
        (np.array([["a", "b"]]), "expected real numbers"),
        (np.zeros((0, 3)), "no entries"),
        (np.ones((2, 3, 3)), "for a stack with 2 axes a kernel has 2, and a layer 4"),
        ([[1, 2], [3]], "ragged"),
        ([], "no entries"),
        (None, "not NoneType"),
        ("none.npy", "there is no file"),
        (f"1 {10**390}; 2 3", "leave the range of floats"),
        (np.full((3, 3), 1.7e308), "leave the range of floats"),
    ],
)
def test_kernels_that_are_none(kernel: Any, match: str) -> None:
    with pytest.raises(ca.ConvalgebraError, match=match):
        ca.nearest(kernel, "2x2,2x2")


@pytest.mark.parametrize(
    ("stack", "match"),
    [
        ("2x2,", "expected"),
        ("2x2,relu,2x2", "only linear stacks are compared with kernels; `relu` is an activation"),
        ("2x2,max2x2s1", "not linear"),
        ("2x2,fc@3", "nearest"),
        ("2,2", "for a stack with 1 axis a kernel has 1"),
        ("2x2@4,2x2", "gives 4 channels"),
        ("2x2@0,2x2", "0"),
        ("2x2@-1,2x2", "expected"),
        ("kxk", "k is a named size"),
        ("up2,2x2", "larger"),
        ("input 3x8x8; 2x2,2x2", "written for 3 channels"),
        ("99x99", "could lie in"),
    ],
)
def test_stacks_that_do_not_fit(stack: str, match: str) -> None:
    with pytest.raises(ca.ConvalgebraError, match=match):
        ca.nearest(KERNEL, stack)


def test_a_batch_norm_is_a_factor_for_the_channel() -> None:
    report = ca.nearest(KERNEL, "bn")  # best at the largest entry
    assert report.relative_error**2 == pytest.approx(1 - 16 / 36)


def test_layers_say_how_to_write_the_channels() -> None:
    layer = np.ones((8, 4, 3, 3))
    with pytest.raises(ca.ConvalgebraError, match=r"channels at its last layer, like .*@8"):
        ca.nearest(layer, "3x1@2,1x3")
    with pytest.raises(ca.ConvalgebraError, match="do not divide"):
        ca.nearest(layer, "3x3g3@8")


@pytest.mark.parametrize(
    ("covariance", "match"),
    [
        ("ar1", "no covariance; expected white"),
        ("ar1:1.5", "the parameter of ar1 is below 1 in absolute value"),
        ("ar1:-1", "below 1 in absolute value"),
        ("isotropic:-0.5", "at least 0 and below 1"),
        ("isotropic:1", "at least 0 and below 1"),
        ("ar1:nan", "no covariance"),
        (np.ones((4, 4)), "odd sizes"),
        (np.ones(3), "one size for each of 2 axes"),
        (np.array([[0.0, 0, 0], [1, 1, 0], [0, 0, 0]]), "symmetric"),
        (np.array([[0.0, 0, 0], [1, 1, 1], [0, 0, 0]]), "eigenvalue"),
        (np.zeros((3, 3)), "nothing in them"),
        (np.full((3, 3), np.nan), "finite"),
        ([[1, "a"]], "numbers over lags"),
        (np.ones((2, 2, 3, 3)), "channels depend"),
    ],
)
def test_covariances_that_are_none(covariance: Any, match: str) -> None:
    with pytest.raises(ca.ConvalgebraError, match=match):
        ca.nearest(KERNEL, "2x2,2x2", covariance=covariance)


def test_a_covariance_at_the_end_of_the_floats_is_one_like_others() -> None:
    lags = 0.5 ** np.hypot(*np.meshgrid(np.arange(-2, 3), np.arange(-2, 3)))
    errors = [
        ca.nearest("laplacian8", "3x1,1x3", covariance=c).relative_error
        for c in (lags, lags * 1.7e308, lags * 1e-300)
    ]
    assert errors == pytest.approx(errors[:1] * 3, rel=1e-9)


def test_inputs_on_which_a_kernel_is_nothing() -> None:
    constant = np.ones((5, 5))
    with pytest.raises(ca.ConvalgebraError, match="always gives 0"):
        ca.nearest("laplacian4", "2x2,2x2", covariance=constant)


@pytest.mark.parametrize("options", [{"starts": 0}, {"starts": 10**9}, {"seed": -1}])
def test_options_out_of_range(options: dict[str, int]) -> None:
    with pytest.raises(ca.ConvalgebraError, match=r"expected|seed"):
        ca.nearest(KERNEL, "2x2,2x2", **options)


@pytest.mark.parametrize("shape", ["2x9x9", "CxHxW", "1x1x1x1"])
def test_inputs_that_do_not_fit(shape: str) -> None:
    with pytest.raises(ca.ConvalgebraError):
        ca.nearest(KERNEL, "2x2,2x2", input=shape)


def test_files_that_lie(tmp_path: Path) -> None:
    text = "{'descr': '<f8', 'fortran_order': False, 'shape': (65536, 65536), }\n"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()
    (tmp_path / "big.npy").write_bytes(head)
    np.save(tmp_path / "pickled.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(ca.ConvalgebraError, match="0 bytes follow"):
        ca.nearest(f"{tmp_path}/big.npy", "2x2,2x2")
    with pytest.raises(ca.ConvalgebraError, match="unpickled"):
        ca.nearest(f"{tmp_path}/pickled.npy", "2x2,2x2")
    for name in ("big.npy", "pickled.npy"):
        with pytest.raises(ca.ConvalgebraError):
            ca.factorability(f"{tmp_path}/{name}", "2x2,2x2")


def test_a_layer_too_large_is_refused_before_it_is_tried() -> None:
    layer = np.broadcast_to(np.float32(1), (4096, 4096, 3, 3))
    with pytest.raises(ca.ConvalgebraError, match="the limit is"):
        ca.nearest(layer, "3x1@8,1x3@4096")
    layer = np.ones((1024, 1024, 1, 1), dtype="float32")
    with pytest.raises(ca.ConvalgebraError, match="GiB at a time"):
        ca.nearest(layer, "1x1@99999,1x1@1024")


def test_sums_are_searched_at_scales_where_the_search_is_sound() -> None:
    kernel = np.array([[1.0, 2, 0], [3, 4, 1], [0, 2, 5]])
    stack = "2x2p1,2x2+id"
    errors = [ca.nearest(kernel * s, stack, starts=32).relative_error for s in (1, 2.0**20)]
    assert errors[0] == pytest.approx(errors[1], abs=1e-6)
    with pytest.raises(ca.ConvalgebraError, match="scale it to about 1"):
        ca.nearest(kernel * 1e9, stack)


def test_factors_of_a_scale_far_from_one_another() -> None:
    report = ca.nearest("1e300 1; 1e-300 1e-12", "2x1,1x2")
    assert report.relative_error < 1e-12


def test_a_stack_without_weights_and_a_kernel_whose_squares_leave_the_floats() -> None:
    with pytest.raises(ca.ConvalgebraError, match="has no weights, so that its scale matters"):
        ca.nearest([[1e200, -1e200]], "avg1x2s1")
