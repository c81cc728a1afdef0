"""Merged stacks of ints and Fractions against plain loops: equal, not close."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from convalgebra.kernels.merging import merge, parameter_table
from convalgebra.language import parse

from . import merge_loops as loops

STACKS = [
    "1x9; 3p1b, 3p1b",
    "2x9; 3s2p1@3, 2d2b",
    "1x4x5; 3x3p1b, bn",
    "2x4x3; (3x3p1, bn) + (1x1, bn) + bn",
    "2x4x4; (3x3p1b, 1x1) + 1x1, 3x3p1@1",
    "4x4x3; 3x2g2p1x0@2, 1x3g2p0:1b",
    "2x6; dw3p2:0@*2, 1@1b, crop1:0",
    "2x5x4; avg3x3s2p1, 1x1@1b",
    "1x4; convt3s2p1o1b, 3p1",
    "2x3x3; convt2x3s2x1g2, 2x2p0:1",
    "1x5; up3, 3p1, avg2s1",
    "1x7; 2b, pad1, 3",
    "2x6; cat(3p1@1b | 1@2), scale, 3p1@1",
    "1x4x4x3; 2x1x3p0x0x1, 1x3x1p0x1x0b",
    "1x6; shared f = 3p1b; f, f",
]


def fraction(source):
    return Fraction(source.randint(-9, 9), source.randint(1, 9))


def weights_for(table, source):
    """Random fractions, their variances squares; and the roots of these, by the layer's number."""
    weights, roots = {}, {}
    for p in table:
        if p.role == "running_var":
            own = [Fraction(source.randint(1, 9), source.randint(1, 9)) for _ in range(p.shape[0])]
            weights[p.name] = [root * root for root in own]
            roots[int(p.name.partition(".")[0])] = own
        else:
            weights[p.name] = nested(p.shape, source)
    return weights, roots


def nested(shape, source):
    if not shape:
        return fraction(source)
    return [nested(shape[1:], source) for _ in range(shape[0])]


@pytest.mark.parametrize("text", STACKS)
def test_exact_merges_are_equal_to_plain_loops(text) -> None:
    source = random.Random(text)
    network = parse(f"input {text}")
    shape = tuple(map(int, text.partition(";")[0].split("x")))
    weights, roots = weights_for(parameter_table(network), source)
    report = merge(network, weights, eps=0)
    assert report.exact_numbers
    assert all(isinstance(value, Fraction) for value in report.weight.ravel())
    for _ in range(2):
        x = {place: fraction(source) for place in loops.places(shape)}
        stack, made = loops.run(network, weights, x, shape, roots)
        merged, also = loops.apply(report, x, shape)
        assert made == also
        differ = {key[1:] for key in stack if stack[key] != merged[key]}
        if report.exact:
            assert not differ
            continue
        assert differ == {
            key[1:] for key in stack if report.ring.errors[key[1:]] != 0
        }  # a random input is on no hyperplane
        assert all(
            abs(stack[key] - merged[key]) <= report.ring.errors[key[1:]] * max(map(abs, x.values()))
            or any(abs(value) > 1 for value in x.values())
            for key in stack
        )


@pytest.mark.parametrize("text", STACKS)
def test_by_how_much_outputs_differ_is_the_sum_of_a_row(text) -> None:
    """The row of every output from one input after another; its norm with the constant."""
    source = random.Random(text + "rows")
    network = parse(f"input {text}")
    shape = tuple(map(int, text.partition(";")[0].split("x")))
    weights, roots = weights_for(parameter_table(network), source)
    report = merge(network, weights, eps=0)

    def difference(x):
        stack, _ = loops.run(network, weights, x, shape, roots)
        merged, _ = loops.apply(report, x, shape)
        return {key: stack[key] - merged[key] for key in stack}

    zero = dict.fromkeys(loops.places(shape), 0)
    constant = difference(zero)
    norms = {key: abs(value) for key, value in constant.items()}
    for place in zero:
        for key, value in difference(zero | {place: 1}).items():
            norms[key] += abs(value - constant[key])
    largest = {}
    for key, value in norms.items():
        largest[key[1:]] = max(largest.get(key[1:], 0), value)
    if report.exact:
        assert not any(norms.values())
        return
    assert {place: report.ring.errors[place] for place in largest} == largest
    assert norms[(report.ring.channel, *report.ring.position)] == report.ring.error
    assert report.ring.error == max(norms.values())


def test_numbers_too_large_for_floats_are_multiplied_exactly() -> None:
    source = random.Random(5)
    network = parse("input 2x4x4; 3x3p1@3, 2x2@2b")
    shape = (2, 4, 4)
    weights = {
        p.name: nested_large(p.shape, source) for p in parameter_table(network)
    }  # products far beyond 2^53
    report = merge(network, weights)
    x = {place: source.randint(-(10**9), 10**9) for place in loops.places(shape)}
    assert loops.run(network, weights, x, shape) == loops.apply(report, x, shape)


def nested_large(shape, source):
    if not shape:
        return source.randint(-(10**30), 10**30)
    return [nested_large(shape[1:], source) for _ in range(shape[0])]
