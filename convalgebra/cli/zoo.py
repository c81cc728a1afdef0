"""`zoo`: the networks that are on board."""

from __future__ import annotations

import click

from convalgebra.cli.output import show


@click.command()
@click.argument("name", required=False)
def zoo(name: str | None) -> None:
    """The networks that are on board, with params and MACs; or the layers of the one called NAME.

    `convalgebra cost zoo:NAME` tells the rest.

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
    show(overview_table(reports).to_text())
