"""Where the figures come from."""

from collections.abc import Sequence

from simulator.present.html.blocks import Block, Download, Facts, Listing, Report
from simulator.present.html.section import Section
from simulator.present.numbers import count, seconds


class Provenance(Section):
    """Inputs as they were resolved, versions, seed, and the data to go on with."""

    name = "provenance"
    title = "Provenance"
    order = 110

    def blocks(self, report: Report) -> Sequence[Block]:
        document = report.document
        source = document.get("provenance") or {}
        run = document["run"]
        pairs = [("topology", document["topology"])]
        if document.get("workload"):
            pairs.append(("workload", str(document["workload"])))
        pairs += [("seed", str(document["seed"]))]
        pairs += [(name, str(version)) for name, version in source.get("versions", {}).items()]
        if source.get("digest"):
            pairs.append(("digest of the inputs", source["digest"]))
        pairs.append(("events simulated", count(run["events"])))
        pairs.append(("simulated time, all replications", seconds(run["simulated_s"])))
        if run.get("elapsed_s") is not None:
            pairs.append(("real time", seconds(run["elapsed_s"])))
        blocks: list[Block] = [Facts(pairs)]
        blocks += [
            Listing(f"The {name}, resolved", source[name])
            for name in ("topology", "workload")
            if source.get(name)
        ]
        blocks.append(Download("Save the data as JSON", f"{document['topology']}.json"))
        return blocks
