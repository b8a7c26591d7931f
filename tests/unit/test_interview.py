"""Figures said aloud, pages from blocks, diagrams, and the card of a small design."""

import re
from dataclasses import replace
from typing import Any

import pytest

from simulator.interview.blocks import Section, Table, to_data, to_markdown, to_terminal
from simulator.interview.card import card, rests_on_few, title_of
from simulator.interview.claims_table import expected_of, figure_of
from simulator.interview.flow import deep_dive_section, flow_section
from simulator.interview.fullness import Full, first_full, full_without_scalers, second_way
from simulator.interview.growth import _said as _grows
from simulator.interview.growth import _to_hold
from simulator.interview.material import Growth, Material, gather, metric
from simulator.interview.scaling import Need, needs_of, with_settings
from simulator.quantities import parse_duration
from simulator.studies.claims import check_claims_of
from simulator.studies.conditions import Measured
from simulator.studies.estimates import Arithmetic, estimates_of, given_of
from simulator.studies.metric_units import unit_of_metric
from simulator.studies.readings import Reading
from simulator.topology.diagram import CLIENT, FORMATS, arrows_of, diagram
from simulator.topology.library import topology_names
from simulator.topology.model import Topology
from simulator.topology.paper import on_paper
from simulator.topology.reading import load_topology

BARE = re.compile(r"[-+<>=±~]*[0-9][0-9 \N{NO-BREAK SPACE}.,]*[kMBT]?(?: \([^A-Za-z%$]*\))?")
"""A number that nothing says the unit of."""

DESIGN: dict[str, Any] = {
    "name": "shop",
    "summary": "A shop window.",
    "source": {"document": "shop.md", "section": "Design"},
    "rate": "50 rps",
    "requests": {"visit": {"entry": "web"}},
    "components": {
        "web": {
            "kind": "service",
            "replicas": 2,
            "workers": 1,
            "cost": "$1/h",
            "steps": [{"work": {"exponential": {"mean": "10ms"}}}, {"call": "store"}],
        },
        "store": {"kind": "database", "query": {"p50": "2ms", "p99": "9ms"}, "connections": 4},
    },
    "requirements": ["Show things."],
    "given": {"daily": {"value": "4M requests/day", "section": "Numbers", "text": "visits"}},
    "estimates": {"average": {"formula": "daily", "documented": "60 rps", "section": "Numbers"}},
    "claims": {
        "fast": {"text": "fast", "section": "Goals", "metric": "latency.p(99)", "expect": "<1us"},
        "taste": {"text": "nice", "section": "Goals", "not_simulated": "Taste."},
    },
    "questions": {
        "bill": {
            "question": "What is the bill?",
            "answer": "{cost.per_month}, or {variants.big.cost.per_month}; {estimates.average}. A "
            "visit costs {cost.per_1k_requests} per thousand requests; {given.daily} are not many.",
        }
    },
    "variants": {
        "big": {"decision": "Size", "chosen": "two", "alternative": "four",
                "components": {"web": {"replicas": 4}}},
    },
    "faults": {"no_store": [{"at": "20%", "for": "20%", "target": "store", "down": True}]},
    "objectives": {"latency": ["p(99)<1s"]},
    "run": {"requests": "12k"},
}  # fmt: skip


def test_blocks_keep_cells_and_text_whole() -> None:
    section = Section("Numbers")
    section.say("a < b")
    section.list(["one"])
    section.table(("x", "y"), [("1 | 2", "word " * 40)])
    section.table(("x",), [])
    markdown = to_markdown("page", [section])
    assert "a &lt; b" in markdown
    assert "1 \\| 2" in markdown
    assert [block["type"] for block in to_data([section])[0]["blocks"]] == [
        "text", "points", "table",
    ]  # fmt: skip
    lines = list(to_terminal("page", [section], width=60))
    assert max(map(len, lines)) <= 60
    assert sum(line.count("word") for line in lines) == 40


