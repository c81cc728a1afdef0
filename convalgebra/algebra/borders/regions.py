"""Sets of positions as unions of products of sets along the axes.

A set along one axis is an int whose bit i says whether position `low + i` belongs to it, where
`low` is where the window begins that is looked at. A `Product` has one such set for each axis, a
`Region` is a union of products. Borders of stacks are such regions, with few products: a 224 x 224
map is two ints of 224 bits, whatever happens at its sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product as places_of

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
    """The union of products, with few of them and in canonical order.

    Products that differ along one axis only become one; products inside others are left out.

    >>> united([(0b01, 0b11), (0b10, 0b11), (0b01, 0b10)])
    ((3, 3),)

    Raises UnsupportedError for a set with too many pieces.
    """
    found = {product for product in products if all(product)}
    if len(found) > 1:
        axes = len(next(iter(found)))
        before = 0
        while len(found) != before:
            before = len(found)
            for axis in range(axes):
                found = _merged(found, axis)
    if len(found) > MAX_PRODUCTS:
        raise UnsupportedError(
            f"the border of this stack has more than {MAX_PRODUCTS} pieces: too many to count; "
            "ask for a part of the stack, with fewer branches of different padding"
        )
    kept = [one for one in found if not any(_inside(one, other) for other in found - {one})]
    return tuple(sorted(kept))


def _merged(products: set[Product], axis: int) -> set[Product]:
    along: dict[Product, int] = {}
    for product in products:
        rest = product[:axis] + product[axis + 1 :]
        along[rest] = along.get(rest, 0) | product[axis]
    return {(*rest[:axis], one, *rest[axis:]) for rest, one in along.items()}


def _inside(small: Product, large: Product) -> bool:
    return all(not one & ~other for one, other in zip(small, large, strict=True))


def restricted(region: Region, box: Product) -> Region:
    """The part of a region inside a product.

    >>> restricted(((0b110, 0b011),), (0b011, 0b111))
    ((2, 3),)
    """
    parts = (tuple(a & b for a, b in zip(product, box, strict=True)) for product in region)
    return united(parts)


def count(region: Region, lengths: Sequence[int]) -> int:
    """How many positions a region has, in windows of these lengths.

    >>> count(((0b0001, 0b1111), (0b1111, 0b0001)), (4, 4))
    7

    Along each axis positions in the same products are counted together.
    """
    reached = {full(len(region)): 1}  # which products are still in the running -> how many places
    for axis, length in enumerate(lengths):
        cells = _cells([product[axis] for product in region], length)
        following: dict[int, int] = {}
        for running, many in reached.items():
            for members, places in cells:
                both = running & members
                if both:
                    following[both] = following.get(both, 0) + many * places
        reached = following
    return sum(reached.values()) if region else 0


def _cells(sets: Sequence[int], length: int) -> list[tuple[int, int]]:
    """The positions 0 .. length-1 by the sets that they lie in: (numbers of the sets, how many)."""
    cells = [(0, full(length))]
    for number, members in enumerate(sets):
        split = []
        for numbers, cell in cells:
            inside = cell & members
            if inside:
                split.append((numbers | 1 << number, inside))
            if inside != cell:
                split.append((numbers, cell & ~members))
        cells = split
    return [(numbers, cell.bit_count()) for numbers, cell in cells]


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


def smeared(members: int, times: int, distance: int) -> int:
    """A set united with its shifts upwards by distance, 2 distance, .. (times - 1) distance.

    >>> bin(smeared(0b1, 3, 2))
    '0b10101'
    """
    done = 1
    while done < times:
        more = min(done, times - done)
        members |= members << distance * more
        done += more
    return members


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
