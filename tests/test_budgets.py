"""Hostile sizes are answered within a budget of work and memory, or refused in one sentence.

Work is counted, never timed; memory is what a process of its own may take.
"""

import resource
import subprocess
import sys
from itertools import product

import pytest

from convalgebra.algebra import equiv
from convalgebra.algebra.constructions import construct
from convalgebra.algebra.families import family_of
from convalgebra.algebra.implicit.exclusion import exclusion
from convalgebra.algebra.implicit.search import implicit_equations
from convalgebra.algebra.operators import source_place, taps_read
from convalgebra.algebra.plan import plan_of
from convalgebra.algebra.supports import _Supports, shifts_into
from convalgebra.algebra.weight_polynomials import Polynomial, products_of
from convalgebra.budget import Budget, Exhausted
from convalgebra.errors import UnsupportedError
from convalgebra.language import parse
from convalgebra.symbolic.matrix import _polynomial, _sum_of, matrix_of


def command(*arguments, megabytes=512):
    """The command line in a process that may take so much memory (the code itself takes 100 MB)."""

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)

    return subprocess.run(
        [sys.executable, "-m", "convalgebra", *arguments],
        capture_output=True, text=True, preexec_fn=limited, check=False,
    )  # fmt: skip


def test_what_does_not_fit_ends_the_budget():
    budget = Budget(10, values=5)
    budget.spend(4)
    assert budget.left == 6
    assert not budget.takes(7)
    assert budget.left == 6
    with pytest.raises(Exhausted, match="a sum"):
        budget.spend(7, on="a sum")
    with pytest.raises(Exhausted):
        budget.spend(1)
    with pytest.raises(Exhausted):
        Budget(10, values=5).spend(1, values=6)


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("3", 2),
        ("2x2, 3x3", 1),
        ("2b, 3b", 2),
        ("3s2, convt2s2", 2),
        ("convt3s2, 2s3", 1),
        ("dw3, 1", 3),
        ("(2p1, 3) + 4", 2),
        ("cat(2 | 2), 2@1", 2),
        ("4@4g2, shuffle2, 1@4g2", 4),
        ("2@4, pixelshuffle2", 1),
    ],
)
def test_the_factors_that_are_written_out_are_bounded(text, channels):
    family = family_of(parse(text), channels)
    values = family.exact_values([Polynomial.variable(j) for j in range(family.weights)])
    terms = [term for value in values for term in Polynomial.of(value).terms]
    assert sum(map(len, terms)) <= products_of(family)


def test_the_factors_of_two_layers_by_hand():
    # 3x3 with 2 channels: 4 * 9 weights. Then 2 * 2x2: each of 2 outputs reads 2 * 4 * 18 of them.
    assert products_of(family_of(parse("3x3, 2x2"), 2)) == 36 + 2 * (2 * 4 * 2 * 18)


# 4 layers of 2x2 have C (4 C)^4 products of weights: 10^6 letters, 8 * 10^6, 34 * 10^6 ..
@pytest.mark.parametrize("channels", [4, 8, 64])
def test_wider_layers_are_matched_without_multiplying_all_out(channels):
    maker, made = family_of(parse("3x3,3x3"), channels), family_of(parse("4*(2x2)"), channels)
    budget = Budget(2_000_000)
    assert construct(maker, made, budget) is not None
    report = equiv("3x3,3x3", "4*(2x2)", channels=channels)
    assert report.left_reproduces_right.reach.rational == "all"
    # 17 C^2 against 13 C^2 dimensions: 1 + 2 * 8 and 1 + 4 * 3 for one channel.
    assert report.right_reproduces_left.reach.real == "thin"
    assert (report.left.dimension.value, report.right.dimension.value) == (
        17 * channels**2,
        13 * channels**2,
    )


def test_a_run_of_layers_is_checked_alone():
    maker, made = family_of(parse("3x3,3x3"), 6), family_of(parse("4*(2x2)"), 6)
    assert products_of(made) > 2_000_000  # so that the whole is not multiplied out
    found = construct(maker, made)
    point = [(7 * j) % 11 - 5 for j in range(made.weights)]
    assert maker.exact_values(found.weights_for(point)) == made.exact_values(point)