def test_a_table_that_would_be_too_tall_has_its_cells_below_each_other() -> None:
    section = Section("Numbers")
    section.table(("load", "needs", "cost"), [("2x", "more " * 80, "5 GB")])
    lines = list(to_terminal("page", [section], width=60))
    assert any(line.strip() == "cost   5 GB" for line in lines)
    section.table(("what", "why"), [("0123456789 " * 3 + "49 ms " * 20, "x")])
    assert all(line.count("49") == line.count("49 ms")
               for line in to_terminal("page", [section], width=60))  # fmt: skip


@pytest.mark.parametrize("name", topology_names())
def test_diagrams_of_all_designs_hold_every_component_and_call(name: str) -> None:
    topology = load_topology(name).topology
    drawn = diagram(topology)
    assert {box.name for box in drawn.boxes} == {CLIENT, *topology.components}
    layers = {box.name: box.layer for box in drawn.boxes}
    assert all(layers[arrow.source] < layers[arrow.target] for arrow in drawn.arrows)
    places = [(box.x, box.y) for box in drawn.boxes]
    assert len(set(places)) == len(places)
    assert all(0 < box.x < drawn.width and 0 < box.y < drawn.height for box in drawn.boxes)
    arrows = len(arrows_of(topology))
    assert FORMATS["svg"](topology).count("marker-end") == arrows
    assert len(re.findall(r"-->|-\.->", FORMATS["mermaid"](topology))) == arrows
    assert FORMATS["dot"](topology).count(" -> ") == arrows


def test_an_svg_is_well_formed() -> None:
    from xml.etree import ElementTree

    ElementTree.fromstring(FORMATS["svg"](Topology.model_validate(DESIGN)))


def test_the_card_has_every_part_in_order_and_every_number_a_unit() -> None:
    topology = Topology.model_validate(DESIGN)
    material = gather(topology, DESIGN, jobs=1)
    page = to_markdown(title_of(material), card(material))
    titles = re.findall(r"(?m)^## (.*)$", page)
    assert titles == [
        "Requirements and clarifying numbers",
        "Back of the envelope",
        "Architecture and data flow",
        "What the simulation says",
        "Deep dive: the bottleneck",
        "At 2x, 10x and 100x",
        "What if a part fails",
        "Trade-offs",
        "Questions with a number",
        "Claims of the document",
    ]
    assert "off: 0.772 times" in page
    assert "✗ fails" in page
    assert "Taste." in page
    assert "web replicas 2 → " in page
    assert not re.search(r"\{(cost|variants|estimates)", page)
    assert "4M requests/day are not many" in page
    assert "per 1k requests)" in page and "per thousand" not in page
    # Two replicas at $1/h for 730 hours, four in the variant.
    assert "$1500/month ($1\N{NO-BREAK SPACE}460/month" in page
    assert "$2900/month ($2\N{NO-BREAK SPACE}920/month" in page
    assert page == to_markdown(title_of(material), card(gather(topology, DESIGN, jobs=1)))
    tables = [block for section in card(material) for block in section.blocks
              if isinstance(block, Table)]  # fmt: skip
    cells = [cell for table in tables for row in table.rows for cell in row]
    assert [cell for cell in cells if BARE.fullmatch(cell)] == []
    budget = next(table for table in tables if "adds at p50" in table.heads)
    added = [parse_duration(row[3]) for row in budget.rows if row[3] != "–"]
    assert sum(added[:-1]) == pytest.approx(added[-1], rel=2e-3)
    assert "so scaled: p99" in page and "yes (simulated)" in page
    assert "Back to normal means" in page and "the warm-up counts as well" in page
    assert re.search(r"The 8 worst of \d+ cases|What they notice, worst first", page)
    headroom = next(row for table in tables for row in table.rows if row[0].startswith("headroom"))
    assert f"full at {headroom[1].split()[0]} ({headroom[2]}) the load" in page
    _the_bottleneck_is_what_is_full_first(material)
    _the_budget_adds_up_with_what_takes_over_now_and_then(material)


