"""When to stop asking what keeps failing: a circuit breaker, given the time, without clock or thread of its own.

CLOSED asks as usual. So many failures within a short time open it, where they are not few among many successes: nothing
is asked for a while. Then one probe goes through (HALF_OPEN), and its outcome closes the circuit or opens it again.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum


class CircuitState(StrEnum):
    """Whether a circuit lets calls through."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"
    """One probe is on its way; nobody else is let through."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """So many `failures` within `within` seconds open a circuit for `rest` seconds.

    They must also be that `share` of all calls since the first of them: a pause of the machine makes a busy process
    miss several deadlines at once, and to rest for that would cost far more answers than it saves.
    """

    failures: int = 5
    within: float = 10.0
    rest: float = 30.0
    share: float = 0.05


class Circuit:
    """One circuit. `now` is seconds on a clock that never goes back. Calls must not overlap: the caller holds a lock.

    `openings` counts how often it has opened. A call that was let through before the circuit opened, or before the
    probe, has nothing to say any more: its ticket is an old one.
    """

    __slots__ = ("_failures", "_opened_at", "_policy", "_probe_since", "_successes", "_ticket", "openings")

    def __init__(self, policy: BreakerPolicy) -> None:
        self._policy = policy
        self._failures: deque[tuple[float, int]] = deque()  # When, and after how many successes.
        self._successes = 0
        self._opened_at: float | None = None
        self._probe_since: float | None = None
        self._ticket = 0
        self.openings = 0

    @property
    def state(self) -> CircuitState:
        """The state as of the last call."""
        if self._opened_at is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self._probe_since is None else CircuitState.HALF_OPEN

    def admit(self, now: float) -> int | None:
        """Return the ticket of a call that may go through, to be reported with its outcome; None where it may not.

        A probe that has not reported for as long as the circuit rests is given up, and another goes through.
        """
        if self._opened_at is None:
            return self._ticket
        since = self._opened_at if self._probe_since is None else self._probe_since
        if now - since < self._policy.rest:
            return None
        self._probe_since = now
        self._ticket += 1
        return self._ticket

    def succeeded(self, ticket: int) -> None:
        """Close the circuit where it was the probe. A success among others forgives no failure before it."""
        if ticket != self._ticket:
            return
        self._successes += 1
        if self._probe_since is not None:
            self._opened_at = self._probe_since = None
            self._failures.clear()

    def failed(self, ticket: int, now: float) -> None:
        """Count a failure; open the circuit where it was one too many, or the probe."""
        if ticket != self._ticket:
            return
        if self._probe_since is None:
            self._failures.append((now, self._successes))
            while now - self._failures[0][0] > self._policy.within:
                self._failures.popleft()
            failed = len(self._failures)
            calls = failed + self._successes - self._failures[0][1]
            if failed < self._policy.failures or failed < self._policy.share * calls:
                return
        self._opened_at, self._probe_since = now, None
        self._failures.clear()
        self._ticket += 1
        self.openings += 1
