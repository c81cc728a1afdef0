"""The command line: parse options, call one function, hand the result to render.

A command `NAME` is the function `NAME` in `NAME.py`, imported when it is called.
"""

from convalgebra.cli.group import main

__all__ = ["main"]
