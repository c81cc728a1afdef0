"""What `equiv` found: two sides, two directions, and what goes with them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from convalgebra.algebra.answers import Reach
from convalgebra.algebra.borders import BordersComparison
from convalgebra.algebra.dimension.dimension import Dimension
from convalgebra.algebra.equations import Equation, count_terms
from convalgebra.algebra.families import Family
from convalgebra.algebra.implicit.equations import ImplicitEquations
from convalgebra.algebra.one_channel.chains import Chain
from convalgebra.algebra.width import WidthReport
from convalgebra.errors import Defect, InputError
from convalgebra.network import Network

if TYPE_CHECKING:
    from convalgebra.symbolic.derivation import Derivation


@dataclass(frozen=True)
class Side:
    """One of the two stacks: its normal form and what it can be.

    `family` leaves out the activations, if there are any; then `dimension` is None, since the
    dimension of what is not linear is not asked for.
    """

    network: Network
    family: Family
    dimension: Dimension | None

    @property
    def text(self) -> str:
        """The stack as the user wrote it, in canonical form."""
        return self.family.text

    @property
    def activated(self) -> bool:
        """Whether it has activations."""
        return self.dimension is None

    @property
    def chain(self) -> Chain:
        """Its normal form as a one-channel chain; see `EquivalenceReport.one_channel`."""
        chain = self.family.chain
        assert chain is not None, f"{self.text} is no one-channel chain"
        return chain

    def to_dict(self) -> dict[str, Any]:
        """The figures under stable keys."""
        found: dict[str, Any] = {
            "stack": self.text,
            "channels": [self.family.channels_in, self.family.channels_out],
            "receptive_field": list(self.family.receptive_field),
            "stride": [number(stride) for stride in self.family.total_stride],
            "weights": self.family.weights,
            "dimension": None,
            "ambient": self.family.ambient,
            "macs_per_output": number(self.family.macs_per_output),
        }
        if self.dimension is not None:
            if self.dimension.proved:
                found["dimension"] = self.dimension.value
            else:
                found["dimension_bounds"] = [self.dimension.lower, self.dimension.upper]
                found["dimension_estimate"] = self.dimension.estimate
        return found


def number(value: Any) -> int | str:
    """An exact number for JSON: whole ones as they are, others as "p/q"."""
    return int(value) if value == int(value) else str(value)


@dataclass(frozen=True)
class Direction:
    """Whether `maker` reproduces `made`, per field."""

    maker: Side
    made: Side
    reach: Reach

    def __post_init__(self) -> None:
        reach = self.reach
        answers = {reach.real, reach.complex, reach.rational}
        wrong = reach.real == "all" and reach.misses_some
        if self.maker.dimension is not None and self.made.dimension is not None:
            # What is made on an open set, or by almost all weights, has the whole dimension.
            small = self.maker.dimension.upper < self.made.dimension.lower
            wrong |= small and not answers <= {"thin", "unknown"}
            wrong |= (reach.codimension or 0) > self.made.dimension.upper
        if answers & {"all", "dense", "part"}:
            wrong |= reach.codimension not in (0, None)
        if wrong or (reach.codimension or 0) < 0:
            raise Defect(
                f"{self.maker.text} is said to make {reach.real} (real), {reach.complex} (complex),"
                f" {reach.rational} (rational) of {self.made.text}, with codimension "
                f"{reach.codimension}, and that contradicts its dimension or a witness"
            )

    @property
    def codimension(self) -> int | None:
        """Of the members of `made` that are reproduced, in all of `made`; None if not known."""
        return self.reach.codimension

    @property
    def degree(self) -> int | None:
        """Of the closure of those members; None if not known, or over 4,000 digits long."""
        return self.reach.degree

    @property
    def shifts(self) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """The shifts of the input and of the output that work, for stacks as they lie.

        The maker's output at n is the other one's at n plus the second shift, on an input on which
        every value lies the first shift earlier.
        """
        sides = (self.made.family.offset, self.maker.family.offset)
        lies = [a - b for a, b in zip(*sides, strict=True)]
        zero = (0,) * len(lies)
        outputs = self.reach.outputs or (zero,) * len(self.reach.offsets)
        moved = (
            tuple(t - s for t, s in zip(offset, lies, strict=True)) for offset in self.reach.offsets
        )
        return list(zip(moved, outputs, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """The answers per field, with what goes with them."""
        reach = self.reach
        found: dict[str, Any] = {
            "real": reach.real,
            "complex": reach.complex,
            "rational": reach.rational,
            "codimension": self.codimension,
            "degree": self.degree,
            "reason": reach.reason,
        }
        if reach.offsets:
            found["offsets"] = [list(offset) for offset in reach.offsets]
        if reach.outputs:
            found["output_shifts"] = [list(output) for output in reach.outputs]
        if reach.least_real_roots is not None:
            found["least_real_roots"] = reach.least_real_roots
            found["root_step"] = reach.root_step
        if reach.notes:
            found["notes"] = list(reach.notes)
        if reach.witnesses:
            found["witnesses"] = [
                {"field": w.field, "kernel": w.rows(), "reason": w.reason} for w in reach.witnesses
            ]
        return found


@dataclass(frozen=True, repr=False)
class EquivalenceReport:
    """Who reproduces whom, per field, with dimensions, equations and witnesses.

    `system` is set for a single one-channel kernel against a one-channel chain. `borders`,
    `implicit` and `width` are set where they were asked for. Shown as text by `print`, and as HTML
    in Jupyter.
    """

    left: Side
    right: Side
    left_reproduces_right: Direction
    right_reproduces_left: Direction
    system: tuple[Equation, ...] | None
    borders: BordersComparison | None = None
    implicit: tuple[ImplicitEquations, ...] = ()
    width: tuple[WidthReport, ...] = ()

    @property
    def equivalent(self) -> bool | None:
        """True if each reproduces all of the other over the reals; None if that is not known.

        An open set (`part`) may be all: then it is not known, unless a member is missed.
        """
        both = (self.left_reproduces_right.reach, self.right_reproduces_left.reach)
        answers = {reach.real for reach in both}
        if answers == {"all"}:
            return True
        return False if any(reach.misses_some for reach in both) else None

    @property
    def one_channel(self) -> bool:
        """Whether one side is a single one-channel kernel, the other a one-channel chain."""
        sides = (self.left, self.right)
        return all(side.family.chain is not None and not side.activated for side in sides) and any(
            side.chain.is_kernel for side in sides
        )

    @property
    def kernel(self) -> Side:
        """The side that is a single kernel: the left one if both are, the right one if none is."""
        return self.left if self.left.family.is_kernel else self.right

    @property
    def stack(self) -> Side:
        """The other side."""
        return self.right if self.kernel is self.left else self.left

    @property
    def kernel_makes(self) -> Direction:
        """Whether the single kernel reproduces the stack."""
        forward, backward = self.left_reproduces_right, self.right_reproduces_left
        return forward if self.kernel is self.left else backward

    @property
    def stack_makes(self) -> Direction:
        """Whether the stack reproduces the single kernel."""
        forward, backward = self.left_reproduces_right, self.right_reproduces_left
        return backward if self.kernel is self.left else forward

    @property
    def offset(self) -> tuple[int, ...]:
        """Where the stack's merged kernel lies in the kernel, as the equations have it."""
        return equations_offset(self.kernel.chain, self.stack.chain)

    @property
    def terms(self) -> int:
        """The number of products of weights in the system of equations."""
        return count_terms(self.stack.chain)

    @cached_property
    def equations(self) -> list[Any]:
        """The system as sympy equations, one for each tap: `solve` and `subs` work on them."""
        from convalgebra.symbolic import equations as symbolic_equations

        channels = self.kernel.family.channels_in
        return list(symbolic_equations(self.kernel.network, self.stack.network, channels=channels))

    def derivation(self) -> Derivation:
        """The derivation as one does it by hand: patch, outputs, coefficients, both solutions.

        For a single one-channel kernel and a one-channel chain. Raises InputError for several
        channels, and UnsupportedError for what else cannot be written out.
        """
        from convalgebra.symbolic import derive

        count = self.left.family.channels_in
        if count != 1:
            raise InputError(
                f"derivation() writes out the sums of one input channel, and here are {count:,}; "
                "ask for channels=1, or for the proof: convalgebra equiv .. --derive"
            )
        return derive(self.kernel.network, self.stack.network)

    def certificate(self) -> dict[str, Any]:
        """The proof in the format of certificates, for `convalgebra check`.

        Raises UnsupportedError where a stack has other activations than ReLUs.
        """
        from convalgebra.algebra.certificates import certificate_of

        return certificate_of(self)

    def to_dict(self) -> dict[str, Any]:
        """The report under the keys of `convalgebra.equiv/1`."""
        system = None if self.system is None else list(map(str, self.system))
        found: dict[str, Any] = {
            "schema": "convalgebra.equiv/1",
            "left": self.left.to_dict(),
            "right": self.right.to_dict(),
            "left_reproduces_right": self.left_reproduces_right.to_dict(),
            "right_reproduces_left": self.right_reproduces_left.to_dict(),
            "equivalent": self.equivalent,
            "equations": system,
        }
        if self.borders is not None:
            found["borders"] = self.borders.to_dict()
        if self.implicit:
            found["implicit_equations"] = [_equations_to_dict(one) for one in self.implicit]
        if self.width:
            found["hidden_width"] = [asdict(width) | {"least": width.least} for width in self.width]
        return found

    def __repr__(self) -> str:
        return (
            f"EquivalenceReport({self.left.text} | {self.right.text}, equivalent={self.equivalent})"
        )

    def __str__(self) -> str:
        from convalgebra.render.equivalence_text import equivalence_to_text

        return equivalence_to_text(self)

    def _repr_html_(self) -> str:
        from convalgebra.render.equivalence_markup import equivalence_to_html

        return equivalence_to_html(self)


def _equations_to_dict(found: ImplicitEquations) -> dict[str, Any]:
    claims = found.claims("")
    return {
        "stack": found.text,
        "degrees": {str(degree): count for degree, count in found.degrees.items()},
        "empty_up_to": found.empty_up_to,
        "searched_up_to": found.searched_up_to,
        "complete": found.complete,
        "stopped": found.stopped,
        "coordinates": claims[0]["coordinates"] if claims else [],
        "equations": claims[0]["equations"] if claims else [],
    }


def equations_offset(kernel: Chain, stack: Chain) -> tuple[int, ...]:
    """Where the equations put the stack in the kernel: as the padding says, else at the start."""
    if kernel.aligned or (kernel.padded and stack.padded):
        return tuple(b - a for a, b in zip(kernel.offset, stack.offset, strict=True))
    return (0,) * kernel.axes
