"""The units of formulas: a closed list, so that a typing mistake is no new unit.

Counted things (requests, users, GPUs) are dimensions of their own: a sum of users and requests is
a mistake, and ten requests a day of a million users are requests only if the formula says "ten
requests per user". Prefixes of data are decimal, as in storage and network figures; ``KiB`` and
its like are binary. A year has 365 days and a month is a twelfth of it, as in rates.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class UnitWord:
    """One unit: its definition in terms of others, and how it prints.

    ``definition`` is empty for a counted thing; ``plain`` units print without a plural.
    """

    name: str
    definition: str = ""
    others: tuple[str, ...] = ()
    plural: str = ""
    plain: bool = False

    def shown(self, value: float = 1.0) -> str:
        """The unit beside a value: ``day``, ``days``, ``MB``."""
        return self.name if self.plain or abs(value) == 1.0 else self.plural or f"{self.name}s"


def _plain(name: str, definition: str, *others: str) -> UnitWord:
    return UnitWord(name, definition, others, plain=True)


_TIME = (
    _plain("s", "[time]", "sec", "secs", "second", "seconds"),
    _plain("ms", "1e-3 * s", "millisecond", "milliseconds"),
    _plain("us", "1e-6 * s", "microsecond", "microseconds"),
    _plain("min", "60 * s", "mins", "minute", "minutes"),
    _plain("h", "3600 * s", "hr", "hour", "hours"),
    UnitWord("day", "86400 * s", ("d",)),
    UnitWord("week", "604800 * s"),
    UnitWord("month", "2628000 * s"),
    UnitWord("year", "31536000 * s"),
)
_DATA = (
    UnitWord("byte", "[data]"),
    UnitWord("bit", "byte / 8"),
    *(
        _plain(f"{prefix}B", f"1e{power} * byte", *others)
        for prefix, power, *others in (
            ("K", 3, "kB"),
            ("M", 6),
            ("G", 9),
            ("T", 12),
            ("P", 15),
            ("E", 18),
        )
    ),
    *(
        _plain(f"{prefix}iB", f"{1024**power} * byte")
        for power, prefix in enumerate(("K", "M", "G", "T"), start=1)
    ),
    *(
        _plain(f"{prefix}bit", f"1e{power} * bit")
        for prefix, power in (("K", 3), ("M", 6), ("G", 9), ("T", 12))
    ),
    *(
        _plain(f"{prefix}bps", f"1e{power} * bit / s")
        for prefix, power in (("K", 3), ("M", 6), ("G", 9), ("T", 12))
    ),
)
_OTHER = (
    _plain("USD", "[money]", "dollar", "dollars"),
    _plain("rps", "request / s", "qps"),
    _plain("rpm", "request / min"),
    _plain("tpm", "token / min"),
    _plain("ktok", "1e3 * token"),
    _plain("Mtok", "1e6 * token"),
    _plain("FLOP", "[computation]", "FLOPs"),
    _plain("GFLOP", "1e9 * FLOP"),
    _plain("TFLOP", "1e12 * FLOP"),
    _plain("PFLOP", "1e15 * FLOP"),
    _plain("W", "[power]", "watt", "watts"),
    _plain("kW", "1e3 * W"),
)
_THINGS = """
    agent alert answer batch bucket call candidate car card cell channel char chat check chunk
    claim click cluster connection consumer container conversation core courier customer
    delivery dimension document driver embedding entity entry episode event example experiment
    face feature file flow follower format frame GPU group hit host hop image instance
    interaction item job key keystroke label layer line location loss machine meeting member
    merchant message metric miss model moderator node notification object offer operation order
    page parameter partition passenger person point post prediction product profile project
    prompt question read record region replica request resource result retry reviewer ride row
    sample score sequence server session shard shift slot step stream suggestion task team
    template tenant test thread ticket title token topic trip tweet turn update upload URL user
    variant vector vertex video view visit window word worker write zone
"""
_PLURALS = {
    "batch": "batches",
    "box": "boxes",
    "delivery": "deliveries",
    "entity": "entities",
    "entry": "entries",
    "hit": "hits",
    "loss": "losses",
    "miss": "misses",
    "person": "people",
    "replica": "replicas",
    "retry": "retries",
    "vertex": "vertices",
}
_OTHER_NAMES = {
    "request": ("query", "queries", "req", "reqs"),
    "char": ("character", "characters"),
    "document": ("doc", "docs"),
    "token": ("tok",),
    "dimension": ("dim", "dims"),
    "parameter": ("param", "params"),
}

UNITS: dict[str, UnitWord] = {
    word.name: word
    for word in (
        *_TIME,
        *_DATA,
        *_OTHER,
        *(
            UnitWord(name, f"[{name}]", _OTHER_NAMES.get(name, ()), _PLURALS.get(name, ""))
            for name in _THINGS.split()
        ),
    )
}
"""Every unit by the name it prints with."""


@cache
def _spellings() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, word in UNITS.items():
        spellings = (name, *word.others) if word.plain else (name, word.shown(2.0), *word.others)
        found |= dict.fromkeys(spellings, name)
    return found


def unit_named(word: str) -> str | None:
    """The unit that a word of a formula means, singular or plural; None if there is none."""
    return _spellings().get(word)


def unit_spellings() -> list[str]:
    """Every word that means a unit."""
    return sorted(_spellings())


@cache
def unit_registry() -> Any:
    """A pint registry that holds these units and nothing else."""
    from pint import UnitRegistry

    registry: Any = UnitRegistry(None)
    for word in UNITS.values():
        registry.define(f"{word.name} = {word.definition}")
    return registry


def thing(name: str) -> Any:
    """The unit of a counted thing that is not in the list, such as ``[parcels]``."""
    registry = unit_registry()
    known = unit_named(name)
    if known is not None:
        return registry.Unit(known)
    single = name[:-1] if name.endswith("s") and len(name) > 2 else name
    own = f"thing_{single}"
    if own not in registry:
        registry.define(f"{own} = [{own}]")
    return registry.Unit(own)
