"""What a notebook may say: designs in any form, and options with or without units.

Everything here turns words into what studies take, and says what is wrong with a word as the
reader of a notebook should hear it: ``TypeError`` for the wrong kind of thing, ``StudyError`` for
a value that cannot be read, ``DocumentError`` for a topology with mistakes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from simulator.studies.design import Design
    from simulator.studies.ranges import Range
    from simulator.studies.run import RunOptions

Quantity = float | str
"""A number in SI units, or text with a unit: ``30`` and ``"30s"``, ``500`` and ``"30k/min"``."""


class Options(TypedDict, total=False):
    """How to run a design, where it does not say so itself.

    ``requests`` counts over all replications, ``duration`` (s) is that of one; ``precision`` asks
    for replications until p99 is known so well; ``wall`` (s) and ``requests_max`` limit the run;
    ``thresholds`` such as ``"latency: p(99)<800ms"`` stand in for the objectives of the design.
    """

    workload: str | PathLike[str]
    faults: str | PathLike[str]
    duration: Quantity
    requests: Quantity
    warmup: Quantity
    seed: int
    replications: int
    precision: Quantity
    jobs: int
    wall: Quantity
    requests_max: Quantity
    thresholds: Sequence[str]


def design_of(asked: Any) -> "Design":
    """The design that is meant: a path, ``file@variant``, the name of one we ship, a saved run, a
    topology as text of several lines or as a mapping, a design, or the result of a run.

    Raises DocumentError with every mistake in a document, StudyError, or TypeError.
    """
    from simulator.results import Run
    from simulator.studies.design import Design, design_of_run, design_of_text, load_design

    if isinstance(asked, Design):
        return asked
    if isinstance(asked, Run):
        return design_of_run(asked.document, asked.document["topology"], "the result of a run")
    if isinstance(asked, Mapping):
        from simulator.topology.source import written

        return design_of_text(written(dict(asked)), "<mapping>")
    if isinstance(asked, str) and "\n" in asked.strip():
        return design_of_text(asked, "<text>")
    if isinstance(asked, str | PathLike):
        return load_design(str(asked))
    hint = ""
    if isinstance(asked, Iterable) and not isinstance(asked, bytes):
        hint = "; give several designs one by one: compare(a, b)"
    raise TypeError(
        "a design is a path, a name, a topology as text or mapping, a Design or a Run, "
        f"not {type(asked).__name__}{hint}"
    )


def options_of(rps: Quantity | None, words: Mapping[str, Any]) -> "RunOptions":
    """The options in SI units; raises TypeError for unknown names, StudyError for bad values."""
    from simulator.quantities import parse_count, parse_duration, parse_fraction, parse_rate
    from simulator.studies.run import RunOptions
    from simulator.topology.objectives import parse_objective

    for name in words:
        if name not in Options.__annotations__:
            raise TypeError(f"there is no option `{name}`{_meant(name)}")
    given = {name: value for name, value in words.items() if value is not None}
    found: dict[str, Any] = {"rps": _quantity("rps", rps, parse_rate)}
    for name, target, read in (
        ("duration", "duration_s", parse_duration),
        ("warmup", "warmup_s", parse_duration),
        ("wall", "wall_s", parse_duration),
        ("precision", "precision", parse_fraction),
    ):
        if name in given:
            found[target] = _quantity(name, given[name], read, least_zero=name == "warmup")
    for name in ("requests", "requests_max", "replications", "jobs"):
        if name in given:
            found[name] = int(_quantity(name, given[name], parse_count) or 0)
    for name in ("workload", "faults"):
        if name in given:
            found[name] = str(given[name])
    if "seed" in given:
        found["seed"] = _seed(given["seed"])
    if "thresholds" in given:
        texts = given["thresholds"]
        texts = [texts] if isinstance(texts, str) else texts
        found["thresholds"] = tuple(_read("thresholds", text, parse_objective) for text in texts)
    return RunOptions(**found)


def ranges_of(words: Mapping[str, Any], name: str) -> "list[Range]":
    """Ranges by path: text as on the command line (``"1..8"``), one value, or several."""
    from simulator.studies.ranges import Range, parse_range

    if not isinstance(words, Mapping):
        raise TypeError(
            f"`{name}` maps paths to values: {{'gateway.replicas': '1..8'}}, "
            f"not {type(words).__name__}"
        )
    found = []
    for path, values in words.items():
        if isinstance(values, str | int | float):
            found.append(parse_range(f"{path}={values}", name))
        else:
            # Numbers of numpy are no int or float, which documents are made of.
            plain = [getattr(value, "item", lambda value=value: value)() for value in values]
            found.append(Range(path, tuple(plain)))
    return found


def _quantity(
    name: str, value: Any, read: Callable[[Any], float], least_zero: bool = False
) -> float | None:
    """A number as it is, or text with a unit; above 0."""
    if value is None:
        return None
    if isinstance(value, bool):
        raise TypeError(f"{name}: expected a number or text with a unit, not {value}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        if not isinstance(value, str):
            raise TypeError(
                f"{name}: expected a number or text with a unit, not {type(value).__name__}"
            ) from None
        number = float(_read(name, value, read))
    if not (number > 0.0 or (least_zero and number == 0.0)):
        from simulator.studies.errors import StudyError

        raise StudyError(f"{name}: got {value}, it must be above 0")
    return number


def _seed(value: Any) -> int:
    from simulator.studies.errors import StudyError

    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < 0:
        raise StudyError(f"seed: got {value!r}, it must be a whole number from 0")
    return int(value)


def _read(name: str, value: Any, read: Callable[[Any], Any]) -> Any:
    from simulator.quantities import QuantityError
    from simulator.studies.errors import StudyError

    try:
        return read(value)
    except QuantityError as error:
        raise StudyError(f"{name}: {error}", getattr(error, "hint", "") or "") from None


def _meant(name: str) -> str:
    from simulator.quantities.refusal import nearest

    known = list(Options.__annotations__)
    close = nearest(name.removesuffix("_s"), known)
    return f"; did you mean `{close}`?" if close else f"; known: {', '.join(known)}"
