"""What names a stack -> the model that it names.

What a string is depends on the string alone, never on what lies on the disk: it is text, unless it
is `-`, begins with `zoo:`, or ends like a file of ours.
"""

from __future__ import annotations

import re
import sys
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, TypeAlias

from convalgebra import progress, sizes, zoo
from convalgebra.arguments import index_of, shown
from convalgebra.errors import InputError, LanguageError
from convalgebra.files import opened, standard_input
from convalgebra.language import parse, parse_shape, parse_size
from convalgebra.network import Network
from convalgebra.readers import formats
from convalgebra.shapes import Shape
from convalgebra.sizes import Size, at_least

if TYPE_CHECKING:
    from torch.nn import Module

    from convalgebra.inventory import Inventory

_PATH = re.compile(r"[A-Za-z_.~/-][\w.~-]*/[\w./-]+|[\w-]+\.[a-z]+")  # but not 7x7/2
_ENDINGS = (".txt", ".spec", ".json", ".onnx")

Stack: TypeAlias = "str | PathLike[str] | Network | Inventory | Module"
Input: TypeAlias = "str | Shape | None"


def read(stack: Stack, input: Input = None, form: str | None = None) -> Network:
    """The Network that `stack` names, on `input` if one is given (it replaces the text's own).

    `form` is the format of a text or file (`text`, `print`, `json`, ..) where its content is not to
    decide.

    >>> len(read("3x3p1@64, relu"))
    2

    Raises InputError for what cannot be read, LanguageError for what is not in the language,
    UnsupportedError for what does not say how data flows.
    """
    model = read_model(stack, form, input)
    shape = None if input is None else read_shape(input)
    if not isinstance(model, Network):
        return model.network(shape)
    return model if shape is None else model.with_input(shape)


def read_model(stack: Stack, form: str | None = None, input: Input = None) -> Network | Inventory:
    """What `stack` names: a Network, or an Inventory where nothing says how data flows.

    `input` decides how a module of PyTorch is read, or a file whose sizes are left open; otherwise
    `read` is what puts a network on an input.
    """
    progress.report("the stack is read")
    if isinstance(stack, Network):
        return stack
    if isinstance(stack, str):
        return _from_string(stack, form, input)
    if isinstance(stack, PathLike):
        return read_file(fspath(stack), form, input)
    torch = sys.modules.get("torch")  # whoever holds a module has imported it
    if torch is not None and isinstance(stack, torch.nn.Module):
        from convalgebra.readers.torch_module import from_torch

        return from_torch(stack, input)
    from convalgebra.inventory import Inventory

    if isinstance(stack, Inventory):
        return stack
    raise InputError(
        f"a stack is text, a Path, a Network or a torch.nn.Module, not {type(stack).__name__}"
    )


def read_shape(input: str | Shape) -> Shape:
    """The shape that `3x224x224`, or a tuple of sizes, says.

    >>> read_shape("CxHxW") == read_shape(read_shape("CxHxW"))
    True
    """
    if isinstance(input, str):
        return parse_shape(input)
    try:
        listed = input.tolist() if hasattr(input, "tolist") else input
        shape = tuple(map(_read_size, listed)) if isinstance(listed, (list, tuple)) else ()
    except TypeError:
        shape = ()
    if not shape or any(at_least(size, 1) is False for size in shape):
        raise InputError(
            "an input shape is channels and sizes, all at least 1, not "
            f"{shown(input)}; an example is (3, 224, 224)"
        )
    return shape


def _read_size(given: Any) -> Size:
    """A size as our own: an int of any library, a formula, or text; TypeError for what is none."""
    if not isinstance(given, str) and not getattr(given, "free_symbols", None):
        return index_of(given)
    size = parse_size(given if isinstance(given, str) else sizes.text(given))
    if size is None:  # `C)x(H`
        raise TypeError
    return size


def _from_string(text: str, form: str | None, input: Input) -> Network | Inventory:
    if text == "-":
        with standard_input() as stream:
            return formats.read_stream(stream, "standard input", "<stdin>", form, input)
    if text.startswith("zoo:"):
        return parse(zoo.text(text.removeprefix("zoo:")), text)
    # A path has no line breaks; a text that ends in `relu # see notes.txt` has blanks.
    if text.endswith(_ENDINGS) and not any(c in text for c in ",;\n"):
        return read_file(text, form, input)
    if form is not None or formats.is_foreign(text):
        content = text.encode("utf-8", "surrogatepass")
        return formats.read_content(content, "the text", "<stack>", form, None, input)
    try:
        return parse(text)
    except LanguageError as error:
        if text in zoo.names():
            message = f"`{text}` is a network of the zoo: write zoo:{text}"
            raise InputError(message) from None
        if _PATH.fullmatch(text):
            endings = ", ".join(_ENDINGS)
            error.hint = f"a file that ends in none of {endings} is read with --layers FILE"
        raise


def read_file(path: str, form: str | None = None, input: Input = None) -> Network | Inventory:
    """The model that a file writes down, whatever its name ends in."""
    with opened(path) as file:
        return formats.read_stream(file, path, path, form, input)
