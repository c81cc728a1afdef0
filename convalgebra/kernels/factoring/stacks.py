"""The stacks that `factor` takes: chains of convolutions with one channel."""

from __future__ import annotations

from convalgebra.algebra.one_channel.chains import Chain, chain_of
from convalgebra.algebra.plan import stack_text
from convalgebra.errors import UnsupportedError
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import KEPT, KINDS, MERGES, Channels, Layer
from convalgebra.network import Network
from convalgebra.readers import Stack, read

_TAKEN = (
    "factor takes chains of convolutions with one channel and no bias, of any size, stride and "
    "dilation, and averages, like 2x2,2x2 or 3x1,1x3d2,avg2x2s1"
)


def stack_of(stack: Stack) -> tuple[str, list[str], Chain]:
    """The stack as text, its layers as texts, and its chain of factors.

    >>> text, layers, chain = stack_of("2x2s2, 2x2")
    >>> text, layers, chain.receptive_field
    ('2x2s2,2x2', ['2x2s2', '2x2'], (4, 4))

    Raises UnsupportedError, naming the layer, for any other stack.
    """
    network = read(stack)
    _check(network)
    try:
        chain = chain_of(network)
    except UnsupportedError as error:
        raise UnsupportedError(str(error).replace("equiv", "factor")) from None
    layers = [node.layer for node in network.nodes[1:] if node.layer.kind != "dropout"]
    return stack_text(network), list(map(layer_text, layers)), chain


def _check(network: Network) -> None:
    joins = [node.layer.kind for node in network.nodes if node.layer.kind in MERGES]
    if joins:
        raise UnsupportedError(f"{_TAKEN}; here is `{joins[0]}`: several branches")
    for index, node in enumerate(network.nodes[1:], 1):
        what = _refused(node.layer)
        if what is None and node.inputs != (index - 1,):
            what = "branches"
        if what is None and node.weights not in (None, index):
            what = "shared weights"
        if what is not None:
            raise UnsupportedError(f"{_TAKEN}; here is `{layer_text(node.layer)}`: {what}")
    if network.shape is not None and network.shape[0] != 1:
        raise UnsupportedError(f"{_TAKEN}; this input has {network.shape[0]} channels")


def _refused(layer: Layer) -> str | None:
    if layer.kind not in ("conv", "dw", "avg", "dropout"):
        return KINDS[layer.kind].meaning.partition(":")[0]
    if layer.bias:
        return "a bias"
    if layer.groups != 1:
        return "groups"
    if layer.channels not in (KEPT, Channels("=", 1)):
        return "several channels"
    return "a named size" if layer.named() else None
