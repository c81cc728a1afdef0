"""Which kernels a chain makes, against every way to share out roots and places."""

from dataclasses import replace
from functools import cache
from itertools import product
from random import Random

import numpy as np
import pytest

from convalgebra.algebra.one_channel.chains import chain_of
from convalgebra.algebra.one_channel.reach import chain_makes, covers, kernel_makes
from convalgebra.language import parse

from .oracles import Layer, minus, plus, random_stack, response, shared_out, text_of


def line(taps, dilation=1, padding=0):
    return Layer((taps,), (1,), (dilation,), (padding,))


def chain(*layers):
    return chain_of(parse(text_of(layers)))


def aligned(*layers):
    return replace(chain(*layers), aligned=True)


def as_it_lies(text):
    return replace(chain_of(parse(text)), aligned=True)


def support(layers):
    return set(response(layers, [dict.fromkeys(layer.places(), 1) for layer in layers]))


# A kernel makes a chain


def shifts_by_hand(held, holder):
    ranges = [
        range(min(outer) - max(inner), max(outer) - min(inner) + 1)
        for inner, outer in zip(zip(*held, strict=True), zip(*holder, strict=True), strict=True)
    ]
    return tuple(t for t in product(*ranges) if {plus(place, t) for place in held} <= holder)


@pytest.mark.parametrize("axes", [1, 2])
def test_a_kernel_makes_what_it_covers(axes):
    random = Random(axes)
    covered = 0
    for _ in range(60):
        (kernel,) = random_stack(random, axes, 1, most=6, dilations=(1, 1, 2))
        layers = random_stack(random, axes, 2, most=2, dilations=(1, 2))
        found = kernel_makes(chain(kernel), chain(*layers))
        expected = shifts_by_hand(support(layers), support([kernel]))
        assert found.offsets == expected
        assert found.real == found.complex == found.rational == ("all" if expected else "thin")
        assert covers(chain(kernel), chain(*layers)) == bool(expected)
        covered += bool(expected)
    assert 10 < covered < 50


def test_aligned_chains_are_compared_as_they_lie():
    # Each side reads from minus its padding; the zeros before the second layer are moved by s1 = 1.
    kernel, stack = line(4, padding=1), (line(2, padding=1), line(2))
    assert kernel_makes(aligned(kernel), aligned(*stack)).offsets == ((0,),)
    assert kernel_makes(aligned(line(4, padding=2)), aligned(*stack)).offsets == ((1,),)
    assert kernel_makes(aligned(line(4, padding=3)), aligned(*stack)).real == "thin"
    assert kernel_makes(chain(line(4, padding=3)), chain(*stack)).offsets == ((0,), (1,))
    assert kernel_makes(chain(line(4)), chain(*stack)).offsets == ((0,), (1,))


# A chain makes a kernel with several axes: one layer holds it whole


def whole_by_hand(layers, target):
    found = set()
    for at, layer in enumerate(layers):
        others = layers[:at] + layers[at + 1 :]
        for shift in shifts_by_hand(support([target]), support([layer])):
            rest = product(*(support([other]) for other in others))
            found |= {tuple(map(sum, zip(shift, *places, strict=True))) for places in rest}
    return tuple(sorted(found))


@pytest.mark.parametrize("axes", [2, 3])
def test_one_layer_holds_a_kernel_with_several_axes(axes):
    random = Random(axes)
    answers = []
    while len(answers) < 60:
        (target,) = random_stack(random, axes, 1, most=3, dilations=(1, 1, 2))
        if sum(taps > 1 for taps in target.taps) < 2:
            continue
        layers = random_stack(random, axes, random.choice((1, 2, 3)), most=4, dilations=(1, 1, 2))
        found = chain_makes(chain(*layers), chain(target))
        expected = whole_by_hand(layers, target)
        assert found.offsets == expected
        assert {found.real, found.complex, found.rational} == {"all" if expected else "thin"}
        answers.append(bool(expected))
    assert 5 < sum(answers) < 55


