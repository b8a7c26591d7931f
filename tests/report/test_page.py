"""The page: safe, complete, small, and the same for the same input."""

import copy
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.present.html import render_report
from simulator.present.html.blocks import Drawing, Report
from simulator.present.html.layered import layered
from simulator.present.html.page import ASSETS, embedded_json
from simulator.present.html.section import sections_of
from simulator.present.numbers import dollars, percent

SIZE_MAX = 2_500_000
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Outline(HTMLParser):
    """Elements of a page, and whether they are properly nested."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.opened: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.opened

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.opened.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.opened and self.opened[-1] not in {"script", "style"}:
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(run: Any) -> str:
    return render_report(run.document, run.tables)


def drawn(run: Any) -> list[Drawing]:
    report = Report(run.document, run.tables)
    blocks = [block for section in sections_of("run") for block in section.blocks(report)]
    return [block for block in blocks if isinstance(block, Drawing)]


def test_same_input_same_bytes(run: Any, page: str) -> None:
    again = render_report(copy.deepcopy(run.document), copy.deepcopy(run.tables))
    assert again == page


def test_rendering_leaves_its_input_alone(run: Any) -> None:
    document, tables = copy.deepcopy(run.document), copy.deepcopy(run.tables)
    render_report(document, tables)
    assert (document, tables) == (run.document, run.tables)


def test_the_page_is_small(page: str) -> None:
    assert len(page.encode()) <= SIZE_MAX


def test_sections_in_reading_order(page: str) -> None:
    outline = Outline(page)
    assert [attrs["id"] for attrs in outline.of("section")] == [
        "verdict", "topology", "latency", "where", "over-time", "cost", "slow-requests", "trust",
        "provenance",
    ]  # fmt: skip


def test_landmarks_headings_and_unique_ids(page: str) -> None:
    outline = Outline(page)
    for tag in ("header", "nav", "main", "h1"):
        assert len(outline.of(tag)) == 1, tag
    ids = [attrs["id"] for _, attrs in outline.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    targets = [attrs["href"] for attrs in outline.of("a")]
    assert all(target and target[1:] in ids for target in targets if target != "data:,")
    assert all(attrs.get("scope") in {"col", "row"} for attrs in outline.of("th"))
    assert len(outline.of("caption")) == len(outline.of("table"))


def test_every_figure_has_a_heading_a_caption_and_its_data(run: Any) -> None:
    figures = drawn(run)
    assert len(figures) >= 10
    for figure in figures:
        assert len(figure.heading) > 10 and len(figure.caption) > 40, figure.name
        assert figure.table.rows, figure.name
        assert (figure.spec is None) != (figure.svg is None)
        width = len(figure.table.columns)
        assert all(len(row) == width for row in figure.table.rows), figure.name


def test_plotly_knows_everything_in_the_specs(run: Any) -> None:
    import plotly.graph_objects as go

    for figure in drawn(run):
        if figure.spec is not None:
            spec = go.Figure(figure.spec)
            assert len(spec.data) >= 1, figure.name
            assert "template" not in figure.spec["layout"]


def test_headings_state_what_the_run_did(run: Any) -> None:
    headings = {figure.name: figure.heading for figure in drawn(run)}
    share = run.document["components"]["workers"]["utilization"]
    assert f"{100 * share:.0f}%" in headings["topology-map"]
    assert headings["time-by-component"].startswith("workers holds")
    assert "workers" in headings["queues-over-time"]
    assert "store is" in headings["cost-by-component"]


def test_without_tables_what_needs_none_remains(run: Any) -> None:
    outline = Outline(render_report(run.document, {}))
    assert [attrs["id"] for attrs in outline.of("section")] == [
        "verdict", "latency", "cost", "trust", "provenance",
    ]  # fmt: skip


def test_a_run_without_a_good_answer_has_a_page(run: Any) -> None:
    document = copy.deepcopy(run.document)
    document["metrics"] |= {"latency": None, "ttft": None, "tpot": None, "quality": None}
    tables = copy.deepcopy(run.tables) | {"spectrum": [], "breakdown": [], "exemplars": []}
    for column in tables["timeline"]["latency"].values():
        column[:] = [None] * len(column)
    for row in tables["replications"]:
        row |= {"mean_s": None, "p50_s": None, "p99_s": None}
    assert "latency-over-time" not in render_report(document, tables)


def test_requests_answered_without_a_visit_have_a_page(run: Any) -> None:
    tables = copy.deepcopy(run.tables)
    for exemplar in tables["exemplars"]:
        exemplar["spans"] = []
    assert "near p99 takes" in Outline(render_report(run.document, tables)).text


def test_a_run_without_intervals_has_a_page(run: Any) -> None:
    document = copy.deepcopy(run.document)
    assert "/s offered" in Outline(render_report(document, run.tables)).text
    document["metrics"]["throughput"] |= {"low": None, "high": None}
    assert "/s offered" not in Outline(render_report(document, run.tables)).text


def test_an_overloaded_run_has_a_page(make_run: Callable[[float], Any]) -> None:
    run = make_run(240.0)
    assert not run.document["stable"]
    outline = Outline(render_report(run.document, run.tables))
    assert "There is no steady state" in outline.text


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\u2028"


def test_text_of_the_input_stays_text(run: Any) -> None:
    document, tables = copy.deepcopy(run.document), copy.deepcopy(run.tables)
    document["topology"] = document["summary"] = document["command"] = HOSTILE
    document["warnings"] = [HOSTILE]
    document["verdict"]["sentence"] = HOSTILE
    document["provenance"] = {"topology": HOSTILE, "digest": HOSTILE, "versions": {HOSTILE: "1"}}
    document["components"][HOSTILE] = document["components"]["workers"]
    tables["topology"]["components"].append({"name": HOSTILE, "kind": HOSTILE})
    tables["topology"]["links"].append({"source": "front", "target": HOSTILE, "rate": 1.0})
    tables["breakdown"][-1]["parts"][0]["component"] = HOSTILE
    tables["exemplars"][0]["spans"][0]["component"] = HOSTILE
    tables["timeline"]["utilization"][HOSTILE] = tables["timeline"]["utilization"]["workers"]
    outline = Outline(render_report(document, tables))
    assert not outline.of("img")
    assert len([attrs for attrs in outline.of("script") if "type" not in attrs]) == 2
    for _, attrs in outline.tags:
        assert not any(name.startswith("on") for name in attrs)


def test_figures_keep_the_digits_that_decide() -> None:
    """A rate of 98.6 % does not look as if it met 99 %, and a price has its cents."""
    shares = (0.5, 0.9, 0.986, 0.9895, 0.99, 0.99952, 1.0)
    shown = ["50%", "90%", "98.6%", "99.0%", "99%", "99.952%", "100%"]
    assert [percent(share) for share in shares] == shown
    assert [dollars(price) for price in (0.4, 0.05, 0.312, 0.00195, 0.0, 1.0 - 1e-9, 1.0)] == [
        "$0.40", "$0.05", "$0.312", "$0.00195", "$0", "$1.00", "$1.00",
    ]  # fmt: skip


def test_embedded_json_cannot_end_its_element() -> None:
    assert re.search(r"[<>&\u2028]", embedded_json({"a": HOSTILE})) is None


def test_numbers_that_are_none_become_null() -> None:
    assert embedded_json([float("nan"), float("inf"), 1.5]) == "[null,null,1.5]"


def test_the_policy_names_every_script_by_its_hash(page: str) -> None:
    policies = [
        attrs["content"]
        for attrs in Outline(page).of("meta")
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies and policies[0] is not None
    assert policies[0].startswith("default-src 'none'; ")
    script_source = policies[0].split("; ")[1]
    assert "unsafe" not in script_source and "http" not in policies[0]
    assert len(re.findall(r"'sha256-[^']+'", script_source)) == 2


def test_nothing_on_the_page_points_to_the_network(page: str) -> None:
    outline = Outline(page)
    for tag, attrs in outline.tags:
        for name in ("src", "href", "action", "srcset", "poster", "data"):
            value = attrs.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style and "@import" not in style


def versions() -> dict[str, str]:
    lines = (ASSETS / "VERSIONS").read_text().splitlines()
    return dict(line.split(maxsplit=1) for line in lines)


def test_the_bundle_is_the_release_that_the_list_names() -> None:
    listed = versions()
    bundle = ASSETS / listed["file"]
    assert hashlib.sha256(bundle.read_bytes()).hexdigest() == listed["sha256"]
    head = bundle.read_text(encoding="utf-8")[:300]
    assert f"v{listed['plotly.js-cartesian-dist-min']}" in head
    assert "MIT license" in head
    assert (ASSETS / "plotly-cartesian.LICENSE").read_text().startswith("MIT License")


def test_the_bundle_is_of_the_series_that_plotly_for_python_checks_against() -> None:
    """Specs are checked with plotly for Python, so both should speak of the same Plotly."""
    from plotly.offline import get_plotlyjs_version

    theirs = get_plotlyjs_version().split(".")[0]
    ours = versions()["plotly.js-cartesian-dist-min"].split(".")[0]
    if ours != theirs:
        pytest.skip(f"plotly for Python carries plotly.js {theirs}, the bundle is {ours}")


def test_assets_have_no_line_ends_that_browsers_would_change() -> None:
    for path in sorted(Path(ASSETS).glob("*")):
        assert b"\r" not in path.read_bytes(), path.name


def test_layers_put_callees_to_the_right_and_break_cycles() -> None:
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "a"), ("c", "c"), ("a", "nowhere")]
    layers = layered(["a", "b", "c", "alone"], edges)
    assert layers.backward == {("c", "a")}
    column = {place: number for number, row in enumerate(layers.columns) for place in row}
    assert [column[name] for name in ("a", "b", "c", "alone")] == [0, 1, 2, 0]
    # The edge from a to c passes the column of b at a place of its own; so does the way back.
    assert ("a", "c", 1) in column


def test_layers_of_nothing_and_of_a_long_chain() -> None:
    assert layered([], []).columns == []
    names = [f"n{number}" for number in range(2000)]
    chain = list(pairwise(names))
    assert len(layered(names, chain).columns) == 2000


def test_layers_cross_no_more_than_they_must() -> None:
    edges = [("top", "z"), ("bottom", "a"), ("root", "top"), ("root", "bottom")]
    layers = layered(["root", "bottom", "top", "a", "z"], edges)
    middle, last = layers.columns[1], layers.columns[2]
    straight = {"top": "z", "bottom": "a"}
    assert [straight[str(name)] for name in middle] == last
