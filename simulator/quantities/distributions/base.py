"""What a distribution is: moments, quantiles and a fast sampler, registered by its definition."""

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Self

from simulator.quantities.grammar import IMPOSSIBLE_VALUE, QuantityError

if TYPE_CHECKING:
    import numpy as np

    from simulator.quantities.distributions.reading import Reader

FIRST_BLOCK = 64
LARGEST_BLOCK = 4096


class Role(Enum):
    """How a parameter is read: with the grammar of the field, or as a plain number or count."""

    QUANTITY = "quantity"
    NUMBER = "number"
    COUNT = "count"


Roles = Mapping[str, Role]


class Distribution(ABC):
    """A non-negative random quantity, frozen: `{name: {parameter: value, ...}}` in a document.

    A family is a frozen dataclass of SI floats in a module of its own. ``name`` registers it,
    ``parameters`` says how each parameter is read, and ``forms`` which parameters together
    describe it. ``whole`` families draw whole numbers and stand only where a count may.
    """

    name: ClassVar[str]
    parameters: ClassVar[Roles] = {}
    forms: ClassVar[tuple[tuple[str, ...], ...]] = ()
    whole: ClassVar[bool] = False
    example: ClassVar[str]
    """The value under the name in a YAML document, with durations."""

    families: ClassVar[dict[str, type["Distribution"]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if inspect.isabstract(cls) or "name" not in cls.__dict__:
            return
        earlier = Distribution.families.setdefault(cls.name, cls)
        if earlier.__module__ != cls.__module__:
            raise TypeError(f"the distribution `{cls.name}` is already {earlier.__qualname__}")
        # The decorator of a dataclass may make the class anew; the last one counts.
        Distribution.families[cls.name] = cls

    @classmethod
    def role(cls, parameter: str) -> Role | None:
        """How a parameter is read, or None if the family has no such parameter."""
        return cls.parameters.get(parameter)

    @classmethod
    def fits(cls, names: set[str]) -> bool:
        """Whether these parameters together describe a distribution of the family."""
        return any(names == set(form) for form in cls.forms)

    @classmethod
    def read(cls, value: Any, reader: "Reader") -> "Distribution":
        """Read the value under the family's name; raises ValidationError or QuantityError."""
        return reader.parametric(cls, value)

    @classmethod
    def of(cls, **given: float) -> Self:
        """Build from one of the forms; raises QuantityError for parameters that cannot be."""
        return cls(**given)

    @property
    @abstractmethod
    def mean(self) -> float:
        """The expected value."""

    @property
    @abstractmethod
    def variance(self) -> float:
        """The variance; infinity where it does not exist."""

    @property
    def scv(self) -> float:
        """The squared coefficient of variation, variance / mean^2; 0 for a constant 0."""
        mean = self.mean
        return self.variance / mean / mean if mean > 0 else 0.0

    @abstractmethod
    def cdf(self, x: float) -> float:
        """The probability of a value of at most ``x``."""

    @abstractmethod
    def quantile(self, p: float) -> float:
        """The smallest value that a share ``p`` in [0, 1] does not exceed."""

    @abstractmethod
    def draw(self, rng: "np.random.Generator", n: int) -> "np.ndarray[Any, Any]":
        """Draw ``n`` values."""

    def sampler(self, rng: "np.random.Generator") -> Callable[[], float]:
        """A function that returns one value a call, drawn in blocks, at the speed of C.

        Blocks start small, because most streams of a short run need few values.
        """
        return chain.from_iterable(self._blocks(rng)).__next__

    def _blocks(self, rng: "np.random.Generator") -> Iterator[list[float]]:
        size = FIRST_BLOCK
        while True:
            yield self.draw(rng, size).tolist()
            size = min(4 * size, LARGEST_BLOCK)


def impossible(message: str, hint: str = "", parameter: str = "") -> QuantityError:
    """The refusal of parameters that no distribution can have; ``parameter`` is the culprit."""
    return QuantityError(IMPOSSIBLE_VALUE, message, hint, parameter=parameter)


def require(condition: bool, message: str, hint: str = "", parameter: str = "") -> None:
    """Refuse parameters unless the condition holds; NaN makes any comparison false."""
    if not condition:
        raise impossible(message, hint, parameter)


def bisected_quantile(cdf: Callable[[float], float], p: float, start: float) -> float:
    """The quantile of a distribution on [0, inf) whose cdf has no closed inverse."""
    if p <= 0.0:
        return 0.0
    if p >= 1.0:
        return math.inf
    low, high = 0.0, max(start, 1e-300)
    while cdf(high) < p:
        low, high = high, 2.0 * high
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if cdf(middle) < p else (low, middle)
    return high
