"""The checker of certificates: true ones are verified, every change in one is noticed."""

from __future__ import annotations

import ast
import copy
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from checker_cases import (
    ANSWERED,
    CASES,
    COORDINATES,
    FALSE,
    HOSTILE,
    HUGE,
    KERNEL,
    NO_LAYERS,
    ONE,
    PADDED,
    PAIR,
    PRIME,
    TRUE,
    answered,
    claim,
    conv,
    cut,
    fixed,
    line,
    missed,
    outcome,
    packs,
    proof,
    rank,
    stack,
    steps_of,
    turns,
    up,
)  # fmt: skip
from every_guard_of_the_checker import unneeded
from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra import check
from convalgebra.algebra import equiv
from convalgebra.algebra.certificates import _steps as steps_of_plan
from convalgebra.algebra.plan import plan_of
from convalgebra.errors import UnsupportedError
from convalgebra.language import parse


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
    ("5x4", "2x2@2,4x3@1", 1),
    ("5x4b", "4x3@2,2x2@1b", 1),
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
    ("2x2s2,convt2x2s2", "4x4", 1),
    ("11", "3,3,3,3,3", 1),
]


@pytest.mark.parametrize(("left", "right", "channels"), VERIFIED)
def test_what_the_engine_writes_is_verified(
    left: str, right: str, channels: int, verdict: Any
) -> None:
    status, lines = verdict(certificate(left, right, channels))
    assert (status, lines[-1]) == (0, "verified")
    assert sum(line.startswith("answer") for line in lines) >= 5
    assert sum(line.startswith(("answer", "undecided")) for line in lines) == 6


@pytest.mark.parametrize(
    ("left", "right", "channels", "count"),
    [("2x2", "2x1,1x2", 1, 1), ("3x3", "2x2,2x2", 1, 39), ("2x2", "2x1,1x2", 2, 1)],
)
def test_equations_are_verified(
    left: str, right: str, channels: int, count: int, verdict: Any
) -> None:
    status, lines = verdict(certificate(left, right, channels, True))
    assert status == 0
    (line,) = [line for line in lines if "(equations)" in line]
    assert int(line.split(": ")[1].split()[0]) >= count


@pytest.mark.parametrize(
    ("left", "right"),
    [("2x2@8,relu,2x2@1", "3x3"), ("2x2@5,relu,2x2@1", "3x3"), ("2x2@2,relu,2x2@1", "2x2,2x2"),
     ("3@4,relu,3@4,relu,3@1", "3@2,3@2,3@1")],
)  # fmt: skip
def test_relus_that_cancel(left: str, right: str, verdict: Any) -> None:
    data = certificate(left, right)
    several = left.count("relu") > 1  # then what a linear stack makes of it has no rule
    status, lines = verdict(data)
    assert status == 3 * several
    assert lines[-1] == "verified in part" if several else "verified"
    data["answers"] = [one for one in data["answers"] if one["maker"] == "left"]
    data["undecided"] = [{"maker": "right", "field": over} for over in check.FIELDS]
    data["undecided"] += [{"maker": "left", "field": "complex"}] * (len(data["answers"]) < 3)
    assert verdict(data)[0] == 0


def test_plain_texts_need_no_steps() -> None:
    for left, right in (("3x3", "2x2,2x2"), ("dw3x3s2p1", "3x3s2p1g2"), ("convt2s2b", "convt2s2")):
        data = certificate(left, right, 2)
        assert "steps" not in data["left"] | data["right"]


def test_a_relu_at_the_end_of_both_is_left_out(verdict: Any) -> None:
    data = certificate("3x3,relu", "2x2,2x2,relu")
    assert (data["left"]["text"], data["right"]["text"]) == ("3x3", "2x2,2x2")
    assert verdict(data)[0] == 0


def test_no_certificate_of_other_activations() -> None:
    report = equiv("3", "2,tanh,2")
    with pytest.raises(UnsupportedError, match=r"know no tanh \(in 2,tanh,2\), only relu"):
        report.certificate()


