"""How far the filters of trained layers are from candidate stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.arguments import as_text, as_whole, shown
from convalgebra.errors import ConvalgebraError, InputError, ShapeError
from convalgebra.files import check_file
from convalgebra.kernels.arrays import headers, is_array_file, read_array
from convalgebra.kernels.nearest.coefficients import Coefficients
from convalgebra.kernels.nearest.newton import minimize
from convalgebra.kernels.nearest.problem import Problem
from convalgebra.kernels.nearest.report import (
    axes_of,
    check_linear,
    check_size,
    nearest,
    plan_for,
)
from convalgebra.kernels.nearest.target import ENTRIES_LIMIT, Target, array_from, checked, target_of
from convalgebra.kernels.nearest.unfoldings import closed_form
from convalgebra.layers import KEPT, Channels
from convalgebra.network import Network
from convalgebra.readers import read
from convalgebra.words import counted

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
    does not fit the layer, and `reason` tells why. `proved` tells that no error is larger than it
    must be.
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
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Under stable keys."""
        return self._asdict()


class FactorabilityReport(NamedTuple):
    """The scores of all layers and candidates that there was time for.

    `layers` has the shape of each layer, `left_out` those that were not looked at, with the reason,
    and `passed_over` the names of arrays that are no layers: biases, norms, dense matrices.
    """

    candidates: tuple[str, ...]
    layers: tuple[tuple[str, tuple[int, ...]], ...]
    scores: tuple[Score, ...]
    left_out: tuple[tuple[str, str], ...]
    passed_over: tuple[str, ...]
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
            "passed_over": list(self.passed_over),
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
    starts, filters = (
        as_whole(starts, "the number of starts", 1, 100_000),
        as_whole(filters, "filters", 1),
    )
    seed = as_whole(seed, "the seed", 0, 2**63 - 1)
    if progress is not None and not callable(progress):
        raise InputError(f"progress must be a function or None, not {shown(progress)}")
    for candidate in candidates:
        if as_text(candidate, "a candidate", "2x2,2x2") != "dw+pw":
            check_linear(read(candidate))
    layers: list[tuple[str, tuple[int, ...]]] = []
    left_out: list[tuple[str, str]] = []
    passed_over: list[str] = []
    scores: list[Score] = []
    complete = True
    try:
        for name, shape, load in _arrays(weights):
            if len(shape) not in (3, 4, 5):
                passed_over.append(name)
                continue
            entries, reason = _layer(shape, load)
            if entries is None:
                left_out.append((name, reason))
                continue
            layers.append((name, shape))
            for candidate in candidates:
                tell = partial(progress, name, candidate) if progress else None
                scores.append(_score(name, entries, candidate, starts, filters, seed, tell))
    except KeyboardInterrupt:
        complete = False
    if not layers and complete:
        why = [f"{name}: {reason}" for name, reason in left_out[:3]]
        if passed_over:
            why.append(f"{counted(len(passed_over), 'array')} with other than 3 to 5 axes")
        raise InputError(f"there is no layer to look at ({'; '.join(why) or 'nothing in it'})")
    return FactorabilityReport(
        candidates,
        tuple(layers),
        tuple(scores),
        tuple(left_out),
        tuple(passed_over),
        complete,
        starts,
        seed,
    )


def _arrays(weights: Any) -> Iterator[tuple[str, tuple[int, ...], Callable[[], Array]]]:
    """Name, shape and a function that reads each array."""
    if isinstance(weights, PathLike):
        weights = fspath(weights)
    if isinstance(weights, str):
        if not is_array_file(weights):
            check_file(weights)
            raise InputError(f"{weights[:80]!r}: weights are read from .npy and .npz files")
        for header in headers(weights):
            load = partial(read_array, weights, header.name or None)
            yield header.name or weights, header.shape, load
        return
    if not isinstance(weights, Mapping):
        weights = {"weights": weights}
    for name, value in weights.items():
        array = array_from(value, str(name))
        yield str(name), array.shape, partial(checked, array, str(name))


def _layer(shape: Sequence[int], load: Callable[[], Array]) -> tuple[Array | None, str]:
    """The entries times a power of two, the largest one in [1/2, 1); None and the reason if not."""
    if not all(shape):
        return None, "it has no entries"
    if all(size == 1 for size in shape[2:]):
        return None, "its kernels have one tap"
    if prod(shape) > ENTRIES_LIMIT:
        return None, f"it has {prod(shape):,} entries, the limit is {ENTRIES_LIMIT:,}"
    array = load()
    if not array.any():
        return None, "all its entries are 0"
    return target_of(array, array.ndim - 2).entries, ""


def whole_stack(candidate: str, size: Sequence[int], channels_out: int) -> Network | None:
    """The stack of a candidate that is compared with whole layers, None for one that is not.

    A last convolution without channels is given those of the layer.

    >>> print(whole_stack("dw+pw", (3, 3), 64))
    dw3x3, 1x1@64
    """
    if candidate == "dw+pw":
        network = read(f"dw{'x'.join(map(str, size))},{'x'.join('1' * len(size))}")
    else:
        network = read(candidate)
        layers = [node.layer for node in network.nodes]
        if all(n.kind != "dw" and n.groups == 1 and n.channels == KEPT for n in layers):
            return None
    last = network.nodes[-1]
    if last.layer.kind != "conv" or last.layer.channels != KEPT:
        return network
    layer = replace(last.layer, channels=Channels("=", channels_out))
    return replace(network, nodes=(*network.nodes[:-1], last._replace(layer=layer)))


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
    whole = whole_stack(candidate, size, entries.shape[0])
    layer = whole is not None
    none = Score(name, candidate, layer, None, None, None, False, 0, count)
    network = read(candidate) if whole is None else whole
    target = Target(entries if layer else entries[:1, :1], 0, name, layer)
    try:
        if axes_of(network) != len(size):
            sizes = counted(axes_of(network), "size")
            raise ShapeError(f"kernels of {candidate} have {sizes}, those of {name} {len(size)}")
        made = Coefficients(plan_for(network, target))
        check_size(made)
        if made.field != size:
            seen, taps = ("x".join(map(str, sizes)) for sizes in (made.field, size))
            raise ShapeError(f"{candidate} sees {seen}, the kernels of {name} are {taps}")
    except ConvalgebraError as error:
        return none._replace(reason=str(error).partition("\n")[0])
    if whole is None:
        flat = entries.reshape(count, *size)
        return _filter_by_filter(none, made, flat, starts, filters, seed, tell)
    report = nearest(entries, network, seed=seed)
    least = report.relative_error
    return none._replace(
        median=least, worst=least, near=float(least < 0.1), proved=report.proved, compared=1
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
        errors = minimize(problem, first, each_for=several).errors / problem.norms()
        found[at : at + _AT_ONCE] = errors.reshape(len(part), several).min(1)
    if tell is not None:
        tell(len(kernels), len(kernels))
    return found
