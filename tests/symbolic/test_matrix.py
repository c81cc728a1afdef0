"""Dense matrices: counts done by hand, and the entries against plain loops."""

from __future__ import annotations

import json
from itertools import product
from random import Random

import numpy as np
import pytest
from calls import counted
from sympy import Matrix, Symbol, symbols

from convalgebra.errors import InputError, ShapeError, UnsupportedError
from convalgebra.language import parse, parse_shape
from convalgebra.symbolic import DenseMatrix, matrix, push, weights_of, with_channel


def dense(text: str, shape: str) -> DenseMatrix:
    return matrix(parse(text), parse_shape(shape))


def test_a_3x3_on_4x4_is_a_dense_layer_with_ties_and_zeros() -> None:
    """K1: 4x16 = 64 entries; 9 weights, each once a row, in 4 rows: 36; 64 - 36 = 28 zeros."""
    found = dense("3x3", "4x4")
    assert (found.rows, found.columns, found.size) == (4, 16, 64)
    assert (found.zeros, found.tied, found.fixed, len(found.free)) == (28, 36, 0, 9)
    assert found.copies == {Symbol(f"a{i}{j}"): 4 for i in range(3) for j in range(3)}
    assert [str(weight) for weight in found.free] == [
        f"a{i}{j}" for i in range(3) for j in range(3)
    ]


def test_its_entries_one_by_one() -> None:
    """Row (i, j) has a_uv in column (i + u, j + v)."""
    expected = Matrix.zeros(4, 16)
    for i, j, u, v in product(range(2), range(2), range(3), range(3)):
        expected[2 * i + j, 4 * (i + u) + j + v] = Symbol(f"a{u}{v}")
    assert dense("3x3", "4x4").to_sympy() == expected


def test_eight_filters_on_one_patch() -> None:
    """L1: 8 filters of 3x3 on one 3x3 patch are an 8x9 matrix of 72 numbers, none of them tied."""
    found = dense("3x3@8", "1x3x3")
    assert (found.rows, found.columns, len(found.entries), found.zeros) == (8, 9, 72, 0)
    assert (len(found.free), found.tied) == (72, 0)


def test_padding_loses_copies() -> None:
    """3x3p1 on 4x4: the centre is read 16 times, an edge tap 4*3 = 12, a corner tap 3*3 = 9."""
    found = dense("3x3p1", "4x4")
    times = {str(value): count for value, count in found.copies.items()}
    assert times == {
        **dict.fromkeys(("a00", "a02", "a20", "a22"), 9),
        **dict.fromkeys(("a01", "a10", "a12", "a21"), 12),
        "a11": 16,
    }
    assert found.zeros == 16 * 16 - (4 * 9 + 4 * 12 + 16)


def test_a_tap_that_only_reads_padding_is_not_there() -> None:
    found = dense("3x3p1", "1x1")
    assert (found.free, found.size) == ((Symbol("a11"),), 1)


def test_fixed_numbers_are_neither_free_nor_tied() -> None:
    found = dense("avg2x2s2", "4x4")
    assert (found.fixed, found.zeros, found.tied, found.free, found.copies) == (16, 48, 0, (), {})


def test_composed_entries_are_sums_of_products() -> None:
    found = dense("2x2, 2x2", "3x3")
    b00, b01, b10, b11, c00, c01, c10, c11 = symbols("b00 b01 b10 b11 c00 c01 c10 c11")
    assert list(found.to_sympy()) == [
        b00 * c00,
        b00 * c01 + b01 * c00,
        b01 * c01,
        b00 * c10 + b10 * c00,
        b00 * c11 + b01 * c10 + b10 * c01 + b11 * c00,
        b01 * c11 + b11 * c01,
        b10 * c10,
        b10 * c11 + b11 * c10,
        b11 * c11,
    ]
    assert not found.is_plain
    assert len(found.free) == 8


def test_bias_is_kept_apart() -> None:
    found = dense("2b, 2b", "3")
    assert found.to_sympy().shape == (1, 3)
    b, c, c0, c1 = symbols("b_bias_0 c_bias_0 c0 c1")
    assert found.bias == ((b * (c0 + c1) + c).expand(),)
    assert found.bias_to_numpy({b: 2, c: 1, c0: 3, c1: 4}) == pytest.approx([15])


