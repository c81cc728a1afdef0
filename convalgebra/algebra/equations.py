"""The system that says that a kernel equals a merged chain: one equation for each tap."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

from convalgebra.algebra.one_channel.chains import Chain, Exponent
from convalgebra.letters import layer_letter, tap_name

MAX_TERMS = 20_000  # products of weights, or equations, written out; 5 * (3x3) has 59,049


@dataclass(frozen=True)
class Equation:
    """`scale * left = sum of products`.

    `left` is a weight of the kernel, or "" for 0 where the kernel has no tap. `scale` is 1 unless
    averages are in the chain: it is the number of their taps, so that all terms have coefficient 1.
    """

    left: str
    terms: tuple[tuple[str, ...], ...]
    scale: int = 1

    def __str__(self) -> str:
        from convalgebra.render.equation_text import equation_text

        return equation_text(self)


def count_terms(chain: Chain) -> int:
    """The number of products of weights in the whole system: one for each choice of taps."""
    return prod(prod(factor.taps) for factor in chain.factors)


def equations(kernel: Chain, chain: Chain, offset: Exponent) -> tuple[Equation, ...] | None:
    """The equations `a = sum b c ..`, tap by tap, the chain's merged kernel shifted by `offset`.

    None where there are more than `MAX_TERMS` products or equations. A tap of either side that the
    other lacks gives an equation with 0.

    >>> from convalgebra.algebra.one_channel.chains import chain_of
    >>> from convalgebra.language import parse
    >>> system = equations(chain_of(parse("3")), chain_of(parse("2,2")), (0,))
    >>> [(e.left, e.terms) for e in system][1]
    ('a1', (('b0', 'c1'), ('b1', 'c0')))
    """
    if max(count_terms(chain), kernel.ambient) > MAX_TERMS:
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
    scale = prod(prod(factor.taps) for factor in chain.factors if not factor.free)
    return tuple(
        Equation(names.get(place, ""), tuple(sorted(merged.get(place, []))), scale)
        for place in sorted(names.keys() | merged.keys())
    )


def _taps(taps: tuple[int, ...], exponents: list[Exponent]) -> list[tuple[Exponent, Exponent]]:
    """Each tap by its place in the kernel and by its exponent."""
    return list(zip(product(*map(range, taps)), exponents, strict=True))
