"""Whether a kernel is exactly a product of given shapes, over Q, R and C, and of which filters.

Laurent polynomials in several variables factor uniquely, over Q and over C, up to order, units
(monomials) and numbers. So a kernel is a product of filters of given shapes iff its irreducible
factors can be grouped so that each group fits its layer; the rest is finite search.

    polynomials     kernels as polynomials, and back
    rational        the irreducible factors over Q
    absolute        into how many each of them splits over C: Ruppert's matrix, simple points
    fields          algebraic numbers
    splitting       the field over which it splits, and one of the conjugate factors
    embeddings      a field within the complex numbers: discs around roots, decimals
    conjugates      the factors over C, and which of them are complex conjugate
    parts           what a layer may take, over each field and on each lattice
    groupings       which groups fit the layers
    compositum      the field of filters that take some conjugates and not others
    factorizations  filters with exact entries, and one way to write a kernel
    filters         from groups to filters, multiplied back exactly
    rounding        kernels of rounded numbers that are products to rounding
    report          the answer
    search          whether there are groups over a field, and all of them
    stacks          the stacks that are taken
    reasons         why a kernel is not a product
    question        one kernel and one stack, step by step
"""

from convalgebra.kernels.factoring.question import factor
from convalgebra.kernels.factoring.report import FactorReport

__all__ = ["FactorReport", "factor"]
