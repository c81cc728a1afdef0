"""The eps of a norm: read exactly, printed back, and left out where it is 1e-5."""

import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import convalgebra as ca
from convalgebra.errors import LanguageError, SizeError
from convalgebra.layers import WITH_EPS, Layer

WRITTEN = [
    ("bn(1e-3)", 1e-3),
    ("bn(0.001)", 1e-3),
    ("bn( 1E-3 )", 1e-3),
    ("ln(1e-6)", 1e-6),
    ("in(0.0)", 0.0),
    ("gn32(1e-3)", 1e-3),
    ("gn(32)(1e-3)", 1e-3),
    ("plainbn(2.5e-4)", 2.5e-4),
    ("plainln(1.0)", 1.0),
    ("plainin(0.1)", 0.1),
    ("plaingn4(1e-12)", 1e-12),
    ("bn(5e-324)", 5e-324),
    ("bn(1.7976931348623157e308)", 1.7976931348623157e308),
]


@pytest.mark.parametrize(("text", "eps"), WRITTEN)
def test_written(text, eps):
    network = ca.parse(text)
    assert network.nodes[1].layer.eps == eps
    assert ca.parse(str(network)) == network


def test_default_is_left_out():
    assert str(ca.parse("bn(1e-5), ln(0.00001)")) == "bn, ln"
    assert ca.parse("bn(1e-5)") == ca.parse("bn")
    assert ca.parse("bn(1e-3)") != ca.parse("bn")


def test_canonical_text():
    text = "2*(bn(1e-3), relu), gn8(1e-6) + id"
    assert str(ca.parse("bn(0.001), relu, bn(1e-03), relu, gn8(0.000001)+id")) == (
        "2*(bn(1e-3), relu), (gn8(1e-6) + id)"
    )
    assert ca.parse(text) == ca.parse(str(ca.parse(text)))


@given(st.floats(0, allow_infinity=False), st.sampled_from(sorted(WITH_EPS)))
def test_every_float_reads_back(eps, kind):
    size = (2,) if kind in ("gn", "plaingn") else ()
    text = str(ca.parse(f"1, {kind}{2 if size else ''}({eps!r})"))
    layer = ca.parse(text).nodes[2].layer
    assert layer == Layer(kind, size, eps=eps)
    assert struct.pack("d", layer.eps) == struct.pack("d", eps + 0.0)
    # What is printed is that decimal, not one nearby: Fractions read decimals by themselves.
    if "(" in text:
        printed = text.rpartition("(")[2].rstrip(")")
        assert Fraction(printed) == Fraction(repr(eps))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bn(64)", "expected an eps like 1e-3"),
        ("bn(C)", "expected an eps like 1e-3"),
        ("bn(-1e-3)", "expected an eps like 1e-3"),
        ("bn(nan)", "expected an eps like 1e-3"),
        ("bn(1e-3", r"expected a \) after the eps"),
        ("bn(1e-3, 3)", r"expected a \) after the eps"),
        ("bn(1e400)", "no float of 64 bits"),
        ("bn(1e-400)", "no float of 64 bits"),
        ("lrn(1e-3)", "expected"),
        ("relu(1e-3)", "expected"),
        ("bn(__import__('os'))", "expected an eps like 1e-3"),
    ],
)
def test_refused(text, message):
    with pytest.raises(LanguageError, match=message):
        ca.parse(text)


def test_a_layer_refuses_what_is_no_eps():
    for eps in (-1e-3, float("nan"), float("inf")):
        with pytest.raises(SizeError, match="eps must be a number from 0"):
            Layer("bn", eps=eps)


def test_cost_and_equivalence_do_not_depend_on_it():
    one, other = (ca.cost(f"3x3p1@8, {norm}", input="3x9x9") for norm in ("bn", "bn(1e-3)"))
    assert one.total == other.total
    assert other.to_dict()["layers"][1]["layer"] == "bn(1e-3)"
    for left, right in [
        ("3x3, bn", "3x3, bn(1e-3)"),
        ("3x3, bn, relu, 3x3", "3x3, bn(1e-3), relu, 3x3"),
        ("relu, bn, relu, 3, bn", "relu, bn(0.1), relu, 3, bn"),
    ]:
        assert ca.equiv(left, right).equivalent
