"""Recordings of a small design, made without the engine: every value in them is known.

Requests of two classes enter ``front`` (no limit), which calls ``workers`` (M/M/c, FIFO) and then
``store`` (a delay), and starts ``log`` in the background. One request in twenty fails at the
store. The queue at the workers follows Lindley's recursion for several servers.
"""

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulator.metrics.summary import Findings, Question, settle, summarize
from simulator.metrics.tables import report_tables
from simulator.recording.recording import Recording

OUTCOMES = [
    "ok", "stale_ok", "fallback_ok", "error", "timeout", "rejected_rate_limit",
    "rejected_quota", "rejected_overload", "rejected_breaker", "rejected_queue_full", "abandoned",
    "cancelled", "dead_lettered",
]  # fmt: skip
COMPONENTS = ["front", "workers", "store", "log"]
FRONT_S, STORE_S, SERVICE_S, SERVERS = 0.002, 0.010, 0.050, 8


def record(replication: int, rate: float, count: int = 4000) -> Recording:
    """One replication of ``count`` requests; offered load is ``rate / 160``."""
    rng = np.random.default_rng([7, replication])
    arrived = np.cumsum(rng.exponential(1.0 / rate, count))
    horizon = float(arrived[-1])
    called = arrived + FRONT_S
    service = rng.exponential(SERVICE_S, count)
    free = [0.0] * SERVERS
    started = np.empty(count)
    for position in range(count):
        started[position] = max(called[position], heapq.heappop(free))
        heapq.heappush(free, started[position] + service[position])
    worked = started + service
    ended = worked + STORE_S
    failed = rng.random(count) < 0.05
    order = np.argsort(ended, kind="stable")
    trace_every = 4
    requests = {
        "index": order.astype(np.uint32),
        "arrived": arrived[order],
        "latency": (ended - arrived)[order],
        "kind": (order % 3 == 0).astype(np.uint8),
        "outcome": np.where(failed, 3, 0).astype(np.uint8)[order],
        "quality": np.ones(count, np.float32),
        "cost": np.full(count, 1e-4, np.float32),
        "ttft": np.full(count, np.nan, np.float32),
        "tpot": np.full(count, np.nan, np.float32),
    }
    times = np.linspace(0.0, horizon, 241)
    meters = _meters(times, arrived, called, started, worked, ended)
    return Recording(
        requests=requests,
        visits=_visits(arrived, called, started, worked, ended, failed, trace_every),
        samples={"metric": np.empty(0, np.uint16), "at": np.empty(0), "value": np.empty(0)},
        times=times,
        meters=meters,
        finals={
            name: {meter: float(column[-1]) for meter, column in table.items()
                   if meter.endswith("_total")}
            for name, table in meters.items()
        },
        issued=[int((np.arange(count) % 3 != 0).sum()), int((np.arange(count) % 3 == 0).sum())],
        kinds=["read", "write"],
        components=COMPONENTS,
        metrics=[],
        outcomes=OUTCOMES,
        trace_every=trace_every,
        manifest={"seed": 42, "replication": replication, "ending": "complete",
                  "simulated_s": horizon, "events": 5 * count, "wall_s": 0.1},
    )  # fmt: skip


def _visits(
    arrived: Any, called: Any, started: Any, worked: Any, ended: Any, failed: Any, every: int
) -> dict[str, Any]:
    rows: list[tuple[float, ...]] = []
    for index in range(0, len(arrived), every):
        top = len(rows)
        error = 3 if failed[index] else 0
        rows += [
            (top, -1, index, 0, arrived[index], 0.0, FRONT_S, ended[index] - arrived[index], error),
            (top + 1, top, index, 1, called[index], started[index] - called[index],
             worked[index] - started[index], worked[index] - called[index], 0),
            (top + 2, top, index, 2, worked[index], 0.0, STORE_S, STORE_S, error),
            (top + 3, -2, index, 3, arrived[index], 0.0, 0.001, 0.001, 0),
        ]  # fmt: skip
    names = ("visit", "parent", "request", "component", "called", "wait", "service", "span",
             "outcome")  # fmt: skip
    types = ("u4", "i4", "u4", "u2", "f8", "f4", "f4", "f8", "u1")
    return {
        name: np.array(column, dtype=kind)
        for name, kind, column in zip(names, types, zip(*rows, strict=True), strict=True)
    }


