"""``simulate explain NAME``: a kind, a step, a metric, a field or an error code in detail."""

import textwrap
from collections.abc import Iterator
from typing import Annotated, Any

import typer

PLACES = 6
OURS = "simulator.quantities"


def explain(
    name: Annotated[
        str,
        typer.Argument(
            help="A kind, step, fault, policy, field, metric, code, GPU, model, or `units`."
        ),
    ],
) -> None:
    """What a name means: a kind with its fields, a GPU or model with sources, an error code."""
    import simulator.topology.kinds  # noqa: F401  (registers the kinds)
    from simulator.cli.app import fail
    from simulator.cli.hardware import hardware_lines, hardware_names
    from simulator.metrics.catalogue import METRICS
    from simulator.quantities.refusal import nearest
    from simulator.topology.catalogue import every_name, fields_called, found
    from simulator.topology.codes import CODES, explain_code

    if name == "units":
        _show_units()
        return
    if name.upper() in CODES:
        for line in explain_code(name.upper()).splitlines():
            _paragraph(line, "")
        return
    if name[:1] == "p" and name[1:].strip("()").replace(".", "", 1).isdigit():
        part = name[1:].strip("()")
        text = f"The latency (or another metric) that {part} % of the requests do not exceed."
        typer.secho(f"  {name}  (percentile)", bold=True)
        _paragraph(f"{text} Thresholds write it `p({part})<800ms`.", "  ")
        return
    known = False
    if name in METRICS:
        metric = METRICS[name]
        typer.secho(f"  {name}  (metric)", bold=True)
        _paragraph(metric.sentence, "  ")
        typer.echo(f"  unit: {metric.unit}; measured as: {metric.measures}")
        known = True
    match = found(name)
    if match is not None:
        if known:
            typer.echo()
        _show(name, *match)
        return
    places = fields_called(name)
    if places:
        if known:
            typer.echo()
        _show_field(name, places)
        return
    lines = [] if known else hardware_lines(name)
    for line in lines:
        _paragraph(line, "  ")
    if not known and not lines:
        hardware = [*hardware_names("gpus"), *hardware_names("models")]
        close = nearest(name, [*every_name(), *METRICS, *CODES, "units", *hardware])
        hint = f"did you mean `{close}`?" if close else "`simulate list` shows what there is"
        fail(f"nothing is called `{name}`", hint)


def _show_units() -> None:
    from simulator.cli.units import unit_lines

    typer.secho("  units", bold=True)
    for line in unit_lines():
        typer.echo(f"  {line}".rstrip())


def _show(name: str, shelf: str, cls: type[Any]) -> None:
    typer.secho(f"  {name}  ({shelf})", bold=True)
    for line in _spec_lines(cls):
        typer.echo(line)


def _show_field(name: str, places: dict[str, tuple[str, type[Any] | None]]) -> None:
    """A field: what it says, where it may stand, and what it holds."""
    typer.secho(f"  {name}  (field)", bold=True)
    texts: dict[str, list[str]] = {}
    for owner, (text, _) in places.items():
        texts.setdefault(text, []).append(owner)
    for text, owners in texts.items():
        more = f" and {len(owners) - PLACES} more" if len(owners) > PLACES else ""
        _paragraph(f"of {', '.join(owners[:PLACES])}{more}: {text}", "  ")
    for held in dict.fromkeys(held for _, held in places.values() if held is not None):
        typer.echo()
        for line in _spec_lines(held):
            typer.echo(line)


def _spec_lines(cls: type[Any]) -> Iterator[str]:
    """The documentation of a spec, and its fields with defaults."""
    import inspect

    for line in (inspect.getdoc(cls) or "").splitlines():
        yield f"  {line}".rstrip()
    kinds = getattr(cls, "kinds", {})
    if kinds and cls.is_family():
        yield ""
        yield f"  one of: {', '.join(sorted(kinds))}"
    fields = getattr(cls, "model_fields", {})
    if not fields:
        return
    yield ""
    yield "  fields"
    texts = cls.field_descriptions() if hasattr(cls, "field_descriptions") else {}
    for field_name, field in fields.items():
        if field_name == "kind":
            continue
        need = "required" if field.is_required() else f"default {_default(field)}"
        yield f"    {field.alias or field_name}: {need}"
        for line in (texts.get(field_name) or field.description or "").splitlines():
            yield f"        {line}"


def _paragraph(text: str, lead: str) -> None:
    """Text no wider than the terminal; code keeps its indentation."""
    from simulator.cli.app import terminal_width

    width = min(terminal_width(), 100)
    if text.startswith(" ") or len(text) + len(lead) <= width:
        typer.echo(f"{lead}{text}")
        return
    for line in textwrap.wrap(text, width, initial_indent=lead, subsequent_indent=lead):
        typer.echo(line)


def _default(field: Any) -> str:
    """The default as a document would have it."""
    from simulator.present.numbers import seconds
    from simulator.quantities.distributions.constants import Constant

    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if value in ([], {}):
        return "empty"
    if isinstance(value, Constant):
        value = value.value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        parts = [getattr(item, "json_schema", None) or {} for item in field.metadata]
        is_time = any("Duration" in str(part.get("x-part")) for part in parts)
        return seconds(value) if is_time else f"{value:g}"
    plain = isinstance(value, str | int | float) or type(value).__module__.startswith(OURS)
    return str(value) if plain else "as described"
