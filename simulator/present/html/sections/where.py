"""Which component the time is spent in."""

from simulator.present.html.section import Section


class Where(Section):
    """The latency split among components, for typical and for slow requests."""

    name = "where"
    title = "Where the time goes"
    order = 40
