"""Pages of studies in a real browser: no console message, no request, every figure drawn."""

from pathlib import Path
from typing import Any

import pytest

from simulator.present.html.study import render_study
from simulator.studies.capacity import capacity
from simulator.studies.compare import compare
from simulator.studies.design import Design, load_design
from simulator.studies.planner import Bench
from simulator.studies.pool import Pool
from simulator.studies.ranges import parse_range
from simulator.studies.run import RunOptions
from simulator.studies.size import size
from simulator.studies.sweep import plan_sweep, sweep

SHOP = """
name: shop
rate: 200 rps
requests:
  all: {entry: web}
components:
  web:
    kind: service
    replicas: 3
    workers: 4
    cost: $0.5/h
    steps: [{work: {exponential: {mean: 20ms}}}]
objectives:
  latency: ["p(95)<150ms"]
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


@pytest.mark.parametrize("name", list(FIGURES))
def test_the_page_of_a_study(name: str, shop: Design, browser: Any, tmp_path: Path) -> None:
    text = render_study(study_of(name, shop), "simulate ...")
    assert len(text.encode()) < SIZE_MAX
    file = tmp_path / "index.html"
    file.write_text(text, encoding="utf-8")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "data:", "blob:"))
        else said.append(request.url),
    )  # fmt: skip
    page.goto(file.as_uri())
    page.wait_for_timeout(500)
    assert said == []
    drawn = {figure.get_attribute("id") for figure in page.query_selector_all("figure")}
    assert drawn >= FIGURES[name]
    plots = page.query_selector_all("figure .main-svg")
    assert len(plots) >= len(FIGURES[name])
    assert page.query_selector("h1") is not None
    page.close()
