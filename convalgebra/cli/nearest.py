"""`nearest`: the best approximation of a kernel or a layer."""

from __future__ import annotations

import sys

import click

from convalgebra.cli.options import OfKernels, force_option, format_option, seed_option
from convalgebra.cli.output import columns, show, tell_written
from convalgebra.files import target


@click.command(cls=OfKernels)
@click.argument("kernel")
@click.argument("stack")
@click.option(
    "--covariance",
    metavar="MODEL",
    help="What inputs look like: white, ar1:0.95, isotropic:0.95, or an array over lags (.npy).",
)
@click.option(
    "--starts",
    type=click.IntRange(1, 10**6),
    metavar="N",
    help="From how many random filters the search starts, at most.",
)
@seed_option()
@click.option(
    "--input",
    "shape",
    metavar="SHAPE",
    help="An input, like 64x56x56, for its MACs and bytes moved.",
)
@click.option("--out", metavar="FILE", help="Write the filters to an .npz file.")
@force_option()
@format_option("text", "json", "md", "html")
def nearest(
    kernel: str,
    stack: str,
    covariance: str | None,
    starts: int | None,
    seed: int,
    shape: str | None,
    out: str | None,
    force: bool,
    form: str,
) -> None:
    """The best approximation of a kernel, or of a whole layer, by a linear stack.

    KERNEL is a name (see factor --list), rows like "1 2 1; 2 4 2; 1 2 1", or a file: k.csv, k.npy,
    w.npz:conv1 for a layer [c_out, c_in, ..], w.npz:conv1[0,2] for one filter of it. The error is
    |K - K'| / |K|, with a bound proved for all weights, and the number of starts that agreed.

    \b
    Examples:
      convalgebra nearest laplacian4 2x2,2x2
      convalgebra nearest log5 3x3,3x3 --covariance ar1:0.95
      convalgebra nearest weights.npz:conv2.weight 3x1@2,1x3@16 --input 4x56x56 --out filters.npz
      convalgebra nearest weights.npz:conv2.weight dw3x3,1x1@16
    """
    one_thread()
    from convalgebra.kernels.arrays import npz_name
    from convalgebra.kernels.nearest import nearest as approximate
    from convalgebra.render.forms import nearest_in

    with target(out and npz_name(out), force=force):
        report = approximate(
            kernel, stack, covariance=covariance, starts=starts, seed=seed, input=shape
        )

    def write_filters() -> None:
        if out is not None:
            tell_written(report.save(out))

    show(nearest_in(form, report, columns()), write_filters)


def one_thread() -> None:
    """Keep the linear algebra below from starting threads, which are of no use to small matrices.

    It reads this when numpy is imported, on every platform; `threads.one_thread` is for callers
    from Python, who have imported it already.
    """
    import os

    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
