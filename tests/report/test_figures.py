"""What figures draw in runs that are short, long or far from their thresholds."""

import copy
import re
from typing import Any

import simulator.components  # noqa: F401  (defines the kinds)
from simulator.present.html.blocks import Drawing, FindingList, Report
from simulator.present.html.figures.pareto import Pareto
from simulator.present.html.figures.topology_map import TopologyMap
from simulator.present.html.section import sections_of
from simulator.present.html.sections.interview import Interview
from simulator.present.html.sections.promises import Promises
from simulator.present.html.sections.trust import Trust
from simulator.present.numbers import seconds
from simulator.topology.diagram import svg
from simulator.topology.model import Topology


def figures_of(document: Any, tables: Any) -> dict[str, Drawing]:
    report = Report(document, tables)
    blocks = [block for section in sections_of("run") for block in section.blocks(report)]
    return {block.name: block for block in blocks if isinstance(block, Drawing)}


def spec_of(document: Any, tables: Any, name: str) -> Any:
    return figures_of(document, tables)[name].spec


def test_long_axes_of_seconds_have_ticks_in_larger_units(run: Any) -> None:
    tables = copy.deepcopy(run.tables)
    for row in tables["replications"]:
        row |= {name: 7200.0 * row[name] for name in ("mean_s", "p50_s", "p99_s")}
    longest = max(row["p99_s"] for row in tables["replications"])
    assert longest > 1000.0
    spec = spec_of(run.document, tables, "replication-spread")
    axis = spec["layout"]["yaxis"]
    assert axis["ticksuffix"] == "" and axis["ticktext"][:2] == ["0s", seconds(axis["tickvals"][1])]
    assert 3 <= len(axis["tickvals"]) <= 9 and axis["tickvals"][-1] >= longest
    p99 = next(trace for trace in spec["data"] if trace["name"] == "p(99)")
    assert p99["hovertemplate"] == "%{y:.4~r}s"


def test_a_switch_brings_the_ticks_of_its_axis(run: Any) -> None:
    far = copy.deepcopy(run.document)
    far["objectives"][0]["threshold"] = "p(99)<2h"
    figure = figures_of(far, run.tables)["percentile-spectrum"]
    ticks = {label: change["yaxis.ticktext"] for label, change in figure.switches[0].options}
    assert ticks["linear"][:3] == ["0s", "20m", "40m"]
    assert {"1s", "1m", "1h"} <= set(ticks["logarithmic"])
    near = figures_of(run.document, run.tables)["percentile-spectrum"]
    assert "yaxis.ticktext" not in near.switches[0].options[0][1]


def limit_mark(document: Any, tables: Any) -> Any:
    spec = spec_of(document, tables, "percentile-spectrum")
    return next(trace for trace in spec["data"] if "p(99)&lt;" in trace.get("name", ""))


def test_a_threshold_that_is_kept_does_not_look_like_one_that_is_missed(run: Any) -> None:
    missed = copy.deepcopy(run.document)
    missed["objectives"][0]["status"] = "fail"
    kept, broken = limit_mark(run.document, run.tables), limit_mark(missed, run.tables)
    assert broken["marker"]["symbol"] == "x" != kept["marker"]["symbol"]
    assert broken["marker"]["color"] != kept["marker"]["color"]


def test_a_threshold_far_above_the_answers_does_not_press_them_to_the_ground(run: Any) -> None:
    far = copy.deepcopy(run.document)
    far["objectives"][0]["threshold"] = "p(99)<2h"
    figure = figures_of(far, run.tables)["percentile-spectrum"]
    assert figure.spec is not None and figure.spec["layout"]["yaxis"]["type"] == "log"
    assert figure.switches[0].options[0][0] == "logarithmic"
    near = spec_of(run.document, run.tables, "percentile-spectrum")
    assert "type" not in near["layout"]["yaxis"]