@pytest.mark.parametrize("text", ["3x3s2p1@2b, 2x2@1", "cat(2x2@2 | 2x2), avg2x2s1", "3x3 + 3x3b"])
def test_matrix_times_patch_is_what_push_gives(text: str) -> None:
    network = parse(text).with_input((1, 5, 5))
    found = matrix(network, first=1)
    x = [Symbol(f"x{n}") for n in range(25)]
    patch = np.array(x, dtype=object).reshape(1, 5, 5)
    pushed = push(network, weights_of(network), patch).ravel()
    product_ = found.to_sympy() * Matrix(x) + Matrix(found.bias)
    assert all((one - other).expand() == 0 for one, other in zip(pushed, product_, strict=True))


def test_composition_is_the_product_of_matrices() -> None:
    """The matrix of a chain is the product of its layers' matrices, last layer on the left."""
    first = matrix(parse("3x3s2p1@2").with_input((1, 5, 5)), first=1)
    second = matrix(parse("2x2@3").with_input((2, 3, 3)), first=2)
    both = matrix(parse("3x3s2p1@2, 2x2@3").with_input((1, 5, 5)), first=1)
    assert (second.to_sympy() * first.to_sympy()).expand() == both.to_sympy()


def test_to_numpy_against_plain_loops() -> None:
    random = Random(0)
    values = {f"a{i}{j}": random.uniform(-1, 1) for i in range(3) for j in range(3)}
    array = dense("3x3", "4x4").to_numpy(values)
    for i, j, u, v in product(range(2), range(2), range(3), range(3)):
        assert array[2 * i + j, 4 * (i + u) + j + v] == values[f"a{u}{v}"]
    assert array.dtype == float
    assert np.count_nonzero(array) == 36


def test_to_numpy_takes_symbols_and_names_and_says_what_is_missing() -> None:
    found = dense("2", "3")
    a0, a1 = symbols("a0 a1")
    assert (found.to_numpy({a0: 1, a1: 2}) == found.to_numpy({"a0": 1, "a1": 2})).all()
    with pytest.raises(InputError, match="1 of 2 weights have no value: a1"):
        found.to_numpy({"a0": 1})


def test_one_channel_is_meant_where_only_sides_are_given() -> None:
    assert with_channel(parse("3x3"), (4, 4)).shape == (1, 4, 4)
    assert with_channel(parse("relu, 3x3"), (4, 4)).shape == (1, 4, 4)
    assert with_channel(parse("3x3"), (3, 4, 4)).shape == (3, 4, 4)
    assert with_channel(parse("fc@2"), (4, 4)).shape == (4, 4)
    with pytest.raises(ShapeError, match="cannot slide"):
        dense("3x3", "4x4x4x4")


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("3x3@64", "3x224x224", "entries, and 4,000,000 are the most"),
        ("10*(3x3)", "21x21", "3,486,784,401 products of weights when multiplied out"),
        ("fc@2000", "1x2000", "take a smaller input or fewer channels"),
        ("3x3, relu, 3x3", "9x9", r"relu \(layer 2\) is not linear"),
    ],
)
def test_what_is_too_large_is_refused_at_once(text: str, shape: str, message: str) -> None:
    with counted(3_000_000), pytest.raises(UnsupportedError, match=message):
        dense(text, shape)


def test_values_compare_and_go_to_json() -> None:
    found = dense("2b", "3")
    assert found == dense("2b", "3") != dense("2b", "4")
    assert json.loads(json.dumps(found.to_dict())) == {
        "schema": "convalgebra.matrix/1",
        "stack": "2b",
        "input": [1, 3],
        "output": [1, 2],
        "rows": 2,
        "columns": 3,
        "entries": 6,
        "zeros": 2,
        "tied": 4,
        "fixed": 0,
        "free": ["a0", "a1"],
        "copies": [{"entry": "a0", "times": 2}, {"entry": "a1", "times": 2}],
        "nonzero": [[0, 0, "a0"], [0, 1, "a1"], [1, 1, "a0"], [1, 2, "a1"]],
        "bias": ["a_bias_0", "a_bias_0"],
    }
