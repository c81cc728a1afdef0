"""The command line as a process: exit codes, streams, errors without a traceback, and at once."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from convalgebra.cli import main
from convalgebra.cli.output import wrapped
from convalgebra.cost.conventions import CONVENTIONS
from convalgebra.cost.memory import STATES
from convalgebra.errors import Defect

COMMAND = [sys.executable, "-m", "convalgebra"]


def process(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], input=stdin, capture_output=True, timeout=20)


def refused(*arguments: str, stdin: bytes = b"") -> str:
    """The message of a command that must fail as an error should."""
    result = process(*arguments, stdin=stdin)
    message = result.stderr.decode()
    assert result.returncode == 2, (arguments, result)
    assert result.stdout == b""
    assert "Traceback" not in message
    assert message.startswith(("error: ", "Usage: "))
    return message


def in_one_line(message: str) -> str:
    """A message without the line breaks that make it fit."""
    return " ".join(message.split())


BAD_TEXTS = {
    "": "expected a layer, like 3x3p1@64, found nothing",
    "   ": "expected a layer, like 3x3p1@64, found nothing",
    "3x": "expected a size after `x`, found the end",
    "0x3": "must be at least 1, not 0",
    "-1": "expected a layer",
    "3*3": "`3*3` can be read in two ways",
    "3x3s0": "must be at least 1, not 0",
    "frobnicate": "`frobnicate` is not defined",
    "(3x3": "this `(` is never closed",
    "3x3)": "this `)` closes nothing",
    "cat(3x3 | 1x1": "never closed",
    "3x3, later; later = 1x1": "`later` is not defined",
    "1000000*(1000000*(3x3))": "more than 1,000,000 layers",
    "(" * 10_000 + "3x3" + ")" * 10_000: "nested more than 100 deep",
    "__import__('os')": "expected",
    "().__class__": "expected",
    "3x3@" + "9" * 50: "a number of 50 digits",
    "3×3": "write the letter x",
}


@pytest.mark.parametrize("text", BAD_TEXTS, ids=lambda text: repr(text[:24]))
@pytest.mark.parametrize("command", ["cost", "equiv"])
def test_bad_text(text: str, command: str) -> None:
    arguments = (
        [command, "--input", "3x32x32", "--", text]
        if command == "cost"
        else [command, "--", "3x3", text]
    )
    assert BAD_TEXTS[text] in refused(*arguments)


BAD_SHAPES = {
    ("3x3p1@8 + 1x1@16", "3x8x8"): "8 channels and 16",
    ("3x3s2p1 + id", "3x8x8"): "cannot be added: sizes differ",
    ("shared f = 3x3p1; f, 1x1@8, f", "3x8x8"): "cannot serve",
    ("3x3@8g3", "4x8x8"): "3 groups do not divide the 4 channels that come in",
    ("3x3@8g3", "3x8x8"): "3 groups do not divide the 8 channels that go out",
    ("dw3x3@8", "3x8x8"): "do not divide",
    ("9x9", "3x8x8"): "does not fit on an input of 8",
    ("3", "3x8x8"): "a kernel with 2 axes is written 3x3",
    ("cat(1x1 | 1x1s2)", "3x8x8"): "cannot be concatenated",
    ("[:9]", "4x8x8"): "there are not so many",
}


@pytest.mark.parametrize("case", BAD_SHAPES, ids=lambda case: case[0])
def test_layers_that_do_not_fit(case: tuple[str, str]) -> None:
    text, shape = case
    message = refused("cost", text, "--input", shape)
    assert BAD_SHAPES[case] in in_one_line(message)
    assert "^" in message  # the place is shown


def test_errors_fit_on_80_columns_but_for_places_and_words_that_are_longer() -> None:
    assert refused("cost", "3", "--input", "3x8x8") == (
        "error: a kernel with 1 axis cannot slide over 3x8x8 (3 channels, 2 axes); a\n"
        "kernel with 2 axes is written 3x3\n"
        "  3\n"
        "  ^\n"
        "  <stack>:1:1\n"
    )
    path = "/nowhere/" + "long" * 25 + ".txt"
    assert refused("cost", path, "--input", "4x8x8") == f"error: there is no file\n{path}\n"
    assert wrapped("no\n  hint: " + 20 * "word ") == (
        "no\n  hint: " + "word " * 13 + "word\n" + " " * 8 + "word " * 5 + "word"
    )


def test_what_moves_the_cursor_is_told_by_number() -> None:
    assert refused("zoo", "\x1b[2J").startswith("error: the zoo has no `\\x1b[2J`;")


def test_input_is_missing() -> None:
    assert "give --input 3x224x224" in refused("cost", "3x3@64")


@pytest.mark.parametrize("shape", ["", "x", "3x", "0x4x4", "3x-1", "3x4x4,5", "3x(4", "3x1e5"])
def test_bad_input_shape(shape: str) -> None:
    refused("cost", "3x3", "--input", shape)


@pytest.mark.parametrize(
    "at", ["C", "C=", "=3", "C=x", "C=1.5", "C=-1", "C=1;D=2", "C=²", "C=" + "9" * 30]
)
def test_bad_numbers_for_names(at: str) -> None:
    assert "NAME=NUMBER" in refused("cost", "3x3@C", "--input", "CxHxW", "--at", at)


def test_a_name_that_nothing_has() -> None:
    message = refused("cost", "3x3@C", "--input", "CxHxW", "--at", "Z=3")
    assert message == "error: there is no named size `Z`; named are C, H, W\n"
    assert "nothing is named" in refused("cost", "3x3", "--input", "3x8x8", "--at", "C=3")


def test_a_number_that_is_given_twice() -> None:
    for twice in (["--at", "C=3,C=4"], ["--at", "C=3", "--at", "C=3"]):
        assert "C is given twice" in refused("cost", "3x3@C", "--input", "CxHxW", *twice)


def test_numbers_that_do_not_fit_their_names() -> None:
    refused("cost", "3x3@(C/2)", "--input", "CxHxW", "--at", "C=3,H=8,W=8")
    refused("cost", "3x3@C", "--input", "CxHxW", "--at", "C=0,H=8,W=8")


def test_bad_files(tmp_path: Path) -> None:
    binary = tmp_path / "binary.txt"
    binary.write_bytes(bytes(range(256)))
    zero = tmp_path / "zero.txt"
    zero.write_bytes(b"3x3\x00")
    digits = tmp_path / "digits.txt"
    digits.write_text("3x3@" + "1" * 10**6)
    nested = tmp_path / "nested.txt"
    nested.write_text("(" * 10**5)
    (tmp_path / "empty.txt").write_text("")
    cases = {
        "binary.txt": "is not text",
        "zero.txt": "is not text",
        "digits.txt": "a number of 1000000 digits",
        "nested.txt": "nested more than 100 deep",
        "empty.txt": "found nothing",
        "missing.txt": "there is no file",
        ".": "is a directory",
    }
    for name, text in cases.items():
        told = refused("cost", "--layers", str(tmp_path / name), "--input", "3x8x8")
        assert text in " ".join(told.split())  # long names break lines elsewhere
    long = refused("cost", str(digits), "--input", "3x8x8")
    assert len(long) < 1000  # the line is not printed whole


def test_unknown_network_of_the_zoo_names_what_is_near() -> None:
    assert "resnet50" in refused("cost", "zoo:resnet51")
    assert "resnet50" in refused("zoo", "resnet51")


def test_a_spec_of_the_zoo_goes_into_cost() -> None:
    spec = process("zoo", "resnet18")
    assert spec.returncode == 0
    by_name, by_text = process("cost", "zoo:resnet18"), process("cost", "-", stdin=spec.stdout)
    assert by_text.stdout == by_name.stdout


def test_the_part_up_to_a_name() -> None:
    part = process("cost", "a = 3x3@2; b = 5x5@7", "--to", "a", "--input", "1x9x9")
    whole = process("cost", "a = 3x3@2", "--input", "1x9x9")
    assert part.stdout == whole.stdout
    message = refused("cost", "zoo:resnet50", "--to", "layer5")
    assert message.startswith("error: nothing is called `layer5`; did you mean `layer4`, ")
    assert "layers have the numbers 1 to 1" in refused("cost", "3x3", "--to", "a")
    assert "nothing is called ``" in refused("cost", "3x3", "--to", "")  # not all without names


def test_nothing_to_cost() -> None:
    assert "name a stack" in refused("cost")


def test_standard_input() -> None:
    result = process("cost", "-", stdin=b"input 3x8x8\n3x3p1@4\n")
    assert result.returncode == 0
    assert b"108" in result.stdout
    assert "is not text" in refused("cost", "-", stdin=b"\xff\xfe")


def test_files_may_be_repeated_and_mixed_with_text(tmp_path: Path) -> None:
    spec = tmp_path / "wide.txt"
    spec.write_text("input 8x8x8\n5x5p2@8\n")
    arguments = ["cost", "3x3p1@8", "--layers", str(spec), "--input", "8x8x8", "--format", "json"]
    found = json.loads(process(*arguments).stdout)
    assert found["schema"] == "convalgebra.comparison/1"
    assert [stack["total"]["params"] for stack in found["stacks"]] == [576, 1600]
    assert found["ratios"]["params"] == ["1", "9/25"]


def test_input_option_replaces_that_of_the_text() -> None:
    arguments = ["cost", "input 3x224x224; 3x3p1@8", "--input", "3x8x8", "--format", "json"]
    assert json.loads(process(*arguments).stdout)["input"] == [3, 8, 8]


REFUSED_STACKS = {
    "max2x2s1,2x2": "is not linear",
    "2x2@4,2x2@2": "1 channel goes out in 3x3, 2 in 2x2@4,2x2@2",
    "2x2,2x2s2": "total strides differ",
    "2,2": "works on 2 axes",
    "2x2,kxk": "k is a named size; write a number",
    "2x2,fc@1": "dense layer",
}


@pytest.mark.parametrize("stack", REFUSED_STACKS)
def test_stacks_that_equiv_does_not_decide(stack: str) -> None:
    assert REFUSED_STACKS[stack] in refused("equiv", "3x3", stack)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--channels", "0"), "0 is not in the range"),
        (("--channels", "two"), "is not a valid integer"),
        (("--input", "2x2"), "does not fit on an input of 2"),
        (("--input", "12x12x12x12"), "12x12x12x12"),
        (("--input", "3x12x12"), "the input has 3 channels and the stacks are compared for 1"),
        (("--certificate", "no/such/folder/proof.json"), "cannot be written"),
    ],
)
def test_options_of_equiv_that_are_refused(arguments: tuple[str, ...], said: str) -> None:
    assert said in refused("equiv", "5x5", "3x3,3x3", *arguments)


def test_the_answer_is_shown_where_only_its_certificate_cannot_be_had(tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    result = process("equiv", "3x3", "2x2,tanh,2x2", "--certificate", str(proof))
    assert result.returncode == 2
    assert result.stdout == process("equiv", "3x3", "2x2,tanh,2x2").stdout
    assert result.stderr.startswith(b"error: ")
    assert b"Traceback" not in result.stderr
    assert not proof.exists()


def test_nothing_to_widen() -> None:
    assert "hidden layers" in refused("equiv", "3x3", "2x2", "--width")


def test_exit_codes() -> None:
    assert process("equiv", "3x3", "2x2,2x2").returncode == 0
    assert process("equiv", "3x3", "2x2,2x2", "--exit-code").returncode == 1
    assert process("equiv", "5", "3,3", "--exit-code").returncode == 0


def write_weights(path: str, stack: str, channels: int) -> None:
    """The file of weights that an example names."""
    import numpy as np

    from convalgebra.kernels.merging import parameter_table

    table = parameter_table(stack, channels=channels)
    np.savez(path, **{p.name: np.ones(p.shape) for p in table})


def write_layers(path: str) -> None:
    """Two layers, [16, 4, 3, 3] and [2, 1, 3, 3]."""
    import numpy as np

    rng = np.random.default_rng(0)
    shapes = {"conv1.weight": (2, 1, 3, 3), "conv2.weight": (16, 4, 3, 3)}
    np.savez(path, **{name: rng.standard_normal(shape) for name, shape in shapes.items()})


def test_help_has_examples_that_work_when_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_weights("w.npz", "3x3p1@64, bn, 1x1@32", channels=3)
    write_layers("weights.npz")
    runner = CliRunner()
    tried = 0
    for arguments in ([], *([name] for name in main.commands)):
        text = runner.invoke(main, [*arguments, "--help"], prog_name="convalgebra").output
        examples = [
            line.strip() for line in text.splitlines() if line.strip().startswith("convalgebra ")
        ]
        assert examples, f"{arguments} has no example"
        for example in examples:
            result = runner.invoke(main, shlex.split(example)[1:], prog_name="convalgebra")
            assert result.exit_code == 0, example
            tried += 1
    assert tried >= 10


def test_version() -> None:
    from convalgebra import __version__

    assert __version__ in process("--version").stdout.decode()


def test_output_that_nobody_reads_is_no_error() -> None:
    command = [*COMMAND, "cost", "zoo:densenet121", "--all-layers"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 141  # 1 would say "no"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk")
@pytest.mark.parametrize("arguments", [["cost", "zoo:resnet50"], ["--help"], ["zoo", "resnet50"]])
def test_a_full_disk(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=20
        )
        silent = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=full, timeout=20)
    told = b"error: the output cannot be written: No space left on device\n"
    assert (result.returncode, result.stderr) == (2, told)
    assert silent.returncode == 2


def test_an_output_that_is_closed() -> None:
    command = shlex.join([*COMMAND, "equiv", "3x3", "2x2,2x2", "--exit-code"])
    result = subprocess.run(["sh", "-c", f"{command} >&-"], capture_output=True, timeout=20)
    assert (result.returncode, result.stderr) == (1, b"")


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_streams_that_are_closed(closed: str, tmp_path: Path) -> None:
    whole = [*COMMAND, "equiv", "3x3", "2x2,2x2", "--certificate", str(tmp_path / "proof.json")]
    result = subprocess.run(
        ["sh", "-c", f"{shlex.join(whole)} {closed}"], capture_output=True, timeout=20
    )
    assert result.returncode == 0
    assert result.stdout == process(*whole[len(COMMAND) :]).stdout
    assert json.loads((tmp_path / "proof.json").read_text())
    from_input = shlex.join([*COMMAND, "cost", "-", "--input", "3x8x8"])
    result = subprocess.run(["sh", "-c", f"{from_input} {closed}"], timeout=20)
    assert result.returncode == 2


def test_letters_that_the_output_has_not(tmp_path: Path) -> None:
    spec = tmp_path / "\N{GREEK SMALL LETTER ALPHA}.txt"
    spec.write_text("input 3x9x9; 3x3")
    result = subprocess.run(
        [*COMMAND, "cost", str(spec), str(spec)],
        capture_output=True,
        timeout=20,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert result.returncode == 2
    assert in_one_line(result.stderr.decode()) == (
        "error: the output cannot be written: latin-1 has no letter for some of it; "
        "set PYTHONIOENCODING=utf-8"
    )


def test_what_is_interrupted_has_answered_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("convalgebra.zoo.text", interrupted)
    result = CliRunner().invoke(main, ["zoo", "resnet50"])
    assert (result.exit_code, result.output) == (130, "\ninterrupted\n")  # not 1, which is "no"


def test_what_is_too_much_for_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("convalgebra.zoo.text", too_much)
    result = CliRunner().invoke(main, ["zoo", "resnet50"])
    told = "error: this takes more memory than there is\n"
    assert (result.exit_code, result.output) == (2, told)


@pytest.mark.parametrize(
    "fault",
    [
        KeyError("a\x1b[31m\nb"),
        RecursionError(),
        AssertionError("no"),
        EOFError(),  # click takes it for the end of what is typed, and exits with 1
        OSError(5, "a fault", "of_a_file"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "a surrogate"),
        Defect("a bound below the value"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("shown", [False, True])
def test_a_bug_of_ours(fault: Exception, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise fault

    monkeypatch.setattr("convalgebra.zoo.text", broken)
    monkeypatch.setenv("CONVALGEBRA_TRACEBACK", "1" if shown else "")
    result = CliRunner().invoke(main, ["zoo", "a b\x1b[31m"])
    first, what, where, *_ = result.output.splitlines()
    assert result.exit_code == 70
    assert first == "error: this is a bug of convalgebra, please report it"
    assert what.startswith("  ")
    assert type(fault).__name__ in what
    assert where.endswith(": convalgebra zoo 'a b\\x1b[31m'")
    assert ("Traceback" in result.output) == shown
    assert shown or "\x1b" not in result.output


def test_a_command_is_imported_when_it_is_called() -> None:
    code = """
