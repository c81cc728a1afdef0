"""A one-channel chain of convolutions in normal form: one polynomial factor per layer.

On an unbounded grid a layer with taps W[u], stride s, dilation d is the operator `(K(z), s)` with
`K(z) = sum_u W[u] z^(d u)`, and `(K2, s2) after (K1, s1) = (K2(z^s1) K1(z), s1 s2)`. So a chain is
a product of polynomials, commutative with one channel: factor i has its own taps on the lattice of
its *effective* dilation, `d_i` times the strides before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import prod

from convalgebra.algebra.one_channel.places import Box, sums
from convalgebra.errors import UnsupportedError
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import KEPT, KINDS, MERGES, Channels, Layer
from convalgebra.network import Network
from convalgebra.sizes import text
from convalgebra.windows import same_padding

Exponent = tuple[int, ...]


@dataclass(frozen=True)
class Factor:
    """One layer of a chain: taps per axis, effective dilation per axis, and whether it has weights.

    A factor that is not free is an average pooling: all its taps are equal and fixed. Along an axis
    with a single tap the dilation has no meaning and is 1.
    """

    taps: tuple[int, ...]
    dilation: tuple[int, ...]
    free: bool = True

    def __post_init__(self) -> None:
        dilation = tuple(d if k > 1 else 1 for k, d in zip(self.taps, self.dilation, strict=True))
        object.__setattr__(self, "dilation", dilation)

    @property
    def weights(self) -> int:
        """The number of its weights, 0 if it is fixed."""
        return prod(self.taps) if self.free else 0

    @property
    def degree(self) -> tuple[int, ...]:
        """The exponent of its last tap."""
        return tuple(d * (k - 1) for k, d in zip(self.taps, self.dilation, strict=True))

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes along which it has more than one tap."""
        return tuple(axis for axis, k in enumerate(self.taps) if k > 1)

    @property
    def progressions(self) -> tuple[tuple[int, int], ...]:
        """Its taps along each axis: how many, and how far apart."""
        return tuple(zip(self.taps, self.dilation, strict=True))

    def exponents(self) -> list[Exponent]:
        """The exponents of its taps, in the order of the rows.

        >>> Factor((1, 2), (1, 3)).exponents()
        [(0, 0), (0, 3)]
        """
        return list(product(*(range(0, d * k, d) for k, d in self.progressions)))


@dataclass(frozen=True)
class Chain:
    """A product of factors, with the total stride and the position of the first tap.

    `offset` is minus the merged padding, `p1 + s1 p2 + ..`; `padded` tells whether any was written,
    on either side. `macs_per_output` counts each layer's taps times the strides after it. `aligned`
    chains are compared as they lie, others up to a shift.
    """

    text: str
    factors: tuple[Factor, ...]
    stride: tuple[int, ...]
    offset: Exponent
    padded: bool
    macs_per_output: int
    aligned: bool = False

    @property
    def axes(self) -> int:
        """The number of axes of the grid."""
        return len(self.stride)

    @cached_property
    def receptive_field(self) -> tuple[int, ...]:
        """The size of the merged kernel: 1 more than the sum of the degrees, per axis."""
        degrees = zip(*(factor.degree for factor in self.factors), strict=True)
        return tuple(1 + sum(along) for along in degrees)

    @cached_property
    def weights(self) -> int:
        """The number of weights."""
        return sum(factor.weights for factor in self.factors)

    @property
    def is_kernel(self) -> bool:
        """Whether it is a single layer with free weights."""
        return len(self.factors) == 1 and self.factors[0].free

    @cached_property
    def support(self) -> Box:
        """Where the merged kernel of a generic member is not zero: the sums of the taps, per axis.

        (Every coefficient is a sum of monomials in the weights with coefficient +1, so none of them
        vanishes identically.)
        """
        along = zip(*(factor.progressions for factor in self.factors), strict=True)
        return tuple(map(sums, along))

    @property
    def ambient(self) -> int:
        """The number of coefficients of the merged kernel that are not always zero."""
        return prod(places.bit_count() for places in self.support)


def fixed_shift(maker: Chain, made: Chain) -> Exponent | None:
    """The one shift between first taps that counts for aligned chains; None for all others."""
    if not maker.aligned:
        return None
    return tuple(b - a for a, b in zip(maker.offset, made.offset, strict=True))


MAX_PLACES = 250_000  # of a merged kernel: past it the offsets and witnesses fill the memory
MAX_LAYERS = 10_000  # about a second


