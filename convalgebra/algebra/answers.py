"""What an answer is: how much of one family another one reproduces, per field, with its proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from convalgebra.algebra.one_channel.witness import Witness

Answer = Literal["all", "dense", "part", "thin", "unknown"]
FIELDS = ("real", "complex", "rational")
COMPLEX = "over the complex numbers nothing is said: activations are functions of real numbers"
SAME = "both are the same stack"


@dataclass(frozen=True)
class Reach:
    """How much of one family (the made one) another one (the maker) reproduces, per field.

    `all`: every choice of weights; `dense`: all outside a proper algebraic subset; `part` (over R
    only): a non-empty open set; `thin`: inside a proper algebraic subset; `unknown`: see `reason`.
    Over Q `thin` is meant in Serre's sense: inside a proper algebraic subset together with finitely
    many images of rational points under dominant maps of finite degree > 1. It can be dense: a
    rational 3 is some 2,2 where its discriminant is a square.

    `offsets` are the places that work for all members at once, over C if the fields differ; empty
    unless some answer is `all`. In stacks that upsample the output may have to be shifted as well:
    then `outputs` has a shift of the output for each offset, in the same order.

    `codimension` and `degree` are those of the members that are reproduced, in all of the made
    family; None where they are not known. `notes` tell what else is proved: that the next stronger
    answer is false, which condition decides. `claims` are the evidence, in the format of
    certificates.
    """

    real: Answer
    complex: Answer
    rational: Answer
    reason: str
    offsets: tuple[tuple[int, ...], ...] = ()
    least_real_roots: int | None = None
    root_step: int = 1
    witnesses: tuple[Witness, ...] = ()
    codimension: int | None = None
    degree: int | None = None
    notes: tuple[str, ...] = ()
    claims: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)
    outputs: tuple[tuple[int, ...], ...] = ()
    misses_open_set: bool = False  # of real members

    @property
    def misses_some(self) -> bool:
        """Whether it is proved that some real member is not made."""
        outside = any(witness.field in ("real", "complex") for witness in self.witnesses)
        found = self.least_real_roots is not None or outside or self.misses_open_set
        return self.real == "thin" or (self.real != "all" and found)
