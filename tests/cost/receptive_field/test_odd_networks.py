"""Odd networks, in one to three axes: units at the edges and paths, against gradients in torch."""

from itertools import product

import pytest
from click.testing import CliRunner

from convalgebra.cli import main
from convalgebra.cost.receptive_field import receptive_fields
from convalgebra.cost.receptive_field.paths import paths_to
from convalgebra.cost.receptive_field.units import view
from convalgebra.language import parse

from .test_paths import all_paths, alone

torch = pytest.importorskip("torch")

from .linearised import image, outputs, reached  # noqa: E402  (only where there is torch)

# 'same' padding that depends on the size, ceil mode, dilation with stride, phases of transposed
# convolutions, branches of different strides, borders, groups, resizes up and down.
NETWORKS = [
    "input 1x31; 3s2psame, 5s3psame, convt4s3p1, 3d4p4",
    "input 1x29; (2s2) + crop7:8, 3p1",
    "input 1x30; mul(3p1 | gap, 1, sigmoid), 5p2",
    "input 1x33; convt1s3o2, 2, convt3s2d2p1",
    "input 1x10; bilinearto25, bilinearto9, 3p1",
    "input 1x11x13; 3x3s2psame, 3x3s2psame, 5x5psame",
    "input 1x12x17; 4x3s3x2psame@2, 2x5s2psame, 3x3psame",
    "input 1x14x15; max3x3s2ceil, 3x3p1, max2x2s3ceil",
    "input 1x13x16; avg3x2s2p1ceil, 3x3d2p2",
    "input 1x17x23; 3x3s2d3p2, 2x2s3d2p1",
    "input 1x9x10; convt3x4s2x3p1x0o1x0, 3x3s2",
    "input 1x9x9; convt2x2s3d2, 3x3s2p1",
    "input 1x16x16; (3x3s2p1) + (max2x2s2, 3x3p1) + (1x1s2), bilinear2, 3x3",
    "input 1x16x16; cat(3x3s2p1, up2 | id | avg4x4s4, bilinear4), 3x3p1",
    "input 1x20x12; bilinearto7x19, 3x3p1, resize5x23",
    "input 2x9x8; pad1:2x0:1, 3x3, crop1:0x0:1, reflect2:1, 3x3s2, circular1, 2x2",
    "input 1x10x11; replicate3x0, 3x3, gap4x5, 2x2",
    "input 4x12x12; 3x3p1g2@8, shuffle2, dw3x3s2p1, pixelshuffle2, 3x3",
    "input 1x12x10; (max2x2s2, up2) + 3x3p0:2x1, 3x3s2p0:1",
    "input 1x15x15; def d(R)=3x3dRpR; cat(d(1) | d(2) | d(4) | gap, 1x1, bilinear15), 1x1",
    "input 1x13x17; e = 3x3s2; 3x3s2p1; a = bilinearlike(3x3p1 | e) + e; resizelike(id | input)",
    "input 1x7x11; e = 2x2; cat(gap, 1x1, bilinearlike(id | e) | 3x3s3p1, resizelike(id | e))",
    "input 1x8x9x7; 3x2x3s2x1x2p1x0x1, convt2x2x2s2, 3x3x3p1",
    "input 1x6x8x10; 3x3x3s2psame, up2x1x3, avg2x2x2s1x2x2",
    "input 1x6x8x6; bilinear2, 3x1x3s3x1x2, (1x3x1p0x1x0) + id",
]


@pytest.mark.parametrize("text", NETWORKS)
def test_units_at_the_edges_and_in_the_middle(text):
    network = parse(text)
    (end,) = network.outputs
    fields, x = receptive_fields(network), image(network)
    y = outputs(network, x)
    for unit in product(*({0, 1, side // 2, side - 1} for side in network.shapes[end][1:])):
        places = reached(y, unit, x)
        found = view(network, fields, end, unit)
        for axis, runs in enumerate(found.seen):
            seen = {at for first, last in runs for at in range(first, last + 1)}
            assert seen == {place[axis] for place in places}
        assert found.inputs in (None, len(places))


@pytest.mark.parametrize(
    ("text", "less"),
    [
        ("cat(5p2@2 | 3p1@2), [2:], 3p1", True),  # what sees the most is cut off
        ("cat(5p2@2 | 3p1@2), [:2], 3p1", False),
        ("cat([:2], 7p3 | [2:]), 3p1g4, [2:]", True),
        ("2*(cat([:2] | [2:], 1@2, dw3p1), shuffle2)", False),
    ],
)
def test_behind_a_slice_a_unit_sees_this_or_less(text, less):
    network = parse(f"input 4x24; {text}")
    (end,) = network.outputs
    x = image(network)
    places = {at for (at,) in reached(outputs(network, x), (12,), x)}
    (((first, last),),) = view(network, receptive_fields(network), end, (12,)).seen
    told = set(range(first, last + 1))
    assert places < told if less else places == told
    said = "Channels are not told apart: behind a slice this or less is seen."
    arguments = ["cost", text, "--input", "4x24"]
    assert said in CliRunner().invoke(main, [*arguments, "--unit", "[12]"]).stdout
    assert said[1:-1] in " ".join(CliRunner().invoke(main, arguments).stdout.split())


def test_where_nothing_is_cut_off_nothing_is_said_of_it():
    text = "cat(5p2@2 | 3p1@2), 3p1g4, unused([2:], fc@3)"
    shown = CliRunner().invoke(main, ["cost", text, "--input", "4x24"]).stdout
    assert "not told apart" not in shown


BRANCHES = [
    "input 1x80; (3s2psame) + (max2s2, 3d2p2) + (1s2), up2, 3p1 + (5p2, 3p1)",
    "input 1x60; convt3s2p1o1, (3p1, 2s2) + (5s2p2) + (avg2s2)",
    "input 1x28x26; (3x5p1x2) + (5x1p2x0) + id, max2x3s2x1, cat(1x1 | 3x3p1, 3x1p1x0)",
    "input 1x24x24; (max2x2s2, 3x3p1, bilinear2) + 3x3p1, (1x7p0x3) + id",
    "input 1x12x14x12; (3x1x1p1x0x0) + (1x3x1p0x1x0, 1x3x3p0x1x1), 2x2x2s2",
]


def most_seen(network):
    """The most that a unit in the middle third sees along each axis, over all phases."""
    x = image(network)
    y = outputs(network, x)
    middle = [range(side // 2 - 2, side // 2 + 2) for side in network.shapes[-1][1:]]
    seen = [[*zip(*reached(y, unit, x), strict=True)] for unit in product(*middle)]
    return [max(max(along) - min(along) + 1 for along in axis) for axis in zip(*seen, strict=True)]


@pytest.mark.parametrize("text", BRANCHES)
def test_the_shortest_and_the_longest_path(text):
    network = parse(text)
    (end,) = network.outputs
    found = paths_to(network, receptive_fields(network), end)
    paths = all_paths(network, end)
    sizes = [most_seen(alone(network, path)) for path in paths]
    assert found.number == len(paths)
    assert found.smallest == tuple(map(min, zip(*sizes, strict=True)))
    assert found.largest == tuple(map(max, zip(*sizes, strict=True)))