def test_a_percentile_that_few_stretches_know_is_not_drawn(run: Any) -> None:
    tables = copy.deepcopy(run.tables)
    latency = tables["timeline"]["latency"]
    whole = figures_of(run.document, tables)["latency-over-time"]
    assert whole.heading.startswith("p95") or whole.heading.startswith("p99")
    for name in ("p95", "p99"):
        latency[name] = [value if place % 3 == 0 else None
                         for place, value in enumerate(latency[name])]  # fmt: skip
    sparse = figures_of(run.document, tables)["latency-over-time"]
    assert sparse.heading.startswith("p50 lies between")
    assert sparse.spec is not None and [one["name"] for one in sparse.spec["data"]] == ["p50"]


def test_next_to_no_queue_looks_like_next_to_none(run: Any) -> None:
    tables = copy.deepcopy(run.tables)
    queues = tables["timeline"]["queue"]
    assert "range" not in spec_of(run.document, tables, "queues-over-time")["layout"]["yaxis"]
    for name in queues:
        queues[name] = [value / 1e6 for value in queues[name]]
    axis = spec_of(run.document, tables, "queues-over-time")["layout"]["yaxis"]
    assert axis["range"] == [0.0, 1.0]


def test_the_trust_section_does_not_contradict_itself(run: Any) -> None:
    document = copy.deepcopy(run.document)
    document["run"]["warmup"] = "No steady state was reached: answers take long."
    document["warnings"] = [document["run"]["warmup"]]
    found = Trust().blocks(Report(document, {}))[0]
    assert isinstance(found, FindingList)
    severities = {finding.sentence: finding.severity for finding in found.findings}
    assert severities[document["run"]["warmup"]] == "unsure"
    assert not any("There is a steady state" in sentence for sentence in severities)


def test_promises_are_counted_in_grammar(run: Any) -> None:
    claim = {"text": "x", "expect": "<1s", "value": 0.5, "shown": "500 ms", "section": None,
             "place": "our own", "how": "latency.p(99)", "way": "metric", "conditions": "",
             "reason": "", "note": None}  # fmt: skip
    claims = [{**claim, "status": status} for status in ("fails", "holds", "holds")]
    said = Promises().blocks(Report({**run.document, "claims": claims}, {}))[0]
    assert said.paragraphs == ["Of 3 promises: 1 fails, 2 hold."]  # type: ignore[union-attr]


def test_the_diagram_of_the_interview_and_the_map_share_no_id(run: Any) -> None:
    topology = Topology.model_validate(
        {"name": "pair", "requests": {"get": {"entry": "a", "share": 1}}, "rate": "10 rps",
         "components": {"a": {"kind": "delay", "latency": "1ms"}}}
    )  # fmt: skip
    card = {"sections": [{"title": "Flow", "blocks": [{"type": "diagram"}]}], "svg": svg(topology),
            "calls": [], "components": 1}  # fmt: skip
    report = Report({**run.document, "interview": card}, run.tables)
    drawings = [block for block in Interview().blocks(report) if isinstance(block, Drawing)]
    drawn = TopologyMap().draw(report)
    assert drawn is not None and drawings
    ours, theirs = (set(re.findall(r' id="([^"]+)"', str(one.svg))) for one in (drawn, drawings[0]))
    assert ours and theirs and not ours & theirs


def test_names_of_slow_designs_have_room_above_their_marks() -> None:
    verdict = {"status": "pass"}
    values = {"latency.p99": {"a": 0.4, "b": 0.4}, "cost.per_hour": {"a": 1.0, "b": 1.01}}
    document = {
        "study": "compare", "pareto": ["a"],
        "designs": [{"name": name, "verdict": verdict} for name in ("a", "b")],
        "rows": [{"metric": metric, "values": row} for metric, row in values.items()],
    }  # fmt: skip
    drawn = Pareto().draw(Report(document, {}))
    assert drawn is not None and drawn.spec is not None
    assert drawn.spec["layout"]["yaxis"]["range"][1] > 1.1 * 0.4
    assert drawn.spec["data"][1]["text"] == ["a · b", ""]
