"""Lines of M/M/c stations in other simulators, for those that are installed."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

Program = Callable[[Any, int, int], float]


def installed() -> dict[str, Program]:
    """Programs by the name of the peer; each gives p99 of the latency."""
    peers: dict[str, Program] = {}
    if find_spec("ciw"):
        peers["ciw"] = ciw_p99
    return peers


def ciw_p99(model: Any, requests: int, seed: int) -> float:
    """The model as Ciw's documentation writes it: a network of nodes in a row."""
    import ciw
    import numpy as np

    count = len(model.stations)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=model.rate)] + [None] * (count - 1),
        service_distributions=[
            ciw.dists.Exponential(rate=1.0 / mean) for _, mean in model.stations
        ],
        number_of_servers=[servers for servers, _ in model.stations],
        routing=[[1.0 if to == here + 1 else 0.0 for to in range(count)] for here in range(count)],
    )
    ciw.seed(seed)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(requests, method="Finish")
    began: dict[int, float] = {}
    ended: dict[int, float] = {}
    for record in simulation.get_all_records():
        customer = record.id_number
        began[customer] = min(began.get(customer, record.arrival_date), record.arrival_date)
        ended[customer] = max(ended.get(customer, 0.0), record.exit_date)
    return float(np.quantile([ended[key] - began[key] for key in ended], 0.99))
