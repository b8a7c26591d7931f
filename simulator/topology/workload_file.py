"""Workloads as files, found by name or path."""

from importlib.resources import files
from pathlib import Path

from simulator.topology.library import library_folder
from simulator.topology.source import read_plain
from simulator.workload.arrival_process import Arrivals
from simulator.workload.model import Workload
