"""Whether two shares differ."""

import math
from typing import ClassVar, Literal

from pydantic import Field

from simulator.kernel.spec import Spec
from simulator.quantities import Fraction, PositiveCount
from simulator.topology.statistics.statistic import Statistic


class Arm(Spec):
    """One arm of an experiment."""

    share: Fraction
    """Share of successes."""
    n: PositiveCount
    """How many were observed."""


class TwoProportions(Statistic):
    """The two-proportion z test, two-sided, and the interval of the difference.

    z uses the pooled share, as a test of equality does; the interval (Wald) uses each arm's own.
    Source: Fleiss, Levin, Paik, Statistical Methods for Rates and Proportions, section 3.
    """

    key: ClassVar[str] = "two_proportions"
    control: Arm
    """The arm that is compared with."""
    treatment: Arm
    """The arm that is tried."""
    level: Fraction = Field(0.95, gt=0, lt=1)
    """Confidence level of the interval."""
    report: Literal["p_value", "z", "difference", "lift", "low", "high"] = "p_value"

    def results(self) -> dict[str, float]:
        """p-value, z, difference, relative lift, and the ends of the interval."""
        from scipy.stats import norm

        a, b = self.control, self.treatment
        pooled = (a.share * a.n + b.share * b.n) / (a.n + b.n)
        difference = b.share - a.share
        z = difference / math.sqrt(pooled * (1 - pooled) * (1 / a.n + 1 / b.n))
        spread = math.sqrt(a.share * (1 - a.share) / a.n + b.share * (1 - b.share) / b.n)
        arm = float(norm.ppf(0.5 + self.level / 2)) * spread
        return {
            "p_value": 2.0 * float(norm.sf(abs(z))),
            "z": z,
            "difference": difference,
            "lift": difference / a.share if a.share else math.inf,
            "low": difference - arm,
            "high": difference + arm,
        }

    def derivation(self) -> str:
        found = self.results()
        return (
            f"{self.treatment.share:.2%} of {self.treatment.n} against {self.control.share:.2%} of "
            f"{self.control.n}: z = {found['z']:.2f}, p = {found['p_value']:.2g}, difference "
            f"{found['difference']:.2%} [{found['low']:.2%}, {found['high']:.2%}]"
        )
