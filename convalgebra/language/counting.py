"""How much a program writes out, found before anything is written.

A few characters can ask for more layers than a memory holds: `1000000*(1000000*(3x3))`, or forty
patterns that each use the one before twice. Every pattern is counted once for each list of
arguments, and the counts are multiplied, so that such a text is refused at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from convalgebra.errors import LanguageError, Source, Span
from convalgebra.language.expressions import evaluate
from convalgebra.language.scanner import MAX_NESTING
from convalgebra.language.scopes import Pattern, Scope, Shared
from convalgebra.language.syntax import (
    Added,
    Branches,
    Call,
    Define,
    Item,
    LayerText,
    Line,
    OpaqueText,
    Series,
    Slice,
    Term,
    Text,
)
from convalgebra.sizes import Size

MAX_LAYERS = 10**6
# Names and parentheses that write no layer take time as well.
MAX_STEPS = 4 * MAX_LAYERS
# A text is counted in time linear in its length, and in no more than this for patterns whose uses
# all differ, where a count cannot be used again.
_VISITS = 30_000
_VISITS_PER_CHARACTER = 20
_VISITS_OF_FORMULA = 20


class Count(NamedTuple):
    """What a part of a program writes out: nodes, the steps it takes, and how deep it is nested."""

    nodes: int = 0
    steps: int = 0
    depth: int = 0

    def and_then(self, other: Count) -> Count:
        """Both, one after the other."""
        return Count(
            self.nodes + other.nodes, self.steps + other.steps, max(self.depth, other.depth)
        )


_ONE = Count(1, 1, 0)
_STEP = Count(0, 1, 0)


def check_size(text: Text, source: Source) -> int:
    """The layers that a text asks for, and where branches meet.

    Raises a LanguageError for a text that asks for too many, or is nested too deep.

    What else is wrong with it is left to the expansion.
    """
    return _Counter(source).text(text, Scope()).nodes


class _Counter:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.depth = 0
        self.visits = _VISITS + _VISITS_PER_CHARACTER * len(source.text)
        self.known: dict[object, Count] = {}  # shared layers, and patterns with their arguments

    def fail(self, message: str, span: Span, hint: str = "") -> LanguageError:
        return LanguageError(message, self.source, span, hint)

    def text(self, part: Text, scope: Scope) -> Count:
        total = Count()
        for line in part.lines:
            if isinstance(line, Line):
                total = self.checked(total.and_then(self.series(line.series, scope)), line.span)
                if line.name:
                    scope.bound[line.name] = line.span.start, 0
            elif isinstance(line, Define):
                scope.bound[line.name] = line.span.start, Pattern(line, scope)
            else:
                scope.bound[line.name] = line.span.start, Shared(line, scope)
        return total

    def series(self, series: Series, scope: Scope) -> Count:
        total = Count()
        for item in series.items:
            total = self.checked(total.and_then(self.item(item, scope)), item.span)
        return total

    def checked(self, count: Count, span: Span) -> Count:
        if count.nodes > MAX_LAYERS:
            raise self.fail(f"more than {MAX_LAYERS:,} layers", span, "repeat fewer times")
        if count.steps > MAX_STEPS:
            raise self.fail(f"more than {MAX_STEPS:,} steps to write this out", span)
        return count

    def item(self, item: Item, scope: Scope) -> Count:
        self.visit(1, item.span)
        if isinstance(item, LayerText):
            if item.names:
                self.visit_formulas(map(scope.parameters.get, item.names), item.span)
            return _ONE
        if isinstance(item, Slice):
            return _ONE
        if isinstance(item, Call):
            return self.call(item, scope).and_then(_STEP)
        if isinstance(item, Term):
            times = self.times(item, scope)
            return self.repeated(self.item(item.atom, scope), times, item.span) if times else _STEP
        if isinstance(item, Text):
            return self.deeper(item, scope.inside(), item.span)
        total = _ONE
        if isinstance(item, Added):
            for term in item.terms:
                total = total.and_then(self.item(term, scope))
        elif isinstance(item, (Branches, OpaqueText)):
            for part in item.texts:
                total = total.and_then(self.deeper(part, scope.inside(), part.span))
        return total

    def visit_formulas(self, sizes: Iterable[Size | None], span: Span) -> None:
        formulas = sum(1 for size in sizes if size is not None and not isinstance(size, int))
        self.visit(_VISITS_OF_FORMULA * formulas, span)

    def visit(self, visits: int, span: Span) -> None:
        self.visits -= visits
        if self.visits < 0:
            raise self.fail("patterns used in too many different ways", span)

    def times(self, term: Term, scope: Scope) -> int:
        times = scope.parameters.get(term.times) if isinstance(term.times, str) else term.times
        return max(0, times) if isinstance(times, int) else 0

    def repeated(self, once: Count, times: int, span: Span) -> Count:
        if once.nodes == 0:
            return once  # nothing is written again
        return self.checked(Count(times * once.nodes, times * once.steps, once.depth), span)

    def call(self, call: Call, scope: Scope) -> Count:
        found = scope.find(call.name)
        if isinstance(found, Shared):
            key: object = found
            series, inner = found.share.series, found.opened()
        elif isinstance(found, Pattern):
            sizes = self.arguments(call, scope)
            if len(sizes) != len(found.define.parameters):
                return Count()
            key = (found.define.span, *sizes)
            parameters = dict(zip(found.define.parameters, sizes, strict=True))
            series, inner = found.define.series, found.opened(parameters)
        else:
            return Count()
        count = self.known.get(key)
        if count is None:
            count = self.known[key] = self.deeper(series, inner, call.span)
        elif self.depth + count.depth > MAX_NESTING:  # counted before, at a place less deep
            raise self.too_deep(call.span)
        return count

    def arguments(self, call: Call, scope: Scope) -> list[Size]:
        written = call.arguments or ()
        sizes = [evaluate(argument, scope.parameters, self.source) for argument in written]
        if scope.parameters:  # elsewhere a formula is worked out as often as it stands in the text
            self.visit_formulas(sizes, call.span)
        return sizes

    def deeper(self, part: Series | Text, scope: Scope, span: Span) -> Count:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.too_deep(span)
        nodes, steps, depth = (
            self.text(part, scope) if isinstance(part, Text) else self.series(part, scope)
        )
        self.depth -= 1
        return Count(nodes, steps + 1, depth + 1)

    def too_deep(self, span: Span) -> LanguageError:
        return self.fail(f"patterns and parentheses nested more than {MAX_NESTING} deep", span)
