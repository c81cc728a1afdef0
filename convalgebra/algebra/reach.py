"""Which kernels a chain can make: `all`, `part`, `thin` or `unknown`, per field, with the reason.

One channel, so that Laurent polynomials factor uniquely: containment of chains is packing. A generic
kernel whose taps lie on no line is irreducible over C, dilated or not; it is made iff one layer holds all
of it, the others being single taps. A kernel along one axis is a product of its roots: over C every
root apart, over R real roots and conjugate pairs, over Q (generically) nothing at all. The image of a
one-channel chain is closed over R and C, so what holds for almost all members holds for all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Literal

from convalgebra.algebra import witness as witnesses
from convalgebra.algebra.chains import Chain, Exponent, Factor
from convalgebra.algebra.witness import Witness

Answer = Literal["all", "dense", "part", "thin", "unknown"]


@dataclass(frozen=True)
class Reach:
    """How much of one family another one contains, per field.

    `offsets` are the places that work for all members at once (empty unless some answer is `all`).
    `least_real_roots` is set along one axis: over R exactly the kernels with at least so many real
    roots, with multiplicity and counted at 0 and infinity too, are made.
    """

    real: Answer
    complex: Answer
    rational: Answer
    reason: str
    offsets: tuple[Exponent, ...] = ()
    least_real_roots: int | None = None
    witnesses: tuple[Witness, ...] = field(default=())

    @property
    def everywhere(self) -> Answer | None:
        """The answer, where it is the same over R, C and Q; else None."""
        return self.real if self.real == self.complex == self.rational else None


def _same(answer: Answer, reason: str, *found: Witness, offsets: tuple[Exponent, ...] = ()) -> Reach:
    return Reach(answer, answer, answer, reason, offsets, None, found)


def kernel_makes(kernel: Chain, chain: Chain) -> Reach:
    """Whether a single dense kernel reproduces a chain: iff it covers the merged kernel's taps.

    The coefficients of the merged kernel are polynomials in the chain's weights; they are the taps.
    """
    offsets = _places(chain.support, kernel.factors[0])
    offsets = _with_padding(offsets, kernel, chain)
    size = "x".join(map(str, kernel.factors[0].taps))
    if offsets:
        return _same("all", f"its taps cover the merged kernel of {chain.text}", offsets=offsets)
    return _same("thin", f"{chain.text} has taps that {size} does not cover")


def _places(support: frozenset[Exponent], holder: Factor) -> tuple[Exponent, ...]:
    """The shifts t for which `support + t` lies on the taps of `holder`."""
    taps = frozenset(holder.exponents())
    low = tuple(map(min, zip(*support, strict=True)))
    high = tuple(map(max, zip(*support, strict=True)))
    ranges = [
        range(-least, last - most + 1)
        for least, most, last in zip(low, high, holder.degree, strict=True)
    ]
    return tuple(
        shift
        for shift in product(*ranges)
        if all(tuple(map(sum, zip(e, shift, strict=True))) in taps for e in support)
    )


def _with_padding(
    offsets: tuple[Exponent, ...], holder: Chain, held: Chain
) -> tuple[Exponent, ...]:
    """The offsets that agree with the padding, where both sides write one."""
    if not (holder.padded and held.padded):
        return offsets
    fixed = tuple(b - a for a, b in zip(holder.offset, held.offset, strict=True))
    return tuple(offset for offset in offsets if offset == fixed)


def chain_makes(chain: Chain, kernel: Chain) -> Reach:
    """Whether a chain of one-channel layers reproduces a single dense kernel."""
    target = kernel.factors[0]
    layers = chain.factors
    fixed = [layer for layer in layers if not layer.free and layer.axes]
    for axis in range(kernel.axes):
        if target.degree[axis] > chain.receptive_field[axis] - 1:
            reach = chain.receptive_field[axis] - 1
            reason = "its receptive field is too small"
            return _same("thin", reason, witnesses.wide_kernel(target, axis, reach))
    if fixed:
        return _divisible(target, fixed[0])
    if len(target.axes) > 1:
        answer = _by_whole(chain, kernel)
        if answer is not None:
            return answer
        found = witnesses.irreducible_kernel(target, layers)
        return _same("thin", "almost every kernel is irreducible (no product of smaller ones), and no layer holds it whole", found)
    whole = _by_whole(chain, kernel)
    if whole is not None:
        return whole
    return _on_a_line(chain, kernel)


def _divisible(target: Factor, fixed: Factor) -> Reach:
    size = "x".join(map(str, fixed.taps))
    reason = f"all that is made is divisible by the fixed {size} average"
    if len(target.axes) > 1:
        return _same("thin", reason, witnesses.irreducible_kernel(target, (fixed,)))
    return _same("thin", reason)


def _by_whole(chain: Chain, kernel: Chain) -> Reach | None:
    """`all`, where one layer holds the whole kernel and the others can be single taps."""
    target = kernel.factors[0]
    support = frozenset(target.exponents())
    offsets: set[Exponent] = set()
    for index, layer in enumerate(chain.factors):
        places = _places(support, layer)
        if not places:
            continue
        others: set[Exponent] = set(places)
        for other in chain.factors[:index] + chain.factors[index + 1 :]:
            steps = other.exponents()
            others = {tuple(map(sum, zip(a, b, strict=True))) for a in others for b in steps}
        offsets |= others
    if not offsets:
        return None
    fitting = _with_padding(tuple(sorted(offsets)), chain, kernel)
    if not fitting:
        return _same("thin", "the padding puts it at a place that the stack does not reach")
    return _same("all", "one layer holds the kernel, the others are single taps", offsets=fitting)


def _on_a_line(chain: Chain, kernel: Chain) -> Reach:
    """A kernel along one axis, its roots shared out among the layers that can take them.

    A layer in powers of z^d takes roots in cycles under the d-th roots of unity; those of a generic
    f(z^e) come in e-cycles and no others, so it takes some only if d divides e. Written in w = z^d, a
    generic real f(w^m), m = e/d, of n e-cycles has at least `n m mod 2` real roots (m odd) or none (m even),
    at most n or 2n, and every pattern between occurs on an open set. All patterns fit iff the worst,
    with the most pairs, fits; a pair needs two places in one layer.
    """
    target = kernel.factors[0]
    (axis,) = target.axes
    step, count = target.dilation[axis], target.taps[axis] - 1
    usable = [f for f in chain.factors if axis in f.axes and step % f.dilation[axis] == 0]
    spans = sum(layer.degree[axis] for layer in usable)
    if spans < step * count:
        reason = "the layers that can take its roots are too short"
        return _same("thin", reason, witnesses.interleaved_kernel(target, axis, spans))
    not_over_q = witnesses.kernel_irreducible_over_rationals(target, axis)
    lattices = {layer.dilation[axis] for layer in usable}
    if len(lattices) > 1:
        reason = "the layers lie on several lattices, and how roots pack into them is not decided"
        return Reach("unknown", "unknown", "thin", reason, (), None, (not_over_q,))
    (lattice,) = lattices
    places = [layer.taps[axis] - 1 for layer in usable]
    pairs_held = sum(places_of // 2 for places_of in places)
    multiple = step // lattice
    degree = multiple * count
    most_real = count if multiple % 2 else 2 * count
    least_real = degree % 2 if multiple % 2 else 0
    offsets = _line_offsets(chain, kernel, usable)
    if (degree - least_real) // 2 <= pairs_held:
        reason = "its roots can be shared out among the layers, conjugate pairs together"
        return Reach("all", "all", "thin", reason, offsets, None, (not_over_q,))
    needed = degree - 2 * pairs_held
    not_over_r = witnesses.kernel_with_few_real_roots(target, axis, needed)
    reason = "a conjugate pair of roots needs two places in one layer"
    real: Answer = "part" if needed <= most_real else "thin"
    return Reach(real, "all", "thin", reason, offsets, needed, (not_over_r, not_over_q))


def _line_offsets(chain: Chain, kernel: Chain, usable: list[Factor]) -> tuple[Exponent, ...]:
    """The shifts at which the kernels along a line are made.

    Places that no root takes are filled by powers of z before or after, the other layers are single
    taps anywhere.
    """
    target = kernel.factors[0]
    (axis,) = target.axes
    spare = sum(layer.degree[axis] for layer in usable) - target.degree[axis]
    lattice = usable[0].dilation[axis]
    origin = (0,) * chain.axes
    shifts = {
        (*origin[:axis], step, *origin[axis + 1 :]) for step in range(0, spare + 1, lattice)
    }
    for layer in chain.factors:
        steps = layer.exponents()
        if layer in usable:
            steps = [exponent for exponent in steps if exponent[axis] == 0]
        shifts = {tuple(map(sum, zip(a, b, strict=True))) for a in shifts for b in steps}
    return _with_padding(tuple(sorted(shifts)), chain, kernel)
