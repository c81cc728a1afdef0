"""Every kernel that is said to be out of reach, proved to be so in another way."""

from itertools import product
from math import prod
from random import Random

import numpy as np
import pytest
import sympy

from convalgebra.algebra.one_channel.chains import Factor, chain_of
from convalgebra.algebra.one_channel.reach import chain_makes
from convalgebra.algebra.one_channel.witness import irreducible_kernel, polynomial_text
from convalgebra.language import parse

from .oracles import (
    Layer,
    is_irreducible_over_c,
    random_stack,
    response,
    ruppert_nullity,
    shared_out,
    text_of,
)


def spans(places):
    return [max(along) - min(along) for along in zip(*places, strict=True)]


def support(layers):
    return set(response(layers, [dict.fromkeys(layer.places(), 1) for layer in layers]))


def is_held(kernel, factor):
    """Whether some shift puts every tap of the kernel on a tap of the layer."""
    taps = set(factor.exponents())
    first = min(kernel)
    return any(
        all(tuple(a - b + c for a, b, c in zip(e, first, tap, strict=True)) in taps for e in kernel)
        for tap in taps
    )


def as_poly(kernel):
    return sympy.Poly(kernel, *sympy.symbols(f"z:{len(next(iter(kernel)))}"))


def along(kernel, axis):
    """The coefficients along one axis, the highest first, as numpy has them."""
    coefficients = np.zeros(1 + max(place[axis] for place in kernel))
    for place, value in kernel.items():
        coefficients[place[axis]] = value
    return coefficients[::-1]


def cannot_be_made(kernel, layers, field):
    """Why a kernel is no product of the layers over a field; None if nothing shows it."""
    chain = chain_of(parse(text_of(layers)))
    if any(a > b for a, b in zip(spans(kernel), spans(support(layers)), strict=True)):
        return "too wide"
    if chain.weights == 0:
        ones = [dict.fromkeys(layer.places(), 1) for layer in layers]
        merged = response(layers, ones)
        scale = prod(prod(layer.taps) for layer in layers)
        # The same shape moved would have the same numbers in the same order.
        moved = [value * scale for _, value in sorted(kernel.items())]
        return None if moved == [merged[place] for place in sorted(merged)] else "fixed"
    averages = [f for f in chain.factors if not f.free and f.axes]
    if averages:
        divisor = as_poly(dict.fromkeys(averages[0].exponents(), 1))
        return None if as_poly(kernel).rem(divisor).is_zero else "not divisible"
    axes = [axis for axis, span in enumerate(spans(kernel)) if span]
    if any(is_held(kernel, factor) for factor in chain.factors):
        return None
    if len(axes) > 1:
        return "irreducible over C" if is_irreducible_over_c(kernel) else None
    (axis,) = axes
    if field == "rational":
        _, factors = as_poly(kernel).factor_list()
        return "irreducible over Q" if [power for _, power in factors] == [1] else None
    held = [(f.taps[axis] - 1, f.dilation[axis]) for f in chain.factors if axis in f.axes]
    roots = np.roots(along(kernel, axis))
    return None if shared_out(roots, held, real=field == "real") else f"roots over {field}"


def random_question(random, axes):
    (target,) = random_stack(random, axes, 1, most=4, dilations=(1, 1, 2, 3) if axes < 3 else (1,))
    layers = random_stack(
        random,
        axes,
        random.choice((1, 2, 2, 3)),
        most=5 if axes == 1 else 4,
        dilations=(1, 1, 2, 3),
        averages=0.08,
    )
    return target, layers


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_witnesses_of_random_chains(axes):
    random = Random(axes)
    reasons = {}
    for _ in range({1: 600, 2: 250, 3: 80}[axes]):
        target, layers = random_question(random, axes)
        if sum(spans(support([target]))) > 8 and axes < 3:
            continue
        found = chain_makes(chain_of(parse(text_of(layers))), chain_of(parse(target.text())))
        answers = {"real": found.real, "complex": found.complex, "rational": found.rational}
        shown = {witness.field for witness in found.witnesses}
        for field, answer in answers.items():
            if answer in ("part", "thin"):
                assert shown & {field, "complex"}
        for witness in found.witnesses:
            kernel = dict(witness.kernel)
            assert set(kernel) <= support([target])
            assert all(answers[field] != "all" for field in (witness.field, "rational"))
            reason = cannot_be_made(kernel, layers, witness.field)
            assert reason is not None
            reasons[reason] = reasons.get(reason, 0) + 1
    wanted = {"too wide", "not divisible"}
    wanted |= {"roots over real", "irreducible over Q"} if axes == 1 else {"irreducible over C"}
    assert wanted <= set(reasons)


def sizes(axes, most):
    return [
        size for size in product(range(1, most + 1), repeat=axes) if sum(s > 1 for s in size) > 1
    ]


