"""The same examples at every run: a failure that one sees is a failure that everybody sees.

And every answer of `equiv` in a test is written as a certificate, which the checker has to verify.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from typing import Any

import pytest
from hypothesis import settings

import convalgebra.algebra
from convalgebra import check
from convalgebra.algebra import EquivalenceReport, equivalence
from convalgebra.errors import UnsupportedError

settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.load_profile("fixed")

ASKED: list[EquivalenceReport] = []  # in the test that runs
CHECKED: set[Any] = set()  # questions, in all tests
MOST_WEIGHTS, MOST_WORK = 60, 100_000  # of both stacks; a claim with more is not verified
MOST_WITH_SLOW = 2_000, 1_000_000


def _noted(decide: Any) -> Any:
    @wraps(decide)
    def equiv(*stacks: Any, **options: Any) -> EquivalenceReport:
        report: EquivalenceReport = decide(*stacks, **options)
        ASKED.append(report)
        return report

    return equiv


equivalence.equiv = convalgebra.algebra.equiv = _noted(equivalence.equiv)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    ASKED.clear()
    found = yield
    small = (MOST_WEIGHTS, MOST_WORK)
    weights, work = small if item.config.option.markexpr == "not slow" else MOST_WITH_SLOW
    for report in ASKED:
        families = [side.family for side in (report.left, report.right)]
        plan, texts = families[0].plan, (report.left.text, report.right.text)
        question = (*texts, *plan.channels, plan.aligned, bool(report.implicit))
        if question not in CHECKED and sum(family.weights for family in families) <= weights:
            CHECKED.add(question)
            _verify(report, work)
    return found


def _verify(report: EquivalenceReport, work: int) -> None:
    """Raises where the checker rejects the certificate; to take too much work is no fault."""
    try:
        certificate = report.certificate()
    except UnsupportedError:  # there is none of activations other than ReLU
        return
    before = check.WORK_OF_CLAIM, check.WORK_OF_FILE
    try:
        check.WORK_OF_CLAIM, check.WORK_OF_FILE = work, 4 * work
        check.verify(certificate, lambda line: None)
    except check.Open:
        pass
    except check.Wrong as error:
        raise AssertionError(f"{report.left.text} and {report.right.text}: {error}") from None
    finally:
        check.WORK_OF_CLAIM, check.WORK_OF_FILE = before


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="fail if any test is skipped")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.getoption("--no-skips") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("tests were skipped, and --no-skips was given", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
