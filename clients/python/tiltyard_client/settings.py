"""What a client is told."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the server is, and how much a client may use of this process.

    Attributes:
        url: the address of the edge, such as https://edge.example.com; a path in front of /v1 is kept.
        server_key: an API key of kind server. It never leaves this process but to that address.
        file: where the last good configuration is kept, so that a process can start while the server is down; None
            keeps none. It holds what the bundle holds and is readable by its owner only.
        poll_seconds: how often the server is asked for a newer bundle, give or take a fifth.
        timeout_seconds: how long one request of the background threads may take.
        queue_limit: how many events wait at most; what comes on top of them is dropped and counted.
        batch_size: how many events one request carries at most.
        flush_seconds: how long an event waits for others to travel with.
        remembered_exposures: for how many of the latest exposures the client knows that they were reported.
    """

    url: str
    server_key: str = field(repr=False)
    file: Path | None = None
    poll_seconds: float = 5.0
    timeout_seconds: float = 2.0
    queue_limit: int = 10_000
    batch_size: int = 500
    flush_seconds: float = 1.0
    remembered_exposures: int = 100_000

    def __post_init__(self) -> None:
        """Refuse what cannot work: a wrong setting is found at the start and never in front of a shopper."""
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url must begin with http:// or https://, got {self.url!r}")
        if not self.server_key.startswith("ty_server_"):
            raise ValueError("server_key must be an API key of kind server: it begins with ty_server_")
        for name in ("poll_seconds", "timeout_seconds", "flush_seconds", "queue_limit", "batch_size"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)!r}")
        if self.batch_size > 1_000:
            raise ValueError(f"batch_size must be at most 1000, got {self.batch_size}")
