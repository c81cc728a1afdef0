"""What the pages show is what the tool prints.

`UPDATE_DOCS=1 pytest tests/test_docs.py` writes the present output into the pages; read the
difference before committing it.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from convalgebra.cli import main
from convalgebra.cost import cost

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
UPDATE = "UPDATE_DOCS" in os.environ
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def run(command: str) -> str:
    """What `convalgebra ...` prints, stdout and stderr together."""
    program, *arguments = shlex.split(command)
    assert program == "convalgebra", command
    result = CliRunner().invoke(main, arguments, prog_name="convalgebra")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output.rstrip("\n")


def shown(block: str) -> str:
    """A console block with every command's output as it is now."""
    lines = []
    for line in block.splitlines():
        if line.startswith("$ "):
            lines += [line, run(line[2:])] if line.startswith("$ convalgebra") else [line]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_console_blocks_show_what_is_printed(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)  # what a page writes it reads
    text = page.read_text(encoding="utf-8")
    now = _BLOCK.sub(lambda block: f"```console\n{shown(block.group(1))}```", text)
    if UPDATE:
        page.write_text(now, encoding="utf-8")
    assert now == text or UPDATE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run(page: Path) -> None:
    found = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert found.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_specs_in_the_pages_are_networks(page: Path) -> None:
    for block in re.findall(
        r"```text\n(input .*?)```", page.read_text(encoding="utf-8"), re.DOTALL
    ):
        assert cost(block).total.params > 0


def test_every_command_is_in_the_pages() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for name in main.commands:
        assert f"convalgebra {name}" in text, f"no page shows `convalgebra {name}`"


def test_the_command_line_page_is_the_help() -> None:
    page = ROOT / "docs" / "command-line.md"
    text = "# The command line\n\nThis page is generated from `--help`.\n"
    for arguments in ([], *([name] for name in main.commands)):
        command = " ".join(["convalgebra", *arguments])
        output = CliRunner().invoke(main, [*arguments, "--help"], prog_name="convalgebra").output
        text += f"\n## {command}\n\n```text\n{output.rstrip()}\n```\n"
    if UPDATE:
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text
