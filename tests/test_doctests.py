"""The examples in the docstrings of the installed package."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import convalgebra

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(convalgebra.__path__, "convalgebra.")
    if not module.name.endswith("__main__")
)


def imported(name: str) -> ModuleType | None:
    """A module of the package; None for one that reads a format whose library is not there."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name in ("torch", "onnx"):
            return None
        raise


@pytest.mark.parametrize("name", ["convalgebra", *MODULES])
def test_examples_of_a_module(name: str) -> None:
    module = imported(name)
    if module is None:
        pytest.skip("torch or onnx is not installed")
    assert doctest.testmod(module).failed == 0


def test_most_modules_have_examples() -> None:
    finder = doctest.DocTestFinder()
    modules = [module for name in MODULES if (module := imported(name))]
    tried = [m for m in modules if any(t.examples for t in finder.find(m))]
    assert len(tried) > len(modules) // 2
