"""The studies from Python: run, compare, capacity, sweep, size.

Run it with ``python docs/example.py``; everything it prints comes from the runs, and is shown in
``docs/python.md``.
"""

import os
from pathlib import Path

import simulator

DESIGN = """
name: ticket_shop
summary: A web tier in front of a seat store.
rate: 200 rps
requests:
  buy: {entry: web}
components:
  web:
    kind: service
    replicas: 3
    workers: 4
    cost: $0.5/h
    steps: [{work: {p50: 15ms, p99: 60ms}}, {call: seats}]
  seats:
    kind: database
    query: {exponential: {mean: 10ms}}
    connections: 4
    cost: $1/h
objectives:
  latency: ["p(95)<120ms"]
variants:
  lean:
    summary: One web replica less.
    components: {web: {replicas: 2}}
"""


def main(folder: Path, requests: int = 20_000) -> None:
    """Ask every question once."""
    path = folder / "ticket_shop.yaml"
    path.write_text(DESIGN, encoding="utf-8")
    where = simulator.bench(jobs=1, store=folder / "store")

    design = simulator.load(path)
    result = simulator.run(design, rps=250, requests=requests, jobs=1)
    print(result)
    print(result.to_frame().head())

    trade = simulator.compare(design, f"{path}@lean", requests=requests, on=where, flips=False)
    changes = trade.to_frame().set_index("metric").loc[["latency.p99", "cost.per_hour"]]
    print(changes[["change", "change_low", "change_high", "status"]].to_string())
    trade.figure("paired-changes")

    wider = simulator.run(simulator.load(design, {"web.workers": 8}), rps=250, requests=requests)
    print(simulator.compare(result, wider, on=where).document["pareto"])

    limit = simulator.capacity(design, requests=requests, on=where)
    print(f"holds up to {limit.rate:.0f} rps")

    table = simulator.sweep(design, {"rps": "100..300:5"}, requests=requests, on=where)
    print(table.to_frame()[["rps", "latency.p99", "status"]])

    cheapest = simulator.size(
        design, rps=250, vary={"web.replicas": "1..4", "seats.connections": [3, 4, 5]}, on=where
    )
    print(cheapest.settings)


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as temporary:
        os.chdir(temporary)
        main(Path())
