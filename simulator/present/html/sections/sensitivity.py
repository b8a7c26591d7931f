"""What moves the outcome most."""

from simulator.present.html.section import Section


class Sensitivity(Section):
    """One tornado for latency, cost and quality each."""

    name = "sensitivity"
    title = "Sensitivity"
    order = 20
    pages = frozenset({"sensitivity"})