def test_a_search_beyond_its_budget_says_so():
    maker, made = family_of(parse("2x2@64, 2x2@16"), 16), family_of(parse("3x3"), 16)
    assert construct(maker, made) is not None  # shifts in front, taps behind
    with pytest.raises(Exhausted, match="2,304 products of weights in 3x3"):
        construct(maker, made, Budget(19_000))


HOSTILE = [
    ("equiv", "3x3,3x3", "2x2,2x2,2x2,2x2", "--channels", "8"),
    ("equiv", "5x5,5x5", "3x3,3x3,3x3,3x3", "--channels", "4"),
    ("equiv", "3x3d2,dw3x3", "avg2x2s1,dw3x3", "--channels", "2"),
    ("equiv", "convt64x64s64", "up64,1x1"),
    ("equiv", "1000*(3)", "999*(3),2,2", "--channels", "2", "--equations"),
    ("equiv", "3x3 + 5x5", "7x7", "--input", "4096x4096"),
    ("matrix", "3x1, 2*(convt2x2s2, 3x3psame, 1x1@2)", "--input", "3x3"),
    ("equiv", "2x2@6, 4x4, 3x3@12", "3x3, 2x2, 2x2, 2x2@3, 2x2@12", "--channels", "3"),
]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", HOSTILE, ids=" ".join)
def test_memory_is_bounded(arguments):
    done = command(*arguments)
    assert done.returncode in (0, 2), done.stderr
    assert "more memory than there is" not in done.stderr


# The makers' equations are quadrics; 2x2 minors that the others do not satisfy.
@pytest.mark.parametrize(
    ("left", "right", "channels"),
    [
        ("dw3x3,1x1", "1x1,dw3x3", 3),
        pytest.param("3x3d2,dw3x3", "avg2x2s1,dw3x3", 2, marks=pytest.mark.slow),
    ],
)
def test_members_are_put_into_equations_in_whole_numbers(left, right, channels):
    report = equiv(left, right, channels=channels)
    answers = (report.left_reproduces_right.reach, report.right_reproduces_left.reach)
    assert [answer.real for answer in answers] == ["thin", "thin"]


def test_members_of_stacks_are_tried_within_a_budget():
    found = implicit_equations(family_of(parse("2x2, 2x2")))
    other = family_of(parse("2x1, 1x2"))  # is in the image: all 60 members are tried in vain
    assert exclusion(found, other) is None
    with pytest.raises(Exhausted, match="members"):
        exclusion(found, other, budget=Budget(1_000))


@pytest.mark.parametrize("sides", ["3x3", "4x2", "2x10x10", "1x32x32", "3x4096x4096"])
def test_a_matrix_is_multiplied_out_only_where_it_is_short(sides):
    stack = "3x1, 2*(convt2x2s2, 3x3psame, 1x1@2)"
    with pytest.raises(UnsupportedError, match=r"the most|too many to write out"):
        matrix_of(stack, input=sides)


def test_entries_are_multiplied_out_as_sympy_does():
    import sympy

    a, b, c = sympy.symbols("a b c")
    for value in (
        (a + b) * (a - b) + b**2,  # what cancels is left out
        (a + 2 * b) ** 3 * (c + 1) / 3,
        ((a + b) * c + 1) * ((a - c) * b + a) * 2,
        a * b * c,
        a - a * (1 + b),
    ):
        assert _sum_of(_polynomial(value, {})) == sympy.expand(value)


def test_taps_that_read_nothing_are_not_gone_through():
    # Each of 4,096 outputs of a period reads one input by one of 4,096 taps.
    found = _Supports(family_of(parse("convt64x64s64")).grid)
    assert 4_096 <= found.done < 20_000


def test_the_taps_that_are_read_by_loops():
    for text in ("convt5x3s3x2p1x0", "3x2s2x3p1x2", "convt4x4s2d3"):
        step = plan_of(parse(text)).steps[1]
        for position in product(range(-2, 5), repeat=2):
            wanted = []
            for tap, offset in enumerate(step.offsets()):
                place = source_place(step, position, offset)
                if place is not None:
                    wanted.append((tap, 0, place))
            assert list(taps_read(step, ((1, 1), (1, 1)), position)) == wanted


