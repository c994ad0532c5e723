"""What an edge process tells about itself: who it is, and which version of each project it serves.

The reports lie in Redis and expire by themselves. They are for people: nothing depends on them, and where there is none
nothing is known.
"""

from enum import StrEnum

import msgspec

REPORT_KEY = "tiltyard:edge:"
"""With a process's name behind it: its last report, until it expires."""
NAMES_KEY = "tiltyard:edges"
"""The names of processes by the Unix time of their last report, those that have fallen silent too."""
LIFE_SECONDS = 15
REMEMBERED_SECONDS = 24 * 3_600
REPORT_SECONDS = 2.0


class EdgeRole(StrEnum):
    """What a process is sent; it would answer everything."""

    EDGE = "edge"
    INTAKE = "intake"


class EdgeReport(msgspec.Struct, frozen=True):
    """The report of one process. `versions` goes by project key; `started_at` is Unix time."""

    host: str
    process: int
    started_at: float
    versions: dict[str, int]
    stale: bool
    faults: int
    role: EdgeRole = EdgeRole.EDGE

    @property
    def name(self) -> str:
        """What tells this process from all others."""
        return f"{self.host}:{self.process}"


def encode_report(report: EdgeReport) -> bytes:
    """Return a report as it is kept."""
    return msgspec.json.encode(report)


def decode_report(raw: bytes | None) -> EdgeReport | None:
    """Return the report that was kept; None where there is none, or one of another release."""
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=EdgeReport)
    except msgspec.MsgspecError:
        return None
