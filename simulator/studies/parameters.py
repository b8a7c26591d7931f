"""The numbers of a document that a sensitivity study may scale."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.metrics.spread import Document
from simulator.studies.ranges import Range, Setting
from simulator.topology.overlay import Data

_QUANTITY = re.compile(r"(?P<sign>\$?)(?P<number>\d+(?:\.\d+)?)(?P<unit>\s*\D.*)?")
_NOT_SCALED = frozenset(
    {"kind", "summary", "source", "priority", "tensor_parallel", "partitions", "expect"}
)
_OF_ITS_SHAPE = frozenset({"cv", "sigma", "shape", "exponent", "alpha"})
"""Parameters of a distribution without a unit, which stay when it is scaled."""
_AROUND_A_DISTRIBUTION = frozenset({"p50", "p90", "p95", "p99", "median", "mean", "low", "high"})


@dataclass(frozen=True)
class Parameter:
    """A value of the document and how to make it for a position between its two ends."""

    path: str
    value: Any
    low: float = 1.0
    high: float = 1.0
    values: Range | None = None
    """A range of its own, instead of a scale factor."""

    @classmethod
    def of_range(cls, values: Range) -> "Parameter":
        """A parameter with given ends."""
        return cls(values.path, values.values[0], values=values)

    def at(self, share: float) -> Setting:
        """Path and value at a share (0 to 1) of the way from the low to the high end."""
        if self.values is not None:
            return self.path, self.values.between(float(share))
        if isinstance(self.value, int) and not isinstance(self.value, bool) and self.value > 0:
            return self.path, self._whole(float(share))
        return self.path, scaled(self.value, self.low + (self.high - self.low) * float(share))

    def _whole(self, share: float) -> int:
        """A whole number, one step up and down at least: a quarter more than one is two."""
        low: int = max(1, min(round(self.value * self.low), self.value - 1))
        high: int = max(round(self.value * self.high), self.value + 1)
        return round(low + (high - low) * share)

    def shown(self, share: float) -> str:
        """The value there, as a person writes it."""
        value = self.at(share)[1]
        if isinstance(value, dict):
            return ", ".join(f"{key}: {item}" for key, item in _leaves(value))
        return str(value)

    def to_document(self) -> Document:
        """The parameter as plain data."""
        return {"path": self.path, "value": self.value, "low": self.at(0.0)[1],
                "high": self.at(1.0)[1]}  # fmt: skip


def found_parameters(data: Data, order: Sequence[str], span: float) -> list[Parameter]:
    """The rate, what requests are like, then the numbers of the components in the given order."""
    ends = (1.0 - span, 1.0 + span)
    parameters = [Parameter("rate", data["rate"], *ends)]
    for name, request in data["requests"].items():
        for attribute, value in (request.get("attributes") or {}).items():
            if isinstance(value, dict) and _is_distribution(value):
                path = f"requests.{name}.attributes.{attribute}"
                parameters.append(Parameter(path, value, *ends))
    for name in order:
        component = data["components"].get(name)
        if isinstance(component, dict):
            parameters += [
                Parameter(f"components.{name}.{path}", value, *ends)
                for path, value in _scalable(component, ())
            ]
    return parameters


def scaled(value: Any, factor: float) -> Any:
    """A number, a quantity or a distribution times a factor; whole numbers stay whole."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return max(1, round(value * factor)) if value > 0 else value
    if isinstance(value, float):
        return float(f"{value * factor:.10g}")
    if isinstance(value, dict):
        return {
            key: item if key in _OF_ITS_SHAPE else scaled(item, factor)
            for key, item in value.items()
        }
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    number = float(match["number"]) * factor
    if (match["unit"] or "").strip() == "%":
        number = min(number, 100.0)
    return f"{match['sign']}{number:.10g}{match['unit'] or ''}"


def _scalable(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Paths and values below a component; a distribution counts as one value."""
    if isinstance(value, dict):
        if path and _is_distribution(value):
            yield ".".join(path), value
            return
        for key, item in value.items():
            if key not in _NOT_SCALED and not str(key).startswith("x-"):
                yield from _scalable(item, (*path, str(key)))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _scalable(item, (*path, str(position)))
    elif _is_quantity(value):
        yield ".".join(path), value


def _is_quantity(value: Any) -> bool:
    if isinstance(value, str):
        return _QUANTITY.fullmatch(value) is not None and not value.isdigit()
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_distribution(value: dict[str, Any]) -> bool:
    if set(value) & _AROUND_A_DISTRIBUTION:
        return all(isinstance(item, str | int | float) for item in value.values())
    return (
        len(value) == 1
        and isinstance(only := next(iter(value.values())), dict)
        and bool(set(only) & _AROUND_A_DISTRIBUTION)
    )


def _leaves(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _leaves(item)
        else:
            yield key, item
