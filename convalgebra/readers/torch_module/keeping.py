"""What a run of a module may change, and how it is put back: the module is the user's own.

Hooks and patched methods write to whatever their closures and globals reach. So before a run all
that the module reaches is looked at, and after it every container, attribute, closure and global
that changed has what it had before.
"""

from __future__ import annotations

import functools
import gc
import sys
import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from weakref import ref

import torch

from convalgebra.errors import UnsupportedError

_MOST = 5_000_000  # objects
_LIBRARY = frozenset({"torch", "torchvision", "numpy", "convalgebra", *sys.stdlib_module_names})
_PLAIN = (str, bytes, int, float, complex, type(None), type(...), torch.dtype, torch.device)
_MISSING = object()


class Kept:
    """All that some objects reach, as it is now. `tensors` are those among them.

    Raises UnsupportedError for what they hold and nobody can put back: an iterator, a lock, a file.
    """

    def __init__(self, roots: Iterable[Any]) -> None:
        self.tensors: list[torch.Tensor] = []
        self._back: list[Callable[[], None]] = []
        self._shared: list[Any] = list(roots)  # what is reached through globals and classes
        self._slots: dict[type, tuple[str, ...]] = {}
        self._seen: dict[int, Any] = {}  # objects are kept, so that no identity is used twice
        self._walk([self._shared.pop(0)], is_own=True)
        while self._shared:
            self._walk([self._shared.pop()], is_own=False)
        tensors = [t for t in self.tensors if not torch.nn.parameter.is_lazy(t) and not t.is_meta]
        self._versions = [(t, t._version) for t in tensors if not t.is_inference()]

    def _walk(self, waiting: list[Any], is_own: bool) -> None:
        while waiting:
            value = waiting.pop()
            if id(value) in self._seen or issubclass(type(value), _PLAIN):
                continue
            if len(self._seen) > _MOST:
                raise UnsupportedError(f"the module reaches more than {_MOST:,} objects")
            self._seen[id(value)] = value
            try:
                if is_own:
                    _check(value)
                waiting.extend(self._parts(value))
            except UnsupportedError:
                raise
            except Exception as error:  # whatever a proxy or a property of an object may raise
                if is_own:
                    raise UnsupportedError(
                        f"a {type(value).__name__} that the module holds cannot be looked at, so "
                        f"it could not be put back: {type(error).__name__}: {str(error)[:200]}"
                    ) from None

    def put_back(self) -> None:
        """Everything as it was when it was looked at."""
        for back in self._back:
            back()

    @property
    def is_written_to(self) -> bool:
        """Whether numbers of some tensor have changed: compiled code may do that unseen."""
        return any(tensor._version != version for tensor, version in self._versions)

    def _parts(self, value: Any) -> Iterator[Any]:
        """What an object refers to; how to put it back is noted."""
        if isinstance(value, torch.Tensor):
            self.tensors.append(value)
        elif isinstance(value, dict):
            self._back.append(_of_a_dict(value))
            yield from value.keys()
            yield from value.values()
        elif isinstance(value, (list, set, deque)):
            self._back.append(_of_a_container(value))
            yield from value
        elif isinstance(value, (tuple, frozenset)):
            yield from value
        elif isinstance(value, types.CellType):
            yield from self._named(value, "cell_contents")
        elif isinstance(value, types.MethodType):
            yield from (value.__self__, value.__func__)
        elif isinstance(value, (types.BuiltinMethodType, types.MethodWrapperType)):
            if isinstance(value.__self__, (dict, list, set, deque)):  # `record = seen.append`
                yield value.__self__
        elif isinstance(value, types.MappingProxyType):
            yield from value.values()
        elif isinstance(value, functools.partial):
            yield from (value.func, value.args, value.keywords)
        elif isinstance(value, types.FunctionType):
            yield from self._of_a_function(value)
        elif isinstance(value, functools._lru_cache_wrapper):
            self._back.append(_of_a_cache(value))
            yield value.__wrapped__
        elif isinstance(value, type):
            yield from self._of_a_class(value)
        elif type(value).__module__ == "numpy" and type(value).__name__ == "ndarray":
            self._back.append(_of_an_array(value))
        if isinstance(value, (type, types.ModuleType)) or type(value).__module__ == "logging":
            return
        if isinstance(getattr(value, "__dict__", None), dict):
            yield value.__dict__
        self._shared.append(type(value))
        if type(value) not in self._slots:
            self._slots[type(value)] = tuple(n for k in type(value).__mro__ for n in _slots(k))
        for name in self._slots[type(value)]:
            yield from self._named(value, name)

    def _named(self, owner: Any, name: str) -> Iterator[Any]:
        """What stands under a name of an object that has no dictionary of names."""
        before = _under(owner, name)

        def back() -> None:
            now = _under(owner, name)
            if now is not before and before is _MISSING:
                delattr(owner, name)
            elif now is not before:
                object.__setattr__(owner, name, before)

        self._back.append(back)
        if before is not _MISSING:
            yield before

    def _of_a_function(self, function: types.FunctionType) -> Iterator[Any]:
        if _of_library(function):
            self._shared += (function.__closure__, function.__defaults__)
            return
        yield from (function.__closure__ or (), function.__defaults__, function.__kwdefaults__)
        names = set(_names_in(function.__code__))
        space = function.__globals__
        self._back.append(_of_a_dict(space, names))
        for value in [space[name] for name in names & space.keys()]:
            if isinstance(value, types.ModuleType):
                if not _of_library(value):
                    inside = vars(value)
                    self._back.append(_of_a_dict(inside, names))
                    self._shared += [inside[name] for name in names & inside.keys()]
            else:
                self._shared.append(value)

    def _of_a_class(self, kind: type) -> Iterator[Any]:
        yield from kind.__bases__
        if _of_library(kind):
            return
        before = {k: v for k, v in vars(kind).items() if k not in ("__dict__", "__weakref__")}

        def back() -> None:
            for name in [n for n in vars(kind) if n not in before and not n.startswith("__")]:
                type.__delattr__(kind, name)
            for name, value in before.items():
                if vars(kind).get(name, _MISSING) is not value:
                    type.__setattr__(kind, name, value)

        self._back.append(back)
        for value in before.values():
            yield getattr(value, "__func__", None) or getattr(value, "fget", None) or value


