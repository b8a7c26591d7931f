"""A design that a study varies: a document, the text it came from, and its model."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simulator.studies.errors import StudyError
from simulator.topology.checks import check_references
from simulator.topology.diagnostics import Diagnostic, Diagnostics, DocumentError
from simulator.topology.library import topology_path
from simulator.topology.model import Topology
from simulator.topology.overlay import Data, OverlayError, closest, with_values
from simulator.topology.reading import load_topology, setting_pair
from simulator.topology.source import Source, read_source, read_text
from simulator.topology.validation import from_validation_error

RUN_FILE = "run.json"
STUDY_FILE = "study.json"
RATE_WORDS = frozenset({"rps", "rate"})
LENGTHS = frozenset({"run.duration", "run.requests"})
"""Fields for the length of a single run."""


@dataclass(frozen=True, repr=False)
class Design:
    """A valid document under a name.

    ``saved`` is the result document if the design was taken from a saved run. ``variant`` and
    ``settings`` are what of the file it is, as a command line says it.
    """

    name: str
    data: Data
    topology: Topology
    source: Source
    saved: dict[str, Any] | None = None
    warnings: tuple[Diagnostic, ...] = ()
    variant: str = ""
    settings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        parts, rate = len(self.topology.components), self.topology.rate
        noun = "component" if parts == 1 else "components"
        return f"<Design {self.name}: {parts} {noun} at {rate:g} rps, {self.source.file}>"

    def varied(self, settings: Iterable[tuple[str, Any]], name: str | None = None) -> "Design":
        """The design with values replaced; raises DocumentError with every mistake found."""
        pairs = [(_full_path(path), _rate_value(path, value)) for path, value in settings]
        diagnostics = Diagnostics(self.source.file, tuple(self.source.lines))
        try:
            data = with_values(self.data, pairs)
        except OverlayError as error:
            diagnostics.add(Diagnostic("E115", str(error), self.source.file, None, error.hint))
            raise DocumentError(diagnostics) from None
        try:
            topology = validated(data, self.source, diagnostics)
        except DocumentError as error:
            raise DocumentError(self._suggesting(error.diagnostics, pairs)) from None
        said = tuple(f"{path}={_in_yaml(value)}" for path, value in pairs)
        return replace(
            self,
            name=name or self.name,
            data=data,
            topology=topology,
            saved=None,
            settings=self.settings + said,
        )

    def _suggesting(
        self, diagnostics: Diagnostics, pairs: Sequence[tuple[str, Any]]
    ) -> Diagnostics:
        """The findings, with the field that a mistyped path was meant to end in."""
        better = Diagnostics(diagnostics.file, diagnostics.lines)
        for found in diagnostics:
            for path, _ in pairs:
                *owners, word = path.split(".")
                if found.code == "E104" and not found.hint and f"`{word}`" in found.message:
                    spec = self.topology.components.get(owners[-1]) if owners else None
                    known = type(spec).model_fields if spec is not None else Topology.model_fields
                    found = replace(found, hint=closest(word, known))
            better.add(found)
        return better


def load_design(word: str, settings: Sequence[str] = ()) -> Design:
    """The design a word means: a file, ``file@variant``, a name we ship, or a saved run.

    ``settings`` are ``PATH=VALUE`` pairs laid over it. Raises DocumentError or StudyError.
    """
    path = Path(word)
    saved = [path] if path.suffix == ".json" else [path / RUN_FILE, path / STUDY_FILE]
    place = next((own for own in saved if own.is_file()), saved[0])
    if path.suffix == ".json" or place.is_file():
        design = _from_saved_run(place)
    else:
        name, _, variant = word.partition("@")
        loaded = load_topology(name, variant or None)
        source, diagnostics = read_source(topology_path(name))
        if source is None:
            raise DocumentError(diagnostics)
        label = variant or loaded.topology.name
        warnings = tuple(loaded.diagnostics.warnings)
        design = Design(label, loaded.data, loaded.topology, source, None, warnings, variant)
    return design.varied(pairs_of(settings)) if settings else design


def pairs_of(settings: Sequence[str]) -> list[tuple[str, Any]]:
    """``PATH=VALUE`` words as paths and values; raises StudyError."""
    try:
        return [setting_pair(setting) for setting in settings]
    except OverlayError as error:
        raise StudyError(str(error), error.hint or "write it like gpu_pool.replicas=8") from None


def validated(data: Data, source: Source, diagnostics: Diagnostics) -> Topology:
    """The model of a changed document; raises DocumentError with every mistake found."""
    try:
        topology = Topology.model_validate(data)
    except ValidationError as error:
        diagnostics.extend(from_validation_error(error, source, data))
        raise DocumentError(diagnostics) from None
    diagnostics.extend(
        found for found in check_references(topology, source, data) if found.severity == "error"
    )
    if diagnostics.errors:
        raise DocumentError(diagnostics)
    return topology


def refuse_lengths(design: Design, paths: Iterable[str] = ()) -> None:
    """Raise StudyError if the length of a run was set, or is varied: a study has one for all."""
    said = [setting.partition("=")[0] for setting in design.settings]
    for path in [*said, *paths]:
        if path in LENGTHS:
            raise StudyError(
                f"`{path}` changes nothing here: all runs of a study are of one length",
                "say it with --requests; compare, sweep and drill take --duration as well",
            )


def unique_names(designs: Sequence[Design]) -> list[Design]:
    """The designs under names of their own: of their files where those differ, else numbered."""
    names = [design.name for design in designs]
    stems = [Path(design.source.file).stem for design in designs]
    if len(set(names)) < len(names):
        named = [stem if names.count(name) > 1 else name
                 for name, stem in zip(names, stems, strict=True)]  # fmt: skip
        if len(set(named)) == len(named):
            names = named
    seen: dict[str, int] = {}
    result = []
    for design, name in zip(designs, names, strict=True):
        seen[name] = seen.get(name, 0) + 1
        own = name if seen[name] == 1 else f"{name} ({seen[name]})"
        result.append(replace(design, name=own))
    return result


def _from_saved_run(path: Path) -> Design:
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StudyError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        saved = None
    document = saved.get("document", saved) if isinstance(saved, dict) else None
    name = path.parent.resolve().name if path.name == RUN_FILE else path.stem
    return design_of_run(document, name, str(path))


def design_of_run(document: Any, name: str, place: str) -> Design:
    """The design that a result of a run was made from; raises StudyError if it is none."""
    try:
        text = document["provenance"]["topology"]
        document["rate"], document["seed"], document["horizon_s"], document["replications"]
        document["run"]["endings"], document["arrivals"], document["workload"]
    except (KeyError, TypeError):
        if isinstance(document, dict) and "study" in document:
            raise StudyError(
                f"{place} is not a saved run but the result of `{document['study']}`",
                f"name a design, such as {document.get('file') or 'its file'}, or the folder of "
                "a run",
            ) from None
        raise StudyError(
            f"{place} is not a saved run",
            "give the folder that `simulate` wrote its report to, or what `--json` printed",
        ) from None
    return replace(design_of_text(text, place), name=name, saved=document)


def design_of_text(text: str, place: str) -> Design:
    """The design that a document in memory describes; ``place`` stands for its file in messages.

    Raises DocumentError with every mistake found.
    """
    source, diagnostics = read_text(text, place)
    if source is None:
        raise DocumentError(diagnostics)
    topology = validated(source.data, source, diagnostics)
    return Design(topology.name, source.data, topology, source)


def _in_yaml(value: Any) -> str:
    """A value as YAML on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _full_path(path: str) -> str:
    return "rate" if path in RATE_WORDS else path


def _rate_value(path: str, value: Any) -> Any:
    bare = isinstance(value, int | float) and not isinstance(value, bool)
    if path in RATE_WORDS and (bare or str(value).replace(".", "", 1).isdigit()):
        return f"{value} rps"
    return value
