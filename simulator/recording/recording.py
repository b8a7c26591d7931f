"""What one replication leaves behind."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Table = dict[str, "np.ndarray[Any, Any]"]


@dataclass(frozen=True)
class Recording:
    """Everything metrics and reports may know about one replication.

    requests
        One row per finished request, in order of finishing: ``index`` (order of arrival),
        ``arrived`` and ``latency`` (s), ``kind`` (position in ``kinds``), ``outcome`` (position
        in ``outcomes``), ``quality`` (0 to 1), ``cost`` (dollars), ``ttft`` (s from arrival to
        the first token, NaN if none), ``tpot`` (mean s of each further token, NaN if none).
    visits
        One row per visit of a traced request to a component, in order of ending: ``visit`` and
        ``parent`` (identities, parent -1 at the top), ``request``, ``component`` (position in
        ``components``), ``called`` (s), ``wait``, ``service`` and ``span`` (s; span runs from
        call to answer and contains the visits made meanwhile), ``outcome``.
    samples
        Values of the topology's own metrics: ``metric`` (position in ``metrics``), ``at`` (s),
        ``value``.
    times
        Edges of the time grid (s), G entries, the first 0 and the last the end of arrivals.
    meters
        For each component, its meters read at every edge of the grid: arrays of G readings.
        Names ending in ``_area`` are integrals over time, ``_total`` ever-growing counts,
        others levels.
    finals
        The meters ending in ``_total`` once more, after the run has drained.
    issued
        Requests that arrived, by kind.
    manifest
        Plain data: topology, workload, seed, replication, version, how and why the run ended.
    """

    requests: Table
    visits: Table
    samples: Table
    times: "np.ndarray[Any, Any]"
    meters: dict[str, Table]
    finals: dict[str, dict[str, float]]
    issued: list[int]
    kinds: list[str]
    components: list[str]
    metrics: list[str]
    outcomes: list[str]
    trace_every: int
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def horizon_s(self) -> float:
        """When arrivals stopped."""
        return float(self.times[-1])

    @property
    def in_flight(self) -> int:
        """Requests that had not finished when the run ended."""
        return sum(self.issued) - len(self.requests["index"])
