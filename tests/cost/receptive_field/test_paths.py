"""The smallest and the largest field over paths, against all paths one by one, as plain sets."""

from math import prod

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.cost import cost
from convalgebra.cost.receptive_field.axes import Periodic
from convalgebra.cost.receptive_field.fields import receptive_fields
from convalgebra.cost.receptive_field.paths import lies_within, paths_to
from convalgebra.errors import ShapeError
from convalgebra.language import parse
from convalgebra.network import Network, Node

from .graphs import keeping
from .sets_by_loops import listed, seen_by_all

LENGTH = 324


def all_paths(network, node):
    """Every path from the input to a node, as lists of nodes."""
    if not node:
        return [[0]]
    inputs = network.nodes[node].inputs
    return [[*path, node] for source in inputs for path in all_paths(network, source)]


def alone(network, path):
    """The network of one path: where branches meet it goes straight on."""
    nodes = [Node(network.nodes[path[0]].layer, (), 0)]
    for node in path[1:]:
        if len(network.nodes[node].inputs) == 1:
            nodes.append(Node(network.nodes[node].layer, (len(nodes) - 1,), len(nodes)))
    return Network(network.shape, tuple(nodes), (len(nodes) - 1,))


def widest(network):
    """The most that a unit in the middle sees; None where the middle is too small to tell."""
    sets = [listed(seen) for seen in seen_by_all(network)[network.outputs[0]]]
    inside = [seen for seen in sets if seen and seen[0] >= 12 and seen[-1] < LENGTH - 12]
    if len(inside) < len(sets) // 3 or len(sets) < 30:
        return None
    return max(seen[-1] - seen[0] + 1 for seen in inside)


def check(text):
    try:
        network = parse(text)
        node = len(network.shapes) - 1
    except ShapeError:
        assume(False)
    found = paths_to(network, receptive_fields(network), node)
    paths = all_paths(network, node)
    assert found.number == len(paths)
    assume(found.largest is not None)  # too many phases
    sizes = [widest(alone(network, path)) for path in paths[:40]]
    if len(paths) <= 40 and None not in sizes and found.largest[0] <= LENGTH // 3:
        assert (found.smallest, found.largest) == ((min(sizes),), (max(sizes),))


CASES = st.tuples(
    st.sampled_from(["", "up2, ", "convt3s2p1o1, ", "bilinear2, ", "up3, 2s2, "]),
    keeping(),
    st.sampled_from(["", ", 3p1", ", up2, 5p2", ", 2s2", ", 3s2p1, up2"]),
)


@settings(max_examples=40)
@given(CASES)
def test_all_paths(parts):
    before, branches, after = parts
    check(f"input 1x{LENGTH}; {before}({branches}){after}")


@pytest.mark.slow
@settings(max_examples=250)
@given(CASES)
def test_all_paths_at_length(parts):
    before, branches, after = parts
    check(f"input 1x{LENGTH}; {before}({branches}){after}")


EDGES = st.tuples(st.integers(-3, 3), st.integers(0, 4)).map(lambda p: (p[0], p[0] + p[1]))
FIELDS = st.lists(EDGES, min_size=1, max_size=3).map(lambda p: Periodic(2 * len(p), tuple(p)))


@given(FIELDS, FIELDS)
def test_fields_that_lie_within_others(one, two):
    units = range(6)  # six units are a whole number of periods
    moves = range(-20, 21)
    expected = any(
        all(
            two.seen_by(u)[0] <= one.seen_by(u)[0] + move
            and one.seen_by(u)[1] + move <= two.seen_by(u)[1]
            for u in units
        )
        for move in moves
    )
    assert lies_within(one, two) == expected
    assert not lies_within(one, Periodic(two.step + 1, two.phases))


WINDOWS = st.lists(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), max_size=3), min_size=1, max_size=3
)


@settings(max_examples=50)
@given(st.lists(WINDOWS, min_size=1, max_size=5))
def test_windows_at_one_stride(blocks):
    """A path sees 1 + the sum of d(k - 1): the ends are sums of smallest and largest branches."""

    def written(branch):
        layers = [f"conv {k}d{d}p0:{d * (k - 1)}" for k, d in branch]
        return f"({', '.join(layers) or 'id'})"

    text = ", ".join(" + ".join(map(written, branches)) for branches in blocks)
    reaches = [[sum(d * (k - 1) for k, d in branch) for branch in block] for block in blocks]
    found = cost(f"relu, {text}", input="1x200").paths()
    assert found.number == prod(map(len, blocks))
    assert found.smallest == (1 + sum(map(min, reaches)),)
    assert found.largest == (1 + sum(map(max, reaches)),)


def test_each_axis_has_its_own_ends():
    found = cost("(1x7p0x3) + (7x1p3x0) + 3x3p1", input="1x20x20").paths()
    assert (found.number, found.smallest, found.largest) == (3, (1, 1), (7, 7))


def test_published_ends():
    # By hand: the shortest way through ResNet-50 is its stem, 7 + 2 * (3 - 1).
    found = cost("zoo:resnet50").paths()
    assert (found.number, found.smallest, found.largest) == (2**16, (11, 11), (427, 427))


def test_more_paths_than_can_be_listed():
    found = cost("2000*(3p1 + id)", input="1x64").paths()
    assert found.number == 2**2000
    assert (found.smallest, found.largest) == ((1,), (4001,))


def test_pooled_branches_are_not_followed():
    found = cost("3p1, mul(id | gap, 1, sigmoid), 3p1 + id", input="1x64").paths()
    assert (found.number, found.smallest, found.largest) == (2, (3,), (5,))


def test_named_kernels():
    (smallest,), (largest,) = cost("conv kp0:(k-1) + id", input="CxL").paths()[1:3]
    assert (str(smallest), str(largest)) == ("1", "k")