import sys
from convalgebra.cli import main
main(["--help"], standalone_mode=False)
main(["zoo", "resnet50"], standalone_mode=False)
loaded = {name for name in main.commands if f"convalgebra.cli.{name}" in sys.modules}
sys.exit(loaded != {"zoo"})
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_short_texts_stand_on_a_line_each() -> None:
    text = CliRunner().invoke(main, ["--help"]).output.partition("Commands:\n")[2]
    assert [line.split()[0] for line in text.splitlines()] == list(main.commands)


HEAVY = """
import sys
heavy = {"sympy", "numpy", "torch", "onnx"} & set(sys.modules)
sys.exit(str(heavy) if heavy else 0)
"""


def imports_of(*arguments: str) -> subprocess.CompletedProcess[str]:
    run = f"from convalgebra.cli import main; main({list(arguments)!r}, standalone_mode=False)"
    code = run + HEAVY
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "arguments",
    [
        ("cost", "zoo:resnet50"),
        ("cost", "3x3@8", "5x5@8", "--input", "8x9x9"),
        ("cost", "zoo:resnet50", "--format", "json"),
        ("equiv", "3x3", "2x2,2x2"),
        ("equiv", "3", "2,2", "--format", "json"),
        ("equiv", "5x5", "3x3,3x3", "--format", "md"),
        ("zoo",),
    ],
    ids=" ".join,
)
def test_neither_sympy_nor_numpy_is_imported(arguments: tuple[str, ...]) -> None:
    assert imports_of(*arguments).returncode == 0