def test_without_evidence_it_is_verified_in_part(verdict: Any) -> None:
    data = certificate("3", "2,2", 2)
    data["claims"] = []
    status, lines = verdict(data)
    assert (status, lines[-1]) == (3, "verified in part")
    assert [line.split(":")[0] for line in lines if "NOT" in line] == [
        f"answer {number} NOT verified" for number in (3, 4)
    ]


def test_a_whole_average_stands_beside_roots_of_chosen_signs(verdict: Any) -> None:
    status, lines = verdict(certificate("avg2s1,4", "2,2,2,2"))
    assert status == 3  # that the other way round nothing rational is made has no rule
    assert [line.split(":")[0] for line in lines if "NOT" in line] == ["answer 5 NOT verified"]


@pytest.mark.parametrize(
    ("left", "right"),
    [("3,5,2d2,4", "3d2"), ("3,2d3", "2d3,2"), ("3,2d2,3", "2d6"), ("3d2,2d2,3,3", "3d4"),
     ("3,4,2d6", "2d6,2d3"), ("5,5d3", "2d12"), ("2d3,4,4", "2d6,2")],
)  # fmt: skip
def test_turns_that_the_engine_writes(left: str, right: str, verdict: Any) -> None:
    data = certificate(left, right)
    status, _ = verdict(data)
    assert status in (0, 3)
    assert any(claim["claim"] == "packs" for claim in data["claims"])


# What is said about certificates by hand, word for word; the file is written with UPDATE_DOCS=1.

SAID = Path(__file__).parent / "data" / "checker_cases.txt"


def test_what_is_said_of_every_case(tmp_path: Path) -> None:
    found = []
    for name, case in CASES.items():
        status, *lines = outcome(check, case, tmp_path / "proof.json")
        last = json.dumps(lines[-1]) if isinstance(lines[-1], str) else "read"
        found.append(f"{name} | {status} | {last}\n")
    if "UPDATE_DOCS" in os.environ:
        SAID.write_text("".join(found), encoding="utf-8")
    assert "".join(found) == SAID.read_text(encoding="utf-8")


def test_no_guard_of_the_checker_can_go() -> None:
    count, found = unneeded()
    assert found == []
    assert count > 150


def test_what_is_missing_is_said(verdict: Any) -> None:
    """Six questions: a file that answers five, or none, is incomplete."""
    data = certificate("3x3", "2x2,2x2")
    short = {**data, "answers": data["answers"][:-1]}
    line = "incomplete: no answer for right (rational)"
    assert verdict(short)[0] == 3
    assert verdict(short)[1][-1] == line
    status, lines = verdict({**data, "answers": [], "claims": []})
    assert (status, lines[-1][:36]) == (3, "incomplete: no answer for left (real")
    assert lines[-1].count("(") == 6
    every = [{"maker": maker, "field": over} for maker, over in product(check.SIDES, check.FIELDS)]
    status, lines = verdict({**data, "answers": [], "undecided": every})
    assert (status, lines[-1]) == (3, "incomplete: no answer for anything")
    status, lines = verdict({**short, "undecided": every[-1:]})
    assert (status, lines[-1]) == (0, "verified")
    assert "undecided: how much right makes of left (rational)" in lines
    assert verdict({**data, "undecided": every[-1:]})[0] == 1


def test_what_is_undecided_is_written(verdict: Any) -> None:
    data = certificate("3", "2,2", 2)
    assert data["undecided"] == [{"maker": "right", "field": "rational"}]
    assert verdict(data)[0] == 0


def test_other_versions_are_named(verdict: Any) -> None:
    for version in ("1", "3", "2.1"):
        data = {**certificate("3", "2,2"), "schema": f"convalgebra.certificate/{version}"}
        line = (
            f"NOT verified: the format is {data['schema']}, and this checker reads {check.SCHEMA}"
        )
        assert verdict(data) == (3, [line])


