"""`matrix`: the dense matrix of a stack."""

from __future__ import annotations

import click

from convalgebra.cli.options import format_option
from convalgebra.cli.output import columns, show


@click.command()
@click.argument("stack")
@click.option("--input", "shape", required=True, metavar="SHAPE", help="The input: 4x4, or 3x4x4.")
@format_option("text", "json", "latex")
def matrix(stack: str, shape: str, form: str) -> None:
    """The dense matrix that a linear stack is, with its tied and its zero entries.

    It maps the input, as one long vector, to the output. Of SHAPE the channels may be left out
    where there is one: 4x4 for 1x4x4.

    \b
    Examples:
      convalgebra matrix 3x3 --input 4x4
      convalgebra matrix 2x2,2x2 --input 4x4
      convalgebra matrix 3x3@8 --input 1x3x3
    """
    from convalgebra.render.forms import matrix_in
    from convalgebra.symbolic import matrix_of

    show(matrix_in(form, matrix_of(stack, shape), columns()))
