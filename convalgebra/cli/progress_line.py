"""What a command does now, on a terminal: one line on standard error, after a second."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from convalgebra.progress import heard_by
from convalgebra.words import visible

_DELAY, _PAUSE = 1.0, 0.2  # seconds before it is written, and before it is written again
_CLEAR = "\r\x1b[K"


@contextmanager
def progress_line() -> Iterator[None]:
    """A line with the phase that runs; nothing where standard error is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    line = _Line()
    try:
        with heard_by(line.phase_begins):
            yield
    finally:
        line.ends()


class _Line:
    """The line, written by a thread of its own, since searches say nothing for seconds."""

    def __init__(self) -> None:
        self.phase = self.shown = ""
        self.ended, self.lock = Event(), Lock()
        Thread(target=self.run, daemon=True).start()

    def phase_begins(self, phase: str) -> None:
        self.phase = phase
        if not phase:
            self.write("")  # what is printed next begins on an empty line

    def run(self) -> None:
        wait = _DELAY
        while not self.ended.wait(wait):
            self.write(self.phase)
            wait = _PAUSE

    def write(self, phase: str) -> None:
        from convalgebra.cli.output import columns

        with self.lock:
            if phase != self.shown and not self.ended.is_set():
                sys.stderr.write(
                    _CLEAR + visible(phase).replace("\n", " ")[: columns(sys.stderr) - 1]
                )
                sys.stderr.flush()
                self.shown = phase

    def ends(self) -> None:
        self.write("")
        self.ended.set()
