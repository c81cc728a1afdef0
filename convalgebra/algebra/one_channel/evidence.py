"""The evidence for an answer about two one-channel chains, in the format of certificates.

The two sides are called "maker" and "made"; whoever writes the certificate puts their names there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import Any

from convalgebra.algebra.answers import FIELDS, Reach
from convalgebra.algebra.one_channel.atoms import Question
from convalgebra.algebra.one_channel.chains import Chain, Exponent, Factor
from convalgebra.algebra.one_channel.counterexamples import multiplied
from convalgebra.algebra.one_channel.divisibility import not_divisible
from convalgebra.algebra.one_channel.search import STEPS
from convalgebra.algebra.one_channel.shares import packs
from convalgebra.algebra.one_channel.witness import Kernel, Witness, holds_kernel, rich_kernel
from convalgebra.algebra.one_channel.work import Work

_PRIME = 2**31 - 1
_MOST_COLUMNS = 300  # of a matrix whose rank the reader of a certificate has to take
_MOST_TAPS = 2_000  # of a kernel in a certificate
_MOST_WAYS = 1_000  # to give kernels to layers

Claim = Mapping[str, Any]


def claims(found: Reach, maker: Chain, made: Chain) -> tuple[Claim, ...]:
    """What can be checked about an answer without trusting the engine."""
    listed: list[Claim] = []
    if found.offsets:
        place = found.offsets[0]
        if not maker.is_kernel:  # that a kernel covers what is made is seen at once
            fixed = maker.aligned
            for field in _packed(found):
                evidence = packs(maker, made, field, place, fixed=fixed)
                if evidence is not None:
                    packing, at = evidence
                    listed.append({**packing, "offset": _in_stacks(at, maker, made)})
    for witness in found.witnesses:
        listed += _about(witness, found, maker)
    if found.complex == "thin" and not listed:
        listed += list(_irreducible_layer(maker, made)) or _irreducible_layers(maker, made)
    if found.complex == "thin" and maker.weights:
        question = Question(maker, made, Work(STEPS))
        if not question.divisible:
            listed += not_divisible(question)
    return tuple(listed)


def _packed(found: Reach) -> list[str]:
    """The fields over which all can be packed, or `part` of it over the reals."""
    fields = [field for field in FIELDS if getattr(found, field) == "all"]
    some = found.real == "part" and found.complex == "all"
    return [*fields, "part"] if some else fields


def _in_stacks(place: Exponent, maker: Chain, made: Chain) -> list[int]:
    """A shift between first taps, as one between positions: the padding moves both."""
    return [t + a - b for t, a, b in zip(place, maker.offset, made.offset, strict=True)]


def _about(witness: Witness, found: Reach, maker: Chain) -> Iterator[Claim]:
    kernel = dict(witness.kernel)
    if len(kernel) > _MOST_TAPS:
        return
    held = any(holds_kernel(layer, kernel) for layer in maker.factors)
    axes = [axis for axis in range(maker.axes) if len({place[axis] for place in kernel}) > 1]
    if len(axes) == 2 and not held and _proved_irreducible(kernel, axes):
        yield _missed("complex", kernel)
    if len(axes) == 1 and witness.field == "rational" and not held and _eisenstein(kernel, axes[0]):
        yield _missed("rational", kernel, prime=2)
    binomial = len(kernel) == 2 and min(kernel.values()) > 0
    if witness.field == "real" and binomial and found.least_real_roots is not None:
        yield _missed("real", kernel)  # 1 + w^n has n mod 2 real roots


def _missed(field: str, *factors: Kernel, prime: int = _PRIME) -> Claim:
    """That the product of kernels, each irreducible or of too few real roots, is not made."""
    listed = [[[list(place), tap] for place, tap in sorted(kernel.items())] for kernel in factors]
    return {"claim": "missed", "stack": "maker", "field": field, "factors": listed, "prime": prime}


def _eisenstein(kernel: Kernel, axis: int) -> bool:
    """Whether the criterion holds at 2."""
    *rest, last = (kernel[place] for place in sorted(kernel, key=lambda place: place[axis]))
    return last % 2 == 1 and all(value % 2 == 0 for value in rest) and rest[0] % 4 == 2


def _irreducible_layer(maker: Chain, made: Chain) -> Iterator[Claim]:
    """A small kernel of one layer in two variables that is irreducible and held by no layer."""
    if any(not factor.free and factor.axes for factor in made.factors):
        return
    for layer in dict.fromkeys(made.factors):
        for axes in combinations(layer.axes, 2):
            target = _smallest(layer, axes, list(dict.fromkeys(maker.factors)))
            if target is not None:
                kernel = rich_kernel(target)
                if _proved_irreducible(kernel, list(axes)):
                    yield _missed("complex", kernel)
                    return


def _irreducible_layers(maker: Chain, made: Chain) -> list[Claim]:
    """A kernel for each layer, irreducible, and no way to give them all to layers of the maker."""
    if any(not factor.free and factor.axes for factor in made.factors):
        return []
    kernels: list[Kernel] = []
    for layer in made.factors:
        if len(layer.axes) == 2:
            kernels.append(rich_kernel(layer))
        elif len(layer.axes) == 1 and layer.degree[layer.axes[0]] == layer.weights - 1:
            (axis,) = layer.axes
            line = [tuple(int(a == axis and tap) for a in range(maker.axes)) for tap in (0, 1)]
            kernels += [dict.fromkeys(line, 1)] * (layer.weights - 1)
    proved = all(_proved_irreducible(kernel, [0, 1]) for kernel in kernels if len(kernel) > 2)
    if not kernels or not proved or sum(map(len, kernels)) > _MOST_TAPS:
        return []
    ways = len(maker.factors) ** len(kernels)
    if ways > _MOST_WAYS or _hold(maker, kernels):
        return []
    return [_missed("complex", *kernels)]


def _hold(maker: Chain, kernels: list[Kernel]) -> bool:
    """Whether the kernels can be given to layers, each of which holds the product of its own."""
    layers = range(len(maker.factors))
    for owners in product(layers, repeat=len(kernels)):
        given = [
            multiplied(
                [k for k, owner in zip(kernels, owners, strict=True) if owner == layer], maker.axes
            )
            for layer in layers
        ]
        if all(map(holds_kernel, maker.factors, given)):
            return True
    return False


def _smallest(layer: Factor, axes: tuple[int, int], holders: list[Factor]) -> Factor | None:
    """Of the kernels on the first taps of a layer along two axes one that no other layer holds."""
    one, two = axes
    best = None
    for taps in range(2, layer.taps[one] + 1):
        low, high = 1, layer.taps[two] + 1

        def cut(first: int, second: int) -> Factor:
            sizes = {one: first, two: second}
            return Factor(
                tuple(sizes.get(axis, 1) for axis in range(len(layer.taps))), layer.dilation
            )

        while high - low > 1:
            half = (low + high) // 2
            if _held(cut(taps, half), holders):
                low = half
            else:
                high = half
        if high <= layer.taps[two]:
            found = cut(taps, high)
            if best is None or found.weights < best.weights:
                best = found
    return best


def _held(target: Factor, holders: list[Factor]) -> bool:
    ends = dict.fromkeys(rich_kernel(target), 1)
    return any(holds_kernel(layer, ends) for layer in holders)


def _proved_irreducible(kernel: Kernel, axes: list[int]) -> bool:
    """Whether the rank of Ruppert's matrix mod p proves it: full, so irreducible over C.

    For f of exact degrees (m, n), monomials divided out, m, n >= 1: f is irreducible over C if no
    (g, h) but 0, `deg g <= (m - 1, n)`, `deg h <= (m, n - 2)`, has
    `f g_y - g f_y = f h_x - h f_x` (Ruppert, J. Number Theory 77, 1999). Full rank mod p is full
    rank.
    """
    from flint import nmod_mat

    one, two = axes
    low = [min(place[axis] for place in kernel) for axis in axes]
    f = {(e[one] - low[0], e[two] - low[1]): value for e, value in kernel.items()}
    m, n = (max(along) for along in zip(*f, strict=True))
    if min(m, n) < 1 or m * (n + 1) + (m + 1) * (n - 1) > _MOST_COLUMNS:
        return False
    rows: list[Counter[tuple[int, int]]] = []
    for i in range(m):
        for j in range(n + 1):  # g = x^i y^j
            rows.append(Counter())
            for (a, b), value in f.items():
                rows[-1][a + i, b + j - 1] += value * (j - b)
    for i in range(m + 1):
        for j in range(n - 1):  # h = x^i y^j
            rows.append(Counter())
            for (a, b), value in f.items():
                rows[-1][a + i - 1, b + j] += value * (a - i)
    width, height = 2 * m + 1, 2 * n + 1
    entries = [row[a, b] % _PRIME for row in rows for a in range(width) for b in range(height)]
    return bool(nmod_mat(len(rows), width * height, entries, _PRIME).rank() == len(rows))
