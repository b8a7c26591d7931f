"""Whatever breaks and whenever: every request is answered or in flight, and the run ends."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.budget import Budget
from simulator.engine.replicate import Experiment, run_replication
from simulator.kernel.component import stations_within
from simulator.topology.model import Topology
from simulator.workload.arrivals.steady import Steady

DESIGN: dict[str, Any] = {
    "name": "fuzzed",
    "rate": "60 rps",
    "requests": {
        "visit": {
            "entry": "web",
            "timeout": "2s",
            "attributes": {"key": {"zipf": {"items": 50, "exponent": 1.0}}},
        }
    },
    "components": {
        "web": {
            "kind": "service",
            "replicas": 2,
            "workers": 4,
            "steps": [
                {"work": {"exponential": "10ms"}},
                {"parallel": [{"call": "cache"}, {"call": {"to": "scan", "optional": True}}]},
                {"call": {"to": "models", "timeout": "500ms", "max_attempts": 2}},
                {"spawn": [{"call": "events"}]},
            ],
        },
        "cache": {
            "kind": "cache",
            "lookup": "1ms",
            "key": "key",
            "ttl": "2s",
            "coalesce": "cache",
            "stale_if_error": "5s",
            "on_miss": [{"call": {"to": "db", "cancel_on_timeout": "in_service", "timeout": "1s"}}],
        },
        "db": {
            "kind": "database",
            "query": {"exponential": "20ms"},
            "connections": 4,
            "read_replicas": 1,
            "acquire_timeout": "1s",
            "failover": {"detect": "1s", "elect": "1s"},
        },
        "scan": {
            "kind": "service",
            "workers": 2,
            "blocking": True,
            "steps": [{"work": {"exponential": "15ms"}}],
        },
        "models": {
            "kind": "fallback",
            "targets": ["first", "second"],
            "each": {"timeout": "200ms"},
        },
        "first": {"kind": "delay", "latency": {"exponential": "50ms"}},
        "second": {"kind": "service", "workers": 8, "steps": [{"work": {"exponential": "80ms"}}]},
        "events": {
            "kind": "broker",
            "consumers": 3,
            "visibility_timeout": "300ms",
            "max_receives": 3,
            "steps": [{"work": {"exponential": "20ms"}}, {"call": "sink"}],
        },
        "sink": {"kind": "delay", "latency": "5ms"},
    },
}
NAMES = sorted(DESIGN["components"])
HORIZON_S = 20.0


def when() -> st.SearchStrategy[dict[str, Any]]:
    """A fixed window, an open one, or failures again and again."""
    fixed = st.builds(
        lambda at, length: {"at": f"{at}s", "for": f"{length}s"},
        st.integers(0, 19),
        st.integers(0, 25),
    )
    open_ended = st.builds(lambda at: {"at": f"{at}%"}, st.integers(0, 99))
    repeated = st.builds(
        lambda between, repair: {"mtbf": f"{between}s", "mttr": f"{repair}s"},
        st.integers(1, 10),
        st.integers(1, 5),
    )
    return st.one_of(fixed, open_ended, repeated)


def effects() -> st.SearchStrategy[dict[str, Any]]:
    """What happens, with a target where it needs one."""
    target = st.fixed_dictionaries({"target": st.sampled_from(NAMES)})
    aimed = st.sampled_from(
        [
            {"down": True},
            {"down": False},
            {"slow": "10x"},
            {"errors": "50%"},
            {"capacity": "50%"},
            {"capacity": "100%"},
            {"poison": "30%"},
            {"spot_wave": "50%"},
        ]
    )
    pairs = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))
    everywhere = st.one_of(
        st.sampled_from(
            [
                {"spike": "3x"},
                {"key_skew": {"attribute": "key"}},
                {"target": "cache", "flush": True},
                {"target": "db", "primary_lost": True},
            ]
        ),
        pairs.map(lambda pair: {"partition": {"between": list(pair)}}),
    )
    return st.one_of(st.builds(lambda one, two: {**one, **two}, target, aimed), everywhere)


faults = st.builds(lambda span, effect: {**span, **effect}, when(), effects())


@settings(max_examples=40, deadline=None)
@given(schedule=st.lists(faults, min_size=1, max_size=5), seed=st.integers(0, 1000))
def test_no_fault_schedule_loses_a_request_or_hangs(
    schedule: list[dict[str, Any]], seed: int
) -> None:
    design = Topology.model_validate({**DESIGN, "faults": {"fuzzed": schedule}})
    experiment = Experiment(
        design,
        Steady(),
        HORIZON_S,
        seed,
        Budget(wall_s=60.0),
        tuple(design.faults["fuzzed"]),
    )
    run = run_replication(experiment, 0)
    assert run.manifest["ending"] == "complete"
    index = run.requests["index"]
    assert len(set(index.tolist())) == len(index), "a request was recorded twice"
    assert len(index) + run.in_flight == sum(run.issued)
    # Every client gives up after two seconds, so nobody is left when the run has drained.
    assert run.in_flight == 0
    assert run.requests["latency"].max() <= 2.0 + 1e-9
    for meters in run.meters.values():
        for name, readings in meters.items():
            if name.endswith(("_area", "_total")):
                assert (readings[1:] - readings[:-1] >= -1e-6).all(), name


def test_stations_account_for_everyone_after_faults() -> None:
    from simulator.engine.compile import compile_simulation

    schedule = [
        {"at": "2s", "for": "3s", "target": "db", "down": True},
        {"at": "4s", "for": "5s", "target": "web", "capacity": "50%"},
        {"at": "6s", "for": "2s", "target": "events", "down": True},
        {"at": "8s", "for": "4s", "target": "second", "slow": "10x"},
    ]
    design = Topology.model_validate({**DESIGN, "faults": {"all": schedule}})
    simulation = compile_simulation(design, Steady(), seed=3, faults=design.faults["all"])
    simulation.run(HORIZON_S, Budget(drain_factor=5.0))
    for name, server in simulation.site.servers.items():
        for station in stations_within(vars(server)):
            assert station.in_system == 0, name
            assert station.idle == station.servers, name
            assert station.waiting == 0, name
