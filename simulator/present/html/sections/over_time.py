"""What happened when."""

from simulator.present.html.section import Section


class OverTime(Section):
    """Rates, latency, queues and utilization on one axis of time."""

    name = "over-time"
    title = "Over time"
    order = 50
