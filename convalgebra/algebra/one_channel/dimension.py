"""The dimension and the degree of what a one-channel chain can be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import factorial, lgamma, log, prod
from random import Random

from convalgebra.algebra.one_channel.chains import Chain, Factor
from convalgebra.errors import Defect

PRIME = 2**61 - 1
_MAX_ENTRIES = 400_000  # of the matrix whose rank is taken; more takes over half a second


@dataclass(frozen=True)
class Dimension:
    """The dimension of the image of a chain, with what proves it.

    `rank` is that of the Jacobian, `rows` weights by `columns` coefficients, at a random point mod
    `prime`: a lower bound for the dimension. None where the matrix is too large to be worth it.
    `idle` is how many weights the scales between the layers leave without effect: `weights - idle`
    is an upper bound. For one channel both always meet: see `dimension`.
    """

    value: int
    weights: int
    idle: int
    rank: int | None
    rows: int
    columns: int
    prime: int = PRIME


def dimension(chain: Chain, *, check: bool = True) -> Dimension:
    """The dimension of the set of merged kernels of a one-channel chain.

    It is `1 + sum (n_i - 1)` over the layers with n_i free taps, and 0 where there are none. Above:
    `K_i t` and `K_j / t` make the same product, so every layer but one has an idle scale. Below: a
    Laurent polynomial has finitely many factorizations up to units, so up to scales the product map
    has finite fibres and keeps the dimension. (Along a tangent that changes nothing,
    `sum_i g_i prod_(j != i) f_j = 0`; generic f_i have no common factor, so f_i divides g_i, which
    is no larger: `g_i = c_i f_i` with `sum c_i = 0`. That holds mod every prime as well, so the
    rank of the Jacobian at a random point confirms it, with `check`.)

    >>> from convalgebra.algebra.one_channel.chains import chain_of
    >>> from convalgebra.language import parse
    >>> found = dimension(chain_of(parse("2x2, 2x2")))
    >>> found.value, found.rank, found.idle
    (7, 7, 1)
    """
    idle = max(0, sum(factor.free for factor in chain.factors) - 1)
    value = chain.weights - idle
    rank = None
    if chain.is_kernel:
        rank = value  # the Jacobian is the identity
    elif check and chain.weights * value <= _MAX_ENTRIES:
        rank = _jacobian_rank(chain, value)
        if rank != value:
            raise Defect(f"the rank {rank} of {chain.text} contradicts its dimension {value}")
    return Dimension(value, chain.weights, idle, rank, chain.weights, chain.ambient)


def _jacobian_rank(chain: Chain, most: int) -> int:
    """The rank mod `PRIME` of the derivatives of all coefficients by all weights at random ones.

    The derivative by weight u of layer i is the polynomial `z^(d_i u)` times the other layers. The
    rank is taken of the values of these polynomials at `most` random places z: it is never more
    than that of their coefficients, and the same at almost all places if `most` is no less than it.
    (A minor of it has degree below 10^9 in weights and places: at random it is 0 less than once in
    10^9 times.)
    """
    from flint import nmod_mat

    random = Random(0)
    layers = [
        (factor, [random.randrange(1, PRIME) if factor.free else 1 for _ in factor.exponents()])
        for factor in chain.factors
    ]
    distinct = set(chain.factors)
    entries: list[int] = []
    for _ in range(most):
        place = [random.randrange(1, PRIME) for _ in range(chain.axes)]
        powers = {factor: _powers(factor, place) for factor in distinct}
        values = [
            sum(w * z for w, z in zip(weights, powers[factor], strict=True)) % PRIME
            for factor, weights in layers
        ]
        for (factor, _), others in zip(layers, _products_of_others(values), strict=True):
            if factor.free:
                entries += [others * z % PRIME for z in powers[factor]]
    return int(nmod_mat(most, chain.weights, entries, PRIME).rank()) if entries else 0


def _powers(factor: Factor, place: list[int]) -> list[int]:
    """The monomials of the taps at a place, mod p."""
    powers = [1]
    for z, (taps, step) in zip(place, factor.progressions, strict=True):
        along = [pow(z, step * tap, PRIME) for tap in range(taps)]
        powers = [one * two % PRIME for one in powers for two in along]
    return powers


def _products_of_others(values: list[int]) -> list[int]:
    """For every value the product of all the others, mod p.

    >>> _products_of_others([2, 3, 5])
    [15, 10, 6]
    """
    before, after = [1], [1]
    for left, right in zip(values, reversed(values), strict=True):
        before.append(before[-1] * left % PRIME)
        after.append(after[-1] * right % PRIME)
    pairs = zip(before[:-1], reversed(after[:-1]), strict=True)
    return [one * two % PRIME for one, two in pairs]


MAX_DIGITS = 4_000  # of a degree; Python writes no int of more than 4,300


def degree(chain: Chain) -> int | None:
    """The degree of the closure of the image, as a variety in projective space.

    `multinomial(sum(n_i - 1); n_i - 1) / f`: the degree of a Segre variety over the number f of
    ordered factorizations of a generic member up to scale. (No product of layers is 0, so the map
    from the Segre variety has no base points.) A generic member has full extent, so the layers of
    another factorization are filled without room to spare. Then, from the largest down, the layers
    with several axes each hold one irreducible factor of their own extent, and lattice, so they can
    only be exchanged; and of layers along one axis, from the coarsest lattice down, each takes its
    fill of the roots that come from its own lattice, shared out in any way.

    None where it has more than `MAX_DIGITS` digits.

    >>> from convalgebra.algebra.one_channel.chains import chain_of
    >>> from convalgebra.language import parse
    >>> degree(chain_of(parse("2x2, 2x2"))), degree(chain_of(parse("3x1, 1x3")))
    (10, 6)
    """
    free = [factor for factor in chain.factors if factor.free]
    segre = [factor.weights - 1 for factor in free]
    exchanged = Counter(factor for factor in free if len(factor.axes) > 1)
    shared = [[1] * count for count in exchanged.values()]
    lines: dict[tuple[int, int], list[int]] = {}
    for factor in free:
        if len(factor.axes) == 1:
            (axis,) = factor.axes
            lines.setdefault((axis, factor.dilation[axis]), []).append(factor.taps[axis] - 1)
    shared += lines.values()
    if _digits(segre) - sum(map(_digits, shared)) > MAX_DIGITS:
        return None
    return _multinomial(segre) // prod(map(_multinomial, shared))


def _multinomial(parts: list[int]) -> int:
    return factorial(sum(parts)) // prod(map(factorial, parts))


def _digits(parts: list[int]) -> float:
    """The digits of their multinomial coefficient, to a fraction of one."""
    return (lgamma(sum(parts) + 1) - sum(lgamma(part + 1) for part in parts)) / log(10)
