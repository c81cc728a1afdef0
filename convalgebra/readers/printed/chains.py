"""When the order of a print-out is the order in which the modules run, and the Network then.

An nn.Sequential runs what it holds in the order in which it is printed. Every other class that
holds modules runs them as its `forward` says, which is not printed. So a print-out is a chain if
all of it is nn.Sequential, nested at will, and modules of torch.nn that the language has. What is
folded inside of an nn.Sequential, `(0-2): 3 x Sequential(`, runs as often as it stands there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from convalgebra.errors import Source
from convalgebra.inventory import Chain, Takes
from convalgebra.layers import Layer
from convalgebra.network import INPUT, Network, Node
from convalgebra.readers.printed.classes import CHAINS, CONTAINERS, LISTS, WRAPPERS
from convalgebra.readers.printed.grammar import Printed
from convalgebra.readers.printed.told import Told
from convalgebra.words import listed

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
    order = _run(printed)
    for number in order:
        tell = tells[number]
        if tell is None:
            continue
        if tell.takes is not None:
            takes[len(nodes)] = tell.takes
        block, span = paths[number][:-1], printed[number].span
        for layer in tell.layers or ():
            at = len(nodes)
            nodes.append(Node(_of_a_row(layer), (at - 1,), at, "", block, span))
    network = Network(None, tuple(nodes), (len(nodes) - 1,), source)
    return Chain(network, takes, _assumed(printed, tells, order))


def _of_a_row(layer: Layer) -> Layer:
    # nn.Linear works on the last axis. In a chain it takes a row of numbers only: see Takes.
    if layer.kind != "linear":
        return layer
    return Layer("fc", channels=layer.channels, bias=layer.bias)


def _run(printed: Sequence[Printed]) -> list[int]:
    """The numbers of the modules in the order in which they run, folded ones every time."""
    backwards: list[list[int]] = [[] for _ in printed]  # what stands in each, the last first
    for number in range(len(printed) - 1, 0, -1):
        module = printed[number]
        backwards[module.parent] += (backwards[number] + [number]) * module.times
        backwards[number] = []
    return [0, *reversed(backwards[0])]


def _no_order(printed: Sequence[Printed], tells: Sequence[Told | None]) -> str:
    """Why the order cannot be trusted; "" if it can."""
    held = Counter({at: 0 for at, tell in enumerate(tells) if tell is None})
    for module in printed[1:]:
        held[module.parent] += module.times
    unclear: dict[str, None] = {}
    for at in sorted(held):
        kind = printed[at].kind
        runs_in_order = kind in CHAINS or (kind in WRAPPERS and held[at] <= 1)
        if tells[at] is not None or not runs_in_order:
            unclear[kind] = None
    if not unclear:
        return ""
    runs_itself = [kind for kind in unclear if kind not in LISTS]
    own = [kind for kind in runs_itself if kind not in CONTAINERS] or runs_itself
    begin = "print(model) lists modules in the order in which they were registered; "
    if not own:
        return f"{begin}a {next(iter(unclear))} runs none of them, and what does is not printed"
    shown = own[:_SHOWN]
    if len(own) > _SHOWN:
        shown.append(f"{len(own) - _SHOWN} more")
    return f"{begin}what runs when stands in the forward of {listed(shown)}, which is not printed"


def _no_layers(
    printed: Sequence[Printed], tells: Sequence[Told | None], paths: Sequence[tuple[str, ...]]
) -> str:
    """Which module has no layer in the language, and why; "" if all have one."""
    for module, tell, path in zip(printed, tells, paths, strict=True):
        if tell is not None and tell.layers is None:
            where = f" ({'.'.join(path)})" if path else ""
            return f"{module.kind}{where} is no layer of the language: {tell.lacks}"
    return ""


def around(whole: Printed) -> str:
    """What is taken for granted of lines that stand in nothing; "" of a whole print-out."""
    if whole.is_there:
        return ""
    runs = ", which runs them in their order" if whole.kind in CHAINS else ""
    return f"the lines stand in an nn.{whole.kind}{runs}"


def _assumed(
    printed: Sequence[Printed], tells: Sequence[Told | None], order: Sequence[int]
) -> tuple[str, ...]:
    """What a print-out leaves open of a chain, and is taken for granted."""
    found = dict.fromkeys(
        guess for tell in tells if tell is not None for guess in (tell.assumed, tell.of_params)
    )
    found[around(printed[0])] = None
    alike = Counter(
        (printed[number].kind, printed[number].arguments)
        for number in order
        if (tell := tells[number]) is not None and tell.params != 0
    )
    if max(alike.values(), default=0) > 1:
        found["modules that print alike do not share their weights"] = None
    return tuple(guess for guess in found if guess)
