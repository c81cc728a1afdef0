"""What the inputs of a kernel look like, and the error that it makes on them.

For inputs x that are stationary with the autocovariance R(t) = E[x[n] x[n + t]], the expected
square of (D * x)[n] = sum_e D[e] x[n + e] is sum over e, e' of D[e] R(e' - e) D[e'], a quadratic
form in the coefficients D with the Gram matrix G[e, e'] = R(e' - e). With G = L L^T (Cholesky) it
is |D L|^2: a weighted least-squares error. White inputs have G = 1. Channels are taken as
independent of one another and alike, unless R says otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from convalgebra.algebra.plan import Axes
from convalgebra.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_MODEL = re.compile(r"(?P<name>ar1|isotropic):(?P<number>[-+]?(\d+(\.\d*)?|\.\d+))")
_MODELS = "expected white, ar1:0.95, isotropic:0.95, or an array over lags"
_PLACES_LIMIT = 5_000  # rows of a Gram matrix: 200 MB


@dataclass(frozen=True)
class Weighting:
    """The factor L, in floats; errors and bounds are those of these floats.

    `along` has one factor for each axis where the covariance is their product;
    else `whole` is [places, places] (channels apart) or [places c_in, places c_in].
    """

    name: str
    axes: int
    along: tuple[Any, ...] = ()
    whole: Any = None
    channels: bool = False  # whether `whole` mixes channels

    @property
    def factors(self) -> tuple[Any, ...]:
        """All the matrices: L is their Kronecker product."""
        return self.along or (self.whole,)

    def applied(self, coefficients: Array) -> Array:
        """`D L` for coefficients [.., places along each axis, c_in]."""
        return self._times(coefficients, transposed=False)

    def applied_back(self, residual: Array) -> Array:
        """`E L^T`: the adjoint."""
        return self._times(residual, transposed=True)

    def _times(self, values: Array, *, transposed: bool) -> Array:
        import numpy as np

        for axis, factor in enumerate(self.along):
            at = values.ndim - 1 - self.axes + axis
            moved = np.moveaxis(values, at, -1) @ (factor.T if transposed else factor)
            values = np.moveaxis(moved, -1, at)
        if self.whole is None:
            return values
        factor = self.whole.T if transposed else self.whole
        lead, into = values.shape[: -1 - self.axes], values.shape[-1]
        if self.channels:
            return np.asarray((values.reshape(*lead, -1) @ factor).reshape(values.shape))
        flat = values.reshape(*lead, -1, into).swapaxes(-1, -2) @ factor
        return np.asarray(flat.swapaxes(-1, -2).reshape(values.shape))


def weighting_of(covariance: Any, field: Axes, channels: int) -> Weighting | None:
    """The weighting that `covariance` names for kernels on `field`, None for white inputs.

    `ar1:a` is R(t) = a^(|t1| + |t2| + ..), -1 < a < 1, and `isotropic:a` is a^sqrt(t1^2 + t2^2 +
    ..), 0 <= a < 1: natural images have a of about 0.95. An array over lags has an odd size along
    every axis, lag 0 in the middle, and is 0 beyond; with two more axes in front, [c_in, c_in, ..],
    the channels depend on one another.

    >>> weighting_of("ar1:0.5", (2,), 1).along[0].round(3).tolist()
    [[1.0, 0.0], [0.5, 0.866]]

    Raises InputError for what is no covariance.
    """
    if covariance is None or (isinstance(covariance, str) and covariance == "white"):
        return None
    import numpy as np

    if not isinstance(covariance, str):
        return _from_lags(covariance, field, channels)
    from convalgebra.kernels.arrays import is_array_file, read_array

    if is_array_file(covariance):
        return _from_lags(read_array(covariance), field, channels)
    named = _MODEL.fullmatch(covariance)
    if named is None:
        raise InputError(f"`{covariance[:40]}` is no covariance; {_MODELS}")
    number = float(named["number"])
    if named["name"] == "ar1":
        if abs(number) >= 1:
            raise InputError(
                f"`{covariance[:40]}`: the parameter of ar1 is below 1 in absolute value, the "
                "correlation of neighbours, like ar1:0.95"
            )
        _check_places(max(field))
        grids = [np.abs(np.subtract.outer(np.arange(k), np.arange(k))) for k in field]
        return Weighting(
            covariance,
            len(field),
            tuple(_root(number ** grid.astype(float), covariance) for grid in grids),
        )
    if not 0 <= number < 1:
        raise InputError(
            f"`{covariance[:40]}`: the parameter of isotropic is at least 0 and below 1, the "
            "correlation of neighbours, like isotropic:0.95"
        )
    lags = _lags(field)
    distance = np.sqrt((lags.astype(float) ** 2).sum(-1))
    return Weighting(covariance, len(field), whole=_root(number**distance, covariance))


def _lags(field: Axes) -> Any:
    """[places, places, axes]: from the first place to the second."""
    import numpy as np

    _check_places(prod(field))
    places = np.stack(
        [g.ravel() for g in np.meshgrid(*(np.arange(k) for k in field), indexing="ij")], axis=-1
    )
    return places[None, :, :] - places[:, None, :]


def _check_places(places: int) -> None:
    if places > _PLACES_LIMIT:
        raise InputError(f"a covariance over {places:,} places is too large")


def _from_lags(covariance: Any, field: Axes, channels: int) -> Weighting:
    import numpy as np

    from convalgebra.kernels.arrays import finite

    try:
        table = np.asarray(covariance, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"a covariance is an array of numbers over lags; {_MODELS}") from None
    finite(table, "the covariance")
    axes = len(field)
    mixed = table.ndim == axes + 2
    if table.ndim not in (axes, axes + 2) or (mixed and table.shape[:2] != (channels, channels)):
        raise InputError(
            f"the covariance has the shape {table.shape}; expected one size for each of {axes} "
            f"axes, with ({channels}, {channels}) before them if channels depend on one another"
        )
    if any(size % 2 == 0 for size in table.shape[-axes:]):
        raise InputError("a covariance over lags has odd sizes, lag 0 in the middle")
    if not mixed:
        table = table[None, None]
    lags = _lags(field)
    middle = np.array([size // 2 for size in table.shape[2:]])
    inside = (np.abs(lags) <= middle).all(-1)
    places = tuple((np.where(inside[..., None], lags, 0) + middle)[..., a] for a in range(axes))
    count = lags.shape[0]
    if count * len(table) > _PLACES_LIMIT:
        raise InputError(f"a covariance over {count} places of {channels} channels is too large")
    gram = np.where(inside, table[(slice(None), slice(None), *places)], 0.0)  # [i, j, e, f]
    whole = gram.transpose(2, 0, 3, 1).reshape(count * len(table), count * len(table))
    scale = float(np.abs(whole).max())
    if not np.allclose(whole, whole.T, rtol=1e-9, atol=1e-12 * scale):
        raise InputError("a covariance is symmetric, R(-t) = R(t), and this one is not")
    return Weighting("given", axes, whole=_root(whole, "the array"), channels=mixed)


def _root(gram: Array, name: str) -> Array:
    """L with `L L^T` = gram: Cholesky's, or that of the eigenvectors where gram is singular."""
    import numpy as np

    largest = float(np.abs(gram).max())
    if largest == 0:
        raise InputError("the covariance is 0: such inputs have nothing in them")
    gram = gram / largest  # a factor changes no relative error
    gram = (gram + gram.T) / 2
    try:
        return np.asarray(np.linalg.cholesky(gram))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(gram)
        if values[0] < -1e-9 * values[-1]:
            raise InputError(
                f"{name} is no covariance: its Gram matrix has the eigenvalue {values[0]:.3g}; "
                "lags that are left out count as 0"
            ) from None
        rounding = values < 1e-12 * values[-1]
        return np.asarray(vectors * np.sqrt(np.where(rounding, 0.0, values)))
