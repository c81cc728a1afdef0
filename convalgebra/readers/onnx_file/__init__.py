"""An ONNX file -> Network. Weights are never looked at, and no code of the file is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convalgebra.arguments import as_path
from convalgebra.network import Network

if TYPE_CHECKING:
    from os import PathLike

    from convalgebra.readers.stacks import Input

name = "onnx"
most_bytes = 2**31  # what protobuf can hold


def recognises(content: bytes, path: str) -> bool:
    """Whether it begins as an ONNX model does, or is called like one.

    A ModelProto begins with its field 1, ir_version, a small number; another of its fields follows.

    >>> recognises(bytes([8, 9, 18, 7]), "model"), recognises(b"3x3, relu", "spec.txt")
    (True, False)
    """
    fields = {0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72}
    begins = len(content) > 2 and content[0] == 8 and 0 < content[1] < 32 and content[2] in fields
    return begins or path.endswith(".onnx")


def read(content: bytes, path: str) -> Network:
    """The Network of an ONNX model; sizes of the input that it leaves open become named sizes."""
    return read_on(content, path, None)


def read_on(content: bytes, path: str, input: Input) -> Network:
    """The Network of an ONNX model, on `input` if one is given.

    Raises InputError where the file is damaged, UnsupportedError for what is not read.
    """
    from convalgebra.readers.onnx_file.reading import network_of

    return network_of(content, path, input)


def from_onnx(path: str | PathLike[str], input: Input = None) -> Network:
    """The Network that an ONNX file holds.

    `input` is channels and sizes without the batch; it is needed where the file leaves sizes open
    and they may not stay named (`H`, `W`).

    Raises InputError where the file is damaged, UnsupportedError for what is not read.
    """
    from convalgebra.readers.stacks import read_file

    network = read_file(as_path(path, "an ONNX file"), "onnx", input)
    assert isinstance(network, Network)
    return network
