"""From where on a formula is the largest: against every size tried one by one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.cost.dominance import dominates_from
from convalgebra.sizes import floor_divide, symbol

H, W, N = (symbol(name) for name in "HWN")


@st.composite
def sums(draw):
    """Up to three values on sides that are halved or thirded some times: formula and function."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        channels, divisor = draw(st.integers(1, 40)), draw(st.sampled_from([1, 2, 4, 8, 3]))
        parts.append((channels, divisor, draw(st.integers(0, divisor))))
    formula = sum(c * floor_divide(H + more, d) * floor_divide(W + more, d) for c, d, more in parts)
    return formula, lambda h, w: sum(c * ((h + m) // d) * ((w + m) // d) for c, d, m in parts)


@settings(max_examples=25, deadline=None)
@given(sums(), st.lists(sums(), min_size=1, max_size=3), st.integers(1, 9))
def test_whole_numbers_one_by_one(large, others, least):
    found = dominates_from(
        large[0], [other for other, _ in others], {"H": least}, frozenset({"H", "W"})
    )
    numbers = [*range(1, 60), 999, 1000, 10**6]
    dominated = [
        (h, w)
        for h in numbers
        for w in numbers
        if all(large[1](h, w) >= other(h, w) for _, other in others)
    ]
    if found is not None:
        assert {
            (h, w) for h in numbers for w in numbers if h >= max(found, least) and w >= found
        } <= set(dominated)
    else:  # even far out there is a place where another one is larger, or they are close
        ratio = max(other(10**6, 10**6) / max(large[1](10**6, 10**6), 1) for _, other in others)
        assert ratio > 0.9


def test_by_hand():
    # 4 ceil(H/2) >= 9 from H = 5 on: 4 * 3; at H = 4 it is 8.
    assert dominates_from(4 * floor_divide(H + 1, 2), [9 + 0 * H], {}, frozenset("H")) == 5
    assert dominates_from(N * H, [9 * N], {}, frozenset("H")) == 9
    assert dominates_from(N * H, [9 * N], {"H": 9}, frozenset("H")) == 1
    assert dominates_from(H, [W], {}, frozenset("HW")) is None
    assert dominates_from(H, [2 * H], {}, frozenset("H")) is None
