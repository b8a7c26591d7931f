"""The universal scalability law at a service and at a database."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from simulator.engine.replicate import Experiment, run_replication
from simulator.workload.arrival_process import Arrivals
from simulator.workload.arrivals.constant import Constant
from tests.validation.cases import Effort, recordings, topology

SHARED = """
name: shared
rate: {rate} rps
requests: {{job: {{entry: machine}}}}
components:
  machine:
    kind: service
    workers: {workers}
    {contention}
    steps: [{{work: {work}}}]
"""
LAW = "contention: {alpha: 0.1, beta: 0.01}"


def shared(work: str, workers: int = 4, rate: float = 1.0, contention: str = LAW) -> str:
    """A service whose workers slow each other down."""
    return SHARED.format(work=work, workers=workers, rate=rate, contention=contention)


def test_one_alone_is_not_slowed_down() -> None:
    (run,) = recordings(shared("500ms"), 20.0, Effort(1), arrivals=Constant())
    assert np.allclose(run.requests["latency"], 0.5)


def test_two_that_overlap_slow_each_other_while_they_do() -> None:
    # One a second, each 1.2 s alone; with alpha 0.5 two at once run at 2/3 of the pace. From the
    # second request on, the first part of each is shared with the one before it.
    text = shared("1.2s", contention="contention: {alpha: 0.5}")
    (run,) = recordings(text, 2.5, Effort(1), arrivals=Constant())
    first = run.requests["latency"][0]
    # 1 s alone, then 0.2 s of work at 2/3 of the pace.
    assert first == pytest.approx(1.0 + 0.2 * 1.5)


def test_throughput_of_a_closed_system_is_the_law() -> None:
    users, alpha, beta = 8, 0.1, 0.01
    closed = Arrivals.pick({"kind": "closed", "users": users, "think_time": "0s"})
    (run,) = recordings(shared("10ms", workers=users), 50.0, Effort(1), arrivals=closed)
    law = users / (1 + alpha * (users - 1) + beta * users * (users - 1)) / 0.010
    done = np.sum(run.requests["arrived"] + run.requests["latency"] <= 50.0)
    assert done / 50.0 == pytest.approx(law, rel=1e-3)


def test_open_system_is_a_birth_and_death_process() -> None:
    # Exponential work and a pace that depends on n: in state n requests leave at n mu / f(n).
    rate, mu, workers = 2.0, 1.0, 4
    weights = [1.0]
    for n in range(1, 400):
        busy = min(n, workers)
        weights.append(
            weights[-1] * rate / (busy * mu / (1 + 0.1 * (busy - 1) + 0.01 * busy * (busy - 1)))
        )
    mean = math.fsum(n * w for n, w in enumerate(weights)) / math.fsum(weights) / rate
    text = shared("{exponential: 1s}", workers=workers, rate=rate)
    means = [float(run.requests["latency"].mean()) for run in recordings(text, 3000.0, Effort(10))]
    # 99.9 % interval of ten replications: a correct simulator fails once in a thousand seeds.
    arm = 4.781 * np.std(means, ddof=1) / math.sqrt(10)
    assert arm < 0.1 * mean
    assert abs(np.mean(means) - mean) <= arm


def test_queries_of_a_database_node_slow_each_other_down() -> None:
    text = """
name: store
rate: 1 rps
requests: {job: {entry: store}}
components:
  store: {kind: database, connections: 5, query: 10ms, contention: {alpha: 0.25}}
"""
    closed = Arrivals.pick({"kind": "closed", "users": 5, "think_time": "0s"})
    (run,) = recordings(text, 10.0, Effort(1), arrivals=closed)
    assert np.allclose(run.requests["latency"][10:], 0.020)


def test_work_that_is_broken_off_leaves_nothing_behind() -> None:
    # Work of 1 s is taken out after 0.5 s; nothing is left behind to slow down the next one.
    text = shared("1s", rate=1.0, contention="contention: {alpha: 1.0}").replace(
        "entry: machine", "entry: machine, timeout: 500ms, cancel_on_timeout: in_service"
    )
    (run,) = recordings(text, 10.0, Effort(1), arrivals=Constant())
    assert np.allclose(run.requests["latency"], 0.5)
    phase = run.times % 1.0
    busy = run.meters["machine"]["busy"]
    assert busy[(phase > 0.05) & (phase < 0.45) & (run.times > 1.0)].all()
    assert not busy[(phase > 0.55) & (phase < 0.95)].any()
    assert run.meters["machine"]["aborted_total"][-1] >= 9


@pytest.mark.parametrize("more", ["replicas: 2", "blocking: true"])
def test_contention_that_could_not_act_is_refused(more: str) -> None:
    with pytest.raises(ValidationError, match="contention"):
        topology(shared("1s", contention=f"{more}\n    {LAW}"))


SLOWED = """
name: slowed
rate: 5 rps
requests: {{job: {{entry: machine}}}}
components:
  machine:
    kind: service
    {feature}
    steps: [{{work: 100ms}}]
faults:
  slow: [{{at: 20s, for: 20s, target: machine, slow: 10x}}]
"""


@pytest.mark.parametrize(
    "feature",
    [
        "queue_at: shared",
        "contention: {alpha: 0}",
        "autoscale: {max_replicas: 1, spot: {notice: 30s}}",
    ],
)
def test_who_waits_when_a_slow_time_ends_is_served_at_full_pace(feature: str) -> None:
    """80 wait at 40 s, and 5 a second come to a machine that serves 10: 16 s and it is over."""
    design = topology(SLOWED.format(feature=feature))
    struck = tuple(design.faults["slow"])
    run = run_replication(Experiment(design, Constant(), 100.0, faults=struck), 0)
    done = run.requests["arrived"] + run.requests["latency"]
    assert float(done[run.requests["latency"] > 0.15].max()) == pytest.approx(56.0, abs=0.5)
