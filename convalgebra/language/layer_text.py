"""A layer as text, in canonical form: modifiers in the order s p d o g @ ceil b."""

from __future__ import annotations

import re
from typing import Any

from convalgebra.layers import EPS, KEPT, KINDS, Layer
from convalgebra.sizes import Size
from convalgebra.sizes import text as size_text
from convalgebra.windows import Pad

_PLAIN = re.compile(r"\d+|[acefh-nqrt-wyzA-WYZ]\d*", re.ASCII)
_SMALL_LETTER = re.compile(r"^[a-z]\d*")


def layer_text(layer: Layer) -> str:
    """A layer as the language writes it.

    >>> layer_text(Layer("conv", (3, 3), stride=(2, 2), padding=((1, 1),), bias=True))
    '3x3s2p1b'
    """
    if layer.kind == "slice":
        begin, end = ("" if bound is None else size_text(bound) for bound in layer.bounds)
        return f"[{begin}:{end}]"
    if layer.opaque is not None:
        return f"opaque({opaque_text(layer)})"
    eps = "" if layer.eps == EPS else f"({eps_text(layer.eps)})"
    return _argument(layer) + eps + _modifiers(layer)


def eps_text(eps: float) -> str:
    """The shortest text that reads back as the same float, with a point or an exponent.

    >>> [eps_text(eps) for eps in (1e-3, 1e-12, 2.5e-4, 0.1, 1.0)]
    ['1e-3', '1e-12', '2.5e-4', '0.1', '1.0']
    """
    plain = repr(eps)
    digits, _, power = plain.partition("e")
    whole, _, part = digits.partition(".")
    significant = (whole + part).lstrip("0")
    exponent = int(power or 0) - len(part) + len(significant) - 1
    significant = significant.rstrip("0") or "0"
    rest = f".{significant[1:]}" if len(significant) > 1 else ""
    short = f"{significant[0]}{rest}e{exponent if eps else 0}"
    return short if power or len(short) < len(plain) else plain


def opaque_text(layer: Layer) -> str:
    """What stands between the parentheses of an opaque layer that reads what comes in.

    >>> from convalgebra.layers import Opaque
    >>> opaque_text(Layer("opaque", (64, 7, 7), opaque=Opaque("attention", 4096, None)))
    'attention, 64x7x7, 4096, ?'
    >>> opaque_text(Layer("opaque", (64,), opaque=Opaque("head", 25, 0, biases=5)))
    'head, 64, 20+5, 0'
    >>> fixed = Layer("dw", (3, 3), padding=((1, 1),))
    >>> opaque_text(Layer("opaque", (3, 8, 8), opaque=Opaque("blur", 0, 1728), window=fixed))
    'blur, 3x8x8, 0, 1728, dw3x3p1'
    """
    assert layer.opaque is not None
    name, params, macs, biases = layer.opaque
    held = f"{params - biases}+{biases}" if params is not None and biases else _figure(params)
    shown = [name, _joined(layer.size), held, _figure(macs)]
    window = layer.window
    if window is not None and (window.bias or _padding(window)):  # else the MACs tell all figures
        shown.append(layer_text(window))
    return ", ".join(shown)


def _figure(figure: int | None) -> str:
    return "?" if figure is None else str(figure)


def _size(size: Size) -> str:
    written = size_text(size)
    return written if _PLAIN.fullmatch(written) else f"({written})"


def _joined(sizes: tuple[Size, ...]) -> str:
    return "x".join(map(_size, sizes))


def _argument(layer: Layer) -> str:
    word = "" if layer.kind == "conv" else layer.kind
    argument = KINDS[layer.kind].argument
    sizes = _pads(layer.pads) if argument == "pads" else _joined(layer.size)
    if argument != "kernel":  # only a kernel may begin with a small letter after a word
        return word + _SMALL_LETTER.sub(r"(\g<0>)", sizes)
    if word:
        return f"{word} {sizes}" if sizes[0].islower() else word + sizes
    if sizes[0] == "(" or (len(layer.size) == 1 and not sizes.isdigit()):
        return f"conv {sizes}"  # (k + 1) alone is a group, k alone a name
    return sizes


def _pads(pairs: tuple[Pad, ...]) -> str:
    return "x".join(
        _size(begin) if begin == end else f"{_size(begin)}:{_size(end)}" for begin, end in pairs
    )


def _modifiers(layer: Layer) -> str:
    if layer.kind in ("max", "avg"):
        written = "s" + _joined(_once(layer.stride))  # a pooling always shows its stride
    else:
        written = _values("s", layer.stride, 1)
    written += _padding(layer)
    written += _values("d", layer.dilation, 1) + _values("o", layer.output_padding, 0)
    if layer.groups != 1:
        written += f"g{_size(layer.groups)}"
    if layer.channels != KEPT:
        rule, size = layer.channels
        written += f"@{rule if rule != '=' else ''}{_size(size)}"
    return written + ("ceil" if layer.ceil else "") + ("b" if layer.bias else "")


def _values(letter: str, values: tuple[Size, ...], default: int) -> str:
    differs = any(value != default for value in values)
    return letter + _joined(_once(values)) if differs else ""


def _padding(layer: Layer) -> str:
    if layer.padding == "same":
        return "psame"
    if all(pair == (0, 0) for pair in layer.padding):
        return ""
    return "p" + _pads(_once(layer.padding))


def _once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return values[:1] if all(value == values[0] for value in values) else values
