"""The token bucket."""


class TokenBucket:
    """Tokens that drip in at ``rate`` per second up to ``burst``; starts full.

    Continuous filling (Stripe's and most cloud limiters); the level is computed when asked for,
    so an idle bucket costs nothing.
    """

    __slots__ = ("burst", "filled_at", "level", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self.level = burst
        self.filled_at = now

    def _fill(self, now: float) -> None:
        level = self.level + (now - self.filled_at) * self.rate
        self.level = level if level < self.burst else self.burst
        self.filled_at = now

    def take(self, tokens: float, now: float) -> bool:
        """Take the tokens if they are there."""
        self._fill(now)
        # A clock that counts in binary fractions may be a rounding error short of a whole token.
        if self.level < tokens - 1e-9:
            return False
        self.level = max(self.level - tokens, 0.0)
        return True

    def reserve(self, tokens: float, now: float) -> float:
        """Take the tokens in advance and say how long to wait until they are there."""
        self._fill(now)
        self.level -= tokens
        return max(-self.level / self.rate, 0.0)
