"""Backfilling: history from a file into the event log, by the checks of the edge, as a back end would send it."""

import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo

from decisions.ingest.exposure import Intake
from decisions.ingest.notes import Told, examples_of
from decisions.ingest.receive import receive
from decisions.ingest.writer import EventWriter
from decisions.models import PublishedBundle
from decisions.serving.bundle import LiveBundle, PublishedText, open_bundle
from decisions.vocabulary import BundleSource, IntakeKind, KeyKind, MessageStatus
from foundation.errors import DomainError
from foundation.queries import project_by_key

BATCH = 500
GZIP = b"\x1f\x8b"


class BackfillImpossible(DomainError):
    """The project has no published bundle yet, so messages cannot be checked."""

    code = "BACKFILL_IMPOSSIBLE"
    hint = "Start the workers (bin/serve), which publish one within seconds of any change to the project."


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What became of the lines of a file: messages by status, and those rejected by reason."""

    lines: int
    statuses: dict[str, int]
    rejections: dict[str, int]


def backfill(*, project_key: str, path: Path, now: datetime) -> Backfilled:
    """Store the messages of a file (one JSON object a line, plain or gzip) as history of a project, and say what became
    of them.

    Messages that are there already are duplicates, so a file may be sent again. Raises ProjectUnknown,
    BackfillImpossible, IngestUnavailable, OSError.
    """
    project = project_by_key(project_key)
    intake = Intake(_newest_bundle(project.id), KeyKind.SERVER, project.clock.at(now), timedelta(days=1))
    statuses: Counter[str] = Counter()
    rejections: Counter[str] = Counter()
    writer = EventWriter(_address(), connections=1, connect_seconds=5)
    try:
        lines = _lines(path)
        while raws := list(islice(lines, BATCH)):
            received = receive(raws, None, intake, backfill=True)
            counts = received.notes.counts | {(IntakeKind.RECEIVED, ""): len(received.refused)}
            told = Told(project.id, KeyKind.SERVER.value, counts, examples_of(received.notes, raws, set()))
            stored = writer.write(received.rows, told=told)
            if not received.rows:
                writer.record([told])
            for result in received.results(stored):
                statuses[result.status.value] += 1
                if result.reason is not None:
                    rejections[result.reason.value] += 1
    finally:
        writer.close()
    known = {status.value: statuses[status.value] for status in MessageStatus}
    return Backfilled(sum(statuses.values()), known, dict(sorted(rejections.items())))


def _newest_bundle(project_id: int) -> LiveBundle:
    row = PublishedBundle.objects.filter(project_id=project_id).first()
    if row is None:
        raise BackfillImpossible(f"Project {project_id} has no published bundle.")
    text = PublishedText(project_id, row.version, row.sha256, row.content, row.companion)
    return open_bundle(text, source=BundleSource.POSTGRES)


def _address() -> str:
    """Return where this process' database is; events are written on a connection of their own."""
    told = connection.get_connection_params()
    wanted = ("host", "port", "user", "password", "dbname")
    return make_conninfo(**{name: str(told[name]) for name in wanted if told.get(name)})


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file that are not empty."""
    with path.open("rb") as probe:
        is_compressed = probe.read(len(GZIP)) == GZIP
    with gzip.open(path, "rb") if is_compressed else path.open("rb") as source:
        for line in source:
            if text := line.strip():
                yield text
