"""What a stack with activations can be linear as, and what generic members of it depend on.

Everything is said of members: the maps from inputs to outputs on an unbounded grid that a stack is
for given weights, inputs unbounded. (On inputs bounded by M it is another matter: a bias of M times
the sum of the absolute weights before it keeps a ReLU idle, and if the next layer's bias takes that
away again the stack is linear, with all its channels. So it is except at borders of padding.)
"""

from __future__ import annotations

from math import prod

from convalgebra.algebra.activations.facts import ACROSS_CHANNELS, FACTS, is_bounded
from convalgebra.algebra.activations.pieces import FREE, Piece, Stack
from convalgebra.algebra.activations.widths import blocks, keeps_apart, mixer, side
from convalgebra.algebra.families import Family

_POLYNOMIAL = frozenset({"relu", "relu6", "leakyrelu", "hardsigmoid", "hardswish"})  # in pieces
_DYING = frozenset({"relu", "relu6"})


def true_blocks(piece: Piece, *, left: bool) -> int | None:
    """The blocks of `blocks`, where no other layer of the piece mixes them; else None.

    One block of all channels is always true.
    """
    found = blocks(piece, left=left)
    if found is None or found == 1:
        return found
    own = mixer(piece, left=left)
    rest = [index for index in range(1, len(piece.nodes)) if index != own]
    return found if piece.is_chain and all(keeps_apart(piece, index) for index in rest) else None


def block_size(stack: Stack, seam: int) -> int | None:
    """The most channels at an activation that read the same inputs and meet in an output."""
    before, after = stack.pieces[seam], stack.pieces[seam + 1]
    if before.out == 1:
        return 1
    one, two = true_blocks(before, left=True), true_blocks(after, left=False)
    if one is None or two is None or (one % two and two % one):
        return None
    return before.out // max(one, two)


def is_plain(stack: Stack, seam: int) -> bool:
    """Whether the values at an activation are moved copies of one another, channel by channel.

    So it is unless a layer before makes its input larger: then a channel has several phases.
    """
    return not any(piece.goes_up for piece in stack.pieces[: seam + 1])


def only_constants(stack: Stack) -> str | None:
    """Why the members of a stack with activations that are affine are constants; None if unknown.

    1. *Bounded*: after a bounded activation everything is bounded (it is continuous), and an affine
       map that is bounded is constant.
    2. *One activation, every output reading one channel that reads the same inputs*: the units of
       an output, moved copies of one functional or functionals of different inputs, are not
       proportional, and the ridge lemma (see `facts`) leaves nothing. In particular with one
       channel: c relu(b x) is linear for c = 0 or b = 0 only.
    3. *One activation, any width*, for an activation without `pair`: nothing is left there either.
    4. *The first activation has one channel, and is constant up to some value*: the first piece, if
       not 0, takes every value on a finite window (moved copies of a functional are independent).
       An affine map of that window that is constant on an open orthant is constant.
    5. *The last activation has one channel, and is bounded below*: F = c(T) H, T the shifts, H >= m
       the activated channel. If F is affine, then c(T) (H(x) + H(-x)) is constant. As c is not 0,
       H(x) + H(-x) is constant: of the inputs that it depends on, take those of the least window;
       its copy moved by the last tap of c depends on one that no other copy sees. So H is bounded
       from both sides, F too, hence constant.
    """
    kinds = stack.kinds
    for kind in kinds:
        if is_bounded(kind):
            return f"behind a {kind} all values are bounded"
    last = len(kinds) - 1
    if last == 0 and is_plain(stack, 0) and block_size(stack, 0) == 1:
        return f"one channel through {_a(kinds[0])} is linear only if nothing comes through"
    alone = FACTS[kinds[0]].pair is None
    if last == 0 and alone and (FACTS[kinds[0]].biased or not stack.first.has_bias):
        return f"no sum of {kinds[0]} units is linear"
    if (
        FACTS[kinds[0]].flat is not None
        and is_plain(stack, 0)
        and _one_each(stack.first, left=True)
    ):
        return f"where the first {kinds[0]} is constant everything is, and that is an open set"
    below = FACTS[kinds[last]].bounded_below and is_plain(stack, last)
    if below and _one_each(stack.last, left=False):
        return f"the one channel of the last {kinds[last]} is bounded below"
    return None


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'ae' else 'a'} {kind}"


def _one_each(piece: Piece, *, left: bool) -> bool:
    """Whether the channels at one end have inputs, or outputs, of their own."""
    width = piece.out if left else piece.channels
    return width == 1 or true_blocks(piece, left=left) == width


def halving_is_exact(stack: Stack, made: Piece) -> bool:
    """Whether the linear members of a stack with one activation are those of the halved one.

    F is a sum of c_a s(b_a), over the channels a and their moved copies. If F is affine, the units
    with proportional functionals balance (see `facts`, *pair*), and what is left is `pair` times
    the sum of c_a b_a over those of one sign: of either sign, so take the fewer. That is the stack
    without activation in which at most half of the channels are kept, of each block on its own.

    Constants: units with b_a = 0 add some. They do not matter if there are none (no biases, and
    s(0) = 0 or nothing constant is asked for), or if the last layer has a bias of its own.
    """
    if len(stack.kinds) != 1 or not is_plain(stack, 0) or block_size(stack, 0) is None:
        return False
    if any(
        true_blocks(p, left=left) is None for p, left in ((stack.first, True), (stack.last, False))
    ):
        return False
    facts = FACTS[stack.kinds[0]]
    if not stack.has_bias:
        return facts.zero or not made.has_bias
    return facts.biased and not stack.last.goes_up and ends_in_bias(stack)


