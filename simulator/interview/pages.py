"""The generated pages: a card of each topology, and the claims of all of them.

``claims.json`` holds what was found for each topology with a digest of its file, so that pages can
be made again for one topology, and a test can tell which are out of date without running them.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulator.interview.blocks import to_markdown
from simulator.interview.card import card, title_of
from simulator.interview.claims_table import SLIPS, counts_of, escaped, markdown_table
from simulator.interview.material import Told, gather
from simulator.metrics.tables import rounded
from simulator.studies.claims import SEED, Checked
from simulator.studies.estimates import Computed
from simulator.topology.reading import load_topology

DATA = "claims.json"
PAGE = "claims.md"
AGAIN = "python -m simulator.interview"

Data = dict[str, Any]


def write_pages(
    names: Sequence[str], folder: Path, *, jobs: int | None = None, told: Told | None = None
) -> None:
    """Run and write the card of each topology, and bring the page of all claims up to date."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        loaded = load_topology(name)
        say = told or (lambda _: None)

        def tell(what: str, name: str = name, say: Told = say) -> None:
            say(f"{name}: {what}")

        material = gather(loaded.topology, loaded.data, jobs=jobs, told=tell)
        page = to_markdown(title_of(material), card(material))
        (folder / f"{loaded.topology.name}.md").write_text(page, encoding="utf-8")
        found = read_found(folder)
        found[loaded.topology.name] = {
            "digest": digest_of(loaded.path),
            "claims": [asdict(claim) for claim in material.claims],
            "estimates": [asdict(item) for item in material.estimates],
        }
        _write_found(folder, found)


def write_claims_page(folder: Path) -> None:
    """Write the page of all claims from what was found."""
    (folder / PAGE).write_text(claims_page(read_found(folder)), encoding="utf-8")


def digest_of(path: Path) -> str:
    """Identity of the text of a topology."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_found(folder: Path) -> dict[str, Data]:
    """What was found so far, by topology."""
    path = folder / DATA
    found: dict[str, Data] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def _write_found(folder: Path, found: dict[str, Data]) -> None:
    ordered = {name: rounded(found[name]) for name in sorted(found)}
    text = json.dumps(ordered, indent=1, ensure_ascii=False)
    (folder / DATA).write_text(text + "\n", encoding="utf-8")
    write_claims_page(folder)


def claims_page(found: dict[str, Data]) -> str:
    """Every claim worst first, then the estimates whose documents are off."""
    return "\n".join(_claims_lines(found)) + "\n"


def _claims_lines(found: dict[str, Data]) -> Iterator[str]:
    claims = [Checked(**claim) for data in found.values() for claim in data["claims"]]
    estimates = [
        (name, Computed(**item)) for name, data in found.items() for item in data["estimates"]
    ]
    documented = [item for _, item in estimates if item.documented is not None]
    slips = [(name, item) for name, item in estimates if item.verdict in SLIPS]
    yield "# What the design documents promise, and whether it holds"
    yield ""
    yield (
        f"{len(claims)} claims of {len(found)} topologies: {counts_of(claims)}. "
        f"{len(documented)} documented estimates: {len(documented) - len(slips)} agree, "
        f"{len(slips)} do not."
    )
    yield ""
    yield (
        f"Written by `{AGAIN}` with seed {SEED}. A claim holds if its whole 95 % interval is on "
        "the right side, fails if all of it is on the wrong side, and is unsure otherwise. "
        "The source is the section that makes the promise; its figure stands there, too, if not "
        "another section is named or the bound is ours. Tolerances (±) are ours."
    )
    yield ""
    yield "## Claims, worst first"
    yield ""
    yield from markdown_table(claims)
    yield ""
    yield "## Estimates of the documents that are off"
    yield ""
    if not slips:
        yield "None."
        return
    yield "| topology | what | computed | the document says | finding | source |"
    yield "|---|---|---|---|---|---|"
    for name, item in sorted(slips, key=lambda slip: (-_distance(slip[1]), slip[0])):
        cells = (
            f"`{name}`",
            item.text or item.name,
            item.derivation,
            item.documented or "–",
            item.finding + (f" ({item.note})" if item.note else ""),
            f"{item.document}, {item.section}",
        )
        yield "| " + " | ".join(escaped(cell) for cell in cells) + " |"


def _distance(item: Computed) -> float:
    if not item.factor or item.factor <= 0:
        return float("inf")
    return max(item.factor, 1 / item.factor)
