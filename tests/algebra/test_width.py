"""Hidden widths: the known least ones, the necessary bound, and what cannot be widened."""

from itertools import combinations, product

import pytest

from convalgebra.algebra import width
from convalgebra.algebra.constructions import construct
from convalgebra.algebra.families import family_of
from convalgebra.algebra.width import hidden_width, least_cover, with_hidden
from convalgebra.language import parse


@pytest.mark.parametrize(
    ("text", "least"),
    [("2x2,2x2", (2, 3, 5, 6)), ("3x3,3x3", (2, 4, 5, 7)), ("3x1,1x3", (3, 6, 9)), ("2,2", (1, 2))],
)
def test_least_widths(text, least):
    found = [hidden_width(None, parse(text), c).least for c in range(1, len(least) + 1)]
    assert tuple(found) == least


@pytest.mark.parametrize(("text", "taps", "places"), [("2x2,2x2", 8, 9), ("3x3,3x3", 18, 25)])
def test_the_necessary_width_solves_the_quadratic_of_both_scales(text, taps, places):
    for c in (1, 2, 3, 5, 8, 16):
        least = next(h for h in range(1, 100) if taps * c * h - h * h >= places * c * c)
        found = hidden_width(None, parse(text), c, budget=1000)
        assert found.necessary == least
        assert least > c


def test_the_weights_that_it_costs_stand_beside_those_of_the_kernel():
    found = hidden_width(family_of(parse("3x3"), 4), parse("2x2,2x2"), 4)
    assert (found.least, found.weights, found.kernel_weights) == (6, 2 * 4 * 4 * 6, 9 * 16)
    assert found.tried[-1].full


def test_enough_hidden_channels_make_every_kernel():
    for text, kernel, c in [("2x2,2x2", "3x3", 2), ("3x3,3x3", "5x5", 1), ("2,2,2", "4", 2)]:
        enough = hidden_width(None, parse(text), c).enough
        wide = family_of(with_hidden(parse(text), enough, c), c)
        assert construct(wide, family_of(parse(kernel), c)) is not None
        less = family_of(with_hidden(parse(text), enough - 1, c), c)
        assert construct(less, family_of(parse(kernel), c)) is None


def test_more_layers():
    found = hidden_width(None, parse("2x2,2x2,2x2"), 2)
    assert found.least == 3
    assert found.weights == 4 * (2 * 3 + 3 * 3 + 3 * 2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("dw3x3,1x1", "groups"),
        ("3x3d2,3x3d2", "25 of the 81 taps"),
        ("3x3", "no hidden channels"),
        ("3x3p1,3x3p1 + 1x1", "not a chain"),
        ("3x3b,3x3", "biases"),
        ("convt2x2s2,3x3", "not a chain of convolutions"),
    ],
)
def test_what_cannot_be_widened_says_why(text, why):
    found = hidden_width(None, parse(text), 2)
    assert found.least is found.sufficient is None
    assert why in found.reason


def test_another_kernel_than_that_of_the_receptive_field():
    found = hidden_width(family_of(parse("5x5"), 2), parse("2x2,2x2"), 2)
    assert found.least is None
    assert "not the full kernel" in found.reason


def test_the_fewest_windows():
    for shifts, window in product(([0, 1], [0, 1, 2], [0, 2, 4], [0, 1, 2, 3, 4]), repeat=2):
        found = least_cover(shifts, window)
        every = {a + b for a in shifts for b in window}
        assert {a + b for a in found for b in window} == every
        for some in combinations(shifts, len(found) - 1):
            assert {a + b for a in some for b in window} != every


def test_long_rows_of_windows_are_covered_from_the_left():
    assert least_cover(range(30), [0, 1, 2]) == (*range(0, 30, 3), 29)


def test_where_no_rank_can_be_taken_the_necessary_width_stands():
    found = hidden_width(None, parse("30*(3x3)"))
    # The weights, less h^2 at each of 29 seams, have to be as many as the kernel has.
    least = next(h for h in range(1, 9) if 9 * (2 * h + 28 * h * h) - 29 * h * h >= 61 * 61)
    assert least <= found.necessary <= found.enough
    assert found.sufficient is found.least is None
    assert "beyond the budget" in found.reason
    assert all(one.dimension for one in found.tried)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 64, 1000])
def test_the_necessary_width_is_the_least_that_the_bound_allows(monkeypatch, most):
    """Found by doubling and halving: the same as by trying one after another."""
    for least in {1, 2, 3, 4, 5, 8, 9, 31, most} & set(range(1, most + 1)):
        search = object.__new__(width._Search)
        search.target = 10
        asked = []

        def bound(hidden, least=least, asked=asked):
            asked.append(hidden)
            return 10 if hidden >= least else 9

        monkeypatch.setattr(search, "bound", bound)
        assert search.necessary(most) == least
        assert max(asked, default=0) <= 2 * least
