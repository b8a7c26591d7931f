"""Moving parts of a simulation: clock, requests, stations, random streams, probe.

This package knows SimPy and knows no YAML and no component kind.
"""
