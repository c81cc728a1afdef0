"""The formats that can be read, which of them a content is in, and readers of other packages.

A reader is three things, the `Reader` protocol; a module will do. Another package adds one through
the entry-point group `convalgebra.readers`:

    [project.entry-points."convalgebra.readers"]
    keras = "mypackage.reader"

Such readers are looked up when a format is asked for by name that is not ours, or when no reader of
ours recognises a content, and are imported at no other time.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Protocol, cast

from convalgebra.arguments import as_text
from convalgebra.errors import ConvalgebraError, InputError, LanguageError
from convalgebra.network import Network
from convalgebra.shapes import Shape

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from convalgebra.inventory import Inventory

MAX_BYTES = 16 * 2**20  # of text; a reader of binary files may set a `most_bytes` of its own
GROUP = "convalgebra.readers"


class Reader(Protocol):
    """Reads one format.

    `recognises` is given the first bytes of a content (16 MiB of them, if there are so many) and
    the name that errors call it by; it is quick, and imports nothing heavy. `read` is given all of
    it, and raises a ConvalgebraError where it cannot be read. Neither runs anything that stands
    in the content. An optional `most_bytes` is how much `read` takes, 16 MiB by default. Where the
    shape of the input decides how a content is read, an optional `read_on(content, path, input)`
    is called in place of `read`; `input` is None where none was given.
    """

    name: str

    def recognises(self, content: bytes, path: str) -> bool:
        """Whether `content` is in this format."""
        ...

    def read(self, content: bytes, path: str) -> Network | Inventory:
        """The model that `content` writes down."""
        ...


# In the order in which they are asked. The language recognises every text, so it comes last.
# A reader is a module here: readers/NAME.py, or a folder, with the three names of the protocol.
_BUILT_IN = {"json": "own_json", "print": "printed", "onnx": "onnx_file", "text": "text"}


def is_foreign(text: str) -> bool:
    """Whether a text, given as text, is in another format than the language.

    >>> is_foreign("3x3p1@64, relu"), is_foreign('{"schema": "convalgebra.cost/1"}')
    (False, True)
    """
    if text.lstrip()[:1] != "{" and "):" not in text:  # the quick answer
        return False
    return _recognised(text.encode("utf-8", "surrogatepass"), "<stack>").name != "text"


def read_stream(
    stream: IO[bytes],
    what: str,
    name: str,
    form: str | None = None,
    input: str | Shape | None = None,
) -> Network | Inventory:
    """The model that `stream` holds; see `read_content`. Never more is read than is taken."""
    return read_content(stream.read(MAX_BYTES + 1), what, name, form, stream, input)


def read_content(
    content: bytes,
    what: str,
    name: str,
    form: str | None = None,
    rest: IO[bytes] | None = None,
    input: str | Shape | None = None,
) -> Network | Inventory:
    """The model that `content` writes down, in the format `form` or in the one it is in.

    `what` is how a sentence calls the content, `name` what stands before a line number. `input` is
    for readers that need it; others leave it to whoever asks.
    """
    content = _as_utf8(content)
    reader = _recognised(content, name) if form is None else reader_named(form)
    most = getattr(reader, "most_bytes", MAX_BYTES)
    if rest is not None and len(content) > MAX_BYTES and most > MAX_BYTES:
        content += rest.read(most + 1 - len(content))
    if len(content) > most:
        raise InputError(f"{what} has more than {most // 2**20} MiB: too much for a spec")
    if hasattr(reader, "read_on"):
        return cast("Network | Inventory", reader.read_on(content, name, input))
    try:
        return reader.read(content, name)
    except LanguageError as error:
        # Not a text in the language, though nobody else of ours knew it.
        if form is not None or reader.name != "text":
            raise
        try:
            other = _plug_in_for(content, name)
        except InputError as broken:
            error.hint = "; ".join(filter(None, (error.hint, str(broken))))
            raise error from None
        if other is None:
            raise
        return other.read(content, name)


def reader_named(form: str) -> Reader:
    """The reader of the format `form`.

    >>> reader_named("print").name
    'print'
    """
    if as_text(form, "a format", "print") in _BUILT_IN:
        return _built_in(form)
    for entry in _plug_ins():
        if entry.name == form:
            return _PlugIn(entry)
    from difflib import get_close_matches

    known = [*_BUILT_IN, *(entry.name for entry in _plug_ins())]
    close = get_close_matches(form[:40].lower(), known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise InputError(f"no reader is called `{form[:40]}`; {hint}there are {', '.join(known)}")


def _built_in(form: str) -> Reader:
    from importlib import import_module

    return cast(Reader, import_module(f"convalgebra.readers.{_BUILT_IN[form]}"))


def _recognised(content: bytes, name: str) -> Reader:
    for form in _BUILT_IN:
        reader = _built_in(form)
        if reader.recognises(content, name):
            return reader
    return _plug_in_for(content, name) or _built_in("text")  # which says what is wrong


def _as_utf8(content: bytes) -> bytes:
    """What PowerShell writes by `>` is UTF-16, and begins with a mark that says so."""
    if len(content) > 2 and content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return content.decode("utf-16").encode()
        except UnicodeDecodeError:
            pass
    return content


class _PlugIn:
    """A reader of another package. What it does wrong is told as its fault."""

    def __init__(self, entry: EntryPoint) -> None:
        self.name = entry.name
        package = entry.dist.name if entry.dist is not None else entry.value
        self.title = f"the reader `{entry.name}` of the package {package}"
        try:
            self.reader: Reader = entry.load()
        except Exception as error:
            raise self.broken(f"cannot be imported: {_told(error)}") from None
        for part in ("recognises", "read"):
            if not callable(getattr(self.reader, part, None)):
                raise self.broken(f"has no function `{part}`")
        self.most_bytes = getattr(self.reader, "most_bytes", MAX_BYTES)

    def broken(self, fault: str) -> InputError:
        return InputError(f"{self.title} {fault}")

    def recognises(self, content: bytes, path: str) -> bool:
        try:
            return bool(self.reader.recognises(content, path))
        except Exception as error:
            raise self.broken(f"failed on {path}: {_told(error)}") from None

    def read(self, content: bytes, path: str) -> Network | Inventory:
        return self.read_on(content, path, None)

    def read_on(self, content: bytes, path: str, input: str | Shape | None) -> Network | Inventory:
        on = getattr(self.reader, "read_on", None)
        try:
            model = self.reader.read(content, path) if on is None else on(content, path, input)
        except ConvalgebraError:
            raise
        except Exception as error:
            raise self.broken(f"failed on {path}: {_told(error)}") from None
        from convalgebra.inventory import Inventory

        if not isinstance(model, (Network, Inventory)):
            kind = type(model).__name__
            raise self.broken(f"gave a {kind}; a reader gives a Network or an Inventory")
        return model


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _plug_ins() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=GROUP), key=lambda entry: entry.name)


def _plug_in_for(content: bytes, name: str) -> Reader | None:
    """The first reader of another package, by name, that recognises `content`."""
    for entry in _plug_ins():
        reader = _PlugIn(entry)
        if reader.recognises(content, name):
            return reader
    return None