def _meters(
    times: Any, arrived: Any, called: Any, started: Any, worked: Any, ended: Any
) -> dict[str, dict[str, Any]]:
    def passed(moments: Any) -> Any:
        return np.searchsorted(np.sort(moments), times, side="right").astype(float)

    def area(begin: Any, end: Any) -> Any:
        clipped = np.clip(times[:, None] - begin, 0.0, None)
        return np.minimum(clipped, end - begin).sum(axis=1)

    waiting = passed(called) - passed(started)
    return {
        "workers": {
            "busy_area": area(started, worked),
            "queue_area": area(called, started),
            "servers_area": SERVERS * times,
            "served_total": passed(worked),
            "refused_total": 0.0 * times,
            "left_total": 0.0 * times,
            "aborted_total": 0.0 * times,
            "queue": waiting,
            "busy": passed(started) - passed(worked),
            "servers": 0.0 * times + SERVERS,
            "queue_max": np.maximum.accumulate(waiting),
            "running_cost_total": 2.0 * times / 3600.0,
            "spent_total": 0.0 * times,
        },
        "store": {"served_total": passed(ended), "spent_total": 1e-4 * passed(ended)},
        "(system)": {
            "in_flight": passed(arrived) - passed(ended),
            "issued_total": passed(arrived),
        },
    }


class Run:
    """Recordings with everything that is made of them."""

    def __init__(self, rate: float, replications: int = 6) -> None:
        self.recordings = [record(number, rate) for number in range(replications)]
        self.findings: Findings = settle(self.recordings, Question(offered={"workers": rate / 160}))
        self.document = self._document(rate)
        self.tables = report_tables(
            self.recordings,
            self.findings,
            kinds={"front": "service", "workers": "service", "store": "database", "log": "delay"},
            links=[("front", "log"), ("store", "front")],
        )

    def _document(self, rate: float) -> dict[str, Any]:
        summary = summarize(
            self.recordings, Question(offered={"workers": rate / 160}), self.findings
        )
        status = "pass" if summary["stable"] else "unstable"
        return {
            "schema": 1, "topology": "shop", "summary": "A small shop.", "rate": rate,
            "workload": "steady", "arrivals": "poisson", "cells": 1, "load": f"{rate:g} rps",
            "load_beside": "", "load_per_s": rate,
            "horizon_s": self.recordings[0].horizon_s, "seed": 42,
            "replications": len(self.recordings), **summary,
            "verdict": {"status": status, "sentence": f"holds {rate:g} rps",
                        "bottleneck": "workers"},
            "objectives": [
                {"metric": "latency", "threshold": "p(99)<800ms", "value": 0.4, "low": 0.39,
                 "high": 0.41, "status": "pass"},
                {"metric": "errors", "threshold": "rate<1%", "value": 0.05, "low": 0.049,
                 "high": 0.051, "status": "fail"},
            ],
            "delayed": [], "claims": [], "estimates": [], "warnings": ["p99.9 is not shown"],
            "command": "simulate shop.yaml --rps 130",
            "provenance": {"topology": "name: shop", "versions": {"simulator": "0.1.0"},
                           "digest": "00ff"},
        }  # fmt: skip


@pytest.fixture(scope="session")
def run() -> Run:
    """A run at 81 % utilization."""
    return Run(130.0)


@pytest.fixture(scope="session")
def make_run() -> Callable[[float], Run]:
    """A function that makes a run at another rate."""
    return Run
