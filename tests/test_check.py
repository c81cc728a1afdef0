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
    """The changes that leave a proof: all that are not noticed.

    Another point or input is as good, and so is another kernel that is missed; a claim may be true
    of the other stack, and a packing over another field; an answer may name claims that it does not
    need, and be stronger than what is shown, which is then not verified. What the steps of a text
    are that is no plain list of layers is taken on trust, as long as all claims are true of them.
    """
    if path[0] == "claims":
        kind = data["claims"][path[1]]["claim"]
        return (
            "point" in path
            or "input" in path
            or ("kernel" in path and kind in MISSED)
            or (path[2] == "stack" and kind in ("rank", "ambient", "bound", "not_a_product"))
            or (path[2] == "field" and kind == "packs")
        )
    if path[0] == "answers":
        return path[2] == "because" or (path[2] in ("answer", "field") and status == 3)
    return any(word in data[path[0]]["text"] for word in ("+", "avg"))


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


# Certificates by hand. A stack is a list of layers, each a dict of what is not the default.


def stack(*layers: dict[str, Any], axes: int = 1, channels: int = 1) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"op": "input"}]
    widths = [channels]
    for index, layer in enumerate(layers, 1):
        if layer.get("op", "conv") not in ("conv", "convt"):
            one = {"from": index - 1, **layer}
            before = one["from"] if isinstance(one["from"], list) else [one["from"]]
            width = widths[before[0]]
            if layer["op"] == "cat":
                width = sum(widths[source] for source in before)
            if layer["op"] == "pick":
                width = len(layer["channels"])
            if layer["op"] == "depth_to_space":
                width //= layer["factor"] ** axes
            steps.append(one)
            widths.append(width)
            continue
        source = layer.get("from", index - 1)
        into = widths[source]
        fixed = "taps" in layer
        out = into if fixed else layer.get("out", into)
        one = {"op": "conv", "from": source}
        one |= {"size": layer["size"]}
        one |= {name: [1] * axes for name in ("stride", "dilation")} | {"padding": [0] * axes}
        one |= {"groups": into if fixed else 1, "channels": [into, out]}
        one |= {"weights": None if fixed else index, "bias": False}
        steps.append(one | {name: layer[name] for name in layer if name != "out"})
        widths.append(out)
    return {"text": "given by hand", "axes": axes, "channels": channels, "steps": steps}


def conv(*size: int, **more: Any) -> dict[str, Any]:
    return {"size": list(size), **more}


def proof(left: Any, right: Any, *claims: Any, answers: tuple[Any, ...] = ()) -> dict[str, Any]:
    listed = [
        dict(zip(("maker", "made", "field", "answer", "because"), one, strict=True))
        for one in answers
    ]
    return {
        "schema": check.SCHEMA,
        "left": left,
        "right": right,
        "claims": list(claims),
        "answers": listed,
    }


ONE, TWO, THREE = conv(1), conv(2), conv(3)
PAIR = stack(TWO, TWO)  # w0 + w1 z times w2 + w3 z
KERNEL = stack(THREE)
SQUARE = stack(conv(2, 2), axes=2)
CROSS = stack(conv(2, 1), conv(1, 2), axes=2)


def claim(kind: str, *places: Any, **fields: Any) -> dict[str, Any]:
    names = ("maker", "made") if len(places) == 2 else ("stack",)
    return {"claim": kind, **dict(zip(names, places, strict=True)), **fields}


def rank(value: int, *point: int, prime: int = PRIME, side: str = "right") -> dict[str, Any]:
    return claim("rank", side, prime=prime, point=list(point), rank=value)


def leaf(first: int, last: int, by: str, **fields: Any) -> dict[str, Any]:
    return {"steps": [first, last], "by": by, **fields}


def bound(value: int, tree: Any) -> dict[str, Any]:
    return claim("bound", "right", bound=value, tree=tree)


def split(first: int, at: int, last: int, one: Any, two: Any, *point: int) -> dict[str, Any]:
    fields = {"at": at, "first": one, "second": two, "prime": PRIME, "point": list(point)}
    return {**leaf(first, last, "split"), **fields}


def scale(factor: int = 1) -> dict[str, Any]:
    """The first layer grows as the second one shrinks."""
    linear = [[0, 0, 1], [1, 1, 1], [2, 2, -1], [3, 3, -factor]]
    return {"linear": linear, "constant": []}


def fields(value: int, *given: Any, point: tuple[int, ...] = (1, 2, 3, 4)) -> dict[str, Any]:
    return leaf(1, 2, "fields", fields=list(given), prime=PRIME, point=list(point), rank=value)


