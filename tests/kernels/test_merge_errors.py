"""Bad input to merge: every message says what was expected, and where."""

from __future__ import annotations

import io
import runpy
import zipfile
from fractions import Fraction

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.kernels.merging import merge, parameter_table

ONE = [[[[1, 2], [3, 4]]]]
TABLE = """
  0.weight  1x1x2x2
  0.bias    1
  1.weight  1x1x1x1"""


def message(*arguments, **options):
    with pytest.raises(ca.ConvalgebraError) as caught:
        merge(*arguments, **options)
    return str(caught.value)


# Stacks


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        (
            "2x2, relu, 2x2",
            "not mergeable: `relu` is an activation, and no convolution equals a stack with one in "
            "it; merge what stands before it and what stands after it",
        ),
        ("2x2, max2x2s2", "not mergeable: `max2x2s2` (max pooling) is not linear"),
        ("2x2, ln", "not mergeable: `ln` divides by what comes in: not linear"),
        ("2x2, plainin", "not mergeable: `plainin` divides by what comes in: not linear"),
        (
            "2x2, plainbn",
            "not mergeable: `plainbn` has no weights to merge; write `bn`, with a scale of 1 and a "
            "shift of 0",
        ),
        ("mul(2x2 | 2x2)", "not mergeable: `mul` (the product of its branches) is not linear"),
        (
            "2x2, gap",
            "not mergeable: `gap` (global (or adaptive) average pooling) mixes the whole map, and "
            "a convolution only what a window sees",
        ),
        (
            "circular1, 3x3",
            "not mergeable: `circular1` continues a map by its other side, and the merged "
            "convolution pads with zeros",
        ),
        (
            "3x3, bilinear2",
            "not mergeable: `bilinear2` continues a map by its edge, and the merged convolution "
            "pads with zeros",
        ),
        (
            "avg3x3s2ceil",
            "not mergeable: the last window of `avg3x3s2ceil` may hang over the border and divide "
            "by fewer numbers; leave `ceil` away, or give an input that fits",
        ),
        ("kxk", "merging works on numbers, and k is a named size: write numbers"),
        ("CxK@F", "merging works on numbers, and C, F, K are named sizes: write numbers"),
        ("id", "there is nothing to merge: the stack has no layers"),
        (
            "a = 3x3; b = 1x1; output a | b",
            "the stack has 2 outputs; one convolution has one",
        ),
        (
            "bn",
            "nothing tells how many axes there are: no layer of the stack has a kernel; give the "
            "input, like --input 64x12x12 (in Python input=..)",
        ),
        ("1001*(1x1)", "1,001 layers are too many to merge; it takes up to 1,000"),
    ],
)
def test_stacks_that_no_convolution_equals(stack, expected) -> None:
    assert message(stack, {}) == expected


def test_an_average_with_ceil_that_adds_nothing_is_merged() -> None:
    assert merge("avg3x3s2ceil", {}, input="7x7").exact
    assert "hang over" in message("avg3x3s2ceil", {}, input="8x8")


def test_empty_texts_are_no_stacks() -> None:
    assert "expected a layer" in message("", {})


def test_layers_that_do_not_fit() -> None:
    assert "does not fit" in message("5x5, 5x5", [np.ones((1, 1, 5, 5))] * 2, input="6x6")
    assert "groups" in message("3x3g2", [np.ones((2, 1, 3, 3))], channels=3)
    assert "cannot be added" in message(
        "3x3s2 + 1x1", [np.ones((1, 1, 3, 3)), np.ones((1, 1, 1, 1))]
    )
    for channels in (0, 1.5, "3"):
        assert message("2x2", [ONE], channels=channels) == (
            f"channels must be a whole number of at least 1, not {channels!r}"
        )
    assert message("2x2", [ONE], input="2x4x4", channels=1) == (
        "the input has 2 channels, and channels says 1"
    )
    assert message("2x2", [ONE], input="CxHxW") == (
        "merging works on numbers; write a number for each named size"
    )


def test_phases_that_are_too_many() -> None:
    found = message("convt1x1s30000", [np.ones((1, 1, 1, 1))])
    assert found == "more than 4,096 phases are too many"


def test_kernels_that_are_too_large() -> None:
    layers = "2x2d9000, 2x2"
    found = message(layers, [np.ones((8, 8, 2, 2)), np.ones((8, 8, 2, 2))])
    assert found.startswith("the merged kernel is an array of ")
    assert found.endswith("are the most; merge fewer layers, or fewer channels")


