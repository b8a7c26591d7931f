"""Prints the seconds sched-sim's event loop takes for the trace on standard input."""

import json
import sys
import time

from sched_sim.core.event_engine import Simulator
from sched_sim.core.request import Request
from sched_sim.hardware.presets import get_hardware_profile
from sched_sim.memory.preemption import PreemptionMode
from sched_sim.schedulers.factory import create_scheduler

TOKEN_BUDGET = 2048


def main() -> None:
    """Deal the trace to the replicas in turn, run each and print the sum of the seconds."""
    replicas = int(sys.argv[1])
    rows = json.load(sys.stdin)
    hardware = get_hardware_profile("a100")
    mode = PreemptionMode.RECOMPUTE
    seconds = 0.0
    for replica in range(replicas):
        scheduler = create_scheduler("chunked", hardware, mode, token_budget=TOKEN_BUDGET)
        simulator = Simulator(hardware, scheduler, preemption_mode=mode)
        simulator.submit_workload(
            [
                Request(
                    request_id=str(number),
                    arrived_at=arrival,
                    prompt_tokens=prompt,
                    output_tokens=output,
                )
                for number, (arrival, prompt, output) in enumerate(rows)
                if number % replicas == replica
            ]
        )
        start = time.perf_counter()
        simulator.run()
        seconds += time.perf_counter() - start
    print(seconds)


if __name__ == "__main__":
    main()
