"""The graph of an ONNX file -> Network, node by node."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from convalgebra.errors import ConvalgebraError, InputError, UnsupportedError
from convalgebra.network import Held, Network
from convalgebra.readers.graphs import Builder, Constant, Parameter, Tensor, finished
from convalgebra.readers.graphs.arrangements import whole
from convalgebra.readers.graphs.builder import Operand, Stretched, channels_in, identifier
from convalgebra.readers.graphs.dense import folded
from convalgebra.readers.onnx_file.folding import folded_values
from convalgebra.readers.onnx_file.graph import Declared, Graph, Step, Stored, graph_of, inferred
from convalgebra.readers.onnx_file.nodes import NotKnown, Reading, Value
from convalgebra.readers.onnx_file.patterns import together
from convalgebra.readers.onnx_file.rules import (
    FLOATS,
    FREE,
    KNOWN,
    MACS,
    MEETING,
    NORMS,
    ORDER_KEPT,
    PRODUCTS,
    RULES,
    WEIGHTLESS,
    WEIGHTS,
    unread,
)
from convalgebra.shapes import Shape, shape_text
from convalgebra.sizes import Size, product, same, symbol

if TYPE_CHECKING:
    from convalgebra.readers.stacks import Input

_STANDARD = ("", "ai.onnx")
_SUMS = ("Add", "Sub", "Mul", "Div")
_SCALED = ("QuantizeLinear", "DequantizeLinear")
_GELU = ("com.microsoft", "Gelu")
_SIZE_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]{0,30}", re.ASCII)


def network_of(content: bytes, path: str, input: Input) -> Network:
    """The Network in the content of an ONNX file."""
    graph = together(graph_of(content, path))
    shape, name = _input(graph, path, input)
    values = _Values(graph, path, shape, name)
    try:
        for step in graph.steps:
            values.follow(step)
        ends = [values.end(output) for output in graph.outputs]
        outputs = [end for end in ends if isinstance(end, Tensor)]
        if not outputs:
            raise UnsupportedError("no output depends on the input")
        network = finished(values.builder, outputs, values.builder.counted, {})
        return replace(network, dtype=graph.dtype)
    except ConvalgebraError as error:
        open_sizes = any(not isinstance(size, int) for size in shape)
        hint = f" (sizes left open are named: {shape_text(shape)}; give numbers by --input)"
        kind = type(error) if type(error) in (InputError, UnsupportedError) else InputError
        raise kind(f"{path}: {error}{hint if open_sizes else ''}") from None


def _input(graph: Graph, path: str, given: Input) -> tuple[Shape, str]:
    """The shape of the one input, without its batch, and what it is called."""
    if len(graph.inputs) != 1:
        names = ", ".join(name[:40] for name in graph.inputs[:8])
        raise UnsupportedError(
            f"{path}: a network has one input here, and the graph has {len(graph.inputs)}"
            + (f" ({names}); export a model that takes the image alone" if names else "")
        )
    (name,) = graph.inputs
    declared = graph.shapes.get(name)
    if declared and isinstance(declared[0], int) and declared[0] != 1:
        raise UnsupportedError(
            f"{path}: the graph is made for a batch of {declared[0]}, and the cost is that of one "
            "image. Export it for a batch of 1, or one left open"
        )
    if given is not None:
        from convalgebra.readers.stacks import read_shape

        shape = read_shape(given)
        _check_given(shape, declared, path)
        return shape, name
    if not declared or len(declared) < 2:
        raise InputError(f"{path}: the input `{name[:60]}` has no shape; give one by --input")
    return tuple(_open_sizes(declared[1:])), name


def _check_given(shape: Shape, declared: Declared | None, path: str) -> None:
    if declared is None:
        return
    known = declared[1:]
    fits = len(known) == len(shape) and all(
        not isinstance(size, int) or same(size, one) is not False
        for size, one in zip(known, shape, strict=True)
    )
    if not fits:
        told = "x".join(str(size or "?") for size in known)
        raise InputError(
            f"{path}: the graph is made for an input of {told} (without the batch), "
            f"not of {shape_text(shape)}"
        )


def _open_sizes(declared: Declared) -> list[Size]:
    """Sizes, and named sizes for those left open: C, then H and W, unless the file names them."""
    axes = len(declared) - 1
    letters = ["C", *{1: ["L"], 2: ["H", "W"], 3: ["D", "H", "W"]}.get(axes, [])]
    letters += [f"N{index}" for index in range(len(declared))]
    found: list[Size] = []
    for index, size in enumerate(declared):
        if isinstance(size, int):
            found.append(size)
            continue
        own = isinstance(size, str) and _SIZE_NAME.fullmatch(size)
        found.append(symbol(size if own and size else letters[index]))
    return found


class _Values:
    """What each name of the graph is."""

    def __init__(self, graph: Graph, path: str, shape: Shape, input: str) -> None:
        self.builder = Builder(shape)
        self.graph, self.path = graph, path
        self.known: dict[str, Value] = {input: self.builder.input()}
        # Kinds of numbers, by the name of a parameter. `literal` are those of a Constant node in a
        # file that stores its weights elsewhere: to a sum or product they are no weights.
        self.kinds: dict[str, str] = {}
        self.has_weights = any(s.kind == "float" and s.shape for s in graph.stored.values())
        self.inferred: dict[str, Declared] | None = None
        named = zip(graph.shapes.get(input, ()), (1, *shape), strict=False)
        self.sizes = {name: size for name, size in named if isinstance(name, str)}
        self.places = {name: place for place, name in enumerate(graph.stored)}

    def of(self, name: str) -> Value | None:
        if not name:
            return None
        if name not in self.known:
            stored = self.graph.stored.get(name)
            if stored is None:
                raise InputError(
                    f"the shape of `{name[:60]}` is not known here, or it is an output of its "
                    "operator that is not read"
                )
            self.known[name] = self._stored(name, stored)
        return self.known[name]

    def end(self, name: str) -> Operand | None:
        """An output of the graph."""
        return self._settled(self.of(name))

    def _stored(self, name: str, stored: Stored) -> Constant:
        """A stored tensor: a parameter where it is used as a weight, unless it is a lone number."""
        if not stored.shape:
            return Constant(stored.shape, values=stored.values)
        self.kinds[name] = stored.kind
        parameter = Parameter(name, prod(stored.shape))
        held = Held(name, self.places.get(name, len(self.places)), stored.shape)
        return Constant(stored.shape, frozenset([parameter]), values=stored.values, held=held)

    def follow(self, step: Step) -> None:
        inputs = [self.of(name) for name in step.inputs]
        if step.op not in MEETING:
            inputs = [self._settled(value) for value in inputs]
        inputs = self._as_weights(step, inputs)
        attributes = {**step.attributes, "outputs": step.outputs}
        self.builder.block = _block(step.name)
        r = Reading(self.builder, step.name, step.op, inputs, attributes, self.graph.opset)
        try:
            made = self._made(r, step)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            raise r.fault("its inputs or attributes are not those of this operator") from None
        self.builder.unsure = False
        for name, value in zip(step.outputs, made, strict=False):
            if name and value is not None:
                self.known[name] = value

    def _settled(self, value: Value | None) -> Operand | None:
        return self.builder.settled(value) if isinstance(value, Stretched) else value

    def _as_weights(self, step: Step, inputs: list[Any]) -> list[Any]:
        """The inputs of a step, of which the constants that are no weights hold no parameters.

        The file does not say which of its tensors are weights: the operator that reads them does.
        Where it does not, the params of the step are not known.
        """
        if step.domain not in _STANDARD or step.op not in KNOWN:
            return [self._of_kinds(value, ("float",)) for value in inputs]
        op, weights = step.op, WEIGHTS.get(step.op, ())
        constant = all(isinstance(value, Constant) for value in inputs if value is not None)
        sums = op in MEETING and not constant
        found = []
        for index, value in enumerate(inputs):
            if isinstance(value, Constant) and value.parameters:
                if index in weights:
                    if op == "DequantizeLinear":
                        self.kinds.update((p.name, "float") for p in value.parameters)
                elif index in FLOATS.get(op, ()) or (constant and op not in _SCALED):
                    kinds = ("float",) if sums or op == "Concat" else ("float", "narrow")
                    value = self._of_kinds(value, (*kinds, "literal") if constant else kinds)
                    if sums and same(value.numel, 1):
                        value = replace(value, parameters=frozenset())
                else:
                    floats = self._of_kinds(value, ("float",)).parameters
                    several = any(parameter.numel > 1 for parameter in floats)
                    if op not in WEIGHTLESS and several and not constant:
                        self.builder.unsure = True
                    value = replace(value, parameters=frozenset())
            found.append(value)
        if constant and op in _SUMS and any(self._holds(value, "narrow") for value in found):
            # Whole numbers, scaled and shifted: what does so are scales and zero points.
            found = [self._of_kinds(value, ("narrow",)) for value in found]
        if op in NORMS and self._is_neutral(step, found):
            self.builder.unsure = True
        return found

    def _holds(self, value: Any, kind: str) -> bool:
        held = value.parameters if isinstance(value, Constant) else ()
        return any(self.kinds.get(parameter.name) == kind for parameter in held)

    def _of_kinds(self, value: Any, kinds: Sequence[str]) -> Any:
        if not isinstance(value, Constant):
            return value
        kept = (p for p in value.parameters if self.kinds.get(p.name, "float") in kinds)
        return replace(value, parameters=frozenset(kept))

    def _is_neutral(self, step: Step, inputs: Sequence[Any]) -> bool:
        """Whether a norm shifts by 0: one without all of its weights, or an untrained one.

        ONNX has no norm without weights. Exporters call those of a module by its path. A scale of 0
        is none of these.
        """
        told = [n for n in step.inputs[1:3] if n in self.graph.stored and ("." in n or "/" in n)]
        scale, shift = (
            value.values if isinstance(value, Constant) else None
            for value in (*inputs[1:3], None, None)[:2]
        )
        if shift is None and len(inputs) < 3:
            shift = () if scale is not None and all(number == 1 for number in scale) else None
        known = shift is not None and not any(shift) and (scale is None or any(scale))
        return known and len(told) < len(step.inputs[1:3])

    def _made(self, r: Reading, step: Step) -> Sequence[Value | None]:
        operands = [operand for operand in r.inputs if operand is not None]
        known = step.domain in _STANDARD or (step.domain, step.op) == _GELU
        left = unread(step.op, step.attributes.items())
        if known and left is None:
            if step.op == "Constant":
                return [self._constant(step)]
            if step.op in ("Shape", "Size") and operands:
                return [_shape(r, operands[0])]
        constants = [operand for operand in operands if isinstance(operand, Constant)]
        if len(constants) == len(operands):
            alone = self._folded(r, step, constants, known and left is None)
            if step.op in ORDER_KEPT and known and len(alone) == 1:
                return [_with_held(alone[0], r.inputs[0])]
            return alone
        try:
            made = RULES[step.op](r) if step.op in RULES and known and left is None else None
        except NotKnown:
            made = None
        if made is not None:
            return list(made) if isinstance(made, Sequence) else [made]
        return self._opaque(r, step, operands, known and left is None)

    def _constant(self, step: Step) -> Constant:
        (key, value), *others = step.attributes.items()
        if isinstance(value, Stored):
            if value.kind == "float" and self.has_weights:
                value = value._replace(kind="literal")
            return self._stored(step.outputs[0], value)
        if isinstance(value, tuple) and not others:
            kind = "float" if key == "value_floats" else "wide"
            return self._stored(step.outputs[0], Stored((len(value),), kind, value))
        if value is None or others:
            raise ValueError
        return Constant((), values=None if isinstance(value, str) else (value,))

    def _folded(
        self, r: Reading, step: Step, constants: Sequence[Constant], known: bool
    ) -> list[Value | None]:
        """What a node makes of constants alone; None for an output of which no shape is known."""
        values = folded_values(step.op, r.inputs, r.attributes) if known else None
        if values is not None:
            return [replace(folded(constants, values[0]), values=values[1])]
        if step.op in PRODUCTS and known:
            return [folded(constants, *PRODUCTS[step.op](r))]
        shapes = _folded_shapes(r) if known else []
        macs = 0 if known and step.op in FREE else None
        made: list[Value | None] = []
        for index, name in enumerate(step.outputs):
            shape = shapes[index] if index < len(shapes) else self._declared(name)
            made.append(None if shape is None else folded(constants, shape, macs))
        return made

    def _opaque(
        self, r: Reading, step: Step, operands: Sequence[Operand], known: bool
    ) -> list[Value | None]:
        word = identifier(step.op if known else f"{step.domain}_{step.op}")
        if step.op in PRODUCTS and known:
            shape, macs = PRODUCTS[step.op](r)
            return [self.builder.made(word, operands, shape, macs, len(shape) - 1)]
        figure = 0 if known and step.op in FREE else None
        if known and step.op in MACS:
            figure = MACS[step.op](r)
        made: list[Value | None] = []
        for name in step.outputs:
            found = self._declared(name) if name else None
            if found is None and (any(made) or not name):
                made.append(None)
                continue
            if found is None and step.op in RULES and known:
                raise r.fault("the shape that it makes is not known from the file")
            if found is None:
                raise r.fault(
                    "this operator is not known here, and the file does not say the shape of what "
                    "it makes (onnx.shape_inference can write it into the file; where it is a "
                    "function of the file, onnx.inliner can write out what it does)"
                )
            first = not any(made)
            held = operands if first else [o for o in operands if isinstance(o, Tensor)]
            macs = figure if first else 0
            self.builder.unsure = self.builder.unsure and first
            made.append(self.builder.made(word, held, found, macs, channels_in(found)))
        return made

    def _declared(self, name: str) -> Shape | None:
        """The shape that the file declares, or that ONNX's own inference finds."""
        shape = self._known(self.graph.shapes.get(name))
        sizes = [size for size in self.builder.shape if isinstance(size, int)]
        if shape is None and len(sizes) == len(self.builder.shape):
            if self.inferred is None:
                self.inferred = inferred(self.graph, (1, *sizes), self.path)
            shape = self._known(self.inferred.get(name))
        return shape

    def _known(self, declared: Declared | None) -> Shape | None:
        """A declared shape, if each of its sizes is a number or one of the input's by its name."""
        if declared is None:
            return None
        sizes = [self.sizes.get(s) if isinstance(s, str) else s for s in declared]
        known = tuple(size for size in sizes if size is not None)
        return known if len(known) == len(sizes) else None


