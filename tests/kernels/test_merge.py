"""Merged stacks: cases that can be counted by hand, and those that others got wrong."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.kernels.merging import merge, parameter_table

from . import merge_loops as loops


def as_lists(array):
    return None if array is None else array.tolist()


def batch_norm(number, weight, bias, mean, var):
    roles = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": var}
    return {f"{number}.{role}": [value] for role, value in roles.items()}


# Counted by hand


def test_two_kernels_multiply_like_polynomials() -> None:
    report = ca.merge("2, 2", [[[[1, 2]]], [[[3, 5]]]])
    assert as_lists(report.weight) == [[[3, 11, 10]]]
    assert (report.text, report.verdict, report.bias) == ("3", "exact", None)
    assert all(isinstance(value, Fraction) for value in report.weight.ravel())


def test_a_batch_norm_after_a_convolution_with_a_bias() -> None:
    # (2x + 3 - 1) / 2 * 5 + 7 = 5x + 12
    weights = {"0.weight": [[[2]]], "0.bias": [3]} | batch_norm(1, 5, 7, 1, 4)
    report = merge("1b, bn", weights, eps=0)
    assert (as_lists(report.weight), as_lists(report.bias)) == ([[[5]]], [12])
    assert report.exact
    assert report.exact_numbers


def test_a_batch_norm_before_a_padded_convolution_is_a_bias_that_ends_at_the_border() -> None:
    # bn: 2x + 3; its bias is missing where the second layer reads its own zeros.
    weights = batch_norm(0, 2, 3, 0, 1) | {"1.weight": [[[1, 1, 1]]]}
    report = merge("bn, 3p1", weights, eps=0, input="5")
    assert (as_lists(report.weight), as_lists(report.bias)) == ([[[2, 2, 2]]], [9])
    assert report.verdict == "except"
    assert as_lists(report.ring.errors) == [3, 0, 0, 0, 3]


def test_a_pointwise_layer_with_a_bias_before_a_padded_one() -> None:
    # 2x + 3, then x1 + x2 + x3 + 4: inside 2 (x1 + x2 + x3) + 13, at the border 3 less.
    weights = {"0.weight": [[[2]]], "0.bias": [3], "1.weight": [[[1, 1, 1]]], "1.bias": [4]}
    report = merge("1b, 3p1b", weights, input="9")
    assert (as_lists(report.weight), as_lists(report.bias)) == ([[[2, 2, 2]]], [13])
    assert (report.ring.differ, report.ring.widths, report.ring.error) == (2, ((1, 1),), 3)
    assert report.reason == (
        "layer 2 (3p1b) reads zeros where layer 1, continued beyond its border, is the constant "
        "that its bias makes"
    )
    assert report.mended == "1p1b,3b"
    # Without the bias all agrees, and with a bias of zero too.
    assert merge("1, 3p1b", [[[[2]]], [[[1, 1, 1]]], [4]], input="9").exact
    assert merge("1b, 3p1b", weights | {"0.bias": [0]}).exact


def test_two_padded_layers_without_a_bias() -> None:
    # At position 0 the stack lacks the path over position -1 to input 0: 1 times 1.
    report = merge("3p1, 3p1", [[[[1, 1, 1]]], [[[1, 1, 1]]]], input="12")
    assert (report.text, as_lists(report.weight)) == ("5p2", [[[1, 2, 3, 2, 1]]])
    assert as_lists(report.ring.errors) == [1, *[0] * 10, 1]
    square = merge("3x3p1, 3x3p1", [np.ones((1, 1, 3, 3), int)] * 2, input="12x12")
    assert (square.text, square.ring.differ, square.ring.outputs) == ("5x5p2", 44, 144)
    # At an edge 3 paths over row -1 meet 5 columns of row 0: 1 2 3 2 1. At the corner, over the 5
    # places outside, the products of (1 2 3 2 1) cut, less those of (0+1+1 ..) that stay.
    assert square.ring.errors[0, 5] == 9


def test_three_padded_layers_are_not_one_with_padding_three() -> None:
    kernels = [np.ones((1, 1, 3, 3), int)] * 3
    report = merge("3*(3x3p1)", kernels, input="12x12")
    assert (report.text, report.ring.widths) == ("7x7p3", ((2, 2), (2, 2)))
    assert report.ring.differ == 144 - 8 * 8
    assert report.ring.whole
    assert report.mended == "3x3p3,3x3,3x3"
    assert merge("3x3p3, 2*(3x3)", kernels, input="12x12").exact
    assert merge("3x3p3, 2*(3x3)", kernels).exact


def test_weights_that_cancel() -> None:
    # Both branches continue beyond the border, and their sum is zero there too.
    weights = [[[[1, 2, 3]]], [[[-1, -2, -3]]], [[[1, 1, 1]]]]
    assert merge("3p1 + 3p1, 3p1", weights, input="9").exact
    # The sum is zero but for its bias, which ends at the border.
    weights.insert(1, [5])
    report = merge("(3p1b + 3p1), 3p1", weights, input="9")
    assert as_lists(report.weight) == [[[0, 0, 0, 0, 0]]]
    assert (as_lists(report.bias), report.ring.error) == ([15], 5)
    assert report.ring.widths == ((1, 1),)
    # One to the left, back to the right, less the input: nothing, but for input 0, which was lost.
    back = merge("(3p1, 3p1) + 1", [[[[0, 0, 1]]], [[[1, 0, 0]]], [[[-1]]]], input="9")
    assert not back.weight.any()
    assert as_lists(back.ring.errors) == [1, 0, 0, 0, 0, 0, 0, 0, 0]


def test_a_shared_layer_is_given_once() -> None:
    report = merge("shared f = 3; f, f", [[[[1, 0, 2]]]])
    assert [p.name for p in parameter_table("shared f = 3; f, f")] == ["0.weight"]
    assert as_lists(report.weight) == [[[1, 0, 4, 0, 4]]]


def test_padding_below_zero_crops() -> None:
    report = merge("1, crop1", [[[[2]]]])
    assert (report.padding, report.text, report.exact) == (((-1, -1),), "crop1,1", True)
    assert merge("3p1, crop1", [[[[1, 2, 3]]]]).text == "3"
    one_side = merge("3p0:2, crop1:0", [[[[1, 2, 3]]]])
    assert (one_side.padding, one_side.text) == (((-1, 2),), "crop1:0,3p0:2")
    assert one_side.exact


def test_padding_on_one_side() -> None:
    report = merge("2p1:0, 2p1:0", [[[[1, 1]]], [[[1, 1]]]])
    assert (report.padding, report.exact) == (((2, 0),), True)
    other = merge("2p1:0, 2p0:1", [[[[1, 1]]], [[[1, 1]]]], input="7")
    assert other.padding == ((1, 1),)
    assert as_lists(other.ring.errors) == [0, 0, 0, 0, 0, 0, 1]


def test_an_average_counts_its_padding() -> None:
    report = merge("avg3s2p1, 1", [[[[6]]]])
    assert (report.text, as_lists(report.weight), report.exact) == ("3s2p1", [[[2, 2, 2]]], True)
    after = merge("1b, avg3s1p1", [[[[3]]], [6]], input="5")
    assert as_lists(after.ring.errors) == [2, 0, 0, 0, 2]  # a third of the bias


def test_strides_and_dilations() -> None:
    report = merge("2s2, 2d3", [[[[1, 2]]], [[[1, 10]]]])
    assert (report.text, as_lists(report.weight)) == ("8s2", [[[1, 2, 0, 0, 0, 0, 10, 20]]])
    lattice = merge("3d2, 2d4", [[[[1, 2, 3]]], [[[1, 1]]]])
    assert (lattice.text, as_lists(lattice.weight)) == ("5d2", [[[1, 2, 4, 2, 3]]])
    assert merge("3x1d2x1, 1x3d1x3", [np.ones((1, 1, 3, 1)), np.ones((1, 1, 1, 3))]).text == (
        "3x3d2x3"
    )


def test_a_merged_sobel_filter_has_nine_taps() -> None:
    report = merge("3x1, 1x3", [[[[[1], [2], [1]]]], [[[[-1, 0, 1]]]]])
    assert as_lists(report.weight) == [[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]]]
    assert report.dilation == (1, 1)


def test_groups_are_the_largest_blocks() -> None:
    rng = np.random.default_rng(0)

    def table(stack, channels):
        found = parameter_table(stack, channels=channels)
        return {p.name: rng.uniform(0.5, 2, p.shape) for p in found}

    for stack, channels, groups in [
        ("3x3g4, 3x3g4", 8, 4),
        ("3x3g4, 3x3g2", 8, 2),
        ("3x3g4, 3x3g6", 12, 2),
        ("3x3g2, 3x3", 8, 1),
        ("dw3x3, bn, dw1x3", 8, 8),
        ("3x3g2p1 + id, bn", 8, 2),
        ("cat([:4], 3x3@4 | [4:], 1x3, 3x1)", 8, 2),
        ("3x3g2, shuffle2, 3x3g2", 8, 1),
    ]:
        assert merge(stack, table(stack, channels), channels=channels).groups == groups, stack
    report = merge("1x1, 1x1", [[[[[1]], [[1]]], [[[1]], [[-1]]]]] * 2)
    assert (report.groups, as_lists(report.weight.reshape(2, 1))) == (2, [[2], [2]])


def test_a_repvgg_block_is_one_convolution() -> None:
    block = "(3x3p1, bn) + (1x1, bn) + bn"
    names = [p.name for p in parameter_table(block, channels=2)]
    assert names[:6] == [
        "0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "2.weight"
    ]  # fmt: skip
    assert names[-1] == "4.running_var"
    ones = {p.name: np.ones(p.shape, int) for p in parameter_table(block, channels=2)}
    report = merge(block, ones, eps=0)  # each bn is x - 1 + 1
    assert (report.text, report.exact, as_lists(report.bias)) == ("3x3p1b", True, [0, 0])
    expected = np.ones((2, 2, 3, 3), int)
    expected[:, :, 1, 1] += 1 + np.eye(2, dtype=int)
    assert (report.weight == expected).all()


def test_transposed_convolutions() -> None:
    alone = merge("convt3s2p1o1", [[[[1, 2, 3]]]])
    assert (alone.kind, alone.text, as_lists(alone.weight)) == (
        "convt", "convt3s2p1o1", [[[1, 2, 3]]]
    )  # fmt: skip
    # Every input writes 1 1 on a grid of 2; the kernel 1 2 1 then smooths it: 1 3 3 1.
    up = merge("up2, 3p1", [[[[1, 2, 1]]]])
    assert (up.text, as_lists(up.weight), up.exact) == ("convt4s2p1", [[[1, 3, 3, 1]]], True)
    assert merge("up2, avg2s2", {}, channels=1).text == "1"
    biased = merge("convt2s2b, 3p1", [[[[1, 1]]], [5], [[[1, 1, 1]]]], input="4")
    assert as_lists(biased.ring.errors) == [5, 0, 0, 0, 0, 0, 0, 5]


def test_strided_then_transposed_are_phases() -> None:
    report = merge("2s2, convt2s2", [[[[1, 1]]], [[[1, 10]]]], input="6")
    assert (report.kind, report.phases, report.stride) == ("phases", (2,), (2,))
    assert as_lists(report.weight) == [[[1, 1]], [[10, 10]]]
    assert report.text == "2s2@2,pixelshuffle2"
    # With equal taps the phases are still not one kernel moved: the outputs are equal in pairs.
    assert merge("2s2, convt2s2", [[[[1, 1]]], [[[1, 1]]]]).kind == "phases"


@pytest.mark.parametrize(
    ("stack", "text"),
    [
        # The zeros between the numbers are all that is left of them.
        ("convt1s2, crop1:0, 1s2, convt2s2", "convt4s2p2"),
        ("convt1s2, crop1:0, 1s2, 2s2, convt2s2, 2", "5p0:1"),
        ("convt1s4, crop1:0, 1s2", "convt4s2p2"),
        ("convt1s4, crop1:0, 1s2, up2, 2s4", "2"),
    ],
)
def test_strides_that_pass_over_all_numbers(stack, text) -> None:
    report = merge(stack, [np.ones(p.shape) for p in parameter_table(stack)], input="12")
    assert (report.text, report.exact, report.weight.any()) == (text, True, False)
    assert report.merged.shapes[-1] == report.output


def test_branches_of_different_channels_and_slices() -> None:
    report = merge("cat(3p1 | 1), [1:]", {"0.weight": [[[1, 2, 3]]], "1.weight": [[[7]]]})
    assert (report.text, as_lists(report.weight)) == ("1", [[[7]]])


def test_the_channels_that_come_in_are_read_off_the_weights() -> None:
    for stack, shapes, channels in [
        ("3x3p1@2", [(2, 5, 3, 3)], 5),
        ("3x3g2@4", [(4, 3, 3, 3)], 6),
        ("dw3x3", [(7, 1, 3, 3)], 7),
        ("dw3x3@*2", [(8, 1, 3, 3)], 4),
        ("avg2x2s2, linear@3, 1x1", [(3, 4), (3, 3, 1, 1)], 4),
        ("convt2x2s2@3", [(6, 3, 2, 2)], 6),
        ("(3x3p1@4) + (1x1@4)", [(4, 3, 3, 3), (4, 3, 1, 1)], 3),
    ]:
        weights = [np.ones(shape) for shape in shapes]
        assert merge(stack, weights).channels[0] == channels, stack
        sides = merge(stack, weights, input="8x8")
        assert sides.input == (channels, 8, 8)


# Every input


def test_every_input_is_judged_at_all_remainders_of_the_stride() -> None:
    kernels = [[[[1, 2, 3]]], [[[1, 1, 1]]]]
    report = merge("3s2p1, 3s2p1", kernels)
    assert report.verdict == "except"
    rings = {n: merge("3s2p1, 3s2p1", kernels, input=str(n)).ring for n in range(8, 24)}
    # At the left the second layer reads position -1 of a map, which would read the inputs -3 to -1:
    # nothing is lost. At the right it reads position 5 of a map of side 5, which would read the
    # inputs 9, 10 and 11: one is there if the input has side 10, and it is taken 1 times 1.
    assert {n for n, ring in rings.items() if ring is not None} == {10, 14, 18, 22}
    assert report.ring.widths == ((0, 1),)
    assert not report.ring.whole  # on inputs of other sizes that one agrees
    assert report.ring.error == 1
    assert all(ring is None or ring.error == 1 for ring in rings.values())


def test_branches_that_agree_for_some_inputs_only() -> None:
    weights = {"0.weight": [[[1, 1]]], "1.weight": [[[1]]]}
    with pytest.raises(ca.ConvalgebraError, match="follows no one rule"):
        merge("2s2 + 1s2", weights)
    report = merge("2s2 + 1s2", weights, input="8")
    assert (report.text, as_lists(report.weight), report.exact) == ("2s2", [[[2, 1]]], True)
    with pytest.raises(ca.ConvalgebraError, match="cannot be added"):
        merge("2s2 + 1s2", weights, input="9")
    with pytest.raises(ca.ConvalgebraError, match="cannot be added"):
        merge("2 + 1", weights)  # for no input


def test_strides_that_leave_too_many_sizes_of_inputs() -> None:
    report = merge("3x3s5p1, 3x3p1", [np.ones((1, 1, 3, 3))] * 2)
    assert (report.verdict, report.ring, report.text) == ("unknown", None, "13x13s5p6")
    assert report.notes == (
        "the strides are so large that too many sizes of inputs differ; give one input",
    )
    assert "there it is not decided" in str(report)
    assert merge("3x3s5p1, 3x3p1", [np.ones((1, 1, 3, 3))] * 2, input="30x30").ring is not None
    assert merge("3x3s5p1, 3x3", [np.ones((1, 1, 3, 3))] * 2).exact  # whatever the size


def test_sizes_of_inputs_that_are_too_many_to_try() -> None:
    ones = {p.name: np.ones(p.shape) for p in parameter_table("200s200p100, 3s200, 30*(1)")}
    report = merge("200s200p100, 3s200, 30*(1)", ones)
    assert (report.verdict, report.text) == ("unknown", "600s40000p100")
    assert merge("200s200p100, 3s200, 30*(1)", ones, input="100000").exact


def test_what_is_too_much_work_is_counted_for_almost_all_weights(monkeypatch) -> None:
    from convalgebra.kernels.merging import verdicts
    from convalgebra.kernels.merging.differences import TooLong

    def too_long(*arguments, **options):
        raise TooLong

    monkeypatch.setattr(verdicts, "differences", too_long)
    kernels = [np.ones((1, 1, 3, 3), int)] * 2
    report = merge("3x3p1, 3x3p1", kernels, input="12x12")
    assert (report.verdict, report.ring.differ, report.ring.error) == ("except", 44, None)
    assert "almost all weights" in str(report)
    assert report.to_dict()["borders"]["error"] is None


def test_long_kernels() -> None:
    report = merge("101p50, 101p50", [np.ones((1, 1, 101), int)] * 2, input="1000")
    assert report.ring.widths == ((50, 50),)
    # Output 0 lacks the paths over the positions -50 .. -1, which see 1, 2, .., 50 inputs.
    assert report.ring.error == report.ring.errors[0] == 50 * 51 // 2
    assert report.ring.errors[49] == 50  # over the position -1 alone


# Numbers


def test_floats_of_32_bits_are_merged_in_64_and_rounded_once() -> None:
    rng = np.random.default_rng(1)
    one, two = (rng.standard_normal((1, 1, 3)).astype(np.float32) for _ in "ab")
    report = merge("3, 3", [one, two])
    product = np.convolve(one.ravel().astype(float), two.ravel().astype(float))
    assert report.weight.dtype == np.float32
    assert (report.weight.ravel() == product.astype(np.float32)).all()
    assert merge("3, 3", [one, two.astype(float)]).weight.dtype == np.float64
    assert merge("3, 3", [one.astype(np.float16), two.astype(np.float16)]).weight.dtype == (
        np.float32
    )


def test_exact_numbers_of_any_size() -> None:
    big, small = 10**40, Fraction(1, 10**40)
    report = merge("2, 2", [[[[big, 1]]], [[[small, big]]]])
    assert as_lists(report.weight) == [[[1, big * big + small, big]]]
    assert report.exact_numbers
    floats = merge("2, 2", [[[[0.5, 1]]], [[[1, 2]]]])
    assert not floats.exact_numbers
    assert as_lists(floats.weight) == [[[0.5, 2.0, 2.0]]]


def test_a_root_that_is_not_rational_is_told() -> None:
    weights = {"0.weight": [[[2]]]} | batch_norm(1, 1, 0, 0, 2)
    report = merge("1, bn", weights, eps=0)
    assert not report.exact_numbers
    assert report.weight[0, 0, 0] == 2 / np.sqrt(2)
    assert report.notes == (
        "`bn` divides by the square root of 2, which is not rational: all is merged in floats",
    )
    square = Fraction(4, 9) - Fraction(1, 100_000)
    exact = merge("1, bn", weights | {"1.running_var": [square]})
    assert as_lists(exact.weight) == [[[3]]]


def test_every_batch_norm_may_have_its_own_eps() -> None:
    weights = {"0.weight": [[[1]]]} | batch_norm(1, 6, 0, 0, 1) | batch_norm(2, 1, 0, 0, 4)
    assert as_lists(merge("1, bn, bn", weights | {"1.eps": 3}, eps=0).weight) == [
        [[Fraction(3, 2)]]
    ]
    assert as_lists(merge("1, bn, bn", weights, eps="5").weight) != [[[3]]]


def test_the_most_an_output_differs_is_attained() -> None:
    weights = {
        "0.weight": [[[[1, -2, 3], [0, 1, -1], [2, 2, -5]]]],
        "0.bias": [Fraction(1, 3)],
        "1.weight": [[[[3, 1, -2], [1, -1, 4], [1, 0, 1]]]],
    }
    stack = "input 1x6x7; 3x3p1b, 3x3p1"
    report = merge(stack, weights)
    network = ca.parse(stack)
    shape = (1, 6, 7)
    zero = dict.fromkeys(loops.places(shape), 0)
    key = (report.ring.channel, *report.ring.position)

    def difference(x):
        return loops.run(network, weights, x, shape)[0][key] - loops.apply(report, x, shape)[0][key]

    constant = difference(zero)
    row = {place: difference(zero | {place: 1}) - constant for place in zero}
    sign = 1 if constant >= 0 else -1
    worst = {place: sign if value >= 0 else -sign for place, value in row.items()}
    assert abs(difference(worst)) == report.ring.error
    assert report.ring.error == sum(map(abs, row.values())) + abs(constant)
    assert report.ring.error == report.ring.errors.max()


# The report


def test_the_report_is_a_value_that_shows() -> None:
    report = ca.merge("3p1, 3p1b", [[[[1, 2, 1]]], [[[1, 0, Fraction(-1, 3)]]], [4]], input="9")
    assert isinstance(report, ca.MergeReport)
    found = report.to_dict()
    assert found["schema"] == "convalgebra.merge/1"
    assert (found["merged"], found["verdict"]) == ("5p2b", "except")
    assert found["weight"] == [[[1, 2, "2/3", "-2/3", "-1/3"]]]
    assert found["bias"] == [4]
    assert found["borders"]["differ"] == 2
    assert repr(report) == "MergeReport(3p1,3p1b -> 5p2b, except)"
    html = report._repr_html_()
    assert html.startswith("<div>")
    assert html.count("<div") == html.count("</div>")
    assert html.count("<table") == html.count("</table>")


def test_a_large_weight_is_not_written_into_json() -> None:
    report = merge("3x3", [np.ones((64, 64, 3, 3))])
    assert report.to_dict()["weight"] is None
    assert report.to_dict()["weight_shape"] == [64, 64, 3, 3]


def test_merged_weights_fit_the_merged_stack(tmp_path) -> None:
    path = str(tmp_path / "merged.npz")
    report = merge("3p1, crop2, 2s2b", [[[[1, 2, 1]]], [[[1, 5]]], [4]])
    assert report.text == "crop1,4s2b"
    assert report.save(path) == (path, {"1.weight": (1, 1, 4), "1.bias": (1,)}, False)
    with np.load(path) as stored:
        assert sorted(stored) == ["1.bias", "1.weight"]
        assert stored["1.weight"].dtype == np.int64
    again = merge(report.text, path)
    assert as_lists(again.weight) == as_lists(report.weight)
    thirds = merge("1", [[[[Fraction(1, 3)]]]])
    assert thirds.save(path).rounded
    with np.load(path) as stored:
        assert stored["0.weight"].tolist() == [[[1 / 3]]]
    with pytest.raises(ca.ConvalgebraError, match="cannot be written"):
        report.save(str(tmp_path / "nowhere" / "merged.npz"))


def test_state_of_a_torch_module() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1, bias=False)
    ).eval()
    module[1].running_mean.normal_()
    report = merge("3x3p1@8b, bn, 1x1@4", module.state_dict())
    assert report.text == "3x3p1@4b"
    x = torch.randn(1, 3, 9, 9)
    made = nn.functional.conv2d(x, *map(torch.from_numpy, (report.weight, report.bias)), padding=1)
    assert torch.allclose(module(x), made, atol=1e-5)
    half = {name: value.bfloat16() for name, value in module.state_dict().items()}
    assert merge("3x3p1@8b, bn, 1x1@4", half).weight.dtype == np.float32
