"""The sentence of a verdict says how many objectives it is about."""

from typing import Any, cast

from simulator.metrics.verdict import _sentence


def test_a_verdict_counts_what_else_is_too_close_to_call() -> None:
    document: dict[str, Any] = {"stable": True, "load": "50 rps", "load_beside": ""}
    rows = [
        {"metric": name, "threshold": "p(95)<2s", "status": "unsure", "value": 1.9}
        for name in ("latency", "ttft")
    ]
    findings = cast(Any, None)  # asked only where there is no steady state
    both = _sentence(document, rows, findings, None, {})
    assert both == "too close to call at 50 rps: latency p(95)<2s and 1 more"
    one = _sentence(document, rows[:1], findings, None, {})
    assert one == "too close to call at 50 rps: latency p(95)<2s"
