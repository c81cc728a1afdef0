"""What asks for too much is refused before it is written out; what is long takes linear time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from calls import calls_of, counted

from convalgebra.errors import LanguageError, Source
from convalgebra.language import parse
from convalgebra.language.counting import check_size
from convalgebra.language.parser import parse_program
from convalgebra.sizes import symbol

symbol("C")  # the first named size imports sympy


def chain(body: str, first: str, levels: int, word: str = "def") -> str:
    """Patterns that each use the one before: `body` has {} for its name."""
    lines = [f"{word} p0 = {first}"]
    lines += [f"{word} p{i} = {body.format(*[f'p{i - 1}'] * 9)}" for i in range(1, levels + 1)]
    return "\n".join([*lines, f"p{levels}"])


def functions(body: str, first: str, levels: int, last: str) -> str:
    """The same with one parameter, `{}(C)` for a use."""
    lines = [f"def p0(C) = {first}"]
    lines += [f"def p{i}(C) = {body.format(*[f'p{i - 1}'] * 9)}" for i in range(1, levels + 1)]
    return "\n".join([*lines, f"p{levels}({last})"])


LAYERS = "more than 1,000,000 layers"
STEPS = "more than 4,000,000 steps to write this out"
DEPTH = "patterns and parentheses nested more than 100 deep"
WAYS = "patterns used in too many different ways"
FORMULA = "a size of more than 50 numbers and names"

BOMBS = {
    "repeat": ("1000000*(1000000*(3x3))", LAYERS),
    "one too many": ("1000001*(3x3)", LAYERS),
    "too many to write out": (
        "1000000*(relu)",
        "a network of 1,000,000 layers; at most 100,000 are written out",
    ),
    "one too many to write out": (
        "100000*(relu), bn",
        "a network of 100,001 layers; at most 100,000 are written out",
    ),
    "side by side": ("600000*(3x3), 600000*(bn)", LAYERS),
    "lines": ("600000*(3x3)\n600000*(bn)", LAYERS),
    "in branches": ("cat(600000*(3x3) | 600000*(bn))", LAYERS),
    "in a sum": ("600000*(3x3) + 600000*(bn)", LAYERS),
    "sums": ("1000000*(1000000*(id + id))", LAYERS),
    "a hundred times": ("9*(" * 99 + "3x3" + ")" * 99, LAYERS),
    "by a parameter": ("def f(n) = n*(n*(3x3)); f(999999)", LAYERS),
    "doubling": (chain("{}, {}", "3x3", 40), LAYERS),
    "doubling, shared": (chain("{}, {}", "3x3", 40, "shared"), LAYERS),
    "doubling, in branches": (chain("cat({} | {})", "3x3", 40), LAYERS),
    "doubling, with sizes": (functions("{}(C), {}(C)", "3x3@C", 40, "8"), LAYERS),
    "doubling nothing": (chain("{}, {}", "id", 90), STEPS),
    "doubling nothing, shared": (chain("{}, {}", "id", 90, "shared"), STEPS),
    "doubling nothing, with sizes": (functions("{}(C+1), {}(C+2)", "id", 60, "1"), STEPS),
    "much that writes nothing": ("1000000*(3x3" + ", id" * 1000 + ")", STEPS),
    "different sizes": (functions("{}(2*C), {}(2*C+1)", "3x3@C", 25, "1"), WAYS),
    "different formulas": (functions("{}(C+1), {}(2*C)", "3x3@C", 25, "C"), WAYS),
    "growing formula": (functions("{}(C*C)", "3x3@C", 90, "C"), FORMULA),
    "growing number": (functions("{}(C*C)", "3x3@C", 90, "2"), "a size of more than 9 digits"),
    "growing sum": (functions("{}(C*(C+1))", "3x3@C", 90, "C"), FORMULA),
    "floors in floors": (functions("{}((3*C+W)//5)", "3x3@C", 90, "H"), FORMULA),
    "products of sums": ("3x3@(" + "*".join(["(a+b+c)"] * 30) + ")", FORMULA),
    "parentheses": ("(" * 10_000 + "3x3" + ")" * 10_000, "parentheses nested more than 100 deep"),
    "parentheses, open": ("(" * 10_000, "parentheses nested more than 100 deep"),
    "parentheses in a size": (
        "3x3@" + "(" * 10_000 + "3" + ")" * 10_000,
        "parentheses nested more than 100 deep",
    ),
    "branches in branches": (
        "cat(" * 10_000 + "3x3" + " | id)" * 10_000,
        "parentheses nested more than 100 deep",
    ),
    "patterns": (chain("{}", "3x3", 10_000), DEPTH),
    "shared in shared": (chain("{}", "3x3", 10_000, "shared"), DEPTH),
    "patterns and parentheses": (chain("(" * 40 + "{}" + ")" * 40, "3x3", 50), DEPTH),
    "patterns, deep the second time": (
        chain("{}", "3x3", 60) + "\n" + "(" * 45 + "p60" + ")" * 45,
        DEPTH,
    ),
    "digits": ("3x3@" + "9" * 10**6, "a number of 1000000 digits; at most 9 are read"),
    "count": ("9" * 10**6 + "*(3x3)", "a number of 1000000 digits; at most 9 are read"),
    "name": ("a" * 10**6, "a name of 1000000 characters; at most 60 are read"),
    "name of a size": (
        "3x3@C" + "1" * 10**6,
        "a name of 1000001 characters; at most 60 are read",
    ),
    "parameters": ("def f(a" + ", a" * 10**4 + ") = 3x3", "the parameter `a` stands twice"),
    "modifiers": ("3x3" + "s1" * 10**5, "stride given twice"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(name: str) -> None:
    text, message = BOMBS[name]
    with counted(8_000_000), pytest.raises(LanguageError) as caught:
        parse(text)
    assert caught.value.message == message
    assert len(str(caught.value)) < 1000


def test_limits_are_reached() -> None:
    assert len(parse("(" * 100 + "3x3" + ")" * 100)) == 1
    assert len(parse("cat(" * 99 + "3x3@(1)" + " | id)" * 99)) == 1
    assert len(parse(chain("{}", "3x3", 99))) == 1
    assert len(parse(chain("{}, {}", "3x3", 12))) == 4096
    assert len(parse("100*(100*(3x3))")) == 10_000
    assert parse("1000000*(1000000*(1000000*(id)))") == parse("id")
    assert parse("999999999*(0*(3x3))") == parse("id")


def test_a_million_layers_are_allowed() -> None:
    for text in ("1000000*(3x3)", "def f = 1000*bn; 1000*f", "500000*(bn + id)"):
        source = Source(text)
        check_size(parse_program(source).text, source)


def test_many_uses_are_no_bomb() -> None:
    text = "def f(C) = 3x3p1@(2*C), bn\n" + "f(C)\nf(C+1)\n" * 500
    assert len(parse(text)) == 2000
    text = "def f(C) = 3x3p1@(2*C)\n" + "\n".join(f"f({i}C)" for i in range(1, 600))
    assert len(parse(text)) == 599


def test_there_is_room_on_the_stack() -> None:
    texts = [
        "cat(" * 99 + "3x3" + " | id)" * 99,
        "1*(" * 99 + "3x3 + id" + ")" * 99,
        chain("1*{} + id", "3x3", 99),
        chain("1*{} + id", "3x3", 99, "shared"),
        functions("1*{}(C) + id", "3x3@C", 99, "8"),
    ]

    def below(frames: int, text: str) -> int:
        return below(frames - 1, text) if frames else len(parse(text))

    with ThreadPoolExecutor(1) as fresh:  # whatever runs the tests has frames of its own
        for text in texts:
            assert fresh.submit(below, 150, text).result() >= 1


def layers(count: int) -> str:
    return ", ".join(f"3x3p1@{i % 999 + 1}, bn, relu" for i in range(count // 3))


def lines(count: int) -> str:
    return "\n".join(f"l{i}_ = 3x3p1@{i % 999 + 1}" for i in range(count))


def patterns(count: int) -> str:
    used = "\n".join(f"f({i % 999 + 1})" for i in range(count // 2))
    return f"def f(C) = 3x3p1@C, relu\n{used}"


def skips(count: int) -> str:
    return ", ".join(f"(3x3p1@{i % 999 + 1}, bn) + 1x1@{i % 999 + 1}" for i in range(count // 4))


def long_blanks(count: int) -> str:
    return " " * 50 * count + "3x3" + "\n#( \r\t" * 5 * count + "\n, bn"


def groups(count: int) -> str:
    return " + ".join(["(bn)"] * count)


@pytest.mark.slow
@pytest.mark.parametrize("text", [layers, lines, patterns, skips, long_blanks, groups])
def test_ten_thousand_layers_are_read_in_linear_time(text: Callable[[int], str]) -> None:
    few, many = (calls_of(lambda count=count: parse(text(count))) for count in (2500, 10_000))
    assert many < 4.1 * few
    assert len(parse(text(2500))) >= 2
