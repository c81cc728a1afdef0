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

from convalgebra.arguments import as_text
from convalgebra.cost.figures import plain, summed
from convalgebra.errors import InputError
from convalgebra.network import Network
from convalgebra.sizes import Size, at_least, names, product, simplest, symbol, total

VIEWS = frozenset({"flatten", "dropout", "unused"})

# Numbers kept for each weight: itself, its gradient, the momentum, and for Adam a second moment.
STATES = {"sgd": 0, "momentum": 1, "adam": 2}

_MOST_CANDIDATES = 4  # of formulas that may be the largest: nobody reads a longer max(..)


class Memory(NamedTuple):
    """Bytes. `peak` is reached in the layers named in `peak_layers`: in the first one that reaches
    it, or with named sizes in one of them, as the sizes are.

    `peak` is that of names which are at least what `least` has; None where it is not known, and
    `reason` says why. `kept` is what the input and all values take together: an upper bound.
    `weights` are not part of either: None where they are not known.
    """

    peak: Size | None
    peak_layers: tuple[str, ...]
    kept: Size
    weights: Size | None
    reason: str = ""
    least: tuple[tuple[str, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The bytes under stable keys."""
        return {
            "unit": "bytes",
            "peak": plain(self.peak),
            "peak_layers": list(self.peak_layers),
            **({"peak_least": dict(self.least)} if self.least else {}),
            "kept": plain(self.kept),
            "weights": plain(self.weights),
            **({"reason": self.reason} if self.reason else {}),
        }


class Training(NamedTuple):
    """Bytes that training takes: weights, their gradients, the state of the optimizer, values.

    Those of weights are None where these are not known: `bounds` are there then.
    """

    optimizer: str
    weights: Size | None
    gradients: Size | None
    state: Size | None
    kept: Size
    bounds: Training | None = None

    @property
    def at_least(self) -> Training:
        """Lower bounds: where everything is known, the figures."""
        return self.bounds or self

    @property
    def total(self) -> Size | None:
        """All of it."""
        return summed((self.weights, self.gradients, self.state, self.kept))

    def to_dict(self) -> dict[str, Any]:
        """The bytes under stable keys; `at_least` where they are not known."""
        keys = ("weights", "gradients", "state", "kept", "total")
        found: dict[str, Any] = {"optimizer": self.optimizer}
        found |= {key: plain(getattr(self, key)) for key in keys}
        if self.bounds is not None:
            found["at_least"] = {key: plain(getattr(self.bounds, key)) for key in keys}
        return found


def memory_of(
    network: Network,
    params: Size | None,
    number: int,
    batch: Size = 1,
    least: Mapping[str, int] | None = None,
) -> Memory:
    """The memory of a network with `params` weights (None: not known) of `number` bytes each.

    `least` has the smallest numbers that names are taken to be.

    >>> from convalgebra.language import parse
    >>> memory_of(parse("input 1x8x8; 3x3p1@4, relu, 1x1@1"), 40, 4).peak
    2048
    """
    found = _memory_of_values(network, simplest(batch * number), least or {})
    return found if params is None else found._replace(weights=simplest(number * params))


def _memory_of_values(network: Network, number: Size, least: Mapping[str, int]) -> Memory:
    amounts = _amounts(network, number)
    kept = total(amounts.values())
    steps = _steps(network, amounts)
    if all(isinstance(amount, int) for amount in amounts.values()):
        index, peak = _largest_number(steps, amounts)
        return Memory(peak, (network.shown_name(index),), kept, None)
    sums = _sums(steps, amounts)
    largest = _largest(sums)
    start: tuple[tuple[str, int], ...] = ()
    if len(largest) > _MOST_CANDIDATES:
        found = _start_of_the_first(sums, amounts, least)
        if found is None:
            reason = (
                "which sum is the largest was not decided, numbers for names (--at) would do it"
            )
            return Memory(None, (), kept, None, reason)
        largest, start = sums[:1], found
    layers = tuple(network.shown_name(index) for index, _ in largest)
    return Memory(_one_of([peak for _, peak in largest]), layers, kept, None, "", start)


def training_of(memory: Memory, optimizer: str, bound: Size = 0) -> Training:
    """What training with `sgd`, `momentum` or `adam` takes.

    Where the weights are not known, they take at least `bound` bytes.

    Raises InputError for another optimizer.
    """
    if as_text(optimizer, "training", "adam") not in STATES:
        raise InputError(f"there is no optimizer `{optimizer}`; there are {', '.join(STATES)}")
    times, held = STATES[optimizer], bound if memory.weights is None else memory.weights
    found = Training(optimizer, held, held, simplest(times * held), memory.kept)
    if memory.weights is not None:
        return found
    return Training(optimizer, None, None, None if times else 0, memory.kept, found)


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


def _sums(steps: Sequence[_Step], amounts: Mapping[int, Size]) -> list[tuple[int, Size]]:
    """The different sums of live values, and where each is first met; that of large sizes first."""
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
        (index, total(amount * times for amount, times in values))
        for values, index in first_met.items()
    ]
    named = set().union(*(names(total) for _, total in sums))
    return sorted(sums, key=lambda found: -_tried(found[1], named))


def _largest(sums: Sequence[tuple[int, Size]]) -> list[tuple[int, Size]]:
    """The sums of which none is always at least another; past `_MOST_CANDIDATES` not all of them.

    The first of `sums` beats most of the others at once.
    """
    largest: list[tuple[int, Size]] = []
    for index, amount in sums:
        if not any(at_least(other, amount) for _, other in largest):
            largest.append((index, amount))
            if len(largest) > _MOST_CANDIDATES:
                break
    return largest


def _start_of_the_first(
    sums: Sequence[tuple[int, Size]], amounts: Mapping[int, Size], least: Mapping[str, int]
) -> tuple[tuple[str, int], ...] | None:
    """The numbers from which on the first sum is the largest, where names are not that anyway."""
    from convalgebra.cost.dominance import dominates_from

    named = set().union(*(names(total) for _, total in sums))
    # What every value has as a factor, as a batch is, decides nothing.
    growing = frozenset(n for n in named if not all(_has_factor(a, n) for a in amounts.values()))
    (_, first), *others = sums
    start = dominates_from(first, [total for _, total in others], least, growing)
    if start is None:
        return None
    return tuple((name, start) for name in sorted(growing) if start > least.get(name, 1))


def _has_factor(amount: Any, name: str) -> bool:
    return not isinstance(amount, int) and all(
        symbol(name) in term.as_powers_dict() for term in amount.as_coefficients_dict()
    )


def _one_of(peaks: Sequence[Size]) -> Size:
    """The largest of formulas of which none is always at least another."""
    if len(peaks) == 1:
        return peaks[0]
    from sympy import Max

    return Max(*peaks, evaluate=False)  # sympy would compare them anew, for a second


def _tried(size: Any, named: set[str]) -> Any:
    """`size` where every named size is the same large number; 0 where it is not defined there."""
    if isinstance(size, int):
        return size
    number = size.subs({symbol(name): 2**12 for name in named})
    return number if number.is_Rational else 0
