"""The exact engine: what a stack can be, and whether it can stand in for another."""

from convalgebra.algebra.equivalence import Direction, EquivalenceReport, Side, equiv

__all__ = ["Direction", "EquivalenceReport", "Side", "equiv"]