def _with_held(made: Value | None, source: Any) -> Value | None:
    """What an operation of `ORDER_KEPT` makes of a constant: held in the file as that one is."""
    if isinstance(made, Constant) and same(made.numel, source.numel):
        return replace(made, held=source.held)
    return made


def _block(name: str) -> tuple[str, ...]:
    """Where a node stands in the model, as exporters write it into its name.

    >>> _block("/layer1/layer1.0/conv1/Conv")
    ('layer1', '0', 'conv1')
    """
    parts: list[str] = []
    for part in name.split("/")[:-1][:12]:
        clean = "".join(c if c.isalnum() or c in "_-." else "_" for c in part[:60])
        if parts and clean.startswith(f"{parts[-1]}."):
            clean = clean.removeprefix(f"{parts[-1]}.")
        parts += filter(None, clean.split("."))
    return tuple(parts)


def _shape(r: Reading, operand: Operand) -> Constant:
    shape = operand.shape
    if r.op == "Size":
        return Constant((), values=(product(shape),))
    taken = shape[slice(r.attributes.get("start", 0), r.attributes.get("end"))]
    return Constant((len(taken),), values=tuple(taken))


def _folded_shapes(r: Reading) -> list[Shape | None]:
    """The shapes that a node makes of constants: what the rule of its operator says of tensors."""
    first = r.get(0)
    try:
        if r.op == "ConstantOfShape":
            return [r.values(0)]
        if r.op not in RULES or first is None or any(same(size, 0) for size in first.shape):
            return []
        dims = tuple(whole(axis, size) for axis, size in enumerate(first.shape))
        builder = Builder(first.shape or (1,))
        made = RULES[r.op](r._replace(builder=builder, inputs=[Tensor(0, dims), *r.inputs[1:]]))
    except (ConvalgebraError, NotKnown):
        return []
    every = list(made) if isinstance(made, Sequence) else [made]
    return [None if value is None else value.shape for value in every]
