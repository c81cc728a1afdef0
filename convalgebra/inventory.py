"""An Inventory: the modules of a model and their params, where nothing says how data flows.

A Network can be costed; an inventory can only be added up. Where the modules are a chain after all,
the inventory carries the Network too, and what each of its nodes was made to take.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from convalgebra.assumptions import Assumptions
from convalgebra.errors import ShapeError, SizeError, UnsupportedError
from convalgebra.network import Network
from convalgebra.shapes import Shape, output_shape, shape_text, windows
from convalgebra.sizes import formula, same
from convalgebra.words import counted

INSTEAD = "give the module itself (ca.from_torch), an ONNX file, or the layers in the language"
SHARED = "whether modules share their weights: each is counted where it stands"


class Module(NamedTuple):
    """A module that holds params of its own, or that holds no others: one line of an inventory.

    `params` are those of one; None where they are not known, `reason` says why. `layer` is the
    module in the language, "" where it has no word for it. `times` such modules stand there.
    """

    name: str
    kind: str
    params: int | None
    layer: str = ""
    times: int = 1
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The module under stable keys; a reason only where there is one."""
        found: dict[str, Any] = {"name": self.name, "class": self.kind, "layer": self.layer}
        found |= {"params": self.params, "times": self.times}
        return found | ({"reason": self.reason} if self.reason else {})


class Takes(NamedTuple):
    """What a module was made for: `features` channels, on so many `axes` beside them.

    None and () where it takes anything. `hides_ceil`: nothing printed tells what it does with a
    last window that is not whole.
    """

    kind: str
    features: int | None = None
    axes: tuple[int, ...] = ()
    hides_ceil: bool = False


class Chain(NamedTuple):
    """A Network without input, with what its nodes take, and what is taken for granted of it.

    Its opaque layers have no shape: they keep that of what comes in.
    """

    network: Network
    takes: dict[int, Takes]
    assumed: tuple[str, ...] = ()

    def on(self, shape: Shape) -> Network:
        """The network on an input.

        Raises ShapeError, with the place, where a module takes something else.
        """
        comes, ignored = shape, Assumptions()
        nodes = list(self.network.nodes)
        for index, node in enumerate(nodes[1:], 1):
            if node.layer.opaque is not None:
                nodes[index] = node._replace(layer=replace(node.layer, size=comes))
                continue
            fault = _fault(self.takes[index], comes) if index in self.takes else ""
            if fault:
                raise ShapeError(fault, self.network.source, node.span)
            try:
                comes = output_shape(node.layer, [comes], ignored)
            except SizeError:
                break  # the network itself says it better
        return replace(self.network, shape=shape, nodes=tuple(nodes))

    def assumed_on(self, network: Network) -> tuple[str, ...]:
        """What is taken for granted of the chain on the input of `network`."""
        hidden = {
            takes.kind: None
            for index, takes in self.takes.items()
            if takes.hides_ceil and _leaves_rest(network, index)
        }
        return self.assumed + tuple(f"ceil_mode=False in {kind}" for kind in hidden)


def _fault(takes: Takes, comes: Shape) -> str:
    """What is wrong with an input of shape `comes`; "" if nothing is."""
    axes = len(comes) - 1
    if takes.axes and axes not in takes.axes:
        if takes.axes == (0,):
            return f"{takes.kind} works on the last axis: flatten {shape_text(comes)} before it"
        *others, last = map(str, takes.axes)
        wanted = " or ".join([*others, "1 axis" if last == "1" else f"{last} axes"])
        return f"{takes.kind} takes channels and {wanted}, not {shape_text(comes)}"
    if takes.features is not None and not same(comes[0], takes.features):
        wanted = counted(takes.features, "channel" if axes else "feature")
        come = "1 comes" if same(comes[0], 1) else f"{formula(comes[0])} come"
        return f"{takes.kind} takes {wanted}, and {come} in"
    return ""


def _leaves_rest(network: Network, index: int) -> bool:
    """Whether some window at the end of an axis is not whole, as far as one knows."""
    node = network.nodes[index]
    shape = network.shapes[node.inputs[0]]
    for side, window in zip(shape[1:], windows(node.layer, shape), strict=True):
        steps = side + sum(window.padding) - window.taps
        if not isinstance(steps, int) or steps % window.stride:
            return True
    return False


class LowerBounds(NamedTuple):
    """What the figures of an inventory are at least: the sums of those that are known."""

    params: int