def test_long_chains_are_not_tried_run_by_run():
    # 2 * 3 x 1000 layers: 10^6 runs on each side
    maker, made = family_of(parse("1000*(3)"), 2), family_of(parse("999*(3), 2, 2"), 2)
    with pytest.raises(Exhausted, match="2,001 layers"):
        construct(maker, made)
    maker, made = family_of(parse("100*(3)"), 2), family_of(parse("99*(3), 2, 2"), 2)
    assert construct(maker, made, Budget(500_000)) is not None


def test_shifts_of_the_output_beyond_the_budget_are_not_decided(monkeypatch):
    assert equiv("convt4s2p1", "convt4s2").equivalent is True  # the output one further
    monkeypatch.setattr("convalgebra.algebra.reach._OUTPUT_BUDGET", 0)
    assert equiv("convt4s2p1", "convt4s2").equivalent is None
    # 3 of 4 dimensions, wherever the output is
    assert equiv("convt4s2p1", "up2, 3").right_reproduces_left.reach.real == "thin"


def test_shifts_by_trying_all():
    from random import Random

    random = Random(3)
    for _ in range(200):
        axes = random.choice([1, 2])
        pairs = []
        for _ in range(random.choice([1, 2])):
            room = {tuple(random.randint(-3, 4) for _ in range(axes)) for _ in range(12)}
            own = {tuple(x + random.choice([0, 0, 1]) for x in e) for e in list(room)[:2]}
            pairs.append((own, room))
        shifts = product(range(-9, 10), repeat=axes)
        wanted = [
            t for t in shifts
            if all({tuple(map(sum, zip(e, t, strict=True))) for e in own} <= room
                   for own, room in pairs)
        ]  # fmt: skip
        assert shifts_into(pairs, Budget(10_000)) == wanted


def test_shifts_beyond_the_budget():
    far = [(0, 0), (10**6, 10**6)]
    with pytest.raises(Exhausted, match="places"):
        shifts_into([(far, far)], Budget(10**9))


@pytest.mark.parametrize(("channels", "written"), [(2, True), (8, False)])
def test_a_construction_that_cannot_be_checked_is_not_written(channels, written):
    claims = equiv("3x3,3x3", "4*(2x2)", channels=channels).certificate()["claims"]
    assert ("reproduces" in {claim["claim"] for claim in claims}) is written


def test_fixed_stacks_of_other_sizes_are_not_worked_out():
    # 201 x 201 coefficients against 101 x 201, of 100 layers with denominators up to 9^100
    report = equiv("100*(avg3x3s1)", "100*(avg2x3s1)", channels=3)
    assert report.right_reproduces_left.reach.real == "thin"


def test_fixed_stacks_beyond_the_budget_are_not_decided(monkeypatch):
    assert equiv("avg2x2s1, avg3x3s1", "avg3x3s1, avg2x2s1", channels=3).equivalent is True
    monkeypatch.setattr("convalgebra.algebra.reach._FIXED_BUDGET", 10)
    assert equiv("avg2x2s1, avg3x3s1", "avg3x3s1, avg2x2s1", channels=3).equivalent is None


@pytest.mark.slow
def test_what_is_not_written_out_is_right():
    """Where the budget ends before the filters are written, those of a larger one exist."""
    from random import Random

    random = Random(8)
    unwritten = 0

    def stack():
        layers = []
        for _ in range(random.choice([1, 2, 3])):
            text = random.choice(["", "", "dw"]) + str(random.choice([1, 2, 3, 4]))
            text += random.choice(["", "", "s2", "d2"])
            layers.append(text if text.startswith("dw") else text + random.choice(["", "b", "g2"]))
        return ", ".join(layers)

    for _ in range(150):
        text = stack()
        smaller = text.replace("4", "3").replace("3", random.choice("23"))
        maker, made = family_of(parse(text), 2), family_of(parse(smaller), 2)
        for work in range(200, 2_000, 150):
            try:
                found = construct(maker, made, Budget(work))
            except Exhausted:
                continue
            if found is not None and found.filters is None:
                unwritten += 1
                whole = construct(maker, made)
                assert whole is not None
                assert whole.filters is not None
                assert whole.offset == found.offset
    assert unwritten > 5
