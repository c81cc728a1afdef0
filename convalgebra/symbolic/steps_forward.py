"""The steps of a derivation from the patch to solution one: the kernel from the layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np
from sympy import Add, Eq, Expr, Matrix, Mul, Rational, S, Symbol

from convalgebra.language.layer_text import layer_text
from convalgebra.layers import Layer
from convalgebra.letters import tap_name
from convalgebra.symbolic.equations import SLIDING
from convalgebra.symbolic.rows import Places, Use, Weights, rows
from convalgebra.symbolic.steps import Facts, Line, Step, are
from convalgebra.words import counted, listed

# What the layers give is called y, z, ..; the weights of so few layers do not reach these letters.
_VALUES = ("y", "z", "w", "v", "u")


def steps_forward(facts: Facts) -> tuple[Step, ...]:
    """The patch, every layer's outputs, what is collected, the equations, and solution one."""
    return (
        _patch(facts),
        *_layers(facts),
        _collected(facts),
        _equations(facts),
        _forward(facts),
    )


def _patch(facts: Facts) -> Step:
    one, other = facts.system.single, facts.system.stack
    text = f"One output of {facts.single} reads a patch of {_by(one.extent)} inputs x, and one "
    if one.extent == other.extent:
        text += f"output of {facts.stack} reads the same patch."
    else:
        text += f"output of {facts.stack} a patch of {_by(other.extent)}."
    if facts.system.is_placed:
        text += " Their padding says how the two lie."
        if facts.system.extent != one.extent:
            text += " No shift is allowed here; up to a shift the answer can be another one."
    elif facts.system.rooms > 1:
        text += f" It fits in {facts.system.rooms} places: take the first corner."
    if any(step > 1 for step in one.stride):
        text += f" Both move on by {_by(one.stride)} from one output to the next."
    lines = list(_tables("x", _symbols("x", facts.system.extent)))
    (kernel,) = one.weights(0).values()
    lines += _tables("A", kernel.kernel[0, 0])
    stack = other.weights(1)
    for index, capital in facts.capitals.items():
        lines += _tables(capital, _kernel(other.network.nodes[index].layer, stack.get(index)))
    return Step("The patch and the kernels", (text, *dict.fromkeys(lines)))


def _layers(facts: Facts) -> Iterator[Step]:
    network = facts.system.stack.network
    weights = facts.system.stack.weights(1)
    count = len(facts.system.stack.layers)
    corner, extent = facts.system.corners[1], facts.system.stack.extent
    patch = _symbols("x", facts.system.extent)
    read = tuple(slice(at, at + side) for at, side in zip(corner, extent, strict=True))
    name, values = "the patch", patch[read]
    number = 0
    for index, node in enumerate(network.nodes):
        if node.layer.kind not in SLIDING:
            continue
        number += 1
        before, over, name = values, name, _value(number, count)
        sides: Places = network.shapes[index][1:]
        last = number == count
        values = _symbols(name, sides) if not last else np.array([Symbol(name)], dtype=object)
        given = weights.get(index, Weights(None))
        lines = []
        found = rows(Use(node.layer, given, ((1, *before.shape),), (1, *sides)))
        for row, value in zip(found, values.flat, strict=True):
            terms = [Mul(term.weight, before[term.place[1:]]) for term in row.terms]
            constant = [] if row.constant is None else [row.constant]
            lines.append(Line(Eq(value, Add(*terms, *constant), evaluate=False)))
        gives = f"the output {name}" if last else f"{_by(sides)} values {name}"
        text = f"Slide {facts.capitals[index]} over {over}: it gives {gives}."
        yield Step(f"Layer {number}, {layer_text(node.layer)}", (text, *lines), repeats=True)


def _collected(facts: Facts) -> Step:
    count = len(facts.system.stack.layers)
    _, right = facts.system.sides
    terms = [
        Mul(right[place], _input(facts, place), evaluate=False) if len(place) > 1 else right[place]
        for place in facts.system.places
        if place in right
    ]
    names = listed([_value(n, count) for n in range(1, count)])
    text = f"Put in {names}, and collect what stands before each x:" if names else "Sorted by x:"
    total = Add(*terms, evaluate=False)
    line = Line(Eq(Symbol(_value(count, count)), total, evaluate=False))
    return Step("Collect", (text, line))


def _equations(facts: Facts) -> Step:
    left, _ = facts.system.sides
    some = [f"{value}*{_input(facts, place)}" for place, value in list(left.items())[:3]]
    shown = " + ".join(some) + (" + .." if len(left) > 3 else "")
    text = (
        f"The single kernel gives {shown} of the same inputs. The two are equal for every input if "
        "and only if the same number stands before each x:"
    )
    equations = facts.system.equations
    return Step(f"The {counted(len(equations), 'equation')}", (text, *map(Line, equations)))


def _forward(facts: Facts) -> Step:
    left, right = facts.system.sides
    outside = [place for place in right if place not in left]
    given = listed(facts.letters) or "the stack"
    if outside:
        text = (
            f"In {counted(len(outside), 'equation')} the left side is 0: there {facts.stack} reads "
            f"an input that {facts.single} does not. Only where these sums of products are 0 there "
            f"is an A: {facts.single} reproduces no more than some {facts.stack}."
        )
    else:
        text = (
            f"The equations give it as they stand: whatever {given} {are(facts.letters)}, each a "
            f"is a polynomial in the other weights. There is always exactly one such A, so "
            f"{facts.single} reproduces every {facts.stack}."
        )
    return Step(f"Solution one: A from {given}", (text,))


def _kernel(layer: Layer, weights: Weights | None) -> Any:
    """The taps of a one-channel layer: symbols, or the fixed ones of an average."""
    if weights is not None:
        return weights.kernel[0, 0]
    return np.full(layer.size, Rational(1, prod(layer.size)), dtype=object)


def _symbols(letter: str, sides: Places) -> Any:
    array = np.empty(sides, dtype=object)
    for place in product(*map(range, sides)):
        array[place] = Symbol(tap_name(letter, place, sides))
    return array


def _value(number: int, count: int) -> str:
    return _VALUES[number - 1] if count <= len(_VALUES) else f"y{number}_"


def _input(facts: Facts, place: Places) -> Expr:
    return S.One if len(place) == 1 else Symbol(facts.system.name(place))


def _tables(name: str, array: Any) -> Iterator[Line]:
    """The array as a matrix, or as one for each place before its last two axes."""
    if array.ndim <= 2:
        yield Line(Matrix(np.atleast_2d(array)).as_immutable(), name)
        return
    for place in product(*map(range, array.shape[:-2])):
        yield Line(Matrix(array[place]).as_immutable(), f"{name}[{', '.join(map(str, place))}]")


def _by(sides: Iterable[int]) -> str:
    return "x".join(map(str, sides))
