"""What to write instead: the foreign spellings that people bring, and words that nearly read."""

from __future__ import annotations

import re
from difflib import get_close_matches

from convalgebra.language.expressions import SIZE
from convalgebra.language.scanner import RUN
from convalgebra.language.words import NAME, RESERVED
from convalgebra.layers import KINDS, WORDS

EXAMPLES = {
    "conv": "conv 3x3, or 3x3",
    "dw": "dw3x3p1",
    "convt": "convt2x2s2@64",
    "max": "max2x2s2",
    "avg": "avg2x2s2",
    "fc": "fc@1000",
    "linear": "linear@64",
    "gn": "gn32",
    "plaingn": "plaingn32",
    "up": "up2",
    "bilinear": "bilinear2",
    "bilinearto": "bilinearto28x28",
    "bilinearlike": "bilinearlike(id | input)",
    "resize": "resize28x28",
    "resizelike": "resizelike(id | input)",
    "pad": "pad1",
    "crop": "crop1",
    "reflect": "reflect1",
    "replicate": "replicate1",
    "circular": "circular1",
    "shuffle": "shuffle2",
    "pixelshuffle": "pixelshuffle2",
    "cat": "cat(id | 3x3p1)",
    "mul": "mul(id | 3x3p1)",
    "unused": "unused(gap, fc@10)",
    "opaque": "opaque(attention, 64x7x7, 16640, 958144)",
}
_OTHER_NAMES = {
    "identity": "id",
    "skip": "id",
    "batchnorm": "bn",
    "layernorm": "ln",
    "instancenorm": "in",
    "groupnorm": "gn32",
    "swish": "silu",
    "hswish": "hardswish",
    "globalavgpool": "gap",
    "globalmaxpool": "gmp",
    "dense": "fc@1000",
    "concat": "cat(a | b)",
    "concatenate": "cat(a | b)",
    "add": "a + b",
    "upsample": "up2",
    "deconv": "convt2x2s2",
    "convtranspose": "convt2x2s2",
    "depthwise": "dw3x3",
    "dwconv": "dw3x3",
    "adaptiveavgpool": "gap",
    "adaptivemaxpool": "gmp",
    "lrelu": "leakyrelu",
    "leaky_relu": "leakyrelu",
}
_SUFFIX = re.compile(r"(?:[123]d)?(?:\d+(?:x\d+)*[sp\dx]*)?$")  # of BatchNorm2d, deconv2x2s2
_CALLS = {
    "conv": "3x3p1@64b",
    "maxpool": "max2x2s2",
    "avgpool": "avg2x2s2",
    "averagepool": "avg2x2s2",
    "batchnorm": "bn",
    "linear": "fc@1000b",
    "dense": "fc@1000b",
    "relu": "relu",
    "sequential": "3x3p1@64, bn, relu",
}
_CALL = re.compile(rf"(?:\w+\.)*({'|'.join(_CALLS)})\w*[ \t]*\(", re.IGNORECASE)
_SIGN_HINTS = {
    "×": "write the letter x: 3x3",
    "/": "arithmetic in a size stands in parentheses: @(C//2)",
    "*": "a repetition is written count first: 3*(3x3p1, relu)",
    "-": "arithmetic in a size stands in parentheses: @(C - 2)",
}
_LONG_MODIFIERS = ("stride", "dilation", "padding", "output_padding", "groups", "channels")
_STRIDE = re.compile(r"/(\d{1,9})")
_FRAMEWORK_NAME = re.compile(r"\w*[A-Z]\w*|.*\.")  # Conv2d, nn.conv, but not conv_block
_POOL = re.compile(r"(max|avg|average)_?pool(?:ing)?(?:[123]d)?_?(\d+(?:x\d+)*)?", re.IGNORECASE)
_CONVOLUTION = re.compile(r"conv(?:1d|2d|3d|olution)?_?(\d+(?:x\d+)*)?$", re.IGNORECASE)
_DENSE = re.compile(r"(fc|linear|dense)_?(\d+)$", re.IGNORECASE)


def foreign_call(text: str, at: int) -> str:
    """The hint for a framework's class that is called at `at`, like `Conv2d(3, 64)`; else ""."""
    found = _CALL.match(text, at)
    if found is None or not _FRAMEWORK_NAME.match(text[at : found.end()]):
        return ""
    return f"this looks like Python; here it is written like {_CALLS[found.group(1).lower()]}"


def unknown_word(text: str, at: int) -> str:
    """What was likely meant by the unknown word at `at`, or ""."""
    run = NAME.match(text, at)
    name = run.group() if run else ""
    word = name.lower()
    if found := _POOL.match(name):
        kernel = _square(found.group(2) or "2")
        pool = found.group(1).lower()[:3].replace("ave", "avg")
        return f"pooling is written {pool}{kernel}s{kernel.partition('x')[0]}: kernel, then stride"
    if found := _DENSE.match(name):
        return f"the outputs follow an @: {found.group(1).replace('dense', 'fc')}@{found.group(2)}"
    if found := _CONVOLUTION.match(name):
        return f"a convolution is written by its kernel: {_square(found.group(1) or '3')}"
    stem = word if word in _OTHER_NAMES else _SUFFIX.sub("", word)
    if stem in _OTHER_NAMES:
        return f"it is written {_OTHER_NAMES[stem]} here"
    if word in EXAMPLES:
        return f"`{word}` is written like {EXAMPLES[word]}"
    if re.fullmatch(SIZE, name):
        return f"a kernel with one axis is written `conv {name}`"
    if found := re.match(rf"(dw|max|avg|convt|conv)({SIZE}x.*)", name):
        return (
            "a kernel that begins with a small letter is set off: "
            f"{found.group(1)} {found.group(2)}"
        )
    close = get_close_matches(word, sorted(WORDS | RESERVED), n=1, cutoff=0.75)
    return f"did you mean {close[0]}?" if close and close[0] != name else ""


def _square(kernel: str) -> str:
    return kernel if "x" in kernel else f"{kernel}x{kernel}"


def missing_comma(text: str, at: int, last: str, set_off: bool) -> str:
    """What was likely meant where a series breaks off at `at`, after `last`, perhaps `set_off`."""
    here = text[at : at + 1]
    found = RUN.match(text, at)
    run = found.group()[:20] if found else ""
    if here == "=":
        return _misplaced_equals(last)
    if here == "(" and not set_off and last in KINDS:
        return f"`{last}` takes no argument in parentheses"
    if here == "X" and last.isdigit():
        return "write a small x: 3x3"
    if here == "/" and (stride := _STRIDE.match(text, at)):
        return f"a stride is written s{stride.group(1)}"
    if here.isdigit() and set_off and "@" not in last and "x" not in run:
        return f"channels are written with an @: {last}@{run}"
    if here in _SIGN_HINTS:
        return _SIGN_HINTS[here]
    return "layers are joined with a comma" if set_off or run in KINDS or here == "(" else ""


def _misplaced_equals(last: str) -> str:
    if last in _LONG_MODIFIERS:
        return f"no comma stands before a modifier: 3x3 {last}=2"
    if last == ")":
        return "a pattern is defined with def: def block(C) = 3x3p1@C, relu"
    return "a name is a word like conv1 or layer1.0 at the beginning of a line"
