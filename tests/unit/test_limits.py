"""Who is to blame for a refused request: the client beyond its limit, or the design's provider."""

from typing import Any

import simulator

LIMIT = {"kind": "rate_limiter", "rate": "1 rps", "burst": 60}
PROVIDER = {
    "kind": "llm_api", "first_token": "100ms", "per_token": "0ms", "limits": {"requests": "60/min"},
}  # fmt: skip


def refused(behind: dict[str, Any]) -> tuple[float, dict[str, float]]:
    """Availability and shares of outcomes: 5 rps for 100 s against a bucket of 60 and 1 rps."""
    result = simulator.run(
        {
            "name": "limits",
            "rate": "5 rps",
            "requests": {"ask": {"entry": "door"}},
            "components": {"door": behind},
        },
        duration="100s",
        warmup="0s",
        replications=1,
        jobs=1,
    )
    metrics = result.document["metrics"]
    return metrics["availability"]["rate"]["value"], metrics["errors"]["outcomes"]


def test_beyond_its_own_limit_the_design_owes_no_answer() -> None:
    availability, errors = refused(LIMIT)
    assert availability == 1.0
    assert "rejected_rate_limit" in errors


def test_a_provider_that_refuses_costs_the_design_availability() -> None:
    """At most 60 + 100 of about 500 requests are let in (500 -+ 6 standard deviations of 22)."""
    availability, errors = refused(PROVIDER)
    assert availability <= 160 / (500 - 6 * 22.4)
    assert "rejected_quota" in errors
