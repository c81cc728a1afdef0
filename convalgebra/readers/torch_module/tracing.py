"""What a module does to an input, as a list of calls: it is run once, on tensors without numbers.

The run is on the `meta` device, where tensors have shapes and no memory, in a copy of the module
that has no weights either: the user's module, its mode and its numbers are not touched. Every call
of PyTorch's functions and methods is written down as the module makes it (`TorchFunctionMode`), so
control flow that depends on shapes is simply followed. Control flow that depends on numbers cannot
be: there are none, PyTorch raises, and the reason is told.

Symbolic tracing (`torch.fx`) cannot follow a decision about a shape, and `torch.export` takes
seconds where this takes fractions of one.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch.nn.functional import batch_norm
from torch.overrides import TorchFunctionMode

from convalgebra.errors import UnsupportedError
from convalgebra.shapes import shape_text


class Call(NamedTuple):
    """One call of a function or method of PyTorch, and where in the module it was made.

    `changed` are the tensors that it wrote to.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    block: tuple[str, ...]
    changed: tuple[torch.Tensor, ...]


class Trace(NamedTuple):
    """The calls of a run, with its input and output, and all tensors that the module holds."""

    calls: list[Call]
    input: torch.Tensor
    output: Any
    parameters: Mapping[str, torch.Tensor]
    constants: list[torch.Tensor]


class _Recorder(TorchFunctionMode):
    """Writes down every call; tensors with numbers are replaced by ones without."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.place: list[tuple[str, ...]] = [()]
        self.bare: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        given = list(tensors_in((args, kwargs.values())))
        if any(not tensor.is_meta for tensor in given):
            args, kwargs = mapped(args, self.without_numbers), mapped(kwargs, self.without_numbers)
            given = list(tensors_in((args, kwargs.values())))
        versions = [tensor._version for tensor in given]
        result = _of_shape(func, args) if func is batch_norm else None
        result = func(*args, **kwargs) if result is None else result
        if next(tensors_in(result), None) is not None or func is torch.Tensor.__setitem__:
            changed = tuple(t for t, v in zip(given, versions, strict=True) if t._version != v)
            name = _name(func)
            # The lists among the arguments may grow later on: they are copied.
            args, kwargs = mapped(args, _itself), mapped(kwargs, _itself)
            made = mapped(result, _itself)
            self.calls.append(Call(name, args, kwargs, made, self.place[-1], changed))
        return result

    def without_numbers(self, value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or value.is_meta:
            return value
        if id(value) not in self.bare:
            self.bare[id(value)] = (value, torch.empty_like(value, device="meta"))
        return self.bare[id(value)][1]


def _of_shape(func: Any, args: tuple[Any, ...]) -> torch.Tensor | None:
    """What a batch norm makes, by its shape alone: PyTorch takes longest over it."""
    if len(args) < 2 or args[0].dim() < 2 or args[1] is None:
        return None
    return torch.empty_like(args[0]) if args[1].numel() == args[0].shape[1] else None


def _itself(value: Any) -> Any:
    return value


def _name(func: Any) -> str:
    name = getattr(func, "__name__", type(func).__name__)
    if name == "__get__":  # of a property, like Tensor.T
        return str(func.__self__.__name__)
    return str(name)


def traced(module: torch.nn.Module, shape: tuple[int, ...]) -> Trace:
    """The calls that `module` makes for one input of `shape`, without its batch of 1.

    Raises UnsupportedError where the module cannot be run without numbers, with the reason.
    """
    bare, constants = _copied(module)
    bare.eval()
    recorder = _Recorder()
    with torch.no_grad(), torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        input = torch.empty((1, *shape), dtype=_dtype(bare))
        with _placed(bare, recorder.place), recorder:
            try:
                if any(map(torch.nn.parameter.is_lazy, bare.parameters())):
                    bare(input)  # the first run makes lazy parameters, which have no shape before
                    recorder.calls.clear()
                output = bare(input)
            except Exception as error:
                where = ".".join(recorder.place[-1])
                raise UnsupportedError(_refused(error, where, shape)) from None
    parameters = dict(bare.named_parameters())
    held = [*constants, *bare.buffers(), *(empty for _, empty in recorder.bare.values())]
    return Trace(recorder.calls, input, output, parameters, held)


def _dtype(module: torch.nn.Module) -> torch.dtype:
    kinds = (p.dtype for p in module.parameters() if p.is_floating_point())
    return next(kinds, torch.get_default_dtype())


def _copied(module: torch.nn.Module) -> tuple[torch.nn.Module, list[torch.Tensor]]:
    """A copy of a module whose tensors have no numbers, and its tensors that are no parameters."""
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise UnsupportedError(
            "a module compiled by TorchScript cannot be followed; give the module it was made from"
        )
    memo: dict[int, Any] = {}
    constants: list[torch.Tensor] = []
    for part in module.modules():
        for tensor in tensors_in(part.__dict__.values(), depth=3):
            if id(tensor) in memo:
                continue
            if torch.nn.parameter.is_lazy(tensor):
                kind: Any = type(tensor)
                empty: Any = kind(device="meta")
            else:
                empty = torch.empty_like(tensor, device="meta", requires_grad=False)
                if isinstance(tensor, torch.nn.Parameter):
                    empty = torch.nn.Parameter(empty, requires_grad=tensor.requires_grad)
                else:
                    constants.append(empty)
            memo[id(tensor)] = empty
    try:
        return copy.deepcopy(module, memo), constants
    except Exception as error:
        raise UnsupportedError(f"the module cannot be copied: {_told(error)}") from None


@contextmanager
def _placed(module: torch.nn.Module, place: list[tuple[str, ...]]) -> Iterator[None]:
    """Keep at the end of `place` the path of the module that is running."""
    for name, part in module.named_modules():
        path = tuple(name.split(".")) if name else ()

        def begin(part: Any, args: Any, path: tuple[str, ...] = path) -> None:
            place.append(path)

        def end(part: Any, args: Any, result: Any) -> None:
            place.pop()

        part.register_forward_pre_hook(begin)
        part.register_forward_hook(end)
    yield


def _refused(error: Exception, where: str, shape: tuple[int, ...]) -> str:
    at = f" in `{where}`" if where else ""
    told = _told(error)
    if any(sign in told for sign in _NUMBERS):
        return (
            f"what the module does{at} depends on the numbers that come in, not on their shape "
            f"alone: PyTorch says {told}"
        )
    return (
        f"the module cannot be run on an input of {shape_text(shape)} (and a batch of 1){at}: "
        f"PyTorch says {told}"
    )


# How PyTorch says that a tensor on the meta device has no numbers to look at.
_NUMBERS = (
    "meta tensor",
    "Tensor.item()",
    "aten::_local_scalar_dense",
    "nonzero()",
    "aten::nonzero",
    "aten::equal",
    "aten::masked_select",
    "data-dependent",
    "Meta tensors",
)


def _told(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:300]}"


def tensors_in(value: Any, depth: int = 12) -> Iterator[torch.Tensor]:
    """The tensors in nested containers, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif depth and isinstance(value, dict):
        for part in value.values():
            yield from tensors_in(part, depth - 1)
    elif depth and isinstance(value, (tuple, list, set, type({}.values()))):
        for part in value:
            yield from tensors_in(part, depth - 1)
    elif depth and hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from tensors_in(getattr(value, name, None), depth - 1)


def mapped(value: Any, change: Any) -> Any:
    """Nested containers, with `change` applied to what they hold."""
    if isinstance(value, dict):
        return {key: mapped(part, change) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        parts = [mapped(part, change) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    return change(value)
