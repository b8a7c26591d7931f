"""Whatever a document holds, the answer is a model or diagnostics, never a traceback."""

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from simulator.topology.diagnostics import DocumentError
from simulator.topology.overlay import OverlayError
from simulator.topology.reading import load_topology
from simulator.topology.source import read_source
from tests.properties.designs import designs

GATEWAY = Path(__file__).parents[2] / "topologies" / "llm_gateway.yaml"

words = st.sampled_from(
    ["name", "rate", "requests", "components", "kind", "service", "steps", "work", "call", "to",
     "entry", "cache", "key", "p50", "p99", "parallel", "choose", "share", "variants", "objectives",
     "latency", "x-note", "queue", "targets", "fallback", "500 rps", "5ms", "-3ms", "nan", "40%"]
)  # fmt: skip
scalars = st.one_of(
    words, st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=8)
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(words, st.text(max_size=6)), inner, max_size=5),
    ),
    max_leaves=30,
)


def written(data: Any) -> str:
    """The data as YAML text."""
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump(data, text)
    return text.getvalue()


def read(path: Path, settings_: tuple[str, ...] = ()) -> None:
    """Load a document; refusing it is fine, falling over is not."""
    try:
        load_topology(str(path), None, settings_)
    except DocumentError as error:
        assert error.diagnostics.errors
        error.diagnostics.render()
    except OverlayError as error:
        assert str(error)


@settings(max_examples=150)
@given(data=trees)
def test_any_tree(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    path = tmp_path_factory.mktemp("tree") / "any.yaml"
    path.write_text(written(data), encoding="utf-8")
    read(path)


@settings(max_examples=150)
@given(content=st.binary(max_size=400))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "any.yaml"
    path.write_bytes(content)
    read(path)


@settings(max_examples=150)
@given(data=st.data())
def test_a_damaged_gateway(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Replace any one value of a real document by anything."""
    source, _ = read_source(GATEWAY)
    assert source is not None
    document = source.data
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        deeper = isinstance(place[key], dict | list) and len(place[key]) > 0
        if not deeper or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(trees)
    path = tmp_path_factory.mktemp("damaged") / "gateway.yaml"
    path.write_text(written(document), encoding="utf-8")
    read(path)


@settings(max_examples=40)
@given(designs(), st.integers(1, 9))
def test_a_setting_is_an_edit(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any], replicas: int
) -> None:
    folder = tmp_path_factory.mktemp("set")
    plain, edited = folder / "plain.yaml", folder / "edited.yaml"
    plain.write_text(written(document), encoding="utf-8")
    document["components"]["tier0"]["replicas"] = replicas
    edited.write_text(written(document), encoding="utf-8")
    by_setting = load_topology(str(plain), None, (f"tier0.replicas={replicas}",)).topology
    by_full_path = load_topology(str(plain), None, (f"components.tier0.replicas={replicas}",))
    by_edit = load_topology(str(edited)).topology
    assert by_setting == by_edit == by_full_path.topology


@settings(max_examples=40)
@given(designs())
def test_yaml_round_trip(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    path, again = folder / "a.yaml", folder / "b.yaml"
    path.write_text(written(document), encoding="utf-8")
    first = load_topology(str(path))
    again.write_text(written(first.data), encoding="utf-8")
    assert load_topology(str(again)).topology == first.topology
