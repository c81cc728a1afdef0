"""Residual sums, bottlenecks, and certificates: against enumeration, ranks and the checker."""

from fractions import Fraction
from itertools import product
from random import Random

import pytest

from convalgebra import check
from convalgebra.algebra import equiv
from convalgebra.algebra.activations import activation_reach
from convalgebra.algebra.activations.bottlenecks import bottleneck, generic_rank
from convalgebra.algebra.activations.pieces import cut
from convalgebra.algebra.activations.sums import sum_of
from convalgebra.algebra.certificates import certificate_of
from convalgebra.errors import UnsupportedError
from convalgebra.language import parse

from .oracles import rank_mod
from .relu_networks import Conv, count_weights, run, text_of

PRIME = 2_147_483_647


def reach(maker, made, channels=1):
    """The answer with the whole engine for what is linear."""

    def linear(maker, made, channels):
        return equiv(maker, made, channels=channels).left_reproduces_right.reach

    return activation_reach(parse(maker), parse(made), channels, linear)


def verdict(maker, made, channels=1):
    found = reach(maker, made, channels)
    return found.real, found.complex, found.rational


THIN = ("thin", "unknown", "thin")
ALL = ("all", "unknown", "all")
UNKNOWN = ("unknown", "unknown", "unknown")


# Sums


def affine_members(active, linear, width, values=(-1, 0, 1)):
    """Weights of both branches and the kernel of those sums that are linear on a grid."""
    split = count_weights(active, 1)
    points = list(product((-2, -1, 0, 1, 2), repeat=width))
    for weights in product(values, repeat=split + count_weights(linear, 1)):

        def total(signal, weights=weights):
            one = run(active, weights[:split], [signal])[0][0]
            return one + run(linear, weights[split:], [signal])[0][0]

        kernel = [total([int(n == at) for n in range(width)]) for at in range(width)]
        if all(
            total(list(x)) == sum(k * v for k, v in zip(kernel, x, strict=True)) for x in points
        ):
            yield weights, tuple(kernel)


def test_one_channel_adds_nothing_linear():
    """What is linear in (2, relu, 1) + 2d2 is what 2d2 makes: no middle tap."""
    active, linear = [Conv(2, 1), "relu", Conv(2, 1)], [Conv(2, 1, dilation=2)]
    kernels = {kernel for _, kernel in affine_members(active, linear, 3)}
    assert kernels == {(a, 0, b) for a, b in product((-1, 0, 1), repeat=2)}
    text = f"({text_of(active)}) + {text_of(linear)}"
    assert verdict(text, "2d2") == ALL
    assert verdict(text, "3") == THIN
    assert "nothing linear comes from 2@1,relu,2@1" in reach(text, "3").reason


def test_pairs_add_what_the_halved_stack_makes():
    """(2@2, relu, 1@1) + 2: a pair of proportional rows adds what one row does."""
    active, linear = [Conv(2, 2), "relu", Conv(1, 1)], [Conv(2, 1)]
    found = set()
    for weights, kernel in affine_members(active, linear, 2):
        found.add(kernel)
        (a, b, c, d), (v, w) = weights[:4], weights[4:6]
        assert a * d == b * c or not v or not w  # what `thin` of generic members says
    assert found >= set(product((-1, 0, 1), repeat=2))
    text = f"({text_of(active)}) + {text_of(linear)}"
    assert verdict(text, "2") == ALL
    assert verdict("2", text) == THIN
    assert verdict("(2@2, relu, 1@1) + 1", "2") == ALL  # of which 1 alone makes nothing


def test_no_generic_sum_is_linear():
    random = Random(0)
    active, linear = [Conv(2, 3), "relu", Conv(2, 1)], [Conv(3, 1)]
    for _ in range(30):
        weights = [
            [random.randint(1, 99) * random.choice((-1, 1)) for _ in range(count_weights(x, 1))]
            for x in (active, linear)
        ]
        signal = [[Fraction(random.randint(-9, 9)) for _ in range(40)]]
        sides = []
        for sign in (1, -1):
            moved = [[sign * x for x in signal[0]]]
            rows = [run(x, w, moved)[0] for x, w in zip((active, linear), weights, strict=True)]
            sides.append([a + b for a, b in zip(*rows, strict=True)])
        assert any(a + b for a, b in zip(*sides, strict=True))
    assert verdict("3", f"({text_of(active)}) + 3@1") == THIN


