"""A text with named sizes, and the same text with numbers written in their places.

What is accepted with numbers is accepted with names; the assumptions of a report are true exactly
where its figures are; and every text that is accepted prints as one that reads back as the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest
from facts import all_hold
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import sympify

from convalgebra import compare
from convalgebra.cost import cost
from convalgebra.cost.report import CostReport
from convalgebra.errors import ConvalgebraError
from convalgebra.language import parse

Numbers = Mapping[str, int]
_NAME = re.compile("<([A-Z])>")  # `<C>` is a name that may be written as a number
NUMBERS = [
    {"C": C, "H": H, "W": W}
    for C in (1, 2, 3, 4, 6, 8)
    for H in (1, 2, 3, 5, 13)
    for W in (1, 4, 9)
]
samples = st.lists(st.sampled_from(NUMBERS), min_size=8, max_size=8)


def named(text: str) -> str:
    """The text with its named sizes."""
    return _NAME.sub(r"\1", text)


def numbered(text: str, numbers: Numbers) -> str:
    """The text with numbers in place of its named sizes."""
    return _NAME.sub(lambda name: str(numbers[name[1]]), text)


# Texts


def one_of(*choices: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of([c if isinstance(c, st.SearchStrategy) else st.just(c) for c in choices])


def joined(template: str, **parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.fixed_dictionaries(parts).map(lambda given: template.format(**given))


expressions = st.recursive(
    st.sampled_from(["<C>", "<H>", "<W>", "1", "2", "3", "4", "8", "12"]),
    lambda part: joined(
        "({a}{op}{b})", a=part, b=part, op=st.sampled_from(["+", "-", "*", "/", "//", "//"])
    ),
    max_leaves=5,
)
sizes = one_of("1", "2", "3", expressions.map(lambda size: size if "(" in size else f"({size})"))
channels = one_of("", "@4", "@*2", "@/2", joined("@{n}", n=sizes))


def layers(axes: int) -> st.SearchStrategy[str]:
    """Layers of most kinds on so many axes, named sizes in some of them."""
    sides = st.sampled_from([1, 2, 3, 4, 5, 7])
    kernel = sides.map(lambda side: "x".join([str(side)] * axes))
    padding = one_of("", "p1", "p2", "p0:1", "p7", "psame", joined("p{n}", n=sizes))
    fits = one_of("", "p1", "psame")
    stride, dilation = one_of("", "s2", "s3", joined("s{n}", n=sizes)), one_of("", "", "d2")
    return st.one_of(
        joined("conv {k}{s}{p}{d}{c}b", k=kernel, s=stride, p=padding, d=dilation, c=channels),
        joined("dw{k}{s}{p}{d}", k=kernel, s=stride, p=padding, d=dilation),
        joined("convt{k}s{s}{p}", k=kernel, s=st.sampled_from("123"), p=one_of("", "p1", "p1o1")),
        joined(
            "{w}{k}s{s}{p}{c}",
            w=one_of("max", "avg"),
            k=kernel,
            s=st.sampled_from("123"),
            p=fits,
            c=one_of("", "ceil"),
        ),
        st.sampled_from(["bn", "gn2", "relu", "softmax", "up2", "bilinear2", "gap", "shuffle2"]),
        st.sampled_from(
            ["pad1", "pad0:1", "crop1", "reflect1", "circular2", "pad16", "pixelshuffle2"]
        ),
        joined("{w}{n}", w=one_of("pad", "crop", "replicate"), n=sizes),
        one_of("[:1]", "[1:]", "[-1:]", "[<C>//2:]", joined("[:{n}]", n=expressions)),
        one_of("gap, fc@3b", "linear@4", "flatten", joined("fc@{n}", n=sizes)),
    )


def series(axes: int) -> st.SearchStrategy[str]:
    """Series of layers, with branches in them."""

    def grow(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            joined("{a}, {b}", a=part, b=part),
            joined("({a}) + {b}", a=part, b=one_of("id", part.map("({})".format))),
            joined(
                "{w}({a} | {b})", w=one_of("cat", "mul", "resizelike"), a=part, b=one_of("id", part)
            ),
        )

    return st.recursive(layers(axes), grow, max_leaves=4)


def texts(axes: int) -> st.SearchStrategy[tuple[str, str]]:
    """A text, and the shape of its input."""
    shapes = (
        ["<C>x<H>", "3x<H>", "4x<H>"] if axes == 1 else ["<C>x<H>x<W>", "3x<H>x<W>", "<C>x9x16"]
    )
    return st.tuples(series(axes), st.sampled_from(shapes))


# Both ways


def report_of(text: str, shape: str) -> CostReport | None:
    try:
        return cost(text, input=shape)
    except ConvalgebraError:
        return None


def figures(report: CostReport) -> Iterator[tuple[str, object]]:
    """Everything that a report says, but for what is known of some numbers only."""
    for index, size in enumerate(report.output):
        yield f"output {index}", size
    for key in ("params", "macs", "macs_exact", "flops", "activations", "bytes"):
        yield key, getattr(report.total, key)
    for index, layer in enumerate(report.layers):
        yield f"macs_exact of layer {index}", layer.macs_exact
    if not report.memory.least:
        yield "peak", report.memory.peak
    for index, axis in enumerate(report.receptive_field.axes or ()):
        yield f"size of the field {index}", axis.size
        yield f"jump {index}", axis.jump


def wrong(names: CostReport, numbers: CostReport, values: Numbers) -> list[str]:
    """The figures that are known with names, and are others with numbers."""
    right = dict(figures(numbers))
    return [
        key
        for key, size in figures(names)
        if size is not None and key in right and sympify(size).subs(values) != sympify(right[key])
    ]


def check(text: str, shape: str, points: list[dict[str, int]], *, exactly: bool) -> None:
    """Compare a text with its numbers; `exactly`: where the assumptions fail, something differs."""
    names = report_of(named(text), named(shape))
    for values in points:
        numbers = report_of(numbered(text, values), numbered(shape, values))
        where = f"{text} on {shape} at {values}"
        if names is None:
            assert numbers is None, f"refused with names: {where}"
            continue
        try:
            holds = all_hold(names.assumptions, values)
        except ZeroDivisionError:  # in a part of no meaning there
            holds = False
        if numbers is None:
            assert not holds, f"{names.assumptions} of {where}"
            continue
        differ = wrong(names, numbers, values)
        assert not holds or not differ, f"{differ}, {names.assumptions} of {where}"
        assert holds or differ or not exactly, f"too strong: {names.assumptions} of {where}"
    if names is not None:
        assert parse(str(names.network)) == names.network
        assert str(parse(str(names.network))) == str(names.network)
        str(names)
        compare([named(text), "relu"], input=named(shape))


@settings(max_examples=20)
@given(texts(2), samples)
def test_on_two_axes(text: tuple[str, str], points: list[dict[str, int]]) -> None:
    check(*text, points, exactly=False)  # a product of two wrong sides may be right


@settings(max_examples=20)
@given(texts(1), samples)
def test_on_one_axis(text: tuple[str, str], points: list[dict[str, int]]) -> None:
    check(*text, points, exactly=True)


@pytest.mark.slow
@settings(max_examples=80)
@given(texts(2), samples)
def test_on_two_axes_often(text: tuple[str, str], points: list[dict[str, int]]) -> None:
    check(*text, points, exactly=False)


@pytest.mark.slow
@settings(max_examples=200)
@given(texts(1), samples)
def test_on_one_axis_often(text: tuple[str, str], points: list[dict[str, int]]) -> None:
    check(*text, points, exactly=True)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("3x3p100@64b, relu", "3x<H>x<W>"),  # the first layer of FCN-8s
        ("1x1p2", "3x<H>x<W>"),
        ("1x1@(12//<C>)", "3x<H>x<W>"),
        ("1x1p(4//(9//<C>)), relu", "3x16x16"),
        ("1x1@(8//(4//<C>)), relu", "3x16x16"),
        ("1x1@(8//(<C>-3))", "3x16x16"),
        ("1x1@(6 + (4//12)//(<C>//12))", "3x16x16"),
        ("1x1@(3 + 0*(<C>/2))", "3x16x16"),
        ("1x1@(<C>/2 + 4 - <C>/2)", "3x16x16"),
        ("(up2, pad0:1, max2x2s2, max2x2s2) + (up2, pad0:1, max4x4s4)", "3x<H>x<W>"),
        ("fc@((<W>/8)//2)", "3x9x<W>"),
        ("1x1@(2*(<C>/2))", "<C>x<H>x<W>"),
        ("1x1@(<C>/2 + <H>/3)", "<C>x<H>x<W>"),
        ("1x1@(12/<C>)", "<C>x<H>x<W>"),
        ("def f(n) = 1x1@(4*n), 1x1@(n//2 + 1); f(<C>/4)", "3x<H>x<W>"),
        ("mul(id | gap, 1x1@<C>, sigmoid)", "3x<H>x<W>"),
        ("mul(avg7x7s3p1 | id)", "<C>x<H>x<W>"),
        ("avg5x5s3p1, convt1x1s1p1o1@6", "<C>x<H>x<W>"),
        ("pad2, convt3x3", "<C>x<H>x<W>"),
        ("1x3s2x1p7@4, convt2x2s2p1o1, gap2x2", "3x<H>x<W>"),
        ("1x1s2@4, up2, pad0:1, gap2x2", "3x<H>x<W>"),
        ("3x3p(<H>)", "3x9x9"),
        ("conv (<C>)x(<C>)p3", "3x<H>x<W>"),
        ("2x2p3@8, 3x3s2p4d2", "3x<H>x<W>"),
        ("[<C>//2:], 1x3p7@4b", "4x<H>x<W>"),
        ("shared f = 3x3p1@4; f, f", "<C>x<H>x<W>"),
        ("shared f = 1x1@<C>; f, relu, f", "3x<H>x<W>"),
    ],
)  # fmt: skip
def test_on_a_grid(text: str, shape: str) -> None:
    grid = [{"C": C, "H": 5, "W": W} for C in range(1, 14) for W in (1, 2, 16, 30)]
    grid += [{"C": 4, "H": H, "W": W} for H in range(1, 14) for W in (1, 7, 16)]
    check(text, shape, grid, exactly=False)


def test_texts_are_accepted_often_enough() -> None:
    accepted = []

    @settings(max_examples=60, database=None)
    @given(texts(2))
    def count(text: tuple[str, str]) -> None:
        shape = numbered(text[1], {"C": 4, "H": 12, "W": 16})
        accepted.append(report_of(numbered(text[0], {"C": 4, "H": 12, "W": 16}), shape) is not None)

    count()
    assert sum(accepted) >= 12
