"""What an engineer would say about a case of the drill."""

from collections.abc import Iterator

from simulator.metrics.aims import Harm
from simulator.metrics.resilience import Verdict
from simulator.quantities import told_duration

FELT = 0.0005
"""Least share of failed requests that is told."""
SLOWER = 1.25
"""Least ratio of p99 that is told."""
OF_ITS_OWN = 0.1
"""How much more of the work behind an objective is lost than requests, to be told beside them."""
TOLD = 2
"""Objectives at most in one sentence."""

WHAT = {
    "down": "with {} down",
    "10x slow": "with {} 10x slower",
    "50% errors": "when half the calls of {} fail",
    "flush": "after {} is flushed",
    "3x spike": "at three times the traffic",
}


def sentence_of(component: str, fault: str, verdict: Verdict) -> str:
    """The case, what users feel of it or what is promised and broken, and how it ends."""
    what = WHAT[fault].format(component)
    if verdict.status == "unaffected":
        return f"{what}, users notice nothing"
    effects = list(_effects(verdict))
    joint = " and " if len(effects) < 3 else ", "
    return f"{what}, {joint.join(effects)}, {_end(fault, verdict)}"


def _effects(verdict: Verdict) -> Iterator[str]:
    fails = verdict.lost_share >= FELT
    if fails:
        yield f"{100 * verdict.lost_share:.3g}% of the requests fail"
    # In an outage the p99 is that of the few requests that can do without the part.
    slower = verdict.slower > SLOWER and verdict.status != "outage"
    if slower:
        before, during = verdict.p99_before_s or 0.0, verdict.p99_during_s or 0.0
        yield f"p99 goes from {told_duration(before)} to {told_duration(during)}"
    if verdict.degraded_share:
        yield f"{100 * verdict.degraded_share:.3g}% of the answers are degraded"
    harms = list(_harms(verdict, slower))[:TOLD]
    if harms and not fails and not slower:
        harms[0] = f"no caller gets an error, but {harms[0]}"
    yield from harms
    if not (fails or slower or harms or verdict.degraded_share):
        yield "for a while the typical request takes more than twice as long"


def _harms(verdict: Verdict, slower: bool) -> Iterator[str]:
    """What became of the objectives, as far as it does not follow from what was said."""
    for harm in verdict.harms:
        if _told_as_missing(harm, verdict):
            yield (
                f"{100 * harm.missing_share:.3g}% of what {harm.objective} measures is not done "
                "by the end of the run"
            )
            continue
        usual, during = harm.usual or 0.0, harm.during or 0.0
        worse = harm.missed or during > SLOWER * usual > 0.0
        if worse and not (slower and harm.objective.endswith("latency")):
            promise = f" ({told_duration(harm.bound)} is promised)" if harm.missed else ""
            yield (
                f"{harm.objective} {harm.statistic} goes from {told_duration(usual)} to "
                f"{told_duration(during)}{promise}"
            )


def _end(fault: str, verdict: Verdict) -> str:
    if verdict.stays_broken:
        return "and the system stays broken after the fault is gone"
    if verdict.recovery_s is None and fault == "flush":
        return "and it is still refilling at the end of the run"
    if verdict.recovery_s is None:
        return "and it is not back to normal by the end of the run"
    if verdict.recovery_s > 0.0:
        return f"and it takes {told_duration(verdict.recovery_s)} to recover"
    if any(_told_as_missing(harm, verdict) for harm in verdict.harms):
        return "and only what comes in after the fault is done as usual"
    return "and it recovers at once"


def _told_as_missing(harm: Harm, verdict: Verdict) -> bool:
    return harm.missing_share > verdict.lost_share + OF_ITS_OWN