SPLIT = split(1, 1, 2, leaf(1, 1, "weights"), leaf(2, 2, "weights"), 1, 2, 3, 4)
PRODUCT = [[[1, [[0, 1], [2, 1]]]], [[1, [[0, 1], [3, 1]]], [1, [[1, 1], [2, 1]]]],
           [[1, [[1, 1], [3, 1]]]]]  # fmt: skip
CORNERS = [[0, [0, 0], 0, [a, b]] for a, b in product((0, 1), repeat=2)]
MINOR = [[1, [[0, 1], [3, 1]]], [-1, [[1, 1], [2, 1]]]]


def vanishes(*equations: Any) -> dict[str, Any]:
    return claim("vanishes", "right", coordinates=CORNERS, equations=list(equations))


def outside(kernel: list[Any], weights: list[Any], **more: Any) -> dict[str, Any]:
    found = {"claim_of": 0, "kernel": kernel, "member_of": "left", "weights": weights}
    return claim("outside", "right", **{**found, "offset": [0, 0], **more})


def kernel(*taps: Any) -> list[Any]:
    return [[list(place), value] for place, value in taps]


def real(roots: int, needed: int, *taps: tuple[int, int], axis: int = 0, step: int = 1) -> Any:
    listed = [[[e], value] for e, value in taps]
    return claim("few_real_roots", "right", axis=axis, step=step, kernel=listed, roots=roots,
                 needed=needed)  # fmt: skip


def ruppert(*taps: Any, prime: int = PRIME, axes: tuple[int, int] = (0, 1)) -> dict[str, Any]:
    found = kernel(*taps)
    return claim("not_a_product", "right", kernel=found, prime=prime, axes=list(axes))


def packs(over: str, **parts: Any) -> dict[str, Any]:
    empty = {"offset": [0], "shifts": [], "whole": [], "roots": [], "unity": []}
    return claim("packs", "right", "left", field=over, **{**empty, **parts})


def to(*rooms: int) -> list[Any]:
    """Of a layer without dilation one root to each of these rooms: the shares."""
    (room,) = rooms
    return [[room, [0]]]


def real_pair(one: Any, two: Any, pair: Any) -> dict[str, Any]:
    ways = {signs: [one, two] for signs in ("++", "+-", "--")}
    return {"layer": 0, "times": 1, "pair": pair, "real": ways}


def single(one: Any) -> dict[str, Any]:
    return {"layer": 0, "times": 1, "real": {"+": one, "-": one}}


