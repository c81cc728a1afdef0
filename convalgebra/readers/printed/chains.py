"""When the order of a print-out is the order in which the modules run, and the Network then.

An nn.Sequential runs what it holds in the order in which it is printed. Every other class that
holds modules runs them as its `forward` says, which is not printed. So a print-out is a chain if
all of it is nn.Sequential, nested at will, and modules of torch.nn that the language has.
"""

from __future__ import annotations

from collections.abc import Sequence

from convalgebra.errors import Source
from convalgebra.inventory import Chain, Takes
from convalgebra.layers import Layer
from convalgebra.network import INPUT, Network, Node
from convalgebra.readers.printed.classes import CHAINS, CONTAINERS, WRAPPERS
from convalgebra.readers.printed.grammar import Printed
from convalgebra.readers.printed.told import Told

_SHOWN = 3


def chain_of(
    printed: Sequence[Printed],
    tells: Sequence[Told | None],
    paths: Sequence[tuple[str, ...]],
    source: Source,
) -> Chain | str:
    """The chain that the modules are, or why nothing says that they are one."""
    refusal = _no_order(printed, tells) or _no_layers(printed, tells, paths)
    if refusal:
        return refusal
    nodes = [Node(INPUT, (), 0, "input")]
    takes: dict[int, Takes] = {}
    for module, tell, path in zip(printed, tells, paths, strict=True):
        if tell is None:
            continue
        if tell.takes is not None:
            takes[len(nodes)] = tell.takes
        for layer in tell.layers or ():
            at = len(nodes)
            nodes.append(Node(_of_a_row(layer), (at - 1,), at, "", path[:-1], module.span))
    network = Network(None, tuple(nodes), (len(nodes) - 1,), source)
    return Chain(network, takes, _assumed(printed, tells))


def _of_a_row(layer: Layer) -> Layer:
    # nn.Linear works on the last axis. In a chain it takes a row of numbers only: see Takes.
    if layer.kind != "linear":
        return layer
    return Layer("fc", channels=layer.channels, bias=layer.bias)


def _no_order(printed: Sequence[Printed], tells: Sequence[Told | None]) -> str:
    """Why the order cannot be trusted; "" if it can."""
    holders = {module.parent for module in printed if module.parent >= 0}
    holders |= {at for at, tell in enumerate(tells) if tell is None}
    runs_itself = {
        printed[at].kind: None
        for at in sorted(holders)
        if tells[at] is not None or printed[at].kind not in CHAINS | WRAPPERS
    }
    wrapped = [m.parent for m in printed if m.parent >= 0 and printed[m.parent].kind in WRAPPERS]
    folded = any(module.times > 1 for module in printed)
    if not runs_itself and not folded and len(set(wrapped)) == len(wrapped):
        return ""
    own = [kind for kind in runs_itself if kind not in CONTAINERS] or list(runs_itself)
    shown = own[:_SHOWN] or ["the whole"]
    if len(own) > _SHOWN:
        shown.append(f"{len(own) - _SHOWN} more")
    listed = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    return (
        "print(model) lists modules in the order in which they were registered; what runs when "
        f"stands in the forward of {listed}, which is not printed"
    )


def _no_layers(
    printed: Sequence[Printed], tells: Sequence[Told | None], paths: Sequence[tuple[str, ...]]
) -> str:
    """Which module has no layer in the language, and why; "" if all have one."""
    for module, tell, path in zip(printed, tells, paths, strict=True):
        if tell is not None and tell.layers is None:
            where = f" ({'.'.join(path)})" if path else ""
            return f"{module.kind}{where} is no layer of the language: {tell.lacks}"
    return ""


def _assumed(printed: Sequence[Printed], tells: Sequence[Told | None]) -> tuple[str, ...]:
    """What a print-out leaves open of a chain, and is taken for granted."""
    found = dict.fromkeys(
        guess for tell in tells if tell is not None for guess in (tell.assumed, tell.of_params)
    )
    with_params = [
        (module.kind, module.arguments)
        for module, tell in zip(printed, tells, strict=True)
        if tell is not None and tell.params != 0
    ]
    if len(set(with_params)) < len(with_params):
        found["modules that print alike do not share their weights"] = None
    return tuple(guess for guess in found if guess)
