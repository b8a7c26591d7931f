"""Pages of studies in a real browser: no console message, no request, every figure drawn."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from simulator.metrics.tables import report_tables
from simulator.present.html.report import render_report
from simulator.present.html.study import render_study
from simulator.studies.capacity import capacity
from simulator.studies.compare import compare
from simulator.studies.design import Design, load_design
from simulator.studies.drill import drill
from simulator.studies.planner import Bench
from simulator.studies.pool import Pool
from simulator.studies.ranges import parse_range
from simulator.studies.run import RunOptions, run
from simulator.studies.size import size
from simulator.studies.sweep import plan_sweep, sweep
from simulator.topology.model import Topology
from tests.designs import SHOP

BREAKABLE = """
name: shop
summary: A web front with a store.
rate: 200 rps
requests:
  all: {entry: web}
components:
  web:
    kind: service
    replicas: 3
    workers: 4
    cost: $0.5/h
    steps: [{work: {exponential: {mean: 5ms}}}, {call: store}]
  store: {kind: database, connections: 20, query: 5ms}
objectives:
  latency: ["p(95)<150ms"]
variants:
  large: {summary: More replicas., components: {web: {replicas: 6}}}
faults:
  store_gone: [{at: 40%, for: 20%, target: store, down: true}]
estimates:
  daily: {formula: 200 rps * 1 day}
claims:
  fast: {text: it is <b>fast</b> &amp; safe, own: true, formula: 3 ms, expect: <1s}
questions:
  how: {question: How long does it take?, answer: "{latency.p(99)}"}
run: {requests: 4k}
"""
SHORT = RunOptions(requests=3000, replications=4)
SIZE_MAX = 2_500_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Design:
    """A small design."""
    path = tmp_path_factory.mktemp("designs") / "shop.yaml"
    path.write_text(SHOP, encoding="utf-8")
    return load_design(str(path))


def study_of(name: str, shop: Design) -> dict[str, Any]:
    """The document of a short study."""
    bench = Bench(Pool(jobs=1))
    if name == "compare":
        other = shop.varied([("web.replicas", 4)], name="more <b>&amp;")
        return compare([shop, other], SHORT, bench).document
    if name == "capacity":
        return capacity(shop, SHORT, bench).document
    if name == "size":
        return size(shop, [parse_range("web.replicas=1..4")], SHORT, bench).document
    if name == "sensitivity":
        pytest.importorskip("SALib")
        from simulator.studies.sensitivity import sensitivity

        return sensitivity(shop, SHORT, (), bench, trajectories=2).document
    over = {"curve": ["rps=100,200"], "map": ["web.replicas=2,3", "web.workers=3,4"],
            "parallel": ["rps=100,200", "web.replicas=2,3", "web.workers=3,4"]}  # fmt: skip
    plan = plan_sweep([parse_range(text) for text in over[name]])
    return sweep(shop, plan, SHORT, bench).document


FIGURES = {
    "compare": {"paired-changes", "pareto"},
    "capacity": {"knee"},
    "size": set(),
    "sensitivity": {"tornado-latency", "tornado-cost"},
    "curve": {"sweep-curve"},
    "map": {"sweep-map", "pareto"},
    "parallel": {"sweep-parallel"},
}


def interview_page() -> str:
    """The report of a run of a small design with its card."""
    from simulator.interview.card import card, card_document
    from simulator.interview.material import gather

    data = YAML(typ="safe").load(BREAKABLE)
    topology = Topology.model_validate(data)
    material = gather(topology, data, jobs=1)
    result = run(topology, RunOptions(requests=4000, replications=2, jobs=1))
    tables = report_tables(result.recordings, result.findings)
    told = {"interview": card_document(material, card(material))}
    return render_report({**result.document, **told}, tables)


def drill_page() -> str:
    """The drill of a small design."""
    topology = Topology.model_validate(YAML(typ="safe").load(BREAKABLE))
    found = drill(topology, RunOptions(requests=1500, jobs=1))
    return render_study(found.document, "simulate drill shop")


def fault_page() -> str:
    """The report of a run with a fault."""
    topology = Topology.model_validate(YAML(typ="safe").load(BREAKABLE))
    result = run(topology, RunOptions(requests=8000, replications=2, jobs=1, faults="store_gone"))
    return render_report(result.document, report_tables(result.recordings, result.findings))


def accessibility(page: Any) -> list[tuple[str, str, str]]:
    """What axe finds on the page with everything unfolded."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    return [
        (found["id"], found["nodes"][0]["html"][:200], found["nodes"][0]["failureSummary"])
        for found in Axe().run(page).response["violations"]
    ]


PAGES = {
    "drill": (drill_page, {"drill-matrix", "drill-course", "drill-course-2"}),
    "interview": (interview_page, {"percentile-spectrum"}),
    "faults": (fault_page, {"rates-over-time", "latency-over-time", "utilization-over-time"}),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", list(PAGES))
def test_pages_of_failures_and_interviews(
    name: str, scheme: str, open_report: Any, tmp_path: Path
) -> None:
    """Complete, alone, accessible, and no wider than the screen of a telephone."""
    make, figures = PAGES[name]
    file = tmp_path / "index.html"
    file.write_text(make(), encoding="utf-8")
    assert file.stat().st_size < SIZE_MAX
    watched = open_report(file, scheme, 1200)
    page = watched.page
    drawn = {figure.get_attribute("id") for figure in page.query_selector_all("figure")}
    assert drawn >= figures
    if name == "drill":
        page.get_by_role("button", name="how it ends").click()
        seen = "document.querySelector('#drill-matrix .plot').data.map(trace => trace.visible)"
        assert page.evaluate(seen) == [False, False, True]
    assert accessibility(page) == []
    assert watched.complaints == [] and watched.asked_for() == []
    narrow = open_report(file, scheme, 400)
    assert narrow.page.evaluate("document.scrollingElement.scrollWidth") <= 400


@pytest.mark.parametrize("name", list(FIGURES))
def test_the_page_of_a_study(name: str, shop: Design, open_report: Any, tmp_path: Path) -> None:
    """Complete, alone, accessible in light and dark, and no wider than a telephone."""
    text = render_study(study_of(name, shop), "simulate ...")
    assert len(text.encode()) < SIZE_MAX
    file = tmp_path / "index.html"
    file.write_text(text, encoding="utf-8")
    for scheme in ("light", "dark"):
        watched = open_report(file, scheme, 1200)
        assert accessibility(watched.page) == []
        assert watched.complaints == [] and watched.asked_for() == []
    narrow = open_report(file, "dark", 400)
    assert narrow.page.evaluate("document.scrollingElement.scrollWidth") <= 400
    page = watched.page
    drawn = {figure.get_attribute("id") for figure in page.query_selector_all("figure")}
    assert drawn >= FIGURES[name]
    plots = page.query_selector_all("figure .main-svg")
    assert len(plots) >= len(FIGURES[name])
    assert page.query_selector("h1") is not None
