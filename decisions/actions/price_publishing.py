"""Publishing of prices: what the edge quotes, as one file that bundles name; every change tells its time beforehand."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from decisions.actions.catalogue_pace import database_now, next_stretch
from decisions.actions.chunks import publish_file
from decisions.actions.ledger_lock import lock_ledger
from decisions.queries.catalogue import PRICES
from decisions.queries.prices import decides_prices, price_content
from foundation.actions.jobs import enqueue
from foundation.queries import project_facts

PUBLISH_PRICES: Final = "publish_prices"
"""The kind of the job that publishes the prices of a project."""
PACE: Final = timedelta(seconds=5)
SIMULATION_PACE: Final = timedelta(milliseconds=250)
"""Changes that arrive within such a stretch of wall time are published together: well within their grace."""
KEPT: Final = timedelta(minutes=1)
"""Wall time for which an offer that has ended stays in the file, for processes whose clock is behind."""


def promise_prices(*, project_id: int) -> bool:
    """Promise to publish the prices of a project that decides on prices; return whether the promise is new."""
    if not decides_prices(project_id):
        return False
    is_simulated = project_facts(project_id).simulated
    due = next_stretch(database_now(), pace=SIMULATION_PACE if is_simulated else PACE)
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
    return publish_file(project_id=project_id, collection=PRICES, content=found.content, items=found.items, now=now)
