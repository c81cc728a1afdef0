"""Which words read as a layer.

The cut of run-together text (`dw3x3sSp1`, `max2x2s2ceil`, `gn32`) is decided here, by text alone:
no name that a user defines can change how a layer reads, since a name that reads as one is refused.
"""

from __future__ import annotations

import re
from functools import cache

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

# What may follow a word, by what the word takes.
_FOLLOWS = {
    "nothing": _END,
    "none": rf"{_MODIFIER}*{_END}",
    "kernel": rf"{_CAPITAL_SIZE}(?:x{SIZE})*{_MODIFIER}*(?:{_END}|{_OPEN})|\(|{_SET_OFF_KERNEL}",
    "number": rf"{_CAPITAL_SIZE}{_END}|\(",
    "factor": rf"{_CAPITAL_SIZE}(?:x{SIZE})*(?:{_END}|x\()|\(",
    "sizes": rf"{_CAPITAL_SIZE}(?:x{SIZE})*(?:{_END}|x\()|\(",
    "optional sizes": rf"{_CAPITAL_SIZE}(?:x{SIZE})*(?:{_END}|x\()|\(|{_END}",
    "pads": rf"{_CAPITAL_SIZE}(?::{SIZE})?(?:x{SIZE}(?::{SIZE})?)*(?:{_END}|[x:]\()|\(",
}
_LONGEST_WORD = max(map(len, WORDS))
_LONE_NUMBER = re.compile(rf"\d+{_END}", re.ASCII)
_SIDE_THEN_X = re.compile(r"[A-Za-z]\d*x", re.ASCII)


# Compiled when first met: together they take longer to compile than a network to be read.
@cache
def _follows(what: str) -> re.Pattern[str]:
    return re.compile(_FOLLOWS[what], re.ASCII)


@cache
def _letter_kernel() -> re.Pattern[str]:
    # With one axis it would swallow names like `mb` or `f`: such a kernel is written `conv k`.
    return re.compile(rf"{SIZE}(?:x{SIZE})+{_MODIFIER}*(?:{_END}|{_OPEN})|{SIZE}x\(", re.ASCII)


@cache
def set_off_modifier() -> re.Pattern[str]:
    """What goes on with a layer after a blank: `s2p1`, `s(k)`, `stride=2`, `@64`; not `bn`."""
    return re.compile(
        rf"@|[a-z_]+[ \t]*=|bias{_END}|{_MODIFIER}+(?:{_END}|{_OPEN})|{_OPEN}|[sdpog]{_END}",
        re.ASCII,
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
    for length in range(_LONGEST_WORD, 1, -1):
        word = text[at : at + length]
        if len(word) == length and word in WORDS and _reads_on(word, text, at + length):
            return word
    # The first test is cheap, and most names fail it.
    is_kernel = _SIDE_THEN_X.match(text, at) and _letter_kernel().match(text, at)
    return "" if is_kernel else None


def _reads_on(word: str, text: str, at: int) -> bool:
    kind = KINDS[word]
    if word == "conv" and _LONE_NUMBER.match(text, at):
        return False  # conv1 is a name, as people like it; conv3x3, conv 1 and conv k are layers
    plain = kind.argument == "none" and not kind.modifiers
    return _follows("nothing" if plain else kind.argument).match(text, at) is not None


def reads_as_layer(name: str) -> bool:
    """Whether a name could not be told from a layer, or from a word of the language."""
    if name in RESERVED or name in KINDS or layer_word(name, 0) is not None:
        return True
    return layer_word(f"{name}(", 0) is not None  # axis(3) would be the kernel axi, stride (3)
