"""Which stacks are merged: those whose every layer is a linear operator on an unbounded grid."""

from __future__ import annotations

from collections.abc import Callable

from convalgebra.errors import InputError, UnsupportedError
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import (
    ACTIVATIONS,
    BORDERS,
    KINDS,
    MERGES,
    NORMS,
    ON_ONE_SIZE,
    SLOPES,
    Layer,
)
from convalgebra.network import Network
from convalgebra.shapes import windows
from convalgebra.windows import output_size

MAX_LAYERS = 1_000


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
    return _WHY[layer.kind](layer)


def _shown(layer: Layer) -> str:
    return layer.kind if layer.kind in MERGES else layer_text(layer)


def _meaning(layer: Layer) -> str:
    return KINDS[layer.kind].meaning.partition(":")[0].partition(";")[0]


def _merged(layer: Layer) -> str:
    return ""


def _active(layer: Layer) -> str:
    return (
        f"`{_shown(layer)}` is an activation, and no convolution equals a stack with one in it; "
        "merge what stands before it and what stands after it"
    )


def _divides(layer: Layer) -> str:
    return f"`{_shown(layer)}` divides by what comes in: not linear"


def _plain_batch_norm(layer: Layer) -> str:
    return (
        f"`{_shown(layer)}` has no weights to merge; write `bn`, with a scale of 1 and a shift of 0"
    )


def _opaque(layer: Layer) -> str:
    if layer.opaque is not None and layer.opaque.name == "reparametrize":
        return "the model computes the weights of a layer from others (`reparametrize`)"
    return f"`{_shown(layer)}` is {KINDS[layer.kind].meaning}"


def _on_one_size(layer: Layer) -> str:
    return (
        f"`{_shown(layer)}` ({_meaning(layer)}) mixes the whole map, and a convolution only what a "
        "window sees"
    )


def _not_linear(layer: Layer) -> str:
    return f"`{_shown(layer)}` ({_meaning(layer)}) is not linear"


def _continued(how: str) -> Callable[[Layer], str]:
    def why(layer: Layer) -> str:
        if layer.kind in BORDERS and not any(map(any, layer.pads)):
            return ""
        return (
            f"`{_shown(layer)}` continues a map by its {how}, and the merged convolution pads with "
            "zeros"
        )

    return why


_WHY: dict[str, Callable[[Layer], str]] = {
    **dict.fromkeys(("input", "conv", "dw", "convt", "avg", "linear", "bn", "scale"), _merged),
    **dict.fromkeys(("up", "pad", "crop", "shuffle", "pixelshuffle", "slice", "dropout"), _merged),
    **dict.fromkeys(("add", "cat", "unused"), _merged),
    **dict.fromkeys(ACTIVATIONS | SLOPES, _active),
    **dict.fromkeys(NORMS - {"bn", "plainbn"}, _divides),
    "plainbn": _plain_batch_norm,
    "opaque": _opaque,
    **dict.fromkeys(ON_ONE_SIZE, _on_one_size),
    **dict.fromkeys(("max", "gmp", "mul"), _not_linear),
    "circular": _continued("other side"),
    "reflect": _continued("reflection"),
    "replicate": _continued("edge"),
    "bilinear": _continued("edge"),
}
assert _WHY.keys() == KINDS.keys(), "a kind of layer that merging neither takes nor refuses"


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
