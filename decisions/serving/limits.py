"""How often an API key may ask: token buckets in the process, given the time, without a clock of their own.

A bucket holds `burst` tokens and fills up with `rate` a second. It is kept as one number, the moment at which it will
be full again (GCRA), so that two threads that meet here can at worst let one request too many through.
"""

from dataclasses import dataclass
from math import ceil

from foundation.errors import DomainError


@dataclass(frozen=True, slots=True)
class LimitPolicy:
    """`rate` tokens a second, up to `burst` at once. `name` is what the RateLimit headers call it."""

    name: str
    rate: float
    burst: float

    @property
    def header(self) -> str:
        """The policy as an item of `RateLimit-Policy`: so many within the time that an empty bucket needs to fill."""
        return f'"{self.name}";q={int(self.burst)};w={max(1, ceil(self.burst / self.rate))}'


class RateLimited(DomainError):
    """The API key has used up what it may ask for now; after `retry_seconds` the same request is let through."""

    code = "RATE_LIMITED"
    hint = "Wait for the seconds of Retry-After and send the same request again; spread the load or raise the limit."

    def __init__(self, policy: LimitPolicy, *, wait: float) -> None:
        super().__init__(f"The limit of {policy.rate:g} {policy.name} a second is used up.")
        self.retry_seconds = max(1, ceil(wait))
        self.headers: tuple[tuple[str, str], ...] = (
            ("Retry-After", str(self.retry_seconds)),
            ("RateLimit-Policy", policy.header),
            ("RateLimit", f'"{policy.name}";r=0;t={self.retry_seconds}'),
        )


class KeyLimit:
    """One limit for each API key. Only keys that exist are to be asked about, so that it stays as small as they are."""

    def __init__(self, policy: LimitPolicy) -> None:
        self.policy = policy
        self._interval = 1.0 / policy.rate
        self._room = policy.burst / policy.rate
        self._full_at: dict[int, float] = {}

    def take(self, key_id: int, amount: float, now: float) -> None:
        """Take tokens of a key; `now` is seconds on a clock that never goes back.

        More than a whole bucket is let through where the bucket is full: it could never be otherwise.

        Raises:
            RateLimited: there are too few; none is taken.
        """
        full_at = self._full_at.get(key_id, now)
        full_at = max(full_at, now)
        after = full_at + amount * self._interval
        wait = min(after - now - self._room, full_at - now)
        if wait > 1e-9:
            raise RateLimited(self.policy, wait=wait)
        self._full_at[key_id] = after
