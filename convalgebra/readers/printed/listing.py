"""Printed modules -> Inventory: each with its path and its params, and why there are no MACs."""

from __future__ import annotations

from collections.abc import Sequence

from convalgebra.errors import Source
from convalgebra.inventory import Inventory, Module
from convalgebra.language.layer_text import layer_text
from convalgebra.readers.printed.arguments import arguments_of
from convalgebra.readers.printed.chains import chain_of
from convalgebra.readers.printed.classes import ATTENTION, CONTAINERS, KINDS, told
from convalgebra.readers.printed.grammar import Printed
from convalgebra.readers.printed.told import Told, Unfit

_TOO_MANY = 10**24
_NO_MODEL = "it would have more params than all computers hold"
_FOREIGN = "it is no class of torch.nn"
_OTHER_ARGUMENTS = "its arguments are not those that torch.nn prints"
_PARAMETRIZED = "its weights are made of others, which are not printed"


def inventory_of(printed: Sequence[Printed], source: Source) -> Inventory:
    """The inventory of the modules that `source` prints."""
    parents = {module.parent for module in printed}
    known: dict[tuple[object, ...], Told | None] = {}
    tells = []
    for index, module in enumerate(printed):
        key = (module.kind, module.arguments, module.numbers, index in parents)
        if key not in known:
            known[key] = _told(module, index in parents)
        tells.append(known[key])
    tells = [_with_attention(tell, at, printed, tells) for at, tell in enumerate(tells)]
    paths = _paths(printed)
    chain = chain_of(printed, tells, paths, source)
    return Inventory(
        model=printed[0].kind,
        modules=_modules(printed, tells, paths),
        reason=chain if isinstance(chain, str) else "",
        holders=tuple(_holders(printed, tells)),
        assumed=tuple(dict.fromkeys(tell.of_params for tell in tells if tell and tell.of_params)),
        chain=None if isinstance(chain, str) else chain,
    )


def _told(module: Printed, has_children: bool) -> Told | None:
    """What a module tells of itself; None where it only holds others."""
    if module.numbers is not None:
        return Told(module.numbers, lacks="it is a parameter, and no layer")
    if module.kind in CONTAINERS and not module.arguments:
        return None
    if module.kind.startswith("Parametrized"):
        return Told(None, reason=_PARAMETRIZED, lacks="its weights are made of others")
    arguments = arguments_of(module.arguments)
    reason = _OTHER_ARGUMENTS if module.kind in KINDS else _FOREIGN
    try:
        tell = None if arguments is None else told(module.kind, arguments)
    except Unfit as unfit:
        tell, reason = None, str(unfit)
    if tell is None and not has_children:
        return Told(None, reason=reason, lacks=reason)
    if tell is not None and (tell.params or 0) >= _TOO_MANY:
        return Told(None, reason=_NO_MODEL, lacks=_NO_MODEL)
    return tell


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
            text = ", ".join(map(layer_text, tell.layers or ()))
            name = ".".join(path)
            modules.append(Module(name, module.kind, tell.params, text, every[-1], tell.reason))
    return tuple(modules)


def _holders(printed: Sequence[Printed], tells: Sequence[Told | None]) -> dict[str, None]:
    """Classes that are not of torch.nn and hold modules: they may hold params beside them."""
    both = zip(printed, tells, strict=True)
    return {m.kind: None for m, tell in both if tell is None and m.kind not in CONTAINERS}
