"""`cost`: what networks cost, alone or side by side."""

from __future__ import annotations

import click

from convalgebra.arguments import check_named, numbers_of_each
from convalgebra.cli.options import check_not_given, format_option, numbers
from convalgebra.cli.output import columns, show
from convalgebra.errors import InputError


@click.command()
@click.argument("stacks", nargs=-1, metavar="[STACK]...")
@click.option(
    "--layers",
    multiple=True,
    metavar="FILE",
    help="A file: text, a pasted print(model), JSON, ONNX; may be repeated.",
)
@click.option(
    "--from",
    "source_form",
    metavar="FORMAT",
    help="How files are read: text, print, json, onnx; by their content if not given.",
)
@click.option(
    "--input",
    "shape",
    metavar="SHAPE",
    help="Channels and sizes, like 3x224x224; letters too: CxHxW.",
)
@click.option(
    "--at", multiple=True, callback=numbers, metavar="C=64,..", help="Numbers for letters."
)
@click.option("--to", metavar="NAME", help="Only the part up to a value, block or layer.")
@click.option(
    "--batch",
    default="1",
    show_default=True,
    metavar="N",
    help="Inputs at a time, a number or a letter.",
)
@click.option(
    "--dtype",
    show_default="float32",
    metavar="KIND",
    help="What bytes are counted of: float16, int8, ..",
)
@click.option(
    "--training",
    type=click.Choice(["sgd", "momentum", "adam"]),
    help="Also the memory that training takes.",
)
@click.option(
    "--convention",
    type=click.Choice(["torchvision", "fvcore", "thop", "torchinfo", "ptflops", "slim"]),
    help="Also the MACs or FLOPs that another tool prints, and why.",
)
@click.option(
    "--unit",
    "units",
    multiple=True,
    metavar="NAME[y,x]",
    help="Only which inputs a unit sees; may be repeated.",
)
@click.option("--all-layers", is_flag=True, help="Every layer of a long network, not its blocks.")
@format_option("text", "json", "csv", "md", "latex", "html")
@click.pass_context
def cost(
    ctx: click.Context,
    stacks: tuple[str, ...],
    layers: tuple[str, ...],
    source_form: str | None,
    shape: str | None,
    at: dict[str, int],
    to: str | None,
    dtype: str | None,
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
    if units:
        if len(titles) > 1:
            raise InputError("--unit asks about one network; name one stack")
        beside = {"dtype", "batch", "training", "convention", "all_layers"}
        why = "asks about costs, and with --unit only what a unit sees is told"
        check_not_given(ctx, beside, why)
    models = [read_model(stack, source_form, shape) for stack in stacks]
    models += [
        read_model(path, source_form, shape) if path == "-" else read_file(path, source_form, shape)
        for path in layers
    ]
    model = models[0]
    if len(models) == 1 and not isinstance(model, Network) and not (model.chain and shape):
        if shape:
            read_shape(shape)  # a slip in it is a slip, though nothing depends on it
        check_named(at, ())
        why = f"asks about a network, and this is a list of modules: {model.reason}"
        check_not_given(ctx, {"to", "dtype", "batch", "training", "convention", "units"}, why)
        show(inventory_in(form, model, columns(), all_layers=all_layers))
        return
    inputs = read_batch(batch)
    if dtype is None and len(models) > 1:
        dtype = "float32"  # several are compared on numbers of one kind
    named = [names(inputs) | read(model, shape).named() for model in models if at]
    numbers_of = numbers_of_each(at, named) if at else [at] * len(models)
    reports = [
        cost_of(
            model,
            input=shape,
            at=own,
            to=to,
            dtype=dtype,
            batch=inputs,
            training=training,
            convention=convention,
        )
        for model, own in zip(models, numbers_of, strict=True)
    ]
    if units:
        show(views_in(form, reports[0], [reports[0].unit(unit) for unit in units], columns()))
    elif len(reports) == 1:
        show(cost_in(form, reports[0], columns(), all_layers=all_layers))
    else:
        from convalgebra.cost.comparison import compare

        show(comparison_in(form, compare(reports, titles), columns()))
