"""Results for notebooks: tables as data frames, figures as Plotly, a summary as text and HTML.

They wrap what the studies return; ``document`` is the same JSON document that the command prints
with ``--json``.
"""

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure as PlotlyFigure

Document = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Result:
    """What a question about designs gave.

    ``document`` is plain data in SI units. Printing a result shows what the command shows; in a
    notebook it shows itself.
    """

    document: Document
    command: str = ""

    def to_frame(self) -> "DataFrame":
        """The main table as a pandas data frame, in SI units."""
        from pandas import DataFrame

        return DataFrame(self._rows())

    def figure(self, name: str | None = None) -> "PlotlyFigure":
        """A figure of the page by its name (see :meth:`figures`), the first without a name.

        Raises KeyError for a name that this result has no figure of.
        """
        from plotly.graph_objects import Figure

        drawn = self._drawings()
        if name is None and drawn:
            name = next(iter(drawn))
        if name not in drawn:
            known = ", ".join(drawn) or "none"
            raise KeyError(f"there is no figure {name!r} here; known: {known}")
        spec = drawn[name].spec
        return Figure(data=spec["data"], layout={**spec["layout"], "title": drawn[name].heading})

    def figures(self) -> list[str]:
        """Names of the figures that this result has."""
        return list(self._drawings())

    def to_html(self) -> str:
        """The page that the command writes: one file, no network."""
        from simulator.present.html.study import render_study

        return render_study(self.document, self.command)

    def __repr__(self) -> str:
        lines = [text for _, text in self._lines()]
        if not self.command and "  █ NEXT" in lines:  # No command asks the same question.
            lines = lines[: lines.index("  █ NEXT")]
        return "\n".join(lines).rstrip()

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"

    def _lines(self) -> Iterable[tuple[str, str]]:
        raise NotImplementedError

    def _rows(self) -> list[Document]:
        rows: list[Document] = self.document["rows"]
        return rows

    def _drawings(self) -> dict[str, Any]:
        from simulator.present.html.blocks import Drawing
        from simulator.present.html.page import compose
        from simulator.present.html.study import head_of, report_of

        report = report_of(self.document)
        page = compose(self.document["study"], head_of(self.document, self.command), report)
        return {
            block.name: block
            for section in page.sections
            for block in section.blocks
            if isinstance(block, Drawing) and block.spec is not None
        }


@dataclass(frozen=True, repr=False)
class Run(Result):
    """A run of one design."""

    tables: Document | None = None

    def to_html(self) -> str:
        """The report of the run as one HTML file."""
        from simulator.present.html.report import render_report

        return render_report({**self.document, "command": self.command}, self.tables or {})

    def _lines(self) -> Iterable[tuple[str, str]]:
        from simulator.present.terminal import summary_lines

        tail = ((self.tables or {}).get("breakdown") or [{"parts": []}])[-1]["parts"]
        spent = [part["wait_s"] + part["own_s"] for part in tail]
        total = sum(spent) or 1.0
        shares = [
            {"component": part["component"], "share": time_s / total}
            for part, time_s in zip(tail, spent, strict=True)
        ]
        return summary_lines(self.document, shares, [("again", self.command)])

    def _rows(self) -> list[Document]:
        return list(_metric_rows(self.document["metrics"], ()))

    def _drawings(self) -> dict[str, Any]:
        from simulator.present.html.blocks import Drawing, Report
        from simulator.present.html.page import compose
        from simulator.present.html.report import head_of

        page = compose("run", head_of(self.document), Report(self.document, self.tables or {}))
        return {
            block.name: block
            for section in page.sections
            for block in section.blocks
            if isinstance(block, Drawing) and block.spec is not None
        }


