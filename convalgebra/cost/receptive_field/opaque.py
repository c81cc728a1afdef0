"""What is known of the field after an operation that the language has no word for."""

from __future__ import annotations

from convalgebra.layers import POINTWISE, Layer
from convalgebra.shapes import Shape
from convalgebra.sizes import same


def is_pointwise(layer: Layer, shape: Shape, output: Shape) -> bool:
    """Whether it works position by position, by its name and the shapes of what it reads and makes.

    >>> from convalgebra.layers import Opaque
    >>> layer = Layer("opaque", (8, 7, 7), opaque=Opaque("exp", 0, 0))
    >>> is_pointwise(layer, (8, 7, 7), (8, 7, 7)), is_pointwise(layer, (8, 9, 9), (8, 7, 7))
    (True, False)
    """
    return (
        layer.opaque is not None
        and layer.opaque.name in POINTWISE
        and len(shape) == len(output)
        and all(same(s, 1) or same(s, o) for s, o in zip(shape[1:], output[1:], strict=True))
    )


def not_told(layer: Layer) -> str:
    """Why the field after another one is not known."""
    assert layer.opaque is not None
    return f"what the opaque layer {layer.opaque.name} reads is not told"