FOUR, FIVE = stack(conv(4)), stack(conv(5))
THIRD = ["1/3"] * 3
MEAN = stack(conv(3, taps=THIRD), TWO)
PADDED = stack(conv(3, padding=[1]))
TRUE = {
    "a rank": proof(KERNEL, PAIR, rank(3, 1, 2, 3, 4)),
    "a rank where two layers are alike": proof(KERNEL, PAIR, rank(2, 1, 1, 1, 1)),
    "a rank mod 2": proof(KERNEL, PAIR, rank(3, 1, 0, 1, 1, prime=2)),
    "coordinates": proof(KERNEL, PAIR, claim("ambient", "right", count=3)),
    "coordinates on two lattices": proof(
        FOUR, stack(TWO, conv(2, dilation=[2])), claim("ambient", "right", count=4)
    ),
    "coordinates that cancel": proof(
        KERNEL,
        stack(conv(1, taps=[1]), conv(1, taps=[-1]), {"op": "add", "from": [0, 2]}),
        claim("ambient", "right", count=0),
    ),
    "a bound by weights": proof(KERNEL, PAIR, bound(4, leaf(1, 2, "weights"))),
    "a bound by coordinates": proof(KERNEL, PAIR, bound(3, leaf(1, 2, "ambient"))),
    "a bound by a seam": proof(KERNEL, PAIR, bound(3, SPLIT)),
    "a seam where nothing comes through": proof(
        KERNEL,
        PAIR,
        bound(4, split(1, 1, 2, leaf(1, 1, "weights"), leaf(2, 2, "weights"), 0, 0, 0, 0)),
    ),
    "a bound by a field": proof(KERNEL, PAIR, bound(3, fields(1, scale()))),
    "a field at a point where it vanishes": proof(
        KERNEL, PAIR, bound(4, fields(0, scale(), point=(0, 0, 0, 0)))
    ),
    "filters": proof(KERNEL, PAIR, claim("reproduces", "left", "right", offset=[0],
                                         filters=PRODUCT)),
    "filters for a branch": proof(
        stack(ONE, {"op": "add", "from": [0, 1]}),
        stack(ONE),
        claim("reproduces", "left", "right", offset=[0], filters=[[[1, [[0, 1]]], [-1, []]]]),
    ),
    "filters that move": proof(
        stack(conv(2)), stack(ONE),
        claim("reproduces", "left", "right", offset=[1], filters=[[], [[1, [[0, 1]]]]]),
    ),
    "covered": proof(KERNEL, PAIR, claim("covers", "left", "right", offset=[0])),
    "covered with dilation": proof(
        stack(conv(3, dilation=[2])),
        stack(conv(2, dilation=[4])),
        claim("covers", "left", "right", offset=[0]),
    ),
    "covered elsewhere": proof(FOUR, PAIR, claim("covers", "left", "right", offset=[1])),
    "a minor": proof(SQUARE, CROSS, vanishes(MINOR)),
    "a minor that is violated": proof(
        SQUARE, CROSS, vanishes(MINOR), outside([1, 0, 0, 1], [1, 0, 0, 1])
    ),
    "irreducible": proof(SQUARE, CROSS, ruppert(((0, 0), 1), ((0, 1), 1), ((1, 0), 1),
                                                ((1, 1), 2))),
    "too few real roots": proof(KERNEL, PAIR, real(0, 2, (0, 1), (2, 1))),
    "a root at infinity": proof(
        stack(conv(4)), stack(TWO, TWO, TWO), real(1, 3, (0, 1), (2, 1))
    ),
    "irreducible over Q": proof(
        KERNEL, PAIR,
        claim("irreducible_over_q", "right", kernel=[[[0], 3], [[2], 1]], prime=3),
    ),
    "too far": proof(FOUR, PAIR, claim("too_far", "right", kernel=[[[0], 1], [[3], 1]], axis=0)),
    "roots over C": proof(
        KERNEL, PAIR,
        packs("complex", roots=[{"layer": 0, "times": 1, "shares": to(j)} for j in (0, 1)]),
    ),
    "pairs over R": proof(
        FIVE, stack(THREE, THREE),
        packs("real", roots=[real_pair(to(j), to(j), to(j)) for j in (0, 1)]),
    ),
    "a pair and one over R": proof(
        FOUR, stack(THREE, TWO),
        packs("real", roots=[real_pair(to(0), to(0), to(0)), single(to(1))]),
    ),
    "a whole layer": proof(stack(conv(2)), stack(ONE, THREE), packs("rational", whole=[[0, 1]])),
    "a whole layer that moves": proof(
        stack(conv(2)), stack(ONE, THREE),
        packs("rational", whole=[[0, 1]], shifts=[[1, [1]]], offset=[1]),
    ),
    "roots of unity": proof(
        MEAN, stack(conv(2), conv(3)),
        packs("complex", whole=[[0, 1]], offset=[0],
              unity=[{"axis": 0, "order": 3, "shares": [[0, [0, 1, 0]], [1, [0, 0, 1]]]}]),
    ),
    "roots of unity over Q": proof(
        MEAN, stack(conv(2), conv(3)),
        packs("rational", whole=[[0, 0]],
              unity=[{"axis": 0, "order": 3, "shares": [[1, [0, 1, 1]]]}]),
    ),
    "cycles of roots": proof(
        stack(conv(2, dilation=[2])), PAIR,
        packs("complex", roots=[{"layer": 0, "times": 1, "shares": [[0, [0]], [1, [1]]]}]),
    ),
    "relu twice": proof(
        stack(conv(1, out=2), {"op": "relu"}, conv(1, out=1)), stack(ONE),
        claim("relu_pairs", "left", "right", offset=[0],
              filters=[[[1, []]], [[-1, []]], [[1, [[0, 1]]]], [[-1, [[0, 1]]]]]),
    ),
    "a relu is not odd behind a branch": proof(
        stack(ONE),
        stack(conv(2, out=2), {"op": "relu"}, conv(1, out=1), conv(2, **{"from": 0}),
              {"op": "add", "from": [3, 4]}),
        # x = (1, 2, 4): a = -x1 + x2 = (1, 2), b = x1 + x2 = (3, 6); a + b -> 4 and -x -> 0.
        claim("not_odd", "right", point=[-1, 1, 1, 1, 1, 1, 0, 0],
              input={"size": [3], "values": [1, 2, 4]}),
    ),
    "an absolute value is not odd": proof(
        stack(ONE), stack(conv(1, out=2), {"op": "relu"}, conv(1, out=1)),
        claim("not_odd", "right", point=[1, -1, 1, 1], input={"size": [1], "values": [3]}),
    ),
    "a relu is not odd": proof(
        stack(ONE), stack(ONE, {"op": "relu"}),
        claim("not_odd", "right", point=[1], input={"size": [2], "values": [1, -1]}),
    ),
}  # fmt: skip
FALSE = {
    "a rank that is too large": proof(KERNEL, PAIR, rank(3, 1, 1, 1, 1)),
    "a rank that is too small": proof(KERNEL, PAIR, rank(2, 1, 2, 3, 4)),
    "a rank mod 15": proof(KERNEL, PAIR, rank(3, 1, 2, 3, 4, prime=15)),
    "a rank mod a pseudoprime": proof(KERNEL, PAIR, rank(3, 1, 2, 3, 4, prime=3215031751)),
    "a short point": proof(KERNEL, PAIR, rank(3, 1, 2, 3)),
    "too many coordinates": proof(KERNEL, PAIR, claim("ambient", "right", count=4)),
    "coordinates that cancel": proof(
        KERNEL,
        stack(conv(1, taps=[1]), conv(1, taps=[-1]), {"op": "add", "from": [0, 2]}),
        claim("ambient", "right", count=1),
    ),
    "a bound without a seam": proof(KERNEL, PAIR, bound(3, leaf(1, 2, "weights"))),
    "a bound of one layer": proof(KERNEL, PAIR, bound(2, leaf(1, 1, "weights"))),
    "a seam where nothing comes through": proof(
        KERNEL,
        PAIR,
        bound(3, split(1, 1, 2, leaf(1, 1, "weights"), leaf(2, 2, "weights"), 0, 0, 0, 0)),
    ),
    "a seam after a fixed layer": proof(
        FOUR, MEAN,
        bound(1, split(1, 1, 2, leaf(1, 1, "weights"), leaf(2, 2, "weights"), 1, 1)),
    ),
    "a field that changes something": proof(KERNEL, PAIR, bound(3, fields(1, scale(2)))),
    "a constant field": proof(
        KERNEL, PAIR, bound(3, fields(1, {"linear": [], "constant": [[0, 1]]}))
    ),
    "one field twice": proof(KERNEL, PAIR, bound(2, fields(2, scale(), scale()))),
    "filters of another kernel": proof(
        KERNEL, PAIR, claim("reproduces", "left", "right", offset=[0], filters=PRODUCT[::-1])
    ),
    "filters elsewhere": proof(
        KERNEL, PAIR, claim("reproduces", "left", "right", offset=[1], filters=PRODUCT)
    ),
    "a bias is lost": proof(
        stack(ONE), stack(conv(1, bias=True)),
        claim("reproduces", "left", "right", offset=[0], filters=[[[1, [[0, 1]]]]]),
    ),
    "covered at the wrong place": proof(KERNEL, PAIR, claim("covers", "left", "right", offset=[1])),
    "covered off the lattice": proof(
        stack(conv(3, dilation=[2])), PAIR, claim("covers", "left", "right", offset=[0])
    ),
    "covered without a bias": proof(
        KERNEL, stack(TWO, conv(2, bias=True)), claim("covers", "left", "right", offset=[0])
    ),
    "covered with groups": proof(
        stack(conv(3, groups=2), channels=2), stack(TWO, channels=2),
        claim("covers", "left", "right", offset=[0]),
    ),
    "covered in one of two phases": proof(
        stack(conv(5)), stack(conv(2, stride=[2]), {"op": "convt", **conv(2, stride=[2])}),
        claim("covers", "left", "right", offset=[1]),
    ),
    "a permanent": proof(SQUARE, CROSS, vanishes([MINOR[0], [1, MINOR[1][1]]])),
    "no equation": proof(SQUARE, CROSS, vanishes([])),
    "a minor that holds": proof(
        SQUARE, CROSS, vanishes(MINOR), outside([1, 1, 1, 1], [1, 1, 1, 1])
    ),
    "another kernel": proof(SQUARE, CROSS, vanishes(MINOR), outside([1, 0, 0, 1], [1, 1, 1, 1])),
    "another offset": proof(
        SQUARE, CROSS, vanishes(MINOR), outside([1, 0, 0, 1], [1, 0, 0, 1], offset=[1, 0])
    ),
    "a member of its own": proof(
        SQUARE, CROSS, vanishes(MINOR),
        outside([1, 0, 0, 1], [1, 0, 0, 1], member_of="right"),
    ),
    "a product": proof(SQUARE, CROSS, ruppert(((0, 0), 1), ((0, 1), 2), ((1, 0), 3),
                                              ((1, 1), 6))),
    "a product over C only": proof(
        stack(conv(3, 3), axes=2), stack(conv(2, 3), conv(2, 1), axes=2),
        ruppert(((2, 0), 1), ((0, 2), 1)),
    ),
    "a product times a variable": proof(
        stack(conv(3, 3), axes=2), CROSS,
        ruppert(((0, 0), 1), ((1, 0), 1), ((0, 1), 1), ((1, 1), 1), ((2, 1), 1), ((2, 2), 1),
                axes=(1, 1)),
    ),
    "irreducible, but it fits": proof(
        SQUARE, stack(conv(2, 2), conv(1, 2), axes=2),
        ruppert(((0, 0), 1), ((0, 1), 1), ((1, 0), 1), ((1, 1), 2)),
    ),
    "two real roots": proof(KERNEL, PAIR, real(2, 2, (0, -1), (2, 1))),
    "a double root": proof(KERNEL, PAIR, real(1, 2, (0, 1), (1, 2), (2, 1))),
    "real roots miscounted": proof(KERNEL, PAIR, real(1, 2, (0, 1), (2, 1))),
    "reducible over Q": proof(
        KERNEL, PAIR,
        claim("irreducible_over_q", "right", kernel=[[[0], 4], [[2], 1]], prime=2),
    ),
    "not too far": proof(
        FOUR, PAIR, claim("too_far", "right", kernel=[[[0], 1], [[2], 1]], axis=0)
    ),
    "two roots in one place": proof(
        KERNEL, PAIR, packs("complex", roots=[{"layer": 0, "times": 2, "shares": to(0)}])
    ),
    "a root is forgotten": proof(
        KERNEL, PAIR, packs("complex", roots=[{"layer": 0, "times": 1, "shares": to(0)}])
    ),
    "a pair in two places over R": proof(
        KERNEL, PAIR, packs("real", roots=[real_pair(to(0), to(1), to(0))])
    ),
    "two single real roots": proof(
        KERNEL, PAIR, packs("real", roots=[single(to(0)), single(to(1))])
    ),
    "roots over Q": proof(
        KERNEL, PAIR,
        packs("rational", roots=[{"layer": 0, "times": 1, "shares": to(j)} for j in (0, 1)]),
    ),
    "a whole layer twice": proof(
        stack(conv(2)), stack(TWO, TWO), packs("rational", whole=[[0, 0], [0, 1]])
    ),
    "a whole layer that is too large": proof(
        stack(THREE), stack(TWO, TWO), packs("rational", whole=[[0, 0]])
    ),
    "a whole layer off the lattice": proof(
        stack(TWO), stack(conv(2, dilation=[2])), packs("rational", whole=[[0, 0]])
    ),
    "a layer that moves too far": proof(
        stack(TWO), stack(ONE, THREE),
        packs("rational", whole=[[0, 1]], shifts=[[1, [2]]], offset=[2]),
    ),
    "roots of unity torn apart over Q": proof(
        MEAN, stack(conv(2), conv(3)),
        packs("rational", whole=[[0, 1]],
              unity=[{"axis": 0, "order": 3, "shares": [[0, [0, 1, 0]], [1, [0, 0, 1]]]}]),
    ),
    "roots of unity torn apart over R": proof(
        MEAN, stack(conv(2), conv(3)),
        packs("real", whole=[[0, 1]],
              unity=[{"axis": 0, "order": 3, "shares": [[0, [0, 1, 0]], [1, [0, 0, 1]]]}]),
    ),
    "an average is forgotten": proof(
        MEAN, stack(conv(2), conv(3)), packs("rational", whole=[[0, 1]])
    ),
    "averages of other scale": proof(
        stack(conv(3, taps=THIRD)), stack(conv(3, taps=[1, 1, 1])), packs("rational")
    ),
    "a relu by itself": proof(
        stack(conv(1, out=2), {"op": "relu"}, conv(1, out=1)), stack(ONE),
        claim("relu_pairs", "left", "right", offset=[0],
              filters=[[[1, []]], [], [[1, [[0, 1]]]], []]),
    ),
    "relus with one sign": proof(
        stack(conv(1, out=2), {"op": "relu"}, conv(1, out=1)), stack(ONE),
        claim("relu_pairs", "left", "right", offset=[0],
              filters=[[[1, []]], [[-1, []]], [[1, [[0, 1]]]], [[1, [[0, 1]]]]]),
    ),
    "a relu that is left out": proof(
        stack(ONE, {"op": "relu"}), stack(ONE),
        claim("reproduces", "left", "right", offset=[0], filters=[[[1, [[0, 1]]]]]),
    ),
    "a pair of relus is odd": proof(
        stack(ONE), stack(conv(1, out=2), {"op": "relu"}, conv(1, out=1)),
        claim("not_odd", "right", point=[1, -1, 1, -1], input={"size": [1], "values": [3]}),
    ),
    "zero is odd": proof(
        stack(ONE), stack(ONE, {"op": "relu"}),
        claim("not_odd", "right", point=[0], input={"size": [2], "values": [1, -1]}),
    ),
    "a relu after a bias": proof(
        stack(ONE), stack(conv(1, bias=True), {"op": "relu"}),
        claim("not_odd", "right", point=[1, 1], input={"size": [1], "values": [0]}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUE)
def test_true_claims(name: str, verdict: Any) -> None:
    status, lines = verdict(TRUE[name])
    assert status == 0, lines


@pytest.mark.parametrize("name", FALSE)
def test_false_claims(name: str, verdict: Any) -> None:
    status, lines = verdict(FALSE[name])
    assert status == 1, lines
    assert len(lines) == 1
    assert lines[0].startswith("rejected: claim ")


ANSWERS = {
    "all": ("left", "right", "real", "all", []),
    "part": ("right", "left", "real", "part", [0]),
    "dense": ("right", "left", "complex", "dense", [0]),
}


@pytest.mark.parametrize(
    ("data", "answer", "status"),
    [
        (proof(KERNEL, PAIR), ("left", "right", "real", "all", []), 0),
        (proof(KERNEL, PAIR), ("left", "right", "real", "thin", []), 1),
        (TRUE["a rank"], ("right", "left", "real", "part", [0]), 0),
        (TRUE["a rank"], ("right", "left", "real", "part", []), 1),
        (TRUE["a rank"], ("right", "left", "complex", "dense", [0]), 0),
        (TRUE["a rank"], ("right", "left", "complex", "part", [0]), 1),
        (TRUE["a rank"], ("right", "left", "complex", "thin", [0]), 1),
        (TRUE["a rank"], ("right", "left", "complex", "all", [0]), 3),
        (TRUE["a rank"], ("right", "left", "rational", "all", [0]), 3),
        (TRUE["a rank where two layers are alike"], ("right", "left", "real", "part", [0]), 3),
        (TRUE["roots over C"], ("right", "left", "complex", "all", [0]), 0),
        (TRUE["roots over C"], ("right", "left", "real", "part", [0]), 0),
        (TRUE["roots over C"], ("right", "left", "real", "all", [0]), 3),
        (TRUE["irreducible over Q"], ("right", "left", "rational", "thin", [0]), 0),
        (TRUE["irreducible over Q"], ("right", "left", "complex", "thin", [0]), 3),
        (TRUE["irreducible"], ("right", "left", "rational", "thin", [0]), 0),
        (TRUE["a minor that is violated"], ("right", "left", "real", "thin", [0, 1]), 0),
        (TRUE["relu twice"], ("left", "right", "real", "all", [0]), 0),
        (TRUE["relu twice"], ("left", "right", "complex", "all", [0]), 3),
        (proof(FOUR, KERNEL), ("right", "left", "real", "thin", []), 0),
        (proof(stack(conv(2, 3), axes=2), stack(conv(3, 2), axes=2)),
         ("left", "right", "complex", "thin", []), 0),
        (proof(stack(conv(1, taps=[1])), stack(conv(1, taps=[2]))),
         ("left", "right", "complex", "thin", []), 0),
    ],
)  # fmt: skip
def test_answers_follow_by_the_rules(data: Any, answer: Any, status: int, verdict: Any) -> None:
    names = ("maker", "made", "field", "answer", "because")
    found = verdict({**data, "answers": [dict(zip(names, answer, strict=True))]})
    assert found[0] == status, found


def test_a_root_that_is_missing_refutes_all(verdict: Any) -> None:
    claims = [rank(3, 1, 2, 3, 4), real(0, 2, (0, 1), (2, 1))]
    for answer, status in (("part", 0), ("dense", 1), ("all", 1)):
        data = proof(KERNEL, PAIR, *claims, answers=(("right", "left", "real", answer, [0, 1]),))
        assert verdict(data)[0] == status


def test_padding_on_both_sides_fixes_the_place(verdict: Any) -> None:
    wide, low = stack(conv(5, padding=[2])), stack(conv(3, padding=[1]))
    for offset, answer, status in (([0], "all", 0), ([1], "all", 0), ([2], "all", 1)):
        covers = claim("covers", "left", "right", offset=offset)
        answers = (("left", "right", "real", answer, [0]),)
        assert verdict(proof(wide, low, covers, answers=answers))[0] == status
    moved = stack(conv(3, padding=[2]))  # 3 taps from -2 on do not lie on those from -1 on
    answers = (("left", "right", "real", "thin", []),)
    assert verdict(proof(PADDED, moved, answers=answers))[0] == 0
    free = stack(conv(3))
    answers = (("left", "right", "real", "all", []),)
    assert verdict(proof(PADDED, free, answers=answers))[0] == 0


# The operator of a stack, against the formulas of the format, one output at a time.


def form(steps: list[Any], point: list[Any], index: int, c: int, n: tuple[int, ...]) -> Any:
    """The output of a step as a sum of inputs {(channel, place): factor}, None for the constant."""
    step = steps[index]
    total: dict[Any, Any] = {}

    def add(source: int, channel: int, place: tuple[int, ...], factor: Any) -> None:
        for key, value in form(steps, point, source, channel, place).items():
            total[key] = total.get(key, 0) + factor * value

    if step["op"] == "input":
        return {(c, n): 1}
    if step["op"] == "add":
        for source in step["from"]:
            add(source, c, n, 1)
    elif step["op"] == "cat":
        for source in step["from"]:
            width = width_of(steps, source)
            if 0 <= c < width:
                add(source, c, n, 1)
            c -= width
    elif step["op"] == "pick":
        add(step["from"], step["channels"][c], n, 1)
    elif step["op"] == "depth_to_space":
        f = step["factor"]
        block = list(product(range(f), repeat=len(n))).index(tuple(x % f for x in n))
        add(step["from"], c * f ** len(n) + block, tuple(x // f for x in n), 1)
    else:
        start = 0
        for number, one in enumerate(steps):
            if number == step["weights"]:
                break
            if one.get("weights") == number:
                start += kernel_size(one) + one["channels"][1] * one["bias"]
        width, out = (side // step["groups"] for side in step["channels"])
        taps = list(product(*map(range, step["size"])))
        for i, (number, u) in product(range(width), enumerate(taps)):
            if step["weights"] is None:
                w = Fraction(step["taps"][number])
            else:
                w = point[start + (c * width + i) * len(taps) + number]
            ways = list(zip(n, u, step["stride"], step["dilation"], step["padding"], strict=True))
            if step["op"] == "conv":
                place = tuple(s * m + d * k - p for m, k, s, d, p in ways)
            else:
                near = (range(-9, 9) for _ in n)
                fits = [
                    x for x in product(*near)
                    if all(s * y + d * k - p == m
                           for y, (m, k, s, d, p) in zip(x, ways, strict=True))
                ]  # fmt: skip
                if not fits:
                    continue
                (place,) = fits
            add(step["from"], c // out * width + i, place, w)
        if step["bias"]:
            bias = point[start + kernel_size(step) + c]
            total[None] = total.get(None, 0) + bias
    return total


def kernel_size(step: Any) -> int:
    found = step["channels"][0] * step["channels"][1] // step["groups"]
    for size in step["size"]:
        found *= size
    return found


def width_of(steps: list[Any], index: int) -> int:
    return check.stack_of(
        {"text": "?", "axes": 1, "channels": CHANNELS, "steps": [*steps[: index + 1], *END(index)]}
    ).steps[index].channels[1]  # fmt: skip


CHANNELS = 4


def END(index: int) -> list[Any]:  # noqa: N802
    return [{"op": "relu", "from": index}]


def up(size: int, stride: int, **more: Any) -> dict[str, Any]:
    return {"op": "convt", **conv(size, stride=[stride], **more)}


STACKS = [
    [conv(3, out=2, stride=[2], padding=[1], bias=True), conv(2, dilation=[3], groups=2)],
    [up(3, 2, padding=[1], out=3, bias=True), conv(2, stride=[3], out=2)],
    [conv(2, stride=[2]), up(4, 4, padding=[-1], bias=True), conv(3, dilation=[2])],
    [{"op": "depth_to_space", "factor": 2}, conv(3, stride=[4]), {"op": "relu", "off": 1}],
    [conv(2, taps=["1/2", "1/2"]), {"op": "pick", "channels": [3, 0, 0]}, conv(2, out=1)],
    [conv(2, bias=True), {"op": "cat", "from": [1, 0]}, conv(1, out=2, groups=2)],
    [conv(2), conv(2, weights=1), {"op": "add", "from": [0, 1, 2]}],
    [conv(4, stride=[2]), up(2, 2), {"op": "add", "from": [0, 2]}, conv(2, padding=[5])],
]


@pytest.mark.parametrize("layers", STACKS)
def test_operators_by_the_formulas(layers: list[Any]) -> None:
    layers = [layer for layer in layers if "off" not in layer]
    data = stack(*layers, channels=CHANNELS)
    one = check.stack_of(data)
    choose = random.Random(0)
    point = [choose.randint(-9, 9) for _ in range(one.weights)]
    work = check.Work()
    work.renew()
    rows = check.operator(one, check.Ring(point), work)
    (a, b), last = one.rates[-1][0], len(data["steps"]) - 1
    for c, n in product(range(len(rows)), range(-b, 2 * b)):
        want = form(data["steps"], point, last, c, (n,))
        got: dict[Any, Any] = {}
        for key, value in rows[c][n % b].items():
            if key is None:
                got[None] = value
            else:
                source, (e,) = check.unpacked(key, 1)
                got[source, (e + a * (n // b),)] = value
        assert {k: v for k, v in got.items() if v} == {k: v for k, v in want.items() if v}


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
    st.sampled_from([2, 3, 101, PRIME, 2**61 - 1]),
    st.integers(1, 7).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(-2, 2), min_size=n, max_size=n), min_size=1, max_size=7
        )
    ),
)
def test_ranks_by_plain_elimination(prime: int, rows: list[list[int]]) -> None:
    work = check.Work()
    work.renew()
    sparse = [dict(enumerate(row)) for row in rows]
    assert check.rank_of(sparse, prime, work) == plain_rank(rows, prime)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=4), st.integers(0, 2))
def test_real_roots_by_construction(roots: list[int], pairs: int) -> None:
    f = [Fraction(1)]
    for factor in [*([-r, 1] for r in roots), *([[2, 1, 1]] * pairs)]:
        long = [Fraction(0)] * (len(f) + len(factor) - 1)
        for (i, x), (j, y) in product(enumerate(f), enumerate(factor)):
            long[i + j] += x * y
        f = long
    work = check.Work()
    work.renew()
    count, rest = check.real_roots(f, work)
    assert count == len(set(roots))
    assert len(rest) - 1 == len(f) - 1 - len(set(roots)) - 2 * bool(pairs)


# Hostile files.

HOSTILE = {
    "nothing": "",
    "no JSON": "{",
    "a list": "[]",
    "null": "null",
    "a number": "3",
    "a float": '{"schema": 1.5}',
    "an exponent": '{"schema": 1e999999999}',
    "not a number": '{"schema": NaN}',
    "a field twice": '{"schema": 1, "schema": 1}',
    "a long number": '{"schema": ' + "9" * 5000 + "}",
    "nested": "[" * 200_000,
    "nested and closed": "[" * 100_000 + "]" * 100_000,
    "nested a little": '{"schema": ' + "[" * 950 + "]" * 950 + "}",
    "half a letter": '{"schema": "\\ud800", "\\ud800": 1}',
    "another schema": json.dumps({**proof(KERNEL, PAIR), "schema": "convalgebra.certificate/2"}),
}


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


HUGE = [
    stack(conv(10**9)),
    stack(conv(3, stride=[10**9])),
    stack(*[conv(3, stride=[10**6])] * 3),
    stack(conv(3, dilation=[10**9]), conv(3, padding=[-(10**9)])),
    stack(conv(3, out=10**6), conv(3, out=10**6), conv(1, out=1)),
    stack(*[up(2, 2)] * 13),
    stack(*[{"op": "cat", "from": [i, i]} for i in range(60)], conv(1, out=1)),
    stack(*[{"op": "add", "from": [i, i]} for i in range(2000)]),
    stack(*[conv(2)] * 3000),
    stack(*[conv(1, taps=[-(10**900)])] * 500),
]


@pytest.mark.parametrize("number", range(len(HUGE)))
@pytest.mark.parametrize(
    "evidence",
    [
        claim("ambient", "left", count=1),
        claim("vanishes", "left", coordinates=[[0, [0], 0, [0]]], equations=[[[1, [[0, 9]]]]]),
        claim("covers", "right", "left", offset=[0]),
        claim("bound", "left", bound=1, tree=leaf(1, 1, "ambient")),
        packs("complex", unity=[{"axis": 0, "order": 10**9, "shares": []}]),
    ],
)
def test_huge_stacks_end_soon(number: int, evidence: Any, monkeypatch: Any, verdict: Any) -> None:
    monkeypatch.setattr(check, "WORK_OF_CLAIM", 200_000)
    monkeypatch.setattr(check, "WORK_OF_FILE", 1_000_000)
    answers = (("right", "left", "real", "all", [0]),)
    status, lines = verdict(proof(HUGE[number], KERNEL, evidence, answers=answers))
    assert status in (0, 1, 3)
    assert all(len(line) < 200 for line in lines)


ODD = st.sampled_from(
    [None, True, False, -1, 0, 1, 2, 10**9, 10**30, "", "left", "1/2", "1/0", [], {}, [[]], [0]]
)


@settings(max_examples=250)
@given(st.data())
def test_whatever_stands_there_nothing_breaks(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(TRUE)))
    found = copy.deepcopy(TRUE[name])
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
