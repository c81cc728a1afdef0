"""What is counted, class by class, in cases one can count by hand."""

import json

import pytest
from calls import counted

from convalgebra.cost import cost
from convalgebra.cost import report as reports
from convalgebra.cost.counts import FLOP_CLASSES, FLOPS_PER
from convalgebra.cost.report import Bounds, LayerCost
from convalgebra.errors import ConvalgebraError, Defect, ShapeError


def total(text, shape="4x6x6"):
    return cost(text, input=shape).total


@pytest.mark.parametrize(
    ("text", "flops"),
    [
        ("3x3@2", {"mac": 2 * 9 * 4 * 2 * 16}),  # 4x4 positions of 2 channels, 36 taps
        ("3x3@2b", {"mac": 2 * 9 * 4 * 2 * 16, "bias": 32}),
        ("dw3x3", {"mac": 2 * 9 * 4 * 16}),
        ("convt2x2s2@3b", {"mac": 2 * 4 * 4 * 3 * 36, "bias": 3 * 144}),
        ("fc@10b", {"mac": 2 * 144 * 10, "bias": 10}),
        ("linear@10b", {"mac": 2 * 4 * 10 * 36, "bias": 360}),
        ("bn", {"norm": 2 * 144}),
        ("ln", {"norm": 5 * 144}),
        ("gn2", {"norm": 5 * 144}),
        ("in", {"norm": 5 * 144}),
        # Of each: its square, 4 sums of 5 squares, times alpha, plus k, a power, divided.
        ("lrn", {"norm": (1 + 4 + 1 + 1 + 1 + 1) * 144}),
        ("relu", {"activation": 144}),
        ("silu", {"activation": 144}),
        ("softmax", {"activation": 3 * 144}),
        ("max3x3s2p1", {"pooling": 9 * 4 * 9}),
        ("avg2x2s2", {"pooling": 4 * 4 * 9}),
        ("max2x3s1", {"pooling": 6 * 4 * 5 * 4}),
        ("gap", {"pooling": 144}),
        ("gmp", {"pooling": 144}),
        ("gap3x2", {"pooling": 144}),  # windows that do not overlap read every input once
        ("gap4x6", {"pooling": 4 * (2 + 2 + 2 + 2) * 6}),  # 0-1, 1-2, 3-4, 4-5
        ("relu + id + id", {"activation": 144, "merge": 2 * 144}),
        ("mul(id | gap)", {"pooling": 144, "merge": 144}),
        ("scale", {"scale": 144}),
        ("plainbn", {"norm": 2 * 144}),
        ("plainln", {"norm": 4 * 144}),
        ("plaingn2", {"norm": 4 * 144}),
        ("plainin", {"norm": 4 * 144}),
        ("prelu, sharedprelu", {"activation": 2 * 144}),
        ("bilinear2", {"interpolation": 7 * 4 * 144}),  # four products, three additions
        ("bilinearto5x9", {"interpolation": 7 * 4 * 45}),
        ("up2, resize3x3, pad1, crop1, reflect1, replicate1, circular1", {}),
        ("cat(id | id), shuffle2, [:4], pixelshuffle2, flatten, dropout", {}),
    ],
)
def test_flops_by_class(text, flops):
    counted = total(text)
    assert counted.flops_by_class == flops
    assert counted.flops == sum(flops.values())


def test_the_table_of_factors_is_as_documented():
    assert FLOPS_PER | {"mac": 2, "bias": 1, "bn": 2, "ln": 5, "gn": 5, "in": 5} == FLOPS_PER
    assert FLOPS_PER | {"activation": 1, "softmax": 3, "merge": 1, "scale": 1} == FLOPS_PER


def test_classes_in_their_order():
    text = "3x3p1@4b, bn, relu, max2x2s1, bilinear2, scale + id"
    assert tuple(total(text).flops_by_class) == FLOP_CLASSES


def test_weights_biases_and_norms_apart():
    counted = total("3x3p1@8b, bn, scale, lrn, relu, gap, fc@10b")
    assert counted.weights == 9 * 4 * 8 + 8 * 10
    assert counted.biases == 8 + 10
    assert counted.norms == 2 * 8 + 8
    assert counted.params == counted.weights + counted.biases + counted.norms == 410


def test_activations_and_conv_outputs():
    counted = total("3x3p1@8, bn, relu, max2x2s2, convt2x2s2@2, dw3x3p1, gap, fc@5")
    each = [288, 288, 288, 72, 72, 72, 2, 5]
    assert counted.activations == sum(each)
    assert counted.conv_outputs == 288 + 72 + 72


