"""Linear maps that do not fit through the channels at an activation.

*Rank.* Let F be an affine member of a stack with activations, of h channels at one of them, s steps
of the input apart, S those of the output. On inputs of a period N (a multiple of S, on every axis)
F is a locally Lipschitz function of the h (N/s)^axes numbers at the activation; such a function
does not raise the (Hausdorff) dimension, so the linear part of F, on these inputs, has at most that
rank. Seen as a matrix of polynomials over the phases of S, of rank r, it has the rank r at all but
O(N^(axes-1)) of the (N/S)^axes points whose coordinates are roots of unity, hence the rank
r (N/S)^axes up to O(N^(axes-1)). So r <= h (S/s)^axes. No activation helps, and no bias.

A linear family with members of larger rank has them everywhere outside the zeros of some minors.
"""

from __future__ import annotations

from math import gcd, prod

from convalgebra.algebra.activations.pieces import Piece, Stack, merged
from convalgebra.algebra.activations.widths import keeps_apart


def bottleneck(maker: Stack, made: Stack) -> str | None:
    """Why almost all of a linear family does not fit through some activation, or None.

    >>> from convalgebra.algebra.activations.pieces import cut
    >>> from convalgebra.language import parse
    >>> maker = cut(parse("1x1@8, tanh, 3x3@4, relu, 1x1@16"), 16)
    >>> bottleneck(maker, cut(parse("3x3@16"), 16))
    'only linear maps of rank 4 at most pass the relu, and almost all of 3x3@16 have rank 16'
    """
    rank = generic_rank(made.first)
    if rank is None or any(piece.goes_up for piece in maker.pieces):
        return None
    total = prod(made.first.family.total_stride)
    rooms = []
    for seam, kind in enumerate(maker.kinds):
        before = merged(maker.pieces[: seam + 1])
        stride = 1 if before.is_empty else prod(before.family.total_stride)
        rooms.append((int(before.out * total / stride), kind))
    room, kind = min(rooms)
    if room >= rank:
        return None
    return (
        f"only linear maps of rank {room:,} at most pass the {kind}, and almost all of "
        f"{made.text} have rank {rank:,}"
    )


def generic_rank(piece: Piece) -> int | None:
    """The rank of almost every member, as a matrix of polynomials; None if it cannot be told.

    At stride 1, of layers with all weights free or that keep channels apart: at a generic point the
    matrices are generic ones, and invertible diagonal ones. For one layer with a stride the taps of
    every phase that it sees are a matrix of their own.

    >>> from convalgebra.algebra.activations.pieces import cut
    >>> from convalgebra.language import parse
    >>> [generic_rank(cut(parse(t), 4).first) for t in ("3@8, 1@9", "2s3@16", "3s2@5", "(3 + id)")]
    [4, 8, 5, None]
    """
    if not piece.is_chain or piece.goes_up or piece.is_empty:
        return None
    mixing = [index for index in range(1, len(piece.nodes)) if not keeps_apart(piece, index)]
    layers = [piece.nodes[index].layer for index in mixing]
    if any(layer.kind not in ("conv", "linear") or layer.groups != 1 for layer in layers):
        return None
    if prod(piece.family.total_stride) == 1:
        return min(piece.widths)
    if len(piece.nodes) > 2 or not layers:
        return None
    (layer,) = layers
    phases = prod(
        min(int(k), int(s) // gcd(int(s), int(d)))
        for k, s, d in zip(layer.size, layer.stride, layer.dilation, strict=True)
    )
    return min(piece.channels * phases, piece.out)
