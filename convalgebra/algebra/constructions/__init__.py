"""Filters that make one stack out of another: explicit weights, polynomials in the other's.

Four ways, put together: layers of the made stack are merged (`targets`) and sit in one layer of the
maker; a layer of the maker that has nothing to do passes its channels on; layers in front pick
shifts of the inputs (or behind, of the outputs) and the last (first) one holds all taps (`pieces`);
and branches of a sum are set to zero, or subtracted where they have no weights (`paths`). What
comes out is multiplied out and compared, coefficient by coefficient, before it is returned.
"""

from convalgebra.algebra.constructions.search import BUDGET, Construction, construct

__all__ = ["BUDGET", "Construction", "construct"]
