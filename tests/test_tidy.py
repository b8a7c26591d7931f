"""Properties of the code itself, kept by a test."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "simulator").rglob("*.py"))
BANNED_NAMES = {"utils", "helpers", "helper", "manager", "misc", "common", "data", "info"}
MODEL_CODE = ("kernel", "components", "steps", "policies", "faults", "workload", "serving")
BANNED_IMPORTS = {"random", "datetime"}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """Every function of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400, "a file of more than 400 lines holds a second idea"
    assert path.stem not in BANNED_NAMES and path.parent.name not in BANNED_NAMES
    tree = ast.parse(text)
    assert ast.get_docstring(tree) or not text.strip(), "a module says what it is"
    for function in functions(tree):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= 70, f"{function.name} has {length} lines"
    if path.relative_to(ROOT / "simulator").parts[0] in MODEL_CODE:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = {alias.name.split(".")[0] for alias in node.names}
                assert not names & BANNED_IMPORTS, "randomness comes from named streams"


def test_public_names_are_documented() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in SOURCES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not missing


@pytest.mark.parametrize("document", ["topology", "workload"])
def test_schema_is_current(document: str) -> None:
    """The files that editors read; `simulate schema NAME > schema/NAME.schema.json` makes them."""
    from simulator.topology.schema import json_schema

    path = ROOT / "schema" / f"{document}.schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(
        json.dumps(json_schema(document))
    )
