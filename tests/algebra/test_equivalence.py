"""The whole answer of `equiv`: laws, published figures and claims, refusals, speed."""

import csv
import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.algebra import equiv
from convalgebra.errors import ConvalgebraError, UnsupportedError
from convalgebra.language import parse

from .oracles import random_layer, random_stack, rank_over_q, response, text_of

DATA = Path(__file__).parent.parent / "data"


def answers(direction):
    return direction.reach.real, direction.reach.complex, direction.reach.rational


# Published figures

SPELLED = {"3x3 three times": "3*(3x3)", "3x3 five times": "5*(3x3)"}


def one_channel_rows():
    with (DATA / "algebra.csv").open() as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return [row for row in rows if set(row["channels"].split("-")) == {"1"}]


def total_stride(stack):
    return "s2" if "s2" in stack else "s3" if "s3" in stack else ""


@pytest.mark.parametrize(
    "row", one_channel_rows(), ids=lambda row: f"{row['target']}_{row['stack']}"
)
def test_published_figures(row):
    stack = SPELLED.get(row["stack"], row["stack"])
    report = equiv(row["target"] + total_stride(stack), stack)
    back = report.right_reproduces_left
    assert report.right.dimension.value == int(row["dimension"])
    assert report.left.dimension.value == report.left.chain.ambient == int(row["ambient"])
    assert back.codimension == int(row["codimension"])
    if row["degree"]:
        assert back.degree == int(row["degree"])
    assert answers(report.left_reproduces_right) == ("all", "all", "all")
    thin = int(row["codimension"]) > 0
    assert answers(back) == (("thin", "thin", "thin") if thin else ("part", "all", "thin"))


def test_every_one_channel_row_is_there():
    assert len(one_channel_rows()) == 10


# Claims


def test_columns_then_rows():
    """K10: 3x1 then 1x3 has 6 weights for 9, and 5 degrees of freedom: the 3x3 of rank 1."""
    report = equiv("3x3", "3x1,1x3")
    assert (report.right.chain.weights, report.left.chain.weights) == (6, 9)
    assert report.right.dimension.value == 5
    entry = {equation.left: equation.terms for equation in report.system}
    minors = list(product([(0, 1), (0, 2), (1, 2)], repeat=2))
    assert len(minors) == 9
    for (top, bottom), (left, right) in minors:  # one product less the other is 0
        one = entry[f"a{top}{left}"] + entry[f"a{bottom}{right}"]
        two = entry[f"a{top}{right}"] + entry[f"a{bottom}{left}"]
        assert sorted(sum(one, ())) == sorted(sum(two, ()))


def test_two_3x3_are_no_5x5():
    """D3, M4: 17 of 25 degrees of freedom, codimension 8, degree 6435; 18 weights for 25 (L5)."""
    report = equiv("5x5", "3x3,3x3")
    assert report.right.dimension.value == 17
    assert (report.right_reproduces_left.codimension, report.right_reproduces_left.degree) == (
        8,
        6435,
    )
    assert (report.right.chain.weights, report.left.chain.weights) == (18, 25)
    assert report.right.chain.receptive_field == (5, 5)


def test_weights_of_the_forum():
    """L5: three 3x3 have 27 weights against 49; two 2x2 have 8 against 9, 11.1% fewer."""
    report = equiv("7x7", "3*(3x3)")
    assert (report.right.chain.weights, report.left.chain.weights) == (27, 49)
    report = equiv("3x3", "2x2,2x2")
    assert (report.right.chain.weights, report.left.chain.weights) == (8, 9)
    fewer = 1 - report.right.chain.weights / report.left.chain.weights
    assert round(100 * fewer, 1) == 11.1


def test_a_2x2_is_a_3x3_with_five_zeros():
    """M1: in any of 4 places."""
    report = equiv("3x3", "2x2")
    assert answers(report.left_reproduces_right) == ("all", "all", "all")
    assert report.left_reproduces_right.reach.offsets == ((0, 0), (0, 1), (1, 0), (1, 1))
    assert sum(not equation.terms for equation in report.system) == 5


