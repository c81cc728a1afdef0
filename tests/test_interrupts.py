"""Ctrl-C ends a command wherever the time goes; a line on a terminal says what a command does."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from convalgebra import progress
from convalgebra.cli.progress_line import progress_line
from convalgebra.interrupts import compiled

# The command line, with a command in it that takes minutes or longer.
PROGRAM = """
import sys, time
import click
import convalgebra.cli.group as group
from convalgebra import __main__, progress
from convalgebra.interrupts import compiled

def stuck():
    {stuck}

@click.command()
def wait():
    progress.report("a phase \\x1b[31m with a name")
    print("ready", flush=True)
    stuck()

group.main.commands = {{"wait": wait}}
sys.argv = ["convalgebra", "wait"]
__main__.main()
"""
IN_PYTHON = "while True: pass"
# numpy lets other threads run; this takes many minutes
IN_LAPACK = "import numpy as np; a = np.random.rand(6000, 6000); np.linalg.svd(a)"
# flint lets no other thread run; 7 x 10^11 products
IN_FLINT = (
    "from flint import nmod_mat; a = nmod_mat(9000, 9000, 2**31 - 1)\n"
    "    for i in range(9000): a[i, (i * i) % 9000] = i; a[i, i] = 1; a[i, 5] = 3 * i\n"
    "    with compiled(): (a * a).rank()"
)


@contextmanager
def started(stuck, **streams):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(stuck=stuck)],
        stdout=subprocess.PIPE, text=True, **streams,
    ) as process:  # fmt: skip
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(1)  # until it is in the middle of it
            assert process.poll() is None
            yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stuck", "code"),
    [(IN_PYTHON, 130), (IN_LAPACK, 130), (IN_FLINT, -signal.SIGINT)],  # 130 in a shell, too
    ids=["Python", "LAPACK", "flint"],
)
def test_control_c_ends_a_command_wherever_it_is(stuck, code):
    with started(stuck, stderr=subprocess.PIPE) as process:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)  # of many minutes
    heard = (130, "\ninterrupted\n")  # by Python, which on a busy machine may not be in flint yet
    assert (process.returncode, told) in ([heard, (code, "")] if code < 0 else [heard])


@pytest.mark.slow
def test_what_ignores_the_signal_goes_on_ignoring_it():
    with started(
        "time.sleep(3)",
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    ) as process:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == ""
    assert process.returncode == 0


def test_in_a_program_compiled_code_changes_nothing():
    before = signal.getsignal(signal.SIGINT)
    with compiled():
        assert signal.getsignal(signal.SIGINT) is before


def on_a_terminal(stuck):
    """What the program of a command writes on a terminal, until it ends."""
    here, there = pty.openpty()
    told = b""
    with started(stuck, stderr=there) as process:
        os.close(there)
        while select.select([here], [], [], 20)[0]:
            try:
                told += os.read(here, 4096)
            except OSError:  # the other end is closed
                break
        os.close(here)
        assert process.wait(timeout=20) == 0
    return told.decode()


@pytest.mark.slow
def test_a_terminal_is_told_what_a_command_does_after_a_second():
    told = on_a_terminal("time.sleep(4); progress.report('second'); time.sleep(3); print('end')")
    assert told.startswith("\r\x1b[Ka phase ")
    assert told.count("\r\x1b[K") == 3
    assert "[31m" not in told.replace("\\x1b[31m", "")
    assert told.endswith("\r\x1b[Ksecond\r\x1b[K")


@pytest.mark.slow
def test_the_line_is_cleared_before_a_result_is_printed():
    told = on_a_terminal(
        "time.sleep(4); from convalgebra.cli.output import tell; tell('wrote x'); time.sleep(1)"
    )
    assert told.endswith("\r\x1b[Kwrote x\r\n")


@pytest.mark.slow
def test_a_pipe_is_told_nothing():
    with started("time.sleep(1)", stderr=subprocess.PIPE) as process:
        assert process.communicate(timeout=20)[1] == ""


def test_phases_are_heard_only_inside():
    heard = []
    progress.report("before")
    with progress.heard_by(heard.append):
        progress.report("inside")
    progress.report("after")
    assert heard == ["inside"]


def test_no_terminal_no_thread(capsys):
    with progress_line():
        progress.report("a phase")
    assert capsys.readouterr().err == ""


def test_long_searches_say_what_they_do():
    import convalgebra as ca

    heard = []
    with progress.heard_by(heard.append):
        ca.equiv("dw3x3,1x1", "1x1,dw3x3", channels=2)
        ca.factor([[1, 2, 1], [2, 4, 2], [1, 2, 1]], "3x1,1x3")
        ca.nearest([[0, 1, 0], [1, -4, 1], [0, 1, 1]], "2x2,2x2", starts=4)
        ca.cost("zoo:vgg16")
        ca.merge("3,3", [[[[1, 2, 1]]], [[[1, 0, 1]]]], input="9")
    for phase in ("dimension of", "how much of", "equations of degree 2", "irreducible factors",
                  "4 starts", "layers are counted", "is merged", "is read"):  # fmt: skip
        assert any(phase in said for said in heard), phase
