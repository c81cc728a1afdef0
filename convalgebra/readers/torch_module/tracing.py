"""What a module does to an input, as a list of calls: it is run once, on tensors without numbers.

The run is on the `meta` device, where tensors have shapes and no memory: to every call that the
module makes, a tensor with numbers is handed over as one without. It is the user's own module that
runs, as its hooks and patched methods may refer to it, and what it reaches is put back afterwards
(`keeping.py`). Every call of PyTorch's functions and methods is written down (`TorchFunctionMode`),
so control flow that depends on shapes is simply followed. Control flow that depends on numbers
cannot be: there are none, PyTorch raises, and the reason is told, also where the module catches the
error.

Symbolic tracing (`torch.fx`) cannot follow a decision about a shape, and `torch.export` takes
seconds where this takes fractions of one.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from traceback import walk_tb
from typing import Any, NamedTuple
from weakref import ref

import torch
from torch.nn.functional import batch_norm
from torch.overrides import TorchFunctionMode

from convalgebra.errors import UnsupportedError
from convalgebra.readers.torch_module.keeping import Kept
from convalgebra.shapes import shape_text

META = torch.device("meta")


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
    """The calls of a run, with its input and outputs, and all tensors that the module holds.

    `classes` are what the modules in it are, by their paths; `state` are its parameters and
    buffers in the order of `state_dict()`.
    """

    calls: list[Call]
    input: torch.Tensor
    outputs: list[torch.Tensor]
    parameters: Mapping[str, torch.Tensor]
    classes: Mapping[str, str]
    constants: list[torch.Tensor]
    state: Mapping[str, torch.Tensor]

    def weak(self) -> list[ref[torch.Tensor]]:
        """The tensors of the run, by references that do not keep them."""
        return [ref(tensor) for call in self.calls for tensor in tensors_in(call.result)]


class _Recorder(TorchFunctionMode):
    """Writes down every call; tensors with numbers are replaced by ones without.

    `asked` is the first error of a call that asked for numbers.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.place: list[tuple[str, ...]] = [()]
        self.bare: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self.asked: tuple[Exception, tuple[str, ...]] | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if torch.is_inference_mode_enabled():  # its tensors do not tell that they are written to
            with torch.inference_mode(False), torch.no_grad():
                return self.__torch_function__(func, types, args, kwargs)
        func, args, kwargs = _staying(func, args, kwargs or {})
        given = list(tensors_in((args, kwargs.values())))
        if any(not tensor.is_meta or id(tensor) in self.bare for tensor in given):
            args, kwargs = mapped(args, self.without_numbers), mapped(kwargs, self.without_numbers)
            given = list(tensors_in((args, kwargs.values())))
        versions = [tensor._version for tensor in given]
        result = _of_shape(func, args) if func is batch_norm else None
        try:
            result = func(*args, **kwargs) if result is None else result
        except Exception as error:  # of whatever kind, it goes on to the module
            if self.asked is None and _asks_for_numbers(error):
                self.asked = error, self.place[-1]
            raise
        if next(tensors_in(result), None) is not None or func is torch.Tensor.__setitem__:
            changed = tuple(t for t, v in zip(given, versions, strict=True) if t._version != v)
            name = _name(func)
            # The lists among the arguments may grow later on: they are copied.
            args, kwargs = mapped(args, _itself), mapped(kwargs, _itself)
            made = mapped(result, _itself)
            self.calls.append(Call(name, args, kwargs, made, self.place[-1], changed))
        elif _sets_data(func):  # no version tells that it wrote to a tensor
            self.calls.append(Call("data", args[1:], {}, None, self.place[-1], args[:1]))
        return result

    def without_numbers(self, value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        if id(value) in self.bare:
            return self.bare[id(value)][1]
        return value if value.is_meta else self.stand_in(value)

    def stand_in_for(self, tensors: Iterable[torch.Tensor]) -> None:
        for tensor in tensors:
            if not _is_lazy(tensor):
                self.stand_in(tensor)

    def stand_in(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor without numbers that is handed over for one of the user's."""
        if id(tensor) not in self.bare:
            self.bare[id(tensor)] = (tensor, _emptied(tensor))
        return self.bare[id(tensor)][1]


def _staying(func: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """A call that leaves tensors where they are, and makes new ones there."""
    if func in (torch.Tensor.cpu, torch.Tensor.cuda):
        return torch.Tensor.to, (args[0], META), {}
    if func is torch.Tensor.to:
        args = tuple(META if isinstance(part, (str, torch.device)) else part for part in args)
    return func, args, {**kwargs, "device": META} if kwargs.get("device") is not None else kwargs


def _of_shape(func: Any, args: tuple[Any, ...]) -> torch.Tensor | None:
    """What a batch norm makes, by its shape alone: PyTorch takes longest over it."""
    if len(args) < 2 or args[0].dim() < 2 or args[1] is None:
        return None
    return torch.empty_like(args[0]) if args[1].numel() == args[0].shape[1] else None


def _itself(value: Any) -> Any:
    return value


def _sets_data(func: Any) -> bool:
    """Whether a call is that of `weight.data = ..`."""
    return getattr(func, "__name__", "") == "__set__" and func.__self__ is torch.Tensor.data


def _name(func: Any) -> str:
    name = getattr(func, "__name__", type(func).__name__)
    if name == "__get__":  # of a property, like Tensor.T
        return str(func.__self__.__name__)
    name = str(name).partition(".")[0]  # `conv2d.default` in what torch.export makes
    space = str(getattr(func, "_qualified_op_name", getattr(func, "_name", ""))).partition("::")[0]
    space = space or str(getattr(func, "__module__", None) or "torch").partition(".")[0]
    return name if space in _SPACES else f"{space}_{name}"  # of somebody's own, whatever its name


_SPACES = ("aten", "prim", "prims", "torch", "torchvision")


def traced(module: torch.nn.Module, shape: tuple[int, ...]) -> Trace:
    """The calls that `module` makes for one input of `shape`, without its batch of 1.

    Raises UnsupportedError where the module cannot be run without numbers, with the reason.
    """
    recorder = _Recorder()
    fault: Exception | None = None
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise UnsupportedError(
            "a module compiled by TorchScript cannot be followed; give the module it was made from"
        )
    is_lazy = any(map(_is_lazy, (*module.parameters(), *module.buffers())))
    if is_lazy:  # what is lazy changes for good when it runs: a copy without numbers does
        held_here = (*module.parameters(), *module.buffers())
        memo: dict[int, Any] = {id(tensor): _emptied(tensor) for tensor in held_here}
        module = copy.deepcopy(module, memo)
    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = Kept([module, *_GLOBAL_HOOKS])
        try:
            recorder.stand_in_for(kept.tensors)
            with META, recorder:
                _to_eval(module)
            _tell_places(module, recorder.place)
            input = torch.empty((1, *shape), dtype=dtype_of(module), device=META)
            if is_lazy:  # parameters have no shape before the first run
                with META, recorder:
                    module(input)
                recorder.stand_in_for([*module.parameters(), *module.buffers()])
            recorder.calls.clear()
            with META, recorder:
                output = module(input)
        except Exception as error:  # whatever the code of a module may raise
            fault = error
        finally:
            kept.put_back()
    if kept.is_written_to:
        raise UnsupportedError(
            "the module changes its own numbers in code that cannot be seen (compiled code, say); "
            "they are changed now: load its weights again"
        )
    if recorder.asked is not None:
        raise UnsupportedError(_needs_numbers(*recorder.asked))
    if fault is not None:
        raise UnsupportedError(
            f"the module cannot be run on an input of {shape_text(shape)} (and a batch of 1)"
            f"{_where(fault, recorder.place[-1])}: PyTorch says {_told(fault)}{_batch(shape)}"
        )
    parameters = {name: recorder.stand_in(p) for name, p in module.named_parameters()}
    classes = {path: type(part).__name__ for path, part in module.named_modules()}
    held = [empty for _, empty in recorder.bare.values()]
    outputs = [recorder.without_numbers(tensor) for tensor in tensors_in(output)]
    state = {name: recorder.stand_in(tensor) for name, tensor in _state(module).items()}
    return Trace(recorder.calls, input, outputs, parameters, classes, held, state)


def _state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The parameters and buffers of a module, in the order in which `state_dict()` has them."""
    found = {}
    for path, part in module.named_modules():
        for name, tensor in (*part._parameters.items(), *part._buffers.items()):
            if tensor is not None:
                found[f"{path}.{name}" if path else name] = tensor
    return found


# A hook of all modules is reached from no module.
_GLOBAL_HOOKS = [
    value for name, value in vars(torch.nn.modules.module).items() if name.startswith("_global_")
]


def _to_eval(module: torch.nn.Module) -> None:
    """Eval mode, and every part as it is written: nothing is compiled for this one run."""
    with suppress(NotImplementedError):  # what `torch.export` makes has one mode
        module.eval()
    for part in module.modules():
        vars(part)["_compiled_call_impl"] = None
        written: Any = part._modules.get("_orig_mod")  # of a part that `torch.compile` made
        if type(part).__name__ == "OptimizedModule" and written is not None:
            vars(part)["forward"] = written


def dtypes_in(module: torch.nn.Module) -> str:
    """The kinds of numbers of the parameters, as the report calls them: `float16 and float32`."""
    kinds = {str(p.dtype).removeprefix("torch.") for p in module.parameters()}
    kinds = kinds or {str(dtype_of(module)).removeprefix("torch.")}
    return " and ".join(sorted("float8" if k.startswith("float8") else k for k in kinds))


def dtype_of(module: torch.nn.Module) -> torch.dtype:
    """The kind of numbers that a module takes: that of its first parameter, of real ones if any."""
    kinds = [p.dtype for p in module.parameters()]
    real = [kind for kind in kinds if kind.is_floating_point]
    return [*real, *(kind for kind in kinds if kind.is_complex), torch.get_default_dtype()][0]


def _is_lazy(tensor: torch.Tensor) -> bool:
    return bool(torch.nn.parameter.is_lazy(tensor))


def _emptied(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor like another one, without numbers."""
    if _is_lazy(tensor):
        kind: Any = type(tensor)
        lazy: torch.Tensor = kind(device="meta")
        return lazy
    empty = torch.empty_like(tensor, device="meta", requires_grad=False)
    if isinstance(tensor, torch.nn.Parameter):
        empty = torch.nn.Parameter(empty, requires_grad=tensor.requires_grad)
    empty.__dict__.update(tensor.__dict__)
    return empty


def _tell_places(module: torch.nn.Module, place: list[tuple[str, ...]]) -> None:
    """Keep at the end of `place` the path of the module that is running."""
    for name, part in module.named_modules():
        path = tuple(name.split(".")) if name else ()

        def begin(part: Any, args: Any, path: tuple[str, ...] = path) -> None:
            place.append(path)

        def end(part: Any, args: Any, result: Any) -> None:
            place.pop()

        part.register_forward_pre_hook(begin)
        part.register_forward_hook(end)


def _batch(shape: tuple[int, ...]) -> str:
    """What to write for a shape that may have its batch of 1."""
    if len(shape) < 3 or shape[0] != 1:
        return ""
    return f". An input is one image, without its batch: write input={shape[1:]}"


def _needs_numbers(error: Exception, place: tuple[str, ...]) -> str:
    return (
        f"what the module does{_where(error, place)} depends on the numbers in a tensor, not on "
        "shapes alone; give a part of the module that does not, its backbone say. PyTorch says "
        f"{_told(error)}"
    )


def _where(error: Exception, place: tuple[str, ...]) -> str:
    """The module in which an error was raised, and the line of its code."""
    inside = f" in `{'.'.join(place)}`" if place else ""
    ours = (str(Path(torch.__file__).parent), str(Path(__file__).parent), "<")
    lines = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    lines = [(file, line) for file, line in lines if not file.startswith(ours)]
    return inside + "".join(f" ({Path(file).name}, line {line})" for file, line in lines[-1:])


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
    "to numpy",
)


def _asks_for_numbers(error: Exception) -> bool:
    told = _told(error)
    return any(sign in told for sign in _NUMBERS)


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