def test_bytes_are_what_every_layer_reads_and_writes():
    # 4 bytes a number: 144 in, 9*4*8 + 8 weights, 288 out; then 288 in, 16 weights, 288 out.
    assert total("3x3p1@8b").bytes == 4 * (144 + 296 + 288)
    assert total("3x3p1@8b, bn").bytes == 4 * (144 + 296 + 288) + 4 * (288 + 16 + 288)
    assert total("relu + id").bytes == 4 * (144 + 144) + 4 * (144 + 144 + 144)
    assert total("flatten, dropout").bytes == 0


def test_a_shared_layer_has_its_weights_once_and_works_each_time():
    once, twice = total("3x3p1b, bn"), total("shared f = 3x3p1b, bn; f, f")
    assert twice.params == once.params
    assert (twice.macs, twice.macs_exact) == (2 * once.macs, 2 * once.macs_exact)
    assert twice.flops == 2 * once.flops
    assert twice.activations == 2 * once.activations
    assert twice.bytes == 2 * once.bytes  # the weights are read again


def test_shared_weights_on_several_sizes():
    counted = total("shared f = 3x3p1; a = f; b = avg2x2s2, f; output a | b")
    assert (counted.params, counted.macs) == (144, 144 * (36 + 9))


def test_one_slope_serves_any_number_of_channels():
    counted = total("shared act = sharedprelu; act, 1x1@7, act")
    assert (counted.norms, counted.flops_by_class["activation"]) == (1, (4 + 7) * 36)
    with pytest.raises(ShapeError, match="the shared layer cannot serve 7x6x6"):
        total("shared act = prelu; act, 1x1@7, act")


def test_unused_has_weights_and_no_work():
    plain, headed = total("3x3p1@8"), total("3x3p1@8, unused(bn, relu, gap, fc@10b)")
    assert headed.params == plain.params + 16 + 90
    for key in ("macs", "macs_exact", "flops", "activations", "conv_outputs", "bytes"):
        assert getattr(headed, key) == getattr(plain, key)


def test_weights_first_used_in_an_unused_branch_count_once():
    counted = total("shared f = 3x3p1; unused(f), f")
    assert (counted.params, counted.macs) == (144, 144 * 36)


def test_what_an_unused_branch_reads_still_works():
    counted = total("a = 3x3p1; unused(a, 1x1@9), relu")
    assert counted.macs == 144 * 36


def test_repeated_layers_are_counted_each():
    assert total("100*(3x3p1b)").macs == 100 * total("3x3p1b").macs
    assert total("100*(3x3p1b)").params == 100 * total("3x3p1b").params
    # The same layer on another input costs something else.
    assert total("2*(3x3@*2)", "1x9x9").macs == 9 * 2 * 49 + 9 * 2 * 4 * 25


def test_ten_thousand_layers():
    with counted(10_000_000):
        found = total("10000*(3x3p1b)")
    assert found.params == 10_000 * 148
    assert found.macs == 10_000 * 144 * 36


def test_layers_add_up_to_the_total():
    report = cost("zoo:googlenet")
    for key in ("params", "macs", "macs_exact", "flops", "activations", "bytes"):
        assert sum(getattr(layer, key) for layer in report.layers) == getattr(report.total, key)


def test_one_layer_of_the_report():
    report = cost("stem = 7x7s2p3@64b, relu", input="3x32x32")
    layer = report.layers[0]
    assert isinstance(layer, LayerCost)
    assert layer.to_dict() == {
        "name": "stem/1",
        "layer": "7x7s2p3@64b",
        "block": ["stem"],
        "value": None,
        "output": [64, 16, 16],
        "params": 9472,
        "macs": 147 * 64 * 256,
        "macs_exact": layer.macs_exact,
        "flops": 2 * 147 * 64 * 256 + 64 * 256,
        "activations": 64 * 256,
        "bytes": 4 * (3 * 1024 + 9472 + 64 * 256),
        "intensity": "4720/113",
        "receptive_field": {"size": [7, 7], "jump": [2, 2], "left": [-3, -3], "right": [3, 3]},
    }
    assert (layer.block, layer.bytes) == (("stem",), 4 * (3 * 1024 + 9472 + 64 * 256))