def params_of(modules: Iterable[Module]) -> int | None:
    """The params of some modules; None if those of one are not known.

    >>> params_of([Module("a", "Linear", 20, times=3)])
    60
    >>> params_of([Module("a", "Linear", 20, times=3), Module("b", "Own", None)])
    """
    listed = list(modules)
    known = [module.params * module.times for module in listed if module.params is not None]
    return sum(known) if len(known) == len(listed) else None


def params_at_least(modules: Iterable[Module]) -> int:
    """The params of those modules of which they are known.

    >>> params_at_least([Module("a", "Linear", 20, times=3), Module("b", "Own", None)])
    60
    """
    return sum(module.params * module.times for module in modules if module.params is not None)


def _sums(modules: Sequence[Module]) -> dict[str, Any]:
    unknown = sum(module.times for module in modules if module.params is None)
    sums: dict[str, Any] = {
        "modules": sum(module.times for module in modules),
        "params": params_of(modules),
        "unknown": unknown,
    }
    return sums | ({"at_least": {"params": params_at_least(modules)}} if unknown else {})


class Inventory(NamedTuple):
    """The modules of a model with their params; MACs and receptive field are refused.

    `model` is the class of the whole. `reason` says why there is no more. `holders` are classes
    that may hold params beside those that are listed. `assumed` is what is taken for granted.
    `chain` is there where the order can be trusted: then only the shape of the input is missing.
    """

    model: str
    modules: tuple[Module, ...]
    reason: str = ""
    holders: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    chain: Chain | None = None

    @property
    def params(self) -> int | None:
        """The params of all modules; None if those of one are not known, see `at_least`."""
        return params_of(self.modules)

    @property
    def at_least(self) -> LowerBounds:
        """Lower bounds: where everything is known, the figures."""
        return LowerBounds(params_at_least(self.modules))

    @property
    def unknown(self) -> tuple[Module, ...]:
        """The modules of which the params are not known."""
        return tuple(module for module in self.modules if module.params is None)

    @property
    def status(self) -> str:
        """`complete`: the params of every listed module are known; else `partial`."""
        return "partial" if self.unknown else "complete"

    @property
    def refusal(self) -> str:
        """Why there are neither MACs nor a receptive field."""
        return self.reason or "the shape of the input is not known"

    @property
    def instead(self) -> str:
        """What to give to have them."""
        return INSTEAD if self.chain is None else "give it: --input 3x224x224 (in Python input=..)"

    def by_class(self) -> dict[str, tuple[Module, ...]]:
        """The modules of each class, in the order in which the classes are first met."""
        found: dict[str, list[Module]] = {}
        for module in self.modules:
            found.setdefault(module.kind, []).append(module)
        return {kind: tuple(held) for kind, held in found.items()}

    def not_printed(self) -> tuple[str, ...]:
        """What the params may leave out, or count twice."""
        if not self.holders:
            return (SHARED,)
        shown = ", ".join(self.holders[:6]) + (", .." if len(self.holders) > 6 else "")
        return (f"params that a class holds itself (nn.Parameter), here {shown}", SHARED)

    def network(self, shape: Shape | None = None) -> Network:
        """The Network, where the order can be trusted.

        Raises UnsupportedError, with the reason, where it cannot.
        """
        if self.chain is None:
            raise UnsupportedError(
                f"{self.model} is read as an inventory, and no network: {self.reason}\n"
                f"  hint: {self.instead}; its params are in ca.inventory(..)"
            )
        if shape is not None:
            return self.chain.on(shape)
        for node in self.chain.network.nodes:
            if node.layer.opaque is not None:
                raise UnsupportedError(
                    f"what {node.layer.opaque.name} makes has the shape of what comes in, and "
                    f"{self.refusal}: {self.instead}"
                )
        return self.chain.network

    def to_dict(self) -> dict[str, Any]:
        """The inventory under the keys of `convalgebra.inventory/1`."""
        return {
            "schema": "convalgebra.inventory/1",
            "model": self.model,
            "modules": [module.to_dict() for module in self.modules],
            "by_class": {kind: _sums(held) for kind, held in self.by_class().items()},
            "total": _sums(self.modules) | {"macs": None},
            "unknown": [module.name for module in self.unknown],
            "receptive_field": None,
            "reason": self.refusal,
            "instead": self.instead,
            "not_printed": list(self.not_printed()),
            "assumptions": list(self.assumed),
            "status": self.status,
        }

    def __repr__(self) -> str:
        return f"Inventory({self.model}, {len(self.modules)} modules, params={self.params})"

    def __str__(self) -> str:
        from convalgebra.render.inventory_text import inventory_to_text

        return inventory_to_text(self)

    def _repr_html_(self) -> str:
        from convalgebra.render.inventory_markup import inventory_to_html

        return inventory_to_html(self)
