"""Weights as people hold them: names with a prefix, channels that are read off, odd arrays."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.kernels.merging import merge, parameter_table

NOTE = "1 channel is taken to come in; --channels says otherwise (Python: channels=..)"


def message(*arguments, **options):
    with pytest.raises(ca.ConvalgebraError) as caught:
        merge(*arguments, **options)
    return str(caught.value)


def stored(path, named):
    np.savez(path, **named)
    return str(path)


# Names


@pytest.mark.parametrize("prefix", ["block.", "module.features.3.", "0."])
def test_a_prefix_that_all_names_have_is_taken_off(prefix, tmp_path) -> None:
    plain = {p.name: np.ones(p.shape) for p in parameter_table("3x3p1@4b, bn", channels=2)}
    weights = {prefix + name: value for name, value in plain.items()}
    weights[f"{prefix}1.num_batches_tracked"] = np.array(7)
    weights[f"{prefix}1.eps"] = np.array(3.0)
    wanted = merge("3x3p1@4b, bn", plain, eps=3).weight
    assert (merge("3x3p1@4b, bn", weights).weight == wanted).all()
    path = stored(tmp_path / "w.npz", weights)
    assert (merge("3x3p1@4b, bn", path).weight == wanted).all()
    table = parameter_table("3x3p1@4b, bn", weights=path)
    assert (table.channels, table.assumed) == (2, False)


def test_prefixes_that_differ_stay_and_both_names_are_told(tmp_path) -> None:
    weights = {"stem.0.weight": np.ones((1, 1, 2, 2)), "head.0.weight": np.ones((1, 1, 1, 1))}
    expected = f"expected are\n  0.weight  1x1x2x2\n  1.weight  1x1x1x1\n  {NOTE}"
    assert message("2x2, 1x1", weights) == (
        "the weights do not hold `0.weight` of `2x2`, but stem.0.weight, head.0.weight; " + expected
    )
    path = stored(tmp_path / "w.npz", weights)
    assert message("2x2, 1x1", path).startswith(f"{path} does not hold `0.weight` of `2x2`, but ")


def test_what_is_missing_behind_a_prefix_is_named_as_it_is_stored() -> None:
    weights = {"a.0.weight": np.ones((1, 1, 2, 2)), "a.1.bias": np.ones(1)}
    assert message("2x2, 1x1", weights).startswith(
        "the weights do not hold `a.1.weight` of `1x1`, but a.0.weight, a.1.bias; expected are\n"
    )


def test_the_shapes_of_a_file_are_looked_at_before_its_numbers(tmp_path, monkeypatch) -> None:
    from convalgebra.kernels.merging import state

    path = stored(tmp_path / "w.npz", {"0.weight": np.ones((1, 1, 3, 3))})
    monkeypatch.setattr(state, "read_arrays", lambda *_: pytest.fail("it was read"))
    assert message("2x2", path) == (
        "`0.weight` of `2x2` is 1x1x3x3; expected 1x1x2x2 (PyTorch's order of axes)"
    )


# Channels


@pytest.mark.parametrize(
    ("stack", "shapes", "channels"),
    [
        ("shuffle2, 3x3@2", {"1.weight": (2, 6, 3, 3)}, 6),
        ("avg2x2s1 + 2x2p0@3", {"1.weight": (3, 3, 2, 2)}, 3),
        ("id + dw3x3p1", {"0.weight": (5, 1, 3, 3)}, 5),
        ("dw3x3p1@4 + 1x1@4", {"0.weight": (4, 1, 3, 3), "1.weight": (4, 2, 1, 1)}, 2),
    ],
)
def test_channels_are_read_off_any_weight_that_says_them(stack, shapes, channels) -> None:
    weights = {name: np.ones(shape) for name, shape in shapes.items()}
    report = merge(stack, weights)
    assert report.channels[0] == channels
    assert NOTE not in report.notes


def test_channels_that_nothing_tells_are_said_to_be_one() -> None:
    assert parameter_table("3x3@8").notes == (NOTE,)
    assert parameter_table("3x3@8", channels=1).notes == ()
    assert parameter_table("3x3@8", input="1x9x9").notes == ()
    assert parameter_table("avg3x3s1").notes == ()
    assert merge("dw3x3@8", [np.ones((8, 1, 3, 3))]).notes == (NOTE,)
    assert merge("dw3x3@8", [np.ones((8, 1, 3, 3))], channels=4).notes == ()


# Odd arrays


def test_lists_that_hold_themselves() -> None:
    loop: list[object] = []
    loop += [loop, loop]
    assert message("1x1", {"0.weight": loop}) == "`0.weight` has more than 8 axes"
    assert message("1x1", [loop]) == "`0.weight` has more than 8 axes"


def test_bytes_are_no_name_of_a_file() -> None:
    assert message("1x1", b"w.npz").endswith("or the name of an .npz file, not bytes")


@pytest.mark.parametrize(
    "eps", [10**400, -(10**400), "1e400", "1e999999999", Fraction(10**5000), [1, 2]]
)
def test_eps_that_no_batch_norm_has(eps) -> None:
    weights = {f"0.{role}": [1] for role in ("weight", "bias", "running_mean", "running_var")}
    found = message("bn", weights, input="1x4x4", eps=eps)
    assert found.startswith("eps is a number from 0 to 1e300, like 1e-5")


def test_numbers_of_more_than_64_bits_that_are_no_floats_warn_of_nothing() -> None:
    if np.finfo(np.longdouble).maxexp == np.finfo(np.float64).maxexp:
        pytest.skip("no wider floats here")
    large = np.full((1, 1, 1), np.ldexp(np.longdouble(1), 5000))
    assert message("1", [large]).startswith("0.weight[0, 0, 0] is inf")


def test_zero_times_a_number_that_no_float_holds() -> None:
    report = merge("1, 1", [[[[0]]], [[[10**400]]]])
    assert report.weight.tolist() == [[[0]]]
    wide = merge("1@2, 1@1", [[[[0]], [[0]]], [[[10**400], [1]]]])
    assert wide.weight.tolist() == [[[0]]]


def test_exact_numbers_that_become_too_long() -> None:
    long = [[[[10**2000]]]] * 2
    assert (
        message("1, 1", long) == "exact numbers of more than 10,000 bits would come up; give floats"
    )
    fractions = np.array([Fraction(1, n) for n in range(1, 20_000)], dtype=object)
    assert "10,000 bits" in message("1x19999", [fractions.reshape(1, 1, 1, -1)])
    assert "10,000 bits" in message("1", [[[[10**4000]]]])


def test_kernels_of_zeros_whose_channels_are_picked() -> None:
    for stack, text in [("3@2, [1:], up2", "convt6s2p4"), ("3@2, [1:]", "3")]:
        report = merge(stack, [np.zeros((2, 1, 3))])
        assert (report.text, report.exact, report.weight.any()) == (text, True, False)


def test_differences_that_overflow() -> None:
    weights = [np.full((2, 8, 3), 0.3e308), np.full((1, 2, 3), 0.5)]
    assert message("3p1@2, 3p1@1", weights, input="6").startswith(
        "the merged kernel's difference at the borders overflows"
    )


def test_values_of_all_layers_that_take_too_much_memory(monkeypatch) -> None:
    from convalgebra.kernels.merging import composition

    weights = {p.name: np.ones(p.shape) for p in parameter_table("1x1@8, 3*(bn)", channels=8)}
    monkeypatch.setattr(composition, "MAX_HELD", 8 + 4 * 64)
    assert merge("1x1@8, 3*(bn)", weights).text == "1x1b"
    monkeypatch.setattr(composition, "MAX_HELD", 8 + 4 * 64 - 1)
    assert message("1x1@8, 3*(bn)", weights).endswith("merge fewer layers")


def test_numbers_that_no_float_holds_are_shown_by_their_powers_of_ten() -> None:
    report = merge("2, 1", [[[[10**300, Fraction(-1, 10**300)]]], [[[-(10**300)]]]])
    assert report.weight.ravel().tolist() == [-(10**600), 1]
    assert "  about -10^600 1\n" in str(report)
    tiny = merge("1, 1", [[[[Fraction(1, 10**300)]]], [[[Fraction(-1, 10**300)]]]])
    assert "  about -10^-600\n" in str(tiny)
