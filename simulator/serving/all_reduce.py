"""The communication of tensor parallelism: an explicit term, never part of the kernels."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Link"]


@dataclass(frozen=True, slots=True)
class Link:
    """What joins the GPUs of one replica: bytes per second each way, and seconds per message.

    Collectives follow the ring algorithm (Patarasuk and Yuan 2009): over n GPUs an all-reduce
    is 2 (n - 1) messages of 1/n of the data one after the other, an all-gather n - 1 messages.
    """

    bytes_per_s: float
    latency_s: float

    def all_reduce_s(self, size_bytes: float, gpus: int) -> float:
        """Return the seconds of one all-reduce of `size_bytes` over `gpus`."""
        if gpus == 1:
            return 0.0
        return 2 * (gpus - 1) * (self.latency_s + size_bytes / gpus / self.bytes_per_s)

    def all_gather_s(self, size_bytes: float, gpus: int) -> float:
        """Return the seconds until each GPU holds all of `size_bytes`, 1/n of it at the start."""
        if gpus == 1:
            return 0.0
        return (gpus - 1) * (self.latency_s + size_bytes / gpus / self.bytes_per_s)
