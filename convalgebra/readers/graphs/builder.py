"""A Network, built one operation at a time: its nodes, and who has counted which parameter.

Every node is checked as it is made: the shape that its layer gives must be the one that the format
says, and its params must be those of the parameters that it holds. Where a layer of the language is
not exactly that, the operation becomes an `opaque` layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from convalgebra.assumptions import Assumptions
from convalgebra.cost.counts import Use, count
from convalgebra.errors import SizeError, UnsupportedError
from convalgebra.layers import Layer, Opaque
from convalgebra.network import INPUT, Held, Node
from convalgebra.readers.graphs.arrangements import (
    Dimension,
    Dims,
    depth_factor,
    shape_of,
    shuffle_groups,
    straight,
    whole,
)
from convalgebra.shapes import Shape, output_shape
from convalgebra.sizes import Size, product, same

MOST_NODES = 10**6


class Parameter(NamedTuple):
    """A parameter of the model: what it is called, and its elements."""

    name: str
    numel: int


class Work:
    """The MACs that an operation on constants takes (None: not known); told apart by identity."""

    def __init__(self, macs: int | None) -> None:
        self.macs = macs


@dataclass(frozen=True)
class Constant:
    """A tensor that does not depend on the input.

    `parameters` are those it is made from, `work` the operations that made it. `values` are its
    numbers in order, where they are few and known: sizes, for the most part. `held` is the array of
    the model's state whose numbers it has, all of them and in their order; None if it is computed.
    """

    shape: Shape
    parameters: frozenset[Parameter] = frozenset()
    work: frozenset[Work] = frozenset()
    values: tuple[Size, ...] | None = None
    held: Held | None = None

    @property
    def numel(self) -> Size:
        """The elements of it."""
        return product(self.shape)


@dataclass(frozen=True)
class Tensor:
    """A tensor of the model: the value of a node, and how its numbers lie in that value."""

    node: int
    dims: Dims

    @property
    def shape(self) -> Shape:
        """The shape as the framework has it, batch included."""
        return shape_of(self.dims)


Operand = Tensor | Constant


@dataclass(frozen=True)
class Stretched:
    """A tensor repeated along its dimensions of size 1, up to `shape`: `expand`.

    A sum or a product would stretch it anyway; for anything else it is made.
    """

    tensor: Tensor
    shape: Shape


@dataclass
class Builder:
    """The nodes so far. `block` is where the next one stands in the model, outermost first."""

    shape: Shape
    nodes: list[Node] = field(default_factory=lambda: [Node(INPUT, (), 0)])
    shapes: list[Shape] = field(default_factory=list)
    block: tuple[str, ...] = ()
    call: str = ""  # see `Node`
    counted: dict[Parameter, int] = field(default_factory=dict)
    worked: set[Work] = field(default_factory=set)
    params: Size = 0  # of all nodes so far
    assumptions: Assumptions = field(default_factory=Assumptions)
    unsure: bool = False  # the params of what is made next are not known: it has no word

    def __post_init__(self) -> None:
        self.shapes.append(self.shape)

    def input(self) -> Tensor:
        """The input, with a batch of 1."""
        return Tensor(0, straight(self.shape))

    def shape_at(self, tensor: Tensor) -> Shape:
        """The shape of the value that a tensor lies in."""
        return self.shapes[tensor.node]

    def is_straight(self, tensor: Tensor) -> bool:
        """Whether it is a batch of 1 of its value, the channels first."""
        return tensor.dims == straight(self.shape_at(tensor))

    # Nodes

    def layer(
        self,
        layer: Layer,
        sources: Sequence[int],
        constants: Iterable[Constant] = (),
        expected: Shape | None = None,
        arrays: Mapping[str, Constant | None] | None = None,
    ) -> int | None:
        """A new node, or None where the layer is not exactly what the model has.

        `expected` is the shape that must come out; the params must be those of `constants`.
        `arrays` are the constants that are its `weight`, `bias`, .., as PyTorch keeps them.
        """
        if self.unsure:
            return None
        inputs = [self.shapes[source] for source in sources]
        try:
            shape = output_shape(layer, inputs, self.assumptions)
        except SizeError:
            return None
        if expected is not None and not equal_shapes(shape, expected):
            return None
        constants = tuple(constants)
        held = self._held(layer, inputs, shape, constants)
        if held is None:
            return None
        owner, params, rest = held
        stored = None
        if arrays is not None:
            stored = {role: None if array is None else array.held for role, array in arrays.items()}
        if owner is not None and self.nodes[owner].arrays != stored:
            return None  # the same parameters, but not used as they were there
        work = self.charge(constants)
        if rest or work != 0:  # a weight that is made of others: what they are more is told apart
            name = "reparametrize"
            first = self._add(
                Layer("opaque", inputs[0], opaque=Opaque(name, rest, work)), sources[:1], inputs[0]
            )
            sources = (first, *sources[1:])
        node = self._add(layer, sources, shape, owner)
        self.nodes[node] = self.nodes[node]._replace(arrays=stored)
        self.params = self.params + (params + rest if owner is None else 0)
        for parameter in held_by(constants):
            self.counted.setdefault(parameter, node)
        return node

    def _held(
        self, layer: Layer, inputs: Sequence[Shape], shape: Shape, constants: Sequence[Constant]
    ) -> tuple[int | None, Size, int] | None:
        """Whose weights a layer has (None: its own), its params, and those it has beyond them."""
        zeros = ((0, 0),) * (len(inputs[0]) - 1)
        params = count(Use(layer, inputs, shape, zeros, self.assumptions)).params
        parameters = held_by(constants)
        numel = sum(parameter.numel for parameter in parameters)
        owners = {self.counted.get(parameter) for parameter in parameters}
        if not parameters or owners == {None}:
            more = at_most(params, numel)
            return None if more is None else (None, params, more)
        if len(owners) > 1:
            return None
        (owner,) = owners
        assert owner is not None
        same_layer = self.nodes[owner].layer == layer and same(params, numel)
        return (owner, params, 0) if same_layer else None

    def opaque(
        self,
        name: str,
        sources: Sequence[int],
        shape: Shape,
        macs: int | None,
        constants: Iterable[Constant] = (),
        window: Layer | None = None,
        biases: Iterable[Constant] = (),
    ) -> int:
        """A node for an operation without a word; it counts what nobody counted before.

        `window` is a convolution that it works as; `biases` are the biases among `constants`.
        """
        if not shape or any(same(size, 0) for size in shape):
            raise UnsupportedError(f"{name} makes a tensor without elements")
        constants = tuple(constants)
        new = [p for p in held_by(constants) if p not in self.counted]
        work = self.charge(constants)
        total = None if macs is None or work is None else macs + work
        params = sum(parameter.numel for parameter in new)
        self.params = self.params + params
        held = sum(parameter.numel for parameter in held_by(biases) if parameter in new)
        figures = Opaque(identifier(name), None if self.unsure else params, total, held)
        node = self._add(Layer("opaque", shape, opaque=figures, window=window), sources, shape)
        self.counted.update((parameter, node) for parameter in new)
        return node

    def charge(self, constants: Iterable[Constant]) -> int | None:
        """The MACs that it took to make some constants, each operation once; None: not known."""
        new = {work for constant in constants for work in constant.work} - self.worked
        self.worked |= new
        figures = [work.macs for work in new]
        return None if None in figures else sum(figure or 0 for figure in figures)

    def _add(
        self, layer: Layer, sources: Sequence[int], shape: Shape, owner: int | None = None
    ) -> int:
        index = len(self.nodes)
        if index > MOST_NODES:
            raise UnsupportedError(f"more than {MOST_NODES:,} operations")
        weights = index if owner is None else owner
        name = ".".join(self.block)
        node = Node(layer, tuple(sources), weights, name, self.block, call=self.call)
        self.nodes.append(node)
        self.shapes.append(shape)
        return index

    # Tensors

    def settled(self, value: Stretched) -> Tensor:
        """The tensor that a stretched one is, as a node of its own."""
        channels = max(0, channels_of(value.tensor) + len(value.shape) - len(value.tensor.dims))
        return self.made("expand", [value.tensor], value.shape, channels=channels)

    def made(
        self,
        name: str,
        sources: Sequence[Operand],
        shape: Shape,
        macs: int | None = 0,
        channels: int = 1,
        window: Layer | None = None,
    ) -> Tensor:
        """What an operation without a word makes of some operands: a tensor of `shape`.

        `channels` is the dimension that later layers may take for the channels.
        """
        tensors = [source for source in sources if isinstance(source, Tensor)]
        constants = [source for source in sources if isinstance(source, Constant)]
        order = axes_order(shape, channels)
        value = tuple(shape[index] for index in order) or (1,)
        nodes = tuple(dict.fromkeys(tensor.node for tensor in tensors))
        node = self.opaque(name, nodes, value, macs, constants, window)
        return Tensor(node, _laid_out(shape, order))

    def in_order(self, tensor: Tensor, channels: int = 1) -> Tensor:
        """The same tensor, lying in a value as it stands, with one dimension as the channels."""
        return self._ordered(tensor, axes_order(tensor.shape, channels))

    def at_the_end(self, tensor: Tensor) -> int:
        """The value that an output is: its dimensions as they stand, without a batch of 1 before.

        Nothing says which of them are channels, so none is put first.
        """
        shape = tensor.shape
        first = 1 if len(shape) > 1 and same(shape[0], 1) else 0
        return self._ordered(tensor, tuple(range(first, len(shape)))).node

    def _ordered(self, tensor: Tensor, order: tuple[int, ...]) -> Tensor:
        shape = tensor.shape
        dims = _laid_out(shape, order)
        value = tuple(shape[index] for index in order) or (1,)
        at = self.shape_at(tensor)
        # A lone number, which has no dimensions, is the one channel of its value.
        arranged = tuple(tensor.dims[index] for index in order) or ((),)
        if equal_shapes(value, at) and arranged == straight(at)[1:]:
            return Tensor(tensor.node, dims)
        return Tensor(self._rearranged(tensor.node, arranged, value), dims)

    def _rearranged(self, source: int, dims: Dims, value: Shape) -> int:
        at = self.shapes[source]
        rows = straight(at)[1:]
        layer = None
        if len(dims) == 1 and dims[0] == tuple(atom for row in rows for atom in row):
            layer = Layer("flatten")
        elif dims[1:] == rows[1:] and (groups := shuffle_groups(dims[0], 0, at)) is not None:
            layer = Layer("shuffle", (groups,))
        elif (factor := depth_factor(((), *dims), at)) is not None:
            layer = Layer("pixelshuffle", (factor,))
        if layer is not None:
            node = self.layer(layer, [source], expected=value)
            if node is not None:
                return node
        # Dimensions of size 1 move nothing: what is pooled stays so.
        name = "unsqueeze" if sum(map(bool, dims)) < 2 and len(at) == 1 else "rearrange"
        return self.opaque(name, [source], value, 0)


def axes_order(shape: Shape, channels: int = 1) -> tuple[int, ...]:
    """Which dimensions of a tensor become the axes of a value: no batch of 1, the channels first.

    >>> axes_order((1, 197, 768), 2), axes_order((197, 1, 768), 2)
    ((2, 1), (2, 0))
    """
    order = list(range(len(shape)))
    batch = next((i for i, size in enumerate(shape) if same(size, 1) and i != channels), None)
    if batch is not None and len(shape) > 1:
        order.remove(batch)
    if channels in order:
        order.remove(channels)
        order.insert(0, channels)
    return tuple(order)


def channels_in(shape: Shape) -> int:
    """The dimension that is likely the channels: the last one of a row of tokens."""
    return 1 if len(shape) > 3 else max(0, len(shape) - 1)


def channels_of(tensor: Tensor) -> int:
    """The dimension that the channels of a value lie in, 1 where they lie in none."""
    found = (i for i, d in enumerate(tensor.dims) if any(atom.axis == 0 for atom in d))
    return next(found, 1)


def _laid_out(shape: Shape, order: Sequence[int]) -> Dims:
    dims: list[Dimension] = [()] * len(shape)
    for axis, index in enumerate(order):
        dims[index] = whole(axis, shape[index])
    return tuple(dims)


def equal_shapes(one: Shape, other: Shape) -> bool:
    """Whether two shapes are the same for certain."""
    return len(one) == len(other) and all(map(same, one, other))


def held_by(constants: Iterable[Constant]) -> list[Parameter]:
    """The parameters that some constants are made from, each once, in an order that is fixed."""
    found = {parameter for constant in constants for parameter in constant.parameters}
    return sorted(found)


def at_most(params: Size, numel: int) -> int | None:
    """How many of `numel` parameters are left beyond `params`; None if there are not so many."""
    if not isinstance(params, int):
        return 0 if same(params, numel) else None
    return numel - params if numel >= params else None


def identifier(name: str) -> str:
    """`name` as the language takes the name of an opaque layer.

    >>> identifier("0"), identifier("aten::grid_sampler")
    ('module_0', 'aten_grid_sampler')
    """
    clean = "_".join("".join(c if c.isalnum() and c.isascii() else " " for c in name).split())
    clean = clean if clean[:1].isalpha() else f"module_{clean}".rstrip("_")
    return clean[:60]