def test_that_test_can_fail() -> None:
    found = imports_of("cost", "3x3@C", "--input", "CxHxW")
    assert found.returncode == 1
    assert "sympy" in found.stderr


def test_the_choices_of_cost_are_those_of_its_tables() -> None:
    from convalgebra.cost.conventions import CONVENTIONS
    from convalgebra.cost.memory import STATES

    choices = {
        p.name: p.type.choices for p in main.commands["cost"].params if hasattr(p.type, "choices")
    }
    assert set(choices["convention"]) == set(CONVENTIONS)
    assert set(choices["training"]) == set(STATES)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--dtype float33", "there is no dtype `float33`; there are float64,"),
        ("--batch 0", "a batch is a number of inputs, like 8 or N, not 0"),
        ("--batch 9999999999", "like 8 or N, not 9999999999; at most 9"),
        ("--batch 2x3", "a batch is a number of inputs, like 8 or N, not 2x3"),
        ("--batch N --at M=3", "there is no named size `M`; named are N"),
    ],
)
def test_options_of_cost_that_are_wrong(option: str, expected: str) -> None:
    result = CliRunner().invoke(main, ["cost", "3x3", "--input", "1x9x9", *option.split()])
    assert result.exit_code == 2
    assert expected in result.stderr


def test_a_number_for_the_batch() -> None:
    named = ["cost", "3x3", "--input", "1x9x9", "--batch", "N", "--at", "N=3", "--format", "json"]
    plain = ["cost", "3x3", "--input", "1x9x9", "--batch", "3", "--format", "json"]
    one, other = (CliRunner().invoke(main, arguments).stdout for arguments in (named, plain))
    assert one == other
    assert '"batch": 3' in one


@pytest.mark.parametrize(
    ("option", "table"), [("training", STATES), ("convention", CONVENTIONS)], ids=["t", "c"]
)
def test_the_choices_are_those_that_there_are(option: str, table: dict[str, object]) -> None:
    # They stand in the command line as well, so that --help need not import the tables.
    (found,) = [one for one in main.commands["cost"].params if one.name == option]
    assert list(found.type.choices) == list(table)
