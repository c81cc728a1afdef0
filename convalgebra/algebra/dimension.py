"""The dimension and the degree of what a one-channel chain can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import factorial, prod
from random import Random

from convalgebra.algebra.chains import Chain, Factor

PRIME = 2**31 - 1
_MAX_ENTRIES = 6_000_000  # of the Jacobian: past it the rank takes seconds and is left out


@dataclass(frozen=True)
class Dimension:
    """The dimension of the image of a chain, with what proves it.

    `rank` is that of the Jacobian, `rows` weights by `columns` coefficients, at a random point mod
    `prime`: a lower bound for the dimension. None where the matrix is too large to be worth it.
    `idle` is how many weights the scales between the layers leave without effect: `weights - idle` is
    an upper bound. For one channel both always meet: see `dimension`.
    """

    value: int
    weights: int
    idle: int
    rank: int | None
    rows: int
    columns: int
    prime: int = PRIME


def dimension(chain: Chain) -> Dimension:
    """The dimension of the set of merged kernels of a one-channel chain.

    It is `1 + sum (n_i - 1)` over the layers with n_i free taps. Above: `K_i t` and `K_j / t` make the
    same product, so every layer but one has an idle scale. Below: a Laurent polynomial has finitely
    many factorizations up to units, so up to scales the product map has finite fibres and keeps the
    dimension. The rank of the Jacobian at a point mod p confirms it independently.

    >>> from convalgebra.algebra.chains import chain_of
    >>> from convalgebra.language import parse
    >>> found = dimension(chain_of(parse("2x2, 2x2")))
    >>> found.value, found.rank, found.idle
    (7, 7, 1)
    """
    free = [factor for factor in chain.factors if factor.free]
    idle = max(0, len(free) - 1)
    value = chain.weights - idle
    columns = chain.ambient
    rank = None
    if chain.weights * prod(chain.receptive_field) <= _MAX_ENTRIES:
        rank = _jacobian_rank(chain)
        # At a random point mod 2^31 - 1 the rank falls short with probability below 10^-4; again then.
        for seed in range(1, 4):
            if rank == value:
                break
            rank = max(rank, _jacobian_rank(chain, seed))
        assert rank == value, f"the rank {rank} of {chain.text} contradicts its dimension {value}"
    return Dimension(value, chain.weights, idle, rank, chain.weights, columns)


def _jacobian_rank(chain: Chain, seed: int = 0) -> int:
    """The rank mod p, at a random point, of the derivatives of all coefficients by all weights.

    The derivative by weight u of layer i is `z^(d_i u)` times the product of the other layers. A
    polynomial in several variables is packed into one: z_a stands for z^(step_a), with steps wide
    enough that nothing overlaps (Kronecker).
    """
    from flint import nmod_mat, nmod_poly

    random = Random(seed)
    steps = [1] * chain.axes
    for axis in range(chain.axes - 2, -1, -1):
        steps[axis] = steps[axis + 1] * chain.receptive_field[axis + 1]
    length = prod(chain.receptive_field)

    def packed(factor: Factor) -> list[int]:
        return [
            sum(e * s for e, s in zip(exponent, steps, strict=True))
            for exponent in factor.exponents()
        ]

    places = [packed(factor) for factor in chain.factors]
    polynomials = []
    for factor, where in zip(chain.factors, places, strict=True):
        coefficients = [0] * (where[-1] + 1)
        for place in where:
            coefficients[place] = random.randrange(1, PRIME) if factor.free else 1
        polynomials.append(nmod_poly(coefficients, PRIME))
    one = nmod_poly([1], PRIME)
    before, after = [one], [one]
    for left, right in zip(polynomials, reversed(polynomials), strict=True):
        before.append(before[-1] * left)
        after.append(after[-1] * right)
    after.reverse()
    entries: list[int] = []
    for index, (factor, where) in enumerate(zip(chain.factors, places, strict=True)):
        if not factor.free:
            continue
        others = [int(c) for c in (before[index] * after[index + 1]).coeffs()]
        for place in where:
            row = [0] * place + others
            entries += row + [0] * (length - len(row))
    return int(nmod_mat(chain.weights, length, entries, PRIME).rank()) if entries else 0


def degree(chain: Chain) -> int:
    """The degree of the closure of the image, as a variety in projective space.

    `multinomial(sum(n_i - 1); n_i - 1) / f`: the degree of a Segre variety over the number f of ordered
    factorizations of a generic member up to scale. Layers of equal shape can be exchanged; layers that
    have the same one axis (and lattice) can share out their roots in any way.

    >>> from convalgebra.algebra.chains import chain_of
    >>> from convalgebra.language import parse
    >>> degree(chain_of(parse("2x2, 2x2"))), degree(chain_of(parse("3x1, 1x3")))
    (10, 6)
    """
    free = [factor for factor in chain.factors if factor.free]
    segre = _multinomial(factor.weights - 1 for factor in free)
    exchanged = Counter(f for f in free if len(f.axes) > 1)
    fibre = prod(map(factorial, exchanged.values()))
    lines: dict[tuple[int, int], list[int]] = {}
    for factor in free:
        if len(factor.axes) == 1:
            (axis,) = factor.axes
            lines.setdefault((axis, factor.dilation[axis]), []).append(factor.taps[axis] - 1)
    return segre // (fibre * prod(map(_multinomial, lines.values())))


def _multinomial(parts: Iterable[int]) -> int:
    parts = list(parts)
    return factorial(sum(parts)) // prod(map(factorial, parts))
