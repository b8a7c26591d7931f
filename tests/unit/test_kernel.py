"""The clock, requests and stations demonstrate what they promise."""

from collections.abc import Generator
from typing import Any

from simulator.kernel.clock import Clock
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Flow, Request
from simulator.kernel.station import Station
from simulator.policies.token_bucket import TokenBucket


def request(clock: Clock) -> Request:
    """A request that is not started."""
    return Request(clock, 0, 0, {})


def test_simpy_processes_and_requests_share_one_clock() -> None:
    clock = Clock()
    seen: list[tuple[str, float]] = []

    def process() -> Generator[Any, Any, None]:
        yield clock.timeout(1.0)
        seen.append(("simpy", clock.now))
        yield clock.timeout(2.0)
        seen.append(("simpy", clock.now))

    def flow() -> Flow:
        yield 2.0
        seen.append(("request", clock.now))
        return Outcome.OK

    clock.process(process())
    request(clock).start(flow())
    assert clock.advance(10.0)
    assert seen == [("simpy", 1.0), ("request", 2.0), ("simpy", 3.0)]
    assert clock.now == 10.0


def test_a_request_woken_early_does_not_wake_again() -> None:
    clock = Clock()
    woken: list[float] = []
    sleeper = request(clock)

    def sleep() -> Flow:
        yield 5.0
        woken.append(clock.now)
        yield 100.0
        return Outcome.OK

    sleeper.start(sleep())
    clock.advance(1.0)
    sleeper.resume()
    clock.advance(50.0)
    assert woken == [1.0]


def test_advance_stops_after_its_allowance_and_goes_on() -> None:
    clock = Clock()

    def ticking() -> Flow:
        for _ in range(10):
            yield 1.0
        return Outcome.OK

    ticker = request(clock)
    ticker.start(ticking())
    assert not clock.advance(20.0, events_max=4)
    assert clock.now == 4.0
    assert clock.advance(20.0)
    assert ticker.outcome is Outcome.OK


def test_cancelling_gives_back_the_server_and_the_place_in_the_queue() -> None:
    clock = Clock()
    station = Station(clock, 1)
    served, waiting, last = request(clock), request(clock), request(clock)
    for one in (served, waiting, last):
        one.start(station.work(one, 10.0))
    assert (station.busy, station.waiting) == (1, 2)
    clock.advance(1.0)
    waiting.cancel()
    assert (station.busy, station.waiting) == (1, 1)
    served.cancel()
    assert (station.busy, station.waiting) == (1, 0), "the next in line was served"
    clock.advance(20.0)
    assert last.outcome is Outcome.OK
    assert station.busy_area() == 11.0 and station.queue_area() == 2.0
    assert (station.served, station.left, station.aborted) == (1, 1, 1)


def test_patience_and_a_full_queue() -> None:
    clock = Clock()
    station = Station(clock, 1, queue_limit=1, max_wait_s=2.0)
    requests = [request(clock) for _ in range(3)]
    for one in requests:
        one.start(station.work(one, 5.0))
    clock.advance(10.0)
    assert [one.outcome for one in requests] == [
        Outcome.OK,
        Outcome.TIMEOUT,
        Outcome.REJECTED_QUEUE_FULL,
    ]


def test_resizing_lets_busy_servers_finish() -> None:
    clock = Clock()
    station = Station(clock, 2)
    requests = [request(clock) for _ in range(3)]
    for one in requests:
        one.start(station.work(one, 4.0))
    station.resize(1)
    assert station.busy == 2
    clock.advance(4.0)
    assert station.busy == 1, "the second server is gone, the first serves the third request"
    clock.advance(8.0)
    assert [one.outcome for one in requests] == [Outcome.OK] * 3
    assert station.servers_area() == 8.0


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = TokenBucket(rate=2.0, burst=3.0, now=0.0)
    assert [bucket.take(1.0, 0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(1.0, 0.5)
    assert not bucket.take(1.0, 0.5)
    assert bucket.take(3.0, 100.0) and not bucket.take(0.5, 100.0)
