"""What a stack reproduces of one with activations."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Literal

from convalgebra.algebra.activations.facts import ACROSS_CHANNELS, FACTS
from convalgebra.algebra.activations.linear_pieces import (
    STRENGTH,
    PieceAnswers,
    family,
    sees_less,
    thin,
    unknown,
    with_witness,
    without_padding,
)
from convalgebra.algebra.activations.pieces import Piece, Stack
from convalgebra.algebra.activations.structure import (
    can_be_dead,
    is_plain,
    is_rarely_linear,
    may_die,
    misses_constants,
    rows_differ,
)
from convalgebra.algebra.activations.widths import narrowed, with_widths
from convalgebra.algebra.answers import COMPLEX, Answer, Reach
from convalgebra.algebra.operators import Rate

MAX_OFFSETS = 1_000
Field = Literal["real", "rational"]


def reach_of_activated(answers: PieceAnswers, maker: Stack, made: Stack) -> Reach:
    """What a stack, with activations or without, reproduces of one with activations.

    All of it layer by layer; almost nothing where a generic member has a unit that the maker has
    not; and what is the same because nothing comes through.
    """
    found = _reach(answers, maker, made)
    if maker.kinds or found.real not in ("thin", "part"):
        return found
    return with_witness(found, made.network(), made.text, made.first.channels, made.first.axes)


def _reach(answers: PieceAnswers, maker: Stack, made: Stack) -> Reach:
    layerwise = _layer_by_layer(answers, maker, made)
    if layerwise.real == "all":
        return layerwise
    reason = _why_thin(answers, maker, made)
    if reason is not None:
        return thin(reason)
    if STRENGTH[layerwise.real] > 0:
        over_q = _why_thin(answers, maker, made, "rational")
        return layerwise if over_q is None else replace(layerwise, rational="thin")
    if may_die(made) and can_be_dead(maker, made):
        what = "constant" if made.has_bias else "0"
        notes: tuple[str, ...] = (
            f"nothing more is proved than that {maker.text} reproduces members that are {what}",
            "over the rationals this open set is no answer",
            COMPLEX,
        )
        if not maker.kinds:
            notes = (
                "not almost all: where all weights are positive it is not linear, an open set too",
                *notes,
            )
        return Reach(
            "part",
            "unknown",
            "unknown",
            f"for an open set of weights {made.text} is {what}: with negative ones before a "
            f"later {made.kinds[-1]} nothing comes through",
            notes=notes,
        )
    if layerwise.reason:
        return layerwise
    if not maker.kinds:
        return unknown(f"which members of {made.text} are linear is not decided")
    return unknown(
        f"whether activations {_listed(maker)} can make up for {_listed(made)} is not decided"
    )


def _listed(stack: Stack) -> str:
    """The activations with their channels: relu@8, tanh@4."""
    pieces = zip(stack.kinds, stack.pieces, strict=False)
    return ", ".join(f"{kind}@{piece.out}" for kind, piece in pieces)


def _layer_by_layer(answers: PieceAnswers, maker: Stack, made: Stack) -> Reach:
    """Every piece of the maker makes the piece of the other, with as many channels or more.

    Channels to spare get zero rows and columns. A value that is moved stays moved behind an
    activation, so the moves of the pieces add up, times the strides before them. This is true
    of any function in place of the activations, over any field.
    """
    if maker.kinds != made.kinds or any(
        # A softmax sees channels to spare, even if they are 0.
        two.out > one.out or (two.out < one.out and kind in ACROSS_CHANNELS)
        for kind, one, two in zip(made.kinds, maker.pieces, made.pieces, strict=False)
    ):
        return unknown("")
    pieces = with_widths(maker, [piece.out for piece in made.pieces[:-1]])
    if pieces is None:
        return unknown("the channels at the activations do not correspond to one another")
    moves, found = [], []
    for one, two in zip(pieces, made.pieces, strict=True):
        (one, pad), (two, other) = without_padding(one), without_padding(two)
        moves.append(tuple(b - a for a, b in zip(pad, other, strict=True)))
        found.append(answers.anywhere.piece(one, two))
        if found[-1].real in ("thin", "unknown"):
            return unknown(f"one of the layers of {maker.text} does not make its counterpart")
    weakest = min((reach.real for reach in found), key=STRENGTH.__getitem__)
    exact: list[Answer] = ["unknown", "unknown"]
    for at, each in enumerate(([r.complex for r in found], [r.rational for r in found])):
        least = min(each, key=STRENGTH.__getitem__)
        exact[at] = least if least in ("all", "dense") else "unknown"
    places: list[Shift] = []
    zero = (0,) * maker.first.axes
    if weakest == "all":
        places = _added_up(pieces, made, moves, found)
        if answers.aligned:
            places = [(zero, zero)] if (zero, zero) in places else []
        if not places:
            return unknown("layer by layer they agree, but at places that do not fit together")
    elif answers.aligned or any(piece.goes_up for piece in (*pieces, *made.pieces)):
        return unknown("at which places the layers agree is decided for all weights only")
    first = [family(stack).offset for stack in (maker, made)]
    return Reach(
        weakest,
        exact[0],
        exact[1],
        "layer by layer it makes what stands between the activations",
        tuple(tuple(t - a + b for t, a, b in zip(m, *first, strict=True)) for m, _ in places),
        codimension=0 if weakest == "all" else None,
        outputs=tuple(n for _, n in places) if any(any(n) for _, n in places) else (),
    )


def _why_thin(answers: PieceAnswers, maker: Stack, made: Stack, over: Field = "real") -> str | None:
    """Why almost no member of a stack with activations is made, or None.

    By the ridge lemma every unit of a generic member of `made` whose functional is not
    proportional to another one of it must be proportional to a unit of the maker.
    """
    if not maker.kinds and is_rarely_linear(made):
        return f"almost no member of {made.text} is linear"
    if misses_constants(maker, made):
        return f"all that {maker.text} makes maps 0 to 0, and the last bias of {made.text} does not"
    one = len(made.kinds) == 1 and made.kinds[0] in FACTS and is_plain(made, 0)
    if not one or not rows_differ(made.first):
        return None
    if sees_less(maker, made, aligned=answers.aligned):
        return f"some inputs of {made.text} are not seen by {maker.text}"
    if len(maker.kinds) != 1 or maker.kinds[0] in ACROSS_CHANNELS or not is_plain(maker, 0):
        return None
    mine, theirs = maker.first.out, made.first.out
    if theirs > mine:
        return (
            f"almost every member of {made.text} has {theirs} different units at the "
            f"{made.kinds[0]}, {maker.text} only {mine}"
        )
    before = _one_channel(answers, maker.first, made.first, over, left=True)
    if before is not None:
        return f"before its {maker.kinds[0]} it does not make what the other one has: {before}"
    if theirs == mine:
        after = _one_channel(answers, maker.last, made.last, over, left=False)
        if after is not None:
            return f"after its {maker.kinds[0]} it does not make what the other has: {after}"
    return None


def _one_channel(
    answers: PieceAnswers, maker: Piece, made: Piece, over: Field, *, left: bool
) -> str | None:
    """Why one row (left) or column of the one piece is almost never one of the other."""
    rows = []
    for piece in (maker, made):
        ends = (piece.channels, 1) if left else (1, piece.out)
        row = narrowed(piece.without_bias(), *ends)
        if row is None:
            return None
        rows.append(row)
    if not rows[0].is_free or rows[0].is_empty or rows[1].is_empty:
        return None
    found = answers.anywhere.piece(without_padding(rows[0])[0], without_padding(rows[1])[0])
    return found.reason if getattr(found, over) == "thin" else None


Shift = tuple[tuple[int, ...], tuple[int, ...]]  # of the input and of the output


def _added_up(
    pieces: tuple[Piece, ...], made: Stack, moves: list[tuple[int, ...]], found: list[Reach]
) -> list[Shift]:
    """The shifts that all pieces together are moved by; at most `MAX_OFFSETS`.

    From the last piece to the first. A piece with b outputs for every a inputs turns a shift of b
    behind it into one of a before it, and the other way round: what cannot go to the input goes to
    the output, if it can.
    """
    zero = (0,) * pieces[0].axes
    total: set[Shift] = {(zero, zero)}
    behind: list[Rate] = []  # of the pieces that were looked at, the last one first
    for one, two, move, reach in reversed(
        list(zip(pieces, made.pieces, moves, found, strict=True)),
    ):
        bare = [without_padding(piece)[0] for piece in (one, two)]
        first, second = (zero if piece.is_empty else piece.family.offset for piece in bare)
        rates = [piece.family.rate for piece in bare if not piece.is_empty]
        rate = min(rates, key=_outputs) if rates else ((1, 1),) * len(zero)
        along = list(zip(first, second, move, strict=True))
        sums: set[Shift] = set()
        outputs = reach.outputs or (zero,) * len(reach.offsets)
        for shift, output in zip(reach.offsets, outputs, strict=True):
            own = tuple(t + a - b + m for t, (a, b, m) in zip(shift, along, strict=True))
            for carried, end in total:
                waiting: tuple[int, ...] | None = _sum(carried, output)
                before = _through(_sum(carried, output), tuple((b, a) for a, b in rate))
                if before is None:
                    before = zero
                    for later in reversed(behind):
                        waiting = waiting and _through(waiting, later)
                    if waiting is None:
                        continue
                    end = _sum(end, waiting)
                sums.add((_sum(own, before), end))
        total = set(sorted(sums)[:MAX_OFFSETS])
        behind.append(rate)
    whole = family(made).rate  # a shift of b of its output is one of a of its input
    periods = [[n // b for n, (_, b) in zip(end, whole, strict=True)] for _, end in total]
    listed = {
        (
            tuple(m + a * times for m, times, (a, _) in zip(start, counts, whole, strict=True)),
            tuple(n - b * times for n, times, (_, b) in zip(end, counts, whole, strict=True)),
        )
        for (start, end), counts in zip(total, periods, strict=True)
    }
    return sorted(listed, key=lambda shift: (shift[1], shift[0]))


def _sum(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(one, two, strict=True)))


def _through(shift: tuple[int, ...], rate: Rate) -> tuple[int, ...] | None:
    """A shift of (multiples of) a as one of b, along each axis; None for what is no multiple."""
    if any(t % a for t, (a, _) in zip(shift, rate, strict=True)):
        return None
    return tuple(t // a * b for t, (a, b) in zip(shift, rate, strict=True))


def _outputs(rate: Rate) -> int:
    return prod(b for _, b in rate)
