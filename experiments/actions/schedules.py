"""Handing out schedules: for which units and periods is kept, so that a report can be held against it."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from django.db import transaction

from experiments.assignment.schedule import MOST_CELLS
from experiments.models import Experiment, PeriodSchedule, RecordedImport
from experiments.queries.schedules import ScheduleFacts, ScheduleImpossible, periods_in, schedule_facts
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import project_facts


class UnitsInvalid(DomainError):
    """The list of units cannot be used."""

    code: ClassVar[str] = "UNITS_INVALID"
    hint = "Give one id a line, each once."


@transaction.atomic
def hand_out(*, experiment_id: int, units: Sequence[str], days: int, acting_user: str, now: datetime) -> ScheduleFacts:
    """Keep for which units and days a schedule is handed out, and return it; the same again changes nothing.

    Another list takes its place, with an entry in the journal, until a report has come in. Raises ScheduleImpossible,
    UnitsInvalid.
    """
    row = Experiment.objects.select_for_update().get(pk=experiment_id)
    facts = schedule_facts(experiment_id)
    periods = periods_in(facts, days)
    if not units:
        raise UnitsInvalid("The list has no units.")
    if len(units) * periods > MOST_CELLS:
        raise ScheduleImpossible(
            f"{len(units)} units in {periods} periods are more than {MOST_CELLS} cells.",
            hint="Give fewer units or fewer days.",
        )
    twice = sorted(unit for unit, times in Counter(units).items() if times > 1)
    if twice:
        raise UnitsInvalid(f"Unit {twice[0]!r} is in the list more than once.")
    if any("\0" in unit for unit in units):
        raise UnitsInvalid("An id contains a NUL character.")
    if (facts.units, facts.periods) == (tuple(units), periods):
        return facts
    if RecordedImport.objects.filter(experiment_id=experiment_id).exists():
        raise ScheduleImpossible(
            f"The report of experiment {facts.key} has come in.", hint="Launch another experiment for other units."
        )
    at = project_facts(row.project_id).clock.at(now)
    PeriodSchedule.objects.update_or_create(
        experiment_id=experiment_id, defaults={"units": list(units), "periods": periods, "made_at": at}
    )
    write_journal(
        project_id=row.project_id,
        at=at,
        actor=acting_user,
        action="experiment.schedule",
        subject=f"experiment:{row.key}",
        before=_noted(facts.units, facts.periods) if facts.units else None,
        after=_noted(units, periods),
    )
    return schedule_facts(experiment_id)


def _noted(units: Sequence[str], periods: int) -> dict[str, object]:
    digest = hashlib.sha256("\n".join(units).encode()).hexdigest()
    return {"units": len(units), "periods": periods, "units_sha256": digest}
