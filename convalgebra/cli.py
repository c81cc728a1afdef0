"""The command line: parse options, call one function, hand the result to render."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

import click
from click.core import ParameterSource

from convalgebra import __version__
from convalgebra.errors import HINT, ConvalgebraError, InputError

if TYPE_CHECKING:
    from convalgebra.kernels.arrays import Written

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Commands(click.Group):
    """Commands in the order in which a newcomer meets them; our errors as text, exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConvalgebraError as error:
            click.echo(_wrapped(f"error: {error}"), err=True)
            ctx.exit(2)
        except RecursionError:  # the language limits nesting; this is the last line of defence
            click.echo("error: nested too deeply", err=True)
            ctx.exit(2)


def _wrapped(message: str) -> str:
    """An error in lines that fit, but for those that are set in: places in a text, tables."""
    from convalgebra.render.tables import filled

    width = _width(sys.stderr)
    lines = []
    for line in message.split("\n"):
        if line.startswith(HINT):
            line = filled(line, width, "  ", " " * len(HINT))
        elif not line.startswith(" "):
            line = filled(line, width)
        lines.append(line)
    return "\n".join(lines)


class _OfKernels(click.Command):
    """A command one of whose arguments may be rows of numbers, which may begin with a minus."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rows = [one[:1] == "-" and one[1:2] in {*"0123456789."} for one in args]
        return super().parse_args(
            ctx, [f" {one}" if row else one for one, row in zip(args, rows, strict=True)]
        )


@click.group(cls=_Commands, context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="convalgebra")
def main() -> None:
    """The algebra of convolution stacks: what they cost, and when one can stand in for another.

    A stack is written in a small notation: 3x3s2p1@64 is a 3x3 convolution with stride 2, padding 1
    and 64 channels; layers are joined by commas.

    \b
    Examples:
      convalgebra equiv 3x3 2x2,2x2
      convalgebra cost zoo:resnet50
      convalgebra cost "7x7p3@C" "3*(3x3p1@C)" --input CxHxW
      convalgebra matrix 3x3 --input 4x4
    """


def _width(stream: TextIO | None = None) -> int:
    """The columns to fill: those of the terminal, 80 in a pipe."""
    if not (stream or sys.stdout).isatty():
        return 80
    from shutil import get_terminal_size

    return max(40, min(get_terminal_size((80, 24)).columns, 120))


def _numbers(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, int]:
    """`C=64,H=56` as a dictionary."""
    found: dict[str, int] = {}
    for part in ",".join(values).split(",") if values else []:
        name, _, number = (piece.strip() for piece in part.partition("="))
        is_number = number.isascii() and number.isdigit() and len(number) <= 9
        if not (name.isidentifier() and is_number):
            raise click.BadParameter(f"expected NAME=NUMBER like C=64, found `{part.strip()[:40]}`")
        found[name] = int(number)
    return found


def _check_names(at: dict[str, int], named: set[str]) -> None:
    """Refuse a number for a name that no stack has: a slip that would go unseen."""
    for name in at.keys() - named:
        known = f"named are {', '.join(sorted(named))}" if named else "nothing is named here"
        raise InputError(f"there is no named size `{name}`; {known}")


def _check_not_given(ctx: click.Context, options: set[str], why: str) -> None:
    """Refuse an option that was given and has no meaning here."""
    for option in ctx.command.params:
        name = option.name or ""
        if name in options and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise InputError(f"{option.opts[0]} {why}")


def _format(*choices: str) -> Callable[[Any], Any]:
    return click.option(
        "--format",
        "form",
        type=click.Choice(choices),
        default="text",
        show_default=True,
        help="How the result is printed.",
    )


@main.command()
@click.argument("left")
@click.argument("right")
@click.option(
    "--channels",
    type=click.IntRange(1, 10**6),
    default=1,
    show_default=True,
    help="The channels that come in; those that go out are the same unless @ says so.",
)
@click.option("--derive", is_flag=True, help="Print the derivation as one does it by hand.")
@click.option("--equations", is_flag=True, help="The equations of what a stack makes.")
@click.option("--width", is_flag=True, help="How many hidden channels until nothing is lost.")
@click.option(
    "--input", "shape", metavar="SHAPE", help="Which outputs differ at the borders, like 12x12."
)
@click.option("--certificate", metavar="FILE", help="Write the proof to FILE; see check.")
@_format("text", "json", "md", "latex", "html")
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
    form: str,
    exit_code: bool,
) -> None:
    """Can one stack stand in for the other? Both ways, exactly, with a proof.

    LEFT and RIGHT are any stacks of linear layers, with ReLUs and other activations in between if
    need be. With --exit-code the numbers that decide are the real ones.

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

    report = decide(left, right, channels=channels, input=shape, equations=equations, width=width)
    shown = equivalence_in(form, report, _width(), derive=derive)
    if certificate is not None:
        try:
            proof = report.certificate()
        except ConvalgebraError:  # the answer stands, only its certificate cannot be had
            click.echo(shown)
            raise
        _write(certificate, dumps(proof) + "\n")
    click.echo(shown)
    if exit_code and report.equivalent is not True:
        ctx.exit(3 if report.equivalent is None else 1)


