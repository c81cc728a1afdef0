"""Specs of real networks, as text: `zoo:resnet50`.

Their totals are those of reference implementations, those of the torchvision library where it has
the network. Where `slim_` stands before the name, the values have the names of TF-Slim's endpoints.
"""

from __future__ import annotations

import os

from convalgebra.errors import InputError

_FOLDER = os.path.dirname(__file__)
_ENDING = ".txt"


def names() -> list[str]:
    """The networks of the zoo.

    >>> "resnet50" in names()
    True
    """
    return sorted(
        entry[: -len(_ENDING)] for entry in os.listdir(_FOLDER) if entry.endswith(_ENDING)
    )


def text(name: str) -> str:
    """The spec of the network `name`; InputError if the zoo has none of that name."""
    known = names()
    if name not in known:
        from difflib import get_close_matches

        close = get_close_matches(name[:40].lower(), known)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        raise InputError(
            f"the zoo has no `{name[:40]}`; {hint}`convalgebra zoo` lists its {len(known)} networks"
        )
    with open(os.path.join(_FOLDER, name + _ENDING), encoding="utf-8") as file:
        return file.read()
