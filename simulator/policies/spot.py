"""Capacity that the provider takes back, with or without notice, and what is saved of the work."""

from math import floor

from pydantic import model_validator

from simulator.kernel.spec import Spec
from simulator.quantities import Duration, PositiveDuration


class Checkpoint(Spec):
    """Work that is saved now and then: `checkpoint: {every: 60s, takes: 2s, restore: 5s}`.

    Saving goes on beside the work and holds what was done when it began.
    """

    every: PositiveDuration | None = None
    """Time of work between two checkpoints; only on notice if left out."""
    takes: Duration = 0.0
    """Time to write one."""
    restore: Duration = 0.0
    """Time to load it where the work goes on."""

    def saved_s(self, worked_s: float, notice_s: float) -> float:
        """How much of the work done so far is safe when the replica is lost."""
        written = max(worked_s - self.takes, 0.0)
        if 0.0 < notice_s >= self.takes:
            # The last one is begun so that it is complete when the notice ends.
            return written
        return 0.0 if self.every is None else floor(written / self.every + 1e-9) * self.every


class Spot(Spec):
    """Replicas on capacity that the provider takes back.

    A replica that is taken back starts no more work. Without `notice` it finishes what it has,
    however long that takes. With it, what is not done when the notice ends is lost: work from a
    shared queue goes back into it and is done again, from its latest `checkpoint` if there is
    one; a request at a replica with a queue of its own breaks off with an error, and its caller
    may retry. A pool of GPUs moves its requests to other replicas, which compute their prompts
    and tokens again. Sources: EC2 gives two minutes, Google Cloud and Azure 30 s.
    """

    mtbf: PositiveDuration | None = None
    """Mean time until a replica is taken back, exponential; never without a fault if left out."""
    notice: Duration | None = None
    """Time between the notice and the loss; as long as needed if left out."""
    checkpoint: Checkpoint | None = None
    """What is saved of work that is not finished in time."""

    @model_validator(mode="after")
    def _something_to_lose(self) -> "Spot":
        if self.checkpoint is not None and self.notice is None:
            raise ValueError("`checkpoint` has no effect without `notice`: all work is finished")
        return self
