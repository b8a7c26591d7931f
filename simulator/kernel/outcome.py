"""What became of a call or a request."""

from enum import Enum


class Outcome(Enum):
    """The result every component answers with, in the words of SRE practice.

    ``STALE_OK`` and ``FALLBACK_OK`` are successes of lower quality: inside a simulation a
    component answers ``OK`` and notes the degradation on the request; the two names appear in
    recordings and reports. ``REJECTED_RATE_LIMIT`` is a limit of the design's own, which its
    clients are told of; ``REJECTED_QUOTA`` is that of somebody the design depends on, such as the
    429 of a model provider, and counts against the design.
    """

    OK = "ok"
    STALE_OK = "stale_ok"
    FALLBACK_OK = "fallback_ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    REJECTED_RATE_LIMIT = "rejected_rate_limit"
    REJECTED_QUOTA = "rejected_quota"
    REJECTED_OVERLOAD = "rejected_overload"
    REJECTED_BREAKER = "rejected_breaker"
    REJECTED_QUEUE_FULL = "rejected_queue_full"
    ABANDONED = "abandoned"
    CANCELLED = "cancelled"
    DEAD_LETTERED = "dead_lettered"

    # Identity hashing keeps dictionaries keyed by outcome off Enum's slower Python-level hash.
    __hash__ = object.__hash__

    @property
    def good(self) -> bool:
        """Whether the caller got an answer, at full or at lower quality."""
        return self in _GOOD

    @property
    def code(self) -> int:
        """Position in declaration order: the number kept in recordings."""
        return CODES[self]

    @property
    def rejected(self) -> bool:
        """Whether the work was refused before it was done."""
        return self.value.startswith("rejected")


OUTCOMES = tuple(Outcome)
OUTCOME_NAMES = tuple(outcome.value for outcome in OUTCOMES)
CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}
_GOOD = frozenset({Outcome.OK, Outcome.STALE_OK, Outcome.FALLBACK_OK})