def test_what_is_verified_is_said_in_full(verdict: Any) -> None:
    text = ",".join(["3x3p1@8b"] * 30)
    one = {"text": text, "axes": 2, "channels": 8}
    lines = verdict(proof(one, one))[1]
    assert lines[0] == f"left: {text}"
    assert lines[1] == "  padding before the first input: " + ", ".join(
        f"1x1 in step {index}" for index in range(1, 31)
    )
    assert "axes: 2; channels that come in: 8, that go out: 8" in lines
    assert "compared up to a shift, the same for all weights; without borders" in lines
    lines = verdict({**proof(one, one), "aligned": True})[1]
    assert "compared as they lie; without borders" in lines


@pytest.mark.parametrize(
    "text", ["3x3\nverified", "\x1b[31m3x3", "3x3\\", "\u0663x3", "3x3\u202e", "3x3 verified", "x"]
)
def test_a_text_that_cannot_be_read(text: str, verdict: Any) -> None:
    """The steps are printed, and it is never plainly verified; control characters are escaped."""
    left = {"text": text, "axes": 2, "channels": 1, "steps": [{"layer": "3x3p1", "from": [0]}]}
    right = {"text": "3x3", "axes": 2, "channels": 1}
    answers = [(maker, over, "all") for maker, over in product(check.SIDES, check.FIELDS)]
    status, lines = verdict(proof(left, right, answers=tuple(answers)))
    assert (status, lines[-1]) == (
        3, "that the steps of left are what its text means was NOT checked")  # fmt: skip
    assert lines[0] == "left: " + text.encode("unicode_escape").decode()
    assert lines[1].startswith("  the text is not verified: this checker cannot read it from `")
    assert lines[3] == "  step 1: conv 3x3s1x1p1x1d1x1g1@1 from 0, weights of step 1"
    assert sum("holds" in line for line in lines) == 6


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("2x2,2x2", ["3x3"]), ("3x3", ["2x2", "2x2"]), ("3x3", ["3x3b"]), ("3x3", ["3x3p1"]),
        ("3x3 + 1x1", ["3x3"]), ("avg2x2s1", ["2x2"]), ("3x3,relu", ["3x3"]), ("bn", ["1x1"]),
        ("3x3d2", ["3x3"]), ("up2", ["convt2x2s2"]), ("3x3@2,1x1@1", ["3x3@3", "1x1@1"]),
    ],
)  # fmt: skip
def test_steps_of_another_text(text: str, steps: list[str], verdict: Any) -> None:
    given = [{"layer": layer, "from": [index]} for index, layer in enumerate(steps)]
    left = {"text": text, "axes": 2, "channels": 1, "steps": given}
    right = {"text": "3x3", "axes": 2, "channels": 1}
    line = "rejected: left: the steps are not those of the text"
    assert verdict(proof(left, right)) == (1, [line])


WRITTEN = [
    "3p1,1 + id", "cat(3p1@2 | id),1@3", "2*(3p1 + id),3", "shared w1 = 3p1; w1,relu,(w1 + id)",
    "value_1 = 3p1; value_2 = value_1,3p1; value_1 + value_2", "dw3p0:1d2,[1:3],shuffle2",
    "up2,bilinear2,pixelshuffle2,avg4s8", "convt3s2p1o1b,3s2", "linear@4b,bn,bn(1e-3),scale",
    "pad1,crop0:1,reflect1", "3psame,1@*2,1@/2", "((3p1 + id),1),1g2@2,cat(1 | cat(1 | id))",
    "value_1 = 3; value_1,(3p1 + id); value_2 = 1; value_2 + value_1", "4*(1,2*(3 + 3p1))",
]  # fmt: skip


