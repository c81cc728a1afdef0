"""What the coefficients of a stack are called in equations: as the weights of a single kernel."""

from __future__ import annotations

from collections.abc import Sequence

from convalgebra.algebra.operators import Coordinate
from convalgebra.letters import layer_letter, tap_name


def coordinate_names(
    coordinates: Sequence[Coordinate], corner: Sequence[int] | None = None
) -> tuple[str, ...]:
    """The names of coordinates: `a01`, with several channels `a01_2_0` (out, in), `a_bias_2`.

    Taps are counted from `corner`, by default the first place along every axis. Where a stack makes
    its input larger, the phase of the output comes last: `a1_r0`.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> coordinate_names(family_of(parse("3p1")).coordinates)
    ('a0', 'a1', 'a2')
    >>> coordinate_names(family_of(parse("1@2b"), channels=2).coordinates)
    ('a0_0_0', 'a0_0_1', 'a_bias_0', 'a0_1_0', 'a0_1_1', 'a_bias_1')
    >>> coordinate_names(family_of(parse("convt2s2")).coordinates)
    ('a0_r0', 'a0_r1')
    """
    letter = layer_letter(0)
    places = [place.exponent for place in coordinates if place.exponent]
    lowest = tuple(map(min, zip(*places, strict=True))) if corner is None else tuple(corner)
    sides = [
        1 + max(along) - low for along, low in zip(zip(*places, strict=True), lowest, strict=False)
    ]
    several = any(place.out > 0 or place.source > 0 for place in coordinates)
    phased = any(any(place.phase) for place in coordinates)

    def name(place: Coordinate) -> str:
        if place.source < 0:
            found = f"{letter}_bias_{place.out}"
        else:
            taps = [e - low for e, low in zip(place.exponent, lowest, strict=True)]
            found = tap_name(letter, taps, sides)
            found += f"_{place.out}_{place.source}" if several else ""
        return found + (f"_r{tap_name('', place.phase, place.phase)}" if phased else "")

    return tuple(map(name, coordinates))
