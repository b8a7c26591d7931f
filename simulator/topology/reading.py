"""From a file to a checked model: the one way in for every command."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import simulator.topology.kinds  # noqa: F401  (registers the kinds)
from simulator.quantities.refusal import nearest
from simulator.topology.checks import check_references, check_sound_part
from simulator.topology.diagnostics import Diagnostic, Diagnostics, DocumentError
from simulator.topology.library import (
    topology_names,
    topology_path,
    workload_names,
    workload_path,
)
from simulator.topology.model import Topology
from simulator.topology.named_files import resolve_files
from simulator.topology.overlay import OverlayError, with_values, with_variant
from simulator.topology.sound_part import sound_part
from simulator.topology.source import DocumentPath, Source, read_source, read_text
from simulator.topology.validation import broken_places, from_validation_error
from simulator.workload.arrival_process import Arrivals
from simulator.workload.model import Workload


@dataclass(frozen=True)
class Loaded:
    """A topology that was read: the model, the data behind it, and warnings about it.

    ``data`` is the document after the variant and the settings were laid over it.
    """

    topology: Topology
    data: dict[str, Any]
    path: Path
    diagnostics: Diagnostics
    variant: str | None = None
    settings: tuple[str, ...] = field(default=())


def load_topology(
    name: str | Path, variant: str | None = None, settings: Sequence[str] = ()
) -> Loaded:
    """Read a topology by path or name; raises DocumentError with every mistake found.

    ``settings`` are ``PATH=VALUE`` pairs, laid over the document after the variant.
    """
    path = topology_path(str(name))
    source, diagnostics = read_source(path)
    if source is None:
        raise DocumentError(_naming(diagnostics, str(name), topology_names()))
    looked = resolve_files(source.data, path.parent)
    data = _overlaid(source, diagnostics, variant, settings)
    topology = _validated(source, data, diagnostics, looked)
    if topology is not None:
        diagnostics.extend(check_references(topology, source, data))
    _check_variants(source, diagnostics, variant)
    if topology is None or diagnostics.errors:
        raise DocumentError(diagnostics)
    return Loaded(topology, data, path, diagnostics, variant, tuple(settings))


def find_workload(name: str | Arrivals) -> Workload:
    """A workload by name or file, or around an arrival process; raises DocumentError."""
    if isinstance(name, Arrivals):
        return Workload.model_construct(name="own", summary=None, arrivals=name, duration=None)
    path = workload_path(name)
    source, diagnostics = read_source(path)
    if path.suffix.lower() == ".csv" and path.is_file():
        raise DocumentError(_trace_itself(path))
    if source is None:
        raise DocumentError(_naming(diagnostics, name, workload_names()))
    looked = resolve_files(source.data, path.parent)
    try:
        return Workload.model_validate(source.data)
    except ValidationError as error:
        diagnostics.extend(_errors(error, source, source.data, looked))
        raise DocumentError(diagnostics) from None


def _trace_itself(path: Path) -> Diagnostics:
    """What to write instead of the name of a trace where a workload is asked for."""
    document = f"{{name: {path.stem}, arrivals: {{kind: replay, file: {path}}}}}"
    hint = f"name a file that says how to replay it: {document} (see: simulate explain replay)"
    found = Diagnostics(str(path))
    found.add(Diagnostic("E106", "this is a trace, not a workload", str(path), None, hint))
    return found


def _naming(missing: Diagnostics, word: str, names: Sequence[str]) -> Diagnostics:
    """What is wrong with a file that is missing, and the name we ship that was meant."""
    if "/" in word or word.endswith((".yaml", ".yml")):
        return missing
    close = nearest(word, names)
    hint = f"did you mean `{close}`?" if close else f"known: {', '.join(names)}"
    better = Diagnostics(missing.file, missing.lines)
    better.extend(found if found.hint else replace(found, hint=hint) for found in missing)
    return better


def setting_pair(text: str) -> tuple[str, Any]:
    """``PATH=VALUE`` as a path and a YAML value."""
    path, separator, value = text.partition("=")
    if not separator or not path:
        raise OverlayError(f"`{text}` is not of the form PATH=VALUE")
    source, diagnostics = read_text(value or "null", f"--set {path}")
    if source is None:
        raise DocumentError(diagnostics)
    return path.strip(), source.data


def _overlaid(
    source: Source, diagnostics: Diagnostics, variant: str | None, settings: Sequence[str]
) -> Any:
    data = source.data
    try:
        if variant is not None and isinstance(data, dict):
            data = with_variant(data, variant)
        if settings and isinstance(data, dict):
            data = with_values(data, [setting_pair(setting) for setting in settings])
    except OverlayError as error:
        diagnostics.add(Diagnostic("E115", str(error), source.file, None, error.hint))
        raise DocumentError(diagnostics) from None
    return data


def _validated(
    source: Source, data: Any, diagnostics: Diagnostics, looked: dict[DocumentPath, str]
) -> Topology | None:
    try:
        return Topology.model_validate(data)
    except ValidationError as error:
        diagnostics.extend(_errors(error, source, data, looked))
        sound = sound_part(data, broken_places)
        if sound is not None:
            diagnostics.extend(check_sound_part(sound, source))
        return None


def _without_a_kind(data: dict[str, Any], variant: str) -> list[str]:
    """What a variant changes as if it were a component of the document."""
    changed = (data["variants"][variant] or {}).get("components") or {}
    return [
        name
        for name, patch in changed.items()
        if name not in data["components"] and isinstance(patch, dict) and "kind" not in patch
    ]


def _errors(
    error: ValidationError, source: Source, data: Any, looked: dict[DocumentPath, str]
) -> Iterator[Diagnostic]:
    """What a validation found, with where files were looked for."""
    where = {source.value_span(path): hint for path, hint in looked.items()}
    for found in from_validation_error(error, source, data):
        hint = where.get(found.span, "") if found.span is not None else ""
        yield found if found.hint else replace(found, hint=hint)


def _patches(data: Any) -> list[str]:
    """The variants that can be laid over the document, if that is one."""
    if not isinstance(data, dict) or not isinstance(data.get("components"), dict):
        return []
    variants = data.get("variants")
    if not isinstance(variants, dict):
        return []
    blocks = {name: (patch or {}) for name, patch in variants.items()}
    return [
        name
        for name, patch in blocks.items()
        if isinstance(patch, dict) and isinstance(patch.get("components") or {}, dict)
    ]


def _check_variants(source: Source, diagnostics: Diagnostics, applied: str | None) -> None:
    """Every variant has to make a valid document, applied or not.

    What is wrong without it is told already, and not again.
    """
    told = {(item.code, item.message) for item in diagnostics}
    for name in _patches(source.data):
        if name == applied:
            continue
        data = with_variant(source.data, name)
        for new in _without_a_kind(source.data, name):
            close = nearest(new, source.data["components"])
            hint = f"did you mean `{close}`?" if close else "a new component needs a `kind`"
            place = source.key_span(("variants", name, "components", new))
            message = f"variant `{name}`: `{new}` is not a component"
            diagnostics.add(Diagnostic("E110", message, source.file, place, hint))
            del data["components"][new]
        found: list[Diagnostic] = []
        try:
            topology = Topology.model_validate(data)
        except ValidationError as error:
            found = from_validation_error(error, source, data)
        else:
            found = [
                item
                for item in check_references(topology, source, data)
                if item.severity == "error"
            ]
        span = source.key_span(source.nearest(("variants", name)))
        for item in found:
            if (item.code, item.message) in told:
                continue
            message = f"variant `{name}`: {item.message}"
            diagnostics.add(Diagnostic(item.code, message, item.file, span, item.hint, item.see))
