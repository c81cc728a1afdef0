"""What a stack with activations reproduces of a linear one."""

from __future__ import annotations

from typing import Any

from convalgebra.algebra.activations.bottlenecks import bottleneck
from convalgebra.algebra.activations.doubling import (
    identity_filters,
    in_pairs,
    pairs_text,
    undone,
)
from convalgebra.algebra.activations.linear_pieces import (
    STRENGTH,
    PieceAnswers,
    sees_less,
    thin,
    unknown,
)
from convalgebra.algebra.activations.pieces import Piece, Stack, joined, merged
from convalgebra.algebra.activations.structure import (
    halving_is_exact,
    keeps_zero,
    misses_constants,
    only_constants,
)
from convalgebra.algebra.answers import COMPLEX, Reach
from convalgebra.algebra.plan import stack_text


def reach_of_linear(answers: PieceAnswers, maker: Stack, made: Stack) -> Reach:
    """What a stack with activations reproduces of a stack without.

    Either its linear members are constants, or they are those of the halved stack (one activation),
    or the halved stack says what it reproduces at least.
    """
    constants = "only 0" if keeps_zero(maker) else "only constants"
    why = only_constants(maker)
    if why is not None:
        return thin(f"{constants} can be both linear and made by {maker.text}: {why}")
    small = undone(maker)
    if small is not None:
        found = answers.piece(merged(small), made.first)
        if STRENGTH[found.real] > 0 or halving_is_exact(maker, made.first):
            return _from_half(maker, made.first, small, found)
    if misses_constants(maker, made):
        return thin(
            f"all that {maker.text} makes maps 0 to 0, and the bias of {made.text} does not"
        )
    if sees_less(maker, made, aligned=answers.aligned):
        return thin(f"some inputs of {made.text} are not seen by {maker.text}")
    narrow = bottleneck(maker, made)
    if narrow is not None:
        return thin(narrow)
    if len(maker.kinds) == 1:
        return unknown(
            f"which linear maps {maker.text} contains is not decided for its channels at the "
            f"{maker.kinds[0]}"
        )
    return unknown(f"which linear maps {maker.text} contains is not decided")


def _from_half(maker: Stack, made: Piece, small: tuple[Piece, ...], found: Reach) -> Reach:
    """The answer from that of the halved stack."""
    text = stack_text(joined(small, ()))
    kinds = " and ".join(dict.fromkeys(maker.kinds))
    exact = halving_is_exact(maker, made)
    how = "exactly the linear maps of" if exact else "all linear maps of"
    notes = [
        f"{pairs_text(maker)} {maker.text} contains {how} {text}",
        *found.notes,
    ]
    claims: list[dict[str, Any]] = []
    if set(maker.kinds) == {"relu"} and not maker.idle:
        claims = [
            in_pairs(maker, small, claim) if claim["claim"] == "reproduces" else dict(claim)
            for claim in (*_identity_claims(merged(small), made), *found.claims)
            if claim["claim"] in ("reproduces", "two_products")
        ][:1]
    rational = found.rational
    if not exact and rational == "thin":
        rational = "unknown"
    reason = f"its linear maps are those of {text}: {found.reason}"
    if found.real != "thin":
        reason = f"pairs of channels undo the {kinds}; then as for {text}: {found.reason}"
    return Reach(
        found.real,
        "unknown",
        rational,
        reason,
        found.offsets,
        witnesses=found.witnesses if exact else (),
        codimension=found.codimension if exact or found.real == "all" else None,
        degree=found.degree if exact or found.real == "all" else None,
        notes=(*notes, COMPLEX),
        claims=tuple(claims),
    )


def _identity_claims(small: Piece, made: Piece) -> list[dict[str, Any]]:
    """The claim that a stack reproduces itself."""
    if small != made:
        return []
    return [
        {
            "claim": "reproduces",
            "maker": "maker",
            "offset": [0] * made.axes,
            "filters": identity_filters(made.family.weights),
        }
    ]