def ends_in_bias(stack: Stack) -> bool:
    """Whether the last layer has a bias that is used nowhere else."""
    nodes = stack.last.nodes
    last = nodes[-1]
    own = last.weights == len(nodes) - 1 and len(nodes) > 1
    return own and (last.layer.bias or last.layer.kind == "bn")


def keeps_zero(stack: Stack) -> bool:
    """Whether all members map the input 0 to 0."""
    return not stack.has_bias and all(
        kind not in ACROSS_CHANNELS and FACTS[kind].zero for kind in stack.kinds
    )


def misses_constants(maker: Stack, made: Stack) -> bool:
    """Whether the last bias of `made` alone puts almost all of it out of reach of `maker`.

    What the maker maps 0 to is 0; what `made` maps 0 to is its last bias plus a function, in pieces
    polynomial, of its other weights. So its weights lie on a graph, which is semialgebraic without
    inner points: inside a proper algebraic subset.
    """
    return keeps_zero(maker) and ends_in_bias(made) and set(made.kinds) <= _POLYNOMIAL


def rows_differ(piece: Piece) -> bool:
    """Whether, for generic weights, no two channels that go out are moved multiples of each other.

    So if each has a row of its own on at least two independent inputs of it: two taps, or two
    channels of the stack's input; or if they read different inputs.
    """
    if piece.goes_up:
        return False
    if piece.out == 1 or true_blocks(piece, left=True) == piece.out:
        return True
    at = mixer(piece, left=True)
    if at is None:
        return False
    (source,) = piece.nodes[at].inputs
    layer = piece.nodes[at].layer
    groups = piece.widths[source] if layer.kind == "dw" else int(layer.groups)
    taps = prod(map(int, layer.size)) if layer.size else 1
    return taps > 1 or (source == 0 and piece.channels // groups > 1)


def is_rarely_linear(stack: Stack) -> bool:
    """Whether the weights of affine members lie in a proper algebraic subset.

    One activation: an affine member has units that balance, so for some set B of channels with
    proportional functionals, moved by t_a, the sum over B of c_a z^(t_a), each with a sign and for
    homogeneous activations times |w_a|, is 0. If every channel has weights of its own, before or
    after the activation, that is a proper algebraic condition for each of the finitely many B, t
    and signs, or the w_a have equal squares, which is one too. If the functionals of generic
    weights differ, all c_a are 0.

    Several, with one channel each, none constant on an interval around a value it takes, the last
    bounded below: by `only_constants` F is constant; so some piece is 0, going back from the last
    one (a continuous function whose activation is constant is constant).
    """
    kinds = stack.kinds
    if any(kind in ACROSS_CHANNELS for kind in kinds):
        return False
    plain = is_plain(stack, len(kinds) - 1)
    if len(kinds) == 1:
        if not plain:
            return False
        if stack.first.out == 1 or rows_differ(stack.first):
            return True
        ends = (
            (side(stack.first, left=True), stack.first),
            (side(stack.last, left=False), stack.last),
        )
        own = any(
            piece.nodes[index].layer.kind in FREE for nodes, piece in ends for index in nodes or ()
        )
        return own and (FACTS[kinds[0]].biased or not stack.first.has_bias)
    lively = all(FACTS[kind].flat is None for kind in kinds) or (
        keeps_zero(stack) and all(FACTS[kind].flat in (None, -3) for kind in kinds)
    )
    return (
        plain
        and lively
        and all(piece.out == 1 for piece in stack.pieces[:-1])
        and FACTS[kinds[-1]].bounded_below
    )


def may_die(stack: Stack) -> bool:
    """Whether the members of an open set of weights are constant, those of another not affine.

    Two ReLUs (relu6) one after another: weights below 0 in the last layer with weights between
    them, and positive ones elsewhere, leave the second at 0 for every input. If all weights are
    positive, F is constant on inputs far below 0, and grows with inputs above.
    """
    return set(stack.kinds) <= _DYING and any(piece.is_free for piece in stack.pieces[1:-1])


def can_be_zero(stack: Stack) -> bool:
    """Whether some member maps everything to 0: a piece may be 0, and what follows keeps it."""
    return any(
        piece.is_free and all(kind in FACTS and FACTS[kind].zero for kind in stack.kinds[number:])
        for number, piece in enumerate(stack.pieces)
    )


def can_be_dead(maker: Stack, made: Stack) -> bool:
    """Whether `maker` has the constants that dead members of `made` are."""
    if not made.has_bias:
        return can_be_zero(maker)
    return not any(piece.goes_up for piece in made.pieces) and (
        maker.last.is_free and ends_in_bias(maker)
    )


MAX_FIT_WORK = 2_000_000


def fits(maker: Family, made: Family, *, aligned: bool) -> bool | None:
    """Whether all inputs that `made` sees, shifted somehow, are seen by `maker`; None if too large.

    Output by output and channel by channel; `aligned`: as they lie. Constants are left out.
    """
    if maker.rate != made.rate or maker.ambient + made.ambient > 20_000:
        return None
    if any(b != 1 for _, b in made.rate) and not aligned:
        return None  # shifts of the output would have to be tried, too
    seen, needed = (
        {(c.out, c.phase, c.source, c.exponent) for c in family.coordinates if c.exponent}
        for family in (maker, made)
    )
    if not needed:
        return None
    first = min(needed)
    moves = [
        tuple(a - b for a, b in zip(exponent, first[3], strict=True))
        for *row, exponent in seen
        if tuple(row) == first[:3]
    ]
    if aligned:
        moves = [(0,) * len(first[3])]
    if len(moves) * len(needed) > MAX_FIT_WORK:
        return None
    return any(
        all(
            (*row, tuple(a + b for a, b in zip(exponent, move, strict=True))) in seen
            for *row, exponent in needed
        )
        for move in moves
    )
