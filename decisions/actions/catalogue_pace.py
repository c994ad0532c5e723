"""When catalogues are published: changes that come close together once, and freshness no more often than asked for."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection

from decisions.domain import ITEMS
from decisions.ingest.collections import Collection, all_collections
from decisions.queries.catalogue import published_catalogue, published_catalogues
from decisions.queries.freshness import most_age
from foundation.actions.jobs import enqueue
from foundation.queries import ProjectFacts, project_facts

PUBLISH: Final = "publish_catalogue"
"""The kind of the job that publishes a catalogue."""
PACE: Final = timedelta(seconds=10)
SIMULATION_PACE: Final = timedelta(seconds=1)
"""Changes that arrive within such a stretch of wall time are published together."""
ROOM_FOR_COMMIT: Final = 0.2
"""Of the stretch: a change that comes later in it is left to the next."""
SHARE_OF_AGE: Final = 0.25
"""Of the age that a decision point bears; after so long, data that were confirmed are published for that alone."""


def database_now() -> datetime:
    """Return the wall time of the database, by which jobs are due."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def promise_catalogue(*, project_id: int, collection: str = ITEMS) -> bool:
    """Promise to publish a catalogue, together with whatever else changes within the pace."""
    return _promise(project_id, collection, _next_publication(project_facts(project_id)))


def promise_freshness(*, project_id: int, collection: Collection) -> bool:
    """Promise to publish a catalogue for the sake of its freshness, where a decision point asks for it.

    No sooner after it was published last than a quarter of the age that the least patient decision point bears.
    """
    age = most_age(project_id, collection)
    known = published_catalogue(project_id, collection.name)
    if age is None or known is None:
        return False
    facts = project_facts(project_id)
    due = known.published_at + age * SHARE_OF_AGE / facts.clock.speed
    return _promise(project_id, collection.name, max(due, _next_publication(facts)))


def promise_daily_catalogues(*, facts: ProjectFacts, now: datetime) -> int:
    """Promise each catalogue anew for each day of the project and return how many promises were new.

    What is popular changes though no item does. Also where decision points begin, or cease, to ask how old data are.
    """
    today = facts.clock.at(now).astimezone(ZoneInfo(facts.time_zone)).date()
    promised, declared = 0, all_collections()
    for name in (known.collection for known in published_catalogues(facts.id)):
        if name in declared:
            age = most_age(facts.id, declared[name])
            key = f"{PUBLISH}:{facts.id}:{name}:{today.isoformat()}:{'' if age is None else int(age.total_seconds())}"
            promised += enqueue(kind=PUBLISH, key=key, project_id=facts.id, payload={"collection": name})
    return promised


def next_stretch(now: datetime, *, pace: timedelta) -> datetime:
    """Return the end of the stretch, with room for the commit: what is promised has to be there when the job runs."""
    length = pace.total_seconds()
    number = int((now.timestamp() + length * ROOM_FOR_COMMIT) // length) + 1
    return datetime.fromtimestamp(number * length, tz=now.tzinfo)


def _next_publication(facts: ProjectFacts) -> datetime:
    return next_stretch(database_now(), pace=SIMULATION_PACE if facts.simulated else PACE)


def _promise(project_id: int, collection: str, due: datetime) -> bool:
    return enqueue(
        kind=PUBLISH,
        key=f"{PUBLISH}:{project_id}:{collection}:{due.isoformat()}",
        project_id=project_id,
        payload={"collection": collection},
        run_after=due,
    )
