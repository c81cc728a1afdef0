"""What people say about kernel sizes, each with the figure that is true."""

from fractions import Fraction

import pytest

from convalgebra.cost import cost
from convalgebra.cost.comparison import compare
from convalgebra.sizes import symbol

C, k = symbol("C"), symbol("k")


def size_and_jump(text, shape="1x64x64"):
    (axis, other) = cost(text, input=shape).receptive_field.axes
    assert axis == other
    return axis.size, axis.jump


def params(text, shape="CxHxW"):
    return cost(text, input=shape).total.params


def params_ratio(first, second, shape="CxHxW"):
    reports = [cost(text, input=shape) for text in (first, second)]
    return compare(reports).ratios["params"][1]


def limit(ratio, name=C):
    from sympy import limit, oo

    return limit(ratio, name, oo)


def test_v1_two_3x3_see_5x5_and_three_see_7x7():
    assert size_and_jump("2*(3x3)") == (5, 1)
    assert size_and_jump("3*(3x3)") == (7, 1)


def test_v2_three_3x3_have_27_c_squared_weights_and_one_7x7_has_49():
    assert params("3*(3x3p1@C)") == 27 * C**2
    assert params("7x7p3@C") == 49 * C**2
    more = params_ratio("7x7p3@C", "3*(3x3p1@C)")
    assert more == Fraction(49, 27)
    assert round(100 * (more - 1)) == 81


def test_k2_weights_of_a_convolution():
    assert params("3x5@Mb") == 15 * C * symbol("M") + symbol("M")
    assert params("3x5g4@M") == 15 * C * symbol("M") / 4


@pytest.mark.parametrize(
    ("side", "kernel", "weights", "work"),
    [(32, 11, "8,665.9", "8.463"), (224, 3, "279,736,775.1", "5,575.111")],
)
def test_k3_k4_dense_layer_and_convolution(side, kernel, weights, work):
    shape = f"1x{side}x{side}"
    dense = cost(f"fc@{side**2}", input=shape).total
    small = cost(f"{kernel}x{kernel}p{kernel // 2}", input=shape).total
    assert f"{dense.params / small.params:,.1f}" == weights
    assert Fraction(dense.params, small.params) == Fraction(side**4, kernel**2)
    assert f"{dense.macs / small.macs:,.3f}" == work
    assert Fraction(dense.macs, small.macs) == Fraction(side**2, kernel**2)


def test_k5_one_large_kernel_and_several_small_ones():
    assert params_ratio("5x5@C", "2*(3x3@C)") == Fraction(25, 18)
    assert params_ratio("7x7@C", "3*(3x3@C)") == Fraction(49, 27)
    assert f"{25 / 18:.4f} {49 / 27:.4f}" == "1.3889 1.8148"


def test_k6_a_bottleneck_is_23_times_lighter():
    assert params("3x3", "256x14x14") == 589_824
    assert params("1x1", "256x14x14") == 65_536  # the figure that is given for the 3x3
    assert params("1x1@32, 3x3p1@32, 1x1@256", "256x14x14") == 25_600
    ratio = params_ratio("3x3", "1x1@32, 3x3p1@32, 1x1@256", "256x14x14")
    assert ratio == Fraction(2304, 100)


def test_k7_two_groups_have_half_the_weights():
    assert params("3x3g2", "512x7x7") == 2 * 9 * 256**2
    assert params_ratio("kxkg2", "kxk", "512xHxW") == Fraction(1, 2)
    whole, halved = (cost(text, input="512x7x7").total for text in ("3x3p1", "3x3p1g2"))
    assert whole.macs == 2 * halved.macs


def test_k8_a_separable_convolution_tends_to_one_weight_for_k_squared():
    assert params("dw kxk") == k**2 * C
    assert params("dw kxk, 1x1") == k**2 * C + C**2
    ratio = params_ratio("kxk", "dw kxk, 1x1")
    assert (ratio - k**2 * C / (k**2 + C)).simplify() == 0
    assert limit(ratio) == k**2
    assert limit(params_ratio("3x3", "dw3x3, 1x1")) == 9
    assert limit(params_ratio("5x5", "dw5x5, 1x1")) == 25


