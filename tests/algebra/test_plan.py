"""Plans: the steps that layers become, their weights in order, what is refused."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from strategies import networks

from convalgebra.algebra import equiv
from convalgebra.algebra.plan import plan_of, stack_text
from convalgebra.errors import ShapeError, UnsupportedError
from convalgebra.language import parse


def test_weights_are_numbered_through_in_order_of_first_use():
    plan = plan_of(parse("2@2b, conv 1@1, bn"), channels=3)
    assert plan.blocks == {1: range(14), 2: range(14, 16), 3: range(16, 18)}
    assert plan.weights == 18


def test_sums_and_chains_are_told_apart():
    assert plan_of(parse("3x3, 1x1")).is_chain
    plan = plan_of(parse("3x3p1 + 1x1 + id"))
    assert not plan.is_chain
    assert [step.op for step in plan.steps] == ["input", "conv", "conv", "add"]
    assert plan.steps[3].sources == (1, 2, 0)


def test_a_run_starts_at_an_input_of_its_own():
    run = plan_of(parse("3x3@2, 1x1@5b, 2x2@1"), channels=4).run(2, 3)
    assert run.channels == (2, 1)
    assert [step.sources for step in run.steps] == [(), (0,), (1,)]
    assert run.blocks == {1: range(15), 2: range(15, 35)}


@pytest.mark.parametrize("text", ["3x3, relu, 3x3", "3x3, gap", "3x3, max2x2s2", "mul(3x3 | 3x3)"])
def test_what_is_not_linear_on_a_grid_is_refused(text):
    with pytest.raises(UnsupportedError):
        plan_of(parse(text))


def test_channels_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="groups do not divide"):
        plan_of(parse("3x3g3"), channels=4)
    with pytest.raises(ShapeError, match="cannot be added"):
        plan_of(parse("3x3p1@3 + id"), channels=2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kxk", "equiv works on numbers, and k is a named size; write a number"),
        ("kxk@C", "equiv works on numbers, and C and k are named sizes; write a number for each"),
    ],
)
def test_named_sizes_are_refused(text, said):
    with pytest.raises(UnsupportedError) as caught:
        plan_of(parse(text))
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("shared c = 3p1; c, c", "shared w1 = 3p1; 2*(w1)"),
        ("shared c = 3p1; c + c", "shared w1 = 3p1; w1 + w1"),
        ("3p1, 3p1", "3p1,3p1"),
        ("a = 3p1; a, 3p1", "3p1,3p1"),
        ("input 1x9; 3p1, 3p1", "3p1,3p1"),
        ("id", "id"),
    ],
)
def test_a_stack_is_shown_as_it_can_be_pasted_back(text, shown):
    network = parse(text)
    assert stack_text(network) == shown
    assert parse(shown) == replace(network, shape=None)


@settings(max_examples=150)
@given(networks(5))
def test_what_is_shown_means_the_same_stack(network):
    assert parse(stack_text(network)) == network


def test_shared_weights_stay_shared_when_pasted_back():
    report = equiv("5p2", "shared c = 3p1; c, c")
    again = equiv("5p2", report.right.text)
    assert again == report
    assert report.right.dimension.value == 3  # three weights; two layers of their own have 5 of 5
    assert equiv("5p2", "3p1, 3p1").right.dimension.value == 5
