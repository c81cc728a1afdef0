"""Regions, against sets of positions."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convalgebra.algebra.borders.regions import MAX_PRODUCTS, count, restricted, rows, united
from convalgebra.errors import UnsupportedError

SIDE = 5
PRODUCTS = st.lists(st.tuples(*[st.integers(0, 2**SIDE - 1)] * 2), max_size=6)


def positions(products):
    return {
        (a, b)
        for one, other in products
        for a, b in product(range(SIDE), repeat=2)
        if one >> a & 1 and other >> b & 1
    }


@given(PRODUCTS, PRODUCTS)
def test_regions_are_sets(one, other):
    region = united(one)
    assert positions(region) == positions(one)
    assert count(region) == len(positions(one))  # so its products are disjoint
    assert (region == united(other)) == (positions(one) == positions(other))  # and canonical
    seen = [
        (a, b) for a, row in enumerate(rows(region, (SIDE, SIDE))) for b in range(SIDE) if row[b]
    ]
    assert set(seen) == positions(one)
    if other:
        assert positions(restricted(region, other[0])) == positions(one) & positions(other[:1])


def test_regions_of_too_many_pieces():
    diagonal = [(1 << n, 1 << n) for n in range(MAX_PRODUCTS)]
    assert len(united(diagonal)) == MAX_PRODUCTS
    with pytest.raises(UnsupportedError, match="more than 400 pieces"):
        united([*diagonal, (1 << MAX_PRODUCTS, 1 << MAX_PRODUCTS)])
