"""The input of a stack that is merged: its channels, if need be read off the weights."""

from __future__ import annotations

from typing import NamedTuple

from convalgebra.arguments import as_whole
from convalgebra.errors import InputError, UnsupportedError
from convalgebra.kernels.merging.state import State
from convalgebra.layers import KINDS, Layer
from convalgebra.network import Network
from convalgebra.shapes import Shape


class Placed(NamedTuple):
    """A network on its input, the channels that come in, and the axes.

    With `assumed` nothing said how many channels come in, and they are taken for one.
    """

    network: Network
    channels: int
    axes: int
    assumed: bool


def placed(
    network: Network, shape: Shape | None, channels: int | None, state: State | None
) -> Placed:
    """The network with what comes in: as `shape`, `channels` and the weights say."""
    if channels is not None:
        channels = as_whole(channels, "channels", 1)
    own = network.shape if shape is None else shape
    if own is not None and not all(isinstance(size, int) for size in own):
        raise UnsupportedError("merging works on numbers; write a number for each named size")
    axes = network.axes
    if own is not None and len(own) != axes:
        if channels not in (None, int(own[0])):
            raise InputError(f"the input has {own[0]} channels, and channels says {channels}")
        return Placed(network.with_input(own), int(own[0]), len(own) - 1, False)
    if axes is None:
        raise UnsupportedError(
            "nothing tells how many axes there are: no layer of the stack has a kernel; give the "
            "input, like --input 64x12x12 (in Python input=..)"
        )
    if channels is None and state is not None:
        channels = _inferred(network, state)
    count = channels or 1
    if own is not None:
        network = network.with_input((count, *own))
    return Placed(network, count, axes, channels is None)


_KEEPS = frozenset({"avg", "up", "dropout", "pad", "crop", "shuffle", "add"})


def _inferred(network: Network, state: State) -> int | None:
    """The channels that come in, read off the shape of weights; None if none says."""
    alike, count = {0}, 0  # the values with the channels of the input; the layers before
    for index, node in enumerate(network.nodes[1:], 1):
        kind = node.layer.kind
        if set(node.inputs) <= alike and kind in _KEEPS:
            alike.add(index)
        if KINDS[kind].weights != "none" and network.live[index]:
            found = None
            if set(node.inputs) <= alike:
                found = _channels_in(node.layer, state.shape(f"{count}.weight"))
            if found is not None or state.row is not None:  # in a row only the first is known
                return found
        count += len(node.inputs) == 1
    return None


def _channels_in(layer: Layer, shape: tuple[int, ...]) -> int | None:
    """The channels that come into a layer with a weight of that shape; None if it does not say."""
    if layer.kind in ("conv", "linear") and len(shape) > 1:
        return shape[1] * int(layer.groups)
    if layer.kind in ("bn", "scale", "convt") and shape:
        return shape[0]
    if layer.kind == "dw" and shape and layer.channels.rule == "*":
        return shape[0] // int(layer.channels.size)
    return None
