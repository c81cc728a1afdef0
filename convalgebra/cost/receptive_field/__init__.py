"""The receptive field: which inputs a unit sees, exactly, along each axis."""

from __future__ import annotations

from convalgebra.cost.receptive_field.axes import Axis, Periodic
from convalgebra.cost.receptive_field.fields import Field, receptive_fields

__all__ = ["Axis", "Field", "Periodic", "receptive_fields"]
