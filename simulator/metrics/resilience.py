"""How a run with a fault compares with the same run without it."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.metrics.aims import (
    DEVIATIONS,
    MARGIN,
    SLOWER,
    Aim,
    Harm,
    Noted,
    harm_of,
    missing_share,
    noted,
    well_in_bins,
)
from simulator.metrics.window import GOOD
from simulator.recording.recording import Recording

Floats = NDArray[np.float64]

BINS = 50
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
    answers, if there are a hundred) of the requests that arrived in them. ``degraded`` is
    the share of good answers that were less than full ones while the fault lasted; ``noted`` has
    the values of the aims.
    """

    horizon_s: float
    phases: Phases
    arrived: Floats
    good: Floats
    median_s: Floats
    before: tuple[float, float | None, float | None]
    during: tuple[float, float | None, float | None]
    after: tuple[float, float | None, float | None]
    degraded: float = 0.0
    noted: tuple[Noted, ...] = ()

    @property
    def edges(self) -> Floats:
        """Of the bins (s), one more than there are."""
        return np.linspace(0.0, self.horizon_s, len(self.arrived) + 1)


@dataclass(frozen=True)
class Verdict:
    """What a fault did.

    lost_requests, lost_share
        Requests that failed and would not have without the fault; the share is of those that
        arrived while it lasted.
    recovery_s
        Seconds from the end of the fault until availability, median latency and the medians of
        recorded aims are what they are without it, and stay so; None if not before the end of
        the run.
    stays_broken
        Long after the fault requests fail or an objective is broken, at the end of that window
        as badly as at its beginning: a metastable state (Bronson et al., HotOS 2021), not a
        backlog that is still being worked off, nor a cache that is still being filled.
    harms
        What the fault did to the aims of the design while it lasted.
    degraded_share
        Good answers that were less than full ones because of the fault, of all good ones.
    status
        ``unaffected``, ``degraded``, ``outage`` (less than half the requests succeed, or get to
        where an objective is measured) or ``stays broken``.
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
    harms: tuple[Harm, ...] = ()
    degraded_share: float = 0.0

    @property
    def severity(self) -> tuple[bool, bool, float, bool, float, float]:
        """Orders verdicts: staying broken, lost work, broken objectives, slow, lesser answers."""
        felt, lost = self.status != "unaffected", round(self.lost_work, 3)
        return self.stays_broken, felt, lost, self.missed, self.slower, self.degraded_share

    @property
    def slower(self) -> float:
        """The p99 over that without the fault; 1 if either is not known."""
        before, during = self.p99_before_s, self.p99_during_s
        return during / before if before and during else 1.0

    @property
    def missed(self) -> bool:
        """Whether the fault broke an objective on a time."""
        return any(harm.missed for harm in self.harms)

    @property
    def lost_work(self) -> float:
        """The share of requests that fail, or never get to where an objective is measured."""
        return max(self.lost_share, self.never_done)

    @property
    def never_done(self) -> float:
        """The largest share of requests that do not get to where an objective is measured."""
        return _never_done(self.harms)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def _never_done(harms: Sequence[Harm]) -> float:
    return max((harm.missing_share for harm in harms), default=0.0)


def series_of(recording: Recording, phases: Phases, aims: Sequence[Aim] = ()) -> Series:
    """The run in bins and phases, with the values of the aims."""
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
        degraded=_degraded(recording, phases.begin * horizon, phases.end * horizon),
        noted=tuple(noted(aim, recording) for aim in aims),
    )


def _degraded(recording: Recording, begin: float, end: float) -> float:
    table = recording.requests
    inside = (table["arrived"] >= begin) & (table["arrived"] < end)
    codes = table["outcome"][inside]
    good, full = (
        int(np.isin(codes, [recording.outcomes.index(name) for name in names]).sum())
        for names in (GOOD, GOOD[:1])
    )
    return 1.0 - full / good if good else 0.0


def judge_case(series: Series, baseline: Series, aims: Sequence[Aim] = ()) -> Verdict:
    """Compare a run with a fault with the run without it; both hold the values of the aims."""
    horizon, phases = series.horizon_s, series.phases
    hit = slice(int(phases.begin * BINS), None)
    lost_now = series.arrived[hit] - series.good[hit]
    lost_anyway = baseline.arrived[hit] - baseline.good[hit]
    lost = max(float((lost_now - lost_anyway).sum()), 0.0)
    during = float(series.arrived[int(phases.begin * BINS) : int(phases.end * BINS)].sum())
    healthy = _healthy(series, baseline, aims)
    harms = tuple(
        harm for _, harm in _harms(series, baseline, aims, phases.begin, phases.end) if harm
    )
    never_done = _never_done(harms)
    degraded = _more_degraded(series, baseline)
    end_bin = int(phases.end * BINS)
    sick = np.flatnonzero(~healthy[end_bin:])
    recovery: float | None = 0.0
    if len(sick):
        last = end_bin + int(sick[-1]) + 1
        recovery = None if last >= BINS - 1 else (last - end_bin) * horizon / BINS
    stuck = _stuck(series, baseline, aims, healthy)
    lost_share = min(lost / during, 1.0) if during else 0.0
    status = "degraded"
    if stuck:
        status = "stays broken"
    elif series.during[0] < 0.5 * baseline.during[0] or never_done > 0.5:
        status = "outage"
    elif (
        lost <= _unsure_of(lost_anyway, during)
        and bool(healthy[hit].all())
        and not _slower(series, baseline)
        and not harms
        and not degraded
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
        harms=harms,
        degraded_share=degraded,
    )


def _unsure_of(lost_anyway: Floats, during: float) -> float:
    """Lost requests that say nothing: the two runs differ as much by chance (two deviations)."""
    return max(0.001 * during, 2.0 * math.sqrt(2.0 * max(float(lost_anyway.sum()), 0.0)))


def _more_degraded(series: Series, baseline: Series) -> float:
    """By how much more answers are less than full ones; 0 if that may be chance."""
    hit = slice(int(series.phases.begin * BINS), int(series.phases.end * BINS))
    count = max(float(series.good[hit].sum()), 1.0)
    usual, more = baseline.degraded, series.degraded - baseline.degraded
    spread = DEVIATIONS * math.sqrt(2.0 * usual * (1.0 - usual) / count)
    return more if more > max(MARGIN, spread) else 0.0


def _slower(series: Series, baseline: Series) -> bool:
    p99, usual = series.during[2], baseline.during[2]
    return p99 is None or usual is None or p99 > SLOWER * usual


def _harms(
    series: Series, baseline: Series, aims: Sequence[Aim], begin: float, end: float
) -> "list[tuple[Aim, Harm | None]]":
    """Each aim and what became of it, for requests that arrived in a part of the run."""
    edges, horizon = series.edges[:-1], series.horizon_s
    inside = (edges >= begin * horizon) & (edges < end * horizon)
    usual = float(baseline.arrived[inside].sum())
    traffic = float(series.arrived[inside].sum()) / usual if usual else 0.0
    return [
        (
            aim,
            harm_of(
                aim,
                now.arrived_in(begin * horizon, end * horizon),
                before.arrived_in(begin * horizon, end * horizon),
                traffic,
            ),
        )
        for aim, now, before in zip(aims, series.noted, baseline.noted, strict=True)
    ]


def _healthy(series: Series, baseline: Series, aims: Sequence[Aim]) -> "NDArray[np.bool_]":
    """Bins in which all is as in the run without the fault: availability, medians of the times.

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
    traffic = series.arrived / np.maximum(baseline.arrived, 1.0)
    for aim, now, before in zip(aims, series.noted, baseline.noted, strict=True):
        if aim.recorded:
            healthy &= well_in_bins(now, before, traffic, series.edges)
    return healthy


