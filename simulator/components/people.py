"""People who handle cases: reviewers, support agents, on-call engineers."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from pydantic import Field, PositiveInt, model_validator

from simulator.kernel.amount import DurationAmount
from simulator.kernel.component import Component, Means, Paper, Server
from simulator.kernel.outcome import Outcome
from simulator.kernel.references import Attribute
from simulator.kernel.request import Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.spec import Spec
from simulator.kernel.station import Line, Station, meters_of
from simulator.policies.calendar import DAY_S, DAYS, Calendar, DayName, Shift, TimeOfDay
from simulator.policies.discipline import line_of
from simulator.quantities import Count, DurationDistribution, Fraction, UsdPerItem


class Score(Spec):
    """What makes a case urgent: the product of attributes, and of its age if asked for."""

    by: list[Attribute] = Field(min_length=1)
    """Attributes that are multiplied: severity, reach."""
    age: bool = True
    """Whether the time a case has waited is a factor too, so that none waits for ever."""


class People(Component):
    """A team with working hours and a queue of cases: G/G/c(t) with patience (Erlang-A).

    Whoever is on a case at the end of a shift finishes it. Cases are taken first come first
    served, by priority, by the earliest due time, or by a score such as severity x reach x age.
    """

    kind: Literal["people"] = "people"
    count: PositiveInt = 1
    """How many are at work around the clock, without `shifts`."""
    shifts: list[Shift] = Field(default_factory=list)
    """Working hours; shifts that overlap add up."""
    starts: TimeOfDay = Field("09:00", validate_default=True)
    """Time of day at which the simulation begins."""
    starts_on: DayName = "mon"
    """Day on which the simulation begins."""
    handling: DurationAmount
    """Time on one case, mostly log-normal."""
    patience: DurationDistribution | None = None
    """How long a case waits before it is withdrawn (`abandoned`)."""
    capacity: Count | None = None
    """Most cases that may wait."""
    discipline: Literal["fifo", "priority", "edf", "score"] = "fifo"
    """Which case is next."""
    due: DurationDistribution | None = None
    """Time in which a case should be done, for `edf`."""
    score: Score | None = None
    """What makes a case urgent, for `score`; the highest is next."""
    rework: Fraction = 0.0
    """Share of cases that have to be handled once more."""
    price: UsdPerItem | None = None
    """Cost of one case."""

    @model_validator(mode="after")
    def _complete(self) -> "People":
        if self.shifts and "count" in self.model_fields_set:
            raise ValueError("give either `count` or `shifts`")
        if (self.discipline == "edf") != (self.due is not None):
            raise ValueError("`discipline: edf` and `due` go together")
        if (self.discipline == "score") != (self.score is not None):
            raise ValueError("`discipline: score` and `score` go together")
        if self.shifts and not any(shift.count for shift in self.shifts):
            raise ValueError("no shift has anybody in it")
        return self

    def build(self, name: str, site: Site) -> "PeopleServer":
        return PeopleServer(name, site, self)

    @property
    def replica_count(self) -> float:
        """Mean number of people who are paid."""
        if not self.shifts:
            return float(self.count)
        hours = [shift.count * ((shift.ends - shift.begins) % DAY_S or DAY_S) * len(shift.days)
                 for shift in self.shifts]  # fmt: skip
        return sum(hours) / (7 * DAY_S)

    @property
    def refuses(self) -> bool:
        return self.capacity is not None or self.patience is not None

    def on_paper(self, attributes: Means) -> Paper:
        return Paper(
            servers=self.replica_count,
            service_s=self.handling.mean(attributes) / max(1.0 - self.rework, 1e-9),
            cost_usd=self.price or 0.0,
        )


class PeopleServer(Server):
    """A station whose size follows the calendar."""

    spec: People

    def __init__(self, name: str, site: Site, spec: People) -> None:
        super().__init__(name, site, spec)
        self.due_mark = f"(due at {name})"
        starts = DAYS.index(spec.starts_on) * DAY_S + spec.starts
        self.calendar = Calendar(spec.shifts, starts) if spec.shifts else None
        at_work = spec.count if self.calendar is None else self.calendar.count_at(1e-6)
        limit = float("inf") if spec.capacity is None else spec.capacity
        self.station = Station(site.clock, at_work, queue=self._line(), queue_limit=limit)
        self.meters(site, meters_of([self.station]))
        self.handling = spec.handling.measure(site, name, "handling")
        self.patience = None
        if spec.patience is not None:
            self.patience = site.draws_of(name, "patience", spec.patience)
        self.due = None if spec.due is None else site.draws_of(name, "due", spec.due)
        self.chance = site.uniforms_of(name, "rework")
        if self.calendar is not None:
            site.clock.call_at(self.calendar.next_change(0.0), self._change_shift)

    def call(self, request: Request) -> Flow:
        spec, station = self.spec, self.station
        if self.due is not None:
            request.attributes[self.due_mark] = self.clock.now + self.due(request)
        while True:
            if self.patience is not None:
                # Read by the station when a case joins the queue, which it does at once.
                station.max_wait_s = self.patience(request)
            outcome = yield from station.work(request, self.handling(request))
            if outcome is not Outcome.OK:
                return Outcome.ABANDONED if outcome is Outcome.TIMEOUT else outcome
            if spec.price is not None:
                self.charge(request, spec.price)
            if not spec.rework or self.chance(request) >= spec.rework:
                return Outcome.OK

    def _change_shift(self) -> None:
        assert self.calendar is not None
        now = self.clock.now
        self.station.resize(self.calendar.count_at(now))
        self.clock.call_at(self.calendar.next_change(now), self._change_shift)

    def _line(self) -> Line:
        spec = self.spec
        if spec.score is not None:
            by = [str(name) for name in spec.score.by]
            return MostUrgent(by, (lambda: self.clock.now) if spec.score.age else None)
        if spec.discipline == "edf":
            return DueFirst(self.due_mark)
        return line_of("priority" if spec.discipline == "priority" else "fifo")


class MostUrgent:
    """The highest product of attributes (and age) is next; looks at everyone who waits."""

    def __init__(self, by: list[str], now: Callable[[], float] | None) -> None:
        self._by = by
        self._now = now
        self._entries: list[tuple[float, float, list[Any]]] = []

    def append(self, entry: list[Any], /) -> None:
        """Stand in line."""
        weight = 1.0
        for name in self._by:
            weight *= float(entry[0].attributes[name])
        since = 0.0 if self._now is None else self._now()
        self._entries.append((weight, since, entry))

    def popleft(self) -> list[Any]:
        """The next in line."""
        now = 1.0 if self._now is None else self._now()
        entries = self._entries
        best = max(range(len(entries)), key=lambda at: entries[at][0] * (now - entries[at][1]))
        return entries.pop(best)[2]

    def __iter__(self) -> Iterator[list[Any]]:
        return (entry for _, _, entry in self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class DueFirst:
    """The case that is due first is next."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._entries: list[tuple[float, list[Any]]] = []

    def append(self, entry: list[Any], /) -> None:
        """Stand in line."""
        self._entries.append((entry[0].attributes[self._mark], entry))

    def popleft(self) -> list[Any]:
        """The next in line."""
        best = min(range(len(self._entries)), key=lambda at: self._entries[at][0])
        return self._entries.pop(best)[1]

    def __iter__(self) -> Iterator[list[Any]]:
        return (entry for _, entry in self._entries)

    def __len__(self) -> int:
        return len(self._entries)
