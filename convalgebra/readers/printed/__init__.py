"""The text that `print(model)` of PyTorch gives -> Inventory, with a Network where it is a chain.

What is printed are the modules in the order in which they were registered. That is the order in
which they run in an nn.Sequential, and in nothing else. See `grammar` for the form of the text,
`classes` for what the classes of torch.nn tell of themselves, `chains` for when the order counts.
"""

from __future__ import annotations

import re

from convalgebra.inventory import Inventory
from convalgebra.readers import onnx_file

name = "print"

# A module inside another, on a line that is no comment; or a class alone, with arguments or none.
_CHILD = re.compile(rb"^[^#\n]{0,300}?\([^()#\n]{1,200}\):[ \t]{1,9}(?:\d+ x )?[A-Za-z_]", re.M)
_NO_BREAK = "\u00a0".encode()  # between words on web pages
_ALONE = re.compile(rb"\s*[A-Z]\w*\((?:[^\n=]*=[^\n]*\)|\)|[ \t\r]*$)", re.M)


def recognises(content: bytes, path: str) -> bool:
    """Whether modules are listed in it.

    >>> recognises(b"Sequential(\\n  (0): ReLU()\\n)", "model.txt")
    True
    >>> recognises(b"7x7s2p3@64, bn  # (0): Conv2d(3, 64, ..", "spec.txt")
    False
    """
    start = content[: 2**16].removeprefix(b"\xef\xbb\xbf").replace(_NO_BREAK, b" ")
    if b"\0" in start or onnx_file.recognises(content, ""):
        return False  # a binary file may hold a print-out, in a comment say
    return bool(_CHILD.search(start) or _ALONE.match(start))


def read(content: bytes, path: str) -> Inventory:
    """The inventory of a print-out.

    >>> text = b"Sequential(\\n  (0): Linear(in_features=9, out_features=2, bias=True)\\n)"
    >>> read(text, "model.txt").params
    20

    Raises FormatError, with the place, for a text that is cut or is no print-out.
    """
    from convalgebra.errors import Source
    from convalgebra.readers.printed.grammar import parse
    from convalgebra.readers.printed.listing import inventory_of
    from convalgebra.readers.text import decoded

    source = Source(decoded(content, path), path)
    return inventory_of(parse(source), source)
