"""What `nearest` finds, against cases worked out by hand and against other solvers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convalgebra as ca
from convalgebra.kernels.nearest import newton, starts
from convalgebra.kernels.nearest.newton import Found
from convalgebra.kernels.nearest.problem import Problem

from .nearest_oracle import by_scipy, composed, exact_square_error


def in_one_line(report: ca.NearestReport) -> str:
    return " ".join(str(report).split())


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(2, 5), st.integers(2, 5))
def test_separable_is_the_singular_value_decomposition(seed: int, height: int, width: int) -> None:
    kernel = np.random.default_rng(seed).standard_normal((height, width))
    values = np.linalg.svd(kernel, compute_uv=False)
    expected = np.sqrt((values[1:] ** 2).sum() / (values**2).sum())
    for stack in (f"{height}x1,1x{width}", f"1x{width},{height}x1"):
        report = ca.nearest(kernel, stack)
        assert report.proved
        assert report.relative_error == pytest.approx(expected, abs=1e-10)
        assert report.lower_bound == pytest.approx(expected, abs=1e-10)


def test_the_identity_by_a_separable_kernel_loses_two_thirds() -> None:
    report = ca.nearest("1 0 0; 0 1 0; 0 0 1", "3x1,1x3")
    assert report.relative_error**2 == pytest.approx(2 / 3, rel=1e-12)


def test_the_box_by_two_real_kernels() -> None:
    """[[a, b], [b, a]] with [[b, a], [a, b]] makes ab at the corners, a^2 + b^2 at the edges and
    4ab in the middle, by hand; `nearest` must be at least as good as the best of these.
    """
    first, second = np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([[0.5, 1.0], [1.0, 0.5]])
    by_loops = composed(first[None, None], second[None, None])[0, 0]
    assert by_loops.tolist() == [[0.5, 1.25, 0.5], [1.25, 2.0, 1.25], [0.5, 1.25, 0.5]]
    a, b = np.meshgrid(np.linspace(0, 2, 401), np.linspace(0, 2, 401))
    errors = 4 * (a * b - 1) ** 2 + 4 * (a * a + b * b - 1) ** 2 + (4 * a * b - 1) ** 2
    found = ca.nearest("box3", "2x2,2x2").relative_error
    assert 0.1 < found <= np.sqrt(errors.min() / 9) + 1e-9


@pytest.mark.parametrize("stack", ["2x2,2x2", "3x3,3x3", "3x3,3x3,3x3", "2x2,3x1", "2x2,2x2d2"])
def test_products_are_found(stack: str) -> None:
    rng = np.random.default_rng(8)
    shapes = [tuple(int(k) for k in part.split("d")[0].split("x")) for part in stack.split(",")]
    for _ in range(2):
        kernel = np.ones((1, 1, 1, 1))
        for shape, part in zip(shapes, stack.split(","), strict=True):
            d = 2 if "d2" in part else 1
            spread = np.zeros([d * (k - 1) + 1 for k in shape])
            spread[::d, ::d] = rng.standard_normal(shape)
            kernel = composed(kernel, spread[None, None])
        report = ca.nearest(kernel[0, 0], stack)
        assert report.relative_error < 1e-8
        assert report.lower_bound <= report.relative_error


def test_products_with_channels_are_found() -> None:
    rng = np.random.default_rng(9)
    layer = composed(rng.standard_normal((2, 2, 2, 2)), rng.standard_normal((3, 2, 2, 2)))
    report = ca.nearest(layer, "2x2@2,2x2@3")
    assert report.relative_error < 1e-8
    first, second = (filter.values for filter in report.filters)
    assert first.shape == (2, 2, 2, 2)
    assert second.shape == (3, 2, 2, 2)
    assert np.allclose(composed(first, second), layer, atol=1e-7)
    assert np.allclose(report.approximation, layer, atol=1e-7)


@pytest.mark.parametrize("stack", ["2x2,2x2", "3x1,1x3"])
def test_scaled_and_flipped_kernels_have_the_same_error(stack: str) -> None:
    kernel = np.random.default_rng(10).standard_normal((3, 3))
    error = ca.nearest(kernel, stack).relative_error
    for other in (
        kernel * 1e300,
        kernel * 1e-300,
        kernel * -3.7,
        kernel[::-1],
        kernel[:, ::-1],
        kernel.T if stack == "2x2,2x2" else kernel[::-1, ::-1],
    ):
        assert ca.nearest(other, stack).relative_error == pytest.approx(error, abs=1e-9)


@pytest.mark.parametrize("size", [1e300, 1e-300, 5e-324])
def test_filters_of_huge_and_tiny_kernels_multiply_back(size: float) -> None:
    kernel = np.array([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) * size
    report = ca.nearest(kernel, "2x2,2x2", starts=16)
    assert report.relative_error < 1e-7
    for filter in report.filters:
        assert np.isfinite(filter.values).all()
        assert np.abs(filter.values).max() < 1e200
    assert float(exact_square_error(kernel, report)) ** 0.5 < 1e-7


def test_integers_beyond_all_floats() -> None:
    report = ca.nearest(f"{10**299} {10**300}; 0 {10**299}", "2x1,1x2")
    assert report.relative_error == pytest.approx(
        ca.nearest("1 10; 0 1", "2x1,1x2").relative_error, rel=1e-12
    )


def test_repeated_factors() -> None:
    report = ca.nearest("1 2 1; 2 4 2; 1 2 1", "2x2,2x2")
    assert report.relative_error < 1e-7
    report = ca.nearest("binomial5", "3x3,3x3")
    assert report.relative_error < 1e-7
    assert any("factor" in note for note in report.notes)


def test_the_same_seed_gives_the_same_result() -> None:
    kernel = np.random.default_rng(11).standard_normal((5, 5))
    one, same = (ca.nearest(kernel, "3x3,3x3", seed=3) for _ in range(2))
    assert one.to_dict() == same.to_dict()
    other = ca.nearest(kernel, "3x3,3x3", seed=4)
    assert other.relative_error == pytest.approx(one.relative_error, abs=1e-9)
    few = ca.nearest(kernel, "3x3,3x3", starts=5)
    assert (few.starts, few.seed) == (5, 0)
    assert few.relative_error >= one.relative_error - 1e-9


SAMPLE = [(s, shapes) for s in range(2) for shapes in ([(2, 2), (2, 2)], [(2, 3), (2, 1)])]


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "shapes"), [*SAMPLE, (0, [(3, 3), (3, 3)])])
def test_scipy_finds_nothing_better(seed: int, shapes: list[tuple[int, int]]) -> None:
    size = [1 + sum(shape[axis] - 1 for shape in shapes) for axis in (0, 1)]
    kernel = np.random.default_rng(100 + seed).standard_normal(size)
    stack = ",".join(f"{h}x{w}" for h, w in shapes)
    found = ca.nearest(kernel, stack).relative_error
    assert found <= by_scipy(kernel, shapes, starts=12, seed=seed) + 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_scipy_finds_nothing_better_for_larger_kernels(seed: int) -> None:
    kernel = np.random.default_rng(200 + seed).standard_normal((5, 5))
    found = ca.nearest(kernel, "3x3,3x3").relative_error
    assert found <= by_scipy(kernel, [(3, 3), (3, 3)], starts=150, seed=seed) + 1e-6


@pytest.mark.slow
def test_with_channels_scipy_finds_nothing_better() -> None:
    from scipy.optimize import least_squares

    rng = np.random.default_rng(12)
    layer = rng.standard_normal((2, 2, 3, 3))
    layer /= np.linalg.norm(layer)

    def residuals(weights: np.ndarray) -> np.ndarray:
        first, second = weights[:8].reshape(1, 2, 2, 2), weights[8:].reshape(2, 1, 2, 2)
        return (composed(first, second) - layer).ravel()

    least = min(
        np.sqrt(2 * least_squares(residuals, rng.standard_normal(16)).cost) for _ in range(12)
    )
    assert ca.nearest(layer, "2x2@1,2x2@2").relative_error <= least + 1e-6


def test_weighted_separable_is_a_weighted_singular_value_decomposition() -> None:
    """With R = R1 (x) R2 the error is |L1^T (K - K') L2|, and Eckart-Young applies to L1^T K L2."""
    kernel = np.random.default_rng(13).standard_normal((3, 3))
    gram = 0.8 ** np.abs(np.subtract.outer(np.arange(3), np.arange(3)))
    root = np.linalg.cholesky(gram)
    values = np.linalg.svd(root.T @ kernel @ root, compute_uv=False)
    report = ca.nearest(kernel, "3x1,1x3", covariance="ar1:0.8")
    expected = np.sqrt((values[1:] ** 2).sum() / (values**2).sum())
    assert report.proved
    assert report.relative_error == pytest.approx(expected, rel=1e-10)
    difference = kernel - report.approximation
    full = np.kron(gram, gram)
    error = difference.ravel() @ full @ difference.ravel()
    assert error / (kernel.ravel() @ full @ kernel.ravel()) == pytest.approx(expected**2)


def test_a_weighted_search_beats_the_white_one_under_its_weights() -> None:
    kernel = np.random.default_rng(14).standard_normal((3, 3))
    lags = 0.9 ** np.hypot(*np.meshgrid(np.arange(-2, 3), np.arange(-2, 3)))
    gram = np.empty((9, 9))
    for e in range(9):
        for f in range(9):
            step = np.subtract(divmod(f, 3), divmod(e, 3))
            gram[e, f] = lags[2 + step[0], 2 + step[1]]
    white, weighted = (ca.nearest(kernel, "2x2,2x2", covariance=c) for c in (None, lags))
    assert ca.nearest(kernel, "2x2,2x2", covariance="isotropic:0.9").relative_error == (
        pytest.approx(weighted.relative_error, abs=1e-9)
    )

    def error(approximation: np.ndarray) -> float:
        d = (kernel - approximation).ravel()
        return float(np.sqrt(d @ gram @ d / (kernel.ravel() @ gram @ kernel.ravel())))

    assert error(weighted.approximation) == pytest.approx(weighted.relative_error, rel=1e-9)
    assert error(weighted.approximation) < error(white.approximation)
    assert weighted.lower_bound <= weighted.relative_error


def test_kernels_and_fields_of_different_sizes() -> None:
    kernel = np.arange(25.0).reshape(5, 5)
    report = ca.nearest(kernel, "3x3")
    kept = kernel[2:, 2:]
    assert report.placement == (-2, -2)
    assert report.relative_error**2 == pytest.approx(
        1 - (kept**2).sum() / (kernel**2).sum(), rel=1e-12
    )
    assert report.proved
    small = ca.nearest("1 2; 3 5", "2x2,2x2", starts=64)
    assert small.relative_error < 1e-9  # the other layer is a single tap
    assert small.placements == 4


def test_places_that_are_equally_good() -> None:
    """A kernel that fits everywhere, one that fits nowhere better, and one with a best place."""
    everywhere = ca.nearest("1 2; 3 4", "3x3")
    assert (everywhere.as_good, everywhere.placements) == (4, 4)
    assert "of 4 ways to lay the kernel on that, all are equally good" in in_one_line(everywhere)
    symmetric = ca.nearest("1 2 1; 2 5 2; 1 2 1", "2x2")
    assert (symmetric.as_good, symmetric.placements) == (4, 4)
    two = ca.nearest("1 2 1", "2")
    assert (two.as_good, two.placements) == (2, 2)
    some = ca.nearest("1 5 5 1 5", "2")  # 5 5 or 1 5: one of four places is best
    assert (some.as_good, some.placement) == (1, (-1,))
    assert "the offset (-1) has the least error" in in_one_line(some)
    tied = ca.nearest("1 5 5 1 5 5", "2")
    assert (tied.as_good, tied.placements) == (2, 5)
    assert "2 are equally good; this is the offset (-1)" in in_one_line(tied)
    assert tied.to_dict()["as_good"] == 2


def test_weights_that_are_not_printed_are_written_by_out() -> None:
    layer = np.random.default_rng(3).standard_normal((2, 2, 3, 3))
    text, html = str(ca.nearest(layer, "3x3p1+id")), ca.nearest(layer, "3x3")._repr_html_()
    said = "are written by --out FILE (in Python by `report.save(file)`)"
    assert said in " ".join(text.split())
    assert said.replace("`report.save(file)`", "<code>report.save(file)</code>") in html
    assert "`" not in html
    assert "--out" not in str(ca.nearest("sobel", "3x1,1x3"))


def test_sums_identities_and_averages() -> None:
    rng = np.random.default_rng(15)
    layer = rng.standard_normal((2, 2, 3, 3))
    assert ca.nearest(layer, "3x3p1+id").relative_error < 1e-12
    average = ca.nearest("1 2 1; 2 4 2; 1 2 1", "avg2x2s1,2x2")
    assert average.relative_error < 1e-12
    assert average.filters[0].values == pytest.approx(np.array([[4.0, 4], [4, 4]]))
    other = ca.nearest("1 0 0; 0 0 0; 0 0 0", "avg2x2s1,2x2")
    matrix = np.array(
        [
            composed(np.full((1, 1, 2, 2), 0.25), unit.reshape(1, 1, 2, 2)).ravel()
            for unit in np.eye(4)
        ]
    )
    target = np.eye(9)[0]
    best = target - np.linalg.lstsq(matrix.T, target, rcond=None)[0] @ matrix
    assert other.relative_error == pytest.approx(np.linalg.norm(best), rel=1e-12)
    assert other.lower_bound == pytest.approx(other.relative_error, rel=1e-9)
    assert other.lower_bound <= other.relative_error


def test_one_axis_and_three() -> None:
    report = ca.nearest("1 0 1", "2,2")  # no real roots: x^2 + 1 by (x + a)(x + b)
    # By hand: c (x + a)^2 is closest: min over c, a of (c - 1)^2 + (2 a c)^2 + (a^2 c - 1)^2.
    grid = np.linspace(-2, 2, 801)
    c, a = np.meshgrid(grid, grid)
    errors = ((c - 1) ** 2 + (2 * a * c) ** 2 + (a * a * c - 1) ** 2) / 2
    assert report.relative_error**2 == pytest.approx(errors.min(), abs=1e-3)
    assert ca.nearest(np.ones((2, 2, 2)), "2x1x1,1x2x2").relative_error < 1e-12


def test_a_minimum_that_is_not_attained_is_told() -> None:
    """A tangent: the limit of differences of two products, but no sum of two (border rank 2).

    x (x) x (x) y + x (x) y (x) x + y (x) x (x) x has rank 3 and border rank 2. As a layer: outputs,
    inputs and one axis, through 1x1 to two channels, depthwise along the axis, and 1x1 back.
    """
    tensor = np.zeros((2, 2, 2))
    tensor[0, 0, 1] = tensor[0, 1, 0] = tensor[1, 0, 0] = 1.0
    report = ca.nearest(tensor, "1@2,dw2,1@2", starts=16)
    assert 0 < report.relative_error < 0.05
    assert any("need not be attained" in note for note in report.notes)
    assert not any("need not" in note for note in ca.nearest(tensor, "1@3,dw2,1@2").notes)


def test_figures_are_counted_by_hand() -> None:
    layer = np.random.default_rng(16).standard_normal((8, 4, 3, 3))
    report = ca.nearest(layer, "dw3x3p1,1x1@8", input="4x16x16")
    before, after = report.figures.before, report.figures.after
    assert (before.weights, after.weights) == (8 * 4 * 9, 4 * 9 + 4 * 8)
    assert (before.macs_per_output, after.macs_per_output) == (288, 68)
    assert (before.macs, after.macs) == (288 * 256, 68 * 256)
    assert before.traffic == 4 * (4 * 256 + 288 + 8 * 256)
    assert after.traffic == 4 * (4 * 256 + 36 + 4 * 256 + 4 * 256 + 32 + 8 * 256)


def test_layers_of_torch_are_taken() -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.Conv2d(3, 4, 3)
    report = ca.nearest(layer.weight, "3x1@2,1x3@4")
    first, second = (torch.tensor(filter.values) for filter in report.filters)
    image = torch.randn(1, 3, 9, 9, dtype=torch.float64)
    through = torch.nn.functional.conv2d(torch.nn.functional.conv2d(image, first), second)
    at_once = torch.nn.functional.conv2d(image, torch.tensor(report.approximation))
    assert torch.allclose(through, at_once, atol=1e-12)


@pytest.mark.slow
def test_a_large_layer_stays_within_memory() -> None:
    import resource

    layer = np.random.default_rng(17).standard_normal((512, 512, 3, 3)).astype("float32")
    report = ca.nearest(layer, "dw3x3,1x1@512")
    assert report.proved
    assert report.lower_bound <= report.relative_error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2 * 2**20


def test_bottlenecks_begin_at_the_truncated_svd_and_end_between_it_and_the_bound() -> None:
    """The higher-order SVD is within sqrt 2 of the least error; each unfolding bounds it below."""
    layer = np.random.default_rng(18).standard_normal((6, 5, 3, 3))
    u = np.linalg.svd(layer.reshape(6, -1))[0][:, :2]
    v = np.linalg.svd(layer.transpose(0, 2, 3, 1).reshape(-1, 5))[2][:3]
    inside = np.einsum("op,oiyx,ci->pcyx", u, layer, v)
    svd = np.einsum("op,pcyx,ci->oiyx", u, inside, v)
    error = np.linalg.norm(svd - layer) / np.linalg.norm(layer)
    report = ca.nearest(layer, "1x1@3,3x3@2,1x1@6", starts=1)
    assert report.relative_error <= error + 1e-12
    assert error / 2**0.5 <= report.relative_error
    assert 0 < report.lower_bound <= report.relative_error
    best = ca.nearest(layer, "1x1@3,3x3@2,1x1@6")
    assert best.relative_error <= report.relative_error + 1e-9


def test_an_exact_fit_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []

    def counted(problem: Problem, first: np.ndarray) -> Found:
        found = newton.minimize(problem, first)
        steps.append(int(found.steps.sum()))
        return found

    monkeypatch.setattr(starts, "minimize", counted)
    report = ca.nearest("sobel", "2x2,2x2,2x2")
    assert report.exact
    assert report.method == "search"
    assert (report.placements, report.as_good) == (4, 4)
    assert max(steps) < 4_000  # of 64 starts; without an end they take about 10,000


@pytest.mark.parametrize(
    ("kernel", "stack"),
    [
        ("0.1", "3x3,3x3"),
        ("0 0 0; 1 1 1; 0 0 0", "5x5, 2x2s2"),
        ("1 0 2; 0 0 0; 3 0 4", "2x2,2x2d2,3x3"),  # the second layer, or the third
        ("1 0 0 0 2", "3s2,3d2"),  # the taps of the second layer lie 4 apart
        ("5 6", "2,1,3"),
    ],
)
def test_a_kernel_that_one_layer_holds_needs_no_search(
    kernel: str, stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(starts, "minimize")
    report = ca.nearest(kernel, stack)
    assert report.relative_error == 0.0
    assert report.proved
    field = np.zeros([1] * report.filters[0].values.ndim)
    field.flat[0] = 1.0
    rate = 1
    for layer, filter in zip(stack.split(","), report.filters, strict=True):  # by plain loops
        apart = rate * (2 if "d2" in layer else 1)
        shape = np.array(field.shape) + apart * (np.array(filter.values.shape) - 1)
        made = np.zeros(shape)
        for at, value in np.ndenumerate(filter.values):
            where = tuple(
                slice(apart * a, apart * a + n) for a, n in zip(at, field.shape, strict=True)
            )
            made[where] += value * field
        field, rate = made, rate * (2 if "s2" in layer else 1)
    given = np.atleast_2d([[float(n) for n in row.split()] for row in kernel.split(";")])
    given = given.reshape([1] * (field.ndim - given.ndim) + list(given.shape)[-field.ndim :])
    nonzero, wanted = np.argwhere(field), np.argwhere(given)
    assert (nonzero - nonzero[0] == wanted - wanted[0]).all()
    assert field[tuple(nonzero.T)].tolist() == given[tuple(wanted.T)].tolist()


def test_averages_alone_against_a_gaussian() -> None:
    rows = [[1, 4, 7, 4, 1], [4, 16, 26, 16, 4], [7, 26, 41, 26, 7]]
    gaussian = np.array([*rows, rows[1], rows[0]]) / 273
    along = np.array([1, 2, 3, 2, 1]) / 9
    for scale in (1, 273):
        error = np.linalg.norm(scale * gaussian - np.outer(along, along))
        report = ca.nearest((scale * gaussian).tolist(), "avg3x3s1,avg3x3s1")
        wanted = error / np.linalg.norm(scale * gaussian)
        assert report.relative_error == pytest.approx(wanted, rel=1e-12)
    assert ca.nearest("gaussian5", "avg3x3s1,avg3x3s1").relative_error == report.relative_error


def test_a_kernel_that_no_layer_holds_is_searched() -> None:
    assert ca.nearest("1 0 2; 0 0 0; 3 0 4", "2x2,2x2s2").method == "search"
    assert ca.nearest("1 2 3; 4 5 6", "2x2,2x2").method == "search"


@pytest.mark.parametrize(
    ("kernel", "stack", "error"),
    [
        ("1 2 1; 2 4 2; 1 2 1", "avg2x2s1,avg2x2s1", 15 / 16),  # a sixteenth of the kernel
        ("1 4 6 4 1", "avg3s1,avg3s1", (70 - 2 * 36 / 9 + 19 / 81) ** 0.5 / 70**0.5),
        ("sobel", "id", 0.75**0.5),  # |K|^2 = 12, and (2 - 1)^2 + 8 = 9 is left at best
        ("sobel", "dropout", 0.75**0.5),
        ("sobel", "pad1", 0.75**0.5),
        ("sobel", "avg3x3s1", (1 + 1 / 108) ** 0.5),  # its sum is 0: |K|^2 + 9/81
        ("2", "avg1x1s1", 0.5),
        ("1,2", "id+id", 0.2**0.5),  # (2 - 2)^2 + 1 of 5
        ("1e-30", "id", 1e30),
        ("1e-60", "id", 1e60),
    ],
)
def test_a_stack_without_weights_is_compared_as_it_is(
    kernel: str, stack: str, error: float
) -> None:
    report = ca.nearest(kernel, stack)
    assert report.relative_error == pytest.approx(error, rel=1e-6)
    assert report.proved
    assert report.filters == ()
    assert "weights do better" in str(report)


def test_an_exact_fit_of_a_large_stack_ends_the_search() -> None:
    kernel = np.random.default_rng(0).standard_normal((8, 8, 3, 3))
    report = ca.nearest(kernel, "3x3@30,1x1@8,1x1@8", starts=4)
    assert report.exact
    assert report.starts == 1  # of four, each of more weights than Newton's method takes


def test_a_filter_that_is_exact_does_not_end_the_search_for_others() -> None:
    rng = np.random.default_rng(0)
    kernels = rng.standard_normal((3, 1, 3, 3))
    kernels[1, 0] = np.outer([1, 2, 1], [1, 0, -1])
    alone = [
        ca.factorability({"k": kernels[n : n + 1]}, "2x2,2x2", starts=64).scores[0].worst
        for n in range(3)
    ]
    together = ca.factorability({"k": kernels}, "2x2,2x2", starts=64).scores[0]
    assert alone[1] < 1e-9
    assert together.worst == pytest.approx(max(alone), rel=1e-6)
    assert together.median == pytest.approx(sorted(alone)[1], rel=1e-6)
