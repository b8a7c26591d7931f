"""Intervals over independent replications, for means, percentiles, shares and differences.

A sample is one array per replication, its values in order of arrival and after the warm-up. The
intervals of means and percentiles use *sectioning*: the centre is the estimate from all values
pooled, which has the least bias, and the spread is that of the estimates of the sections (the
replications, or pieces of them if there are few) about it. Two corrections make the real coverage
meet the nominal one on queues, whose estimates are skewed to the right and scatter more the
higher they are: the arms are equal on a logarithmic scale, and where excursions are rare and long
the upper arm is lengthened and the lower one shortened. The experiments behind both are in
``docs/decisions/0002-interval-on-percentiles.md``, the coverage reached in ``docs/coverage.md``.

Sources: S. Asmussen and P. Glynn, Stochastic Simulation (2007), section III.5 (sectioning);
M. Nakayama, ACM TOMACS 24 (2014) (sectioning of quantiles); N. Johnson, JASA 73 (1978) (t
intervals of skewed data); E. Wilson, JASA 22 (1927) (shares).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

REPLICATIONS_MIN = 4
"""With fewer replications than this, each is cut into pieces that are treated as replications."""

SECTIONS = 6
"""How many pieces there are then, at least: few and long, as pieces of one run are related."""

BATCHES = 40
"""Pieces that the skewness of the sample is judged from."""

UPPER_ARM = 0.5
"""Share by which the upper arm grows for each unit of skewness."""

LOWER_ARM = 0.1
"""Share by which the lower arm shrinks for each unit of skewness."""

SKEWNESS_MAX = 2.0
"""Skewness beyond this adds nothing more: it is too uncertain an estimate to be followed."""

HIDDEN = 50.0
"""How much the arms of a difference of percentiles grow for each unit of skewness while few values
lie beyond: their square grows by this over that number. The excursions that a percentile hangs on
are then so few that designs which had none look alike in all replications."""

EXCEEDANCES_MIN = 1000
"""Values that have to lie beyond a percentile before its interval can be trusted."""


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval that covers the truth at the level it was made for.

    ``basis`` says where the degrees of freedom come from: ``replications`` are independent,
    ``batches`` are pieces of one run or of few runs and only nearly so.
    """

    value: float
    low: float
    high: float
    basis: str = "replications"

    @property
    def half_width(self) -> float:
        """Half the length of the interval, which need not be symmetric about the value."""
        return (self.high - self.low) / 2.0

    @property
    def relative(self) -> float:
        """Half-width as a share of the value: 0.02 is plus or minus 2 %."""
        if self.half_width == 0.0:
            return 0.0
        return self.half_width / abs(self.value) if self.value else math.inf


def mean_interval(samples: Sequence[Floats], level: float = 0.95) -> Interval:
    """Interval of the long-run mean. One array per replication, in order of arrival."""
    return _sectioned(samples, level, _mean, lambda piece, _: _mean(piece))


def quantile_interval(samples: Sequence[Floats], p: float, level: float = 0.95) -> Interval:
    """Interval of the quantile ``p`` (0.99 for p99). One array per replication, as they arrived."""

    def estimate(values: Floats) -> float:
        return float(np.quantile(values, p))

    def beyond(piece: Floats, centre: float) -> float:
        return float(np.count_nonzero(piece > centre)) / len(piece)

    return _sectioned(samples, level, estimate, beyond)


def quantile_supported(n_total: int, p: float) -> bool:
    """Whether ``n_total`` values are enough to say something about the quantile ``p``.

    About a thousand must lie beyond it: on a busy queue they come in a few dozen clusters, and
    with fewer the interval covers the truth less often than it says.
    """
    return n_total * min(p, 1.0 - p) >= EXCEEDANCES_MIN * (1.0 - 1e-9)


def scalar_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Student's t interval of the mean of one number per replication (throughput, utilization)."""
    data = np.asarray(values, dtype=float)
    if len(data) == 0:
        raise ValueError("an interval needs at least one replication")
    centre = float(data.mean())
    if len(data) == 1:
        return Interval(centre, -math.inf, math.inf)
    arm = t_quantile(len(data) - 1, level) * float(data.std(ddof=1)) / math.sqrt(len(data))
    return Interval(centre, centre - arm, centre + arm)


