"""The small language of behaviour: what a component does when it is called."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Protocol

from simulator.kernel.component import Means, Paper
from simulator.kernel.kinded import OneKey
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.spec import models_within

OK = Outcome.OK


class Owner(Protocol):
    """The component that a step belongs to, as far as steps need it."""

    name: str

    def worker(self, site: Site) -> "Worker | None":
        """How the component does work; None if it has nobody to do it."""


class Worker(Protocol):
    """Does work for a request, waiting for a server if need be, and then calls ``after``."""

    def __call__(self, request: Request, seconds: float, after: Call | None = None, /) -> Flow: ...


class Step(OneKey):
    """One step: a one-key mapping in the document, a generator function in a simulation.

    The function answers ``OK`` to let the next step run, and any other outcome to end the visit
    with it.
    """

    @abstractmethod
    def build(self, site: Site, owner: Owner, place: str) -> Call:
        """The step in one simulation; ``place`` names it among the steps of its owner."""

    leads: ClassVar[bool] = False
    """Whether the step can run what follows it by itself (:meth:`build_before`)."""

    def build_before(self, rest: Call, site: Site, owner: Owner, place: str) -> Call:
        """The step and, if it goes well, ``rest``, as one generator function."""
        raise NotImplementedError

    @abstractmethod
    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        """Add what the step asks for on average when it runs ``times`` per visit."""


def in_sequence(steps: Sequence[Step], site: Site, owner: Owner, place: str = "") -> Call:
    """The steps one after another; the first outcome that is not OK ends them."""
    if len(steps) > 1 and steps[0].leads:
        rest = in_sequence(steps[1:], site, owner, f"{place}0+")
        return steps[0].build_before(rest, site, owner, f"{place}0")
    built = [step.build(site, owner, f"{place}{number}") for number, step in enumerate(steps)]
    if len(built) == 1:
        return built[0]

    def run(request: Request) -> Flow:
        for step in built:
            outcome = yield from step(request)
            if outcome is not OK:
                return outcome
        return OK

    return run


def all_on_paper(steps: Sequence[Step], paper: Paper, times: float, attributes: Means) -> None:
    """Add the demand of each step."""
    for step in steps:
        step.on_paper(paper, times, attributes)


def steps_within(value: Any) -> Iterator[Step]:
    """Every step inside a step, a list of steps or a spec, at any depth."""
    return (model for model in models_within(value) if isinstance(model, Step))
