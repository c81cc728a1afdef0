"""Whether kernels are products of given shapes: the truth about those that have a name, and cases
that one can do by hand.
"""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.kernels.factoring.embeddings import Embedding
from convalgebra.kernels.factoring.factorizations import Conjugate, Filter
from convalgebra.kernels.factoring.fields import Field
from convalgebra.kernels.sources import Kernel
from convalgebra.render.algebraic_text import generator_names
from convalgebra.render.factor_text import product_lines

from .factor_oracle import multiplies_back, rechecked

# Over Q, R and C.
TRUTH = {
    ("box3", "2x2,2x2"): (False, False, True),
    ("prewitt", "2x2,2x2"): (False, False, True),
    ("prewitt_y", "2x2,2x2"): (False, False, True),
    ("laplacian_diagonal", "2x2,2x2"): (False, False, True),
    ("sobel", "2x2,2x2"): (True, True, True),
    ("sobel_y", "2x2,2x2"): (True, True, True),
    ("scharr", "2x2,2x2"): (True, True, True),
    ("binomial3", "2x2,2x2"): (True, True, True),
    ("robinson_nw", "2x2,2x2"): (True, True, True),  # 2 1 0; 1 0 -1: (y + x) (2 - ..), by sympy
    ("laplacian4", "2x2,2x2"): (False, False, False),
    ("laplacian8", "2x2,2x2"): (False, False, False),
    ("laplacian9", "2x2,2x2"): (False, False, False),
    ("sharpen", "2x2,2x2"): (False, False, False),
    ("sharpen8", "2x2,2x2"): (False, False, False),
    ("kirsch", "2x2,2x2"): (False, False, False),
    ("emboss", "2x2,2x2"): (False, False, False),
    ("sobel", "3x1,1x3"): (True, True, True),
    ("sobel", "2x1,2x1,1x2,1x2"): (True, True, True),
    ("prewitt", "2x1,2x1,1x3"): (False, False, True),
    ("laplacian4", "3x1,1x3"): (False, False, False),
    ("binomial5", "3x3,3x3"): (True, True, True),
    ("binomial5", "4*(2x2)"): (True, True, True),
    ("gaussian5", "3x3,3x3"): (False, False, False),
    ("box5", "3x3,3x3"): (False, True, True),
    ("box5", "4*(2x2)"): (False, False, True),
    # 2 x 256 at the centre less (1 + x)^4 (1 + y)^4 is a difference of squares over Q(sqrt 2).
    ("unsharp", "3x3,3x3"): (False, True, True),
    ("log5", "3x3,3x3"): (False, False, False),
    ("line_d", "2x2,2x2"): (True, True, True),
    ("sobel", "avg2x2s1,2x2"): (True, True, True),
    ("box3", "avg3x3s1"): (False, False, False),  # nine times the average
    ("box3", "avg3x3s1,1x1"): (True, True, True),
    ("box3", "avg2x2s1,2x2"): (False, False, False),
    ("1 2 1", "2,2"): (True, True, True),
    ("1 3 1", "2,2"): (False, True, True),  # discriminant 5
    ("1 1 1", "2,2"): (False, False, True),  # discriminant -3
    ("1 0 1", "2d2"): (True, True, True),
    ("1 1 1", "2d2"): (False, False, False),
    ("1 0 -1 0 1", "3,2d2"): (False, False, True),
    ("1 0 -5 0 4", "3,2d2"): (True, True, True),  # (1 - z^2) (1 - 4 z^2)
    ("1 0 -4 0 1", "3,2d2"): (False, True, True),  # z^2 = 2 +- sqrt 3
    ("1 2 2 4", "2s2,2"): (True, True, True),  # (1 + 2z) (1 + 2z^2)
    ("1 2 2 5", "2s2,2"): (False, False, False),
    ("1", "1"): (True, True, True),
    ("0 0 1", "2,2"): (True, True, True),
}


@pytest.mark.parametrize("case", TRUTH, ids=" as ".join)
def test_truth(case: tuple[str, str]) -> None:
    report = ca.factor(*case)
    assert (report.rational, report.real, report.complex) == TRUTH[case]
    assert multiplies_back(report)
    assert rechecked(report.to_dict())
    assert bool(report.factorizations) is TRUTH[case][2]


def test_box_is_two_conjugate_filters() -> None:
    # 1 + x + x^2 = (1 + a x) (1 + b x), a and b = 1/2 +- i sqrt(3)/2.
    report = ca.factor("box3", "2x2,2x2")
    a, b = 0.5 + 0.75**0.5 * 1j, 0.5 - 0.75**0.5 * 1j
    found = {
        frozenset(tuple(np.round(f.decimals, 12)) for f in way.filters)
        for way in report.factorizations
    }
    wanted = {
        frozenset(
            tuple(np.round((1, u, v, u * v), 12)) for u, v in ((s, t), (a + b - s, a + b - t))
        )
        for s, t in ((a, a), (a, b))
    }
    assert found == wanted
    assert report.ways["complex"].count == 2


