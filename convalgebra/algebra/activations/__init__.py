"""Stacks with activations: what is provable about them, and what is not."""

from convalgebra.algebra.activations.odd import OddWitness, odd_witness
from convalgebra.algebra.activations.reach import activation_reach

__all__ = ["OddWitness", "activation_reach", "odd_witness"]
