"""``simulate sweep TOPOLOGY --over PATH=RANGE``: a design at many points."""

from pathlib import Path
from typing import Annotated, Any

import typer

from simulator.cli import studying as words
from simulator.cli.app import fail
from simulator.cli.exit_codes import INTERRUPTED


def sweep(
    topology: Annotated[str, typer.Argument(help="A topology file, or the name of one we ship.")],
    over: Annotated[
        list[str] | None, typer.Option("--over", help="rps=100..2000:12, gpu_pool.replicas=4,6,8.")
    ] = None,
    lhs: Annotated[
        int | None, typer.Option("--lhs", min=1, help="So many points, instead of the grid.")
    ] = None,
    points: Annotated[
        Path | None, typer.Option("--points", help="CSV file: a column a path, a row a point.")
    ] = None,
    out: Annotated[
        list[Path] | None, typer.Option("--out", help="Table: sweep.csv or sweep.parquet.")
    ] = None,
    rps: words.Rps = None,
    workload: words.Workload = None,
    duration: words.Duration = None,
    requests: words.Requests = None,
    settings: words.Settings = None,
    thresholds: words.Thresholds = None,
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
    """Run a design at many points and tabulate every metric with its interval."""
    from simulator.present.studies.sweep import sweep_lines
    from simulator.studies.sweep import plan_sweep
    from simulator.studies.sweep import sweep as swept

    for path in out or ():
        if path.suffix not in (".csv", ".parquet"):
            fail(f"--out: cannot write {path.name}", "end it in .csv or .parquet")
    options = words.run_options(
        rps=rps, workload=workload, duration=duration, requests=requests, seed=seed,
        replications=replications, thresholds=thresholds or (),
    )  # fmt: skip
    ranges = words.ranges_of(over, "--over")
    design = words.load_design_or_fail(topology, settings)
    with words.bench_of(jobs, backend, scheduler, store, no_store, quiet) as bench:
        listed = _listed(points) if points is not None else []
        plan = plan_sweep(ranges, lhs=lhs, points=listed, seed=seed)
        words.tell_idle_rps(design.topology, options)
        result = swept(design, plan, options, bench)
    document = result.document
    tables = [str(put_table(document, path)) for path in out or ()]
    words.put_out(
        document,
        lambda again, page: sweep_lines(document, again, page, tables),
        as_json=json_,
        report=report and bool(result.rows),
        names=(design.name, "sweep", "-".join(result.paths)),
    )
    if document["interrupted"]:
        words.leave(INTERRUPTED)


def _listed(path: Path) -> list[list[tuple[str, Any]]]:
    import csv

    from simulator.studies.design import RATE_WORDS, pairs_of
    from simulator.studies.errors import StudyError

    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            header = [name.strip() for name in reader.fieldnames or ()]
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise StudyError(f"--points: cannot read {path}: {reason}") from None
    if not rows:
        raise StudyError(f"--points: {path} has no rows", "a header of paths, then a row a point")
    paths = ["rps" if name in RATE_WORDS else name for name in header]
    twice = next((name for name in header if paths.count(paths[header.index(name)]) > 1), None)
    if twice is not None:
        raise StudyError(f"--points: `{twice}` is given twice in the header of {path}")
    if any(None in row or None in row.values() for row in rows):
        raise StudyError(f"--points: rows of {path} are not as long as its header")
    return [pairs_of([f"{name}={value}" for name, value in row.items()]) for row in rows]


def put_table(document: dict[str, Any], path: Path) -> Path:
    """The table under its name; of an interrupted sweep beside it, so that a whole one stays."""
    beside = path.with_suffix(f".partial{path.suffix}")
    if document["interrupted"]:
        _write_table(document, beside)
        typer.echo(f"interrupted: the points so far are in {beside}", err=True)
        return beside
    _write_table(document, path)
    beside.unlink(missing_ok=True)
    return path


def _write_table(document: dict[str, Any], path: Path) -> None:
    from simulator.present.studies.sweep import sweep_csv

    if path.suffix == ".csv":
        words.write_text(path, sweep_csv(document))
        return
    import io

    import pandas

    data = io.BytesIO()
    try:
        pandas.DataFrame(document["rows"]).to_parquet(data, index=False)
    except ImportError:
        fail("--out: Parquet needs pyarrow", "pip install 'capacity-simulator[parquet]'")
    words.write_text(path, data.getvalue())
