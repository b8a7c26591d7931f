"""Take every output that the documents show anew: ``python docs/take_outputs.py [FILE ...]``.

A block of text after ``<!-- output of: COMMAND -->`` is what that command prints, in a terminal of
100 columns. Each command runs in a folder of its own that sees the repository's files, so nothing
is written into the repository but the outputs.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "guide.md")
SEEN = ("docs", "topologies", "workloads")
COLUMNS = 100
BLOCK = re.compile(r"<!-- output of: (?P<command>[^\n]+) -->\n```text\n(?P<output>.*?)```", re.S)


@dataclass(frozen=True)
class Shown:
    """A command and the output that a document shows of it."""

    command: str
    output: str


def shown_in(document: Path) -> Iterator[Shown]:
    """The outputs that a document shows."""
    for found in BLOCK.finditer(document.read_text(encoding="utf-8")):
        yield Shown(found["command"], found["output"])


def output_of(command: str) -> str:
    """What the command prints, without blanks at the ends of lines."""
    words = shlex.split(command)
    assert words[0] == "simulate", command
    with tempfile.TemporaryDirectory() as folder:
        for name in SEEN:
            (Path(folder) / name).symlink_to(ROOT / name)
        done = subprocess.run(
            [sys.executable, "-m", "simulator", *words[1:]],
            cwd=folder,
            env=os.environ | {"COLUMNS": str(COLUMNS), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"


def main() -> None:
    """Write the outputs into the documents named, or into all."""
    for document in [Path(word) for word in sys.argv[1:]] or DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for shown in shown_in(document):
            print(shown.command, flush=True)
            block = f"<!-- output of: {shown.command} -->\n```text\n"
            text = text.replace(block + shown.output, block + output_of(shown.command), 1)
        document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
