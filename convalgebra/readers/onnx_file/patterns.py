"""Several nodes that are one layer: dense layers with a bias, activations written out.

Where ONNX has, or had, no operator of its own, exporters write a few: `x sigmoid(x)` for SiLU,
`x (1 + erf(x / sqrt 2)) / 2` for GELU, a product and a sum for a dense layer. They are put together
again where nothing else reads what lies between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from convalgebra.readers.onnx_file.graph import Graph, Step

_INPUTS = {
    **dict.fromkeys(("Sigmoid", "HardSigmoid", "Tanh", "Softplus", "Erf"), 1),
    **dict.fromkeys(("Add", "Mul", "Div", "MatMul"), 2),
}


class Around(NamedTuple):
    """Which step makes a name, which steps read it, and the names that are outputs."""

    graph: Graph
    maker: dict[str, Step]
    readers: dict[str, list[Step]]

    def made_by(self, name: str, *ops: str) -> Step | None:
        """The step that makes `name`, if it is one of `ops` and only one step reads the name."""
        step = self.maker.get(name)
        if step is None or step.op not in ops or len(step.inputs) != _INPUTS[step.op]:
            return None
        alone = len(self.readers.get(name, ())) == 1 and name not in self.graph.outputs
        return step if alone else None

    def number(self, name: str) -> float | None:
        """The one number that is stored under a name."""
        stored = self.graph.stored.get(name)
        if stored is None:
            maker = self.maker.get(name)
            if maker is None or maker.op != "Constant":
                return None
            stored = maker.attributes.get("value")
        values = getattr(stored, "values", None)
        if values is None or len(values) != 1 or not isinstance(values[0], float):
            return None
        return values[0]


def together(graph: Graph) -> Graph:
    """The graph with each pattern as one step."""
    maker = {name: step for step in graph.steps for name in step.outputs if name}
    readers: dict[str, list[Step]] = {}
    for step in graph.steps:
        for name in step.inputs:
            readers.setdefault(name, []).append(step)
    around = Around(graph, maker, readers)
    gone: set[str] = set()
    changed: dict[str, Step] = {}
    for step in graph.steps:
        for found, inner in filter(None, _found(step, around)):
            changed[step.outputs[0]] = found
            gone.update(inner)
            break
    steps = (changed.get(step.outputs[0], step) for step in graph.steps if step.outputs)
    kept = tuple(step for step in steps if step.outputs[0] not in gone)
    # Two patterns may overlap in a graph that nobody exported: it is read as it stands.
    lost = gone & {name for step in kept for name in step.inputs}
    return graph if lost else graph._replace(steps=kept)


Found = tuple[Step, Iterable[str]] | None


def _found(step: Step, around: Around) -> Iterator[Found]:
    if step.op == "Mul" and len(step.inputs) == 2:
        one, two = step.inputs
        for x, other in ((one, two), (two, one)):
            yield _gated(step, x, other, around)
            yield _gelu(step, x, other, around)
    if step.op == "Add" and len(step.inputs) == 2:
        one, two = step.inputs
        for made, bias in ((one, two), (two, one)):
            yield _dense(step, made, bias, around)


def _activation(step: Step, x: str, op: str) -> Step:
    return step._replace(op=op, inputs=(x,), attributes={})


def _gated(step: Step, x: str, gate: str, around: Around) -> Found:
    """x sigmoid(x), x hardsigmoid(x) and x tanh(softplus(x))."""
    inner = around.made_by(gate, "Sigmoid", "HardSigmoid", "Tanh")
    if inner is None:
        return None
    if inner.op == "Tanh":
        soft = around.made_by(inner.inputs[0], "Softplus")
        if soft is None or soft.inputs[0] != x:
            return None
        return _activation(step, x, "Mish"), (gate, inner.inputs[0])
    if inner.inputs[0] != x:
        return None
    if inner.op == "Sigmoid":
        return _activation(step, x, "Swish"), (gate,)
    alpha = inner.attributes.get("alpha", 0.2)
    sixth = isinstance(alpha, float) and abs(alpha - 1 / 6) < 1e-4
    return (_activation(step, x, "HardSwish"), (gate,)) if sixth else None


def _gelu(step: Step, one: str, two: str, around: Around) -> Found:
    """x (1 + erf(x / sqrt 2)) / 2, with the half last, or first."""
    half, product = around.number(two), around.made_by(one, "Mul")
    if product is not None and half is not None and abs(half - 0.5) < 1e-6:
        for x, rest in (product.inputs, product.inputs[::-1]):
            inner = _one_and_erf(x, rest, around)
            if inner is not None:
                return _activation(step, x, "Gelu"), (one, *inner)
    halved = around.made_by(one, "Mul")
    if halved is not None:
        for x, factor in (halved.inputs, halved.inputs[::-1]):
            known, inner = around.number(factor), _one_and_erf(x, two, around)
            if known is not None and abs(known - 0.5) < 1e-6 and inner is not None:
                return _activation(step, x, "Gelu"), (one, *inner)
    return None


def _one_and_erf(x: str, name: str, around: Around) -> tuple[str, ...] | None:
    """The names between x and 1 + erf(x / sqrt 2)."""
    plus = around.made_by(name, "Add")
    for index in (0, 1) if plus is not None else ():
        assert plus is not None
        erf = around.made_by(plus.inputs[index], "Erf")
        if erf is None or around.number(plus.inputs[1 - index]) != 1:
            continue
        inner = around.made_by(erf.inputs[0], "Div", "Mul")
        if inner is None or inner.inputs[0] != x:
            return None
        root = around.number(inner.inputs[1])
        wanted = 2**0.5 if inner.op == "Div" else 0.5**0.5
        if root is not None and abs(root - wanted) < 1e-3:
            return name, plus.inputs[index], erf.inputs[0]
    return None


def _dense(step: Step, made: str, bias: str, around: Around) -> Found:
    """A product with a stored matrix and a sum with a stored row: a dense layer with its bias."""
    product, row = around.made_by(made, "MatMul"), around.graph.stored.get(bias)
    matrix = around.graph.stored.get(product.inputs[1]) if product is not None else None
    if product is None or row is None or matrix is None or len(matrix.shape) != 2:
        return None
    if row.shape != matrix.shape[1:]:
        return None
    return step._replace(op="MatMul", inputs=(*product.inputs, bias), attributes={}), (made,)
