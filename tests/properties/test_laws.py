"""What holds for every design: nothing is lost, Little's law, determinism, more is not worse."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.budget import Budget
from simulator.engine.replicate import Experiment, run_replication
from simulator.recording.recording import Recording
from simulator.topology.model import Topology
from simulator.workload.arrivals.steady import Steady
from tests.properties.designs import designs

FEW = settings(max_examples=40)


def run(document: dict[str, Any], horizon_s: float = 4.0, seed: int = 1) -> Recording:
    """One replication of a document, drained however long that takes."""
    to_the_last = Budget(drain_factor=1e4)
    topology = Topology.model_validate(document)
    return run_replication(
        Experiment(topology, Steady(), horizon_s, seed=seed, budget=to_the_last), 0
    )


@FEW
@given(designs(), st.integers(0, 1000))
def test_every_request_is_accounted_for(document: dict[str, Any], seed: int) -> None:
    recording = run(document, seed=seed)
    index = recording.requests["index"]
    assert len(set(index.tolist())) == len(index), "a request finished twice"
    assert len(index) + recording.in_flight == sum(recording.issued)
    assert recording.in_flight == 0, "a drained run leaves nobody behind"
    assert (recording.requests["latency"] >= 0).all()


@FEW
@given(designs(), st.integers(0, 1000))
def test_stations_neither_lose_nor_invent(document: dict[str, Any], seed: int) -> None:
    recording = run(document, seed=seed)
    for name, meters in recording.meters.items():
        if "busy" not in meters:
            continue
        assert (meters["busy"] >= 0).all() and (meters["queue"] >= 0).all(), name
        areas = [np.diff(meters[area]) for area in ("busy_area", "queue_area", "servers_area")]
        # Sums of times of about 4 s each lose up to 1e-16 of their size per addition.
        assert all((area >= -1e-9).all() for area in areas), name
        assert (areas[0] <= areas[2] + 1e-9).all(), f"{name} is busier than it has servers"
        last = recording.finals[name]
        assert last["served_total"] >= meters["served_total"][-1]


@settings(max_examples=15)
@given(designs(), st.integers(0, 1000))
def test_same_seed_same_bytes(document: dict[str, Any], seed: int) -> None:
    first, second = run(document, seed=seed), run(document, seed=seed)
    for name in first.requests:
        assert first.requests[name].tobytes() == second.requests[name].tobytes(), name
    for name in first.visits:
        assert first.visits[name].tobytes() == second.visits[name].tobytes(), name


def fifo(workers: int, rate: str, service: Any) -> dict[str, Any]:
    """One FIFO station."""
    return {
        "name": "fifo",
        "rate": rate,
        "requests": {"job": {"entry": "station"}},
        "components": {
            "station": {"kind": "service", "workers": workers, "steps": [{"work": service}]}
        },
    }


@FEW
@given(
    st.integers(1, 6),
    st.sampled_from(["50 rps", "200 rps"]),
    st.sampled_from([{"exponential": {"mean": "9ms"}}, {"p50": "5ms", "p99": "60ms"}, "11ms"]),
    st.integers(0, 1000),
)
def test_one_more_server_never_hurts_a_fifo_station(
    workers: int, rate: str, service: Any, seed: int
) -> None:
    """With common random numbers this holds request by request, not only on average."""
    few = run(fifo(workers, rate, service), seed=seed).requests
    more = run(fifo(workers + 1, rate, service), seed=seed).requests
    before = few["latency"][np.argsort(few["index"])]
    after = more["latency"][np.argsort(more["index"])]
    assert (after <= before + 1e-9).all()


@FEW
@given(st.integers(1, 4), st.sampled_from(["50 rps", "150 rps"]), st.integers(0, 1000))
def test_littles_law_is_exact_on_a_drained_station(workers: int, rate: str, seed: int) -> None:
    """The integral of the queue is the sum of the waits, to rounding."""
    document = fifo(workers, rate, {"exponential": {"mean": "6ms"}})
    recording = run(document, seed=seed)
    area = recording.meters["station"]["queue_area"][-1]
    busy = recording.meters["station"]["busy_area"][-1]
    end = recording.horizon_s
    arrived, latency = recording.requests["arrived"], recording.requests["latency"]
    inside = np.minimum(latency, end - arrived).sum()
    assert abs(area + busy - inside) < 1e-6 * max(inside, 1.0)
