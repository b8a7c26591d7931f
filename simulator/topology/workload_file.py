"""Workloads as files, found by name or path."""

from simulator.topology.diagnostics import InvalidDocument
from simulator.topology.library import workload_names, workload_path
from simulator.topology.reading import read_model
from simulator.topology.source import read_source
from simulator.workload.arrival_process import Arrivals
from simulator.workload.model import Workload
