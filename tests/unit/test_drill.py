"""The drill finds what recovers, what does not, and what nobody notices."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulator.metrics.aims import Aim, Noted, missing_share
from simulator.metrics.resilience import Phases, Series, Verdict, judge_case
from simulator.present.drill import verdict_of
from simulator.present.html.study import verdict_of as page_verdict_of
from simulator.present.numbers import things
from simulator.studies.drill import Drill, drill
from simulator.studies.drill_sentence import sentence_of
from simulator.studies.lessons import lessons
from simulator.studies.remedies import _named, remedy
from simulator.studies.run import RunOptions
from simulator.topology.model import Topology

SHOP: dict[str, Any] = {
    "name": "shop",
    "rate": "100 rps",
    "requests": {"view": {"entry": "web", "timeout": "5s"}},
    "components": {
        "web": {
            "kind": "service",
            "workers": 20,
            "steps": [
                {"work": {"exponential": "5ms"}},
                {"call": {"to": "db", "per_try_timeout": "200ms", "max_attempts": 3}},
                {"call": {"to": "hints", "optional": True}},
            ],
        },
        "db": {"kind": "service", "workers": 2, "steps": [{"work": {"exponential": "12ms"}}]},
        "hints": {"kind": "delay", "latency": "1ms"},
    },
}


@pytest.fixture(scope="module")
def result() -> Drill:
    return drill(Topology.model_validate(SHOP), RunOptions(duration_s=100.0, jobs=1, seed=1))


def row(result: Drill, component: str, fault: str) -> dict[str, Any]:
    return result.table()[component][fault]


def test_every_component_goes_through_every_fault(result: Drill) -> None:
    table = result.table()
    for name in ("web", "db", "hints"):
        assert set(table[name]) == {"down", "10x slow", "50% errors"}
    assert set(table["(traffic)"]) == {"3x spike"}
    assert result.document["runs"] == 11


def test_retries_without_cancellation_make_it_stay_broken(result: Drill) -> None:
    # Utilization 0.6, three tries: once every try comes too late, the load is 1.8 of capacity,
    # so the failed state feeds itself after the cause is gone.
    slow = row(result, "db", "10x slow")
    assert slow["stays_broken"]
    assert slow["availability_after"] < 0.2
    assert "stays broken" in slow["sentence"]
    assert "cancel_on_timeout" in slow["remedy"] and "retry_budget" in slow["remedy"]


def test_an_outage_that_fails_fast_recovers_at_once(result: Drill) -> None:
    down = row(result, "web", "down")
    assert down["availability_during"] < 0.01
    assert down["availability_after"] > 0.99
    assert not down["stays_broken"]
    assert down["recovery_s"] <= 4.0


def test_an_optional_call_degrades_answers_and_has_its_second_way(result: Drill) -> None:
    down = row(result, "hints", "down")
    assert down["status"] == "degraded" and down["degraded_share"] > 0.99  # all but the last
    assert down["sentence"].startswith("with hints down, 99.9% of the answers are degraded, and")
    assert down["lost_share"] == 0.0 and down["remedy"] == ""
    assert row(result, "hints", "10x slow")["status"] == "unaffected"


def test_the_worst_comes_first(result: Drill) -> None:
    rows = result.document["rows"]
    broken = [row["stays_broken"] for row in rows]
    assert broken == sorted(broken, reverse=True)
    assert rows[-1]["status"] == "unaffected"


def test_the_matrix_does_not_depend_on_the_number_of_processes(result: Drill) -> None:
    options = RunOptions(duration_s=100.0, jobs=2, seed=1)
    again = drill(Topology.model_validate(SHOP), options)
    assert again.document == result.document


LETTERS: dict[str, Any] = {
    "name": "letters",
    "rate": "100 rps",
    "requests": {"send": {"entry": "desk", "timeout": "5s"}},
    "components": {
        "desk": {
            "kind": "service",
            "workers": 20,
            "steps": [{"work": "5ms"}, {"spawn": [{"call": "carrier"}]}],
        },
        "carrier": {
            "kind": "service",
            "workers": 20,
            "steps": [{"work": {"exponential": "20ms"}}, {"record": "delivery_time"}],
        },
    },
    "objectives": {"delivery_time": ["p(99)<200ms"]},
}


@pytest.fixture(scope="module")
def letters() -> Drill:
    return drill(Topology.model_validate(LETTERS), RunOptions(duration_s=60.0, jobs=1, seed=1))


def test_what_never_arrives_is_no_fault_that_nobody_notices(letters: Drill) -> None:
    down = row(letters, "carrier", "down")
    assert down["lost_share"] == 0.0 and down["availability_during"] == 1.0
    (harm,) = down["harms"]
    # 1200 letters are sent meanwhile; those under way at its begin count as arrived before it.
    assert harm["missing_share"] == 1.0 and down["status"] == "outage"
    assert down["sentence"].startswith(
        "with carrier down, no caller gets an error, but 100% of what delivery_time measures is "
        "not done by the end of the run"
    )
    assert down["sentence"].endswith("and only what comes in after the fault is done as usual")
    # Half of the letters are lost: a deviation of 17 among 1200, so five are 7 points.
    half = row(letters, "carrier", "50% errors")
    assert half["harms"][0]["missing_share"] == pytest.approx(0.5, abs=0.07)


def test_a_late_delivery_breaks_its_objective_while_callers_wait_for_nothing(
    letters: Drill,
) -> None:
    # The p99 of the service alone is 921 ms, and that of 1200 letters has a deviation of 57 ms
    # (sqrt(0.99 * 0.01 / 1200) over the density 0.05 / s): 500 ms is seven below.
    slow = row(letters, "carrier", "10x slow")
    (harm,) = slow["harms"]
    assert harm["missed"] and harm["usual"] < 0.2 < 0.5 < harm["during"]
    assert slow["status"] == "degraded" and slow["remedy"]
    assert "no caller gets an error, but delivery_time p99 goes from" in slow["sentence"]
    assert "(200ms is promised)" in slow["sentence"]


def test_work_that_nobody_waits_for_is_to_be_kept(letters: Drill) -> None:
    assert "a `kind: broker` before carrier" in row(letters, "carrier", "down")["remedy"]


def test_what_fails_with_its_requests_is_told_once(letters: Drill) -> None:
    for fault in ("down", "50% errors"):
        assert "delivery_time" not in row(letters, "desk", fault)["sentence"]


FELT = replace(
    judge_case(*(2 * [Series(1.0, Phases(0.2, 0.4, 0.7), *(3 * [np.ones(50)]),
                             *(3 * [(1.0, 0.1, 0.2)]))])),
    status="degraded", lost_share=0.5,
)  # fmt: skip


def told(changes: dict[str, Any], component: str, fault: str, verdict: Verdict = FELT) -> str:
    document = SHOP | {"components": SHOP["components"] | changes}
    return remedy(Topology.model_validate(document), component, fault, verdict)


def test_a_part_outside_of_the_system_is_not_to_be_run_twice() -> None:
    web = SHOP["components"]["web"]
    assert "run web twice" in told({}, "web", "down")
    for fault in ("down", "10x slow", "50% errors"):
        assert "outside of the system" in told({"web": web | {"external": True}}, "web", fault)


def test_parts_outside_of_the_system_have_no_policy_in_common() -> None:
    rows = [
        {
            "component": name, "fault": "50% errors", "sentence": f"half of {name}",
            "remedy": told({"web": SHOP["components"]["web"] | {"external": True}}, "web", "down"),
            "stays_broken": False, "recovery_s": 0.0, "lost_share": 0.5, "harms": [],
        }
        for name in ("player", "delivery")
    ]  # fmt: skip
    assert [lesson["sentence"] for lesson in lessons(rows)] == [
        "half of player",
        "half of delivery",
    ]


def test_the_entry_of_some_requests_is_not_called_the_entry_of_all() -> None:
    assert "nothing can stand in for the entry: run web" in told({}, "web", "down")
    app = {"kind": "service", "workers": 1, "steps": [{"call": "web"}]}
    parts = {"components": SHOP["components"] | {"app": app}}
    classes = {"requests": SHOP["requests"] | {"order": {"entry": "app"}}}
    some = remedy(Topology.model_validate(SHOP | parts | classes), "app", "down", FELT)
    assert "nothing can stand in for the entry of order: run app twice" in some


def test_a_region_is_left_when_its_checks_and_records_say_so() -> None:
    """Two checks that fail, 10 s apart, and records that clients keep for a minute."""
    regions = {"east": {"target": "web"}, "west": {"target": "db", "share": 0}}
    dns = {"kind": "geo_dns", "regions": regions, "check_interval": "10s", "fall": 2}
    requests = {"requests": {"view": {"entry": "dns"}}}
    parts = {"components": SHOP["components"] | {"dns": dns}}
    design = Topology.model_validate(SHOP | requests | parts)
    lost = remedy(design, "web", "down", FELT)
    assert "dns gives web up 20s after its checks begin" in lost and "within 1m" in lost
    assert "its callers" not in lost
    assert "nothing chooses another dns" in remedy(design, "dns", "down", FELT)
    alone = {"dns": dns | {"regions": {"east": {"target": "web"}}}}
    design = Topology.model_validate(SHOP | requests | {"components": SHOP["components"] | alone})
    assert remedy(design, "web", "down", FELT) == "give dns a second region beside web"


def test_an_entry_has_its_own_story_though_others_call_it_too() -> None:
    app = {"kind": "service", "workers": 1, "steps": [{"call": "web"}]}
    rows = [
        {
            "component": name, "fault": "down", "sentence": f"without {name}", "remedy": advice,
            "stays_broken": False, "recovery_s": 0.0, "lost_share": 0.5, "harms": [],
        }
        for name, advice in (("web", told({"app": app}, "web", "down")),
                             ("db", "give web a second way when db is gone: `optional: true`"))
    ]  # fmt: skip
    assert [lesson["components"] for lesson in lessons(rows)] == [["web"], ["db"]]


def test_an_entry_that_others_also_call_is_an_entry() -> None:
    app = {"kind": "service", "workers": 1, "steps": [{"call": "web"}]}
    both = told({"app": app}, "web", "down")
    assert both.startswith("give app a second way when web is gone: ")
    assert "; nothing can stand in for the entry: run web twice" in both
    # An error can be answered by a second attempt where a component calls.
    again = told({"app": app}, "web", "50% errors")
    assert again.startswith("try again: ") and again.endswith(" on the calls to web in app")
    slow = told({"app": app}, "web", "10x slow")
    # Requests have a time-out of their own; who has none is named.
    assert "in app:" in slow and "class" not in slow
    timed = SHOP | {"requests": {"view": {"entry": "web"}}}
    both = Topology.model_validate(timed | {"components": SHOP["components"] | {"app": app}})
    assert "in app, `requests.view`:" in remedy(both, "web", "10x slow", FELT)


def test_a_flushed_cache_has_nothing_stale_to_answer_with() -> None:
    cache = {"kind": "cache", "lookup": "1ms", "key": "item", "on_miss": [{"call": "db"}]}
    cold = told({"hints": cache}, "hints", "flush")
    assert "coalesce: cache" in cold and "stale" not in cold
    assert "coalesce" not in told({"hints": cache | {"coalesce": "cache"}}, "hints", "flush")


def series(median_s: float, p99: float) -> Series:
    """A run without a failure whose requests take that long from the fault on."""
    aim = Noted(*(np.linspace(0.0, 50.0, 5000, endpoint=False),) * 2, np.full(5000, p99))
    every = np.full(50, 100.0)
    medians = np.full(50, 0.1)
    medians[10:] = median_s
    phase = (1.0, median_s, p99)
    phases = Phases(0.2, 0.4, 0.7)
    return Series(50.0, phases, every, every, medians, *(3 * [phase]), noted=(aim,))


def test_what_is_expected_of_more_traffic_is_known_no_better_than_the_count_it_comes_from() -> None:
    # Of 5000 in calm and eight times the traffic 40 000 are expected, give or take 3 x 600.
    assert missing_share(38_800, 40_000, traffic=8.0) == 0.0
    assert missing_share(38_000, 40_000, traffic=8.0) == pytest.approx(0.05)
    assert missing_share(38_800, 40_000) == pytest.approx(0.03)


def test_longer_times_within_the_promise_are_no_breakage() -> None:
    usual, slow = series(0.1, 0.2), series(0.3, 0.6)
    promised = Aim("latency", "latency", 99.0, bound=1.0)
    verdict = judge_case(slow, usual, [promised])
    assert not verdict.stays_broken and verdict.recovery_s is None
    assert "still refilling" in sentence_of("cache", "flush", verdict)
    broken = judge_case(slow, usual, [replace(promised, bound=0.5)])
    assert broken.stays_broken and broken.harms[0].missed


@pytest.mark.parametrize(
    ("callers", "where"),
    [(["cart", "class page"], "cart, `requests.page`"), ([], "its callers")],
)
def test_a_remedy_names_the_place_in_the_document(callers: list[str], where: str) -> None:
    """Classes of requests by where their fields stand, which is where a `timeout` goes."""
    assert _named(callers) == where


def test_one_thing_is_one_thing() -> None:
    assert things(1, "replication") == "1 replication" and things(2, "run") == "2 runs"
    row = {"status": "outage", "stays_broken": False, "recovery_s": 0.0}
    one = {"rows": [row], "stays_broken": 0}
    assert verdict_of(one) == (
        "it recovers from the only fault; 1 is an outage while it lasts, 0 nobody notices"
    )


def test_what_is_not_over_at_the_end_of_the_run_is_not_called_recovered() -> None:
    row = {"status": "degraded", "stays_broken": False, "recovery_s": 0.0}
    late = row | {"recovery_s": None}
    stuck = late | {"status": "stays broken", "stays_broken": True}
    two = {"rows": [row, late], "stays_broken": 0}
    assert verdict_of(two) == (
        "it recovers from 1 of 2 faults; after 1 it is not back to normal by the end of the run; "
        "0 are outages while they last, 0 nobody notices"
    )
    three = {"rows": [row, late, stuck], "stays_broken": 1}
    assert verdict_of(three).startswith(
        "1 of 3 faults leaves it broken after it is gone; after 1 it is not back to normal"
    )
    page = {"study": "drill", **two}
    assert page_verdict_of(page)[0] == "unsure"


def test_parts_that_fail_alike_are_told_the_policy_and_not_the_place_of_one() -> None:
    rows = [
        {
            "component": name, "fault": "50% errors", "sentence": "", "stays_broken": False,
            "recovery_s": 0.0, "lost_share": 0.5, "harms": [],
            "remedy": f"try again: `max_attempts: 3` on the calls to {name} in web",
        }
        for name in ("db", "cart")
    ]  # fmt: skip
    (lesson,) = lessons(rows)
    assert lesson["remedy"] == "try again: `max_attempts: 3`"


def test_an_entry_gets_no_policy_on_the_calls_of_its_users() -> None:
    """Its calls have a time-out, so what is left is a breaker: not in the hands of a client."""
    advice = told({}, "web", "10x slow")
    assert "breaker" not in advice and "`requests." not in advice
