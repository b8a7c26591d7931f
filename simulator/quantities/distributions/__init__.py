"""Random quantities of a document, one module a family; importing the package registers them."""

from importlib import import_module
from pkgutil import iter_modules

from simulator.quantities.distributions.base import Distribution
from simulator.quantities.distributions.constants import Constant

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def constant(value: float) -> Distribution:
    """The distribution that always draws the value, given in SI units."""
    return Constant(value)


__all__ = ["Distribution", "constant"]
