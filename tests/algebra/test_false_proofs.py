"""Proofs that look right and are wrong: what they would give, what is true, what the engine says.

The truth is a rank of differences of kernels merged by plain loops, mod a prime: never more than
the dimension, and less only by an unlikely accident, tried three times.
"""

from itertools import product
from random import Random

import pytest

from convalgebra.algebra import equiv
from convalgebra.algebra.width import hidden_width
from convalgebra.language import parse

from .oracles import rank_mod

PRIME = 1_000_003


def count(layers):
    """The weights of layers (channels in, channels out, groups, size)."""
    return sum(i * o // g * h * w for i, o, g, (h, w) in layers)


def merged(layers, weights):
    """{(out, in, y, x): value} of layers one after another, by plain loops."""
    into = layers[0][0]
    total = {(c, c, 0, 0): 1 for c in range(into)}
    at = 0
    for i, o, g, (h, w) in layers:
        grown = {}
        for out, inner, y, x in product(range(o), range(i // g), range(h), range(w)):
            weight, at = weights[at], at + 1
            source = out // (o // g) * (i // g) + inner
            for (middle, first, dy, dx), value in total.items():
                if middle == source:
                    key = (out, first, dy + y, dx + x)
                    grown[key] = (grown.get(key, 0) + weight * value) % PRIME
        total = grown
    return total


def rank(layers):
    """The greatest rank of the differences by each weight (each stands in no product twice)."""
    best = 0
    for seed in range(3):
        random = Random(seed)
        point = [random.randrange(PRIME) for _ in range(count(layers))]
        here = merged(layers, point)
        places = sorted(here)
        rows = []
        for number in range(len(point)):
            moved = [w + (j == number) for j, w in enumerate(point)]
            there = merged(layers, moved)
            rows.append([(there[place] - here[place]) % PRIME for place in places])
        best = max(best, rank_mod(rows, PRIME))
    return best


def less_squares_of_seams(layers, places):
    """min(ambient, weights less h^2 at every seam of h channels), over all bracketings."""
    chains = {}
    for length in range(1, len(layers) + 1):
        for first in range(len(layers) - length + 1):
            run = layers[first : first + length]
            sides = [sum(size[a] - 1 for *_, size in run) + 1 for a in (0, 1)]
            choices = [run[0][0] * run[-1][1] * sides[0] * sides[1]]
            if length == 1:
                choices = [count(run)]
            for cut in range(1, length):
                seam = run[cut][0]
                parts = chains[first, cut] + chains[first + cut, length - cut]
                choices.append(parts - seam**2)
            chains[first, length] = min(choices)
    assert places == layers[0][0] * layers[-1][1] * sides[0] * sides[1]
    return chains[0, len(layers)]


DW = [(4, 4, 4, (3, 3)), (4, 4, 1, (1, 1))]
NARROW_START = [(1, 2, 1, (3, 3)), (2, 2, 1, (3, 3))]
LINES = [(1, 4, 1, (3, 1)), (4, 1, 1, (1, 3))]
BULGE = [(1, 8, 1, (3, 3)), (8, 1, 1, (3, 3)), (1, 1, 1, (3, 3))]
EQUAL = [(2, 2, 1, (3, 3)), (2, 2, 1, (3, 3))]


def test_all_matrices_do_not_act_at_a_depthwise_seam():
    """GL(4) would "prove" at most 52 - 16 = 36; a rank of 48 contradicts it."""
    assert count(DW) - 4**2 == 36
    assert rank(DW) == 48
    found = equiv("3x3", "dw3x3,1x1", channels=4).right.dimension
    assert (found.lower, found.upper) == (48, 48)


def test_more_than_matrices_acts_where_one_channel_comes_in():
    """54 - 4 = 50 counts GL(2) alone; no rank is more than 48."""
    assert count(NARROW_START) - 2**2 == 50
    assert rank(NARROW_START) == 48
    found = equiv("5x5@2", "3x3@2,3x3@2").right.dimension
    assert (found.lower, found.upper) == (48, 48)


def test_a_wide_seam_does_not_lose_its_square():
    """24 - 16 = 8 by weights and symmetries; but all nine coefficients move."""
    assert less_squares_of_seams(LINES, 9) == 8
    assert rank(LINES) == 9
    found = equiv("3x3", "3x1@4,1x3@1").right.dimension
    assert (found.lower, found.upper) == (9, 9)


def test_a_chain_is_as_narrow_as_its_narrowest_part():
    """min(49, 153 - 64 - 1) = 49 for all three at once; 8 channels make no more than one 5x5."""
    assert min(49, count(BULGE) - 8**2 - 1) == 49
    assert rank(BULGE) == 33 == 25 + 9 - 1
    found = equiv("7x7", "3x3@8,3x3@1,3x3@1").right.dimension
    assert (found.lower, found.upper) == (33, 33)


def test_the_guess_is_right_where_its_hypotheses_hold():
    """Channels in and out 2, no seam wider than what goes through it: 72 - 4 = 68."""
    assert less_squares_of_seams(EQUAL, 100) == 68 == rank(EQUAL)
    assert equiv("5x5", "3x3,3x3", channels=2).right.dimension.value == 68


@pytest.mark.parametrize("channels", range(1, 9))
def test_equal_widths_are_never_enough(channels):
    """9 C^2 numbers of a 3x3 are more than the 2 * 4 C^2 - C^2 (one channel: 8 - 1) of two 2x2."""
    report = equiv("3x3", "2x2,2x2", channels=channels)
    assert report.right.dimension.upper == 7 * channels**2 < 9 * channels**2
    assert report.right_reproduces_left.reach.real == "thin"
    assert hidden_width(None, parse("2x2,2x2"), channels, budget=1000).necessary > channels
