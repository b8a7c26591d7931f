"""Before, during and after each fault of a run, and how long it took to recover."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.metrics.aims import MARGIN, Aim, Noted, harm_of, noted, sick_stretch, together
from simulator.metrics.resilience import arrival_times
from simulator.metrics.steady_state import warm_up
from simulator.metrics.window import EXCUSED, GOOD
from simulator.recording.recording import Recording

Document = dict[str, Any]
Floats = NDArray[np.float64]
Span = tuple[float, float]

STRETCHES = 100
"""Stretches of a run in which recovery is looked for."""
ENOUGH = {"p50": 10, "p99": 100}
"""Good answers that a percentile of a phase takes at least."""
TOO_YOUNG = 0.1
"""Share of the time before a fault in which a run may be younger than a latency is long."""
SLOWER = 2.0


def fault_bands(recordings: Sequence[Recording]) -> list[Document]:
    """When something was wrong in every replication: ``name``, ``from_s``, ``to_s``.

    Faults at random times differ from one replication to the next and have no band. A flush,
    which takes no time, has one without width.
    """
    horizon = min(recording.horizon_s for recording in recordings)
    every = [_windows(recording) for recording in recordings]
    bands: dict[Span, list[str]] = {}
    for window in every[0]:
        if all(window in others for others in every[1:]) and window[1] < horizon:
            name, begin, end = window
            bands.setdefault((begin, min(end, horizon)), []).append(name)
    return [
        {"name": " and ".join(dict.fromkeys(names)), "from_s": begin, "to_s": end}
        for (begin, end), names in sorted(bands.items())
    ]


def fault_phases(
    recordings: Sequence[Recording], cut_s: float, aims: Sequence[Aim] = ()
) -> list[Document]:
    """A row for each band, all replications together.

    ``before``, ``during`` and ``after`` hold ``availability`` (good answers over arrivals that are
    owed one, as in the metric of that name), ``p50_s`` and ``p99_s`` of good answers, None where
    too few arrived, or where the time before was too short to see such a latency. Before are the
    requests that ended between the warm-up and the first fault, so that none of them met it; the
    others go by time of arrival. Where no warm-up is cut, :func:`settled_s` finds it. What counts
    as after ends with the run or the next fault.
    ``recovery_s`` is the time from the end of the fault until availability and median latency are
    what they were before, and stay so: within two points (or three standard deviations of a
    stretch) and twice the median. None if that is not before the next fault or the end of the run,
    or if there was no time before to compare with. A fault that takes no time (a flush) counts as
    during until then.

    ``objectives`` has a row for each aim on a recorded metric, by arrival of the requests that
    its values belong to: value ``before`` and ``during`` (None where there are too few), and the
    ``missing_share`` of requests for which nothing was noted by the end of the run. It has to be
    back as well before the fault counts as recovered from.
    """
    bands = fault_bands(recordings)
    if not bands:
        return []
    horizon = min(recording.horizon_s for recording in recordings)
    first = bands[0]["from_s"]
    calm = (cut_s if 0.0 < cut_s < first else settled_s(recordings, first), first)
    arrivals = _Arrivals(recordings, aims, calm)
    rows = []
    before = arrivals.ended_in(calm)
    for number, band in enumerate(bands):
        begin, gone = band["from_s"], band["to_s"]
        later = [other["from_s"] for other in bands[number + 1 :] if other["from_s"] > gone]
        end = min(later, default=horizon)
        recovery = None
        if before is not None and gone < end:
            recovery = arrivals.recovery(before, gone, end)
        felt_to = gone if gone > begin else end if recovery is None else begin + recovery
        rows.append(
            {
                **band,
                "before": before,
                "during": arrivals.phase((begin, felt_to)),
                "after": arrivals.phase((gone, end)),
                "watched_s": end - gone,
                "recovery_s": recovery,
                "objectives": arrivals.objectives((begin, felt_to)),
            }
        )
    return rows


def settled_s(recordings: Sequence[Recording], first_s: float) -> float:
    """Where the warm-up ends in the time before the first fault, half of it at most.

    A run that counts its warm-up as well must not have the faults measured against it. The cut is
    that of :func:`simulator.metrics.steady_state.warm_up`, on the requests that ended by then.
    """
    times, values = [], []
    for recording in recordings:
        latency = recording.requests["latency"]
        ended = recording.requests["arrived"] + latency
        calm = ended < first_s
        times.append(ended[calm])
        values.append(latency[calm])
    return min(warm_up(times, values, first_s).cut_s, 0.5 * first_s)


def recovery_sentence(row: Document, said: Callable[[float], str]) -> str:
    """How long it took until all was as before; ``said`` words a time in seconds."""
    if row["watched_s"] <= 0.0:
        return "lasts to the end of the run, so there is no recovery to see"
    if row["before"] is None:
        return "the run had no time before it to compare the recovery with"
    if row["recovery_s"] is None:
        return f"not back to normal within {said(row['watched_s'])} after it"
    if row["recovery_s"] == 0.0:
        lost = any(objective["missing_share"] for objective in row["objectives"])
        rest = ", for what comes after it" if lost else ""
        return f"back to normal as soon as it ends{rest}"
    return f"back to normal {said(row['recovery_s'])} after it ends"


def _windows(recording: Recording) -> list[tuple[str, float, float]]:
    return [
        (
            str(window["sentence"]),
            float(window["begin"]),
            float("inf") if window["end"] is None else float(window["end"]),
        )
        for window in recording.manifest.get("faults", [])
    ]


def _with_outcome(recording: Recording, names: Sequence[str]) -> NDArray[np.bool_]:
    codes = [code for code, name in enumerate(recording.outcomes) if name in names]
    return np.isin(recording.requests["outcome"], codes)


def _within(times: Floats, span: Span) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (times >= span[0]) & (times < span[1])
    return inside


class _Arrivals:
    """Requests of all replications: all, those owed no answer, and the good with their latency.

    ``promised`` has the aims on recorded metrics, with their values in the calm span and at all.
    """

    def __init__(self, recordings: Sequence[Recording], aims: Sequence[Aim], calm: Span) -> None:
        self.issued = np.concatenate([arrival_times(recording) for recording in recordings])
        tables = [recording.requests for recording in recordings]
        arrived: Floats = np.concatenate([table["arrived"] for table in tables])
        latency: Floats = np.concatenate([table["latency"] for table in tables])
        good = np.concatenate([_with_outcome(recording, GOOD) for recording in recordings])
        excused = np.concatenate([_with_outcome(recording, EXCUSED) for recording in recordings])
        self.arrived, self.ended = arrived, arrived + latency
        self.latency, self.good, self.excused = latency, good, excused
        self.calm = calm
        self.horizon = min(recording.horizon_s for recording in recordings)
        self.promised: list[tuple[Aim, Noted, Noted]] = []
        for aim in aims:
            values = together([noted(aim, recording) for recording in recordings])
            usual = values.noted_in(*calm)
            typical = aim.value(usual.values)
            # What takes as long as the time before the fault is not known by its end.
            if aim.recorded and typical is not None and typical < 0.2 * (calm[1] - calm[0]):
                self.promised.append((aim, usual, values))

    def objectives(self, span: Span) -> list[Document]:
        """What became of each aim on a recorded metric for the requests that arrived in a span."""
        found = []
        for aim, usual, values in self.promised:
            now = values.arrived_in(*span)
            harm = harm_of(aim, now, usual, self._traffic(span))
            found.append(
                {
                    "objective": aim.name,
                    "statistic": aim.statistic,
                    "before": aim.value(usual.values),
                    "during": aim.value(now.values),
                    "missing_share": harm.missing_share if harm is not None else 0.0,
                }
            )
        return found

    def _traffic(self, span: Span) -> float:
        """Arrivals in a span over those of the calm one."""
        calm = int(_within(self.issued, self.calm).sum())
        return float(_within(self.issued, span).sum() / calm) if calm else 0.0

    def phase(self, span: Span) -> Document | None:
        """The requests that arrived in a span."""
        return self._told(int(_within(self.issued, span).sum()), _within(self.arrived, span))

    def ended_in(self, span: Span) -> Document | None:
        """The requests that ended in a span; in a steady state they are like those that arrive.

        What takes longer than the run is old does not end yet: a percentile is not known if the run
        was too young to show it for more than a tenth of the span.
        """
        inside = _within(self.ended, span)
        found = self._told(int(inside.sum()), inside)
        if found is not None:
            old_enough = span[0] + TOO_YOUNG * (span[1] - span[0])
            for name in ("p50_s", "p99_s"):
                found[name] = found[name] if (found[name] or 0.0) <= old_enough else None
        return found

    def _told(self, total: int, inside: NDArray[np.bool_]) -> Document | None:
        owed = total - int((inside & self.excused).sum())
        if owed <= 0:
            return None
        fine = self.latency[inside & self.good]
        found: Document = {"requests": owed, "availability": len(fine) / owed}
        for name, p in (("p50", 0.5), ("p99", 0.99)):
            enough = len(fine) >= ENOUGH[name]
            found[f"{name}_s"] = float(np.quantile(fine, p)) if enough else None
        return found

    def recovery(self, before: Document, gone: float, end: float) -> float | None:
        """Time from the end of the fault to the last stretch that is not as before."""
        width = (end - gone) / STRETCHES
        edges = [gone + number * width for number in range(STRETCHES + 1)]
        sick = [self._sick(before, span) for span in pairwise(edges)]
        # A stretch that is bad by itself is chance: in a hundred, one in eight runs has one.
        bad = [
            number
            for number, found in enumerate(sick)
            if found and (number == 0 or any(sick[number - 1 : number + 2 : 2]))
        ]
        if not bad:
            return 0.0
        # The end of the run has to be well.
        return (bad[-1] + 1) * width if bad[-1] < 0.95 * STRETCHES else None

    def _sick(self, before: Document, span: Span) -> bool:
        if any(self._behind(usual, values, span) for _, usual, values in self.promised):
            return True
        found = self.phase(span)
        if found is None:
            return False
        usual, arrived = before["availability"], found["requests"]
        spread = 3.0 * (usual * (1.0 - usual) / arrived) ** 0.5 + 2.0 / arrived
        if found["availability"] < usual - max(MARGIN, spread):
            return True
        slow = found["p50_s"] is not None and before["p50_s"] is not None
        return slow and found["p50_s"] > SLOWER * before["p50_s"]

    def _behind(self, usual: Noted, values: Noted, span: Span) -> bool:
        """Whether a recorded metric is late or missing, if there is time for it to be noted."""
        if span[1] > self.horizon - 2.0 * float(np.quantile(usual.values, 0.99)):
            return False
        expected = usual.requests * self._traffic(span)
        return sick_stretch(values.arrived_in(*span), expected, float(np.median(usual.values)))
