"""Limits on concurrency that adapt, one file a kind; importing registers them all."""

from importlib import import_module
from pkgutil import iter_modules

from simulator.policies.concurrency.limit import ConcurrencyLimit, Controller

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["ConcurrencyLimit", "Controller"]
