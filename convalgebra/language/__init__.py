"""The notation: text <-> Network.

>>> str(parse("3x3p1@64, relu, 3x3p1@64, relu"))
'2*(3x3p1@64, relu)'
"""

from __future__ import annotations

from convalgebra.errors import Source
from convalgebra.language.expand import evaluate_shape, expand
from convalgebra.language.parser import parse_program, parse_shape_text
from convalgebra.network import Network
from convalgebra.shapes import Shape
from convalgebra.sizes import Size


def parse(text: str, name: str = "<stack>") -> Network:
    """The Network that a text in the language writes down.

    `name` is what errors call the text. Raises LanguageError, with the place and what to write
    instead. Nothing in the text is ever evaluated as Python.

    >>> parse("input 3x32x32; 3x3p1@64, relu").shapes[-1]
    (64, 32, 32)
    """
    source = Source(text, name)
    return expand(parse_program(source), source)


def parse_shape(text: str, name: str = "<input>") -> Shape:
    """The shape that a text like `3x224x224` or `CxHxW` writes down.

    >>> parse_shape("3x224x224")
    (3, 224, 224)
    """
    source = Source(text, name)
    return evaluate_shape(parse_shape_text(source), source)


def parse_size(text: str, name: str = "<input>") -> Size | None:
    """The size that a text like `64` or `H//2` writes down; None where it is several.

    >>> parse_size("64 - 2*4"), parse_size("8)x(8")
    (56, None)
    """
    sizes = parse_shape(f"({text})", name)
    return sizes[0] if len(sizes) == 1 else None
