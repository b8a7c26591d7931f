"""Findings are shown like a compiler's: the place, the line, a caret, a suggestion, a code."""

from textwrap import dedent
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, PositiveInt, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from simulator.kernel.kinded import Kinded, OneKey
from simulator.kernel.spec import Spec
from simulator.quantities import Duration, DurationDistribution, Fraction
from simulator.topology.codes import CODES, explain_code
from simulator.topology.diagnostics import Diagnostic, Diagnostics, Span, underlined
from simulator.topology.source import read_text
from simulator.topology.validation import from_validation_error


class Part(Kinded):
    """A family."""


class Act(OneKey):
    """Another."""


class Service(Part):
    """A kind of the test."""

    kind: Literal["service"] = "service"
    concurrency: PositiveInt
    timeout: Duration = 1.0
    errors: Fraction = 0.0
    acts: list[Act | list[Act]] = Field(default_factory=list)
    mode: Literal["fast", "slow"] = "fast"
    need: Literal["all", "any"] | PositiveInt = "all"


class Labour(Act):
    """Takes time."""

    key: ClassVar[str] = "work"
    time: DurationDistribution

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return {"time": value}


class Design(Spec):
    """A document of the test."""

    name: str
    components: dict[str, Part]
    tags: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check(self) -> "Design":
        if self.name == "cyclic":
            raise PydanticCustomError("E111", "a calls b calls a")
        return self


def findings(text: str) -> Diagnostics:
    """What is found in a document."""
    source, diagnostics = read_text(dedent(text), "shop.yaml")
    if source is not None:
        try:
            Design.model_validate(source.data)
        except ValidationError as error:
            diagnostics.extend(from_validation_error(error, source))
    return diagnostics


def short(text: str) -> list[str]:
    """Place, code, message and hint of each finding."""
    return [
        f"{d.span.line if d.span else 0}:{d.span.column if d.span else 0} {d.code} {d.message}"
        + (f" | {d.hint}" if d.hint else "")
        for d in findings(text)
    ]


def test_the_page_reads_like_a_compilers() -> None:
    text = """\
        name: shop
        components:
          gateway:
            kind: service
            concurency: 64
            timeout: 500   # too little
          pool: {kind: servise, concurrency: 3}
    """
    assert findings(text).render() == dedent("""\
        error[E104]: unknown field `concurency` in service `gateway`
          --> shop.yaml:5:5
           |
         5 |     concurency: 64
           |     ^^^^^^^^^^ did you mean `concurrency`?
           |
           = see: simulate explain service

        error[E107]: `timeout` in service `gateway`: got "500", a duration needs a unit: 500ms, 500s
          --> shop.yaml:6:14
           |
         6 |     timeout: 500   # too little
           |              ^^^

        error[E113]: unknown part `servise` in `components.pool`
          --> shop.yaml:7:16
           |
         7 |   pool: {kind: servise, concurrency: 3}
           |                ^^^^^^^ did you mean `service`?

        3 errors in shop.yaml   (more: simulate explain E104)""")


def test_every_mistake_is_found_at_once_in_the_order_of_the_text() -> None:
    found = short("""\
        nmae: shop
        components:
          a:
            kind: service
            concurrency: many
            errors: 130%
            acts:
              - wrok: 3ms
              - work: {p50: 40ms, p99: 20ms}
              - [{work: 3}]
          b: {kind: service}
        tags: {x: y}
        color: red
    """)
    assert found == [
        "1:1 E104 unknown field `nmae` in the document | did you mean `name`?",
        '5:18 E106 `concurrency` in service `a`: expected a whole number, got "many"',
        '6:13 E108 `errors` in service `a`: got "130%", a fraction lies between 0 and 1',
        "8:9 E114 unknown act `wrok` in service `a` | did you mean `work`?",
        "9:32 E108 `p99` in service `a`: `p99` lies below `p50` | percentiles grow: swap the two",
        '10:17 E107 `work` in service `a`: got "3", a duration needs a unit: 3ms, 3s',
        "11:3 E105 missing field `concurrency` in service `b`",
        "12:7 E106 `tags`: expected a list, got a mapping | write a list: `[…]`",
        "13:1 E104 unknown field `color` in the document",
    ]


