"""The graph of an ONNX file, checked before anything is done with it.

The file may come from anybody: what is read is names, shapes and the small integer tensors that say
shapes; weights are never looked at, data outside the file never opened, subgraphs never entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto

NEWEST = 28  # version of ONNX's operators; what a later one changes is not known here
MOST_NODES = 100_000
MOST_RANK = 16
MOST_SIZE = 10**15 - 1  # of a dimension; past it a size is a slip or an attack
MOST_VALUES = 4096  # of a tensor whose numbers are looked at


class Stored(NamedTuple):
    """A tensor in the file: its shape, what it holds, its numbers where they are few.

    `kind` is `float`, `narrow` for whole numbers of 16 bits or less, which weights may be put into,
    or `wide` for those that sizes and places are made of.
    """

    shape: tuple[int, ...]
    kind: str
    values: tuple[Any, ...] | None


class Step(NamedTuple):
    """A node: its operation, the names that it reads ("" for none) and makes, its attributes."""

    name: str
    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


Declared = tuple[int | str | None, ...]  # a size that is not a number has a name, or none


class Graph(NamedTuple):
    """Steps in an order in which they can run, and what the file says of its tensors.

    `shapes` are those that the file declares, of inputs and outputs above all.
    """

    steps: tuple[Step, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    stored: dict[str, Stored]
    shapes: dict[str, Declared]
    opset: int
    dtype: (
        str  # of the stored numbers that are no whole ones, and of the input where there are none
    )
    model: ModelProto


def graph_of(content: bytes, path: str) -> Graph:
    """The graph in the content of an ONNX file.

    Raises InputError where the file is damaged or contradicts itself, UnsupportedError where it
    holds what is not read (control flow).
    """
    model = _parsed(content, path)
    graph = model.graph
    if not graph.node and not graph.output:
        raise InputError(f"{path}: an ONNX model without a graph")
    if len(graph.node) > MOST_NODES:
        raise InputError(f"{path}: more than {MOST_NODES:,} nodes")
    kinds = {attribute.type for node in graph.node for attribute in node.attribute}
    if graph.sparse_initializer or kinds & {11, 12}:  # as onnx.proto numbers sparse tensors
        raise UnsupportedError(
            f"{path}: stores a sparse tensor, and a file does not say whether the places that it "
            "leaves out are weights; store it with all its numbers, as onnx.numpy_helper writes it"
        )
    opset = next((i.version for i in model.opset_import if i.domain in ("", "ai.onnx")), 0)
    if opset > NEWEST:
        raise UnsupportedError(
            f"{path}: made of ONNX's operators of version {opset}, and versions up to {NEWEST} are "
            f"known here; export it for an older one (opset_version={NEWEST})"
        )
    stored: dict[str, Stored] = {}
    dtypes = {tensor.data_type for tensor in graph.initializer if _is_float(tensor.data_type)}
    dtypes = dtypes or {i.type.tensor_type.elem_type for i in graph.input[:1]}
    dtype = " and ".join(sorted({_dtype(number) for number in dtypes if _is_float(number)}))
    for tensor in graph.initializer:
        name = _text(tensor.name)
        if name in stored:
            raise InputError(f"{path}: two initializers are called `{name[:60]}`")
        stored[name] = stored_in(tensor, path)
        if stored[name].values is None:  # nobody looks at its numbers from here on
            for field in ("raw_data", "float_data", "double_data", "int32_data"):
                tensor.ClearField(field)
    steps = tuple(_step(node, index, path) for index, node in enumerate(graph.node))
    inputs = tuple(name for name in (_text(v.name) for v in graph.input) if name not in stored)
    shapes = _declared_in(graph, path)
    outputs = tuple(_text(value.name) for value in graph.output)
    ordered = _in_order(steps, {*inputs, *stored}, outputs, path)
    return Graph(ordered, inputs, outputs, stored, shapes, opset, dtype, model)


def _is_float(number: int) -> bool:
    return _KINDS.get(number) == "float"


def _dtype(number: int) -> str:
    """What the report calls a type of numbers."""
    from onnx import TensorProto

    name = str(TensorProto.DataType.Name(number)).lower()
    name = "float8" if name.startswith("float8") else name
    return {"float": "float32", "double": "float64"}.get(name, name)


def _parsed(content: bytes, path: str) -> ModelProto:
    try:
        from onnx import load_model_from_string
    except ImportError:
        raise InputError(
            f"{path} is read as an ONNX file by the package `onnx`, which is not installed: "
            "pip install 'convalgebra[onnx]'"
        ) from None
    from google.protobuf.message import DecodeError

    try:
        return load_model_from_string(content)
    except (DecodeError, UnicodeDecodeError) as error:  # the latter where protobuf is all Python
        told = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise InputError(f"{path} is no ONNX model, or a damaged one: {told[0][:200]}") from None


def _step(node: Any, index: int, path: str) -> Step:
    title, op = _text(node.name)[:60] or f"number {index + 1}", _text(node.op_type)
    attributes: dict[str, Any] = {}
    for attribute in node.attribute:
        if attribute.HasField("g") or attribute.graphs:
            raise UnsupportedError(
                f"{path}: the node {title} ({op[:60]}) holds a graph of its own: what runs depends "
                "on numbers that are not known. Give the part of the model before it "
                "(onnx.utils.extract_model writes it), or export it without such a node"
            )
        attributes[_text(attribute.name)] = _value(attribute, path)
    inputs, outputs = (tuple(map(_text, names)) for names in (node.input, node.output))
    return Step(title, op, _text(node.domain), inputs, outputs, attributes)


def _text(name: Any) -> str:
    """A name; where it is not in UTF-8, protobuf gives bytes."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _value(attribute: Any, path: str) -> Any:
    """The value of an attribute; its types are numbered as in onnx.proto."""
    kind = attribute.type
    if kind == 1:
        return attribute.f
    if kind == 2:
        return attribute.i
    if kind == 3:
        return _text(attribute.s)
    if kind == 4:
        return stored_in(attribute.t, path)
    if kind in (6, 7):
        return tuple(attribute.floats if kind == 6 else attribute.ints)
    return None