class Comparison(Result):
    """Designs side by side; a row a metric and design."""

    def to_markdown(self) -> str:
        """The comparison as a comment on a pull request."""
        from simulator.present.studies.compare import comparison_markdown

        return comparison_markdown(self.document)

    def _lines(self) -> Iterable[tuple[str, str]]:
        from simulator.present.studies.compare import comparison_lines

        return comparison_lines(self.document, self.command, None)

    def _rows(self) -> list[Document]:
        baseline = self.document["baseline"]
        return [
            {
                "metric": row["metric"],
                "design": name,
                "baseline": row["values"][baseline],
                "value": row["values"][name],
                "change": change["value"],
                "change_low": change["low"],
                "change_high": change["high"],
                "status": change["status"],
            }
            for row in self.document["rows"]
            for name, change in row["changes"].items()
        ]


class Capacity(Result):
    """The highest rate that meets the objectives; a row a rate that was run."""

    @property
    def rate(self) -> float | None:
        """The rate, per second; None if no rate meets the objectives, or every one."""
        value = self.document["capacity"]["value"]
        return None if value is None else float(value)

    def _lines(self) -> Iterable[tuple[str, str]]:
        from simulator.present.studies.capacity import capacity_lines

        return capacity_lines(self.document, self.command, None)

    def _rows(self) -> list[Document]:
        return [
            {name: value for name, value in line.items() if name != "objectives"}
            for line in self.document["curve"]
        ]


class Sweep(Result):
    """A design at many points; a row a point."""

    def _lines(self) -> Iterable[tuple[str, str]]:
        from simulator.present.studies.sweep import sweep_lines

        return sweep_lines(self.document, self.command, None)


@dataclass(frozen=True, repr=False)
class Sizing(Result):
    """The cheapest configuration that meets the objectives; a row a candidate."""

    use: str = ""
    """The command that runs the design as it was, without what was found."""

    @property
    def settings(self) -> Document | None:
        """Values of the winner by path; None if nothing meets the objectives."""
        winner = self.document["winner"]
        return None if winner is None else dict(winner["settings"])

    def _lines(self) -> Iterable[tuple[str, str]]:
        from simulator.present.studies.size import size_lines

        return size_lines(self.document, self.use, self.command, None)

    def _rows(self) -> list[Document]:
        return [
            {
                **item["settings"],
                "status": item["status"],
                "cost.per_hour": item["cost_per_hour_on_paper"],
                "utilization": item["utilization_on_paper"],
                "latency.p99": (item.get("latency.p99") or {}).get("value"),
            }
            for item in self.document["candidates"]
        ]


class Sensitivity(Result):
    """Parameters by their effect; a row a parameter and output."""

    def _lines(self) -> Iterable[tuple[str, str]]:
        from simulator.present.studies.sensitivity import sensitivity_lines

        return sensitivity_lines(self.document, self.command, None)

    def _rows(self) -> list[Document]:
        return [
            {"output": output, **row}
            for output, rows in self.document["effects"].items()
            for row in rows
        ]


class Drill(Result):
    """What happens when each part breaks; a row a case."""

    def _lines(self) -> Iterable[tuple[str, str]]:
        from simulator.present.drill import drill_lines

        return drill_lines(self.document)


@dataclass(frozen=True, repr=False)
class Card(Result):
    """The interview card of a design; a row a section."""

    markdown: str = ""

    def to_markdown(self) -> str:
        """The card as Markdown."""
        return self.markdown

    def to_html(self) -> str:
        """The card has no page of its own: it is a section of the report of a run."""
        from simulator.studies.errors import StudyError

        raise StudyError("the card is a section of the report of a run", f"run `{self.command}`")

    def __repr__(self) -> str:
        return self.markdown.rstrip()

    def _rows(self) -> list[Document]:
        rows: list[Document] = self.document["sections"]
        return rows

    def _drawings(self) -> dict[str, Any]:
        return {}


def _metric_rows(value: Any, path: tuple[str, ...]) -> Iterator[Document]:
    if not isinstance(value, dict):
        return
    if "value" in value and "low" in value:
        yield {"metric": ".".join(path), **value}
        return
    for name, item in value.items():
        yield from _metric_rows(item, (*path, name))
