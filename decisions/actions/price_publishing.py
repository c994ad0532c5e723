"""Publishing of prices: what the edge quotes, as one file that bundles name; every change tells its time beforehand."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from django.db import transaction

from decisions.actions.catalogue_pace import database_now
from decisions.actions.chunks import publish_chunks
from decisions.actions.ledger_lock import lock_ledger
from decisions.models import PublishedCatalogue
from decisions.queries.catalogue import PRICES, published_catalogue
from decisions.queries.prices import decides_prices, price_content
from foundation.actions.jobs import enqueue
from foundation.actions.projects import bump_revision
from foundation.queries import ProjectFacts, project_facts

PUBLISH_PRICES: Final = "publish_prices"
"""The kind of the job that publishes the prices of a project."""
PACE: Final = 5.0
SIMULATION_PACE: Final = 0.25
"""Seconds of wall time within which changes are published together: well within the grace that they are given."""
ROOM_FOR_COMMIT: Final = 0.2
"""Of the stretch: a change that comes later in it is left to the next."""
KEPT: Final = timedelta(minutes=1)
"""Wall time for which an offer that has ended stays in the file, for processes whose clock is behind."""


def promise_prices(*, project_id: int) -> bool:
    """Promise to publish the prices of a project that decides on prices; return whether the promise is new."""
    if not decides_prices(project_id):
        return False
    due = _next_stretch(project_facts(project_id), database_now())
    return enqueue(
        kind=PUBLISH_PRICES,
        key=f"{PUBLISH_PRICES}:{project_id}:{due.isoformat()}",
        project_id=project_id,
        payload={},
        run_after=due,
    )


@transaction.atomic
def publish_prices(*, project_id: int, now: datetime) -> bool:
    """Publish what everybody is offered and let bundles name it; return whether anything has changed.

    `now` is wall time.
    """
    # Whoever publishes or writes at the same time is waited for: the last word is never the older one, and a writer
    # whose promise was this job's is not missed.
    lock_ledger(project_id)
    found = price_content(project_id, since=project_facts(project_id).clock.at(now - KEPT))
    digest = sha256(found.content).hexdigest()
    known = published_catalogue(project_id, PRICES)
    if known is not None and known.sha256 == digest:
        return False
    publish_chunks(digest, found.content)
    PublishedCatalogue.objects.update_or_create(
        project_id=project_id,
        collection=PRICES,
        defaults={"sha256": digest, "size": len(found.content), "items": found.items, "published_at": now},
    )
    bump_revision(project_id=project_id)
    return True


def _next_stretch(facts: ProjectFacts, now: datetime) -> datetime:
    """Return the end of the stretch, with room for the commit: what is promised has to be there when the job runs."""
    pace = SIMULATION_PACE if facts.simulated else PACE
    number = int((now.timestamp() + pace * ROOM_FOR_COMMIT) // pace) + 1
    return datetime.fromtimestamp(number * pace, tz=now.tzinfo)
