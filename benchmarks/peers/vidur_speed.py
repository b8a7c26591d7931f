"""Prints the seconds Vidur's event loop takes for the trace on standard input.

Its execution-time predictor is replaced by one that returns a constant, because the trained ones
need a download; this only makes it faster.
"""

import csv
import json
import sys
import tempfile
import time
from pathlib import Path

import vidur.scheduler.global_scheduler.base_global_scheduler as global_scheduler
from vidur._native.entities import ExecutionTime
from vidur.config import SimulationConfig
from vidur.simulator import Simulator

LAYERS = 32
KERNEL_MS = 0.03


class ConstantPredictor:
    """Every batch takes the same time."""

    _native_execution_time_predictor = None

    def get_execution_time(self, batch: object, stage: int) -> ExecutionTime:
        """Return 12 kernels of each layer, without communication."""
        return ExecutionTime(LAYERS, *[KERNEL_MS] * 12, 0.0, 0.0)


class Registry:
    """Hands out the constant predictor."""

    @staticmethod
    def get(*_: object, **__: object) -> ConstantPredictor:
        """Return a predictor, whatever is asked for."""
        return ConstantPredictor()


def main() -> None:
    """Run the trace and print the seconds of the event loop."""
    replicas = sys.argv[1]
    rows = json.load(sys.stdin)
    global_scheduler.ExecutionTimePredictorRegistry = Registry
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.csv"
        with trace.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Date", "Time", "PromptTokenCount", "CompletionTokenCount"])
            writer.writerows(["day", *row] for row in rows)
        sys.argv = [
            "vidur",
            "--cluster_config_num_replicas", replicas,
            "--replica_config_model_name", "meta-llama/Llama-3-8B",
            "--replica_config_tensor_parallel_size", "1",
            "--replica_config_num_pipeline_stages", "1",
            "--replica_config_device", "a100",
            "--global_scheduler_config_type", "lor",
            "--replica_scheduler_config_type", "vllm",
            "--request_generator_config_type", "trace_replay",
            "--trace_request_generator_config_trace_file", str(trace),
            "--trace_request_generator_config_date", "day",
            "--trace_request_generator_config_max_tokens", "16384",
            "--metrics_config_output_dir", folder,
            "--no-metrics_config_write_metrics",
            "--no-metrics_config_store_plots",
            "--no-metrics_config_enable_chrome_trace",
            "--log_level", "error",
        ]  # fmt: skip
        simulator = Simulator(SimulationConfig.create_from_cli_args())
        start = time.perf_counter()
        simulator.run()
        print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
