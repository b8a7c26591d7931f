"""Families of specs that a document picks from by name: registered by their class definition.

A *family* is a class that derives directly from :class:`Kinded` (picked by the field ``kind``) or
from :class:`OneKey` (picked by the single key of a mapping). Deriving from a family and naming
the kind is all it takes to add one; the module only has to be imported. A field annotated with a
family reads any of its kinds::

    components: dict[str, Component]      # {kind: service, ...}
    steps: list[Step]                     # {work: 3ms}

This is a look-up and not a pydantic union, because a union puts its tag into the error path,
reports every member that did not match, and cannot say "did you mean".
"""

import inspect
import re
from typing import Any, ClassVar, Literal, Self, TypeVar, get_args, get_origin

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from simulator.kernel.spec import EXTENSION_PREFIX, Spec
from simulator.quantities.refusal import (
    MISSING,
    SEVERAL_KEYS,
    UNKNOWN_KEY,
    UNKNOWN_KIND,
    WRONG_FORM,
    details,
    nearest,
    refused,
)
from simulator.quantities.schema_parts import define_part, model_part

_SHOWN_KINDS = 16

Family = TypeVar("Family", bound="Registered")


class Registered(Spec):
    """What the two ways to pick have in common: a registry per family, and its JSON Schema."""

    kinds: ClassVar[dict[str, type[Any]]] = {}
    """The kinds of this family by name, in the order of registration."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.is_family():
            cls.kinds = {}
            return
        name = cls.own_name()
        if not name:
            return
        earlier = cls.kinds.get(name, cls)
        if (earlier.__module__, earlier.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"{cls.__qualname__}: {earlier.__qualname__} is already `{name}`")
        cls.kinds[name] = cls

    @classmethod
    def is_family(cls) -> bool:
        """Whether this class is one to pick kinds from, rather than a kind."""
        return any("holds_families" in vars(base) for base in cls.__bases__)

    @classmethod
    def own_name(cls) -> str | None:
        """The name that this class registers under; None for one that is only a base."""
        raise NotImplementedError

    @classmethod
    def pick(cls, value: Any) -> Self:
        """Read the kind that the value names; raises ValidationError or returns an instance."""
        raise NotImplementedError

    @classmethod
    def family_name(cls) -> str:
        """The family as a message names it: ``ArrivalProcess`` is an ``arrival process``."""
        return re.sub(r"(?<!^)(?=[A-Z])", " ", cls.__name__).lower()

    @classmethod
    def a_family(cls) -> str:
        """The family with its article."""
        name = cls.family_name()
        return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"

    @classmethod
    def family_schema(cls) -> dict[str, Any]:
        """The JSON Schema of a field of this family."""
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        if cls.is_family():
            return core_schema.no_info_plain_validator_function(
                cls.pick, metadata={"pydantic_js_functions": [cls.__get_pydantic_json_schema__]}
            )
        return handler(source)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        if cls.is_family():
            return define_part(cls.__name__, cls.family_schema)
        return super().__get_pydantic_json_schema__(core_schema, handler)

    @classmethod
    def _unknown(cls, reason: str, name: object, loc: tuple[str | int, ...]) -> ValidationError:
        """The refusal of a name that no kind has, with the nearest or all of those there are."""
        close = nearest(str(name), cls.kinds)
        known = sorted(cls.kinds)
        listed = ", ".join(f"`{kind}`" for kind in known[:_SHOWN_KINDS])
        more = ", …" if len(known) > _SHOWN_KINDS else ""
        hint = f"did you mean `{close}`?" if close else f"known: {listed}{more}"
        message = f"unknown {cls.family_name()} `{name}`"
        return cls._refusal(reason, message, loc, name, hint)

    @classmethod
    def _refusal(
        cls, reason: str, message: str, loc: tuple[str | int, ...], value: Any, hint: str
    ) -> ValidationError:
        line = refused(reason, message, loc=loc, value=value, hint=hint, family=cls.family_name())
        return ValidationError.from_exception_data(cls.__name__, [line])


class Kinded(Registered):
    """A spec that a document picks with the field ``kind``.

    A kind declares ``kind: Literal["cache"] = "cache"``. A class that does not is a base for
    others and cannot be picked.
    """

    holds_families: ClassVar[bool] = True

    @classmethod
    def own_name(cls) -> str | None:
        if "kind" not in inspect.get_annotations(cls):
            return None
        annotation = cls.model_fields["kind"].annotation
        names = get_args(annotation) if get_origin(annotation) is Literal else ()
        return names[0] if names else None

    @classmethod
    def pick(cls, value: Any) -> Self:
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            what = f"{cls.a_family()} is a mapping with the field `kind`"
            raise cls._refusal(WRONG_FORM, what, (), value, "for example {kind: …}")
        if "kind" not in value:
            listed = ", ".join(f"`{kind}`" for kind in sorted(cls.kinds))
            close = nearest("kind", value)
            hint = f"did you mean `kind` by `{close}`?" if close else f"one of {listed}"
            raise cls._refusal(MISSING, "missing field `kind`", ("kind",), value, hint)
        name = value["kind"]
        kind = cls.kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            raise cls._unknown(UNKNOWN_KIND, name, ("kind",))
        picked: Self = kind.model_validate(value)
        return picked

    @classmethod
    def family_schema(cls) -> dict[str, Any]:
        return {"oneOf": [model_part(kind) for _, kind in sorted(cls.kinds.items())]}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        reference = super().__get_pydantic_json_schema__(core_schema, handler)
        if not cls.is_family() and "kind" in cls.model_fields:
            schema = handler.resolve_ref_schema(reference)
            # The default of `kind` serves code; a document has to name it to be told apart.
            schema["required"] = sorted({*schema.get("required", []), "kind"})
        return reference


class OneKey(Registered):
    """A spec that a document picks with the only key of a mapping, such as ``work: 3ms``.

    A kind declares ``key: ClassVar[str] = "work"``; without a key of its own it is a base. The
    value under the key holds the fields, or stands for one field as ``from_value`` says. A kind
    that needs no value may be written as the bare word.
    """

    holds_families: ClassVar[bool] = True
    key: ClassVar[str] = ""

    @classmethod
    def own_name(cls) -> str | None:
        return cls.__dict__.get("key") or None

    @classmethod
    def from_value(cls, value: Any) -> Any:
        """The fields that a value stands for; by default, a scalar or list is the first field."""
        if isinstance(value, dict):
            return value
        return {} if value is None else {cls.first_field(): value}

    @classmethod
    def first_field(cls) -> str:
        """The field that the class itself declares first."""
        own = [name for name in inspect.get_annotations(cls) if name in cls.model_fields]
        return (own or [*cls.model_fields, ""])[0]

    @classmethod
    def pick(cls, value: Any) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            if value not in cls.kinds:
                raise cls._unknown(UNKNOWN_KEY, value, ())
            value = {value: None}
        known = sorted(cls.kinds)
        example = f"for example `{known[0]}: …`" if known else ""
        if not isinstance(value, dict):
            message = f"{cls.a_family()} is a mapping with one key"
            raise cls._refusal(WRONG_FORM, message, (), value, example)
        keys = [key for key in value if not str(key).startswith(EXTENSION_PREFIX)]
        if len(keys) != 1:
            raise cls._several(value, keys, example)
        kind = cls.kinds.get(keys[0])
        if kind is None:
            raise cls._unknown(UNKNOWN_KEY, keys[0], (keys[0],))
        picked: Self = kind.read(keys[0], value[keys[0]])
        return picked

    @classmethod
    def read(cls, key: str, value: Any) -> Self:
        """Read the value under the key; errors point into the value as the document has it."""
        fields = cls.from_value(value)
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            lines = details(error)
        wrapped = fields is not value and isinstance(fields, dict)
        for line in lines:
            loc = line.get("loc", ())
            # A field that the value as a whole was put into is not a key of the document.
            inserted = wrapped and loc and fields.get(loc[0]) is value
            line["loc"] = (key, *(loc[1:] if inserted else loc))
        raise ValidationError.from_exception_data(cls.__name__, lines)

    @classmethod
    def _several(cls, value: Any, keys: list[str], example: str) -> ValidationError:
        name = cls.family_name()
        if not keys:
            return cls._refusal(WRONG_FORM, f"empty {name}: it needs one key", (), value, example)
        main = next((key for key in keys if key in cls.kinds), keys[0])
        others = [key for key in keys if key != main]
        listed = ", ".join(f"`{key}`" for key in others)
        return cls._refusal(
            SEVERAL_KEYS,
            f"{cls.a_family()} has one key, but `{main}` stands beside {listed}",
            (others[0],),
            value,
            f"start a new {name}, or indent it below `{main}`",
        )

    @classmethod
    def family_schema(cls) -> dict[str, Any]:
        return {"anyOf": [kind.key_schema() for _, kind in sorted(cls.kinds.items())]}

    @classmethod
    def key_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the one-key mapping: the fields, or what stands for the first one."""
        own = model_part(cls)
        name = cls.first_field()
        properties = cls.model_json_schema(by_alias=True).get("properties", {})
        forms = [own, properties[name]] if name in properties else [own, {"type": "null"}]
        return {
            "type": "object",
            "properties": {cls.key: {"anyOf": forms}},
            "required": [cls.key],
            "additionalProperties": False,
            "patternProperties": {f"^{EXTENSION_PREFIX}": {}},
        }
