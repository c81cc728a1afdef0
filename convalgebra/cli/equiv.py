"""`equiv`: can one stack stand in for the other?"""

from __future__ import annotations

import click

from convalgebra.cli.options import force_option, format_option
from convalgebra.cli.output import columns, show, write_text
from convalgebra.files import target


@click.command()
@click.argument("left")
@click.argument("right")
@click.option(
    "--channels",
    type=click.IntRange(1, 10**6),
    default=1,
    show_default=True,
    metavar="N",
    help="The channels that come in; those that go out are the same unless @ says so.",
)
@click.option(
    "--input",
    "shape",
    metavar="SHAPE",
    help="Compare on an input, like 12x12: without shifts, and with its borders.",
)
@click.option("--derive", is_flag=True, help="Print the derivation as one does it by hand.")
@click.option(
    "--equations", is_flag=True, help="The equations that all kernels a stack makes satisfy."
)
@click.option("--width", is_flag=True, help="How many hidden channels give the full dimension.")
@click.option("--certificate", metavar="FILE", help="Write the proof to FILE; see check.")
@force_option()
@format_option("text", "json", "md", "latex", "html")
@click.option(
    "--exit-code", is_flag=True, help="Exit with 1 if not equivalent, with 3 if not decided."
)
@click.pass_context
def equiv(
    ctx: click.Context,
    left: str,
    right: str,
    channels: int,
    derive: bool,
    equations: bool,
    width: bool,
    shape: str | None,
    certificate: str | None,
    force: bool,
    form: str,
    exit_code: bool,
) -> None:
    """Can one stack stand in for the other? Both ways, exactly, with a proof.

    LEFT and RIGHT are any stacks of linear layers, with ReLUs and other activations in between if
    need be. With --exit-code it is real weights that decide.

    \b
    Examples:
      convalgebra equiv 3x3 2x2,2x2
      convalgebra equiv 5x5 3x3,3x3 --channels 4 --derive
      convalgebra equiv 3x3 2x2,relu,2x2
      convalgebra equiv 5x5p2 3x3p1,3x3p1 --input 12x12
      convalgebra equiv 3x3 2x2,2x2 --channels 2 --width
      convalgebra equiv 3x3 2x2,2x2 --equations --certificate proof.json
    """
    from convalgebra.algebra import equiv as decide
    from convalgebra.render.forms import dumps, equivalence_in

    with target(certificate, force=force):
        report = decide(
            left, right, channels=channels, input=shape, equations=equations, width=width
        )

    def write_proof() -> None:
        if certificate is not None:
            write_text(certificate, dumps(report.certificate()) + "\n")

    show(equivalence_in(form, report, columns(), derive=derive), write_proof)
    if exit_code and report.equivalent is not True:
        ctx.exit(3 if report.equivalent is None else 1)
