"""Importing this module registers every kind that a document may name."""

from importlib import import_module

PACKAGES = ("components", "steps", "faults", "workload.arrivals")

for _package in PACKAGES:
    import_module(f"simulator.{_package}")
