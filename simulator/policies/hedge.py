"""Ask twice, take the first answer."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable

from pydantic import Field, model_validator

from simulator.kernel.outcome import Outcome
from simulator.kernel.request import NEVER, Call, CancelMode, Flow, Request
from simulator.policies.budgets import Purse
from simulator.policies.call_policy import (
    CallPolicy,
    CallSite,
    FailureName,
    ReplicaTarget,
    outcomes,
)
from simulator.quantities import Duration, Fraction, PositiveCount

OK = Outcome.OK
CREDIT_MAX = 10.0
"""Hedges that a quiet time may save up for, under a cap on the extra load."""


class Hedge(CallPolicy):
    """Send another copy when the answer is late: `hedge: {delay: 50ms, max_extra_load: 5%}`.

    Copy k goes out k delays after the first, unless an answer came before. An outcome listed in
    `non_fatal` sends the next copy at once; any other outcome settles the call and cancels the
    remaining copies. The delay is fixed, or a live percentile of the latency of good answers.
    With `tied`, the copy that is the first to get a worker takes the others out of their queues.

    Sources: gRPC proposal A6 (`hedgingPolicy`), Cassandra `speculative_retry: 99p`, Dean and
    Barroso, The Tail at Scale (2013), on tied requests.
    """

    delay: Duration | None = None
    """Time after which another copy is sent; 0 sends all at once."""
    delay_percentile: Fraction | None = Field(None, gt=0.0, lt=1.0)
    """Share of good answers within the delay, measured as the run goes on, for example `95%`."""
    window: PositiveCount = 1000
    """Latest good answers that the percentile is taken from."""
    min_calls: PositiveCount = 100
    """Good answers before a percentile is trusted; nothing is hedged until then."""
    max_attempts: int = Field(2, ge=2, le=10)
    """Copies, the first included."""
    max_extra_load: Fraction | None = Field(None, gt=0.0)
    """Most further copies per call in the long run."""
    non_fatal: list[FailureName] = Field(default_factory=list)
    """Outcomes after which the next copy goes out at once instead of settling the call."""
    cancel: CancelMode | None = None
    """Whether losing copies stop: `none`, `in_queue`, `in_service`; else as on time-outs."""
    target: ReplicaTarget = "any"
    """Where further copies go: `any` replica as the balancer says, or a `different_replica`."""
    tied: bool = False
    """The first copy that gets a worker takes its siblings out of their queues."""

    @model_validator(mode="after")
    def _when(self) -> "Hedge":
        if self.delay is not None and self.delay_percentile is not None:
            raise ValueError("a hedge has either `delay` or `delay_percentile`")
        if self.delay is None and self.delay_percentile is None and not self.non_fatal:
            raise ValueError(
                "a hedge needs a `delay`, a `delay_percentile` or `non_fatal` outcomes"
            )
        for field in ("window", "min_calls"):
            if field in self.model_fields_set and self.delay_percentile is None:
                raise ValueError(f"`{field}` has no effect without `delay_percentile`")
        if self.tied and self.cancel == "none":
            raise ValueError("tied copies cancel each other, which `cancel: none` forbids")
        return self

    def mode(self, on_timeout: CancelMode) -> CancelMode:
        """How far the news travels that a copy has lost."""
        if self.cancel is not None:
            return self.cancel
        return "in_queue" if self.tied and on_timeout == "none" else on_timeout

    def wrap(self, call: Call, at: CallSite, purse: Purse | None = None) -> Call:
        hedging = Hedging(self, call, at, purse)
        at.meter("hedges_total", lambda: hedging.sent)
        at.meter("hedges_won_total", lambda: hedging.won)
        return hedging.call


class LivePercentile:
    """A percentile of the latest values."""

    def __init__(self, p: float, size: int, least: int) -> None:
        self._p = p
        self._size = size
        self._least = least
        self._recent: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, value: float) -> None:
        """Note a value, forgetting the oldest beyond the size."""
        self._recent.append(value)
        insort(self._sorted, value)
        if len(self._recent) > self._size:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft())]

    def value(self) -> float | None:
        """The percentile; None before there are enough values."""
        if len(self._sorted) < self._least:
            return None
        return self._sorted[min(int(self._p * len(self._sorted)), len(self._sorted) - 1)]


class Hedging:
    """The state of the hedges of one caller: latencies seen, copies sent, credit left."""

    def __init__(self, spec: Hedge, call: Call, at: CallSite, purse: Purse | None) -> None:
        self.spec = spec
        self.inner = call
        self.clock = at.clock
        self.purse = purse
        self.non_fatal = outcomes(spec.non_fatal)
        self.cancels: CancelMode = "in_service" if at.isolated else at.cancel
        self.sent = self.won = 0
        self.credit = CREDIT_MAX
        self.latencies = None
        if spec.delay_percentile is not None:
            self.latencies = LivePercentile(spec.delay_percentile, spec.window, spec.min_calls)

    def call(self, request: Request) -> Flow:
        """One call, copied when late."""
        if self.spec.max_extra_load is not None:
            self.credit = min(self.credit + self.spec.max_extra_load, CREDIT_MAX)
        if self.purse is not None:
            self.purse.called()
        return Race(self, request).run()

    def delay_s(self) -> float | None:
        """Seconds between copies; None to send none for being late."""
        return self.spec.delay if self.latencies is None else self.latencies.value()

    def pays(self) -> bool:
        """Whether another copy may be sent; takes what it costs."""
        if self.spec.max_extra_load is not None and self.credit < 1.0:
            return False
        if self.purse is not None and not self.purse.pays():
            return False
        if self.spec.max_extra_load is not None:
            self.credit -= 1.0
        return True

    def settled(self, seconds: float, copy: int, outcome: Outcome | None) -> None:
        """A call was settled by one of its copies."""
        if outcome is OK:
            self.won += copy > 0
            if self.latencies is not None:
                self.latencies.add(seconds)


class Race:
    """The copies of one call.

    ``open`` is whether more may be sent, ``owed`` whether one is due because another failed.
    ``out`` are the copies that may still settle the call, with their numbers.
    """

    __slots__ = (
        "copies", "hedging", "open", "out", "owed", "parked", "request", "started", "winner",
    )  # fmt: skip

    def __init__(self, hedging: Hedging, request: Request) -> None:
        self.hedging = hedging
        self.request = request
        self.copies: list[Request] = []
        self.out: dict[Request, int] = {}
        self.open = True
        self.owed = False
        self.parked = False
        self.started = False
        self.winner: Request | None = None

    def run(self) -> Flow:
        """Send copies as they fall due until one settles the call or its bound is reached."""
        hedging, request, clock = self.hedging, self.request, self.hedging.clock
        began = clock.now
        delay = hedging.delay_s()
        self._send()
        while self.winner is None and clock.now < request.bound:
            due = NEVER if delay is None else began + delay * len(self.copies)
            more = self.open and len(self.copies) < hedging.spec.max_attempts
            if more and (self.owed or clock.now >= due):
                self.owed = False
                self.open = hedging.pays()
                if self.open:
                    hedging.sent += 1
                    self._send()
            elif not self.out:
                self.winner = self._last_answered()
            else:
                until = min(due, request.bound) if more else request.bound
                self.parked = True
                request.awaiting = tuple(self.copies)
                try:
                    yield None if until == NEVER else until - clock.now
                except GeneratorExit:
                    self._give_up(list(self.out))
                    raise
                self.parked = False
                request.awaiting = ()
        return self._finish(began)

    def _send(self) -> None:
        request, hedging = self.request, self.hedging
        copy = request.branch()
        copy.bound = request.bound
        copy.cancels = hedging.cancels
        copy.on_end = self._ended
        if hedging.spec.tied:
            copy.on_start = self._tie(copy)
        self.out[copy] = len(self.copies)
        self.copies.append(copy)
        if hedging.purse is not None:
            hedging.purse.sent()
        copy.start(hedging.inner(copy))

    def _ended(self, copy: Request) -> None:
        assert copy.outcome is not None
        self._account(copy, copy.outcome)
        if copy.outcome in self.hedging.non_fatal:
            self.owed = True
        elif self.winner is None:
            self.winner = copy
        if self.parked:
            self.request.resume()

    def _tie(self, copy: Request) -> Callable[[], None]:
        def started() -> None:
            if self.started:
                return
            self.started = True
            self.open = False
            self._give_up([other for other in self.out if other is not copy])

        return started

    def _give_up(self, copies: list[Request]) -> None:
        """Cancel copies whose answers nobody waits for any more."""
        for copy in copies:
            self._account(copy, Outcome.CANCELLED)
            copy.cancel()

    def _account(self, copy: Request, outcome: Outcome) -> None:
        """A copy is out no more; tell the budget, once for each."""
        number = self.out.pop(copy, None)
        if number is not None and self.hedging.purse is not None:
            self.hedging.purse.answered(outcome, number)

    def _last_answered(self) -> Request:
        """The latest copy that was not cancelled by its sibling."""
        silent = (None, Outcome.CANCELLED)
        return next(copy for copy in reversed(self.copies) if copy.outcome not in silent)

    def _finish(self, began: float) -> Outcome:
        winner, clock = self.winner, self.hedging.clock
        for copy in self.copies:
            copy.on_start = None
        self._give_up([copy for copy in self.copies if copy.outcome is None])
        if winner is None:
            return Outcome.TIMEOUT
        self.request.adopt(winner)
        outcome = winner.outcome or Outcome.TIMEOUT
        number = self.copies.index(winner)
        self.hedging.settled(clock.now - began, number, outcome)
        return outcome