def _under(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except (AttributeError, ValueError):  # there is none, or the closure is empty
        return _MISSING


def check_gone(made: Iterable[ref[torch.Tensor]]) -> None:
    """Refuse a module that keeps tensors of its run where they are not found.

    Raises UnsupportedError: they have no numbers, and may not be used later.
    """
    left = [tensor for tensor in made if tensor() is not None]
    if left:
        gc.collect()
        left = [tensor for tensor in left if tensor() is not None]
    if left:
        keepers = {type(holder).__name__ for holder in gc.get_referrers(left[0]())}
        raise UnsupportedError(
            f"the module is run without numbers, and {len(left)} tensors of this run are kept by "
            f"something of it that cannot be put back ({', '.join(sorted(keepers)) or 'not seen'}):"
            " clear what its hooks fill before you use it"
        )


def _check(value: Any) -> None:
    """Refuse what has a state of its own that nobody can put back."""
    kind = type(value)
    if hasattr(kind, "__next__") or kind.__module__ in ("_thread", "_socket"):
        raise UnsupportedError(
            "the module itself is run, and what the run changes is put back, which cannot be done "
            f"for an iterator, a file or a lock; take away the attribute that says {value!r:.200}"
        )


def _of_library(value: Any) -> bool:
    name = value.__name__ if isinstance(value, types.ModuleType) else value.__module__
    return str(name).partition(".")[0] in _LIBRARY and name != "__main__"


def _slots(kind: type) -> tuple[str, ...]:
    names = vars(kind).get("__slots__", ()) if not _of_library(kind) else ()
    names = (names,) if isinstance(names, str) else tuple(names)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _names_in(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_in(constant)


def _of_a_dict(value: dict[Any, Any], names: set[str] | None = None) -> Callable[[], None]:
    """How to put a dictionary back, or only what stands under some names."""
    if names is not None:
        chosen = {name: value.get(name, _MISSING) for name in names}

        def back_named() -> None:
            for name, before in chosen.items():
                if before is _MISSING:
                    value.pop(name, None)
                elif value.get(name, _MISSING) is not before:
                    value[name] = before

        return back_named
    base: Any = OrderedDict if isinstance(value, OrderedDict) else dict
    pairs = list(base.items(value))

    def back() -> None:
        now = list(base.items(value))
        if len(now) == len(pairs) and all(
            a is c and b is d for (a, b), (c, d) in zip(now, pairs, strict=True)
        ):
            return
        base.clear(value)
        for key, item in pairs:
            base.__setitem__(value, key, item)

    return back


def _of_a_container(value: Any) -> Callable[[], None]:
    base: Any = next(kind for kind in (list, set, deque) if isinstance(value, kind))
    items = list(base.__iter__(value))

    def back() -> None:
        now = list(base.__iter__(value))
        if len(now) != len(items) or any(a is not b for a, b in zip(now, items, strict=True)):
            base.clear(value)
            (set.update if base is set else base.extend)(value, items)

    return back


def _of_a_cache(cache: Any) -> Callable[[], None]:
    """A cache of a function forgets what it has learned in the run, and all else with it."""
    misses = cache.cache_info().misses

    def back() -> None:
        if cache.cache_info().misses != misses:
            cache.cache_clear()

    return back


def _of_an_array(array: Any) -> Callable[[], None]:
    numbers = array.copy()

    def back() -> None:
        if array.flags.writeable and array.tobytes() != numbers.tobytes():
            array[...] = numbers

    return back
