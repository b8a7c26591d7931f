"""The highest rate at which a design meets its objectives, and what gives way first.

The measured value of an objective is a smooth function of the rate when all rates are run from
the same seed, so the rate at which it crosses its bound is found by interpolation, and the ends
of its interval cross the bound at the ends of the interval of the capacity.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.metrics.confidence import Interval
from simulator.metrics.spread import Document, interval_document
from simulator.metrics.verdict import unjudged_failures
from simulator.studies.curve import CurvePoint, crossing, knee_of, theory_curve
from simulator.studies.design import Design, refuse_lengths
from simulator.studies.errors import StudyError
from simulator.studies.horizon import shortness, spans_of
from simulator.studies.planner import Bench
from simulator.studies.point import Found, unseen_in
from simulator.studies.run import RunOptions, plan_run, refuse_idle_rate
from simulator.studies.settled import evaluate_settled, scaling_notes, settled
from simulator.studies.sweep import measured
from simulator.topology.load import load_of
from simulator.topology.model import Topology
from simulator.topology.objectives import Objective, objectives_of
from simulator.topology.paper import offered_when_full, on_paper

REQUESTS_OF_CURVE = 20_000
EVENTS_OF_SEARCH = 1_500_000
"""Length of the runs around the answer, by what they cost to run, within the next two limits."""

REQUESTS_OF_SEARCH = (40_000, 400_000)
SHARES = (0.05, 0.2, 0.4, 0.55, 0.7, 0.8, 0.88, 0.94, 0.98)
"""Rates of the curve, as shares of the rate at which a component saturates on paper."""

PRECISION = 0.01
ROUNDS_MAX = 8
STEP = 1.05
"""Factor by which to look further when the long runs all meet the objectives, or none does."""

BOUNDS_MAX = 3
"""How many such looks there are for a rate that fails clearly."""

DOUBLINGS_MAX = 12
ERRORS_MAX = 0.01
"""Share of errors up to which the latency of the others counts for the knee."""

NEAR = 0.98
"""How close to certain saturation the curve goes."""

STABILITY = "stability"
REFUSALS = "refusals"
"""What gives way where no objective does: a backlog grows, or the rest is turned away."""


@dataclass(frozen=True)
class Capacity:
    """A finished search; ``document`` is what ``--json`` prints."""

    document: Document

    @property
    def rate(self) -> float | None:
        """Highest rate that meets the objectives, per second; None if no rate does, or every.

        Which of the two, says ``no_limit_up_to`` in the document.
        """
        value = self.document["capacity"]["value"]
        return None if value is None else float(value)


def capacity(
    design: Design, options: RunOptions, bench: Bench | None = None, *, precision: float = PRECISION
) -> Capacity:
    """Find the highest rate that meets all objectives of the design (or of the options).

    A coarse curve from light load to saturation brackets the answer, longer runs inside the
    bracket narrow it until it is known to ``precision`` of itself. Raises StudyError without
    objectives.
    """
    bench = bench or Bench()
    refuse_lengths(design)
    goals = options.thresholds
    if goals is None:
        goals = tuple(objectives_of(design.topology))
    if not goals:
        raise StudyError(
            f"{design.name} has no objectives, so no rate is too high for it",
            "add objectives to the file, or -t 'latency: p(99)<800ms'",
        )
    options = replace(options, thresholds=goals)
    search = _Search(design, options, bench)
    search.survey()
    search.refine(precision)
    return Capacity(search.document())


class _Search:
    """The points so far and what they say."""

    def __init__(self, design: Design, options: RunOptions, bench: Bench) -> None:
        self.design, self.options, self.bench = design, options, bench
        assert options.thresholds is not None, "objectives are given"
        self.goals: tuple[Objective, ...] = options.thresholds
        self.today = options.rps or design.topology.rate
        experiment = plan_run(design.topology, options)[0]
        refuse_idle_rate(experiment, "search")
        self.load = load_of(experiment.topology, experiment.arrivals)
        plan = on_paper(experiment.topology)
        self.on_paper = offered_when_full(experiment.topology, lambda row: row.strain)
        """Where something is full if nothing is hit or refused: not a bound."""
        self.full_first = None if plan.strained is None else plan.strained.name
        self.ceiling = offered_when_full(
            experiment.topology, lambda row: None if row.refuses else row.utilization_least
        )
        """Where something saturates in any case."""
        certain = [row for row in plan.rows if not row.refuses]
        self.first_to_saturate = (
            None
            if self.ceiling is None
            else max(certain, key=lambda row: row.utilization_least or 0.0).name
        )
        self.curve: dict[float, Found] = {}
        """Short runs, for the picture and the bracket."""
        self.fine: dict[float, Found] = {}
        """Long runs around the answer."""
        self.at_rest: dict[float, Design] = {}
        """The design with the replicas that it has come to at a rate."""

    def survey(self) -> None:
        """Short runs over the whole range on paper, and beyond it as long as they hold."""
        if self.on_paper is not None:
            rates = [self.on_paper * share for share in SHARES]
            # A design may have far more room on paper than its objectives leave it.
            rates = [self.today, *rates] if self.today < rates[0] else rates
            self._run(rates, self.curve, REQUESTS_OF_CURVE)
        else:
            self._run([self.today / 4.0], self.curve, REQUESTS_OF_CURVE)
        end = math.inf if self.ceiling is None else NEAR * self.ceiling
        for _ in range(DOUBLINGS_MAX):
            top = max(self.curve)
            if top >= 0.99 * end or not all(self._meets(found) for found in self.curve.values()):
                return
            self._run([min(top * 1.5, end), min(top * 2.0, end)], self.curve, REQUESTS_OF_CURVE)

    def refine(self, precision: float) -> None:
        """Long runs around where the first objective crosses, closer in every round."""
        bracket = self._bracket(self.curve)
        if bracket is None:
            return
        low, high = bracket
        runs = [found["document"]["run"] for found in self.curve.values()]
        events = sum(run["events"] for run in runs) / max(sum(run["issued"] for run in runs), 1)
        least, most = REQUESTS_OF_SEARCH
        requests = int(min(max(EVENTS_OF_SEARCH / max(events, 1.0), least), most))
        top = (self.ceiling or math.inf) * 0.999
        self._run([low, min(high, top)], self.fine, requests)
        self._narrow(precision, requests, top)
        self._bound(requests, top)

    def _narrow(self, precision: float, requests: int, top: float) -> None:
        """Long runs until the last rate that holds and the first that does not are close."""
        guessed = False
        for _ in range(ROUNDS_MAX):
            holds = {at: self._meets(found) for at, found in self.fine.items()}
            if all(holds.values()):
                wanted = [min(max(holds) * STEP, top)]
            elif not any(holds.values()):
                wanted = [min(holds) / STEP]
            else:
                last, first = self._bracket(self.fine) or (0.0, min(holds))
                if first <= last * (1.0 + 2.0 * precision):
                    return
                value = self._crossing().value
                guessed = not guessed and last < value < first
                if guessed:
                    spread = 0.8 * precision
                    wanted = [value * (1.0 - spread), min(value * (1.0 + spread), top)]
                else:
                    # The last guess was beside it, or no measured value crosses its bound: there
                    # is a jump, or the steady state ends.
                    wanted = [math.sqrt(last * first) if last else first / 2.0]
            self._run(wanted, self.fine, requests)

    def _bound(self, requests: int, top: float) -> None:
        """Long runs further up until one fails clearly, where nothing says how far it might be."""
        for _ in range(BOUNDS_MAX):
            highest = max(self.fine)
            if highest >= top or math.isfinite(self._upper_end(self._answer().value)):
                return
            if all(self._meets(found) for found in self.fine.values()):
                return
            self._run([min(highest * STEP, top)], self.fine, requests)

    def document(self) -> Document:
        """The answer, the curve, and how it was found."""
        points = {**self.curve, **self.fine}
        order = sorted(points)
        never = not any(self._meets(found) for found in points.values())
        answer = self._answer()
        endless = not never and math.isinf(answer.value)
        cells = self.design.topology.cells
        interval: Document = {
            end: None if value is None else value * cells
            for end, value in interval_document(answer).items()
        }
        if never or endless:
            interval = dict.fromkeys(interval)
        value = interval["value"]
        near = order[0] if never else order[-1] if endless else self._nearest(answer.value)
        lines = [self._line(rate, points[rate]) for rate in order]
        first = points[order[0]]["document"]
        return {
            "schema": 1,
            "study": "capacity",
            "topology": self.design.topology.name,
            "file": self.design.source.file,
            "seed": self.options.seed,
            "workload": first["workload"],
            "objectives": [f"{goal.name}: {goal.threshold.text}" for goal in self.goals],
            "capacity": interval,
            "no_limit_up_to": order[-1] * cells if endless else None,
            "limited_by": None if endless else self._gives_way(near),
            "full_on_paper": None if self.on_paper is None else self.on_paper * cells,
            "full_first": self.full_first,
            "ceiling_on_paper": None if self.ceiling is None else self.ceiling * cells,
            "saturates_first": self.first_to_saturate,
            "rate": self.today * cells,
            **self.load,
            "headroom": None if value is None else value / (self.today * cells) - 1.0,
            "failing": unjudged_failures(points[near]["document"]),
            "scaling": scaling_notes(self.design, self.at_rest[near]),
            "knee": knee_of([(row["rate"], row["latency.mean"]) for row in lines if _served(row)]),
            "curve": lines,
            "theory": theory_curve(self._topology_at, order, cells),
            "horizons": shortness([spans_of(item["document"]) for item in points.values()]),
            "unseen": unseen_in(points.values()),
            "partial": any(
                found["document"]["run"]["endings"] != ["complete"] for found in points.values()
            ),
        }

    def _run(self, rates: Sequence[float], into: dict[float, Found], requests: int) -> None:
        requests = self.options.requests or requests
        wanted = [rate for rate in rates if rate not in into]
        options = [
            replace(self.options, rps=rate, requests=requests, duration_s=None) for rate in wanted
        ]
        label = "rates" if into is self.curve else "rates around the answer"
        pairs = evaluate_settled([self.design] * len(wanted), options, self.bench, label)
        for rate, (design, found) in zip(wanted, pairs, strict=True):
            self.at_rest[rate], into[rate] = design, found

    def _topology_at(self, rate: float) -> Topology:
        return settled(self.design, replace(self.options, rps=rate)).topology

    def _bracket(self, points: dict[float, Found]) -> tuple[float, float] | None:
        """The last rate before the first that fails, and that one; None if there is no such."""
        good = 0.0
        for rate in sorted(points):
            if not self._meets(points[rate]):
                return (good, rate) if good else None
            good = rate
        return None if self.ceiling is None else (good, self.ceiling)

    def _crossing(self) -> Interval:
        """Where the first objective crosses its bound, from the long runs and what lies below them.

        Each end is that of the objective that reaches its bound there first: one whose estimate
        crosses later may be the less certain one.
        """
        points = self._up_to_the_answer()
        found = [crossing(self._points(goal, points), goal.threshold) for goal in self.goals]
        return Interval(
            min(interval.value for interval in found),
            min(interval.low for interval in found),
            min(interval.high for interval in found),
        )

    def _up_to_the_answer(self) -> dict[float, Found]:
        """The long runs, and the short ones at lower rates: the interval may begin among those."""
        first = min(self.fine)
        return {at: item for at, item in self.curve.items() if at < first} | self.fine

    def _answer(self) -> Interval:
        found = self._crossing() if self.fine else Interval(math.inf, math.inf, math.inf)
        ceiling = self.ceiling if self.ceiling is not None else math.inf
        unstable = [rate for rate, item in self.fine.items() if not item["document"]["stable"]]
        steady = [rate for rate, item in self.fine.items() if item["document"]["stable"]]
        if unstable and min(unstable) < found.value and steady:
            last = max([rate for rate in steady if rate < min(unstable)], default=0.0)
            ceiling = min(ceiling, min(unstable))
            return Interval(min(found.value, last or ceiling), min(found.low, last), ceiling)
        value = min(found.value, ceiling)
        return Interval(value, min(found.low, value), min(self._upper_end(value), ceiling))

    def _upper_end(self, value: float) -> float:
        """What was measured to be too much for certain, above the value; infinite if nothing."""
        failed = [
            rate
            for rate, item in {**self.curve, **self.fine}.items()
            if rate > value and item["document"]["verdict"]["status"] in ("fail", "unstable")
        ]
        return min([self._crossing().high, *failed]) if self.fine else math.inf

    def _gives_way(self, near: float) -> Document:
        """The objective that is met no longer beyond a rate, and the component that is busiest."""
        points = self.fine or self.curve
        document = {**self.curve, **self.fine}[near]["document"]
        bottleneck = document["verdict"]["bottleneck"]
        crossings = {
            goal: crossing(self._points(goal, points), goal.threshold).value for goal in self.goals
        }
        first = min(crossings, key=lambda goal: crossings[goal])
        reason = f"{first.name}: {first.threshold.text}"
        if crossings[first] >= (math.inf if self.ceiling is None else self.ceiling):
            beyond = [rate for rate, item in points.items() if not item["document"]["stable"]]
            sheds = beyond and points[min(beyond)]["document"]["sheds"]
            reason = REFUSALS if sheds else STABILITY
        utilization = None
        if bottleneck is not None:
            utilization = document["components"][bottleneck]["utilization"]
        return {
            "objective": reason,
            "component": bottleneck,
            "utilization": utilization,
            "rate": near * document["cells"],
        }

    def _nearest(self, rate: float) -> float:
        """The rate that was run closest to this one, in long runs if there are any."""
        return min(self.fine or self.curve, key=lambda at: abs(at - rate))

    def _points(self, goal: Objective, points: dict[float, Found]) -> list[CurvePoint]:
        position = self.goals.index(goal)
        result = []
        for rate in sorted(points):
            document = points[rate]["document"]
            row = document["objectives"][position]
            if row["value"] is None:
                continue
            low = row["value"] if row["low"] is None else row["low"]
            high = row["value"] if row["high"] is None else row["high"]
            result.append(CurvePoint(rate, row["value"], low, high, document["stable"]))
        return result

    def _meets(self, found: Found) -> bool:
        """Whether every objective holds by its estimate, with a steady state."""
        document = found["document"]
        return bool(document["stable"]) and all(
            row["value"] is None or goal.threshold.holds(row["value"])
            for row, goal in zip(document["objectives"], self.goals, strict=True)
        )

    def _line(self, rate: float, found: Found) -> Document:
        document = found["document"]
        line: Document = {
            "rate": rate * document["cells"],
            "stable": document["stable"],
            "status": document["verdict"]["status"],
            "bottleneck": document["verdict"]["bottleneck"],
        }
        for name in ("latency.mean", "latency.p50", "latency.p95", "latency.p99", "errors.rate"):
            interval = measured(document["metrics"], name)
            line[name] = interval["value"]
            line[f"{name}_low"], line[f"{name}_high"] = interval["low"], interval["high"]
        line["objectives"] = [
            {key: row[key] for key in ("metric", "threshold", "value", "low", "high", "status")}
            for row in document["objectives"]
        ]
        return line


def _served(line: Document) -> bool:
    """Whether nearly all requests were answered: the latency of the few says nothing of a knee."""
    return bool(line["stable"]) and (line["errors.rate"] or 0.0) <= ERRORS_MAX
