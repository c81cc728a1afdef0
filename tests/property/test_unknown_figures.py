"""Totals with parts that are not known: None, and bounds that hold whatever the parts are."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.cost import cost
from convalgebra.cost.comparison import compare
from convalgebra.cost.report import Bounds
from convalgebra.sizes import at

NUMBERS = {"C": 3, "H": 8, "W": 7}
PLAIN = ("3x3p1@Cb", "dw3x3p1b", "bn", "relu", "1x1@C", "id + 3x3p1@C", "unused(3x3@5b)")
NAMES = ("odd", "exp", "rearrange")

figures = st.tuples(st.integers(0, 40), st.integers(0, 10**4))
hidden = st.tuples(st.booleans(), st.booleans())
opaque = st.tuples(st.sampled_from(NAMES), figures, hidden, st.booleans())
networks = st.lists(st.sampled_from(PLAIN) | opaque, min_size=1, max_size=6)


def text(layers, shown):
    """The network with the params and MACs of all opaque layers, or with those that are hidden."""
    found = []
    for layer in layers:
        if not isinstance(layer, str):
            name, (params, macs), (no_params, no_macs), runs = layer
            known = (
                params if shown or not no_params else "?",
                macs if shown or not no_macs else "?",
            )
            layer = f"opaque({name}, CxHxW, {known[0]}, {known[1]})"
            layer = layer if runs else f"unused({layer})"
        found.append(layer)
    return ", ".join(found)


@settings(max_examples=40, deadline=None)
@given(networks, st.sampled_from(["CxHxW", "3x8x7"]), st.sampled_from([1, 5]))
def test_what_is_not_known_is_none_and_bounded(layers, shape, batch):
    numbers = None if shape[0] == "C" else NUMBERS
    options = {"input": "CxHxW", "batch": batch, "training": "adam", "at": numbers}
    report, true = (cost(text(layers, shown), **options) for shown in (False, True))
    opaque = [layer for layer in layers if not isinstance(layer, str)]
    no_params = any(hides for _, _, (hides, _), _ in opaque)
    no_macs = any(hides and runs for _, _, (_, hides), runs in opaque)
    no_flops = no_macs or any(
        macs == 0 and name != "rearrange" and runs for name, (_, macs), _, runs in opaque
    )
    no_bytes = any(hides and runs for _, _, (hides, _), runs in opaque)
    expected = {
        **dict.fromkeys(("params", "weights", "biases"), no_params),
        **dict.fromkeys(("macs", "macs_exact"), no_macs),
        "flops": no_flops,
        "bytes": no_bytes,
    }
    totals, bounds, told = report.total, report.total.at_least, report.to_dict()
    assert json.loads(json.dumps(told)) == told
    for key in Bounds._fields:
        value, bound = getattr(totals, key), getattr(bounds, key)
        if key == "flops_by_class":
            continue
        assert (value is None) == expected.get(key, False), key
        assert value is None or value == bound
        assert (told["total"][key] is None) == (value is None)
        real = getattr(true.total, key)
        if real is not None:
            assert at(real, NUMBERS) >= at(bound, NUMBERS), key
            assert value is None or value == real
    assert (report.status == "partial") == (no_params or no_macs)
    assert (report.memory.weights is None) == (report.training.total is None) == no_params
    assert at(true.training.total, NUMBERS) >= at(report.training.at_least.total, NUMBERS)
    both = compare([report, true])
    for key, hidden_one in expected.items():
        assert not hidden_one or both.ratios.get(key, (None, None)) == (None, None)
