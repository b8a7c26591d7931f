"""Residuals of the laws, and which theory is held against a station."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from simulator.metrics.confidence import Interval
from simulator.metrics.crosscheck import (
    StationMeasure,
    crosscheck,
    littles_law,
    utilization_law,
    wait_reference,
)
from simulator.theory.erlang import MMc

QUEUE = MMc(6.8, 1.0, 8)
MEASURED = StationMeasure(
    name="api",
    servers=8,
    mean_busy=6.8,
    mean_queue=QUEUE.mean_queue_length,
    throughput=6.8,
    arrival_rate=6.8,
    mean_service_s=1.0,
    mean_wait_s=QUEUE.mean_wait_s,
    arrival_scv=1.03,
    service_scv=0.97,
)


def test_laws_hold_on_theory() -> None:
    for row in (utilization_law(MEASURED), littles_law(MEASURED)):
        assert row.residual == pytest.approx(0.0)
        assert row.status == "ok"


def test_a_broken_law_is_off() -> None:
    row = utilization_law(replace(MEASURED, mean_busy=7.0))
    assert row.residual == pytest.approx(0.2 / 7.0)
    assert row.status == "off"
    assert littles_law(replace(MEASURED, mean_queue=0.0)).residual == -1.0


def test_idle_station_breaks_no_law() -> None:
    idle = replace(
        MEASURED, mean_busy=0.0, mean_queue=0.0, throughput=0.0, arrival_rate=0.0, mean_wait_s=0.0
    )
    assert [row.status for row in crosscheck([idle])] == ["ok", "ok", "none"]


def test_erlang_c_is_judged_by_the_interval() -> None:
    wait = QUEUE.mean_wait_s
    row = wait_reference(MEASURED)
    assert row.expected == pytest.approx(wait)
    assert row.status == "reference"
    near = replace(MEASURED, wait=Interval(wait, 0.9 * wait, 1.1 * wait))
    assert wait_reference(near).status == "ok"
    far = replace(MEASURED, wait=Interval(2 * wait, 1.5 * wait, 2.5 * wait))
    assert wait_reference(far).status == "off"
    assert "Erlang C, M/M/8" in row.note


def test_other_variability_is_an_approximation() -> None:
    row = wait_reference(replace(MEASURED, arrival_scv=1.0, service_scv=3.0))
    assert row.expected == pytest.approx(2.0 * QUEUE.mean_wait_s)
    assert row.status == "reference"
    assert "Allen-Cunneen" in row.note


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"queue_shared": False}, "share one"),
        ({"arrival_rate": 8.5}, "at or above capacity"),
        ({"arrival_scv": None}, "not measured"),
        ({"mean_service_s": 0.0}, "nothing was served"),
    ],
)
def test_where_no_formula_applies(change: dict[str, object], reason: str) -> None:
    row = wait_reference(replace(MEASURED, **change))
    assert row.status == "none"
    assert math.isnan(row.expected)
    assert reason in row.note