def test_texts_mean_what_the_language_means() -> None:
    """Texts with a few letters changed: what the checker reads, the language reads alike."""
    choose, alike = random.Random(0), 0
    for _ in range(2000):
        text = choose.choice(WRITTEN)
        for _ in range(choose.randint(0, 2)):
            at = choose.randrange(len(text))
            letter = choose.choice("0123456789xspdgo@*/b:,;+|()[] =wvaluedct_")
            text = text[:at] + choose.choice(["", letter]) + text[at + choose.randint(0, 1) :]
        meant, told = check.Steps(1, 2, ready()), check.Steps(1, 2, ready())
        try:
            check.Text(text, meant).whole()
            check.Stack(text, 1, meant.listed, ready())
        except (check.Open, check.Wrong):
            continue
        for step in steps_of_plan(plan_of(parse(text), 2, 1, relu=True)):
            check.add_step(step, told)
        assert meant.listed == told.listed, text
        alike += 1
    assert alike > 300


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


WORDS = [("real", "complex", "rational"), ("left", "right"), ("all", "dense", "part", "thin"),
         ("cut", "turn", "signs")]  # fmt: skip


def others(path: tuple[Any, ...], value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if value is None:
        return [1, 0]
    if isinstance(value, int):
        return [value + 1, value - 1, *([-value] if abs(value) > 1 else [])]
    if path[-1] in ("text", "layer"):
        return [
            value[: found.start()] + str(int(found[0]) + 1) + value[found.end() :]
            for found in re.finditer(r"\d+", value)
        ]
    return [word for words in WORDS if value in words for word in words if word != value] or ["1"]


def may_change(data: Any, path: tuple[Any, ...], status: int) -> bool:
    """The changes that leave a proof: all that are not noticed.

    Another point is as good, and so is another kernel that is missed; a claim may be true of the
    other stack, a kernel be missed and a packing hold over another field; another answer may be one
    that is not shown, and is then not verified. Whether padding was written means nothing.
    """
    if path[0] == "claims":
        kind = data["claims"][path[1]]["claim"]
        return (
            "point" in path
            or "weights" in path
            or (path[2] == "members" and path[4] == 0)  # its weights
            or (kind == "missed" and path[2] in ("factors", "field", "prime"))
            or (path[2] == "stack" and kind in ("rank", "bound", "missed"))
            or (path[2] == "field" and kind == "packs")
        )
    return path[-1] == "padded" or (path[0] == "answers" and status == 3)


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
    ("3x3", "2x2@2,2x2@1", 1, False),
]


@pytest.mark.parametrize(
    ("left", "right", "channels", "equations"),
    [*TAMPERED[:5], *(pytest.param(*one, marks=pytest.mark.slow) for one in TAMPERED[5:])],
)
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
    assert noticed > 40


def status_of(data: Any) -> int:
    """0 if all claims and answers hold, 3 if some are not verified, 1 if one is wrong.

    Whether every question is answered, and whether the texts can be read, is left out.
    """
    lines: list[str] = []
    try:
        check.verify(data, lines.append)
    except check.Wrong:
        return 1
    except check.Open:
        return 3
    return 3 if any(" NOT verified" in line for line in lines) else 0


def check_answer(data: Any, number: int) -> bool:
    """Whether one answer, alone, is verified."""
    return status_of({**data, "answers": [data["answers"][number]]}) == 0


@pytest.mark.parametrize("name", TRUE)
def test_true_claims(name: str, verdict: Any) -> None:
    status, lines = verdict(TRUE[name])
    assert status_of(TRUE[name]) == 0, lines
    assert (status, "incomplete: no answer for anything" in lines[-1]) == (3, True)


@pytest.mark.parametrize("name", FALSE)
def test_false_claims(name: str, verdict: Any) -> None:
    status, lines = verdict(FALSE[name])
    assert status == 1, lines
    assert len(lines) == 1
    assert lines[0].startswith("rejected: claim ")


@pytest.mark.parametrize(("data", "answer", "status"), ANSWERED)
def test_answers_follow_by_the_rules(data: Any, answer: Any, status: int, verdict: Any) -> None:
    data = answered(data, answer)
    assert status_of(data) == status
    unread = any(data[side]["text"] == "given by hand" for side in check.SIDES)
    assert verdict(data)[0] == (3 if unread and status == 0 else status)


