"""A trace -> a Network: each call is given to the rule of its name, tensor by tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from convalgebra.errors import UnsupportedError
from convalgebra.network import Held, Network
from convalgebra.readers.graphs import Builder, Constant, Parameter, Tensor, finished
from convalgebra.readers.graphs.builder import (
    Operand,
    Stretched,
    channels_in,
    channels_of,
    identifier,
)
from convalgebra.readers.graphs.dense import folded
from convalgebra.readers.torch_module.calls import Reading
from convalgebra.readers.torch_module.rules import FREE, MACS, MEETING, ORDER_KEPT, RULES
from convalgebra.readers.torch_module.tracing import Call, Trace, mapped, tensors_in
from convalgebra.shapes import Shape


def network_of(trace: Trace, shape: Shape) -> Network:
    """The Network that a trace of a module on an input of `shape` is.

    Raises UnsupportedError where the flow of data is lost, with the reason.
    """
    values = _Values(trace, Builder(shape))
    for call in trace.calls:
        values.follow(call)
    outputs = [values.of(tensor, "the output") for tensor in trace.outputs]
    settled = [values.builder.settled(v) if isinstance(v, Stretched) else v for v in outputs]
    ends = [operand for operand in settled if isinstance(operand, Tensor)]
    if not ends:
        what = "does not depend on the input" if outputs else "holds no tensor"
        raise UnsupportedError(f"the output of the module {what}")
    return finished(values.builder, ends, values.parameters, trace.classes)


Value = Operand | Stretched


class _Values:
    """Which operand each tensor is. Tensors are kept, so that no identity is used twice."""

    def __init__(self, trace: Trace, builder: Builder) -> None:
        self.builder = builder
        self.classes = trace.classes
        self.known: dict[int, tuple[torch.Tensor, Value]] = {}
        self.storages: dict[int, list[int]] = {}
        self.parameters = []
        held: dict[int, Held] = {}
        for place, (name, tensor) in enumerate(trace.state.items()):
            held.setdefault(id(tensor), Held(name, place, tuple(tensor.shape)))
        for name, tensor in trace.parameters.items():
            parameter = Parameter(name, tensor.numel())
            self.parameters.append(parameter)
            constant = Constant(tuple(tensor.shape), frozenset([parameter]))
            self.put(tensor, replace(constant, held=held.get(id(tensor))))
        for tensor in trace.constants:
            if id(tensor) not in self.known:
                self.put(tensor, Constant(tuple(tensor.shape), held=held.get(id(tensor))))
        self.put(trace.input, builder.input())

    def put(self, tensor: torch.Tensor, operand: Value) -> None:
        if id(tensor) not in self.known:
            self.storages.setdefault(_storage(tensor), []).append(id(tensor))
        self.known[id(tensor)] = (tensor, operand)

    def of(self, tensor: torch.Tensor, where: str) -> Value:
        found = self.known.get(id(tensor))
        if found is None:
            raise UnsupportedError(
                f"{where} reads a tensor that was made where it could not be seen (by compiled "
                "code, say), so the flow of data is lost"
            )
        return found[1]

    def follow(self, call: Call) -> None:
        where = ".".join((*call.block, call.name))

        def operand(value: Any) -> Any:
            return self.of(value, where) if isinstance(value, torch.Tensor) else value

        # A tensor is its own key: it hashes by identity.
        results = list(dict.fromkeys(tensors_in(call.result))) or list(call.changed)
        args, kwargs = mapped(call.args, operand), mapped(call.kwargs, operand)
        self.builder.block, self.builder.call = call.block, self.called(call.block)
        shapes = [tuple(result.shape) for result in results]
        made = _made(Reading(self.builder, call.name, shapes), args, kwargs)
        for tensor in call.changed:
            self._changed(tensor, made[0])
        for result, value in zip(results, made, strict=True):
            if isinstance(value, Constant):
                value = self._held(call, result, value)
            self.put(result, value)

    def called(self, block: tuple[str, ...]) -> str:
        """Whether what stands there is one of PyTorch's modules, or a function that one calls."""
        path = ".".join(block)
        inner = f"{path}." if path else ""
        leaf = not any(other != path and other.startswith(inner) for other in self.classes)
        return "module" if leaf and hasattr(torch.nn, self.classes.get(path, "")) else "function"

    def _held(self, call: Call, result: torch.Tensor, value: Constant) -> Constant:
        """A constant that a call made, held in the state if it has the numbers of its argument."""
        source = call.args[0] if call.args else None
        if not isinstance(source, torch.Tensor):
            return value
        known = self.of(source, call.name)
        kept = result is source or (
            call.name.strip("_") in ORDER_KEPT
            and (result.dtype, result.numel()) == (source.dtype, source.numel())
        )
        return replace(value, held=known.held) if kept and isinstance(known, Constant) else value

    def _changed(self, tensor: torch.Tensor, operand: Value) -> None:
        """A tensor was written to: so were all views of the same numbers."""
        for other in self.storages.get(_storage(tensor), []):
            seen, before = self.known[other]
            same_view = (
                seen.shape == tensor.shape
                and seen.stride() == tensor.stride()
                and seen.storage_offset() == tensor.storage_offset()
            )
            self.known[other] = (seen, operand if same_view else self._partly(before, operand))

    def _partly(self, before: Value, after: Value) -> Operand:
        """A tensor, some of whose numbers are others now."""
        one, other = (
            self.builder.settled(value) if isinstance(value, Stretched) else value
            for value in (before, after)
        )
        if isinstance(one, Constant) and isinstance(other, Constant):
            return folded([one, other], one.shape)
        return self.builder.made("setitem", [one, other], one.shape)