def test_a_residual_block():
    (note, *_) = reach("3x3p1", "(3x3p1, relu, 3x3p1) + id").notes
    # 9 taps of 9 ones each, 5x5 inputs seen, and the input itself once; then minus the latter
    assert "maps an input of 5x5 ones to 82 and its negative to -1" in note
    assert verdict("(3x3p1, relu, 3x3p1) + id", "3x3p1") == THIN
    assert verdict("(3x3p1, relu, 3x3p1) + 1x1", "1x1") == ALL


def test_constants_and_places_of_sums():
    assert verdict("(2b, relu, 2) + 1b", "1") == ALL
    assert verdict("(2b, relu, 2) + 1", "1b") == UNKNOWN
    assert verdict("(2, relu, 2) + 1", "1b") == THIN
    assert verdict("(2, sigmoid, 2b) + 1", "1") == ALL
    assert verdict("(avg2s1, relu, avg2s1) + 3", "3") == UNKNOWN  # this relu is never 0
    assert reach("(3p1, relu, 3p1) + 1", "1").offsets == ((2,),)  # 2 inputs further in
    assert verdict("(3p1, relu, 3p1) + 3", "3p1") == ALL  # one position apart
    assert verdict("(3p1, relu, 3p1) + 3p1", "3p1") == ALL


@pytest.mark.parametrize(
    "text",
    [
        "(3p1, relu, 3p1) + (3p1, relu)",  # activations on both branches
        "3p1, ((3p1, relu, 3p1) + id)",  # the branches have a layer in common
        "(3p1, relu, 3p1) + id, relu",
        "shared f = 3p1; (f, relu) + f",
        "cat(3p1, relu | id), 1@1",
    ],
)
def test_what_is_no_sum(text):
    assert sum_of(parse(text), 1, 1) is None
    assert "on a branch" in reach(text, "1").reason


def test_sums_that_cannot_be_compared():
    with pytest.raises(UnsupportedError, match="total strides differ"):
        reach("(3p1, relu, 3p1) + id", "2s2")
    with pytest.raises(UnsupportedError, match="channels"):
        reach("1@2", "(3p1, relu, 3p1) + id")


# Bottlenecks


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("2@3", 5),
        ("3@4, 2@2, 1@5", 4),
        ("dw3, 1@6", 3),
        ("3@4b, avg2s1, bn, 2d2@3", 2),
        ("3s2@5", 2),
        ("2s3@9", 3),
        ("4s4d2@7", 2),
    ],
)
def test_the_generic_rank(text, channels):
    """At a random point: coefficients from the weights, z a random number mod p."""
    random = Random(1)
    (piece,) = cut(parse(text), channels).pieces
    family, (stride,) = piece.family, map(int, piece.family.total_stride)
    values = family.values([random.randrange(PRIME) for _ in range(family.weights)], PRIME)
    matrix = [[0] * (channels * stride) for _ in range(piece.out)]
    z = random.randrange(2, PRIME)
    for place, value in zip(family.coordinates, values, strict=True):
        if place.exponent:
            (exponent,) = place.exponent
            power, phase = divmod(exponent, stride)
            at = place.source * stride + phase
            matrix[place.out][at] += value * pow(z, power, PRIME)
    assert rank_mod(matrix, PRIME) == generic_rank(piece)


@pytest.mark.parametrize("text", ["3 + id", "2@4g2", "convt2@1", "avg2s2", "3@4, 3s2@4"])
def test_no_generic_rank(text):
    (piece,) = cut(parse(text), 4).pieces
    assert generic_rank(piece) is None


