"""Our own JSON: a cost report, `convalgebra.cost/1`, back to the Network that it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convalgebra.errors import FormatError, InputError, Source, Span
from convalgebra.language import parse, parse_size
from convalgebra.network import Network
from convalgebra.readers.text import decoded
from convalgebra.shapes import Shape, shape_text
from convalgebra.sizes import Size, same

name = "json"

SCHEMA = "convalgebra.cost/1"
_LONGEST_NAME = 1000
_OTHERS = {
    "convalgebra.comparison/1": "several stacks: save one of its `stacks` as a file",
    "convalgebra.inventory/1": "modules, and not how data flows: no network is in it",
}


def recognises(content: bytes, path: str) -> bool:
    """Whether it is a JSON object: no text in the language begins with a brace."""
    start = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return start == b"{" or path.endswith(".json")


def read(content: bytes, path: str) -> Network:
    """The Network of a cost report, from its keys `network` and `input`; figures are not read.

    The names of its values and blocks are those of its `layers`.

    >>> read(b'{"schema": "convalgebra.cost/1", "network": "3x3@8", "input": [3, 9, 9]}', "r.json")
    Network(input 3x9x9; 3x3@8)
    """
    report = _loaded(decoded(content, path), path)
    schema = report.get("schema") if isinstance(report, dict) else None
    if schema != SCHEMA:
        raise InputError(f"{path}: {_wrong_schema(report, schema)}")
    text = report.get("network")
    if not isinstance(text, str):
        raise InputError(f"{path}: the key `network` must be a text in the language")
    network = _named(parse(text, f"{path}: network"), report.get("layers"))
    given = report.get("input")
    if given is None:
        return network
    shape = _shape(given, path)
    if network.shape is not None and not _agree(shape, network.shape):
        raise InputError(
            f"{path}: the key `input` says {shape_text(shape)}, "
            f"and the network begins with input {shape_text(network.shape)}"
        )
    return network.with_input(shape)


def _named(network: Network, layers: Any) -> Network:
    """The network with the names of its values and blocks, which its text has not, from the layers.

    Names decide nothing. Where they do not fit they are left out.
    """
    if not isinstance(layers, list) or len(layers) != len(network.nodes) - 1:
        return network
    nodes = [network.nodes[0]]
    for node, layer in zip(network.nodes[1:], layers, strict=True):
        if not isinstance(layer, dict):
            return network
        block, value = layer.get("block"), layer.get("value", node.name) or ""
        if block is None:  # reports once had the name alone: `layer1/down(64)/17`
            block = str(layer.get("name", "")).split("/")[:-1]
        if not isinstance(block, list) or not all(map(_is_name, [*block, value])):
            return network
        nodes.append(node._replace(name=value, block=tuple(block)))
    return replace(network, nodes=tuple(nodes))


def _is_name(given: Any) -> bool:
    return isinstance(given, str) and len(given) <= _LONGEST_NAME and given.isprintable()


def _wrong_schema(report: Any, schema: object) -> str:
    expected = f"expected a JSON object with the schema {SCHEMA}, as cost --format json writes"
    if not isinstance(schema, str):
        return f"{expected}; it has none"
    if schema in _OTHERS:
        return f"{schema} holds {_OTHERS[schema]}"
    return f"{expected}, not {schema[:60]!r}"


def _agree(one: Shape, other: Shape) -> bool:
    return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))


def _shape(given: Any, path: str) -> Shape:
    """The shape that `[3, 224, "W"]` says: named sizes are text."""
    if not isinstance(given, list) or not given:
        raise InputError(f"{path}: the key `input` must be a list of sizes, like [3, 224, 224]")
    return tuple(_size(size, path) for size in given)


def _size(given: Any, path: str) -> Size:
    is_int = isinstance(given, int) and not isinstance(given, bool)
    if is_int and 1 <= given < 10**9:
        return int(given)
    if isinstance(given, str):
        size = parse_size(given, f"{path}: input")
        if size is not None:  # not `C)x(H`
            return size
    raise InputError(
        f"{path}: a size of `input` is a whole number from 1 to 999,999,999 or the name of a size, "
        f"not {'this one' if is_int else repr(given)[:40]}"
    )


def _loaded(text: str, path: str) -> Any:
    import json

    def constant(word: str) -> None:
        raise InputError(f"{path}: {word} is no number in JSON")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise InputError(f"{path}: the key {key[:60]!r} stands twice in one object")
            found[key] = value
        return found

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=constant)
    except json.JSONDecodeError as error:
        at = Span(error.pos, error.pos + 1)
        fault = error.msg[:1].lower() + error.msg[1:]
        raise FormatError(f"this is not JSON: {fault}", Source(text, path), at) from None
    except RecursionError:
        raise InputError(f"{path}: JSON nested too deeply") from None
    except ValueError:  # Python's own limit on the digits of a number
        raise InputError(f"{path}: a number with too many digits") from None
