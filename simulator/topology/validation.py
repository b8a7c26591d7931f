"""From pydantic's errors to diagnostics: the place in the text, a stable code, readable words.

Validation reports paths through Python types; a person needs the line. Tags that unions put into
a path are dropped, of the members of a union only the one that was most likely meant is reported,
and a mistyped field is one finding instead of a missing and an unknown one.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import ValidationError

from simulator.quantities.grammar import shown
from simulator.quantities.problem import BadRows, Mistakes, Problem
from simulator.quantities.refusal import nearest
from simulator.topology.codes import CODES
from simulator.topology.diagnostics import Diagnostic, Span
from simulator.topology.source import DocumentPath, Source

_CODE_OF = {
    "unknown_field": "E104",
    "extra_forbidden": "E104",
    "missing": "E105",
    "unit_missing": "E107",
    "impossible_value": "E108",
    "greater_than": "E108",
    "greater_than_equal": "E108",
    "less_than": "E108",
    "less_than_equal": "E108",
    "multiple_of": "E108",
    "finite_number": "E108",
    "too_short": "E108",
    "too_long": "E108",
    "string_too_short": "E108",
    "string_too_long": "E108",
    "unknown_kind": "E113",
    "unknown_key": "E114",
}
_AT_THE_KEY = frozenset({"unknown_field", "extra_forbidden", "unknown_key", "several_keys"})
_OF_THE_WHOLE = frozenset({"missing"})
_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "dict": "a mapping",
    "mapping": "a mapping",
    "model": "a mapping",
    "none": "nothing",
}


OWNERS = 3
"""Kinds at most that a hint names as having a field."""


class _Line(NamedTuple):
    """One error of pydantic with the document's part of its path."""

    type: str
    path: DocumentPath
    branch: tuple[DocumentPath, str]
    """Where the first union on the way stands, and which of its members this error is from."""
    message: str
    context: dict[str, Any]
    value: Any
    name: str
    """The last part of pydantic's path: the field that is missing or unknown."""


def from_validation_error(
    error: ValidationError, source: Source, data: Any = None
) -> list[Diagnostic]:
    """The findings of a validation; ``data`` is what was validated, if not the source's own."""
    document = source.data if data is None else data
    found = [
        _located(part, document)
        for line in error.errors(include_url=False)
        for part in _one_by_one(line)
    ]
    lines = [line for line in found if not isinstance(line.context.get("error"), BadRows)]
    lines = _merged_typos(_likeliest(lines))
    diagnostics = [_diagnostic(line, source, document) for line in lines]
    for line in found:
        cause = line.context.get("error")
        if isinstance(cause, BadRows):
            span = _span(line, source)
            asked = f"read for {source.file}:{span.line}:{span.column}"
            diagnostics += of_rows(cause.problems, asked)
    return diagnostics


def _one_by_one(line: Any) -> list[Any]:
    """An error that stands for several mistakes, of a value or of a file it names: one for each."""
    cause = (line.get("ctx") or {}).get("error")
    if isinstance(cause, Mistakes):
        apart = [{**line, "msg": str(one), "ctx": {"error": one}} for one in cause.mistakes]
        return [part for one in apart for part in _one_by_one(one)]
    problems = getattr(cause, "problems", ())
    if len(problems) < 2 or isinstance(cause, BadRows):
        return [line]
    return [{**line, "msg": str(problem)} for problem in problems]


def of_rows(problems: Iterable[Problem], hint: str = "") -> list[Diagnostic]:
    """The mistakes in a data file, each at its own place."""
    places = [Span(one.line, one.column, one.line, one.column + 1) for one in problems]
    pairs = zip(problems, places, strict=True)
    return [Diagnostic("E120", one.message, one.file, span, hint) for one, span in pairs]


def broken_places(error: ValidationError, data: Any) -> list[DocumentPath]:
    """Where the parts of a document stand that a validation refused."""
    parts = [part for line in error.errors(include_url=False) for part in _one_by_one(line)]
    lines = _likeliest([_located(part, data) for part in parts])
    return [line.path for line in lines]


