"""How many to observe, and what so many can show."""

import math
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from simulator.quantities import Fraction, PositiveCount, PositiveNumber, PositiveRate
from simulator.quantities.grouping import grouped
from simulator.topology.statistics.statistic import Statistic

SECONDS_PER_DAY = 86_400.0


class SampleSize(Statistic):
    """Observations per arm that show a given difference of two shares.

    Two-sided test of equality, normal approximation with each arm's own variance (Fleiss, Levin,
    Paik, section 4.2, without continuity correction). With `traffic`, also the days until both
    arms have them; `allocation` is the share of the traffic that is in the experiment.
    """

    key: ClassVar[str] = "sample_size"
    baseline: Fraction
    """Share of the control."""
    lift: PositiveNumber | Fraction | None = None
    """Relative difference to be found."""
    difference: Fraction | None = None
    """Absolute difference to be found."""
    alpha: Fraction = Field(0.05, gt=0, lt=1)
    """False alarms that are accepted."""
    power: Fraction = Field(0.8, gt=0, lt=1)
    """Chance to find a difference that exists."""
    comparisons: PositiveCount = 1
    """Metrics or variants that are compared; alpha is divided by it (Bonferroni)."""
    traffic: PositiveRate | None = None
    """New subjects per time."""
    allocation: Fraction = Field(1.0, gt=0)
    """Share of them that is in the experiment."""
    report: Literal["per_arm", "total", "days"] = "per_arm"

    @model_validator(mode="after")
    def _one_effect(self) -> Self:
        if (self.lift is None) == (self.difference is None):
            raise ValueError("a sample size needs a relative `lift` or an absolute `difference`")
        if self.report == "days" and self.traffic is None:
            raise ValueError("days to reach the sample need the `traffic`")
        if not 0 < self.baseline + self.effect < 1:
            raise ValueError("the share of the treatment would not lie between 0 and 1")
        return self

    @property
    def effect(self) -> float:
        """Absolute difference."""
        return self.difference if self.difference is not None else self.baseline * (self.lift or 0)

    def results(self) -> dict[str, float]:
        """Observations per arm and in total; days if there is traffic."""
        per_arm = math.ceil(
            per_arm_exact(self.baseline, self.effect, self.alpha / self.comparisons, self.power)
        )
        found = {"per_arm": float(per_arm), "total": 2.0 * per_arm}
        if self.traffic is not None:
            found["days"] = 2.0 * per_arm / (self.traffic * self.allocation * SECONDS_PER_DAY)
        return found

    def derivation(self) -> str:
        found = self.results()
        days = f", {found['days']:.1f} days" if "days" in found else ""
        return (
            f"{self.baseline:.2%} against {self.baseline + self.effect:.2%} at alpha "
            f"{self.alpha / self.comparisons:.2g} and power {self.power:.0%}: "
            f"{grouped(found['per_arm'])} per arm{days}"
        )


def per_arm_exact(baseline: float, effect: float, alpha: float, power: float) -> float:
    """n = (z_a + z_b)^2 (p1 q1 + p2 q2) / (p2 - p1)^2."""
    from scipy.stats import norm

    z = float(norm.ppf(1 - alpha / 2) + norm.ppf(power))
    other = baseline + effect
    variance = baseline * (1 - baseline) + other * (1 - other)
    return z**2 * variance / effect**2


class Power(Statistic):
    """What an experiment of a given size can show.

    The chance to find a difference that exists, and the smallest difference found with 80 %; the
    formulas of the sample size, turned round.
    """

    key: ClassVar[str] = "power"
    baseline: Fraction
    """Share of the control."""
    lift: PositiveNumber | Fraction | None = None
    """Relative difference."""
    difference: Fraction | None = None
    """Absolute difference."""
    n: PositiveCount
    """Observations per arm."""
    alpha: Fraction = Field(0.05, gt=0, lt=1)
    """False alarms that are accepted."""
    report: Literal["power", "detectable_difference", "detectable_lift"] = "power"

    @model_validator(mode="after")
    def _effect_if_asked(self) -> Self:
        if self.report == "power" and (self.lift is None) == (self.difference is None):
            raise ValueError("power needs a relative `lift` or an absolute `difference`")
        return self

    def results(self) -> dict[str, float]:
        """Power for the effect, and the smallest difference found with 80 %."""
        from scipy.optimize import brentq
        from scipy.stats import norm

        def excess(effect: float) -> float:
            return per_arm_exact(self.baseline, effect, self.alpha, 0.8) - self.n

        most = 1 - self.baseline - 1e-9
        detectable = float(brentq(excess, 1e-9, most)) if excess(most) < 0 else most
        found = {
            "detectable_difference": detectable,
            "detectable_lift": detectable / self.baseline,
        }
        effect = self.difference if self.difference is not None else None
        if effect is None and self.lift is not None:
            effect = self.baseline * self.lift
        if effect is not None:
            other = self.baseline + effect
            variance = self.baseline * (1 - self.baseline) + other * (1 - other)
            shift = effect / math.sqrt(variance / self.n)
            found["power"] = float(norm.cdf(shift - norm.ppf(1 - self.alpha / 2)))
        return found

    def derivation(self) -> str:
        found = self.results()
        power = f"power {found['power']:.0%}; " if "power" in found else ""
        return (
            f"{self.n} per arm at {self.baseline:.2%}: {power}80 % finds differences from "
            f"{found['detectable_difference']:.2%} ({found['detectable_lift']:.0%} relative)"
        )