# Names


def test_names_that_are_missing() -> None:
    weights = {"0.weight": ONE, "1.weight": [[[[1]]]]}
    assert message("2x2b, 1x1", weights) == (
        f"the weights do not hold `0.bias` of `2x2b`, but 0.weight, 1.weight; expected are{TABLE}"
    )


def test_names_that_nothing_has() -> None:
    weights = {"0.weight": ONE, "0.bias": [1], "1.weight": [[[[1]]]], "1.bias": [1]}
    assert message("2x2b, 1x1", weights) == (
        f"the weights hold `1.bias`, which no layer of the stack has; expected are{TABLE}"
    )
    assert message("avg2x2s1", {"0.weight": ONE}) == (
        "the weights hold `0.weight`, which no layer of the stack has: it has no weights"
    )
    # What PyTorch keeps beside a batch norm is no weight; beside a convolution there is none.
    assert "`0.num_batches_tracked`" in message(
        "2x2", {"0.weight": ONE, "0.num_batches_tracked": 3}
    )


def test_lists_of_another_length() -> None:
    assert message("2x2b, 1x1", [ONE]) == (
        f"1 arrays of weights for 3; expected are, in this order,{TABLE}"
    )


def test_long_tables_are_cut() -> None:
    found = message("20*(1x1)", {})
    assert found.endswith(
        "  11.weight  1x1x1x1\n  .. (8 more; --names lists all)\n  1 channel is taken to come in; "
        "--channels says otherwise (Python: channels=..)"
    )


def test_weights_that_are_no_weights() -> None:
    assert message("2x2", 3).startswith(
        "weights are a dictionary from names to arrays, a list of arrays, or the name of an .npz "
        "file, not int"
    )
    assert message("2x2", np.ones((1, 1, 2, 2))).startswith("weights are a dictionary")


# Arrays


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (
            np.ones((1, 1, 3, 3)),
            "`0.weight` of `2x2` is 1x1x3x3; expected 1x1x2x2 (PyTorch's order of axes)",
        ),
        (5, "`0.weight` of `2x2` is a number; expected 1x1x2x2 (PyTorch's order of axes)"),
        ([[[[1, 2], [3]]]], "`0.weight` is ragged: its rows have different lengths"),
        (
            np.array([[[[1, np.nan], [3, 4]]]]),
            "0.weight[0, 0, 0, 1] is nan: 1 of 4 entries is not finite; expected numbers only",
        ),
        (
            [[[[1, 2], [float("inf"), -float("inf")]]]],
            "0.weight[0, 0, 1, 0] is inf: 2 of 4 entries are not finite; expected numbers only",
        ),
        (
            np.array(ONE) * 1j,
            "`0.weight` holds complex numbers; expected real numbers: floats, ints or Fractions",
        ),
        (
            np.array([[[["1", "2"], ["3", "4"]]]]),
            "`0.weight` holds texts; expected real numbers: floats, ints or Fractions",
        ),
        (
            [[[["1", 2], [3, 4]]]],
            "`0.weight`[0][0][0][0] is of type str; expected real numbers: floats, ints or "
            "Fractions",
        ),
        (
            [[[[1, 2], [3, 4j]]]],
            "`0.weight`[0][0][1][1] is of type complex; expected real numbers: floats, ints or "
            "Fractions",
        ),
        (
            [[[[1, 2], [None, 4]]]],
            "`0.weight`[0][0][1][0] is of type NoneType; expected real numbers: floats, ints or "
            "Fractions",
        ),
        (
            np.array(ONE, dtype=bool),
            "`0.weight` holds truth values; expected real numbers: floats, ints or Fractions",
        ),
        (
            [[[[10**400, 0.5], [3, 4]]]],
            "`0.weight` holds a number that no float of 64 bits holds",
        ),
    ],
)
def test_arrays_that_are_no_weights(array, expected) -> None:
    assert message("2x2", [array]) == expected


def test_exact_and_rounded_weights_together() -> None:
    assert "no float of 64 bits" in message("1, 1", [[[[10**400]]], [[[0.5]]]])
    assert merge("1, 1", [[[[Fraction(1, 2)]]], [[[0.5]]]]).weight.tolist() == [[[0.25]]]


