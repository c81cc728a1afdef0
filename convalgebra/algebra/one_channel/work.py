"""The budget of one question about one-channel chains, about a second."""

from __future__ import annotations

from typing import Any

from convalgebra.budget import Budget


class Work(Budget):
    """So many steps may still be taken; `cycles` remembers what was found on the way.

    >>> work = Work(10)
    >>> work.spend(8)
    >>> work.left
    2
    """

    def __init__(self, steps: int) -> None:
        super().__init__(steps)
        self.cycles: dict[Any, Any] = {}