def _located(line: Any, document: Any) -> _Line:
    """Follow pydantic's path through the document, skipping what the document does not have."""
    path: DocumentPath = ()
    branch: tuple[DocumentPath, str] | None = None
    here = document
    loc = line["loc"]
    kind = line["type"]
    followed = loc[:-1] if kind in _OF_THE_WHOLE else loc
    for part in followed:
        inside = isinstance(here, dict) and part in here
        if not inside and isinstance(here, list) and isinstance(part, int):
            inside = 0 <= part < len(here)
        if inside:
            path, here = (*path, part), here[part]
        elif branch is None:
            branch = (path, str(part))
    # What a check of several fields together says about one of them belongs there.
    cause = (line.get("ctx") or {}).get("error")
    for field in getattr(cause, "fields", ()):
        if isinstance(here, dict) and field in here:
            path = (*path, field)
            break
    return _Line(
        kind,
        path,
        branch or (path, ""),
        line["msg"],
        line.get("ctx") or {},
        line["input"],
        str(loc[-1]) if loc else "",
    )


def _likeliest(lines: list[_Line]) -> list[_Line]:
    """Of the members of each union, the errors of the one that got furthest into the value."""
    kept = []
    by_union: dict[DocumentPath, dict[str, list[_Line]]] = {}
    for line in lines:
        union, member = line.branch
        if member:
            by_union.setdefault(union, {}).setdefault(member, []).append(line)
        else:
            kept.append(line)
    for members in by_union.values():
        best = max(members.values(), key=_progress)
        rest = [line for lines in members.values() for line in lines]
        if len(members) > 1 and _progress(best) == (0, 0) and _one_place(rest):
            expected = list(dict.fromkeys(_expectation(line) for line in rest))
            wanted = " or ".join(expected)
            message = f"expected {wanted}, got {shown(best[0].value)}"
            best = [best[0]._replace(type="wrong_form", message=message, context={})]
        kept += best
    return kept


def _progress(lines: list[_Line]) -> tuple[int, int]:
    deepest = max(len(line.path) - len(line.branch[0]) for line in lines)
    return deepest, max("hint" in line.context for line in lines)


def _one_place(lines: Iterable[_Line]) -> bool:
    return len({line.path for line in lines}) == 1


def _merged_typos(lines: list[_Line]) -> list[_Line]:
    """Join an unknown field with the missing one of the same mapping that it was meant to be."""
    missing = {(line.path, line.name) for line in lines if line.type == "missing"}
    result = []
    for line in lines:
        if line.type == "extra_forbidden":
            parent = line.path[:-1]
            meant = nearest(line.name, [name for path, name in missing if path == parent])
            if meant:
                missing.discard((parent, meant))
                line = line._replace(context={"hint": f"did you mean `{meant}`?"})
        result.append(line)
    return [line for line in result if line.type != "missing" or (line.path, line.name) in missing]


def _diagnostic(line: _Line, source: Source, document: Any) -> Diagnostic:
    code = line.type if line.type in CODES else _CODE_OF.get(line.type, "E106")
    whole = line.type in _OF_THE_WHOLE
    owner_path = line.path if whole else line.path[:-1]
    owner, kind = _owner(owner_path, document)
    if code == "E113" and owner_path:
        owner = f"`{_name(owner_path, whole=True)}`"
    hint = str(line.context.get("hint") or "")
    text = _message(line)
    if code in ("E104", "E105", "E113", "E114") or line.type == "several_keys":
        message = f"{text} in {owner}"
    else:
        field = _field(line.path)
        message = f"{field}{f' in {owner}' if len(line.path) > 1 else ''}: {text}"
    if line.type == "literal_error":
        close = nearest(str(line.value), re.findall(r"'([^']*)'", line.context["expected"]))
        hint = f"did you mean `{close}`?" if close else ""
    if line.type == "list_type" and isinstance(line.value, str | int | float | dict):
        hint = hint or "write a list: `[…]`"
    if line.type == "string_pattern_mismatch":
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", str(line.value)).lstrip("0123456789-")
        hint = f"for example `{name}`" if name.strip("_") else ""
    if code == "E104" and not hint:
        hint = _where_it_stands(line.path[-1] if line.type == "unknown_field" else line.name)
    see = kind if kind and code in ("E104", "E105") else ""
    return Diagnostic(code, message, source.file, _span(line, source), hint, see)