def share_interval(hits: Sequence[float], totals: Sequence[float], level: float = 0.95) -> Interval:
    """Interval of a share, such as errors over requests, within 0 and 1.

    Wilson's interval with the sample reduced to what it is worth: if replications scatter more
    than independent requests would (errors come in bursts), by the ratio of the variances. None
    seen in n therefore still leaves an upper limit of a few in n.
    """
    seen, asked = np.asarray(hits, dtype=float), np.asarray(totals, dtype=float)
    seen, asked = seen[asked > 0], asked[asked > 0]
    if len(asked) == 0:
        raise ValueError("a share needs at least one request")
    total = float(asked.sum())
    share = float(seen.sum()) / total
    worth = total
    if len(asked) > 1 and 0.0 < share < 1.0:
        scatter = float(((seen - share * asked) ** 2).sum()) / (len(asked) - 1) * len(asked)
        worth = total / max(1.0, scatter / (total * share * (1.0 - share)))
    critical = t_quantile(max(len(asked), SECTIONS) - 1, level)
    squared = critical**2
    middle = (share + squared / (2.0 * worth)) / (1.0 + squared / worth)
    arm = math.sqrt(share * (1.0 - share) / worth + squared / (4.0 * worth**2))
    arm *= critical / (1.0 + squared / worth)
    return Interval(share, max(0.0, min(share, middle - arm)), min(1.0, max(share, middle + arm)))


def ratio_interval(
    numerators: Sequence[float], denominators: Sequence[float], level: float = 0.95
) -> Interval:
    """Interval of a ratio of two sums, such as dollars over requests, over replications.

    The classical ratio estimate: the spread is that of the residuals of each replication from the
    pooled ratio. For shares use :func:`share_interval`, which stays within 0 and 1.
    """
    above, below = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    if len(below) == 0 or float(below.sum()) == 0.0:
        raise ValueError("a ratio needs a denominator that is not zero")
    ratio = float(above.sum() / below.sum())
    residuals = (above - ratio * below) / float(below.mean())
    spread = scalar_interval([float(value) for value in residuals], level)
    return Interval(ratio, ratio - spread.half_width, ratio + spread.half_width)


def paired_difference(a: Sequence[float], b: Sequence[float], level: float = 0.95) -> Interval:
    """Interval of how much larger ``b`` is than ``a``: one number per replication of each.

    For designs run with common random numbers: replication i of both saw the same arrivals, so
    their differences scatter far less than the two results.
    """
    if len(a) != len(b):
        raise ValueError(f"pairs need equally many replications, got {len(a)} and {len(b)}")
    return scalar_interval([float(y) - float(x) for x, y in zip(a, b, strict=True)], level)


def paired_mean(a: Sequence[Floats], b: Sequence[Floats], level: float = 0.95) -> Interval:
    """Interval of how much larger the mean of ``b`` is than that of ``a``."""
    return _paired(a, b, level, None)


def paired_quantile(
    a: Sequence[Floats], b: Sequence[Floats], p: float, level: float = 0.95
) -> Interval:
    """Interval of how much larger the quantile ``p`` of ``b`` is than that of ``a``."""
    return _paired(a, b, level, p)


def difference_interval(
    differences: Sequence[float],
    centre: float,
    level: float = 0.95,
    influence: Floats | None = None,
    beyond: float = math.inf,
) -> Interval:
    """Interval of a difference of pooled estimates, from the differences of the replications.

    ``influence`` says what each batch of the runs adds to the difference (see
    :func:`batch_influence`); its skewness makes the arms unequal as in other intervals, but to
    either side, since the more variable design may be the first or the second. ``beyond`` is the
    number of values beyond a percentile: where it is small, skewness also makes both arms longer.
    """
    if len(differences) < 2:
        return Interval(centre, -math.inf, math.inf)
    arm = t_quantile(len(differences) - 1, level) * _scatter(np.array(differences) - centre)
    skewness = 0.0 if influence is None or not len(influence) else _skewness(influence)
    arm *= math.sqrt(1.0 + HIDDEN * min(abs(skewness), SKEWNESS_MAX) / max(beyond, 1.0))
    shorter, longer = _arms(abs(skewness))
    lower, upper = (shorter, longer) if skewness >= 0.0 else (longer, shorter)
    return Interval(centre, centre - lower * arm, centre + upper * arm)


