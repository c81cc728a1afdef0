"""`check`: a certificate, verified."""

from __future__ import annotations

import click


@click.command()
@click.argument("file")
@click.pass_context
def check(ctx: click.Context, file: str) -> None:
    """Verify a certificate that `equiv --certificate` wrote, with none of the engine's code.

    Exits with 0 if all of it is verified, 1 if it is rejected, 3 if it is verified in part or
    incomplete, 2 if it cannot be read. The checker is one file of the standard library alone:
    convalgebra/check.py, to be read and run by those who trust nobody.

    \b
    Examples:
      convalgebra equiv 3x3 2x2,2x2 --certificate proof.json
      convalgebra check proof.json
    """
    from convalgebra.check import main as verify

    ctx.exit(verify([file]))
