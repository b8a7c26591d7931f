"""Conversations: several requests in a row by the same user, each longer than the last."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Draw
from simulator.kernel.spec import Spec
from simulator.quantities import CountDistribution, DurationDistribution, constant
from simulator.workload.arrival_process import Arrivals, Gate, answered
from simulator.workload.profile import arrival_times

MOST_TURNS = 10_000
"""Room for the cuts of a session in the number of a context."""


class Growth(Spec):
    """An attribute to which each turn adds what the turns before it carried."""

    attribute: Attribute
    """The attribute that grows, such as `input_tokens`."""
    by: list[Attribute] = Field(min_length=1)
    """Attributes of earlier turns that are added up, such as `input_tokens`, `output_tokens`."""
    at_most: float | None = Field(None, gt=0.0)
    """Where it stops: the context window. Each turn beyond it drops the oldest part."""
    falls_to: float | None = Field(None, gt=0.0)
    """What is left when the window is full, and grows again from there: compaction."""

    @model_validator(mode="after")
    def _below_the_window(self) -> Self:
        if self.falls_to is not None and (self.at_most is None or self.falls_to > self.at_most):
            raise ValueError("`falls_to` needs an `at_most` above it")
        return self

    def after(self, past: float, own: float) -> tuple[float, bool]:
        """What the attribute is with `own` of this turn, and whether earlier parts were cut."""
        total = own + past
        if self.at_most is None or total <= self.at_most:
            return total, False
        return (self.at_most if self.falls_to is None else self.falls_to), True


class Sessions(Arrivals):
    """Sessions arrive as a Poisson process; in each, a user asks, waits, thinks and asks again.

    The offered rate counts requests: sessions arrive at the rate divided by the mean number of
    turns. The next turn waits for the answer to the last one (half open, Schroeder et al., NSDI
    2006). Attributes in `keep` have the value of the first turn throughout; the attribute
    `session` numbers the sessions and `turn` the turns, from 0; `context` stays the same while
    what grows only gets longer, and changes when its window cuts off the beginning.
    """

    kind: Literal["sessions"] = "sessions"
    turns: CountDistribution = constant(5.0)
    """Requests of a session; at least one."""
    think_time: DurationDistribution = constant(10.0)
    """Time between an answer and the next turn."""
    keep: list[Attribute] = Field(default_factory=list)
    """Attributes that stay what they were in the first turn (tenant, user)."""
    grows: list[Growth] = Field(default_factory=list)
    """Attributes that grow from turn to turn: the context of a conversation."""

    def drive(self, gate: Gate, rate: float, horizon_s: float) -> Flow:
        clock, streams = gate.clock, gate.streams
        rng = streams.generator(f"{gate.name}.arrivals")
        turns = self.turns.sampler(streams.generator(f"{gate.name}.turns"))
        think = self.think_time.sampler(streams.generator(f"{gate.name}.think_time"))
        sessions = rate / max(float(self.turns.mean), 1.0)
        profile = self.shape(horizon_s).scaled(sessions)
        for number, moment in enumerate(arrival_times(profile, self.gaps(rng), horizon_s)):
            yield moment - clock.now
            line = Request(clock, -1, 0, {})
            flow = self._session(line, gate, think, max(round(turns()), 1), number, horizon_s)
            line.start(flow)
        return Outcome.OK

    def _session(
        self, line: Request, gate: Gate, think: Draw, turns: int, number: int, horizon_s: float
    ) -> Flow:
        kept: dict[str, Any] = {}
        past = dict.fromkeys((growth.attribute for growth in self.grows), 0.0)
        cuts = 0

        def prepare(request: Request) -> None:
            nonlocal cuts
            attributes = request.attributes
            attributes["session"], attributes["turn"] = number, turn
            for name in self.keep:
                attributes[name] = kept.setdefault(name, attributes.get(name))
            own = {name: float(attributes.get(name, 0.0)) for name in self._added()}
            for growth in self.grows:
                name = growth.attribute
                first = float(attributes.get(name, 0.0))
                attributes[name], cut = growth.after(past[name], first)
                past[name] += sum(own[name] for name in growth.by)
                if cut:
                    cuts += 1
                    if growth.falls_to is not None:
                        past[name] = growth.falls_to + sum(own[n] for n in growth.by) - first
            attributes["context"] = number * MOST_TURNS + cuts

        for turn in range(turns):
            if turn:
                yield think()
            if gate.clock.now > horizon_s:
                break
            yield from answered(line, gate.arrive(prepare))
        return Outcome.OK

    def _added(self) -> set[str]:
        return {str(name) for growth in self.grows for name in growth.by}

    def describe(self) -> str:
        return f"sessions of {float(self.turns.mean):g} turns"