def test_an_answer_is_given_once(verdict: Any) -> None:
    answer = ("left", "real", "all")
    assert verdict(proof(KERNEL, PAIR, answers=(answer,)))[0] == 0
    assert verdict(proof(KERNEL, PAIR, answers=(answer, answer)))[0] == 1


def test_a_root_that_is_missing_refutes_all(verdict: Any) -> None:
    claims = [rank(3, 1, 2, 3, 4), missed("real", line(1, 0, 1))]
    for answer, status in (("part", 0), ("dense", 1), ("all", 1)):
        data = proof(KERNEL, PAIR, *claims, answers=(("right", "real", answer),))
        assert verdict(data)[0] == status


def test_padding_on_both_sides_fixes_the_place(verdict: Any) -> None:
    moved = stack(conv(3, padding=[2]))  # 3 taps from -2 on do not lie on those from -1 on
    for right in (moved, stack(conv(3)), {**stack(conv(3)), "padded": True}):
        data = proof(PADDED, right, answers=(("left", "real", "thin"),))
        assert verdict({**data, "aligned": True})[0] == 0
        data = proof(PADDED, right, answers=(("left", "real", "all"),))
        assert verdict(data)[0] == 0
        assert verdict({**data, "aligned": True})[0] == 1
        assert verdict({**data, "aligned": 1})[0] == 1
    for offset, status in (([0], 0), ([1], 3)):
        whole = packs("rational", into=[[0, 0]], offset=offset, shifts=[[1, offset]])
        data = proof(
            stack(conv(2, padding=[1])), stack(conv(2, padding=[1]), conv(2)),
            whole if any(offset) else {**whole, "shifts": []},
            answers=(("right", "rational", "all"),),
        )  # fmt: skip
        assert verdict(data)[0] == 0
        assert verdict({**data, "aligned": True})[0] == status


def test_outputs_may_be_shifted(verdict: Any) -> None:
    # convt2s2p1 gives what convt2s2 gives one output earlier: w1 x0, w0 x1, w1 x1, ..
    one, two = (
        {"text": text, "axes": 1, "channels": 1, "steps": [{"layer": text, "from": [0]}]}
        for text in ("convt2s2@1", "convt2s2p1@1")
    )
    filters = [[[1, [[0, 1]]]], [[1, [[1, 1]]]]]
    # Output n of the first is output n - 1 of the second; or n + 1, on an input one further on.
    for offset, output, status in (([0], [-1], 0), ([-1], [1], 0), ([0], [1], 1), ([0], [0], 1)):
        claim = {"claim": "reproduces", "maker": "left", "offset": offset, "filters": filters}
        data = proof(one, two, {**claim, "output": output}, answers=(("left", "real", "all"),))
        assert verdict(data)[0] == status
        assert verdict({**data, "aligned": True})[0] == 1


# The operator of a stack, against the formulas of the format, one output at a time.


