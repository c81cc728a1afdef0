"""What one stack reproduces of another where activations stand in them.

A stack with activations is a family of maps, one for every choice of weights, from inputs on an
unbounded grid to outputs, the inputs unbounded; the answers (see `algebra.answers`) speak of the
weights of the stack that is made. Linear pieces are decided elsewhere, by the function `linear`.

Fields. The activations are functions of real numbers. Over the rationals the weights are rational
and the maps are the same: a set inside a proper algebraic subset stays so (a real polynomial that
vanishes on rational points has rational ones, its coefficients over a basis of the reals, that do).
Over the complex numbers an activation has no meaning, so there is an answer only where any
function in its place would do; else `unknown`.
"""

from __future__ import annotations

from dataclasses import replace

from convalgebra.algebra.activations.activated_made import reach_of_activated
from convalgebra.algebra.activations.facts import ACROSS_CHANNELS, FACTS
from convalgebra.algebra.activations.linear_made import reach_of_linear
from convalgebra.algebra.activations.linear_pieces import (
    STRENGTH,
    Linear,
    PieceAnswers,
    all_of_it,
    family,
    unknown,
)
from convalgebra.algebra.activations.pieces import Stack, cut
from convalgebra.algebra.activations.sums import Sum, linear_of_sum, sum_made, sum_of
from convalgebra.algebra.answers import COMPLEX, SAME, Reach
from convalgebra.errors import UnsupportedError
from convalgebra.layers import ACTIVATIONS
from convalgebra.network import Network

MAX_ACTIVATIONS = 200  # every piece is a question of its own, and those at the end are nested


def activation_reach(
    maker: Network,
    made: Network,
    channels: int,
    linear: Linear,
    anywhere: Linear | None = None,
) -> Reach | None:
    """What `maker` reproduces of `made`, or None if neither has an activation.

    `channels` come in. `linear(maker, made, channels)` decides stacks without activations; it is
    asked for pieces and for narrower stacks. If it decides them as they lie, so are these stacks
    decided, and `anywhere` decides linear stacks up to a shift. Offsets are counted from the first
    input that each side sees.

    >>> from convalgebra.algebra import equiv
    >>> from convalgebra.language import parse
    >>> def linear(maker, made, channels):
    ...     return equiv(maker, made).left_reproduces_right.reach
    >>> activation_reach(parse("2x2, relu, 2x2"), parse("3x3"), 1, linear).real
    'thin'
    >>> activation_reach(parse("3x3, relu"), parse("2x2, relu"), 1, linear).offsets
    ((0, 0), (0, 1), (1, 0), (1, 1))

    Raises UnsupportedError for layers that are neither linear nor activations, for stacks of
    different total stride or channels, and what `linear` raises for the stacks as a whole.
    """
    if not any(_has_activation(network) for network in (maker, made)):
        return None
    axes = made.axes if maker.axes is None else maker.axes
    one, two = (cut(network, channels, axes) for network in (maker, made))
    if maker.nodes == made.nodes and maker.outputs == made.outputs:
        return all_of_it(SAME, ((0,) * (axes or 0),))
    if one is None or two is None:
        answers = PieceAnswers(linear, anywhere)
        return _with_a_branch(answers, (maker, made), (one, two), channels, axes or 0)
    _check(one, two)
    if one.shared or two.shared:
        return unknown("layers before and after an activation share their weights")
    if max(len(one.kinds), len(two.kinds)) > MAX_ACTIVATIONS:
        return unknown(f"there are more than {MAX_ACTIVATIONS} activations")
    found = _reach(PieceAnswers(linear, anywhere), one, two)
    if one.idle or two.idle:  # that a ReLU does nothing is true of real numbers
        found = replace(
            found, complex="unknown", notes=tuple(dict.fromkeys((*found.notes, COMPLEX)))
        )
    return found


def _with_a_branch(
    answers: PieceAnswers,
    networks: tuple[Network, Network],
    stacks: tuple[Stack | None, Stack | None],
    channels: int,
    axes: int,
) -> Reach:
    """The answer where a path goes around an activation: for sums against linear stacks."""
    one, two = (
        sum_of(network, channels, axes) if stack is None else stack
        for network, stack in zip(networks, stacks, strict=True)
    )
    if isinstance(one, Sum) and isinstance(two, Stack) and not two.kinds:
        _check(replace(one.active, text=one.text), two)
        return linear_of_sum(answers, one, two)
    if isinstance(two, Sum) and isinstance(one, Stack) and not one.kinds:
        _check(one, replace(two.active, text=two.text))
        return sum_made(one, two)
    return unknown(
        "an activation stands on a branch: decided are chains, and linear stacks against a sum in "
        "which one branch has activations"
    )


