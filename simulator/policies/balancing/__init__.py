"""Ways to choose a replica, one file a kind; importing the package registers them all."""

from importlib import import_module
from pkgutil import iter_modules

from simulator.policies.balancing.balancing import Backends, Balancing, Pick

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["Backends", "Balancing", "Pick"]
