"""A quantity over requests: its mean and percentiles, with intervals."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.metrics.confidence import (
    Interval,
    mean_interval,
    quantile_interval,
    quantile_supported,
)
from simulator.metrics.percentiles import percentile_name

Document = dict[str, Any]

PERCENTILES = (0.5, 0.9, 0.95, 0.99, 0.999)


def interval_document(interval: Interval) -> Document:
    """An interval as it stands in JSON; an infinite arm is null."""
    low, high = interval.low, interval.high
    return {
        "value": float(interval.value),
        "low": float(low) if np.isfinite(low) else None,
        "high": float(high) if np.isfinite(high) else None,
    }


def spread(
    samples: Sequence["NDArray[np.float64]"], extra: Iterable[float] = ()
) -> Document | None:
    """Mean and percentiles of values given per replication in order of arrival.

    ``extra`` asks for percentiles beside the usual ones. One that the sample does not support is
    null. None if there are no values.
    """
    filled = [values for values in samples if len(values)]
    total = sum(len(values) for values in filled)
    if not total:
        return None
    document: Document = {"mean": interval_document(mean_interval(filled))}
    for p in sorted({*PERCENTILES, *extra}):
        name = percentile_name(p)
        if p <= 0.99 or quantile_supported(total, p):
            document[name] = interval_document(quantile_interval(filled, p))
        else:
            document[name] = None
    document["max"] = float(max(values.max() for values in filled))
    return document
