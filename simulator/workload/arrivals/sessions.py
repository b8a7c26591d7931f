"""Conversations: several requests in a row by the same user, each longer than the last."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Draw
from simulator.kernel.spec import Spec
from simulator.quantities import CountDistribution, DurationDistribution, PositiveDuration, constant
from simulator.workload.arrival_process import Arrivals, Gate, answered
from simulator.workload.profile import arrival_times

MOST_TURNS = 10_000
"""Room for the cuts of a session in the number of a context."""

SAMPLE = 4000
"""Lengths from which those of the sessions under way are drawn."""


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

    def earlier(self, turns: int, added: float) -> float:
        """What so many turns have left that each added as much."""
        if self.falls_to is None or self.at_most is None:
            return turns * added
        past = 0.0
        for _ in range(turns):
            past = past + added if past + added <= self.at_most else self.falls_to
        return past

    def after(self, past: float, own: float) -> tuple[float, bool]:
        """What the attribute is with `own` of this turn, and whether earlier parts were cut."""
        total = own + past
        if self.at_most is None or total <= self.at_most:
            return total, False
        return (self.at_most if self.falls_to is None else self.falls_to), True

    def left(self, past: float, own: float, added: float, *, cut: bool) -> float:
        """What the turns have left once this one is over, which added something to them."""
        if cut and self.falls_to is not None:
            return self.falls_to + added - own
        return past + added

    def turn_by_turn(self, own: float, added: float) -> Iterator[float]:
        """The attribute in turns without end that are all alike."""
        past = 0.0
        while True:
            value, cut = self.after(past, own)
            yield value
            past = self.left(past, own, added, cut=cut)


class Sessions(Arrivals):
    """Sessions arrive as a Poisson process; in each, a user asks, waits, thinks and asks again.

    The offered rate counts requests: sessions arrive at the rate divided by the mean number of
    turns. The next turn waits for the answer to the last one (half open, Schroeder et al., NSDI
    2006). Attributes in `keep` have the value of the first turn throughout; the attribute
    `session` numbers the sessions and `turn` the turns, from 0; `context` stays the same while
    what grows only gets longer, and changes when its window cuts off the beginning.

    With `answer_time` the run begins with as many sessions under way as Little's law gives, in
    turns drawn from the stationary law (length-biased, position uniform); what they said before
    is taken to be like the first turn that is seen. Otherwise it begins empty, and the offered
    rate is reached after the length of a session.
    """

    kind: Literal["sessions"] = "sessions"
    turns: CountDistribution = constant(5.0)
    """Requests of a session; at least one."""
    think_time: DurationDistribution = constant(10.0)
    """Time between an answer and the next turn."""
    answer_time: PositiveDuration | None = None
    """About how long an answer takes; with it, sessions are under way when the run begins."""
    keep: list[Attribute] = Field(default_factory=list)
    """Attributes that stay what they were in the first turn (tenant, user)."""
    grows: list[Growth] = Field(default_factory=list)
    """Attributes that grow from turn to turn: the context of a conversation."""

    def drive(self, gate: Gate, rate: float, horizon_s: float) -> Flow:
        moments = gate.streams.generator(f"{gate.name}.arrivals")
        turns, think = self._draws(gate)
        profile = self.shape(horizon_s).scaled(rate / max(float(self.turns.mean), 1.0))
        number = 0
        if self.answer_time is not None:
            early = gate.streams.generator(f"{gate.name}.under_way")
            for length, first, pause_s in self._under_way(early, turns, think, profile.rates[0]):
                number += 1
                self._begin(gate, think, number, length, horizon_s, first, pause_s)
        for moment in arrival_times(profile, self.gaps(moments), horizon_s):
            yield moment - gate.clock.now
            number += 1
            self._begin(gate, think, number, max(round(turns()), 1), horizon_s)
        return Outcome.OK

    def surge(self, gate: Gate, extra_rate: float, horizon_s: float) -> Flow:
        """Further sessions; those that have begun go on when the surge is over."""
        moments = gate.streams.generator(f"{gate.name}.surge")
        turns, think = self._draws(gate)
        profile = self.shape(horizon_s).scaled(extra_rate / max(float(self.turns.mean), 1.0))
        profile = profile.starting(gate.clock.now)
        for moment in arrival_times(profile, self.gaps(moments), horizon_s):
            yield moment - gate.clock.now
            number = round(moment * 1e6)
            self._begin(gate, think, number, max(round(turns()), 1), horizon_s)
        return Outcome.OK

    def mean_attributes(self, means: Mapping[str, float]) -> dict[str, float]:
        """Over all turns of sessions in which each turn carries the mean."""
        if not self.grows:
            return dict(means)
        turns = self.turns.sampler(np.random.default_rng(0))
        lengths = np.array([max(round(turns()), 1) for _ in range(SAMPLE)])
        reached = [int((lengths > turn).sum()) for turn in range(int(lengths.max()))]
        grown = dict(means)
        for growth in self.grows:
            own = means.get(growth.attribute, 0.0)
            added = sum(means.get(name, 0.0) for name in growth.by)
            values = growth.turn_by_turn(own, added)
            total = sum(count * next(values) for count in reached)
            grown[str(growth.attribute)] = total / float(lengths.sum())
        return grown

    def _draws(self, gate: Gate) -> tuple[Draw, Draw]:
        """Numbers of turns and times to think."""
        streams = gate.streams
        turns = self.turns.sampler(streams.generator(f"{gate.name}.turns"))
        return turns, self.think_time.sampler(streams.generator(f"{gate.name}.think_time"))

    def _begin(
        self,
        gate: Gate,
        think: Draw,
        number: int,
        turns: int,
        horizon_s: float,
        first_turn: int = 0,
        pause_s: float = 0.0,
    ) -> None:
        line = Request(gate.clock, -1, 0, {})
        line.start(self._session(line, gate, think, turns, number, horizon_s, first_turn, pause_s))

    def _under_way(
        self, rng: np.random.Generator, turns: Draw, think: Draw, rate: float
    ) -> Iterator[tuple[int, int, float]]:
        """Turns, next turn and time until then of the sessions that the run begins with."""
        lengths = np.array([max(round(turns()), 1) for _ in range(SAMPLE)])
        cycles = np.array([think() for _ in range(SAMPLE)]) + (self.answer_time or 0.0)
        count = int(rng.poisson(rate * float(lengths.mean()) * float(cycles.mean())))
        length = rng.choice(lengths, size=count, p=lengths / lengths.sum())
        cycle = rng.choice(cycles, size=count, p=cycles / cycles.sum())
        coming = rng.integers(length) + 1
        pause_s = rng.random(count) * cycle
        for row in range(count):
            if coming[row] < length[row]:
                yield int(length[row]), int(coming[row]), float(pause_s[row])

    def _session(
        self,
        line: Request,
        gate: Gate,
        think: Draw,
        turns: int,
        number: int,
        horizon_s: float,
        first_turn: int,
        pause_s: float,
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
                name, added = growth.attribute, sum(own[name] for name in growth.by)
                first = float(attributes.get(name, 0.0))
                if unseen:
                    past[name] = growth.earlier(unseen, added)
                attributes[name], cut = growth.after(past[name], first)
                past[name] = growth.left(past[name], first, added, cut=cut)
                cuts += cut
            attributes["context"] = number * MOST_TURNS + cuts

        unseen = first_turn
        if pause_s:
            yield pause_s
        for turn in range(first_turn, turns):
            if turn > first_turn:
                yield think()
                unseen = 0
            if gate.clock.now > horizon_s:
                break
            yield from answered(line, gate.arrive(prepare))
        return Outcome.OK

    def _added(self) -> set[str]:
        return {str(name) for growth in self.grows for name in growth.by}

    def describe(self) -> str:
        return f"sessions of {float(self.turns.mean):g} turns"
