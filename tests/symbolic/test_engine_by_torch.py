"""The engine and its matrices against torch: random integers for weights and inputs."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from sympy import Integer

from convalgebra.language import parse
from convalgebra.network import Network
from convalgebra.symbolic import matrix, push, weights_of
from convalgebra.symbolic.rows import Weights

from .stacks import BY_HAND, RANDOM, random_stack

pytest.importorskip("torch")

from .by_torch import run


def random_numbers(network: Network, seed: int) -> tuple[dict[int, Weights], dict[str, int], Any]:
    """Random integers for all weights (by node and by name) and for the input."""
    random = Random(seed)
    weights = weights_of(network, 0)
    values: dict[str, int] = {}

    def numbers(array: Any) -> Any:
        if array is None:
            return None
        drawn = [values.setdefault(s.name, random.randint(-9, 9)) for s in array.flat]
        return np.array([Integer(n) for n in drawn], dtype=object).reshape(array.shape)

    given = {index: Weights(numbers(k), numbers(b)) for index, (k, b) in weights.items()}
    inputs = np.array([Integer(random.randint(-9, 9)) for _ in range(np.prod(network.shape))])
    return given, values, inputs.reshape(network.shape)


@pytest.mark.parametrize("text", [*BY_HAND, *map(random_stack, range(RANDOM))])
def test_push_and_matrix_equal_torch(text: str) -> None:
    network = parse(text)
    weights, values, inputs = random_numbers(network, 1)
    expected = run(network, weights, inputs)
    pushed = push(network, weights, inputs)
    assert pushed.shape == expected.shape == network.shapes[network.outputs[0]]
    np.testing.assert_allclose(pushed.astype(float), expected, rtol=1e-9, atol=1e-9)
    found = matrix(network, first=0)
    by_matrix = found.to_numpy(values) @ inputs.astype(float).ravel() + found.bias_to_numpy(values)
    np.testing.assert_allclose(by_matrix, expected.ravel(), rtol=1e-9, atol=1e-9)