def form(steps: list[Any], point: list[Any], index: int, c: int, n: tuple[int, ...]) -> Any:
    """The output of a step as a sum of inputs {(channel, place): factor}, None for the constant."""
    if index == 0:
        return {(c, n): 1}
    step = steps[index - 1]
    total: dict[Any, Any] = {}

    def add(source: int, channel: int, place: tuple[int, ...], factor: Any) -> None:
        for key, value in form(steps, point, source, channel, place).items():
            total[key] = total.get(key, 0) + factor * value

    if step["op"] == "add":
        for source in step["from"]:
            add(source, c, n, 1)
        return total
    (source,) = step["from"]
    start = 0
    for number, one in enumerate(steps, 1):
        if number == step.get("weights"):
            break
        if one.get("weights") == number:
            start += kernel_size(one) + one["channels"][1] * one["bias"]
    width, out = (side // step["groups"] for side in step["channels"])
    taps = list(product(*map(range, step["size"])))
    for i, (number, u) in product(range(width), enumerate(taps)):
        if "taps" in step:
            given = {tuple(tap[:3]): Fraction(tap[3]) for tap in step["taps"]}
            w = given.get((c % out, i, number), 0)
        else:
            w = point[start + (c * width + i) * len(taps) + number]
        ways = list(zip(n, u, step["stride"], step["dilation"], step["padding"], strict=True))
        if step["op"] == "conv":
            place = tuple(s * m + d * k - p for m, k, s, d, p in ways)
        else:
            near = (range(-9, 9) for _ in n)
            fits = [
                x for x in product(*near)
                if all(s * y + d * k - p == m for y, (m, k, s, d, p) in zip(x, ways, strict=True))
            ]  # fmt: skip
            if not fits:
                continue
            (place,) = fits
        add(source, c // out * width + i, place, w)
    if step.get("bias"):
        bias = point[start + kernel_size(step) + c]
        total[None] = total.get(None, 0) + bias
    return total


def kernel_size(step: Any) -> int:
    found = step["channels"][0] * step["channels"][1] // step["groups"]
    for size in step["size"]:
        found *= size
    return found


CHANNELS = 4


SHUFFLE = conv(2, taps=[[0, 0, 0, 1], [0, 1, 1, 1]], stride=[2], groups=2, out=2, op="convt")
STACKS = [
    [conv(3, out=2, stride=[2], padding=[1], bias=True), conv(2, dilation=[3], groups=2)],
    [up(3, 2, padding=[1], out=3, bias=True), conv(2, stride=[3], out=2)],
    [conv(2, stride=[2]), up(4, 4, padding=[-1], bias=True), conv(3, dilation=[2])],
    [SHUFFLE, conv(3, stride=[4])],
    [fixed("1/2", "1/2"), conv(2, out=1)],
    [conv(1, taps=[[0, 3, 0, 1], [1, 0, 0, -2]], out=3, groups=1), conv(2, bias=True)],
    [conv(2), conv(2, weights=1), {"op": "add", "from": [0, 1, 2]}],
    [conv(4, stride=[2]), up(2, 2), {"op": "add", "from": [0, 2]}, conv(2, padding=[5])],
]


@pytest.mark.parametrize("layers", STACKS)
def test_operators_by_the_formulas(layers: list[Any]) -> None:
    one = check.stack_of(stack(*layers, channels=CHANNELS), ready())
    steps = steps_of(*layers, axes=1, channels=CHANNELS)
    choose = random.Random(0)
    point = [choose.randint(-9, 9) for _ in range(one.weights)]
    rows = check.at_point(one, point)
    (a, b), last = one.rates[-1][0], len(steps)
    for c, n in product(range(len(rows)), range(-b, 2 * b)):
        want = form(steps, point, last, c, (n,))
        got: dict[Any, Any] = {}
        for key, value in rows[c][n % b].items():
            if key is None:
                got[None] = value.get((), 0)
            else:
                source, e = key
                got[source, (e + a * (n // b),)] = value.get((), 0)
        assert {k: v for k, v in got.items() if v} == {k: v for k, v in want.items() if v}


def ready() -> check.Work:
    work = check.Work()
    work.renew()
    return work


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("3x3p1@4, pixelshuffle2, 2x2", 1),
        ("2x2, (id + avg3x3p1s1)", 1),
        ("cat(3p1@2 | id), 1@3", 2),
        ("2@6, shuffle3, 2@6g3", 2),
        ("2@4, [:2], 2@1", 1),
        ("2b@2, bn, 2b@1", 1),
        ("convt3s2p1@2, 2s2d2@2g2", 2),
        ("dw3x3@8, 1x1@4", 4),
        ("3s2p1@4b, 2d3g2@4", 2),
        ("2x3s2x1p0x1d1x2", 1),
        ("3p0:1, 3p1", 1),
        ("conv 1, 2s3b", 3),
    ],
)
def test_steps_mean_what_the_engine_means(text: str, channels: int) -> None:
    """What moves channels is a fixed kernel there; plain texts are read by the checker itself."""
    report = equiv(text, text, channels=channels)
    family = report.left.family
    one = check.stack_of(report.certificate()["left"], ready())
    assert not one.unread
    choose = random.Random(1)
    point = [choose.randint(-9, 9) for _ in range(one.weights)]
    assert one.weights == family.weights
    rows = check.at_point(one, point)
    got = {}
    for c, channel in enumerate(rows):
        for phase, row in zip(check.phases(one.rates[-1]), channel, strict=True):
            for key, value in row.items():
                source, *place = (-1,) if key is None else key
                if value.get(()):
                    got[c, phase, source, tuple(place)] = value[()]
    values = zip(family.coordinates, family.exact_values(point), strict=True)
    want = {(p.out, p.phase, p.source, p.exponent): v for p, v in values if v}
    assert got == want


def plain_rank(rows: list[list[int]], prime: int) -> int:
    rows, rank = [list(row) for row in rows], 0
    for column in range(len(rows[0])):
        pivot = next((row for row in rows[rank:] if row[column] % prime), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(rank, pivot)
        for row in rows[rank + 1 :]:
            factor = row[column] * pow(pivot[column], -1, prime)
            row[:] = [(x - factor * y) % prime for x, y in zip(row, pivot, strict=True)]
        rank += 1
    return rank


@given(
    st.sampled_from([2, 3, 101, PRIME, 2**32 - 5]),
    st.integers(1, 7).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(-2, 2), min_size=n, max_size=n), min_size=1, max_size=7
        )
    ),
)
def test_ranks_by_plain_elimination(prime: int, rows: list[list[int]]) -> None:
    sparse = [dict(enumerate(row)) for row in rows]
    assert check.rank_of(sparse, prime, ready()) == plain_rank(rows, prime)


# Hostile files.


@pytest.mark.parametrize("layer", NO_LAYERS)
def test_what_is_no_layer(layer: Any, verdict: Any) -> None:
    for right in (
        {**stack(ONE), "steps": [{"layer": layer, "from": [0]}]},
        {"text": layer, "axes": 1, "channels": 1},
    ):
        status, lines = verdict(proof(KERNEL, right))
        assert status == 1
        assert lines[0].startswith("rejected: right: ")
    step = {"layer": "3", "from": [0]}
    for wrong in [
        *({"taps": [[0, 0, 3, 1]]}, {"taps": [], "weights": 1}, {"weights": 2}, {"weights": 0}),
        *({"from": []}, {"from": [1]}, {"from": [0, 0]}, {"layer": "add"}),
        {"layer": "relu", "from": [0, 0]},
    ]:
        right = {**stack(ONE), "steps": [{**step, **wrong}]}
        assert verdict(proof(KERNEL, right))[0] == 1


FORGED = Path(__file__).parent / "data"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        # Of the four fields, the first with an entry repeated, one is independent of the others: 3
        # weights are left, not 0, and `3,1` makes all of `3`.
        ("bound", "claim 0 (bound): an entry of a field is given twice"),
        # 2 + z^3 is irreducible over Q; t^60 multiplied 1,093 times is no other weight.
        ("reproduces", "claim 0 (reproduces): these filters do not make it"),
        # Two 2x2 make 7 of the 9 dimensions of 3x3, whatever they are called.
        ("label", "right: the steps are not those of the text"),
    ],
)
def test_forged_certificates(name: str, why: str, verdict: Any) -> None:
    data = (FORGED / f"forged_{name}.json").read_text(encoding="utf-8")
    assert verdict(data) == (1, [f"rejected: {why}"])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name: str, verdict: Any) -> None:
    status, lines = verdict(HOSTILE[name])
    assert status in (1, 2)
    (line,) = lines
    assert line.startswith(("rejected: ", "unreadable: "))
    assert len(line) < 200


