"""A run on disk: the result, the tables behind the figures, and the report."""

import json
import os
from pathlib import Path
from typing import Any

from simulator.cli.app import fail
from simulator.cli.studying import STUDY_FILE, write_text
from simulator.studies.run import RunResult

RUN_FILE = "run.json"
REPORT_FILE = "index.html"


def prepare_folder(folder: Path) -> Path:
    """Make sure, before the run, that the folder can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"cannot write the report to {folder}: {error.strerror}", "choose another with --out")
    if not os.access(folder, os.W_OK):
        fail(f"cannot write the report to {folder}: permission denied", "choose another with --out")
    return folder


def write_report(result: RunResult, folder: Path, command: str) -> None:
    """Write the result and its report; each file is whole or not there."""
    from simulator.metrics.tables import report_tables
    from simulator.present.html.report import render_report
    from simulator.topology.callers import called_by

    components = result.topology.components
    tables = report_tables(
        result.recordings,
        result.findings,
        kinds={name: component.kind for name, component in components.items()},
        links=[
            (name, target)
            for name, component in components.items()
            for target in dict.fromkeys(called_by(component))
        ],
    )
    document = {**result.document, "command": command}
    text = json.dumps({"document": document, "tables": tables}, ensure_ascii=False)
    page = render_report(document, tables)
    write_text(folder / RUN_FILE, text)
    write_text(folder / REPORT_FILE, page)


def render_again(folder: Path) -> Path:
    """Render the page of a saved run or study; no simulation."""
    files = [folder / RUN_FILE, folder / STUDY_FILE] if folder.is_dir() else [folder]
    path = next((file for file in files if file.exists()), files[0])
    try:
        page = _page_of(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}", "give the folder of a saved run")
    except (ValueError, KeyError, TypeError):
        fail(f"{path} is not a saved run", "give the folder that `simulate` wrote its report to")
    target = path.parent / REPORT_FILE
    write_text(target, page)
    return target


def _page_of(saved: Any) -> str:
    from simulator.present.html.report import render_report
    from simulator.present.html.study import render_study

    study = saved.get("study")
    if study is None:
        return render_report(saved["document"], saved["tables"])
    document = {name: value for name, value in saved.items() if name != "command"}
    return render_study(document, saved.get("command", ""))
