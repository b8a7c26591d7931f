"""What objectives say about times, beside those of all requests: did they suffer from a fault?

A design that answers first and works later loses nothing that its callers see when the work
stops. What it promises then is the time that a ``record`` step notes at the end of the path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulator.metrics.window import GOOD
from simulator.recording.recording import Recording

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MARGIN = 0.02
"""Least loss of availability that counts; more where the sample is too small to tell."""
SLOWER = 1.5
"""Least ratio of times that counts."""
DEVIATIONS = 3.0
"""How far apart two runs have to be: a false alarm in a thousand comparisons."""
FEW = 10
"""Values that a mean or a median takes at least; a percentile takes one beyond it."""


@dataclass(frozen=True)
class Aim:
    """An objective on a time: its metric, percentile (None: the mean) and bound (s).

    ``of_class`` restricts a latency to one class of requests. ``recorded`` metrics are those of
    ``record`` steps, and ``age`` says that a value is the time since its request arrived.
    """

    name: str
    metric: str
    percentile: float | None
    bound: float
    of_class: str | None = None
    recorded: bool = False
    age: bool = False

    @property
    def statistic(self) -> str:
        """What is compared, as one writes it: ``p99`` or ``mean``."""
        return "mean" if self.percentile is None else f"p{self.percentile:g}"

    def value(self, values: Floats) -> float | None:
        """The mean or percentile of values; None if they are too few to tell."""
        share = 0.0 if self.percentile is None else self.percentile / 100.0
        if len(values) < FEW or len(values) * (1.0 - share) < 1.0:
            return None
        return float(values.mean() if self.percentile is None else np.quantile(values, share))

    def clearly_above(self, now: Floats, usual: Floats) -> bool:
        """Whether values are higher by more than chance makes them in two samples alike."""
        if self.percentile is None:
            spread = float(now.var() / len(now) + usual.var() / len(usual))
            return bool(now.mean() - usual.mean() > DEVIATIONS * spread**0.5)
        share = self.percentile / 100.0
        expected = len(now) * (1.0 - share)
        beyond = int((now > np.quantile(usual, share)).sum())
        return bool(beyond > expected + DEVIATIONS * (2.0 * expected) ** 0.5)


@dataclass(frozen=True)
class Noted:
    """The values of an aim in a run up to its last arrival, when they were noted, and for whom.

    ``origin`` is when the request arrived that a value belongs to (s).
    """

    origin: Floats
    at: Floats
    values: Floats

    def arrived_in(self, begin: float, end: float) -> "Noted":
        """The values of requests that arrived in a span."""
        inside = (self.origin >= begin) & (self.origin < end)
        return Noted(self.origin[inside], self.at[inside], self.values[inside])

    def noted_in(self, begin: float, end: float) -> "Noted":
        """The values that were noted in a span."""
        inside = (self.at >= begin) & (self.at < end)
        return Noted(self.origin[inside], self.at[inside], self.values[inside])

    @property
    def requests(self) -> int:
        """How many requests they belong to: one to many recipients counts once."""
        return len(np.unique(np.round(self.origin, 9)))


@dataclass(frozen=True)
class Harm:
    """What a fault did to an aim: the value without and with it (s), and if it broke the bound.

    ``missing_share`` is the share of requests for which nothing was noted by the end of the run,
    beyond those of the run without the fault.
    """

    objective: str
    statistic: str
    bound: float
    usual: float | None
    during: float | None
    missing_share: float
    missed: bool


def noted(aim: Aim, recording: Recording) -> Noted:
    """The values of an aim; of requests, those that were answered well."""
    if aim.recorded:
        if aim.metric not in recording.metrics:
            return Noted(*(np.array([]) for _ in range(3)))
        table = recording.samples
        mask = table["metric"] == recording.metrics.index(aim.metric)
        at, values = table["at"][mask], table["value"][mask]
        origin = at - values if aim.age else at
    else:
        table = recording.requests
        codes = [code for code, name in enumerate(recording.outcomes) if name in GOOD]
        mask = np.isin(table["outcome"], codes) & ~np.isnan(table[aim.metric])
        if aim.of_class is not None:
            mask &= table["kind"] == recording.kinds.index(aim.of_class)
        origin, values = table["arrived"][mask], table[aim.metric][mask]
        at = origin + table["latency"][mask]
    # Both runs end at the same time, however long they drain.
    inside = at <= recording.horizon_s
    return Noted(origin[inside], at[inside], values[inside].astype(np.float64))


def harm_of(aim: Aim, now: Noted, usual: Noted, traffic: float) -> Harm | None:
    """Compare the same part of two runs; None if the aim did not suffer.

    ``traffic`` is how many requests arrived, over those of the run without the fault, or of the
    time before it.
    """
    missing = (
        missing_share(now.requests, usual.requests * traffic, traffic) if aim.recorded else 0.0
    )
    before, during = aim.value(usual.values), aim.value(now.values)
    missed = slower = False
    if before is not None and during is not None and aim.clearly_above(now.values, usual.values):
        missed = before <= aim.bound < during
        slower = during > SLOWER * before
    if not (missing or missed or slower):
        return None
    return Harm(aim.name, aim.statistic, aim.bound, before, during, missing, missed)


def missing_share(count: float, expected: float, traffic: float = 1.0) -> float:
    """The share of an expected count that is not there; 0 if that may be chance.

    What is expected is ``traffic`` times a count, and the chance in that is multiplied with it.
    """
    lost = expected - count
    if count == 0 and expected >= FEW:
        return 1.0  # by chance once in e^10 cases
    if lost <= max(MARGIN * expected, DEVIATIONS * ((1.0 + traffic) * expected) ** 0.5):
        return 0.0
    return float(lost / expected)


def together(parts: Sequence[Noted]) -> Noted:
    """The values of several replications as one."""
    return Noted(
        np.concatenate([part.origin for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def sick_stretch(now: Noted, expected: float, usual: float) -> bool:
    """Whether too few of the expected requests got there, or with twice the usual median."""
    if now.requests < expected - DEVIATIONS * (2.0 * expected) ** 0.5:
        return True
    return len(now.values) >= FEW and bool(np.median(now.values) > 2.0 * usual)


def well_in_bins(now: Noted, usual: Noted, traffic: Floats, edges: Floats) -> Bools:
    """Bins by arrival in which a recorded metric is as without the fault.

    That is: as many requests got there, and their median is at most twice. ``traffic`` is that of
    :func:`harm_of` by bin. A bin that is bad by itself is chance.
    """
    bins = len(edges) - 1
    sick = np.zeros(bins, bool)
    typical = float(np.median(usual.values)) if len(usual.values) else np.inf
    for number, span in enumerate(pairwise(edges.tolist())):
        before = usual.arrived_in(*span)
        median = max(float(np.median(before.values)), typical) if before.requests else np.inf
        expected = before.requests * float(traffic[number])
        sick[number] = sick_stretch(now.arrived_in(*span), expected, median)
    beside = np.zeros(bins, bool)
    beside[1:] |= sick[:-1]
    beside[:-1] |= sick[1:]
    well: Bools = ~(sick & beside)
    return well