# The types of numbers are numbered as in onnx.proto.
_KINDS = {
    **dict.fromkeys((1, 10, 11, 14, 15, 16, 17, 18, 19, 20, 23, 24, 27, 28), "float"),
    **dict.fromkeys((2, 3, 4, 5, 21, 22, 25, 26), "narrow"),
}


def stored_in(tensor: TensorProto, path: str) -> Stored:
    """The shape of a stored tensor, and its numbers where there are few of them in the file."""
    shape = tuple(tensor.dims)
    name = _text(tensor.name)[:60]
    if len(shape) > MOST_RANK or any(not 0 <= size <= MOST_SIZE for size in shape):
        raise InputError(f"{path}: the tensor `{name}` has the sizes {list(shape[:MOST_RANK])}")
    kind = _KINDS.get(tensor.data_type, "wide")
    count = 1
    for size in shape:
        count *= size
    if count > MOST_VALUES or tensor.data_location == 1 or tensor.data_type not in (1, 6, 7, 9, 11):
        return Stored(shape, kind, None)
    from onnx.numpy_helper import to_array

    try:
        values = tuple(to_array(tensor).ravel().tolist())
    except ValueError:
        raise InputError(
            f"{path}: the tensor `{name}` does not hold the {count} numbers that it should"
        ) from None
    return Stored(shape, kind, values)


def _declared_in(graph: GraphProto, path: str) -> dict[str, Declared]:
    return {
        _text(value.name): _declared(value, path)
        for value in (*graph.value_info, *graph.input, *graph.output)
        if value.type.HasField("tensor_type") and value.type.tensor_type.HasField("shape")
    }


def inferred(graph: Graph, shape: Sequence[int], path: str) -> dict[str, Declared]:
    """The shapes that ONNX's own inference finds, for an input of `shape` with its batch.

    It is asked for operators that are not known here, and never sees the numbers of the weights.
    """
    from onnx import ModelProto
    from onnx.shape_inference import infer_shapes

    if any(step.op == "STFT" for step in graph.steps):  # it forgets that this is one-sided
        return {}
    model = ModelProto()
    model.CopyFrom(graph.model)
    del model.functions[:]  # a few that call each other twice would take it forever
    for value in model.graph.input:
        if _text(value.name) == graph.inputs[0]:
            del value.type.tensor_type.shape.dim[:]
            for size in shape:
                value.type.tensor_type.shape.dim.add().dim_value = size
    try:
        return _declared_in(infer_shapes(model).graph, path)
    except Exception:  # of its C++: InferenceError, ValidationError, what is added in a version
        return {}


def _declared(value: Any, path: str) -> Declared:
    dims = value.type.tensor_type.shape.dim
    if len(dims) > MOST_RANK:
        raise InputError(f"{path}: `{_text(value.name)[:60]}` has {len(dims)} dimensions")
    sizes: list[int | str | None] = []
    for dim in dims:
        if dim.HasField("dim_value"):
            if not -1 <= dim.dim_value <= MOST_SIZE:
                raise InputError(
                    f"{path}: `{_text(value.name)[:60]}` has a dimension of size {dim.dim_value}"
                )
            sizes.append(dim.dim_value if dim.dim_value > 0 else None)
        else:
            sizes.append(_text(dim.dim_param) or None)
    return tuple(sizes)


def _in_order(
    steps: tuple[Step, ...], known: set[str], outputs: Iterable[str], path: str
) -> tuple[Step, ...]:
    """The steps in an order in which they can run, that of the file where it is one."""
    maker: dict[str, int] = {}
    for index, step in enumerate(steps):
        for name in filter(None, step.outputs):
            if name in maker or name in known:
                raise InputError(f"{path}: two things are called `{name[:60]}`")
            maker[name] = index
    waits = [0] * len(steps)
    readers: dict[int, list[int]] = {}
    for index, step in enumerate(steps):
        for name in {*filter(None, step.inputs)} - known:
            if name not in maker:
                raise InputError(
                    f"{path}: the node {step.name} ({step.op[:60]}) reads `{name[:60]}`, which is "
                    "neither an input, nor stored, nor made by a node"
                )
            waits[index] += 1
            readers.setdefault(maker[name], []).append(index)
    ready = [index for index, count in enumerate(waits) if not count]
    heapify(ready)
    ordered = []
    while ready:
        index = heappop(ready)
        ordered.append(steps[index])
        for reader in readers.get(index, ()):
            waits[reader] -= 1
            if not waits[reader]:
                heappush(ready, reader)
    if len(ordered) < len(steps):
        stuck = next(step for step, count in zip(steps, waits, strict=True) if count)
        raise InputError(f"{path}: the nodes wait for each other in a circle, {stuck.name} in it")
    for name in outputs:
        if name not in maker and name not in known:
            raise InputError(f"{path}: no node makes the output `{name[:60]}`")
    return tuple(ordered)
