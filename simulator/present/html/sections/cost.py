"""What it costs."""

from simulator.present.html.section import Section


class Cost(Section):
    """Cost by component."""

    name = "cost"
    title = "Cost"
    order = 60
