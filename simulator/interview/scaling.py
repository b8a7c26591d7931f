"""What a design needs at a multiple of its load: counts by the utilization law, rho = lambda S / c.

A component above the target on paper gets so many more servers that it is at the target; nothing
else changes. The result is a list of changes that a run can be made under.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from simulator.interview.fullness import heat, largest_share
from simulator.kernel.component import Component
from simulator.quantities import parse_rate
from simulator.topology.model import Topology
from simulator.topology.overlay import Data
from simulator.topology.paper import PaperPlan, PaperRow

TARGET_UTILIZATION = 0.7
SCALES = (
    "replicas", "count", "tasks", "shards", "consumers", "concurrency", "connections", "workers",
)  # fmt: skip
"""Fields that give a component more servers, in the order in which one would turn them."""

Setting = tuple[str, str]
"""A path and the value it gets, as JSON."""


@dataclass(frozen=True)
class Need:
    """More servers for a component: which count goes from what to what, and the settings.

    ``scaled_to`` is the most that the component's own autoscaler adds, where it does this by
    itself. ``key`` is the attribute whose most popular value alone, with ``alone`` as the
    utilization of its shard, is above the target: no count would do. ``counts`` are the counts one
    by one, where several grow.
    """

    component: str
    field: str
    before: float
    after: float
    settings: tuple[Setting, ...]
    scaled_to: int = 0
    key: str = ""
    alone: float = 0.0
    counts: tuple[tuple[str, int, int], ...] = ()


def needs_of(topology: Topology, data: Data, paper: PaperPlan) -> list[Need]:
    """What has to grow so that no component is above the target on paper."""
    found = []
    for row in paper.rows:
        hottest = (row.utilization or 0.0) * heat(topology, row.name)
        if hottest > TARGET_UTILIZATION:
            need = _need(row, topology, data)
            if need is not None:
                found.append(need)
    return found


def grown(topology: Topology, factor: float) -> tuple[Topology, tuple[Setting, ...]]:
    """The topology under a multiple of every load, and the settings beside the offered rate."""
    own = {name: spec.rate for name, spec in topology.requests.items() if spec.rate is not None}
    requests = {
        name: spec if spec.rate is None else spec.model_copy(update={"rate": spec.rate * factor})
        for name, spec in topology.requests.items()
    }
    update = {"rate": topology.rate * factor, "requests": requests}
    settings = [(f"requests.{name}.rate", _rate(rate * factor)) for name, rate in own.items()]
    return topology.model_copy(update=update), tuple(settings)


def with_measured(
    paper: PaperPlan, topology: Topology, document: dict[str, Any], factor: float
) -> PaperPlan:
    """The plan with no utilization below the one that a run of the design measured, times the load.

    Paper takes means; where requests are not all alike, a run may find a component busier. What an
    autoscaler holds at its target tells nothing, nor does a GPU that takes what is there as one
    batch, whose batches grow with the load: paper stands there.
    """
    found = document.get("components", {})
    rows = []
    for row in paper.rows:
        measured = found.get(row.name, {}).get("utilization")
        component = topology.components[row.name]
        batches = getattr(component, "batching", "single") != "single"
        scaled = getattr(component, "autoscale", None) is not None
        if row.utilization is not None and measured and not (scaled or batches):
            row = replace(row, utilization=max(row.utilization, factor * measured))
        rows.append(row)
    rows.sort(key=lambda row: -(row.utilization if row.utilization is not None else -1.0))
    return PaperPlan(tuple(rows), paper.rate)


def with_settings(data: Data, settings: tuple[Setting, ...]) -> Topology | None:
    """The changed design; None if it is not valid."""
    from pydantic import ValidationError

    from simulator.topology.overlay import OverlayError, with_values

    pairs = [(path, json.loads(value)) for path, value in settings]
    try:
        return Topology.model_validate(with_values(data, pairs))
    except (ValidationError, OverlayError):
        return None


def running_usd_per_hour(topology: Topology) -> float:
    """What keeping everything costs in one cell, used or not."""
    parts = topology.components.values()
    return sum((component.cost or 0.0) * component.replica_count for component in parts)


def _rate(per_second: float) -> str:
    return json.dumps(f"{per_second!r}/s")


def _need(row: PaperRow, topology: Topology, data: Data) -> Need | None:
    component = topology.components[row.name]
    times = (row.utilization or 0.0) / TARGET_UTILIZATION
    if row.quota and row.quota == row.utilization:
        return _more_quota(row.name, times, data)
    if getattr(component, "shifts", None):
        return _people(row, component.replica_count, times, data)
    if hasattr(component, "consumer_groups"):
        return _consumers(row.name, component, times)
    popular = largest_share(topology, row.name)
    if popular:
        return _shards(row, component, popular)
    if (row.strain or 0.0) <= TARGET_UTILIZATION:
        return _by_scaler(row, component)
    for field in SCALES:
        count = getattr(component, field, None)
        if isinstance(count, int) and not isinstance(count, bool) and count > 0:
            wanted = _enough(count, times)
            settings = tuple(_settings(row.name, field, wanted, component))
            scale: Any = getattr(component, "autoscale", None)
            if field == "replicas" and scale is not None:
                return Need(row.name, "max_replicas", scale.max_replicas, wanted, settings)
            return Need(row.name, field, count, wanted, settings)
    return None


def _enough(count: float, times: float) -> int:
    return math.ceil(count * times - 1e-9)


def _by_scaler(row: PaperRow, component: Component) -> Need | None:
    """The replicas that an autoscaler has for this load: at its target, where it is known.

    None if it has no more than now, because its own target is higher.
    """
    scale: Any = getattr(component, "autoscale", None)
    count: int = getattr(component, "replicas", 0)
    target = scale.target if scale.metric == "utilization" else TARGET_UTILIZATION
    wanted = _enough(count, (row.utilization or 0.0) / target)
    wanted = min(max(wanted, scale.min_replicas), scale.max_replicas)
    if wanted <= count:
        return None
    setting = (f"components.{row.name}.replicas", json.dumps(wanted))
    return Need(row.name, "replicas", count, wanted, (setting,), scaled_to=scale.max_replicas)


def _consumers(name: str, broker: Any, times: float) -> Need:
    """More consumers in every group, and as many partitions as a group has consumers at least."""
    path = f"components.{name}"
    places = {f"{path}.groups.{group}.consumers": item for group, item in broker.groups.items()}
    groups = places or {f"{path}.consumers": broker.consumer_groups["consumers"]}
    working = {
        place: min(group.consumers, broker.partitions or group.consumers)
        for place, group in groups.items()
    }
    wanted = {place: _enough(count, times) for place, count in working.items()}
    settings = [(place, json.dumps(count)) for place, count in wanted.items()]
    counts = [
        (place.removeprefix(f"{path}.").removeprefix("groups."), before, wanted[place])
        for place, before in working.items()
    ]
    if broker.partitions is not None and max(wanted.values()) > broker.partitions:
        settings.append((f"{path}.partitions", json.dumps(max(wanted.values()))))
        counts.append(("partitions", broker.partitions, max(wanted.values())))
    before, after = sum(working.values()), sum(wanted.values())
    return Need(name, "consumers", before, after, tuple(settings), counts=tuple(counts))


def _shards(row: PaperRow, store: Any, popular: float) -> Need:
    """Shards that keep the one of the most popular key at the target, if any number does."""
    load = (row.utilization or 0.0) * store.shards
    alone = load * popular
    if alone >= TARGET_UTILIZATION:
        key = str(store.shard_key)
        return Need(row.name, "shards", store.shards, store.shards, (), key=key, alone=alone)
    wanted = _enough(load * (1.0 - popular), 1.0 / (TARGET_UTILIZATION - alone))
    settings = tuple(_settings(row.name, "shards", wanted, store))
    return Need(row.name, "shards", store.shards, wanted, settings)


def _more_quota(name: str, times: float, data: Data) -> Need:
    """Higher limits of the account with a provider."""
    limits = data["components"][name]["limits"]
    rates = {what: parse_rate(str(limit)) * times for what, limit in limits.items()}
    settings = [(f"components.{name}.limits.{what}", _rate(rate)) for what, rate in rates.items()]
    return Need(name, "limits", 1, times, tuple(settings))


def _settings(name: str, field: str, wanted: int, component: Component) -> Iterator[Setting]:
    path = f"components.{name}"
    yield f"{path}.{field}", json.dumps(wanted)
    scale: Any = getattr(component, "autoscale", None)
    if field == "replicas" and scale is not None:
        yield f"{path}.autoscale.max_replicas", json.dumps(max(wanted, scale.max_replicas))
        yield f"{path}.autoscale.min_replicas", json.dumps(max(wanted, scale.min_replicas))


def _people(row: PaperRow, before: float, times: float, data: Data) -> Need:
    """More people on every shift."""
    shifts = data["components"][row.name]["shifts"]
    larger = [{**shift, "count": math.ceil(shift["count"] * times)} for shift in shifts]
    setting = (f"components.{row.name}.shifts", json.dumps(larger))
    return Need(row.name, "people", round(before), math.ceil(before * times), (setting,))
