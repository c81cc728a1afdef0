"""A one-channel chain of convolutions in normal form: one polynomial factor per layer.

On an unbounded grid a layer with taps W[u], stride s, dilation d is the operator `(K(z), s)` with
`K(z) = sum_u W[u] z^(d u)`, and `(K2, s2) after (K1, s1) = (K2(z^s1) K1(z), s1 s2)`. So a chain is a
product of polynomials, commutative with one channel: factor i has its own taps on the lattice of its
*effective* dilation, `d_i` times the strides before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import prod

from convalgebra.errors import SizeError, UnsupportedError
from convalgebra.language.printer import layer_text
from convalgebra.layers import KINDS, Layer, out_channels
from convalgebra.network import Network
from convalgebra.windows import same_padding

Exponent = tuple[int, ...]


@dataclass(frozen=True)
class Factor:
    """One layer of a chain: taps per axis, effective dilation per axis, and whether it has weights.

    A factor that is not free is an average pooling: all its taps are equal and fixed.
    """

    taps: tuple[int, ...]
    dilation: tuple[int, ...]
    free: bool = True

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

    def exponents(self) -> list[Exponent]:
        """The exponents of its taps, in the order of the rows.

        >>> Factor((1, 2), (1, 3)).exponents()
        [(0, 0), (0, 3)]
        """
        steps = (range(0, d * k, d) for k, d in zip(self.taps, self.dilation, strict=True))
        return list(product(*steps))


@dataclass(frozen=True)
class Chain:
    """A product of factors, with the total stride and the position of the first tap.

    `offset` is minus the merged padding, `p1 + s1 p2 + ..`; `padded` tells whether any was written.
    `macs_per_output` counts each layer's taps times the strides after it.
    """

    text: str
    factors: tuple[Factor, ...]
    stride: tuple[int, ...]
    offset: Exponent
    padded: bool
    macs_per_output: int

    @property
    def axes(self) -> int:
        """The number of axes of the grid."""
        return len(self.stride)

    @cached_property
    def receptive_field(self) -> tuple[int, ...]:
        """The size of the merged kernel: 1 more than the sum of the degrees, per axis."""
        return tuple(1 + sum(f.degree[a] for f in self.factors) for a in range(self.axes))

    @property
    def weights(self) -> int:
        """The number of weights."""
        return sum(factor.weights for factor in self.factors)

    @property
    def is_kernel(self) -> bool:
        """Whether it is a single layer with free weights."""
        return len(self.factors) == 1 and self.factors[0].free

    @cached_property
    def support(self) -> frozenset[Exponent]:
        """Where the merged kernel of a generic member is not zero: the sums of the layers' exponents.

        (Every coefficient is a sum of monomials in the weights with coefficient +1, so none of them
        vanishes identically.)
        """
        sums: set[Exponent] = {(0,) * self.axes}
        for factor in self.factors:
            steps = factor.exponents()
            sums = {tuple(map(sum, zip(one, two, strict=True))) for one in sums for two in steps}
        return frozenset(sums)

    @property
    def ambient(self) -> int:
        """The number of coefficients of the merged kernel that are not always zero."""
        return len(self.support)

    def normal_form(self) -> str:
        """The chain as one kernel and one stride, as an error names it."""
        size = "x".join(map(str, self.receptive_field))
        return f"{size} at stride {'x'.join(map(str, _once(self.stride)))}"


def _once(values: tuple[int, ...]) -> tuple[int, ...]:
    return values[:1] if len(set(values)) == 1 else values


MAX_AMBIENT = 250_000  # coefficients of a merged kernel; sets of exponents past it fill the memory


def chain_of(network: Network) -> Chain:
    """The normal form of a network that is a chain of one-channel convolutions.

    >>> from convalgebra.language import parse
    >>> chain = chain_of(parse("2x2s2, 2x2"))
    >>> chain.receptive_field, chain.stride, chain.factors[1].dilation
    ((4, 4), (2, 2), (2, 2))

    Raises UnsupportedError, naming the layer, for anything else.
    """
    axes = _axes(network)
    stride = (1,) * axes
    offset = [0] * axes
    factors = []
    strides = []
    padded = False
    for index, node in enumerate(network.nodes[1:], 1):
        layer = node.layer
        if node.inputs != (index - 1,) or network.outputs != (len(network.nodes) - 1,):
            raise UnsupportedError(_refusal(layer, "branches and named values"))
        if layer.kind == "dropout":
            continue
        _check(layer, axes, shared=node.weights != index)
        taps = tuple(map(int, layer.size))
        dilation = tuple(s * int(d) for s, d in zip(stride, layer.dilation, strict=True))
        for axis, padding in enumerate(_left_padding(layer)):
            offset[axis] -= stride[axis] * padding
            padded |= padding > 0
        factors.append(Factor(taps, dilation, layer.kind != "avg"))
        strides.append(tuple(map(int, layer.stride)))
        stride = tuple(a * b for a, b in zip(stride, strides[-1], strict=True))
    macs, positions = 0, 1
    for factor, step in zip(reversed(factors), reversed(strides), strict=True):
        macs += positions * factor.weights
        positions *= prod(step)
    if not factors:
        factors.append(Factor((1,) * axes, (1,) * axes, free=False))  # id
    chain = Chain(_text(network), tuple(factors), stride, tuple(offset), padded, macs)
    if prod(chain.receptive_field) > MAX_AMBIENT:
        size = "x".join(map(str, chain.receptive_field))
        raise UnsupportedError(
            f"{size} has more than {MAX_AMBIENT:,} coefficients: too many for equiv"
        )
    return chain


_MOST_SPELLED = 3  # layers; longer chains are shown with equal neighbours folded


def _text(network: Network) -> str:
    if len(network.nodes) - 1 <= _MOST_SPELLED:
        return ",".join(layer_text(node.layer) for node in network.nodes[1:])
    return str(replace(network, shape=None)).replace(", ", ",")


def _axes(network: Network) -> int:
    for node in network.nodes:
        if node.layer.axes is not None:
            return node.layer.axes
    raise UnsupportedError("equiv compares convolutions; there is no kernel in this stack")


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
    if layer.groups != 1 or out_channels(layer, 1) != 1:
        raise UnsupportedError(_refusal(layer, "several channels"))


def _refusal(layer: Layer, what: str) -> str:
    shown = layer_text(layer) if layer.kind not in ("add", "mul", "cat", "unused") else layer.kind
    return (
        f"equiv does not decide stacks with {what} (here: `{shown}`); "
        "it compares chains of one-channel convolutions without bias, like 3x3 and 2x2,2x2"
    )


def _left_padding(layer: Layer) -> tuple[int, ...]:
    if layer.padding != "same":
        return tuple(int(left) for left, _ in layer.padding)
    if any(s != 1 for s in layer.stride):
        raise SizeError("psame with a stride depends on the input size; write the padding")
    # At stride 1 it does not depend on the input.
    pads = (
        same_padding(10**9, k, 1, d)[0] for k, d in zip(layer.size, layer.dilation, strict=True)
    )
    return tuple(map(int, pads))
