"""Wrong values for every parameter of every public function: an error of ours, with a sentence."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

import convalgebra as ca
from convalgebra.errors import ConvalgebraError, InputError

LIST = "Net(\n  (a): Linear(in_features=9, out_features=2, bias=True)\n)"
FILTERS = {f"{layer}.weight": np.ones((1, 1, 2, 2)) for layer in (0, 1)}
LAYER = {"a": np.ones((2, 2, 3, 3))}

# A call of each function that is right, with every parameter that it has.
CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "compare": (("3x3p1", "5x5p2"), {"titles": ("a", "b"), "input": "3x8x8", "at": None}),
    "cost": (
        ("3x3p1@C",),
        {
            "input": "3x8x8",
            "at": {"C": 4},
            "to": None,
            "dtype": "float32",
            "batch": 1,
            "training": None,
            "convention": None,
        },
    ),
    "equiv": (
        ("3x3", "2x2,2x2"),
        {"channels": 1, "input": None, "equations": False, "width": False},
    ),
    "factor": (("sobel", "2x2,2x2"), {}),
    "factorability": (
        (LAYER, "2x2,2x2"),
        {"starts": 1, "filters": 3, "seed": 0, "progress": None},
    ),
    "from_onnx": (("none.onnx",), {"input": None}),
    "inventory": ((LIST,), {}),
    "matrix": (("3x3",), {"input": "4x4"}),
    "merge": (("2x2,2x2", FILTERS), {"input": None, "channels": None, "eps": None}),
    "nearest": (
        ("sobel", "3x1,1x3"),
        {"covariance": None, "starts": None, "seed": 0, "input": None},
    ),
    "parse": (("3x3",), {"input": None, "form": None}),
}


class Strange:
    """An object that fails wherever it is looked at."""

    def __repr__(self) -> str:
        raise RuntimeError("it cannot be shown")

    def __bool__(self) -> bool:
        raise RuntimeError("it is neither")


WRONG = [
    *(None, True, False, -1, 0, 1.5, 2.0, math.nan, math.inf, 10**30, -(10**30), 10**5000),
    *("2", "", "\0", "\ud800", "x" * 50, b"x", bytearray(b"3x3"), [], {}, (), set(), [None]),
    *([[1, "a"]], {"x": 3}, {1: 2}, {"C": "4"}, {"C": True}, (1, 3, 8, 8), (3, "H", 8.0), range(3)),
    *(object(), Strange(), lambda: 1, int, math, ..., NotImplemented, iter([3, 8, 8]), 1 + 2j),
    *(Fraction(3, 2), Decimal(2), sympy.Symbol("C"), sympy.Integer(2), Path("/no/where.txt")),
    *(np.int64(2), np.float64(2.5), np.bool_(True), np.array([1, 2]), np.zeros(0), np.array("x")),
    *(np.array([None, 1]), np.array(3), ca.parse("3x3"), ca.equiv("3", "2,2"), [ca.parse("3x3")]),
]


def parameters() -> Iterator[tuple[str, str]]:
    for name, (given, options) in CALLS.items():
        for place in range(len(given)):
            yield name, str(place)
        for option in options:
            yield name, option


def test_every_parameter_of_every_public_function_is_tried() -> None:
    functions = {name for name in ca.__all__ if inspect.isfunction(getattr(ca, name))}
    assert functions - {"from_torch"} == set(CALLS)  # that one has tests of its own
    for name, (given, options) in CALLS.items():
        of_function = inspect.signature(getattr(ca, name)).parameters.values()
        keywords = {p.name for p in of_function if p.kind is p.KEYWORD_ONLY}
        assert keywords <= set(options), name
        assert len(of_function) <= len(given) + len(options), name
        if name != "from_onnx":
            getattr(ca, name)(*given, **options)  # the call is right but for what is changed


def outcome(call: Callable[[], Any]) -> str | None:
    """What an error says; None where there was none. Any other exception is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            call()
        except ConvalgebraError as error:
            return str(error)
    return None


