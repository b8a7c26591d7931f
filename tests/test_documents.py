"""What the documents show is what the commands print."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
TAKING: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "take_outputs.py"))
SHOWN = [
    pytest.param(shown, id=shown.command, marks=pytest.mark.slow)
    for document in TAKING["DOCUMENTS"]
    for shown in TAKING["shown_in"](document)
]


def test_there_are_outputs_to_compare() -> None:
    assert len(SHOWN) >= 6


@pytest.mark.parametrize("shown", SHOWN)
def test_an_output_is_what_the_command_prints(shown: Any) -> None:
    assert TAKING["output_of"](shown.command) == shown.output


def test_the_guide_shows_the_file_that_it_runs() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "guide.md").read_text(), re.S)
    assert blocks == [(ROOT / "docs" / "shop.yaml").read_text()]
