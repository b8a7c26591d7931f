"""Designs at rest: as many replicas as their scalers stay at under a load.

A scaler takes minutes to react, and the runs of a search last seconds: what they would measure is
the replicas that a design starts with. So every point of a search starts where the scaler comes to
rest. Paper says where that is, first; if the run finds the component busier or less busy than
paper did, the scaler's own rule says how many replicas it asks for, and the point is run again.
What happens on the way there, after a sudden change of the load, is not measured.
"""

from collections.abc import Sequence

from simulator.metrics.spread import Document
from simulator.studies.design import Design
from simulator.studies.errors import StudyError
from simulator.studies.planner import Bench
from simulator.studies.point import Found, Point
from simulator.studies.ranges import Range, Setting
from simulator.studies.run import RunOptions, plan_run
from simulator.studies.scaling import asked_in_run, asked_on_paper, scaled_parts
from simulator.topology.diagnostics import DocumentError

ROUNDS_MAX = 6
"""How often a point is run again at most, until the scaler asks for what is there."""


def settled(design: Design, options: RunOptions) -> Design:
    """The design with the replicas that its scalers stay at under the options, on paper."""
    if not scaled_parts(design.topology):
        return design
    topology = plan_run(design.topology, options)[0].topology
    return _with_replicas(design, asked_on_paper(topology))


def evaluate_settled(
    designs: Sequence[Design], options: Sequence[RunOptions], bench: Bench, what: str
) -> list[tuple[Design, Found]]:
    """What was found of each design under its options, and the replicas it was run with."""
    wanted = [settled(*pair) for pair in zip(designs, options, strict=True)]
    found: list[Found] = [{} for _ in wanted]
    todo = list(range(len(wanted)))
    for _ in range(ROUNDS_MAX):
        points = [Point(wanted[place].data, options[place]) for place in todo]
        for place, result in zip(todo, bench.evaluate(points, what), strict=True):
            found[place] = result
        asked = {
            place: _with_replicas(
                wanted[place], asked_in_run(wanted[place].topology, found[place]["document"])
            )
            for place in todo
        }
        todo = [place for place, design in asked.items() if design.data != wanted[place].data]
        if not todo:
            break
        wanted = [asked[place] if place in todo else own for place, own in enumerate(wanted)]
    return list(zip(wanted, found, strict=True))


def scaling_notes(start: Design, answer: Design) -> list[Document]:
    """What follows the load: with how many replicas it starts, has at the answer, may have.

    ``reaction_s`` is the time from a change of the load to a change of the replicas.
    """
    notes = []
    for name, own in answer.topology.components.items():
        counts = int(start.topology.components[name].replica_count), int(own.replica_count)
        if own.scaling is not None and {own.scaling.max_replicas} != {*counts}:
            notes.append(
                {
                    "component": name,
                    "starts_with": counts[0],
                    "replicas": counts[1],
                    "most": own.scaling.max_replicas,
                    "reaction_s": own.reaction_s,
                }
            )
    return notes


def refuse_replicas_that_follow(design: Design, ranges: Sequence[Range]) -> None:
    """Raise StudyError if the replicas of a component are varied that a scaler sets anyway."""
    for name in scaled_parts(design.topology):
        for item in ranges:
            if item.path.removeprefix("components.") == f"{name}.replicas":
                raise StudyError(
                    f"--vary {item.path}: the replicas of {name} follow the load, and this is "
                    "only how many it starts with",
                    f"vary {name}.autoscale.max_replicas, or add --set {name}.autoscale=null",
                )


def _with_replicas(design: Design, counts: dict[str, int]) -> Design:
    """The design with other replicas.

    As it is where another number does not fit what else it says, such as a weight for each.
    """
    pairs: list[Setting] = [(f"components.{name}.replicas", n) for name, n in counts.items()]
    try:
        return design.varied(pairs) if pairs else design
    except DocumentError:
        return design