def _where_it_stands(field: object) -> str:
    """A field that is of something else, such as a time limit, which is of a call."""
    from simulator.topology.catalogue import fields_called

    owners = [f"`{owner}`" for owner in fields_called(str(field))]
    if not owners:
        return ""
    more = f" and {len(owners) - OWNERS} more" if len(owners) > OWNERS else ""
    return f"`{field}` is a field of {', '.join(owners[:OWNERS])}{more}"


def _span(line: _Line, source: Source) -> Span:
    if line.path not in source.places:
        return source.key_span(source.nearest(line.path))
    if line.type in _AT_THE_KEY or line.type in _OF_THE_WHOLE:
        span = source.key_span(line.path)
    else:
        span = source.value_span(line.path)
    if not line.path:
        return Span(span.line, span.column, span.line, span.column + 1)
    return span


def _field(path: DocumentPath) -> str:
    """The field as a message names it."""
    if not path:
        return "the document"
    if isinstance(path[-1], int):
        names = [part for part in path if isinstance(part, str)]
        return f"item {path[-1] + 1} of `{names[-1]}`" if names else f"item {path[-1] + 1}"
    return f"`{path[-1]}`"


def _owner(path: DocumentPath, document: Any) -> tuple[str, str]:
    """What a field belongs to, by kind and name where it is of a kind, and that kind."""
    here, found = document, ("", "")
    for number, part in enumerate(path):
        here = here[part]
        if isinstance(here, dict) and isinstance(here.get("kind"), str):
            found = (f"{here['kind']} `{_name(path[: number + 1])}`", here["kind"])
    if found[0]:
        return found
    return (f"`{_name(path, whole=True)}`", "") if path else ("the document", "")


def _name(path: DocumentPath, *, whole: bool = False) -> str:
    if whole:
        return ".".join(str(part) for part in path)
    names = [part for part in path if isinstance(part, str)]
    return names[-1] if names else ""


def _expectation(line: _Line) -> str:
    """What one member of a union would have taken."""
    if line.type == "literal_error":
        return str(line.context["expected"]).replace("'", "`")
    kind = line.type.split("_")[0]
    return _EXPECTED.get(kind) or line.message


def _message(line: _Line) -> str:
    """The error in our words."""
    context, kind = line.context, line.type
    if kind == "missing":
        return f"missing field `{line.name}`"
    if kind == "extra_forbidden":
        return f"unknown field `{line.name}`"
    if kind == "literal_error":
        return f"expected {_expectation(line)}, got {shown(line.value)}"
    bounds = {
        "greater_than": "above",
        "greater_than_equal": "at least",
        "less_than": "below",
        "less_than_equal": "at most",
    }
    if kind in bounds:
        limit = next(iter(context.values()))
        return f"got {shown(line.value)}, must be {bounds[kind]} {limit:g}"
    if kind == "finite_number":
        return f"got {shown(line.value)}, must be a finite number"
    if kind == "string_pattern_mismatch":
        return f"got {shown(line.value)}, a name has letters, digits, `_` and `-` only"
    if kind in ("too_short", "string_too_short"):
        least = context.get("min_length", 1)
        return "must not be empty" if least == 1 else f"needs at least {least} entries"
    if kind in ("too_long", "string_too_long"):
        return f"has more than {context.get('max_length')} entries"
    if kind.endswith(("_type", "_parsing", "_from_float", "_attributes_type")):
        expected = _EXPECTED.get(kind.split("_")[0])
        if expected:
            return f"expected {expected}, got {shown(line.value)}"
    return re.sub(r"^(Value|Assertion) error, ", "", line.message)
