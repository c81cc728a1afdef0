"""Concrete members of one chain that another chain cannot make, each with its reason.

The layers of the made chain may be single taps, so any part of it has members too: first as many
layers as possible are dropped such that the rest still cannot be packed, then each of them is given
small integer weights for which its atoms are those of generic ones:

* several axes: the kernel of `witness.irreducible_kernel`, on neighbouring taps along every axis.
  It is irreducible over C. Its coefficients are 1, so where a root of unity in place of z maps it
  to another such kernel (up to units), all its taps get the same factor, and it is the same kernel;
  as it has neighbouring taps, that happens only for the lattices of a generic layer.
* one axis, over C: `prod (z^e - p)` for different primes p. The roots have the absolute values
  `p^(1/e)`, all of them different and not 1, so no d-th root of unity maps one cycle to another one
  unless it maps each to itself.
* one axis, over R: `u^2 + u + p` for pairs, `u + p` for one root more, u = z^e. A root u of the
  former has absolute value p^(1/2), and u over its conjugate is no root of unity: together with its
  inverse it adds up to `1/p - 2`, no integer.
* one axis, over Q: `2 + 2 z^e + z^(en)`, irreducible by Eisenstein's criterion at 2.

The averages of the made chain stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod

from convalgebra.algebra.one_channel.atoms import Pattern, Question, shape
from convalgebra.algebra.one_channel.chains import Chain, Exponent, Factor, fixed_shift
from convalgebra.algebra.one_channel.packing import fits
from convalgebra.algebra.one_channel.places import holds, listed
from convalgebra.algebra.one_channel.search import STEPS, search
from convalgebra.algebra.one_channel.witness import (
    FieldName,
    Kernel,
    Witness,
    holds_kernel,
    irreducible_kernel,
    polynomial_text,
    rich_kernel,
)
from convalgebra.algebra.one_channel.work import Work

_MOST_ROOTS = 8  # along one axis: the product of their primes is a coefficient
_MOST_PLACES = 900
_MOST_LAYERS = 60  # distinct ones are dropped one after another

Fails = Callable[[Chain], bool]


def complex_counterexample(maker: Chain, made: Chain) -> Witness | None:
    """A member of `made` that is not made over C, at no place; None if none is at hand."""

    def fails(part: Chain) -> bool:
        return search(Question(maker, part, Work(STEPS))).fails

    part = _core(made, fails)
    if part is None:
        return None
    layers = _layers(part)
    if len(layers) == 1 and len(layers[0].axes) > 1 and not _averages(part):
        return irreducible_kernel(layers[0], maker.factors)
    primes = _primes()
    factors: list[Kernel] = []
    for layer in layers:
        if len(layer.axes) > 1:
            factors.append(rich_kernel(layer))
            continue
        (axis,) = layer.axes
        factors += [
            {_at(layer, axis, 0): -next(primes), _at(layer, axis, layer.dilation[axis]): 1}
            for _ in range(layer.taps[axis] - 1)
        ]
    if all(len(layer.axes) > 1 for layer in layers):
        which = "do not factor over the complex numbers"
    elif any(len(layer.axes) > 1 for layer in layers):
        which = "factor over the complex numbers at most into single roots"
    else:
        which = "have different roots"
    return _product("complex", part, factors, f"which {which}")


def real_counterexample(maker: Chain, made: Chain) -> Witness | None:
    """A member of `made` that is not made over R though it is over C; None if none is at hand."""

    def fails(part: Chain) -> bool:
        question = Question(maker, part, Work(STEPS))
        pattern: Pattern = {group[:2]: group.worst for group in question.groups}
        return search(question, pattern).fails

    part = _core(made, fails)
    if part is None:
        return None
    primes = _primes()
    factors: list[Kernel] = []
    for layer in _layers(part):
        if len(layer.axes) > 1:
            factors.append(rich_kernel(layer))
            continue
        (axis,) = layer.axes
        step = layer.dilation[axis]
        pairs, odd = divmod(layer.taps[axis] - 1, 2)
        for _ in range(pairs):
            powers = (_at(layer, axis, step * n) for n in range(3))
            factors.append(dict(zip(powers, (next(primes), 1, 1), strict=True)))
        if odd:
            factors.append({_at(layer, axis, 0): next(primes), _at(layer, axis, step): 1})
    return _product(
        "real", part, factors, "where a layer takes with every root its complex conjugate"
    )


def rational_counterexample(maker: Chain, made: Chain) -> Witness | None:
    """A member of `made` that is not made over Q though it is over R; None if none is at hand."""
    if any(step != 1 for factor in maker.factors for step in factor.dilation):
        # The products of irreducible factors may lie on a lattice on which these do not.
        single = [
            layer
            for layer in _layers(made)
            if len(layer.axes) == 1 and not _averages(made) and not _has_room(maker, layer)
        ]
        part = _only(made, single[:1]) if single else None
    else:

        def fails(part: Chain) -> bool:
            return search(Question(maker, part, Work(STEPS)), rational=True).fails

        part = _core(made, fails)
    if part is None:
        return None
    factors: list[Kernel] = []
    for layer in _layers(part):
        if len(layer.axes) > 1:
            factors.append(rich_kernel(layer))
            continue
        (axis,) = layer.axes
        kernel = {_at(layer, axis, 0): 2, _at(layer, axis, layer.dilation[axis]): 2}
        factors.append(kernel | {_at(layer, axis, layer.degree[axis]): 1})
    return _product("rational", part, factors, "which do not factor over the rationals")


_LARGEST = 10**9  # coefficient of a witness


def wide_member(maker: Chain, made: Chain, axis: int) -> Witness | None:
    """A member of `made` with two taps further apart along an axis than any two of the maker's.

    The layers `1 + z^last`, as many as it takes; the ends of a product have coefficient 1.
    """
    reach = maker.receptive_field[axis] - 1
    factors: list[Kernel] = []
    layers: list[Factor] = []
    span = sum(layer.degree[axis] for layer in _averages(made))
    for layer in sorted(_layers(made), key=lambda layer: -layer.degree[axis]):
        if span <= reach:
            span += layer.degree[axis]
            layers.append(layer)
            factors.append({_at(layer, axis, 0): 1, _at(layer, axis, layer.degree[axis]): 1})
    averages = _averages(made)
    if 2 ** len(layers) * prod(prod(f.taps) for f in averages) > _LARGEST:
        return None
    part = _only(made, [_line(layer, axis) for layer in layers])
    if prod(part.receptive_field) > _MOST_PLACES**2:
        return None
    factors += [dict.fromkeys(factor.exponents(), 1) for factor in averages]
    kernel = multiplied(factors, made.axes)
    reason = (
        f"two of its taps lie {span} apart; the taps of what is made lie at most {reach} apart "
        "along that axis."
    )
    return _shown("complex", kernel, part, reason)


def uncovered_member(maker: Chain, made: Chain) -> Witness | None:
    """A member of `made` with taps that a single kernel does not have, at no place.

    The averages alone, or with `1 + z^step` for one layer: every coefficient of a product of
    polynomials with positive coefficients is positive where there is a way to it.
    """
    (factor,) = maker.factors
    averages = [dict.fromkeys(f.exponents(), 1) for f in _averages(made)]
    lines = [
        _line(replace(f, taps=_at_most_two(f)), axis) for f in _layers(made) for axis in f.axes
    ]
    for layers in ([], *([line] for line in dict.fromkeys(lines))):
        part = _only(made, layers)
        if prod(part.receptive_field) > _MOST_PLACES:
            continue
        factors = [*averages, *(dict.fromkeys(layer.exponents(), 1) for layer in layers)]
        kernel = multiplied(factors, made.axes)
        if not holds_kernel(factor, kernel):
            reason = f"its taps, wherever they are moved, are not among those of {maker.text}."
            return _shown("complex", kernel, part, reason)
    return None


def _at_most_two(layer: Factor) -> Exponent:
    return tuple(min(taps, 2) for taps in layer.taps)


def misplaced_member(maker: Chain, made: Chain) -> Witness | None:
    """A member of `made` with one tap, which the padding puts where the maker has none.

    A product is a single tap only where all layers are. None without padding on both sides, where
    either has averages, or where all taps find a place.
    """
    shift = fixed_shift(maker, made)
    if shift is None or _averages(maker) or _averages(made):
        return None
    for axis, along in enumerate(made.support):
        for place in listed(along):
            if not holds(maker.support[axis], place + shift[axis]):
                at = tuple(place if a == axis else 0 for a in range(made.axes))
                taps = tuple(place + 1 for place in at)
                reason = "the padding puts its tap where what is made has none."
                return Witness("complex", ((at, 1),), taps, (1,) * made.axes, reason)
    return None


def indivisible_member(question: Question) -> Witness | None:
    """The averages of the made chain alone: not divisible by those of the maker."""
    maker, made = question.maker, question.made
    averages = _averages(made)
    part = _only(made, [])
    kernel = multiplied([dict.fromkeys(f.exponents(), 1) for f in averages], made.axes)
    if prod(part.receptive_field) > _MOST_PLACES or max(kernel.values()) > _LARGEST:
        return None
    sizes = sorted({"x".join(map(str, f.taps)) for f in _averages(maker)})
    which = f"the {sizes[0]} average" if len(_averages(maker)) == 1 else "the product of averages"
    axis, order = next(
        (axis, order)
        for axis, orders in enumerate(question.orders)
        for order, count in orders.items()
        if count < 0
    )
    variable = polynomial_text({tuple(int(a == axis) for a in range(made.axes)): 1})
    reason = (
        f"all that is made is divisible by {which}, which vanishes where {variable} is a primitive "
        f"{order}-th root of unity, and this kernel does not, or not as often."
    )
    if len(kernel) == 1:
        reason = (
            f"all that is made is divisible by {which}, and what divides a single tap is a single "
            "tap."
        )
    return _shown("complex", kernel, part, reason)


def another_member(made: Chain) -> Witness | None:
    """Twice the averages of the made chain: a chain without weights is one other kernel."""
    part = _only(made, [])
    averages = [dict.fromkeys(f.exponents(), 1) for f in _averages(made)]
    kernel = {at: 2 * value for at, value in multiplied(averages, made.axes).items()}
    total = sum(kernel.values())
    if prod(part.receptive_field) > _MOST_PLACES or total > _LARGEST:
        return None
    reason = f"its taps add up to {total}, those of the only kernel that is made add up to 1."
    return _shown("complex", kernel, part, reason)


def _line(layer: Factor, axis: int) -> Factor:
    return replace(layer, taps=tuple(k if a == axis else 1 for a, k in enumerate(layer.taps)))


def _shown(field: FieldName, kernel: Kernel, part: Chain, reason: str) -> Witness:
    ones = (1,) * part.axes
    return Witness(field, tuple(kernel.items()), part.receptive_field, ones, reason)


def _has_room(maker: Chain, layer: Factor) -> bool:
    return any(fits(shape(layer), shape(factor)) for factor in maker.factors if factor.free)


def _layers(chain: Chain) -> list[Factor]:
    return [factor for factor in chain.factors if factor.free and factor.axes]


def _averages(chain: Chain) -> list[Factor]:
    return [factor for factor in chain.factors if not factor.free and factor.axes]


def _only(made: Chain, layers: list[Factor]) -> Chain:
    """The members of `made` where all other layers with weights are single taps."""
    ones = (1,) * made.axes
    return replace(made, factors=(*layers, *_averages(made), Factor(ones, ones)))


def _core(made: Chain, fails: Fails) -> Chain | None:
    """A small part of a chain that fails as the whole one does; None if that does not."""
    counts = Counter(_layers(made))
    if len(counts) > _MOST_LAYERS or not fails(_only(made, list(counts.elements()))):
        return None
    for layer in sorted(counts, key=lambda layer: (len(layer.axes) > 1, layer.weights)):
        low, high = -1, counts[layer]  # so many: too few to fail, enough
        while high - low > 1:
            half = (low + high) // 2
            counts[layer] = half
            if fails(_only(made, list((+counts).elements()))):
                high = half
            else:
                low = half
        counts[layer] = high
    for layer in list(+counts):
        if len(layer.axes) == 1 and counts[layer] == 1:
            counts -= Counter([layer])
            counts += Counter([_shortest(made, layer, counts, fails)])
    return _only(made, sorted((+counts).elements(), key=shape))


def _shortest(made: Chain, layer: Factor, others: Counter[Factor], fails: Fails) -> Factor:
    """The layer with as few taps along its axis as fail together with the others."""
    (axis,) = layer.axes
    low, high = 1, layer.taps[axis]

    def shorter(taps: int) -> Factor:
        return replace(layer, taps=tuple(taps if a == axis else 1 for a in range(made.axes)))

    while high - low > 1:
        half = (low + high) // 2
        if fails(_only(made, [*others.elements(), shorter(half)])):
            high = half
        else:
            low = half
    return shorter(high)


def _product(field: FieldName, part: Chain, factors: list[Kernel], which: str) -> Witness | None:
    roots = sum(sum(layer.taps) - len(layer.taps) for layer in _layers(part) if len(layer.axes) < 2)
    if prod(part.receptive_field) > _MOST_PLACES or roots > _MOST_ROOTS:
        return None
    kernel = multiplied(
        [*factors, *(dict.fromkeys(f.exponents(), 1) for f in _averages(part))], part.axes
    )
    shown = [
        f"({polynomial_text(factor)})" + (f"^{count}" if count > 1 else "")
        for factor, count in _counted(factors)
    ]
    of_averages = " and the averages" if _averages(part) else ""
    if len(factors) == 1 and not of_averages:
        reason = f"it is {shown[0][1:-1]}, {which.replace('do not factor', 'does not factor')}"
    else:
        reason = f"it is the product of {' '.join(shown)}{of_averages}, {which}"
    reason += "; in whatever way the factors go to the layers, some layer lacks taps for its share."
    return _shown(field, kernel, part, reason)


def _counted(factors: list[Kernel]) -> list[tuple[Kernel, int]]:
    counts = Counter(tuple(sorted(factor.items())) for factor in factors)
    return [(dict(factor), count) for factor, count in counts.items()]


def multiplied(factors: list[Kernel], axes: int) -> Kernel:
    """The product of polynomials.

    >>> multiplied([{(0,): 1, (1,): 1}, {(0,): 1, (1,): -1}], 1)
    {(0,): 1, (2,): -1}
    """
    found: Kernel = {(0,) * axes: 1}
    for factor in factors:
        more: Counter[Exponent] = Counter()
        for one, value in found.items():
            for two, weight in factor.items():
                more[tuple(a + b for a, b in zip(one, two, strict=True))] += value * weight
        found = {place: value for place, value in more.items() if value}
    return found


def _at(layer: Factor, axis: int, place: int) -> Exponent:
    return tuple(place if a == axis else 0 for a in range(len(layer.taps)))


def _primes() -> Iterator[int]:
    number = 1
    while True:
        number += 1
        if all(number % divisor for divisor in range(2, number)):
            yield number
