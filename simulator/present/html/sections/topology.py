"""What was simulated."""

from simulator.present.html.section import Section


class Topology(Section):
    """The boxes, the calls between them, and how busy each was."""

    name = "topology"
    title = "Topology"
    order = 20
