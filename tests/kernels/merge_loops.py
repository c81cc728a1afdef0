"""A stack with named weights run by plain loops on exact numbers, and a merged convolution too.

Everything is a dictionary from (channel, position ..) to a number; nothing is shared with the code.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from convalgebra.language import parse


def places(shape):
    return product(*map(range, shape))


def each(values, axes):
    return list(values) * axes if len(values) == 1 else list(values)


def slide(x, shape, kernel, bias, out, size, stride, dilation, pads, groups):
    """A convolution by its definition; `kernel(o, i, u)` are its entries."""
    channels, *sides = shape
    made = [
        (n + a + b - d * (k - 1) - 1) // s + 1
        for n, (a, b), d, k, s in zip(sides, pads, dilation, size, stride, strict=True)
    ]
    width = channels // groups
    result = {}
    for o in range(out):
        first = o // (out // groups) * width
        for n in places(made):
            total = bias(o)
            for i in range(width):
                for u in places(size):
                    at = tuple(
                        s * m + d * t - p
                        for s, m, d, t, (p, _) in zip(stride, n, dilation, u, pads, strict=True)
                    )
                    total += kernel(o, i, u) * x.get((first + i, *at), 0)
            result[(o, *n)] = total
    return result, (out, *made)


def spread_out(x, shape, kernel, bias, out, size, stride, dilation, pads, extra, groups):
    """A transposed convolution by its definition; `kernel(i, o, u)` as PyTorch keeps it."""
    channels, *sides = shape
    made = [
        (n - 1) * s - a - b + d * (k - 1) + e + 1
        for n, s, (a, b), d, k, e in zip(sides, stride, pads, dilation, size, extra, strict=True)
    ]
    result = {(o, *n): bias(o) for o in range(out) for n in places(made)}
    each_in, each_out = channels // groups, out // groups
    for i in range(channels):
        for n in places(sides):
            for o in range(each_out):
                for u in places(size):
                    at = tuple(
                        s * m + d * t - p
                        for s, m, d, t, (p, _) in zip(stride, n, dilation, u, pads, strict=True)
                    )
                    key = (i // each_in * each_out + o, *at)
                    if key in result:
                        result[key] += kernel(i, o, u) * x[(i, *n)]
    return result, (out, *made)


def entry(array, *place):
    for at in place:
        array = array[at]
    return array


def run(network, weights, x, shape, roots=None):
    """What the network makes of x; `roots` are the divisors of each batch norm, by its number."""
    if isinstance(network, str):
        network = parse(network)
    numbers, count = [], 0
    for node in network.nodes:
        numbers.append(count)
        count += len(node.inputs) == 1
    values = [(x, shape)]
    for node in network.nodes[1:]:
        layer, kind = node.layer, node.layer.kind
        name = numbers[node.weights]
        value, (channels, *sides) = values[node.inputs[0]]
        axes = len(sides)
        ones = [1] * axes

        def bias(o, name=name):
            given = weights.get(f"{name}.bias")
            return 0 if given is None else given[o]

        if kind in ("conv", "dw", "avg"):
            groups = {"dw": channels, "avg": channels}.get(kind, layer.groups)
            out = channels if kind == "avg" else len(weights[f"{name}.weight"])
            count = 1
            for k in layer.size:
                count *= k

            def kernel(o, i, u, name=name, kind=kind, count=count):
                if kind == "avg":
                    return Fraction(1, count)
                return entry(weights[f"{name}.weight"], o, i, *u)

            nothing = (lambda o: 0) if kind == "avg" else bias
            values.append(
                slide(
                    value, (channels, *sides), kernel, nothing, out, layer.size, layer.stride,
                    layer.dilation, layer.padding, groups,
                )
            )  # fmt: skip
        elif kind == "convt":
            out = len(weights[f"{name}.weight"][0]) * layer.groups

            def kernel(i, o, u, name=name):
                return entry(weights[f"{name}.weight"], i, o, *u)

            values.append(
                spread_out(
                    value, (channels, *sides), kernel, bias, out, layer.size, layer.stride,
                    layer.dilation, layer.padding, layer.output_padding, layer.groups,
                )
            )  # fmt: skip
        elif kind in ("pad", "crop"):
            sign = 1 if kind == "pad" else -1
            pads = [(sign * a, sign * b) for a, b in each(layer.pads, axes)]
            one = lambda o, i, u: 1  # noqa: E731
            values.append(
                slide(
                    value, (channels, *sides), one, lambda o: 0, channels, ones, ones, ones, pads,
                    channels,
                )
            )  # fmt: skip
        elif kind == "bn":
            own = {role: weights[f"{name}.{role}"] for role in ("weight", "bias", "running_mean")}
            made = {
                key: (v - own["running_mean"][key[0]]) / Fraction(roots[name][key[0]])
                * own["weight"][key[0]] + own["bias"][key[0]]
                for key, v in value.items()
            }  # fmt: skip
            values.append((made, (channels, *sides)))
        elif kind == "scale":
            made = {key: v * weights[f"{name}.weight"][key[0]] for key, v in value.items()}
            values.append((made, (channels, *sides)))
        elif kind == "up":
            f = each(layer.size, axes)
            big = (channels, *(n * k for n, k in zip(sides, f, strict=True)))
            made = {
                key: value[(key[0], *(m // k for m, k in zip(key[1:], f, strict=True)))]
                for key in places(big)
            }
            values.append((made, big))
        elif kind == "add":
            parts = [values[source][0] for source in node.inputs]
            made = {key: sum(part[key] for part in parts) for key in value}
            values.append((made, (channels, *sides)))
        elif kind == "cat":
            made, rows = {}, 0
            for source in node.inputs:
                part, (many, *_) = values[source]
                made |= {(rows + key[0], *key[1:]): v for key, v in part.items()}
                rows += many
            values.append((made, (rows, *sides)))
        else:
            raise AssertionError(kind)
    return values[network.outputs[0]]


def apply(report, x, shape):
    """What the merged convolution makes of x, by its fields alone."""
    weight, bias = report.weight, report.bias

    def constant(o):
        return 0 if bias is None else bias[o]

    if report.kind == "convt":
        return spread_out(
            x, shape, lambda i, o, u: weight[(i, o, *u)], constant, report.channels[1],
            report.size, report.stride, report.dilation, report.padding, report.output_padding,
            report.groups,
        )  # fmt: skip
    return slide(
        x, shape, lambda o, i, u: weight[(o, i, *u)], constant, report.channels[1], report.size,
        report.stride, report.dilation, report.padding, report.groups,
    )  # fmt: skip