def _write(path: str, text: str) -> None:
    from convalgebra.files import created

    with created(path) as file:
        file.write(text.encode())
    click.echo(f"wrote {path}", err=True)


def _tell_written(written: Written) -> None:
    """Say on standard error what is in a file of arrays."""
    arrays = ", ".join(
        f"{name} {'x'.join(map(str, shape))}" for name, shape in written.shapes.items()
    )
    click.echo(f"wrote {written.path}: {arrays}", err=True)
    if written.rounded:
        click.echo("some fractions were rounded to floats of 64 bits", err=True)


@main.command()
@click.argument("file")
@click.pass_context
def check(ctx: click.Context, file: str) -> None:
    """Verify a certificate that `equiv --certificate` wrote, with none of the engine's code.

    Exits with 0 if all of it is verified, 1 if it is rejected, 3 if it is verified in part. The
    checker is one file of the standard library alone: convalgebra/check.py, to be read and run by
    those who trust nobody.

    \b
    Examples:
      convalgebra equiv 3x3 2x2,2x2 --certificate proof.json
      convalgebra check proof.json
    """
    from convalgebra.check import main as verify

    ctx.exit(verify([file]))


@main.command()
@click.argument("stacks", nargs=-1, metavar="[STACK]...")
@click.option(
    "--layers", multiple=True, metavar="FILE", help="A file with layers; may be repeated."
)
@click.option(
    "--from",
    "source_form",
    metavar="FORMAT",
    help="Read files as text, print, json, ..; without, by their content.",
)
@click.option(
    "--input", "shape", metavar="SHAPE", help="Channels and sizes, like 3x224x224 or CxHxW."
)
@click.option(
    "--at", multiple=True, callback=_numbers, metavar="C=64,..", help="Numbers for named sizes."
)
@click.option("--to", metavar="NAME", help="Only the part that the value called NAME needs.")
@click.option(
    "--dtype",
    default="float32",
    show_default=True,
    metavar="KIND",
    help="The kind of number that bytes are counted of: float16, int8, ..",
)
@click.option("--batch", default="1", metavar="N", help="Inputs at a time; a letter is allowed.")
@click.option(
    "--training",
    type=click.Choice(["sgd", "momentum", "adam"]),
    help="The memory that training takes.",
)
@click.option(
    "--convention",
    type=click.Choice(["torchvision", "fvcore", "thop", "torchinfo", "ptflops", "slim"]),
    help="The figure of another tool, and how it comes about.",
)
@click.option("--all-layers", is_flag=True, help="Every layer of a long network, not its blocks.")
@click.option(
    "--unit",
    "units",
    multiple=True,
    metavar="NAME[y,x]",
    help="Only which inputs a unit sees; may be repeated.",
)
@_format("text", "json", "csv", "md", "latex", "html")
@click.pass_context
def cost(
    ctx: click.Context,
    stacks: tuple[str, ...],
    layers: tuple[str, ...],
    source_form: str | None,
    shape: str | None,
    at: dict[str, int],
    to: str | None,
    dtype: str,
    batch: str,
    training: str | None,
    convention: str | None,
    all_layers: bool,
    units: tuple[str, ...],
    form: str,
) -> None:
    """What a network costs: params, MACs, FLOPs, activations, memory, receptive field.

    STACK is layers in the notation, a file that ends in .txt or .spec, zoo:NAME, or - for standard
    input. Several stacks are shown side by side, with ratios.

    \b
    Examples:
      convalgebra cost "3x3p1@64, bn, relu" --input 3x224x224
      convalgebra cost zoo:resnet50 --to layer3
      convalgebra cost "7x7p3@C" "3*(3x3p1@C)" --input CxHxW
      convalgebra cost "7x7p3@C" "3*(3x3p1@C)" --input CxHxW --at C=64,H=56,W=56
      convalgebra cost zoo:resnet50 --batch 32 --dtype float16 --training adam
      convalgebra cost zoo:resnet50 --convention fvcore
      convalgebra cost zoo:resnet50 --unit "layer3[0,6]"
    """
    from convalgebra.cost import cost as cost_of
    from convalgebra.cost import read_batch
    from convalgebra.network import Network
    from convalgebra.readers import read, read_file, read_model, read_shape
    from convalgebra.render.forms import comparison_in, cost_in, inventory_in, views_in
    from convalgebra.sizes import names

    titles = [*stacks, *layers]
    if not titles:
        raise InputError("nothing to cost: name a stack, a file, or zoo:resnet50")
    models = [read_model(stack, source_form, shape) for stack in stacks]
    models += [
        read_model(path, source_form, shape) if path == "-" else read_file(path, source_form, shape)
        for path in layers
    ]
    model = models[0]
    if len(models) == 1 and not isinstance(model, Network) and not (model.chain and shape):
        if shape:
            read_shape(shape)  # a slip in it is a slip, though nothing depends on it
        _check_names(at, set())
        why = f"asks about a network, and this is a list of modules: {model.reason}"
        _check_not_given(ctx, {"to", "dtype", "batch", "training", "convention", "units"}, why)
        click.echo(inventory_in(form, model, _width(), all_layers=all_layers))
        return
    inputs = read_batch(batch)
    if at:
        _check_names(at, names(inputs).union(*(read(model, shape).named() for model in models)))
    reports = [
        cost_of(
            model,
            input=shape,
            at=at,
            to=to,
            dtype=dtype,
            batch=inputs,
            training=training,
            convention=convention,
        )
        for model in models
    ]
    if units:
        if len(reports) > 1:
            raise InputError("--unit asks about one network; name one stack")
        click.echo(views_in(form, reports[0], [reports[0].unit(unit) for unit in units], _width()))
    elif len(reports) == 1:
        click.echo(cost_in(form, reports[0], _width(), all_layers=all_layers))
    else:
        from convalgebra.cost.comparison import compare

        click.echo(comparison_in(form, compare(reports, titles), _width()))


