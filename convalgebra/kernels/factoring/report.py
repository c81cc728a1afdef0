"""The answer to whether a kernel is a product of given shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.kernels.factoring.factorizations import Factorization
from convalgebra.kernels.factoring.parts import FieldName
from convalgebra.kernels.factoring.rounding import Rounding
from convalgebra.kernels.sources import Kernel, Number


@dataclass(frozen=True)
class Piece:
    """A factor of the kernel that is irreducible over Q, and what becomes of it over R and C.

    `rows` are its coefficients; `complex` is the number of its factors over C and `real` the
    number of those that are real, None where that is not known; `reason` says why.
    """

    shape: Exponent
    rows: tuple[tuple[int, ...], ...]
    multiplicity: int
    complex: int | None
    real: int | None
    reason: str


@dataclass(frozen=True)
class Ways:
    """How many essentially different ways there are over a field; `complete` if all were counted.

    Two ways are the same if they differ by numbers, by shifts, or by the order of equal layers.
    """

    count: int
    complete: bool


@dataclass(frozen=True)
class FactorReport:
    """Whether a kernel is exactly a product of filters of the shapes of a stack, over Q, R and C.

    True comes with `factorizations`, unless the factors over C were only counted; False with a
    proof in `reasons`, None with the reason why it is not decided. `reason` is the one that says
    most. `rounding` tells of a kernel of floats or long decimals that is no real product exactly
    whether it is one to rounding; None for others, and where that was not worked out.
    """

    kernel: Kernel
    stack: str
    receptive_field: Exponent
    stride: Exponent
    rational: bool | None
    real: bool | None
    complex: bool | None
    reasons: dict[FieldName, str]
    scale: Number
    pieces: tuple[Piece, ...]
    ways: dict[FieldName, Ways]
    factorizations: tuple[Factorization, ...]
    notes: tuple[str, ...] = ()
    rounding: Rounding | None = None

    @property
    def reason(self) -> str:
        """Why it is not a product, over the largest field where it is none; else why it is one."""
        for over in ("complex", "real", "rational"):
            if getattr(self, over) is not True:
                return self.reasons[over]
        return self.reasons["rational"]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, as `--format json` prints it."""
        from convalgebra.render.factor_values import factor_to_dict

        return factor_to_dict(self)

    def __str__(self) -> str:
        from convalgebra.render.factor_text import factor_to_text

        return factor_to_text(self)

    def _repr_html_(self) -> str:
        from convalgebra.render.factor_markup import factor_to_html

        return factor_to_html(self)
