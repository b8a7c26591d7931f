"""What callers do about slow and failing callees, on small deterministic systems."""

import numpy as np
import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from simulator.engine.replicate import Experiment, run_replication
from simulator.policies.calling import Calling
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.workload.arrivals.constant import Constant

SLOW = "{kind: delay, latency: 1s}"
FAILING = "{kind: delay, latency: 100ms, errors: 100%}"
ONE_WORKER = "{kind: service, steps: [{work: 1s}]}"


def run(policies: str, leaf: str, *, rate: str = "0.1 rps", entry: str = "") -> Recording:
    """Ten evenly spaced requests through a client that calls one leaf."""
    text = f"""
name: small
rate: {rate}
requests: {{request: {{entry: client{entry}}}}}
components:
  client: {{kind: service, workers: 1000, steps: [{{call: {{to: leaf{policies}}}}}]}}
  leaf: {leaf}
"""
    topology = Topology.model_validate(YAML(typ="safe").load(text))
    return run_replication(Experiment(topology, Constant(), 10.0 / float(rate.split()[0])), 0)


def outcomes(recording: Recording) -> set[str]:
    """The outcomes that occurred."""
    return {recording.outcomes[code] for code in np.unique(recording.requests["outcome"])}


def latency(recording: Recording) -> float:
    """The latency that all requests share."""
    values = np.round(recording.requests["latency"], 9)
    assert len(set(values.tolist())) == 1
    return float(values[0])


def test_total_timeout_includes_retries_and_pauses() -> None:
    # Tries fail at 0.1 s, pauses take 0.3 s: the third try would begin at 0.8 s.
    policies = ", timeout: 700ms, max_attempts: 5, backoff: {constant: 300ms}"
    recording = run(policies, FAILING)
    assert outcomes(recording) == {"timeout"}
    assert latency(recording) == pytest.approx(0.7)
    assert recording.meters["client"]["leaf.retries_total"][-1] == pytest.approx(10, abs=1)


def test_last_try_gets_what_is_left() -> None:
    policies = ", timeout: 900ms, per_try_timeout: 400ms, num_retries: 9, backoff: {none: {}}"
    recording = run(policies, SLOW)
    assert latency(recording) == pytest.approx(0.9)
    assert recording.meters["client"]["leaf.retries_total"][-1] == pytest.approx(20, abs=2)


def test_client_stops_retrying_when_its_whole_call_times_out() -> None:
    policies = ", timeout: 250ms, max_attempts: 100, backoff: {none: {}}"
    recording = run(policies, FAILING)
    # Tries at 0, 0.1 and 0.2 s; the third is under way at the time-out and runs to its end.
    assert recording.meters["leaf"]["served_total"][-1] == pytest.approx(30, abs=3)


@pytest.mark.parametrize(
    ("mode", "served", "left", "aborted"),
    [("none", 2, 0, 0), ("in_queue", 1, 1, 0), ("in_service", 0, 0, 2)],
)
def test_cancellation_reaches_as_far_as_it_is_told(
    mode: str, served: int, left: int, aborted: int
) -> None:
    # Two calls at once on one worker that needs 1 s for each; the caller leaves after 0.5 s.
    # In service, the first gives the worker back, the second gets it and leaves the same instant.
    call = f"{{call: {{to: leaf, timeout: 500ms, cancel_on_timeout: {mode}, optional: true}}}}"
    text = f"""
name: pair
rate: 0.1 rps
requests: {{request: {{entry: client}}}}
components:
  client: {{kind: service, workers: 9, steps: [{{parallel: [{call}, {call}]}}]}}
  leaf: {ONE_WORKER}
"""
    topology = Topology.model_validate(YAML(typ="safe").load(text))
    recording = run_replication(Experiment(topology, Constant(), 95.0), 0)
    meters = recording.meters["leaf"]
    requests = len(recording.requests["index"])
    found = [meters[name][-1] for name in ("served_total", "left_total", "aborted_total")]
    assert found == [requests * expected for expected in (served, left, aborted)]


