"""Filters: an edit makes the next version, units are put on lists, and a new project begins with suggestions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from experiments.analysis.filters import FilterRule
from experiments.assignment.bucketing import encode_unit
from experiments.models import Filter
from experiments.queries.filters import filter_of, newest_versions
from experiments.vocabulary import PERSONAL_UNITS, UnitKind
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.ids import hash_unit, sought
from foundation.queries import project_facts

MOST_UNITS = 1_000
"""Ids in one call of `list_units`."""


class FilterUnknown(DomainError):
    """The project has no filter with this key that goes by a list."""

    code = "FILTER_UNKNOWN"
    hint = "Check the key under Filters; only a filter whose rule is a list takes units."


class FilterChanged(DomainError):
    """Somebody else made the next version of the filter at the same moment."""

    code = "FILTER_CHANGED"
    hint = "Open the filter again and look at what was changed."


class ListedUnitsInvalid(DomainError):
    """The ids cannot be put on a list; none of them was."""

    code = "UNITS_INVALID"
    hint = f"Send at most {MOST_UNITS} ids at a time: non-empty strings, as events carry them."


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterDefinition:
    """A filter to create; see `experiments.analysis.filters` for the meaning of the fields."""

    key: str
    name: str
    kind: str
    rule: str
    description: str = ""
    attribute: str = ""
    values: Sequence[str] = ()
    events: Sequence[str] = ()
    hours: int | None = None
    limit: int | None = None
    active: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """What became of the ids of a call: how many are new on the list, how many were on it."""

    added: int
    known: int


@transaction.atomic
def create_filter(*, project_id: int, definition: FilterDefinition, acting_user: str, now: datetime) -> int:
    """Create the first or the next version of a filter and return its id; nothing new makes no version.

    Experiments that run keep the version they were launched with. Raises FilterChanged, ValidationError, and
    ValueError for a definition without a meaning.
    """
    newest = newest_versions(project_id).filter(key=definition.key).first()
    row = _row(project_id, definition, version=newest.version + 1 if newest else 1)
    row.clean_fields()
    filter_of(row)
    before = _definition(newest) if newest else None
    if newest is not None and before == _definition(row):
        return int(newest.pk)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if "filter_version" in str(error):
            raise FilterChanged(f"Version {row.version} of {row.key} was made by somebody else.") from error
        raise
    write_journal(
        project_id=project_id,
        at=now,
        actor=acting_user,
        action="filter.create" if newest is None else "filter.edit",
        subject=f"filter:{row.key}",
        before=before or {},
        after={**_definition(row), "version": row.version},
    )
    return int(row.pk)


@transaction.atomic
def list_units(
    *, project_id: int, key: str, unit_kind: UnitKind, units: Sequence[object], acting_user: str, now: datetime
) -> Listed:
    """Put units on a filter's list under their stored ids; one that is on it stays as it is.

    They count from now on (project time): experiments that exposed a unit before are not changed by it. Raises
    FilterUnknown, ListedUnitsInvalid.
    """
    row = newest_versions(project_id).filter(key=sought(key), rule=FilterRule.UNIT_LIST).first()
    if row is None:
        raise FilterUnknown(f"There is no filter {key} that goes by a list.")
    if len(units) > MOST_UNITS:
        raise ListedUnitsInvalid(f"There are {len(units)} ids in one call.")
    for place, unit in enumerate(units):
        if encode_unit(unit) is None:
            raise ListedUnitsInvalid(f"The id at place {place} is empty, too long or no string.")
    facts = project_facts(project_id)
    plain = [str(unit) for unit in units]
    stored = {hash_unit(facts.pepper, unit_kind, unit) if unit_kind in PERSONAL_UNITS else unit for unit in plain}
    at = facts.clock.at(now)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO experiments_filteredunit (project_id, filter_key, unit, received_at)"
            " SELECT %s, %s, unit, %s FROM unnest(%s::text[]) AS unit ON CONFLICT DO NOTHING",
            [project_id, key, at, sorted(stored)],
        )
        added = cursor.rowcount
    if added:
        write_journal(
            project_id=project_id,
            at=now,
            actor=acting_user,
            action="filter.list",
            subject=f"filter:{key}",
            after={"unit_kind": unit_kind.value, "added": added},
        )
    return Listed(added=added, known=len(stored) - added)


def suggest_filters(project_id: int) -> None:
    """Give a new project its suggestions, switched off; keys that it has are left alone."""
    rows = [_row(project_id, definition, version=1) for definition in _suggestions()]
    Filter.objects.bulk_create(rows, ignore_conflicts=True)


def _suggestions() -> tuple[FilterDefinition, ...]:
    return (
        FilterDefinition(
            key="declared-robots",
            name=_("Robots that say so"),
            description=_(
                "Visitors that the shop itself knows to be robots. The shop sends the attribute is_bot with its "
                "exposures."
            ),
            kind="BOT",
            rule="ATTRIBUTE",
            attribute="is_bot",
            values=("true",),
        ),
        FilterDefinition(
            key="robot-browsers",
            name=_("Robots by their browser"),
            description=_(
                "Visitors whose browser names itself a robot. The shop sends the attribute user_agent_class with its "
                "exposures."
            ),
            kind="BOT",
            rule="ATTRIBUTE",
            attribute="user_agent_class",
            values=("bot", "crawler", "spider"),
        ),
        FilterDefinition(
            key="busy-robots",
            name=_("Robots by their haste"),
            description=_("Visitors who looked at more products in a day than a person can."),
            kind="BOT",
            rule="EVENT_RATE",
            events=("Product Viewed",),
            hours=24,
            limit=500,
        ),
        FilterDefinition(
            key="brushing",
            name=_("Brushing: many orders at once"),
            description=_("Visitors who placed more orders in a day than shoppers do: orders made up for rank."),
            kind="BRUSHING",
            rule="EVENT_RATE",
            events=("Order Completed",),
            hours=24,
            limit=10,
        ),
        FilterDefinition(
            key="staff",
            name=_("Our own staff"),
            description=_("Units on a list that your servers or operators send; see the documentation."),
            kind="INTERNAL",
            rule="UNIT_LIST",
        ),
    )


def _row(project_id: int, definition: FilterDefinition, *, version: int) -> Filter:
    """Return a version that keeps only what its rule reads."""
    by_attribute, by_rate = definition.rule == FilterRule.ATTRIBUTE, definition.rule == FilterRule.EVENT_RATE
    return Filter(
        project_id=project_id,
        key=definition.key,
        version=version,
        name=definition.name,
        description=definition.description,
        kind=definition.kind,
        rule=definition.rule,
        attribute=definition.attribute if by_attribute else "",
        values=list(definition.values) if by_attribute else [],
        events=list(definition.events) if by_rate else [],
        hours=definition.hours if by_rate else None,
        limit=definition.limit if by_rate else None,
        active=definition.active,
    )


def _definition(row: Filter) -> dict[str, object]:
    return asdict(
        FilterDefinition(
            key=row.key,
            name=row.name,
            description=row.description,
            kind=row.kind,
            rule=row.rule,
            attribute=row.attribute,
            values=list(row.values),
            events=list(row.events),
            hours=row.hours,
            limit=row.limit,
            active=row.active,
        )
    )
