"""Plans: the steps that layers become, their weights in order, what is refused."""

import json

import pytest

from convalgebra.algebra.plan import plan_of
from convalgebra.errors import ShapeError, UnsupportedError
from convalgebra.language import parse


def test_a_plan_as_it_stands_in_a_certificate():
    found = plan_of(parse("2x3s2p1@2b, avg2x2s2"), channels=3).to_dict()
    assert json.loads(json.dumps(found)) == {
        "text": "2x3s2p1@2b,avg2x2s2",
        "axes": 2,
        "channels": 3,
        "steps": [
            {"op": "input"},
            {
                "op": "conv",
                "from": 0,
                "size": [2, 3],
                "stride": [2, 2],
                "dilation": [1, 1],
                "padding": [1, 1],
                "groups": 1,
                "channels": [3, 2],
                "weights": 1,
                "bias": True,
            },
            {
                "op": "conv",
                "from": 1,
                "size": [2, 2],
                "stride": [2, 2],
                "dilation": [1, 1],
                "padding": [0, 0],
                "groups": 2,
                "channels": [2, 2],
                "weights": None,
                "bias": False,
                "taps": ["1/4"] * 4,
            },
        ],
    }


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
