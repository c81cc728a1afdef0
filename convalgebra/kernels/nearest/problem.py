"""A kernel, a stack and an error to make small: residuals and their derivatives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

from convalgebra.kernels.nearest.coefficients import Block, Coefficients
from convalgebra.kernels.nearest.covariance import Weighting

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

ROUNDING = 2e-13  # of the norm: where the error is no more, there is nothing left to find


@dataclass(frozen=True)
class Problem:
    """Make `|(F(w) - kernel) L|^2 + outside` small.

    `kernel` is [c_out, *field, c_in], `outside` the square of what the stack does not see. With
    `many` there is a kernel for each start: [starts, c_out, *field, c_in].
    """

    made: Coefficients
    kernel: Any
    weighting: Weighting | None = None
    outside: float = 0.0
    many: bool = False

    def chosen(self, starts: Any) -> Problem:
        """The problem of some of the starts, by their numbers."""
        return replace(self, kernel=self.kernel[starts]) if self.many else self

    @property
    def coefficients(self) -> int:
        """How many each start has."""
        return prod(self.made.shape)

    @property
    def _kernels(self) -> Any:
        return self.kernel if self.many else self.kernel[None]

    def weighted(self, coefficients: Array) -> Array:
        """Coefficients times L, one row for each start."""
        if self.weighting is not None:
            coefficients = self.weighting.applied(coefficients)
        return coefficients.reshape(len(coefficients), self.coefficients)

    def residuals(self, weights: Array) -> Array:
        """`(F(w) - kernel) L` for each start."""
        return self.weighted(self.made.values(weights) - self.kernel)

    def norms(self) -> Array:
        """Of the kernel, weighted, with what the stack does not see; of each one if `many`."""
        import numpy as np

        return np.asarray(np.sqrt((self.weighted(self._kernels) ** 2).sum(1) + self.outside))

    def norm(self) -> float:
        """That of the one kernel."""
        return float(self.norms()[0])

    def gradient(self, weights: Array, residual: Array, only: Block | None = None) -> Array:
        """Of half the square of the residuals, each given with its weights."""
        return self.made.pulled_back(weights, self._back(residual), only)

    def jacobian(self, weights: Array) -> Array:
        """[starts, weights, residuals]."""
        found = self.made.jacobian(weights)
        if self.weighting is None:
            return found
        starts, n, _ = found.shape
        rows = self.weighted(found.reshape(starts * n, *self.made.shape))
        return rows.reshape(starts, n, self.coefficients)

    def second(self, weights: Array, residual: Array) -> Array:
        """The part of the second derivatives that the residual makes."""
        return self.made.second(weights, self._back(residual))

    def along(self, weights: Array, direction: Array, only: Block | None = None) -> Array:
        """The derivative of the residuals along a direction, or along its part in one block."""
        import numpy as np

        total = np.zeros((len(weights), self.coefficients))
        for block in self.made.blocks if only is None else [only]:
            moved = weights.copy()
            if self.made.shared:
                moved[:, block.start : block.stop] += direction[:, block.start : block.stop]
                back = 2 * weights - moved
                step = (self.made.values(moved) - self.made.values(back)) / 2
            else:
                moved[:, block.start : block.stop] = direction[:, block.start : block.stop]
                step = self.made.values(moved)
                if not self.made.plan.is_chain:
                    moved[:, block.start : block.stop] = 0
                    step -= self.made.values(moved)
            total += self.weighted(step)
        return total

    def _back(self, residual: Array) -> Array:
        shaped = residual.reshape(len(residual), *self.made.shape)
        return shaped if self.weighting is None else self.weighting.applied_back(shaped)

    def balanced(self, weights: Array) -> Array:
        """The same coefficients from kernels of equal norm, where one scale can pass to another.

        Only in chains: a sum fixes the scales of its branches.
        """
        import numpy as np

        if not self.made.plan.is_chain or len(self.made.blocks) < 2:
            return weights
        found = weights.copy()
        blocks = self.made.blocks
        norms = np.stack(
            [np.linalg.norm(weights[:, b.start : b.stop], axis=1) for b in blocks], axis=1
        )
        alive = norms.min(axis=1, keepdims=True) > 1e-150
        logs = np.log(np.where(alive, norms, 1.0))
        factors = np.exp(logs.mean(axis=1, keepdims=True) - logs)
        for number, block in enumerate(blocks):
            found[:, block.start : block.stop] *= factors[:, number : number + 1]
        return found

    def scaled(self, weights: Array) -> Array:
        """The weights times the factors with which the coefficients come closest to the kernel.

        In chains only; of a sum the weights are returned as they are.
        """
        import numpy as np

        weights = self.balanced(weights)
        if not self.made.plan.is_chain or not self.made.blocks:
            return weights
        there = self.weighted(self.made.values(weights))
        product = (there * self.weighted(self._kernels)).sum(1)
        factor = product / np.maximum((there * there).sum(1), 1e-300)
        size = np.abs(factor) ** (1 / len(self.made.blocks))
        found = weights * np.where(size > 0, size, 1.0)[:, None]
        first = self.made.blocks[0]
        found[:, first.start : first.stop] *= np.where(factor < 0, -1.0, 1.0)[:, None]
        return found
