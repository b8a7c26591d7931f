"""Take one of several ways."""

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import Any, ClassVar

from pydantic import Field, NonNegativeFloat, model_validator

from simulator.kernel.component import Means, Paper
from simulator.kernel.references import Attribute
from simulator.kernel.request import Call, Flow, Request
from simulator.kernel.site import Site
from simulator.kernel.spec import Spec
from simulator.kernel.step import Owner, Step, all_on_paper, in_sequence
from simulator.quantities import Fraction

Test = Callable[[dict[str, Any]], bool]


class Way(Spec):
    """One way: taken by a share of the requests, or by those an attribute selects."""

    share: Fraction | NonNegativeFloat | None = None
    """Share of the requests, relative to the other shares."""
    attribute: Attribute | None = None
    """Attribute that decides; ways are tried in order."""
    equals: Any = None
    """Taken if the attribute has this value (a label or number)."""
    above: float | None = None
    """Taken if the attribute is larger than this."""
    below: float | None = None
    """Taken if the attribute is smaller than this."""
    expect: Fraction | None = None
    """Share of requests for which the attribute selects this way, for estimates on paper."""
    steps: list[Step] = Field(default_factory=list)
    """What to do; nothing if empty."""

    @model_validator(mode="after")
    def _one_condition(self) -> "Way":
        tests = [self.equals is not None, self.above is not None, self.below is not None]
        if self.attribute is not None and not any(tests):
            raise ValueError("`attribute` needs one of `equals`, `above`, `below`")
        if self.attribute is None and any(tests):
            raise ValueError("`equals`, `above` and `below` need an `attribute`")
        if self.attribute is not None and self.share is not None:
            raise ValueError("a way is taken by `share` or by `attribute`, not by both")
        return self

    def test(self) -> Test:
        """Whether the attributes of a request select this way; always without a condition."""
        name, equals, above, below = self.attribute, self.equals, self.above, self.below
        if name is None:
            return lambda attributes: True
        if above is None and below is None:
            return lambda attributes: bool(attributes[name] == equals)

        def within(attributes: dict[str, Any]) -> bool:
            value = attributes[name]
            if equals is not None and value != equals:
                return False
            if above is not None and not value > above:
                return False
            return below is None or bool(value < below)

        return within


class Choose(Step):
    """Take one of several ways: by share, or by the value of an attribute.

    `choose: [{share: 30%, steps: [...]}, {share: 70%, steps: []}]`, or
    `choose: [{attribute: pages, above: 20, steps: [...]}, {steps: [...]}]`, where the last way
    without a condition takes the rest.
    """

    key: ClassVar[str] = "choose"
    ways: list[Way] = Field(min_length=1)
    """The ways, in order."""

    @classmethod
    def from_value(cls, value: Any) -> Any:
        return {"ways": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _shares_or_tests(self) -> "Choose":
        shares = [way.share for way in self.ways if way.share is not None]
        if shares and len(shares) != len(self.ways):
            raise ValueError("either every way has a `share`, or none has")
        if shares and not sum(shares) > 0:
            raise ValueError("the shares add up to 0: no way could be taken")
        return self

    def build(self, site: Site, owner: Owner, place: str) -> Call:
        calls = [
            in_sequence(way.steps, site, owner, f"{place}.{number}.")
            for number, way in enumerate(self.ways)
        ]
        if self.ways[0].share is None:
            tested = [(way.test(), call) for way, call in zip(self.ways, calls, strict=True)]
            nothing = in_sequence([], site, owner)

            def by_attribute(request: Request) -> Flow:
                for selects, call in tested:
                    if selects(request.attributes):
                        return call(request)
                return nothing(request)

            return by_attribute

        chance = site.uniforms_of(owner.name, f"choose{place}")
        bounds = list(accumulate(self.shares))[:-1]

        def by_share(request: Request) -> Flow:
            return calls[bisect_right(bounds, chance(request))](request)

        return by_share

    @property
    def shares(self) -> list[float]:
        """Expected share of each way: as given, else split evenly over what is not known."""
        if self.ways[0].share is not None:
            given = [float(way.share or 0.0) for way in self.ways]
            return [share / sum(given) for share in given]
        known = sum(way.expect or 0.0 for way in self.ways)
        unknown = sum(way.expect is None for way in self.ways)
        rest = max(1.0 - known, 0.0) / max(unknown, 1)
        return [rest if way.expect is None else way.expect for way in self.ways]

    def on_paper(self, paper: Paper, times: float, attributes: Means) -> None:
        for way, share in zip(self.ways, self.shares, strict=True):
            all_on_paper(way.steps, paper, times * share, attributes)
