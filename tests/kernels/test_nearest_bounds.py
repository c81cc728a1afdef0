"""Lower bounds: never above any error, and equal to what is known where something is known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.algebra.plan import plan_of
from convalgebra.errors import Defect
from convalgebra.kernels.nearest import nearest, solution
from convalgebra.kernels.nearest.bounds import (
    Bound,
    _ruppert,
    factors_of,
    lower_bound,
    smallest,
    tail,
)
from convalgebra.kernels.nearest.coefficients import Coefficients
from convalgebra.kernels.nearest.covariance import Weighting, weighting_of
from convalgebra.kernels.nearest.problem import Problem
from convalgebra.kernels.nearest.unfoldings import closed_form, unfoldings
from convalgebra.readers import read

from .nearest_oracle import exact_square_error

CHAINS = [
    ("2x2,2x2", 1),
    ("3x3,3x3", 1),
    ("3x1,1x3", 1),
    ("3x1,1x3,2x2", 1),
    ("2x2,2x2d2", 1),
    ("avg2x2s1,2x2,2x2", 1),
    ("2x2s2,3x3", 1),
    ("2,3", 1),
    ("dw3x3,1x1@4", 3),
    ("1x1@4,dw3x3", 3),
    ("1x1@2,3x3@2,1x1@4", 3),
    ("3x1@2,1x3@4", 3),
    ("3x3g2@4,shuffle2,2x2g2@4", 4),
    ("2x2@1,2x2@3", 3),
    ("dw3x1,dw1x3", 3),
    ("3x3g2@4", 4),
    ("2x2,convt2x2", 2),
    ("1x1@6,dw3x3,1x1@4", 3),
    ("3x3p1@2+id", 2),
]


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        pytest.param(*chain, marks=pytest.mark.slow if chain == ("2x2s2,3x3", 1) else ())
        for chain in CHAINS
    ],
)
@pytest.mark.parametrize("covariance", [None, "ar1:0.5", "isotropic:0.5"])
def test_members_have_the_bound_zero_and_their_neighbours_at_most_the_distance(
    text: str, channels: int, covariance: str | None
) -> None:
    """K' + D is at the distance |D| at most, whatever K' the stack makes."""
    made = Coefficients(plan_of(read(text), channels))
    rng = np.random.default_rng(4)
    weighting = weighting_of(covariance, made.field, channels)
    for size in (0.0, 1e-14, 1e-6, 0.1, 10.0):
        for _ in range(4):
            member = made.values(rng.standard_normal((1, made.weights)))[0]
            away = size * rng.standard_normal(made.shape)
            problem = Problem(made, member + away, weighting)
            distance = np.linalg.norm(problem.weighted(away[None]))
            rounding = 1e-15 * np.linalg.norm(problem.weighted(problem.kernel[None]))
            assert lower_bound(problem).value <= distance + rounding


entries = st.integers(-9, 9).map(float) | st.floats(-1e3, 1e3).map(lambda x: round(x, 3))


@settings(max_examples=25)
@given(st.lists(entries, min_size=9, max_size=9), st.sampled_from(["2x2,2x2", "3x1,1x3", "3x3"]))
def test_no_bound_is_above_the_exact_error_of_what_is_found(flat: list[float], stack: str) -> None:
    kernel = np.array(flat).reshape(3, 3)
    if not kernel.any():
        return
    report = nearest(kernel, stack, starts=16)
    exact = exact_square_error(kernel, report)
    assert Fraction(report.lower_bound) ** 2 <= exact
    assert float(exact) ** 0.5 == pytest.approx(report.relative_error, rel=1e-9, abs=1e-14)


@settings(max_examples=6)
@given(st.lists(entries, min_size=25, max_size=25))
def test_no_bound_is_above_the_exact_error_for_larger_kernels(flat: list[float]) -> None:
    kernel = np.array(flat).reshape(5, 5)
    if not kernel.any():
        return
    report = nearest(kernel, "3x3,3x3", starts=16)
    assert Fraction(report.lower_bound) ** 2 <= exact_square_error(kernel, report)


@settings(max_examples=40)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 6), st.integers(0, 2**32))
def test_tails_are_below_those_of_integers_and_close(m: int, n: int, rank: int, seed: int) -> None:
    """An exact tail: M = Q1 diag(s) Q2 with signed permutations, whose singular values are s."""
    rng = np.random.default_rng(seed)
    k = min(m, n)
    values = np.sort(rng.integers(0, 50, k))[::-1]
    matrix = np.zeros((m, n))
    rows, columns = rng.permutation(m)[:k], rng.permutation(n)[:k]
    matrix[rows, columns] = values * rng.choice([-1, 1], k)
    exact = sum(int(v) ** 2 for v in values[rank:])
    found = tail(matrix, rank)
    assert Fraction(found) ** 2 <= exact
    assert found == pytest.approx(exact**0.5, rel=1e-10, abs=1e-10 * 50)


EXTREMES = {
    "huge": np.array([[1.0, 2, 0], [3, 4, 1], [0, 2, 5]]) * 1e300,
    "tiny": np.array([[1.0, 2, 0], [3, 4, 1], [0, 2, 5]]) * 1e-300,
    "denormal": np.array([[5e-324, 0, 1e-323], [0, 0, 0], [1e-322, 0, 0]]),
    "of all sizes": np.array([[1e300, 1, 0], [1e-300, 1e150, 1], [1e-10, 1, 1e300]]),
    "of rank 1": np.outer([1.0, 2, 3], [0.1, 0.2, 0.3]),
    "nearly of rank 1": np.outer([1.0, 2, 3], [0.1, 0.2, 0.3]) + 1e-16 * np.eye(3),
    "of rank 2": np.outer([1.0, 2, 3], [0.1, 0.2, 0.3]) + np.outer([1.0, 0, 3], [7, 0.2, 0.3]),
    "one entry": np.array([[0.0, 0, 0], [0, 3, 0], [0, 0, 0]]),
    "one row": np.array([[1.0, 2, 3], [0, 0, 0], [0, 0, 0]]),
}


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize(
    "covariance",
    [
        None,
        pytest.param("ar1:0.9", marks=pytest.mark.slow),
        "ar1:0.9999999",
        pytest.param("isotropic:0.99", marks=pytest.mark.slow),
    ],
)
def test_no_bound_is_above_the_error_at_extreme_inputs(name: str, covariance: str | None) -> None:
    for stack in ("2x2,2x2", "3x1,1x3", "3x3", "avg2x2s1,2x2", "2x2,2x1,1x2"):
        report = nearest(EXTREMES[name], stack, covariance=covariance, starts=4)
        assert 0 <= report.lower_bound <= report.relative_error <= 1 + 1e-12


@settings(max_examples=60)
@given(st.integers(1, 6), st.integers(0, 2**32), st.sampled_from([0.0, 1e-17, 1e-12, 1e-3, 1.0]))
def test_least_singular_values_of_weightings_are_bounded_from_below(
    n: int, seed: int, size: float
) -> None:
    """L = H diag(s), H a Hadamard matrix: the least singular value is known, to an ulp."""
    rng = np.random.default_rng(seed)
    hadamard = np.array([[1.0]])
    while len(hadamard) < n:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    values = np.append(rng.integers(1, 50, len(hadamard) - 1), 1.0) * 1.0
    values[-1] = size
    root = hadamard * values
    least = values.min() * len(hadamard) ** 0.5
    found = smallest(Weighting("given", 1, whole=root))
    assert 0 <= found <= least * (1 + 1e-15)
    assert found == pytest.approx(least, abs=1e-12 * np.abs(root).sum())


def test_a_singular_weighting_bounds_nothing() -> None:
    root = np.outer([1.0, 1 / 3, 0.7], [1.0, 2, 3])  # of rank 1 but for rounding
    assert smallest(Weighting("given", 1, whole=root)) == 0.0


def test_a_dense_matrix_of_known_singular_values() -> None:
    """A Hadamard matrix times a diagonal: orthogonal rows, exactly."""
    hadamard = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], float)
    matrix = np.diag([8.0, 4.0, 2.0, 1.0]) @ hadamard  # singular values 16, 8, 4, 2
    assert Fraction(tail(matrix, 2)) ** 2 <= 20
    assert tail(matrix, 2) == pytest.approx(20**0.5, rel=1e-12)


def test_ruppert_matrices_vanish_where_they_have_to() -> None:
    """The nullity of products of 1, 2, 3 random polynomials, by exact ranks of sympy."""
    import sympy

    rng = np.random.default_rng(5)

    def multiplied(*shapes: tuple[int, int]) -> np.ndarray:
        total = np.ones((1, 1), int)
        for shape in shapes:
            factor = rng.integers(-5, 6, shape)
            factor[-1, -1] = factor[0, 0] = 3
            after = np.zeros([a + b - 1 for a, b in zip(total.shape, shape, strict=True)], int)
            for (i, j), value in np.ndenumerate(factor):
                after[i : i + total.shape[0], j : j + total.shape[1]] += value * total
            total = after
        return total

    for shapes in ([(3, 3)], [(2, 2), (2, 2)], [(2, 3), (2, 2)], [(2, 2), (2, 2), (2, 2)]):
        kernel = multiplied(*shapes)
        matrix = (_ruppert(*kernel.shape) @ kernel.ravel()).astype(int)
        nullity = matrix.shape[1] - sympy.Matrix(matrix.tolist()).rank()
        assert nullity == len(shapes) - 1


def test_factors_are_counted_as_they_are() -> None:
    def count(text: str) -> int:
        made = Coefficients(plan_of(read(text)))
        return factors_of(Problem(made, np.zeros(made.shape)))

    assert count("2x2,2x2") == 2
    assert count("3x1,1x3") == 4  # two roots along each axis
    assert count("3x3,2x1,1x1") == 2
    assert count("2x2,2x2d2,1x2d3") == 5
    assert count("avg2x2s1,2x2") == 2
    assert count("2,2") == 0  # one axis: root counts, not this


def test_ranks_by_hand() -> None:
    """3x1@h,1x3: all matrices (c_out 3) x (c_in 3) of rank h. dw3x3,1x1: rank 1 for each input."""
    rng = np.random.default_rng(6)
    layer = rng.standard_normal((4, 5, 3, 3))
    values = np.linalg.svd(layer.transpose(0, 3, 1, 2).reshape(12, 15), compute_uv=False)
    norm = np.linalg.norm(layer)
    for rank in (1, 3, 7):
        report = nearest(layer, f"3x1@{rank},1x3@4")
        expected = np.sqrt((values[rank:] ** 2).sum()) / norm
        assert report.proved
        assert report.relative_error == pytest.approx(expected, rel=1e-10)
        assert report.lower_bound == pytest.approx(expected, rel=1e-10)
        assert report.lower_bound <= report.relative_error
    report = nearest(layer, "dw3x3,1x1@4")
    each = [np.linalg.svd(layer[:, i].reshape(4, 9), compute_uv=False)[1:] for i in range(5)]
    expected = np.sqrt(sum((v**2).sum() for v in each)) / norm
    assert report.relative_error == pytest.approx(expected, rel=1e-10)


def test_which_stacks_are_all_matrices_of_a_rank() -> None:
    def closed(text: str, channels: int) -> bool:
        return closed_form(Coefficients(plan_of(read(text), channels))) is not None

    assert closed("3x1,1x3", 1)
    assert closed("1x1@2,3x3@4", 4)
    assert closed("2x2@3,3x3s1d2@4", 2)  # every place is a sum in one way
    assert closed("dw3x3,1x1@4", 3)
    assert closed("2x2s2,5x5", 1)
    assert not closed("2x2,2x2", 1)
    assert not closed("3x1,1x3,1x1", 1)
    assert not closed("3x3g2@4,2x1g2@4", 4)


def test_every_unfolding_of_members_has_the_rank_it_says() -> None:
    rng = np.random.default_rng(7)
    seen = 0
    for text, channels in CHAINS:
        made = Coefficients(plan_of(read(text), channels))
        member = made.values(rng.standard_normal((1, made.weights)))[0]
        for unfolding in unfoldings(made):
            for number, rectangle in enumerate(unfolding.rectangles):
                matrix = unfolding.matrix(member, number)
                rank = np.linalg.matrix_rank(matrix, tol=1e-9)
                assert rank <= len(rectangle.hidden) * unfolding.multiple
                seen += rank < min(matrix.shape)
            assert np.abs(unfolding.missed(member)).sum() == 0
    assert seen > 10


def test_what_the_stack_does_not_see_and_what_it_cannot_make_add_up_as_squares() -> None:
    """2x1,1x2 makes all 2x2 kernels of rank 1: lay it anywhere, and the second value is left."""
    kernel = np.array([[1.0, 2.0, -1.0], [3.0, 1.0, 2.0], [0.5, 4.0, 1.0]])
    squares = []
    for y in range(2):
        for x in range(2):
            inside = kernel[y : y + 2, x : x + 2]
            left = np.linalg.svd(inside, compute_uv=False)[1] ** 2
            squares.append((kernel**2).sum() - (inside**2).sum() + left)
    error = (min(squares) / (kernel**2).sum()) ** 0.5
    report = nearest(kernel.tolist(), "2x1,1x2")
    assert report.relative_error == pytest.approx(error, rel=1e-12)
    assert report.lower_bound == pytest.approx(error, rel=1e-9)


def test_a_bound_above_the_error_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solution, "lower_bound", lambda *_: Bound(1.0, "wrong"))
    with pytest.raises(Defect, match="lower bound"):
        nearest("sobel", "2x2,2x2")
