"""What a stack may be given as, and what is said of what cannot be read."""

import io
from pathlib import Path

import pytest
from calls import counted
from click.testing import CliRunner

from convalgebra.cli import main
from convalgebra.errors import InputError, LanguageError
from convalgebra.files import opened
from convalgebra.language import parse
from convalgebra.readers import read, read_shape
from convalgebra.sizes import symbol

TEXT = "input 3x32x32\n3x3p1@64, relu\n"


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "net.txt"
    path.write_text(TEXT)
    return path


def give_stdin(monkeypatch, content):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_text():
    assert read(TEXT) == parse(TEXT)


def test_a_network_passes_through():
    network = parse(TEXT)
    assert read(network) is network


def test_a_path(spec):
    assert read(spec) == parse(TEXT)


@pytest.mark.parametrize("ending", [".txt", ".spec"])
def test_a_string_that_ends_like_a_file_is_one(tmp_path, ending):
    path = tmp_path / f"net{ending}"
    path.write_text(TEXT)
    assert read(str(path)) == parse(TEXT)


def test_a_path_may_have_any_ending(tmp_path):
    path = tmp_path / "net"
    path.write_text(TEXT)
    assert read(path) == parse(TEXT)


def test_what_lies_on_the_disk_does_not_decide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("relu").write_text("3x3@8")
    assert read("relu") == parse("relu")


def test_lines_of_text_may_end_in_a_file_name():
    text = "3x3p1@64, relu\nrelu  # as in notes.txt"
    assert read(text) == parse(text)


def test_stdin(monkeypatch):
    give_stdin(monkeypatch, TEXT.encode())
    assert read("-") == parse(TEXT)


def test_the_zoo():
    assert read("zoo:resnet18").shape == (3, 224, 224)


def test_windows_line_ends_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "net.txt"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert read(path) == parse(TEXT)


@pytest.mark.parametrize("given", ["1x8x8", (1, 8, 8), [1, 8, 8]])
def test_an_input_replaces_that_of_the_text(given):
    assert read(TEXT, given).shape == (1, 8, 8)
    assert read(parse(TEXT), given).shape == (1, 8, 8)