def test_linear_maps_through_few_channels_have_small_rank():
    """1@2, leakyrelu, 1@1, leakyrelu, 1@2: matrices of rank 1, whatever is linear."""
    layers = [Conv(1, 2), "leakyrelu", Conv(1, 1), "leakyrelu", Conv(1, 2)]
    points = [point for point in product((-1, 0, 1), repeat=2) if any(point)]
    kernels = set()
    for first, last in product(product((-1, 0, 1), repeat=6), product((-1, 1), repeat=2)):
        weights = [*first, *last]

        def at(x, y, weights=weights):
            return [row[0] for row in run(layers, weights, [[x], [y]])]

        (a, c), (b, d) = at(1, 0), at(0, 1)
        if all(at(x, y) == [a * x + b * y, c * x + d * y] for x, y in points):
            kernels.add((a, b, c, d))
    assert len(kernels) > 20
    assert all(a * d == b * c for a, b, c, d in kernels)
    assert verdict(text_of(layers), "1@2", 2) == THIN
    assert "rank 1 at most pass the leakyrelu" in reach(text_of(layers), "1@2", 2).reason


def test_rank_counts_positions():
    """Two channels at every position before a stride of 2 are four numbers for an output."""
    made = cut(parse("4s2@4"), 4)
    assert bottleneck(cut(parse("1@2, elu, 3@8, elu, 2s2@4"), 4), made) is None
    assert "rank 2 at most" in bottleneck(cut(parse("1@8, elu, 3s2@2, elu, 1@4"), 4), made)
    assert bottleneck(cut(parse("2@4, elu, 3@4, elu, 1@4"), 4), cut(parse("4@4"), 4)) is None


# Certificates


@pytest.mark.parametrize(
    ("left", "right", "channels", "claims"),
    [
        ("3x3", "2x2, relu, 2x2", 1, {"nonlinear"}),
        ("2x2, 2x2", "2x2@2, relu, 2x2@1", 1, {"reproduces", "nonlinear"}),
        ("3x3@2", "2x2@16, relu, 2x2@2", 2, {"reproduces", "nonlinear"}),
        ("3b, 2b", "3@2b, relu, 2@1b", 1, {"reproduces", "nonlinear"}),
        ("3p1@2, 3p1@2, 2@1", "3p1@4, relu, 3p1@4, relu, 2@1", 1, {"reproduces"}),
        ("3", "(2, relu, 2) + 3", 1, set()),
        ("3x3, relu", "2x2, 2x2, relu", 1, set()),
        ("2x2, 2x2, relu", "2x2@2, relu, 2x2@1, relu", 1, set()),
    ],
)
def test_the_checker_verifies_the_claims(left, right, channels, claims):
    certificate = certificate_of(equiv(left, right, channels=channels))
    said = []
    check.verify(certificate, said.append)
    assert {claim["claim"] for claim in certificate["claims"]} - {
        "rank",
        "bound",
    } == claims
    for number in range(len(certificate["claims"])):
        assert any(line.startswith(f"claim {number} ") and "holds" in line for line in said)
    if "reproduces" in claims:
        assert any("holds: right makes all of left (real)" in line for line in said)


def test_a_wrong_witness_is_rejected():
    certificate = certificate_of(equiv("3x3", "2x2, relu, 2x2"))
    (claim,) = (c for c in certificate["claims"] if c["claim"] == "nonlinear")
    claim["weights"][1] = 1
    with pytest.raises(check.Wrong, match="no unit is left alone"):
        check.verify(certificate, lambda line: None)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("3x3p1 + id", "(3x3p1, relu, 3x3p1) + id"),
        ("id", "1x1@2, relu, 1x1@1"),
        ("relu", "3x3p1, relu"),
        ("3x3p1 + id", "(1x1, relu) + id"),
        ("5x5p2", "(3x3p1@2, relu, 3x3p1@1) + id"),
    ],
)
def test_the_identity_is_called_id(left, right):
    report = equiv(left, right)
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        said = " ".join((direction.reach.reason, *direction.reach.notes))
        assert "avg1" not in said


def test_an_average_that_the_user_wrote_keeps_its_name():
    assert equiv("3x3", "avg1x1s1").right.text == "avg1x1s1"
