"""Batching of requests that need one pass of a model: dynamic in Triton's terms, static, single.

Clock-free like the engine: `submit`, `next_time`, `advance`.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Protocol

from simulator.serving.errors import ServingError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = ["BatchItem", "BatchTime", "DynamicBatching", "one_at_a_time", "static_batching"]

FOREVER = float("inf")


class BatchItem:
    """One request to a batching model server.

    Only items of the same `shape` (resolution, number of steps, adapter ...) share a batch.
    `tokens` is the length of a text input, `images` how many images are asked for; the server
    fills in the times. A lower `priority` goes first.
    """

    __slots__ = ("adapter", "arrived_s", "dropped", "finished_s", "images", "payload", "priority",
                 "shape", "started_s", "tokens")  # fmt: skip

    def __init__(
        self,
        *,
        shape: Hashable = None,
        tokens: int = 1,
        images: int = 1,
        adapter: Hashable = None,
        priority: int = 0,
        payload: Any = None,
    ) -> None:
        self.shape = shape
        self.tokens = tokens
        self.images = images
        self.adapter = adapter
        self.priority = priority
        self.payload = payload
        self.arrived_s = 0.0
        self.started_s: float | None = None
        self.finished_s: float | None = None
        self.dropped = False


class BatchTime(Protocol):
    """How long one instance computes a batch."""

    def seconds(self, batch: Sequence[BatchItem], instance: int) -> float:
        """Return the seconds that `instance` takes for `batch`."""
        ...


class DynamicBatching:
    """Triton's dynamic batcher in front of `instances` copies of a model.

    A free instance takes the largest of `preferred_batch_size` that the queue can fill; without
    preferred sizes that is `max_batch_size`. Once the oldest item has waited `max_queue_delay_s`,
    it takes all there is, up to `max_batch_size`. A delay of 0 never counts as over: preferred
    sizes go while the queue can fill one, and what is left goes at once. So `max_batch_size`
    above the preferred sizes is reached only after a delay, and a full batch never waits, since
    a preferred size can be made of it. With `max_queue_size` a full queue refuses (0: no limit).

    Source: Triton Inference Server user guide, "Batchers", and what it leaves open from
    `DynamicBatchScheduler::GetDynamicBatch` (github.com/triton-inference-server/core,
    src/dynamic_batch_scheduler.cc). Unlike Triton, a waiting batch is not sent because an item
    of another shape comes after it, and none is formed before an instance is free.
    """

    def __init__(
        self,
        batch_time: BatchTime,
        *,
        max_batch_size: int = 8,
        preferred_batch_size: Sequence[int] = (),
        max_queue_delay_s: float = 0.0,
        max_queue_size: int = 0,
        instances: int = 1,
    ) -> None:
        if max_batch_size < 1 or instances < 1 or max_queue_size < 0 or max_queue_delay_s < 0.0:
            raise ServingError(
                "max_batch_size and instances start at 1, max_queue_size and max_queue_delay at 0"
            )
        too_large = [size for size in preferred_batch_size if not 1 <= size <= max_batch_size]
        if too_large:
            raise ServingError(
                f"preferred_batch_size {too_large} lies outside 1 to max_batch_size "
                f"{max_batch_size}",
                fields=("preferred_batch_size",),
            )
        self.batch_time = batch_time
        self.max_batch_size = max_batch_size
        self.max_queue_delay_s = max_queue_delay_s
        self.max_queue_size = max_queue_size
        self.busy_s = 0.0
        self.batches = 0
        self.items = 0
        self._served_item_s = 0.0
        self._preferred = sorted({*preferred_batch_size}) or [max_batch_size]
        self._free = list(range(instances))
        self._running: list[tuple[float, int, int, list[BatchItem]]] = []
        self._queue: list[tuple[int, int, BatchItem]] = []
        self._serial = 0
        self._deadline = FOREVER

    @property
    def saturated_size(self) -> int:
        """Items of a batch when the queue is never short of them."""
        return self.max_batch_size if self.max_queue_delay_s > 0.0 else self._preferred[-1]

    @property
    def waiting_count(self) -> int:
        """Items in the queue."""
        return len(self._queue)

    @property
    def running_count(self) -> int:
        """Instances that compute now."""
        return len(self._running)

    @property
    def load(self) -> int:
        """Items waiting or being computed."""
        return len(self._queue) + sum(len(entry[3]) for entry in self._running)

    def item_seconds(self, now: float) -> float:
        """Return the seconds that items have been computed, each of a batch counted by itself.

        Divided by a time, the mean number of items in service. What was lost or given up in the
        middle of a batch does not count: nobody was served.
        """
        running = (_item_seconds(batch, min(end, now)) for end, *_, batch in self._running)
        return self._served_item_s + sum(running)

    def next_time(self) -> float:
        """Return when a batch ends or a delay runs out next; infinity when nothing is due."""
        end = self._running[0][0] if self._running else FOREVER
        return min(end, self._deadline)

    def submit(self, item: BatchItem, now: float) -> bool:
        """Queue `item` at `now`; False if the queue is full."""
        if self.max_queue_size and len(self._queue) >= self.max_queue_size:
            return False
        item.arrived_s = now
        self._serial += 1
        insort(self._queue, (item.priority, self._serial, item))
        self._dispatch(now)
        return True

    def cancel(self, item: BatchItem, now: float) -> bool:
        """Take a waiting `item` out of the queue; False if it is being computed already."""
        for index, entry in enumerate(self._queue):
            if entry[2] is item:
                del self._queue[index]
                self._dispatch(now)
                return True
        item.dropped = True
        return False

    def advance(self, now: float) -> list[BatchItem]:
        """Complete what is due up to `now` and return the finished items."""
        done: list[BatchItem] = []
        while self.next_time() <= now:
            at = self.next_time()
            while self._running and self._running[0][0] <= at:
                end, _, instance, batch = heappop(self._running)
                self._served_item_s += _item_seconds(batch, end)
                for item in batch:
                    item.finished_s = end
                done += batch
                insort(self._free, instance)
            self._dispatch(at)
        return done

    def fail(self) -> list[BatchItem]:
        """Lose everything and return the items that have not finished."""
        lost = [item for *_, batch in sorted(self._running) for item in batch]
        lost += [entry[2] for entry in self._queue]
        self._free = sorted(self._free + [entry[2] for entry in self._running])
        self._running.clear()
        self._queue.clear()
        self._deadline = FOREVER
        return lost

    def _dispatch(self, now: float) -> None:
        """Start batches while an instance is free and a batch is due."""
        self._deadline = FOREVER
        while self._queue and self._free:
            ready = self._ready(now)
            if ready is None:
                return
            self._start(*ready, now)

    def _ready(self, now: float) -> tuple[Hashable, int] | None:
        """Return the first shape in the queue whose batch is due, and the size of that batch."""
        waiting: dict[Hashable, tuple[int, float]] = {}
        for _, _, item in self._queue:
            count, oldest = waiting.get(item.shape, (0, FOREVER))
            waiting[item.shape] = (count + 1, min(oldest, item.arrived_s))
        for shape, (count, oldest) in waiting.items():
            reachable = bisect_right(self._preferred, count)
            due = oldest + self.max_queue_delay_s
            if reachable and (due > now or self.max_queue_delay_s == 0.0):
                return shape, self._preferred[reachable - 1]
            if due <= now:
                return shape, min(count, self.max_batch_size)
            self._deadline = min(self._deadline, due)
        return None

    def _start(self, shape: Hashable, size: int, now: float) -> None:
        batch: list[BatchItem] = []
        rest = []
        for entry in self._queue:
            if len(batch) < size and entry[2].shape == shape:
                batch.append(entry[2])
            else:
                rest.append(entry)
        self._queue = rest
        instance = self._free.pop(0)
        seconds = self.batch_time.seconds(batch, instance)
        for item in batch:
            item.started_s = now
        self.busy_s += seconds
        self.batches += 1
        self.items += len(batch)
        self._serial += 1
        heappush(self._running, (now + seconds, self._serial, instance, batch))


def _item_seconds(batch: Sequence[BatchItem], until: float) -> float:
    """Return the seconds that the items of a batch that somebody waits for were computed."""
    return sum(until - (item.started_s or 0.0) for item in batch if not item.dropped)


def static_batching(
    batch_time: BatchTime, size: int, *, timeout_s: float = FOREVER, instances: int = 1
) -> DynamicBatching:
    """Return a server that waits for `size` items (or `timeout_s`) before it computes."""
    return DynamicBatching(
        batch_time,
        max_batch_size=size,
        preferred_batch_size=[size],
        max_queue_delay_s=timeout_s,
        instances=instances,
    )


def one_at_a_time(batch_time: BatchTime, *, instances: int = 1) -> DynamicBatching:
    """Return a server without batching."""
    return DynamicBatching(batch_time, max_batch_size=1, instances=instances)
