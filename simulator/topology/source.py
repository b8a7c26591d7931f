"""From the text of a document to plain data, with the place of every key and value.

The text is YAML 1.2 with its core schema: ``on`` is a text, ``010`` is ten, ``1e3`` is a number.
ruamel.yaml splits it into events; nodes, scalars and anchors are made here, because its loaders
keep no limits and hand out their own types. Keys are always texts, as they are the names.

A document is untrusted. Its size, depth and number of nodes are bounded, aliases count as often as
they are used, tags are refused, and whatever the bytes are, the answer is data or diagnostics.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from simulator.quantities.grammar import shown
from simulator.topology.diagnostics import Diagnostic, Diagnostics, DocumentError, Span
from simulator.topology.scalars import plain_scalar, whole_text
from simulator.topology.yaml_words import in_words

BYTES_MAX = 1_000_000
NODES_MAX = 50_000
DEPTH_MAX = 40

DocumentPath = tuple[str | int, ...]
Places = tuple[Span | None, Span]
"""Where the key of an entry stands, if it has one, and where its value does."""

MERGE_KEY = "<<"

_EMPTY, _START = "the document is empty", "start with `simulate new NAME`"


@dataclass(frozen=True)
class Source:
    """A document that was read: its file, its lines, its data, and where everything stands."""

    file: str
    lines: tuple[str, ...]
    data: Any
    places: dict[DocumentPath, Places]

    def key_span(self, path: DocumentPath) -> Span:
        """The place of a key, or of the value where the path is no key."""
        key, value = self.places.get(path) or self.places[self.nearest(path)]
        return key or value

    def value_span(self, path: DocumentPath) -> Span:
        """The place of a value that has one line; a block of several is shown by its key."""
        key, value = self.places.get(path) or self.places[self.nearest(path)]
        return key if key and value.end_line > value.line else value

    def found(self, path: DocumentPath) -> Any:
        """What stands at a place of the document; None if nothing does."""
        here = self.data
        for part in path:
            try:
                here = here[part]
            except (KeyError, IndexError, TypeError):
                return None
        return here

    def nearest(self, path: DocumentPath) -> DocumentPath:
        """The longest part of the path that the document has."""
        while path not in self.places:
            path = path[:-1]
        return path


@dataclass
class _Node:
    """A node of the document before aliases are expanded."""

    value: Any
    """A scalar, a list of nodes, or a list of pairs of nodes."""
    span: Span
    kind: str
    text: str = ""


@dataclass
class _Refused(Exception):
    """Stops the reading of a document with one diagnostic."""

    code: str
    message: str
    span: Span | None = None
    hint: str = ""


def read_source(path: str | Path) -> tuple[Source | None, Diagnostics]:
    """Read a document from a file; the source is None where there is no data to go on with.

    A source with duplicate keys has the first of each, and the diagnostics hold the errors.
    """
    file = str(path)
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        diagnostics = Diagnostics(file)
        diagnostics.add(Diagnostic("E100", f"cannot read {_reason(error)}", file))
        return None, diagnostics
    return read_text(content, file)


def written(data: Any) -> str:
    """A document as YAML text, in its own order, short collections in one line."""
    from io import StringIO

    from ruamel.yaml import YAML

    text = StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.dump(data, text)
    return text.getvalue()


def read_text(content: bytes | str, file: str = "<text>") -> tuple[Source | None, Diagnostics]:
    """Read a document from its bytes; see :func:`read_source`."""
    diagnostics = Diagnostics(file)
    lines: tuple[str, ...] = ()
    try:
        text = _decoded(content)
        lines = tuple(text.splitlines())
        diagnostics.lines = lines
        builder = _Builder(file, diagnostics)
        root = _composed(text, builder)
        data = builder.construct(root)
    except _Refused as refusal:
        diagnostics.add(Diagnostic(refusal.code, refusal.message, file, refusal.span, refusal.hint))
        return None, diagnostics
    source = Source(file, lines, data, builder.places)
    return source, diagnostics


def read_plain(path: str | Path) -> Any:
    """The data of a document that has no mistake; raises DocumentError."""
    source, diagnostics = read_source(path)
    if source is None or diagnostics.errors:
        raise DocumentError(diagnostics)
    return source.data


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "the file: it does not exist"
    if isinstance(error, IsADirectoryError):
        return "a directory; name a file in it"
    if isinstance(error, PermissionError):
        return "the file: permission denied"
    return f"the file: {getattr(error, 'strerror', None) or error}"


def _decoded(content: bytes | str) -> str:
    """The text of the document; refuses what is too large, empty, or no text."""
    if len(content) > BYTES_MAX:
        message = f"the document is larger than {BYTES_MAX / 1e6:g} MB"
        raise _Refused("E109", message, hint="split it, or keep data in a file of its own")
    if isinstance(content, str):
        text = content
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            message = f"the file is not text in UTF-8 (byte {error.start}, line {line})"
            raise _Refused("E100", message, hint="save it as UTF-8") from None
    if "\0" in text:
        raise _Refused("E100", "the file is binary: it holds NUL characters")
    if not text.strip():
        raise _Refused("E101", _EMPTY, hint=_START)
    return text


def _span(event: Event) -> Span:
    start, end = event.start_mark, event.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _composed(text: str, builder: "_Builder") -> _Node:
    """The tree of nodes of the only document in the text."""
    place: StreamMark | None = None
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            place = event.start_mark
            builder.feed(event)
    except _Refused:
        raise
    except MarkedYAMLError as error:
        found = in_words(error)
        span = _mark_span(found.mark or place)
        raise _Refused("E102", f"no valid YAML: {found.message}", span, found.hint) from None
    except YAMLError as error:
        problem = " ".join(str(error).split())[:120]
        raise _Refused("E102", f"no valid YAML: {problem}", _mark_span(place)) from None
    except Exception as error:
        # On some malformed escapes and directives the scanner fails with errors of its own.
        problem = type(error).__name__
        raise _Refused("E102", f"no valid YAML ({problem})", _mark_span(place)) from None
    if builder.root is None:
        raise _Refused("E101", _EMPTY, hint=_START)
    return builder.root


def _mark_span(mark: StreamMark | None) -> Span | None:
    if mark is None:
        return None
    return Span(mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)


@dataclass
class _Builder:
    """Makes nodes of events and then data of nodes, within the limits."""

    file: str
    diagnostics: Diagnostics
    root: _Node | None = None
    places: dict[DocumentPath, Places] = field(default_factory=dict)
    anchors: dict[str, _Node] = field(default_factory=dict)
    open: list[tuple[_Node, str | None]] = field(default_factory=list)
    documents: int = 0
    nodes: int = 0

    def feed(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
            self._begin(event)
        elif isinstance(event, AliasEvent):
            node = self.anchors.get(event.anchor)
            if node is None:
                hint = "an anchor `&name` has to stand before it, and outside of itself"
                raise _Refused("E102", f"unknown alias `*{event.anchor}`", _span(event), hint)
            self._append(_Node(node, _span(event), "alias", node.text))
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            node, anchor = self.open.pop()
            span = _span(event)
            node.span = Span(node.span.line, node.span.column, span.end_line, span.end_column)
            self._append(node, anchor)
        elif isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _Refused("E102", "a second document starts here", _span(event))

    def _begin(self, event: Any) -> None:
        span = _span(event)
        tag = getattr(event, "tag", None) or getattr(event, "ctag", None)
        if tag is not None and str(tag) not in ("", "None"):
            message = f"tags such as {shown(str(tag), 60)} are not used here"
            raise _Refused("E102", message, span, "remove it")
        if isinstance(event, ScalarEvent):
            plain = event.style in (None, "")
            text = whole_text(str(event.value))
            value = plain_scalar(text) if plain else text
            self._append(_Node(value, span, "scalar", text), event.anchor)
            return
        if len(self.open) >= DEPTH_MAX:
            raise _Refused("E109", f"nested deeper than {DEPTH_MAX} levels", span)
        kind = "mapping" if isinstance(event, MappingStartEvent) else "sequence"
        self.open.append((_Node([], span, kind), event.anchor))

    def _append(self, node: _Node, anchor: str | None = None) -> None:
        self.nodes += 1
        self._check_budget(node.span)
        if anchor is not None:
            self.anchors[anchor] = node
        if self.open:
            self.open[-1][0].value.append(node)
        else:
            self.root = node

    def _check_budget(self, span: Span) -> None:
        if self.nodes > NODES_MAX:
            message = f"the document has more than {NODES_MAX} values, aliases included"
            raise _Refused("E109", message, span)

    def construct(self, root: _Node) -> Any:
        """The data of the document; notes duplicate keys and every place."""
        self.nodes = 0
        return self._construct(root, (), None)

    def _construct(self, node: _Node, path: DocumentPath, key: Span | None) -> Any:
        self.nodes += 1
        self._check_budget(node.span)
        self.places[path] = (key, node.span)
        node = _resolved(node)
        if len(path) > DEPTH_MAX:
            raise _Refused("E109", f"nested deeper than {DEPTH_MAX} levels", node.span)
        if node.kind == "sequence":
            return [
                self._construct(item, (*path, number), None)
                for number, item in enumerate(node.value)
            ]
        return self._mapping(node, path) if node.kind == "mapping" else node.value

    def _mapping(self, node: _Node, path: DocumentPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        merged: list[_Node] = []
        for key, value in zip(node.value[::2], node.value[1::2], strict=True):
            if _resolved(key).kind != "scalar":
                raise _Refused("E102", "a key has to be a name, not a list or mapping", key.span)
            if key.text == MERGE_KEY and key.kind == "scalar":
                merged.append(value)
                continue
            if key.text in data:
                first = self.places[(*path, key.text)][0]
                earlier = f", first at line {first.line}" if first else ""
                message = f"duplicate key `{key.text[:40]}`{earlier}"
                hint = "remove or rename one of the two"
                self.diagnostics.add(Diagnostic("E103", message, self.file, key.span, hint))
                continue
            data[key.text] = self._construct(value, (*path, key.text), key.span)
        for value in merged:
            self._merge(data, value, path)
        return data

    def _merge(self, data: dict[str, Any], node: _Node, path: DocumentPath) -> None:
        """Add the entries of ``<<: *anchor`` that the mapping does not have itself."""
        resolved = _resolved(node)
        for part in resolved.value if resolved.kind == "sequence" else [resolved]:
            part = _resolved(part)
            if part.kind != "mapping":
                raise _Refused("E102", "`<<` takes a mapping or a list of mappings", node.span)
            for key, value in zip(part.value[::2], part.value[1::2], strict=True):
                if key.text not in data and key.text != MERGE_KEY:
                    data[key.text] = self._construct(value, (*path, key.text), key.span)


def _resolved(node: _Node) -> _Node:
    while node.kind == "alias":
        node = node.value
    return node