def _changed(material: Material, **document: Any) -> Material:
    base = replace(material.base, document={**material.base.document, **document})
    return replace(material, base=base)


def _the_bottleneck_is_what_is_full_first(material: Material) -> None:
    verdict = material.base.document["verdict"]
    said = to_markdown("", [deep_dive_section(material)])
    assert "web is busiest, at " in said
    other = _changed(material, verdict={**verdict, "bottleneck": "store"})
    said = to_markdown("", [deep_dive_section(other)])
    assert "web is what more load fills first, at " in said
    assert "Busiest today is store, at " in said and "; it is full only at " in said
    found = metric(material.base, "components.web.utilization")
    half = {"components.web.utilization": Reading(0.5 * (found.value or 0.0))}
    idle = replace(material, base=replace(material.base, readings=material.base.readings | half))
    assert "The headroom follows from the arithmetic, which has it at " in to_markdown(
        "", [deep_dive_section(idle)]
    )
    assert "The headroom follows" not in said


def _the_budget_adds_up_with_what_takes_over_now_and_then(material: Material) -> None:
    components = {**DESIGN["components"], "spare": {"kind": "delay", "latency": "1ms"}}
    call = {"to": "store", "on_failure": [{"call": "spare"}]}
    components["web"] = {**components["web"], "steps": [{"call": call}]}
    topology = Topology.model_validate({**DESIGN, "components": components})
    part = {"component": "spare", "wait_s": 0.0, "own_s": 0.5}
    rows = [
        {**row, "parts": [*row["parts"], part]} if row["at"] == "p99" else row
        for row in material.base.document["breakdown"]
    ]
    changed = replace(_changed(material, breakdown=rows), topology=topology)
    budget = next(item for item in flow_section(changed).blocks if isinstance(item, Table))
    assert "spare" in [row[0] for row in budget.rows]
    added = [parse_duration(row[4]) for row in budget.rows if row[4] != "–"]
    assert sum(added[:-1]) == pytest.approx(added[-1], rel=2e-3)


def test_what_is_full_first_counts_the_replicas_a_scaler_may_add() -> None:
    scaled = {
        "kind": "service",
        "replicas": 2,
        "workers": 1,
        "autoscale": {"max_replicas": 8},
        "steps": [{"work": "20ms"}, {"call": "store"}],
    }
    store = {"kind": "database", "query": "10ms", "connections": 1}
    topology = Topology.model_validate(
        DESIGN | {"rate": "20 rps", "components": {"web": scaled, "store": store}, "variants": {},
                  "questions": {}}
    )  # fmt: skip
    paper = on_paper(topology)
    # 20/s of 20 ms are 20 % of two replicas and 5 % of eight; of 10 ms, 20 % of one connection.
    assert first_full(topology, paper) == Full("store", pytest.approx(0.2), pytest.approx(5.0))
    with_all = topology.model_copy(update={"rate": 40.0})
    assert first_full(topology, on_paper(with_all), 2.0) == Full(
        "store", pytest.approx(0.4), pytest.approx(5.0)
    )
    slower = topology.model_copy(
        update={"components": topology.components | {"web": topology.components["web"].model_copy(
            update={"replicas": 1}
        )}}
    )  # fmt: skip
    early = full_without_scalers(slower, on_paper(slower))
    assert early == Full("web", pytest.approx(0.4), pytest.approx(2.5))


def _needs(components: dict[str, Any], rate: str, **request: Any) -> tuple[Topology, list[Need]]:
    """What a design of these components needs, whose first is called at this rate."""
    data = {"name": "d", "rate": rate, "components": components,
            "requests": {"visit": {"entry": next(iter(components)), **request}}}  # fmt: skip
    topology = Topology.model_validate(data)
    needs = needs_of(topology, data, on_paper(topology))
    settings = tuple(setting for need in needs for setting in need.settings)
    scaled = with_settings(data, settings)
    assert scaled is not None, "what a design needs is a valid setting"
    return scaled, needs


