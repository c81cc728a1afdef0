"""`convalgebra` itself: its commands, each imported when it is called, and how errors are told."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

import click

from convalgebra import __version__
from convalgebra.cli.output import tell, wrapped
from convalgebra.cli.progress_line import progress_line
from convalgebra.errors import ConvalgebraError, Defect
from convalgebra.interrupts import INTERRUPTED

# In the order in which a newcomer meets them.
COMMANDS = {
    "equiv": "Can one stack stand in for another? With a proof.",
    "check": "Verify a proof that `equiv --certificate` wrote.",
    "cost": "Params, MACs, FLOPs, memory, receptive field of a network.",
    "matrix": "The dense matrix that a linear stack is.",
    "merge": "A linear stack with given weights as one convolution.",
    "factor": "Is a kernel exactly a product of smaller filters?",
    "nearest": "The best approximation of a kernel or a layer by a stack.",
    "factorability": "How far trained layers are from one stack or another.",
    "zoo": "The networks that are on board.",
}


class _Rooms(Mapping[str, click.Command]):
    """The command of each name: the function `NAME` of `convalgebra.cli.NAME`."""

    def __getitem__(self, name: str) -> click.Command:
        from importlib import import_module

        if name not in COMMANDS:
            raise KeyError(name)
        return cast(click.Command, getattr(import_module(f"convalgebra.cli.{name}"), name))

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


BUG = 70  # the exit code of a bug of ours; that of `EX_SOFTWARE` in sysexits.h
_UNREAD = 141  # as shells have it for a process that SIGPIPE ended
_BUG_SAID = "this is a bug of convalgebra, please report it"
_TRACEBACK = "CONVALGEBRA_TRACEBACK"
_LONGEST_LINE = 1000


@contextmanager
def _told() -> Iterator[None]:
    """Errors as text on standard error, in lines that fit; the exit code is 2."""
    try:
        yield
    except click.UsageError as error:
        # `show` prints this behind "Error: "; other text, like the whole help, has its own lines.
        message = wrapped(error.format_message(), "Error: ").removeprefix("Error: ")
        # Not `error.message`: a kind of error puts its own words before that.
        error.format_message = lambda: message  # type: ignore[method-assign]
        raise
    except ConvalgebraError as error:
        tell(str(error), "error: ")
    except BrokenPipeError:  # click's own exit code, 1, says "no" and "rejected"
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the last flush
        raise click.exceptions.Exit(_UNREAD) from None
    except EOFError as error:  # click would take it for an end that the user asked for
        raise Defect(f"EOFError: {error}") from error
    except MemoryError:
        tell("this takes more memory than there is", "error: ")
    except KeyboardInterrupt:  # click's own exit code, 1, says "no" where --exit-code is given
        tell("\ninterrupted")
        raise click.exceptions.Exit(INTERRUPTED) from None
    else:
        return
    raise click.exceptions.Exit(2)


class _Commands(click.Group):
    """Commands in their order, loaded one by one; no error ends in a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _told():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _told(), progress_line():
            return super().invoke(ctx)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        try:
            return super().main(args, *rest, **extra)
        except Exception as error:
            fault = _output_fault(error)
            with suppress(OSError):  # standard error may be what is full
                if fault:
                    tell(f"the output cannot be written: {fault}", "error: ")
                else:
                    _tell_defect(error, sys.argv[1:] if args is None else args)
            sys.exit(2 if fault else BUG)


def _output_fault(error: Exception) -> str:
    """Why the output cannot be written; nothing for what is no error of the output."""
    if isinstance(error, UnicodeEncodeError) and not error.encoding.startswith("utf"):
        return f"{error.encoding} has no letter for some of it; set PYTHONIOENCODING=utf-8"
    if isinstance(error, OSError) and error.filename is None:
        return error.strerror or str(error)
    return ""


def _tell_defect(error: Exception, arguments: Sequence[str]) -> None:
    """The last line of defence: what a bug report needs, and never a traceback unasked."""
    import os
    import shlex
    import traceback

    what = traceback.format_exception_only(error)[-1].strip()
    called = shlex.join(["convalgebra", *arguments])
    lines = (f"error: {_BUG_SAID}", what, f"convalgebra {__version__}: {called}")
    tell("\n  ".join(line.replace("\n", "\\n")[:_LONGEST_LINE] for line in lines))
    if os.environ.get(_TRACEBACK):
        traceback.print_exception(error)
    else:
        tell(f"  {_TRACEBACK}=1 in the environment shows where it happened")


@click.group(
    cls=_Commands,
    commands=_Rooms(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="convalgebra")
def main() -> None:
    """The algebra of convolution stacks: what they cost, and when one can stand in for another.

    A stack is written in a small notation: 3x3s2p1@64 is a 3x3 convolution with stride 2, padding 1
    and 64 channels; layers are joined by commas. `convalgebra COMMAND --help` has more examples.

    Exits with 0 if there is an answer, 2 if something is wrong with the input or a file, 70 if
    there is a bug in convalgebra, 130 after Ctrl-C. With --exit-code it also exits with 1 for no
    and 3 for not decided. Files are written whole or not at all. A file that the same command
    reads is never overwritten unless you pass --force.

    \b
    Examples:
      convalgebra equiv 3x3 2x2,2x2
      convalgebra cost zoo:resnet50
      convalgebra cost "7x7p3@C" "3*(3x3p1@C)" --input CxHxW
      convalgebra matrix 3x3 --input 4x4
    """
