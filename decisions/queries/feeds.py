"""Feeds of catalogues, and what the last pull of each gave."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from decisions.models import CatalogueFeed
from foundation.errors import DomainError

OUTCOME_SCHEMA: Final = 1


class FeedUnknown(DomainError):
    """There is no such feed."""

    code = "FEED_UNKNOWN"
    hint = "Look at the feeds that the admin lists."


class PullState(StrEnum):
    """What a pull came to."""

    TAKEN = "TAKEN"
    """The file was read and its items were written."""
    UNCHANGED = "UNCHANGED"
    """The server says that the file is as it was."""
    FAILED = "FAILED"
    """Nothing was written; `code` and `message` say why."""


@dataclass(frozen=True, slots=True)
class LineFault:
    """Why a line was refused; `line` counts from 1, the header included."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullOutcome:
    """What a pull gave. at: when it began, wall time in ISO 8601. refused: lines that were; `faults` are the first."""

    state: PullState
    at: str
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    faults: tuple[LineFault, ...] = ()
    encoding: str = ""
    size: int = 0
    code: str = ""
    message: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as it is stored."""
        return {"schema": OUTCOME_SCHEMA, **asdict(self), "faults": [asdict(fault) for fault in self.faults]}


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """A feed as a pull needs it. pulled_at: when the last pull that succeeded began, wall time."""

    id: int
    project_id: int
    collection: str
    url: str
    etag: str
    pulled_at: datetime | None


@dataclass(frozen=True, slots=True)
class FeedPace:
    """How often an enabled feed is pulled, project time."""

    id: int
    every_minutes: int


def feed_by_id(feed_id: int) -> FeedFacts:
    """Return a feed. Raises FeedUnknown."""
    row = CatalogueFeed.objects.filter(pk=feed_id).first()
    if row is None:
        raise FeedUnknown(f"There is no feed {feed_id}.")
    return FeedFacts(
        id=int(row.pk),
        project_id=row.project_id,
        collection=row.collection,
        url=row.url,
        etag=row.etag,
        pulled_at=row.pulled_at,
    )


def feed_paces(project_id: int) -> list[FeedPace]:
    """Return the feeds of a project that are pulled of themselves."""
    rows = CatalogueFeed.objects.filter(project_id=project_id, is_enabled=True).order_by("pk")
    return [FeedPace(int(pk), minutes) for pk, minutes in rows.values_list("pk", "every_minutes")]


def read_outcome(stored: Mapping[str, Any]) -> PullOutcome | None:
    """Return what a feed's last pull gave; None where it was never pulled."""
    if not stored:
        return None
    known = {name: stored[name] for name in PullOutcome.__dataclass_fields__ if name in stored}
    faults = tuple(LineFault(int(fault["line"]), str(fault["reason"])) for fault in known.pop("faults", ()))
    return PullOutcome(**{**known, "state": PullState(stored["state"]), "faults": faults})