def test_the_report_as_a_dictionary():
    report = cost("3x3@8, relu", input="3x5x5").to_dict()
    assert list(report) == [
        "schema", "network", "input", "batch", "dtype", "layers", "total", "memory",
        "receptive_field", "alignment", "assumptions", "status",
    ]  # fmt: skip
    assert report["schema"] == "convalgebra.cost/1"
    assert (report["network"], report["input"]) == ("input 3x5x5; 3x3@8, relu", [3, 5, 5])
    assert report["total"] == {
        "params": 216, "weights": 216, "biases": 0, "norms": 0, "macs": 1944, "macs_exact": 1944,
        "flops": 3960, "activations": 144, "conv_outputs": 72,
        "bytes": 4 * (75 + 216 + 72 + 72 + 72), "flops_by_class": {"mac": 3888, "activation": 72},
        "intensity": "330/169",
    }  # fmt: skip
    windowed = {"size": [3, 3], "jump": [1, 1], "left": [0, 0], "right": [2, 2]}
    assert report["receptive_field"] == {
        "global": False, "windowed": windowed, **windowed, "padding": [0, 0], "centre": [1, 1],
        "paths": {"number": 1, "smallest": [3, 3], "largest": [3, 3]},
        "effective": {"variance": ["2/3", "2/3"], "deviation": [(2 / 3) ** 0.5] * 2},
    }  # fmt: skip
    assert report["alignment"] == {"meetings": 0, "aligned": 0, "unknown": 0, "findings": []}
    assert (report["assumptions"], report["status"]) == ([], "complete")


def test_reports_are_values():
    assert cost("3x3@8", input="3x5x5") == cost("3x3@8", input="3x5x5")
    assert cost("3x3@8", input="3x5x5") != cost("3x3@8", input="3x5x6")


def test_a_network_of_nothing():
    counted = total("id")
    assert (counted.params, counted.macs, counted.flops, counted.activations) == (0, 0, 0, 0)


def test_an_opaque_layer_costs_what_it_says() -> None:
    report = cost("input 3x8x8; opaque(attend, 4x8x8, 7, 11), 1x1@2, unused(opaque(odd, 2, 5, ?))")
    assert report.total.params == 7 + 8 + 5
    assert report.total.macs == 11 + 8 * 64
    assert report.total.macs_exact == 11 + 8 * 64
    assert report.total.flops_by_class == {"mac": 2 * (11 + 8 * 64)}
    assert report.status == "complete"  # what is not used does no work, known or not
    assert report.receptive_field.axes is None


def test_what_is_not_known_is_never_zero() -> None:
    report = cost("input 3x8x8; opaque(odd, 4x8x8, ?, ?), 1x1@2")
    assert report.status == "partial"
    odd = report.layers[0].to_dict()
    assert (odd["params"], odd["macs"], odd["macs_exact"], odd["flops"]) == (None,) * 4
    total, known = report.total, report.total.at_least
    figures = ("params", "weights", "biases", "macs", "macs_exact", "flops", "bytes")
    assert [getattr(total, key) for key in figures] == [None] * 7
    assert (known.params, known.weights, known.biases) == (8, 8, 0)  # 4 x 2
    assert (known.macs, known.macs_exact, known.flops) == (8 * 64, 8 * 64, 2 * 8 * 64)
    # 3x8x8 and 4x8x8 of the first layer; 4x8x8, 8 weights and 2x8x8 of the second.
    assert known.bytes == 4 * ((192 + 256) + (256 + 8 + 128))
    assert (total.activations, known.activations) == (384, 384)
    assert total.intensity is None
    told = json.loads(json.dumps(report.to_dict()))
    assert [told["total"][key] for key in figures] == [None] * 7
    assert told["total"]["at_least"]["macs"] == 512
    assert told["total"]["flops_by_class"] == {"mac": None}
    assert (told["memory"]["weights"], told["memory"]["at_least"]) == (None, {"weights": 32})
    shown = str(report)
    assert "at least 8" in shown
    assert "weights at least 32 apart" in shown
    assert "MACs of odd, params of odd" in shown


def test_totals_without_unknown_parts_are_their_own_bounds() -> None:
    total = cost("input 3x8x8; 3x3p1@8b, bn, relu").total
    assert all(getattr(total.at_least, key) == getattr(total, key) for key in Bounds._fields)
    assert "at_least" not in total.to_dict()


@pytest.mark.parametrize("key", [*Bounds._fields, "at_least"])
@pytest.mark.parametrize(
    "text", ["3x3p1@8b, bn, relu, gap, fc@2", "3x3p1@Cb, bn", "opaque(odd, 8x8x8, ?, ?), 3x3b, bn"]
)
def test_totals_that_are_not_the_sum_of_their_rows_are_no_answer(monkeypatch, key, text) -> None:
    right = reports._total

    def wrong(layers):
        found = right(layers)
        if key == "at_least":
            return found._replace(bounds=found.at_least._replace(params=found.at_least.params - 1))
        if key == "flops_by_class":
            return found._replace(flops_by_class=found.flops_by_class | {"bias": 1})
        return found._replace(**{key: (getattr(found, key) or 0) + 1})

    cost(text, input="3x8x8")
    monkeypatch.setattr(reports, "_total", wrong)
    with pytest.raises(Defect, match="the totals are not the sums of the layers"):
        cost(text, input="3x8x8")


