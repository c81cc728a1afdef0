"""Merged stacks against torch: outputs on random inputs, and which of them differ."""

from __future__ import annotations

import numpy as np
import pytest

from convalgebra.errors import ConvalgebraError
from convalgebra.kernels.merging import merge, parameter_table
from convalgebra.language import parse

from .merge_oracle import Text, apply, differences, random_weights, run, torch


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Small arrays are quicker on one thread than on many."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def written(shape):
    return "x".join(map(str, shape))


def tried(text, channels, sides, seed, dtype=np.float64):
    """A stack, its weights, its report, and what stack and merged convolution make of an input."""
    shape = (channels, *sides)
    network = parse(f"input {written(shape)}; {text}")
    weights = random_weights(parameter_table(network), seed, dtype)
    report = merge(network, weights)
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.uniform(-1, 1, (1, *shape)).astype(dtype))
    return network, weights, report, run(network, weights, x), apply(report, x)


def check(text, channels, sides, seed, rows=True):
    """Whether the outputs that are said to differ do, no others do, and by as much as is said.

    None for phases that differ from axis to axis, which torch has no layer for.
    """
    network, weights, report, stack, merged = tried(text, channels, sides, seed)
    if merged is None:
        return None
    assert stack.shape == merged.shape, text
    tiny = 1e-12 * max(1.0, float(stack.abs().max()), float(np.abs(report.weight).max()))
    far = (stack - merged).abs()[0].amax(0).numpy()
    if report.verdict == "exact":
        assert far.max(initial=0) <= 10 * tiny, text
        return report
    assert ((far > 1000 * tiny) == (report.ring.errors > 0)).all(), text
    assert (far <= report.ring.errors + tiny).all(), text
    if rows:
        found = differences(network, weights, report, (channels, *sides))
        np.testing.assert_allclose(report.ring.errors, found.max(0), rtol=1e-9, atol=100 * tiny)
        spot = (report.ring.channel, *report.ring.position)
        assert found[spot] == pytest.approx(report.ring.error)
    return report


KNOWN = [
    # channels, sides, stack, whether it is exact
    (3, (9, 8), "3x3p1@4b, bn", True),
    (3, (9, 8), "bn, 3x3p1", False),
    (3, (9, 8), "bn, 3x3", True),
    (2, (8, 8), "(3x3p1b, bn) + (1x1, bn) + bn", True),
    (2, (8, 8), "(1x1, bn, 3x3p1, bn) + (3x3p1, bn)", False),
    (2, (8, 8), "(1x1, 3x3p1) + (1x1, bn, avg3x3s1p1) + 3x3p1", False),
    (2, (8, 8), "(1x1p1, 3x3, bn) + (1x3p0x1, bn) + (3x1p1x0, bn)", True),
    (2, (9, 9), "1x1@4b, 3x3p1@3b", False),
    (2, (9, 9), "1x1@4, 3x3p1@3b", True),
    (2, (12, 12), "3*(3x3p1)", False),
    (2, (12, 12), "3x3p3, 3x3, 3x3", True),
    (1, (12, 12), "3x3p1, 3x3p1", False),
    (6, (7, 9), "3x5g2p1x2@8, 1x3g4@4b", True),
    (6, (7, 9), "3x5g2p1x2@8, 1x3g4p0x1@4b", False),
    (4, (7, 7), "dw3x3p1@*2, 1x1@3b, dw3x3", True),
    (2, (9, 7), "3x3p2:0x0:1, 2x2p0:1x1:0", False),
    (2, (9, 7), "3x3p2:0x0:1, 2x2p1:0x0:1", None),
    (2, (9, 7), "3x3p1, crop1x0:2, 3x3b", True),
    (2, (9, 9), "avg3x3s2p1, 1x1b", True),
    (2, (9, 9), "3x3p1, avg3x3s1p1", False),
    (2, (40,), "3s2p1d2b, 3s3d2, 2", True),
    (2, (17,), "5s2p2, 3s2p1b, 3p1", False),
    (2, (5, 6), "convt3x3s2p1o1@4b, 3x3", True),
    (2, (5, 6), "convt3x3s2p1o1@4, 3x3p1", False),
    (2, (5, 6), "convt2x2s2, 3x3p1b", True),
    (2, (5, 6), "convt2x2s2b, 3x3p1", False),
    (2, (5, 6), "3x3p1, convt4x4s2p1g2", False),
    (2, (5, 6), "3x3p2, convt4x3s2x3p1, avg2x2s1", None),
    (4, (4, 4), "pixelshuffle2, 3x3p1@2", True),
    (4, (5, 6), "1x1@8, pixelshuffle2, 3x3p1", True),
    (2, (7, 7), "up2, 3x3p1", True),
    (2, (6, 6), "2x2s2, convt2x2s2b", True),
    (2, (7, 5), "2x2s2, convt3x3s2", False),
    (2, (9, 9), "3x3s2p1, up2, 3x3p1", True),
    (4, (6, 6), "3x3p1g2, shuffle2, 3x3p1g2", False),
    (4, (6, 6), "cat([:2], 3x3p1 | [2:], 1x1b), 3x3p1@2", False),
    (2, (6, 6), "cat(3x3p1@1 | 1x1@2b), pad1, [1:], 1x1@2", False),
    (2, (6, 6), "cat(3x3p1@1b | 1x1@2b), pad1, [:1], 3x3p1@2", False),
    (2, (5, 6), "cat(5x5p2@1 | 3x3p1@2, 3x3p1), 3x3p1g3@3, [1:], 1x1@2", False),
    (2, (6, 6), "shared f = 3x3p1; f, scale, f + id", False),
    (2, (4, 5, 4), "3x1x2p1x0x0b, 1x3x1p0x1x0", False),
    (2, (4, 5, 4), "linear@3b, 3x3x3p1", False),
    (2, (9, 9), "3x3psame, 5x5psamed2", False),
]  # fmt: skip


