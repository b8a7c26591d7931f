"""Times of the day and of the week, as far as a simulation needs them."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from simulator.kernel.spec import Spec

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[DayName, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read_time_of_day(value: Any) -> Any:
    """Seconds after midnight of `17:30`; `24:00` is the end of the day."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", str(value).strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if found is None:
        raise ValueError("expected a time of day such as `09:00`")
    seconds = int(found[1]) * 3600.0 + int(found[2]) * 60.0
    if seconds > DAY_S or int(found[2]) > 59:
        raise ValueError("a time of day is at most `24:00`")
    return seconds


TimeOfDay = Annotated[float, BeforeValidator(read_time_of_day), Field(ge=0.0, le=DAY_S)]
"""Seconds after midnight, written `09:00`."""


class Shift(Spec):
    """So many at work during these hours: `{from: 09:00, to: 17:00, count: 5, days: [mon, fri]}`.

    A shift that ends before it begins goes on into the next day.
    """

    begins: TimeOfDay = Field(alias="from")
    """When it begins."""
    ends: TimeOfDay = Field(alias="to")
    """When it ends."""
    count: int = Field(ge=0)
    """How many are at work."""
    days: list[DayName] = Field(default_factory=lambda: list(DAYS), min_length=1)
    """Days on which it begins; every day if left out."""

    def covers(self, moment_s: float) -> bool:
        """Whether the shift is on at this time of the week (seconds after Monday, midnight)."""
        for name in self.days:
            begin = DAYS.index(name) * DAY_S + self.begins
            length = (self.ends - self.begins) % DAY_S or DAY_S
            if (moment_s - begin) % WEEK_S < length:
                return True
        return False


class Calendar:
    """How many are at work over the week, from shifts that may overlap.

    ``starts_s`` is the time of the week at which the simulation begins.
    """

    def __init__(self, shifts: list[Shift], starts_s: float) -> None:
        self.shifts = shifts
        self.starts_s = starts_s
        edges = {
            (DAYS.index(name) * DAY_S + edge) % WEEK_S
            for shift in shifts
            for name in shift.days
            for edge in (
                shift.begins,
                shift.begins + ((shift.ends - shift.begins) % DAY_S or DAY_S),
            )
        }
        self.edges = sorted(edges)

    def count_at(self, now: float) -> int:
        """How many are at work at a time of the simulation."""
        moment = (self.starts_s + now) % WEEK_S
        return sum(shift.count for shift in self.shifts if shift.covers(moment))

    def next_change(self, now: float) -> float:
        """When a shift next begins or ends, as a time of the simulation."""
        moment = (self.starts_s + now) % WEEK_S
        wait = min((edge - moment) % WEEK_S or WEEK_S for edge in self.edges)
        # Sums of many waits drift by rounding; a hair's breadth later is after the change.
        return now + wait + 1e-6
