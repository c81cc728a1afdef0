"""A live `torch.nn.Module` -> Network. No weights are needed and none are read."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from convalgebra.errors import InputError, UnsupportedError
from convalgebra.network import Network
from convalgebra.readers.stacks import read_shape
from convalgebra.shapes import shape_text

if TYPE_CHECKING:
    from convalgebra.readers.stacks import Input


def from_torch(module: Any, input: Input) -> Network:
    """The Network that a `torch.nn.Module` is, in eval mode, on an input of channels and sizes.

    `input` is one image without its batch, `(3, 224, 224)` or `3x224x224`; a batch of 1 is put
    before it. The module is not changed, and none of its numbers are looked at. What the language
    has no word for becomes an `opaque` layer.

    Raises UnsupportedError where the module cannot be followed, with the reason.
    """
    torch = sys.modules.get("torch")  # whoever holds a module has imported it
    if torch is None or not isinstance(module, torch.nn.Module):
        raise InputError(f"expected a torch.nn.Module, not {type(module).__name__}")
    from convalgebra.readers.torch_module.keeping import check_gone
    from convalgebra.readers.torch_module.reading import network_of
    from convalgebra.readers.torch_module.tracing import dtypes_in, traced

    shape = _plain(input)
    _check_signature(module)
    trace = traced(module, shape)
    network = replace(network_of(trace, shape), dtype=dtypes_in(module))
    made = trace.weak()
    del trace
    check_gone(made)
    return network


def _plain(input: Input) -> tuple[int, ...]:
    if input is None:
        raise InputError("a module does not tell its input: give input=(3, 224, 224), no batch")
    several = (tuple, list)
    if sys.modules["torch"].is_tensor(input):
        raise InputError("input is the shape of one image without its batch, like (3, 224, 224)")
    if isinstance(input, dict) or (
        isinstance(input, several) and any(isinstance(size, several) for size in input)
    ):
        raise UnsupportedError(
            "a network has one input here; several were given. Wrap the module in one that takes "
            "the image alone, and write input=(3, 224, 224)"
        )
    shape = read_shape(input)
    sizes = [size for size in shape if isinstance(size, int)]
    if len(sizes) < len(shape):
        raise UnsupportedError(
            f"PyTorch runs a module on numbers only, and {shape_text(shape)} has named sizes; "
            "give numbers"
        )
    return tuple(sizes)


def _check_signature(module: Any) -> None:
    """Refuse a module whose `forward` needs more than one argument."""
    from inspect import Parameter, signature

    try:
        parameters = signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return
    places = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    needed = [p.name for p in parameters if p.kind in places and p.default is Parameter.empty]
    if len(needed) > 1:
        raise UnsupportedError(
            f"{type(module).__name__}.forward needs {len(needed)} arguments ({', '.join(needed)}) "
            "and a network has one input here; wrap the module in one that takes the image alone"
        )
