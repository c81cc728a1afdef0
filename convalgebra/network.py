"""A Network: layers wired to one another, flat and expanded, in the order in which they run.

Node 0 is the input. Every other node names the nodes that it reads by index, all smaller than its
own: the list is a topological order, and nothing here needs recursion.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import zip_longest
from typing import NamedTuple

from convalgebra.arguments import as_numbers, as_text, shown
from convalgebra.assumptions import Assumptions
from convalgebra.errors import InputError, ShapeError, SizeError, Source, Span
from convalgebra.layers import EPS, FIRST_ALONE, Layer
from convalgebra.shapes import Shape, output_shape, shape_text
from convalgebra.sizes import Size, at, at_least, names, product, same, simplest, text
from convalgebra.words import first_of, listed

INPUT = Layer("input")

_MOST_LISTED = 12  # names in an error


def _spaced(path: str) -> str:
    return re.sub("[/.]", " ", path) + " "


def _equal(one: Shape, other: Shape) -> bool:
    return len(one) == len(other) and all(map(same, one, other))


class Held(NamedTuple):
    """An array in the state of a model: its name, its place there, and its shape."""

    name: str
    place: int
    shape: tuple[int, ...]


class Node(NamedTuple):
    """One use of a layer.

    `inputs` are the indices of the nodes it reads. `weights` is the index of the first node with
    the same weights: its own, unless the layer is shared. `name`, `block` (where it stands in the
    text, outermost first) and `span` are for people and take no part in equality. Nor do `arrays`:
    where the model keeps the `weight`, `bias`, .. of the layer, None for what it computes. A text
    does not know of any: then it is None as a whole. Nor does `call`, what the layer is in the
    model: a `module`, a `function` or a `mean` over axes; with `padding word` at its end it was
    given a word for its padding. It is "" where nobody knows.
    """

    layer: Layer
    inputs: tuple[int, ...]
    weights: int
    name: str = ""
    block: tuple[str, ...] = ()
    span: Span | None = None
    arrays: Mapping[str, Held | None] | None = None
    call: str = ""

    @property
    def read(self) -> tuple[int, ...]:
        """The nodes whose numbers it works on: not what `unused(..)` and `bilinearlike(a | ..)`
        have beside the first.
        """
        return self.inputs[:1] if self.layer.kind in FIRST_ALONE else self.inputs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self[:3] == other[:3]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:3])


@dataclass(frozen=True)
class Network:
    """Layers in topological order, with the shape of the input where it is known.

    `shape` is (channels, size, ...) without the batch, or None. `outputs` are node indices.
    Two networks are equal when they compute in the same steps; names do not count. `dtype` is the
    kind of numbers that the model which it was read from holds, "" where that is not known.
    """

    shape: Shape | None
    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    source: Source | None = field(default=None, compare=False, repr=False)
    dtype: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        for index, node in enumerate(self.nodes):
            if any(not 0 <= source < index for source in node.inputs):
                raise ValueError(f"node {index} reads {node.inputs}: not a topological order")
            if not 0 <= node.weights <= index:
                raise ValueError(f"node {index} shares the weights of a later node {node.weights}")

    def __repr__(self) -> str:
        return f"Network({self})"

    def __len__(self) -> int:
        """The number of layers, the input and the places where branches meet not counted."""
        return sum(1 for node in self.nodes if len(node.inputs) == 1)

    def __str__(self) -> str:
        from convalgebra.language.printer import to_text

        return to_text(self)

    def shown_name(self, index: int) -> str:
        """Where a node stands, outermost block first, and its number: `layer1/down(64) #2/17`."""
        return "/".join((*self.nodes[index].block, str(index))) if index else "input"

    def named(self) -> set[str]:
        """The named sizes in it."""
        found: set[str] = set()
        for layer in {id(node.layer): node.layer for node in self.nodes}.values():
            found |= layer.named()
        for size in self.shape or ():
            found |= names(size)
        return found

    def with_input(self, shape: Shape | None) -> Network:
        """The same network on another input; with None no input is given.

        Raises ShapeError where opaque layers were counted on one input, and this is another.
        """
        sizes = shape if isinstance(shape, tuple) else ("",)
        if shape is not None and any(isinstance(size, (str, float, bool)) for size in sizes):
            raise InputError(f"a shape is a tuple of sizes, like (3, 224, 224), not {shown(shape)}")
        if shape and self.shape is not None and not _equal(shape, self.shape):
            opaque = next((node for node in self.nodes if node.layer.kind == "opaque"), None)
            if opaque is not None and opaque.layer.opaque is not None:
                raise self._shape_error(
                    f"the opaque layer `{opaque.layer.opaque.name}` was counted on an input of "
                    f"{shape_text(self.shape)}, and says nothing of {shape_text(shape)}",
                    opaque,
                )
        return replace(self, shape=shape)

    def without_eps(self) -> Network:
        """The same network with the eps of every norm left out.

        Costs do not depend on it; nor does what a batch norm with free weights can represent: its
        scale divides by `sqrt(var + eps) > 0`, and takes every value for every eps.

        >>> from convalgebra.language import parse
        >>> str(parse("3x3, bn(1e-3)").without_eps())
        '3x3, bn'
        """
        if all(node.layer.eps == EPS for node in self.nodes):
            return self
        nodes = (n._replace(layer=replace(n.layer, eps=EPS)) for n in self.nodes)
        return replace(self, nodes=tuple(nodes))

    def at(self, values: Mapping[str, int]) -> Network:
        """The network with numbers put in for some of its named sizes.

        Raises SizeError where a number does not fit: a stride of 0, half a channel.
        """
        values = as_numbers(values, "values")
        changed: dict[int, Layer] = {}
        nodes = []
        for node in self.nodes:
            layer = changed.get(id(node.layer))
            if layer is None:
                try:
                    layer = node.layer.map_sizes(lambda size: at(size, values))
                except SizeError as error:
                    raise self._shape_error(str(error), node) from None
                changed[id(node.layer)] = layer
            nodes.append(node._replace(layer=layer))
        shape = self.shape and tuple(at(size, values) for size in self.shape)
        return replace(self, shape=shape, nodes=tuple(nodes))

    def up_to(self, name: str) -> Network:
        """The part of the network that the value that `name` means needs, with it as output.

        What a name means is told at `index_of`. Branches of `unused(..)` on the way stay: their
        weights are part of the network there.

        >>> from convalgebra.language import parse
        >>> str(parse("stem = 7x7s2@64, relu; head = gap, fc@1000").up_to("stem"))
        '7x7s2@64, relu'

        Raises InputError where nothing has the name, or several values have it.
        """
        end = self.index_of(name)
        needed = [False] * end + [True]
        for index in range(end, -1, -1):
            if needed[index]:
                for source in self.nodes[index].inputs:
                    needed[source] = True
        needed[0] = True  # the input stands first, read or not
        places: dict[int, int] = {}
        owners: dict[int, int] = {}  # the first use of shared weights may be among what is left out
        nodes: list[Node] = []
        for index in range(end + 1):
            if needed[index]:
                node, place = self.nodes[index], len(nodes)
                inputs = tuple(places[source] for source in node.inputs)
                nodes.append(
                    node._replace(inputs=inputs, weights=owners.setdefault(node.weights, place))
                )
                places[index] = place
        return replace(self, nodes=tuple(nodes), outputs=(places[end],))

    def index_of(self, name: str) -> int:
        """The node that a name means, as texts and reports have it.

        It is a block (its last layer), a layer as `shown_name` has it, a value of the text,
        `output` (the first one), or the number of a layer. Where a name could be several of these,
        the first of them counts.

        >>> from convalgebra.language import parse
        >>> network = parse("def f = 3x3, (a = relu); 2*f; head = gap, fc@1000")
        >>> [network.index_of(name) for name in ("f #1", "head", "head/6", "5", "output")]
        [2, 6, 6, 5, 6]

        Raises InputError where nothing has the name, or several values have it.
        """
        path = _spaced(as_text(name, "a name", "layer1"))
        found = [
            index
            for index in range(len(self.nodes))
            if name and _spaced(self.shown_name(index)).startswith(path)
        ]
        # A block is one run of layers and means its last one; runs that are apart are several.
        found = [here for here, after in zip_longest(found, found[1:]) if here + 1 != after]
        if name and not found:
            found = [index for index, node in enumerate(self.nodes) if node.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            ways = first_of(map(self.shown_name, found), _MOST_LISTED)
            raise InputError(f"there are {len(found)} values `{name}`; name the layer: {ways}")
        if name == "output":
            return self.outputs[0]
        if re.fullmatch("[0-9]{1,9}", name, re.ASCII) and int(name) < len(self.nodes):
            return int(name)
        raise InputError(self._unknown(name))

    def _unknown(self, name: str) -> str:
        from difflib import get_close_matches

        values = [node.name for node in self.nodes[1:] if node.name]
        blocks = ["/".join(node.block[:depth]) for node in self.nodes for depth in (1, 2)]
        known = list(dict.fromkeys(filter(None, [*values, *blocks])))
        start = f"nothing is called `{name[:40]}`"
        near = get_close_matches(name[:40], known)
        if near:
            return f"{start}; did you mean {listed([f'`{one}`' for one in near], 'or')}?"
        names = f"; names are {first_of(known, _MOST_LISTED)}" if known else ""
        return f"{start}{names}; layers have the numbers 1 to {len(self.nodes) - 1}"

    @cached_property
    def _flow(self) -> tuple[tuple[Shape, ...], Assumptions]:
        if self.shape is None:
            raise ShapeError(
                "the input shape is not known",
                hint="begin with a line like `input 3x224x224`, or give --input 3x224x224 "
                "(in Python input=..)",
            )
        assumptions = Assumptions()
        for size in self.shape:
            if at_least(size, 1) is False:
                raise ShapeError(f"a size of the input must be at least 1, not {text(size)}")
            assumptions.whole(size, 1)
        shapes: list[Shape] = [tuple(map(simplest, self.shape))]
        known: dict[tuple[object, ...], Shape] = {}  # deep networks repeat themselves
        for node in self.nodes[1:]:
            incoming = [shapes[source] for source in node.inputs]
            key = (id(node.layer), *incoming)
            shape = known.get(key)
            if shape is None:
                try:
                    node.layer.assume(assumptions)
                    shape = known[key] = output_shape(node.layer, incoming, assumptions)
                except SizeError as error:
                    problem = self._shape_error(str(error), node)
                    axes = node.layer.axes or 1
                    if 0 in node.inputs and axes not in (1, len(self.shape) - 1):
                        sizes = "x".join(("3", *("224",) * axes))
                        problem.hint = f"an input is channels and sizes, without a batch: {sizes}"
                    raise problem from None
            shapes.append(shape)
        self._check_shared(shapes, assumptions)
        return tuple(shapes), assumptions

    def _shape_error(self, message: str, node: Node) -> ShapeError:
        where = f" (in {' > '.join(node.block)})" if node.block else ""
        return ShapeError(message + where, self.source, node.span)

    def _check_shared(self, shapes: list[Shape], assumptions: Assumptions) -> None:
        for index, node in enumerate(self.nodes):
            if node.weights == index or node.layer.kind == "sharedprelu":
                continue  # one slope serves any number of channels
            here, first = (shapes[self.nodes[i].inputs[0]] for i in (index, node.weights))
            # fc reads every number that comes in, everything else the channels only.
            read: Callable[[Shape], Size] = (
                product if node.layer.kind == "fc" else operator.itemgetter(0)
            )
            try:
                assumptions.same(read(first), read(here))
            except SizeError:
                raise self._shape_error(
                    f"the shared layer cannot serve {shape_text(here)} here "
                    f"and {shape_text(first)} where it was first used",
                    node,
                ) from None

    @cached_property
    def axes(self) -> int | None:
        """The axes of its kernels, None where no layer has one."""
        return next((n.layer.axes for n in self.nodes if n.layer.axes is not None), None)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of every node's value; that of the input first.

        Raises ShapeError where the input is not known or layers do not fit, with the place.
        """
        return self._flow[0]

    @property
    def assumptions(self) -> Assumptions:
        """What was taken for granted of named sizes to find the shapes."""
        return self._flow[1].copy()

    @cached_property
    def live(self) -> tuple[bool, ...]:
        """For every node, whether an output depends on it: false inside `unused(...)`."""
        return self.read_by(*self.outputs)

    def read_by(self, *ends: int) -> tuple[bool, ...]:
        """For every node, whether it is one of some nodes or one of them depends on it."""
        needed = [False] * len(self.nodes)
        for end in ends:
            needed[end] = True
        for index in range(max(ends, default=-1), -1, -1):
            if needed[index]:
                for source in self.nodes[index].read:
                    needed[source] = True
        return tuple(needed)
