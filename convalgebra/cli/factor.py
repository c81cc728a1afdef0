"""`factor`: a kernel as a product of filters."""

from __future__ import annotations

import click

from convalgebra.cli.options import OfKernels, format_option
from convalgebra.cli.output import columns, show
from convalgebra.errors import InputError


@click.command(cls=OfKernels)
@click.argument("kernel", required=False)
@click.argument("stack", required=False)
@click.option("--list", "names", is_flag=True, help="The kernels that have a name, and no more.")
@click.option(
    "--ways",
    type=click.IntRange(0, 20),
    default=5,
    show_default=True,
    metavar="N",
    help="How many ways are printed; JSON has the first 20.",
)
@format_option("text", "json", "md", "html")
@click.option(
    "--exit-code", is_flag=True, help="Exit with 1 if no product of real filters, 3 if not decided."
)
@click.pass_context
def factor(
    ctx: click.Context,
    kernel: str | None,
    stack: str | None,
    names: bool,
    ways: int,
    form: str,
    exit_code: bool,
) -> None:
    """Is a kernel exactly what a stack makes? With the filters, or a proof that there are none.

    Asked three times: for rational, for real and for complex filters.

    KERNEL is a name (see --list), rows like "1 2 1; 2 4 2; 1 2 1" with whole numbers, fractions or
    decimals, or a file: k.csv, k.txt, k.npy, or w.npz:conv1[0,2] for one filter of one array.
    STACK is a chain of convolutions with one channel, averages among them if need be.

    \b
    Examples:
      convalgebra factor sobel 2x2,2x2
      convalgebra factor box3 2x2,2x2
      convalgebra factor "1 2 3 4 5" 3,3 --format json
      convalgebra factor --list
    """
    from convalgebra.render.forms import factor_in, kernels_in

    if names:
        show(kernels_in("json" if form == "json" else "text", columns()))
        return
    if kernel is None or stack is None:
        raise InputError(
            "name a kernel and a stack, like `convalgebra factor sobel 2x2,2x2`; "
            "--list shows the kernels that have a name"
        )
    from convalgebra.kernels.factoring import factor as decide

    report = decide(kernel, stack)
    show(factor_in(form, report, columns(), ways))
    if exit_code and report.real is not True:
        ctx.exit(3 if report.real is None else 1)