def test_deadline_travels_and_an_expired_one_fails_at_once() -> None:
    text = f"""
name: late
rate: 0.1 rps
requests: {{request: {{entry: front, timeout: 300ms, cancel_on_timeout: none}}}}
components:
  front:
    kind: service
    workers: 9
    steps: [{{wait: 400ms}}, {{call: {{to: leaf, propagate_deadline: true}}}}]
  leaf: {SLOW}
"""
    topology = Topology.model_validate(YAML(typ="safe").load(text))
    recording = run_replication(Experiment(topology, Constant(), 95.0), 0)
    assert outcomes(recording) == {"timeout"}
    assert recording.meters["leaf"]["served_total"][-1] == 0


def test_hedge_answers_with_the_first_good_copy() -> None:
    # Every copy takes 1 s, so the hedge at 0.2 s never wins; its work stops with the answer.
    recording = run(", hedge: {delay: 200ms, cancel: in_service}", SLOW)
    assert latency(recording) == pytest.approx(1.0)
    assert recording.meters["client"]["leaf.hedges_won_total"][-1] == 0
    assert recording.meters["leaf"]["served_total"][-1] == pytest.approx(10, abs=1)


def test_non_fatal_outcome_sends_the_next_copy_at_once() -> None:
    recording = run(", hedge: {delay: 5s, non_fatal: [error], max_attempts: 3}", FAILING)
    assert outcomes(recording) == {"error"}
    assert latency(recording) == pytest.approx(0.3)


def test_fatal_outcome_settles_a_hedged_call() -> None:
    recording = run(", hedge: {delay: 5s, max_attempts: 3}", FAILING)
    assert latency(recording) == pytest.approx(0.1)


def test_breaker_stands_inside_the_retries() -> None:
    # Two failures open it; the retries after that meet the breaker, which is not retried.
    breaker = "{window: 2, open_for: 1000s}"
    policies = f", max_attempts: 9, backoff: {{none: {{}}}}, breaker: {breaker}"
    recording = run(policies, FAILING)
    assert outcomes(recording) == {"rejected_breaker"}
    assert recording.meters["leaf"]["served_total"][-1] == 2


def test_waiting_for_a_place_ends_with_the_whole_call() -> None:
    policies = ", timeout: 1500ms, bulkhead: {max_concurrent: 1, max_wait: 10s}"
    recording = run(policies, SLOW, rate="2 rps")
    assert "timeout" in outcomes(recording)
    assert recording.requests["latency"].max() == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"hedge": {"delay": "1s"}, "max_attempts": 2}, "either retried or hedged"),
        ({"timeout": "1s", "per_try_timeout": "2s"}, "longer than the `timeout`"),
        ({"max_attempts": 2, "num_retries": 1}, "give one of them"),
        ({"retry_budget": {"grpc": {}}}, "nothing to limit"),
        ({"backoff": {"none": {}}}, "no effect with a single try"),
        ({"hedge": {}}, "needs a `delay`"),
        ({"hedge": {"delay": "1s", "tied": True, "cancel": "none"}}, "tied copies"),
        (
            {"max_attempts": 2, "retry_budget": {"finagle": {"ratio": 0, "min_per_second": "0/s"}}},
            "a budget of 0",
        ),
        ({"max_attempts": 2, "retry_budget": {"aws": {"tokens": 5}}}, "no retry could be paid"),
        ({"hedge": {"delay": "1s", "window": 50}}, "without `delay_percentile`"),
        (
            {"rate_limit": {"rate": "1/s", "algorithm": {"token_bucket": {"interval": "1s"}}}},
            "`interval` has no effect",
        ),
        ({"breaker": {"window": "200ms"}}, "at least `1s`"),
        ({"breaker": {"failure_rate": 0}}, "greater than 0"),
    ],
)
def test_contradictions_are_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Calling.model_validate(fields)


