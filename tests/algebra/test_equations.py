"""The equations between weights, against convolutions in plain loops."""

import re
from dataclasses import replace
from itertools import product
from math import prod
from random import Random

import pytest

from convalgebra.algebra import equiv
from convalgebra.algebra.equations import MAX_TERMS, Equation, count_terms, equations
from convalgebra.algebra.one_channel.chains import chain_of
from convalgebra.language import parse
from convalgebra.letters import layer_letter, tap_name

from .oracles import (
    minus,
    random_layer,
    random_stack,
    random_weights,
    response,
    text_of,
    times,
)


def named(layers, weights):
    """The weights by the names that equations give them."""
    values = {}
    for number, (layer, taps) in enumerate(zip(layers, weights, strict=True), 1):
        if not layer.average:
            for tap, value in taps.items():
                values[tap_name(layer_letter(number), tap, layer.taps)] = value
    return values


def value_of(terms, values):
    return sum(prod(values[name] for name in term) for term in terms)


def kernel_names(kernel):
    """The places of the weights of a single kernel, by their names."""
    return {tap_name("a", tap, kernel.taps): times(tap, kernel.dilation) for tap in kernel.places()}


def is_padded(layers):
    return any(padding for layer in layers for padding in layer.padding)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_equations_hold_for_random_weights(axes):
    random = Random(axes)
    for _ in range(60):
        layers = random_stack(
            random,
            axes,
            random.choice((1, 2, 3)),
            most=3 if axes < 3 else 2,
            strides=(1, 1, 2),
            dilations=(1, 1, 2),
            paddings=(0, 0, 1),
            averages=0.2,
        )
        stride = tuple(prod(along) for along in zip(*(x.stride for x in layers), strict=True))
        kernel = random_layer(random, axes, most=5, dilations=(1, 2), paddings=(0, 0, 1))
        kernel = replace(kernel, stride=stride)
        weights = random_weights(random, layers)
        merged = response(layers, weights)
        # Where both write a padding, output 0 of both reads the same inputs; else first on first.
        both = is_padded([kernel]) and is_padded(layers)
        origin = times(kernel.padding, (-1,) * axes) if both else min(merged)
        moved = {minus(place, origin): value for place, value in merged.items()}

        system = equiv(kernel.text(), text_of(layers)).system
        scale = prod(prod(layer.taps) for layer in layers if layer.average)
        values = named(layers, weights)
        places = kernel_names(kernel)
        outside = []
        for equation in system:
            amount = value_of(equation.terms, values)
            assert equation.scale == scale
            if equation.left:
                assert amount == scale * moved.get(places[equation.left], 0)
            else:
                outside.append(amount)
        assert sorted(e.left for e in system if e.left) == sorted(places)
        rest = [value for place, value in moved.items() if place not in places.values()]
        assert sorted(filter(None, outside)) == sorted(scale * value for value in rest)


def test_padding_on_both_sides_moves_the_equations():
    report = equiv("3p1", "2p1, 2")
    assert report.offset == (0,)
    report = equiv("3p1", "2, 2p2")
    assert report.offset == (-1,)
    assert [(e.left, e.terms) for e in report.system] == [
        ("", (("b0", "c0"),)),
        ("a0", (("b0", "c1"), ("b1", "c0"))),
        ("a1", (("b1", "c1"),)),
        ("a2", ()),
    ]


def test_the_nine_equations():
    report = equiv("3x3", "2x2,2x2")
    written = [
        f"{e.left} = {' + '.join(' '.join(term) for term in e.terms)}" for e in report.system
    ]
    assert written == [
        "a00 = b00 c00",
        "a01 = b00 c01 + b01 c00",
        "a02 = b01 c01",
        "a10 = b00 c10 + b10 c00",
        "a11 = b00 c11 + b01 c10 + b10 c01 + b11 c00",
        "a12 = b01 c11 + b11 c01",
        "a20 = b10 c10",
        "a21 = b10 c11 + b11 c10",
        "a22 = b11 c11",
    ]
    assert report.terms == 16


def test_an_average_scales_the_kernel():
    # 2 a = (b) * (1 1): the average has taps of 1/2.
    system = equations(chain_of(parse("3")), chain_of(parse("avg2s1, 2")), (0,))
    assert system == (
        Equation("a0", (("c0",),), 2),
        Equation("a1", (("c0",), ("c1",)), 2),
        Equation("a2", (("c1",),), 2),
    )
    alone = equations(chain_of(parse("2")), chain_of(parse("avg2s1")), (0,))
    assert alone == (Equation("a0", ((),), 2), Equation("a1", ((),), 2))


def test_number_of_terms():
    assert count_terms(chain_of(parse("5*(3x3)"))) == 9**5
    assert equiv("11x11", "5*(3x3)").system is None
    report = equiv("9x9", "4*(3x3)")
    assert sum(len(equation.terms) for equation in report.system) == 9**4 <= MAX_TERMS
    assert equiv("200x200", "1x1").system is None  # 40,000 equations


# Over finite fields everything can be tried


def image(stack, q):
    """Every kernel that a chain makes over F_q, by the equations."""
    found = set()
    chain = chain_of(parse(stack))
    kernel = chain_of(parse("x".join(map(str, chain.receptive_field))))
    system = equations(kernel, chain, (0,) * chain.axes)
    names = sorted({name for equation in system for term in equation.terms for name in term})
    for values in product(range(q), repeat=len(names)):
        weights = dict(zip(names, values, strict=True))
        found.add(tuple(value_of(equation.terms, weights) % q for equation in system))
    return found


@pytest.mark.parametrize("q", [2, 3, 5])
def test_columns_times_rows_are_the_matrices_of_rank_at_most_1(q):
    made = image("2x1, 1x2", q)
    assert made == {
        (a, b, c, d) for a, b, c, d in product(range(q), repeat=4) if (a * d - b * c) % q == 0
    }
    assert len(made) == (q * q - 1) * (q + 1) + 1


@pytest.mark.parametrize("q", [3, 5, 7])
def test_two_lines_of_2_make_the_forms_that_split(q):
    squares = {x * x % q for x in range(q)}
    split = {
        (a, b, c) for a, b, c in product(range(q), repeat=3) if (b * b - 4 * a * c) % q in squares
    }
    assert image("2, 2", q) == split


def test_the_order_of_layers_does_not_matter():
    assert image("2x1, 1x2, 1x1", 3) == image("1x2, 2x1", 3)
    assert image("2x2, 1x2", 2) == image("1x2, 2x2", 2)


def test_a_layer_that_holds_all_makes_all():
    assert len(image("2, 3", 3)) == sum(1 for a in product(range(3), repeat=4) if has_root(a, 3))
    kernels = image("2x2, 1x1", 3)
    assert len(kernels) == 3**4


def has_root(form, q):
    """Whether a binary form vanishes at a point of the projective line over F_q."""
    values = (sum(c * x**power for power, c in enumerate(form)) % q for x in range(q))
    return form[-1] == 0 or 0 in values


def test_names_can_be_told_apart():
    system = equiv("1x12", "1x12, 1x1").system
    assert system[11].left == "a0_11"
    assert all(re.fullmatch(r"a\d_\d+", equation.left) for equation in system)
