"""The weights of a network as sympy symbols, and the inputs pushed through it, entry by entry.

This engine never sees a polynomial in z: it adds up products of weights and inputs, one output and
one tap at a time, and collects. It shows what happens, and checks the other engine by another way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from math import prod
from typing import Any, TypeVar

import numpy as np
from sympy import Add, Expr, Mul, S, Symbol, sympify

from convalgebra.errors import UnsupportedError
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import KINDS, groups_of
from convalgebra.letters import layer_letter, tap_name
from convalgebra.network import Network
from convalgebra.symbolic.rows import REFUSED, Row, Use, Weights, rows, work_in

Value = TypeVar("Value")
LinearForm = dict[int, Expr]  # what stands before each input, by its flat index

CONSTANT = -1  # the key of the constant of a linear form

_MOST_WORK = 250_000  # turns of the innermost loops: a second or two
_SHORT = 40  # characters of a stack that is shown as written
_MOST_COLLECTED = 1_000_000  # a few seconds


def weights_of(network: Network, first: int = 1) -> dict[int, Weights]:
    """The weights of every layer as symbols, by node index; `first` is the number of its letter.

    A layer with weights takes the next letter, a shared one that of its first use, and so does an
    average, though its kernel is fixed. A weight is named by its tap, then by channel out and
    channel in of its group where there are several.

    >>> from convalgebra.language import parse
    >>> weights_of(parse("input 1x4x4; 2x2, 1x1@2b"))[2]
    Weights(kernel=array([[[[c00_0_0]]],
    <BLANKLINE>
    <BLANKLINE>
           [[[c00_1_0]]]], dtype=object), bias=array([c_bias_0, c_bias_1], dtype=object))

    Raises ShapeError where the input shape is not known, UnsupportedError for named sizes.
    """
    require_linear(network)
    _require_little_work(network)
    found: dict[int, Weights] = {}
    for index, letter in letters_of(network, first).items():
        node = network.nodes[index]
        if KINDS[node.layer.kind].weights == "none":
            continue
        if node.weights not in found:  # the first use may lie in a branch that no output reads
            found[node.weights] = _symbols(_use(network, index, Weights(None)), letter)
        found[index] = found[node.weights]
    return found


def letters_of(network: Network, first: int = 1) -> dict[int, str]:
    """The letter of every layer that has one, by node index; `first` is the number of the first.

    >>> from convalgebra.language import parse
    >>> letters_of(parse("2x2, dropout, avg2x2s1, 2x2"))
    {1: 'b', 3: 'c', 4: 'd'}
    """
    letters: dict[int, str] = {}
    taken: dict[int, str] = {}
    for index, node in enumerate(network.nodes):
        kind = node.layer.kind
        if network.live[index] and (KINDS[kind].weights != "none" or kind == "avg"):
            letter = taken.setdefault(node.weights, layer_letter(first + len(taken)))
            letters[index] = letter
    return letters


def _symbols(use: Use, letter: str) -> Weights:
    layer, (channels_in, *sides), channels_out = use.layer, use.inputs[0], use.output[0]
    if KINDS[layer.kind].weights == "per channel":
        scale = _array((channels_out,), lambda c: f"{letter}_scale_{c}")
        shift = _array((channels_out,), lambda c: f"{letter}_shift_{c}")
        return Weights(scale, shift if layer.kind == "bn" else None)
    taps = layer.size if layer.axes is not None else ()
    features = channels_in * prod(sides) if layer.kind == "fc" else channels_in
    width = features // groups_of(layer, channels_in)

    def name(out: int, source: int, *tap: int) -> str:
        stem = tap_name(letter, tap, layer.size) if tap else letter
        # A dense layer has no taps: its names are its places alone.
        return f"{stem}_{out}_{source}" if channels_out * width > 1 or not tap else stem

    kernel = _array((channels_out, width, *taps), name)
    bias = _array((channels_out,), lambda c: f"{letter}_bias_{c}") if layer.bias else None
    return Weights(kernel, bias)


def _array(shape: tuple[int, ...], name: Callable[..., str]) -> Any:
    array = np.empty(shape, dtype=object)
    for place in product(*map(range, shape)):
        array[place] = Symbol(name(*place))
    return array


def push(network: Network, weights: Mapping[int, Weights], inputs: Any) -> Any:
    """The output of a linear network as a numpy array of sympy expressions.

    `inputs` is an array (or nested lists) of the network's input shape, of symbols or exact
    numbers.

    >>> from sympy import symbols
    >>> from convalgebra.language import parse
    >>> network = parse("input 1x3; 2")
    >>> push(network, weights_of(network), [symbols("x0:3")])
    array([[b0*x0 + b1*x1, b0*x1 + b1*x2]], dtype=object)

    Raises UnsupportedError for a layer that is not linear, and for several outputs.
    """
    given = np.asarray(inputs, dtype=object)
    shape = network.shapes[0]
    if given.shape != shape:
        raise ValueError(f"inputs of shape {given.shape} for a network on {shape}")
    # Strict: text is not evaluated.
    exact = [sympify(value, strict=True) for value in given.flat]
    output = push_through(network, weights, exact, _expression)[-1]
    array = np.empty(len(output), dtype=object)
    array[:] = output
    return array.reshape(network.shapes[network.outputs[0]])


def linear_forms(network: Network, weights: Mapping[int, Weights]) -> list[LinearForm]:
    """Each output (flattened) as what stands before each input (flattened), not multiplied out.

    The constant stands under the key `CONSTANT`.

    >>> from convalgebra.language import parse
    >>> network = parse("input 1x3; 2b")
    >>> linear_forms(network, weights_of(network))
    [{0: b0, 1: b1, -1: b_bias_0}, {1: b0, 2: b1, -1: b_bias_0}]
    """
    size = prod(network.shapes[0])
    return push_through(network, weights, [{at: S.One} for at in range(size)], _collector())[-1]


def most_products(network: Network) -> int:
    """How many products of weights there are in the output that has the most: one a path to it.

    >>> from convalgebra.language import parse
    >>> most_products(parse("input 1x11x11; 5*(3x3)"))
    59049
    """

    def count(pairs: Iterable[tuple[Any, int]], constant: Any) -> int:
        return sum(paths for _, paths in pairs) + (constant is not None)

    inputs = [1] * prod(network.shapes[0])
    return max(push_through(network, weights_of(network), inputs, count)[-1])


def push_through(
    network: Network,
    weights: Mapping[int, Weights],
    inputs: list[Value],
    combine: Callable[[Iterable[tuple[Any, Value]], Any], Value],
) -> list[list[Value]]:
    """The flattened values of all nodes up to the output, which comes last.

    `combine` makes the value of a row from its (weight, value) pairs and its constant; values may
    be of any type. Nodes on which the output does not depend are left empty.
    """
    require_linear(network)
    _require_little_work(network)
    (last,) = network.outputs
    nodes = network.nodes[: last + 1]
    values: list[list[Value]] = [inputs]
    for index, node in enumerate(nodes[1:], start=1):
        if not network.live[index]:
            values.append([])
            continue
        use = _use(network, index, weights.get(index, Weights(None)))
        sources = [values[source] for source in node.inputs]
        flats = [_flat_places(shape) for shape in use.inputs]
        values.append([combine(_pairs(row, sources, flats), row.constant) for row in rows(use)])
    return values


def _require_little_work(network: Network) -> None:
    work = 0
    for index in range(1, len(network.nodes)):
        if network.live[index]:
            work += work_in(_use(network, index, Weights(None)))
        if work > _MOST_WORK:
            raise UnsupportedError(
                f"more than {_MOST_WORK:,} products of a weight and an input up to "
                f"{_called(network, index)}: too many to write out one by one; "
                "take a smaller input or fewer channels"
            )


def _pairs(
    row: Row, sources: list[list[Value]], flats: list[Callable[[tuple[int, ...]], int]]
) -> Iterable[tuple[Any, Value]]:
    for weight, place, branch in row.terms:
        yield weight, sources[branch][flats[branch](place)]


def _flat_places(shape: tuple[int, ...]) -> Callable[[tuple[int, ...]], int]:
    def flat(place: tuple[int, ...]) -> int:
        number = 0
        for at, side in zip(place, shape, strict=True):
            number = number * side + at
        return number

    return flat


def _expression(pairs: Iterable[tuple[Any, Expr]], constant: Any) -> Expr:
    products = [Mul(weight, value) for weight, value in pairs]
    return Add(*products, *([] if constant is None else [constant]))


def _collector() -> Callable[[Iterable[tuple[Any, LinearForm]], Any], LinearForm]:
    """What makes the linear form of a row; products and sums met before are not made again.

    The same weights meet the same forms all over the map, and sympy is slow at both.
    """
    products: dict[tuple[Expr, Expr], Expr] = {}
    sums: dict[tuple[Expr, ...], Expr] = {}
    made = 0

    def collect(pairs: Iterable[tuple[Any, LinearForm]], constant: Any) -> LinearForm:
        nonlocal made
        collected: dict[int, list[Expr]] = {}
        for weight, form in pairs:
            made += len(form)
            for column, coefficient in form.items():
                if coefficient is S.One:
                    collected.setdefault(column, []).append(weight)
                    continue
                key = (weight, coefficient)
                if key not in products:
                    products[key] = Mul(weight, coefficient)
                collected.setdefault(column, []).append(products[key])
        if made > _MOST_COLLECTED:
            raise UnsupportedError(
                f"more than {_MOST_COLLECTED:,} coefficients are to be collected: "
                "too many to write out one by one; take a smaller input or fewer channels"
            )
        if constant is not None:
            collected.setdefault(CONSTANT, []).append(constant)
        return {column: added(tuple(terms)) for column, terms in collected.items()}

    def added(terms: tuple[Expr, ...]) -> Expr:
        if terms not in sums:
            sums[terms] = sympify(terms[0]) if len(terms) == 1 else Add(*terms)
        return sums[terms]

    return collect


def _use(network: Network, index: int, weights: Weights) -> Use:
    node = network.nodes[index]
    shapes: Any = network.shapes
    return Use(node.layer, weights, tuple(shapes[i] for i in node.inputs), shapes[index])


def require_linear(network: Network) -> None:
    """Nothing, if `network` is linear with one output and plain numbers for sizes.

    Raises UnsupportedError, which names the layer, if not.
    """
    named = sorted(network.named())
    if named:
        raise UnsupportedError(
            f"entries are written out for numbers only, and {', '.join(named)} "
            f"{'is' if len(named) == 1 else 'are'} not known; a matrix needs numbers"
        )
    if len(network.outputs) != 1:
        raise UnsupportedError(
            f"the stack has {len(network.outputs)} outputs; a linear operator has one: "
            "name one of them in the `output` line"
        )
    for index, node in enumerate(network.nodes):
        reason = REFUSED.get(node.layer.kind)
        if reason is not None and network.live[index]:
            raise UnsupportedError(
                f"{_called(network, index)} {reason}; only linear layers have a matrix"
            )


def written(network: Network) -> str:
    """The stack as its author wrote it, where that is one short line; else in canonical form.

    >>> from convalgebra.language import parse
    >>> written(parse("2x2,2x2")), str(parse("2x2,2x2"))
    ('2x2,2x2', '2*(2x2)')
    """
    text = network.source.text.strip() if network.source is not None else ""
    short = text.isprintable() and 0 < len(text) <= _SHORT and not set(";#=") & set(text)
    return text if short else str(Network(None, network.nodes, network.outputs))


def _called(network: Network, index: int) -> str:
    # `mul` and its like are places where branches meet, not counted as layers.
    node = network.nodes[index]
    number = sum(1 for other in network.nodes[: index + 1] if len(other.inputs) == 1)
    where = [f"layer {number}"] * (len(node.inputs) == 1) + [node.name] * bool(node.name)
    return layer_text(node.layer) + (f" ({', '.join(where)})" if where else "")
