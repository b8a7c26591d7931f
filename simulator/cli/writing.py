"""A run on disk: the result, the tables behind the figures, and the report."""

import json
import os
from pathlib import Path
from typing import Any

from simulator.cli.app import fail
from simulator.studies.run import RunResult
from simulator.topology.reading import Loaded

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


def write_report(result: RunResult, folder: Path, loaded: Loaded, command: str) -> None:
    """Write the result and its report; either both files are whole or nothing is changed."""
    from simulator.metrics.tables import report_tables
    from simulator.present.html.page import render_report

    tables = report_tables(result.recordings, result.findings)
    provenance = _provenance(result, loaded, command)
    saved = {"document": result.document, "tables": {**tables, **provenance}}
    text = json.dumps(saved, ensure_ascii=False)
    page = render_report(saved["document"], saved["tables"])
    _write(folder / RUN_FILE, text)
    _write(folder / REPORT_FILE, page)


def render_again(folder: Path) -> Path:
    """Render the report of a saved run; no simulation."""
    from simulator.present.html.page import render_report

    path = folder / RUN_FILE if folder.is_dir() else folder
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        page = render_report(saved["document"], saved["tables"])
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}", "give the folder of a saved run")
    except (ValueError, KeyError, TypeError):
        fail(f"{path} is not a saved run", "give the folder that `simulate` wrote its report to")
    target = path.parent / REPORT_FILE
    _write(target, page)
    return target


def _provenance(result: RunResult, loaded: Loaded, command: str) -> dict[str, Any]:
    from importlib.metadata import version
    from io import StringIO

    from ruamel.yaml import YAML

    from simulator.topology.diagram import links

    text = StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.dump(loaded.data, text)
    packages = ("capacity-simulator", "simpy", "numpy", "scipy")
    return {
        "provenance": {
            "command": command,
            "topology_yaml": text.getvalue(),
            "versions": {name: version(name) for name in packages},
        },
        "topology": links(result.topology),
    }


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(path.suffix + ".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
