"""What zero padding does at the borders of two stacks, as a section of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convalgebra.shapes import shape_text
from convalgebra.words import counted, listed

if TYPE_CHECKING:
    from convalgebra.algebra.borders import Blame, Borders, BordersComparison

_MOST_ROWS = 16  # of a picture
_MOST_BLAMED = 3  # layers
_LONGEST = 60  # characters of a mended stack


def border_sections(found: BordersComparison, width: int) -> list[tuple[str, list[str]]]:
    """The titles and the lines: each stack beside its merged convolution, then one another.

    Lines that begin with blanks are a picture of the output, of at most `width` characters.

    >>> from convalgebra.algebra.borders import compare_borders
    >>> from convalgebra.language import parse
    >>> kernel, stack = parse("input 1x9; 5p2"), parse("input 1x9; 3p1, 3p1")
    >>> ((title, lines),) = border_sections(compare_borders(kernel, stack), 80)
    >>> print("\\n".join([title, *lines]))  # doctest: +NORMALIZE_WHITESPACE
    Borders on an input of 1x9
    5p2 is its merged convolution at all 9 outputs.
    3p1,3p1 differs from its merged convolution at 2 of 9 outputs, the first and the last.
    Layer 2 (3p1) reads zeros where layer 1, continued beyond its border, is not zero.
    Mended by 3p2,3: all padding at the input, the same output, no difference.
    Where the two are equal away from the borders, they differ at 2 of 9 outputs, for almost all
    weights.
    """
    stacks = [one for one in (found.left, found.right) if one is not None]
    if len(stacks) == 2 and stacks[0] == stacks[1]:
        del stacks[1]
    inputs = dict.fromkeys(shape_text(one.input) for one in stacks)
    title = f"Borders on an input of {' and '.join(inputs)}" if inputs else "Borders"
    lines: list[str] = []
    for one in stacks:
        lines += _stack(one, width)
    return [(title, [*lines, comparison_sentence(found)])]


def comparison_sentence(found: BordersComparison) -> str:
    """At how many outputs two stacks differ that are equal away from the borders.

    For almost all weights: a stack that is made with special ones, such as single taps, may read no
    zeros that matter.

    >>> from convalgebra.algebra.borders import compare_borders
    >>> from convalgebra.language import parse
    >>> one, other = parse("input 1x12x12; 3x3p1, 3x3p1"), parse("input 1x12x12; 1x1p2, 5x5")
    >>> print(comparison_sentence(compare_borders(one, other)).partition(", they ")[2])
    differ at 44 of 144 outputs, for almost all weights.
    """
    if found.left is None or found.right is None:
        return f"Not told: {found.note}."
    if found.exactly_one is None or found.both is None:
        return f"They are not compared: {found.note}."
    if found.note:
        return f"{found.note[0].upper()}{found.note[1:]}: no output differs."
    where = "Where the two are equal away from the borders, they"
    if not found.at_most:
        return f"{where} are equal at every output."
    outputs = counted(found.left.outputs, "output")
    if found.exactly_one == found.left.outputs:
        return f"{where} differ at all {outputs}, for almost all weights."
    if not found.both:
        return f"{where} differ at {found.exactly_one:,} of {outputs}, for almost all weights."
    undecided = (
        f"at {found.both:,} of {outputs} neither is the merged convolution, and it is not decided "
        "whether they differ from one another"
    )
    if found.exactly_one:
        return f"{where} differ at {found.exactly_one:,} of {outputs}; {undecided}."
    return f"{where} are equal at {found.left.outputs - found.both:,}; {undecided}."


def _stack(found: Borders, width: int) -> list[str]:
    lines = [borders_sentence(found), *_picture(found, width)]
    lines += [blame_sentence(one, found) for one in found.blame[:_MOST_BLAMED]]
    more = max(0, len(found.blame) - _MOST_BLAMED) + found.more_blame
    if more:
        least = "up to " if found.more_blame else ""
        lines.append(f"So {'does' if more == 1 else 'do'} {least}{counted(more, 'more layer')}.")
    if found.mended_text is not None:
        how = f"{found.mended_text}: all padding at the input"
        if len(found.mended_text) > _LONGEST:
            how = "moving all padding to the input"
        lines.append(f"Mended by {how}, the same output, no difference.")
    elif found.note:
        lines.append(f"Not mended: {found.note}.")
    return lines


def borders_sentence(found: Borders) -> str:
    """How many outputs differ from the merged convolution, and where they lie."""
    if found.agrees:
        outputs = counted(found.outputs, "output")
        return f"{found.stack} is its merged convolution at all {outputs}."
    text = f"{found.stack} differs from its merged convolution at "
    if found.differ == found.outputs:
        return f"{text}all {counted(found.outputs, 'output')}."
    where = ring_text(found.widths, whole=found.whole_ring)
    return f"{text}{found.differ:,} of {counted(found.outputs, 'output')}, {where}."


def ring_text(widths: Sequence[tuple[int, int]], *, whole: bool) -> str:
    """Where the outputs lie that differ: so many at each end of every axis, all of them or some.

    >>> ring_text(((2, 0), (0, 1)), whole=False)
    'among the first 2 rows and the last column'
    """
    ends = {end for pair in widths for end in pair}
    axes = len(widths)
    if axes > 1 and len(ends) == 1:
        what = f"a {'ring' if axes == 2 else 'shell'} of width {ends.pop():,}"
        return what if whole else f"not all of {what}"
    where = [
        f"the {name}{_lines(axes, axis, width)}"
        for axis, pair in enumerate(widths)
        for name, width in zip(("first", "last"), pair, strict=True)
        if width
    ]
    return ("" if whole else "among ") + listed(where)


def _lines(axes: int, axis: int, width: int) -> str:
    """So many of the lines of an output; a single position of a row is just the first."""
    number = f" {width:,}" if width > 1 else ""
    if axes != 2:
        return number + (f" along axis {axis + 1}" if axes > 2 else "")
    return f"{number} {('row', 'column')[axis]}{'s' if width > 1 else ''}"


def blame_sentence(blame: Blame, found: Borders) -> str:
    """What a layer does at the border, and how many outputs feel it where several do."""
    text = blame.reason[0].upper() + blame.reason[1:]
    if len(found.blame) + found.more_blame > 1:
        verb = "feels" if blame.differ == 1 else "feel"
        text += f"; {counted(blame.differ, 'output')} {verb} it"
    return f"{text}."


def _picture(found: Borders, width: int) -> list[str]:
    """The output, # where it differs, if words do not say all and it does not take much room."""
    mask = found.mask
    if mask is None or found.whole_ring or found.agrees or len(found.widths) > 2:
        return []
    if len(mask) > _MOST_ROWS or len(mask[0]) > width - 4:
        return []
    return ["  " + "".join("#" if one else "." for one in row) for row in mask]