def test_square_roots_are_written_out() -> None:
    filters = json.loads(json.dumps(ca.factor("unsharp", "3x3,3x3").to_dict()))["factorizations"][
        0
    ]["filters"]
    centres = {filter["entries"][1][1] for filter in filters}
    assert centres == {"-4 + 16*sqrt(2)", "4 + 16*sqrt(2)"}
    assert filters[0]["field"]["minimal_polynomial"] == [-2, 0, 1]


def test_gaussian_numbers() -> None:
    entries = ca.factor("laplacian_diagonal", "2x2,2x2").to_dict()["factorizations"][0]["filters"]
    assert [f["entries"] for f in entries] == [[[1, "i"], ["-i", -1]], [[1, "-i"], ["i", -1]]]


def test_scharr_has_two_ways() -> None:
    # 3 10 3 = (3 + y) (1 + 3y), and -1 0 1 = (1 + x) (-1 + x): either goes with either.
    report = ca.factor("scharr", "2x2,2x2")
    assert {w.count for w in report.ways.values()} == {2}
    assert len({frozenset(f.exact() for f in way.filters) for way in report.factorizations}) == 2


def test_a_quintic_root_of_unity() -> None:
    # 1 + z + .. + z^4 has the real factors 1 + z (1 +- sqrt 5)/2 + z^2: the golden ratio.
    report = ca.factor("1 1 1 1 1", "3,3")
    assert (report.ways["real"].count, report.ways["complex"].count) == (1, 3)
    values = sorted(filter.decimals[1].real for filter in report.factorizations[0].filters)
    assert values == pytest.approx([(1 - 5**0.5) / 2, (1 + 5**0.5) / 2], abs=1e-15)


def test_the_kernel_lies_where_it_was_if_it_is_as_large_as_the_receptive_field() -> None:
    for kernel, stack in [("0 1 0", "2,2"), ("0 0 1", "2,2"), ("0 0 0; 0 1 1; 0 1 1", "2x2,2x2")]:
        report = ca.factor(kernel, stack)
        assert {set(way.shift) == {0} for way in report.factorizations} == {True}
        assert multiplies_back(report)


def test_a_smaller_kernel_lies_in_the_middle() -> None:
    report = ca.factor("sobel", "3x3,3x3")
    assert report.rational
    assert {way.shift for way in report.factorizations} == {(1, 1)}
    assert multiplies_back(report)


def test_a_larger_kernel_whose_entries_fit() -> None:
    report = ca.factor("0 0 0 0; 0 1 2 0; 0 2 4 0; 0 0 0 0", "2x2")
    assert report.rational
    assert report.factorizations[0].shift == (-1, -1)
    assert report.factorizations[0].filters[0].exact() == (1, 2, 2, 4)


def test_a_place_that_a_dilated_filter_cannot_reach() -> None:
    # z is no polynomial in z^2: the product is the kernel moved by one place.
    report = ca.factor("0 1 0", "2d2")
    assert report.rational
    assert abs(report.factorizations[0].shift[0]) == 1
    assert multiplies_back(report)


def test_entries_too_far_apart() -> None:
    report = ca.factor("1 0 0 1", "2,2")
    assert (report.rational, report.real, report.complex) == (False, False, False)
    assert "3 apart" in report.reason
    assert "at most 2" in report.reason


def test_the_zero_kernel() -> None:
    report = ca.factor("0 0; 0 0", "2x2,2x2")
    assert (report.rational, report.real, report.complex) == (True, True, True)
    first, second = report.factorizations[0].filters
    assert set(first.exact()) == {0}
    assert any(second.exact())
    assert ca.factor("0 0", "avg2s1").complex is False


def test_repeated_factors() -> None:
    # Not squarefree: Ruppert's matrix of the kernel itself would count four factors of Sobel.
    report = ca.factor("sobel", "2x2,2x2")
    assert sorted(piece.multiplicity for piece in report.pieces) == [1, 1, 2]
    square = ca.factor("1 2 3 2 1", "3,3")  # (1 + z + z^2)^2
    assert (square.rational, square.ways["complex"].count) == (True, 2)


def test_averages_are_fixed_factors() -> None:
    report = ca.factor("1/4 1/2 1/4", "avg2s1,avg2s1")
    assert report.rational
    assert all(f.fixed for f in report.factorizations[0].filters)
    assert ca.factor("1 2 1", "avg2s1,avg2s1").complex is False
    assert "no free scale" in ca.factor("1 2 1", "avg2s1,avg2s1").reason
    assert "average" in ca.factor("1 3 1", "avg2s1,2").reason


