"""The best approximation of a kernel, or of a layer, by a stack."""

from convalgebra.kernels.nearest.report import NearestReport, nearest
from convalgebra.kernels.nearest.scores import FactorabilityReport, factorability

__all__ = ["FactorabilityReport", "NearestReport", "factorability", "nearest"]
