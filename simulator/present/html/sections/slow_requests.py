"""A few requests in full."""

from simulator.present.html.section import Section


class SlowRequests(Section):
    """Waterfalls of a typical request, of some near p99 and of the slowest."""

    name = "slow-requests"
    title = "Slow requests"
    order = 80
