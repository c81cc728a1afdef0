"""The engine on cases that are counted by hand, and what it refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sympy import Matrix, Rational, Symbol, symarray, symbols

from convalgebra.errors import UnsupportedError
from convalgebra.language import parse
from convalgebra.layers import KINDS
from convalgebra.symbolic import push, weights_of
from convalgebra.symbolic.engine import most_products
from convalgebra.symbolic.rows import REFUSED

from .stacks import BY_HAND, RANDOM, random_stack

ALL = (*BY_HAND, *(random_stack(seed) for seed in range(RANDOM)))


def test_every_linear_kind_is_tried() -> None:
    tried = {node.layer.kind for text in ALL for node in parse(text).nodes}
    assert tried == KINDS.keys() - REFUSED.keys() | {"relu"}  # relu stands inside `unused`


def test_random_stacks_vary() -> None:
    assert len({random_stack(seed) for seed in range(RANDOM)}) > RANDOM - 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input 1x4; 3, relu", "relu (layer 2) is not linear; only linear layers have a matrix"),
        ("input 1x4x4; max2x2s2", "max2x2s2 (layer 1) is not linear: which input is the largest"),
        ("input 2x4; mul(id | 1)", "mul is not linear: it multiplies two values"),
        ("input 2x4; ln", "ln (layer 1) is not linear: it divides by the spread of its own input"),
        ("input 2x4; prelu", "prelu (layer 1) is not linear"),
        ("input 2x4; plainbn", "plainbn (layer 1) divides by a spread that is no weight of it"),
        ("input 1xH; 3", "H is not known; a matrix needs numbers"),
        ("input 1x4; a = 3; b = a, 1; output a | b", "the stack has 2 outputs"),
        ("input 3x224x224; 3x3@64", "too many to write out one by one"),
    ],
)
def test_what_has_no_matrix_is_refused(text: str, message: str) -> None:
    network = parse(text)
    with pytest.raises(UnsupportedError) as caught:
        weights_of(network)
    assert message in str(caught.value)


def test_a_nonlinear_branch_that_no_output_reads_is_allowed() -> None:
    network = parse("input 1x3; 3; unused(relu)")
    x = symbols("x0:3")
    assert push(network, weights_of(network), [x])[0, 0] == sum(
        Symbol(f"b{i}") * x[i] for i in range(3)
    )


def test_names_of_weights() -> None:
    network = parse("input 2x4x4; 2x2@2b, bn, scale, dw2x2, linear@1, fc@2")
    weights = weights_of(network)
    assert weights[1].kernel[1, 0, 0, 1] == Symbol("b01_1_0")
    assert weights[1].bias[1] == Symbol("b_bias_1")
    assert weights[2].kernel[1] == Symbol("c_scale_1")
    assert weights[2].bias[1] == Symbol("c_shift_1")
    assert (weights[3].kernel[0], weights[3].bias) == (Symbol("d_scale_0"), None)
    assert weights[4].kernel[1, 0, 1, 1] == Symbol("e11_1_0")
    assert weights[5].kernel[0, 1] == Symbol("f_0_1")
    assert weights[6].kernel[1, 3] == Symbol("g_1_3")


def test_one_channel_has_bare_names_and_letters_begin_where_asked() -> None:
    network = parse("input 1x4x4; 2x2, avg2x2s1, 2x2")
    kernel, last = weights_of(network, 0).values()
    assert Matrix(kernel.kernel[0, 0]) == Matrix([symbols("a00 a01"), symbols("a10 a11")])
    # The average between them is the kernel b, though there are no symbols in it.
    assert last.kernel[0, 0, 1, 0] == Symbol("c10")


def test_shared_layers_share_their_symbols() -> None:
    network = parse("input 1x6; shared f = 2; f, 3, f, 2")
    first, second, third, fourth = weights_of(network).values()
    assert first is third
    assert (second.kernel[0, 0, 0], fourth.kernel[0, 0, 0]) == symbols("c0 d0")


def test_two_layers_by_hand() -> None:
    """1-D, 2 then 2, on three inputs: z = c0 (b0 x0 + b1 x1) + c1 (b0 x1 + b1 x2)."""
    network = parse("input 1x3; 2, 2")
    x0, x1, x2, b0, b1, c0, c1 = symbols("x0 x1 x2 b0 b1 c0 c1")
    (output,) = push(network, weights_of(network), [[x0, x1, x2]]).flat
    assert (output - (c0 * (b0 * x0 + b1 * x1) + c1 * (b0 * x1 + b1 * x2))).expand() == 0


def test_strided_same_padding_by_hand() -> None:
    """TensorFlow: 5 inputs, 3 taps, stride 2 give 3 outputs, one zero on each side."""
    network = parse("input 1x5; 3s2psame")
    x, (b0, b1, b2) = symarray("x", (1, 5)), symbols("b0 b1 b2")
    found = push(network, weights_of(network), x)[0]
    (x0, x1, x2, x3, x4) = x[0]
    assert list(found) == [
        b1 * x0 + b2 * x1,
        b0 * x1 + b1 * x2 + b2 * x3,
        b0 * x3 + b1 * x4,
    ]


def test_even_same_padding_has_its_zero_at_the_end() -> None:
    network = parse("input 1x2; 2psame")
    b0, b1, x0, x1 = symbols("b0 b1 x0 x1")
    assert list(push(network, weights_of(network), [[x0, x1]])[0]) == [b0 * x0 + b1 * x1, b0 * x1]


def test_average_is_exact() -> None:
    network = parse("input 1x3; avg3s1")
    assert push(network, {}, [[1, 1, 2]])[0, 0] == Rational(4, 3)


def test_text_is_not_evaluated() -> None:
    network = parse("input 1x2; 2")
    with pytest.raises(Exception, match=r"__import__|sympify"):
        push(network, weights_of(network), [["__import__('os')", 1]])


def test_inputs_of_another_shape() -> None:
    network = parse("input 1x2; 2")
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        push(network, weights_of(network), [1, 2, 3])


def test_products_are_counted_by_paths() -> None:
    assert most_products(parse("input 1x5x5; 3x3, 3x3")) == 81
    assert most_products(parse("input 2x2; cat(2@3 | 2@1), 1@1")) == 16  # 4 channels, 2 taps, 2 in


def test_nothing_outside_imports_it() -> None:
    code = (
        "import sys, convalgebra.language, convalgebra.network;"
        "assert 'sympy' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