def test_k9_two_separable_3x3_for_one_5x5_are_never_13_times_lighter():
    ratio = params_ratio("5x5p2", "2*(dw3x3p1, 1x1)")
    assert limit(ratio) == Fraction(25, 2)
    at_128 = params_ratio("5x5p2", "2*(dw3x3p1, 1x1)", "128x14x14")
    assert f"{float(at_128):.2f}" == "11.68"
    assert all(ratio.subs(C, number) < 12.5 for number in (1, 128, 10**6))
    assert size_and_jump("5x5p2") == size_and_jump("2*(dw3x3p1, 1x1)") == (5, 1)


def test_l2_channels_multiply_what_an_activation_reads():
    for text, inputs in (("3x3@32", 27), ("5x5@32", 75)):
        total = cost(text, input="3x8x8").total
        assert (total.params, total.macs) == (inputs * 32, inputs * total.activations)


def test_l3_4608_multiplications_for_each_activation():
    total = cost("3x3p1", input="512x7x7").total
    assert total.macs == 4608 * total.activations


def test_l5_small_kernels_have_fewer_weights():
    shape = "1x64x64"
    assert (params("2*(3x3)", shape), params("5x5", shape)) == (18, 25)
    assert (params("3*(3x3)", shape), params("7x7", shape)) == (27, 49)
    ratio = params_ratio("2*(2x2)", "3x3", shape)
    assert ratio == Fraction(8, 9)
    assert f"{float(ratio - 1):.1%}" == "-11.1%"


def test_l6_the_stride_belongs_in_the_second_2x2():
    assert size_and_jump("3x3s2") == (3, 2)
    assert size_and_jump("2x2s2, 2x2") == (4, 2)
    assert size_and_jump("2x2, 2x2s2") == (3, 2)


def test_l7_even_kernels_shrink_or_grow_by_one():
    def output(text):
        return cost(text, input="1x9x9").output

    assert output("2x2") == (1, 8, 8)
    assert output("2x2p1") == (1, 10, 10)
    assert output("2x2p0:1") == output("2x2p1:0") == output("2x2psame") == (1, 9, 9)
    # Each leans to one side by half a pixel; two in opposite directions see what a 3x3p1 sees.
    left, right = (cost(f"2x2{p}", input="1x9x9").receptive_field for p in ("p1:0", "p0:1"))
    assert [(a.left, a.right) for a in left.axes + right.axes] == [(-1, 0)] * 2 + [(0, 1)] * 2
    pair = cost("2x2p1:0, 2x2p0:1", input="1x9x9")
    assert pair.output == (1, 9, 9)
    assert pair.receptive_field == cost("3x3p1", input="1x9x9").receptive_field


def test_l8_three_3x3_are_a_heavier_stem_than_one_7x7():
    one, three = (
        cost(text, input="3x224x224").total
        for text in ("7x7s2p3@64", "3x3s2p1@32, 3x3p1@32, 3x3p1@64")
    )
    assert (one.params, three.params) == (9_408, 28_512)
    assert (one.macs, three.macs) == (9_408 * 112**2, 28_512 * 112**2)


def test_m7_two_2x2_do_less_work_and_move_more():
    one, pair = (cost(text, input="1x32x32") for text in ("3x3p1", "2x2p1:0, 2x2p0:1"))
    assert Fraction(pair.total.macs, one.total.macs) == Fraction(8, 9)
    moved = [report.total.bytes - 4 * report.total.params for report in (one, pair)]
    assert moved[1] == 2 * moved[0]  # a second map is written, and read back
    assert pair.total.activations == 2 * one.total.activations


def test_d1_shapes():
    assert cost("3x3", input="1x5x5").output == (1, 3, 3)
    assert cost("3x3@4", input="3x5x5").output == (4, 3, 3)
    assert cost("3x3@32", input="1x7x7").output == (32, 5, 5)


def test_d3_two_3x3_see_what_a_5x5_sees():
    assert size_and_jump("2*(3x3)") == size_and_jump("5x5")
