"""``new``, ``diagram``, ``check --claims`` and ``interview`` from the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SMALL = """\
name: desk
rate: 50 rps
requests: {visit: {entry: desk}}
components:
  desk: {kind: service, workers: 1, steps: [{work: {exponential: {mean: 10ms}}}]}
claims:
  fast: {text: it is fast, own: true, metric: latency.mean, expect: "<10s", requests: 4k}
  big: {text: it is large, own: true, formula: 3 GB, expect: ">4 GB"}
run: {requests: 4k}
"""


def simulate(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_new_copies_a_design_that_runs_under_its_own_name(tmp_path: Path) -> None:
    made = simulate("new", "my_gateway", "--from", "llm_gateway", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "my_gateway.yaml").read_text()
    assert "name: my_gateway" in text
    assert simulate("check", "my_gateway.yaml", folder=tmp_path).returncode == 0
    again = simulate("new", "my_gateway", folder=tmp_path)
    assert again.returncode == 2
    assert "exists" in again.stderr
    assert simulate("new", "no/name", folder=tmp_path).returncode == 2


def test_a_diagram_goes_to_a_file_or_the_terminal(tmp_path: Path) -> None:
    shown = simulate("diagram", "llm_gateway", folder=tmp_path)
    assert shown.stdout.startswith("flowchart LR")
    written = simulate(
        "diagram", "llm_gateway", "--format", "svg", "--out", "a.svg", folder=tmp_path
    )
    assert written.returncode == 0
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    assert simulate("diagram", "llm_gateway", "--format", "png", folder=tmp_path).returncode == 2


def test_check_claims_says_what_fails_first_and_exits_99(tmp_path: Path) -> None:
    (tmp_path / "desk.yaml").write_text(SMALL)
    found = simulate("check", "--claims", "desk.yaml", folder=tmp_path)
    assert found.returncode == 99, found.stderr
    assert found.stdout.index("it is large") < found.stdout.index("it is fast")
    assert "1 fails, 1 holds" in found.stdout
    data = simulate("check", "--claims", "--format", "json", "desk.yaml", folder=tmp_path)
    assert {claim["status"] for claim in json.loads(data.stdout)["claims"]} == {"fails", "holds"}


def test_interview_writes_a_page_and_plain_data(tmp_path: Path) -> None:
    (tmp_path / "desk.yaml").write_text(SMALL)
    made = simulate("interview", "desk.yaml", "--out", ".", "--no-drill", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "desk.md").read_text().startswith("# desk")
    data = simulate("interview", "desk.yaml", "--format", "json", "--no-drill", folder=tmp_path)
    sections = json.loads(data.stdout)["sections"]
    assert sections[-1]["title"] == "Claims of the document"


def test_interview_is_a_section_of_the_report_of_its_run(tmp_path: Path) -> None:
    (tmp_path / "desk.yaml").write_text(SMALL)
    shown = simulate("interview", "desk.yaml", "--no-drill", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    folder = tmp_path / "reports" / "desk" / "interview"
    page = (folder / "index.html").read_text("utf-8")
    order = [page.index(f'<section id="{name}"') for name in ("verdict", "interview", "latency")]
    assert order == sorted(order)
    assert "At 2x, 10x and 100x" in page
    assert str(folder.relative_to(tmp_path) / "index.html") in shown.stdout
    again = simulate("report", str(folder), folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert (folder / "index.html").read_text("utf-8") == page
