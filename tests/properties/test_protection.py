"""Breaker, buckets, budgets and permits against small models that are written independently."""

import math
from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import NEVER, Flow, Request
from simulator.kernel.station import Station
from simulator.policies.budgets.aws import Quota
from simulator.policies.budgets.envoy import ShareInFlight
from simulator.policies.budgets.grpc import FailureTokens
from simulator.policies.bulkhead import Permits
from simulator.policies.circuit_breaker import Breaker, CircuitBreaker
from simulator.policies.limiting.fixed_window import FixedWindow
from simulator.policies.limiting.sliding_window import SlidingWindow
from simulator.policies.limiting.token_bucket import TokenBucket

STEPS = settings(max_examples=60, stateful_step_count=60, deadline=None)
GAPS = st.integers(0, 40).map(lambda number: number / 8)
"""Times between events, in eighths so that sums are exact."""


class BreakerMachine(RuleBasedStateMachine):
    """A breaker against a list of everything it was told."""

    WINDOW, LEAST, OPEN_S, PROBES = 6, 4, 3.0, 2

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        spec = CircuitBreaker.model_validate(
            {"window": 6, "min_calls": 4, "open_for": "3s", "half_open_calls": 2}
        )
        self.breaker = Breaker(spec, self.clock)
        self.state, self.since, self.results, self.out = "closed", 0.0, [], 0

    @rule(gap=GAPS)
    def time_passes(self, gap: float) -> None:
        self.clock.now += gap

    @rule()
    def asks(self) -> None:
        if self.state == "open" and self.clock.now - self.since >= self.OPEN_S:
            self.state, self.results, self.permits = "half_open", [], self.PROBES
        expected = self.state == "closed" or (self.state == "half_open" and self.permits > 0)
        if expected and self.state == "half_open":
            self.permits -= 1
        assert self.breaker.admits() is expected
        self.out += expected

    @precondition(lambda self: self.out > 0)
    @rule(failed=st.booleans())
    def answers(self, failed: bool) -> None:
        self.out -= 1
        self.breaker.record(failed, 0.0)
        if self.state == "open":
            return
        self.results.append(failed)
        window = self.WINDOW if self.state == "closed" else self.PROBES
        recent = self.results[-window:]
        enough = len(recent) >= (self.LEAST if self.state == "closed" else self.PROBES)
        if enough and Fraction(sum(recent), len(recent)) >= Fraction(1, 2):
            self.state, self.since = "open", self.clock.now
        elif enough and self.state == "half_open":
            self.state, self.results = "closed", []

    @invariant()
    def same_state(self) -> None:
        assert self.breaker.state == self.state


class LimiterMachine(RuleBasedStateMachine):
    """Four limiters against the log of what they admitted."""

    RATE, BURST = 4.0, 6.0

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        rate, burst = self.RATE, self.BURST
        stepwise = TokenBucket.model_validate({"fill": "discrete", "interval": "0.5s"})
        self.limiters = {
            "continuous": TokenBucket().limiter(rate, burst, 0.0),
            "stepwise": stepwise.limiter(rate, burst, 0.0),
            "fixed": FixedWindow().limiter(rate, burst, 0.0),
            "log": SlidingWindow().limiter(rate, burst, 0.0),
        }
        self.admitted: dict[str, list[float]] = {name: [] for name in self.limiters}

    @rule(gap=st.integers(0, 16).map(lambda number: number / 16))
    def time_passes(self, gap: float) -> None:
        self.now += gap

    @rule()
    def asks(self) -> None:
        for name, limiter in self.limiters.items():
            taken = limiter.take(1.0, self.now, 0.0)
            assert (taken is not None) is self.expected(name), name
            if taken is not None:
                assert taken == 0.0
                self.admitted[name].append(self.now)

    def expected(self, name: str) -> bool:
        """Whether one more fits, from the whole history and by the definition alone."""
        log, now = self.admitted[name], self.now
        if name == "fixed":
            return sum(math.floor(at) == math.floor(now) for at in log) < self.RATE
        if name == "log":
            return sum(at > now - 1.0 for at in log) < self.RATE
        # Of all stretches that end now, none may hold more than the burst and what came in.
        step = 0.5 if name == "stepwise" else 0.0
        level, last = self.BURST, 0.0
        for at in [*log, now]:
            if step:
                came = (math.floor(at / step) - math.floor(last / step)) * self.RATE * step
            else:
                came = (at - last) * self.RATE
            level, last = min(level + came, self.BURST) - 1.0, at
        return level >= 0.0


