"""When faults begin and end in one replication."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.kernel.fault import Fault, Switch
from simulator.kernel.site import Site


class Schedule:
    """The faults of a run: installed before the components are built, started with the run.

    ``windows`` lists what happened for the manifest: begin and end in seconds (end None: to the
    end of the run), the effect, its targets and a sentence. A fault that nothing ends is over when
    its targets have made up for it. Random times come from streams of
    their own, so the rest of the run draws what it would have drawn without faults.
    """

    def __init__(self, faults: Sequence[Fault] = (), site: Site | None = None) -> None:
        self.windows: list[dict[str, Any]] = []
        self._armed: list[tuple[Fault, list[Switch], np.random.Generator]] = []
        for number, fault in enumerate(faults):
            assert site is not None, "faults need a site"
            switches = [
                fault.effect.install(site, target, f"faults.{number}.{target}")
                for target in fault.targets or [""]
            ]
            rng = site.streams.generator(f"faults.{number}")
            self._armed.append((fault, switches, rng))

    def start(self, site: Site, horizon_s: float) -> None:
        """Put every beginning and end on the agenda."""
        for fault, switches, rng in self._armed:
            for window in fault.windows(horizon_s, lambda mean, rng=rng: rng.exponential(mean)):  # type: ignore[misc]
                ends = window.end < float("inf")
                for switch in switches:
                    site.clock.call_at(window.begin, switch.on)
                    if ends and not fault.effect.instant:
                        site.clock.call_at(window.end, switch.off)
                heals_s = _heals_after_s(fault, site)
                over = None if heals_s is None else window.begin + heals_s
                self.windows.append(
                    {
                        "begin": window.begin,
                        "end": window.end if ends else over,
                        "effect": fault.effect.key,
                        "targets": fault.targets,
                        "sentence": fault.sentence,
                    }
                )


def _heals_after_s(fault: Fault, site: Site) -> float | None:
    """Seconds until all targets have made up for it by themselves; None if one does not."""
    times = [fault.effect.heals_after_s(site.servers[target].spec) for target in fault.targets]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(times) else None
