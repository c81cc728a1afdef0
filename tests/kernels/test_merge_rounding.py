"""Merging floats: how far the merged convolution is from the stack, against Fractions in loops."""

import random
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.kernels.merging import stacks, verdicts, weights

PATHS = ["exactly", "in floats"]


@pytest.fixture(params=PATHS)
def path(request, monkeypatch):
    """Floats of small stacks are merged as Fractions, of large ones as floats."""
    if request.param == "in floats":
        monkeypatch.setattr(weights, "FEW", 0)
    return request.param


def root(value):
    """The square root of a Fraction to 60 digits."""
    with localcontext() as context:
        context.prec = 60
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def slid(x, kernel, bias, stride, before, after):
    """A convolution along one axis: x[channel][place], kernel[out][in][tap]."""
    x = [[Fraction(0)] * before + row + [Fraction(0)] * after for row in x]
    taps = len(kernel[0][0])
    return [
        [
            sum(
                (rows[c][t] * x[c][m + t] for c in range(len(x)) for t in range(taps)),
                Fraction(0 if bias is None else bias[o]),
            )
            for m in range(0, len(x[0]) - taps + 1, stride)
        ]
        for o, rows in enumerate(kernel)
    ]


def normed(x, own, eps):
    """A batch norm in evaluation mode."""
    made = []
    for c, row in enumerate(x):
        w, b, mean, var = (Fraction(float(own[role][c])) for role in ROLES)
        made.append([(v - mean) * w / root(var + eps) + b for v in row])
    return made


ROLES = ("weight", "bias", "running_mean", "running_var")


def fractions(array):
    return [fractions(part) for part in array] if np.ndim(array) else Fraction(float(array))


def drawn(rng, dtype):
    """A chain along one axis: its text, its weights, and what it makes of an input."""
    text, state, steps, channels = [], {}, [], 2
    numbers = np.random.default_rng(rng.randrange(10**9))
    for n in range(rng.randint(1, 3)):
        if rng.random() < 0.4:
            eps = rng.choice(["1e-3", "0.1", "2.5e-4"])
            text.append(f"bn({eps})")
            own = {role: numbers.normal(size=channels).astype(dtype) for role in ROLES}
            own["running_var"] = numbers.uniform(1e-4, 2, channels).astype(dtype)
            state |= {f"{n}.{role}": array for role, array in own.items()}
            steps.append(lambda x, own=own, eps=eps: normed(x, own, Fraction(eps)))
            continue
        out, taps, stride = rng.randint(1, 3), rng.randint(1, 3), rng.choice([1, 1, 2])
        before, after = rng.randint(0, 2), rng.randint(0, 2)
        has_bias = rng.random() < 0.5
        text.append(f"{taps}s{stride}p{before}:{after}@{out}{'b' * has_bias}")
        kernel = (numbers.normal(size=(out, channels, taps)) * 10.0 ** rng.randint(-3, 3)).astype(
            dtype
        )
        state[f"{n}.weight"] = kernel
        bias = None
        if has_bias:
            bias = state[f"{n}.bias"] = numbers.normal(size=out).astype(dtype)
        exact = fractions(kernel), None if bias is None else fractions(bias)
        steps.append(lambda x, e=exact, s=stride, b=before, a=after: slid(x, e[0], e[1], s, b, a))
        channels = out
    return ", ".join(text), state, steps