def test_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name in ("none", ".", "bytes"):
        assert check.main([str(tmp_path / name)]) == 2
    assert check.main([]) == 2
    assert check.main(["a", "b"]) == 2
    assert "usage" in capsys.readouterr().out


@pytest.mark.parametrize("number", range(len(HUGE)))
@pytest.mark.parametrize(
    "evidence",
    [
        claim(
            "equations",
            "left",
            coordinates=[[0, [0], 0, [0]]],
            equations=[[[1, [[0, 9]]]]],
            members=[[[1], [0]]],
        ),
        claim("bound", "left", bound=1, tree=COORDINATES),
        claim("reproduces", "right", offset=[0], filters=[[[1, [[0, 60]]]]] * 3),
        claim("rank", "left", prime=PRIME, point=[], rank=1),
        pytest.param(packs("complex", **cut(10**8, 0, 0)), marks=pytest.mark.slow),
        packs("complex", **turns(10**9, 0)),
    ],
)
def test_huge_stacks_end_soon(number: int, evidence: Any, monkeypatch: Any, verdict: Any) -> None:
    monkeypatch.setattr(check, "WORK_OF_CLAIM", 200_000)
    monkeypatch.setattr(check, "WORK_OF_FILE", 1_000_000)
    answers = (("right", "real", "all"), ("left", "real", "thin"))
    status, lines = verdict(proof(HUGE[number], KERNEL, evidence, answers=answers))
    assert status in (1, 3)
    shown = ("left: ", "right: ", "  step ")  # the stacks, in full
    assert all(len(line) < 200 for line in lines if not line.startswith(shown))


