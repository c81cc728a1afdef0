"""The exact engine: what a stack can be, and whether it can stand in for another."""

from convalgebra.algebra.equivalence import equiv
from convalgebra.algebra.report import Direction, EquivalenceReport, Side

__all__ = ["Direction", "EquivalenceReport", "Side", "equiv"]
