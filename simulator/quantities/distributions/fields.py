"""Pydantic types of the distributions: ``service_time: DurationDistribution``."""

from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from simulator.quantities.count import COUNT, NUMBER_OF, parse_number
from simulator.quantities.distributions.base import Distribution, Role
from simulator.quantities.distributions.reading import Reader
from simulator.quantities.duration import DURATION, parse_duration
from simulator.quantities.fraction import FRACTION
from simulator.quantities.grammar import QUANTITY_SYNTAX, Dimension, QuantityError
from simulator.quantities.schema_parts import MARK, define_part
from simulator.quantities.size import SIZE, parse_size

_PERCENTILES = r"^(median|p\d{1,2}(\.\d+)?)$"
_INTERVAL = r"^~.+\.\..+$"


def _read_attribute(value: object) -> float:
    """Read a number of an attribute: plain, or a duration or size with its unit."""
    for read in (parse_number, parse_duration, parse_size):
        try:
            return read(value)
        except QuantityError as error:
            if error.type != QUANTITY_SYNTAX:
                raise
    raise QuantityError(
        QUANTITY_SYNTAX,
        f"got {value!r:.40}, expected a number or a label",
        "write it like 3, 10k, 40ms, 2MB or free",
    )


ATTRIBUTE = Dimension(
    name="attribute",
    part="AttributeValue",
    read=_read_attribute,
    show=NUMBER_OF.show,
    examples=("3", "10k", "40ms", "2MB", "free"),
    pattern=r"^\s*\S.*$",
    description="A number, a quantity with its unit, or a label.",
    plain={"type": "number", "minimum": 0},
)


def _family_schema(family: type[Distribution], reader: Reader) -> dict[str, Any]:
    """The schema of the one-key mapping of a family."""
    parts = {
        Role.QUANTITY: reader.dimension.part,
        Role.NUMBER: NUMBER_OF.part,
        Role.COUNT: COUNT.part,
    }
    shape: dict[str, Any] = {}
    if family.parameters and family.name != "empirical":
        properties = {name: {MARK: parts[role]} for name, role in family.parameters.items()}
        shape = {"type": "object", "properties": properties, "additionalProperties": False}
        if family.role("p97.5"):
            shape["patternProperties"] = {_PERCENTILES: {MARK: parts[Role.QUANTITY]}}
        alone = [form[0] for form in family.forms if len(form) == 1]
        shape = {"anyOf": [shape, properties[alone[0]]]} if alone else shape
    summary = (family.__doc__ or "").strip().splitlines()[0]
    return {
        "type": "object",
        "properties": {family.name: {**shape, "description": summary}},
        "required": [family.name],
        "additionalProperties": False,
    }


def _distribution_schema(reader: Reader) -> dict[str, Any]:
    part = {MARK: reader.dimension.part}
    families = [
        family
        for _, family in sorted(Distribution.families.items())
        if (reader.whole or not family.whole) and (reader.labels or family.name != "choice")
    ]
    shorthand = {
        "type": "object",
        "patternProperties": {_PERCENTILES: part},
        "additionalProperties": False,
        "minProperties": 2,
    }
    interval = {"type": "string", "pattern": _INTERVAL}
    return {
        "description": f"{reader.dimension.article_name.capitalize()}, fixed or random: "
        "a quantity, {p50: …, p99: …}, ~low..high, or {family: {…}}.",
        "anyOf": [part, interval, shorthand, *(_family_schema(f, reader) for f in families)],
    }


def _type_of(name: str, reader: Reader) -> tuple[PlainValidator, WithJsonSchema]:
    dimension = reader.dimension
    for part in (dimension, COUNT, NUMBER_OF):
        define_part(part.part, part.json_schema, part.show)
    schema = define_part(name, lambda: _distribution_schema(reader))
    return PlainValidator(lambda value: reader.distribution(value)), WithJsonSchema(schema)


_DURATION = _type_of("DurationDistribution", Reader(DURATION))
_SIZE = _type_of("SizeDistribution", Reader(SIZE))
_FRACTION = _type_of("FractionDistribution", Reader(FRACTION, bound=1.0))
_COUNT = _type_of("CountDistribution", Reader(NUMBER_OF, whole=True))
_ATTRIBUTE = _type_of("AttributeDistribution", Reader(ATTRIBUTE, labels=True, whole=True))

DurationDistribution = Annotated[Distribution, _DURATION[0], _DURATION[1]]
"""Random seconds."""

SizeDistribution = Annotated[Distribution, _SIZE[0], _SIZE[1]]
"""Random bytes."""

FractionDistribution = Annotated[Distribution, _FRACTION[0], _FRACTION[1]]
"""A random number that never leaves [0, 1]."""

CountDistribution = Annotated[Distribution, _COUNT[0], _COUNT[1]]
"""A random count. Continuous families are not rounded: round where whole numbers matter."""

AttributeDistribution = Annotated[Distribution, _ATTRIBUTE[0], _ATTRIBUTE[1]]
"""What a request carries: a random number, or one of several labels."""
