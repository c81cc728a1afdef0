"""Options and arguments that several commands have, and what is refused of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from convalgebra.errors import InputError


def format_option(*choices: str) -> Callable[[Any], Any]:
    """The option `--format`, with the forms that a result has."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(choices),
        default="text",
        show_default=True,
        help="How the result is printed.",
    )


def seed_option() -> Callable[[Any], Any]:
    """The option `--seed`, for a search that starts from random filters."""
    return click.option(
        "--seed",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        metavar="N",
        help="Another one, other random filters.",
    )


def force_option() -> Callable[[Any], Any]:
    """The option `--force`, of commands that write a file."""
    return click.option(
        "--force", is_flag=True, help="Write over a file even if this command reads it."
    )


class OfKernels(click.Command):
    """A command one of whose arguments may be rows of numbers, which may begin with a minus."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rows = [one[:1] == "-" and one[1:2] in {*"0123456789."} for one in args]
        return super().parse_args(
            ctx, [f" {one}" if row else one for one, row in zip(args, rows, strict=True)]
        )


def numbers(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, int]:
    """`C=64,H=56` as a dictionary."""
    found: dict[str, int] = {}
    for part in ",".join(values).split(",") if values else []:
        name, _, number = (piece.strip() for piece in part.partition("="))
        is_number = number.isascii() and number.isdigit() and len(number) <= 9
        if not (name.isidentifier() and is_number):
            raise click.BadParameter(f"expected NAME=NUMBER like C=64, found `{part.strip()[:40]}`")
        if name in found:
            raise click.BadParameter(f"{name} is given twice")
        found[name] = int(number)
    return found


def check_not_given(ctx: click.Context, options: set[str], why: str) -> None:
    """Refuse an option that was given and has no meaning here."""
    for option in ctx.command.params:
        name = option.name or ""
        if name in options and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise InputError(f"{option.opts[0]} {why}")
