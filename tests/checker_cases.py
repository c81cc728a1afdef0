"""Certificates by hand, true and false ones, and what the checker says about each of them.

`tests/every_guard_of_the_checker.py` runs them all on a checker without one of its guards.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

PRIME = 2**31 - 1
SCHEMA = "convalgebra.certificate/2"
SIDES, FIELDS = ("left", "right"), ("real", "complex", "rational")

# A stack is a list of layers, each a dict of what is not the default.


def steps_of(*layers: dict[str, Any], axes: int, channels: int) -> list[dict[str, Any]]:
    """The steps with everything that a layer is, for an oracle that reads no text."""
    steps: list[dict[str, Any]] = []
    widths = [channels]
    for index, layer in enumerate(layers, 1):
        source = layer.get("from", [index - 1])
        into = widths[source[0]]
        if layer.get("op") in ("add", "relu"):
            steps.append({"from": source, **layer})
            widths.append(into)
            continue
        fixed = "taps" in layer
        out = layer.get("out", into)
        one = {"op": "conv", "from": source, "size": layer["size"]}
        one |= {name: [1] * axes for name in ("stride", "dilation")} | {"padding": [0] * axes}
        one |= {"groups": into if fixed else 1, "channels": [into, out]}
        if not fixed:
            one |= {"weights": index, "bias": False}
        steps.append(one | {name: layer[name] for name in layer if name != "out"})
        widths.append(out)
    return steps


def as_text(step: dict[str, Any]) -> dict[str, Any]:
    """A step as it stands in a file."""
    found = {"layer": step["op"], "from": step["from"]}
    if "size" in step:
        names = {"": "size", "s": "stride", "p": "padding", "d": "dilation"}
        parts = [letter + "x".join(map(str, step[name])) for letter, name in names.items()]
        bias = "b" * step.get("bias", False)
        text = "".join(parts) + f"g{step['groups']}@{step['channels'][1]}{bias}"
        found["layer"] = step["op"].removeprefix("conv").replace("t", "convt") + text
    return found | {name: step[name] for name in ("weights", "taps") if name in step}


def stack(*layers: dict[str, Any], axes: int = 1, channels: int = 1) -> dict[str, Any]:
    steps = steps_of(*layers, axes=axes, channels=channels)
    written = list(map(as_text, steps))
    text = ",".join(step["layer"] for step in written)
    plain = text and all(
        step["from"] == [index] and step.get("weights", index + 1) == index + 1
        and not {"taps", "add"} & {*step, step["layer"]} and "-" not in step["layer"]
        for index, step in enumerate(written)
    )  # fmt: skip
    found = {"text": text if plain else "given by hand", "axes": axes, "channels": channels}
    return {**found, "steps": written}


def conv(*size: int, **more: Any) -> dict[str, Any]:
    return {"size": list(size), **more}


def up(size: int, stride: int, **more: Any) -> dict[str, Any]:
    return {"op": "convt", **conv(size, stride=[stride], **more)}


def fixed(*taps: Any) -> dict[str, Any]:
    """The same kernel along one axis for every channel."""
    return conv(len(taps), taps=[[0, 0, u, value] for u, value in enumerate(taps)])


def proof(left: Any, right: Any, *claims: Any, answers: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Left and right, claims, and answers: what none is given for is undecided."""
    listed = [dict(zip(("maker", "field", "answer"), one, strict=True)) for one in answers]
    rest = [one for one in product(SIDES, FIELDS) if one not in {a[:2] for a in answers}]
    return {
        "schema": SCHEMA,
        "left": left,
        "right": right,
        "claims": list(claims),
        "answers": listed,
        "undecided": [{"maker": maker, "field": over} for maker, over in rest],
    }


ONE, TWO, THREE, FIVE_TAPS = conv(1), conv(2), conv(3), conv(5)
PAIR = stack(TWO, TWO)  # w0 + w1 z times w2 + w3 z
KERNEL = stack(THREE)
SQUARE = stack(conv(2, 2), axes=2)
CROSS = stack(conv(2, 1), conv(1, 2), axes=2)


