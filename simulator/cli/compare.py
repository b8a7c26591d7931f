"""``simulate compare A B``: designs side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from simulator.cli import studying as words
from simulator.cli.app import fail
from simulator.cli.exit_codes import DIFFERENT, THRESHOLD_FAILED


def compare(
    designs: Annotated[
        list[str], typer.Argument(help="Files, file@variant, names, or saved runs; baseline first.")
    ],
    rps: words.Rps = None,
    workload: words.Workload = None,
    duration: words.Duration = None,
    requests: words.Requests = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="PATH=VALUE: of one design makes the second, else for all."),
    ] = None,
    gates: Annotated[
        list[str] | None, typer.Option("--fail", help="Exit 99 beyond: 'latency.p(99):+5%'.")
    ] = None,
    flips: Annotated[
        bool | None,
        typer.Option("--flips/--no-flips", help="Try other rates for where the ranking turns."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every metric.")] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 4 if the designs differ.")
    ] = False,
    format_: Annotated[str, typer.Option("--format", help="text, markdown or json.")] = "text",
    md: Annotated[
        Path | None, typer.Option("--md", help="Also write Markdown, fit for a comment, here.")
    ] = None,
    seed: words.Seed = 42,
    replications: words.Replications = None,
    jobs: words.Jobs = None,
    backend: words.Backend = "loky",
    scheduler: words.Scheduler = None,
    store: words.StoreFolder = None,
    no_store: words.NoStore = False,
    json_: words.Json = False,
    report: words.Report = True,
    quiet: words.Quiet = False,
) -> None:
    """Compare designs on the same requests: what differs, what it changes, what would flip it."""
    from simulator.studies.compare import compare as compared
    from simulator.studies.gates import parse_gate

    if format_ not in ("text", "markdown", "json"):
        fail(f"--format: there is no format `{format_}`", "known: text, markdown, json")
    settings = set_ or []
    options = words.run_options(
        rps=rps, workload=workload, duration=duration, requests=requests, seed=seed,
        replications=replications,
    )  # fmt: skip
    one = len(designs) == 1
    loaded = [words.load_design_or_fail(word, None if one else settings) for word in designs]
    with words.bench_of(jobs, backend, scheduler, store, no_store, quiet) as bench:
        if one and settings:
            from simulator.studies.design import pairs_of

            loaded.append(loaded[0].varied(pairs_of(settings), name=", ".join(settings)))
        limits = [parse_gate(text) for text in gates or ()]
        words.tell_idle_rps(loaded[0].topology, options)
        result = compared(loaded, options, bench, gates=limits, flips=flips)
    label = _label(result.designs[1:] if one else result.designs)
    names = (loaded[0].topology.name, "compare", label)
    _put_out(result, "json" if json_ else format_, md, every, names=names, report=report)
    if result.failed:
        words.leave(THRESHOLD_FAILED)
    if detailed_exitcode and result.different:
        words.leave(DIFFERENT)


def _put_out(
    result: Any, format_: str, md: Path | None, every: bool, *, names: Sequence[str], report: bool
) -> None:
    from simulator.present.studies.compare import comparison_lines, comparison_markdown

    document = result.document
    if md is not None:
        words.write_text(md, comparison_markdown(document))
    if format_ == "markdown":
        typer.echo(comparison_markdown(document))
        return
    words.put_out(
        document,
        lambda again, page: comparison_lines(document, again, page, every),
        as_json=format_ == "json",
        report=report,
        names=names,
    )


def _label(names: Sequence[str]) -> str:
    """Names of designs as the name of a folder."""
    label = "-vs-".join(names)
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in label)[:80]
