"""The checker of certificates: true ones are verified, every change in one is noticed."""

from __future__ import annotations

import ast
import copy
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra import check
from convalgebra.algebra import equiv

PRIME = 2**31 - 1


@pytest.fixture
def verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """The exit status and the lines for a certificate, or for the text of a file."""

    def run(data: Any) -> tuple[int, list[str]]:
        path = tmp_path / "proof.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        status = check.main([str(path)])
        return status, capsys.readouterr().out.splitlines()

    return run


@cache
def written(left: str, right: str, channels: int, equations: bool) -> str:
    report = equiv(left, right, channels=channels, equations=equations)
    return json.dumps(report.certificate())


def certificate(left: str, right: str, channels: int = 1, equations: bool = False) -> Any:
    return json.loads(written(left, right, channels, equations))


# What the engine writes.

VERIFIED = [
    ("3x3", "2x2,2x2", 1),
    ("3x3", "2x2,2x2", 2),
    ("3x3", "2x2,2x2", 4),
    ("3x3", "2x2,2x2", 8),
    ("5x5", "3x3,3x3", 1),
    ("5x5", "3x3,3x3", 4),
    ("5x5", "3x3,3x3", 8),
    ("7x7", "3x3,3x3,3x3", 2),
    ("3x3", "3x1,1x3", 1),
    ("3x3", "3x1,1x3", 2),
    ("3x3", "2x2@2,2x2@1", 1),
    ("3x3", "2x2@4,2x2@1", 1),
    ("3x3@2", "2x2@3,2x2@2", 2),
    ("3x3p1", "3x3p1 + 1x1 + id", 1),
    ("3x3p1", "3x3p1 + 1x1 + id", 2),
    ("3x3p1b", "3x3p1b + 1x1b + id", 2),
    ("3x3p1", "3x3p1, bn", 2),
    ("5x5p2", "3x3p1,3x3p1", 2),
    ("5x5s2", "3x3s2,2x2", 2),
    ("5x5s4", "3x3s2,2x2s2", 1),
    ("3x3d2", "2x2d2,2x2d2", 1),
    ("5x5", "2x2d2,3x3", 1),
    ("3x3b", "2x2b,2x2b", 2),
    ("3x3", "dw3x3,1x1", 4),
    ("3x3", "1x1@8,dw3x3,1x1@4", 4),
    ("3x3", "2x2@4,2x2@4g2", 4),
    ("3x3@4g2", "2x2@4g2,2x2@4g2", 4),
    ("3x3g4", "dw3x3", 4),
    ("3", "2,2", 1),
    ("3", "2,2", 2),
    ("5", "3,3", 1),
    ("5,4", "3,3,3", 1),
    ("4", "2,2,2", 1),
    ("3d2", "2d2,2d2", 1),
    ("2,2", "2d2", 1),
    ("3,2", "2d3", 1),
    ("4", "avg2s1,3", 1),
    ("avg2s1,4", "avg2s1,avg2s1,3", 1),
    ("7,2", "3,avg3s1,2", 1),
    ("3x3x3", "2x2x2,2x2x2", 1),
    ("up2,3x3", "3x3,up2", 1),
    ("11", "3,3,3,3,3", 1),
]


@pytest.mark.parametrize(("left", "right", "channels"), VERIFIED)
def test_what_the_engine_writes_is_verified(
    left: str, right: str, channels: int, verdict: Any
) -> None:
    status, lines = verdict(certificate(left, right, channels))
    assert (status, lines[-1]) == (0, "verified")
    assert sum(line.startswith("answer") for line in lines) >= 5


@pytest.mark.parametrize(
    ("left", "right", "channels", "count"),
    [("2x2", "2x1,1x2", 1, 1), ("3x3", "2x2,2x2", 1, 39), ("2x2", "2x1,1x2", 2, 1)],
)
def test_equations_are_verified(
    left: str, right: str, channels: int, count: int, verdict: Any
) -> None:
    status, lines = verdict(certificate(left, right, channels, True))
    assert status == 0
    (line,) = [line for line in lines if "(vanishes)" in line]
    assert int(line.split(": ")[1].split()[0]) >= count