def _storage(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _made(reading: Reading, args: Any, kwargs: dict[str, Any]) -> Sequence[Value]:
    """What a call makes: one value for each of its tensors."""
    name, shapes, builder = reading.name.strip("_"), reading.shapes, reading.builder
    if name not in MEETING:  # sums and products stretch by themselves

        def settled(value: Any) -> Any:
            return builder.settled(value) if isinstance(value, Stretched) else value

        args, kwargs = mapped(args, settled), mapped(kwargs, settled)
    operands = list(_operands((args, kwargs)))
    macs = 0 if name in FREE else None
    if name in MACS:
        macs = _called(MACS[name], shapes[0], *args, **kwargs)
    constants = [operand for operand in operands if isinstance(operand, Constant)]
    if len(constants) == len(operands):
        constant = folded(constants, shapes[0], macs)
        return [Constant(shape, constant.parameters, constant.work) for shape in shapes]
    made = _called(RULES[name], reading, *args, **kwargs) if name in RULES else None
    if made is not None:
        every = list(made) if isinstance(made, Sequence) else [made]
        # A max pool may say where it found the largest numbers, too.
        return [*every, *(Constant(shape) for shape in shapes[len(every) :])]
    word, reads = identifier(name), [o for o in operands if isinstance(o, Tensor)]
    found = []
    for index, shape in enumerate(shapes):
        alike = bool(reads) and len(reads[0].shape) == len(shape)
        channels = channels_of(reads[0]) if alike else channels_in(shape)
        held, figure = (operands, macs) if not index else (reads, 0)
        found.append(builder.made(word, held, shape, figure, channels))
    return found


def _called(rule: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a rule gives; None where a call is of a form that it was not made for."""
    try:
        return rule(*args, **kwargs)
    except (AttributeError, LookupError, TypeError, ValueError):
        return None


def _operands(value: Any) -> list[Operand]:
    found: list[Operand] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (Tensor, Constant)):
            if part not in found:
                found.append(part)
        elif isinstance(part, dict):
            waiting.extend(reversed(part.values()))
        elif isinstance(part, (tuple, list)):
            waiting.extend(reversed(part))
    return found
