"""Why a kernel is not a product, in sentences that can be checked by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from convalgebra.algebra.one_channel.chains import Chain, Exponent
from convalgebra.kernels.factoring.absolute import Count
from convalgebra.kernels.factoring.conjugates import Splitting
from convalgebra.kernels.factoring.groupings import Layer
from convalgebra.kernels.factoring.parts import FieldName, Part
from convalgebra.kernels.factoring.polynomials import Terms, degree
from convalgebra.kernels.factoring.rational import Irreducible
from convalgebra.kernels.factoring.report import Piece

OVER: dict[FieldName, str] = {
    "rational": "over the rationals",
    "real": "over the reals",
    "complex": "over the complex numbers",
}


def too_wide(terms: Terms, chain: Chain) -> str | None:
    """That the entries of a kernel lie further apart than a stack reaches; None if they do not."""
    names = {1: [""], 2: [" along the columns", " along the rows"]}.get(
        chain.axes, [f" along axis {axis + 1}" for axis in range(chain.axes)]
    )
    for axis, (size, field) in enumerate(zip(degree(terms), chain.receptive_field, strict=True)):
        if size >= field:
            return (
                f"two of its entries lie {size} apart{names[axis]}, those of what the stack makes "
                f"at most {field - 1}."
            )
    return None


def shape_text(degrees: Exponent) -> str:
    """The shape of a filter of these degrees.

    >>> shape_text((1, 2))
    '2x3'
    """
    return "x".join(str(size + 1) for size in degrees)


def no_grouping(
    field: FieldName, parts: Sequence[tuple[Part, int]], layers: Sequence[Layer]
) -> str:
    """Why the parts over a field do not fit the layers; all layers have the same lattice."""
    kinds = Counter[Exponent]()
    for part, times in parts:
        kinds[part.degree] += times
    if len(kinds) == 1 and set(kinds.values()) == {1}:
        (kind,) = kinds
        return f"{OVER[field]} it is irreducible, and no layer has room for {_a(kind)}."
    *others, last = [shape_text(kind) + _times(n) for kind, n in sorted(kinds.items())]
    shown = f"{', '.join(others)} and {last}" if others else last
    noun = "shapes" if others else "shape"
    begin = f"{OVER[field]} its irreducible parts have the {noun} {shown}"
    for kind in sorted(kinds, key=sum, reverse=True):
        if not any(_fits(kind, layer) for layer in layers):
            return f"{begin}, and no layer has room for {_a(kind)}."
    return f"{begin}; they cannot be shared out so that each layer has room for its share."


def _times(count: int) -> str:
    return {1: "", 2: " (twice)"}.get(count, f" ({count} times)")


def _a(kind: Exponent) -> str:
    if len(kind) == 1:
        return f"{kind[0] + 1} taps"
    first = str(kind[0] + 1)
    return f"a{'n' if first.startswith('8') or first in ('11', '18') else ''} {shape_text(kind)}"


def _fits(kind: Exponent, layer: Layer) -> bool:
    return all(a <= b for a, b in zip(kind, layer.room, strict=True))


def pieces_of(
    factors: Sequence[Irreducible],
    counts: Sequence[Count],
    splittings: Sequence[Splitting] | None,
) -> tuple[Piece, ...]:
    """The irreducible factors as a report shows them."""
    found = []
    for at, (factor, count) in enumerate(zip(factors, counts, strict=True)):
        real = 1 if count.factors == 1 else None
        if splittings is not None:
            real = splittings[at].real
        shape = tuple(size + 1 for size in factor.degree)
        found.append(
            Piece(shape, _rows(factor), factor.multiplicity, count.factors, real, count.reason)
        )
    return tuple(found)


def _rows(factor: Irreducible) -> tuple[tuple[int, ...], ...]:
    from itertools import product

    places = product(*(range(size + 1) for size in factor.degree))
    entries = [int(factor.terms.get(place, 0)) for place in places]
    width = factor.degree[-1] + 1
    return tuple(tuple(entries[at : at + width]) for at in range(0, len(entries), width))