class BudgetMachine(RuleBasedStateMachine):
    """Three budgets against their bounds: tokens within limits, retries within their share."""

    def __init__(self) -> None:
        super().__init__()
        clock = Clock()
        self.aws = Quota.model_validate({"tokens": 30, "cost": 7}).open(clock)
        self.grpc = FailureTokens.model_validate({"max_tokens": 6, "token_ratio": 0.5}).open(clock)
        self.envoy = ShareInFlight.model_validate({"budget": "25%", "min_concurrency": 1}).open(
            clock
        )
        self.tokens = 6.0
        self.quota = 30.0
        self.first = self.retries = self.pending = 0

    @rule()
    def first_try(self) -> None:
        self.envoy.sent()
        self.first += 1

    @rule()
    def asks_for_a_retry(self) -> None:
        allowed = self.retries + self.pending < max(1, 0.25 * (self.first + self.retries))
        assert self.envoy.pays() is allowed
        self.pending += allowed

    @precondition(lambda self: self.pending > 0)
    @rule(sent=st.booleans())
    def pause_ends(self, sent: bool) -> None:
        self.pending -= 1
        if sent:
            self.envoy.sent()
            self.retries += 1
        else:
            self.envoy.answered(Outcome.CANCELLED, -1)

    @precondition(lambda self: self.first > 0)
    @rule()
    def first_try_ends(self) -> None:
        self.first -= 1
        self.envoy.answered(Outcome.ERROR, 0)

    @precondition(lambda self: self.retries > 0)
    @rule()
    def retry_ends(self) -> None:
        self.retries -= 1
        self.envoy.answered(Outcome.OK, 1)

    @rule(good=st.booleans())
    def grpc_answer(self, good: bool) -> None:
        self.grpc.answered(Outcome.OK if good else Outcome.ERROR, 0)
        self.tokens = min(6.0, self.tokens + 0.5) if good else max(0.0, self.tokens - 1.0)
        assert self.grpc.pays() is (self.tokens > 3.0)

    @rule(good=st.booleans(), retried=st.booleans())
    def aws_answer(self, good: bool, retried: bool) -> None:
        paid = False
        if retried:
            paid = self.aws.pays()
            assert paid is (self.quota >= 7.0)
            self.quota -= 7.0 * paid
        self.aws.answered(Outcome.OK if good else Outcome.ERROR, int(paid))
        if good:
            self.quota = min(30.0, self.quota + (7.0 if paid else 1.0))
        assert self.aws.tokens == self.quota


class PermitMachine(RuleBasedStateMachine):
    """A semaphore and a station under arrivals, time and cancellations: nothing is lost."""

    PLACES, WAITING = 2, 3

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.permits = Permits(self.clock, self.PLACES, self.WAITING, 2.0)
        self.station = Station(self.clock, self.PLACES, queue_limit=self.WAITING, max_wait_s=2.0)
        self.inside = 0
        self.requests: list[Request] = []

    def start(self, seconds: float, through_station: bool) -> None:
        request = Request(self.clock, len(self.requests), 0, {})
        request.bound = NEVER
        self.requests.append(request)
        if through_station:
            request.start(self.station.work(request, seconds))
            return

        def held(held_by: Request) -> Flow:
            self.inside += 1
            try:
                yield seconds
            finally:
                self.inside -= 1
            return Outcome.OK

        class Silent:
            def meter(self, name: str, read: object) -> None:
                """No place to record."""

        request.start(self.permits.around(held, Silent())(request))

    @rule(seconds=GAPS, through_station=st.booleans())
    def arrives(self, seconds: float, through_station: bool) -> None:
        self.start(seconds, through_station)

    @rule(gap=GAPS)
    def time_passes(self, gap: float) -> None:
        self.clock.advance(self.clock.now + gap)

    @precondition(lambda self: self.requests)
    @rule(number=st.integers(0, 10_000))
    def cancels(self, number: int) -> None:
        self.requests[number % len(self.requests)].cancel()

    @invariant()
    def conserved(self) -> None:
        permits, station = self.permits, self.station
        assert 0 <= permits.free <= self.PLACES
        assert 0 <= permits.waiting <= self.WAITING
        assert self.inside <= self.PLACES - permits.free
        assert 0 <= station.idle <= self.PLACES
        assert 0 <= station.waiting <= self.WAITING

    def teardown(self) -> None:
        self.clock.advance(self.clock.now + 1000.0)
        assert self.inside == 0
        assert self.permits.free == self.PLACES
        assert self.permits.waiting == 0
        assert self.station.idle == self.PLACES
        station, ended = self.station, [request.outcome for request in self.requests]
        assert None not in ended
        assert station.waiting == 0


TestBreaker = BreakerMachine.TestCase
TestLimiters = LimiterMachine.TestCase
TestBudgets = BudgetMachine.TestCase
TestPermits = PermitMachine.TestCase
for _case in (TestBreaker, TestLimiters, TestBudgets, TestPermits):
    _case.settings = STEPS
