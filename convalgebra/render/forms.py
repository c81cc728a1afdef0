"""Which function shows which result in which form. The forms are those of `--format`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convalgebra.algebra import EquivalenceReport
    from convalgebra.cost import CostReport
    from convalgebra.cost.comparison import Comparison
    from convalgebra.cost.receptive_field.units import View
    from convalgebra.inventory import Inventory
    from convalgebra.kernels.factoring import FactorReport
    from convalgebra.kernels.merging import MergeReport
    from convalgebra.kernels.merging.parameters import ParameterTable
    from convalgebra.kernels.nearest import FactorabilityReport, NearestReport
    from convalgebra.symbolic import DenseMatrix
    from convalgebra.symbolic.derivation import Derivation


def dumps(result: dict[str, Any]) -> str:
    """A result as JSON."""
    import json

    return json.dumps(result, indent=2)


_WORDS = {"md": "markdown"}


def _shown(form: str, noun: str, result: Any, width: int, **options: bool) -> str:
    """A result as JSON, or by `NOUN_to_FORM` of `NOUN_text`, else of `NOUN_markup`.

    What shows a result as text does not load what shows it in other forms.
    """
    if form == "json":
        return dumps(result.to_dict())
    module = import_module(f"convalgebra.render.{noun}_{'text' if form == 'text' else 'markup'}")
    write = getattr(module, f"{noun}_to_{_WORDS.get(form, form)}")
    if form == "text":
        return str(write(result, width, **options))
    return str(write(result) if form == "csv" else write(result, **options))


def cost_in(form: str, report: CostReport, width: int, *, all_layers: bool = False) -> str:
    """A cost report in one of the forms text, json, csv, md, latex, html."""
    return _shown(form, "cost", report, width, all_layers=all_layers)


def inventory_in(form: str, inventory: Inventory, width: int, *, all_layers: bool = False) -> str:
    """An inventory in one of the forms text, json, csv, md, latex, html."""
    return _shown(form, "inventory", inventory, width, all_layers=all_layers)


def views_in(form: str, report: CostReport, views: Sequence[View], width: int) -> str:
    """What some units see in one of the forms text, json, csv, md, latex, html."""
    if form == "json":
        from convalgebra.cost.receptive_field.dictionaries import views_to_dict

        return dumps(views_to_dict(report, views))
    if form == "text":
        from convalgebra.render.field_text import views_to_text

        return views_to_text(report, views, width)
    from convalgebra.render import field_markup

    write = {
        "csv": field_markup.views_to_csv,
        "md": field_markup.views_to_markdown,
        "latex": field_markup.views_to_latex,
        "html": field_markup.views_to_html,
    }[form]
    return write(report, views)


def comparison_in(form: str, comparison: Comparison, width: int) -> str:
    """A comparison in one of the forms text, json, csv, md, latex, html."""
    return _shown(form, "comparison", comparison, width)


def equivalence_in(
    form: str, report: EquivalenceReport, width: int, *, derive: bool = False
) -> str:
    """An equivalence report in one of the forms text, json, md, latex, html.

    With `derive` the derivation follows; in JSON it is one more key.
    """
    derivation = report.derivation() if derive and report.one_channel else None
    proof = derive and not report.one_channel
    if form == "json":
        more: dict[str, Any] = {"derivation": derivation.to_dict()} if derivation else {}
        if proof:
            from convalgebra.render.proof_text import proof_to_dict

            more = {"derivation": proof_to_dict(report)}
        return dumps(report.to_dict() | more)
    if form == "text":
        from convalgebra.render.equivalence_text import equivalence_to_text

        parts = [equivalence_to_text(report, width)]
    else:
        from convalgebra.render import equivalence_markup

        write = {
            "md": equivalence_markup.equivalence_to_markdown,
            "latex": equivalence_markup.equivalence_to_latex,
            "html": equivalence_markup.equivalence_to_html,
        }[form]
        parts = [write(report)]
    if derivation:
        parts.append(_derivation_in(form, derivation, width))
    if proof:
        from convalgebra.render import proof_text

        show = {
            "text": lambda found: proof_text.proof_to_text(found, width),
            "md": proof_text.proof_to_markdown,
            "latex": proof_text.proof_to_latex,
            "html": proof_text.proof_to_html,
        }[form]
        parts.append(show(report))
    return _noted(form, "\n\n".join(parts))


def _noted(form: str, text: str) -> str:
    """HTML with equations in it says what shows them; notebooks, which do it, are not told."""
    if form != "html" or "$$" not in text:
        return text
    note = "Equations stand between dollar signs, in TeX: a page has to load MathJax to show them."
    return f"{text}\n\n<p><small>{note}</small></p>"


def _derivation_in(form: str, derivation: Derivation, width: int) -> str:
    if form == "text":
        from convalgebra.render.derivation_text import derivation_to_text

        return derivation_to_text(derivation, width)
    from convalgebra.render.derivation_latex import derivation_to_html, derivation_to_latex

    return derivation_to_latex(derivation) if form == "latex" else derivation_to_html(derivation)


def matrix_in(form: str, matrix: DenseMatrix, width: int) -> str:
    """A dense matrix in one of the forms text, json, latex."""
    if form == "json":
        return dumps(matrix.to_dict())
    if form == "text":
        from convalgebra.render.matrix_text import matrix_to_text

        return matrix_to_text(matrix, width)
    from convalgebra.render.matrix_latex import matrix_to_latex

    return matrix_to_latex(matrix)


def merge_in(form: str, report: MergeReport, width: int) -> str:
    """A merged stack in one of the forms text, json, md, latex, html."""
    return _noted(form, _shown(form, "merge", report, width))


def parameters_in(form: str, table: ParameterTable) -> str:
    """The names of weights in one of the forms text, json, md, latex, html."""
    if form == "json":
        found = [{"name": p.label, "shape": list(p.shape), "layer": p.layer} for p in table]
        return dumps(
            {
                "schema": "convalgebra.parameters/1",
                "channels": table.channels,
                "assumed": table.assumed,
                "parameters": found,
            }
        )
    from convalgebra.render import merge_markup
    from convalgebra.render.merge_text import parameters_to_text

    write = {
        "text": parameters_to_text,
        "md": merge_markup.parameters_to_markdown,
        "latex": merge_markup.parameters_to_latex,
        "html": merge_markup.parameters_to_html,
    }[form]
    return write(table)


def factor_in(form: str, report: FactorReport, width: int, ways: int) -> str:
    """A factor report in one of the forms text, json, md, html."""
    if form == "json":
        return dumps(report.to_dict())
    if form == "text":
        from convalgebra.render.factor_text import factor_to_text

        return factor_to_text(report, width, ways)
    from convalgebra.render import factor_markup

    write = {"md": factor_markup.factor_to_markdown, "html": factor_markup.factor_to_html}[form]
    return write(report, ways)


def kernels_in(form: str, width: int) -> str:
    """The kernels that have a name in one of the forms text, json."""
    from convalgebra.render import kernels_text

    return dumps(kernels_text.kernels_to_dict()) if form == "json" else kernels_text.kernels(width)


def nearest_in(form: str, report: NearestReport, width: int) -> str:
    """An approximation in one of the forms text, json, md, html."""
    if form == "json":
        return dumps(report.to_dict())
    from convalgebra.render import nearest_text

    if form == "text":
        return nearest_text.nearest_to_text(report, width)
    write = {"md": nearest_text.nearest_to_markdown, "html": nearest_text.nearest_to_html}[form]
    return write(report)


def factorability_in(form: str, report: FactorabilityReport, width: int) -> str:
    """Scores of layers in one of the forms text, json, csv, md, html."""
    if form == "json":
        return dumps(report.to_dict())
    from convalgebra.render import nearest_text

    if form == "text":
        return nearest_text.factorability_to_text(report, width)
    if form == "html":
        return nearest_text.factorability_to_html(report)
    table = nearest_text.factorability_table(report)
    return table.to_csv() if form == "csv" else table.to_markdown()
