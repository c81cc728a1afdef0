"""`merge`: a stack with given weights as one convolution."""

from __future__ import annotations

import click

from convalgebra.cli.options import force_option, format_option
from convalgebra.cli.output import columns, show, tell_written
from convalgebra.errors import InputError
from convalgebra.files import target


@click.command()
@click.argument("stack")
@click.option("--weights", metavar="FILE", help="An .npz file with the weights; see --names.")
@click.option("--names", is_flag=True, help="The names and shapes of the weights, and no more.")
@click.option(
    "--input",
    "shape",
    metavar="SHAPE",
    help="An input, like 12x12 or 64x12x12, in place of every input.",
)
@click.option(
    "--channels",
    type=click.IntRange(1, 10**6),
    metavar="N",
    help="The channels that come in; else those that the input or the weights have.",
)
@click.option(
    "--eps",
    metavar="NUMBER",
    help="The eps of all batch norms, in place of their own.",
)
@click.option("--out", metavar="FILE", help="Write the merged weight and bias to an .npz file.")
@force_option()
@format_option("text", "json", "md", "latex", "html")
def merge(
    stack: str,
    weights: str | None,
    names: bool,
    out: str | None,
    force: bool,
    shape: str | None,
    channels: int | None,
    eps: str | None,
    form: str,
) -> None:
    """A linear stack with given weights as one convolution, and where that is exact.

    The file of --weights holds arrays 0.weight, 0.bias, 1.weight, .. as PyTorch keeps them (or
    block.0.weight, .., all with one prefix); the number is that of the layer in the text, from 0,
    as torch.nn.Sequential counts.

    \b
    Examples:
      convalgebra merge "3x3p1@64, bn, 1x1@32" --channels 3 --names
      convalgebra merge "3x3p1@64, bn, 1x1@32" --weights w.npz --out merged.npz
      convalgebra merge "3x3p1@64, bn, 1x1@32" --weights w.npz --input 12x12
    """
    from convalgebra.kernels import merging
    from convalgebra.kernels.arrays import npz_name
    from convalgebra.render.forms import merge_in, parameters_in

    if names:
        table = merging.parameter_table(stack, channels=channels, input=shape, weights=weights)
        show(parameters_in(form, table))
        return
    if weights is None and len(merging.parameter_table(stack, channels=channels, input=shape)):
        raise InputError(
            "name the file with the weights: --weights w.npz; --names lists what is in it"
        )
    with target(out and npz_name(out), force=force):
        report = merging.merge(stack, weights or {}, input=shape, channels=channels, eps=eps)

    def write_arrays() -> None:
        if out is not None:
            tell_written(report.save(out))

    show(merge_in(form, report, columns()), write_arrays)
