"""The one way in which studies run their points: look up, compute what is missing, keep."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from simulator.studies.errors import StudyInterrupted
from simulator.studies.point import Found, Point, compute, digest_of, is_whole, unpack, unpack_kept
from simulator.studies.pool import Pool
from simulator.studies.run import Progress
from simulator.studies.store import Store


@dataclass
class Bench:
    """What a study works with: a place to compute, a place to keep, and someone to tell.

    ``computed`` and ``reused`` count points over the life of the bench. Results depend on
    neither pool nor store.
    """

    pool: Pool = field(default_factory=Pool)
    store: Store = field(default_factory=lambda: Store(None))
    progress: Progress | None = None
    computed: int = 0
    reused: int = 0

    def evaluate(self, points: Sequence[Point], what: str = "points") -> list[Found]:
        """What was found at each point, in order.

        A point that occurs twice is computed once. Results cut short by a limit are returned
        but not kept. Raises StudyInterrupted on Ctrl-C; what is finished then has been kept.
        """
        digests = [digest_of(point) for point in points]
        results: dict[str, Found] = {}
        wanted: dict[str, Point] = {}
        for digest, point in zip(digests, points, strict=True):
            kept = None if digest in results else unpack_kept(self.store.get(digest))
            if kept is not None:
                results[digest] = kept
            elif digest not in results:
                wanted[digest] = point
        self.reused += len(results)
        if wanted:
            self.store.open()
        self._tell(what, len(results), len(set(digests)))
        try:
            for digest, packed in self._computed(wanted, what):
                found = unpack(packed)
                if found["document"]["run"]["endings"] == ["interrupted"]:
                    raise KeyboardInterrupt
                if is_whole(found):
                    self.store.put(digest, packed)
                results[digest] = found
                self.computed += 1
                self._tell(what, len(results), len(set(digests)))
        except KeyboardInterrupt:
            raise StudyInterrupted(len(results), len(set(digests))) from None
        return [results[digest] for digest in digests]

    def kept(self, point: Point) -> Found | None:
        """What was found at a point before; None if it is not in the store."""
        return unpack_kept(self.store.get(digest_of(point)))

    def _computed(self, wanted: dict[str, Point], what: str) -> Iterator[tuple[str, bytes]]:
        order = list(wanted)
        if not order:
            return
        if self.pool.shares_replications(len(order)):
            for digest in order:
                yield digest, compute(wanted[digest], jobs=self.pool.workers)
            return
        for position, packed in self.pool.each([wanted[digest] for digest in order]):
            yield order[position], packed

    def _tell(self, what: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(f"{what}: {done} of {total}", done / max(total, 1))
