"""What has to be kept at a time: the peak of a network when it runs, and what training takes.

A network runs in its own order. A layer puts its output into memory of its own, nothing in place,
while all that it reads is still there; a value goes after its last reader, those of `output` stay
to the end. A view is no value of its own: `flatten`, `dropout` and `unused` hand on what comes in.
A slice is copied, as its traffic says. Branches in `unused(..)` do not run. Weights are apart.

Training keeps the input and every value for the way back, nothing recomputed; and of the weights
their gradients and what the optimizer remembers, all in the same kind of number. Gradients of
values, workspace, and the running statistics of batch norms are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convalgebra.errors import InputError
from convalgebra.network import Network
from convalgebra.sizes import Size, at_least, names, product, simplest, symbol

VIEWS = frozenset({"flatten", "dropout", "unused"})

# Numbers kept for each weight: itself, its gradient, the momentum, and for Adam a second moment.
STATES = {"sgd": 0, "momentum": 1, "adam": 2}

_MOST_CANDIDATES = 4  # of formulas that may be the largest: nobody reads a longer max(..)


class Memory(NamedTuple):
    """Bytes. `peak` is reached in the layers named in `peak_layers`: in the first one that reaches
    it, or with named sizes in one of them, as the sizes are.

    `peak` is None where it is not known, and `reason` says why. `kept` is what the input and all
    values take together: an upper bound. `weights` are not part of either.
    """

    peak: Size | None
    peak_layers: tuple[str, ...]
    kept: Size
    weights: Size
    reason: str = ""


class Training(NamedTuple):
    """Bytes that training takes: weights, their gradients, the state of the optimizer, values."""

    optimizer: str
    weights: Size
    gradients: Size
    state: Size
    kept: Size

    @property
    def total(self) -> Size:
        """All of it."""
        return simplest(self.weights + self.gradients + self.state + self.kept)


def memory_of(network: Network, params: Size, number: int, batch: Size = 1) -> Memory:
    """The memory of a network with `params` weights; a number takes `number` bytes.

    >>> from convalgebra.language import parse
    >>> memory_of(parse("input 1x8x8; 3x3p1@4, relu, 1x1@1"), 40, 4)
    Memory(peak=2048, peak_layers=('2',), kept=2560, weights=160, reason='')
    """
    amounts = _amounts(network, simplest(batch * number))
    kept = simplest(sum(amounts.values(), 0))
    weights = simplest(number * params)
    steps = _steps(network, amounts)
    if all(isinstance(amount, int) for amount in amounts.values()):
        index, peak = _largest_number(steps, amounts)
        return Memory(peak, (network.shown_name(index),), kept, weights)
    found = _largest_formulas(steps, amounts)
    if len(found) > _MOST_CANDIDATES:
        reason = "which sum is the largest was not decided for all named sizes"
        return Memory(None, (), kept, weights, reason)
    layers = tuple(network.shown_name(index) for index, _ in found)
    return Memory(_one_of([peak for _, peak in found]), layers, kept, weights)


def training_of(memory: Memory, optimizer: str) -> Training:
    """What training with `sgd`, `momentum` or `adam` takes.

    Raises InputError for another optimizer.
    """
    if optimizer not in STATES:
        raise InputError(f"there is no optimizer `{optimizer}`; there are {', '.join(STATES)}")
    weights = memory.weights
    state = simplest(STATES[optimizer] * weights)
    return Training(optimizer, weights, weights, state, memory.kept)


def _amounts(network: Network, number: Size) -> dict[int, Size]:
    """The bytes of every value that is made, by its node; 0 is the input."""
    sizes: dict[tuple[Size, ...], Size] = {}
    amounts = {}
    for index, (node, shape) in enumerate(zip(network.nodes, network.shapes, strict=True)):
        if network.live[index] and node.layer.kind not in VIEWS:
            if shape not in sizes:
                sizes[shape] = simplest(number * product(shape))
            amounts[index] = sizes[shape]
    return amounts


class _Step(NamedTuple):
    """A layer that makes a value, and the values that go once it has run."""

    node: int
    goes: Sequence[int]


def _steps(network: Network, amounts: Mapping[int, Size]) -> list[_Step]:
    owner = list(range(len(network.nodes)))  # of a view, the node that made the value
    last: dict[int, int] = {}
    for index, node in enumerate(network.nodes[1:], 1):
        if not network.live[index]:
            continue
        if node.layer.kind in VIEWS:
            owner[index] = owner[node.inputs[0]]
        else:
            last |= {owner[source]: index for source in node.read}
    stay = {owner[output] for output in network.outputs}
    goes: dict[int, list[int]] = {index: [] for index in amounts}
    for value, index in last.items():
        if value not in stay:
            goes[index].append(value)
    return [_Step(index, goes[index]) for index in amounts]


def _largest_number(steps: Sequence[_Step], amounts: Mapping[int, Any]) -> tuple[int, int]:
    where = now = peak = 0
    for index, goes in steps:
        now += amounts[index]
        if now > peak:
            where, peak = index, now
        now -= sum(amounts[value] for value in goes)
    return where, peak


def _largest_formulas(
    steps: Sequence[_Step], amounts: Mapping[int, Size]
) -> list[tuple[int, Size]]:
    """The sums of live values of which none is always at least another, and where each is met.

    More than `_MOST_CANDIDATES` of them stand for many.
    """
    # Before the next layer nothing goes: then more is live there.
    full = {number for number, step in enumerate(steps) if step.goes or number + 1 == len(steps)}
    first_met: dict[frozenset[tuple[Size, int]], int] = {}
    live: Counter[Size] = Counter()
    for number, (index, goes) in enumerate(steps):
        live[amounts[index]] += 1
        if number in full:
            first_met.setdefault(frozenset((+live).items()), index)
        live.subtract(amounts[value] for value in goes)
    sums = [
        (index, simplest(sum(amount * times for amount, times in values)))
        for values, index in first_met.items()
    ]
    # The largest one at some sizes comes first: it beats most of the others at once.
    named = set().union(*(names(total) for _, total in sums))
    sums.sort(key=lambda found: -_tried(found[1], named))
    largest: list[tuple[int, Size]] = []
    for index, total in sums:
        if not any(at_least(other, total) for _, other in largest):
            largest.append((index, total))
            if len(largest) > _MOST_CANDIDATES:
                break
    return largest


def _one_of(peaks: Sequence[Size]) -> Size:
    """The largest of formulas of which none is always at least another."""
    if len(peaks) == 1:
        return peaks[0]
    from sympy import Max

    return Max(*peaks, evaluate=False)  # sympy would compare them anew, for a second


def _tried(size: Any, named: set[str]) -> Any:
    """`size` where every named size is the same large number."""
    return size if isinstance(size, int) else size.subs({symbol(name): 2**12 for name in named})
