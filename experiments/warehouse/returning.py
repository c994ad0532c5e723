"""Which visitors come back a week after they were first exposed, by browser: whether their ids last."""

from datetime import timedelta
from typing import Final

import ibis
from ibis import Table

from experiments.warehouse import tables
from experiments.warehouse.dimensions import UNKNOWN, level
from experiments.warehouse.question import CLOCK_SKEW, Question, moment

BROWSER: Final = "browser"
"""The attribute that holds the family of the browser."""
FROM_DAYS: Final = 7
"""Safari deletes what scripts stored after so many days."""
UNTIL_DAYS: Final = 10


def returning(question: Question) -> Table:
    """Return one row for each browser: `browser`, `visitors` and how many of them `returned`.

    Visitors are those first exposed so long before the end of the look that the tenth day after is over; they returned
    if any outcome of theirs falls into the eighth to tenth day. Visitors of whom no browser is known are left out.
    """
    units = _units(question)
    done = tables.outcomes()
    done = done.filter(
        done.project_id == question.project_id,
        done.visitor.notnull(),
        done.received_at < moment(question.received_before),
        done.day >= (question.window_start + timedelta(days=FROM_DAYS) - CLOCK_SKEW).date(),
        done.day <= (question.window_end + CLOCK_SKEW).date(),
    ).select("visitor", "occurred_at")
    later = units.join(done, units.unit == done.visitor)
    came = later.filter(
        later.occurred_at > later.first_at + ibis.interval(days=FROM_DAYS),
        later.occurred_at <= later.first_at + ibis.interval(days=UNTIL_DAYS),
    )
    came_back = came.select(came_back="unit").distinct()
    known = units.left_join(came_back, units.unit == came_back.came_back)
    return known.group_by("browser").aggregate(visitors=known.count(), returned=known.came_back.count())


def _units(question: Question) -> Table:
    """Return the visitors that were exposed long enough ago: `unit`, `first_at` and `browser`."""
    seen = tables.exposures()
    seen = seen.filter(
        seen.experiment_id == question.experiment_id,
        seen.received_at < moment(question.received_before),
        seen.exposed_at < moment(question.exposed_before),
    )
    seen = seen.select("unit", "exposed_at", "received_at", "message_id", browser=level(seen.attributes, BROWSER))
    earliest = ibis.window(group_by=seen.unit, order_by=[seen.exposed_at, seen.received_at, seen.message_id])
    ranked = seen.mutate(place=ibis.row_number().over(earliest))
    latest = question.window_end - timedelta(days=UNTIL_DAYS)
    return ranked.filter(ranked.place == 0, ranked.browser != UNKNOWN, ranked.exposed_at <= moment(latest)).select(
        "unit", "browser", first_at="exposed_at"
    )
