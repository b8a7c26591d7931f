"""The tables of figures hold what the recordings say."""

import json
from typing import Any

import numpy as np
import pytest

from simulator.metrics.call_graph import CLIENT
from simulator.metrics.exemplars import SPANS_MAX, exemplar_requests
from simulator.metrics.tables import rounded
from simulator.metrics.timeline import BINS_MAX


def pooled(run: Any) -> Any:
    return np.concatenate(
        [window.requests["latency"][window.good] for window in run.findings.windows]
    )


def test_tables_are_small_plain_json(run: Any) -> None:
    text = json.dumps(run.tables, allow_nan=False)
    assert json.loads(text) == run.tables
    assert len(text) < 150_000


def test_the_spectrum_passes_through_the_exact_percentiles(run: Any) -> None:
    everyone, *classes = run.tables["spectrum"]
    values = pooled(run)
    assert everyone["count"] == len(values)
    for nines in (1.0, 2.0):
        position = int(np.argmin(np.abs(np.array(everyone["nines"]) - nines)))
        p = 1.0 - 10.0 ** -everyone["nines"][position]
        expected = np.quantile(values, p)
        assert everyone["value"][position] == pytest.approx(expected, rel=1e-4)
    assert [row["name"] for row in classes] == ["read", "write"]
    assert sum(row["count"] for row in classes) == everyone["count"]


def test_the_band_holds_the_curve(run: Any) -> None:
    row = run.tables["spectrum"][0]
    band = row["band"]
    assert band["nines"]
    for nines, low, high in zip(band["nines"], band["low"], band["high"], strict=True):
        assert low <= np.interp(nines, row["nines"], row["value"]) * 1.01
        assert high >= np.interp(nines, row["nines"], row["value"]) * 0.99


def test_parts_of_the_latency_add_up(run: Any) -> None:
    rows = run.tables["breakdown"]
    assert [row["at"] for row in rows] == ["p50", "p95", "p99"]
    for row in rows:
        total = sum(part["wait_s"] + part["own_s"] for part in row["parts"])
        assert total == pytest.approx(row["latency_s"], rel=1e-4)
        assert {part["component"] for part in row["parts"]} == {"front", "workers", "store"}
    store = next(part for part in rows[0]["parts"] if part["component"] == "store")
    assert store["own_s"] == pytest.approx(0.010, rel=1e-4)


def test_every_request_is_on_the_timeline_once(run: Any) -> None:
    timeline = run.tables["timeline"]
    edges = np.array(timeline["edges"])
    assert len(edges) <= BINS_MAX + 1
    count = len(run.recordings)
    lengths = np.diff(edges)
    offered = float((np.array(timeline["offered"]) * lengths).sum())
    issued = sum(sum(recording.issued) for recording in run.recordings) / count
    # The last arrival of a replication falls on the last edge; grids of the others end elsewhere.
    assert offered == pytest.approx(issued, rel=0.05)
    ended = np.array(timeline["good"]) + np.array(timeline["bad"])
    in_flight = timeline["in_flight"][-1]
    left = float((ended * lengths).sum())
    assert left <= offered + 1e-6 and left >= offered - 10 * (in_flight + 10)


def test_utilization_and_queue_follow_the_meters(run: Any) -> None:
    timeline = run.tables["timeline"]
    lengths = np.diff(timeline["edges"])
    busy = np.mean([r.meters["workers"]["busy_area"][-1] for r in run.recordings])
    servers = np.mean([r.meters["workers"]["servers_area"][-1] for r in run.recordings])
    mean = float((np.array(timeline["utilization"]["workers"]) * lengths).sum() / lengths.sum())
    assert mean == pytest.approx(busy / servers, rel=0.02)
    queue = np.mean([r.meters["workers"]["queue_area"][-1] for r in run.recordings])
    area = float((np.array(timeline["queue"]["workers"]) * lengths).sum())
    assert area == pytest.approx(queue, rel=1e-3)


