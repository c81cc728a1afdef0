"""Which words read as a layer, and what to say of those that nearly do.

The cut of run-together text (`dw3x3sSp1`, `max2x2s2ceil`, `gn32`) is decided here, by text alone: no
name that a user defines can change how a layer reads, because a name that reads as a layer is refused.
"""

from __future__ import annotations

import re

from convalgebra.language.expressions import SIZE
from convalgebra.layers import KINDS, WORDS

_CAPITAL_SIZE = r"(?:\d+(?:[A-WYZ]\d*)?|[A-WYZ]\d*)"
_MODIFIER = (
    rf"(?:psame|ceil|b|[sdo]{SIZE}(?:x{SIZE})*|g{SIZE}|p{SIZE}(?::{SIZE})?(?:x{SIZE}(?::{SIZE})?)*)"
)
_END = r"(?![\w.])"
# A run may stop in the middle of a layer where a parenthesis follows: kxksSp(K//2), 3x(k+1).
_OPEN = r"[xsdpog:]?(?=\()"

_SPELLED = {
    "kernel": rf"(?={_CAPITAL_SIZE}(?:x{SIZE})*{_MODIFIER}*(?:{_END}|{_OPEN})|\(|[ \t]+(?:{SIZE}[xsdpogb@,]|{SIZE}{_END}|\())",
    "number": rf"(?={_CAPITAL_SIZE}{_END}|\()",
    "factor": rf"(?={_CAPITAL_SIZE}(?:x{SIZE})*{_END}|\()",
    "sizes": rf"(?={_CAPITAL_SIZE}(?:x{SIZE})*{_END}|\()",
    "optional sizes": rf"(?={_CAPITAL_SIZE}(?:x{SIZE})*{_END}|\(|{_END})",
    "pads": rf"(?={_CAPITAL_SIZE}(?::{SIZE})?(?:x{SIZE}(?::{SIZE})?)*{_END}|\()",
    "none": rf"(?=(?:{_MODIFIER})*{_END})",
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
NAME = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
RESERVED = frozenset({"input", "output", "def", "shared", "cat", "mul", "unused", "id"})
MERGE_WORDS = ("cat", "mul", "unused")


def layer_word(text: str, at: int) -> str | None:
    """The word of the layer that begins at `at`; "" for a bare kernel; None if no layer begins here."""
    character = text[at : at + 1]
    if character.isascii() and character.isdigit():
        return ""
    found = _WORD.match(text, at)
    if found is not None:
        return found.group()
    return "" if _LETTER_KERNEL.match(text, at) else None


def reads_as_layer(name: str) -> bool:
    """Whether a name could not be told from a layer, or from a word of the language."""
    return name in RESERVED or name in KINDS or layer_word(name, 0) is not None


_TORCH = re.compile(r"(?:nn\.)?(Conv|MaxPool|AvgPool|BatchNorm|Linear|ReLU|Sequential)\w*\s*\(")
_POOL = re.compile(r"(max|avg|average)_?pool(?:ing)?_?(\d+(?:x\d+)*)?", re.IGNORECASE)
_CONV_WORD = re.compile(r"conv(?:1d|2d|3d|olution)_?(\d+(?:x\d+)*)?", re.IGNORECASE)
_DENSE_NUMBER = re.compile(r"(fc|linear|dense)(\d+)")
_OTHER_NAMES = {
    "identity": "id",
    "skip": "id",
    "batchnorm": "bn",
    "layernorm": "ln",
    "groupnorm": "gn32",
    "swish": "silu",
    "hswish": "hardswish",
    "maxpool": "max2x2s2",
    "avgpool": "avg2x2s2",
    "globalavgpool": "gap",
    "dense": "fc@1000",
    "concat": "cat(a | b)",
    "upsample": "up2",
    "deconv": "convt2x2s2",
    "depthwise": "dw3x3",
    "dwconv": "dw3x3",
}


def hint_for(text: str, at: int) -> str:
    """What was likely meant by the unknown word at `at`, or ""."""
    if found := _TORCH.match(text, at):
        example = {"Conv": "3x3p1@64b", "MaxPool": "max2x2s2", "AvgPool": "avg2x2s2"}
        example |= {"BatchNorm": "bn", "Linear": "fc@1000b", "ReLU": "relu"}
        wanted = example.get(found.group(1), "3x3p1@64, bn, relu")
        return f"this looks like PyTorch; here it is written like {wanted}"
    if found := _POOL.match(text, at):
        kernel = found.group(2) or "2x2"
        word = found.group(1).lower()[:3].replace("ave", "avg")
        return f"pooling is written {word}{kernel}s{kernel.partition('x')[0]}: kernel, then stride"
    if found := _DENSE_NUMBER.match(text, at):
        word = found.group(1).replace("dense", "fc")
        return f"the outputs follow an @: {word}@{found.group(2)}"
    if found := _CONV_WORD.match(text, at):
        return f"a convolution is written by its kernel: {found.group(1) or '3x3'}"
    run = NAME.match(text, at)
    word = run.group().lower() if run else ""
    if word in _OTHER_NAMES:
        return f"did you mean {_OTHER_NAMES[word]}?"
    if re.fullmatch(SIZE, word):
        return f"a kernel with one axis is written `conv {word}`"
    if word and word[:2] == "dw" and re.match(SIZE, word[2:]):
        return f"a kernel that begins with a small letter is set off: dw {word[2:]}"
    if word in ("max", "avg", "dw", "conv", "convt"):
        return f"{word} takes a kernel: {word}2x2" + ("s2" if word in ("max", "avg") else "")
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(WORDS | RESERVED), n=1, cutoff=0.75)
    return f"did you mean {close[0]}?" if close and close[0] != word else ""
