"""Queueing disciplines, one file a kind; importing the package registers them all."""

from importlib import import_module
from pkgutil import iter_modules

from simulator.policies.disciplines.discipline import Discipline

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["Discipline"]
