"""Reading a document: YAML 1.2 data, the place of everything, and diagnostics for all the rest."""

import math
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulator.topology.diagnostics import DocumentError
from simulator.topology.scalars import as_scalar, plain_scalar
from simulator.topology.source import Source, read_plain, read_source, read_text


def data_of(text: str) -> Any:
    """The data of a text that has no mistake."""
    source, diagnostics = read_text(text)
    assert not diagnostics.found
    assert source is not None
    return source.data


def code_of(content: bytes | str) -> str:
    """The code of the only mistake."""
    _, diagnostics = read_text(content)
    assert len(diagnostics) == 1, diagnostics.render()
    return next(iter(diagnostics)).code


SHOP = """\
name: shop   # a comment
components:
  web: {kind: service, replicas: 3}
  db:
    steps:
      - work: 4ms
      - [a, "b c"]
"""


def test_scalars_follow_the_core_schema_of_yaml_1_2() -> None:
    values = {
        "on": "on",
        "no": "no",
        "010": 10,
        "0o10": 8,
        "0x1F": 31,
        "1e3": 1000.0,
        ".5": 0.5,
        "1:30": "1:30",
        "1_000": "1_000",
        "2001-01-01": "2001-01-01",
        "~": None,
        "": None,
        "null": None,
        "True": True,
        "-3": -3,
        "500ms": "500ms",
        "~80ms..300ms": "~80ms..300ms",
        ".inf": math.inf,
        "=": "=",
    }
    assert {text: plain_scalar(text) for text in values} == values
    assert data_of("a: \"3\"\nb: 'true'\nc: |\n  12\nd:\n") == {
        "a": "3",
        "b": "true",
        "c": "12\n",
        "d": None,
    }
    assert math.isnan(data_of("[.nan]")[0])
    assert as_scalar(" 10 ") == 10
    assert isinstance(plain_scalar("9" * 4000), str)


def test_data_is_plain_and_keys_are_texts() -> None:
    data = data_of("1: a\n2.50: b\ntrue: c\nnull: d\n5m: [1, 2.5, {x: y}]\n")
    assert data == {"1": "a", "2.50": "b", "true": "c", "null": "d", "5m": [1, 2.5, {"x": "y"}]}
    assert [type(item) for item in data["5m"]] == [int, float, dict]
    assert type(data["1"]) is str


def test_places_are_those_of_the_text() -> None:
    source, _ = read_text(SHOP)
    assert source is not None

    def text_at(path: tuple[str | int, ...]) -> tuple[str, str]:
        key, value = source.places[path]
        shown = []
        for span in (key, value):
            if span is None:
                shown.append("")
                continue
            line = source.lines[span.line - 1]
            one_line = span.end_line == span.line
            shown.append(line[span.column - 1 : span.end_column - 1 if one_line else None])
        return shown[0], shown[1]

    assert text_at(("name",)) == ("name", "shop")
    assert text_at(("components", "web")) == ("web", "{kind: service, replicas: 3}")
    assert text_at(("components", "web", "replicas")) == ("replicas", "3")
    assert text_at(("components", "db", "steps", 0, "work")) == ("work", "4ms")
    assert text_at(("components", "db", "steps", 1, 1)) == ("", '"b c"')
    assert source.value_span(("components", "db")).line == 4
    assert source.key_span(("components", "db", "nothing", "here")).line == 4


def test_aliases_and_merge_keys_stand_for_what_they_name() -> None:
    text = "x-d: &d {a: 1, b: [2]}\np: *d\nq:\n  <<: *d\n  a: 3\nr: {<<: [*d, {c: 4}]}\n"
    data = data_of(text)
    assert data["p"] == {"a": 1, "b": [2]}
    assert data["q"] == {"a": 3, "b": [2]}
    assert data["r"] == {"a": 1, "b": [2], "c": 4}
    assert data["p"]["b"] is not data["q"]["b"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "E101"),
        (b"  \n# only a comment\n", "E101"),
        (b"\xff\xfe\x00", "E100"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "E100"),
        (b"a: \x00", "E100"),
        (b"a: [1, 2", "E102"),
        (b"a: b: c", "E102"),
        (b"\ta: 1", "E102"),
        (b"a: 'open", "E102"),
        (b'a: "\\UFFFFFFFF"', "E102"),
        (b"a: *nothing", "E102"),
        (b"a: &a [*a]", "E102"),
        (b"a: !!python/object:os.system x", "E102"),
        (b"a: !mine {}", "E102"),
        (b"a: 1\n---\nb: 2\n", "E102"),
        (b"? [a, b]\n: c\n", "E102"),
        (b"a: {<<: 3}", "E102"),
        (b"%YAML 9.9\n%YAML 1.2\n---\na", "E102"),
        (b"a: 1\nb: 2\na: 3\n", "E103"),
        (b"[" * 1000, "E109"),
        (b"- " * 1000, "E109"),
        (b"a: b\n" + b"#" * 1_100_000, "E109"),
        (b"[" + b"1," * 60_000 + b"]", "E109"),
    ],
)
def test_each_mistake_has_its_code(content: bytes, code: str) -> None:
    assert code_of(content) == code


