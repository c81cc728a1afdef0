"""What another tool counts, as a table of terms beside ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convalgebra.render.numbered_text import numbered
from convalgebra.render.tables import Table, filled
from convalgebra.sizes import formula, simplest

if TYPE_CHECKING:
    from collections.abc import Callable

    from convalgebra.cost.conventions import Account
    from convalgebra.sizes import Size

_NARROWEST = 24  # for what a term says; past it, it goes on below


def account_table(account: Account, *, write: Callable[[Size], str] = formula) -> Table:
    """Term by term: what the tool counts, what we count of the same, and the difference."""

    def known(size: Size | None) -> str:
        return "not known" if size is None else write(size)

    body = [
        (line.says, write(line.theirs), known(line.ours), _signed(line.difference, write))
        for line in account.lines
    ]
    difference = None
    if account.total is not None and account.ours is not None:
        difference = simplest(account.total - account.ours)
    body.append(("all", known(account.total), known(account.ours), _signed(difference, write)))
    header = (account.convention, account.calls_it, f"our {account.unit}", "difference")
    return Table(header, tuple(body), 1, (len(body) - 1,))


def _signed(size: Size | None, write: Callable[[Size], str]) -> str:
    if size is None:
        return ""
    return f"+{write(size)}" if isinstance(size, int) and size > 0 else write(size)


def account_to_text(account: Account, width: int) -> str:
    """The table of an account, and the sentences above and below it."""
    return "\n\n".join(
        [filled(account_title(account), width), _narrowed(account_table(account), width)]
        + [filled(f"note: {note}", width) for note in account.notes]
    )


def account_title(account: Account) -> str:
    """`fvcore 0.1.5 counts 4,111,512,576 flops, for one input`."""
    if account.total is None:
        return f"what {account.tool} counts is not known"
    return f"{account.tool} counts {formula(account.total)} {account.calls_it}, for one input"


def _narrowed(table: Table, width: int) -> str:
    """The table with what terms say over several lines, and formulas below, where too long."""
    longest = max(len(row[0]) for row in table.rows)
    room = max(_NARROWEST, width - (table.width() - longest))
    rows: list[tuple[str, ...]] = []
    rules: list[int] = []
    for number, (says, *figures) in enumerate(table.rows):
        *above, last = filled(says, room, after="  ").split("\n")
        if number in table.rules:
            rules.append(len(rows))
        rows += [(part, "", "", "") for part in above]
        rows.append((last, *figures))
    return numbered(table._replace(rows=tuple(rows), rules=tuple(rules)), width)
