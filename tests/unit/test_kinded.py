"""A kind is one class definition: picked by name, refused with a suggestion, at its own place."""

import json
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from simulator.kernel.kinded import Kinded, OneKey
from simulator.kernel.spec import Spec
from simulator.quantities import Count, Duration, PositiveDuration
from simulator.quantities.schema_parts import document_schema, one_or_many


class Box(Kinded):
    """A family picked by kind."""

    replicas: Count = 1
    """How many there are."""


class Move(OneKey):
    """A family picked by key."""


class Shop(Box):
    """A box with moves."""

    kind: Literal["shop"] = "shop"
    moves: list[Move] = Field(default_factory=list)
    timeout: Duration = 1.0


class Cellar(Box):
    """A box that needs its height."""

    kind: Literal["cellar"] = "cellar"
    height: Count


class Pause(Move):
    """Wait for a time that the value gives."""

    key: ClassVar[str] = "pause"
    time: PositiveDuration

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return {"time": value}


class Visit(Move):
    """Go somewhere, by name or with fields."""

    key: ClassVar[str] = "visit"
    to: str
    within: PositiveDuration | None = None
    otherwise: list[Move] = Field(default_factory=list)


class Leave(Move):
    """Needs nothing."""

    key: ClassVar[str] = "leave"


class Timed(Move):
    """A base for others, with a key of none."""

    key: ClassVar[str] = ""
    seconds: Duration = 0.0


class Nap(Timed):
    """Inherits its fields from a base that is no kind."""

    key: ClassVar[str] = "nap"


class Street(Spec):
    """A document."""

    boxes: dict[str, Box]
    first: Box | None = None
    moves: list[Move | list[Move]] = Field(default_factory=list)


def places(error: ValidationError) -> dict[tuple[Any, ...], str]:
    """Message by place, and a hint after a bar."""
    return {
        line["loc"]: f"{line['msg']} | {line.get('ctx', {}).get('hint', '')}"
        for line in error.errors()
    }


def refusal(document: Any) -> dict[tuple[Any, ...], str]:
    """The errors of a street that must not be accepted."""
    with pytest.raises(ValidationError) as caught:
        Street.model_validate(document)
    return places(caught.value)


def test_kinds_register_by_their_definition() -> None:
    assert Box.kinds == {"shop": Shop, "cellar": Cellar}
    assert Move.kinds == {"pause": Pause, "visit": Visit, "leave": Leave, "nap": Nap}


def test_a_field_of_a_family_reads_any_of_its_kinds() -> None:
    street = Street.model_validate(
        {
            "boxes": {
                "a": {"kind": "shop", "moves": [{"pause": "3ms"}, {"visit": "b"}, "leave"]},
                "b": {"kind": "cellar", "height": "2k", "x-note": "dry"},
            },
            "moves": [[{"nap": {"seconds": "2s"}}, {"nap": "3s"}], {"leave": None}],
        }
    )
    assert street.boxes["b"] == Cellar(height=2000)
    shop = street.boxes["a"]
    assert isinstance(shop, Shop)
    assert shop.moves == [Pause(time="3ms"), Visit(to="b"), Leave()]
    assert street.moves == [[Nap(seconds="2s"), Nap(seconds="3s")], Leave()]


def test_a_spec_is_frozen_and_families_read_their_own_instances() -> None:
    cellar = Cellar(height=1)
    with pytest.raises(ValidationError):
        cellar.height = 2  # type: ignore[misc]
    assert Street(boxes={"a": cellar}).boxes["a"] is cellar
    assert Box.model_validate({"kind": "cellar", "height": 3}) == Cellar(height=3)


def test_an_unknown_kind_gets_a_suggestion() -> None:
    assert refusal({"boxes": {"a": {"kind": "shopp"}}}) == {
        ("boxes", "a", "kind"): "unknown box `shopp` | did you mean `shop`?"
    }
    assert refusal({"boxes": {"a": {"kind": "zzz"}}}) == {
        ("boxes", "a", "kind"): "unknown box `zzz` | known: `cellar`, `shop`"
    }
    assert refusal({"boxes": {"a": {"knd": "shop"}}}) == {
        ("boxes", "a", "kind"): "missing field `kind` | did you mean `kind` by `knd`?"
    }
    assert refusal({"boxes": {"a": 3, "b": {"kind": ["shop"]}}}).keys() == {
        ("boxes", "a"),
        ("boxes", "b", "kind"),
    }