def test_a_single_tap_is_made_anywhere():
    found = chain_makes(chain_of(parse("2x2, 1x2")), chain_of(parse("1x1")))
    assert found.offsets == tuple(product(range(2), range(3)))


@pytest.mark.parametrize(
    ("stack", "target", "real"),
    [
        ("avg1x1s1", "1x1", "thin"),  # no weight, one kernel
        ("avg1x1s1, 2x2", "2x2", "all"),
        ("avg1x1s1, 2x2", "1x1", "all"),
        ("avg2x2s1", "2x2", "thin"),
        ("avg2x2s1, 3x3", "3x3", "thin"),
        ("avg1x2s1, 3x3", "3x1", "thin"),
        ("avg2x2s1, 2x2", "1x1", "thin"),
    ],
)
def test_averages_are_fixed(stack, target, real):
    found = chain_makes(chain_of(parse(stack)), chain_of(parse(target)))
    assert {found.real, found.complex, found.rational} == {real}


def test_padding_moves_a_kernel_out_of_reach():
    made = chain_makes(as_it_lies("3x3p1, 1x1"), as_it_lies("3x3p1"))
    moved = chain_makes(as_it_lies("3x3p1, 1x1"), as_it_lies("3x3p2"))
    assert made.real == "all"
    assert moved.real == moved.complex == moved.rational == "thin"
    on_a_line = chain_makes(as_it_lies("2p2, 2"), as_it_lies("3p1"))
    assert on_a_line.real == on_a_line.complex == on_a_line.rational == "thin"


# A chain makes a kernel along one axis: its roots are shared out
#
# The roots of f(z^e), f generic of degree n, are n cycles of e: r times the e-th roots of unity,
# numbered by Z/e. A layer in powers of z^d takes sets that the d-th roots of unity map to
# themselves, so steps of e/d; over R the sets of each layer are closed under conjugation, which
# takes turn k to -k in the cycle of a positive number, to -k - 1 in that of a negative one, and to
# another cycle else.


