"""Which words read as a layer.

The cut of run-together text (`dw3x3sSp1`, `max2x2s2ceil`, `gn32`) is decided here, by text alone:
no name that a user defines can change how a layer reads, since a name that reads as one is refused.
"""

from __future__ import annotations

import re

from convalgebra.language.expressions import SIZE
from convalgebra.layers import KINDS, WORDS

_CAPITAL_SIZE = r"(?:\d+(?:[A-WYZ]\d*)?|[A-WYZ]\d*)"
_PADS = rf"{SIZE}(?::{SIZE})?(?:x{SIZE}(?::{SIZE})?)*"
_MODIFIER = rf"(?:psame|ceil|b|[sdo]{SIZE}(?:x{SIZE})*|g{SIZE}|p{_PADS})"
_END = r"(?![\w.])"
# A run may stop in the middle of a layer where a parenthesis follows: kxksSp(K//2), 3x(k+1).
_OPEN = r"[xsdpog:]?(?=\()"
GOES_ON = rf"(?={_MODIFIER}|{_END}|{_OPEN})"  # after the b of 3x3bs2, not of 3x3bn
_SET_OFF_KERNEL = rf"[ \t]+(?:{SIZE}[xsdpogb@,]|{SIZE}{_END}|\()"  # dw kxk

_SPELLED = {
    "kernel": (
        rf"(?={_CAPITAL_SIZE}(?:x{SIZE})*{_MODIFIER}*(?:{_END}|{_OPEN})|\(|{_SET_OFF_KERNEL})"
    ),
    "number": rf"(?={_CAPITAL_SIZE}{_END}|\()",
    "factor": rf"(?={_CAPITAL_SIZE}(?:x{SIZE})*(?:{_END}|x\()|\()",
    "sizes": rf"(?={_CAPITAL_SIZE}(?:x{SIZE})*(?:{_END}|x\()|\()",
    "optional sizes": rf"(?={_CAPITAL_SIZE}(?:x{SIZE})*(?:{_END}|x\()|\(|{_END})",
    "pads": rf"(?={_CAPITAL_SIZE}(?::{SIZE})?(?:x{SIZE}(?::{SIZE})?)*(?:{_END}|[x:]\()|\()",
    "none": rf"(?={_MODIFIER}*{_END})",
}


def _pattern(word: str) -> str:
    kind = KINDS[word]
    if not kind.modifiers and kind.argument == "none":
        return word + _END
    if word == "conv":  # conv1 is a name, as people like it; conv3x3, conv 1 and conv k are layers
        return rf"conv(?!\d+{_END}){_SPELLED['kernel']}"
    return word + _SPELLED[kind.argument]


_WORD = re.compile(
    "|".join(_pattern(word) for word in sorted(WORDS, key=len, reverse=True)), re.ASCII
)
# With one axis it would swallow names like `mb` or `f`: such a kernel is written `conv k`.
_LETTER_KERNEL = re.compile(
    rf"(?={SIZE}(?:x{SIZE})+{_MODIFIER}*(?:{_END}|{_OPEN})|{SIZE}x\()", re.ASCII
)
# After a blank, `s2p1`, `s(k)`, `stride=2` and `@64` go on with the layer; `bn` and `skip` do not.
SET_OFF_MODIFIER = re.compile(
    rf"@|[a-z_]+[ \t]*=|bias{_END}|{_MODIFIER}+(?:{_END}|{_OPEN})|{_OPEN}|[sdpog]{_END}", re.ASCII
)
NAME = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
MERGE_WORDS = frozenset({"cat", "mul", "unused"})
RESERVED = frozenset({"input", "output", "def", "shared", "id"}) | MERGE_WORDS


def layer_word(text: str, at: int) -> str | None:
    """The word of the layer that begins at `at`; "" for a bare kernel; None if none begins here.

    >>> layer_word("max2x2s2", 0), layer_word("3x3", 0), layer_word("maxpool", 0)
    ('max', '', None)
    """
    character = text[at : at + 1]
    if character.isascii() and character.isdigit():
        return ""
    found = _WORD.match(text, at)
    if found is not None:
        return found.group()
    return "" if _LETTER_KERNEL.match(text, at) else None


def reads_as_layer(name: str) -> bool:
    """Whether a name could not be told from a layer, or from a word of the language."""
    if name in RESERVED or name in KINDS or layer_word(name, 0) is not None:
        return True
    return layer_word(f"{name}(", 0) is not None  # axis(3) would be the kernel axi, stride (3)
