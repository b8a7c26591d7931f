"""Small random designs for property tests."""

from typing import Any

from hypothesis import strategies as st

durations = st.sampled_from(
    ["1ms", "5ms", {"exponential": {"mean": "4ms"}}, {"p50": "3ms", "p99": "20ms"},
     {"uniform": {"low": "1ms", "high": "9ms"}}]
)  # fmt: skip


@st.composite
def stations(draw: st.DrawFn, target: str | None = None) -> dict[str, Any]:
    """A service with random size, queue, balancing and steps; may call a target."""
    steps: list[Any] = [{"work": draw(durations)}]
    if target is not None:
        call: Any = {"to": target}
        if draw(st.booleans()):
            call["timeout"] = draw(st.sampled_from(["5ms", "50ms", "1s"]))
            call["cancel_on_timeout"] = draw(st.sampled_from(["none", "in_queue", "in_service"]))
        if draw(st.booleans()):
            call["max_attempts"] = draw(st.integers(1, 3))
        steps.append({"call": call})
    if draw(st.booleans()):
        steps.append({"fail": draw(st.sampled_from(["1%", "20%"]))})
    station: dict[str, Any] = {
        "kind": "service",
        "replicas": draw(st.integers(1, 3)),
        "workers": draw(st.integers(1, 3)),
        "blocking": draw(st.booleans()),
        "queue_at": draw(st.sampled_from(["shared", "replica"])),
        "steps": steps,
    }
    if station["queue_at"] == "replica":
        policies = ["round_robin", "random", "power_of_two", "least_request"]
        station["balancing"] = draw(st.sampled_from(policies))
    queue: dict[str, Any] = {"discipline": draw(st.sampled_from(["fifo", "lifo", "priority"]))}
    if draw(st.booleans()):
        queue["capacity"] = draw(st.integers(0, 20))
    if draw(st.booleans()):
        queue["max_wait"] = draw(st.sampled_from(["2ms", "30ms"]))
    station["queue"] = queue
    return station


@st.composite
def designs(draw: st.DrawFn) -> dict[str, Any]:
    """A chain of up to three services, sometimes with a parallel fan-out and a queue behind."""
    depth = draw(st.integers(1, 3))
    names = [f"tier{number}" for number in range(depth)]
    components = {
        name: draw(stations(names[place + 1] if place + 1 < depth else None))
        for place, name in enumerate(names)
    }
    if draw(st.booleans()):
        components["side"] = draw(stations())
        branch: Any = {"parallel": {"branches": [{"call": "side"}, {"wait": "2ms"}]}}
        if draw(st.booleans()):
            branch["parallel"]["need"] = "any"
        components[names[-1]]["steps"].append(branch)
    if draw(st.booleans()):
        components["log"] = {"kind": "queue", "consumers": 2, "steps": [{"wait": "3ms"}]}
        components[names[0]]["steps"].insert(0, {"spawn": [{"call": "log"}]})
    return {
        "name": "random",
        "rate": draw(st.sampled_from(["50 rps", "300 rps", "900 rps"])),
        "requests": {"job": {"entry": names[0], "priority": draw(st.integers(0, 2))}},
        "components": components,
    }
