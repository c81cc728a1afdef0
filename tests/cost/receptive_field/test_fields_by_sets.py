"""Fields against plain sets, branches at different jumps among them."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.cost.receptive_field.fields import receptive_fields
from convalgebra.errors import ShapeError
from convalgebra.language import parse

from .graphs import keeping, networks
from .sets_by_loops import listed, seen_by_all

LENGTH = 96
DRIFTING = st.sampled_from(
    [
        "(2s2) + crop24", "(max2s2, resize96) + (3p1)", "mul(id | crop47:48)",
        "(resize64, 3p1, resize96) + id", "(3s3, up2) + (3p1, crop16)", "mul(3p1 | 96)",
        "(gap32, 3p1) + (3s3) + (crop40:24)", "(bilinear2, crop48) + 5p2",
    ]
)  # fmt: skip


def check(text):
    """Every unit whose field lies inside the input sees from the first to the last of it."""
    try:
        network = parse(text)
        sides = [shape[1] for shape in network.shapes]
    except ShapeError:
        assume(False)
    fields, sets = receptive_fields(network), seen_by_all(network)
    for node, side in enumerate(sides):
        if fields[node].pooled:
            continue
        (axis,) = fields[node].axes
        widths = [0]
        for unit in range(side):
            field = axis.seen_by(unit)
            if field is not None:
                widths.append(field[1] - field[0] + 1)
            inside = field is None or (field[0] >= 14 and field[1] < LENGTH - 14)
            if inside and side // 6 <= unit < side - side // 6:
                seen = listed(sets[node][unit])
                assert field == ((seen[0], seen[-1]) if seen else None)
        assert axis.size >= max(widths)
        if len(axis.parts) > 1 or side >= len(axis.phases):
            assert axis.size == max(widths)


@settings(max_examples=40)
@given(networks(LENGTH))
def test_networks(text):
    check(text)


CASES = st.tuples(st.sampled_from(["", "3p1, "]), DRIFTING, keeping(depth=1))


@settings(max_examples=20)
@given(CASES)
def test_branches_at_different_jumps(parts):
    check(f"input 1x{LENGTH}; {parts[0]}{parts[1]}, {parts[2]}")


@pytest.mark.slow
@settings(max_examples=400)
@given(st.one_of(networks(LENGTH), CASES.map(lambda p: f"input 1x{LENGTH}; {p[0]}{p[1]}, {p[2]}")))
def test_networks_at_length(text):
    check(text)
