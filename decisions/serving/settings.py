"""What an edge process is told from outside. Standard library only: the edge stays light."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from decisions.serving.breaker import BreakerPolicy
from decisions.serving.cookies import CookiePolicy, cookie_policy
from decisions.serving.heartbeat import EdgeRole
from decisions.serving.limits import LimitPolicy
from foundation.errors import DomainError

BURST_SECONDS = 10
"""What an API key may ask at once, in seconds of its rate."""

_BREAKER = BreakerPolicy()
_REQUESTS = LimitPolicy("requests", 5_000, 50_000)
_EVENTS = LimitPolicy("events", 40_000, 400_000)
_COOKIES = CookiePolicy()
_INGEST_BYTES = LimitPolicy("bytes", 25_000_000, 250_000_000)
_BASE = Path(__file__).resolve().parents[2]


class EdgeSettingsInvalid(DomainError):
    """The environment cannot be used; the message lists every fault."""

    code = "ENVIRONMENT_INVALID"
    hint = "Correct or unset the variables that the message names; bin/serve sets them for development."


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """Addresses, directories and limits of one edge process.

    Attributes:
        database_url: the PostgreSQL server of record; None leaves the process with the last-known-good file.
        redis_url: the server that hints at new bundles and knows what units dealt with; None leaves the regular look
            into Postgres, and personal decision points their baseline.
        state_directory: where the last-known-good file, fetched files and the spool are kept, shared by the processes
            of a machine.
        poll_seconds: how often Postgres is asked for a newer bundle.
        stale_seconds: after how long without an answer of Postgres decisions say BUNDLE_STALE.
        connect_seconds: how long a new database connection may take.
        connections: how many requests may write events at once.
        retry_seconds: what `Retry-After` says while events cannot be stored.
        token_age: how old, on the project's clock, a decision token may be.
        feature_seconds: how long a decision waits for Redis to say what a unit dealt with.
        spool_bytes: how much of the decision log one process keeps on disk while Postgres does not take it.
        workers: how many processes share the port; counters then say which process they belong to.
        role: what the process is sent, which it tells the console.
        breaker: when a model version is no longer asked for a while.
        requests: how often one API key may ask one process for anything.
        events: how many messages one API key may send to one process.
        ingest_bytes: how many bytes of events, inflated, one API key may send to one process.
        cookies: for which domain the visitor's cookie is set, and from which origins browsers may send it.
    """

    database_url: str | None
    redis_url: str | None
    state_directory: Path
    poll_seconds: float = 2.0
    stale_seconds: float = 5.0
    connect_seconds: int = 2
    connections: int = 4
    retry_seconds: int = 5
    token_age: timedelta = timedelta(days=400)
    feature_seconds: float = 0.02
    spool_bytes: int = 256_000_000
    workers: int = 1
    role: EdgeRole = EdgeRole.EDGE
    breaker: BreakerPolicy = _BREAKER
    requests: LimitPolicy = _REQUESTS
    events: LimitPolicy = _EVENTS
    ingest_bytes: LimitPolicy = _INGEST_BYTES
    cookies: CookiePolicy = _COOKIES


def edge_settings(environment: Mapping[str, str]) -> EdgeSettings:
    """Return the settings that an environment describes.

    Raises:
        EdgeSettingsInvalid: with all faults at once.
    """
    faults: list[str] = []

    def number(name: str, default: float, least: float, most: float) -> float:
        text = environment.get(name) or str(default)
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            faults.append(f"{name} must be a number from {least:g} to {most:g}, not {text!r}.")
            return default
        return value

    def address(name: str, schemes: tuple[str, ...]) -> str | None:
        text = environment.get(name) or None
        if text is not None and not text.startswith(schemes):
            faults.append(f"{name} must begin with {' or '.join(schemes)}.")
        return text

    def role(name: str) -> EdgeRole:
        text = environment.get(name) or EdgeRole.EDGE
        try:
            return EdgeRole(text)
        except ValueError:
            faults.append(f"{name} must be {' or '.join(EdgeRole)}, not {text!r}.")
            return EdgeRole.EDGE

    def limit(name: str, unit: str, default: float, factor: float = 1.0) -> LimitPolicy:
        rate = number(name, default, 0.1, 1e9) * factor
        return LimitPolicy(unit, rate, BURST_SECONDS * rate)

    settings = EdgeSettings(
        database_url=address("DATABASE_URL", ("postgresql://", "postgres://")),
        redis_url=address("REDIS_URL", ("redis://", "rediss://", "unix://")),
        state_directory=Path(environment.get("TILTYARD_STATE_DIR") or _BASE / ".tiltyard").absolute(),
        poll_seconds=number("TILTYARD_EDGE_POLL_SECONDS", 2.0, 0.05, 60),
        stale_seconds=number("TILTYARD_EDGE_STALE_SECONDS", 5.0, 1, 3600),
        connect_seconds=int(number("TILTYARD_DATABASE_CONNECT_SECONDS", 2, 1, 60)),
        connections=int(number("TILTYARD_EDGE_CONNECTIONS", 4, 1, 64)),
        retry_seconds=int(number("TILTYARD_EDGE_RETRY_SECONDS", 5, 1, 300)),
        token_age=timedelta(days=number("TILTYARD_TOKEN_DAYS", 400, 1, 4000)),
        feature_seconds=number("TILTYARD_EDGE_FEATURE_MS", 20, 1, 1_000) / 1_000,
        spool_bytes=int(number("TILTYARD_EDGE_SPOOL_MB", 256, 0, 100_000) * 1_000_000),
        workers=int(number("TILTYARD_EDGE_WORKERS", 1, 1, 256)),
        role=role("TILTYARD_EDGE_ROLE"),
        breaker=BreakerPolicy(
            failures=int(number("TILTYARD_EDGE_BREAKER_FAILURES", 5, 1, 1_000)),
            within=number("TILTYARD_EDGE_BREAKER_WITHIN_SECONDS", 10, 0.1, 3_600),
            rest=number("TILTYARD_EDGE_BREAKER_REST_SECONDS", 30, 0.1, 3_600),
        ),
        requests=limit("TILTYARD_EDGE_REQUEST_RATE", "requests", 5_000),
        events=limit("TILTYARD_EDGE_EVENT_RATE", "events", 40_000),
        ingest_bytes=limit("TILTYARD_EDGE_EVENT_MB_RATE", "bytes", 25, 1_000_000),
        cookies=cookie_policy(environment, faults),
    )
    if faults:
        raise EdgeSettingsInvalid(" ".join(faults))
    return settings