def test_what_a_scaler_adds_by_itself_is_no_change_that_somebody_makes() -> None:
    web = {"kind": "service", "replicas": 2, "workers": 1, "steps": [{"work": "20ms"}],
           "autoscale": {"max_replicas": 8, "target": "60%"}}  # fmt: skip
    scaled, needs = _needs({"web": web}, "90 rps")
    # 90/s of 20 ms keep 1.8 replicas busy: three at 60 %; eight are busy to 23 %.
    assert [(need.before, need.after, need.scaled_to) for need in needs] == [(2, 3, 8)]
    assert (scaled.components["web"].replicas, needs[0].settings) == (
        3, (("components.web.replicas", "3"),)
    )  # fmt: skip
    patient = web | {"autoscale": {"max_replicas": 8, "target": "95%"}}
    assert _needs({"web": patient}, "90 rps")[1] == [], "90 % is below its target"
    scaled, needs = _needs({"web": web}, "350 rps")
    # Seven busy replicas are more than 70 % of eight: ten, and the scaler's limit goes with it.
    assert [(need.field, need.before, need.after, need.scaled_to) for need in needs] == [
        ("max_replicas", 8, 10, 0)
    ]
    assert scaled.components["web"].autoscale.max_replicas == 10


def test_the_interval_of_a_share_ends_at_the_whole() -> None:
    found = {"quality": Reading(0.99, 0.97, 1.01), "throughput": Reading(0.99, -0.1, 1.01)}
    measured = Measured({}, found)
    ends = [metric(measured, word) for word in found]
    assert [(figure.low, figure.high) for figure in ends] == [(0.97, 1.0), (0.0, 1.01)]


def test_what_holds_in_a_run_needs_nothing_but_for_the_target() -> None:
    topology = Topology.model_validate(DESIGN)
    need = Need("web", "replicas", 2, 3, ())
    step = Growth(2.0, topology, on_paper(topology), [need], None, True, None)
    assert _to_hold(step) == "web replicas 2 → 3"
    held = replace(step, measured=Measured({"verdict": {"status": "pass"}}, {}))
    assert _to_hold(held) == "nothing; for 70% at most: web replicas 2 → 3"
    missed = replace(step, needs=[], measured=Measured({"verdict": {"status": "fail"}}, {}))
    assert _to_hold(missed) == "more of what requests wait for, though all are at 70% at most"
    assert _to_hold(missed, missed_today=True) == "no count, as today's load misses it as well"
    both = _to_hold(replace(missed, needs=[need]), missed_today=True)
    assert both.endswith("as well; for 70% at most: web replicas 2 → 3")
    assert _to_hold(replace(missed, needs=[need])) == "web replicas 2 → 3"
    assert _to_hold(replace(held, needs=[])) == "nothing"


def test_a_percentile_rests_on_few_requests_where_fewer_than_ten_are_beyond_it() -> None:
    # Of 20,000 requests a class has 4 % or 800, 8 beyond p99, and the other 192.
    document = {
        "run": {"requests": 20_000},
        "metrics": {"throughput": {"value": 50.0}},
        "classes": {"rare": {"throughput": {"value": 2.0}}, "usual": {"throughput": {"value": 48}},
                    "none": {"throughput": {"value": None}}},
    }  # fmt: skip
    found = {name: rests_on_few(document, name, 0.99) for name in document["classes"]}
    assert found == {"rare": True, "usual": False, "none": False}
    assert not rests_on_few(document, "rare", 0.95)


