"""Which stacks are merged: those whose every layer is a linear operator on an unbounded grid."""

from __future__ import annotations

from convalgebra.errors import InputError, UnsupportedError
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import ACTIVATIONS, KINDS, MERGES, NORMS, ON_ONE_SIZE, SLOPES, Layer
from convalgebra.network import Network
from convalgebra.shapes import windows
from convalgebra.windows import output_size

MAX_LAYERS = 1_000

_CONTINUED = {
    "circular": "by its other side",
    "reflect": "by its reflection",
    "replicate": "by its edge",
    "bilinear": "by its edge",
}


def checked(network: Network) -> None:
    """Raise an error for a stack that no convolution equals, naming the layer that is in the way.

    >>> from convalgebra.language import parse
    >>> checked(parse("3x3, ln, 3x3"))
    Traceback (most recent call last):
    convalgebra.errors.UnsupportedError: not mergeable: `ln` divides by what comes in: not linear
    """
    if len(network) == 0:
        raise InputError("there is nothing to merge: the stack has no layers")
    if len(network) > MAX_LAYERS:
        raise UnsupportedError(
            f"{len(network):,} layers are too many to merge; it takes up to {MAX_LAYERS:,}"
        )
    named = sorted(network.named())
    if named:
        raise UnsupportedError(
            f"merging works on numbers, and {', '.join(named)} "
            f"{'is a named size' if len(named) == 1 else 'are named sizes'}: write numbers"
        )
    if len(network.outputs) != 1:
        raise UnsupportedError(
            f"the stack has {len(network.outputs)} outputs; one convolution has one"
        )
    for index, node in enumerate(network.nodes):
        if network.live[index]:
            why = _refusal(node.layer)
            if why:
                raise UnsupportedError(f"not mergeable: {why}")


def _refusal(layer: Layer) -> str:
    """Why a layer is not merged; empty if it is."""
    shown = layer.kind if layer.kind in MERGES else layer_text(layer)
    if layer.kind in ACTIVATIONS | SLOPES:
        return (
            f"`{shown}` is an activation, and no convolution equals a stack with one in it; merge "
            "what stands before it and what stands after it"
        )
    if layer.kind == "plainbn":
        return "`plainbn` has no weights to merge; write `bn`, with a scale of 1 and a shift of 0"
    if layer.kind in NORMS and layer.kind != "bn":
        return f"`{shown}` divides by what comes in: not linear"
    if layer.kind == "opaque":
        return f"`{shown}` is {KINDS[layer.kind].meaning}"
    if layer.kind in ON_ONE_SIZE:
        meaning = KINDS[layer.kind].meaning.partition(":")[0]
        return (
            f"`{shown}` ({meaning}) mixes the whole map, and a convolution only what a window sees"
        )
    if layer.kind in ("max", "gmp", "mul"):
        return f"`{shown}` ({KINDS[layer.kind].meaning.partition(';')[0]}) is not linear"
    if layer.kind in _CONTINUED and (layer.kind == "bilinear" or any(map(any, layer.pads))):
        return (
            f"`{shown}` continues a map {_CONTINUED[layer.kind]}, and the merged convolution pads "
            "with zeros"
        )
    return ""


def check_ceil(network: Network) -> None:
    """Raise UnsupportedError for an average whose last window may hang over the border."""
    for index, node in enumerate(network.nodes):
        layer = node.layer
        if network.live[index] and layer.kind == "avg" and layer.ceil:
            if not _hangs_over(network, index, layer):
                continue
            raise UnsupportedError(
                f"not mergeable: the last window of `{layer_text(layer)}` may hang over the border "
                "and divide by fewer numbers; leave `ceil` away, or give an input that fits"
            )


def _hangs_over(network: Network, index: int, layer: Layer) -> bool:
    if network.shape is None:
        return True
    shape = network.shapes[network.nodes[index].inputs[0]]
    return any(
        output_size(side, window) != output_size(side, window, ceil=True)
        for side, window in zip(shape[1:], windows(layer, shape), strict=True)
    )