def test_products_that_overflow() -> None:
    large = np.full((1, 1, 1), 1e300)
    assert message("1, 1", [large, large]) == (
        "the merged weight overflows: products of these weights are larger than any float of 64 "
        "bits; scale them down, or give Fractions"
    )
    exact = merge("1, 1", [[[[10**300]]], [[[10**300]]]])
    assert exact.weight[0, 0, 0] == 10**600
    assert "10^600" in str(exact)
    middle = np.full((1, 1, 1), 1e30, dtype=np.float32)
    assert message("1, 1", [middle, middle]) == (
        "a merged weight is larger than any float of 32 bits; give the weights as float64"
    )
    tiny = np.full((1, 1, 1), 1e-300)
    assert merge("1, 1", [tiny, tiny]).weight[0, 0, 0] == 0


def test_variances() -> None:
    def norm(var, **options):
        weights = {f"0.{role}": [1, 1] for role in ("weight", "bias", "running_mean")}
        weights |= {"0.running_var": var, "1.weight": np.ones((2, 2, 1, 1))}
        return message("bn, 1x1", weights, **options)

    assert norm([1, -1]).startswith("0.running_var[1] is -1: with eps = 1e-05 a batch norm divides")
    assert norm([0, 1], eps=0).startswith("0.running_var[0] is 0: with eps = 0.0")
    assert norm([1, 1], eps="small") == "eps is a number from 0 to 1e300, like 1e-5, not 'small'"
    assert norm([1, 1], eps=float("nan")) == "eps is a number from 0 to 1e300, like 1e-5, not nan"
    assert norm([1, 1], eps=-1) == "eps is a number from 0 to 1e300, like 1e-5, not -1"
    assert norm([1, 1, 1]).endswith("is 3; expected 2 (one number a channel)")


# Files


def stored(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def test_a_file_that_is_no_archive(tmp_path) -> None:
    path = tmp_path / "w.npz"
    path.write_bytes(b"this is no zip")
    assert "is no sound .npz" in message("2x2", str(path))
    assert "is no sound .npz" in message("2x2", path)
    other = tmp_path / "w.pt"
    other.write_bytes(b"this is no zip")
    assert message("2x2", other) == (
        f"{str(other)!r}: weights are read from an .npz file, as numpy.savez writes it"
    )
    assert message("2x2", "w.pt") == "there is no file w.pt"
    assert message("2x2", tmp_path) == f"{tmp_path} is a directory; name a file"
    assert message("2x2", str(tmp_path / "other.npz")).startswith("there is no file ")


def test_pickled_arrays_are_never_unpickled(tmp_path) -> None:
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    array = np.empty((1, 1, 2, 2), dtype=object)
    array[:] = [[[[Trap(), 1], [2, 3]]]]
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0.weight.npy", buffer.getvalue())
    assert "holds Python objects, which would have to be unpickled" in message("2x2", str(path))


def test_an_archive_with_other_names(tmp_path) -> None:
    path = stored(tmp_path / "w.npz", **{"0.weight": np.array(ONE), "extra": np.ones(3)})
    assert message("2x2", path) == (
        f"{path} holds `extra`, which no layer of the stack has; expected are\n  0.weight  1x1x2x2"
    )
    assert message("2x2, 1x1", path).startswith(f"{path} does not hold `1.weight` of `1x1`")
    bad = stored(tmp_path / "nan.npz", **{"0.weight": np.array(ONE) * np.nan})
    assert message("2x2", bad).startswith("0.weight[0, 0, 0, 0] is nan: 4 of 4 entries")


def test_the_table_of_names_knows_the_same_errors() -> None:
    with pytest.raises(ca.ConvalgebraError, match="not mergeable: `relu`"):
        parameter_table("2x2, relu")
    with pytest.raises(ca.ConvalgebraError, match="nothing to merge"):
        parameter_table("id")


def test_a_bad_eps_is_told_without_a_batch_norm() -> None:
    assert message("2x2", [np.ones((1, 1, 2, 2))], eps=-1).startswith("eps is a number from 0 to")


def test_lines_of_tables_fit() -> None:
    assert max(map(len, message("2x2", {}).split("\n")[1:])) <= 80


def test_a_kind_of_layer_that_merging_does_not_know_is_an_error_at_import(monkeypatch) -> None:
    from convalgebra import layers
    from convalgebra.kernels.merging import linear

    monkeypatch.setitem(layers.KINDS, "deform", layers.KINDS["conv"])
    with pytest.raises(AssertionError, match="neither takes nor refuses"):
        runpy.run_path(linear.__file__)
