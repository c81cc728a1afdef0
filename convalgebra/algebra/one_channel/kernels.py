"""What a single kernel makes of a chain, and a chain of a single kernel, in closed form.

One channel, so that Laurent polynomials factor uniquely: containment of chains is packing. A
generic kernel whose taps lie on no line is irreducible over C, dilated or not (Bertini); it is made
iff one layer holds all of it, the others being single taps. A kernel along one axis is a product of
its roots: over C every root apart, over R real roots and conjugate pairs, over Q (generically)
nothing at all. The image of a one-channel chain is closed over R and C, so what holds for almost
all members holds for all.
"""

from __future__ import annotations

from dataclasses import replace

from convalgebra.algebra.answers import Reach
from convalgebra.algebra.one_channel import witness as witnesses
from convalgebra.algebra.one_channel.chains import Chain, Factor, fixed_shift
from convalgebra.algebra.one_channel.counterexamples import misplaced_member
from convalgebra.algebra.one_channel.places import Box, progression, shifts, sums
from convalgebra.algebra.one_channel.stacks import (
    ELSEWHERE,
    all_of_it,
    found_or_none,
    inside,
    listed_places,
    stack_makes,
    thin,
)


def kernel_makes(kernel: Chain, chain: Chain) -> Reach:
    """Whether a single dense kernel reproduces a chain: iff it covers the merged kernel's taps.

    The coefficients of the merged kernel are polynomials in the chain's weights; they are the taps.
    """
    boxes = _places(chain.support, kernel.factors[0])
    offsets, notes = listed_places(boxes, fixed_shift(kernel, chain))
    if offsets:
        return all_of_it(f"its taps cover the merged kernel of {chain.text}", offsets, *notes)
    where = ", where the padding puts them" if boxes else ""
    return thin(f"{chain.text} has taps that {kernel.text} does not cover{where}")


def covers(kernel: Chain, chain: Chain) -> bool:
    """Whether all that a chain makes lies on the taps of a kernel, as the padding puts it.

    >>> from convalgebra.algebra.one_channel.chains import chain_of
    >>> from convalgebra.language import parse
    >>> covers(chain_of(parse("3x3")), chain_of(parse("2x2, 2x2")))
    True
    """
    boxes = _places(chain.support, kernel.factors[0])
    fixed = fixed_shift(kernel, chain)
    return bool(boxes) if fixed is None else any(inside(box, fixed) for box in boxes)


def chain_makes(chain: Chain, kernel: Chain) -> Reach:
    """Whether a chain of one-channel layers reproduces a single dense kernel."""
    target = kernel.factors[0]
    for axis in range(kernel.axes):
        reach = chain.receptive_field[axis] - 1
        if target.degree[axis] > reach:
            found = witnesses.wide_kernel(target, axis, reach)
            return thin("its receptive field is too small", found)
    if not chain.weights:
        return thin("it has no weights and is one fixed kernel", witnesses.another_kernel(target))
    averages = [factor for factor in chain.factors if not factor.free and factor.axes]
    if averages:
        size = "x".join(map(str, averages[0].taps))
        found = witnesses.indivisible_kernel(target, size)
        return thin(f"all that is made is divisible by the fixed {size} average", found)
    boxes = _held_whole(chain, target)
    takers = _takers(chain, target)
    if len({taker.dilation[target.axes[0]] for taker in takers}) > 1:
        return _on_several_lattices(chain, kernel, held=bool(boxes))
    offsets, notes = listed_places(boxes, fixed_shift(chain, kernel))
    if offsets:
        return all_of_it(_held(chain), offsets, *notes)
    if len(target.axes) == 1:
        return _along_a_line(chain, kernel, takers, held=bool(boxes))
    if boxes:
        return thin(ELSEWHERE, *found_or_none(misplaced_member(chain, kernel)))
    reason = "almost every kernel is irreducible (no product of smaller ones)"
    found = witnesses.irreducible_kernel(target, chain.factors)
    return thin(f"{reason}, and no layer holds it whole", found)


def _held(chain: Chain) -> str:
    if len(chain.factors) == 1:
        return "its taps cover the kernel"
    return "one layer holds the kernel, the others are single taps"


def _places(support: Box, holder: Factor) -> list[Box]:
    """The shifts that put all of `support` on the taps of `holder`: one box, or none."""
    box = tuple(
        shifts(held, *progression)
        for held, progression in zip(support, holder.progressions, strict=True)
    )
    return [box] if all(box) else []


def _held_whole(chain: Chain, target: Factor) -> list[Box]:
    """The shifts at which one layer holds all of `target`, the others being single taps."""
    support = tuple(sums([progression]) for progression in target.progressions)
    boxes = []
    for layer in set(chain.factors):
        for box in _places(support, layer):
            others = list(chain.factors)
            others.remove(layer)
            boxes.append(_shifted(box, others))
    return boxes


