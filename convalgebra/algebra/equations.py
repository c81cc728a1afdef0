"""The system that says that a kernel equals a merged chain: one equation for each tap."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

from convalgebra.algebra.chains import Chain, Exponent
from convalgebra.letters import layer_letter, tap_name

MAX_TERMS = 20_000  # products of weights written out; 5 * (3x3) has 59,049


@dataclass(frozen=True)
class Equation:
    """`left = sum of products`. `left` is a weight of the kernel, or "" for 0 where it has no tap."""

    left: str
    terms: tuple[tuple[str, ...], ...]


def count_terms(chain: Chain) -> int:
    """The number of products of weights in the whole system: one for each choice of taps."""
    return prod(len(factor.exponents()) for factor in chain.factors)


def fixed_scale(chain: Chain) -> int:
    """What the kernel is multiplied by in the equations: the taps of the averages in the chain."""
    return prod(prod(factor.taps) for factor in chain.factors if not factor.free)


def equations(kernel: Chain, chain: Chain, offset: Exponent) -> tuple[Equation, ...] | None:
    """The equations `a = sum b c ..`, tap by tap, the chain's merged kernel shifted by `offset`.

    None where there are more than `MAX_TERMS` products. A tap of either side that the other lacks
    gives an equation with 0. With averages in the chain the kernel is scaled: see `fixed_scale`.

    >>> from convalgebra.algebra.chains import chain_of
    >>> from convalgebra.language import parse
    >>> system = equations(chain_of(parse("3")), chain_of(parse("2,2")), (0,))
    >>> [(e.left, e.terms) for e in system][1]
    ('a1', (('b0', 'c1'), ('b1', 'c0')))
    """
    if count_terms(chain) > MAX_TERMS:
        return None
    merged: dict[Exponent, list[tuple[str, ...]]] = {offset: [()]}
    for number, factor in enumerate(chain.factors, 1):
        letter = layer_letter(number)
        grown: dict[Exponent, list[tuple[str, ...]]] = {}
        for tap, step in _taps(factor.taps, factor.exponents()):
            name = (tap_name(letter, tap, factor.taps),) if factor.free else ()
            for place, terms in merged.items():
                target = tuple(a + b for a, b in zip(place, step, strict=True))
                grown.setdefault(target, []).extend([(*term, *name) for term in terms])
        merged = grown
    single = kernel.factors[0]
    names = {
        step: tap_name(layer_letter(0), tap, single.taps)
        for tap, step in _taps(single.taps, single.exponents())
    }
    places = sorted(names.keys() | merged.keys())
    return tuple(
        Equation(names.get(place, ""), tuple(sorted(merged.get(place, [])))) for place in places
    )


def _taps(taps: tuple[int, ...], exponents: list[Exponent]) -> list[tuple[Exponent, Exponent]]:
    """Each tap by its place in the kernel and by its exponent."""
    return list(zip(product(*map(range, taps)), exponents, strict=True))