@pytest.mark.parametrize(("name", "parameter"), [*parameters()])
def test_wrong_values(
    name: str, parameter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given, options = CALLS[name]
    for value in WRONG:
        if parameter == "progress" and callable(value):
            continue  # what it does when it is called is not ours
        if parameter.isdigit():
            place = int(parameter)
            arguments, keywords = (*given[:place], value, *given[place + 1 :]), options
        else:
            arguments, keywords = given, {**options, parameter: value}
        told = outcome(lambda: getattr(ca, name)(*arguments, **keywords))  # noqa: B023
        assert told is None or told.strip()


# What must not be taken for something that it is not.
NONSENSE: list[tuple[str, dict[str, Any], str]] = [
    ("equiv", {"channels": True}, "channels must be a whole number of at least 1, not True"),
    ("equiv", {"channels": "2"}, "channels must be a whole number of at least 1, not '2'"),
    ("equiv", {"channels": 2.0}, "channels must be a whole number of at least 1, not 2.0"),
    ("equiv", {"channels": 0}, "channels must be a whole number of at least 1, not 0"),
    ("equiv", {"equations": "no"}, "equations must be True or False, not 'no'"),
    ("equiv", {"width": 1}, "width must be True or False, not 1"),
    ("equiv", {"input": ()}, "an input shape is channels and sizes, all at least 1, not ()"),
    ("equiv", {"input": 12}, "an input shape is channels and sizes, all at least 1, not 12"),
    ("merge", {"channels": True}, "channels must be a whole number of at least 1, not True"),
    ("merge", {"eps": True}, "eps is a number"),
    (
        "nearest",
        {"starts": "3"},
        "starts is expected to be a whole number from 1 to 1,000,000, not '3'",
    ),
    ("nearest", {"starts": True}, "the number of starts is expected"),
    ("nearest", {"seed": True}, "the seed is expected"),
    ("nearest", {"seed": -1}, "the seed is expected to be a whole number from 0 to"),
    ("factorability", {"starts": 10**6}, "expected to be a whole number from 1 to 100,000"),
    ("factorability", {"filters": math.nan}, "filters must be a whole number of at least 1"),
    ("factorability", {"progress": 3}, "progress must be a function or None, not 3"),
    ("cost", {"at": {"C": "4"}}, "at['C'] must be a whole number, not '4'"),
    ("cost", {"at": {"C": True}}, "at['C'] must be a whole number"),
    ("cost", {"at": 3}, 'at must be a dictionary like {"C": 64}, not 3'),
    ("cost", {"to": 1}, 'a name must be text, like "layer1", not 1'),
    ("cost", {"dtype": ["float16"]}, 'dtype must be text, like "float16"'),
    ("cost", {"training": 1}, 'training must be text, like "adam", not 1'),
    ("cost", {"convention": {}}, 'convention must be text, like "fvcore", not {}'),
    ("cost", {"input": b"3x3"}, "an input shape is channels and sizes"),
    ("cost", {"input": {"x": (3, 8, 8)}}, "an input shape is channels and sizes"),
    ("cost", {"input": {3, 8}}, "an input shape is channels and sizes"),
    ("cost", {"batch": True}, "a batch is a number of inputs"),
    ("parse", {"form": 3}, 'a format must be text, like "print", not 3'),
]


@pytest.mark.parametrize(("name", "options", "said"), NONSENSE)
def test_nonsense_is_refused(name: str, options: dict[str, Any], said: str) -> None:
    given, others = CALLS[name]
    with pytest.raises(InputError) as told:
        getattr(ca, name)(*given, **{**others, **options})
    assert said in str(told.value)


def test_numbers_of_other_libraries_are_numbers() -> None:
    for two in (2, np.int64(2), np.uint8(2), sympy.Integer(2)):
        assert ca.equiv("3", "2,2", channels=two).left.family.channels_in == 2
        assert ca.cost("3x3@C", input=(two, 8, 8), at={"C": two}).total.params == 36
        assert ca.nearest("sobel", "2x2,2x2", starts=two, seed=two).starts <= 2
        assert ca.merge("3x3", {"0.weight": np.ones((2, 2, 3, 3))}, channels=two).channels == (2, 2)


def test_an_input_is_a_text_a_tuple_a_list_or_an_array() -> None:
    for shape in ("3x9x9", (3, 9, 9), [3, 9, 9], np.array([3, 9, 9]), ("3", 9, "9")):
        assert ca.cost("3x3", input=shape).total.macs == 27 * 3 * 49  # 7x7 outputs of 3 channels
        assert ca.parse("3x3", shape).shape == (3, 9, 9)
        assert ca.matrix("3x3@1", shape).columns == 3 * 81
        assert ca.compare("3x3", "5x5", input=shape).reports[0].total.params == 81
        assert ca.equiv("3x3p1", "3x3p1", channels=3, input=shape).borders is not None


def test_what_is_compared() -> None:
    stacks = ["3x3@8", "5x5@8"]
    reports = [ca.cost(stack, input="8x9x9") for stack in stacks]
    found = ca.compare(*stacks, input="8x9x9")
    assert found.titles == ("3x3@8", "5x5@8")
    assert found.ratios["params"] == (1, Fraction(9, 25))
    for same in (
        ca.compare(stacks, input=(8, 9, 9)),
        ca.compare(tuple(stacks), titles=stacks, input="8x9x9"),
        ca.compare(reports, stacks),
        ca.compare(*reports, titles=stacks),
        ca.compare(reports[0], ca.parse(stacks[1], "8x9x9"), titles=stacks),
        ca.compare("3x3@C", "5x5@C", titles=stacks, input="8x9x9", at={"C": 8}),
    ):
        assert same.to_dict() == found.to_dict()


def test_a_number_for_a_name_that_is_not_there() -> None:
    for at, said in (
        ({"typo": 3}, "there is no named size `typo`; named are C, H, W"),
        ({"C": 8, "c": 8}, "there is no named size `c`; named are C, H, W"),
    ):
        with pytest.raises(InputError, match=said):
            ca.cost("3x3@C", input="CxHxW", at=at)
        with pytest.raises(InputError, match=said):
            ca.compare("3x3@C", "3x3@8", input="CxHxW", at=at)
    with pytest.raises(InputError, match="no named size `C`; nothing is named here"):
        ca.cost("3x3@8", input="3x8x8", at={"C": 8})
    with pytest.raises(InputError, match="no named size `M`; named are C, N"):
        ca.cost("3x3@C", input="3x8x8", batch="N", at={"M": 8})
    # A name that only one of the compared stacks has, and one that `to` leaves out.
    numbers = {"C": 4, "D": 5}
    found = ca.compare("1x1@C", "1x1@D", input="3x8x8", at=numbers)
    assert [report.total.params for report in found.reports] == [12, 15]
    assert ca.cost("first = 1x1@C; 1x1@D", input="3x8x8", at=numbers, to="first").total.params == 12
    assert ca.cost("1x1@C", input="3x8x8", batch="N", at={"N": 2, "C": 4}).total.macs == 2 * 12 * 64


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((), {}, "nothing to compare"),
        (([],), {}, "nothing to compare"),
        ((["3x3", "5x5"],), {}, "input shape is not known"),
        ((3,), {}, "a stack is text, a Path, a Network or a torch.nn.Module, not int"),
        ((["3x3"], ["a"], "b"), {"input": "1x9x9"}, "after a list of stacks there are titles"),
        ((["3x3"], ["a", "b"]), {"input": "1x9x9"}, "titles are a list of 1 texts"),
        (("3x3",), {"input": "1x9x9", "titles": "a"}, "titles are a list of 1 texts"),
        (("3x3",), {"input": "1x9x9", "titles": [3]}, "a title must be text"),
    ],
)
def test_what_cannot_be_compared(
    arguments: tuple[Any, ...], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConvalgebraError, match=said):
        ca.compare(*arguments, **options)
    with pytest.raises(InputError, match="a cost report has an input of its own"):
        ca.compare(ca.cost("3x3", input="1x9x9"), input="1x8x8")


def test_methods(tmp_path: Path) -> None:
    report, network = ca.cost("3x3", input="1x9x9"), ca.parse("input 1x9x9; 3x3")
    merged, matrix = ca.merge("2x2,2x2", FILTERS), ca.matrix("3", "5")
    for value in (None, 3, 1.5, b"x", [], object(), Strange()):
        for call in (
            lambda: report.unit(value),  # noqa: B023
            lambda: network.up_to(value),  # noqa: B023
            lambda: network.at(value),  # noqa: B023
            lambda: network.with_input(value) if value is not None else network.up_to(3),  # noqa: B023
            lambda: merged.save(value),  # noqa: B023
            lambda: matrix.to_numpy(value),  # noqa: B023
        ):
            assert outcome(call)
    assert merged.save(tmp_path / "w").path == f"{tmp_path}/w.npz"