@pytest.mark.parametrize(
    ("queue", "calls", "targets", "factor"),
    [
        ({"capacity": 0}, {"kind": "fallback", "targets": ["near", "far"]}, ("far",), 8.0),
        ({"capacity": None}, {"kind": "fallback", "targets": ["near", "far"]}, None, None),
        ({"capacity": 0}, {"kind": "fallback", "targets": ["far", "near"]}, None, None),
        ({"capacity": 0}, [{"call": {"to": "near", "optional": True}}], (), None),
        ({"capacity": 0}, [{"call": "near"}], None, None),
    ],
)
def test_what_stands_in_for_a_full_component(
    queue: dict[str, Any], calls: Any, targets: tuple[str, ...] | None, factor: float | None
) -> None:
    part = {"kind": "service", "workers": 1, "steps": [{"work": "10ms"}], "queue": queue}
    web = calls if isinstance(calls, dict) else {"kind": "service", "workers": 9, "steps": calls}
    data = {"name": "d", "rate": "50 rps", "requests": {"visit": {"entry": "web"}},
            "components": {"web": web, "near": part, "far": part | {"workers": 3}}}  # fmt: skip
    topology = Topology.model_validate(data)
    way = second_way(topology, "near", on_paper(topology))
    assert (way and way.targets) == targets
    # Half of one worker is busy: with three idle ones beside it they are full at 8 times the load.
    assert (way and way.factor) == factor


def test_consumers_are_added_in_every_group_and_partitions_with_them() -> None:
    work = [{"work": "100ms"}]
    groups = {"index": {"consumers": 6, "steps": work}, "mail": {"consumers": 2, "steps": work}}
    scaled, needs = _needs({"log": {"kind": "broker", "partitions": 8, "groups": groups}}, "56 rps")
    # Every group takes every message: 5.6 of mail's 2 are busy, four times as many to 70 %.
    assert [_grows(need) for need in needs] == [
        "log index.consumers 6 → 24, mail.consumers 2 → 8, partitions 8 → 24"
    ]
    grown = scaled.components["log"]
    assert [group.consumers for group in grown.groups.values()] == [24, 8]
    assert grown.partitions == 24


def test_shards_are_not_recommended_where_one_key_fills_its_shard() -> None:
    store = {"kind": "database", "query": "10ms", "shards": 4, "shard_key": "tenant",
             "connections": 1}  # fmt: skip
    shares = {"large": "20%", **{f"small_{n}": "8%" for n in range(10)}}
    of_tenant = {"attributes": {"tenant": {"choice": shares}}}
    _, needs = _needs({"store": store}, "500 rps", **of_tenant)
    # Five busy connections, one of them with the largest tenant: full, whatever the count.
    assert [(need.settings, need.key) for need in needs] == [((), "tenant")]
    assert needs[0].alone == pytest.approx(1.0)
    scaled, needs = _needs({"store": store}, "250 rps", **of_tenant)
    # 0.5 of the largest tenant leave 0.2 of its shard to a tenth of the other 2.0.
    assert scaled.components["store"].shards == needs[0].after == 10


@pytest.mark.parametrize("name", topology_names())
def test_every_figure_of_a_design_has_a_unit(name: str) -> None:
    topology = load_topology(name).topology
    arithmetic = Arithmetic(topology)
    for item in (*given_of(topology), *estimates_of(topology)):
        assert item.unit, item.name
        assert not BARE.fullmatch(item.shown) and not BARE.fullmatch(item.exact), item.name
        assert not BARE.fullmatch(item.documented or ""), item.name
    for key, claim in topology.claims.items():
        if claim.metric is not None and claim.expect is not None:
            bound = arithmetic.value(claim.expect.bounds[0].figure)
            assert unit_of_metric(claim.metric, claim.expect, claim.as_, bound), key
    decided = [key for key, claim in topology.claims.items() if claim.metric is None]
    for found in check_claims_of(topology, {}, only=decided).claims:
        assert found.value is None or found.unit, found.name
        assert not BARE.fullmatch(figure_of(found).both) or found.value is None, found.name
        assert not BARE.fullmatch(expected_of(found)), found.name