def claim(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    of = "maker" if kind in ("reproduces", "two_products", "packs") else "stack"
    return {"claim": kind, of: name, **fields}


def rank(value: int, *point: int, prime: int = PRIME, side: str = "right") -> dict[str, Any]:
    return claim("rank", side, prime=prime, point=list(point), rank=value)


WEIGHTS, COORDINATES = {"by": "weights"}, {"by": "coordinates"}


def bound(value: int, tree: Any) -> dict[str, Any]:
    return claim("bound", "right", bound=value, tree=tree)


def split(at: int, one: Any, two: Any, *point: int) -> dict[str, Any]:
    fields = {"at": at, "first": one, "second": two, "prime": PRIME, "point": list(point)}
    return {"by": "split", **fields}


def scale(factor: int = 1) -> list[Any]:
    """The first layer grows as the second one shrinks."""
    return [[0, 0, 1], [1, 1, 1], [2, 2, -1], [3, 3, -factor]]


def fields(value: int, *given: Any, point: tuple[int, ...] = (1, 2, 3, 4)) -> dict[str, Any]:
    found = {"fields": list(given), "prime": PRIME, "point": list(point), "rank": value}
    return {"by": "fields", **found}


SPLIT = split(1, WEIGHTS, WEIGHTS, 1, 2, 3, 4)
PRODUCT = [[[1, [[0, 1], [2, 1]]]], [[1, [[0, 1], [3, 1]]], [1, [[1, 1], [2, 1]]]],
           [[1, [[1, 1], [3, 1]]]]]  # fmt: skip
CORNERS = [[0, [0, 0], 0, [a, b]] for a, b in product((0, 1), repeat=2)]
MINOR = [[1, [[0, 1], [3, 1]]], [-1, [[1, 1], [2, 1]]]]


def vanishes(*equations: Any, members: tuple[Any, ...] = ()) -> dict[str, Any]:
    listed = [[weights, [0, 0]] for weights in members]
    return claim(
        "equations", "right", coordinates=CORNERS, equations=list(equations), members=listed
    )


def missed(over: str, *factors: Any, prime: int = PRIME) -> dict[str, Any]:
    listed = [[[list(place), tap] for place, tap in taps.items()] for taps in factors]
    return claim("missed", "right", field=over, factors=listed, prime=prime)


def line(*taps: int) -> dict[tuple[int, ...], int]:
    return {(place,): tap for place, tap in enumerate(taps) if tap}


def packs(over: str, **parts: Any) -> dict[str, Any]:
    empty = {"offset": [0], "shifts": [], "splits": [], "into": []}
    return claim("packs", "right", field=over, **{**empty, **parts})


def cut(roots: int, *rooms: int, layer: int = 0, number: int = 1) -> dict[str, Any]:
    """Some roots of one layer out of `number` to one layer, the others to another one."""
    into = [[number + piece, room] for piece, room in enumerate(rooms)]
    return {"splits": [["cut", layer, roots]], "into": into}


def signs(positive: int, *rooms: int) -> dict[str, Any]:
    into = [[1 + piece, room] for piece, room in enumerate(rooms)]
    return {"splits": [["signs", 0, positive]], "into": into}


def turns(number: int, *rooms: int, before: tuple[Any, ...] = ()) -> dict[str, Any]:
    """A layer turned, its pieces in these rooms."""
    last = 1 + len(before)
    into = [[last + piece, room] for piece, room in enumerate(rooms)]
    return {"splits": [*before, ["turn", last - 1, number]], "into": into}


FOUR, FIVE = stack(conv(4)), stack(conv(5))
THIRD = fixed("1/3", "1/3", "1/3")
MEAN = stack(THIRD, TWO)
PADDED = stack(conv(3, padding=[1]))
TRUE = {
    "a rank": proof(KERNEL, PAIR, rank(3, 1, 2, 3, 4)),
    "a rank where two layers are alike": proof(KERNEL, PAIR, rank(2, 1, 1, 1, 1)),
    "a rank mod 2": proof(KERNEL, PAIR, rank(3, 1, 0, 1, 1, prime=2)),
    "coordinates": proof(KERNEL, PAIR, bound(3, COORDINATES)),
    "coordinates on two lattices": proof(
        FOUR, stack(TWO, conv(2, dilation=[2])), bound(4, COORDINATES)
    ),
    "coordinates that cancel": proof(
        KERNEL,
        stack(fixed(1), fixed(-1), {"op": "add", "from": [0, 2]}),
        bound(0, COORDINATES),
    ),
    "a bound by weights": proof(KERNEL, PAIR, bound(4, WEIGHTS)),
    "a bound by coordinates": proof(KERNEL, PAIR, bound(3, COORDINATES)),
    "a bound by a seam": proof(KERNEL, PAIR, bound(3, SPLIT)),
    "a seam where nothing comes through": proof(
        KERNEL,
        PAIR,
        bound(4, split(1, WEIGHTS, WEIGHTS, 0, 0, 0, 0)),
    ),
    "a bound by a field": proof(KERNEL, PAIR, bound(3, fields(1, scale()))),
    "a field at a point where it vanishes": proof(
        KERNEL, PAIR, bound(4, fields(0, scale(), point=(0, 0, 0, 0)))
    ),
    "filters": proof(KERNEL, PAIR, claim("reproduces", "left", offset=[0],
                                         filters=PRODUCT)),
    "filters for a branch": proof(
        stack(ONE, {"op": "add", "from": [0, 1]}),
        stack(ONE),
        claim("reproduces", "left", offset=[0], filters=[[[1, [[0, 1]]], [-1, []]]]),
    ),
    "filters that move": proof(
        stack(conv(2)), stack(ONE),
        claim("reproduces", "left", offset=[1], filters=[[], [[1, [[0, 1]]]]]),
    ),
    "a minor": proof(SQUARE, CROSS, vanishes(MINOR)),
    "a minor that is violated": proof(
        SQUARE, CROSS, vanishes(MINOR, members=([1, 0, 0, 1],))
    ),
    "irreducible": proof(
        SQUARE, CROSS, missed("complex", {(0, 0): 1, (0, 1): 1, (1, 0): 1, (1, 1): 2})
    ),
    "two factors for three layers": proof(
        stack(conv(2, 2), conv(2, 2), axes=2), stack(conv(2, 3), conv(2, 1), axes=2),
        missed("complex", *[{(0, 0): 1, (0, 1): 1, (1, 0): 1, (1, 1): 2}] * 2),
    ),
    "too few real roots": proof(KERNEL, PAIR, missed("real", line(1, 0, 1))),
    "a root at infinity": proof(
        stack(conv(4)), stack(TWO, TWO, TWO), missed("real", line(1, 0, 1))
    ),
    "irreducible over Q": proof(KERNEL, PAIR, missed("rational", line(3, 0, 1), prime=3)),
    "roots over C": proof(
        KERNEL, PAIR,
        packs("complex", **cut(1, 0, 1)),
    ),
    "roots of both signs": proof(KERNEL, PAIR, packs("real", **signs(1, 0, 1))),
    "roots of one sign": proof(
        KERNEL, PAIR,
        packs("real", splits=[["signs", 0, 2], ["cut", 1, 1]], into=[[2, 0], [3, 1]]),
    ),
    "pairs over R": proof(
        FIVE, stack(THREE, THREE),
        packs("real", **cut(2, 0, 1)),
    ),
    "a pair and one over R": proof(
        FOUR, stack(THREE, TWO),
        packs("real", **cut(2, 0, 1)),
    ),
    "a whole layer": proof(stack(conv(2)), stack(ONE, THREE), packs("rational", into=[[0, 1]])),
    "a whole layer that moves": proof(
        stack(conv(2)), stack(ONE, THREE),
        packs("rational", into=[[0, 1]], shifts=[[1, [1]]], offset=[1]),
    ),
    "an average in one layer": proof(
        stack(THIRD, TWO), stack(conv(2), conv(3)), packs("rational", into=[[0, 1], [1, 0]])
    ),
    "an average in two layers": proof(
        stack(THIRD, ONE), PAIR, packs("complex", **cut(1, 0, 1, number=2))
    ),
    "the same average": proof(
        MEAN, stack(TWO, THIRD), packs("rational", into=[[0, 1], [1, 0]])
    ),
    "cycles of roots": proof(
        stack(conv(2, dilation=[2])), PAIR,
        packs("complex", **turns(2, 0, 1)),
    ),
    "cycles of positive roots": proof(
        stack(conv(2, dilation=[2])), PAIR,
        packs("real", **turns(2, 0, 1, before=(["signs", 0, 1],))),
    ),
    "cycles of roots over R": proof(
        stack(conv(2, dilation=[6])), stack(THREE, conv(3), THREE),
        packs("real", **turns(6, 0, 1, 2)),
    ),
    "an odd cycle over R": proof(
        stack(conv(2, dilation=[3])), stack(THREE, TWO), packs("real", **turns(3, 1, 0))
    ),
    "cycles of two roots over R": proof(
        stack(conv(3, dilation=[2])), stack(THREE, THREE), packs("real", **turns(2, 0, 1))
    ),
    "cycles of negative roots": proof(
        stack(conv(3, dilation=[3])), stack(THREE, FIVE_TAPS),
        packs("real", **turns(3, 0, 1, before=(["signs", 0, 0],))),
    ),
    "a cycle in two lattices": proof(
        stack(conv(2, dilation=[4])), stack(conv(2, dilation=[2]), THREE),
        packs("complex", splits=[["turn", 0, 2], ["turn", 2, 2]], into=[[1, 0], [3, 1], [4, 1]]),
    ),
    "relu twice": proof(
        stack(conv(1, out=2), {"op": "relu"}, conv(1, out=1)), stack(ONE),
        claim("reproduces", "left", offset=[0],
              filters=[[[1, []]], [[-1, []]], [[1, [[0, 1]]]], [[-1, [[0, 1]]]]]),
    ),
    "two products": proof(
        stack(conv(3, 3), axes=2), stack(conv(2, 2, out=2), conv(2, 2, out=1), axes=2),
        claim("two_products", "right", offset=[0, 0]),
    ),
    "nothing at all": proof(KERNEL, stack(), bound(1, COORDINATES), bound(0, WEIGHTS)),
    "an absolute value": proof(
        stack(ONE), stack(conv(1, out=2), {"op": "relu"}, conv(1, out=1)),
        claim("nonlinear", "right", weights=[0, "1/2"]),
    ),
    "a relu of a relu": proof(
        stack(ONE), stack(ONE, {"op": "relu"}, {"op": "relu"}, conv(2)),
        claim("nonlinear", "right", weights=[0, 1]),
    ),
    "a relu at the end": proof(
        stack(ONE), stack(ONE, {"op": "relu"}), claim("nonlinear", "right", weights=[])
    ),
    "a relu after a bias": proof(
        stack(ONE), stack(conv(1, bias=True), {"op": "relu"}, conv(2, bias=True)),
        claim("nonlinear", "right", weights=[0, 1, 5]),
    ),
}  # fmt: skip
FALSE = {
    "a rank that is too large": proof(KERNEL, PAIR, rank(3, 1, 1, 1, 1)),
    "a rank that is too small": proof(KERNEL, PAIR, rank(2, 1, 2, 3, 4)),
    "a rank mod 15": proof(KERNEL, PAIR, rank(3, 1, 2, 3, 4, prime=15)),
    "a rank mod a pseudoprime": proof(KERNEL, PAIR, rank(3, 1, 2, 3, 4, prime=3215031751)),
    "a short point": proof(KERNEL, PAIR, rank(3, 1, 2, 3)),
    "too many coordinates": proof(KERNEL, PAIR, bound(4, COORDINATES)),
    "coordinates that cancel": proof(
        KERNEL,
        stack(fixed(1), fixed(-1), {"op": "add", "from": [0, 2]}),
        bound(1, COORDINATES),
    ),
    "a bound without a seam": proof(KERNEL, PAIR, bound(3, WEIGHTS)),
    "a bound of one layer": proof(KERNEL, PAIR, bound(2, WEIGHTS)),
    "a seam where nothing comes through": proof(
        KERNEL,
        PAIR,
        bound(3, split(1, WEIGHTS, WEIGHTS, 0, 0, 0, 0)),
    ),
    "a seam after a fixed layer": proof(
        FOUR, MEAN,
        bound(1, split(1, WEIGHTS, WEIGHTS, 1, 1)),
    ),
    "a field that changes something": proof(KERNEL, PAIR, bound(3, fields(1, scale(2)))),
    "a constant field": proof(
        KERNEL, PAIR, bound(3, fields(1, {"linear": [], "constant": [[0, 1]]}))
    ),
    "one field twice": proof(KERNEL, PAIR, bound(2, fields(2, scale(), scale()))),
    "filters of another kernel": proof(
        KERNEL, PAIR, claim("reproduces", "left", offset=[0], filters=PRODUCT[::-1])
    ),
    "filters elsewhere": proof(
        KERNEL, PAIR, claim("reproduces", "left", offset=[1], filters=PRODUCT)
    ),
    "a bias is lost": proof(
        stack(ONE), stack(conv(1, bias=True)),
        claim("reproduces", "left", offset=[0], filters=[[[1, [[0, 1]]]]]),
    ),
    "a permanent": proof(SQUARE, CROSS, vanishes([MINOR[0], [1, MINOR[1][1]]])),
    "a high power of one weight is another": proof(
        stack(TWO),
        stack(ONE, *[conv(1, weights=1)] * 255, conv(1, padding=[-1], **{"from": [0]}),
              {"op": "add", "from": [256, 257]}),
        claim("equations", "right", coordinates=[[0, [0], 0, [0]], [0, [0], 0, [1]]],
              equations=[[[1, [[0, 1]]], [-1, [[1, 1]]]]], members=[]),
    ),
    "no equation": proof(SQUARE, CROSS, vanishes([])),
    "an equation twice": proof(SQUARE, CROSS, vanishes(MINOR, MINOR[::-1])),
    "a minor that holds": proof(SQUARE, CROSS, vanishes(MINOR, members=([1, 1, 1, 1],))),
    "another offset": proof(
        SQUARE, CROSS, {**vanishes(MINOR), "members": [[[1, 0, 0, 1], [1, 0]]]}
    ),
    "one member of two": proof(
        SQUARE, CROSS, vanishes(MINOR, members=([1, 0, 0, 1], [1, 1, 1, 1]))
    ),
    "a short member": proof(SQUARE, CROSS, vanishes(MINOR, members=([1, 0, 0],))),
    "equations of the other stack": proof(
        SQUARE, CROSS, {**vanishes(MINOR), "stack": "left"},
    ),
    "a product": proof(
        SQUARE, CROSS, missed("complex", {(0, 0): 1, (0, 1): 2, (1, 0): 3, (1, 1): 6})
    ),
    "a product over C only": proof(
        stack(conv(3, 3), axes=2), stack(conv(2, 3), conv(2, 1), axes=2),
        missed("complex", {(2, 0): 1, (0, 2): 1}),
    ),
    "irreducible, but it fits": proof(
        SQUARE, stack(conv(2, 2), conv(1, 2), axes=2),
        missed("complex", {(0, 0): 1, (0, 1): 1, (1, 0): 1, (1, 1): 2}),
    ),
    "two factors for two layers": proof(
        stack(conv(2, 2), conv(2, 2), axes=2), stack(conv(2, 3), conv(2, 2), axes=2),
        missed("complex", *[{(0, 0): 1, (0, 1): 1, (1, 0): 1, (1, 1): 2}] * 2),
    ),
    "three axes": proof(
        stack(conv(2, 2, 2), axes=3), stack(conv(2, 2, 1), conv(1, 1, 2), axes=3),
        missed("complex", {(0, 0, 0): 1, (1, 0, 0): 1, (0, 1, 0): 1, (0, 0, 1): 1}),
    ),
    "several roots": proof(KERNEL, PAIR, missed("complex", line(1, 0, 1))),
    "two real roots": proof(KERNEL, PAIR, missed("real", line(-1, 0, 1))),
    "three taps": proof(KERNEL, PAIR, missed("real", line(1, 1, 1))),
    "enough real roots": proof(FOUR, stack(THREE, TWO), missed("real", line(1, 0, 0, 1))),
    "reducible over Q": proof(KERNEL, PAIR, missed("rational", line(4, 0, 1), prime=2)),
    "two roots in one place": proof(
        KERNEL, PAIR, packs("complex", **cut(1, 0, 0))
    ),
    "a root is forgotten": proof(
        KERNEL, PAIR, packs("complex", splits=[["cut", 0, 1]], into=[[1, 0]])
    ),
    "a pair in two places over R": proof(
        KERNEL, PAIR, packs("real", **cut(1, 0, 1))
    ),
    "two single real roots": proof(
        stack(conv(2, dilation=[2])), PAIR, packs("real", **turns(2, 0, 1))
    ),
    "several real roots turned at once": proof(
        stack(conv(4, dilation=[3])), stack(conv(4), conv(7)), packs("real", **turns(3, 0, 1))
    ),
    "a cut beyond the roots": proof(KERNEL, PAIR, packs("complex", **cut(2, 0, 1))),
    "a cut of nothing": proof(KERNEL, PAIR, packs("complex", **cut(0, 0, 1))),
    "signs of more roots": proof(KERNEL, PAIR, packs("real", **signs(3, 0, 1))),
    "signs over C": proof(KERNEL, PAIR, packs("complex", **signs(1, 0, 1))),
    "signs of an average": proof(stack(THIRD, ONE), PAIR, packs("real", **signs(1, 0, 1))),
    "signs of a piece of an average": proof(
        stack(fixed(*["1/5"] * 5), ONE), stack(TWO, TWO, TWO, TWO),
        packs(
            "real",
            splits=[["cut", 0, 2], ["signs", 2, 2], ["signs", 3, 2], ["cut", 4, 1], ["cut", 5, 1]],
            into=[[6, 0], [7, 1], [8, 2], [9, 3]],
        ),
    ),
    "signs of roots of roots": proof(  # z^4 = r has two real solutions at most
        stack(conv(3, dilation=[4])), stack(*[TWO] * 8),
        packs(
            "real",
            splits=[["turn", 0, 2], ["signs", 1, 2], ["signs", 2, 2], ["turn", 3, 2],
                    ["turn", 4, 2], *(["cut", piece, 1] for piece in (5, 6, 7, 8))],
            into=[[9 + room, room] for room in range(8)],
        ),
    ),
    "signs again": proof(
        KERNEL, PAIR,
        packs("real", splits=[["signs", 0, 2], ["signs", 1, 1]], into=[[2, 0], [3, 1]]),
    ),
    "a turn off the lattice": proof(
        stack(conv(2, dilation=[3])), PAIR, packs("complex", **turns(2, 0, 1))
    ),
    "negative roots that are real": proof(
        stack(conv(2, dilation=[2])), PAIR,
        packs("real", **turns(2, 0, 1, before=(["signs", 0, 0],))),
    ),
    "a layer of two axes that is split": proof(
        stack(conv(3, 3), axes=2), stack(conv(2, 2), conv(2, 2), axes=2),
        {**packs("complex", **cut(1, 0, 1)), "offset": [0, 0]},
    ),
    "a piece of an average as an average": proof(
        stack(fixed(1, 1, 1), conv(1)), stack(fixed(1, 1), TWO),
        packs("complex", **cut(1, 0, 1, number=2)),
    ),
    "roots over Q": proof(
        KERNEL, PAIR,
        packs("rational", **cut(1, 0, 1)),
    ),
    "a whole layer twice": proof(
        stack(conv(2)), stack(TWO, TWO), packs("rational", into=[[0, 0], [0, 1]])
    ),
    "a whole layer that is too large": proof(
        stack(THREE), stack(TWO, TWO), packs("rational", into=[[0, 0]])
    ),
    "a whole layer off the lattice": proof(
        stack(TWO), stack(conv(2, dilation=[2])), packs("rational", into=[[0, 0]])
    ),
    "a layer that moves too far": proof(
        stack(TWO), stack(ONE, THREE),
        packs("rational", into=[[0, 1]], shifts=[[1, [2]]], offset=[2]),
    ),
    "an average in two layers over R": proof(
        stack(THIRD, ONE), PAIR, packs("real", **cut(1, 0, 1, number=2))
    ),
    "another average": proof(
        stack(fixed("1/2", "1/2"), TWO), stack(TWO, THIRD),
        packs("rational", into=[[0, 1], [1, 0]]),
    ),
    "a free layer as an average": proof(
        stack(THREE, TWO), stack(TWO, THIRD), packs("rational", into=[[0, 1], [1, 0]])
    ),
    "an average is forgotten": proof(
        MEAN, stack(conv(2), conv(3)), packs("rational", into=[[0, 1]])
    ),
    "averages of other scale": proof(
        stack(THIRD), stack(fixed(1, 1, 1)), packs("rational")
    ),
    "a relu by itself": proof(
        stack(conv(1, out=2), {"op": "relu"}, conv(1, out=1)), stack(ONE),
        claim("reproduces", "left", offset=[0],
              filters=[[[1, []]], [], [[1, [[0, 1]]]], []]),
    ),
    "relus with one sign": proof(
        stack(conv(1, out=2), {"op": "relu"}, conv(1, out=1)), stack(ONE),
        claim("reproduces", "left", offset=[0],
              filters=[[[1, []]], [[-1, []]], [[1, [[0, 1]]]], [[1, [[0, 1]]]]]),
    ),
    "a relu that is left out": proof(
        stack(ONE, {"op": "relu"}), stack(ONE),
        claim("reproduces", "left", offset=[0], filters=[[[1, [[0, 1]]]]]),
    ),
    "two units in every output": proof(
        stack(ONE), stack(conv(1, out=2), {"op": "relu"}, conv(1, out=1)),
        claim("nonlinear", "right", weights=[1, -1]),
    ),
    "two relus": proof(
        stack(ONE), stack(ONE, {"op": "relu"}, ONE, {"op": "relu"}),
        claim("nonlinear", "right", weights=[1]),
    ),
    "no relu": proof(stack(ONE), PAIR, claim("nonlinear", "right", weights=[1, 1])),
    **{
        f"no two products: {name}": proof(
            stack(conv(3, 3), axes=2), stack(*layers, axes=2),
            claim("two_products", "right", offset=offset),
        )
        for name, offset, *layers in [
            ("one product", [0, 0], conv(2, 2), conv(2, 2)),
            ("elsewhere", [1, 0], conv(2, 2, out=2), conv(2, 2, out=1)),
            ("no layer 2x2", [0, 0], conv(3, 1, out=2), conv(1, 3, out=1)),
            ("less than the kernel", [0, 0], conv(2, 2, out=2), conv(2, 1, out=1)),
            ("a dilation", [0, 0], conv(2, 2, out=2, dilation=[2, 2]), conv(2, 2, out=1)),
            ("a bias inside", [0, 0], conv(2, 2, out=2, bias=True), conv(2, 2, out=1)),
            ("three layers", [0, 0], conv(2, 2, out=2), conv(2, 2, out=1), conv(1, 1)),
            ("pairs without a partner", [0, 0],
             conv(2, 2, out=3), {"op": "relu"}, conv(2, 2, out=1)),
            ("shared weights", [0, 0], conv(2, 2), conv(2, 2, weights=1)),
            ("one layer", [0, 0], conv(3, 3)),
            ("nothing", [0, 0]),
        ]
    },
    "no two products: a stride": proof(
        stack(conv(3, 3, stride=[2, 2]), axes=2),
        stack(conv(2, 2, out=2, stride=[2, 2]), conv(2, 2, out=1), axes=2),
        claim("two_products", "right", offset=[0, 0]),
    ),
    "no two products: two outputs": proof(
        stack(conv(3, 3, out=2), axes=2),
        stack(conv(2, 2, out=2), conv(2, 2, out=2), axes=2),
        claim("two_products", "right", offset=[0, 0]),
    ),
    "units that are 0": proof(
        stack(conv(1, out=1)),
        stack(fixed(1), fixed(-1), {"op": "add", "from": [0, 2]}, {"op": "relu"}, ONE),
        claim("nonlinear", "right", weights=[1]),
    ),
}  # fmt: skip


WIDE = stack(conv(3, dilation=[2]))
ANSWERED = [
        (proof(KERNEL, PAIR), ("left", "real", "all"), 0),
        (proof(KERNEL, PAIR), ("left", "real", "thin"), 1),
        (proof(FOUR, PAIR), ("left", "rational", "all"), 0),
        (proof(WIDE, stack(conv(2, dilation=[4]))), ("left", "real", "all"), 0),
        (proof(WIDE, PAIR), ("left", "real", "thin"), 0),
        (proof(KERNEL, stack(TWO, conv(2, bias=True))), ("left", "real", "thin"), 0),
        (proof(stack(conv(3, groups=2), channels=2), stack(TWO, channels=2)),
         ("left", "real", "thin"), 0),
        (proof(FIVE, stack(conv(2, stride=[2]), {"op": "convt", **conv(2, stride=[2])})),
         ("left", "real", "all"), 3),
        (TRUE["a rank"], ("right", "real", "part"), 0),
        (proof(KERNEL, PAIR), ("right", "real", "part"), 3),
        (TRUE["a rank"], ("right", "complex", "dense"), 0),
        (TRUE["a rank"], ("right", "complex", "part"), 1),
        (TRUE["a rank"], ("right", "complex", "thin"), 1),
        (TRUE["a rank"], ("right", "complex", "all"), 3),
        (TRUE["a rank"], ("right", "rational", "all"), 3),
        (TRUE["a rank where two layers are alike"], ("right", "real", "part"), 3),
        (TRUE["roots over C"], ("right", "complex", "all"), 0),
        (TRUE["roots over C"], ("right", "real", "part"), 3),
        (TRUE["roots of one sign"], ("right", "real", "part"), 0),
        (TRUE["roots of both signs"], ("right", "real", "part"), 0),
        (TRUE["roots of both signs"], ("right", "real", "all"), 3),
        (TRUE["roots of both signs"], ("right", "complex", "all"), 3),
        (TRUE["pairs over R"], ("right", "real", "all"), 0),
        (TRUE["roots over C"], ("right", "real", "all"), 3),
        (TRUE["an average in two layers"], ("right", "complex", "all"), 0),
        (TRUE["an average in two layers"], ("right", "real", "part"), 3),
        (TRUE["irreducible over Q"], ("right", "rational", "thin"), 0),
        (TRUE["irreducible over Q"], ("right", "complex", "thin"), 3),
        (TRUE["irreducible"], ("right", "rational", "thin"), 0),
        (TRUE["two factors for three layers"], ("right", "complex", "thin"), 0),
        (TRUE["a minor that is violated"], ("right", "real", "thin"), 0),
        (TRUE["relu twice"], ("left", "real", "all"), 0),
        (TRUE["relu twice"], ("left", "complex", "all"), 3),
        (TRUE["an absolute value"], ("left", "real", "thin"), 0),
        (TRUE["an absolute value"], ("left", "real", "all"), 1),
        (TRUE["an absolute value"], ("left", "complex", "thin"), 3),
        (TRUE["an absolute value"], ("right", "real", "thin"), 3),
        (proof(FOUR, KERNEL), ("right", "real", "thin"), 0),
        (proof(stack(conv(2, 3), axes=2), stack(conv(3, 2), axes=2)),
         ("left", "complex", "thin"), 0),
    ]  # fmt: skip


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
    "nested a little": '{"schema": ' + "[" * 100 + "]" * 100 + "}",
    "half a letter": '{"schema": "\\ud800", "\\ud800": 1}',
    "another schema": json.dumps({**proof(KERNEL, PAIR), "schema": "convalgebra.proof/2"}),
}


