"""The syntax tree of the language: what the parser returns and the expander walks.

Sizes in the tree are `Sum`s over numbers and names, not yet evaluated: inside a pattern a name is a
parameter, elsewhere a named size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from convalgebra.errors import Span


class Product(NamedTuple):
    """`first op unit op unit ..`, from left to right; op is one of `* / //`."""

    first: Unit
    rest: tuple[tuple[str, Unit], ...] = ()


class Sum(NamedTuple):
    """Signed products, added."""

    products: tuple[tuple[int, Product], ...]
    span: Span


Unit: TypeAlias = "int | str | Sum"


def number(value: int, span: Span) -> Sum:
    """The expression that is just a number."""
    return Sum(((1, Product(value)),), span)


class Argument(NamedTuple):
    """A field of a layer as written: its values and where they stand."""

    values: tuple[Sum, ...] | tuple[tuple[Sum, Sum], ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class LayerText:
    """A layer as written: its kind, the fields that were given, and the named sizes they use."""

    kind: str
    fields: dict[str, Argument]
    names: tuple[str, ...]
    span: Span
    channels_rule: str = "*"
    same: bool = False
    ceil: bool = False
    bias: bool = False


class Call(NamedTuple):
    """A name: a value, a shared series, or a pattern with its arguments."""

    name: str
    arguments: tuple[Sum, ...] | None
    span: Span


class Slice(NamedTuple):
    """`[start:stop]` of the channels."""

    start: Sum | None
    stop: Sum | None
    names: tuple[str, ...]
    span: Span


class Branches(NamedTuple):
    """`cat(..|..)`, `mul(..|..)` or `unused(..)`."""

    word: str
    texts: tuple[Text, ...]
    span: Span


class Term(NamedTuple):
    """`count * atom`; the count is a number or the name of a parameter."""

    count: int | str
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

    shape: tuple[Sum, ...] | None
    text: Text
    outputs: tuple[Call, ...] | None
