"""A trace -> a Network: each call is given to the rule of its name, tensor by tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from convalgebra.errors import UnsupportedError
from convalgebra.network import Network
from convalgebra.readers.graphs import Builder, Constant, Parameter, Tensor, finished
from convalgebra.readers.graphs.builder import Operand
from convalgebra.readers.graphs.dense import folded
from convalgebra.readers.graphs.finishing import identifier
from convalgebra.readers.torch_module.rules import FREE, MACS, RULES, Reading
from convalgebra.readers.torch_module.tracing import Call, Trace, mapped, tensors_in
from convalgebra.shapes import Shape


def network_of(trace: Trace, shape: Shape) -> Network:
    """The Network that a trace of a module on an input of `shape` is.

    Raises UnsupportedError where the flow of data is lost, with the reason.
    """
    values = _Values(trace, Builder(shape))
    for call in trace.calls:
        values.follow(call)
    outputs = [values.of(tensor, "the output") for tensor in tensors_in(trace.output)]
    ends = [operand for operand in outputs if isinstance(operand, Tensor)]
    if not ends:
        what = "does not depend on the input" if outputs else "holds no tensor"
        raise UnsupportedError(f"the output of the module {what}")
    return finished(values.builder, ends, values.parameters)


class _Values:
    """Which operand each tensor is. Tensors are kept, so that no identity is used twice."""

    def __init__(self, trace: Trace, builder: Builder) -> None:
        self.builder = builder
        self.known: dict[int, tuple[torch.Tensor, Operand]] = {}
        self.storages: dict[int, list[int]] = {}
        self.parameters = []
        for name, tensor in trace.parameters.items():
            parameter = Parameter(name, tensor.numel())
            self.parameters.append(parameter)
            self.put(tensor, Constant(tuple(tensor.shape), frozenset([parameter])))
        for tensor in trace.constants:
            if id(tensor) not in self.known:
                self.put(tensor, Constant(tuple(tensor.shape)))
        self.put(trace.input, builder.input())

    def put(self, tensor: torch.Tensor, operand: Operand) -> None:
        if id(tensor) not in self.known:
            self.storages.setdefault(_storage(tensor), []).append(id(tensor))
        self.known[id(tensor)] = (tensor, operand)

    def of(self, tensor: torch.Tensor, where: str) -> Operand:
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
        self.builder.block = call.block
        shapes = [tuple(result.shape) for result in results]
        made = _made(Reading(self.builder, call.name, shapes), args, kwargs)
        for tensor in call.changed:
            self._changed(tensor, made[0])
        for result, value in zip(results, made, strict=True):
            self.put(result, value)

    def _changed(self, tensor: torch.Tensor, operand: Operand) -> None:
        """A tensor was written to: so were all views of the same numbers."""
        for other in self.storages.get(_storage(tensor), []):
            seen, before = self.known[other]
            same_view = (
                seen.shape == tensor.shape
                and seen.stride() == tensor.stride()
                and seen.storage_offset() == tensor.storage_offset()
            )
            self.known[other] = (seen, operand if same_view else self._partly(before, operand))

    def _partly(self, before: Operand, operand: Operand) -> Operand:
        """A tensor, some of whose numbers are others now."""
        if isinstance(before, Constant) and isinstance(operand, Constant):
            return folded([before, operand], before.shape)
        return self.builder.made("setitem", [before, operand], before.shape)


def _storage(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _made(reading: Reading, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sequence[Operand]:
    """The operands that a call makes, one for each of its tensors."""
    name, shapes, builder = reading.name, reading.shapes, reading.builder
    operands = list(_operands((args, kwargs)))
    plain = name.strip("_")
    macs = (
        MACS[plain](shapes[0], *args, **kwargs) if plain in MACS else 0 if plain in FREE else None
    )
    constants = [operand for operand in operands if isinstance(operand, Constant)]
    if len(constants) == len(operands):
        constant = folded(constants, shapes[0], macs)
        return [Constant(shape, constant.parameters, constant.work) for shape in shapes]
    if plain in RULES:
        made = RULES[plain](reading, *args, **kwargs)
        if made is not None:
            every = [made] if isinstance(made, (Tensor, Constant)) else list(made)
            rest: list[Operand] = [
                Constant(shape) for shape in shapes[len(every) :]
            ]  # indices of a max pool
            return every + rest
    if not shapes[0]:
        shapes = [(1,), *shapes[1:]]
    first, *others = shapes
    word = identifier(plain)
    value = builder.made(word, operands, first, macs, max(1, len(first) - 1))
    reads = [o for o in operands if isinstance(o, Tensor)]
    return [value, *(builder.made(word, reads, shape or (1,), 0) for shape in others)]


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