NO_LAYERS = [
    *("", "x", "0", "3s0", "3d0", "3g2", "3@0", "3g0", "3x3", "3s", "3s1x1", "3p--1", "3 ", "b3"),
    *("avg3", "3bb", "9" * 11, "3@9999999999", "\u0663", "add,3", "3,add", None, 3, [], {}),
]


HUGE = [
    stack(conv(10**9)),
    stack(conv(3, stride=[10**9])),
    stack(*[conv(3, stride=[10**6])] * 3),
    stack(conv(3, dilation=[10**9]), conv(3, padding=[-(10**9)])),
    stack(conv(3, out=10**6), conv(3, out=10**6), conv(1, out=1)),
    stack(*[up(2, 2)] * 13),
    stack(*[conv(2, out=2**i) for i in range(20)], conv(1, out=1)),
    stack(*[{"op": "add", "from": [i, i]} for i in range(2000)]),
    stack(*[conv(2)] * 3000),
    stack(*[fixed(-(10**900))] * 500),
]


def answered(data: Any, answer: Any) -> Any:
    """The same with one answer; what was listed as undecided stays so but for that question."""
    rest = [one for one in data["undecided"] if (one["maker"], one["field"]) != answer[:2]]
    names = ("maker", "field", "answer")
    return {**data, "answers": [dict(zip(names, answer, strict=True))], "undecided": rest}