@pytest.mark.parametrize(
    ("left", "right"),
    [("2x2@8,relu,2x2@1", "3x3"), ("2x2@2,relu,2x2@1", "2x2,2x2"),
     ("3@4,relu,3@4,relu,3@1", "3@2,3@2,3@1")],
)  # fmt: skip
def test_relus_that_cancel(left: str, right: str, verdict: Any) -> None:
    data = certificate(left, right)
    status, lines = verdict(data)
    assert status == 3  # that a linear stack does not make the one with relus has no rule
    assert lines[-1] == "verified in part"
    data["answers"] = [one for one in data["answers"] if one["maker"] == "left"]
    assert verdict(data)[0] == 0


def test_without_evidence_it_is_verified_in_part(verdict: Any) -> None:
    data = certificate("3", "2,2", 2)
    data["claims"] = []
    for answer in data["answers"]:
        answer["because"] = []
    status, lines = verdict(data)
    assert status == 3
    assert [line.split(":")[0] for line in lines if "NOT" in line] == [
        f"answer {number} NOT verified" for number in (3, 4)
    ]


# Every number is held by a proof.


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(value, (*path, key))
    else:
        yield path, data


def changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value in one place."""
    found = copy.copy(data)
    found[path[0]] = changed(found[path[0]], path[1:], value) if path[1:] else value
    return found


WORDS = [("real", "complex", "rational"), ("left", "right"), ("all", "dense", "part", "thin")]


def others(path: tuple[Any, ...], value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if value is None:
        return [1, 0]
    if isinstance(value, int):
        return [value + 1, value - 1, *([-value] if abs(value) > 1 else [])]
    if path[-1] == "text":
        (first, *_) = [digit for digit in value if digit.isdigit()]
        return [value.replace(first, str(int(first) + 1), 1)]
    return [word for words in WORDS if value in words for word in words if word != value] or ["1"]


def may_change(data: Any, path: tuple[Any, ...], status: int) -> bool:
    """The changes that leave a proof, or only make it shorter: all that are not noticed.

    Another point is as good, and so is another kernel that is missed; what is claimed of one stack
    may be true of the other; an answer may name claims that it does not need; and a text that is no
    plain list of layers is taken on trust.
    """
    if path[0] == "claims":
        kind = data["claims"][path[1]]["claim"]
        if "point" in path:
            return True
        if "kernel" in path and kind in MISSED:
            return True
        if path[2] == "stack" and kind in ("rank", "ambient", "bound", "not_a_product"):
            return True
    if path[0] == "answers":
        if path[2] == "because":
            return True
        # Stronger than what is shown, but not refuted: not verified.
        return path[2] in ("answer", "field") and status == 3
    return path[1:] == ("text",) and any(word in data[path[0]]["text"] for word in ("+", "avg"))


MISSED = ("not_a_product", "few_real_roots", "irreducible_over_q", "too_far")

TAMPERED = [
    ("3", "2,2", 1, False),
    ("4", "2,2,2", 1, False),
    ("2x2", "2x1,1x2", 1, True),
    ("3x3", "2x2,2x2", 1, False),
    ("2", "2,1", 2, False),
    ("2b", "2b,1b", 1, False),
    ("2,2", "2d2", 1, False),
    ("3,2", "2d3", 1, False),
    ("avg2s1,3", "2,avg2s1,2", 1, False),
    ("3p1", "3p1 + 1", 1, False),
    ("2@2", "2@2g2,1@2", 2, False),
    ("2x2,2x2", "3x2,1x2", 1, False),
    ("2@2,relu,1@1", "2,1", 1, False),
]


@pytest.mark.parametrize(("left", "right", "channels", "equations"), TAMPERED)
def test_every_change_is_noticed(left: str, right: str, channels: int, equations: bool) -> None:
    data = certificate(left, right, channels, equations)
    data["answers"] = [
        one
        for number, one in enumerate(data["answers"])
        if check_answer(data, number)
    ]  # fmt: skip
    assert data["answers"]
    assert status_of(data) == 0
    noticed = 0
    for path, value in leaves(data):
        for new in others(path, value):
            status = status_of(changed(data, path, new))
            noticed += status in (1, 2)
            assert status in (1, 2) or may_change(data, path, status), (path, value, new)
    assert noticed > 100


def status_of(data: Any) -> int:
    try:
        return check.verify(data, lambda line: None)
    except check.Wrong:
        return 1


def check_answer(data: Any, number: int) -> bool:
    """Whether one answer, alone, is verified."""
    return status_of({**data, "answers": [data["answers"][number]]}) == 0