@pytest.mark.parametrize(
    ("axes", "most", "dilations"), [(2, 5, (1, 2)), (3, 3, (1,))], ids=["plane", "space"]
)
def test_irreducible_kernels_of_every_size(axes, most, dilations):
    for size in sizes(axes, most):
        for dilation in product(dilations, repeat=axes):
            target = Factor(size, dilation)
            # Its corners alone would fit the second kind of layer.
            corners = Factor(tuple(min(s, 2) for s in size), target.degree)
            for layers in ((), (corners,)):
                witness = irreducible_kernel(target, layers)
                kernel = dict(witness.kernel)
                assert set(kernel) <= set(target.exponents())
                assert spans(kernel) == list(target.degree)
                assert is_irreducible_over_c(kernel)
                assert is_held(kernel, corners) == (not layers or corners.taps == size)


def test_the_rich_kernel_fits_only_where_the_target_does():
    for size in sizes(2, 4):
        target = Factor(size, (1, 1))
        corners = Factor(tuple(min(s, 2) for s in size), target.degree)
        if corners.taps == size:
            continue
        kernel = dict(irreducible_kernel(target, (corners,)).kernel)
        for taps, dilation in product(product(range(1, 6), repeat=2), product((1, 2, 3), repeat=2)):
            layer = Factor(taps, dilation)
            full = dict.fromkeys(target.exponents(), 1)
            assert is_held(kernel, layer) == is_held(full, layer)


def test_irreducible_by_another_program_too():
    for size in [(2, 2), (3, 3), (2, 4), (5, 3)]:
        for layers in ((), (Factor((2, 2), (size[0] - 1, size[1] - 1)),)):
            kernel = dict(irreducible_kernel(Factor(size, (1, 1)), layers).kernel)
            _, factors = as_poly(kernel).factor_list()
            assert [power for _, power in factors] == [1]


def test_the_oracle_tells_products_from_irreducible_kernels():
    square = {(0, 0): 1, (0, 2): 1, (2, 0): 1}  # 1 + y^2 + x^2
    over_c = {(0, 0): 1, (2, 0): 1, (0, 1): 0, (2, 2): 1, (0, 2): 1}  # (1 + y^2)(1 + x^2)
    laplacian = {(0, 1): 1, (1, 0): 1, (1, 2): 1, (2, 1): 1, (1, 1): -4}
    diagonal = {(0, 0): 1, (0, 2): 1, (2, 0): 1, (2, 2): 1, (1, 1): -4}
    assert ruppert_nullity(square) == ruppert_nullity(laplacian) == 0
    assert ruppert_nullity(over_c) == 3  # four factors over C
    assert ruppert_nullity(diagonal) == 1  # two over C, none over Q


def test_real_roots_as_counted_by_sympy():
    z = sympy.Symbol("z")
    for taps, layers in [
        (3, "2, 2"),
        (4, "2, 2, 2"),
        (5, "2, 2, 3"),
        (6, "2, 4, 2"),
        (3, "2, 2, 2"),
    ]:
        found = chain_makes(chain_of(parse(layers)), chain_of(parse(str(taps))))
        (witness,) = (w for w in found.witnesses if w.field == "real")
        polynomial = sum(value * z ** place[0] for place, value in witness.kernel)
        real = len(sympy.real_roots(polynomial))
        assert real < found.least_real_roots
        assert ("no real root" if real == 0 else "one real root") in witness.reason


def test_real_roots_of_a_dilated_kernel_are_those_in_powers():
    # 1 + z^6 has no real root z; w = z^2 makes it 1 + w^3, with one of the three that are needed.
    found = chain_makes(chain_of(parse("3*(2d2)")), chain_of(parse("4d2")))
    assert (found.least_real_roots, found.root_step) == (3, 2)
    assert found.witnesses[0].reason == (
        "as a polynomial in z^2, 1 + z^6 has one real root, and a kernel that is made has at least "
        "3."
    )


def test_what_a_witness_shows():
    found = chain_makes(chain_of(parse("2x2, 2x2")), chain_of(parse("3x3")))
    (witness,) = found.witnesses
    assert witness.rows() == [[1, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert witness.reason == (
        "1 + y^2 + x^2 does not factor, not even over the complex numbers (Eisenstein's "
        "criterion in x). In a product every layer but one would be a single tap, and no layer "
        "alone has taps at all of its places."
    )
    found = chain_makes(chain_of(parse("2, 2")), chain_of(parse("3")))
    assert [witness.rows() for witness in found.witnesses] == [[[1, 0, 1]], [[2, 2, 1]]]
    planes = chain_makes(chain_of(parse("2x2x2")), chain_of(parse("2x2x3"))).witnesses[0]
    assert planes.rows() == [[1, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("kernel", "text"),
    [
        ({(0,): 2, (1,): 2, (3,): 1}, "2 + 2z + z^3"),
        ({(0, 0): -1, (0, 1): -1, (1, 1): 4}, "-1 - x + 4yx"),
        ({(0, 0, 0): 1, (1, 2, 3): -1}, "1 - zy^2x^3"),
        ({(0, 0, 0, 2): 5}, "5z3^2"),
    ],
)
def test_polynomial_text(kernel, text):
    assert polynomial_text(kernel) == text


def test_layers_of_the_oracle():
    assert support([Layer((2, 2), (1, 1), (2, 2), (0, 0))]) == {(0, 0), (0, 2), (2, 0), (2, 2)}
