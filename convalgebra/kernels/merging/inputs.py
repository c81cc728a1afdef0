"""The input of a stack that is merged: its channels, if need be read off the first weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convalgebra.errors import InputError, UnsupportedError
from convalgebra.network import Network
from convalgebra.shapes import Shape


def placed(
    network: Network, shape: Shape | None, channels: int | None, weights: Any
) -> tuple[Network, int, int]:
    """The network on its input, the channels that come in, and the axes."""
    if channels is not None and channels < 1:
        raise InputError(f"channels must be at least 1, not {channels}")
    own = network.shape if shape is None else shape
    if own is not None and not all(isinstance(size, int) for size in own):
        raise UnsupportedError("merging works on numbers; write a number for each named size")
    axes = network.axes
    if own is not None and len(own) == axes:
        own = (channels or _inferred(network, weights) or 1, *own)
    elif own is not None and channels not in (None, int(own[0])):
        raise InputError(f"the input has {own[0]} channels, and channels says {channels}")
    if own is not None:
        return network.with_input(own), int(own[0]), len(own) - 1
    if axes is None:
        raise UnsupportedError(
            "nothing tells how many axes there are: no layer of the stack has a kernel; give the "
            "input, like --input 64x12x12 (in Python input=..)"
        )
    return network, channels or _inferred(network, weights) or 1, axes


_KEEPS = frozenset({"avg", "up", "dropout", "pad", "crop"})


def _inferred(network: Network, weights: Any) -> int | None:
    """The channels that come in, read off the shape of the first weights; None if that says not."""
    source, count = 0, 0
    for index, node in enumerate(network.nodes[1:], 1):
        layer = node.layer
        if node.inputs != (source,) and layer.kind not in ("conv", "bn", "scale", "linear"):
            return None
        if layer.kind in _KEEPS and node.inputs == (source,):
            source, count = index, count + 1
            continue
        shape = _shape_of(weights, f"{count}.weight")
        if node.inputs != (source,) or not shape:
            return None
        if layer.kind == "conv" and len(shape) > 1:
            return shape[1] * int(layer.groups)
        if layer.kind == "linear" and len(shape) > 1:
            return shape[1]
        if layer.kind in ("bn", "scale", "convt"):
            return shape[0]
        if layer.kind == "dw" and layer.channels.rule == "*":
            return shape[0] // int(layer.channels.size)
        return None
    return None


def _shape_of(weights: Any, name: str) -> tuple[int, ...]:
    if isinstance(weights, (str, bytes)) or hasattr(weights, "__fspath__"):
        from convalgebra.kernels.arrays import headers

        path = weights if isinstance(weights, str) else weights.__fspath__()
        if not str(path).lower().endswith(".npz"):
            return ()
        return next((header.shape for header in headers(path) if header.name == name), ())
    found: Any = None
    if isinstance(weights, Mapping):
        found = weights.get(name)
    elif isinstance(weights, Sequence) and len(weights):
        found = weights[0]
    if hasattr(found, "shape"):
        return tuple(int(size) for size in found.shape)
    shape = []
    while isinstance(found, (list, tuple)) and found:
        shape.append(len(found))
        found = found[0]
    return tuple(shape)
