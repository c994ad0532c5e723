"""Filters of a project: those an experiment launched now would use, and the versions that one was launched with."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, QuerySet

from experiments.analysis.filters import FilterKind, FilterRule, UnitFilter
from experiments.models import Filter


def active_filters(project_id: int) -> tuple[UnitFilter, ...]:
    """Return the filters that are switched on, by key. Raises ValueError."""
    return tuple(filter_of(row) for row in newest_versions(project_id).filter(active=True).order_by("key"))


def pinned_filters(project_id: int, pinned: Sequence[UnitFilter]) -> tuple[UnitFilter, ...]:
    """Return the same versions as they are stored; one that is not stored is left out. Raises ValueError."""
    wanted = [(rule.key, rule.version) for rule in pinned]
    rows = Filter.objects.filter(project_id=project_id, key__in=[key for key, _ in wanted])
    stored = {(row.key, row.version): row for row in rows}
    return tuple(filter_of(stored[pin]) for pin in wanted if pin in stored)


def newest_versions(project_id: int) -> QuerySet[Filter, Filter]:
    """Return the newest version of each of a project's filters."""
    later = Filter.objects.filter(project=OuterRef("project"), key=OuterRef("key"), version__gt=OuterRef("version"))
    return Filter.objects.filter(project_id=project_id).filter(~Exists(later))


def filter_of(row: Filter) -> UnitFilter:
    """Return the pure form of a filter version. Raises ValueError."""
    rule = FilterRule(row.rule)
    by_attribute, by_rate = rule is FilterRule.ATTRIBUTE, rule is FilterRule.EVENT_RATE
    return UnitFilter(
        key=row.key,
        version=row.version,
        kind=FilterKind(row.kind),
        rule=rule,
        attribute=row.attribute if by_attribute else None,
        values=tuple(row.values) if by_attribute else (),
        events=tuple(row.events) if by_rate else (),
        hours=row.hours if by_rate else None,
        limit=row.limit if by_rate else None,
    )
