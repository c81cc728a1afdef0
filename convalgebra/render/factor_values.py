"""A factor report as plain values, as `--format json` prints it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from convalgebra.kernels.factoring.parts import FIELDS
from convalgebra.render.algebraic_text import MOST_BITS, element_text, exact_text

if TYPE_CHECKING:
    from convalgebra.kernels.factoring.factorizations import Filter
    from convalgebra.kernels.factoring.fields import Element, Field
    from convalgebra.kernels.factoring.report import FactorReport
    from convalgebra.kernels.sources import Number

SCHEMA = "convalgebra.factor/1"


def factor_to_dict(report: FactorReport) -> dict[str, Any]:
    """The report as plain values with stable keys."""
    return {
        "schema": SCHEMA,
        "kernel": {
            "name": report.kernel.name,
            "shape": list(report.kernel.shape),
            "entries": _nested([_plain(e) for e in report.kernel.entries], report.kernel.shape),
            "floats": report.kernel.floats,
        },
        "stack": report.stack,
        "receptive_field": list(report.receptive_field),
        "stride": list(report.stride),
        "rational": report.rational,
        "real": report.real,
        "complex": report.complex,
        "reason": report.reason,
        "reasons": {field: report.reasons[field] for field in FIELDS},
        "scale": _plain(report.scale),
        "irreducible_factors": [
            {
                "shape": list(piece.shape),
                "rows": [[_plain(c) for c in row] for row in piece.rows],
                "multiplicity": piece.multiplicity,
                "complex_factors": piece.complex,
                "real_factors": piece.real,
                "reason": piece.reason,
            }
            for piece in report.pieces
        ],
        "ways": {
            field: {"count": ways.count, "complete": ways.complete}
            for field, ways in report.ways.items()
        },
        "factorizations": [
            {
                "over": way.over,
                "shift": list(way.shift),
                "filters": [_filter_to_dict(filter) for filter in way.filters],
            }
            for way in report.factorizations
        ],
        "rounding": None if report.rounding is None else report.rounding.to_dict(),
        "notes": list(report.notes),
    }


def _filter_to_dict(filter: Filter) -> dict[str, Any]:
    entries = filter.entries
    found: dict[str, Any] = {
        "layer": filter.layer,
        "taps": list(filter.taps),
        "dilation": list(filter.dilation),
        "fixed": filter.fixed,
        "entries": None,
        "field": None,
        "decimals": _nested([_decimal(value) for value in filter.decimals], filter.taps),
    }
    if entries is not None and filter.exact() is not None:
        found["entries"] = _nested([_plain(e[0]) if e else 0 for e in entries], filter.taps)
    elif entries is not None:
        texts = [
            element_text(e, filter.field) if len(e) > 1 else _plain(e[0]) if e else 0
            for e in entries
        ]
        found["entries"] = _nested(texts, filter.taps)
        found["coefficients"] = _nested(_coefficients(entries), filter.taps)
        found["field"] = {
            "generator": element_text((0, 1), filter.field),
            **_modulus(filter.field),
            "near": _decimal(filter.embedding.generator),
        }
    if filter.product:
        found["product"] = [
            {
                "shape": list(part.shape),
                "coefficients": _nested(_coefficients(part.entries), part.shape),
                "field": _modulus(part.field) if part.roots else None,
                "roots": [_decimal(root.generator) for root in part.roots],
            }
            for part in filter.product
        ]
    return found


def _modulus(field: Field) -> dict[str, Any]:
    return {"minimal_polynomial": [_plain(c) for c in field.modulus]}


def _coefficients(entries: Sequence[Element]) -> list[Any]:
    return [[_plain(c) for c in entry] for entry in entries]


def _decimal(value: complex) -> Any:
    def finite(part: float) -> float | None:
        return part if abs(part) < float("inf") else None  # JSON has no infinity

    if not value.imag:
        return finite(value.real)
    return [finite(value.real), finite(value.imag)]


def _plain(value: Number) -> int | str:
    if isinstance(value, int) and value.bit_length() < MOST_BITS:
        return value
    return exact_text(value)


def _nested(values: list[Any], shape: Sequence[int]) -> list[Any]:
    if len(shape) == 1:
        return values
    step = len(values) // shape[0]
    return [_nested(values[at : at + step], shape[1:]) for at in range(0, len(values), step)]
