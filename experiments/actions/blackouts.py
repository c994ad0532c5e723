"""The blackout calendar: days that experiments by period leave out, frozen for each of them at its launch."""

from datetime import date, datetime
from typing import ClassVar

from django.db import transaction

from experiments.assignment.periods import days_between
from experiments.models import Blackout
from experiments.queries.blackouts import experiment_within
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import project_facts


class BlackoutTooLate(DomainError):
    """An experiment that serves has fixed its schedule without these days."""

    code: ClassVar[str] = "BLACKOUT_TOO_LATE"
    hint = "Let it begin after the planned end of the experiment, or stop the experiment first."


class BlackoutInvalid(DomainError):
    """The days or the name cannot be used."""

    code: ClassVar[str] = "BLACKOUT_INVALID"
    hint = "Give a name, and a last day that is not before the first one."


class BlackoutUnknown(DomainError):
    """There is no such blackout."""

    code: ClassVar[str] = "BLACKOUT_UNKNOWN"
    hint = "Look at the calendar again; somebody may have removed it."


@transaction.atomic
def add_blackout(
    *, project_id: int, name: str, first_day: date, last_day: date, acting_user: str, now: datetime
) -> int:
    """Keep days of the project's zone out of every experiment by period that is launched from now on; return the id.

    Raises BlackoutInvalid, and BlackoutTooLate where an experiment that serves reaches into these days.
    """
    title = name.strip()
    if not title or first_day > last_day or not 1970 <= first_day.year <= last_day.year < 9999:
        raise BlackoutInvalid("These are no days with a name.")
    facts = project_facts(project_id)
    at = facts.clock.at(now)
    row = Blackout.objects.create(project_id=project_id, name=title, first_day=first_day, last_day=last_day)
    write_journal(  # From here on the project is locked, so that no launch can come between.
        project_id=project_id,
        at=at,
        actor=acting_user,
        action="blackout.create",
        subject=f"blackout:{row.pk}",
        after=_noted(row),
    )
    taken = experiment_within(project_id, days_between(first_day, last_day, facts.time_zone), at=at)
    if taken is not None:
        raise BlackoutTooLate(f"The schedule of experiment {taken} is fixed, and these days lie within it.")
    return int(row.pk)


@transaction.atomic
def remove_blackout(*, blackout_id: int, acting_user: str, now: datetime, reason: str = "") -> None:
    """Take days back into experiments that are launched from now on; those launched before stay as they are.

    Raises BlackoutUnknown.
    """
    row = Blackout.objects.select_for_update().filter(pk=blackout_id).first()
    if row is None:
        raise BlackoutUnknown(f"There is no blackout {blackout_id}.")
    write_journal(
        project_id=row.project_id,
        at=project_facts(row.project_id).clock.at(now),
        actor=acting_user,
        action="blackout.remove",
        subject=f"blackout:{row.pk}",
        reason=reason,
        before=_noted(row),
    )
    row.delete()


def _noted(row: Blackout) -> dict[str, object]:
    return {"name": row.name, "first_day": row.first_day.isoformat(), "last_day": row.last_day.isoformat()}
