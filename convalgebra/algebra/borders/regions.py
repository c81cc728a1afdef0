"""Sets of positions as unions of products of sets along the axes.

A set along one axis is an int whose bit i says whether position `low + i` belongs to it, where
`low` is where the window begins that is looked at. A `Product` has one such set for each axis, a
`Region` is a union of products in canonical form: disjoint, and along the first axis all positions
that have the same others beside them in one set. Borders of stacks are regions of few products: a
224 x 224 map is two ints of 224 bits, whatever happens at its sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product as places_of
from math import prod

from convalgebra.errors import UnsupportedError

Product = tuple[int, ...]
Region = tuple[Product, ...]

MAX_PRODUCTS = 400  # uniting them takes the square of this


def full(count: int) -> int:
    """The set of all `count` positions of a window.

    >>> bin(full(4))
    '0b1111'
    """
    return (1 << count) - 1


def united(products: Iterable[Product]) -> Region:
    """The union of products.

    >>> united([(0b01, 0b11), (0b10, 0b11), (0b01, 0b10)])
    ((3, 3),)
    >>> united([(0b111, 0b001), (0b001, 0b111)])
    ((1, 7), (6, 1))

    Raises UnsupportedError for a set with too many pieces.
    """
    found = {product for product in products if all(product)}
    region = tuple(found) if len(found) < 2 else _disjoint(found)
    if len(region) > MAX_PRODUCTS:
        raise _too_many()
    return region


def _too_many() -> UnsupportedError:
    return UnsupportedError(
        f"the border of this stack has more than {MAX_PRODUCTS} pieces: too many to count; "
        "ask for a part of the stack, with fewer branches of different padding"
    )


def _disjoint(products: Iterable[Product]) -> Region:
    beside: dict[int, set[Product]] = {}
    for product in products:
        beside.setdefault(product[0], set()).add(product[1:])
    along: dict[Region, int] = {}
    for sets, members in _cells(list(beside)):
        rest = set().union(*(beside[one] for one in sets))
        region = _disjoint(rest) if rest != {()} else ((),)
        along[region] = along.get(region, 0) | members
    return tuple(sorted((members, *rest) for region, members in along.items() for rest in region))


def _cells(sets: Sequence[int]) -> list[tuple[tuple[int, ...], int]]:
    """The positions by the sets that they lie in: (these sets, the positions)."""
    every_one = 0
    for members in sets:
        every_one |= members
    cells: list[tuple[tuple[int, ...], int]] = [((), every_one)]
    for members in sets:
        split = []
        for around, cell in cells:
            inside = cell & members
            if inside:
                split.append(((*around, members), inside))
            if inside != cell:
                split.append((around, cell ^ inside))
        cells = split
        if len(cells) > 4 * MAX_PRODUCTS:
            raise _too_many()
    return cells


def restricted(region: Region, box: Product) -> Region:
    """The part of a region inside a product.

    >>> restricted(((0b110, 0b011),), (0b011, 0b111))
    ((2, 3),)
    """
    parts = (tuple(a & b for a, b in zip(product, box, strict=True)) for product in region)
    return united(parts)


def count(region: Region) -> int:
    """How many positions a region has.

    >>> count(united([(0b0001, 0b1111), (0b1111, 0b0001)]))
    7
    """
    return sum(prod(members.bit_count() for members in product) for product in region)


def rows(region: Region, lengths: Sequence[int]) -> Iterator[tuple[bool, ...]]:
    """Whether each position of a window is in a region, a row along the last axis at a time.

    >>> [["#" if one else "." for one in row] for row in rows(((0b01, 0b110),), (2, 3))]
    [['.', '#', '#'], ['.', '.', '.']]
    """
    *leading, last = lengths
    for place in places_of(*map(range, leading)):
        line = 0
        for *sets, final in region:
            if all(members >> at & 1 for members, at in zip(sets, place, strict=True)):
                line |= final
        yield tuple(bit == "1" for bit in reversed(f"{line & full(last):0{last}b}"))


def extent(members: int) -> tuple[int, int] | None:
    """The first and the last position of a set along one axis, None if it is empty.

    >>> extent(0b0110)
    (1, 2)
    """
    if not members:
        return None
    return (members & -members).bit_length() - 1, members.bit_length() - 1


def every(members: int, step: int) -> int:
    """Every step-th position of a set, from position 0 on: bit `step i` becomes bit i.

    >>> bin(every(0b10101, 2))
    '0b111'
    """
    if step == 1 or members < 2:
        return members if step == 1 else members & 1
    return int(f"{members:b}"[::-1][::step][::-1], 2)


def spread(members: int, step: int) -> int:
    """A set with `step - 1` places between neighbours: bit i becomes bit `step i`.

    >>> bin(spread(0b111, 2))
    '0b10101'
    """
    if step == 1 or not members:
        return members
    return int(("0" * (step - 1)).join(f"{members:b}"), 2)


def gathered(members: int, times: int, distance: int) -> int:
    """A set united with its shifts downwards by distance, 2 distance, ..: where a window reads it.

    >>> bin(gathered(0b10000, 3, 2))
    '0b10101'
    """
    done = 1
    while done < times:
        more = min(done, times - done)
        members |= members >> distance * more
        done += more
    return members