@pytest.mark.parametrize("seed", range(40))
def test_the_bound_holds(path, seed):
    rng = random.Random(seed)
    dtype = rng.choice([np.float32, np.float64])
    text, state, steps = drawn(rng, dtype)
    side = rng.randint(7, 12)
    report = ca.merge(text, state, input=(2, side))
    # Inputs at the corners of the cube reach the bounds best.
    x = [[Fraction(rng.choice([-1, 1])) for _ in range(side)] for _ in range(2)]
    y = x
    for step in steps:
        y = step(y)
    kernel = fractions(report.weight)
    groups = report.groups
    if groups > 1:  # written out as one group
        inner = len(x) // groups
        each = len(kernel) // groups
        zeros = [Fraction(0)] * len(kernel[0][0])
        kernel = [
            [rows[c % inner] if c // inner == o // each else zeros for c in range(len(x))]
            for o, rows in enumerate(kernel)
        ]
    (begin, end), (stride,), (dilation,) = report.padding[0], report.stride, report.dilation
    holes = [Fraction(0)] * (dilation - 1)
    spread = [
        [[n for tap in taps for n in (*holes, tap)][dilation - 1 :] for taps in rows]
        for rows in kernel
    ]
    x = [row[max(0, -begin) : len(row) - max(0, -end)] for row in x]
    bias = None if report.bias is None else fractions(report.bias)
    z = slid(x, spread, bias, stride, max(0, begin), max(0, end))
    errors = report.ring.errors if report.ring is not None else np.zeros(len(y[0]))
    assert report.bound is not None
    largest = max(1.0, *(abs(float(value)) for row in y for value in row))
    assert report.bound < 1e-3 * largest
    for m in range(len(y[0])):
        far = max(abs(one[m] - other[m]) for one, other in zip(y, z, strict=True))
        assert far <= report.bound + errors[m] * (1 + 1e-9), text
        if errors[m] == 0:
            assert far <= report.bound, text


def cancelling(rng):
    """A batch norm whose shift is 0 but for rounding."""
    mean, scale, var = (rng.uniform(0.1, 2) for _ in range(3))
    shift = mean * (scale / np.sqrt(var + 1e-5))
    state = {"0.weight": [scale], "0.bias": [shift], "0.running_mean": [mean]}
    kernel = [[[[rng.uniform(-1, 1) for _ in range(3)] for _ in range(3)]]]
    return {**state, "0.running_var": [var], "1.weight": kernel}


@pytest.mark.parametrize("nudge", [0.0, 2.0**-53])
@pytest.mark.parametrize("seed", range(5))
def test_a_shift_that_cancels_is_equal_to_rounding(path, seed, nudge):
    state = cancelling(random.Random(seed))
    state["0.bias"] = [state["0.bias"][0] * (1 + 2 * nudge)]  # told as differing at 20 of 36 once
    for given in ("1x6x6", None):
        report = ca.merge("bn, 3x3p1", state, input=given, channels=1)
        assert report.verdict == "equal to rounding"
        assert not report.exact
        assert 0 < report.bound < 1e-11
        assert "equal to rounding" in str(report)
        assert f"{report.bound:.6g}" in " ".join(str(report).split())
        values = report.to_dict()
        assert (values["verdict"], values["bound"]) == ("equal to rounding", report.bound)


def test_small_differences_are_no_rounding(path):
    # The bias is small, and the difference is all of it: 5 of 9 taps see it at an edge.
    state = {"0.weight": [[[[1.0]]]], "0.bias": [1e-12], "1.weight": np.ones((1, 1, 3, 3))}
    report = ca.merge("1x1b, 3x3p1", state, input="1x6x6")
    assert (report.verdict, report.ring.differ) == ("except", 20)
    assert report.ring.error == pytest.approx(5e-12)
    state = cancelling(random.Random(0))
    state["0.bias"] = [state["0.bias"][0] * (1 + 1e-9)]
    report = ca.merge("bn, 3x3p1", state, input="1x6x6")
    assert (report.verdict, report.ring.differ) == ("except", 20)


def test_floats_that_need_no_rounding(path):
    state = {"0.weight": [[[0.5, -1.0, 0.25]]], "1.weight": [[[3.0, 1.0]]]}
    report = ca.merge("3, 2", state)
    assert report.verdict == "exact"
    assert (report.weight == [[[1.5, -2.5, -0.25, 0.25]]]).all()
    assert report.bound == 0 if path == "exactly" else report.bound < 1e-14
    assert ca.merge("3p1", [np.random.default_rng(0).normal(size=(1, 1, 3))]).bound == 0
    assert ca.merge("3, 2", {"0.weight": [[[1, 2, 3]]], "1.weight": [[[3, 1]]]}).bound == 0


def test_the_types_of_weights_decide_what_is_rounding(path):
    state = {name: np.array(array, dtype=np.float32) for name, array in _shifted().items()}
    assert ca.merge("bn, 3x3p1", state, input="1x6x6").verdict == "equal to rounding"
    state = {name: np.array(array, dtype=np.float64) for name, array in state.items()}
    assert ca.merge("bn, 3x3p1", state, input="1x6x6").verdict == "except"


def _shifted():
    state = cancelling(random.Random(3))
    return {**state, "0.bias": [state["0.bias"][0] * (1 + 1e-8)]}


def test_floats_that_underflow_have_no_bound(monkeypatch):
    monkeypatch.setattr(weights, "FEW", 0)
    tiny = {"0.weight": [[[1e-200]]], "0.bias": [1e-200], "1.weight": [[[1e-200] * 3]]}
    report = ca.merge("1b, 3p1", tiny, input="1x6")
    assert report.verdict == "unknown"
    assert "no bound" in report.notes[-1]
    monkeypatch.undo()
    assert ca.merge("1b, 3p1", tiny, input="1x6").verdict == "except"  # 1e-400 is a Fraction


@pytest.mark.parametrize("module", [stacks, verdicts])
def test_work_that_is_too_much_exactly_is_done_in_floats(monkeypatch, module):
    rng = np.random.default_rng(0)
    state = {f"{n}.weight": rng.normal(size=(3, 3, 3)) for n in range(3)}
    exactly = ca.merge("3p1, 3p1, 3p1", state, input="3x20")
    monkeypatch.setattr(module, "CHEAP", 0)
    floats = ca.merge("3p1, 3p1, 3p1", state, input="3x20")
    assert exactly.bound < floats.bound < 1e-11
    assert (exactly.verdict, exactly.ring.differ) == (floats.verdict, floats.ring.differ)
    assert np.abs(exactly.weight - floats.weight).max() < 1e-15 * 81
