"""``simulate explain NAME``: a kind, a step, a metric or an error code in detail."""

from typing import Annotated, Any

import typer


def explain(
    name: Annotated[str, typer.Argument(help="A kind, step, arrival process, metric or code.")],
) -> None:
    """What a name means: the model, its fields with units and defaults, or an error code."""
    import simulator.topology.kinds  # noqa: F401  (registers the kinds)
    from simulator.cli.app import fail
    from simulator.metrics.catalogue import METRICS
    from simulator.quantities.refusal import nearest
    from simulator.topology.catalogue import every_name, found
    from simulator.topology.codes import CODES, explain_code

    if name.upper() in CODES:
        typer.echo(explain_code(name.upper()))
        return
    if name in METRICS:
        metric = METRICS[name]
        typer.secho(f"  {name}", bold=True)
        typer.echo(f"  {metric.sentence}\n  unit: {metric.unit}; measured as: {metric.measures}")
        return
    match = found(name)
    if match is None:
        close = nearest(name, [*every_name(), *METRICS, *CODES])
        fail(f"nothing is called `{name}`", f"did you mean `{close}`?" if close else "")
    _show(name, *match)


def _show(name: str, shelf: str, cls: type[Any]) -> None:
    import inspect

    typer.secho(f"  {name}  ({shelf})", bold=True)
    for line in (inspect.getdoc(cls) or "").splitlines():
        typer.echo(f"  {line}".rstrip())
    fields = getattr(cls, "model_fields", {})
    if not fields:
        return
    typer.echo()
    typer.secho("  fields", bold=True)
    texts = cls.field_descriptions() if hasattr(cls, "field_descriptions") else {}
    for field_name, field in fields.items():
        if field_name == "kind":
            continue
        need = "required" if field.is_required() else f"default {_default(field)}"
        typer.echo(f"    {field_name}: {need}")
        for line in (texts.get(field_name) or field.description or "").splitlines():
            typer.echo(f"        {line}")


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if value in ([], {}):
        return "empty"
    return str(value) if isinstance(value, str | int | float | bool) else "as described"
