"""Printed modules -> Inventory: each with its path and its params, and why there are no MACs."""

from __future__ import annotations

from collections.abc import Sequence

from convalgebra.errors import FormatError, Source, Span
from convalgebra.inventory import Inventory, Module
from convalgebra.language.layer_text import layer_text
from convalgebra.readers.printed.arguments import Unfit, arguments_of
from convalgebra.readers.printed.chains import around, chain_of
from convalgebra.readers.printed.classes import ATTENTION, CONTAINERS, KINDS, told
from convalgebra.readers.printed.grammar import Printed
from convalgebra.readers.printed.told import Foreign, Told

_TOO_MANY = 10**24
_NO_MODEL = "it would have more params than all computers hold"
_FOREIGN = "it is no class of torch.nn"
_NAMESAKE = "it prints no arguments, and the class of torch.nn of that name does"
_PARAMETRIZED = "its weights are made of others, which are not printed"


def inventory_of(printed: Sequence[Printed], source: Source) -> Inventory:
    """The inventory of the modules that `source` prints."""
    parents = {module.parent for module in printed}
    known: dict[tuple[object, ...], Told | None] = {}
    tells = []
    for index, module in enumerate(printed):
        key = (module.kind, module.arguments, module.numbers, index in parents)
        if key not in known:
            known[key] = _told(module, index in parents, source)
        tells.append(known[key])
    tells = [_with_attention(tell, at, printed, tells) for at, tell in enumerate(tells)]
    paths = _paths(printed)
    chain = chain_of(printed, tells, paths, source)
    assumed = dict.fromkeys(tell.of_params for tell in tells if tell is not None)
    assumed[around(printed[0])] = None
    return Inventory(
        model=printed[0].kind,
        modules=_modules(printed, tells, paths),
        reason=chain if isinstance(chain, str) else "",
        holders=tuple(_holders(printed, tells)),
        assumed=tuple(filter(None, assumed)),
        chain=None if isinstance(chain, str) else chain,
    )


def _told(module: Printed, has_children: bool, source: Source) -> Told | None:
    """What a module tells of itself; None where it only holds others."""
    if module.numbers is not None:
        return Told(module.numbers, lacks="it is a parameter, and no layer")
    if module.kind in CONTAINERS:
        if module.arguments:
            what = f"expected nothing in {module.kind} but modules after names, like `(0): ReLU()`"
            raise _broken(Unfit(what, Span(0, len(module.arguments))), module, source)
        return None
    if module.kind.startswith("Parametrized"):
        return Told(None, reason=_PARAMETRIZED, lacks="its weights are made of others")
    if module.kind not in KINDS:
        return None if has_children else _unknown(_FOREIGN)
    try:
        tell = told(module.kind, arguments_of(module.arguments))
    except Foreign as foreign:
        return None if has_children else _unknown(str(foreign))
    except Unfit as unfit:
        # What holds modules, or prints nothing, is somebody's own class of the same name.
        if has_children:
            return None
        if not module.arguments:
            return _unknown(_NAMESAKE)
        raise _broken(unfit, module, source) from None
    if (tell.params or 0) >= _TOO_MANY:
        return _unknown(_NO_MODEL)
    return tell


def _unknown(reason: str) -> Told:
    """A module that has neither params nor a layer here, both for one reason."""
    return Told(None, reason=reason, lacks=reason)


def _broken(unfit: Unfit, module: Printed, source: Source) -> FormatError:
    """What is said of a line that PyTorch cannot have printed."""
    start, stop = (module.arguments_at + at for at in unfit.span)
    if not source.text.startswith(module.arguments, module.arguments_at):  # in several pieces
        start, stop = module.span
    hint = (
        f"if this {module.kind} is no class of torch.nn, write whose it is before its name: "
        f"`library.{module.kind}(`"
    )
    return FormatError(unfit.message, source, Span(start, stop), hint)


def _with_attention(
    tell: Told | None, at: int, printed: Sequence[Printed], tells: Sequence[Told | None]
) -> Told | None:
    """Attention prints nothing but the layer that ends it; its size is that of the others."""
    if tell is None or tell.reason != ATTENTION or at + 1 >= len(printed):
        return tell
    after, out = printed[at + 1], tells[at + 1]
    if after.parent != at or after.name != "out_proj" or out is None or out.takes is None:
        return tell
    size = out.takes.features
    if size is None or out.params not in (size * size, size * (size + 1)):
        return tell
    return tell._replace(reason=f"{ATTENTION}; by default {3 * out.params:,} each")


def _paths(printed: Sequence[Printed]) -> list[tuple[str, ...]]:
    """Where each module stands, outermost name first; () for the whole."""
    paths: list[tuple[str, ...]] = []
    for module in printed:
        outer = paths[module.parent] if module.parent >= 0 else ()
        paths.append((*outer, module.name) if module.parent >= 0 else ())
    return paths


def _modules(
    printed: Sequence[Printed], tells: Sequence[Told | None], paths: Sequence[tuple[str, ...]]
) -> tuple[Module, ...]:
    modules: list[Module] = []
    every: list[int] = []  # how often each stands in the whole
    for module, tell, path in zip(printed, tells, paths, strict=True):
        every.append(module.times * (every[module.parent] if module.parent >= 0 else 1))
        if tell is not None:
            words = [layer for layer in tell.layers or () if layer.opaque is None]
            text = ", ".join(map(layer_text, words))
            name = ".".join(path)
            modules.append(Module(name, module.kind, tell.params, text, every[-1], tell.reason))
    return tuple(modules)


def _holders(printed: Sequence[Printed], tells: Sequence[Told | None]) -> dict[str, None]:
    """Classes that are not of torch.nn and hold modules: they may hold params beside them."""
    both = zip(printed, tells, strict=True)
    return {m.kind: None for m, tell in both if tell is None and m.kind not in CONTAINERS}
