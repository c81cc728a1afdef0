"""A budget of counted work for one question, so that no search runs away."""

from __future__ import annotations

from typing import Any


class Exhausted(Exception):
    """The work of a search ran out: what it looks for may exist or not."""


class Work:
    """So many steps may still be taken; `cycles` remembers what was found on the way.

    >>> work = Work(10)
    >>> work.spend(8)
    >>> work.left
    2
    """

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.cycles: dict[Any, Any] = {}

    def spend(self, steps: int) -> None:
        """Takes steps from the budget; raises Exhausted when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise Exhausted
