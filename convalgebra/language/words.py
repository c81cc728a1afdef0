"""Which words read as a layer.

The cut of run-together text (`dw3x3sSp1`, `max2x2s2ceil`, `gn32`) is decided here, by text alone:
no name that a user defines can change how a layer reads, since a name that reads as one is refused.
"""

from __future__ import annotations

import re

from convalgebra.language.expressions import SIZE
from convalgebra.layers import KINDS, MERGES, WORDS

# Small patterns, applied one after another: one that says it all takes longer to compile than a
# network takes to be read.
_CAPITAL_SIZES = re.compile(rf"(?:\d+(?:[A-WYZ]\d*)?|[A-WYZ]\d*)(?:[x:]{SIZE})*", re.ASCII)
_SIDES = re.compile(rf"{SIZE}(?:x{SIZE})*", re.ASCII)
_MODIFIER = re.compile(rf"psame|ceil|b|[sdopg]{SIZE}(?:[x:]{SIZE})*", re.ASCII)
_END = re.compile(r"(?![\w.])", re.ASCII)
# A run may stop in the middle of a layer where a parenthesis follows: kxksSp(K//2), 3x(k+1).
_OPEN = re.compile(r"[xsdpog:]?\(")
_LONE_LETTER = re.compile(r"[sdpog](?![\w.])|@|bias(?![\w.])|[a-z_]+[ \t]*=", re.ASCII)
_BLANKS = re.compile(r"[ \t]+")
_LONGEST_WORD = max(map(len, WORDS))


def _past_modifiers(text: str, at: int) -> int:
    while (found := _MODIFIER.match(text, at)) is not None:
        at = found.end()
    return at


def _stops(text: str, at: int) -> bool:
    return _END.match(text, at) is not None or _OPEN.match(text, at) is not None


def goes_on(text: str, at: int) -> bool:
    """Whether a layer goes on or ends here: after the b of `3x3bs2` it does, of `3x3bn` not."""
    return _MODIFIER.match(text, at) is not None or _stops(text, at)


def modifier_set_off(text: str, at: int) -> bool:
    """Whether what follows a blank is a modifier: `s2p1`, `s(k)`, `stride=2`, `@64`; not `bn`."""
    past = _past_modifiers(text, at)
    if (past > at and _stops(text, past)) or _OPEN.match(text, at):
        return True
    return _LONE_LETTER.match(text, at) is not None


NAME = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
MERGE_WORDS = MERGES - {"add"}
RESERVED = frozenset({"input", "output", "def", "shared", "id", "opaque"}) | MERGE_WORDS


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
    # With one axis it would swallow names like `mb` or `f`: such a kernel is written `conv k`.
    sides = _SIDES.match(text, at)
    if sides is None:
        return None
    past = sides.end()
    if "x" in sides.group() and _stops(text, _past_modifiers(text, past)):
        return ""
    return "" if text.startswith("x(", past) else None


def _reads_on(word: str, text: str, at: int) -> bool:
    """Whether what follows the word is what such a layer takes."""
    kind = KINDS[word]
    if kind.argument == "none":
        at = _past_modifiers(text, at) if kind.modifiers else at
        return _END.match(text, at) is not None
    if text.startswith("(", at):
        return True
    if kind.argument == "kernel":
        return _kernel_follows(word, text, at)
    found = _CAPITAL_SIZES.match(text, at)
    if found is None or (":" in found.group() and kind.argument != "pads"):
        return kind.argument == "optional sizes" and _END.match(text, at) is not None
    past = found.end()
    if _END.match(text, past):
        return kind.argument != "number" or "x" not in found.group()
    return text.startswith("x(", past) or (kind.argument == "pads" and text.startswith(":(", past))


def _kernel_follows(word: str, text: str, at: int) -> bool:
    found = _CAPITAL_SIZES.match(text, at)
    if found is not None:
        # conv1 is a name, as people like it; conv3x3, conv 1 and conv k are layers.
        lone = word == "conv" and found.group().isdigit() and _END.match(text, found.end())
        return not lone and _stops(text, _past_modifiers(text, found.end()))
    blanks = _BLANKS.match(text, at)
    if blanks is None:
        return False
    if text.startswith("(", blanks.end()):
        return True
    sides = _SIDES.match(text, blanks.end())  # dw kxk
    if sides is None:
        return False
    past = sides.end()
    return text[past : past + 1] in set("xsdpogb@,") or _END.match(text, past) is not None


def reads_as_layer(name: str) -> bool:
    """Whether a name could not be told from a layer, or from a word of the language."""
    if name in RESERVED or name in KINDS or layer_word(name, 0) is not None:
        return True
    return layer_word(f"{name}(", 0) is not None  # axis(3) would be the kernel axi, stride (3)
