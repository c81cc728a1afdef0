"""`factorability`: how far trained layers are from stacks."""

from __future__ import annotations

import click

from convalgebra import progress
from convalgebra.cli.nearest import one_thread
from convalgebra.cli.options import format_option, seed_option
from convalgebra.cli.output import columns, show
from convalgebra.interrupts import INTERRUPTED


@click.command()
@click.argument("weights")
@click.argument("candidates", nargs=-1, required=True, metavar="STACK...")
@click.option(
    "--starts",
    type=click.IntRange(1, 100_000),
    default=16,
    show_default=True,
    metavar="N",
    help="From how many random filters each search starts.",
)
@click.option(
    "--filters",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    metavar="N",
    help="How many filters are looked at of a layer with more.",
)
@seed_option()
@format_option("text", "json", "csv", "md", "html")
@click.pass_context
def factorability(
    ctx: click.Context,
    weights: str,
    candidates: tuple[str, ...],
    starts: int,
    filters: int,
    seed: int,
    form: str,
) -> None:
    """How far the layers of trained WEIGHTS (.npz or .npy) are from each STACK.

    A STACK without channels is compared with every filter by itself; one with dw, groups or @ with
    the layer as a whole, and dw+pw is a depthwise and a pointwise convolution of whatever size the
    kernels have. Ctrl-C prints what was found until then.

    \b
    Examples:
      convalgebra factorability weights.npz 2x2,2x2 3x1,1x3 dw+pw
      convalgebra factorability weights.npz:conv2.weight 3x1@2,1x3@16 --format csv
    """
    one_thread()
    from convalgebra.kernels.nearest import factorability as score
    from convalgebra.render.forms import factorability_in

    report = score(
        weights, *candidates, starts=starts, filters=filters, seed=seed, progress=_tell_progress
    )
    show(factorability_in(form, report, columns()))
    if not report.complete:
        ctx.exit(INTERRUPTED)


def _tell_progress(layer: str, candidate: str, done: int, of: int) -> None:
    bar = "#" * (20 * done // max(of, 1))
    progress.report(f"{layer[:30]}  {candidate[:30]}  [{bar:<20}] {done:,} of {of:,} filters")
