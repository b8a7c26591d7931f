"""The generated pages are those of the topologies as they are.

Everything that needs no run is computed again for every card; whole cards are made again for the
smallest ones in the slow test. Seeds are fixed, so the comparison is exact to the six digits
that ``claims.json`` keeps.
"""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from simulator.interview.blocks import to_markdown
from simulator.interview.card import card, title_of
from simulator.interview.material import gather
from simulator.interview.pages import AGAIN, PAGE, claims_page, digest_of, read_found
from simulator.metrics.tables import rounded
from simulator.studies.claims import check_claims_of
from simulator.studies.estimates import estimates_of
from simulator.topology.library import topology_names, topology_path
from simulator.topology.reading import load_topology

BARE = re.compile(r"[-+<>=±~]*[0-9][0-9 \N{NO-BREAK SPACE}.,]*[kMBT]?(?: \([^A-Za-z%$]*\))?")
REPORTS = Path(__file__).parents[2] / "reports"
FOUND = read_found(REPORTS)
SAMPLE = sorted(FOUND, key=lambda name: (len(topology_path(name).read_text("utf-8")), name))


def test_every_topology_has_its_card() -> None:
    assert set(FOUND) == set(topology_names()), f"run `{AGAIN}`"
    assert all((REPORTS / f"{name}.md").exists() for name in FOUND)


def test_no_claim_expects_another_unit_than_it_measures() -> None:
    claims = [claim for each in FOUND.values() for claim in each["claims"]]
    assert [claim["name"] for claim in claims if claim["reason"].startswith("wrong unit")] == []


@pytest.mark.parametrize("name", sorted(FOUND))
def test_the_pages_are_of_the_file_as_it_is(name: str) -> None:
    assert FOUND[name]["digest"] == digest_of(topology_path(name)), f"run `{AGAIN} {name}`"


def test_the_page_of_claims_shows_what_was_found() -> None:
    assert (REPORTS / PAGE).read_text("utf-8") == claims_page(FOUND)


@pytest.mark.parametrize("name", sorted(FOUND))
def test_no_cell_of_a_card_is_a_bare_number(name: str) -> None:
    lines = (REPORTS / f"{name}.md").read_text("utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    assert sum(len(row) for row in rows) > 100
    assert [cell for row in rows for cell in row if BARE.fullmatch(cell.strip())] == []


@pytest.mark.parametrize("name", sorted(FOUND))
def test_estimates_and_formulas_are_current(name: str) -> None:
    loaded = load_topology(name)
    estimates = [asdict(item) for item in estimates_of(loaded.topology)]
    assert rounded(estimates) == FOUND[name]["estimates"]
    computed = [key for key, claim in loaded.topology.claims.items() if claim.metric is None]
    check = check_claims_of(loaded.topology, loaded.data, only=computed)
    assert _data(check.claims) == [
        claim for claim in FOUND[name]["claims"] if claim["way"] != "metric"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE[:2])
def test_a_card_that_is_made_again_is_the_same(name: str) -> None:
    loaded = load_topology(name)
    material = gather(loaded.topology, loaded.data)
    assert _data(material.claims) == FOUND[name]["claims"]
    page = to_markdown(title_of(material), card(material))
    assert page == (REPORTS / f"{name}.md").read_text("utf-8")


def _data(claims: list[Any]) -> Any:
    return rounded([asdict(claim) for claim in claims])
