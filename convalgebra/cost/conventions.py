"""What other counters print for a network, and where their figures come from, line by line.

A convention is a table: for some kinds of layer a factor on something that is measured anyway
(MACs, biased outputs, elements, weights). No rule of ours changes for it. The factors are those of
the tools' own handlers, and were tried layer by layer against the tools in the versions named here;
the figures are in tests/data/counters.csv. They hold for one input, in evaluation mode.

Some tools watch modules and do not see what a network calls as a function. A network is taken to be
made of modules, one a layer; `FUNCTIONS` names the exceptions, networks of the zoo whose reference
implementation (that of torchvision) calls functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from convalgebra import zoo
from convalgebra.arguments import as_text
from convalgebra.cost.counts import Counts, Use, count
from convalgebra.cost.figures import plain, summed
from convalgebra.cost.report import use_of
from convalgebra.errors import Defect, InputError
from convalgebra.language import parse
from convalgebra.layers import ACTIVATIONS, BORDERS, CONVOLUTIONS, DENSE, LIKE, MERGES, Layer
from convalgebra.network import Network
from convalgebra.sizes import Size, product, simplest, total
from convalgebra.words import counted

_MATRICES = CONVOLUTIONS | DENSE
_POOLS = frozenset({"max", "avg", "gap", "gmp"})
_RESIZES = frozenset({"up", "resize", "bilinear"})

# What a convention says nothing of counts as nothing, if it is one of these; of any other kind of
# layer it is not known what the tools count.
TRIED = frozenset(
    _MATRICES | _POOLS | _RESIZES | ACTIVATIONS | BORDERS | (MERGES - LIKE)
    | {"bn", "ln", "in", "gn", "lrn", "scale", "shuffle", "pixelshuffle"}
    | {"flatten", "dropout", "slice", "input"}
)  # fmt: skip


class Rule(NamedTuple):
    """`factor` for each of what `measure` says, in layers of some kinds.

    `ours` is the class in which we count the same thing. `as_function` is the factor where the
    layer is called as a function, if it is another one; `axes` those that the layer must have.
    """

    says: str
    kinds: frozenset[str]
    measure: str
    factor: int = 1
    ours: str = ""
    as_function: int | None = None
    axes: int | None = None


class Convention(NamedTuple):
    """A tool, what it calls its figure, and the figure of ours beside it: MACs or FLOPs.

    One that `watches_modules` does not see layers called as functions, but where a rule says so.
    One that is `blind_to_words` does not see convolutions with `padding="same"` or `"valid"`, which
    PyTorch runs as another operation (`aten::_convolution_mode`).
    """

    tool: str
    calls_it: str
    unit: str
    rules: tuple[Rule, ...]
    watches_modules: bool = False
    blind_to_words: bool = False


# Of layers whose weights and MACs are known: no rule is for opaque ones.
_MEASURES: dict[str, Callable[[Use, Any], Size]] = {
    "macs": lambda use, counts: counts.macs,
    "biased outputs": lambda use, counts: product(use.output) if use.layer.bias else 0,
    "inputs": lambda use, counts: product(use.inputs[0]),
    "outputs": lambda use, counts: product(use.output),
    "positions": lambda use, counts: product(use.output[1:]),
    "taps": lambda use, counts: dict(counts.flops)["pooling"],
    "params": lambda use, counts: counts.params,
    "weights at outputs": lambda use, counts: counts.weights * product(use.output[1:]),
    "params at outputs": lambda use, counts: counts.params * product(use.output[1:]),
}


def _kinds(*kinds: str) -> frozenset[str]:
    return frozenset(kinds)


_MACS = Rule("MACs of convolutions and dense layers", _MATRICES, "macs", 1, "mac")

CONVENTIONS: dict[str, Convention] = {
    "torchvision": Convention(
        "torch.utils.flop_counter / 2, torch 2.13", "FLOPs", "MACs", (_MACS,)
    ),
    "fvcore": Convention(
        "fvcore 0.1.5",
        "flops",
        "MACs",
        (
            _MACS,
            Rule("2 an element of batch norms", _kinds("bn"), "outputs", 2),
            Rule("5 an element of other norms", _kinds("ln", "in", "gn"), "outputs", 5),
            Rule("1 an input of adaptive averages", _kinds("gap"), "inputs", axes=2),
            Rule("1 an output of nearest upsampling", _kinds("up", "resize"), "outputs", axes=2),
            Rule("4 an output of bilinear upsampling", _kinds("bilinear"), "outputs", 4, axes=2),
        ),
        blind_to_words=True,
    ),
    "thop": Convention(
        "thop 0.1.1",
        "MACs",
        "MACs",
        (
            _MACS._replace(kinds=_MATRICES - {"convt"}),
            Rule(
                "weights at every output of transposed convolutions",
                _kinds("convt"),
                "weights at outputs",
                1,
                "mac",
            ),
            Rule("4 an element of norms", _kinds("bn", "ln", "in"), "outputs", 4),
            Rule("1 an input of adaptive averages", _kinds("gap"), "inputs", as_function=0),
            Rule("1 an output of averages", _kinds("avg", "gap"), "outputs", as_function=0),
            Rule("3 an element of softmax", _kinds("softmax"), "outputs", 3, as_function=0),
            Rule("less 1 a position of softmax", _kinds("softmax"), "positions", -1, as_function=0),
            Rule("1 an output of nearest upsampling", _kinds("up", "resize"), "outputs"),
            Rule("5 an output of linear upsampling", _kinds("bilinear"), "outputs", 5, axes=1),
            Rule("11 an output of bilinear upsampling", _kinds("bilinear"), "outputs", 11, axes=2),
        ),
        watches_modules=True,
    ),
    "torchinfo": Convention(
        "torchinfo 1.8.0",
        "mult-adds",
        "MACs",
        (
            Rule(
                "weights and biases of convolutions, at every position",
                CONVOLUTIONS,
                "params at outputs",
                1,
                "mac",
            ),
            Rule("weights and biases of dense layers, once", DENSE, "params", 1, "mac"),
            Rule("weights of norms, once", _kinds("bn", "ln", "in", "gn"), "params"),
        ),
        watches_modules=True,
    ),
    "ptflops": Convention(
        "ptflops 0.7.5, backend pytorch",
        "MACs",
        "MACs",
        (
            _MACS,
            Rule("1 a biased output", _MATRICES, "biased outputs"),
            Rule("2 an element of norms", _kinds("bn", "in", "gn"), "outputs", 2),
            Rule("1 an element of layer norms", _kinds("ln"), "outputs"),
            # The module is counted, and the function that it calls once more.
            Rule(
                "2 an element of activations (module and function)",
                _kinds("relu", "elu", "gelu"),
                "outputs",
                2,
                as_function=1,
            ),
            Rule(
                "1 an element of activations (module or function)",
                _kinds("relu6", "leakyrelu", "silu", "softmax"),
                "outputs",
            ),
            Rule("2 an input of pooling (module and function)", _POOLS, "inputs", 2, as_function=1),
            Rule("2 an output of upsampling (module and function)", _RESIZES, "outputs", 2),
            Rule("4 an element of local response norms", _kinds("lrn"), "outputs", 4),
            Rule("4 a position of local response norms", _kinds("lrn"), "positions", 4),
        ),
        watches_modules=True,
    ),
    "slim": Convention(
        "the TensorFlow profile of Araujo, Norris, Sim 2019",
        "FLOPs",
        "FLOPs",
        (
            Rule("2 a MAC", _MATRICES, "macs", 2, "mac"),
            Rule("1 a biased output", _MATRICES, "biased outputs", 1, "bias"),
            # Of batch norms nothing: where one was counted there, it was as the bias that it makes.
            Rule("1 a tap of pooling windows", _POOLS, "taps", 1, "pooling"),
        ),
    ),
}

_ALL = _kinds()
_LAST = _kinds("the last one")

# Where a reference implementation calls functions: kinds of layer, in which blocks, and as what:
# `function`, or `mean` for pooling that is a mean over the axes, which no tool here counts.
FUNCTIONS: dict[str, tuple[tuple[frozenset[str], frozenset[str], str], ...]] = {
    "densenet121": (
        (_kinds("relu"), _LAST, "function"),
        (_kinds("gap"), _ALL, "function"),
    ),
    "googlenet": ((_kinds("relu"), _ALL, "function"),),
    "inception_v3": (
        (_kinds("relu", "avg"), _ALL, "function"),
        (_kinds("max"), _kinds("mixed_6a", "mixed_7a"), "function"),
    ),
    "mobilenet_v2": ((_kinds("gap"), _ALL, "function"),),
    "shufflenet_v2_x1_0": ((_kinds("gap"), _ALL, "mean"),),
}


class Line(NamedTuple):
    """One term of a tool's figure, beside what we count of the same."""

    says: str
    theirs: Size
    ours: Size | None

    @property
    def difference(self) -> Size | None:
        """Theirs less ours."""
        return None if self.ours is None else simplest(self.theirs - self.ours)


