"""How a run with a fault compares with the same run without it."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.metrics.window import GOOD
from simulator.recording.recording import Recording

Floats = NDArray[np.float64]

BINS = 50
MARGIN = 0.02
"""Least loss of availability that counts; more where the sample is too small to tell."""
SLOWER = 1.5
"""Least ratio of latencies that counts."""
STUCK_MARGIN = 0.05


@dataclass(frozen=True)
class Phases:
    """Shares of the run: the fault begins and ends, and later a window looks at what remains."""

    begin: float
    end: float
    after: float


@dataclass(frozen=True)
class Series:
    """One run in bins by time of arrival: requests, good ones, median latency of the finished.

    Requests without an answer count as not good. The phases hold (availability, p50, p99 of good
    answers, if there are a hundred) of the requests that arrived in them.
    """

    horizon_s: float
    phases: Phases
    arrived: Floats
    good: Floats
    median_s: Floats
    before: tuple[float, float | None, float | None]
    during: tuple[float, float | None, float | None]
    after: tuple[float, float | None, float | None]


@dataclass(frozen=True)
class Verdict:
    """What a fault did.

    lost_requests, lost_share
        Requests that failed and would not have without the fault; the share is of those that
        arrived while it lasted.
    recovery_s
        Seconds from the end of the fault until availability and median latency are what they
        are without it, and stay so; None if not before the end of the run.
    stays_broken
        The window long after the fault is as bad at its end as at its beginning: a metastable
        state (Bronson et al., HotOS 2021), not a backlog that is still being worked off.
    status
        ``unaffected``, ``degraded``, ``outage`` (less than half the requests succeed) or
        ``stays broken``.
    """

    status: str
    availability_before: float
    availability_during: float
    availability_after: float
    baseline_after: float
    p99_before_s: float | None
    p99_during_s: float | None
    p99_after_s: float | None
    lost_requests: float
    lost_share: float
    recovery_s: float | None
    stays_broken: bool

    @property
    def severity(self) -> tuple[bool, float, float]:
        """Orders verdicts: staying broken first, then lost work, then slowness."""
        slower = 1.0
        if self.p99_before_s and self.p99_during_s:
            slower = self.p99_during_s / self.p99_before_s
        return self.stays_broken, round(self.lost_share, 3), slower

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def series_of(recording: Recording, phases: Phases) -> Series:
    """The run in bins and phases."""
    horizon = recording.horizon_s
    table = recording.requests
    arrived, latency = table["arrived"], table["latency"]
    codes = [code for code, name in enumerate(recording.outcomes) if name in GOOD]
    good = np.isin(table["outcome"], codes)
    issued = arrival_times(recording)
    bins = np.clip((arrived / horizon * BINS).astype(int), 0, BINS - 1)
    medians = np.array(
        [np.median(latency[bins == number]) if (bins == number).any() else np.nan
         for number in range(BINS)]
    )  # fmt: skip

    def phase(begin: float, end: float) -> tuple[float, float | None, float | None]:
        inside = (arrived >= begin * horizon) & (arrived < end * horizon)
        fine = latency[inside & good]
        total = int(((issued >= begin * horizon) & (issued < end * horizon)).sum())
        enough = len(fine) >= 100
        p50, p99 = np.quantile(fine, [0.5, 0.99]).tolist() if enough else (None, None)
        return len(fine) / total if total else 1.0, p50, p99

    return Series(
        horizon_s=horizon,
        phases=phases,
        arrived=np.histogram(issued, np.linspace(0.0, horizon, BINS + 1))[0].astype(float),
        good=np.bincount(bins[good], minlength=BINS).astype(float),
        median_s=medians,
        before=phase(0.25 * phases.begin, phases.begin),
        during=phase(phases.begin, phases.end),
        after=phase(phases.after, 1.0),
    )


def judge_case(series: Series, baseline: Series) -> Verdict:
    """Compare a run with a fault with the run without it."""
    horizon, phases = series.horizon_s, series.phases
    hit = slice(int(phases.begin * BINS), None)
    lost_now = series.arrived[hit] - series.good[hit]
    lost_anyway = baseline.arrived[hit] - baseline.good[hit]
    lost = max(float((lost_now - lost_anyway).sum()), 0.0)
    during = float(series.arrived[int(phases.begin * BINS) : int(phases.end * BINS)].sum())
    healthy = _healthy(series, baseline)
    end_bin = int(phases.end * BINS)
    sick = np.flatnonzero(~healthy[end_bin:])
    recovery: float | None = 0.0
    if len(sick):
        last = end_bin + int(sick[-1]) + 1
        recovery = None if last >= BINS - 1 else (last - end_bin) * horizon / BINS
    stuck = _stuck(series, baseline)
    lost_share = min(lost / during, 1.0) if during else 0.0
    status = "degraded"
    if stuck:
        status = "stays broken"
    elif series.during[0] < 0.5 * baseline.during[0]:
        status = "outage"
    elif (
        lost <= _unsure_of(lost_anyway, during)
        and bool(healthy[hit].all())
        and not _slower(series, baseline)
    ):
        status = "unaffected"
    return Verdict(
        status=status,
        availability_before=baseline.during[0],
        availability_during=series.during[0],
        availability_after=series.after[0],
        baseline_after=baseline.after[0],
        p99_before_s=baseline.during[2],
        p99_during_s=series.during[2],
        p99_after_s=series.after[2],
        lost_requests=lost,
        lost_share=lost_share,
        recovery_s=recovery,
        stays_broken=stuck,
    )


def _unsure_of(lost_anyway: Floats, during: float) -> float:
    """Lost requests that say nothing: the two runs differ as much by chance (two deviations)."""
    return max(0.001 * during, 2.0 * math.sqrt(2.0 * max(float(lost_anyway.sum()), 0.0)))


def _slower(series: Series, baseline: Series) -> bool:
    p99, usual = series.during[2], baseline.during[2]
    return p99 is None or usual is None or p99 > SLOWER * usual


def _healthy(series: Series, baseline: Series) -> "NDArray[np.bool_]":
    """Bins in which availability and median latency are those of the run without the fault.

    The margin on availability is three standard deviations of the binomial, at least 2 points:
    of fifty healthy bins, less than one in five runs has a false alarm.
    """
    arrived = np.maximum(series.arrived, 1.0)
    usual = baseline.good / np.maximum(baseline.arrived, 1.0)
    spread = 3.0 * np.sqrt(np.maximum(usual * (1.0 - usual), 0.0) / arrived) + 2.0 / arrived
    available = series.good / arrived >= usual - np.maximum(MARGIN, spread)
    typical = float(np.nanmedian(baseline.median_s))
    quick = ~(series.median_s > 2.0 * np.fmax(baseline.median_s, typical))
    healthy: NDArray[np.bool_] = (available & quick) | (series.arrived == 0)
    return healthy


def _stuck(series: Series, baseline: Series) -> bool:
    """Whether the window after the fault is bad and does not get better."""
    first = int(series.phases.after * BINS)
    middle = (first + BINS) // 2
    healthy = _healthy(series, baseline)
    if healthy[first:].mean() > 0.5 or healthy[middle:].mean() > 0.5:
        return False

    def share(part: slice) -> float:
        return float(series.good[part].sum() / max(series.arrived[part].sum(), 1.0))

    early, late = slice(first, middle), slice(middle, BINS)
    if share(late) > share(early) + STUCK_MARGIN:
        return False
    bad = (
        share(late)
        < float(baseline.good[late].sum() / max(baseline.arrived[late].sum(), 1.0)) - STUCK_MARGIN
    )
    slow_early, slow_late = (float(np.nanmedian(series.median_s[part])) for part in (early, late))
    return bad or slow_late > 0.9 * slow_early


def arrival_times(recording: Recording) -> Floats:
    """Arrival times of all requests; unfinished ones stand between their neighbours."""
    order = np.argsort(recording.requests["index"])
    index = recording.requests["index"][order].astype(np.int64)
    arrived = recording.requests["arrived"][order]
    missing = np.setdiff1d(np.arange(sum(recording.issued)), index)
    if not len(missing) or not len(index):
        return arrived
    return np.sort(np.concatenate((arrived, np.interp(missing, index, arrived))))
