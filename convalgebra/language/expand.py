"""Syntax tree -> Network: names resolved, patterns and repetitions written out, sizes evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from convalgebra.errors import LanguageError, ShapeError, SizeError, Source, Span
from convalgebra.language import words
from convalgebra.language.expressions import MAX_NESTING, evaluate
from convalgebra.language.syntax import (
    Added,
    Branches,
    Call,
    Define,
    Item,
    LayerText,
    Line,
    Program,
    Series,
    Share,
    Slice,
    Sum,
    Term,
    Text,
)
from convalgebra.layers import Channels, Layer
from convalgebra.network import INPUT, Network, Node
from convalgebra.sizes import Size, at_least, text

MAX_LAYERS = 10**6


@dataclass(eq=False)
class _Pattern:
    define: Define
    scope: _Scope
    number: int  # patterns are numbered as they are defined: one sees those before it only


@dataclass(eq=False)
class _Shared:
    share: Share
    scope: _Scope
    owners: tuple[int, ...] | None = None


@dataclass(eq=False)
class _Scope:
    """The names that can be seen at a place."""

    outer: _Scope | None = None
    before: int | None = None  # inside a pattern: the patterns of `outer` with a smaller number
    parameters: dict[str, Size] = field(default_factory=dict)
    bound: dict[str, int | _Pattern | _Shared] = field(default_factory=dict)
    block: tuple[str, ...] = ()

    def inside(self, *segment: str) -> _Scope:
        return _Scope(self, None, self.parameters, {}, (*self.block, *segment))

    def find(self, name: str) -> int | _Pattern | _Shared | None:
        scope: _Scope | None = self
        limit: int | None = None
        while scope is not None:
            found = scope.bound.get(name)
            visible = limit is None or (isinstance(found, _Pattern) and found.number < limit)
            if found is not None and visible:
                return found
            if scope.before is not None:
                limit = scope.before if limit is None else min(limit, scope.before)
            scope = scope.outer
        return None


def expand(program: Program, source: Source) -> Network:
    """The Network that a program writes down.

    Raises LanguageError for a name that is not defined, for too many layers, and for a value that
    leads nowhere.
    """
    return _Expander(source).network(program)


class _Expander:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.nodes: list[Node] = [Node(INPUT, (), 0, "input")]
        self.names: dict[int, str] = {}
        self.layers: dict[tuple[Any, ...], Layer] = {}
        self.patterns = 0
        self.depth = 0
        # The final number of layers, known before they are written out: a layer in the first round of
        # its repetitions counts for all rounds (`weight`), in later rounds for nothing.
        self.total = 0
        self.weight = 1

    def fail(self, message: str, span: Span, hint: str = "") -> LanguageError:
        return LanguageError(message, self.source, span, hint)

    def network(self, program: Program) -> Network:
        shape = None
        if program.shape is not None:
            shape = tuple(self.size(size, {}) for size in program.shape)
            check_shape(shape, program.shape, self.source)
        scope = _Scope()
        last = self.text(program.text, 0, scope)
        outputs: tuple[int, ...] = (last,)
        if program.outputs is not None:
            outputs = tuple(self.value(call, scope) for call in program.outputs)
        self.check_reached(outputs)
        for index, name in self.names.items():
            self.nodes[index] = replace(self.nodes[index], name=name)
        return Network(shape, tuple(self.nodes), outputs, self.source)

    def check_reached(self, outputs: tuple[int, ...]) -> None:
        reached = [False] * len(self.nodes)
        for output in outputs:
            reached[output] = True
        for index in range(len(self.nodes) - 1, 0, -1):
            if reached[index]:
                for source in self.nodes[index].inputs:
                    reached[source] = True
        for index in range(len(self.nodes) - 1, 0, -1):
            if not reached[index]:
                span = self.nodes[index].span
                assert span is not None
                raise self.fail(
                    "what comes out here leads nowhere", span,
                    "use it, or list its name after `output`, or put it in unused(..)",
                )

    def size(self, expression: Sum, parameters: dict[str, Size]) -> Size:
        return evaluate(expression, parameters, self.source)

    def add(
        self, layer: Layer, inputs: tuple[int, ...], scope: _Scope, span: Span
    ) -> int:
        self.total += self.weight
        if self.total > MAX_LAYERS:
            raise self.fail(f"more than {MAX_LAYERS:,} layers", span, "repeat fewer times")
        index = len(self.nodes)
        self.nodes.append(Node(layer, inputs, index, "", scope.block, span))
        return index

    # Lines and series

    def text(self, part: Text, value: int, scope: _Scope) -> int:
        for line in part.lines:
            if isinstance(line, Line):
                inner = scope
                if line.name:
                    inner = _Scope(scope, None, scope.parameters, {}, (*scope.block, line.name))
                value = self.series(line.series, value, inner)
                if line.name:
                    self.bind(line.name, value, scope, line.span)
                    self.names.setdefault(value, line.name)
            elif isinstance(line, Define):
                self.patterns += 1
                self.bind(line.name, _Pattern(line, scope, self.patterns), scope, line.span)
            else:
                self.bind(line.name, _Shared(line, scope), scope, line.span)
        return value

    def bind(
        self, name: str, value: int | _Pattern | _Shared, scope: _Scope, span: Span
    ) -> None:
        if name in scope.bound:
            raise self.fail(
                f"`{name}` is defined twice", Span(span.start, span.start + len(name)), "take another name"
            )
        scope.bound[name] = value

    def series(self, series: Series, value: int, scope: _Scope) -> int:
        for item in series.items:
            value = self.item(item, value, scope)
        return value

    def item(self, item: Item, value: int, scope: _Scope) -> int:
        if isinstance(item, LayerText):
            return self.add(self.layer(item, scope), (value,), scope, item.span)
        if isinstance(item, Call):
            return self.call(item, value, scope, "")
        if isinstance(item, Term):
            return self.repeat(item, value, scope)
        if isinstance(item, Added):
            ends = tuple(self.item(term, value, scope) for term in item.terms)
            return self.add(Layer("add"), ends, scope, item.span)
        if isinstance(item, Branches):
            ends = tuple(self.nested(part, value, scope) for part in item.texts)
            if item.word == "unused":
                ends = (value, *ends)
            return self.add(Layer(item.word), ends, scope, item.span)
        if isinstance(item, Slice):
            return self.add(self.slice(item, scope), (value,), scope, item.span)
        return self.nested(item, value, scope)

    def nested(self, part: Text, value: int, scope: _Scope, segment: tuple[str, ...] = ()) -> int:
        return self.text(part, value, scope.inside(*segment))

    def repeat(self, term: Term, value: int, scope: _Scope) -> int:
        count = term.count
        if isinstance(count, str):
            found = scope.parameters.get(count)
            if not isinstance(found, int):
                reason = "is a named size" if found is not None else "is no parameter"
                raise self.fail(
                    f"a repetition needs a number: `{count}` {reason}", term.span, "3*(3x3p1, relu)"
                )
            count = found
        if count < 0:
            raise self.fail(f"a repetition of {count} times", term.span)
        outer, before = self.weight, len(self.nodes)
        try:
            for round_number in range(count):
                self.weight = outer * count if round_number == 0 else 0
                segment = f"#{round_number + 1}" if count > 1 else ""
                if isinstance(term.atom, Call):
                    value = self.call(term.atom, value, scope, segment)
                elif isinstance(term.atom, Text):
                    value = self.nested(term.atom, value, scope, (segment,) if segment else ())
                else:
                    value = self.item(term.atom, value, scope)
                if len(self.nodes) == before:
                    break  # no layers: the other rounds lead to the same value
        finally:
            self.weight = outer
        return value

    # Names

    def value(self, call: Call, scope: _Scope) -> int:
        found = scope.find(call.name)
        if call.name == "input" and found is None:
            return 0
        if not isinstance(found, int):
            raise self.fail(f"`{call.name}` is not the name of a value", call.span)
        return found

    def call(self, call: Call, value: int, scope: _Scope, segment: str) -> int:
        found = scope.find(call.name)
        if found is None:
            return self.unbound(call, value, scope)
        if isinstance(found, _Pattern):
            return self.pattern(found, call, value, scope, segment)
        if call.arguments is not None:
            raise self.fail(f"`{call.name}` takes no arguments", call.span)
        if isinstance(found, int):
            return found
        return self.shared(found, value, scope, segment)

    def unbound(self, call: Call, value: int, scope: _Scope) -> int:
        if call.arguments is None and call.name == "id":
            return value
        if call.arguments is None and call.name == "input" and not self.in_pattern(scope):
            return 0
        hint = words.hint_for(self.source.text, call.span.start)
        if not hint and self.in_pattern(scope):
            hint = "a pattern sees its parameters and the patterns before it only"
        raise self.fail(f"`{call.name}` is not defined", call.span, hint)

    @staticmethod
    def in_pattern(scope: _Scope | None) -> bool:
        while scope is not None:
            if scope.before is not None:
                return True
            scope = scope.outer
        return False

    def pattern(
        self, pattern: _Pattern, call: Call, value: int, scope: _Scope, segment: str
    ) -> int:
        names = pattern.define.parameters
        given = call.arguments or ()
        if len(given) != len(names):
            wanted = f"{call.name}({', '.join(names)})" if names else call.name
            raise self.fail(
                f"`{call.name}` takes {len(names) or 'no'} "
                f"argument{'' if len(names) == 1 else 's'}, {len(given) or 'none'} given",
                call.span, f"it is defined as {wanted}",
            )
        sizes = [self.size(argument, scope.parameters) for argument in given]
        label = f"{call.name}({', '.join(map(text, sizes))})" if sizes else call.name
        block = (*scope.block, f"{label} {segment}".rstrip())
        inner = _Scope(
            pattern.scope, pattern.number, dict(zip(names, sizes, strict=True)), {}, block
        )
        return self.deeper(pattern.define.series, value, inner, call.span)

    def shared(self, shared: _Shared, value: int, scope: _Scope, segment: str) -> int:
        block = (*scope.block, f"{shared.share.name} {segment}".rstrip())
        inner = _Scope(shared.scope, None, shared.scope.parameters, {}, block)
        start = len(self.nodes)
        value = self.deeper(shared.share.series, value, inner, shared.share.span)
        written = range(start, len(self.nodes))
        if shared.owners is None:
            shared.owners = tuple(self.nodes[index].weights for index in written)
        else:
            for index, owner in zip(written, shared.owners, strict=True):
                self.nodes[index] = replace(self.nodes[index], weights=owner)
        return value

    def deeper(self, series: Series, value: int, scope: _Scope, span: Span) -> int:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.fail(f"patterns nested more than {MAX_NESTING} deep", span)
        value = self.series(series, value, scope)
        self.depth -= 1
        return value

    # Layers

    def layer(self, part: LayerText, scope: _Scope) -> Layer:
        values = tuple(scope.parameters.get(name) for name in part.names)
        key = (id(part), *values)
        layer = self.layers.get(key)
        if layer is None:
            layer = self.layers[key] = self.build(part, scope.parameters)
        return layer

    def build(self, part: LayerText, parameters: dict[str, Size]) -> Layer:
        fields: dict[str, Any] = {}
        for name, (values, span) in part.fields.items():
            fields[name] = tuple(
                self.size(value, parameters)
                if isinstance(value, Sum)
                else tuple(self.size(size, parameters) for size in value)
                for value in values
            )
            self.check(part.kind, name, fields[name], span)
        if "groups" in fields:
            (fields["groups"],) = fields["groups"]
        if "channels" in fields:
            fields["channels"] = Channels(part.channels_rule, *fields["channels"])  # type: ignore[arg-type]
        if part.same:
            fields["padding"] = "same"
        try:
            return Layer(part.kind, ceil=part.ceil, bias=part.bias, **fields)
        except SizeError as error:
            raise self.fail(str(error), part.span) from None

    def check(self, kind: str, name: str, values: tuple[Any, ...], span: Span) -> None:
        # One field alone, so that the error points at it.
        try:
            if name in ("groups", "channels"):
                Layer("fc", size=values)
            elif name in ("padding", "pads"):
                Layer("pad", pads=values)
            elif name == "output_padding":
                Layer("fc", output_padding=values)
            else:
                Layer("fc", **{name: values})
        except SizeError as error:
            raise self.fail(_named(str(error), name), span) from None

    def slice(self, part: Slice, scope: _Scope) -> Layer:
        begin, end = (
            None if bound is None else self.size(bound, scope.parameters)
            for bound in (part.start, part.stop)
        )
        return Layer("slice", bounds=(begin, end))


def _named(message: str, name: str) -> str:
    nouns = {"size": "a size", "groups": "a number of groups", "channels": "a number of channels"}
    return message.replace("a size", nouns[name]) if name in nouns else message


def check_shape(shape: tuple[Size, ...], written: tuple[Sum, ...], source: Source) -> None:
    """Raise a ShapeError at a size of an input shape that is below 1."""
    for size, expression in zip(shape, written, strict=True):
        if at_least(size, 1) is False:
            raise ShapeError(
                f"a size of the input must be at least 1, not {text(size)}", source, expression.span
            )