def _shifted(box: Box, others: list[Factor]) -> Box:
    """The places of a box moved by single taps, one out of each of the other layers."""
    return tuple(
        sums([factor.progressions[axis] for factor in others], places)
        for axis, places in enumerate(box)
    )


def _takers(chain: Chain, target: Factor) -> list[Factor]:
    """The layers that can take roots of a target along one axis; none for other targets."""
    if len(target.axes) != 1:
        return []
    (axis,) = target.axes
    size = target.dilation[axis]
    return [f for f in chain.factors if axis in f.axes and size % f.dilation[axis] == 0]


def _on_several_lattices(chain: Chain, kernel: Chain, *, held: bool) -> Reach:
    """A kernel along one axis, where its roots can be shared out in more than one way."""
    target = kernel.factors[0]
    (axis,) = target.axes
    spans = sum(layer.degree[axis] for layer in _takers(chain, target))
    if spans < target.degree[axis]:
        return _too_short(target, axis, spans)
    found = stack_makes(chain, kernel)
    if "thin" not in (found.real, found.complex, found.rational):
        return found
    shown = [witness for witness in found.witnesses if witness.field != "rational"]
    if found.rational == "thin":
        shown.append(witnesses.kernel_irreducible_over_rationals(target, axis, held=held))
    return replace(found, witnesses=tuple(shown))


def _too_short(target: Factor, axis: int, spans: int) -> Reach:
    reason = "the layers that can take its roots are too short"
    return thin(reason, witnesses.interleaved_kernel(target, axis, spans))


def _along_a_line(chain: Chain, kernel: Chain, takers: list[Factor], *, held: bool) -> Reach:
    """A kernel along one axis, its roots shared out among the layers that can take them.

    A layer in powers of z^d takes roots in cycles under the d-th roots of unity. Those of a generic
    f(z^e) come in e-cycles and no others, so it takes some only if d divides e. Let all such layers
    have the same d, and write f(z^e) as f(w^m), w = z^d. Over C all roots can be shared out. Over R
    a conjugate pair needs two places in one layer, a real root any place: so it is made iff it has
    at least `degree - 2 (pairs that fit)` real roots. Places left over are filled by powers of w,
    that is roots at 0 and infinity.

    A generic real f of degree n has from n mod 2 to n real roots, of either sign, each number on an
    open set. f(w^m) has as many if m is odd; if m is even, two for each positive one.

    (Special kernels may also have factors on other lattices: 5d2 holds `1 + z^2`.)
    """
    target = kernel.factors[0]
    (axis,) = target.axes
    size, count = target.dilation[axis], target.taps[axis] - 1
    layers = [factor for factor in chain.factors if axis in factor.axes]
    spans = sum(layer.degree[axis] for layer in takers)
    if spans < size * count:
        return _too_short(target, axis, spans)
    not_over_q = witnesses.kernel_irreducible_over_rationals(target, axis, held=held)
    step = takers[0].dilation[axis]
    box = _left_over(chain, axis, step, spans - size * count)
    offsets, notes = listed_places([box], fixed_shift(chain, kernel))
    if not offsets:
        return thin(ELSEWHERE, *found_or_none(misplaced_member(chain, kernel)))
    multiple = size // step
    pairs = sum((layer.taps[axis] - 1) // 2 for layer in takers)
    degree = multiple * count
    needed = degree - 2 * pairs
    fewest, most = degree % 2, count if multiple % 2 else 2 * count
    if needed <= fewest:
        reason = "its roots can be shared out among the layers, conjugate pairs together"
        return Reach("all", "all", "thin", reason, offsets, witnesses=(not_over_q,), notes=notes)
    reason = "a conjugate pair of roots needs two places in one layer"
    alone = len(takers) == len(layers)
    not_over_r = witnesses.kernel_with_few_real_roots(target, axis, step, needed, alone=alone)
    return Reach(
        "part" if needed <= most else "thin",
        "all",
        "thin",
        reason,
        offsets,
        needed if alone else None,
        step,
        (not_over_r, not_over_q),
        notes=notes,
    )


def _left_over(chain: Chain, axis: int, step: int, spare: int) -> Box:
    """The places of the kernel whose roots leave `spare` places to the layers of this step."""
    line = tuple(
        progression(spare // step + 1, step) if a == axis else 1 for a in range(chain.axes)
    )
    others = []
    for layer in chain.factors:
        if axis in layer.axes and layer.dilation[axis] == step:
            taps = (*layer.taps[:axis], 1, *layer.taps[axis + 1 :])
            layer = Factor(taps, layer.dilation)
        others.append(layer)
    return _shifted(line, others)
