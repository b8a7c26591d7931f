"""Writes the cards of topologies and the page of all claims into ``reports/``."""

import argparse
import sys
from pathlib import Path


def main() -> None:
    """``python -m simulator.interview [TOPOLOGY ...]``: all that we ship if none is named."""
    from simulator.interview.pages import write_pages
    from simulator.topology.library import topology_names

    parser = argparse.ArgumentParser(prog="python -m simulator.interview", description=__doc__)
    parser.add_argument("topologies", nargs="*", help="files or names; all we ship if none")
    parser.add_argument("--out", type=Path, default=Path("reports"), help="folder")
    parser.add_argument("-j", "--jobs", type=int, default=None, help="processes")
    words = parser.parse_args()

    def told(what: str) -> None:
        print(what, file=sys.stderr)

    write_pages(words.topologies or topology_names(), words.out, jobs=words.jobs, told=told)


if __name__ == "__main__":
    main()
