"""The syntax tree of the language: what the parser returns and the expander walks.

Sizes in the tree are expressions over numbers and names, not yet evaluated: inside a pattern a name
is a parameter, elsewhere a named size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias, dataclass_transform

from convalgebra.errors import Span
from convalgebra.layers import EPS

OPERATORS = frozenset({"+", "-", "*", "/", "//"})


@dataclass_transform()
class Syntax:
    """A part of the tree: a dataclass for the type checker, without its price at start-up.

    (A dataclass or a named tuple takes up to a millisecond to define, and there are a dozen here.)

    >>> Call("stem", None, Span(0, 4)).name
    'stem'
    """

    _fields: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(cls.__annotations__)

    def __init__(self, *values: Any, **named: Any) -> None:
        self.__dict__.update(zip(self._fields, values, strict=False))
        self.__dict__.update(named)


class Expression(Syntax):
    """A size in postfix form, numbers, names and operators: `C//4 + 1` is `C 4 // 1 +`."""

    code: tuple[int | str, ...]
    span: Span

    def names(self) -> tuple[str, ...]:
        """The names in it, as often as they stand there."""
        return tuple(unit for unit in self.code if isinstance(unit, str) and unit not in OPERATORS)


SizeText: TypeAlias = "int | Expression"  # most sizes are plain numbers
PadText: TypeAlias = tuple[SizeText, SizeText]


class Argument(Syntax):
    """Sizes as written, and where they stand."""

    values: tuple[SizeText, ...] | tuple[PadText, ...]
    span: Span

    def expressions(self) -> Iterator[Expression]:
        """Those of its sizes that are not plain numbers."""
        for value in self.values:
            if isinstance(value, Expression):
                yield value
            elif not isinstance(value, int):
                yield from (size for size in value if isinstance(size, Expression))


class Side(Syntax):
    """One size of the shape of the input, and where it stands."""

    size: SizeText
    span: Span


class LayerText(Syntax):
    """A layer as written: its kind, the fields that were given, and the named sizes they use."""

    kind: str
    fields: dict[str, Argument]
    names: tuple[str, ...]
    span: Span
    channels_rule: Literal["=", "*", "/"] = "*"
    same: bool = False
    ceil: bool = False
    bias: bool = False
    eps: float = EPS


class Call(Syntax):
    """A name: a value, a shared series, or a pattern with its arguments."""

    name: str
    arguments: tuple[SizeText, ...] | None
    span: Span


class Slice(Syntax):
    """`[start:stop]` of the channels."""

    start: SizeText | None
    stop: SizeText | None
    span: Span


class Branches(Syntax):
    """`cat(..|..)`, `mul(..|..)` or `unused(..)`."""

    word: str
    texts: tuple[Text, ...]
    span: Span


class OpaqueText(Syntax):
    """`opaque(name, shape, params, macs, window | branches)`; a figure not known is None."""

    name: str
    shape: tuple[Side, ...]
    params: int | None
    macs: int | None
    biases: int
    window: LayerText | None
    texts: tuple[Text, ...]
    span: Span


class Term(Syntax):
    """`times * atom`; `times` is a number or the name of a parameter."""

    times: int | str
    atom: Atom
    span: Span


class Added(Syntax):
    """Two or more parallel terms, added."""

    terms: tuple[Item, ...]
    span: Span


Atom: TypeAlias = "LayerText | Call | Slice | Branches | OpaqueText | Text"
Item: TypeAlias = "Atom | Term | Added"


class Series(Syntax):
    """Items applied one after another."""

    items: tuple[Item, ...]
    span: Span


class Line(Syntax):
    """`name = series`, or a series alone."""

    name: str
    series: Series
    span: Span


class Define(Syntax):
    """`def name(parameters) = series`."""

    name: str
    parameters: tuple[str, ...]
    series: Series
    span: Span


class Share(Syntax):
    """`shared name = series`."""

    name: str
    series: Series
    span: Span


class Text(Syntax):
    """Lines, in order."""

    lines: tuple[Line | Define | Share, ...]
    span: Span


class Program(Syntax):
    """A whole text: with the shape after `input` and the names after `output`, where given."""

    shape: tuple[Side, ...] | None
    text: Text
    outputs: tuple[Call, ...] | None
