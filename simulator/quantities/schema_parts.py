"""Named parts of the JSON Schema: a field refers to a part, the document defines it once.

A pydantic type that stands for a quantity, a distribution or a family of kinds emits only
``{"x-part": name}``. ``document_schema`` turns the marks into ``$ref`` and writes each part once
under ``$defs``. That keeps the schema small and lets families refer to themselves (a step holds
steps), which pydantic's own generator cannot do for types that are picked while validating.
"""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel

MARK = "x-part"

JsonSchema = dict[str, Any]

_PARTS: dict[str, Callable[[], JsonSchema]] = {}
_SHOWN: dict[str, Callable[[float], str]] = {}


def define_part(
    name: str, build: Callable[[], JsonSchema], show: Callable[[float], str] | None = None
) -> JsonSchema:
    """Define a named part, built when a document needs it, and return the mark for it.

    ``show`` prints a default, which is an SI float in the model, as a document would write it.
    """
    _PARTS[name] = build
    if show is not None:
        _SHOWN[name] = show
    return {MARK: name}


def model_part(model: type[BaseModel]) -> JsonSchema:
    """The mark of a pydantic model, which becomes a part under its own name."""
    return define_part(model.__name__, lambda: model.model_json_schema(by_alias=True))


def one_or_many(schema: JsonSchema) -> None:
    """Let the schema of a list also take a single item, for ``Field(json_schema_extra=...)``."""
    many = {key: schema.pop(key) for key in ("type", "items", "minItems") if key in schema}
    schema["anyOf"] = [many, many["items"]]


def document_schema(model: type[BaseModel]) -> JsonSchema:
    """The whole JSON Schema of a document, with every part that it uses under ``$defs``."""
    schema = model.model_json_schema(by_alias=True)
    definitions: JsonSchema = schema.pop("$defs", {})
    pending = sorted({*_marks(schema), *_marks(definitions)})
    while pending:
        name = pending.pop()
        if name in definitions:
            continue
        part = _PARTS[name]()
        for inner, body in [*part.pop("$defs", {}).items(), (name, part)]:
            assert definitions.setdefault(inner, body) == body, f"two parts are named {inner}"
        pending += sorted({*_marks(part), *_marks(definitions)} - definitions.keys())
    resolved: JsonSchema = _refer({**schema, "$defs": dict(sorted(definitions.items()))})
    return resolved


def _marks(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get(MARK), str):
            yield node[MARK]
        for value in node.values():
            yield from _marks(value)
    elif isinstance(node, list):
        for value in node:
            yield from _marks(value)


def _refer(node: Any) -> Any:
    """Replace marks by references; draft 7 ignores what stands beside a ``$ref``."""
    if isinstance(node, list):
        return [_refer(value) for value in node]
    if not isinstance(node, dict):
        return node
    rest = {key: _refer(value) for key, value in node.items() if key != MARK}
    name = node.get(MARK)
    if not isinstance(name, str):
        return rest
    default = rest.get("default")
    if name in _SHOWN and isinstance(default, int | float):
        rest["default"] = _SHOWN[name](default)
    elif isinstance(default, dict):
        # A distribution or spec dumped by pydantic is not what a document would write.
        del rest["default"]
    reference = {"$ref": f"#/$defs/{name}"}
    return {"allOf": [reference], **rest} if rest else reference
