"""Whether one stack can stand in for another, both ways."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial

from convalgebra import progress
from convalgebra.algebra.activations.reach import activation_reach
from convalgebra.algebra.answers import Reach
from convalgebra.algebra.borders import compare_borders
from convalgebra.algebra.dimension.dimension import Dimension, dimension
from convalgebra.algebra.equations import Equation, equations
from convalgebra.algebra.families import Family
from convalgebra.algebra.implicit.equations import ImplicitEquations
from convalgebra.algebra.implicit.search import implicit_equations
from convalgebra.algebra.plan import plan_of, stack_text
from convalgebra.algebra.reach import in_terms_of, reach
from convalgebra.algebra.report import (
    Direction,
    EquivalenceReport,
    Side,
    equations_offset,
    number,
)
from convalgebra.algebra.width import WidthReport, hidden_width
from convalgebra.arguments import as_flag, as_whole
from convalgebra.errors import UnsupportedError
from convalgebra.layers import ACTIVATIONS, Layer, axes_text
from convalgebra.network import Network
from convalgebra.readers import Stack, read, read_shape
from convalgebra.words import counted


def equiv(
    left: Stack,
    right: Stack,
    *,
    channels: int = 1,
    input: str | tuple[int, ...] | None = None,
    equations: bool = False,
    width: bool = False,
) -> EquivalenceReport:
    """Whether `left` and `right` can stand in for one another, exactly, over R, C and Q.

    `channels` come in, unless a stack has an input line. The stacks are compared up to a shift; on
    an `input` ("12x12", or "3x12x12") as they lie, and it is told which outputs differ at the
    borders. With `equations` the polynomial equations of
    what is thin are looked for, with `width` how many hidden channels give the full dimension.

    >>> report = equiv("3x3", "2x2,2x2")
    >>> report.left_reproduces_right.reach.real, report.right_reproduces_left.reach.real
    ('all', 'thin')
    >>> report.right_reproduces_left.codimension, report.right_reproduces_left.degree
    (2, 10)
    >>> equiv("5x5", "3x3,3x3", channels=2).right.dimension.value
    68

    Raises UnsupportedError for stacks that cannot be compared or are not linear, ShapeError where
    channels do not fit, LanguageError and InputError for what cannot be read.
    """
    channels = as_whole(channels, "channels", 1)
    equations, width = as_flag(equations, "equations"), as_flag(width, "width")
    networks = [read(stack) for stack in (left, right)]
    given = [
        int(n.shape[0]) for n in networks if n.shape is not None and isinstance(n.shape[0], int)
    ]
    channels = given[0] if given else channels
    placed = [] if input is None else _placed(networks, channels, input)
    families = _families(networks, channels, aligned=input is not None)
    _check(*families)
    sides = []
    for network, family in zip(networks, families, strict=True):
        progress.report(f"dimension of {family.text}")
        own = None if _activated(network) else dimension(family)
        sides.append(Side(network.without_eps(), family, own))
    one, two = sides
    forward = _direction(one, two, "left", "right", channels)
    backward = _direction(two, one, "right", "left", channels)
    report = EquivalenceReport(one, two, forward, backward, None)
    return replace(
        report,
        system=_system(report) if report.one_channel else None,
        borders=compare_borders(*placed) if placed else None,
        implicit=_implicit(sides) if equations else (),
        width=_width(sides, channels) if width else (),
    )


def _families(networks: list[Network], channels: int, *, aligned: bool = False) -> list[Family]:
    axes = _axes(networks)
    found = []
    for network in networks:
        plan = plan_of(_linear(network), channels, axes)
        found.append(Family(replace(plan, text=stack_text(network), aligned=aligned)))
    return found


def _axes(networks: list[Network]) -> int | None:
    """The axes that a stack without a kernel has beside one with."""
    return next((network.axes for network in networks if network.axes is not None), None)


def _activated(network: Network) -> bool:
    return any(
        node.layer.kind in ACTIVATIONS and live
        for node, live in zip(network.nodes, network.live, strict=True)
    )


def _linear(network: Network) -> Network:
    """The network with every activation left out."""
    nodes = (
        node._replace(layer=Layer("dropout")) if node.layer.kind in ACTIVATIONS else node
        for node in network.nodes
    )
    return replace(network, nodes=tuple(nodes))


def _check(left: Family, right: Family) -> None:
    if left.plan.axes != right.plan.axes:
        raise UnsupportedError(
            f"{left.text} works on {axes_text(left.plan.axes)}, "
            f"{right.text} on {axes_text(right.plan.axes)}: they cannot be compared"
        )
    for what, one, two in (
        (("comes in", "come in"), left.channels_in, right.channels_in),
        (("goes out", "go out"), left.channels_out, right.channels_out),
    ):
        if one != two:
            raise UnsupportedError(
                f"{counted(one, 'channel')} {what[one != 1]} in {left.text}, {two:,} in "
                f"{right.text}: they cannot be compared; write @ and the channels, or --channels "
                "for those that come in"
            )
    if left.total_stride != right.total_stride:
        raise UnsupportedError(
            f"the total strides differ: {left.text} is {_normal_form(left)}, "
            f"{right.text} {_normal_form(right)}; no weights make them equal"
        )


def _normal_form(family: Family) -> str:
    """The stack as one kernel and one stride, as an error names it."""
    size = "x".join(map(str, family.receptive_field))
    strides = [number(stride) for stride in family.total_stride]
    shown = strides[:1] if len(set(strides)) == 1 else strides
    return f"a kernel of {size} at stride {'x'.join(map(str, shown))}"


def _direction(
    maker: Side, made: Side, maker_name: str, made_name: str, channels: int
) -> Direction:
    progress.report(f"how much of {made.text} {maker.text} makes")
    if maker.activated or made.activated:
        networks = (maker.network, made.network)
        if maker.family.plan.aligned:
            decided = activation_reach(*networks, channels, _aligned_reach, _linear_reach)
        else:
            decided = activation_reach(*networks, channels, _linear_reach)
        assert decided is not None  # None stands for "neither has an activation"
        found = decided
    else:
        assert maker.dimension is not None
        assert made.dimension is not None
        found = reach(maker.family, made.family, (maker.dimension, made.dimension))
    return Direction(maker, made, in_terms_of(found, maker_name, made_name))


def _linear_reach(maker: Network, made: Network, channels: int, *, aligned: bool = False) -> Reach:
    """The answer for two linear stacks, for those that ask about the parts of others."""
    families = _families([maker, made], channels, aligned=aligned)
    one, two = map(_by_its_name, families)
    try:
        _check(one, two)
    except UnsupportedError as error:
        return Reach("thin", "thin", "thin", str(error))
    return reach(one, two, (dimension(one), dimension(two)))


_aligned_reach = partial(_linear_reach, aligned=True)


def _by_its_name(family: Family) -> Family:
    """A part that passes its input on, written as an average over one place, as `id`."""
    plan = family.plan
    one = (1,) * plan.axes
    last = plan.steps[-1]
    alone = len(plan.steps) == 2 and last.taps == (Fraction(1),) and last.size == last.stride == one
    return Family(replace(plan, text="id")) if alone and not any(last.padding) else family


def _system(report: EquivalenceReport) -> tuple[Equation, ...] | None:
    kernel, stack = report.kernel.chain, report.stack.chain
    return equations(kernel, stack, equations_offset(kernel, stack))


def _placed(networks: list[Network], channels: int, input: str | tuple[int, ...]) -> list[Network]:
    """Both networks on the input at whose borders they are compared."""
    shape = read_shape(input)
    if not all(isinstance(size, int) for size in shape):
        raise UnsupportedError(
            "borders are compared on numbers; write a number for each named size"
        )
    axes = _axes(networks)
    if len(shape) == axes:
        shape = (channels, *shape)
    given = all(network.shape is None for network in networks)  # with the input alone
    if given and len(shape) == (axes or 0) + 1 and shape[0] != channels:
        raise UnsupportedError(
            f"the input has {counted(int(shape[0]), 'channel')} and the stacks are compared for "
            f"{channels:,}; write --channels {shape[0]} as well, or only height and width"
        )
    return [network.with_input(shape) for network in networks]


def _implicit(sides: list[Side]) -> tuple[ImplicitEquations, ...]:
    """The equations of every side whose image is thin in the space of its coefficients."""
    found = []
    for side in sides:
        dim: Dimension | None = side.dimension
        if dim is not None and dim.upper < side.family.ambient:
            found.append(implicit_equations(side.family, dimension=dim.value))
    return tuple(found)


def _width(sides: list[Side], channels: int) -> tuple[WidthReport, ...]:
    """For every stack against the kernel of its receptive field, or the other side if it is one."""
    found = []
    for side, other in (tuple(sides), tuple(reversed(sides))):
        if len(side.family.plan.steps) > 2 and not side.activated:
            kernel = other.family if other.family.is_kernel else None
            out = side.family.channels_out
            found.append(hidden_width(kernel, side.network, channels, channels_out=out))
    if not found:
        active = [side.text for side in sides if side.activated]
        if active:
            raise UnsupportedError(f"--width is told for linear stacks; {active[0]} is none")
        raise UnsupportedError("--width widens the hidden layers of a stack; there is none here")
    return tuple(found)