@pytest.mark.parametrize(
    "inner",
    [
        "{call: db}",
        "{call: {to: db, timeout: 9s, cancel_on_timeout: in_queue}}",
        "{parallel: [{call: db}]}",
        "{parallel: [{call: db}, {wait: 1ms}]}",
        "{call: {to: db, optional: true}}",
        "{call: quorum}",
    ],
)
def test_who_is_taken_out_of_a_queue_gives_back_what_it_holds(inner: str) -> None:
    """A thread is kept during a call that waits in a queue when its own caller gives up."""
    text = f"""
name: nested
rate: 8 rps
requests: {{request: {{entry: client}}}}
components:
  client:
    kind: service
    workers: 1000
    steps: [{{call: {{to: threads, timeout: 500ms, cancel_on_timeout: in_queue}}}}]
  threads: {{kind: service, workers: 20, blocking: true, steps: [{inner}]}}
  db: {{kind: service, steps: [{{work: 200ms}}]}}
  quorum:
    kind: database
    query: 200ms
    connections: 1
    read_replicas: 1
    quorum: {{read: 2, write: 2}}
"""
    topology = Topology.model_validate(YAML(typ="safe").load(text))
    recording = run_replication(Experiment(topology, Constant(), 100.0), 0)
    assert recording.in_flight == 0
    # One is served and those of the last 500 ms wait: 4 of 8 a second, and one just leaving.
    assert float(recording.meters["threads"]["busy"].max()) <= 6.0


TIED = "hedge: {{delay: 0ms, tied: true, non_fatal: [error], cancel: {cancel}}}"


@pytest.mark.parametrize("cancel", ["in_queue", "in_service"])
def test_a_tied_copy_that_fails_is_answered_with_its_failure(cancel: str) -> None:
    """The sibling it has withdrawn has nothing to say, and is not waited for."""
    hedge = TIED.format(cancel=cancel)
    recording = run(f", network: 100ms, {hedge}", FAILING)
    assert recording.in_flight == 0
    assert outcomes(recording) == {"error"}
    failing = "{kind: service, workers: 4, steps: [{work: 1s}, {fail: {share: 100%}}]}"
    recording = run(f", network: 100ms, {hedge}", failing)
    assert recording.in_flight == 0
    assert outcomes(recording) == {"error"}


@pytest.mark.parametrize(
    ("tied", "timeout"),
    [("true", ""), ("false", ", timeout: 500ms, cancel_on_timeout: in_service")],
)
def test_copies_that_are_withdrawn_leave_the_budget_of_hedges(tied: str, timeout: str) -> None:
    """With a budget of one hedge in flight and calls that never overlap, all are hedged."""
    text = f"""
name: budgeted
rate: 0.1 rps
requests: {{request: {{entry: client}}}}
components:
  client: {{kind: service, workers: 10, steps: [{{call: {{to: middle{timeout}}}}}]}}
  middle:
    kind: service
    workers: 10
    steps:
      - call:
          to: leaf
          network: 100ms
          retry_budget: {{envoy: {{budget: 20%, min_concurrency: 1}}}}
          hedge: {{delay: 10ms, tied: {tied}, cancel: in_service}}
  leaf: {ONE_WORKER}
"""
    topology = Topology.model_validate(YAML(typ="safe").load(text))
    recording = run_replication(Experiment(topology, Constant(), 100.0), 0)
    assert recording.finals["middle"]["leaf.hedges_total"] == recording.issued[0] == 10


def test_several_limits_on_each_of_two_calls_count_their_own_refusals() -> None:
    limits = {
        "bulkhead": {"max_concurrent": 1},
        "limits": {"max_requests": 2},
        "concurrency_limit": {"fixed": 3},
    }
    call = {"call": {"to": "leaf", **limits}}
    both = {"branches": [call, call], "need": "any"}
    design = Topology.model_validate(
        {
            "name": "limited",
            "rate": "1 rps",
            "requests": {"all": {"entry": "client"}},
            "components": {
                "client": {"kind": "service", "workers": 9, "steps": [{"parallel": both}]},
                "leaf": {"kind": "delay", "latency": "2.5s"},
            },
        }
    )
    finals = run_replication(Experiment(design, Constant(), 10.0), 0).finals["client"]
    counts = [value for name, value in finals.items() if name.endswith("limited_total")]
    assert len(counts) == 6
    # Each call lets one in of three: the bulkhead is the narrowest of them.
    assert sorted(counts)[:4] == [0.0] * 4
    assert min(sorted(counts)[4:]) >= 6.0