def _has_activation(network: Network) -> bool:
    nodes = zip(network.nodes, network.live, strict=True)
    return any(live and node.layer.kind in ACTIVATIONS for node, live in nodes)


def _check(one: Stack, two: Stack) -> None:
    if one.first.axes != two.first.axes:
        raise UnsupportedError(
            f"{one.text} works on {one.first.axes} axes, {two.text} on {two.first.axes}: they "
            "cannot be compared"
        )
    for what, a, b in (
        ("takes", one.first.channels, two.first.channels),
        ("gives", one.last.out, two.last.out),
    ):
        if a != b:
            raise UnsupportedError(
                f"{one.text} {what} {a} channels and {two.text} {b}: they cannot be compared"
            )
    strides = [family(stack).total_stride for stack in (one, two)]
    if strides[0] != strides[1]:
        first, second = ("x".join(map(str, stride)) for stride in strides)
        raise UnsupportedError(
            f"the total strides differ: {first} for {one.text}, {second} for {two.text}; no "
            "weights make them equal"
        )


def _reach(answers: PieceAnswers, maker: Stack, made: Stack) -> Reach:
    if not maker.kinds and not made.kinds:
        return answers.linear(maker.first, made.first)
    if maker.pieces == made.pieces and maker.kinds == made.kinds:
        return all_of_it(SAME, ((0,) * maker.first.axes,))
    same_end = maker.kinds[-1:] == made.kinds[-1:] and maker.last.is_empty and made.last.is_empty
    found = unknown("")
    if same_end:
        found = _under_the_last(answers, maker, made)
    if found.real == "unknown":
        again = (
            reach_of_linear(answers, maker, made)
            if not made.kinds
            else reach_of_activated(answers, maker, made)
        )
        if again.real != "unknown" or not found.reason:
            found = again
    return found


def _under_the_last(answers: PieceAnswers, maker: Stack, made: Stack) -> Reach:
    """The answer where both end in the same activation s.

    What f = g says of the stacks without it, s(f) = s(g) says as well. The converse: trivially
    if s is injective. For affine f and g, output by output: if s tells the values of an open
    interval apart from all others, and f is not constant, then f = g where f takes such
    values, an open set, so everywhere. If f is constant g is (or the other way round), and
    without biases both are 0. With biases the exceptions are constants: inside a proper
    algebraic subset. A softmax does not tell f from f with one functional added to all
    channels.
    """
    kind = made.kinds[-1]
    if kind in ACROSS_CHANNELS and made.last.out == 1:
        return all_of_it(
            f"a {kind} over one channel is 1 for every input", ((0,) * made.last.axes,)
        )
    inner = _reach(answers, maker.before_last(), made.before_last())
    note = f"the {kind} at the end of both makes no difference"
    facts = FACTS.get(kind)
    both_linear = len(maker.kinds) == len(made.kinds) == 1
    bias = maker.has_bias or made.has_bias
    sees_input = not bias or (made.first.is_chain and not made.first.goes_up)
    exact = facts is not None and (facts.injective or (both_linear and sees_input))
    complex_answer = inner.complex if inner.complex in ("all", "dense") else "unknown"
    if exact:
        notes = (note, *inner.notes) if inner.real != "unknown" else inner.notes
        if complex_answer == "unknown" != inner.complex:
            notes = (*notes, COMPLEX)
        keep = not bias or facts is None or facts.injective
        return replace(
            inner,
            complex=complex_answer,
            notes=notes,
            witnesses=inner.witnesses if keep or made.last.out == 1 else (),
            claims=(),  # they are about the stacks without their ends
            codimension=inner.codimension if keep else None,
            degree=inner.degree if keep else None,
        )
    if STRENGTH[inner.real] > 0:
        return Reach(
            inner.real,
            complex_answer,
            inner.rational if inner.rational in ("all", "dense") else "unknown",
            inner.reason,
            inner.offsets,
            notes=(f"the same function, {kind}, follows at the end of both",),
        )
    why = "so two stacks that differ before it may be equal after it"
    return unknown(f"{kind} does not tell all values apart, {why}")
