"""The report of a real run, opened the way its reader opens it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GATEWAY = ("topologies/llm_gateway.yaml", "--rps", "500", "--requests", "20k")
OVERLOADED = (*GATEWAY, "--set", "components.pii_scan.workers=2")
SIZE_MAX = 2_500_000

Open = Callable[..., Any]
Make = Callable[..., Path]

FIGURES = {
    "topology-map", "percentile-spectrum", "time-by-component", "rates-over-time",
    "latency-over-time", "queues-over-time", "utilization-over-time", "cost-by-component",
    "waterfalls", "replication-spread",
}  # fmt: skip

DRAWN = """plot => {
    const box = plot.querySelector("svg.main-svg")?.getBoundingClientRect();
    const marks = [...plot.querySelectorAll(
        ".scatterlayer path, .barlayer path, .heatmaplayer image")];
    const visible = marks.filter(mark => {
        const area = mark.getBoundingClientRect();
        return area.width + area.height > 2;
    });
    return {width: box?.width ?? 0, height: box?.height ?? 0, marks: visible.length};
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("words", [GATEWAY, OVERLOADED], ids=["holds", "overloaded"])
def test_a_report_opens_complete_and_alone(
    words: tuple[str, ...], scheme: str, make_report: Make, open_report: Open
) -> None:
    path = make_report(*words)
    watched = open_report(path, scheme)
    page = watched.page
    assert path.stat().st_size <= SIZE_MAX
    shown = {figure.get_attribute("id") for figure in page.query_selector_all("figure")}
    assert shown == FIGURES
    for plot in page.query_selector_all(".plot"):
        drawn = plot.evaluate(DRAWN)
        name = plot.evaluate("plot => plot.closest('figure').id")
        assert drawn["width"] > 600 and drawn["height"] > 150 and drawn["marks"] > 0, (name, drawn)
    components = json.loads(page.text_content("#data"))["tables"]["topology"]["components"]
    assert len(page.query_selector_all(".map .box")) == len(components) > 20
    assert len(page.query_selector_all(".waterfall .span")) > 20
    page.mouse.wheel(0, 4000)
    assert watched.complaints == []
    assert watched.asked_for() == []


def test_a_policy_violation_would_be_noticed(
    make_report: Make, open_report: Open, tmp_path: Path
) -> None:
    """The checks above can fail: a page with one foreign script and one remote image is caught."""
    page = make_report(*GATEWAY).read_text(encoding="utf-8")
    path = tmp_path / "index.html"
    spoiled = '<script>document.title = "ran"</script><img src="http://127.0.0.1:9/x.png"></body>'
    path.write_text(page.replace("</body>", spoiled), encoding="utf-8")
    watched = open_report(path)
    assert watched.page.title() != "ran"
    assert len(watched.complaints) >= 2


def test_figures_over_time_zoom_together(make_report: Make, open_report: Open) -> None:
    page = open_report(make_report(*GATEWAY)).page
    ranges = page.evaluate(
        """async () => {
            const plots = [...document.querySelectorAll('.plot[data-group="time"]')];
            await Plotly.relayout(plots[0], {"xaxis.range": [3, 5]});
            await new Promise(done => setTimeout(done, 300));
            return plots.map(plot => plot.layout.xaxis.range);
        }"""
    )
    assert len(ranges) == 4
    assert all(found == [3, 5] for found in ranges)


def test_pointing_at_one_figure_marks_the_time_in_all(make_report: Make, open_report: Open) -> None:
    page = open_report(make_report(*GATEWAY)).page
    area = page.locator("#rates-over-time .plot .nsewdrag").first
    area.scroll_into_view_if_needed()
    area.hover()
    page.wait_for_function("document.querySelectorAll('.pointer:not([hidden])').length === 3")
    lefts = page.eval_on_selector_all(
        ".pointer:not([hidden])", "lines => lines.map(line => line.getBoundingClientRect().left)"
    )
    assert max(lefts) - min(lefts) < 2.0


def test_switches_change_the_axis(make_report: Make, open_report: Open) -> None:
    page = open_report(make_report(*GATEWAY)).page
    figure = page.locator("#percentile-spectrum")
    figure.get_by_role("button", name="logarithmic").click()
    axis = "document.querySelector('#percentile-spectrum .plot').layout.yaxis.type"
    assert page.evaluate(axis) == "log"
    pressed = figure.get_by_role("button", name="logarithmic").get_attribute("aria-pressed")
    assert pressed == "true"


def test_the_theme_can_be_chosen(make_report: Make, open_report: Open) -> None:
    page = open_report(make_report(*GATEWAY), "dark").page
    colors = """() => [getComputedStyle(document.body).backgroundColor,
                      document.querySelector(".plot").layout.font.color]"""
    dark = page.evaluate(colors)
    page.locator("#theme").click()
    light = page.evaluate(colors)
    assert page.locator("#theme").text_content() == "Theme: light"
    assert light[0] == "rgb(255, 255, 255)" and dark[0] != light[0] and dark[1] != light[1]


def test_a_box_of_the_topology_leads_to_its_row(make_report: Make, open_report: Open) -> None:
    page = open_report(make_report(*GATEWAY)).page
    row = page.locator("#component-router")
    assert not row.is_visible()
    page.locator('.map a[href="#component-router"]').click()
    row.wait_for(state="visible")


def test_the_data_can_be_saved(make_report: Make, open_report: Open, tmp_path: Path) -> None:
    path = make_report(*GATEWAY)
    page = open_report(path).page
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the data as JSON").click()
    saved = tmp_path / "saved.json"
    download.value.save_as(saved)
    assert json.loads(saved.read_text()) == json.loads((path.parent / "run.json").read_text())


def test_it_prints_on_white_and_comes_back(make_report: Make, open_report: Open) -> None:
    page = open_report(make_report(*GATEWAY), "dark").page
    before = page.evaluate("document.querySelector('.plot').layout.font.color")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("#topology-map details").get_attribute("open") is not None
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.querySelector('.plot').layout.font.color") == before
    assert page.locator("#topology-map details").get_attribute("open") is None
    assert page.pdf().startswith(b"%PDF")


def test_a_narrow_screen_scrolls_down_only(make_report: Make, open_report: Open) -> None:
    page = open_report(make_report(*GATEWAY), width=390).page
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    # Most of the width is for the picture, and its names take none of the height.
    size = "document.querySelector('#rates-over-time .plot')._fullLayout._size"
    assert page.evaluate(f"{size}.w") > 0.7 * 366 and page.evaluate(f"{size}.t") < 20
    widest = "Math.max(...[...document.querySelectorAll('caption')].map(one => one.offsetWidth))"
    assert page.evaluate(widest) <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(scheme: str, make_report: Make, open_report: Open) -> None:
    """No finding of axe, which checks what a program can check of the WCAG rules."""
    from axe_playwright_python.sync_playwright import Axe

    page = open_report(make_report(*GATEWAY), scheme).page
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    results = Axe().run(page)
    findings = [
        (found["id"], found["nodes"][0]["html"][:200], found["nodes"][0]["failureSummary"])
        for found in results.response["violations"]
    ]
    assert findings == []
