"""Where two stacks differ on one input that are equal on the unbounded grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convalgebra.algebra.borders.losses import Losses, windows_of
from convalgebra.algebra.borders.regions import count, united
from convalgebra.algebra.borders.report import Borders, examined
from convalgebra.errors import UnsupportedError
from convalgebra.network import Network
from convalgebra.shapes import shape_text


@dataclass(frozen=True)
class BordersComparison:
    """Where two stacks that are equal on the unbounded grid differ on one input.

    At the outputs where neither differs from the merged convolution, which they share, the two
    agree. `exactly_one` counts those where one differs from it and the other does not: there the
    two differ, for almost all weights. At `both` each differs from the merged convolution, and they
    may or may not differ from one another. The counts are None where `note` says why nothing is
    known of them, and a side is None where its borders are not told.
    """

    left: Borders | None
    right: Borders | None
    exactly_one: int | None
    both: int | None
    note: str = ""

    @property
    def at_most(self) -> int | None:
        """The outputs at which the two may differ."""
        if self.exactly_one is None or self.both is None:
            return None
        return self.exactly_one + self.both

    @property
    def decided(self) -> bool:
        """Whether it is known of every output."""
        return self.both == 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "left": self.left and self.left.to_dict(),
            "right": self.right and self.right.to_dict(),
            "differ": self.exactly_one,
            "may_differ": self.both,
            "note": self.note or None,
        }


def compare_borders(left: Network, right: Network) -> BordersComparison:
    """At which outputs two stacks differ on one input that are equal on the unbounded grid.

    >>> from convalgebra.language import parse
    >>> kernel = parse("input 1x12x12; 5x5p2")
    >>> stack = parse("input 1x12x12; 3x3p1, 3x3p1")
    >>> compare_borders(kernel, stack).exactly_one
    44

    One convolution is its own merged convolution, so against a kernel all is decided. That weights
    exist for which the two are equal is for the caller to know. Raises ShapeError where a stack
    does not fit its input; what `borders` refuses becomes the note.
    """
    refused = ""
    found: list[tuple[Borders, Losses] | None] = []
    for network in (left, right):
        try:
            found.append(examined(network))
        except UnsupportedError as error:
            refused = refused or str(error)
            found.append(None)
    one, other = found
    if one is None or other is None:
        return BordersComparison(one and one[0], other and other[0], None, None, refused)
    note = _incomparable(one, other)
    if note:
        return BordersComparison(one[0], other[0], None, None, note)
    if left == right:
        return BordersComparison(one[0], other[0], 0, 0, "the two stacks are the same")
    together = count(united((*one[1].differ, *other[1].differ)))
    both = one[0].differ + other[0].differ - together
    return BordersComparison(one[0], other[0], together - both, both)


def _incomparable(one: tuple[Borders, Losses], other: tuple[Borders, Losses]) -> str:
    """Why the outputs of two stacks do not stand for one another; empty if they do."""
    sizes = [f"{shape_text(b.output)} of {shape_text(b.input)}" for b, _ in (one, other)]
    if sizes[0] != sizes[1]:
        return (
            f"{one[0].stack} makes {sizes[0]} and {other[0].stack} makes {sizes[1]}, and outputs "
            "of different sizes have no common borders"
        )
    plans = [losses.plan for _, losses in (one, other)]
    if all(p.is_chain and all(step.op == "conv" for step in p.steps[1:]) for p in plans):
        return _apart(one[1], other[1])
    return ""


def _apart(one: Losses, other: Losses) -> str:
    """Whether each of two chains of convolutions sees inputs that the other does not see.

    Then no weights but those of a proper algebraic subset make them equal: the first and the last
    tap of the merged kernel are products of weights.
    """
    windows = [windows_of(losses.plan, losses.boxes)[0] for losses in (one, other)]
    assert windows[0] is not None
    assert windows[1] is not None
    for axis, (ours, theirs) in enumerate(zip(*windows, strict=True), 1):
        if (ours[0] - theirs[0]) * (ours[1] - theirs[1]) > 0:
            where = " and ".join(f"{low} to {high}" for low, high in (ours, theirs))
            return (
                f"along axis {axis} the outputs see the positions {where}, counted from the first "
                "of the input, so the two are not equal away from the borders either, but for "
                "special weights"
            )
    return ""