def test_a_3x3_reproduces_two_2x2_and_not_the_other_way_round():
    """M2, M3, M5: 9 equations; 8 weights, one of them idle, so two conditions and degree 10."""
    report = equiv("3x3", "2x2,2x2")
    assert answers(report.left_reproduces_right) == ("all", "all", "all")
    assert len(report.system) == 9
    back = report.right_reproduces_left
    assert answers(back) == ("thin", "thin", "thin")
    assert (back.codimension, back.degree) == (2, 10)
    found = report.right.dimension
    assert (found.weights, found.ambient, found.value) == (8, 9, 7)
    assert report.left.dimension.value - found.value == 2
    assert report.equivalent is False


def test_two_lines_reach_the_kernels_of_discriminant_at_least_0():
    report = equiv("3", "2,2")
    back = report.right_reproduces_left
    assert answers(back) == ("part", "all", "thin")
    assert back.reach.least_real_roots == 2
    assert (back.codimension, back.degree) == (0, 1)
    assert report.equivalent is False


# Laws


@st.composite
def kernels_and_stacks(draw):
    random = Random(draw(st.integers(0, 10**6)))
    axes = random.choice((1, 2, 2, 3))
    kernel = random_layer(random, axes, most=4, dilations=(1, 1, 2))
    layers = random_stack(random, axes, random.choice((1, 2, 3)), dilations=(1, 1, 2), averages=0.1)
    return kernel.text(), layers


def figures(direction):
    """What a direction says, without the words in which it says it."""
    found = direction.to_dict()
    del found["reason"]
    found.pop("witnesses", None)
    return found


@settings(max_examples=60, derandomize=True, deadline=None)
@given(kernels_and_stacks())
def test_swapping_the_sides_mirrors_the_report(question):
    kernel, layers = question
    one, two = equiv(kernel, text_of(layers)), equiv(text_of(layers), kernel)
    assert one.left == two.right
    assert one.right == two.left
    assert one.equivalent == two.equivalent
    if len(layers) > 1:
        assert one.left_reproduces_right == two.right_reproduces_left
        assert one.right_reproduces_left == two.left_reproduces_right
        assert one.system == two.system
    else:  # two single kernels: the left one has the name a
        assert figures(one.left_reproduces_right) == figures(two.right_reproduces_left)
        assert figures(one.right_reproduces_left) == figures(two.left_reproduces_right)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(kernels_and_stacks())
def test_the_order_of_layers_does_not_matter_at_stride_1(question):
    kernel, layers = question
    one = equiv(kernel, text_of(layers))
    two = equiv(kernel, text_of(layers[::-1]))
    assert figures(one.left_reproduces_right) == figures(two.left_reproduces_right)
    assert figures(one.right_reproduces_left) == figures(two.right_reproduces_left)
    assert one.right.dimension == two.right.dimension


@settings(max_examples=40, derandomize=True, deadline=None)
@given(kernels_and_stacks(), st.booleans())
def test_a_layer_of_single_taps_changes_nothing(question, average):
    kernel, layers = question
    assume(len(layers) > 1)  # a single kernel gets figures that only a single kernel has
    axes = len(layers[0].taps)
    # A stack of averages has no weights; a 1x1 would give it one.
    average |= all(layer.average for layer in layers)
    single = replace(layers[0], taps=(1,) * axes, dilation=(1,) * axes, average=average)
    one, two = equiv(kernel, text_of(layers)), equiv(kernel, text_of([*layers, single]))
    assert figures(one.left_reproduces_right) == figures(two.left_reproduces_right)
    assert figures(one.right_reproduces_left) == figures(two.right_reproduces_left)
    assert one.right.dimension.value == two.right.dimension.value


@settings(max_examples=40, derandomize=True, deadline=None)
@given(kernels_and_stacks(), st.integers(0, 3))
def test_parentheses_change_nothing(question, cut):
    kernel, layers = question
    inner, outer = layers[:cut], layers[cut:]
    grouped = ", ".join(f"({text_of(part)})" for part in (inner, outer) if part)
    assert equiv(kernel, grouped) == equiv(kernel, text_of(layers))


