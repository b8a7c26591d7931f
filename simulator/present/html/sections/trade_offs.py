"""Latency, cost and quality against each other."""

from simulator.present.html.section import Section


class TradeOffs(Section):
    """The designs or points that no other beats in everything."""

    name = "trade-offs"
    title = "Trade-offs"
    order = 40
    pages = frozenset({"compare", "size", "sweep"})
