"""Syntax tree -> Network: names resolved, patterns and repetitions written out, sizes evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convalgebra.errors import LanguageError, ShapeError, SizeError, Source, Span
from convalgebra.language.counting import check_size
from convalgebra.language.expressions import evaluate, evaluate_whole
from convalgebra.language.scopes import Binding, Pattern, Scope, Shared
from convalgebra.language.syntax import (
    Added,
    Branches,
    Call,
    Define,
    Expression,
    Item,
    LayerText,
    Line,
    OpaqueText,
    Program,
    Series,
    Side,
    Slice,
    Term,
    Text,
)
from convalgebra.layers import KINDS, MERGES, Channels, Layer, Opaque, axes_text, check_field
from convalgebra.network import INPUT, Network, Node
from convalgebra.sizes import Size, at_least, text

MOST_WRITTEN_OUT = 100_000  # layers, of those that are counted: some seconds, 100 MB
_NO_PARAMETERS: Mapping[str, Size] = {}
_MERGES = {word: Layer(word) for word in MERGES}


def expand(program: Program, source: Source) -> Network:
    """The Network that a program writes down.

    Raises LanguageError for a name that is not defined, for too many layers, and for a value that
    leads nowhere.
    """
    layers = check_size(program.text, source)
    if layers > MOST_WRITTEN_OUT:
        raise LanguageError(
            f"a network of {layers:,} layers; at most {MOST_WRITTEN_OUT:,} are written out",
            source,
            program.text.span,
            "repeat fewer times",
        )
    return _Expander(source).network(program)


class _Expander:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.nodes: list[Node] = [Node(INPUT, (), 0, "input")]
        self.names: dict[int, str] = {}
        self.layers: dict[tuple[Any, ...], Layer] = {}

    def fail(self, message: str, span: Span, hint: str = "") -> LanguageError:
        return LanguageError(message, self.source, span, hint)

    def network(self, program: Program) -> Network:
        shape = None
        if program.shape is not None:
            shape = evaluate_shape(program.shape, self.source)
        scope = Scope()
        last = self.text(program.text, 0, scope)
        outputs: tuple[int, ...] = (last,)
        if program.outputs is not None:
            outputs = tuple(self.value(call, scope) for call in program.outputs)
        self.check_reached(outputs)
        if shape is None:
            self.check_axes()
        for index, name in self.names.items():
            self.nodes[index] = self.nodes[index]._replace(name=name)
        return Network(shape, tuple(self.nodes), outputs, self.source)

    def check_reached(self, outputs: tuple[int, ...]) -> None:
        reached = [False] * len(self.nodes)
        for output in outputs:
            reached[output] = True
        for index in range(len(self.nodes) - 1, 0, -1):
            if not reached[index]:
                span = self.nodes[index].span
                assert span is not None
                raise self.fail(
                    "what comes out here leads nowhere",
                    span,
                    "use it, or list its name after `output`, or put it in unused(..)",
                )
            for source in self.nodes[index].inputs:
                reached[source] = True

    def check_axes(self) -> None:
        """No layer changes the number of axes: where kernels differ, no input fits them all."""
        kernels = [(n.layer.axes, n.span) for n in self.nodes if n.layer.axes and n.span]
        for axes, span in kernels:
            if axes != kernels[0][0]:
                raise self.fail(
                    f"a kernel with {axes_text(axes)} beside one with {axes_text(kernels[0][0])}",
                    span,
                    "arithmetic in a size stands in parentheses: 3x3@(C+1)" if axes == 1 else "",
                )

    def add(self, layer: Layer, inputs: tuple[int, ...], scope: Scope, span: Span) -> int:
        index = len(self.nodes)
        self.nodes.append(Node(layer, inputs, index, "", scope.block, span))
        return index

    # Lines and series

    def text(self, part: Text, value: int, scope: Scope) -> int:
        for line in part.lines:
            if isinstance(line, Line):
                inner = scope.inside(line.name) if line.name else scope
                value = self.series(line.series, value, inner)
                if line.name:
                    self.bind(line.name, value, scope, line.span)
                    self.names.setdefault(value, line.name)
            elif isinstance(line, Define):
                self.bind(line.name, Pattern(line, scope), scope, line.span)
            else:
                self.bind(line.name, Shared(line, scope), scope, line.span)
        return value

    def bind(self, name: str, value: Binding, scope: Scope, span: Span) -> None:
        if name in scope.bound:
            here = Span(span.start, span.start + len(name))
            raise self.fail(f"`{name}` is defined twice", here, "take another name")
        scope.bound[name] = span.start, value

    def series(self, series: Series, value: int, scope: Scope) -> int:
        for item in series.items:
            value = self.item(item, value, scope)
        return value

    def item(self, item: Item, value: int, scope: Scope) -> int:
        if isinstance(item, LayerText):
            return self.add(self.layer(item, scope), (value,), scope, item.span)
        if isinstance(item, Call):
            return self.call(item, value, scope, "")
        if isinstance(item, Term):
            return self.repeat(item, value, scope)
        if isinstance(item, (Added, Branches)):
            return self.merge(item, value, scope)
        if isinstance(item, Slice):
            return self.add(self.slice(item, scope), (value,), scope, item.span)
        if isinstance(item, OpaqueText):
            return self.opaque(item, value, scope)
        return self.text(item, value, scope.inside())

    def merge(self, item: Added | Branches, value: int, scope: Scope) -> int:
        ends: list[int] = []  # filled in plain loops: a comprehension takes a frame at each level
        if isinstance(item, Added):
            word = "add"
            for term in item.terms:
                ends.append(self.item(term, value, scope))
        else:
            word = item.word
            if word == "unused":
                ends.append(value)
            for part in item.texts:
                ends.append(self.text(part, value, scope.inside()))
        return self.add(_MERGES[word], tuple(ends), scope, item.span)

    def opaque(self, item: OpaqueText, value: int, scope: Scope) -> int:
        ends: list[int] = []
        for part in item.texts:
            ends.append(self.text(part, value, scope.inside()))
        shape = evaluate_shape(item.shape, self.source, scope.parameters, "an output")
        figures = Opaque(item.name, item.params, item.macs, item.biases)
        window = None if item.window is None else self.layer(item.window, scope)
        layer = Layer("opaque", shape, opaque=figures, window=window)
        return self.add(layer, tuple(ends) or (value,), scope, item.span)

    def repeat(self, term: Term, value: int, scope: Scope) -> int:
        times = self.times(term, scope)
        before = len(self.nodes)
        for turn in range(1, times + 1):
            segment = f"#{turn}" if times > 1 else ""
            if isinstance(term.atom, Call):
                value = self.call(term.atom, value, scope, segment)
            elif isinstance(term.atom, Text):
                value = self.text(term.atom, value, scope.inside(*segment.split()))
            else:
                value = self.item(term.atom, value, scope)
            if len(self.nodes) == before:
                break  # no layers: the other turns lead to the same value
        return value

    def times(self, term: Term, scope: Scope) -> int:
        times = scope.parameters.get(term.times) if isinstance(term.times, str) else term.times
        if not isinstance(times, int):
            reason = "is a named size" if times is not None else "is no parameter"
            raise self.fail(
                f"a repetition needs a number: `{term.times}` {reason}",
                term.span,
                "3*(3x3p1, relu)",
            )
        if times < 0:
            raise self.fail(f"a repetition of {times} times", term.span)
        return times

    # Names

    def value(self, call: Call, scope: Scope) -> int:
        found = scope.find(call.name)
        if call.name == "input" and found is None:
            return 0
        if not isinstance(found, int):
            raise self.fail(f"`{call.name}` is not the name of a value", call.span)
        return found

    def call(self, call: Call, value: int, scope: Scope, segment: str) -> int:
        found = scope.find(call.name)
        if found is None:
            return self.unbound(call, value, scope)
        if isinstance(found, Pattern):
            return self.pattern(found, call, value, scope, segment)
        if call.arguments is not None:
            raise self.fail(f"`{call.name}` takes no arguments", call.span)
        if isinstance(found, int):
            return found
        return self.shared(found, value, (*scope.block, f"{call.name} {segment}".rstrip()))

    def unbound(self, call: Call, value: int, scope: Scope) -> int:
        if call.arguments is None and call.name == "id":
            return value
        in_pattern = scope.is_in_pattern()
        if call.arguments is None and call.name == "input" and not in_pattern:
            return 0
        from convalgebra.language import hints  # only for errors

        text, start = self.source.text, call.span.start
        hint = hints.unknown_word(text, start)
        span = call.span
        if call.arguments is not None and (foreign := hints.foreign_call(text, start)):
            hint, span = foreign, Span(start, start + len(call.name))
        if not hint and in_pattern:
            hint = "a pattern sees its parameters and the patterns before it only"
        raise self.fail(f"`{call.name}` is not defined", span, hint)

    def pattern(self, pattern: Pattern, call: Call, value: int, scope: Scope, segment: str) -> int:
        define, arguments = pattern.define, call.arguments or ()
        names = define.parameters
        if len(arguments) != len(names):
            raise self.fail(
                f"`{call.name}` takes {len(names) or 'no'} "
                f"argument{'' if len(names) == 1 else 's'}, {len(arguments) or 'none'} given",
                call.span,
                f"it is defined as {call.name}({', '.join(names)})"
                if names
                else f"write {call.name} alone",
            )
        sizes = [evaluate(argument, scope.parameters, self.source) for argument in arguments]
        label = f"{call.name}({', '.join(map(text, sizes))})" if sizes else call.name
        block = (*scope.block, f"{label} {segment}".rstrip())
        inner = pattern.opened(dict(zip(names, sizes, strict=True)), block)
        return self.series(define.series, value, inner)

    def shared(self, shared: Shared, value: int, block: tuple[str, ...]) -> int:
        start = len(self.nodes)
        value = self.series(shared.share.series, value, shared.opened(block))
        written = self.nodes[start:]
        if shared.owners is None:
            shared.owners = tuple(node.weights for node in written)
        for index, owner in enumerate(shared.owners, start):
            node = self.nodes[index]
            if KINDS[node.layer.kind].weights != "none" and node.weights != owner:
                self.nodes[index] = node._replace(weights=owner)
        return value

    # Layers

    def layer(self, part: LayerText, scope: Scope) -> Layer:
        key = (id(part), *map(scope.parameters.get, part.names))
        layer = self.layers.get(key)
        if layer is None:
            layer = self.layers[key] = self.build(part, scope.parameters)
        return layer

    def build(self, part: LayerText, parameters: dict[str, Size]) -> Layer:
        fields = {
            name: tuple([self.field_value(value, parameters) for value in argument.values])
            for name, argument in part.fields.items()
        }
        flags = (part.channels_rule, part.same, part.ceil, part.bias, part.eps)
        key = (part.kind, *flags, *fields.items())  # one object for equal layers
        layer = self.layers.get(key)
        if layer is None:
            layer = self.layers[key] = self.checked_layer(part, fields)
        return layer

    def field_value(self, value: Any, parameters: dict[str, Size]) -> Any:
        if isinstance(value, (int, Expression)):
            return evaluate_whole(value, parameters, self.source)
        return tuple([evaluate_whole(size, parameters, self.source) for size in value])

    def checked_layer(self, part: LayerText, fields: dict[str, Any]) -> Layer:
        given = dict(fields)
        if "groups" in fields:
            (given["groups"],) = fields["groups"]
        if "channels" in fields:
            given["channels"] = Channels(part.channels_rule, *fields["channels"])
        if part.same:
            given["padding"] = "same"
        try:
            return Layer(part.kind, ceil=part.ceil, bias=part.bias, eps=part.eps, **given)
        except SizeError as error:
            raise self.fail(str(error), self.culprit(part, fields)) from None

    def culprit(self, part: LayerText, fields: dict[str, Any]) -> Span:
        """Where the field stands that cannot be, else the layer as a whole."""
        for name, values in fields.items():
            try:
                check_field(name, values, part.kind)
            except SizeError:
                return part.fields[name].span
        return part.span

    def slice(self, part: Slice, scope: Scope) -> Layer:
        begin, end = (
            None if bound is None else evaluate_whole(bound, scope.parameters, self.source)
            for bound in (part.start, part.stop)
        )
        return Layer("slice", bounds=(begin, end))


def evaluate_shape(
    sides: tuple[Side, ...],
    source: Source,
    parameters: Mapping[str, Size] = _NO_PARAMETERS,
    of: str = "the input",
) -> tuple[Size, ...]:
    """The shape `of` a value, as it is written. Raises a ShapeError at a size that is below 1."""
    shape = []
    for side in sides:
        size = evaluate_whole(side.size, parameters, source)
        if at_least(size, 1) is False:
            raise ShapeError(
                f"a size of {of} must be at least 1, not {text(size)}", source, side.span
            )
        shape.append(size)
    return tuple(shape)