def test_scale_goes_into_the_first_filter() -> None:
    (way,) = ca.factor("1/9 1/9; 1/9 1/9", "2x1,1x2").factorizations
    assert [f.exact() for f in way.filters] == [(Fraction(1, 9), Fraction(1, 9)), (1, 1)]


def test_reports_count_factors_over_c() -> None:
    (piece,) = ca.factor("laplacian_diagonal", "2x2,2x2").pieces
    assert (piece.complex, piece.real, piece.shape) == (2, 0, (3, 3))
    (piece,) = ca.factor("unsharp", "3x3,3x3").pieces
    assert (piece.complex, piece.real) == (2, 2)
    (piece,) = ca.factor("kirsch", "2x2,2x2").pieces
    assert (piece.complex, piece.real) == (1, 1)
    assert "Ruppert" in piece.reason


def test_entries_of_1e300() -> None:
    report = ca.factor("1e300 1 2 3 1e300", "3,3")
    assert (report.rational, report.real, report.complex) == (False, True, True)
    assert multiplies_back(report)
    assert str(report)
    report = ca.factor("1e300 1e300; 1e300 1e300", "2x1,1x2")
    assert report.factorizations[0].filters[0].exact() == (10**300, 10**300)


def test_roots_far_apart_have_their_decimals() -> None:
    # 1 + bz + z^2 has the roots -b and -1/b, as nearly as floats go.
    (way,) = ca.factor([1, 10**100, 1], "2,2").factorizations
    assert sorted(filter.decimals[1].real for filter in way.filters) == [1e-100, 1e100]
    (way,) = ca.factor([5e-324, 1, 5e-324], "2,2").factorizations
    assert way.filters[0].decimals[0] == 5e-324


def test_roots_too_close_together_are_not_told_apart() -> None:
    # Two of the roots of z^3 - 2 (n z - 1)^2 differ from the 2500th bit on.
    n = 2**1000
    report = ca.factor([-2, 4 * n, -2 * n * n, 1], "2,3")
    assert (report.rational, report.real, report.complex) == (False, None, True)
    assert "close together" in report.reasons["real"]
    assert ca.factor([n * n - 2, -2 * n, 1], "2,2").real  # two roots take no search


def test_conjugates_that_look_alike_have_their_own_letters() -> None:
    # x^3 - 2 (10^20 x - 1)^2 has two roots that agree in 25 digits.
    close = Field((-2, 4 * 10**20, -2 * 10**40, 1))
    filters = [
        Filter("2", (2,), (1,), ((1,), (0, 1)), (1, 0), Embedding(close, root)) for root in (0, 1)
    ]
    assert filters[0].embedding.generator == pytest.approx(filters[1].embedding.generator)
    assert generator_names(filters) == ["a", "b"]


def test_multiples_of_averages_of_any_size() -> None:
    report = ca.factor([10**1500, 2 * 10**1500, 10**1500], "avg2s1,avg2s1")
    assert report.complex is False
    assert str(report)
    json.dumps(report.to_dict())


def test_entries_beyond_floats() -> None:
    report = ca.factor("1e400 2e400 1e400", "2,2")
    assert report.rational
    assert "inf" not in str(report).lower()
    json.dumps(report.to_dict(), allow_nan=False)


def test_fractions_with_thousands_of_digits() -> None:
    entries = tuple(Fraction(n + 2, 10**300 + 7 * n) for n in range(9))
    report = ca.factor(Kernel((3, 3), entries), "2x2,2x2")
    assert report.complex is False
    json.dumps(report.to_dict())
    assert str(report)


def test_floats_are_taken_exactly_and_the_report_says_so() -> None:
    thirds = ca.factor([[1 / 3, 2 / 3, 1 / 3]], "1x2,1x2")
    assert thirds.rational  # 2/3 is twice 1/3 in floats too
    rounded = ca.factor([0.1, 0.2, 0.1 + 1e-17, 0.3], "2,3")
    assert rounded.kernel.floats
    broken = ca.factor(np.outer([0.1, 0.7], [0.3, 0.9]), "2x1,1x2")
    assert broken.complex is False
    assert any("taken exactly" in note for note in broken.notes)
    assert broken.rounding is not None
    assert broken.rounding.product


def test_kernels_that_are_too_large_are_not_decided() -> None:
    rng = np.random.default_rng(0)
    report = ca.factor(rng.integers(-9, 10, (60, 60)), "30x30,31x31")
    assert (report.rational, report.real, report.complex) == (None, None, None)
    assert "3,600 places" in report.reason
    assert "not decided" in str(report)


