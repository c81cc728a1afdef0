"""The names that can be seen at a place of a text."""

from __future__ import annotations

from typing import TypeAlias

from convalgebra.language.syntax import Define, Share
from convalgebra.sizes import Size


class Pattern:
    """What `def` defines, with the scope that it stands in."""

    def __init__(self, define: Define, scope: Scope) -> None:
        self.define = define
        self.scope = scope

    def opened(self, parameters: dict[str, Size], block: tuple[str, ...] = ()) -> Scope:
        """The scope of its series at one use."""
        return Scope(self.scope, parameters, block, self.define.span.start, in_pattern=True)


class Shared:
    """What `shared` defines, with the scope that it stands in."""

    def __init__(self, share: Share, scope: Scope) -> None:
        self.share = share
        self.scope = scope
        self.owners: tuple[int, ...] | None = None  # the weights of its first use, node by node

    def opened(self, block: tuple[str, ...] = ()) -> Scope:
        """The scope of its series at one use."""
        return Scope(self.scope, self.scope.parameters, block, self.share.span.start)


Binding: TypeAlias = "int | Pattern | Shared"  # an int is the node of a named value


class Scope:
    """The names bound at a place, inside those of the `outer` scope.

    The series of a pattern or of a shared layer sees of `outer` only what was bound `before` it in
    the text, and a pattern only other patterns.
    """

    def __init__(
        self,
        outer: Scope | None = None,
        parameters: dict[str, Size] | None = None,
        block: tuple[str, ...] = (),
        before: int | None = None,
        *,
        in_pattern: bool = False,
    ) -> None:
        self.outer = outer
        self.parameters = parameters or {}
        self.block = block
        self.before = before
        self.in_pattern = in_pattern
        self.bound: dict[str, tuple[int, Binding]] = {}

    def inside(self, *segment: str) -> Scope:
        """A scope for what stands in parentheses here."""
        return Scope(self, self.parameters, (*self.block, *segment))

    def find(self, name: str) -> Binding | None:
        """What `name` means here, None if nothing."""
        scope: Scope | None = self
        limit: int | None = None
        patterns_only = False
        while scope is not None:
            place, found = scope.bound.get(name, (0, None))
            visible = limit is None or place < limit
            if found is not None and visible and (isinstance(found, Pattern) or not patterns_only):
                return found
            if scope.before is not None:
                limit = scope.before if limit is None else min(limit, scope.before)
            patterns_only |= scope.in_pattern
            scope = scope.outer
        return None

    def is_in_pattern(self) -> bool:
        """Whether it is, or is inside, the scope of a pattern."""
        scope: Scope | None = self
        while scope is not None and not scope.in_pattern:
            scope = scope.outer
        return scope is not None
