"""Linear algebra in one thread: of small matrices, several only wait for one another."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

_PREFIXES = ("scipy_openblas", "openblas")  # numpy's own build, and that of a distribution
_SUFFIXES = ("64_", "")
_lock = Lock()
_inside = 0
_before = 1


@contextmanager
def one_thread() -> Iterator[None]:
    """A block in which numpy's OpenBLAS uses one thread; as many as before follow.

    On a busy machine many small matrices take ten times as long with several. The number is one for
    the whole process: calls from several Python threads are counted, the last one sets it back.
    Nothing happens where numpy has other linear algebra, or where its functions cannot be called
    from outside (Windows); OPENBLAS_NUM_THREADS=1, MKL_NUM_THREADS=1 before numpy is imported do.

    >>> with one_thread():
    ...     blas = openblas()
    ...     print(1 if blas is None else blas[0]())
    1
    """
    global _inside, _before
    blas = openblas()
    if blas is None:
        yield
        return
    count, choose = blas
    with _lock:
        if not _inside:
            _before = count()
            choose(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                choose(_before)


@cache
def openblas() -> tuple[Any, Any] | None:
    """OpenBLAS's functions that get and set the number of threads; None where there are none."""
    import numpy as np

    core = getattr(np, "_core", None) or getattr(np, "core", None)
    file = getattr(getattr(core, "_multiarray_umath", None), "__file__", None)
    if file is None:
        return None
    try:
        library = ctypes.CDLL(file)  # finds what numpy is linked with, too
    except OSError:
        return None
    for prefix in _PREFIXES:
        for suffix in _SUFFIXES:
            names = [f"{prefix}_{verb}_num_threads{suffix}" for verb in ("get", "set")]
            if all(hasattr(library, name) for name in names):
                return getattr(library, names[0]), getattr(library, names[1])
    return None
