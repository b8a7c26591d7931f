"""The base of all arrival processes."""

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, Protocol

import numpy as np

from simulator.kernel.clock import Clock
from simulator.kernel.kinded import Kinded
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Flow, Request
from simulator.kernel.streams import Streams
from simulator.quantities.problem import Problem
from simulator.workload.profile import Floats, Profile, arrival_times

OK = Outcome.OK


class Gate(Protocol):
    """Where requests of one source enter the system."""

    clock: Clock
    streams: Streams
    name: str
    numbers: frozenset[str]
    lists: frozenset[str]

    def arrive(self, prepare: Callable[[Request], None] | None = None) -> Request:
        """Let one request in now; ``prepare`` may change it before it sets out."""


class Arrivals(Kinded):
    """How requests arrive: the shape of the rate over the run, and the spacing between them.

    Open by default: arrivals do not wait for answers, so latency has no coordinated omission. A
    kind gives the shape (:meth:`shape`, as a factor on the offered rate) and may change the
    spacing (:meth:`gaps`, exponential unless said otherwise) or, for a closed workload, the
    whole of :meth:`drive`.
    """

    kind: str
    files: ClassVar[tuple[str, ...]] = ()
    """Fields that name a file, which is looked for beside the document first."""
    closed: ClassVar[bool] = False
    """Whether users wait for their answers, so that a slow system is asked less."""

    @property
    def own_rate(self) -> float | None:
        """Mean rate (1/s) that it has whatever is offered; None if it follows the offer."""
        return None

    def shape(self, horizon_s: float) -> Profile:
        """The factor on the offered rate over a run of this length."""
        return Profile((0.0,), (1.0,))

    def gaps(self, rng: np.random.Generator) -> Iterator[Floats]:
        """Blocks of times between arrivals, mean 1."""
        while True:
            yield rng.exponential(size=2048)

    def drive(self, gate: Gate, rate: float, horizon_s: float) -> Flow:
        """Let requests in until the horizon; runs on the clock of the gate."""
        clock, arrive = gate.clock, gate.arrive
        rng = gate.streams.generator(f"{gate.name}.arrivals")
        for moment in arrival_times(self.shape(horizon_s).scaled(rate), self.gaps(rng), horizon_s):
            yield moment - clock.now
            arrive()
        return OK

    def surge(self, gate: Gate, extra_rate: float, horizon_s: float) -> Flow:
        """Let further requests in from now on, in the same shape, until cancelled."""
        clock, arrive = gate.clock, gate.arrive
        rng = gate.streams.generator(f"{gate.name}.surge")
        profile = self.shape(horizon_s).scaled(extra_rate).starting(clock.now)
        for moment in arrival_times(profile, self.gaps(rng), horizon_s):
            yield moment - clock.now
            arrive()
        return OK

    def expected_requests(self, rate: float, horizon_s: float) -> float:
        """How many requests to expect up to the horizon."""
        return self.shape(horizon_s).mean_rate(horizon_s) * rate * horizon_s

    def mean_attributes(self, means: Mapping[str, float]) -> dict[str, float]:
        """Means of numeric attributes over its requests, from those of a request by itself."""
        return dict(means)

    def problems(self, numbers: frozenset[str], lists: frozenset[str]) -> list[Problem]:
        """What is wrong with recorded values of attributes that have to be numbers or lists."""
        return []

    def describe(self) -> str:
        """A word or two for the head of a report."""
        return self.kind


def answered(line: Request, request: Request) -> Flow:
    """Let the generator of ``line`` wait until the request has been answered."""
    if request.outcome is None:
        finish = request.on_end

        def told(ended: Request) -> None:
            if finish is not None:
                finish(ended)
            line.resume()

        request.on_end = told
        yield None
    return OK
