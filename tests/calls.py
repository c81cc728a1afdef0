"""Work counted in calls of functions: the same on every machine, however busy it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Calls:
    """How many functions were called so far, those written in C among them."""

    def __init__(self) -> None:
        self.count = 0


@contextmanager
def counted(limit: float = float("inf")) -> Iterator[Calls]:
    """Count the calls of the block; fail as soon as there are more than `limit`."""
    calls = Calls()

    def see(frame: Any, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            calls.count += 1
            if calls.count > limit:
                sys.setprofile(None)
                raise AssertionError(f"more than {limit:,} calls")

    sys.setprofile(see)
    try:
        yield calls
    finally:
        sys.setprofile(None)
    assert calls.count <= limit


def calls_of(function: Callable[[], object]) -> int:
    """The number of calls that a function makes."""
    with counted() as calls:
        function()
    return calls.count