def test_what_is_proved_of_large_kernels() -> None:
    rng = np.random.default_rng(0)
    report = ca.factor(rng.integers(-9, 10, (40, 40)), "20x20,21x21")
    assert (report.rational, report.complex) == (False, False)
    assert "simple point" in report.pieces[0].reason
    report = ca.factor(rng.integers(1, 10, 500), "250,251")
    assert (report.rational, report.real, report.complex) == (False, None, True)
    assert report.notes


def test_ways_are_counted_and_twenty_are_shown() -> None:
    # Ten different complex roots in five pairs: 9 * 7 * 5 * 3 = 945 ways, one of them real.
    report = ca.factor("1 1 1 1 1 1 1 1 1 1 1", "5*(3)")
    assert report.ways["complex"].count == 945
    assert report.ways["complex"].complete
    assert report.ways["real"].count == 1
    assert len(report.factorizations) == 20
    assert report.factorizations[0].over == "real"


def test_counting_ends() -> None:
    report = ca.factor([1] + [0] * 39 + [1, 3], "20*(3),2")
    assert report.complex
    assert not report.ways["complex"].complete
    assert "at least" in str(report)


@pytest.mark.parametrize(
    ("kernel", "stack"),
    [("1 2 3 4 5 6 8", "3,5"), ("box7", "4x4,4x4"), ("1 0 0 0 0 0 0 0 1", "5,5")],
)
def test_filters_without_a_common_field_are_told_by_conjugates(kernel, stack: str) -> None:
    found = ca.factor(kernel, stack).to_dict()
    assert any("product" in f for way in found["factorizations"] for f in way["filters"])
    assert rechecked(found)


def test_a_square_root_in_a_product_is_the_root_that_is_named() -> None:
    # a = -sqrt(2): the factor 1 + a z is not 1 + sqrt(2) z.
    root = Embedding(Field((-2, 0, 1)), 0)
    factor = Conjugate((2,), ((1,), (0, 1)), (root,))
    filter = Filter("2", (2,), (1,), None, (1, root.generator), product=(factor,))
    wanted = "exactly: at a = -1.41421.. of (1 a), roots of a^2 - 2"
    assert product_lines(filter, 80) == [wanted]


def test_filters_with_many_conjugates_are_products_of_roots() -> None:
    filters = ca.factor("1 2 3 4 5 6 8", "3,5").to_dict()["factorizations"][0]["filters"]
    for filter in filters:
        assert filter["entries"] is None
        made = np.array([1.0])
        for part in filter["product"]:
            assert part["coefficients"] == [[1], [0, 1]]
            for real, imaginary in part["roots"]:
                made = np.convolve(made, [1, complex(real, imaginary)])
                value = np.polyval(part["field"]["minimal_polynomial"][::-1], real + 1j * imaginary)
                assert abs(value) < 1e-9
        assert made == pytest.approx(filter["decimals"])


def test_decimals_are_those_of_the_exact_entries() -> None:
    for filter in ca.factor("1 2 3 4 5", "3,3").to_dict()["factorizations"][0]["filters"]:
        a = filter["field"]["near"]
        assert np.polyval(filter["field"]["minimal_polynomial"][::-1], a) == pytest.approx(0)
        values = [
            eval(str(entry).replace("^", "**"), {"__builtins__": {}}, {"a": a})
            for entry in filter["entries"]
        ]
        assert values == pytest.approx(filter["decimals"])


@pytest.mark.parametrize(
    ("stack", "what"),
    [
        ("3x3@8", "several channels"),
        ("3x3b", "a bias"),
        ("3x3,relu,3x3", "relu"),
        ("3x3+1x1", "several branches"),
        ("3x3p1+id", "several branches"),
        ("max2x2s2", "max"),
        ("3x3,bn", "bn"),
        ("up2,3x3", "up2"),
        ("convt2x2s2", "convt"),
        ("kxk", "a named size"),
        ("3x3,3", "axes"),
        ("input 3x8x8; 3x3", "channels"),
        ("frobnicate", "is not defined"),
        ("", "expected a layer"),
    ],
)
def test_other_stacks_are_refused(stack: str, what: str) -> None:
    with pytest.raises(ca.ConvalgebraError) as error:
        ca.factor("sobel", stack)
    assert what in str(error.value)
    assert "equiv" not in str(error.value)


def test_axes_must_fit() -> None:
    with pytest.raises(ca.ConvalgebraError, match="1 axis is asked for"):
        ca.factor("sobel", "2,2")
    assert ca.factor("1 2 1", "1x2,1x2").rational
    assert ca.factor("1 2 1", "1x1x2,1x1x2").rational


def test_reports_are_shown() -> None:
    for kernel, stack in [("box3", "2x2,2x2"), ("1 2 3 4 5 6 8", "3,5"), ("kirsch", "2x2,2x2")]:
        report = ca.factor(kernel, stack)
        assert str(report)
        html = report._repr_html_()
        assert html.startswith("<div>")
        assert html.count("<table") == html.count("</table>")
