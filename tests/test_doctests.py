"""The examples in the docstrings of the installed package."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import convalgebra

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(convalgebra.__path__, "convalgebra.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["convalgebra", *MODULES])
def test_examples_of_a_module(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0


def test_most_modules_have_examples() -> None:
    finder = doctest.DocTestFinder()
    tried = [
        name
        for name in MODULES
        if any(t.examples for t in finder.find(importlib.import_module(name)))
    ]
    assert len(tried) > len(MODULES) // 2
