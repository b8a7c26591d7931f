"""Statistical calculations that a claim may ask for, one file a kind."""

from importlib import import_module
from pkgutil import iter_modules

from simulator.topology.statistics.statistic import Statistic

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["Statistic"]
