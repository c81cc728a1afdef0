"""What is done with all the nodes at once: dense layers at the end, and parameters never used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from convalgebra.errors import UnsupportedError
from convalgebra.layers import ACTIVATIONS, KINDS, Layer, Opaque
from convalgebra.network import Network, Node
from convalgebra.readers.graphs.builder import Builder, Parameter, Tensor, identifier
from convalgebra.sizes import formula, same

_ALONG = ACTIVATIONS | {"bn", "ln", "dropout", "scale"}  # what takes one position as it is


def finished(
    builder: Builder,
    outputs: Sequence[Tensor],
    parameters: Iterable[Parameter],
    classes: Mapping[str, str],
) -> Network:
    """The Network that ends in `outputs`. What no operation used becomes `unused`.

    `classes` are what the modules of the model are, by their paths. A lone number, a loss most
    likely, comes behind the other outputs: what is told of one output is told of the first.

    Raises UnsupportedError where the params do not add up to those of the model.
    """
    ordered = sorted(outputs, key=lambda tensor: not tensor.dims)
    ends = [builder.at_the_end(tensor) for tensor in ordered]
    ends = _with_dead_ends(builder, ends)
    parameters = list(parameters)
    builder.block = ()
    never = [parameter for parameter in parameters if parameter not in builder.counted]
    if modules := _unused(never, classes):
        ends = _beside(builder, ends, modules)
    _check(builder, sum(parameter.numel for parameter in parameters))
    return _without_detours(builder, ends)


def _with_dead_ends(builder: Builder, ends: list[int]) -> list[int]:
    """The outputs, and what is computed and never read: it is run all the same."""
    nodes, found = builder.nodes, list(ends)
    seen = _reached(nodes, ends)
    read = {source for node in nodes for source in node.inputs}
    for index in range(1, len(nodes)):
        if index in seen or index in read:
            continue
        cone = _reached(nodes, [index], seen)
        if any(_costs(nodes[member].layer) for member in cone):
            found.append(index)
        seen |= cone
    return found


def _costs(layer: Layer) -> bool:
    """Whether a layer has params or takes MACs."""
    if layer.opaque is not None:
        return layer.opaque.params != 0 or layer.opaque.macs != 0
    return KINDS[layer.kind].weights != "none"


def _beside(builder: Builder, ends: list[int], modules: Mapping[str, Opaque]) -> list[int]:
    """The outputs, with branches beside the first that only have weights."""
    first, shape = ends[0], builder.shapes[ends[0]]
    start = len(builder.nodes)
    for path, figures in modules.items():
        layer = Layer("opaque", shape, opaque=figures)
        block = tuple(path.split(".")) if path else ()
        builder.nodes.append(Node(layer, (first,), len(builder.nodes), block=block))
        builder.params = builder.params + (figures.params or 0)
    last = len(builder.nodes)
    builder.nodes.append(Node(Layer("unused"), (first, *range(start, last)), last))
    builder.shapes += [shape] * (last + 1 - start)
    return [last if end == first else end for end in ends]


def _reached(nodes: Sequence[Node], ends: Iterable[int], seen: Set[int] = frozenset()) -> set[int]:
    """The nodes that some depend on, and these; none that was seen, nor what lies before."""
    found: set[int] = set()
    waiting = list(ends)
    while waiting:
        index = waiting.pop()
        if index not in found and index not in seen:
            found.add(index)
            waiting.extend(nodes[index].inputs)
    return found


def _check(builder: Builder, params: int) -> None:
    if not same(builder.params, params):
        raise UnsupportedError(
            f"the layers found hold {formula(builder.params)} params and the model has {params:,}: "
            "what makes the difference was not understood, so no figure is given"
        )


def _unused(never: Sequence[Parameter], classes: Mapping[str, str]) -> dict[str, Opaque]:
    """The params that were never used, by the module that holds them, or their own names."""
    found: dict[str, Opaque] = {}
    for parameter in never:
        owner, _, name = parameter.name.rpartition(".")
        path = owner or name
        title = identifier(f"{owner}.{classes.get(owner, '')}" if owner else name)
        _, params, macs, biases = found.get(path, Opaque(title, 0, 0))
        more = parameter.numel if name == "bias" else 0
        found[path] = Opaque(title, (params or 0) + parameter.numel, macs, biases + more)
    return {path: figures for path, figures in found.items() if figures.params}


def _without_detours(builder: Builder, ends: Sequence[int]) -> Network:
    """The network, with `fc` for a `linear` over one position that is flattened behind it."""
    bare = _better_flat(builder, ends)
    flat: set[int] = set()
    moved: dict[int, int] = {}
    nodes: list[Node] = []
    reached = _reached(builder.nodes, ends) | {0}
    for index, node in enumerate(builder.nodes):
        if index not in reached:
            continue
        source = node.inputs[0] if node.inputs else -1
        if node.layer.kind == "flatten" and source in flat:
            moved[index] = moved[source]
            continue
        layer = node.layer
        if bare[index] and (layer.kind == "linear" or source in flat):
            flat.add(index)
            layer = replace(layer, kind="fc") if layer.kind == "linear" else layer
        moved[index] = len(nodes)
        inputs = tuple(moved[i] for i in node.inputs)
        nodes.append(node._replace(layer=layer, inputs=inputs, weights=moved[node.weights]))
    return Network(builder.shape, tuple(nodes), tuple(moved[end] for end in ends))


def _better_flat(builder: Builder, ends: Sequence[int]) -> list[bool]:
    """For each node, whether all that reads it would as soon have it without its sizes of 1."""
    nodes = builder.nodes
    readers: list[list[int]] = [[] for _ in nodes]
    shared: set[int] = set()
    reached = _reached(nodes, ends)
    for index, node in enumerate(nodes):
        for source in node.inputs if index in reached else ():
            readers[source].append(index)
        if node.weights != index:
            shared |= {index, node.weights}
    bare = [False] * len(nodes)
    for index in range(len(nodes) - 1, 0, -1):
        shape, kind = builder.shapes[index], nodes[index].layer.kind
        bare[index] = (
            (kind == "linear" or kind in _ALONG)
            and bool(readers[index])
            and index not in ends
            and index not in shared
            and len(shape) > 1
            and all(same(side, 1) for side in shape[1:])
            and all(nodes[r].layer.kind == "flatten" or bare[r] for r in readers[index])
        )
    return bare
