"""Which format a content is in, `--from`, and readers of other packages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from convalgebra.errors import ConvalgebraError, InputError, LanguageError
from convalgebra.inventory import Inventory
from convalgebra.language import parse
from convalgebra.readers import read, read_file, read_model
from convalgebra.readers.formats import is_foreign, reader_named

TEXT = "input 3x8x8\n3x3p1@4, relu\n"
JSON = '{"schema": "convalgebra.cost/1", "network": "3x3p1@4, relu", "input": [3, 8, 8]}'
PRINT = "Sequential(\n  (0): Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))\n)\n"
ALONE = "Linear(in_features=3, out_features=4, bias=True)\n"


def kind(model):
    return type(model).__name__


def test_a_package_that_is_not_there_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError) as caught:
        read_model("3x3, relu", form="onnx")  # which nobody would take for one
    assert str(caught.value) == (
        "<stack> is read as an ONNX file by the package `onnx`, which is not installed: "
        "pip install 'convalgebra[onnx]'"
    )


@pytest.fixture
def file(tmp_path):
    def written(content, name="model.dat"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


@pytest.mark.parametrize(
    ("content", "wanted"),
    [(TEXT, "Network"), (JSON, "Network"), (PRINT, "Inventory"), (ALONE, "Inventory")],
)
@pytest.mark.parametrize("name", ["model.txt", "model.dat", "model.json.txt"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_known_by_its_content(file, content, wanted, name, encoding):
    path = file(content.encode(encoding), name)
    assert kind(read_model(path)) == kind(read_file(str(path))) == wanted


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        (TEXT, False),
        (JSON, True),
        (PRINT, True),
        ("(3x3, relu)\n+ id", False),
        ("# as in (0): Conv2d(3, 4)\n3x3p1@4", False),
        ("3x3p(1):(2)", False),
        ("def f(C): 3x3@C", False),
    ],
)
def test_a_text_is_known_by_its_content(text, foreign):
    assert is_foreign(text) is foreign
    if foreign:
        assert read(text, "3x8x8").shapes[-1] == (4, 8, 8)


def test_a_format_can_be_forced(file):
    assert read_model(file(PRINT), "print") == read_model(PRINT)
    assert isinstance(read_model(ALONE.strip(), "print"), Inventory)
    assert read(TEXT, form="text") == parse(TEXT)
    with pytest.raises(LanguageError):
        read_model(file(PRINT), "text")
    with pytest.raises(InputError, match="no reader is called `prnt`; did you mean print"):
        read_model(file(PRINT), "prnt")


@pytest.mark.parametrize("text", ["3x3\udc80):", "{\ud800", "(0): \udcff(a)"])
def test_bytes_of_a_shell_that_are_no_text(text):
    for form in (None, "text", "print", "json"):
        with pytest.raises(ConvalgebraError):
            read(text, form=form)


def test_the_names_of_readers_are_those_of_the_table():
    for form in ("text", "print", "json"):
        assert reader_named(form).name == form


def test_an_inventory_is_no_stack_of_layers():
    with pytest.raises(Exception, match="read as an inventory, and no network") as caught:
        read("Net(\n  (a): ReLU()\n)")
    assert "ca.from_torch" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import torch\nmodel = 3", "code is never run here: give what print"),
        ("nn.Sequential(\n  nn.ReLU()\n)", "code is never run here: give what print"),
        ("=====\nLayer (type:depth-idx)   Output", "this is the table of a summary"),
        (b"PK\x03\x04\x00\xff", "it looks like saved weights, which are never loaded"),
        (b"\x80\x02}q\x00.", "it looks like a pickle, which is never loaded"),
    ],
)
def test_what_is_likely_meant(file, content, said):
    with pytest.raises((InputError, LanguageError), match=said):
        read(file(content))


# Readers of other packages

READER = """
from convalgebra.language import parse

name = "toy"
LOADED = []

def recognises(content, path):
    return content.startswith(b"TOY")

def read(content, path):
    return parse(content.decode().removeprefix("TOY").strip())
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `toys` with a reader, installed as pip would do it."""

    def installed(code=READER, value="toys_reader"):
        folder = tmp_path / "site"
        info = folder / "toys-1.0.dist-info"
        info.mkdir(parents=True)
        (folder / "toys_reader.py").write_text(code)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[convalgebra.readers]\ntoy = {value}\n")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, "toys_reader", raising=False)
        return folder

    return installed


def test_a_reader_of_another_package_reads_what_nobody_knows(package, file):
    package()
    assert read(file("TOY 3x3p1@4")) == parse("3x3p1@4")  # text that is not in the language
    assert read(file(b"TOY 3x3p1@4"), form="toy") == parse("3x3p1@4")
    assert "toys_reader" in sys.modules


def test_a_reader_of_another_package_reads_binary_files(package, file):
    package(READER.replace('b"TOY"', 'b"\\xffTOY"').replace("content.decode()", '"TOY 3x3"'))
    assert read(file(b"\xffTOY")) == parse("3x3")


def test_it_is_not_loaded_where_ours_do(package, file):
    package()
    for content in (TEXT, JSON, PRINT):
        read_model(file(content))
        read_model(file(content), "print" if content == PRINT else None)
    assert "toys_reader" not in sys.modules


def test_it_is_asked_where_ours_fail_and_the_first_error_stands(package, file):
    package()
    with pytest.raises(LanguageError, match="`frobnicate` is not defined"):
        read(file("frobnicate"))
    assert "toys_reader" in sys.modules


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_like_it", "cannot be imported: ModuleNotFoundError: No module named"),
        ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("def read(content, path): ...", "has no function `recognises`"),
        (READER.replace("parse(content", "parse(contents"), "failed on .*: NameError"),
        (READER.replace("return parse(", "return abs("), "failed on .*: TypeError"),
        (
            READER.replace("return parse(content", "return str(content"),
            "gave a str; a reader gives a Network",
        ),
    ],
)
def test_a_broken_reader_is_named(package, file, code, said):
    package(code)
    code_name = "the reader `toy` of the package toys "
    with pytest.raises(InputError, match=code_name + said):
        read(file("TOY 3x3"), form="toy")


def test_a_broken_reader_hides_no_slip_in_a_text(package, file):
    package("1 / 0")
    with pytest.raises(LanguageError, match="`frobnicate` is not defined") as caught:
        read(file("frobnicate"))
    assert "the reader `toy` of the package toys cannot be imported" in str(caught.value)
    with pytest.raises(InputError, match="the reader `toy` of the package toys cannot be imported"):
        read(file(b"\xff\x00"))


def test_a_reader_that_fails_to_recognise(package, file):
    package(READER.replace("content.startswith", "content.begins"))
    with pytest.raises(InputError, match=r"package toys failed on .*: AttributeError"):
        read(file(b"\xff\x00"))


def test_a_missing_attribute(package, file):
    package(value="toys_reader:reader")
    with pytest.raises(InputError, match="cannot be imported: AttributeError"):
        read(file("TOY 3x3"), form="toy")


def test_what_it_refuses_is_told_as_it_says_it(package, file):
    package(READER)
    with pytest.raises(LanguageError, match="is not defined"):
        read(file("TOY frobnicate"))


def test_readers_are_not_looked_up_for_a_text():
    program = (
        "import sys\nfrom convalgebra.cost import cost\n"
        "cost('3x3', input='1x8x8'); cost('zoo:resnet18')\n"
        "print(*[n for n in ('importlib.metadata', 'json', 'convalgebra.readers.printed.grammar')"
        " if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == [], done.stderr