def test_work_that_no_rule_counts_is_not_zero() -> None:
    report = cost("input 3x8x8; 1x1@2, opaque(exp, 2x8x8, 0, 0)")
    assert (report.total.macs, report.status) == (6 * 64, "complete")
    assert (report.layers[1].flops, report.total.flops) == (None, None)
    assert report.total.at_least.flops == 2 * 6 * 64
    assert "FLOPs       at least 768" in str(report)
    assert "not known   FLOPs of exp" in str(report)
    # A softmax stands between the two products of an attention.
    attention = cost("input 8x9; opaque(scaled_dot_product_attention, 8x9, 0, 1296)").total
    assert (attention.macs, attention.flops, attention.at_least.flops) == (1296, None, 2592)
    # To move numbers takes no FLOPs, and what does not run does not either.
    for still in ("opaque(rearrange, 3x8x8, 0, 0)", "unused(opaque(exp, 3x8x8, 5, 0))"):
        assert cost(f"input 3x8x8; {still}").total.flops == 0


def test_training_with_weights_that_are_not_known() -> None:
    report = cost("3x3p1@2, opaque(odd, 2x4x4, ?, 5)", input="1x4x4", training="adam")
    training = report.training
    assert training is not None
    assert (training.weights, training.gradients, training.state, training.total) == (None,) * 4
    # 18 weights, their gradients and two moments; 16 + 32 + 32 values.
    assert training.at_least.total == 4 * (4 * 18 + 80)
    told = report.to_dict()["memory"]["training"]
    assert (told["total"], told["at_least"]["total"]) == (None, 608)
    assert "at least 608 bytes with adam" in str(report)
    sgd = cost("opaque(odd, 2x4x4, ?, 5)", input="1x4x4", training="sgd").training
    assert sgd is not None
    assert (sgd.state, sgd.total) == (0, None)  # which keeps nothing for a weight, known or not


@pytest.mark.parametrize(
    "layer",
    [
        "3x3p1@8b",
        "dw5x3s2p2",
        "3x3psame@2",
        "3x3p4s3d2@8",
        "convt3x3s2p1o1@3b",
        "3x3g2p1:0@6",
        "1x1@2",
    ],
)
@pytest.mark.parametrize("before", ["", "pad1, "])
def test_an_opaque_convolution_is_counted_as_the_layer_that_it_works_as(layer, before) -> None:
    plain = cost(f"{before}{layer}", input="4x9x11")
    shape = "x".join(map(str, plain.output))
    text = f"{before}opaque(fixed, {shape}, 0, {plain.total.macs}, {layer})"
    report = cost(text, input="4x9x11")
    for key in ("macs", "macs_exact", "flops", "flops_by_class", "conv_outputs", "activations"):
        assert getattr(report.total, key) == getattr(plain.total, key)
    assert (report.total.params, report.status) == (0, "complete")
    assert report.receptive_field == plain.receptive_field
    assert report.unit("[1,1]").seen == plain.unit("[1,1]").seen
    # 100 MACs more, which make the weights.
    text = text.replace(f" {plain.total.macs}, ", f" {plain.total.macs + 100}, ")
    assert cost(text, input="4x9x11").total.macs_exact == plain.total.macs_exact + 100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("opaque(x, 4x9x9, 0, 5, relu)", "expected a convolution here"),
        ("opaque(x, 4x9x9, 0, 5, )", "expected a convolution here"),
        ("opaque(x, 4x9x9, 0, 5, 3x3p1)", "has 5 MACs, fewer than the 11,664 of the convolution"),
        (
            "opaque(x, 4x9x8, 0, 99999, 3x3p1)",
            "4x9x8 does not work as a convolution",
        ),
        ("opaque(x, 4x9x9, 0, 99999, 3x3x3p1)", "a kernel with 3 axes cannot slide over 4x9x9"),
    ],
)
def test_what_an_opaque_layer_does_not_work_as(text, message) -> None:
    with pytest.raises(ConvalgebraError, match=message):
        cost(text, input="4x9x9")


def test_shared_opaque_params_are_counted_once() -> None:
    report = cost("input 3x8x8; shared f = opaque(odd, 3x8x8, 7, 11); f, f")
    assert (report.total.params, report.total.macs) == (7, 22)
