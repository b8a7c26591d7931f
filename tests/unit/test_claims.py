"""Estimates and claims of small topologies whose answers are known."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

import simulator.components
import simulator.faults
import simulator.steps
import simulator.workload.arrivals  # noqa: F401  (registers the kinds)
from simulator.faults.lost_cells import LostCells
from simulator.interview.claims_table import counts_of, markdown_cells
from simulator.studies.claims import Checked, check_claims_of, worst_first
from simulator.studies.conditions import Condition
from simulator.studies.estimates import estimates_of, times
from simulator.studies.metric_units import unit_of_word
from simulator.topology.claim_checks import check_claims
from simulator.topology.expectation import parse_expected
from simulator.topology.model import Topology

BASE: dict[str, Any] = {
    "name": "desk",
    "source": {"document": "desk.md"},
    "rate": "50 rps",
    "requests": {"visit": {"entry": "desk", "timeout": "60s"}},
    "components": {
        "desk": {
            "kind": "service",
            "workers": 1,
            "cost": "$1/h",
            "steps": [{"work": {"exponential": {"mean": "10ms"}}}],
        }
    },
    "variants": {
        "slow": {"components": {"desk": {"steps": [{"work": {"exponential": {"mean": "16ms"}}}]}}}
    },
    "faults": {"gone": [{"at": "20%", "for": "50%", "target": "desk", "down": True}]},
    "run": {"requests": "40k"},
}  # fmt: skip


def topology(**blocks: Any) -> tuple[Topology, dict[str, Any]]:
    data = {**BASE, **blocks}
    return Topology.model_validate(data), data


def checked(**claims: dict[str, Any]) -> dict[str, Checked]:
    whole = {name: {"text": name, "section": "Promises", **claim} for name, claim in claims.items()}
    found = check_claims_of(*topology(claims=whole), jobs=1)
    return {claim.name: claim for claim in found.claims}


def test_estimates_find_slips_of_arithmetic_and_units() -> None:
    model, _ = topology(
        given={"daily": "10M requests/day"},
        estimates={
            "average": {"formula": "daily", "documented": "120 rps", "section": "s"},
            "rounded": {"formula": "daily", "documented": "100 rps", "section": "s"},
            "annual": {
                "formula": "$0.003/request * 500k requests/s",
                "documented": "$130M/year",
                "section": "s",
            },
            "wrong": {"formula": "2 GB * 3", "documented": "6 users", "section": "s"},
            "range": {"formula": "2.5 TB", "documented": "2 to 3 TB", "section": "s"},
            "loop": "loop * 2",
            "seconds": {"formula": "500 rps * 2.3 s", "unit": "requests"},
            "crew": {
                "formula": "6 [parcels] / (2 [parcels]/courier)",
                "documented": "3 [couriers]",
                "section": "s",
            },
        },
    )
    found = {item.name: item for item in estimates_of(model)}
    assert {name: item.verdict for name, item in found.items()} == {
        "average": "agrees",
        "rounded": "close",
        "annual": "off",
        "wrong": "wrong unit",
        "range": "agrees",
        "loop": "no value",
        "seconds": "computed",
        "crew": "agrees",
    }
    assert found["annual"].factor == pytest.approx(0.003 * 500e3 * 31_536_000 / 130e6)
    assert found["average"].derivation == "10M requests/day = 116 rps"
    assert found["seconds"].shown == "1150 requests"
    assert found["average"].document == "desk.md"
    assert found["crew"].derivation == "6 parcels / (2 parcels/courier) = 3 couriers"
    assert found["crew"].documented == "3 couriers"


def test_a_formula_is_derived_in_the_unit_of_its_claim() -> None:
    model, data = topology(
        given={"spare": "300 min"},
        estimates={"share": {"formula": "spare / 24 h", "text": "of a day"}},
        claims={
            name: {"text": name, "section": "s", "formula": formula, "expect": expect}
            for name, formula, expect in (
                ("part", "share", "<50%"), ("times", "share * 24", ">1"),
                ("time", "spare", "<1 day"),
            )
        },
    )  # fmt: skip
    how = {claim.name: claim.how for claim in check_claims_of(model, data).claims}
    assert how == {
        "part": "(300 min) / 24 h = 20.8%", "times": "0.208 * 24 = 5x",
        "time": "300 min = 0.208 days",
    }  # fmt: skip


def test_a_factor_reads_well() -> None:
    assert times(1.4) == "1.4 times"
    assert times(1 / 3570) == "1/3570 of"


def test_claims_of_a_queue_agree_with_theory() -> None:
    # M/M/1 at rho = 0.5: R = S / (1 - rho) = 20 ms, p95 = R ln 20 = 59.9 ms. The bounds are 30 %
    # away from theory and the half-width is about 3 %: false alarms are beyond 10 sigma.
    found = checked(
        mean={"metric": "latency.mean", "expect": "20ms ±30%"},
        tail={"metric": "latency.p(95)", "expect": "<78ms"},
        too_fast={"metric": "latency.p(95)", "expect": "<42ms"},
        odd={"metric": "latency.p(75)", "expect": ">=19ms, <=36ms"},
        busy={"metric": "components.desk.utilization", "expect": "50% ±30%"},
        littles={"metric": "throughput * latency.mean", "expect": "1 ±30%"},
        paper={"metric": "paper.capacity_rps", "expect": "==100 rps"},
        hour={"metric": "cost.per_hour", "expect": "$1/h ±0.1%"},
        day={"metric": "cost.per_day", "expect": "$24 ±1%"},
        steady={"metric": "stable", "expect": "==1"},
        slower={
            "metric": "latency.mean", "variant": "slow", "versus": "base", "as": "ratio",
            "expect": ">2",
        },
        quota={"metric": "errors.rejected_rate_limit", "expect": "<1%"},
        full={"metric": "latency.p(99)", "rps": "150 rps", "expect": "<100h"},
        outage={"metric": "availability", "faults": "gone", "expect": "50% ±30%"},
        ours={"formula": "4 users * 2", "expect": "<=8 users"},
        unit={"formula": "4 users * 2", "expect": "<=8 GPU"},
        why={"not_simulated": "it is a matter of taste"},
    )  # fmt: skip
    assert {name: claim.status for name, claim in found.items()} == {
        "mean": "holds", "tail": "holds", "too_fast": "fails", "odd": "holds", "busy": "holds",
        "littles": "holds", "paper": "holds", "hour": "holds", "day": "holds", "steady": "holds",
        "slower": "holds", "quota": "holds", "full": "fails", "outage": "holds", "ours": "holds",
        "unit": "fails", "why": "not simulated",
    }  # fmt: skip
    assert found["mean"].low < found["mean"].value < found["mean"].high
    assert "saturates" in found["full"].reason
    assert worst_first(list(found.values()))[0].status == "fails"


def test_a_loss_system_under_too_much_is_steady_and_refuses() -> None:
    found = checked(
        lost={"metric": "errors.rate", "rps": "150 rps", "set": {"desk.queue": {"capacity": 0}},
              "expect": ">50%"},
        fast={"metric": "latency.mean", "rps": "150 rps", "set": {"desk.queue": {"capacity": 0}},
              "expect": "<14ms"},
    )  # fmt: skip
    # Erlang B with one server at 1.5: 1.5 / 2.5 = 60 % are lost; who gets in has no wait, 10 ms.
    # The half-width of 40k requests is below 1 %: false alarms are beyond 10 sigma.
    assert {claim.reason: claim.status for claim in found.values()} == {
        found["lost"].reason: "holds"
    }
    refused = float(found["lost"].reason.removeprefix("steady, refuses ").removesuffix("%"))
    assert refused == pytest.approx(60.0, abs=2.0)


def test_counts_and_conditions_are_said_as_one_writes() -> None:
    found = checked(a={"formula": "1", "expect": "<2"}, b={"formula": "1", "expect": "<3"},
                    c={"formula": "1", "expect": ">2"})  # fmt: skip
    assert counts_of(list(found.values())) == "1 fails, 2 hold"
    settings = (("desk.key", "null"), ("desk.blocking", "true"), ("desk.workers", "2"))
    text = Condition(settings=settings).told()
    assert text == "desk.key=null, desk.blocking=true, desk.workers=2"
    assert LostCells(cells=400, of=2000).sentence("") == "1 in 5 cells is lost"
    assert LostCells(cells=2, of=3).sentence("") == "2 in 3 cells are lost"


def test_an_interval_across_the_bound_is_unsure() -> None:
    value = checked(mean={"metric": "latency.mean", "expect": "<1s"})["mean"].value
    found = checked(mean={"metric": "latency.mean", "expect": f"<{value * 1e6:.0f}us"})
    assert found["mean"].status == "unsure"


@pytest.mark.parametrize(
    ("text", "figure", "inside", "outside"),
    [
        ("20ms ±10%", 20.0, (18.5, 21.5), (17.5, 22.5)),
        ("-20ms ±10%", -20.0, (-21.5, -18.5), (-22.5, -17.5)),
    ],
)
def test_a_tolerance_lies_around_its_figure(
    text: str, figure: float, inside: tuple[float, float], outside: tuple[float, float]
) -> None:
    bounds = parse_expected(text).bounds
    assert all(bound.holds(value, figure) for bound in bounds for value in inside)
    assert not any(all(bound.holds(value, figure) for bound in bounds) for value in outside)


def test_the_number_of_processes_changes_nothing() -> None:
    claims = {
        name: {"text": name, "section": "s", "metric": "latency.p(99)", "expect": "<1s", **more}
        for name, more in {"base": {}, "slow": {"variant": "slow"}}.items()
    }
    model, data = topology(claims=claims)
    alone, together = (check_claims_of(model, data, jobs=jobs).claims for jobs in (1, 2))
    assert alone == together
    assert alone != [replace(claim, value=0.0) for claim in alone]


@pytest.mark.parametrize(
    ("claim", "part"),
    [
        ({"text": "t", "section": "s"}, "decided by one of"),
        ({"text": "t", "section": "s", "metric": "latency.mean"}, "expect"),
        ({"text": "t", "metric": "latency.mean", "expect": "<1s"}, "section"),
        ({"text": "t", "section": "s", "metric": "latency.mean", "expect": "1s"}, "operator"),
        (
            {"text": "t", "section": "s", "formula": "1", "expect": "<2", "rps": "5 rps"},
            "condition of a run",
        ),
    ],
)
def test_a_claim_that_cannot_be_checked_is_refused(claim: dict[str, Any], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        topology(claims={"c": claim})


def test_a_documented_figure_names_its_section() -> None:
    with pytest.raises(ValidationError, match="section"):
        topology(estimates={"e": {"formula": "1", "documented": "1"}})


def test_words_that_mean_nothing_are_found() -> None:
    claim = {"text": "t", "section": "s", "expect": "<1s"}
    model, _ = topology(
        given={"users": "3"},
        estimates={"e": "dayly * 2"},
        claims={
            "a": {**claim, "metric": "latncy.mean"},
            "b": {**claim, "metric": "components.dsk.utilization"},
            "c": {**claim, "metric": "latency.mean", "variant": "slw", "faults": "gon"},
        },
        questions={"q": {"question": "?", "answer": "{estimates.x} {variants.y.latency.mean}"}},
    )
    messages = [found.message for found in check_claims(model)]
    for part in ("users", "dayly", "latncy", "dsk", "slw", "gon", "`x`", "`y`"):
        assert any(part in message for message in messages), part


def test_units_of_metrics() -> None:
    assert unit_of_word("classes.visit.latency.p(99)") == "s"
    assert unit_of_word("components.desk.wait.p99") == "s"
    assert unit_of_word("cost.per_1k_requests") == "USD/1k requests"
    assert unit_of_word("cost.per_month") == "USD/month"
    assert unit_of_word("goodput") == "requests/s"
    assert unit_of_word("availability") == "share"


def test_a_claim_says_where_its_figure_stands() -> None:
    metric = {"metric": "latency.p(99)", "expect": "<1s", "requests": 2000}
    found = checked(
        there=metric,
        ours={**metric, "bound": "ours"},
        elsewhere={**metric, "bound": "Requirements"},
        own={**metric, "own": True, "section": None},
    )
    places = ["Promises", "Promises; bound ours", "Promises; bound of Requirements", "our own"]
    assert [claim.place for claim in found.values()] == places
    assert markdown_cells(found["ours"])[-1] == "desk.md, Promises; bound ours"
    unbound = {"text": "t", "section": "s", "not_simulated": "why", "bound": "ours"}
    with pytest.raises(ValidationError, match="bound"):
        topology(claims={"one": unbound})


def test_a_backlog_fails_the_latency_of_those_who_wait_in_it() -> None:
    """`audit` is offered 1.25 of what its clerk can do; visits go to the other desk."""
    model, data = topology(
        requests={"visit": {"entry": "desk"}, "audit": {"entry": "clerk"}},
        components={
            **BASE["components"],
            "clerk": {"kind": "service", "steps": [{"work": "50ms"}]},
        },
        claims={
            name: {"text": name, "own": True, "metric": "latency.p(95)", "class": name,
                   "expect": "<1h"}
            for name in ("visit", "audit")
        },
    )  # fmt: skip
    found = {claim.name: claim for claim in check_claims_of(model, data, jobs=1).claims}
    assert found["visit"].status == "holds" and found["visit"].reason.startswith("not stable")
    assert found["audit"].status == "fails"
