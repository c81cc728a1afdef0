"""The entry of the command line: `convalgebra`, or `python -m convalgebra`."""

import gc
import os
import sys

from convalgebra.interrupts import INTERRUPTED, end_within_a_second


def main() -> None:
    """Run the command line."""
    # A process of a tenth of a second would spend a sixth of it looking for garbage: in what it
    # imports, and once more in everything when it ends.
    gc.set_threshold(50_000, 50, 50)
    _fill_streams()
    end_within_a_second(_say_interrupted)
    try:
        from convalgebra.cli import main as run

        run(prog_name="convalgebra")
    except KeyboardInterrupt:  # while it is imported; later the command line takes care of it
        sys.exit(INTERRUPTED)
    finally:
        gc.freeze()


def _say_interrupted() -> None:
    """Not by Python's stream, which the thread that is interrupted may hold."""
    clear = b"\r\x1b[K" if os.isatty(2) else b""  # where a line of progress may be
    os.write(2, clear + b"\ninterrupted\n")


def _fill_streams() -> None:
    """Put an empty device where the shell has closed a standard stream.

    A file that is opened later would get its number, and be written to in its place.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            device = os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            setattr(sys, name, open(device, "w" if number else "r", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