def test_unions_say_what_is_expected_without_tags() -> None:
    found = short("""\
        name: shop
        components:
          a: {kind: service, concurrency: -1, mode: fsat, need: some, acts: [7]}
    """)
    assert found == [
        '3:35 E108 `concurrency` in service `a`: got "-1", must be above 0',
        '3:45 E106 `mode` in service `a`: expected `fast` or `slow`, got "fsat"'
        " | did you mean `fast`?",
        '3:57 E106 `need` in service `a`: expected `all` or `any` or a whole number, got "some"',
        "3:70 E106 item 1 of `acts` in service `a`: an act is a mapping with one key"
        " | for example `work: …`",
    ]


def test_a_check_of_the_whole_may_name_its_code() -> None:
    assert short("name: cyclic\ncomponents: {}\n") == ["1:1 E111 the document: a calls b calls a"]
    assert short("3") == ['1:1 E106 the document: expected a mapping, got "3"']
    assert short("components: {}") == ["1:1 E105 missing field `name` in the document"]


def test_colors_are_only_colors() -> None:
    diagnostics = findings("nam: x\ncomponents: {a: {kind: 3}}")
    colored = diagnostics.render(color=True)
    assert "\x1b[1;31m" in colored
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == diagnostics.render()


def test_text_of_the_document_cannot_control_the_terminal() -> None:
    text = 'name: "\\e[31mred"\n"\\e]0;title\\a": 1\ncomponents: {}\n'
    rendered = findings(text).render()
    assert "unknown field" in rendered
    assert "\x1b" not in rendered
    assert "\x07" not in rendered


def test_long_lines_are_cut_around_the_place() -> None:
    line = "x" * 500 + "BAD" + "y" * 500
    text, carets = underlined(line, Span(1, 501, 1, 504))
    assert len(text) <= 98
    assert text[carets.index("^") : carets.index("^") + carets.count("^")] == "BAD"


@given(st.text(max_size=300), st.integers(1, 400), st.integers(1, 400))
def test_any_span_of_any_line_can_be_underlined(line: str, start: int, end: int) -> None:
    text, carets = underlined(line, Span(1, start, 1, end))
    assert "\n" not in text
    assert carets.strip(" ").strip("^") == ""
    assert "^" in carets


def test_counts_and_plain_data() -> None:
    diagnostics = Diagnostics("b.yaml", ("one",))
    assert diagnostics.count_line() == "no problems in b.yaml"
    diagnostics.add(Diagnostic("W202", "unused", "b.yaml", Span(1, 1, 1, 4)))
    diagnostics.add(Diagnostic("W202", "unused", "b.yaml", Span(1, 1, 1, 4)))
    diagnostics.add(Diagnostic("E100", "not there", "a.yaml", hint="look again"))
    assert diagnostics.count_line() == "1 error, 1 warning in a.yaml, b.yaml"
    assert diagnostics.to_dict()["diagnostics"][1] == {
        "code": "W202",
        "severity": "warning",
        "message": "unused",
        "file": "b.yaml",
        "line": 1,
        "column": 1,
        "end_line": 1,
        "end_column": 4,
        "hint": None,
        "see": None,
    }


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_page(code: str) -> None:
    page = CODES[code]
    assert code[0] in "EW"
    assert code[1:].isdigit()
    assert explain_code(code).startswith(f"{code}: {page.title}\n\n{page.explanation}")
    assert page.explanation.endswith(".")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "components", "kind", "acts", "work", "mode", "p50", "x"])
                | st.text(max_size=5),
                inner,
                max_size=4,
            )
        ),
        max_leaves=25,
    )
)
def test_arbitrary_trees_are_valid_or_refused_with_a_place(tree: Any) -> None:
    import json

    text = json.dumps({"name": "x", "components": {"a": tree, "b": {"kind": "service", "x": tree}}})
    diagnostics = findings(text)
    assert diagnostics.errors
    assert all(diagnostic.span for diagnostic in diagnostics)
    assert diagnostics.render()
