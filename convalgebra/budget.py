"""Budgets: how much a search may do and hold, counted before it is done, never by a clock.

So an answer is the same on every machine, and what does not fit is told as "cannot decide".
"""

from __future__ import annotations


class Exhausted(Exception):
    """A search ran out of its budget: what it looks for may exist or not. The text says at what."""


class Budget:
    """Units of work that may still be spent, and how many values may be held at the same time.

    >>> budget = Budget(10, values=1000)
    >>> budget.spend(8, values=500)
    >>> budget.left, budget.takes(3)
    (2, False)
    >>> budget.spend(1, values=2000, on="a matrix")
    Traceback (most recent call last):
    convalgebra.budget.Exhausted: a matrix
    """

    def __init__(self, work: float, values: float = float("inf")) -> None:
        self.left, self.values = work, values

    def takes(self, work: float, values: float = 0) -> bool:
        """Whether there is room for so much work and so many values; the work is then spent."""
        if work > self.left or values > self.values:
            return False
        self.left -= work
        return True

    def spend(self, work: float, values: float = 0, on: str = "") -> None:
        """Spend work, before it is done; raises Exhausted, which names it, where there is no room.

        What is too much ends the budget, so that nobody goes on with what is left of it.
        """
        if not self.takes(work, values):
            self.left = 0
            raise Exhausted(on)
