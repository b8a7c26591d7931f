"""What a run tells about the promises of its design without running them."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from simulator.interview.pages import digest_of
from simulator.interview.promises import NOT_RUN, promises_of
from simulator.studies.claims import Checked
from simulator.topology.reading import Loaded, load_topology

DESIGN = """
name: shop
rate: 10 rps
requests: {all: {entry: web}}
components:
  web: {kind: delay, latency: 10ms}
estimates:
  daily: {formula: 10 rps * 1 day, documented: 864k requests, section: Numbers}
claims:
  quick: {text: it is quick, metric: latency.p(99), expect: <1s, section: Numbers}
  many: {text: it is many, formula: 10 rps * 1 day, expect: '>1M requests', section: Numbers}
source: {document: shop.md}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Loaded:
    path = tmp_path / "shop.yaml"
    path.write_text(DESIGN, encoding="utf-8")
    return load_topology(str(path))


def keep(loaded: Loaded, folder: Path, digest: str) -> None:
    claim = Checked(
        "shop", "quick", "it is quick", "metric", "holds", 0.01, 0.01, 0.01, "s", "<1s",
        "latency.p(99)", "", "Numbers", "Numbers", "shop.md", None,
    )  # fmt: skip
    found = {"shop": {"digest": digest, "claims": [asdict(claim)], "estimates": []}}
    (folder / "claims.json").write_text(json.dumps(found), encoding="utf-8")


def test_arithmetic_is_decided_and_runs_are_left_open(shop: Loaded, tmp_path: Path) -> None:
    found = promises_of(shop, tmp_path)
    assert [item["verdict"] for item in found["estimates"]] == ["agrees"]
    statuses = {claim["name"]: claim["status"] for claim in found["claims"]}
    assert statuses == {"many": "fails", "quick": NOT_RUN}
    assert found["claims"][0]["name"] == "many", "worst first"
    assert "simulate check --claims shop.yaml" in found["claims"][1]["reason"]


def test_kept_findings_count_only_for_the_file_as_it_stands(shop: Loaded, tmp_path: Path) -> None:
    keep(shop, tmp_path, digest_of(shop.path))
    quick = promises_of(shop, tmp_path)["claims"][1]
    assert quick["status"] == "holds" and quick["shown"] == "10 ms"
    keep(shop, tmp_path, "of another file")
    assert promises_of(shop, tmp_path)["claims"][1]["status"] == NOT_RUN
    keep(shop, tmp_path, digest_of(shop.path))
    changed = load_topology(str(shop.path), None, ("rate=20 rps",))
    assert promises_of(changed, tmp_path)["claims"][1]["status"] == NOT_RUN


def test_spoiled_findings_are_as_good_as_none(shop: Loaded, tmp_path: Path) -> None:
    (tmp_path / "claims.json").write_text("{", encoding="utf-8")
    assert promises_of(shop, tmp_path)["claims"][1]["status"] == NOT_RUN
