"""What every client-side throttle has in common."""

from abc import abstractmethod
from collections.abc import Callable

from simulator.kernel.kinded import OneKey
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.policies.call_policy import CallSite
from simulator.policies.sliding import SlidingSum

SLICES = 60

Probability = Callable[[float, float, float], float]


class Throttle(OneKey):
    """The caller refuses some of its own calls, the more the callee has refused lately.

    A call that is refused here is answered `rejected_overload` and never reaches the callee.
    """

    @property
    @abstractmethod
    def window_s(self) -> float:
        """How far it looks back (seconds)."""

    @abstractmethod
    def refusal(self, asked: float, accepted: float) -> float:
        """Probability to refuse a call, given the calls and the accepted ones in the window."""

    def counts_as_accepted(self, outcome: Outcome) -> bool:
        """Whether the callee took the call on, whatever came of it."""
        return not outcome.rejected and outcome is not Outcome.TIMEOUT

    @property
    def counts_own_refusals(self) -> bool:
        """Whether calls refused here count as calls."""
        return True

    def wrap(self, call: Call, at: CallSite) -> Call:
        """The call with this throttle around it."""
        clock, uniform = at.clock, at.uniforms("throttle")
        asked = SlidingSum(self.window_s, SLICES)
        accepted = SlidingSum(self.window_s, SLICES)
        refused = 0
        at.meter("throttled_total", lambda: refused)

        def throttled(request: Request) -> Flow:
            nonlocal refused
            now = clock.now
            chance = self.refusal(asked.total(now), accepted.total(now))
            if chance > 0.0 and uniform() < chance:
                if self.counts_own_refusals:
                    asked.add(1.0, now)
                refused += 1
                return Outcome.REJECTED_OVERLOAD
            if self.counts_own_refusals:
                asked.add(1.0, now)
            outcome = yield from call(request)
            if not self.counts_own_refusals:
                asked.add(1.0, clock.now)
            if self.counts_as_accepted(outcome):
                accepted.add(1.0, clock.now)
            return outcome

        return throttled