def chain_of(network: Network) -> Chain:
    """The normal form of a network that is a chain of one-channel convolutions.

    >>> from convalgebra.language import parse
    >>> chain = chain_of(parse("2x2s2, 2x2"))
    >>> chain.receptive_field, chain.stride, chain.factors[1].dilation
    ((4, 4), (2, 2), (2, 2))

    Raises UnsupportedError, naming the layer, for anything else, and ShapeError where the network
    has an input on which it cannot run.
    """
    if len(network) > MAX_LAYERS:
        raise UnsupportedError(
            f"{len(network):,} layers are too many for equiv; it takes up to {MAX_LAYERS:,}"
        )
    axes = _axes(network)
    if network.outputs != (len(network.nodes) - 1,):
        layer = network.nodes[min(network.outputs)].layer
        raise UnsupportedError(_refusal(layer, "outputs before the end"))
    _check_input(network)
    stride = (1,) * axes
    offset = [0] * axes
    factors = []
    strides = []
    padded = False
    for index, node in enumerate(network.nodes[1:], 1):
        layer = node.layer
        if node.inputs != (index - 1,):
            raise UnsupportedError(_refusal(layer, "branches and named values"))
        if layer.kind == "dropout":
            continue
        _check(layer, axes, shared=node.weights != index)
        dilation = tuple(s * int(d) for s, d in zip(stride, layer.dilation, strict=True))
        for axis, (left, right) in enumerate(_padding(layer)):
            offset[axis] -= stride[axis] * left
            padded |= left > 0 or right > 0
        factors.append(Factor(tuple(map(int, layer.size)), dilation, layer.kind != "avg"))
        strides.append(tuple(map(int, layer.stride)))
        stride = tuple(a * b for a, b in zip(stride, strides[-1], strict=True))
    macs, positions = 0, 1
    for factor, step in zip(reversed(factors), reversed(strides), strict=True):
        macs += positions * factor.weights
        positions *= prod(step)
    chain = Chain(_text(network), tuple(factors), stride, tuple(offset), padded, macs)
    if prod(chain.receptive_field) > MAX_PLACES:
        size = "x".join(map(str, chain.receptive_field))
        raise UnsupportedError(
            f"a receptive field of {size} has more than {MAX_PLACES:,} places: too many for equiv"
        )
    return chain


_MOST_SPELLED = 3  # layers; longer chains are shown with equal neighbours folded


def _text(network: Network) -> str:
    if len(network.nodes) - 1 <= _MOST_SPELLED:
        return ",".join(layer_text(node.layer) for node in network.nodes[1:])
    return str(replace(network, shape=None)).replace(", ", ",")


def _axes(network: Network) -> int:
    if network.axes is None:
        raise UnsupportedError("equiv compares convolutions; there is no kernel in this stack")
    return network.axes


def _check_input(network: Network) -> None:
    if network.shape is None:
        return
    channels = network.shape[0]
    if channels != 1:
        raise UnsupportedError(
            "equiv compares chains of one-channel convolutions; "
            f"this input has {text(channels)} channels"
        )
    if not network.named():
        _ = network.shapes  # raises where the layers do not fit the input


def _check(layer: Layer, axes: int, *, shared: bool) -> None:
    if layer.kind not in ("conv", "dw", "avg"):
        raise UnsupportedError(_refusal(layer, KINDS[layer.kind].meaning.partition(":")[0]))
    if shared:
        raise UnsupportedError(_refusal(layer, "shared weights"))
    if layer.axes != axes:
        raise UnsupportedError(_refusal(layer, f"a kernel with another number of axes than {axes}"))
    if layer.named():
        raise UnsupportedError(_refusal(layer, "a named size"))
    if layer.bias:
        raise UnsupportedError(_refusal(layer, "a bias"))
    if layer.groups != 1:
        raise UnsupportedError(_refusal(layer, "groups"))
    if layer.channels not in (KEPT, Channels("=", 1)):
        raise UnsupportedError(_refusal(layer, "several channels"))


def _refusal(layer: Layer, what: str) -> str:
    shown = layer.kind if layer.kind in MERGES else layer_text(layer)
    return (
        f"equiv does not decide stacks with {what} (here: `{shown}`); "
        "it compares chains of one-channel convolutions without bias, like 3x3 and 2x2,2x2"
    )


def _padding(layer: Layer) -> list[tuple[int, int]]:
    pads = layer.padding
    if pads == "same":
        if any(s != 1 for s in layer.stride):
            raise UnsupportedError(
                f"psame with a stride depends on the input size (here: `{layer_text(layer)}`); "
                "write the padding, like p1 or p0:1"
            )
        # At stride 1 it is the same for every input.
        sizes = zip(layer.size, layer.dilation, strict=True)
        pads = tuple(same_padding(1, k, 1, d) for k, d in sizes)
    return [(int(left), int(right)) for left, right in pads]
