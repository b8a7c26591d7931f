"""Consumers that are thrown out of their group for being slow, and what that costs the others."""

from collections.abc import Callable
from typing import Literal

from pydantic import PositiveInt

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.spec import Spec
from simulator.kernel.station import Station
from simulator.quantities import PositiveDuration


class Rebalance(Spec):
    """Membership of a Kafka consumer group: `rebalance: {max_poll_interval: 300s, pause: 3s}`.

    A reader polls up to `max_poll_records` of what waits and polls again when it has processed
    them. One that has not polled again within `max_poll_interval` is thrown out: what it
    processed since its poll was not committed and is processed again, the message at hand counts
    as failed, and a rebalance begins. Meanwhile all readers stand still (`eager`), or only the
    partitions that move (`cooperative`). A rebalance also follows the loss and the return of
    consumers. Sources: Kafka consumer configuration (`max.poll.interval.ms` 300,000,
    `max.poll.records` 500) and KIP-429; `group.initial.rebalance.delay.ms` is 3 s.
    """

    protocol: Literal["eager", "cooperative"] = "eager"
    """Whether everybody stops or only what moves."""
    pause: PositiveDuration = 3.0
    """How long a rebalance takes."""
    max_poll_interval: PositiveDuration = 300.0
    """Longest time between two polls of a reader."""
    max_poll_records: PositiveInt = 500
    """Most messages of one poll."""


class Poll:
    """What a reader took at once: messages still to begin, and those processed since."""

    __slots__ = ("left", "processed", "working")

    def __init__(self, left: int) -> None:
        self.left = left
        self.processed: list[Request] = []
        self.working: Request | None = None


class Membership:
    """The readers of one group, each with its latest poll.

    ``again`` is given the messages that have to be processed once more, with the reader's number.
    """

    def __init__(
        self,
        clock: Clock,
        spec: Rebalance,
        readers: list[Station],
        again: Callable[[Request, int], None],
    ) -> None:
        self.clock = clock
        self.spec = spec
        self.readers = readers
        self.again = again
        self.polls = [Poll(0) for _ in readers]
        self.paused_until = [0.0] * len(readers)
        self.rebalances = 0

    def reading(self, reader: int, process: Call) -> Call:
        """What a reader does with a message, within its polls."""

        def read(request: Request) -> Flow:
            pause_s = self.paused_until[reader] - self.clock.now
            if pause_s > 0.0:
                yield pause_s
            poll = self._polled(reader)
            poll.left -= 1
            branch = request.branch()
            branch.start(process(branch))
            if branch.outcome is None:
                poll.working = branch
                branch.on_end = lambda _: request.resume()
                request.awaiting = (branch,)
                yield None
                request.awaiting = ()
                branch.on_end = poll.working = None
            request.adopt(branch)
            if branch.outcome is Outcome.OK:
                poll.processed.append(request)
            # Broken off by a rebalance: whoever gets the partition begins with it anew.
            cancelled = branch.outcome in (None, Outcome.CANCELLED)
            return Outcome.ERROR if cancelled else branch.outcome or Outcome.ERROR

        return read

    def changed(self) -> None:
        """Consumers came or went."""
        self._rebalance(range(len(self.readers)))

    def _polled(self, reader: int) -> Poll:
        """The poll that the next message belongs to; a new one if the last is used up."""
        poll = self.polls[reader]
        if poll.left > 0:
            return poll
        waiting = 1 + self.readers[reader].waiting
        poll = self.polls[reader] = Poll(min(self.spec.max_poll_records, waiting))
        due = self.clock.now + self.spec.max_poll_interval
        self.clock.call_at(due, lambda: self._check(reader, poll))
        return poll

    def _check(self, reader: int, poll: Poll) -> None:
        if self.polls[reader] is not poll or (poll.left == 0 and poll.working is None):
            return
        self.polls[reader] = Poll(0)
        moved = range(len(self.readers)) if self.spec.protocol == "eager" else [reader]
        self._rebalance(moved)
        for message in poll.processed:
            self.again(message, reader)
        working, poll.processed = poll.working, []
        if working is not None and working.outcome is None:
            waiting = working.on_end
            working.cancel()
            if waiting is not None:
                waiting(working)

    def _rebalance(self, readers: "range | list[int]") -> None:
        self.rebalances += 1
        until = self.clock.now + self.spec.pause
        for reader in readers:
            self.paused_until[reader] = until
