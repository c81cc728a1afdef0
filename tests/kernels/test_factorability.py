"""Scores of layers: each filter by itself, layers as a whole, interrupts and what is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.errors import InputError
from convalgebra.kernels.nearest.scores import whole_stack
from convalgebra.readers import read


def layers() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "conv1.weight": rng.standard_normal((4, 3, 3, 3)),
        "conv1.bias": rng.standard_normal(4),
        "conv2.weight": rng.standard_normal((1, 3, 5, 5)).astype("float32"),
        "pointwise": rng.standard_normal((2, 4, 1, 1)),
        "zero": np.zeros((2, 2, 3, 3)),
    }


def test_what_is_no_file_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file nowhere$"):
        ca.factorability("nowhere", "2x2")
    with pytest.raises(InputError, match="is a directory"):
        ca.factorability(tmp_path, "2x2")
    text = tmp_path / "w.txt"
    text.write_text("1 2 1")
    with pytest.raises(InputError, match="are read from"):
        ca.factorability(text, "2x2")


@pytest.mark.slow
def test_scores_are_those_of_nearest_filter_by_filter() -> None:
    weights = layers()
    report = ca.factorability(weights, "2x2,2x2", "3x1,1x3", "3x3,3x3", "dw+pw")
    assert [name for name, _ in report.layers] == ["conv1.weight", "conv2.weight"]
    for name, stack in [
        ("conv1.weight", "2x2,2x2"),
        ("conv1.weight", "3x1,1x3"),
        ("conv2.weight", "3x3,3x3"),
    ]:
        score = report.score(name, stack)
        filters = weights[name].reshape(-1, *weights[name].shape[2:])
        errors = [ca.nearest(kernel, stack).relative_error for kernel in filters]
        assert score is not None
        assert score.median == pytest.approx(np.median(errors), abs=1e-6)
        assert score.worst == pytest.approx(max(errors), abs=1e-6)
        assert (score.compared, score.filters, score.whole) == (len(filters), len(filters), False)
        assert score.proved == (stack == "3x1,1x3")
    whole = report.score("conv1.weight", "dw+pw")
    expected = ca.nearest(weights["conv1.weight"], "dw3x3,1x1@4")
    assert whole is not None
    assert whole.whole
    assert whole.median == whole.worst == pytest.approx(expected.relative_error, rel=1e-12)
    missing = report.score("conv2.weight", "2x2,2x2")
    assert missing is not None
    assert missing.median is None
    assert missing.reason == "2x2,2x2 sees 3x3, the kernels of conv2.weight are 5x5"
    reasons = dict(report.left_out)
    assert reasons["pointwise"] == "its kernels have one tap"
    assert reasons["zero"] == "all its entries are 0"
    assert report.passed_over == ("conv1.bias",)


def test_exact_filters_have_the_error_zero_and_zero_ones_too() -> None:
    column, row = np.array([1.0, 2, 3]), np.array([4.0, -1, 2])
    layer = np.stack([np.outer(column, row), np.zeros((3, 3)), 1e-200 * np.outer(row, column)])
    report = ca.factorability(layer[:, None], "3x1,1x3", "3x3")
    for score in report.scores:
        assert score.worst is not None
        assert score.worst < 1e-12
        assert score.near == 1.0


def test_whole_layers_are_given_their_channels() -> None:
    layer = np.random.default_rng(2).standard_normal((6, 4, 3, 3))
    report = ca.factorability(layer, "3x1@2,1x3@6", "dw3x3,1x1")
    for score, stack in zip(report.scores, ("3x1@2,1x3@6", "dw3x3,1x1@6"), strict=True):
        assert score.whole
        assert score.proved
        assert score.median == pytest.approx(ca.nearest(layer, stack).relative_error, rel=1e-12)


def test_of_many_filters_some_are_drawn_always_the_same() -> None:
    layer = np.random.default_rng(3).standard_normal((20, 10, 3, 3))
    one, same = (ca.factorability(layer, "2x2,2x2", filters=30, starts=4) for _ in range(2))
    assert one == same
    assert (one.scores[0].compared, one.scores[0].filters) == (30, 200)
    assert "30 of 200" in str(one)


def test_an_interrupt_keeps_what_is_done() -> None:
    told: list[tuple[str, str, int, int]] = []

    def interrupt(layer: str, candidate: str, done: int, of: int) -> None:
        told.append((layer, candidate, done, of))
        if layer == "second":
            raise KeyboardInterrupt

    layer = np.random.default_rng(4).standard_normal((4, 2, 3, 3))
    report = ca.factorability(
        {"first": layer, "second": layer}, "3x1,1x3", "2x2,2x2", progress=interrupt
    )
    assert not report.complete
    assert [(s.layer, s.candidate) for s in report.scores] == [
        ("first", "3x1,1x3"),
        ("first", "2x2,2x2"),
        ("second", "3x1,1x3"),
    ]
    assert told[0] == ("first", "2x2,2x2", 0, 8)
    assert "Interrupted" in str(report)
    assert ".." in str(report)


def test_one_array_of_a_file(tmp_path: Path) -> None:
    one, other = np.ones((2, 1, 3, 3)), np.ones((2, 1, 5, 5))
    np.savez(tmp_path / "w.npz", **{"conv": one, "a:conv": other})
    for name, array in (("conv", one), ("a:conv", other)):
        report = ca.factorability(f"{tmp_path}/w.npz:{name}", "3x1,1x3")
        assert report.layers == ((name, array.shape),)
    with pytest.raises(InputError, match="holds no array `nope`; it holds conv, a:conv"):
        ca.factorability(f"{tmp_path}/w.npz:nope", "3x1,1x3")


def test_files(tmp_path: Path) -> None:
    weights = layers()
    np.savez(tmp_path / "w.npz", **weights)
    from_file = ca.factorability(f"{tmp_path}/w.npz", "3x1,1x3")
    assert from_file.scores == ca.factorability(weights, "3x1,1x3").scores
    one = ca.factorability(tmp_path / "w.npz:conv1.weight", "3x1,1x3")
    assert [name for name, _ in one.layers] == ["conv1.weight"]
    np.save(tmp_path / "w.npy", weights["conv1.weight"])
    assert ca.factorability(f"{tmp_path}/w.npy", "3x1,1x3").scores[0].median == (
        from_file.scores[0].median
    )
    with pytest.raises(ca.ConvalgebraError, match="there is no file"):
        ca.factorability(f"{tmp_path}/w.pt", "3x1,1x3")


@pytest.mark.parametrize(
    ("weights", "candidates", "match"),
    [
        (np.ones((2, 2, 3, 3)), (), "no candidate"),
        (np.ones((2, 2, 3, 3)), ("2x",), "expected"),
        (np.ones((2, 2, 3, 3)), ("2x2,relu,2x2",), "only linear stacks"),
        (np.ones((2, 2, 3, 3)) * np.nan, ("2x2,2x2",), "is nan"),
        (np.ones((2, 2, 3, 3), complex), ("2x2,2x2",), "real numbers"),
        (np.ones(4), ("2x2,2x2",), "no layer"),
        ({}, ("2x2,2x2",), "no layer"),
        ({"a": [[[[1, 2], [1]]]]}, ("2x2,2x2",), "ragged"),
    ],
)
def test_bad_input(weights: Any, candidates: tuple[str, ...], match: str) -> None:
    with pytest.raises(ca.ConvalgebraError, match=match):
        ca.factorability(weights, *candidates)


def test_a_candidate_that_does_not_fit_a_layer_leaves_a_dash_and_one_reason() -> None:
    rng = np.random.default_rng(5)
    weights = {
        "a": rng.standard_normal((4, 2, 3, 3)),
        "b": rng.standard_normal((6, 3, 3, 3)),
        "c": rng.standard_normal((5, 3, 3, 3)),
        "d": rng.standard_normal((4, 4, 3)),
    }
    candidates = ("3x1@2,1x3@4", "3x3g3@6", "dw+pw")
    report = ca.factorability(weights, *candidates)
    fits = {
        (layer, stack)
        for layer in weights
        for stack in candidates
        if (score := report.score(layer, stack)) and score.median is not None
    }
    whole = {(layer, "dw+pw") for layer in weights}
    assert fits == {("a", "3x1@2,1x3@4"), ("b", "3x3g3@6")} | whole
    text = str(report)
    assert "-: 3x1@2,1x3@4 gives 4 channels, b (6x3x3x3) has 6" in text
    assert "(and 2 more of the layers)" in " ".join(text.split())
    assert text.count("do not divide") == 1


def test_arrays_that_are_no_layers_are_counted_in_a_line() -> None:
    layer = np.random.default_rng(6).standard_normal((4, 2, 3, 3))
    norms = {f"bn{n}.{part}": np.ones(4) for n in range(50) for part in ("weight", "bias")}
    points = {f"point{n}": np.ones((2, 2, 1, 1)) for n in range(9)}
    steps = {"bn0.num_batches_tracked": np.array(7), "config": np.array({"epochs": 1})}
    report = ca.factorability({"conv": layer, **norms, **points, **steps}, "3x1,1x3")
    text = str(report)
    assert len(report.passed_over) == 102
    assert "102 arrays passed over" in text
    assert "bn0" not in text
    assert (
        "Left out (its kernels have one tap): point0, point1, point2, point3, point4, .. (9)."
        in (" ".join(text.split()))
    )
    assert report.to_dict()["passed_over"][0] == "bn0.weight"


def test_a_repeated_part_at_the_end_is_given_the_channels_too() -> None:
    assert whole_stack("2*(dw2x2,1x1)", (3, 3), 5) == read("dw2x2,1x1,dw2x2,1x1@5")
    assert whole_stack("2*(2x2)", (3, 3), 5) is None


def test_tensors_of_types_that_numpy_does_not_have() -> None:
    torch = pytest.importorskip("torch")
    layer = torch.randn(4, 2, 3, 3, dtype=torch.bfloat16)
    (score,) = ca.factorability({"conv": layer}, "3x1,1x3").scores
    assert score.median == ca.factorability(layer.double(), "3x1,1x3").scores[0].median
    assert ca.nearest(layer[0, 0], "3x1,1x3").proved
