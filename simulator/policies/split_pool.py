"""Prefill and decode replicas behind one door, on the simulation's clock."""

from collections.abc import Sequence
from typing import Any

from simulator.kernel.attempts import Attempts
from simulator.policies.engine_pool import EnginePool


class SplitPool(EnginePool):
    """A pool whose only engine is a `Disaggregated` server; single replicas of it can be lost.

    As in any pool, requests of a lost replica begin anew at another one, and wait where none is
    left that could compute their prompt.
    """

    def submit(self, job: Any, attempts: Attempts | None = None) -> bool:
        """Give the job to the server; it waits while no replica computes prompts."""
        prefill, _ = self.engines[0].serving
        return super().submit(job, attempts) if prefill else self._strand(job)

    def lose(self, share: float) -> list[int]:
        """Take away this share of the replicas; their jobs go elsewhere."""
        server, driver = self.engines[0], self.drivers[0]
        driver.catch_up()
        victims: list[int] = server.victims(share)
        jobs = server.lose(victims)
        driver.arm()
        self._note(0, changed=True)
        self._begin_anew(jobs)
        return victims

    def open(self, indices: Sequence[int]) -> None:
        """Let lost replicas take jobs again."""
        self.drivers[0].catch_up()
        self.engines[0].regain(indices, self.clock.now)
        self.drivers[0].arm()
        self._note(0, changed=True)
        self._place_stranded()
