"""The policy that would help against a failure."""

from collections.abc import Iterable, Iterator, Sequence

from simulator.components.broker import Broker
from simulator.components.geo_dns import GeoDns
from simulator.metrics.resilience import Verdict
from simulator.policies.calling import Calling
from simulator.quantities import told_duration
from simulator.studies.drill_sentence import SLOWER
from simulator.topology.callers import callers_of
from simulator.topology.model import Topology

ENTRY = "class "
"""How the callers of an entry component are named."""


def remedy(topology: Topology, component: str, fault: str, verdict: Verdict) -> str:
    """What to change in the document, given what its calls already have; empty if nothing.

    The rules are those of practice: bound the waiting before anything else, spread the load of
    retries, have a second source for what can be gone, keep work that nobody waits for until it
    is done, and shed what cannot be served.
    """
    if verdict.status == "unaffected":
        return ""
    if fault == "3x spike":
        return _against_overload(verdict)
    if fault == "flush":
        return _against_a_cold_start(topology, component)
    if verdict.degraded_share and not (
        verdict.lost_work or verdict.missed or verdict.slower > SLOWER
    ):
        return ""  # the second way is there, and it is what users get
    calls = list(callers_of(topology, component))
    parts = [name for name in dict.fromkeys(name for name, _ in calls) if not _is_entry(name)]
    callers = _named(name for name, _ in calls)
    patient = [name for name, call in calls if not (call.timeout or call.per_try_timeout)]
    retried = any(call.attempts > 1 for _, call in calls)
    broken = any(call.breaker for _, call in calls)
    at_entry = any(_is_entry(name) for name, _ in calls)
    if at_entry and topology.components[component].external:
        return f"{component} is outside of the system: nothing in it helps, its users try again"
    if isinstance(topology.components[component], GeoDns):
        return (
            f"{component} is what chooses another region, and nothing chooses another {component}: "
            "take a name service that answers from many places: its outage is that of all regions"
        )
    if verdict.stays_broken:
        return _against_metastability(component, callers, retried)
    doors = list(_doors(topology, component))
    if doors and not calls and fault != "10x slow":
        return _against_a_lost_region(topology, component, doors)
    unseen = not verdict.lost_share and verdict.slower <= SLOWER
    if unseen and verdict.never_done:
        return _against_lost_work(topology, component, calls)
    if unseen and verdict.harms and fault == "10x slow":
        return (
            f"have more of {component}, or call something else when it is slow (a `timeout` and "
            f"`kind: fallback`, in {callers}); meanwhile the work is late, not lost"
        )
    if fault == "10x slow":
        if patient:
            return (
                f"put a `timeout` on the calls to {component} in {_named(patient)}: they have none "
                "of their own"
            )
        if not broken and parts:
            return (
                f"add a `breaker` with `slow_call_duration` to the calls to {component} in "
                f"{_named(parts)}, or `hedge` them if only some are slow"
            )
    if fault == "50% errors" and not retried and parts:
        return (
            f"try again: `max_attempts: 3` with `retry_budget: {{finagle: {{}}}}` on the calls to "
            f"{component} in {_named(parts)}"
        )
    second = (
        f"give {_named(parts)} a second way when {component} is gone: `on_failure` or "
        "`optional: true` on the call, or `kind: fallback` with another target"
    )
    if not at_entry:
        return second
    alone = _against_a_lost_entry(topology, component, calls)
    return f"{second}; {alone}" if parts else alone


def _is_entry(caller: str) -> bool:
    return caller.startswith(ENTRY)


def _against_a_lost_entry(
    topology: Topology, component: str, calls: Iterable[tuple[str, Calling]]
) -> str:
    """Nothing stands before an entry that could go elsewhere."""
    return (
        f"nothing can stand in for {_entry(topology, calls)}: run {component} twice, in "
        "failure domains of their own, behind something that checks their health "
        "(`kind: geo_dns`)"
    )


def _doors(topology: Topology, component: str) -> Iterator[str]:
    """Components that send clients to this one as a region."""
    for name, door in topology.components.items():
        regions = door.regions.values() if isinstance(door, GeoDns) else ()
        if component in [str(region.target) for region in regions]:
            yield name


def _against_a_lost_region(topology: Topology, component: str, doors: Sequence[str]) -> str:
    """Others take over, but only after the checks and the records of clients have run out."""
    door = topology.components[doors[0]]
    assert isinstance(door, GeoDns), "only that has regions"
    if len(door.regions) < 2:
        return f"give {_named(doors)} a second region beside {component}"
    found_s = door.check_interval * door.fall
    return (
        f"{doors[0]} gives {component} up {told_duration(found_s)} after its checks begin to fail, "
        f"and clients follow within {told_duration(door.ttl)}: make `check_interval`, `fall` and "
        "`ttl` of it smaller"
    )


def _entry(topology: Topology, calls: Iterable[tuple[str, Calling]]) -> str:
    """What comes in here: everything, or the requests of some classes."""
    classes = [name.removeprefix(ENTRY) for name, _ in calls if name.startswith(ENTRY)]
    everything = set(classes) >= set(topology.requests)
    return "the entry" if everything else f"the entry of {', '.join(classes)}"


def _against_lost_work(
    topology: Topology, component: str, calls: Iterable[tuple[str, Calling]]
) -> str:
    """Nobody waits for the work, so nobody asks for it again."""
    names = [name for name, _ in calls]
    brokers = [name for name in names if isinstance(topology.components.get(name), Broker)]
    if brokers:
        return (
            f"let {_named(brokers)} deliver again for longer than the failure lasts "
            "(`max_receives`, `redelivery_delay`), and keep what it gives up (`dead_letters`)"
        )
    return (
        f"keep what nobody waits for until it is done: a `kind: broker` before {component} that "
        "delivers again for longer than the failure lasts (`max_receives`, `redelivery_delay`), "
        f"or `max_attempts` with `backoff` on the calls in {_named(names)}"
    )


def _named(callers: Iterable[str]) -> str:
    """Where the calls stand: components by name, and after them classes that enter here."""
    names = list(dict.fromkeys(callers))
    classes = [name.removeprefix(ENTRY) for name in names if name.startswith(ENTRY)]
    listed = [name for name in names if not name.startswith(ENTRY)]
    if classes:
        listed += [f"`requests.{name}`" for name in classes]
    return ", ".join(listed) or "its callers"


def _against_a_cold_start(topology: Topology, component: str) -> str:
    """Stale entries do not help: a flush has taken them as well."""
    cache = topology.components[component]
    if not hasattr(cache, "on_miss"):
        return f"leave {component} room for the work of a cold start"
    room = f"leave what {component} reads from room for the misses of a cold start"
    if getattr(cache, "key", None) is None or getattr(cache, "coalesce", "none") != "none":
        return room
    return f"let misses for the same key share one fetch (`coalesce: cache`), and {room}"


def _against_metastability(component: str, callers: str, retried: bool) -> str:
    advice = (
        f"bound the queue of {component} (`queue: {{capacity: ..., max_wait: ...}}`) and stop "
        f"work nobody waits for (`cancel_on_timeout: in_queue` in {callers})"
    )
    return f"{advice}, and limit retries with a `retry_budget`" if retried else advice


def _against_overload(verdict: Verdict) -> str:
    advice = (
        "refuse early what cannot be served (a short `queue: {capacity: ...}` or "
        "`kind: rate_limiter`)"
    )
    if verdict.stays_broken:
        return f"{advice} and stop work nobody waits for (`cancel_on_timeout: in_queue`)"
    return f"{advice}, or grow with the load (`autoscale`)"
