"""The syntax tree of the language: what the parser returns and the expander walks.

Sizes in the tree are expressions over numbers and names, not yet evaluated: inside a pattern a name
is a parameter, elsewhere a named size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from convalgebra.errors import Span

OPERATORS = frozenset({"+", "-", "*", "/", "//"})


class Expression(NamedTuple):
    """A size in postfix form, numbers, names and operators: `C//4 + 1` is `C 4 // 1 +`."""

    code: tuple[int | str, ...]
    span: Span

    def names(self) -> tuple[str, ...]:
        """The names in it, as often as they stand there."""
        return tuple(unit for unit in self.code if isinstance(unit, str) and unit not in OPERATORS)


SizeText: TypeAlias = "int | Expression"  # most sizes are plain numbers
PadText: TypeAlias = tuple[SizeText, SizeText]


class Argument(NamedTuple):
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


class Side(NamedTuple):
    """One size of the shape of the input, and where it stands."""

    size: SizeText
    span: Span


class LayerText(NamedTuple):
    """A layer as written: its kind, the fields that were given, and the named sizes they use."""

    kind: str
    fields: dict[str, Argument]
    names: tuple[str, ...]
    span: Span
    channels_rule: Literal["=", "*", "/"] = "*"
    same: bool = False
    ceil: bool = False
    bias: bool = False


class Call(NamedTuple):
    """A name: a value, a shared series, or a pattern with its arguments."""

    name: str
    arguments: tuple[SizeText, ...] | None
    span: Span


class Slice(NamedTuple):
    """`[start:stop]` of the channels."""

    start: SizeText | None
    stop: SizeText | None
    span: Span


class Branches(NamedTuple):
    """`cat(..|..)`, `mul(..|..)` or `unused(..)`."""

    word: str
    texts: tuple[Text, ...]
    span: Span


class Term(NamedTuple):
    """`times * atom`; `times` is a number or the name of a parameter."""

    times: int | str
    atom: Atom
    span: Span


class Added(NamedTuple):
    """Two or more parallel terms, added."""

    terms: tuple[Item, ...]
    span: Span


Atom: TypeAlias = "LayerText | Call | Slice | Branches | Text"
Item: TypeAlias = "Atom | Term | Added"


class Series(NamedTuple):
    """Items applied one after another."""

    items: tuple[Item, ...]
    span: Span


class Line(NamedTuple):
    """`name = series`, or a series alone."""

    name: str
    series: Series
    span: Span


class Define(NamedTuple):
    """`def name(parameters) = series`."""

    name: str
    parameters: tuple[str, ...]
    series: Series
    span: Span


class Share(NamedTuple):
    """`shared name = series`."""

    name: str
    series: Series
    span: Span


class Text(NamedTuple):
    """Lines, in order."""

    lines: tuple[Line | Define | Share, ...]
    span: Span


class Program(NamedTuple):
    """A whole text: with the shape after `input` and the names after `output`, where given."""

    shape: tuple[Side, ...] | None
    text: Text
    outputs: tuple[Call, ...] | None
