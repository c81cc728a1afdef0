"""How many hidden channels a stack needs until it can be every kernel of its receptive field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import prod

from convalgebra.algebra.dimension.bounds import upper_bound
from convalgebra.algebra.dimension.dimension import DEFAULT_BUDGET, Dimension, dimension
from convalgebra.algebra.families import Family, family_of
from convalgebra.algebra.plan import Plan, Step, plan_of, stack_text
from convalgebra.algebra.two_products import other_layer
from convalgebra.errors import Defect
from convalgebra.layers import Channels
from convalgebra.network import Network

MAX_TRIED = 12  # widths of which the dimension is taken
MAX_WIDTH = 1_000_000


@dataclass(frozen=True)
class Width:
    """A stack at one hidden width: what it has, and whether its dimension is known to be full.

    `full` is True where the dimension is proved to be that of the kernel, False where it is proved
    to be less, and None where it is not known.
    """

    hidden: int
    weights: int
    dimension: int
    proved: bool
    full: bool | None


@dataclass(frozen=True)
class WidthReport:
    """The least hidden width at which a stack has the dimension of the full kernel.

    `necessary`: every smaller width is proved to have a smaller dimension. `sufficient`: this one
    is proved to have the full dimension; None where none was found. `enough` hidden channels are
    enough for every kernel, exactly, by filters that pick shifts (see `constructions`). `weights`
    are the stack's at the sufficient width, beside `kernel_weights`.
    """

    stack: str
    kernel: str
    kernel_weights: int
    target: int
    necessary: int | None
    sufficient: int | None
    enough: int | None
    weights: int | None
    tried: tuple[Width, ...]
    reason: str

    def __post_init__(self) -> None:
        widths = [n for n in (self.necessary, self.sufficient, self.enough) if n is not None]
        if widths != sorted(widths) or any(one.dimension > self.target for one in self.tried):
            raise Defect(f"the hidden widths {widths} of {self.stack} are in no order")

    @property
    def least(self) -> int | None:
        """The least width of full dimension, where it is settled."""
        return self.sufficient if self.sufficient == self.necessary else None


def hidden_width(
    kernel: Family | None,
    stack: Network,
    channels: int = 1,
    *,
    channels_out: int | None = None,
    budget: int = DEFAULT_BUDGET,
) -> WidthReport:
    """How many hidden channels until a stack can be (almost) any kernel of its receptive field.

    All convolutions but the last get the same number of channels; the last one gives
    `channels_out`, as many as come in if that is None. A stack with more hidden channels can be all
    that it can be with fewer (the others stay 0), so the widths of full dimension are those from a
    least one on.

    >>> from convalgebra.language import parse
    >>> [hidden_width(None, parse("2x2,2x2"), channels=c).least for c in (1, 2, 3, 4)]
    [2, 3, 5, 6]
    """
    out = channels if channels_out is None else channels_out
    plan = plan_of(stack, channels)
    problem = _problem(plan)
    wanted = Family(plan) if problem else _family(stack, channels, out, 1)
    size = wanted.receptive_field
    text = "x".join(map(str, size)) if kernel is None else kernel.text
    target = channels * out * prod(size) if kernel is None else kernel.weights
    if problem is None and kernel is not None and not _same_kernel(kernel, wanted, channels, out):
        problem = (
            f"{kernel.text} is not the full kernel of the receptive field of {wanted.text}, "
            f"{'x'.join(map(str, size))}"
        )
    if problem is None and wanted.ambient < channels * out * prod(size):
        problem = (
            f"{wanted.text} reaches {wanted.ambient // (channels * out)} of the {prod(size)} taps "
            "of its receptive field, with any number of channels"
        )
    if problem is not None:
        return WidthReport(
            stack_text(stack), text, target, target, None, None, None, None, (), problem
        )
    return _Search(stack, channels, out, text, target, wanted, budget).report()


def with_hidden(network: Network, hidden: int, out: int) -> Network:
    """A network with `hidden` channels after every convolution but the last, which gives `out`.

    >>> from convalgebra.language import parse
    >>> str(with_hidden(parse("2x2, 2x2"), 6, 4))
    '2x2@6, 2x2@4'
    """
    kinds = ("conv", "convt", "linear")
    places = [index for index, node in enumerate(network.nodes) if node.layer.kind in kinds]
    nodes = list(network.nodes)
    for index in places:
        count = out if index == places[-1] else hidden
        layer = replace(nodes[index].layer, channels=Channels("=", count))
        nodes[index] = nodes[index]._replace(layer=layer)
    return replace(network, nodes=tuple(nodes), shape=None, source=None)


def _family(stack: Network, channels: int, out: int, hidden: int) -> Family:
    return family_of(with_hidden(stack, hidden, out), channels)


def _same_kernel(kernel: Family, wanted: Family, channels: int, out: int) -> bool:
    return (
        kernel.is_kernel
        and (kernel.channels_in, kernel.channels_out) == (channels, out)
        and kernel.receptive_field == wanted.receptive_field
        and kernel.ambient == channels * out * prod(kernel.receptive_field)
        and kernel.rate == wanted.rate
    )


def _problem(plan: Plan) -> str | None:
    """Why no number of hidden channels is sought."""
    free = [step for step in plan.steps[1:] if step.weights is not None]
    if not plan.is_chain:
        return f"{plan.text} is not a chain of layers: its hidden widths are not one number"
    if any(step.op != "conv" for step in plan.steps[1:]):
        return f"{plan.text} is not a chain of convolutions"
    if any(step.groups > 1 for step in free):
        return f"{plan.text} has groups: channels of different groups never meet there"
    if any(step.bias for step in free):
        return f"{plan.text} has biases; leave them away: the last one is enough for all constants"
    if len(free) < 2:
        return f"{plan.text} has no hidden channels"
    return None


class _Search:
    """Least and greatest widths that are settled, by halving what lies between."""

    def __init__(
        self,
        stack: Network,
        channels: int,
        out: int,
        kernel: str,
        target: int,
        wanted: Family,
        budget: int,
    ) -> None:
        self.stack, self.channels, self.out = stack, channels, out
        self.kernel, self.target, self.wanted, self.budget = kernel, target, wanted, budget
        self.tried: dict[int, Width] = {}

    def report(self) -> WidthReport:
        enough = shifts_needed(self.wanted.plan)
        most = enough if enough is not None else MAX_WIDTH
        necessary = self.necessary(most)
        sufficient: int | None = None
        low, width = necessary, necessary
        step = 1
        unknown: list[int] = []
        beyond = False
        while len(self.tried) < MAX_TRIED and width <= most:
            found = self.at(width)
            if found.dimension == 0:  # beyond the budget, and wider stacks cost more
                del self.tried[width]
                beyond = True
                break
            if found.full:
                sufficient = width
                if width == low or width - 1 in self.tried:
                    break
                most, step, width = width - 1, 1, (low + width - 1) // 2
                continue
            if found.full is False:
                low = necessary = width + 1
            else:
                unknown.append(width)
                low = max(low, width + 1)
            width, step = min(max(width + step, low), most + (width >= most)), 2 * step
        if sufficient is None and enough is not None and not beyond and len(self.tried) < MAX_TRIED:
            found = self.at(enough)
            sufficient = enough if found.full else None
        weights = None if sufficient is None else self.tried[sufficient].weights
        return WidthReport(
            stack_text(self.stack),
            self.kernel,
            self.target,
            self.target,
            necessary,
            sufficient,
            enough,
            weights,
            tuple(self.tried[width] for width in sorted(self.tried)),
            self.reason(necessary, sufficient, enough, unknown, beyond),
        )

    def necessary(self, most: int) -> int:
        """The least width that symmetries and supports leave possible.

        Doubling first: it is near 1, and wide stacks cost more.
        """
        low, high = 1, 1
        while high < most and self.bound(high) < self.target:
            low, high = high + 1, min(2 * high, most)
        while low < high:
            middle = (low + high) // 2
            if self.bound(middle) < self.target:
                low = middle + 1
            else:
                high = middle
        return low

    def bound(self, hidden: int) -> int:
        family = _family(self.stack, self.channels, self.out, hidden)
        if family.chain is not None:
            return dimension(family).upper
        return upper_bound(family, fields=False).value

    def at(self, hidden: int) -> Width:
        if hidden not in self.tried:
            family = _family(self.stack, self.channels, self.out, hidden)
            found: Dimension = dimension(family, budget=self.budget)
            full = True if found.lower == self.target else None
            if found.upper < self.target:
                full = False
            self.tried[hidden] = Width(hidden, family.weights, found.value, found.proved, full)
        return self.tried[hidden]

    def reason(
        self,
        necessary: int,
        sufficient: int | None,
        enough: int | None,
        unknown: Sequence[int],
        beyond: bool,
    ) -> str:
        texts = []
        if necessary > 1:
            texts.append(
                f"below {necessary:,} hidden channels the dimension is less than {self.target:,}, "
                "by weights and symmetries"
            )
        if sufficient is not None:
            texts.append(f"with {sufficient:,} it is {self.target:,}, proved by a rank")
        elif beyond:
            texts.append("the ranks that would prove a sufficient width are beyond the budget")
        else:
            texts.append("no width was found at which it is proved")
        open_widths = [width for width in unknown if width >= necessary]
        if open_widths:
            texts.append(f"not settled: {', '.join(f'{width:,}' for width in open_widths)}")
        if sufficient is not None and (enough is None or sufficient < enough):
            plan = _family(self.stack, self.channels, self.out, sufficient).plan
            texts.append(f"with {sufficient:,} {_of_all_kernels(plan)}")
        if enough is not None:
            texts.append(f"{enough:,} reach every kernel, by filters that pick shifts")
        return "; ".join(texts)


def _of_all_kernels(plan: Plan) -> str:
    """What is known of a chain of full dimension and all kernels, beyond its dimension."""
    if other_layer(plan):
        return "every real and every complex kernel is reached, as a sum of two products"
    if misses_real_kernels(plan):
        return f"an open set of real kernels is still missed: {MISSED}"
    one_axis = sum(any(step.size[axis] > 1 for step in plan.steps[1:]) for axis in range(plan.axes))
    if one_axis == 1 and {channels for step in plan.steps[1:] for channels in step.channels} == {1}:
        return "every real and every complex kernel is reached"
    return "whether every real kernel is reached is not decided"


MISSED = "the determinant of a filter of even size has a real root"


def misses_real_kernels(plan: Plan) -> bool:
    """Whether it is seen that a chain misses an open set of real kernels; False proves nothing.

    Along one axis, with C channels everywhere, the determinant of a product of filters, read as a
    form, is the product of theirs, of degrees C (k - 1). If that is odd it has a real root; so if
    some is, and the degree of q(z) is even, the kernels near q(z) times the identity, q without a
    real root, are missed.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.language import parse
    >>> [misses_real_kernels(plan_of(parse("2,2"), channels)) for channels in (1, 2, 3)]
    [True, False, True]
    """
    steps = plan.steps[1:]
    dense = all(s.op == "conv" and s.weights is not None and s.groups == 1 for s in steps)
    if not plan.is_chain or not dense:
        return False
    along = [axis for axis in range(plan.axes) if any(k[axis] > 1 for k in (s.size for s in steps))]
    if len(along) != 1:
        return False
    (axis,) = along
    channels = {count for step in steps for count in step.channels}
    dilations = {step.dilation[axis] for step in steps if step.size[axis] > 1}
    plain = all(step.stride[axis] == 1 and not step.bias for step in steps)
    even = sum(step.size[axis] % 2 == 0 for step in steps)
    odd = len(channels) == len(dilations) == 1 and min(channels) % 2 == 1
    return plain and odd and even > 0 and even % 2 == 0


def shifts_needed(plan: Plan) -> int | None:
    """Hidden channels enough for every kernel of the support; None for other than dense chains.

    All layers but the last pick shifts of the input channels, so many that the windows of the last
    one cover the support: it holds the taps. Or all but the first pick shifts of the outputs.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.language import parse
    >>> shifts_needed(plan_of(parse("2x2, 2x2"))), shifts_needed(plan_of(parse("3x3, 3x3")))
    (4, 4)
    """
    steps = plan.steps[1:]
    if any(step.weights is None or step.op != "conv" for step in steps):
        return None
    into, out = plan.channels
    return min(into * _cover(plan.axes, steps), out * _cover(plan.axes, steps, backwards=True))


def _cover(axes: int, steps: Sequence[Step], *, backwards: bool = False) -> int:
    """How many shifts the layers before the last (after the first) have to pick, at least."""
    counts = []
    for axis in range(axes):
        scale, tables = 1, []
        for step in steps:
            tables.append([scale * step.dilation[axis] * u for u in range(step.size[axis])])
            scale *= step.stride[axis]
        if backwards:
            tables.reverse()
        shifts = {0}
        for table in tables[:-1]:
            shifts = {a + b for a in shifts for b in table}
        counts.append(len(least_cover(sorted(shifts), tables[-1])))
    return prod(counts)


def least_cover(shifts: Sequence[int], window: Sequence[int]) -> tuple[int, ...]:
    """The fewest shifts whose windows cover all that all of them cover.

    >>> least_cover([0, 1, 2], [0, 1, 2])
    (0, 2)
    """
    every = {a + b for a in shifts for b in window}
    if len(shifts) <= _MOST_SHIFTS:
        for count in range(1, len(shifts) + 1):
            for some in combinations(shifts, count):
                if {a + b for a in some for b in window} == every:
                    return some
    found: list[int] = []  # from the left, each as far as nothing is left out
    covered: set[int] = set()
    while covered != every:
        gap = min(every - covered)
        best = max(a for a in shifts if gap - a in set(window))
        found.append(best)
        covered |= {best + b for b in window}
    return tuple(found)


_MOST_SHIFTS = 12  # of which all subsets are tried
