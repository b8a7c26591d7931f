"""Whether the words of estimates, claims and questions mean something in their topology."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from simulator.quantities.refusal import nearest
from simulator.topology.claims import BASE, Claim
from simulator.topology.formula import Formula
from simulator.topology.model import Topology
from simulator.topology.objectives import MEASURED, known_metrics
from simulator.topology.units import unit_named, unit_spellings

Path = tuple[str | int, ...]

OF_A_COMPONENT = frozenset(
    {
        "utilization", "throughput", "servers", "queue_length", "wait", "service", "span", "cost",
        "refused_per_s", "left_per_s", "other", "meters",
    }
)  # fmt: skip
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Finding:
    """A word that means nothing: where it stands, what is wrong, what may be meant."""

    path: Path
    message: str
    hint: str = ""


def check_claims(topology: Topology) -> Iterator[Finding]:
    """Every word of the interview part of a topology that nothing defines."""
    names = [*topology.given, *topology.estimates]
    for name in sorted(set(topology.given) & set(topology.estimates)):
        yield Finding(("estimates", name), f"`{name}` is both given and estimated")
    for name in names:
        block = "given" if name in topology.given else "estimates"
        if unit_named(name) is not None:
            message = f"`{name}` is a unit, so it cannot be a name"
            yield Finding((block, name), message, f"for example `{name}_count`")
    for name, given in topology.given.items():
        yield from _words(given.value, topology, ("given", name, "value"))
    for name, estimate in topology.estimates.items():
        yield from _words(estimate.formula, topology, ("estimates", name, "formula"))
        for field in ("documented", "unit"):
            figure = getattr(estimate, field)
            figures = [figure.low, figure.high] if field == "documented" and figure else [figure]
            for formula in filter(None, figures):
                yield from _words(formula, topology, ("estimates", name, field))
    for name, claim in topology.claims.items():
        yield from _claim(claim, topology, ("claims", name))
    for name, question in topology.questions.items():
        for placeholder in PLACEHOLDER.findall(question.answer):
            yield from _placeholder(placeholder, topology, ("questions", name, "answer"))


def _words(formula: Formula, topology: Topology, path: Path) -> Iterator[Finding]:
    for word in formula.words:
        known = word in topology.given or word in topology.estimates
        if not known and unit_named(word) is None:
            names = [*topology.given, *topology.estimates, *unit_spellings()]
            close = nearest(word, names)
            hint = f"did you mean `{close}`?" if close else f"counted things: [{word}]"
            yield Finding(path, f"`{word}` is no unit, nothing given and no estimate", hint)


def _claim(claim: Claim, topology: Topology, path: Path) -> Iterator[Finding]:
    if claim.formula is not None:
        yield from _words(claim.formula, topology, (*path, "formula"))
    if claim.expect is not None:
        for bound in claim.expect.bounds:
            yield from _words(bound.figure, topology, (*path, "expect"))
    if claim.metric is None:
        return
    for word in claim.metric.words:
        yield from _metric(word, topology, (*path, "metric"))
    if claim.of_class is not None:
        yield from _known(claim.of_class, topology.requests, "class", (*path, "class"))
    for field, name in (("variant", claim.variant), ("versus", claim.versus)):
        if name is not None and name != BASE:
            yield from _known(name, topology.variants, "variant", (*path, field))
    for name in claim.faults:
        yield from _known(name, topology.faults, "fault", (*path, "faults"))


def _known(name: str, known: Iterable[str], what: str, path: Path) -> Iterator[Finding]:
    names = list(known)
    if name not in names:
        close = nearest(name, names)
        hint = f"did you mean `{close}`?" if close else f"known: {', '.join(names) or 'none'}"
        yield Finding(path, f"there is no {what} `{name}`", hint)


def _metric(word: str, topology: Topology, path: Path) -> Iterator[Finding]:
    parts = word.split(".")
    if parts[0] == "classes" and len(parts) > 2:
        yield from _known(parts[1], topology.requests, "class", path)
        parts = parts[2:]
    if parts[0] == "components" and len(parts) > 2:
        components = {*topology.components, *_added(topology)}
        yield from _known(parts[1], components, "component", path)
        yield from _known(parts[2], OF_A_COMPONENT, "measure of a component", path)
    elif parts[0] == "paper":
        if parts[1:] != ["capacity_rps"]:
            yield from _known(".".join(parts[1:-1]), topology.components, "component", path)
    elif parts[0] != "stable" and parts[0] not in MEASURED:
        yield from _known(parts[0], {*known_metrics(topology), "stable"}, "metric", path)


def _added(topology: Topology) -> set[str]:
    """Components that only a variant has."""
    return {
        name
        for variant in topology.variants.values()
        for name, patch in (variant.components or {}).items()
        if patch is not None
    }


def _placeholder(word: str, topology: Topology, path: Path) -> Iterator[Finding]:
    block, _, name = word.strip().partition(".")
    blocks: dict[str, Iterable[str]] = {
        "estimates": topology.estimates,
        "given": topology.given,
        "claims": topology.claims,
    }
    if block in blocks:
        yield from _known(name, blocks[block], block.removesuffix("s"), path)
    elif block == "variants":
        variant, _, metric = name.partition(".")
        yield from _known(variant, topology.variants, "variant", path)
        yield from _metric(metric, topology, path)
    else:
        yield from _metric(word.strip(), topology, path)
