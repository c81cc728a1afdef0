"""Ctrl-C while compiled code runs.

Python hears a signal between two of its own instructions. Compiled code may take minutes for one:
numpy lets other threads run meanwhile, so that one of them can end the process; flint does not, so
that only the operating system can. In notebooks and programs nothing changes: KeyboardInterrupt.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

INTERRUPTED = 130  # the exit code, as shells have it for a process that SIGINT ended
_GRACE = 0.5  # seconds that Python has to hear it
_on_command_line = False


def end_within_a_second(say: Callable[[], None]) -> None:
    """Let Ctrl-C end this process, whatever runs; `say` is called where Python does not hear it.

    Called once, by the main thread of the command line.
    """
    global _on_command_line
    if sys.platform == "win32" or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # where it is ignored, as behind nohup, it stays so
    from threading import Event, Thread

    heard = Event()

    def hear(*_: Any) -> None:
        if heard.is_set():  # the second time
            os._exit(INTERRUPTED)
        heard.set()
        raise KeyboardInterrupt

    def watch() -> None:
        while True:
            if os.read(reader, 1) == bytes([signal.SIGINT]) and not heard.wait(_GRACE):
                say()
                os._exit(INTERRUPTED)

    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.signal(signal.SIGINT, hear)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    Thread(target=watch, daemon=True).start()
    _on_command_line = True


@contextmanager
def compiled() -> Iterator[None]:
    """Around code that lets no other thread run: Ctrl-C then ends the command line at once."""
    if not _on_command_line:
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