def test_a_typo_is_reported_once_with_the_field_that_was_meant() -> None:
    assert refusal({"boxes": {"a": {"kind": "cellar", "heigth": 3}}}) == {
        ("boxes", "a", "heigth"): "unknown field `heigth` | did you mean `height`?"
    }
    two = refusal({"boxes": {"a": {"kind": "cellar", "zzz": 3}}})
    assert two.keys() == {("boxes", "a", "zzz"), ("boxes", "a", "height")}


def test_errors_lie_at_the_place_of_the_document() -> None:
    moves = [{"pause": "3"}, {"visit": {"to": "b", "within": -1}}, {"visit": {"otherwise": [{}]}}]
    errors = refusal({"boxes": {"a": {"kind": "shop", "moves": moves, "timeout": 500}}})
    root = ("boxes", "a", "moves")
    assert errors.keys() == {
        (*root, 0, "pause"),
        (*root, 1, "visit", "within"),
        (*root, 2, "visit", "to"),
        (*root, 2, "visit", "otherwise", 0),
        ("boxes", "a", "timeout"),
    }
    assert errors[("boxes", "a", "timeout")].startswith('got "500", a duration needs a unit')


def test_a_mapping_of_one_key_has_one_key() -> None:
    errors = refusal({"boxes": {"a": {"kind": "shop", "moves": [{"visit": "b", "within": "1s"}]}}})
    assert errors == {
        ("boxes", "a", "moves", 0, "within"): (
            "a move has one key, but `visit` stands beside `within`"
            " | start a new move, or indent it below `visit`"
        )
    }
    errors = refusal({"boxes": {"a": {"kind": "shop", "moves": ["leav", {"puase": 1}, 3]}}})
    assert [message.split("|")[1].strip() for message in errors.values()] == [
        "did you mean `leave`?",
        "did you mean `pause`?",
        "for example `leave: …`",
    ]


def test_a_name_can_be_taken_once() -> None:
    with pytest.raises(TypeError, match="already `shop`"):

        class Stall(Box):
            kind: Literal["shop"] = "shop"

    assert Box.kinds["shop"] is Shop


def test_the_schema_defines_every_kind_once() -> None:
    schema = document_schema(Street)
    definitions = schema["$defs"]
    assert definitions["Box"]["oneOf"] == [{"$ref": "#/$defs/Cellar"}, {"$ref": "#/$defs/Shop"}]
    assert definitions["Shop"]["required"] == ["kind"]
    assert definitions["Shop"]["properties"]["replicas"]["description"] == "How many there are."
    assert definitions["Shop"]["properties"]["timeout"]["default"] == "1s"
    keys = [set(form["properties"]) for form in definitions["Move"]["anyOf"]]
    assert keys == [{"leave"}, {"nap"}, {"pause"}, {"visit"}]
    text = json.dumps(schema)
    assert "x-part" not in text
    for part in text.split('"#/$defs/')[1:]:
        assert part.split('"')[0] in definitions


def test_the_text_below_a_field_describes_it() -> None:
    assert Shop.field_descriptions() == {"replicas": "How many there are."}
    properties = document_schema(Street)["$defs"]["Cellar"]["properties"]
    assert properties["replicas"]["description"] == "How many there are."


class Size(Spec):
    """Written as fields or as a bare count."""

    width: list[Count] = Field(json_schema_extra=one_or_many)

    @classmethod
    def other_forms(cls) -> list[dict[str, Any]]:
        return [TypeAdapter(Count).json_schema()]


def test_the_schema_knows_the_other_forms_of_a_spec() -> None:
    fields, bare = document_schema(Size)["anyOf"]
    assert bare == {"$ref": "#/$defs/Count"}
    assert fields["properties"]["width"]["anyOf"] == [
        {"type": "array", "items": {"$ref": "#/$defs/Count"}},
        {"$ref": "#/$defs/Count"},
    ]