class Account(NamedTuple):
    """The figure of a tool for one input, and how it comes about from ours.

    `total` is the sum of `theirs` over the lines, `ours` of `ours`: our dense MACs or our FLOPs, as
    `unit` says. `total` is None where the network has layers of which it is not known what the tool
    counts; `notes` name them. `layers` has what each layer has in it, in the order of the report:
    the figure up to a layer is the sum of those before. What is not known is None.
    """

    convention: str
    tool: str
    calls_it: str
    unit: str
    total: Size | None
    ours: Size | None
    lines: tuple[Line, ...]
    layers: tuple[Size | None, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The account under stable keys."""
        return {
            "name": self.convention,
            "tool": self.tool,
            "calls_it": self.calls_it,
            "total": plain(self.total),
            "ours": plain(self.ours),
            "ours_is": self.unit,
            "lines": [
                {"says": line.says}
                | {key: plain(getattr(line, key)) for key in ("theirs", "ours", "difference")}
                for line in self.lines
            ],
            "notes": list(self.notes),
        }


def account_of(network: Network, convention: str) -> Account:
    """What a tool prints for a network, from our counts.

    >>> from convalgebra.language import parse
    >>> account = account_of(parse("input 3x8x8; 3x3p1@4b, bn, relu"), "fvcore")
    >>> account.total, account.ours, [line.says for line in account.lines]
    (7424, 6912, ['MACs of convolutions and dense layers', '2 an element of batch norms'])

    Raises InputError for a convention that is not in `CONVENTIONS`.
    """
    table = CONVENTIONS.get(as_text(convention, "convention", "fvcore"))
    if table is None:
        known = ", ".join(CONVENTIONS)
        raise InputError(f"there is no convention `{convention}`; there are {known}")
    reference, called = functions_of(network)
    theirs: dict[Rule, Size] = dict.fromkeys(table.rules, 0)
    ours: dict[Rule, list[Size | None]] = {rule: [] for rule in table.rules}
    apart: dict[str, list[Size | None]] = {}  # of ours, what they do not count
    layers: list[Size | None] = [0] * len(network.nodes)
    unknown: dict[str, None] = {}
    unseen = 0
    for index, use, counts in _uses(network):
        met = [rule for rule in table.rules if _holds(rule, use)]
        call = _call(table, use.layer, called.get(index))
        not_known = list(_not_known(table, use.layer, met, call))
        unknown |= dict.fromkeys(not_known)
        amounts = [_amount(rule, use, counts, call) for rule in met]
        for rule, amount in zip(met, amounts, strict=True):
            theirs[rule] += amount
        unseen += call == "unseen"
        layers[index] = None if not_known else total(amounts)
        for name, our_amount in _our_classes(table, counts):
            beside = next((rule for rule in met if rule.ours == name), None)
            (apart.setdefault(name, []) if beside is None else ours[beside]).append(our_amount)
    lines = [Line(r.says, simplest(theirs[r]), summed(ours[r])) for r in table.rules]
    lines += [Line(f"not counted: {name}", 0, summed(parts)) for name, parts in apart.items()]
    idle = (n.layer.kind for n in network.nodes if n.layer.kind not in TRIED)
    unknown |= dict.fromkeys(f"`{kind}`" for kind in idle)
    notes = [f"what it counts for {what} is not known" for what in unknown]
    if unseen:
        notes.append(
            f"{counted(unseen, 'convolution')} with a word for the padding, as `same`: that is an "
            "operation of PyTorch's that it does not count"
        )
    notes += _note_on_calls(table, network, reference, called)
    theirs_in_all = simplest(sum(line.theirs for line in lines))
    if not unknown and simplest((summed(layers) or 0) - theirs_in_all) != 0:
        raise Defect(f"the terms of {convention} are not the sum of its layers")
    return Account(
        convention=convention,
        tool=table.tool,
        calls_it=table.calls_it,
        unit=table.unit,
        total=None if unknown else theirs_in_all,
        ours=summed(line.ours for line in lines),
        lines=tuple(line for line in lines if line.theirs != 0 or line.ours != 0),
        layers=tuple(layers[1:]),
        notes=tuple(notes),
    )


def _uses(network: Network) -> Iterator[tuple[int, Use, Counts]]:
    """The layers that run, with their counts."""
    assumptions = network.assumptions
    met: dict[tuple[Any, ...], Counts] = {}
    for index in range(1, len(network.nodes)):
        if network.live[index]:
            use = use_of(network, index, assumptions)
            key = (id(use.layer), use.inputs)
            if key not in met:
                met[key] = count(use)
            yield index, use, met[key]


def _holds(rule: Rule, use: Use) -> bool:
    return use.layer.kind in rule.kinds and rule.axes in (None, len(use.output) - 1)


def _call(table: Convention, layer: Layer, call: str | None) -> str | None:
    """How the tool sees a layer be called; `unseen` says that it does not see it."""
    if table.blind_to_words and layer.kind in CONVOLUTIONS:
        by_word = layer.padding == "same" or (call or "").endswith("padding word")
        return "unseen" if by_word else call
    return call


def _not_known(
    table: Convention, layer: Layer, met: Sequence[Rule], call: str | None
) -> Iterator[str]:
    """Of what in a layer it is not known how the tool counts it."""
    if layer.kind not in TRIED:
        yield f"`{layer.kind}`"
    if call == "unseen" and any(stride != 1 for stride in layer.stride):
        yield "`psame` with a stride (no module of PyTorch has it)"
    if table.watches_modules and (call or "").startswith("function"):
        yield from (f"`{layer.kind}` as a function" for rule in met if rule.as_function is None)


def _amount(rule: Rule, use: Use, counts: Counts, call: str | None) -> Size:
    factor = rule.factor
    if call in ("mean", "unseen"):
        factor = 0
    elif call == "function" and rule.as_function is not None:
        factor = rule.as_function
    return factor * _MEASURES[rule.measure](use, counts) if factor else 0


def _our_classes(table: Convention, counts: Counts) -> Sequence[tuple[str, Size | None]]:
    return counts.flops if table.unit == "FLOPs" else [("mac", counts.macs)]


def functions_of(network: Network) -> tuple[str, Mapping[int, str]]:
    """The network of `FUNCTIONS` that this one is, and which of its layers are called, and how.

    Where it is none of them, what its nodes say: a network in our notation does not say what is a
    module.
    """
    kinds = {node.layer.kind for node in network.nodes}
    for name, calls in FUNCTIONS.items():
        if any(not kinds & called for called, _, _ in calls):
            continue
        reference = _reference(name)
        if reference.nodes == network.without_eps().nodes:
            found: dict[int, str] = {}
            for called, blocks, call in calls:
                where = [i for i, n in enumerate(reference.nodes) if n.layer.kind in called]
                if blocks == _LAST:
                    where = where[-1:]
                elif blocks:
                    where = [i for i in where if reference.nodes[i].block[0] in blocks]
                found |= dict.fromkeys(where, call)
            return name, found
    return "", {index: node.call for index, node in enumerate(network.nodes) if node.call}


@cache
def _reference(name: str) -> Network:
    return parse(zoo.text(name))


def _note_on_calls(
    table: Convention, network: Network, reference: str, called: Mapping[int, str]
) -> list[str]:
    """What was taken to be a module, if that makes a difference to the tool."""
    watched = {kind for r in table.rules if r.as_function is not None for kind in r.kinds}
    watched |= {"gap" for r in table.rules if "gap" in r.kinds and "mean" in called.values()}
    nodes = [
        (node.layer.kind, called.get(index, ""))
        for index, node in enumerate(network.nodes)
        if network.live[index] and node.layer.kind in watched
    ]
    times = Counter((kind, call) for kind, call in nodes if call not in ("", "module"))
    if times:
        calls = ", ".join(f"{number} {kind} as a {call}" for (kind, call), number in times.items())
        written = f"torchvision's {reference}" if reference else "the model"
        return [f"counted as {written} is written, which calls {calls}"]
    met = dict.fromkeys(kind for kind, call in nodes if not call)
    return [f"every {', '.join(met)} is taken to be a module, not a function call"] if met else []