@settings(max_examples=40, derandomize=True, deadline=None)
@given(kernels_and_stacks())
def test_equal_kernels_are_equivalent(question):
    kernel, _ = question
    report = equiv(kernel, kernel)
    assert report.equivalent is True
    assert answers(report.left_reproduces_right) == ("all", "all", "all")
    assert answers(report.right_reproduces_left) == ("all", "all", "all")


@settings(max_examples=60, derandomize=True, deadline=None)
@given(kernels_and_stacks())
def test_codimension_is_what_the_dimensions_leave(question):
    kernel, layers = question
    report = equiv(kernel, text_of(layers))
    back, forth = report.right_reproduces_left, report.left_reproduces_right
    if forth.reach.complex == "all":  # the kernel holds all that the stack makes
        lost = report.left.dimension.value - report.right.dimension.value
        assert back.codimension == lost
        assert (back.reach.complex == "all") == (lost == 0 and back.degree == 1)
    if report.equivalent:
        assert report.left.dimension.value == report.right.dimension.value


@settings(max_examples=40, derandomize=True, deadline=None)
@given(kernels_and_stacks(), st.integers(1, 3))
def test_the_same_stride_at_the_end_of_both_changes_nothing(question, stride):
    kernel, (*first, last) = question
    strides = (stride,) * len(last.taps)
    one = equiv(kernel, text_of([*first, last]))
    moved = kernel.replace(f"s{'x'.join('1' * len(strides))}", f"s{'x'.join(map(str, strides))}")
    two = equiv(moved, text_of([*first, replace(last, stride=strides)]))
    assert figures(one.left_reproduces_right) == figures(two.left_reproduces_right)
    assert figures(one.right_reproduces_left) == figures(two.right_reproduces_left)


def test_two_single_kernels():
    report = equiv("3x3", "2x2d2")
    assert answers(report.left_reproduces_right) == ("all", "all", "all")
    back = report.right_reproduces_left
    assert answers(back) == ("thin", "thin", "thin")
    assert (back.codimension, back.degree) == (5, 1)  # four corners of nine taps
    report = equiv("2x5", "3x3")
    assert answers(report.left_reproduces_right) == ("thin", "thin", "thin")
    assert answers(report.right_reproduces_left) == ("thin", "thin", "thin")


def test_a_kernel_larger_in_one_axis_and_smaller_in_another():
    report = equiv("2x5", "2x2,2x2")
    assert answers(report.left_reproduces_right) == ("thin", "thin", "thin")
    assert answers(report.right_reproduces_left) == ("thin", "thin", "thin")
    # A product that fits 2x5 fits 2x3 of it (four zeros) and is a 2x2 by a 1x2 (5 of 6 dimensions).
    assert report.right_reproduces_left.codimension == 5


def test_strides_before_a_layer_dilate_it():
    # L6: 2x2 at stride 2 and then 2x2 sees 4x4; the other way round it sees 3x3.
    assert equiv("4x4s2", "2x2s2,2x2").left_reproduces_right.reach.real == "all"
    assert equiv("3x3s2", "2x2s2,2x2").left_reproduces_right.reach.real == "thin"
    assert equiv("3x3s2", "2x2,2x2s2").left_reproduces_right.reach.real == "all"


def test_unknown_is_no_verdict():
    report = equiv("3x3", "2x2@4,gelu,2x2@1")
    assert report.left_reproduces_right.reach.complex == "unknown"
    report = equiv("3x3@2", "2x2@3,2x2@2", channels=2)
    assert report.right_reproduces_left.reach.rational == "unknown"


def test_dimension_by_plain_loops_and_fractions():
    random = Random(7)
    kernel, layers = random_layer(random, 2, most=5), random_stack(random, 2, 3)
    report = equiv(kernel.text(), text_of(layers))
    weights = [{tap: random.randint(1, 50) for tap in layer.places()} for layer in layers]
    rows = []
    for at, layer in enumerate(layers):
        for tap in layer.places():
            rows.append(response(layers, [*weights[:at], {tap: 1}, *weights[at + 1 :]]))
    places = sorted({place for row in rows for place in row})
    assert rank_over_q([[row.get(p, 0) for p in places] for row in rows]) == (
        report.right.dimension.value
    )


# As a dictionary


