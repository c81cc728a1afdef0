"""How far the filters of trained layers are from candidate stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.errors import InputError
from convalgebra.kernels.arrays import finite, headers, is_array_file, read_array
from convalgebra.kernels.nearest.coefficients import Coefficients
from convalgebra.kernels.nearest.newton import minimize
from convalgebra.kernels.nearest.problem import Problem
from convalgebra.kernels.nearest.report import axes_of, check_size, nearest, plan_for
from convalgebra.kernels.nearest.target import Target
from convalgebra.kernels.nearest.unfoldings import closed_form
from convalgebra.network import Network
from convalgebra.readers import read

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

FILTERS = 1000  # that are looked at, of a layer with more of them
STARTS = 16  # of each filter
_AT_ONCE = 128  # filters
Progress = Callable[[str, str, int, int], None]


class Score(NamedTuple):
    """How far a layer is from a candidate: relative errors, over its filters or of it as a whole.

    `whole` tells that the layer was compared as one operator. `median` is None where the candidate
    does not fit the size of the kernels. `proved` tells that no error is larger than it must be.
    """

    layer: str
    candidate: str
    whole: bool
    median: float | None
    worst: float | None
    near: float | None  # the share of the filters with an error below 10 %
    proved: bool
    compared: int
    filters: int

    def to_dict(self) -> dict[str, Any]:
        """Under stable keys."""
        return self._asdict()


class FactorabilityReport(NamedTuple):
    """The scores of all layers and candidates that there was time for.

    `layers` has the shape of each layer, `left_out` what was not looked at, with the reason.
    """

    candidates: tuple[str, ...]
    layers: tuple[tuple[str, tuple[int, ...]], ...]
    scores: tuple[Score, ...]
    left_out: tuple[tuple[str, str], ...]
    complete: bool
    starts: int
    seed: int

    def score(self, layer: str, candidate: str) -> Score | None:
        """That of a layer and a candidate, if it was reached."""
        for score in self.scores:
            if (score.layer, score.candidate) == (layer, candidate):
                return score
        return None

    def to_dict(self) -> dict[str, Any]:
        """The report under stable keys."""
        return {
            "schema": "convalgebra.factorability/1",
            "candidates": list(self.candidates),
            "layers": [{"layer": name, "shape": list(shape)} for name, shape in self.layers],
            "scores": [score.to_dict() for score in self.scores],
            "left_out": [{"layer": name, "reason": why} for name, why in self.left_out],
            "complete": self.complete,
            "starts": self.starts,
            "seed": self.seed,
        }

    def __str__(self) -> str:
        from convalgebra.render.nearest_text import factorability_to_text

        return factorability_to_text(self, 80)

    def _repr_html_(self) -> str:
        from convalgebra.render.nearest_text import factorability_to_html

        return factorability_to_html(self)


def factorability(
    weights: Any,
    *candidates: str,
    starts: int = STARTS,
    filters: int = FILTERS,
    seed: int = 0,
    progress: Progress | None = None,
) -> FactorabilityReport:
    """How far each layer of trained weights is from each candidate stack.

    `weights` is an .npz or .npy file, a mapping of names to arrays (a state_dict will do) or one
    array; layers are arrays [c_out, c_in, ..]. A candidate without channels (`2x2,2x2`) is compared
    with every filter by itself, one with `dw`, groups or `@` (`dw3x3,1x1`, or `dw+pw` for whatever
    size the kernels have) with the layer as a whole. Of layers with more than `filters` filters so
    many are drawn. An interrupt ends it with what was found until then.

    >>> import numpy
    >>> report = factorability({"edges": numpy.array([[[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]]])},
    ...     "2x2,2x2", "3x1,1x3")
    >>> [score.worst < 1e-6 for score in report.scores]
    [True, True]

    Raises InputError for files and arrays that cannot be used.
    """
    if not candidates:
        raise InputError("no candidate: name stacks like 2x2,2x2 or 3x1,1x3 or dw+pw")
    if not 1 <= starts <= 100_000 or filters < 1 or not 0 <= seed < 2**63:
        raise InputError("starts and filters are numbers from 1, the seed from 0")
    for candidate in candidates:
        if candidate != "dw+pw":
            read(candidate)
    layers: list[tuple[str, tuple[int, ...]]] = []
    left_out: list[tuple[str, str]] = []
    scores: list[Score] = []
    complete = True
    try:
        for name, shape, load in _layers(weights, left_out):
            entries = load()
            if entries is None:
                left_out.append((name, "all its entries are 0"))
                continue
            layers.append((name, shape))
            for candidate in candidates:
                tell = partial(progress, name, candidate) if progress else None
                scores.append(_score(name, entries, candidate, starts, filters, seed, tell))
    except KeyboardInterrupt:
        complete = False
    if not layers and complete:
        why = "; ".join(f"{name}: {reason}" for name, reason in left_out[:3])
        raise InputError(f"there is no layer to look at ({why or 'nothing in it'})")
    return FactorabilityReport(
        candidates, tuple(layers), tuple(scores), tuple(left_out), complete, starts, seed
    )


def _layers(
    weights: Any, left_out: list[tuple[str, str]]
) -> Iterator[tuple[str, tuple[int, ...], Callable[[], Any]]]:
    """Name, shape and a function that reads each layer; the rest goes to `left_out`."""
    if isinstance(weights, PathLike):
        weights = fspath(weights)
    if isinstance(weights, str):
        if not is_array_file(weights):
            raise InputError(f"{weights[:80]!r}: weights are read from .npy and .npz files")
        found = [(header.name, header.shape) for header in headers(weights)]
        single = ".npz:" in weights.lower()
        for name, shape in found:
            if single and not weights.endswith(f":{name}"):
                continue
            key = None if single or not name else name
            if _fits(name or weights, shape, left_out):
                yield name or weights, shape, partial(_read_scaled, weights, key)
        return
    if not isinstance(weights, Mapping):
        weights = {"weights": weights}
    import numpy as np

    for name, value in weights.items():
        array = value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise InputError(f"{name} is of type {array.dtype}; expected real numbers")
        if _fits(str(name), array.shape, left_out):
            yield str(name), array.shape, partial(_scaled_array, array, str(name))


def _fits(name: str, shape: Sequence[int], left_out: list[tuple[str, str]]) -> bool:
    """Whether an array is a layer with kernels of more than one tap."""
    if len(shape) not in (3, 4, 5):
        left_out.append((name, f"{len(shape)} axes are no layer [c_out, c_in, ..]"))
    elif not all(shape):
        left_out.append((name, "no entries"))
    elif all(size == 1 for size in shape[2:]):
        left_out.append((name, "its kernels have one tap"))
    else:
        return True
    return False


def _read_scaled(path: str, name: str | None) -> Any:
    return _scaled(read_array(path, name))


def _scaled_array(array: Any, name: str) -> Any:
    return _scaled(finite(array, name))


def _scaled(array: Any) -> Any:
    """The entries times a power of two, the largest one in [1/2, 1); None if all are 0."""
    from convalgebra.kernels.nearest.target import target_of

    return target_of(array, array.ndim - 2).entries if array.any() else None


def whole_stack(candidate: str, size: Sequence[int], channels_out: int) -> Network | None:
    """The stack of a candidate that is compared with whole layers, None for one that is not.

    >>> print(whole_stack("dw+pw", (3, 3), 64))
    dw3x3, 1x1@64
    """
    if candidate == "dw+pw":
        size_text = "x".join(map(str, size))
        return read(f"dw{size_text},{'x'.join('1' * len(size))}@{channels_out}")
    network = read(candidate)
    texts = [node.layer for node in network.nodes[1:]]
    if not any(
        layer.kind == "dw" or layer.groups != 1 or _names_channels(layer) for layer in texts
    ):
        return None
    return network


def _names_channels(layer: Any) -> bool:
    from convalgebra.layers import KEPT

    return bool(layer.channels != KEPT)


def _score(
    name: str,
    entries: Array,
    candidate: str,
    starts: int,
    filters: int,
    seed: int,
    tell: Callable[[int, int], None] | None,
) -> Score:
    size = entries.shape[2:]
    count = entries.shape[0] * entries.shape[1]
    network = whole_stack(candidate, size, entries.shape[0])
    none = Score(name, candidate, network is not None, None, None, None, False, 0, count)
    if network is not None:
        return _whole(none, entries, network, seed)
    network = read(candidate)
    if axes_of(network) != len(size):
        return none
    made = Coefficients(plan_for(network, Target(entries[:1, :1], 0, name, False)))
    check_size(made)
    if made.field != size:
        return none
    flat = entries.reshape(count, *size)
    return _filter_by_filter(none, made, flat, starts, filters, seed, tell)


def _whole(none: Score, entries: Array, network: Network, seed: int) -> Score:
    if axes_of(network) != entries.ndim - 2:
        return none
    last = network.nodes[-1].layer
    if not _names_channels(last) and entries.shape[0] != entries.shape[1] and last.kind == "conv":
        network = read(f"{network}@{entries.shape[0]}")
    made = Coefficients(plan_for(network, Target(entries, 0, none.layer, True)))
    if made.field != entries.shape[2:]:
        return none
    report = nearest(entries, network, seed=seed)
    error = report.relative_error
    return none._replace(
        median=error, worst=error, near=float(error < 0.1), proved=report.proved, compared=1
    )


def _filter_by_filter(
    none: Score,
    made: Coefficients,
    flat: Array,
    starts: int,
    filters: int,
    seed: int,
    tell: Callable[[int, int], None] | None,
) -> Score:
    import numpy as np

    unfolding = closed_form(made)
    if unfolding is None and len(flat) > filters:
        chosen = np.random.default_rng(seed).choice(len(flat), filters, replace=False)
        flat = flat[np.sort(chosen)]
    # Each filter has a scale of its own; one that is 0 is made exactly.
    largest = np.abs(flat).reshape(len(flat), -1).max(1)
    alive = largest > 0
    scale = np.where(alive, largest, 1.0).reshape(-1, *(1,) * (flat.ndim - 1))
    kernels = (flat / scale)[alive]
    if unfolding is not None:
        errors = _by_singular_values(made, unfolding, kernels)
    else:
        errors = _by_search(made, kernels, starts, seed, tell)
    every = np.concatenate([errors, np.zeros(int((~alive).sum()))])
    return none._replace(
        median=float(np.median(every)),
        worst=float(every.max()),
        near=float((every < 0.1).mean()),
        proved=unfolding is not None,
        compared=len(flat),
    )


def _by_singular_values(made: Coefficients, unfolding: Any, kernels: Array) -> Array:
    import numpy as np

    found = np.empty(len(kernels))
    rank = sum(len(rectangle.hidden) for rectangle in unfolding.rectangles)
    for at in range(0, len(kernels), 4096):
        part = kernels[at : at + 4096]
        matrices = np.stack([unfolding.matrix(k[None, ..., None], 0) for k in part])
        values = np.linalg.svd(matrices, compute_uv=False)
        missed = np.array([(unfolding.missed(k[None, ..., None]) ** 2).sum() for k in part])
        squares = (part.reshape(len(part), -1) ** 2).sum(1)
        found[at : at + 4096] = np.sqrt(((values[:, rank:] ** 2).sum(1) + missed) / squares)
    return found


def _by_search(
    made: Coefficients,
    kernels: Array,
    starts: int,
    seed: int,
    tell: Callable[[int, int], None] | None,
) -> Array:
    """The least error of so many random starts, for chunks of filters at once."""
    import numpy as np

    rng = np.random.default_rng(seed)
    found = np.zeros(len(kernels))
    several = starts if len(made.blocks) > 1 or made.shared else 1
    for at in range(0, len(kernels), _AT_ONCE):
        if tell is not None:
            tell(at, len(kernels))
        part = kernels[at : at + _AT_ONCE]
        tiled = np.repeat(part, several, axis=0)[:, None, ..., None]
        problem = Problem(made, tiled, many=True)
        first = rng.standard_normal((len(tiled), made.weights))
        errors = minimize(problem, first).errors / problem.norms()
        found[at : at + _AT_ONCE] = errors.reshape(len(part), several).min(1)
    if tell is not None:
        tell(len(kernels), len(kernels))
    return found