def _stuck(
    series: Series, baseline: Series, aims: Sequence[Aim], healthy: "NDArray[np.bool_]"
) -> bool:
    """Whether the window after the fault is bad and does not get better.

    Times that are longer than usual but within what is promised are no breakage.
    """
    first = int(series.phases.after * BINS)
    middle = (first + BINS) // 2
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
    return bad or _aim_stuck(series, baseline, aims, first / BINS, middle / BINS)


def _aim_stuck(
    series: Series, baseline: Series, aims: Sequence[Aim], first: float, middle: float
) -> bool:
    """Whether an objective is broken at the end of the run, and no less so than before."""
    horizon = series.horizon_s
    earlier = _harms(series, baseline, aims, first, middle)
    later = _harms(series, baseline, aims, middle, 1.0)
    sources = zip(series.noted, baseline.noted, earlier, later, strict=True)
    for now, usual, (aim, early), (_, late) in sources:
        if late is None:
            continue
        if late.missed:
            was = early.during if early is not None else None
            if was is not None and late.during is not None and late.during > 0.9 * was:
                return True
        # Work that is done late, but as fast as it comes in, is a backlog.
        done, owed = (part.noted_in(middle * horizon, horizon).requests for part in (now, usual))
        if aim.recorded and late.missing_share and missing_share(done, owed):
            return True
    return False


def arrival_times(recording: Recording) -> Floats:
    """Arrival times of all requests; unfinished ones stand between their neighbours."""
    order = np.argsort(recording.requests["index"])
    index = recording.requests["index"][order].astype(np.int64)
    arrived = recording.requests["arrived"][order]
    missing = np.setdiff1d(np.arange(sum(recording.issued)), index)
    if not len(missing) or not len(index):
        return arrived
    return np.sort(np.concatenate((arrived, np.interp(missing, index, arrived))))