def test_an_input_of_named_sizes():
    assert read_shape("CxHxW") == (symbol("C"), symbol("H"), symbol("W"))
    assert read_shape((symbol("C"), 8)) == (symbol("C"), 8)
    assert read_shape(("C", "8", 8)) == (symbol("C"), 8, 8)
    assert read_shape((symbol("C") // 2, 8)) == (symbol("C") // 2, 8)


def test_an_input_of_the_sizes_of_other_libraries():
    numpy, sympy = pytest.importorskip("numpy"), pytest.importorskip("sympy")
    assert [type(size) for size in read_shape(numpy.array([3, 8]))] == [int, int]
    sizes = read_shape((sympy.Symbol("H"), sympy.Integer(8)))
    assert sizes == (symbol("H"), 8)
    assert type(sizes[1]) is int
    for size in (sympy.oo, sympy.nan, sympy.I, sympy.Rational(1, 2), numpy.float64(3)):
        with pytest.raises(InputError, match="an input shape is channels and sizes"):
            read_shape((3, size))


@pytest.mark.parametrize(
    "shape", [(), (3, 0), (3, -1, 4), (3, 2.5), (True, 4), 5, (3, None), ("3", "C)x(H"), (3, 1j)]
)
def test_an_input_that_cannot_be(shape):
    with pytest.raises(InputError, match="an input shape is channels and sizes, all at least 1"):
        read_shape(shape)


def error(stack):
    with counted(100_000), pytest.raises(InputError) as caught:
        read(stack)
    return str(caught.value)


def test_a_missing_file(tmp_path):
    path = tmp_path / "none.txt"
    assert error(path) == f"there is no file {path}"
    assert error(str(path)) == f"there is no file {path}"


def test_a_directory(tmp_path):
    assert error(tmp_path) == f"{tmp_path} is a directory; name a file"


def test_a_path_that_cannot_be():
    assert "cannot be read" in error(Path("a\0b.txt"))


def test_a_binary_file(tmp_path):
    path = tmp_path / "weights.txt"
    path.write_bytes(b"3x3, \xff\xfe\x00\x01")
    assert error(path) == f"{path} is not text (byte 5 is no UTF-8)"


def test_a_zero_byte(tmp_path):
    path = tmp_path / "zero.txt"
    path.write_bytes(b"3x3,\0relu")
    assert error(path) == f"{path} is not text (byte 4 is zero)"


def test_a_binary_stdin(monkeypatch):
    give_stdin(monkeypatch, b"\x89PNG\r\n")
    assert error("-") == "standard input is not text (byte 0 is no UTF-8)"


def test_more_than_16_mebibytes(tmp_path):
    path = tmp_path / "long.txt"
    path.write_bytes(b" " * (16 * 2**20 + 1))
    assert error(path) == f"{path} has more than 16 MiB: too much for a spec"


@pytest.mark.parametrize("ending", [".json", ".onnx"])
def test_a_string_with_a_foreign_ending_is_a_file(ending):
    assert error(f"model{ending}") == f"there is no file model{ending}"
    assert error(Path(f"model{ending}")) == f"there is no file model{ending}"


def test_an_unknown_network():
    wanted = "the zoo has no `resnet51`; did you mean resnet50 or resnet18 or resnet152? "
    assert error("zoo:resnet51").startswith(wanted)
    assert error("resnet50") == "`resnet50` is a network of the zoo: write zoo:resnet50"


@pytest.mark.parametrize("text", ["net.cfg", "specs/net", "./net", "/tmp/net.md"])
def test_a_file_with_another_ending_is_hinted_at(text):
    with pytest.raises(LanguageError, match="is read with --layers FILE"):
        read(text)


@pytest.mark.parametrize("stack", [None, 3, b"3x3", ["3x3"]])
def test_what_is_no_stack(stack):
    kind = type(stack).__name__
    assert error(stack) == f"a stack is text, a Path, a Network or a torch.nn.Module, not {kind}"


def test_a_number_of_a_million_digits(tmp_path):
    path = tmp_path / "digits.txt"
    path.write_text("3x3, 3x3@" + "9" * 10**6)
    with counted(100_000), pytest.raises(LanguageError) as caught:
        read(path)
    said = str(caught.value)
    assert said.startswith("a number of 1000000 digits; at most 9 are read\n")
    assert said.endswith(f"{path}:1:10")
    assert max(map(len, said.splitlines()[:-1])) < 120


def test_an_error_names_the_file(spec):
    spec.write_text("3x3p1@64\n3x\n")
    with pytest.raises(LanguageError) as caught:
        read(spec)
    assert str(caught.value).endswith(f"{spec}:2:3")


def test_an_error_names_standard_input(monkeypatch):
    give_stdin(monkeypatch, b"3x")
    with pytest.raises(LanguageError, match="<stdin>:1:3"):
        read("-")


def test_an_empty_file(tmp_path):
    path = tmp_path / "empty.txt"
    path.write_text("")
    with pytest.raises(LanguageError, match="expected a layer, like 3x3p1@64, found nothing"):
        read(path)


@pytest.mark.parametrize(
    "options",
    [
        ["--to", "fc"],
        ["--unit", "[0,0]"],
        ["--batch", "4"],
        ["--dtype", "int8"],
        ["--training", "adam"],
        ["--convention", "thop"],
    ],
)
def test_what_an_inventory_cannot_answer_is_refused(options):
    path = str(Path(__file__).parent.parent / "data" / "printed" / "resnet18.txt")
    done = CliRunner().invoke(main, ["cost", "--layers", path, *options])
    assert done.exit_code == 2
    assert f"{options[0]} asks about a network, and this is a list of modules" in " ".join(
        done.output.split()
    )


def test_a_file_is_closed_and_only_its_own_errors_are_of_it(tmp_path):
    path = tmp_path / "net.txt"
    path.write_text(TEXT)
    with pytest.raises(ValueError, match="a fault of ours"), opened(str(path)) as file:
        raise ValueError("a fault of ours")
    assert file.closed
    with pytest.raises(InputError, match="cannot be read: Is a directory"), opened(str(path)):
        raise IsADirectoryError(21, "Is a directory")