def test_a_percentile_of_a_bin_needs_enough_requests(run: Any) -> None:
    latency = run.tables["timeline"]["latency"]
    assert all(value is not None for value in latency["p50"][:-1])
    # 6 x 4000 requests in 120 bins: 200 a bin, of which two lie beyond p99.
    assert sum(value is None for value in latency["p99"]) > len(latency["p99"]) / 2
    for p50, p95 in zip(latency["p50"], latency["p95"], strict=True):
        assert p50 is None or p95 is None or p50 <= p95


def test_exemplars_are_whole_requests_in_order(run: Any) -> None:
    exemplars = run.tables["exemplars"]
    assert exemplars[0]["label"].startswith("typical")
    assert exemplars[-1]["label"].startswith("slowest")
    latencies = [exemplar["latency_s"] for exemplar in exemplars]
    assert latencies == sorted(latencies)
    p99 = np.quantile(pooled(run), 0.99)
    near = [row["latency_s"] for row in exemplars if row["label"].startswith("near")]
    assert len(near) == 3
    assert min(near) > 0.8 * p99 and max(near) < 1.25 * p99
    for exemplar in exemplars:
        names = [span["component"] for span in exemplar["spans"]]
        assert names == ["front", "workers", "store"]
        assert [span["depth"] for span in exemplar["spans"]] == [0, 1, 1]
        assert exemplar["spans"][0]["span_s"] == pytest.approx(exemplar["latency_s"], rel=1e-4)


def test_long_requests_keep_their_longest_spans(run: Any) -> None:
    from dataclasses import replace

    window = run.findings.windows[0]
    visits = window.recording.visits
    many = np.zeros(200 * len(window.recording.requests["index"]) // 4 // 50, dtype=np.int64)
    assert len(many) > SPANS_MAX
    first = int(visits["request"][0])
    extra = {name: np.repeat(column[2:3], 200) for name, column in visits.items()}
    extra["visit"] = np.arange(200, dtype="u4") + visits["visit"].max() + 1
    extra["request"][:] = first
    every = {name: np.concatenate((visits[name], extra[name])) for name in visits}
    keep = window.recording.requests["index"] == first
    only = {name: column[keep] for name, column in window.recording.requests.items()}
    only["outcome"] = np.zeros_like(only["outcome"])
    recording = replace(window.recording, visits=every, requests=only)
    (exemplar,) = exemplar_requests([replace(window, recording=recording, cut_s=0.0)])
    assert len(exemplar["spans"]) == SPANS_MAX
    assert exemplar["left_out"] == 203 - SPANS_MAX
    assert exemplar["spans"][0]["component"] == "front"


def test_links_carry_the_rate_of_calls(run: Any) -> None:
    links = {(row["source"], row["target"]): row for row in run.tables["topology"]["links"]}
    assert set(links) == {
        (CLIENT, "front"), ("front", "workers"), ("front", "store"), ("front", "log"),
        ("store", "front"),
    }  # fmt: skip
    for pair in ((CLIENT, "front"), ("front", "workers"), ("front", "log")):
        assert links[pair]["rate"] == pytest.approx(130.0, rel=0.05)
    assert links["front", "log"]["background"] is True
    assert links["store", "front"]["rate"] == 0.0


def test_replications_are_listed_each_by_itself(run: Any) -> None:
    rows = run.tables["replications"]
    assert [row["replication"] for row in rows] == list(range(6))
    window = run.findings.windows[2]
    latency = window.requests["latency"][window.good]
    assert rows[2]["p99_s"] == pytest.approx(np.quantile(latency, 0.99), rel=1e-5)


def test_rounding_keeps_six_digits_and_drops_what_is_no_number() -> None:
    table = {"a": [1.23456789, float("inf"), float("nan")], "b": (1, "x", None, True)}
    assert rounded(table) == {"a": [1.23457, None, None], "b": [1, "x", None, True]}