@cache
def uses_of_a_cycle(size, steps, kind):
    """How many roots each layer takes, over every assignment of a cycle (or a conjugate pair)."""
    conjugate = {"positive": lambda k: -k, "negative": lambda k: -k - 1}.get(kind, lambda k: k)
    found = set()
    for owners in product(range(len(steps)), repeat=size):
        closed = all(
            size % steps[owner] == 0
            and owners[(k + size // steps[owner]) % size] == owner
            and owners[conjugate(k) % size] == owner
            for k, owner in enumerate(owners)
        )
        if closed:
            times = 2 if kind == "pair" else 1
            found.add(tuple(times * owners.count(layer) for layer in range(len(steps))))
    return found


def shares_of(kinds, target, layers):
    """What is left of each layer's places, over every assignment of all cycles."""
    steps = tuple(layer.dilation[0] for layer in layers)
    left = {tuple(step * (layer.taps[0] - 1) for step, layer in zip(steps, layers, strict=True))}
    for kind in kinds:
        uses = uses_of_a_cycle(target.dilation[0], steps, kind)
        left = {minus(room, use) for room in left for use in uses}
        left = {room for room in left if min(room) >= 0}
    return left


def places_left(kinds, target, layers):
    """The shifts at which a kernel with these cycles is made: what is left holds powers of z."""
    found = set()
    for room in shares_of(kinds, target, layers):
        filled = [
            range(0, left + 1, layer.dilation[0]) for left, layer in zip(room, layers, strict=True)
        ]
        found |= {sum(places) for places in product(*filled)}
    return found


def patterns(count):
    """What the roots of a real f of this degree may be, in every combination."""
    for pairs in range(count // 2 + 1):
        for positive in range(count - 2 * pairs + 1):
            negative = count - 2 * pairs - positive
            yield ["pair"] * pairs + ["positive"] * positive + ["negative"] * negative


def random_line(random):
    """A kernel along a line and layers that have, more often than not, room for it."""
    size = random.choice((1, 1, 2, 3, 4, 6))
    target = line(random.randint(2, 4 if size < 3 else 3), size)
    if random.random() < 0.6:
        steps = (random.choice([step for step in range(1, size + 1) if size % step == 0]),)
    else:
        steps = (1, 2, 3)
    layers = [line(random.randint(1, 4), random.choice(steps)) for _ in range(random.randint(1, 4))]
    return target, layers


def test_along_a_line_against_every_assignment():
    random = Random(0)
    seen = {}
    for _ in range(700):
        target, layers = random_line(random)
        count = target.taps[0] - 1
        found = chain_makes(chain(*layers), chain(target))
        over_c = places_left(["any"] * count, target, layers)
        over_r = [places_left(kinds, target, layers) for kinds in patterns(count)]
        real = "all" if set.intersection(*over_r) else "part" if any(over_r) else "thin"
        whole = whole_by_hand(layers, target)
        size = target.dilation[0]
        steps = {layer.dilation[0] for layer in layers if layer.taps[0] > 1}
        several = len([step for step in steps if size % step == 0]) > 1
        assert found.rational == ("all" if whole else "thin")
        assert found.complex == ("all" if over_c else "thin")
        assert found.real == real
        assert {place for (place,) in found.offsets} == over_c
        seen[several, found.real] = seen.get((several, found.real), 0) + 1
    assert min(seen[False, answer] for answer in ("all", "part", "thin")) > 20
    assert min(seen[True, answer] for answer in ("all", "part", "thin")) > 5


def test_along_a_line_as_the_chains_lie():
    random = Random(1)
    for _ in range(120):
        target, (first, *rest) = random_line(random)
        count = target.taps[0] - 1
        place = random.randint(0, 4)
        target = line(*target.taps, *target.dilation, padding=1)
        first = line(*first.taps, *first.dilation, padding=1 + place)
        layers = [first, *rest]
        found = chain_makes(aligned(*layers), aligned(target))
        over_c = place in places_left(["any"] * count, target, layers)
        over_r = [place in places_left(kinds, target, layers) for kinds in patterns(count)]
        if found.complex != "unknown":
            assert found.complex == ("all" if over_c else "thin")
        if found.real in ("all", "thin"):
            assert found.real == ("all" if all(over_r) else "thin" if not any(over_r) else "part")
        if found.real == "part":
            assert any(over_r)
        assert found.offsets in ((), ((place,),))
        assert bool(found.offsets) == (found.complex == "all")


def count_real(roots):
    return sum(abs(root.imag) < 1e-6 for root in roots)


@pytest.mark.parametrize(
    ("stack", "taps", "size"),
    [
        ([(2, 1), (2, 1)], 3, 1),
        ([(2, 1), (3, 1)], 4, 1),
        ([(2, 1), (2, 1), (2, 1)], 4, 1),
        ([(2, 1), (2, 1), (3, 1)], 5, 1),
        ([(2, 1), (4, 1)], 4, 1),  # room to spare
        ([(2, 1), (2, 1), (2, 1)], 3, 1),  # room to spare
        ([(3, 1), (3, 1)], 3, 2),
        ([(3, 1), (2, 1), (2, 1)], 3, 2),
        ([(2, 1), (2, 1)], 2, 2),
        ([(2, 1), (2, 1), (2, 1)], 2, 3),
        ([(2, 1), (3, 1)], 2, 3),
        ([(2, 2), (2, 2)], 3, 2),
        ([(2, 2), (2, 2), (2, 2)], 4, 2),
    ],
)
def test_least_real_roots_by_numbers(stack, taps, size):
    layers = [line(*layer) for layer in stack]
    found = chain_makes(chain(*layers), chain(line(taps, size)))
    random = Random(taps * size)
    held = [(layer.taps[0] - 1, layer.dilation[0]) for layer in layers]
    made_of_all = set()
    for number in range(50):
        f = [random.randint(-9, 9) or 1 for _ in range(taps)]
        if number >= 40:  # special kernels, with roots at 0 and infinity
            f[random.randrange(taps)] = 0
        kernel = np.zeros(size * (taps - 1) + 1)
        kernel[::size] = f
        made = shared_out(np.roots(kernel), held, real=True)
        if found.least_real_roots is None:
            assert found.real == "all"
            assert made
        else:
            in_w = kernel[:: found.root_step]
            at_infinity = np.flatnonzero(in_w)[0]
            assert made == (count_real(np.roots(in_w)) + at_infinity >= found.least_real_roots)
        if number < 40:
            made_of_all.add(made)
        assert found.complex == "all"
        assert shared_out(np.roots(kernel), held, real=False)
    expected = {"all": {True}, "part": {True, False}, "thin": {False}}
    assert made_of_all == expected[found.real]


def test_special_kernels_may_be_held_on_another_lattice():
    # 1 + z^2 has no real root and is made all the same, by the 5d2; so no number of roots decides.
    layers = [line(2), line(5, 2), line(2)]
    found = chain_makes(chain(*layers), chain(line(3)))
    assert (found.real, found.complex, found.rational) == ("part", "all", "thin")
    assert found.least_real_roots is None
    held = [(1, 1), (4, 2), (1, 1)]
    assert shared_out(np.roots([1, 0, 1]), held, real=True)
    (witness,) = (witness for witness in found.witnesses if witness.field == "real")
    assert dict(witness.kernel) == {(0,): 1, (1,): 1, (2,): 1}
    assert not shared_out(np.roots([1, 1, 1]), held, real=True)


def test_one_even_filter_is_enough_and_two_are_not():
    # All kernels are reached over R iff at most one filter is even (Kohn, Merkh, Montufar, Trager).
    for sizes in product((2, 3, 4, 5), repeat=3):
        kernel = chain(line(sum(sizes) - 2))
        found = chain_makes(chain(*map(line, sizes)), kernel)
        even = sum(size % 2 == 0 for size in sizes)
        assert found.real == ("all" if even <= 1 else "part")
        assert found.least_real_roots == (None if even <= 1 else even)
        assert (found.complex, found.rational) == ("all", "thin")


def test_roots_of_a_line_in_layers_with_two_axes():
    # A row of 5 in 2x3 and 2x3: two places in each, and either row of each layer.
    found = chain_makes(chain_of(parse("2x3, 2x3")), chain_of(parse("1x5")))
    assert (found.real, found.complex, found.rational) == ("all", "all", "thin")
    assert found.offsets == ((0, 0), (1, 0), (2, 0))


def test_layers_on_several_lattices_are_told_apart():
    # 2d4 takes four of the eight roots of f(z^4), 2d2 two, 2 and 2 one each.
    found = chain_makes(chain_of(parse("2d4, 2d2, 2, 2")), chain_of(parse("3d4")))
    # A conjugate pair of f has four roots z in conjugate pairs, and 2 and 2 take none of them.
    assert (found.real, found.complex, found.rational) == ("part", "all", "thin")


def test_a_place_that_only_shared_roots_reach():
    # z^6 - r times z^3: the 3d3 is z^3, and 3d2 and 2d2 share out the roots. Held whole it is at
    # another place, so over Q the answer is known.
    stack, kernel = as_it_lies("3d3p6, 3d2, 2d2"), as_it_lies("2d6p3")
    found = chain_makes(stack, kernel)
    assert (found.real, found.complex, found.rational) == ("all", "all", "thin")
    assert "where the padding puts it" in found.witnesses[0].reason
    assert places_left(["positive"], line(2, 6), [line(3, 3), line(3, 2), line(2, 2)]) >= {3}
    assert chain_makes(chain_of(parse("3d3, 3d2, 2d2")), chain_of(parse("2d6"))).rational == "all"