def test_all_duplicate_keys_are_reported_and_the_rest_is_read() -> None:
    source, diagnostics = read_text("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert [(d.code, d.span.line if d.span else 0) for d in diagnostics] == [
        ("E103", 2),
        ("E103", 3),
    ]
    assert source is not None
    assert source.data == {"a": 1, "b": {"c": 1}}


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    start = time.perf_counter()
    assert code_of("\n".join(lines)) == "E109"
    assert time.perf_counter() - start < 5.0


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    reasons = {}
    locked = tmp_path / "locked.yaml"
    locked.write_text("a: 1")
    for path in (tmp_path, tmp_path / "none.yaml", tmp_path / "a\0b"):
        source, diagnostics = read_source(path)
        assert source is None
        reasons[path] = (next(iter(diagnostics)).code, next(iter(diagnostics)).message)
    assert reasons[tmp_path] == ("E100", "cannot read a directory; name a file in it")
    assert "does not exist" in reasons[tmp_path / "none.yaml"][1]
    if os.geteuid() != 0:
        locked.chmod(0)
        assert "permission denied" in next(iter(read_source(locked)[1])).message
    with pytest.raises(DocumentError, match="1 error in"):
        read_plain(tmp_path)


def test_a_file_is_read_like_its_text(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SHOP.replace("\n", "\r\n").encode())
    assert read_plain(path) == data_of(SHOP)


INDICATORS = ["b: ", "- ", "? ", ": ", "\n", "  ", "\t", "[", "]", "{", "}", ", ", "#", "<<", "~"]
NODES = ["a", "&a ", "*a", "!t ", "!!", "!<", "&", "*", "'", '"', "|", ">", "|9", ">-", "0x", "1e3"]
REST = ["%YAML 1.2\n", "---\n", "...\n", "\\x", "\\u12", "\u2028", "\x85", "é", "@", "`", "\r"]
PIECES = st.sampled_from([*INDICATORS, *NODES, *REST])


@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=30).map("".join)))
@example(b"%TAG ! tag:\n--- !a")
@example("a: !<")
@example("? ? ? a")
def test_arbitrary_content_gives_data_or_diagnostics(content: bytes | str) -> None:
    source, diagnostics = read_text(content)
    assert source is not None or diagnostics.errors
    assert diagnostics.render()
    if source is not None:
        check_plain(source, (), source.data)


def check_plain(source: Source, path: tuple[str | int, ...], data: Any) -> None:
    """Every value is of a plain type and has a place inside the text."""
    assert type(data) in (dict, list, str, int, float, bool, type(None))
    key, value = source.places[path]
    for span in (key, value):
        assert span is None or 1 <= span.line <= len(source.lines) + 1
    if isinstance(data, dict | list):
        items = data.items() if isinstance(data, dict) else enumerate(data)
        for part, inner in items:
            check_plain(source, (*path, part), inner)


TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=10)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@given(TREES)
def test_what_json_writes_is_read_back(tree: Any) -> None:
    import json

    source, diagnostics = read_text(json.dumps({"tree": tree}, ensure_ascii=True))
    assert source is not None, diagnostics.render()
    assert source.data == {"tree": tree}


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("a:\n\tb: 1\n", (2, 1), "a tab cannot indent", "use spaces"),
        ("a: b: c\n", (1, 5), "a `:` where no key can be", "in quotes"),
        ("a: 1\n  b: 2\n", (2, 4), "a `:` where no key can be", "align the key"),
        ("a:\n  b: 1\n c: 2\n", (3, 2), "the indentation fits nothing above", "align it"),
        ("a: 'x\nb: 2\n", (1, 4), "the quote is not closed", ""),
        ('a: "\\q"\n', (1, 6), "unknown escape character", "single quotes"),
        ("a: @x\n", (1, 4), "a text cannot begin with `@`", "in quotes"),
        ("a: {b: 1}}\n", (1, 10), "nothing is open that '}' could close", "remove it"),
        ("a: [1, 2\nb: 3\n", (2, 2), "`,` or `]` is missing", "`[` at line 1, column 4"),
        ("a: {b: 1\nc: 2\n", (2, 2), "`,` or `}` is missing", "`{` at line 1, column 4"),
        ("# nothing\n", None, "the document is empty", "simulate new"),
        (f"a: !!{'x' * 30} 1\n", (1, 4), "x" * 30, "remove it"),
    ],
)
def test_bad_yaml_is_told_in_words_with_a_way_out(
    text: str, place: tuple[int, int] | None, message: str, hint: str
) -> None:
    (found,) = read_text(text, "f")[1]
    assert place == (found.span and (found.span.line, found.span.column))
    assert message in found.message and hint in found.hint