class Case(NamedTuple):
    """A certificate, or the text of a file, for a checker with other limits."""

    data: Any
    limits: dict[str, int] = {}  # noqa: RUF012


def outcome(check: Any, case: Case, path: Path) -> list[Any]:
    """The exit status and the lines, in a short way; or the name of what was raised."""
    before = {name: getattr(check, name) for name in case.limits}
    vars(check).update(case.limits)
    lines: list[Any] = []
    try:
        if isinstance(case.data, Path):
            return [check.read(str(path.parent / case.data))]
        if isinstance(case.data, str):
            path.write_text(case.data, encoding="utf-8", errors="surrogatepass")
            return [check.verify(check.read(str(path)), lines.append), *lines]
        return [check.verify(case.data, lines.append), *lines]
    except Exception as error:
        return [type(error).__name__, str(error)]
    finally:
        vars(check).update(before)


def side(**changes: Any) -> Any:
    """A certificate whose left stack is not what it should be."""
    return proof({**KERNEL, **changes}, KERNEL)


def steps(*given: Any, axes: int = 1, channels: int = 1, text: str = "by hand") -> Any:
    """A certificate about a stack of these steps."""
    return proof({"text": text, "axes": axes, "channels": channels, "steps": list(given)}, KERNEL)


def written(text: str, channels: int = 1, axes: int = 1, **limits: int) -> Case:
    """A certificate about a stack with this text, against itself."""
    one = {"text": text, "axes": axes, "channels": channels}
    return Case(proof(one, one), limits)


