"""Laws of merging: it is associative, a merged stack is itself, and it is linear in each layer."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.kernels.merging import merge, parameter_table
from convalgebra.kernels.merging.blocks import finest


@st.composite
def layers(draw, channels):
    """A convolution on so many channels, and the channels that go out."""
    kind = draw(st.sampled_from(["conv", "conv", "dw", "1x1", "convt"]))
    out = draw(st.sampled_from([1, 2, 4]))
    sides = st.integers(1, 3)
    size = f"{draw(sides)}x{draw(sides)}"
    bias = draw(st.sampled_from(["", "b"]))
    if kind == "1x1":
        return f"1x1@{out}{bias}", out
    if kind == "dw":
        return f"dw{size}p{draw(st.integers(0, 2))}:{draw(st.integers(0, 2))}{bias}", channels
    groups = draw(st.sampled_from([g for g in (1, 2) if channels % g == out % g == 0]))
    if kind == "convt":
        stride = draw(st.integers(1, 2))
        extra = draw(st.integers(0, stride - 1))
        return f"convt{size}s{stride}o{extra}g{groups}@{out}{bias}", out
    stride = f"s{draw(st.integers(1, 2))}x{draw(st.integers(1, 2))}"
    dilation = f"d{draw(st.integers(1, 2))}x{draw(st.integers(1, 3))}"
    padding = f"p{draw(st.integers(0, 2))}:{draw(st.integers(0, 2))}x{draw(st.integers(0, 2))}"
    return f"conv {size}{stride}{padding}{dilation}g{groups}@{out}{bias}", out


@st.composite
def chains(draw, least=1, most=3):
    """Layers one after another, each with its weights of small whole numbers, in a list."""
    channels = first = draw(st.sampled_from([1, 2, 4]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    found, stretched = [], False
    for _ in range(draw(st.integers(least, most))):
        text, out = draw(layers(channels))
        if stretched and "s" in text.replace("s1x1", ""):
            text, out = "1x1", channels  # keeps to stacks that are one convolution
        stretched |= text.startswith("convt")
        table = parameter_table(text, channels=channels)
        found.append((text, channels, [rng.integers(-3, 4, p.shape) for p in table]))
        channels = out
    return first, found


def merged(parts):
    """The layers of a chain merged, with their weights one after another."""
    text = ", ".join(part[0] for part in parts)
    weights = [array for part in parts for array in part[2]]
    return merge(text, weights, channels=parts[0][1])


def as_part(report):
    """A merged chain as one layer (or two, with its crop) with its weights."""
    return report.text, report.channels[0], list(report.arrays().values())


def same(one, other):
    """Equal as they stand; a transposed convolution may have zeros around in place of padding."""
    assert (one.kind, one.stride) == (other.kind, other.stride)
    assert (one.bias is None) == (other.bias is None)
    assert one.bias is None or (one.bias == other.bias).all()
    if one.kind == "convt":
        assert taps(one) == taps(other)
        assert surplus(one) == surplus(other)
        return
    assert one.text == other.text
    assert (one.weight == other.weight).all()
    assert (one.dilation, one.padding, one.groups) == (other.dilation, other.padding, other.groups)


def taps(report):
    """The entries of a transposed convolution that are not zero, by where they write."""
    found = {}
    width, out = report.weight.shape[0] // report.groups, report.weight.shape[1]
    for place in np.ndindex(*report.weight.shape):
        if report.weight[place]:
            i, o, *tap = place
            along = zip(report.dilation, tap, report.padding, strict=True)
            found[i, i // width * out + o, *(d * u - p for d, u, (p, _) in along)] = report.weight[
                place
            ]
    return found


def surplus(report):
    """By how much an output is longer than the stride times its input."""
    along = zip(report.size, report.dilation, report.padding, report.output_padding, strict=True)
    return [d * (k - 1) + extra - a - b for k, d, (a, b), extra in along]


@settings(max_examples=25)
@given(chains(least=3))
def test_merging_is_associative(chain) -> None:
    _, (one, two, three) = chain
    whole = merged([one, two, three])
    if whole.kind == "phases":
        return
    left, right = merged([one, two]), merged([two, three])
    if left.kind != "phases":
        same(merged([as_part(left), three]), whole)
    if right.kind != "phases":
        same(merged([one, as_part(right)]), whole)


@settings(max_examples=25)
@given(chains())
def test_a_merged_stack_is_itself(chain) -> None:
    report = merged(chain[1])
    if report.kind == "phases":
        return
    again = merged([as_part(report)])
    assert again.exact
    same(again, report)


@settings(max_examples=25)
@given(chains(), st.integers(-4, 4))
def test_a_factor_of_one_layer_is_one_of_the_kernel(chain, factor) -> None:
    _, parts = chain
    text, channels, weights = parts[-1]
    times = [array * factor for array in weights]
    before, after = merged(parts), merged([*parts[:-1], (text, channels, times)])
    if factor:
        assert (after.weight == before.weight * factor).all()
        assert after.bias is None or (after.bias == before.bias * factor).all()
    else:
        assert not after.weight.any()
    assert after.padding == before.padding


@settings(max_examples=25)
@given(chains())
def test_floats_and_fractions_agree(chain) -> None:
    _, parts = chain
    exact = merged(parts)
    floats = merged([(t, c, [array.astype(float) for array in w]) for t, c, w in parts])
    assert floats.text == exact.text
    assert (floats.weight == exact.weight.astype(float)).all()  # small whole numbers are floats
    thirds = merged([(t, c, [array * Fraction(1, 3) for array in w]) for t, c, w in parts])
    assert thirds.text == exact.text
    assert (thirds.weight == exact.weight * Fraction(1, 3 ** len(parts))).all()


KEEPING = ["3x3p1", "1x1b", "dw2x2p0:1", "3x1p2x0d2x1b", "1x3p0x2:0", "dw1x1", "3x3p1:1x0:2"]


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(KEEPING), min_size=1, max_size=3),
    st.lists(st.sampled_from(KEEPING), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_the_sum_of_two_stacks_is_the_sum_of_their_kernels(one, two, seed) -> None:
    rng = np.random.default_rng(seed)
    texts = [", ".join(layers) for layers in (one, two)]
    both = f"({texts[0]}) + ({texts[1]})"
    weights = [rng.integers(-3, 4, p.shape) for p in parameter_table(both, channels=2)]
    cut = len(parameter_table(texts[0], channels=2))
    total = merge(both, weights, channels=2)
    parts = [
        merge(text, own, channels=2)
        for text, own in zip(texts, (weights[:cut], weights[cut:]), strict=True)
    ]
    expected = coefficients(parts[0])
    for key, value in coefficients(parts[1]).items():
        expected[key] = expected.get(key, 0) + value
    found = coefficients(total)
    for key in expected.keys() | found.keys():
        assert expected.get(key, 0) == found.get(key, 0)
    biases = [part.bias for part in parts if part.bias is not None]
    assert (total.bias is None) == (not biases)
    assert not biases or (total.bias == sum(biases)).all()


def coefficients(report):
    """{(out, in, offset): entry} of a convolution: the input that a tap reads at output 0."""
    found = {}
    out, width = report.weight.shape[:2]
    for place in np.ndindex(*report.weight.shape):
        o, i, *tap = place
        source = o // (out // report.groups) * width + i
        offset = tuple(
            d * u - p for d, u, (p, _) in zip(report.dilation, tap, report.padding, strict=True)
        )
        found[o, source, offset] = report.weight[place]
    return found


@given(st.data())
def test_the_finest_groups_are_those_of_the_dense_array(data):
    coarse, rows, columns = (data.draw(st.integers(1, 4)) for _ in range(3))
    size = coarse * rows * columns
    bits = data.draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    blocks = np.array(bits).reshape(coarse, rows, columns)
    dense = np.zeros((coarse * rows, coarse * columns))
    for b, r, c in product(range(coarse), range(rows), range(columns)):
        dense[b * rows + r, b * columns + c] = blocks[b, r, c]
    fit = []
    for groups in range(1, min(dense.shape) + 1):
        if dense.shape[0] % groups == dense.shape[1] % groups == 0:
            high, wide = dense.shape[0] // groups, dense.shape[1] // groups
            outside = dense.copy()
            for g in range(groups):
                outside[g * high : (g + 1) * high, g * wide : (g + 1) * wide] = 0
            fit += [] if outside.any() else [groups]
    assert finest(blocks) == (max(fit) if dense.any() else coarse)


def test_as_many_groups_as_channels_take_no_table_of_all_channels():
    assert finest(np.ones((200_000, 1, 1))) == 200_000  # its square would be 40 GB
