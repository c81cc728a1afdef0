"""What the command line writes beside results: the width of lines, files, messages on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

import click

from convalgebra.errors import HINT, ConvalgebraError
from convalgebra.files import created
from convalgebra.progress import report
from convalgebra.words import visible

if TYPE_CHECKING:
    from convalgebra.kernels.arrays import Written


def columns(stream: TextIO | None = None) -> int:
    """The columns to fill: those of the terminal, 80 in a pipe."""
    stream = stream or sys.stdout
    if stream is None or not stream.isatty():  # it is None where the shell has closed it
        return 80
    from shutil import get_terminal_size

    return max(40, min(get_terminal_size((80, 24)).columns, 120))


def wrapped(message: str, first: str = "") -> str:
    """A message in lines that fit, but for those that are set in: places in a text, tables.

    Characters that move the cursor are shown as escapes.

    >>> print(wrapped("3x is no layer\\n  3x\\n   ^", "error: "))
    error: 3x is no layer
      3x
       ^
    """
    from convalgebra.render.tables import filled

    most = columns(sys.stderr)
    lines = []
    for number, line in enumerate(visible(message).split("\n")):
        if line.startswith(HINT):
            line = filled(line, most, "  ", " " * len(HINT))
        elif number == 0 or not line.startswith(" "):
            line = filled(line, most, first if number == 0 else "")
        lines.append(line)
    return "\n".join(lines)


def tell(message: str, first: str = "") -> None:
    """Print a message on standard error, in lines that fit."""
    report("")
    click.echo(wrapped(message, first), err=True)


def show(result: str, write: Callable[[], None] | None = None) -> None:
    """Print a result, and write what belongs beside it; where that fails, the error comes last.

    Nothing in it moves the cursor, whatever names it shows.
    """
    fault = None
    try:
        if write is not None:
            write()
    except ConvalgebraError as error:
        fault = error
    report("")
    click.echo(visible(result))
    if fault is not None:
        raise fault


def write_text(path: str, text: str) -> None:
    """Write a text to a file, and say so."""
    with created(path) as file:
        file.write(text.encode())
    tell(f"wrote {path}")


def tell_written(written: Written) -> None:
    """Say what is in a file of arrays."""
    arrays = ", ".join(
        f"{name} {'x'.join(map(str, shape))}" for name, shape in written.shapes.items()
    )
    tell(f"wrote {written.path}: {arrays}")
    if written.rounded:
        tell("some fractions were rounded to floats of 64 bits")
