"""Long hostile texts are answered: none of them takes work that grows faster than its length.

With a pattern that tries a character twice each of these would take from minutes to days.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convalgebra.errors import ConvalgebraError
from convalgebra.kernels.nearest.covariance import weighting_of
from convalgebra.kernels.sources import kernel_of
from convalgebra.readers.formats import read_content

LONG = 2**17


def read(text: str) -> None:
    read_content(text.encode(), "the file", "net.txt")


def as_printed(text: str) -> None:
    read_content(text.encode(), "the file", "net.txt", "print")


@pytest.mark.parametrize("reader", [read, as_printed])
@pytest.mark.parametrize(
    "text",
    [
        "\n" * LONG + "3x3 !",
        "3x3" + "\n" * LONG + "!",
        " \n" * LONG + "3x3 !",
        "\x0b" * LONG + "3x3 !",
        "class" + " " * LONG + "!",
        "A(" + "=" * LONG,
        "A(" + "=)" * LONG + "x",
        "nn.A" * LONG,
        "|" * LONG + "!",
        "(" * LONG + "a): B(",
        "Net(\n  (a" + "()" * LONG + "!): Conv2d(3)\n)",
        "Net(\n  (a): B(k=" + "a," * LONG + ")\n)",
        "Net(\n  (a): B(" + " " * LONG + "!)\n)",
        "def f(" + ", ".join(f"p{i}" for i in range(LONG // 8)) + ", p0) = relu",
        "3x3@" + "1" * LONG,
        "a." * LONG + "Conv2d(",
    ],
    ids=range(16),
)
def test_texts(reader: Callable[[str], None], text: str) -> None:
    with pytest.raises(ConvalgebraError) as caught:
        reader(text)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "text",
    [
        "a.npy:" * LONG + "]",
        "a.npz:b[" + "1" * LONG + "!",
        "1" * LONG + "!",
        "1." + "1" * LONG + "!",
    ],
    ids=range(4),
)
def test_kernels(text: str) -> None:
    with pytest.raises(ConvalgebraError):
        kernel_of(text)


def test_models_of_covariance() -> None:
    with pytest.raises(ConvalgebraError):
        weighting_of("ar1:" + "1" * LONG + "!", (3, 3), 1)
