"""What a long search does now, for whoever listens: the command line does, on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[str], None]] = []


def report(phase: str) -> None:
    """Say what begins now, in a few words; nothing for the end. Free where nobody listens."""
    for listener in _listeners:
        listener(phase)


@contextmanager
def heard_by(listener: Callable[[str], None]) -> Iterator[None]:
    """Tell a function of every phase that begins.

    >>> with heard_by(print):
    ...     report("degree 2")
    degree 2
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