@main.command()
@click.argument("stack")
@click.option("--input", "shape", required=True, metavar="SHAPE", help="Like 4x4, or 3x4x4.")
@_format("text", "json", "latex")
def matrix(stack: str, shape: str, form: str) -> None:
    """The dense matrix that a linear stack is, with its tied and its zero entries.

    Without channels in SHAPE (4x4 for a kernel with two axes) there is one.

    \b
    Examples:
      convalgebra matrix 3x3 --input 4x4
      convalgebra matrix 2x2,2x2 --input 4x4
      convalgebra matrix 3x3@8 --input 1x3x3
    """
    from convalgebra.render.forms import matrix_in
    from convalgebra.symbolic import matrix_of

    click.echo(matrix_in(form, matrix_of(stack, shape), _width()))


@main.command()
@click.argument("stack")
@click.option("--weights", metavar="FILE", help="An .npz file with the weights; see --names.")
@click.option("--names", is_flag=True, help="The names and shapes of the weights, and no more.")
@click.option("--out", metavar="FILE", help="Write the merged weight and bias to an .npz file.")
@click.option(
    "--input", "shape", metavar="SHAPE", help="Like 12x12, or 64x12x12; without, every input."
)
@click.option(
    "--channels",
    type=click.IntRange(1, 10**6),
    help="The channels that come in; else those that the input or the weights have.",
)
@click.option("--eps", default="1e-5", show_default=True, help="What batch norms add to variances.")
@_format("text", "json", "md", "latex", "html")
def merge(
    stack: str,
    weights: str | None,
    names: bool,
    out: str | None,
    shape: str | None,
    channels: int | None,
    eps: str,
    form: str,
) -> None:
    """A linear stack with given weights as one convolution, and where that is exact.

    FILE holds arrays 0.weight, 0.bias, 1.weight, .. as PyTorch keeps them (or block.0.weight, ..,
    all with one prefix); the number is that of the layer in the text, from 0, as
    torch.nn.Sequential counts.

    \b
    Examples:
      convalgebra merge "3x3p1@64, bn, 1x1@32" --channels 3 --names
      convalgebra merge "3x3p1@64, bn, 1x1@32" --weights w.npz --out merged.npz
      convalgebra merge "3x3p1@64, bn, 1x1@32" --weights w.npz --input 12x12
    """
    from convalgebra.kernels import merging
    from convalgebra.render.forms import merge_in, parameters_in

    if names:
        table = merging.parameter_table(stack, channels=channels, input=shape, weights=weights)
        click.echo(parameters_in(form, table))
        return
    if weights is None and len(merging.parameter_table(stack, channels=channels, input=shape)):
        raise InputError(
            "name the file with the weights: --weights w.npz; --names lists what is in it"
        )
    report = merging.merge(stack, weights or {}, input=shape, channels=channels, eps=eps)
    if out is not None:
        _tell_written(report.save(out))
    click.echo(merge_in(form, report, _width()))