ODD = st.sampled_from(
    [None, True, False, -1, 0, 1, 2, 10**9, 10**30, "", "left", "1/2", "1/0", [], {}, [[]], [0]]
)


@settings(max_examples=250)
@given(st.data())
def test_whatever_stands_there_nothing_breaks(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(TRUE)))
    found = copy.deepcopy(TRUE[name])
    if data.draw(st.booleans()):  # claims about stacks of another kind
        found["claims"] += copy.deepcopy(TRUE[data.draw(st.sampled_from(sorted(TRUE)))]["claims"])
    for _ in range(data.draw(st.integers(1, 3))):
        at, key = found, data.draw(st.sampled_from(["left", "right", "claims"]))
        while True:
            inner = at[key]
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            if not keys or data.draw(st.integers(0, 4)) == 0:
                break
            choice = data.draw(st.sampled_from(keys))
            at, key = inner, choice
            if not isinstance(at[key], dict | list):
                break
        if isinstance(at, dict) and data.draw(st.booleans()):
            del at[key]
            if at is found:
                break
        else:
            at[key] = copy.deepcopy(data.draw(ODD))
            if not isinstance(at[key], dict | list) and at is found:
                break
    assert status_of(found) in (0, 1, 3)


# The file by itself.

SOURCE = Path(check.__file__)


def test_it_imports_the_standard_library_only() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            modules.add(node.module)
    assert modules
    assert {str(module).partition(".")[0] for module in modules} <= sys.stdlib_module_names
    assert "convalgebra" not in {str(module) for module in modules}


def test_it_runs_alone(tmp_path: Path) -> None:
    script, path = tmp_path / "alone.py", tmp_path / "proof.json"
    script.write_text(SOURCE.read_text(encoding="utf-8"), encoding="utf-8")
    path.write_text(written("3x3", "2x2,2x2", 2, False), encoding="utf-8")
    command = [sys.executable, "-I", "-S", str(script), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "verified"
    path.write_text("{}", encoding="utf-8")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "rejected: `schema` is missing\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk")
def test_an_output_that_cannot_be_written_rejects_nothing(tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    path.write_text(written("3x3", "2x2,2x2", 2, False), encoding="utf-8")
    command = [sys.executable, "-I", "-S", str(SOURCE), str(path)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    told = b"the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, told)
