"""Whether one stack can stand in for another, both ways."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from convalgebra.algebra.answers import Reach
from convalgebra.algebra.dimension import Dimension, degree, dimension
from convalgebra.algebra.equations import Equation, count_terms, equations
from convalgebra.algebra.one_channel.chains import Chain, Exponent, chain_of
from convalgebra.algebra.one_channel.reach import chain_makes, covers, kernel_makes
from convalgebra.errors import UnsupportedError
from convalgebra.network import Network
from convalgebra.readers import Stack, read

if TYPE_CHECKING:
    from convalgebra.symbolic.derivation import Derivation


@dataclass(frozen=True)
class Side:
    """One of the two stacks: its normal form and what it can be."""

    network: Network
    chain: Chain
    dimension: Dimension

    def to_dict(self) -> dict[str, Any]:
        """The figures under stable keys."""
        return {
            "stack": self.chain.text,
            "receptive_field": list(self.chain.receptive_field),
            "weights": self.chain.weights,
            "dimension": self.dimension.value,
            "ambient": self.chain.ambient,
            "macs_per_output": self.chain.macs_per_output,
        }


@dataclass(frozen=True)
class Direction:
    """Whether `maker` reproduces `made`, per field.

    `codimension` and `degree` are those of the members of `made` that are reproduced, as a variety
    in all of `made`; None where that is not known, and for a degree of over 4,000 digits.
    """

    maker: Side
    made: Side
    reach: Reach
    codimension: int | None
    degree: int | None

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
        if reach.least_real_roots is not None:
            found["least_real_roots"] = reach.least_real_roots
            found["root_step"] = reach.root_step
        if reach.witnesses:
            found["witnesses"] = [
                {"field": w.field, "kernel": w.rows(), "reason": w.reason} for w in reach.witnesses
            ]
        return found


@dataclass(frozen=True, repr=False)
class EquivalenceReport:
    """Who reproduces whom, per field, with dimensions, equations and witnesses.

    Shown as text by `print`, and as HTML in Jupyter.
    """

    left: Side
    right: Side
    left_reproduces_right: Direction
    right_reproduces_left: Direction
    system: tuple[Equation, ...] | None

    @property
    def equivalent(self) -> bool | None:
        """True if each reproduces all of the other over the reals; None if that is not known."""
        answers = {self.left_reproduces_right.reach.real, self.right_reproduces_left.reach.real}
        if answers == {"all"}:
            return True
        return None if "unknown" in answers else False

    @property
    def kernel(self) -> Side:
        """The side that is a single kernel (the left one if both are)."""
        return self.left if self.left.chain.is_kernel else self.right

    @property
    def stack(self) -> Side:
        """The other side."""
        return self.right if self.left.chain.is_kernel else self.left

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
    def offset(self) -> Exponent:
        """Where the stack's merged kernel lies in the kernel, as the equations have it."""
        return _offset(self.kernel.chain, self.stack.chain)

    @property
    def terms(self) -> int:
        """The number of products of weights in the system of equations."""
        return count_terms(self.stack.chain)

    @cached_property
    def equations(self) -> list[Any]:
        """The system as sympy equations, one for each tap: `solve` and `subs` work on them."""
        from convalgebra.symbolic import equations as symbolic_equations

        return list(symbolic_equations(self.kernel.network, self.stack.network))

    def derivation(self) -> Derivation:
        """The derivation as one does it by hand: patch, outputs, coefficients, both solutions."""
        from convalgebra.symbolic import derive

        return derive(self.kernel.network, self.stack.network)

    def to_dict(self) -> dict[str, Any]:
        """The report under the keys of `convalgebra.equiv/1`."""
        system = None if self.system is None else list(map(str, self.system))
        return {
            "schema": "convalgebra.equiv/1",
            "left": self.left.to_dict(),
            "right": self.right.to_dict(),
            "left_reproduces_right": self.left_reproduces_right.to_dict(),
            "right_reproduces_left": self.right_reproduces_left.to_dict(),
            "equivalent": self.equivalent,
            "equations": system,
        }

    def __repr__(self) -> str:
        return (
            f"EquivalenceReport({self.left.chain.text} | {self.right.chain.text}, "
            f"equivalent={self.equivalent})"
        )

    def __str__(self) -> str:
        from convalgebra.render.equivalence_text import equivalence_to_text

        return equivalence_to_text(self)

    def _repr_html_(self) -> str:
        from convalgebra.render.equivalence_markup import equivalence_to_html

        return equivalence_to_html(self)


def equiv(left: Stack, right: Stack) -> EquivalenceReport:
    """Whether `left` and `right` can stand in for one another, exactly, over R, C and Q.

    One side is a single kernel, the other any chain of one-channel convolutions of the same total
    stride, on an unbounded grid.

    >>> report = equiv("3x3", "2x2,2x2")
    >>> report.left_reproduces_right.reach.real, report.right_reproduces_left.reach.real
    ('all', 'thin')
    >>> report.right_reproduces_left.codimension, report.right_reproduces_left.degree
    (2, 10)

    Raises UnsupportedError for stacks that it does not decide, LanguageError and InputError for
    what cannot be read.
    """
    networks = [read(stack) for stack in (left, right)]
    chains = [chain_of(network) for network in networks]
    _check(*chains)
    one, two = (
        Side(network, chain, dimension(chain))
        for network, chain in zip(networks, chains, strict=True)
    )
    kernel, stack = (one, two) if one.chain.is_kernel else (two, one)
    forward = _direction(kernel, stack, kernel_makes(kernel.chain, stack.chain))
    backward = _direction(stack, kernel, chain_makes(stack.chain, kernel.chain))
    if kernel is not one:
        forward, backward = backward, forward
    system = equations(kernel.chain, stack.chain, _offset(kernel.chain, stack.chain))
    return EquivalenceReport(one, two, forward, backward, system)


def _check(left: Chain, right: Chain) -> None:
    if left.axes != right.axes:
        raise UnsupportedError(
            f"{left.text} works on {left.axes} {_axes(left.axes)}, "
            f"{right.text} on {right.axes}: they cannot be compared"
        )
    if left.stride != right.stride:
        raise UnsupportedError(
            f"the total strides differ: {left.text} is a kernel of {left.normal_form()}, "
            f"{right.text} of {right.normal_form()}; no weights make them equal"
        )
    if not (left.is_kernel or right.is_kernel):
        merged = "x".join(map(str, left.receptive_field))
        raise UnsupportedError(
            "one side has to be a single kernel, like 3x3; compare each stack with the kernel of "
            f"its receptive field, {merged} for {left.text}"
        )


def _axes(count: int) -> str:
    return "axis" if count == 1 else "axes"


def _offset(kernel: Chain, stack: Chain) -> Exponent:
    """Where the equations put the stack in the kernel: as the padding says, else at the start."""
    if kernel.padded and stack.padded:
        return tuple(b - a for a, b in zip(kernel.offset, stack.offset, strict=True))
    return (0,) * kernel.axes


def _direction(maker: Side, made: Side, reach: Reach) -> Direction:
    if reach.complex == "all":
        return Direction(maker, made, reach, 0, 1)
    if made.chain.is_kernel and covers(made.chain, maker.chain):
        codimension = made.dimension.value - maker.dimension.value
        return Direction(maker, made, reach, codimension, degree(maker.chain))
    return Direction(maker, made, reach, None, None)
