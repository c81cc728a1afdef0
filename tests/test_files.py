"""Files that commands write: whole or not at all, never over what they read, checked at once."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from convalgebra.cli import main
from convalgebra.errors import InputError
from convalgebra.files import created, target

OLD = b"what was there before"
PROVE = ["equiv", "3x3", "2x2,2x2", "--certificate"]


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=stdin)


def weights(path: Path) -> Path:
    np.savez(path, conv=np.arange(9.0).reshape(1, 1, 3, 3))
    return path


# What writes, with FILE for the file; what the result on standard output begins with.
WRITERS = {
    "equiv": (["equiv", "3x3", "2x2,2x2", "--certificate", "FILE"], "3x3 and 2x2,2x2"),
    "merge": (
        ["merge", "3x3,3x3", "--weights", "tests/data/weights/blur_sharpen.npz", "--out", "FILE"],
        "3x3,3x3",
    ),
    "nearest": (["nearest", "sobel", "2x2,2x2", "--out", "FILE"], "sobel"),
}


@pytest.fixture(params=WRITERS)
def writer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def call(writer: str, path: Path | str, *more: str) -> Result:
    return run(*(str(path) if word == "FILE" else word for word in WRITERS[writer][0]), *more)


def test_every_option_that_writes_is_tried_here() -> None:
    writing = {
        name
        for name, command in main.commands.items()
        if any(option.name in ("out", "certificate") for option in command.params)
    }
    forced = {
        name
        for name, command in main.commands.items()
        if any(option.name == "force" for option in command.params)
    }
    assert writing == forced == set(WRITERS)


def test_what_is_replaced_keeps_its_permissions_and_leaves_nothing_beside(
    writer: str, tmp_path: Path
) -> None:
    path = tmp_path / "out.npz"
    path.write_bytes(OLD)
    path.chmod(0o640)
    assert call(writer, path).exit_code == 0
    assert path.read_bytes() != OLD
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["out.npz"]


def test_a_new_file_has_the_permissions_that_the_user_wants(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with created(str(tmp_path / "new")) as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    old, link = tmp_path / "there" / "old.json", tmp_path / "link.json"
    old.write_bytes(OLD)
    link.symlink_to("there/old.json")
    assert run(*PROVE, str(link)).exit_code == 0
    assert link.is_symlink()
    assert json.loads(old.read_text())
    dangling = tmp_path / "dangling.json"
    dangling.symlink_to("there/new.json")
    assert run(*PROVE, str(dangling)).exit_code == 0
    assert json.loads((tmp_path / "there" / "new.json").read_text())
    circle = tmp_path / "circle.json"
    circle.symlink_to("circle.json")
    assert run(*PROVE, str(circle)).exit_code == 2
    assert circle.is_symlink()


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_where_writing_fails_the_old_file_is_as_it_was(
    fault: BaseException, tmp_path: Path
) -> None:
    path = tmp_path / "old"
    path.write_bytes(OLD)

    def write() -> None:
        with created(str(path)) as file:
            file.write(b"half of it")
            file.flush()
            raise fault

    with pytest.raises(InputError if isinstance(fault, OSError) else KeyboardInterrupt):
        write()
    assert path.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["old"]


def test_the_answer_is_printed_though_writing_fails(
    writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "old.npz"
    path.write_bytes(OLD)
    answer = call(writer, tmp_path / "sound.npz").stdout
    monkeypatch.setattr("os.replace", full)
    result = call(writer, path)
    assert result.exit_code == 2
    assert result.stdout == answer
    assert answer.startswith(WRITERS[writer][1])
    assert "cannot be written: No space left on device" in " ".join(result.stderr.split())
    assert path.read_bytes() == OLD
    assert sorted(os.listdir(tmp_path)) == ["old.npz", "sound.npz"]


@pytest.mark.parametrize("name", ["no/such/folder/x.npz", "here", "here/", "file/x.npz", "", "a\0"])
def test_what_cannot_be_written_is_told_before_the_work(
    writer: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worked(*_: object, **__: object) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.npz").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "tests").symlink_to(Path(__file__).parent)
    for path in ("algebra.equiv", "kernels.merging.merge", "kernels.nearest.nearest"):
        monkeypatch.setattr(f"convalgebra.{path}", worked)
    result = call(writer, name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "cannot be written" in " ".join(result.stderr.split())


def test_what_is_protected_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old"
    path.write_bytes(OLD)
    protected = {path}  # root may write all, so the answer of the system is given here
    monkeypatch.setattr(os, "access", lambda name, mode: Path(name) not in protected)
    with pytest.raises(InputError, match="protected"), target(str(path)):
        pass
    protected.add(tmp_path)
    with pytest.raises(InputError, match="no file can be created"), target(str(tmp_path / "new")):
        pass


def linked(path: Path, way: str) -> Path:
    """Another name for a file."""
    other = path.with_name("other" + path.suffix)
    if way == "itself":
        return path
    if way == "hard link":
        os.link(path, other)
    else:
        other.symlink_to(path.name)
    return other


@pytest.mark.parametrize("way", ["itself", "hard link", "link"])
def test_no_input_is_written_over_but_by_force(way: str, tmp_path: Path) -> None:
    kernel, spec = weights(tmp_path / "w.npz"), tmp_path / "s.txt"
    spec.write_text("2x2,2x2")
    rows = tmp_path / "rows.npz"
    np.savez(rows, **{f"{layer}.weight": np.ones((1, 1, 2, 2)) for layer in (0, 1)})
    calls = {
        kernel: ["nearest", f"{kernel}:conv[0,0]", "2x2,2x2", "--out"],
        rows: ["merge", "2x2,2x2", "--weights", str(rows), "--out"],
        spec: ["equiv", "3x3", str(spec), "--certificate"],
    }
    for path, words in calls.items():
        old = path.read_bytes()
        out = linked(path, way)
        result = run(*words, str(out))
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        assert "would be written over it" in " ".join(result.stderr.split())
        assert path.read_bytes() == old
        assert run(*words, str(out), "--force").exit_code == 0
        assert out.read_bytes() != old
        for other in tmp_path.glob("other*"):
            other.unlink()


def test_an_input_that_comes_through_the_shell(tmp_path: Path) -> None:
    spec = tmp_path / "s.txt"
    spec.write_text("2x2,2x2")
    command = [sys.executable, "-m", "convalgebra", "equiv", "3x3", "-", "--certificate"]
    with spec.open("rb") as stdin:
        result = subprocess.run([*command, str(spec)], stdin=stdin, capture_output=True, timeout=60)
    assert (result.returncode, result.stdout) == (2, b"")
    assert spec.read_text() == "2x2,2x2"
    with open(tmp_path / "all", "wb") as out:  # the proof and then the answer, neither in the other
        result = subprocess.run(
            [*command[:-2], "2x2,2x2", "--certificate", "/dev/stdout"], stdout=out, timeout=60
        )
    proof, _, answer = (tmp_path / "all").read_text().partition("\n}\n")
    assert json.loads(proof + "}")
    assert answer.startswith("3x3 and 2x2,2x2: not equivalent\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    assert run(*PROVE, str(pipe)).exit_code == 0
    reader.join(20)
    assert json.loads(got[0])
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk")
def test_a_full_device_is_told_after_the_answer() -> None:
    result = run(*PROVE, "/dev/full")
    assert result.exit_code == 2
    assert result.stdout.startswith("3x3 and 2x2,2x2: not equivalent\n")
    assert "No space left on device" in result.stderr


def test_the_limits_that_security_md_states_are_those_of_the_code() -> None:
    from convalgebra import check
    from convalgebra.kernels import arrays, sources
    from convalgebra.kernels.nearest import target as nearest
    from convalgebra.language import scanner
    from convalgebra.language.expand import MOST_WRITTEN_OUT
    from convalgebra.readers import formats, onnx_file

    stated = (Path(__file__).parents[1] / "SECURITY.md").read_text()
    for line in (
        f"| text, print-outs, JSON | {formats.MAX_BYTES >> 20} MiB; "
        f"{MOST_WRITTEN_OUT:,} layers; "
        f"parentheses nested {scanner.MAX_NESTING} deep; numbers of {scanner.MAX_DIGITS} digits |",
        f"| ONNX | {onnx_file.most_bytes >> 30} GiB,",
        f"| certificates | {check.MAX_BYTES // 10**6} MB |",
        f"| kernels as text (`.csv`, `.txt`) | {sources._MAX_BYTES >> 20} MiB; "
        f"{sources.MAX_ENTRIES:,} entries; numbers of {sources._MAX_DIGITS:,} characters |",
        f"| {arrays._BYTES_LIMIT >> 30} GiB; for `nearest` and `factorability` "
        f"{nearest.ENTRIES_LIMIT:,} entries, for `factor` {sources.MAX_ENTRIES:,} |",
        f"| {arrays._TOTAL_LIMIT >> 30} GiB; {arrays._ENTRIES_LIMIT:,} arrays |",
        f"| past {arrays._PACKED_FREE >> 20} MiB, {arrays._PACKING} times its packed size |",
    ):
        assert line in stated, line
