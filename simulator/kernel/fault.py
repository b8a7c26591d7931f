"""What goes wrong, when, and where."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema

from simulator.kernel.component import Component
from simulator.kernel.kinded import OneKey
from simulator.kernel.references import Target
from simulator.kernel.site import Site
from simulator.kernel.spec import EXTENSION_PREFIX, Spec
from simulator.quantities import PositiveDuration
from simulator.quantities.moment import RunMoment
from simulator.quantities.refusal import Refusals, details

FOREVER = float("inf")
_VERBS = {"is": "are", "loses": "lose", "restarts": "restart"}


@dataclass(frozen=True)
class Switch:
    """Turns an effect on and off during a run."""

    on: Callable[[], None]
    off: Callable[[], None]


@dataclass(frozen=True)
class Window:
    """A span of the run in seconds during which an effect is on; ``end`` may be infinite."""

    begin: float
    end: float


class Effect(OneKey):
    """What a fault does while it lasts, picked by the one key beside `at`, `for` and `target`.

    :meth:`install` runs before the components are built, so that only components that a fault
    names get a gate or a pace; all others run at full speed.
    """

    aims: ClassVar[bool] = True
    """Whether it strikes a component, named by `target`."""
    instant: ClassVar[bool] = False
    """Whether it happens at a point in time rather than for a while."""
    momentary: ClassVar[bool] = False
    """Whether it is over at once where the fault says nothing of how long it lasts."""

    @abstractmethod
    def install(self, site: Site, target: str, place: str) -> Switch:
        """Prepare the site; ``target`` is empty without an aim, ``place`` names random streams."""

    def misfit(self, component: Component) -> tuple[str, str] | None:
        """Why it cannot strike this component, and a hint; None if it can."""
        return None

    def heals_after_s(self, component: Component) -> float | None:
        """Seconds after which the component makes up for it by itself; None if it does not."""
        return None

    @abstractmethod
    def sentence(self, targets: str) -> str:
        """What an engineer would say: "gpt_4o is down"."""


class Fault(Spec):
    """Something that goes wrong: `{at: 60s, for: 120s, target: gpt_4o, down: true}`.

    Fixed (`at`, `for`) or again and again with exponential times to failure and to repair (`mtbf`,
    `mttr`). What happens is the remaining key: `down`, `slow`, `errors`, `capacity` and so on.
    """

    at: RunMoment | None = None
    """When it begins: a time, or a share of the run such as `40%`."""
    lasts: RunMoment | None = Field(None, alias="for")
    """How long it lasts; to the end of the run if left out, but for a `flush`."""
    mtbf: PositiveDuration | None = None
    """Mean time between the end of one failure and the next, instead of `at`."""
    mttr: PositiveDuration | None = None
    """Mean time to repair."""
    target: Target | list[Target] | None = None
    """The component it strikes, or several at once (a region)."""
    effect: Effect
    """What happens."""

    @model_validator(mode="wrap")
    @classmethod
    def _pick_effect(cls, data: Any, handler: ModelWrapValidatorHandler["Fault"]) -> "Fault":
        if not isinstance(data, dict) or "effect" in data:
            return handler(data)
        own = {"at", "for", "mtbf", "mttr", "target"}
        fields = {key: value for key, value in data.items() if key in own}
        rest = {
            key: value
            for key, value in data.items()
            if key not in own and not str(key).startswith(EXTENSION_PREFIX)
        }
        refusals = Refusals("Fault")
        effect = refusals.attempt((), Effect.pick, rest)
        try:
            # A stand-in lets the other fields be checked although the effect was refused.
            fault = handler({**fields, "effect": effect or _Nothing.model_construct()})
        except ValidationError as error:
            refusals.lines += details(error)
            refusals.raise_if_any()
            raise
        if effect is not None:
            _contradictions(fault, refusals, data)
        refusals.raise_if_any()
        return fault

    @property
    def targets(self) -> list[str]:
        """The components it strikes."""
        if self.target is None:
            return []
        return [self.target] if isinstance(self.target, str) else list(self.target)

    @property
    def sentence(self) -> str:
        """What happens, in words."""
        *others, last = self.targets or [""]
        if not others:
            return self.effect.sentence(last)
        listed = f"{', '.join(others)} and {last}"
        said = self.effect.sentence(listed)
        for one, many in _VERBS.items():
            said = said.replace(f"{listed} {one}", f"{listed} {many}")
        return said.replace(" its ", " their ")

    def windows(self, horizon_s: float, exponential: Callable[[float], float]) -> list[Window]:
        """When it is on during a run; ``exponential(mean)`` draws a time."""
        return list(self._windows(horizon_s, exponential))

    def _windows(self, horizon_s: float, exponential: Callable[[float], float]) -> Iterator[Window]:
        if self.at is not None:
            begin = self.at.seconds(horizon_s)
            lasts = 0.0 if self.effect.momentary else FOREVER
            if self.lasts is not None:
                lasts = self.lasts.seconds(horizon_s)
            yield Window(begin, begin if self.effect.instant else begin + lasts)
            return
        assert self.mtbf is not None, "a fault has a time or a rate"
        begin = exponential(self.mtbf)
        while begin < horizon_s:
            lasts = 0.0 if self.mttr is None else exponential(self.mttr)
            yield Window(begin, begin + lasts)
            begin += lasts + exponential(self.mtbf)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        reference = super().__get_pydantic_json_schema__(core_schema, handler)
        schema = handler.resolve_ref_schema(reference)
        schema["properties"].pop("effect", None)
        schema["required"] = []
        for name, kind in sorted(Effect.kinds.items()):
            schema["properties"][name] = kind.key_schema()["properties"][name]
        return reference


class _Nothing(Effect):
    """Stands in for an effect that could not be read."""

    def install(self, site: Site, target: str, place: str) -> Switch:
        raise AssertionError("an effect that was refused is never installed")

    def sentence(self, targets: str) -> str:
        return "nothing happens"


def _contradictions(fault: Fault, refusals: Refusals, data: Any) -> None:
    effect = fault.effect
    if (fault.at is None) == (fault.mtbf is None):
        refusals.add(
            "wrong_form", "a fault has either `at` or `mtbf`", (), data, "for example `at: 60s`"
        )
    if fault.mtbf is not None and fault.mttr is None and not effect.instant:
        refusals.add("wrong_form", "`mtbf` needs `mttr` beside it", (), data, "`mttr: 30s`")
    if fault.at is not None and fault.mttr is not None:
        refusals.add("wrong_form", "`mttr` goes with `mtbf`; with `at`, use `for`", (), data)
    if effect.aims and not fault.targets:
        refusals.add("wrong_form", f"`{effect.key}` needs a `target`", (), data)
    if not effect.aims and fault.targets:
        refusals.add("wrong_form", f"`{effect.key}` strikes no single component", ("target",), data)
