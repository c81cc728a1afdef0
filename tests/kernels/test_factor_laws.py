"""What holds for all kernels and stacks."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

import convalgebra as ca
from convalgebra.kernels.sources import Kernel

from .factor_oracle import convolved, multiplies_back, places, rechecked, size

STACKS = {
    "2x2,2x2": [((2, 2), (1, 1))] * 2,
    "2x2,3x3": [((2, 2), (1, 1)), ((3, 3), (1, 1))],
    "2x1,1x3,2x2": [((2, 1), (1, 1)), ((1, 3), (1, 1)), ((2, 2), (1, 1))],
    "2x2s2,2x2": [((2, 2), (1, 1)), ((2, 2), (2, 2))],
    "3,3": [((3,), (1,))] * 2,
    "2,3d2": [((2,), (1,)), ((3,), (2,))],
    "2x2x1,1x2x2": [((2, 2, 1), (1, 1, 1)), ((1, 2, 2), (1, 1, 1))],
}
ENTRIES = st.integers(-3, 3)


@st.composite
def products(draw):
    """A stack and a product of filters of its shapes."""
    stack = draw(st.sampled_from(sorted(STACKS)))
    layers = STACKS[stack]
    filters = [
        (draw(st.lists(ENTRIES, min_size=n, max_size=n)), taps, dilation)
        for taps, dilation in layers
        for n in [len(list(places(taps)))]
    ]
    shape = size(layers)
    made = convolved(filters)
    return stack, Kernel(shape, tuple(made.get(place, 0) for place in places(shape)))


@st.composite
def kernels(draw):
    """A stack and a kernel as large as its receptive field, often with small entries."""
    stack = draw(st.sampled_from(sorted(STACKS)))
    shape = size(STACKS[stack])
    count = len(list(places(shape)))
    entries = draw(st.lists(st.integers(-2, 2), min_size=count, max_size=count))
    return stack, Kernel(shape, tuple(entries))


def answers(report):
    return report.rational, report.real, report.complex


@settings(max_examples=80)
@given(products())
def test_products_of_rational_filters_are_found(case) -> None:
    stack, kernel = case
    report = ca.factor(kernel, stack)
    assert answers(report) == (True, True, True)
    assert multiplies_back(report)
    assert rechecked(report.to_dict())


@settings(max_examples=80)
@given(st.one_of(kernels(), products()))
def test_a_larger_field_has_more_products(case) -> None:
    stack, kernel = case
    report = ca.factor(kernel, stack)
    found = answers(report)
    assert None not in found
    assert list(found) == sorted(found)
    if not kernel.is_zero:
        counts = [report.ways[field].count for field in ("rational", "real", "complex")]
        assert counts == sorted(counts)
        assert [bool(count) for count in counts] == list(found)
        assert len(report.factorizations) == min(20, counts[-1])
    assert multiplies_back(report)
    assert rechecked(report.to_dict())


@settings(max_examples=60)
@given(st.one_of(kernels(), products()), st.fractions(max_denominator=9).filter(bool))
def test_scaling_changes_nothing(case, scale: Fraction) -> None:
    stack, kernel = case
    scaled = Kernel(kernel.shape, tuple(scale * entry for entry in kernel.entries))
    one, other = ca.factor(kernel, stack), ca.factor(scaled, stack)
    assert answers(one) == answers(other)
    assert one.ways == other.ways
    assert multiplies_back(other)


@settings(max_examples=60)
@given(st.one_of(kernels(), products()))
def test_turning_the_kernel_round_changes_nothing(case) -> None:
    # z -> 1/z maps filters to filters of the same shapes.
    stack, kernel = case
    turned = Kernel(kernel.shape, kernel.entries[::-1])
    one, other = ca.factor(kernel, stack), ca.factor(turned, stack)
    assert answers(one) == answers(other)
    assert one.ways == other.ways


@settings(max_examples=40)
@given(st.one_of(kernels(), products()))
def test_the_order_of_layers_changes_nothing_without_strides(case) -> None:
    stack, kernel = case
    if "s" in stack:
        return
    other = ",".join(reversed(stack.split(",")))
    one, two = ca.factor(kernel, stack), ca.factor(kernel, other)
    assert answers(one) == answers(two)
    assert one.ways == two.ways


@settings(max_examples=40)
@given(st.lists(ENTRIES, min_size=4, max_size=4), st.lists(ENTRIES, min_size=4, max_size=4))
def test_transposing_the_kernel_transposes_the_filters(one, other) -> None:
    made = convolved([(one, (2, 2), (1, 1)), (other, (2, 2), (1, 1))])
    rows = [[made.get((y, x), 0) for x in range(3)] for y in range(3)]
    columns = [list(row) for row in zip(*rows, strict=True)]
    a, b = ca.factor(rows, "2x2,2x2"), ca.factor(columns, "2x2,2x2")
    assert a.ways == b.ways


@settings(max_examples=40)
@given(kernels())
def test_room_never_hurts(case) -> None:
    stack, kernel = case
    if answers(ca.factor(kernel, stack))[2]:
        more = stack + "," + "x".join("2" * len(kernel.shape))
        assert answers(ca.factor(kernel, more)) >= answers(ca.factor(kernel, stack))


@settings(max_examples=40)
@given(st.text(max_size=30))
def test_any_text_is_a_kernel_or_an_error_of_ours(text: str) -> None:
    with suppress(ca.ConvalgebraError):
        ca.factor(text, "2x2,2x2")


@settings(max_examples=100)
@given(st.text(alphabet="0123456789 ;,|/.-+e[]\n", max_size=30))
def test_any_text_like_rows_is_a_kernel_or_an_error_of_ours(text: str) -> None:
    try:
        report = ca.factor(text, "2x3,2x2")
    except ca.ConvalgebraError:
        return
    assert str(report)
