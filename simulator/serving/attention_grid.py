"""Interpolates measured attention times over four axes.

The axes are the tokens of a prompt chunk, the KV before it, the number of decoding sequences
and their KV length. Measurements come as scattered points of one or more rectangular grids;
`AttentionGrid` completes them to one grid by linear interpolation along one axis after the
other (the decode KV first, the chunk last), then looks values up multilinearly.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np

from simulator.serving.curve import PiecewiseLinear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulator.serving.profile_reader import Rows

__all__ = ["AttentionGrid", "complete", "interpolate"]


def interpolate(
    x: NDArray[np.float64], knots: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `values` at `x`, extended by the outer slopes where these rise (else flat)."""
    result = np.interp(x, knots, values)
    if len(knots) > 1:
        rise = max(0.0, (values[-1] - values[-2]) / (knots[-1] - knots[-2]))
        result = np.where(x > knots[-1], values[-1] + rise * (x - knots[-1]), result)
    return result


def complete(grid: NDArray[np.float64], axes: Sequence[NDArray[np.float64]]) -> None:
    """Fill the missing (NaN) cells of `grid` in place, along the last axis first."""
    for axis in reversed(range(grid.ndim)):
        lines = np.moveaxis(grid, axis, -1)
        for index in np.ndindex(lines.shape[:-1]):
            line = lines[index]
            known = ~np.isnan(line)
            if known.any() and not known.all():
                line[:] = interpolate(axes[axis], axes[axis][known], line[known])


class AttentionGrid:
    """Attention time of one layer in seconds: `decode(n)`, `prefill(...)` and `mixed(...)`."""

    def __init__(self, rows: Rows) -> None:
        table = np.asarray(rows, dtype=float)
        chunk, context, decodes, kv, time_us = table.T
        self.range_max = {
            "prefill_chunk": float(chunk.max()),
            "kv_prefill": float(context.max()),
            "n_decode": float(decodes.max()),
            "kv_decode": float(kv.max()),
        }
        seconds = time_us * 1e-6
        only_decode = (chunk == 0) & (decodes > 0)
        only_prefill = (chunk > 0) & (decodes == 0)
        both = (chunk > 0) & (decodes > 0)
        if not only_decode.any() or not only_prefill.any():
            raise ValueError("attention rows need steps with only decodes and with only a prompt")
        self._decode_axes, self._decode = _grid([decodes, kv], seconds, only_decode)
        self._prefill_axes, prefill = _grid([chunk, context], seconds, only_prefill)
        self._prefill = prefill.ravel().tolist()
        self._mixed: list[float] | None = None
        if both.any():
            axes, mixed = _grid([chunk, context, decodes, kv], seconds, both)
            self._mixed_axes = axes
            self._mixed = mixed.ravel().tolist()

    def decode(self, sequences: int) -> PiecewiseLinear:
        """Return the time of a decode-only step of `sequences` as a function of their KV."""
        counts, kv = self._decode_axes
        low, fraction = _place(counts, sequences)
        if len(counts) == 1:
            return PiecewiseLinear(kv, self._decode[0])
        row = self._decode[low] + fraction * (self._decode[low + 1] - self._decode[low])
        return PiecewiseLinear(kv, np.maximum(row, 0.0).tolist())

    def prefill(self, tokens: float, context: float) -> float:
        """Return the time of one chunk of `tokens` behind `context` tokens."""
        chunks, contexts = self._prefill_axes
        i, f = _place(chunks, tokens)
        j, g = _place(contexts, context)
        table = self._prefill
        width = len(contexts)
        at = i * width + j
        low = table[at] + g * (table[at + 1] - table[at])
        at += width
        high = table[at] + g * (table[at + 1] - table[at])
        return low + f * (high - low)

    def mixed(self, tokens: float, context: float, sequences: int, kv: float) -> float:
        """Return the time of one chunk together with `sequences` decodes of KV length `kv`."""
        if sequences == 0:
            return self.prefill(tokens, context)
        if self._mixed is None:
            return self.prefill(tokens, context) + self.decode(sequences).at(kv)
        chunks, contexts, counts, lengths = self._mixed_axes
        i, f = _place(chunks, tokens)
        j, g = _place(contexts, context)
        k, h = _place(counts, sequences)
        m, e = _place(lengths, kv)
        table = self._mixed
        by_count = len(lengths)
        by_context = by_count * len(counts)
        at = (i * len(contexts) + j) * by_context + k * by_count + m
        planes = []
        for start in (
            at,
            at + by_context,
            at + by_context * len(contexts),
            at + by_context * (len(contexts) + 1),
        ):
            low = table[start]
            low += e * (table[start + 1] - low)
            high = table[start + by_count]
            high += e * (table[start + by_count + 1] - high)
            planes.append(low + h * (high - low))
        near = planes[0] + g * (planes[1] - planes[0])
        far = planes[2] + g * (planes[3] - planes[2])
        return near + f * (far - near)


def _grid(
    columns: list[NDArray[np.float64]], values: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> tuple[list[list[float]], NDArray[np.float64]]:
    """Return the axes and the completed grid of the chosen rows; every axis has two points."""
    axes = []
    places = []
    for column in columns:
        axis, place = np.unique(column[chosen], return_inverse=True)
        if len(axis) == 1:
            axis = np.append(axis, axis[0] + 1.0)
        axes.append(axis)
        places.append(place)
    grid = np.full([len(axis) for axis in axes], np.nan)
    grid[tuple(places)] = values[chosen]
    complete(grid, axes)
    return [axis.tolist() for axis in axes], grid


def _place(axis: list[float], x: float) -> tuple[int, float]:
    """Return the segment `x` is in and the fraction of it; flat below, extended above."""
    if x <= axis[0]:
        return 0, 0.0
    i = min(bisect_right(axis, x) - 1, len(axis) - 2)
    return i, (x - axis[i]) / (axis[i + 1] - axis[i])
