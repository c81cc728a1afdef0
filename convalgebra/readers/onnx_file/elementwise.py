"""ONNX operators at each position: activations, norms, sums and products."""

from __future__ import annotations

from math import isfinite
from struct import pack, unpack
from typing import Any

from convalgebra.readers.graphs import pointwise
from convalgebra.readers.graphs.builder import (
    Constant,
    equal_shapes,
)
from convalgebra.readers.onnx_file.nodes import (
    Made,
    Reading,
    Rule,
    constants_in,
    fitting,
    place_of,
    tensor_in,
)
from convalgebra.sizes import same


def activation(word: str) -> Rule:
    def rule(r: Reading) -> Made:
        x = tensor_in(r)
        return None if x is None else pointwise.elementwise(r.builder, x, word)

    return rule


def clip(r: Reading) -> Made:
    x = tensor_in(r)
    if x is None:
        return None
    bounds: list[Any] = []
    for index, name in ((1, "min"), (2, "max")):
        given = r.get(index)
        values = given.values if isinstance(given, Constant) else None
        unknown = None if given is None else ()
        bounds.append(values[0] if values else r.attributes.get(name, unknown))
    if bounds == [0, 6]:
        return pointwise.elementwise(r.builder, x, "relu6")
    if bounds == [0, None]:
        return pointwise.elementwise(r.builder, x, "relu")
    return pointwise.nameless(r.builder, "clip", x, [])


def prelu(r: Reading) -> Made:
    x, slopes = tensor_in(r), r.get(1)
    if x is None or not isinstance(slopes, Constant):
        return nameless(r)
    if not equal_shapes(fitting(r, [x.shape, slopes.shape]), x.shape):
        raise r.fault("its slopes have a shape that does not fit what comes in")
    return pointwise.prelu(r.builder, x, slopes)


def softmax(r: Reading) -> Made:
    x = tensor_in(r)
    if x is None:
        return None
    axis = place_of(r, r.attributes.get("axis", 1 if r.opset < 13 else -1), len(x.shape))
    if (
        r.opset < 13
        and axis < len(x.shape) - 1
        and not all(same(s, 1) for s in x.shape[axis + 1 :])
    ):
        return r.builder.made("softmax", [x], x.shape)  # over all dimensions from the axis on
    return pointwise.softmax(r.builder, x, axis)


def log_softmax(r: Reading) -> Made:
    x = tensor_in(r)
    return None if x is None else pointwise.nameless(r.builder, "log_softmax", x, [])


def norm(name: str, word: str, held: int) -> Rule:
    """A norm whose inputs 1 .. `held` are its weights; running statistics are no parameters."""

    def rule(r: Reading) -> Made:
        x = tensor_in(r)
        if x is None:
            return None
        groups = (r.attributes.get("num_groups", 1),) if word == "gn" else ()
        constants = constants_in(*r.inputs[1 : 1 + held])
        layer = pointwise.norm_layer(word, _epsilon(r), groups)
        roles = ("weight", "bias", "running_mean", "running_var")
        arrays = {role: r.get(index) for index, role in enumerate(roles, 1)}
        known = {
            role: array
            for role, array in arrays.items()
            if isinstance(array, Constant) and not r.attributes.get("training_mode", 0)
        }
        return pointwise.norm(r.builder, name, layer, x, constants, known)

    return rule


def _epsilon(r: Reading) -> Any:
    """The `epsilon` of a norm, a float of 32 bits, as the shortest decimal that is that float."""
    stored = r.attributes.get("epsilon", 1e-5)
    if not isinstance(stored, float) or not isfinite(stored):
        return stored
    written = (float(f"{stored:.{digits}g}") for digits in range(1, 9))
    return next((eps for eps in written if unpack("f", pack("f", eps))[0] == stored), stored)


def layer_norm(r: Reading) -> Made:
    x = tensor_in(r)
    if x is None:
        return None
    rank = len(x.shape)
    dims = rank - place_of(r, r.attributes.get("axis", -1), rank)
    name = "layer_norm" if r.op == "LayerNormalization" else "rms_norm"
    held = constants_in(*r.inputs[1:3])
    return pointwise.layer_norm(r.builder, x, dims, held, name, _epsilon(r))


def response_norm(r: Reading) -> Made:
    x = tensor_in(r)
    return None if x is None else pointwise.response_norm(r.builder, x, r.attributes.get("size"))


def met(kind: str) -> Rule:
    def rule(r: Reading) -> Made:
        return pointwise.met(r.builder, kind, _that_fit(r))

    return rule


def nameless(r: Reading) -> Made:
    """An operation number by number, on operands that are stretched where need be."""
    operands = _that_fit(r)
    shape = fitting(r, [operand.shape for operand in operands])
    return pointwise.each(r.builder, r.op.lower(), operands, shape)


def _that_fit(r: Reading) -> list[Any]:
    """What comes in, if its shapes can be stretched to one."""
    operands = [operand for operand in r.inputs if operand is not None]
    fitting(r, [operand.shape for operand in operands])
    return operands
