"""The answer of `equiv` in words: nothing is said that is not proved, and it fits on a screen."""

from __future__ import annotations

import re

import pytest

from convalgebra.algebra import equiv
from convalgebra.render.equivalence_text import equivalence_to_text
from convalgebra.render.forms import equivalence_in

UNDECIDED = "an open set of them, whether all is not decided"
NOT_ALL = "an open set of them, not all"


def lines(left: str, right: str, **options: object) -> list[str]:
    return equivalence_to_text(equiv(left, right, **options), 80).split("\n")  # type: ignore[arg-type]


def test_full_dimension_is_no_proof_that_some_kernel_is_missed() -> None:
    text = " ".join(" ".join(lines("5x5", "3x3@2,3x3@1")).split())
    assert "equivalent for many weights, whether for all is not decided" in text
    assert f"part: {UNDECIDED}" in text
    assert "not equivalent" not in text
    assert NOT_ALL not in text


def test_the_headline_says_what_is_known_over_the_rationals() -> None:
    always = "equivalent over real and complex numbers, over rationals"
    for kernel, stack, most in [
        ("3x3", "2x2@2,2x2@1", f"{always} for almost all weights"),
        ("5x5", "2x2@2,4x4@1", f"{always} it is not decided"),
    ]:
        text = " ".join(lines(kernel, stack)[:3]).replace("  ", " ")
        assert text.strip() == f"{kernel} and {stack}: {most}"


def test_a_kernel_that_is_missed_is_one() -> None:
    text = " ".join(" ".join(lines("3", "2,2")).split())
    assert "3 and 2,2: not equivalent" in text
    assert f"part: {NOT_ALL}" in text


def test_a_thin_direction_decides() -> None:
    assert lines("3x3", "2x2@4,relu,2x2@1")[0] == "3x3 and 2x2@4,relu,2x2@1: not equivalent"
    assert lines("3x3", "2x2,2x2")[0] == "3x3 and 2x2,2x2: not equivalent"


LONG = "cat(1x1@1,3x3p1|[0:1],5x5p2|[1:2],3x3p1)+dw3x3p1"


@pytest.mark.parametrize(
    ("left", "right", "channels"),
    [
        ("5x5p2@3", LONG, 3),
        (LONG, "cat(5x5p2@1|[0:1],3x3p1|[1:2],3x3p1)+dw3x3p1", 3),
        ("3x3", "shared c = 2x2; c, relu, c", 1),
        ("(3x3p1@16,relu,3x3p1@16,relu,1x1@1)+id", "(3x3p1@16,3x3p1@16,1x1@1)+1x1+id", 1),
    ],
)
@pytest.mark.parametrize("width", [60, pytest.param(80, marks=pytest.mark.slow)])
def test_long_stacks_keep_to_the_width(left: str, right: str, channels: int, width: int) -> None:
    report = equiv(left, right, channels=channels)
    for line in equivalence_to_text(report, width).split("\n"):
        # A stack is one word, and is not broken; all else is.
        longest = max(map(len, line.split()), default=0)
        assert len(line) <= max(width, longest + 4)


def test_wide_tables_call_the_stacks_left_and_right() -> None:
    shown = lines(LONG, LONG + "+scale", channels=3)
    assert any(re.fullmatch(r" +left +right", line) for line in shown)
    assert any(line.startswith("  left makes right") for line in shown)
    assert any(line.startswith("  3x3 makes 2x2,2x2") for line in lines("3x3", "2x2,2x2"))


@pytest.mark.parametrize(
    ("left", "right", "channels", "said"),
    [
        ("3x3", "bn,3x3", 1, "bn,3x3 has coefficients"),
        ("cat(3x3p1@2|1x1@2)", "cat(1x1@2|3x3p1@2)", 4, "cat(1x1@2 | 3x3p1@2) has coefficients"),
    ],
)
def test_a_stack_at_the_beginning_of_a_sentence_is_written_as_it_is(
    left: str, right: str, channels: int, said: str
) -> None:
    assert any(line.strip().startswith(said) for line in lines(left, right, channels=channels))


def test_groups_that_cannot_be_widened_keep_their_name() -> None:
    shown = lines("3x3", "dw3x3,1x1", channels=2, width=True)
    assert "  dw3x3,1x1 has groups: channels of different groups never meet there." in shown


def test_indices_of_channels_are_told_apart_in_latex() -> None:
    """In a formula blanks are nothing: a_{00 1 1} would read as a0011."""
    shown = equivalence_in("latex", equiv("3x3", "dw3x3,1x1", channels=2), 80, derive=True)
    assert r"a_{00,1,0} &= b_{00,0,0} c_{00,1,0}" in shown
    assert not re.search(r"_\{[^}]* ", shown)


@pytest.mark.parametrize("form", ["latex", "md"])
def test_equations_are_typeset(form: str) -> None:
    text = equivalence_in(form, equiv("2x2", "2x1,1x2", equations=True), 80)
    (block,) = re.findall(r"\\begin\{aligned\}\n(0 &= a_.*)\n\\end\{aligned\}", text)
    assert block == "0 &= a_{00} a_{11} - a_{01} a_{10}"
    assert "verbatim" not in text


@pytest.mark.parametrize(
    ("left", "right", "shape", "verdict"),
    [
        ("3x3p1", "3x3p1:2", "5x5", "equivalent away from the borders"),  # outputs of two sizes
        ("3x3p1,3x3", "3x3,3x3p1", "9x9", "equivalent away from the borders"),
        ("3x3p1", "3x3p1", "9x9", "equivalent"),
        ("3x3p1,relu", "3x3p1,relu", "9x9", "equivalent"),
        ("3x3", "3x3p1", None, "equivalent"),
    ],
)
def test_the_headline_says_where_two_stacks_are_equal(
    left: str, right: str, shape: str | None, verdict: str
) -> None:
    report = equiv(left, right, input=shape)
    assert lines(left, right, input=shape)[0] == f"{left} and {right}: {verdict}"
    assert report.to_dict()["equivalent"] is True


@pytest.mark.parametrize("channels", [1, 2])
def test_equal_stacks_are_called_so(channels: int) -> None:
    report = equiv("3x3,3x3", "3x3, 3x3", channels=channels)
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        assert direction.reach.reason == "both are the same stack"


@pytest.mark.parametrize("form", ["text", "md", "latex", "html"])
def test_a_derivation_says_that_it_leaves_an_activation_out(form: str) -> None:
    report = equiv("3x3", "2x2@9,relu,2x2@1")
    text = " ".join(equivalence_in(form, report, 80, derive=True).split())
    assert "2x2@9,relu,2x2@1 without relu, as an operator" in text
    assert "What follows leaves relu out." in text
    assert "2x2@9,relu,2x2@1 as an operator" not in text


def test_one_layer_has_no_other_factorizations() -> None:
    told = {
        text: equiv(text, text).left.dimension.reason  # type: ignore[union-attr]
        for text in ("3x3", "avg2x2s1,3x3", "2x2,2x2")
    }
    assert "factorizations" not in told["3x3"]
    assert "factorizations" not in told["avg2x2s1,3x3"]
    assert "finitely many other factorizations" in told["2x2,2x2"]