@main.command(cls=_OfKernels)
@click.argument("kernel", required=False)
@click.argument("stack", required=False)
@click.option("--list", "names", is_flag=True, help="The kernels that have a name, and no more.")
@click.option(
    "--ways",
    type=click.IntRange(0, 20),
    default=5,
    show_default=True,
    help="How many ways are printed; JSON has the first 20.",
)
@_format("text", "json", "md", "html")
@click.option(
    "--exit-code", is_flag=True, help="Exit with 1 if no real product, with 3 if not decided."
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
    """Is a kernel exactly a product of such filters? Over Q, R and C, with the filters or a proof.

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
        click.echo(kernels_in("json" if form == "json" else "text", _width()))
        return
    if kernel is None or stack is None:
        raise InputError(
            "name a kernel and a stack, like `convalgebra factor sobel 2x2,2x2`; "
            "--list shows the kernels that have a name"
        )
    from convalgebra.kernels.factoring import factor as decide

    report = decide(kernel, stack)
    click.echo(factor_in(form, report, _width(), ways))
    if exit_code and report.real is not True:
        ctx.exit(3 if report.real is None else 1)


@main.command(cls=_OfKernels)
@click.argument("kernel")
@click.argument("stack")
@click.option(
    "--covariance",
    metavar="MODEL",
    help="What inputs look like: white, ar1:0.95, isotropic:0.95, or an array over lags (.npy).",
)
@click.option("--starts", type=click.IntRange(1, 10**6), help="How many starts at most.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the starts.")
@click.option("--input", "shape", metavar="SHAPE", help="MACs and traffic on it, like 64x56x56.")
@click.option("--out", metavar="FILE", help="Write the filters to an .npz file.")
@_format("text", "json", "md", "html")
def nearest(
    kernel: str,
    stack: str,
    covariance: str | None,
    starts: int | None,
    seed: int,
    shape: str | None,
    out: str | None,
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
      convalgebra nearest weights.npz:conv2 3x1@2,1x3@16 --input 4x56x56 --out filters.npz
      convalgebra nearest weights.npz:conv2 dw3x3,1x1@16
    """
    _one_thread()
    from convalgebra.kernels.nearest import nearest as approximate
    from convalgebra.render.forms import nearest_in

    report = approximate(
        kernel, stack, covariance=covariance, starts=starts, seed=seed, input=shape
    )
    if out is not None:
        _tell_written(report.save(out))
    click.echo(nearest_in(form, report, _width()))


@main.command()
@click.argument("weights")
@click.argument("candidates", nargs=-1, required=True, metavar="STACK...")
@click.option(
    "--starts",
    type=click.IntRange(1, 100_000),
    default=16,
    show_default=True,
    help="How many for each filter.",
)
@click.option(
    "--filters",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="How many are looked at of a layer with more.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the starts.")
@_format("text", "json", "csv", "md", "html")
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
      convalgebra factorability weights.npz:conv2 3x1@2,1x3@16 --format csv
    """
    _one_thread()
    from convalgebra.kernels.nearest import factorability as score
    from convalgebra.render.forms import factorability_in

    tell = _tell if sys.stderr.isatty() else None
    report = score(weights, *candidates, starts=starts, filters=filters, seed=seed, progress=tell)
    if tell is not None:
        click.echo("\r\x1b[K", nl=False, err=True)
    click.echo(factorability_in(form, report, _width()))
    if not report.complete:
        ctx.exit(130)


def _one_thread() -> None:
    """Keep the linear algebra below from starting threads, which are of no use to small matrices.

    It reads this when numpy is imported, on every platform; `threads.one_thread` is for callers
    from Python, who have imported it already.
    """
    import os

    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _tell(layer: str, candidate: str, done: int, of: int) -> None:
    """A line on standard error that is written over and over."""
    bar = "#" * (20 * done // max(of, 1))
    line = f"{layer[:30]}  {candidate[:30]}  [{bar:<20}] {done:,} of {of:,} filters"
    click.echo(f"\r\x1b[K{line}", nl=False, err=True)


@main.command()
@click.argument("name", required=False)
def zoo(name: str | None) -> None:
    """The networks whose specs are on board, with params and MACs; or the spec of one of them.

    `cost zoo:NAME` tells the rest.

    \b
    Examples:
      convalgebra zoo
      convalgebra zoo resnet50
    """
    from convalgebra import zoo as specs

    if name is not None:
        click.echo(specs.text(name.removeprefix("zoo:")), nl=False)
        return
    from convalgebra.cost import cost as cost_of
    from convalgebra.render.cost_text import overview_table

    reports = {name: cost_of(f"zoo:{name}") for name in specs.names()}
    click.echo(overview_table(reports).to_text())
