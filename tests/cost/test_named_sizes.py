"""Formulas in named sizes: right at every number put in, and what they take for granted."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Symbol

from convalgebra.cost import cost
from convalgebra.cost.comparison import compare
from convalgebra.cost.figures import plain
from convalgebra.cost.ratios import ratio
from convalgebra.errors import InputError, ShapeError, SizeError
from convalgebra.language import parse
from convalgebra.render.forms import comparison_in, cost_in
from convalgebra.sizes import at, symbol

C, H, W, k = (symbol(name) for name in "CHWk")
TOTALS = (
    *("weights", "biases", "norms", "params", "macs", "macs_exact"),
    *("flops", "activations", "conv_outputs", "bytes"),
)


def test_kernels_of_named_channels():
    assert cost("7x7p3@C", input="CxHxW").total.params == 49 * C**2
    assert cost("3*(3x3p1@C)", input="CxHxW").total.params == 27 * C**2
    assert cost("3x3p1@C", input="CxHxW").total.macs == 9 * C**2 * H * W
    assert cost("kxk@C", input="CxHxW").total.params == k**2 * C**2
    assert cost("3x3g2@Cb", input="CxHxW").total.params == 9 * C**2 / 2 + C
    assert cost("dw kxk, 1x1@C", input="CxHxW").total.params == k**2 * C + C**2


@pytest.mark.parametrize("batch", ["C", "2H", C, "(N*C)"])
def test_the_letter_of_a_batch_is_no_size_of_the_network(batch):
    with pytest.raises(InputError, match="is a size of the network; take another letter"):
        cost("3x3p1@M", input="CxHxW", batch=batch)
    with pytest.raises(InputError, match="is a size of the network"):
        cost("3x3p1@M", input="CxHxW", batch=batch, at={"C": 8, "H": 9})


def test_a_batch_with_a_letter_of_its_own():
    named = cost("3x3p1@M", input="CxHxW", batch="2N").total.macs
    assert named == 2 * symbol("N") * cost("3x3p1@M", input="CxHxW").total.macs


def test_ratios_of_named_sizes():
    reports = [cost(text, input="CxHxW") for text in ("7x7p3@C", "3*(3x3p1@C)", "3x3p1@M")]
    table = compare(reports)
    assert table.ratios["params"][:2] == (1, Fraction(49, 27))
    assert table.ratios["macs"][:2] == (1, Fraction(49, 27))
    assert table.ratios["params"][2] == 49 * C / (9 * symbol("M"))
    assert table.titles == tuple(str(report.network) for report in reports)
    assert table.to_dict()["ratios"]["params"] == ["1", "49/27", plain(table.ratios["params"][2])]


def test_titles_may_be_given():
    assert compare([cost("3x3", input="1x9x9")], ["one"]).titles == ("one",)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (49, 27, Fraction(49, 27)),
        (0, 5, Fraction(0)),
        (5, 0, None),
        (0, 0, None),
        (None, 5, None),
        (5, None, None),
        (49 * C**2, 27 * C**2, Fraction(49, 27)),
        (C**2, C, C),
        (C, C**2, 1 / C),
        (C * H + C, H + 1, C),
        (25 * C**2, 2 * (9 * C + C**2), 25 * C / (2 * C + 18)),
        (6, 3 * C, 2 / C),
    ],
)
def test_ratio(first, second, expected):
    found = ratio(first, second)
    assert found == expected
    if expected is not None and not hasattr(expected, "free_symbols"):
        assert type(found) is Fraction


def test_exact_macs_of_named_sides():
    # Every row of a 3x3 with one zero on either side loses 2 of 3 H taps, along either axis.
    assert cost("3x3p1", input="1xHxW").total.macs_exact == ((3 * H - 2) * (3 * W - 2)).expand()
    assert cost("5p4", input="1xL").total.macs_exact == 5 * symbol("L")
    assert cost("pad1, 3", input="1xL").total.macs_exact == 3 * symbol("L") - 2


def test_exact_macs_of_a_named_kernel():
    report = cost("conv kp1", input="1xL")
    assert report.total.macs_exact == (k * symbol("L") + 3 * k - k**2 - 2).expand()
    assert report.assumptions
    # With a stride there is no closed form: it is said that it is not known.
    unknown = cost("conv ks2p1", input="1xL")
    assert unknown.total.macs_exact is None
    assert unknown.to_dict()["total"]["macs_exact"] is None
    assert cost("pad1, convt ks2", input="1xL").total.macs_exact is None


def test_assumptions_are_listed():
    report = cost("3x3g2@C", input="CxHxW")
    assert "2 divides C" in report.assumptions
    assert "H >= 3" in report.assumptions
    assert cost("3x3p1@C", input="CxHxW").assumptions == ()


def test_a_u_net_of_named_sides_takes_something_for_granted():
    report = cost("zoo:unet", input="1xHxW")
    assert report.total.params == 31_030_658
    assert any("= 2*(H//16)" in f or "2*(H//16) =" in f for f in report.assumptions)
    numbers = cost("zoo:unet", input="1x512x512").total
    assert at(report.total.macs, {"H": 512, "W": 512}) == numbers.macs
    assert at(report.total.macs_exact, {"H": 512, "W": 512}) == numbers.macs_exact


def test_numbers_put_in_leave_plain_ints():
    report = cost("3x3p1@C, bn", input="CxHxW", at={"C": 64, "H": 8, "W": 8})
    assert report == cost("3x3p1@64, bn", input="64x8x8")
    assert type(report.total.macs) is int
    assert cost("kxk@C", input="CxHxW", at={"k": 3}).total.params == 9 * C**2


def test_a_number_that_does_not_fit():
    with pytest.raises((ShapeError, SizeError), match="not a whole number"):
        cost("3x3@(C/2)", input="CxHxW", at={"C": 5})


@st.composite
def networks(draw):
    """Text in C, H and W."""
    small = st.integers(0, 2)

    def window(least_taps):
        taps, stride, dilation = draw(st.integers(least_taps, 4)), draw(st.integers(1, 3)), 1
        left, right = draw(small), draw(small)
        if draw(st.booleans()):
            stride, dilation = 1, draw(st.integers(1, 2))
        padding = f"p{min(left, taps // 2)}:{min(right, taps // 2)}"
        return f"{taps}x3s{stride}", f"{padding}x1", f"d{dilation}x1"

    def layer():
        kind = draw(st.sampled_from(["conv", "dw", "convt", "pool", "word", "pad", "branch"]))
        if kind == "pool":
            return draw(st.sampled_from(["max", "avg"])) + "".join(window(2)[:2])
        if kind == "word":
            return draw(st.sampled_from(["bn", "relu", "scale", "softmax", "ln", "bilinear2"]))
        if kind == "pad":
            return f"pad{draw(small)}:{draw(small)}"
        if kind == "branch":
            return draw(st.sampled_from(["(3x3p1, bn) + id", "cat(id | 1x1@C)", "mul(id | gap)"]))
        out = draw(st.sampled_from(["@C", "@*2", "@(C+1)b", "@8"])) if kind != "dw" else "b"
        return {"conv": "", "dw": "dw", "convt": "convt"}[kind] + "".join(window(1)) + out

    layers = [layer() for _ in range(draw(st.integers(1, 4)))]
    head = draw(st.sampled_from(["", ", gap, fc@10b", ", linear@C", ", fc@C"]))
    return ", ".join(layers) + head


@settings(max_examples=60, deadline=None, derandomize=True)
@given(networks(), st.integers(1, 6), st.integers(9, 24), st.integers(9, 24))
def test_formulas_are_right_at_every_number(text, channels, height, width):
    values = {"C": channels, "H": height, "W": width}
    named = parse(f"input CxHxW; {text}")
    try:
        numbers = cost(named, at=values)
        formulas = cost(named)
    except ShapeError:
        assume(False)
    for key in TOTALS:
        assert at(getattr(formulas.total, key), values) == getattr(numbers.total, key), key
    by_class = formulas.total.flops_by_class
    assert {
        key: at(value, values) for key, value in by_class.items()
    } == numbers.total.flops_by_class
    for formula, number in zip(formulas.layers, numbers.layers, strict=True):
        assert tuple(at(size, values) for size in formula.output) == number.output
        assert at(formula.macs_exact, values) == number.macs_exact
        if formula.field.axes is not None:
            fields = formula.field._replace(axes=at_axes(formula.field.axes, values))
            assert fields == number.field


def at_axes(axes, values):
    return tuple(
        axis._replace(
            parts=tuple(at_part(part, values) for part in axis.parts),
            units=at(axis.units, values),
        )
        for axis in axes
    )


def at_part(part, values):
    return part._replace(
        step=at(part.step, values),
        phases=tuple(p and tuple(at(edge, values) for edge in p) for p in part.phases),
    )


def test_figures_as_text():
    assert plain(49 * C**2) == "49*C*C"
    assert plain(Fraction(49, 27)) == "49/27"
    assert (plain(7), plain(None)) == (7, None)
    report = cost("kxk@C", input="CxHxW").to_dict()
    assert report["input"] == ["C", "H", "W"]
    assert report["total"]["params"] == "C*C*k*k"


def test_a_ratio_in_which_the_sizes_cancel_out_is_a_number():
    report = cost("input CxHxW; relu")
    assert report.total.intensity == Fraction(1, 8)
    assert "8C H W bytes at least (float32), 0.12 FLOPs a byte" in str(report)


@pytest.mark.parametrize("name", ["C", Symbol("C"), C])
def test_figures_take_numbers_as_sympy_puts_them_in(name):
    # 9 C C weights; a 3x3 on 8x8 makes 6x6; ceil(8/C) is 1
    assert cost("3x3@C", input="CxHxW").total.params.subs(name, 64) == 9 * 64 * 64
    assert cost("3x3@C", input="CxHxW").total.params.subs({name: 64}) == 9 * 64 * 64
    assert cost("3x3sC@C", input="1x8x8").total.params.subs(name, 2) == 18
    assert cost("3x3sC", input="1x8x8").total.macs.subs(name, 2) == 9 * 3 * 3


def test_symbols_know_nothing_that_a_plain_symbol_does_not():
    # max(..) and floors of named sizes are in the peak of memory and in the sides
    report = cost("3x3s2p1@C, relu, 1x1@M, up2, cat(id | 1x1@C)", input="CxHxW", batch="N")
    figures = [*report.total[:7], *report.output, report.memory.peak, report.memory.weights]
    symbols = set().union(*(figure.free_symbols for figure in figures if figure != 0))
    assert symbols == {Symbol(letter) for letter in "CHMNW"}


ANSWERED = {  # what beside params and MACs is hard to tell of them, and MACs without padding
    # A window sees nothing but zeros at first: each of its 9 taps meets each of the inputs.
    ("3x3p100@64b, relu", "3xHxW"): 3 * 64 * 9 * H * W,
    ("1x1p2", "3xHxW"): 9 * H * W,
    ("pad100, 3x3", "3xHxW"): 81 * H * W,
    ("pad2, convt3x3", "2xHxW"): 36 * H * W,
    ("3x3p100:0, relu", "3xHxW"): None,
    ("kxkp3", "3xHxW"): None,
    ("kxkp3d2s2", "3xHxW"): None,
    ("(3x3s2p1, pad16) + id, 3x3", "3x64x64"): None,
    ("(3x3s2p1, pad16) + id, dw3x3, avg2x2s2, (id + 1x1)", "3x64x64"): None,
    # 3 x 8 weights at 14 places, in the branches what they are, 8 sums of 14.
    ("opaque(e, 1x16, 0, 0), 3@8, (id + relu), gap", "16"): 336,
    ("opaque(e, 2x4x4x4, 0, 0), 3x3x3p1, (id + relu), gap", "16"): 2 * 2 * 10**3,
}


@pytest.mark.parametrize(("text", "shape"), ANSWERED)
def test_no_side_figure_refuses_a_report(text, shape):
    report = cost(text, input=shape, training="adam", convention="fvcore")
    expected = ANSWERED[text, shape]
    assert expected is None or report.total.macs_exact == expected
    assert report.total.macs is not None
    for form in ("text", "json", "csv", "md", "latex", "html"):
        assert cost_in(form, report, 80)
    both = compare([report, cost("3x3p1", input="3x9x9")])
    for form in ("text", "json", "csv", "md", "latex", "html"):
        assert comparison_in(form, both, 80)


def test_the_first_layer_of_fcn8s():
    report = cost("3x3p100@64b, relu, 3x3p1@64b, relu, max2x2s2", input="3xHxW")
    numbers = cost("3x3p100@64b, relu, 3x3p1@64b, relu, max2x2s2", input="3x20x31")
    for key in TOTALS:
        assert at(getattr(report.total, key), {"H": 20, "W": 31}) == getattr(numbers.total, key)


def test_what_a_side_figure_would_take_for_granted_in_vain_is_not_said():
    # Along H it would be known where H >= 3, but along W it is not: nothing is taken.
    report = cost("7x10001s1x2p3x5000", input="1xHxW")
    assert report.total.macs_exact is None
    assert report.assumptions == ()


def test_a_batch_that_is_divided_is_whole():
    report = cost("3x3", input="1x3x3", batch="(N/2)")
    assert report.assumptions == ("2 divides N",)
    assert at(report.total.macs, {"N": 6}) == 3 * 9
    assert cost("3x3", input="1x3x3", batch="(N-3)").assumptions == ("N >= 4",)