def layer(text: str, *sources: int, **more: Any) -> dict[str, Any]:
    return {"layer": text, "from": list(sources or (0,)), **more}


def product_claim(left: Any, right: Any) -> Any:
    return proof(left, right, claim("two_products", "right", offset=[0, 0]))


def filters(*given: Any, **more: Any) -> Any:
    """Of one weight of KERNEL in terms of those of PAIR."""
    return proof(
        KERNEL, PAIR, claim("reproduces", "left", offset=[0], filters=[*given, [], []], **more)
    )


ALONE = stack(ONE)
ADD, RELU = {"op": "add", "from": [0, 1]}, {"op": "relu"}
NINE, HIDDEN, LAST = conv(3, 3), conv(2, 2, out=2), conv(2, 2, out=1)
MEAN_OF_4 = [[o, 0, u, "1/4"] for o in (0, 1) for u in range(4)]
BRANCHES = stack(conv(1, weights=1), ADD)
MALFORMED: dict[str, Any] = {
    "no object": 1,
    "a field is missing": {"schema": SCHEMA},
    "a field too many": {**proof(KERNEL, KERNEL), "proof": 1},
    "an older version": {"schema": "convalgebra.certificate/1", "all": "else"},
    "no schema": {**proof(KERNEL, KERNEL), "schema": 2},
    "aligned is 1": {**proof(KERNEL, KERNEL), "aligned": 1},
    "not aligned": {**proof(KERNEL, KERNEL), "aligned": False},
    "answers are no list": {**proof(KERNEL, KERNEL), "answers": {}},
    "claims are no list": {**proof(KERNEL, KERNEL), "claims": {}},
    "no claim": proof(KERNEL, KERNEL, 3),
    "a claim of no kind": proof(KERNEL, KERNEL, {"claim": ["rank"]}),
    "501 claims": proof(KERNEL, KERNEL, *[3] * 501),
    "an answer twice": {**proof(KERNEL, KERNEL), "answers": [
        {"maker": "left", "field": "real", "answer": "all"}] * 2, "undecided": []},
    "answered and undecided": {**proof(KERNEL, KERNEL), "answers": [
        {"maker": "left", "field": "real", "answer": "all"}]},
    "no word for an answer": proof(KERNEL, KERNEL, answers=(("left", "real", "some"),)),
    "a list for a word": proof(KERNEL, KERNEL, answers=(("left", "real", ["all"]),)),
    "nothing undecided": {**proof(KERNEL, KERNEL), "undecided": False},
    "a member is missed": proof(KERNEL, PAIR, rank(3, 1, 2, 3, 4), missed("real", line(1, 0, 1)),
                                answers=(("right", "real", "all"),)),
    "other axes": proof(KERNEL, SQUARE),
    "other channels": proof(KERNEL, stack(conv(3, out=2))),
    "other strides": proof(KERNEL, stack(conv(3, stride=[2]))),
    # Stacks.
    "a text that is a number": side(text=3),
    "a long text": side(text="3," * 50_001),
    "no axes": side(axes=0),
    "seven axes": side(axes=7),
    "true axes": side(axes=True),
    "a fraction of an axis": side(axes="1/1"),
    "no channels": side(channels=0),
    "padded is 1": side(padded=1),
    "padded": side(padded=True),
    "steps that are false": side(steps=False),
    "steps of another text": side(steps=[layer("4")]),
    "weights of another text": side(text="3,3", steps=[layer("3"), layer("3", 1, weights=1)]),
    "one step reads nothing": steps({"layer": "3", "from": []}),
    "one step reads itself": steps(layer("3", 1)),
    "a sum of one": steps(layer("add")),
    "two are read": steps(layer("3"), layer("3", 0, 1)),
    "a sum with weights": steps(layer("3"), layer("add", 0, 1, weights=1)),
    "a relu with taps": steps(layer("relu", taps=[])),
    "a sum of 1 and 2 channels": steps(layer("3@2"), layer("add", 0, 1)),
    "branches of other strides": steps(layer("3s2"), layer("add", 0, 1)),
    "a size of 0": steps(layer("0")),
    "2 groups of 3": steps(layer("3g2@2"), channels=3),
    "2 groups give 3": steps(layer("3g2@3"), channels=2),
    "3 groups of 2": steps(layer("3g3@3"), channels=2),
    "no groups": steps(layer("3g0")),
    "no channels go out": steps(layer("3@0")),
    "too many channels go out": steps(layer("3@1000001")),
    "two strides for one axis": steps(layer("3s1x1")),
    "taps and weights": steps(layer("1"), layer("1", 1, taps=[[0, 0, 0, 1]], weights=1)),
    "taps and a bias": steps(layer("1b", taps=[[0, 0, 0, 1]])),
    "a tap twice": steps(layer("1", taps=[[0, 0, 0, 1], [0, 0, 0, 1]])),
    "a tap twice with other values": steps(layer("1", taps=[[0, 0, 0, 1], [0, 0, 0, 2]])),
    "a tap of 0": steps(layer("1", taps=[[0, 0, 0, 0]])),
    "a tap outside": steps(layer("1", taps=[[0, 0, 1, 1]])),
    "a tap of another channel": steps(layer("1", taps=[[1, 0, 0, 1]])),
    "a tap before": steps(layer("2", taps=[[0, 0, -1, 1]])),
    "a tap of three": steps(layer("1", taps=[[0, 0, 0]])),
    "a tap that is a word": steps(layer("1", taps=[[0, 0, 0, "one"]])),
    "a tap that is true": steps(layer("1", taps=[[0, 0, 0, True]])),
    "a tap over 0": steps(layer("1", taps=[[0, 0, 0, "1/0"]])),
    "a tap in other digits": steps(layer("1", taps=[[0, 0, 0, "\u0661/2"]])),
    "weights of a later step": steps(layer("3", weights=2)),
    "weights of another size": steps(layer("3"), layer("2", 1, weights=1)),
    "weights of a step without": steps(layer("3"), layer("add", 0, 1), layer("3", 2, weights=2)),
    # Claims.
    "a rank mod 2^64": proof(KERNEL, PAIR, rank(3, 1, 2, 3, 4, prime=2**64 + 13)),
    "a rank mod 1": proof(KERNEL, PAIR, rank(3, 1, 2, 3, 4, prime=1)),
    "a rank that is true": proof(ALONE, ALONE, {**rank(1, 1), "rank": True}),
    "the rank of a relu": proof(stack(ONE, RELU), ALONE, rank(1, 1, side="left")),
    "a rank mod a denominator": proof(KERNEL, stack(THIRD, ONE), rank(1, 1, prime=3)),
    "a bound with a relu": proof(ALONE, stack(ONE, RELU), bound(1, WEIGHTS)),
    "a bound without a tree": proof(KERNEL, PAIR, bound(4, 1)),
    "a bound by a word": proof(KERNEL, PAIR, bound(4, {"by": "all"})),
    "a bound with more": proof(KERNEL, PAIR, bound(4, {"by": "weights", "at": 1})),
    "a sum that is split": proof(ALONE, stack(ONE, ADD), bound(1, split(1, WEIGHTS, WEIGHTS, 1))),
    "a split at the end": proof(KERNEL, PAIR, bound(3, split(2, WEIGHTS, WEIGHTS, 1, 2, 3, 4))),
    "a seam before a fixed layer": proof(
        FOUR, stack(TWO, THIRD), bound(1, split(1, WEIGHTS, WEIGHTS, 1, 1))),
    "a field with an entry twice": proof(
        KERNEL, PAIR, bound(2, fields(2, scale(), [*scale(), scale()[0]]))),
    "a field with two values": proof(
        KERNEL, PAIR, bound(3, fields(1, [*scale(), [0, 0, 2]]))),
    "a field of another weight": proof(KERNEL, PAIR, bound(3, fields(1, [[4, 0, 1]]))),
    "a field without value": proof(KERNEL, PAIR, bound(3, fields(1, [[0, 0]]))),
    "a field of another rank": proof(KERNEL, PAIR, bound(2, fields(2, scale()))),
    "two words": filters([["x", []]]),
    "a variable twice": filters([[1, [[0, 1], [0, 1]]]]),
    "a power of 0": filters([[1, [[0, 0]]]]),
    "no such variable": filters([[1, [[4, 1]]]]),
    "a degree of 61": filters([[1, [[0, 30], [1, 31]]]]),
    "a term twice": filters([[1, [[0, 1], [1, 1]]], [1, [[1, 1], [0, 1]]]]),
    "a term of 0": filters([[0, [[0, 1]]]]),
    "a term of three": filters([[1, [], 1]]),
    "filters for more": proof(ALONE, ALONE,
                              claim("reproduces", "left", offset=[0], filters=[[], []])),
    "two offsets": proof(ALONE, ALONE,
                         claim("reproduces", "left", offset=[0, 0], filters=[[]])),
    "a relu of a relu": proof(
        stack(ONE, RELU, RELU), ALONE,
        claim("reproduces", "left", offset=[0], filters=[[[1, [[0, 1]]]]])),
    "a relu is made": proof(
        ALONE, stack(ONE, RELU),
        claim("reproduces", "left", offset=[0], filters=[[[1, [[0, 1]]]]])),
    "a long period": Case(proof(
        stack(conv(3, stride=[101]), up(3, 101)), stack(conv(3, stride=[103]), up(3, 103)),
        answers=(("left", "real", "thin"),)), {"MAX_PHASES": 200}),
    "too many phases": proof(stack(conv(3, stride=[5000]), up(3, 5000)), KERNEL),
    "a stride of 10^30": proof(*[stack(*[conv(1, stride=[10**9])] * 4)] * 2),
    "no equations": proof(SQUARE, CROSS, vanishes()),
    "a coordinate of three": proof(
        SQUARE, CROSS, {**vanishes(MINOR), "coordinates": [[0, [0, 0], 0]] * 4}),
    "a coordinate of another channel": proof(
        SQUARE, CROSS, {**vanishes(MINOR), "coordinates": [[1, [0, 0], 0, [0, 0]]] * 4}),
    "a member with two shifts": proof(
        SQUARE, CROSS, {**vanishes(MINOR), "members": [[[1, 0, 0, 1], [0, 0], [0, 0], [0, 0]]]}),
    "a member without a shift": proof(
        SQUARE, CROSS, {**vanishes(MINOR), "members": [[[1, 0, 0, 1]]]}),
    "a tap of a kernel twice": proof(KERNEL, PAIR, {
        **missed("real"), "factors": [[[[0], 1], [[2], 1], [[2], 1]]]}),
    "a tap of a kernel is 0": proof(KERNEL, PAIR, {
        **missed("real"), "factors": [[[[0], 1], [[2], 1], [[1], 0]]]}),
    "no kernel": proof(SQUARE, CROSS, missed("complex", {})),
    "two kernels": proof(KERNEL, PAIR, missed("real", line(1, 0, 1), line(1, 0, 1))),
    "a kernel along two axes": proof(SQUARE, CROSS, missed("real", {(0, 0): 1, (1, 1): 1})),
    "layers on two lattices": proof(
        stack(conv(4)), stack(TWO, conv(2, dilation=[2])), missed("real", line(1, 0, 1))),
    "a kernel off the lattice": proof(
        stack(FIVE_TAPS), stack(*[conv(2, dilation=[2])] * 2), missed("real", line(1, 0, 0, 1))),
    "a kernel that is too large": proof(KERNEL, PAIR, missed("real", line(1, 0, 0, 0, 1))),
    "a kernel of fractions": proof(KERNEL, PAIR, missed(
        "rational", {(0,): "3/2", (2,): 1}, prime=3)),
    "a kernel of a stack that is no chain": proof(
        ALONE, stack(ONE, ADD), missed("real", line(1, 0, 1))),
    "a kernel of two channels": proof(
        ALONE, stack(conv(1, out=2), conv(1, out=1)), missed("real", line(1, 0, 1))),
    "a kernel of taps that differ": proof(
        KERNEL, stack(fixed(1, 2), TWO), missed("real", line(1, 0, 1))),
    "many ways": proof(
        KERNEL, stack(*[TWO] * 20), missed("complex", *[line(1, 1)] * 5)),
    "a new average": proof(stack(TWO), stack(TWO, THIRD), packs("rational", into=[[0, 0]])),
    "an average twice": proof(
        stack(THIRD, THIRD, ONE), stack(THIRD, ONE), packs("rational", into=[[0, 0], [1, 0]])),
    "no such layer": proof(stack(TWO), stack(TWO), packs("rational", into=[[0, 1]])),
    "no such split": proof(KERNEL, PAIR, packs("complex", splits=[["saw", 0, 1]])),
    "a split of no layer": proof(KERNEL, PAIR, packs("complex", splits=[["cut", 7, 1]])),
    "packs over F_2": proof(stack(TWO), stack(TWO), packs("F_2", into=[[0, 0]])),
    "one turn": proof(stack(conv(2)), stack(TWO), packs("complex", **turns(1, 0))),
    "a layer moves twice": proof(
        stack(conv(2)), stack(ONE, THREE),
        packs("rational", into=[[0, 1]], shifts=[[1, [1]]] * 2, offset=[1])),
    "a move of no layer": proof(
        stack(conv(2)), stack(TWO), packs("rational", into=[[0, 0]], shifts=[[2, [0]]])),
    "a move back": proof(stack(conv(2)), stack(THREE),
                         packs("rational", into=[[0, 0]], shifts=[[0, [-1]]], offset=[-1])),
    "another place": proof(
        stack(conv(2)), stack(TWO), packs("rational", into=[[0, 0]], offset=[1])),
    "averages of another scale": proof(
        stack(fixed(1, 1)), stack(fixed(1, 1), fixed(2)), packs("rational", into=[[0, 0]])),
    "a scale as no average": proof(
        stack(THIRD, ONE), stack(THIRD), packs("rational", into=[[0, 0]])),
    "units that are 0 at the end": proof(
        stack(conv(1, out=1)), stack(fixed(1), fixed(-1), {"op": "add", "from": [0, 2]}, RELU),
        claim("nonlinear", "right", weights=[])),
    "products of a transposed layer": product_claim(
        stack(NINE, axes=2), stack({"op": "convt", **HIDDEN}, {"op": "convt", **LAST}, axes=2)),
    "products of a layer and a transposed one": product_claim(
        stack(NINE, axes=2), stack(HIDDEN, {"op": "convt", **LAST}, axes=2)),
    "products of no kernel": product_claim(
        stack(conv(2, 2), conv(2, 2), axes=2), stack(HIDDEN, LAST, axes=2)),
    "products of a fixed layer": product_claim(
        stack(NINE, axes=2), stack({**HIDDEN, "taps": MEAN_OF_4, "groups": 1}, LAST, axes=2)),
    "products and a fixed layer": product_claim(
        stack(NINE, axes=2), stack(HIDDEN, {**LAST, "taps": [
            [0, i, u, 1] for i in (0, 1) for u in range(4)], "groups": 1}, axes=2)),
    "products of two inputs": product_claim(
        stack(conv(3, 3, out=1), axes=2, channels=2),
        stack(conv(2, 2, out=4), LAST, axes=2, channels=2)),
    "products of two channels": product_claim(
        stack(NINE, axes=2, channels=2),
        stack(conv(2, 2, out=9), conv(2, 2, out=2), axes=2, channels=2)),
    "products of a transposed layer and a layer": product_claim(
        stack(NINE, axes=2), stack({"op": "convt", **HIDDEN}, LAST, axes=2)),
    "a relu of nothing at the end": proof(
        ALONE, stack(conv(1, taps=[]), RELU), claim("nonlinear", "right", weights=[])),
    "a kernel of shared weights": proof(
        KERNEL, stack(TWO, conv(2, weights=1)), missed("real", line(1, 0, 1))),
    "a sum with taps": steps(layer("3"), layer("add", 0, 1, taps=[])),
}  # fmt: skip
TEXTS: dict[str, Case] = {
    name: written(*([given] if isinstance(given, str) else given))
    for name, given in {
        "a chain": "3s2p1d2@4b,dw3p0:1,1g2@2,convt2s2o1",
        "words": ("linear@4b,bn,bn(1e-3),scale,shuffle2,[1:3],[:1],id,dropout,relu", 2),
        "sums": "3p1 + 1,(3psame + id),2*(3p1 + id)",
        "borders": "pad1:2,crop1,reflect1,replicate2,circular0:3,3",
        "ups": ("up2,bilinear2,bilinear3x1,4x4s4,pixelshuffle2", 4, 2),
        "averages": "avg3s1p1,avg2s2,avg3s1psame,avg2s1ceil",
        "cats": "cat(3p1 | id | 1@2),1@1",
        "multiples": ("1@*3,1@/2", 2),
        "shared": "shared w1 = 3p1; 2*(w1),(w1 + id)",
        "values": "value_1 = 3p1; value_2 = value_1,3p1; value_1 + value_2 + input",
        "an output": "value_1 = 3p1; value_2 = value_1,3p1; output value_1",
        "an output in the middle": "value_1 = 3p1; value_2 = 3p1; output value_2",
        "a break at the end": "3\n",
        "nothing": "",
        "an unknown word": "mul(3 | 3)",
        "an unknown name": "3,value_1",
        "a name twice": "value_1 = 3; value_1 = 3; value_1,3",
        "no eps": "bn(3)",
        "an unknown layer": "3,w1",
        "a shared word": "shared w1 = bn; w1",
        "an output padding": "3o1",
        "groups of dw": "dw3g1",
        "a transposed psame": "convt3psame",
        "psame with a stride": "3s2psame",
        "no counts": "0*(3)",
        "open": "(3",
        "closed": "3)",
        "no part": "1@/2",
        "a part of nothing": "1@/0",
        "a slice of nothing": "[1:1]",
        "a slice of more": "[:2]",
        "a shuffle of 1": "shuffle2",
        "a pixel shuffle of 1": "pixelshuffle2",
        "a factor of 0": "up0",
        "a shuffle of nothing": "shuffle0",
        "an average of nothing": "avg0s1",
        "an average of other axes": "avg3x3s1",
        "one branch": "cat(3)",
        "nested": "(" * 101 + "3" + ")" * 101,
        "nested less": "(" * 98 + "3" + ")" * 98,
    }.items()
}
LIMITED: dict[str, Case] = {
    "too much work": Case(proof(KERNEL, PAIR, rank(3, 1, 2, 3, 4)), {"WORK_OF_CLAIM": 300}),
    "too many steps": written("4*(3)", MAX_STEPS=4),
    "a large file": Case(json.dumps(proof(KERNEL, KERNEL)), {"MAX_BYTES": 100}),
    "loops": written("20000*(id)", WORK_OF_CLAIM=10_000),
}
CASES: dict[str, Case] = {
    **{name: Case(data) for name, data in TRUE.items()},
    **{f"false: {name}": Case(data) for name, data in FALSE.items()},
    **{
        f"{answer} {n}": Case(answered(data, answer))
        for n, (data, answer, _) in enumerate(ANSWERED)
    },
    **{f"hostile: {name}": Case(data) for name, data in HOSTILE.items() if len(data) < 10_000},
    **{f"no layer: {layer}": Case(steps({"layer": layer, "from": [0]})) for layer in NO_LAYERS},
    **{name: data if isinstance(data, Case) else Case(data) for name, data in MALFORMED.items()},
    **{f"text: {name}": case for name, case in TEXTS.items()},
    **LIMITED,
    "no file": Case(Path("nowhere")),
}
