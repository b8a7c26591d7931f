"""The commands: name, where the function is, and a line of help.

A module is imported when its command runs, so that ``--help`` stays instant.
"""

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run:run", "Run one design (the default command)."),
    "check": ("check:check", "Validate files without running them; --claims checks promises."),
    "drill": ("drill:drill", "Break every part, one at a time, and see what happens."),
    "compare": ("compare:compare", "Designs side by side, and when the answer would flip."),
    "capacity": ("capacity:capacity", "The highest rate that meets the objectives."),
    "sweep": ("sweep:sweep", "A design at many points, as a table."),
    "size": ("size:size", "The cheapest configuration that meets the objectives."),
    "sensitivity": ("sensitivity:sensitivity", "What moves latency, cost and quality most."),
    "interview": ("interview:interview", "Numbers to say aloud, with derivations."),
    "calibrate": ("calibrate:calibrate", "From measured GPU kernels to a profile file."),
    "profile": ("profile:profile", "Measure a model's kernels on your own GPU."),
    "report": ("report:report", "Render a saved run again, without simulating."),
    "list": ("listing:list_names", "What there is: topologies, workloads, kinds, steps."),
    "explain": ("explain:explain", "A kind, a step, a metric or an error code in detail."),
    "diagram": ("diagram:diagram", "Draw a design: mermaid, svg or dot."),
    "new": ("new:new", "Start a design of your own from one that exists."),
    "schema": ("schema:schema", "JSON Schema of the documents, for editors."),
}
