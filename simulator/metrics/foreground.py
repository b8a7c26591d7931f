"""Where requests wait before they are answered."""

from collections.abc import Sequence

import numpy as np

from simulator.metrics.breakdown import EDGE
from simulator.metrics.window import Window


def waited_at(windows: Sequence[Window]) -> dict[str, set[str]]:
    """Components at which traced requests waited before their answer, by class.

    What is started in the background (messages, prefetches, steps after the answer) waits without
    adding to the latency of whoever started it.
    """
    found: dict[str, set[str]] = {name: set() for name in windows[0].recording.kinds}
    for window in windows:
        visits, requests = window.recording.visits, window.requests
        waits = (visits["wait"] > 0.0) & ~_behind(window)
        names = window.recording.components
        for kind, name in enumerate(found):
            asked = requests["index"][requests["kind"] == kind]
            at = visits["component"][waits & np.isin(visits["request"], asked)]
            found[name] |= {names[number] for number in np.unique(at).tolist()}
    return found


def _behind(window: Window) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which visits nobody waits for: started in the background, or below such a visit."""
    visits = window.recording.visits
    parents = visits["parent"].astype(np.int64)
    behind = parents < EDGE
    row_of = np.full(int(max(visits["visit"].max(initial=0), parents.max(initial=0))) + 1, -1)
    row_of[visits["visit"]] = np.arange(len(parents))
    # A visit is recorded when it ends, so a caller that never ended is unknown: waited for.
    caller = np.where(parents >= 0, row_of[np.maximum(parents, 0)], -1)
    known = caller >= 0
    while True:
        wider = behind | (known & behind[caller])
        if (wider == behind).all():
            return behind
        behind = wider
