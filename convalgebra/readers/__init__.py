"""Whatever names a stack -> Network: text, a file, standard input, the zoo, or a Network itself.

What a string is depends on the string alone, never on what lies on the disk: it is text, unless it
is `-`, begins with `zoo:`, or ends like a file of ours.
"""

from __future__ import annotations

import re
import sys
from os import PathLike, fspath
from typing import TypeAlias

from convalgebra import zoo
from convalgebra.errors import InputError, LanguageError
from convalgebra.files import read_text, text_of
from convalgebra.language import parse, parse_shape
from convalgebra.network import Network
from convalgebra.shapes import Shape

_PATH = re.compile(r"[A-Za-z_.~/-][\w.~-]*/[\w./-]+|[\w-]+\.[a-z]+")  # but not 7x7/2
MAX_BYTES = 16 * 2**20
_TOO_MUCH = "too much for a spec"
_ENDINGS = (".txt", ".spec")
_FOREIGN = (".json", ".onnx")

Stack: TypeAlias = "str | PathLike[str] | Network"
Input: TypeAlias = "str | Shape | None"


def read(stack: Stack, input: Input = None) -> Network:
    """The Network that `stack` names, on `input` if one is given (it replaces the text's own).

    >>> len(read("3x3p1@64, relu"))
    2

    Raises InputError for what cannot be read, LanguageError for what is not in the language.
    """
    if isinstance(stack, Network):
        network = stack
    elif isinstance(stack, str):
        network = _from_string(stack)
    elif isinstance(stack, PathLike):
        network = read_file(fspath(stack))
    else:
        raise InputError(f"a stack is text, a Path or a Network, not {type(stack).__name__}")
    return network if input is None else network.with_input(read_shape(input))


def read_shape(input: str | Shape) -> Shape:
    """The shape that `3x224x224`, or a tuple of sizes, says.

    >>> read_shape("CxHxW") == read_shape(read_shape("CxHxW"))
    True
    """
    if isinstance(input, str):
        return parse_shape(input)
    shape = tuple(input)
    if not shape or any(isinstance(size, (bool, float)) or size < 1 for size in shape):
        raise InputError(f"an input shape is channels and sizes, all at least 1, not {shape}")
    return shape


def _from_string(text: str) -> Network:
    if text == "-":
        content = sys.stdin.buffer.read(MAX_BYTES + 1)
        return parse(text_of(content, "standard input", MAX_BYTES, _TOO_MUCH), "<stdin>")
    if text.startswith("zoo:"):
        return parse(zoo.text(text.removeprefix("zoo:")), text)
    # A path has no line breaks; a text that ends in `relu # see notes.txt` has blanks.
    if text.endswith(_ENDINGS + _FOREIGN) and not any(c in text for c in ",;\n"):
        return read_file(text)
    try:
        return parse(text)
    except LanguageError as error:
        if text in zoo.names():
            message = f"`{text}` is a network of the zoo: write zoo:{text}"
            raise InputError(message) from None
        if _PATH.fullmatch(text):
            error.hint = "a file that does not end in .txt or .spec is read with --layers FILE"
        raise


def read_file(path: str) -> Network:
    """The Network that a file writes down, whatever its name ends in."""
    if path.endswith(_FOREIGN):
        raise InputError(f"{path}: this format is not read; write the layers in a .txt file")
    return parse(read_text(path, MAX_BYTES, _TOO_MUCH), path)