def test_to_dict():
    found = equiv("3x3", "2x2,2x2").to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["schema"] == "convalgebra.equiv/1"
    assert found["left"] == {
        "stack": "3x3",
        "receptive_field": [3, 3],
        "channels": [1, 1],
        "stride": [1, 1],
        "weights": 9,
        "dimension": 9,
        "ambient": 9,
        "macs_per_output": 9,
    }
    assert found["right"] == {
        "stack": "2x2,2x2",
        "receptive_field": [3, 3],
        "channels": [1, 1],
        "stride": [1, 1],
        "weights": 8,
        "dimension": 7,
        "ambient": 9,
        "macs_per_output": 8,
    }
    forth, back = found["left_reproduces_right"], found["right_reproduces_left"]
    assert [forth[field] for field in ("real", "complex", "rational")] == ["all"] * 3
    assert [back[field] for field in ("real", "complex", "rational")] == ["thin"] * 3
    assert (back["codimension"], back["degree"]) == (2, 10)
    assert back["witnesses"][0]["kernel"] == [[1, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert found["equivalent"] is False
    assert len(found["equations"]) == 9


def test_to_dict_along_one_axis():
    back = equiv("3", "2,2").to_dict()["right_reproduces_left"]
    assert (back["least_real_roots"], back["root_step"]) == (2, 1)
    assert [witness["field"] for witness in back["witnesses"]] == ["real", "rational"]
    assert back["offsets"] == [[0]]


# Refusals


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        (
            "3x3",
            "3x3s2",
            "the total strides differ: 3x3 is a kernel of 3x3 at stride 1, "
            "3x3s2 a kernel of 3x3 at stride 2; no weights make them equal",
        ),
        (
            "3x3s2x1",
            "2x2s2,2x2",
            "the total strides differ: 3x3s2x1 is a kernel of 3x3 at stride 2x1, "
            "2x2s2,2x2 a kernel of 4x4 at stride 2; no weights make them equal",
        ),
        ("3x3", "3", "3x3 works on 2 axes, 3 on 1 axis: they cannot be compared"),
        ("3", "3x3x3", "3 works on 1 axis, 3x3x3 on 3 axes: they cannot be compared"),
        ("3x3@4", "2x2,2x2", "4 channels go out in 3x3@4, 1 in 2x2,2x2: they cannot be compared"),
        ("3x3", "max2x2s1,2x2", "max2x2s1"),
        ("3x3", "2x2,fc@1", "fc@1"),
        ("3x3", "2,2", "works on 2 axes"),
        ("3x3", "kxk", "k is a named size; write a number"),
        ("relu", "relu", "there is no kernel in this stack"),
    ],
)
def test_refused(left, right, said):
    with pytest.raises(UnsupportedError) as caught:
        equiv(left, right)
    assert said in str(caught.value)


@pytest.mark.parametrize("stack", ["", "3x", "0x3", "nothing.txt", "zoo:nothing"])
def test_what_cannot_be_read(stack):
    with pytest.raises(ConvalgebraError):
        equiv("3x3", stack)


def test_networks_are_taken_as_they_are():
    assert equiv(parse("3x3"), parse("2x2, 2x2")) == equiv("3x3", "2x2,2x2")


@pytest.mark.parametrize(
    ("kernel", "stack", "codimension"),
    [
        ("11x11", "5*(3x3)", 121 - 41),
        ("101x101", "50*(3x3)", 101**2 - 401),
        ("300x300", "151x151,150x150", 300**2 - 151**2 - 150**2 + 1),
        ("1001x1001", "500*(3x3)", 1001**2 - 4001),
        ("9999", "9998*(2)", 0),
    ],
)
def test_huge_stacks_are_answered(kernel, stack, codimension):
    back = equiv(kernel, stack).right_reproduces_left
    assert back.codimension == codimension
    assert back.reach.real == ("thin" if codimension else "part")


def test_a_degree_too_long_to_write_is_left_out():
    report = equiv("497x497", "124*(5x5)")
    assert report.right_reproduces_left.degree is None
    assert report.right_reproduces_left.codimension == 497**2 - (124 * 24 + 1)
    json.dumps(report.to_dict())
