"""Discrete-event capacity and trade-off simulator.

In a notebook or script::

    import simulator

    result = simulator.run("llm_gateway", rps=500)
    result.to_frame()
    simulator.compare("llm_gateway", "llm_gateway@node_cache").figure("pareto")

Everything is imported when it is first used, so that ``import simulator`` costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.api import (
        bench,
        capacity,
        card,
        compare,
        drill,
        load,
        run,
        sensitivity,
        size,
        sweep,
    )

__all__ = [
    "bench",
    "capacity",
    "card",
    "compare",
    "drill",
    "load",
    "run",
    "sensitivity",
    "size",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from simulator import api

        return getattr(api, name)
    import sys

    text = f"module 'simulator' has no attribute {name!r}"
    raise AttributeError(text, name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
