"""What the design document says, and whether it is so."""

from collections.abc import Sequence

from simulator.present.html.blocks import Block, DataTable, Document, Prose, Report
from simulator.present.html.section import Section

ESTIMATES = {"agrees": "pass", "close": "unsure", "off": "fail", "wrong unit": "fail",
             "no value": "fail"}  # fmt: skip
CLAIMS = {"holds": "pass", "fails": "fail", "unsure": "unsure"}
MANY = {"fails": "fail", "holds": "hold"}
ORDER = ("fails", "unsure", "holds", "not simulated", "not run")


class Promises(Section):
    """Estimates on paper and documented promises, each with its verdict."""

    name = "promises"
    title = "Estimates and promises"
    order = 70

    def blocks(self, report: Report) -> Sequence[Block]:
        estimates = report.document.get("estimates") or []
        claims = report.document.get("claims") or []
        if report.document.get("interview") is not None:
            return []  # the interview has them
        blocks: list[Block] = []
        if claims:
            blocks += [Prose([_counts(claims)]), _claims(claims)]
        if estimates:
            blocks.append(_estimates(estimates))
        return blocks


def _counts(claims: Sequence[Document]) -> str:
    counts = [(name, sum(claim["status"] == name for claim in claims)) for name in ORDER]
    told = ", ".join(
        f"{number} {name if number == 1 else MANY.get(name, name)}"
        for name, number in counts if number
    )  # fmt: skip
    open_ = [claim for claim in claims if claim["status"] == "not run"]
    more = f" To decide the open ones, {open_[0]['reason']}." if open_ else ""
    return f"Of {len(claims)} promises: {told}.{more}"


def _claims(claims: Sequence[Document]) -> DataTable:
    return DataTable(
        caption="Promises of the design document, worst first. One holds if its whole 95% "
        "interval is on the right side, fails if all of it is on the wrong side, and is unsure "
        "otherwise. They are checked under the conditions they name, in runs of their own.",
        columns=("promise", "expected", "value", "result", "from", "why"),
        rows=[
            (
                claim["text"],
                claim.get("expected") or claim["expect"] or "–",
                claim["shown"] if claim["value"] is not None else "–",
                claim["status"],
                claim["place"],
                _why(claim),
            )
            for claim in claims
        ],
        words=frozenset({1, 2, 3, 4, 5}),
        status=3,
        statuses=[CLAIMS.get(claim["status"], "") for claim in claims],
        stacked=True,
    )


def _why(claim: Document) -> str:
    reason = "" if claim["status"] == "not run" else claim["reason"]
    how = claim["how"] if claim["way"] != "metric" else f"`{claim['how']}`"
    parts = (how, claim["conditions"], reason, claim["note"])
    return "; ".join(part for part in parts if part) or "–"


def _estimates(estimates: Sequence[Document]) -> DataTable:
    return DataTable(
        caption="Estimates, computed with units and compared with the document: agrees is within "
        "5%, close within 20%.",
        columns=("estimate", "on the board", "the document says", "verdict", "from", "remark"),
        rows=[
            (
                item["text"] or item["name"].replace("_", " "),
                item["derivation"],
                item["documented"] or "–",
                item["finding"],
                item["section"] or "our own",
                item["note"] or "–",
            )
            for item in estimates
        ],
        words=frozenset({1, 2, 3, 4, 5}),
        status=3,
        statuses=[ESTIMATES.get(item["verdict"], "") for item in estimates],
        stacked=True,
    )
