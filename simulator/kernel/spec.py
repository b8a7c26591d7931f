"""What every part of a document is read into: a frozen model that knows the fields it allows."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails

from simulator.kernel.documentation import field_texts
from simulator.quantities.refusal import MISSING, UNKNOWN_FIELD, details, nearest, refused

EXTENSION_PREFIX = "x-"
PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types of most values of a document, which hold nothing further."""


class Spec(BaseModel):
    """A frozen part of a document: strict about its fields, except for ``x-*`` keys.

    Extension keys (``x-owner: payments``) are dropped, as in the compose specification. Any other
    key that is no field is an error that names the nearest field; where that field is also
    missing, the typo is reported once. The text under a field is its description in editors and
    in ``simulate explain``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="wrap")
    @classmethod
    def _read_strictly(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, dict):
            return handler(data)
        allowed = cls.field_names()
        fields = {key: value for key, value in data.items() if key in allowed}
        unknown = [
            key for key in data if key not in allowed and not str(key).startswith(EXTENSION_PREFIX)
        ]
        if not unknown:
            return handler(fields)
        errors = []
        try:
            handler(fields)
        except ValidationError as error:
            errors = details(error)
        meant = {key: cls._meant(str(key), allowed - fields.keys()) for key in unknown}
        errors = [
            error
            for error in errors
            if not (_type(error) == MISSING and error.get("loc", ())[-1:] in _ends(meant))
        ]
        errors += [
            refused(
                UNKNOWN_FIELD,
                f"unknown field `{key}`",
                loc=(key,),
                value=data[key],
                hint=f"did you mean `{meant[key]}`?" if meant[key] else "",
                allowed=sorted(allowed),
            )
            for key in unknown
        ]
        raise ValidationError.from_exception_data(cls.__name__, errors)

    @classmethod
    def field_names(cls) -> set[str]:
        """The keys that a document may use, which are the aliases where fields have one."""
        return {field.alias or name for name, field in cls.model_fields.items()}

    @classmethod
    def _meant(cls, word: str, free: set[str]) -> str | None:
        """The field that is spelt most like a word, or the only one whose text has the word."""
        close = nearest(word, free)
        if close is not None:
            return close
        told = [
            name
            for name, text in cls.field_descriptions().items()
            if name in free and re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)
        ]
        return told[0] if len(told) == 1 else None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        if "properties" not in schema:
            return reference  # Pydantic asks again for each validator around the model.
        schema["patternProperties"] = {f"^{EXTENSION_PREFIX}": {}}
        texts = cls.field_descriptions()
        for name, field in cls.model_fields.items():
            part = schema["properties"].get(field.alias or name)
            if part is not None and name in texts:
                part.setdefault("description", texts[name])
        forms = cls.other_forms()
        if forms:
            fields = dict(schema)
            schema.clear()
            schema["anyOf"] = [fields, *forms]
        return reference

    @classmethod
    def other_forms(cls) -> list[dict[str, Any]]:
        """JSON Schemas of what a document may write instead of the mapping of fields."""
        return []

    @classmethod
    def field_descriptions(cls) -> dict[str, str]:
        """What each field means, by its name in code: the text below it, or its description."""
        texts = field_texts(cls)
        given = {name: field.description for name, field in cls.model_fields.items()}
        return {name: text for name in given if (text := given[name] or texts.get(name))}


def models_within(value: Any) -> Iterator[BaseModel]:
    """Every model inside a value at any depth, itself first, in document order."""
    parts: Iterable[Any] = ()
    if isinstance(value, BaseModel):
        yield value
        parts = (getattr(value, name) for name in fields_of(type(value)))
    elif isinstance(value, list | tuple):
        parts = value
    elif isinstance(value, dict):
        parts = value.values()
    for part in parts:
        if type(part) not in PLAIN:
            yield from models_within(part)


@cache
def fields_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The names of the fields of a model in code, in order; pydantic takes longer to tell them."""
    return tuple(model.model_fields)


def _type(error: InitErrorDetails) -> str:
    kind = error["type"]
    return kind if isinstance(kind, str) else kind.type


def _ends(meant: dict[str, str | None]) -> set[tuple[str | int, ...]]:
    return {(name,) for name in meant.values() if name is not None}