def batch_influence(runs: Sequence[Floats], p: float | None) -> Floats:
    """What each of some 40 batches adds to the mean, or to the quantile ``p``, in their unit.

    The influence of a batch on a quantile is the share of its values beyond the quantile of all,
    over the density there, which is taken from the values around it. Empty without values.
    """
    runs = [run for run in runs if len(run)]
    if not runs:
        return np.zeros(0)
    batches = _cut(runs, max(1, BATCHES // len(runs)))
    if p is None:
        return np.array([_mean(batch) for batch in batches])
    around = 0.3 * min(p, 1.0 - p)
    low, centre, high = np.quantile(np.concatenate(runs), [p - around, p, p + around])
    beyond = np.array([np.count_nonzero(batch > centre) / len(batch) for batch in batches])
    return beyond * float(high - low) / (2.0 * around)


def replications_needed(
    interval: Interval, replications: int, precision: float, limit: int = 10_000
) -> int:
    """Replications of the same length that should bring ``relative`` down to ``precision``.

    The half-width falls with the square root of the number, and Student's factor with it. Never
    fewer than there are; ``limit`` if even that many would not do.
    """
    if interval.relative <= precision * (1.0 + 1e-9):
        return replications
    sections = replications if replications >= REPLICATIONS_MIN else SECTIONS
    scale = interval.relative * math.sqrt(replications) / t_quantile(sections - 1, 0.95)
    count = replications
    while count < limit:
        count += 1
        sections = count if count >= REPLICATIONS_MIN else SECTIONS
        if t_quantile(sections - 1, 0.95) * scale <= precision * math.sqrt(count):
            return count
    return limit


def t_quantile(freedom: int, level: float) -> float:
    """The factor of a two-sided Student interval at ``level``."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + level / 2.0))


def _mean(values: Floats) -> float:
    return float(values.mean())


def _sectioned(
    samples: Sequence[Floats],
    level: float,
    estimate: Callable[[Floats], float],
    influence: Callable[[Floats, float], float],
) -> Interval:
    """Pooled estimate, and an interval from the scatter of the sections' estimates about it."""
    runs = [np.asarray(run, dtype=float) for run in samples if len(run)]
    if not runs:
        raise ValueError("an interval needs at least one value")
    centre = estimate(np.concatenate(runs))
    basis, pieces = "replications", 1
    if len(runs) < REPLICATIONS_MIN:
        basis, pieces = "batches", math.ceil(SECTIONS / len(runs))
    sections = _cut(runs, pieces)
    count = len(sections)
    if count < 2:
        return Interval(centre, -math.inf, math.inf, basis)
    estimates = np.array([estimate(section) for section in sections])
    batches = _cut(runs, max(1, BATCHES // len(runs)))
    skewness = _skewness(np.array([influence(batch, centre) for batch in batches]))
    lower, upper = _arms(skewness)
    factor = t_quantile(count - 1, level)
    if centre > 0.0 and float(estimates.min()) > 0.0:
        arm = factor * _scatter(np.log(estimates / centre))
        return Interval(centre, centre * math.exp(-lower * arm), centre * _exp(upper * arm), basis)
    arm = factor * _scatter(estimates - centre)
    return Interval(centre, centre - lower * arm, centre + upper * arm, basis)


def _paired(a: Sequence[Floats], b: Sequence[Floats], level: float, p: float | None) -> Interval:
    def estimate(values: Floats) -> float:
        return _mean(values) if p is None else float(np.quantile(values, p))

    differences = [estimate(y) - estimate(x) for x, y in zip(a, b, strict=True)]
    centre = estimate(np.concatenate(list(b))) - estimate(np.concatenate(list(a)))
    first, second = batch_influence(a, p), batch_influence(b, p)
    influence = second - first if len(first) == len(second) else None
    beyond = math.inf
    if p is not None:
        beyond = min(p, 1.0 - p) * min(sum(map(len, a)), sum(map(len, b)))
    return difference_interval(differences, centre, level, influence, beyond)


def _arms(skewness: float) -> tuple[float, float]:
    """Factors of the lower and of the upper arm of an estimate that is skewed to the right."""
    skewness = min(max(skewness, 0.0), SKEWNESS_MAX)
    return 1.0 - LOWER_ARM * skewness, 1.0 + UPPER_ARM * skewness


def _cut(runs: Sequence[Floats], pieces: int) -> list[Floats]:
    """Each run cut into ``pieces`` contiguous parts of nearly equal length, none empty."""
    return [part for run in runs for part in np.array_split(run, pieces) if len(part)]


def _scatter(deviations: Floats) -> float:
    """Standard error of a centre that the given deviations are from."""
    count = len(deviations)
    return math.sqrt(float(deviations @ deviations) / (count - 1) / count)


def _skewness(values: Floats) -> float:
    """Sample skewness with the usual correction for its bias; 0 if it cannot be known."""
    count = len(values)
    deviations = values - values.mean()
    variance = float((deviations**2).mean())
    if count < 3 or variance <= 0.0:
        return 0.0
    third = float((deviations**3).mean())
    return math.sqrt(count * (count - 1.0)) / (count - 2.0) * third / math.pow(variance, 1.5)


def _exp(value: float) -> float:
    """Exponential that overflows to infinity instead of raising."""
    return math.exp(value) if value < 700.0 else math.inf
