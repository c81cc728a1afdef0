"""What stacks with activations reproduce: verdicts."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convalgebra.algebra import equiv
from convalgebra.algebra.answers import Reach
from convalgebra.errors import ConvalgebraError, UnsupportedError
from convalgebra.language import parse

from .relu_networks import ALL, THIN, UNKNOWN, Conv, answers, one_channel, reach, run, text_of


def test_without_activations_there_is_nothing_to_say():
    assert reach("3x3", "2x2, 2x2") is None
    assert reach("unused(3, relu), 2", "2") is None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("3x3", "2x2, relu, 2x2"),
        ("3x3", "3x3, relu"),
        ("3x3", "relu, 3x3"),
        ("3x3b", "2x2b, relu, 2x2b"),
        ("3x3", "2x2, tanh, 2x2"),
        ("3x3", "2x2, leakyrelu, 2x2"),
        ("3x3", "2x2b, hardswish, 2x2b"),
        ("3x3", "2x2, mish, avg2x2s1"),
        ("3x3", "avg2x2s1, relu, 2x2"),
        ("4x4", "2x2, tanh, 2x2, tanh, 2x2"),
        ("4x4", "2x2, silu, 2x2, elu, 2x2"),
        ("2x2", "2x2, hardswish, 1x1, hardswish, 1x1"),
        ("3x3", "2x2@3, elu, 2x2@1"),
        ("3x3", "2x2@3, sigmoid, 2x2@1"),
        ("3x3", "2x2@3, relu6, 2x2@1"),
        ("7x7s2", "3x3s2, relu, 3x3"),
        ("3x3", "2x2@2, relu, 2x2@1"),  # only products of two 2x2 are inside
    ],
)
def test_thin_both_ways(left, right):
    assert answers(left, right) == THIN
    assert answers(right, left) == THIN


def test_thin_one_way():
    assert answers("1x1@3, relu, 3x3@1, elu, 1x1", "3x3") == THIN  # one channel at the last
    assert answers("3x3", "1x1@3, relu, 3x3@1, elu, 1x1") == UNKNOWN


def test_a_witness_shows_the_even_part():
    found = reach("3x3", "2x2, relu, 2x2")
    assert "2x2,relu,2x2 maps an input of 3x3 ones to 16 and its negative to 0" in found.notes[0]
    assert [claim["claim"] for claim in found.claims] == ["nonlinear"]


def test_the_reason_tells_what_is_shared():
    assert "only 0 can be both" in reach("2x2, relu, 2x2", "3x3").reason
    assert "only constants can be both" in reach("2x2b, relu, 2x2", "3x3").reason
    assert "only constants can be both" in reach("2x2, sigmoid, 2x2", "3x3").reason


class TestPairs:
    def test_contains_the_halved_stack(self):
        found = reach("2x2@2, relu, 2x2@1", "2x2, 2x2")
        assert (found.real, found.complex, found.rational) == ("all", "unknown", "all")
        assert "exactly the linear maps of 2x2,2x2" in found.notes[0]

    @pytest.mark.parametrize("kind", ["relu", "silu", "gelu", "softplus", "hardswish", "leakyrelu"])
    def test_activations_with_pairs(self, kind):
        assert answers(f"2x2@3, {kind}, 2x2@1", "2x2, 2x2")[0] == "all"
        assert answers(f"2x2@3, {kind}, 2x2@1", "3x3") == THIN

    @pytest.mark.parametrize("kind", ["elu", "selu", "mish", "tanh", "sigmoid", "relu6"])
    def test_activations_without(self, kind):
        assert answers(f"2x2@8, {kind}, 2x2@1", "2x2, 2x2") == THIN

    def test_answers_of_the_halved_stack_are_asked_for(self):
        asked = []

        def linear(maker, made, channels):
            asked.append((str(maker), str(made), channels))
            return Reach("part", "all", "thin", "because", notes=("a note",))

        found = reach("3@9, relu, 3@2", "5@2", 2, linear)
        assert asked == [("3@4, 3@2", "5", 2)]
        assert (found.real, found.complex, found.rational) == ("part", "unknown", "thin")
        assert "a note" in found.notes

    def test_deeper_stacks_contain_but_nothing_is_disproved(self):
        def linear(maker, made, channels):
            assert str(maker) == "2@2, 2, 2@1"
            return Reach("thin", "thin", "thin", "because")

        assert answers("2@4, relu, 2@4, relu, 2@1", "4", 1, linear) == UNKNOWN
        assert answers("2@4, relu, 2@4, relu, 2@1", "5", 1, linear) == THIN  # it sees 4 only

    def test_as_many_channels_where_they_suffice(self):
        """2@8 to one channel: linear stacks of width 2 are all of those of width 8."""

        def linear(maker, made, channels):
            if (str(maker), str(made)) == ("2@2, 2@1", "2@2, 2@1"):
                return Reach("all", "all", "all", "equal", ((0,),))
            return Reach("unknown", "unknown", "unknown", "wide")

        assert answers("2@4, relu, 2@1", "2@8, 2@1", 1, linear)[0] == "all"
        assert answers("2@3, relu, 2@1", "2@8, 2@1", 1, linear) == UNKNOWN

    def test_constants_that_dead_channels_add(self):
        def linear(maker, made, channels):
            return Reach("thin", "thin", "thin", "no bias")

        assert answers("2@4, relu, 2@1", "3@1b", 1, linear) == THIN
        assert answers("2@4b, relu, 2@1", "3@1b", 1, linear) == UNKNOWN
        assert answers("2@4, softplus, 2@1", "3@1b", 1, linear) == UNKNOWN
        assert answers("2@4b, relu, 2@1b", "3@1b", 1, linear) == THIN
        assert answers("2@4b, hardswish, 2@1b", "3@1b", 1, linear) == UNKNOWN

    def test_groups_that_mix_later_are_not_said_to_be_exact(self):
        def linear(maker, made, channels):
            return Reach("thin", "thin", "thin", "because")

        assert answers("1@8, relu, 2@4g4, 1@1", "2@1", 2, linear) == UNKNOWN
        assert answers("1@8, relu, 2@2g2", "2@2", 2, linear) == THIN


class TestTheSameEnd:
    @pytest.mark.parametrize("kind", ["relu", "tanh", "gelu", "relu6", "hardswish", "elu"])
    def test_it_makes_no_difference(self, kind):
        for left, right in (("3x3", "2x2, 2x2"), ("2x2", "3x3"), ("2, 2", "3"), ("3", "2, 2")):
            before = one_channel(parse(left), parse(right), 1)
            found = reach(f"{left}, {kind}", f"{right}, {kind}")
            assert (found.real, found.rational) == (before.real, before.rational)
            assert found.offsets == before.offsets
            assert found.complex == (before.complex if before.complex == "all" else "unknown")
            assert found.witnesses == before.witnesses

    def test_softmax_is_not_injective(self):
        assert answers("3x3, softmax", "2x2, softmax") == ALL  # over one channel it is 1
        assert answers("2x2, softmax", "3x3, softmax") == ALL

        def linear(maker, made, channels):
            return Reach("thin", "thin", "thin", "because")

        assert answers("2x2@2, softmax", "3x3@2, softmax", 1, linear) == UNKNOWN

        def equal(maker, made, channels):
            return Reach("dense", "dense", "unknown", "because")

        assert answers("2x2@2, softmax", "3x3@2, softmax", 1, equal) == ("dense",) * 2 + (
            "unknown",
        )

    def test_relu_behind_relus(self):
        assert answers("2x2, tanh, 2x2, relu", "3x3, relu") == UNKNOWN
        assert answers("2x2, tanh, 2x2, elu", "3x3, elu") == THIN
        assert answers("3x3, relu, 3x3, relu", "2x2, relu, 2x2, relu") == ALL
        # relu(c relu(b x)) is 0 for all c < 0.
        assert answers("3x3, relu", "2x2, relu, 2x2, relu") == ("part", "unknown", "unknown")

    def test_a_bias_leaves_constants_apart(self):
        def linear(maker, made, channels):
            return Reach("thin", "thin", "thin", "because", codimension=2)

        found = reach("2b, relu", "3b, relu", 1, linear)
        assert found.real == "thin"
        assert found.codimension is None
        assert reach("2b, tanh", "3b, tanh", 1, linear).codimension == 2


class TestBothWithActivations:
    def test_layer_by_layer(self):
        found = reach("3, relu, 2", "2, relu, 1")
        assert (found.real, found.complex, found.rational) == ALL
        assert found.offsets == ((0,), (1,), (2,))

    def test_strides_before_a_piece_count(self):
        assert reach("3s2, relu, 2", "2s2, relu, 1").offsets == ((0,), (1,), (2,), (3,))

    def test_every_offset_works(self):
        """The weights moved in both layers, run on numbers."""
        random = Random(0)
        small = [Conv(2, 1, stride=2), "relu", Conv(1, 1)]
        large = [Conv(3, 1, stride=2), "relu", Conv(2, 1)]
        offsets = set()
        signal = [[Fraction(random.randint(-9, 9)) for _ in range(20)]]
        (two,) = run(small, [3, -2, 5], signal)
        for one in ([3, -2, 0], [0, 3, -2]):
            for other in ([5, 0], [0, 5]):
                (row,) = run(large, [*one, *other], signal)
                for move in range(4):
                    (moved,) = run(small, [3, -2, 5], [signal[0][move:]])
                    if row[:6] == moved[:6]:
                        offsets.add((move,))
        assert any(two)
        assert offsets == set(reach(text_of(large), text_of(small)).offsets)

    def test_wider_ones(self):
        assert answers("2@3, relu, 2@1", "2@2, relu, 2@1") == ALL
        assert answers("2@2, relu, 2@1", "2@3, relu, 2@1") == THIN
        assert answers("3@2, relu, 2@1", "2@2, elu, 2@1") == UNKNOWN

    def test_softmax_sees_channels_to_spare(self):
        assert answers("2@2, softmax, 2@1", "2@2, softmax, 2@1") == ALL
        assert answers("2@3, softmax, 2@1", "2@2, softmax, 2@1") == UNKNOWN

    def test_pieces_decide(self):
        assert answers("2, relu, 3", "3, relu, 2") == THIN  # both see 4 inputs
        assert answers("2, relu, 3", "2, relu, 2d2") == ALL
        assert answers("2, relu, 2d2", "2, relu, 3") == THIN
        assert answers("2, 2, relu, 2", "3, relu, 2") == ("part", "all", "thin")
        assert answers("3, relu, 2, 2", "3, elu, 3") == UNKNOWN
        assert answers("3d2, relu, 3", "3, elu, 3d2") == THIN  # whatever the activation

    def test_aligned_stacks_are_compared_as_they_lie(self):
        def offsets(maker, made, **options):
            report = equiv(maker, made, **options)
            return report.left_reproduces_right.reach.offsets

        assert offsets("3p1, relu, 3p1", "2p1, relu, 2p1", input="9") == ((0,),)
        assert offsets("3p1, relu, 3p1", "2p1, relu, 2", input="9") == ((1,),)
        assert offsets("3, relu, 3p2", "2p1, relu, 2p1", input="9") == ((0,),)
        far = equiv("3p1, relu, 3p1", "2p5, relu, 2", input="9").left_reproduces_right.reach
        assert (far.real, far.complex, far.rational) == THIN
        # Up to a shift padding makes no difference.
        for made in ("2, relu, 2", "2p1, relu, 2p1", "2p5, relu, 2"):
            assert offsets("3p1, relu, 3p1", made) == ((0,), (1,), (2,))

    def test_dead_members(self):
        """All of 3,relu,3,relu,1 that is proved to be made is 0."""
        found = reach("2, relu, 2, relu, 1", "3, relu, 3, relu, 1")
        assert (found.real, found.complex, found.rational) == ("part", "unknown", "unknown")
        assert "reproduces members that are 0" in found.notes[0]

    def test_dead_constants_need_a_bias(self):
        assert answers("4b", "2, relu, 2, relu, 2b")[0] == "part"
        assert answers("4", "2, relu, 2, relu, 2b") == THIN
        assert answers("4b", "2, relu, avg2s1, relu, 2b") == THIN  # its second ReLU is idle

    def test_a_bias_that_the_other_has_not(self):
        def linear(maker, made, channels):
            return Reach("all", "all", "all", "because", ((0,),))

        assert answers("3, relu, 3b", "3, relu, 3", 1, linear) == ALL
        assert answers("3, relu, 3", "3, relu, 3b") == THIN
        assert answers("3, sigmoid, 3", "3, sigmoid, 3b") == UNKNOWN


def test_idle_relus_are_left_out():
    over_r = ("all", "unknown", "all")
    assert answers("2, relu, avg2s1, relu, 2", "2, relu, avg2s1, 2") == over_r
    assert answers("2, relu, relu, 2", "2, relu, 2") == over_r
    assert answers("2, softplus, relu", "2, softplus") == over_r
    assert answers("2, tanh, relu", "2, tanh") == UNKNOWN


def test_what_is_not_decided_says_so():
    assert "on a branch" in reach("(2x2, relu) + 2x2", "2x2, relu").reason
    assert "on a branch" in reach("cat(2x2, relu | 2x2), 1x1", "2x2").reason
    assert "share" in reach("shared f = 3@1; f, relu, f", "3, relu, 3").reason
    assert answers("shared f = 3@1; f, relu, f", "shared f = 3@1; f, relu, f") == ALL
    deep = ", ".join(["2", *["tanh, 1"] * 201])
    assert "more than 200" in reach(deep, "2, tanh, 1").reason


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ("3x3, relu", "3x3s2", "total strides differ: 1x1 for 3x3,relu, 2x2 for 3x3s2"),
        ("3x3@2, relu", "3x3", "3x3@2,relu gives 2 channels and 3x3 1"),
        ("3x3, relu", "3", "axes"),
        ("3x3, relu, max2x2s1", "3x3", "max"),
        ("3x3, ln, relu", "3x3", "ln"),
        ("3x3, plainbn, relu", "3x3", "write `bn`"),
        ("3x3, prelu, relu", "3x3", "`prelu` .* is not linear"),
        ("3x3, bilinearto4x4, relu", "3x3", "linear on a given input size only"),
    ],
)
def test_what_cannot_be_compared(left, right, message):
    with pytest.raises(UnsupportedError, match=message):
        reach(left, right)


# Any stacks

LAYERS = st.sampled_from(
    [
        "2",
        "3",
        "1",
        "2@2",
        "dw2",
        "3g2@4",
        "2d2b",
        "bn",
        "avg2s1",
        "pad1",
        "relu",
        "tanh",
        "gelu",
        "softmax",
        "dropout",
        "relu6",
        "leakyrelu",
        "up2",
        "2s2",
        "shuffle2",
    ]
)
STACKS = st.lists(LAYERS, min_size=1, max_size=6).map(
    lambda layers: ", ".join(["2@4", *layers, "1@2"])
)


def nothing(maker, made, channels):
    return Reach("unknown", "unknown", "unknown", "not asked")


@given(STACKS, STACKS)
def test_any_two_stacks(left, right):
    try:
        found = reach(left, right, 2, nothing)
    except ConvalgebraError:
        return
    if found is not None:
        assert found.reason
        assert found.real != "unknown" or {found.complex, found.rational} == {"unknown"}


@given(STACKS)
def test_every_stack_is_itself(text):
    try:
        found = reach(text, text, 2, nothing)
    except ConvalgebraError:
        return
    assert found is None or (found.real, found.complex, found.rational) == ALL