@pytest.mark.parametrize(("channels", "sides", "text", "exact"), KNOWN, ids=[k[2] for k in KNOWN])
def test_known(channels, sides, text, exact) -> None:
    report = check(text, channels, sides, 7)
    if exact is not None:
        assert report.exact is exact


@pytest.mark.parametrize("first", range(0, 300, 20))
def test_random_stacks(first) -> None:
    compared = 0
    for seed in range(first, first + 20):
        draw = Text(seed)
        channels, text = draw.stack(transposed=draw.axes < 3)
        sides = [draw.random.choice([6, 7, 8, 9] if draw.axes < 3 else [4, 5])] * draw.axes
        try:
            shape = parse(f"input {written((channels, *sides))}; {text}").shapes[-1]
        except ConvalgebraError:
            continue  # a window that does not fit
        rows = np.prod(shape) * channels * np.prod(sides) < 3_000
        compared += check(text, channels, sides, seed, rows) is not None
    assert compared >= 15


@pytest.mark.parametrize("first", range(1000, 1100, 20))
def test_random_stacks_in_32_bits(first) -> None:
    for seed in range(first, first + 20):
        draw = Text(seed)
        draw.axes = 2
        channels, text = draw.stack(3)
        try:
            network, _, report, stack, merged = tried(text, channels, (8, 9), seed, np.float32)
        except ConvalgebraError:
            continue
        if not report.exact or report.exact_numbers or merged is None:
            continue  # averages and the like alone are fractions
        assert report.weight.dtype == np.float32
        tiny = 1e-5 * max(1.0, float(stack.abs().max()), float(np.abs(report.weight).max()))
        assert float((stack - merged).abs().max()) <= tiny, (text, network)


def test_the_verdict_on_every_input_holds_on_many() -> None:
    verdicts = set()
    for seed in range(30):
        draw = Text(seed)
        draw.axes = 1
        channels, text = draw.stack(3)
        try:
            table = parameter_table(text, channels=channels)
            weights = random_weights(table, seed)
            report = merge(text, weights, channels=channels)
        except ConvalgebraError:
            continue
        if report.kind == "phases":
            continue  # an input is needed to say where they are cropped
        verdicts.add((report.kind, report.verdict))
        worst = 0.0
        for side in range(report.least[0] if report.least else 1, 40):
            shape = (channels, side)
            try:
                network = parse(f"input {written(shape)}; {text}")
                network.shapes  # noqa: B018
            except ConvalgebraError:
                continue
            x = torch.from_numpy(np.random.default_rng(side).uniform(-1, 1, (1, *shape)))
            stack, merged = run(network, weights, x), apply(report, x)
            assert stack.shape == merged.shape, (text, side)
            tiny = 1e-11 * max(1.0, float(stack.abs().max()))
            far = (stack - merged).abs()[0].amax(0).numpy() > tiny
            if report.exact:
                assert not far.any(), (text, side)
                continue
            ((before, after),) = report.ring.widths
            assert not far[before : len(far) - after].any(), (text, side)
            if side < report.least[0] + 6:
                worst = max(worst, differences(network, weights, report, shape).max())
        if not report.exact:
            assert report.ring.error == pytest.approx(worst)
    assert {("conv", "exact"), ("conv", "except"), ("convt", "exact")} <= verdicts


def test_the_mended_stack_is_the_merged_convolution() -> None:
    for channels, sides, text, exact in KNOWN:
        if exact is not False or "psame" in text:
            continue
        network, weights, report, stack, merged = tried(text, channels, sides, 5)
        assert report.mended is not None, text
        mended = parse(f"input {written((channels, *sides))}; {report.mended}")
        x = torch.from_numpy(np.random.default_rng(3).uniform(-1, 1, (1, channels, *sides)))
        renamed = {}
        old, new = parameter_table(network), parameter_table(mended)
        for one, other in zip(old, new, strict=True):
            assert one.shape == other.shape
            renamed[other.name] = weights[one.name]
        made = run(mended, renamed, x)
        expected = apply(report, x)
        assert torch.allclose(made, expected, rtol=1e-11, atol=1e-11), (text, report.mended)
        assert stack.shape == merged.shape
