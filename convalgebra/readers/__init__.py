"""Whatever names a stack -> Network: text, a file, standard input, the zoo, or a Network itself.

A file or a text in another format is recognised by its content; see `formats`. What lists modules
without saying how data flows is read to an Inventory.
"""

from __future__ import annotations

from convalgebra.readers.formats import MAX_BYTES, Reader
from convalgebra.readers.stacks import (
    Input,
    Stack,
    read,
    read_file,
    read_model,
    read_shape,
)

__all__ = [
    "MAX_BYTES",
    "Input",
    "Reader",
    "Stack",
    "read",
    "read_file",
    "read_model",
    "read_shape",
]
