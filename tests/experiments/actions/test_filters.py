"""Filters: versions, lists of units, suggestions, and what of them an experiment is launched with."""

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from threading import Barrier, Thread

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from experiments.actions.filters import (
    FilterChanged,
    FilterDefinition,
    FilterUnknown,
    ListedUnitsInvalid,
    create_filter,
    list_units,
    suggest_filters,
)
from experiments.models import Experiment, Filter, FilteredUnit
from experiments.queries.filters import active_filters
from experiments.queries.plans import draft_plan, plan_of
from experiments.vocabulary import UnitKind
from foundation.models import JournalEntry, Project
from tests.fixtures.messages import unit_of
from tests.fixtures.records import ACTOR, NOW, make_draft, make_project, make_running

pytestmark = pytest.mark.django_db

ROBOTS = FilterDefinition(
    key="robots", name="Robots", kind="BOT", rule="ATTRIBUTE", attribute="is_bot", values=("true",), active=True
)
STAFF = FilterDefinition(key="staff", name="Staff", kind="INTERNAL", rule="UNIT_LIST", active=True)


def create(project_id: int, definition: FilterDefinition = ROBOTS) -> int:
    return create_filter(project_id=project_id, definition=definition, acting_user=ACTOR, now=NOW)


def put(project_id: int, *units: object, key: str = "staff", kind: UnitKind = UnitKind.VISITOR, later: int = 0):
    now = NOW + timedelta(days=later)
    return list_units(project_id=project_id, key=key, unit_kind=kind, units=units, acting_user=ACTOR, now=now)


def test_new_project__has_suggestions__all_switched_off():
    project_id = make_project()
    suggested = Filter.objects.filter(project_id=project_id)
    assert {row.kind for row in suggested} == {"BOT", "BRUSHING", "INTERNAL"}
    assert {row.rule for row in suggested} == {"ATTRIBUTE", "EVENT_RATE", "UNIT_LIST"}
    assert not suggested.filter(active=True).exists()
    assert active_filters(project_id) == ()
    before = suggested.count()
    suggest_filters(project_id)
    assert suggested.count() == before


def test_migration__project_from_before_filters__gets_the_same_suggestions_once():
    older = Project(key="older", name="Older", currency="USD")
    older.save(force_insert=True)
    furnished, own = make_project(), make_project(key="own")
    create(own, replace(ROBOTS, key="declared-robots"))
    counts = {pk: Filter.objects.filter(project_id=pk).count() for pk in (furnished, own)}
    migration = import_module("experiments.migrations.0006_suggested_filters")
    with connection.schema_editor() as editor:
        migration.suggest(apps, editor)
        migration.suggest(apps, editor)
    assert definitions(older.pk) == definitions(furnished)
    assert not Filter.objects.filter(project=older, active=True).exists()
    assert {pk: Filter.objects.filter(project_id=pk).count() for pk in (furnished, own)} == counts


def definitions(project_id: int) -> list[dict[str, object]]:
    own = {"id", "project_id", "created_at"}
    rows = Filter.objects.filter(project_id=project_id).order_by("key").values()
    return [{name: value for name, value in row.items() if name not in own} for row in rows]


def test_create_filter__changed__makes_the_next_version_and_journals_both():
    project_id = make_project()
    first = create(project_id)
    second = create(project_id, replace(ROBOTS, values=("true", "maybe")))
    assert list(Filter.objects.filter(key="robots").values_list("pk", "version")) == [(second, 2), (first, 1)]
    assert [rule.version for rule in active_filters(project_id)] == [2]
    entry = JournalEntry.objects.filter(subject="filter:robots").latest("sequence")
    assert (entry.action, entry.before["values"], entry.after["values"]) == ("filter.edit", ["true"], ["true", "maybe"])


def test_create_filter__unchanged__makes_no_version():
    project_id = make_project()
    assert create(project_id) == create(project_id)
    assert Filter.objects.filter(key="robots").count() == 1


def test_create_filter__with_fields_of_another_rule__keeps_only_its_own():
    pk = create(make_project(), replace(ROBOTS, events=("X",), hours=3, limit=4))
    row = Filter.objects.get(pk=pk)
    assert (row.events, row.hours, row.limit, row.values) == ([], None, None, ["true"])


@pytest.mark.parametrize(
    "changes",
    [
        {"attribute": ""},
        {"values": ()},
        {"rule": "EVENT_RATE"},
        {"rule": "EVENT_RATE", "events": ("X",), "hours": 0, "limit": 1},
    ],
)
def test_create_filter__without_a_meaning__is_refused_and_nothing_is_stored(changes):
    project_id = make_project()
    before = Filter.objects.count()
    with pytest.raises(ValueError):
        create(project_id, replace(ROBOTS, **changes))
    assert Filter.objects.count() == before


@pytest.mark.parametrize("write", ["update", "delete"])
def test_filter__changed_in_place__is_refused_by_the_database(write):
    pk = create(make_project())
    rows = Filter.objects.filter(pk=pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(active=False) if write == "update" else rows.delete()
    assert Filter.objects.get(pk=pk).active


@pytest.mark.django_db(transaction=True)
def test_create_filter__twice_at_once__makes_two_versions_or_tells_one_of_them():
    project_id = make_project()
    create(project_id)
    start, told = Barrier(2), []

    def edit(value: str) -> None:
        start.wait()
        try:
            create(project_id, replace(ROBOTS, values=(value,)))
        except FilterChanged as error:
            told.append(error.code)
        finally:
            connection.close()

    threads = [Thread(target=edit, args=(value,)) for value in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = list(Filter.objects.filter(key="robots").values_list("version", flat=True))
    assert versions in ([3, 2, 1], [2, 1])
    assert told == ([] if len(versions) == 3 else ["FILTER_CHANGED"])


def test_list_units__of_people__are_stored_as_hashes_and_once():
    project_id = make_project()
    create(project_id, STAFF)
    assert (first := put(project_id, "v1", "v2", "v1")).added == 2
    assert first.known == 0
    assert (again := put(project_id, "v2", "v3", later=3)).added == 1
    assert again.known == 1
    rows = {row.unit: row.received_at for row in FilteredUnit.objects.all()}
    assert set(rows) == {unit_of(project_id, visitor) for visitor in ("v1", "v2", "v3")}
    assert rows[unit_of(project_id, "v2")] == NOW, "listed since the first time"
    assert JournalEntry.objects.latest("sequence").after == {"unit_kind": "visitor", "added": 1}


def test_list_units__of_things__are_stored_as_they_are():
    project_id = make_project()
    create(project_id, STAFF)
    put(project_id, "p-1", kind=UnitKind.ITEM)
    assert FilteredUnit.objects.get().unit == "p-1"


@pytest.mark.parametrize("units", [("v1", ""), ("v1", 7), ("v1", None), ("v1", "\ud800"), ("x" * 20_000,)])
def test_list_units__with_an_id_that_is_none__stores_none_of_them(units):
    project_id = make_project()
    create(project_id, STAFF)
    with pytest.raises(ListedUnitsInvalid):
        put(project_id, *units)
    with pytest.raises(ListedUnitsInvalid):
        put(project_id, *(f"v{index}" for index in range(1001)))
    assert not FilteredUnit.objects.exists()


def test_list_units__of_a_filter_without_a_list__is_refused():
    project_id = make_project()
    create(project_id)
    for key in ("robots", "nobody"):
        with pytest.raises(FilterUnknown):
            put(project_id, "v1", key=key)
    assert not FilteredUnit.objects.exists()


def test_draft_plan__has_the_filters_that_are_switched_on():
    project_id = make_project()
    create(project_id)
    create(project_id, replace(STAFF, active=False))
    assert [rule.key for rule in draft_plan(make_draft(project_id)).filters] == ["robots"]


def test_draft_plan__of_things_that_are_no_shoppers__has_no_filters():
    project_id = make_project()
    create(project_id)
    assert draft_plan(make_draft(project_id, unit_kind="item")).filters == ()


def test_launch__pins_the_versions__and_later_changes_touch_nothing():
    project_id = make_project()
    create(project_id)
    experiment_id = make_running(project_id)
    frozen = plan_of(experiment_id)
    assert [(rule.key, rule.version) for rule in frozen.filters] == [("robots", 1)]
    create(project_id, replace(ROBOTS, active=False))
    create(project_id, STAFF)
    assert plan_of(experiment_id) == frozen
    assert draft_plan(experiment_id) == frozen, "a change of filters is no change of the experiment"
    assert [rule.key for rule in draft_plan(make_draft(project_id, key="next")).filters] == ["staff"]


def test_launch__after_a_filter_was_switched_off__does_without_it():
    project_id = make_project()
    create(project_id)
    create(project_id, replace(ROBOTS, active=False))
    assert plan_of(make_running(project_id)).filters == ()


def test_plan__with_dimensions__keeps_them_and_the_database_freezes_them():
    project_id = make_project()
    Project.objects.filter(pk=project_id).update(attributes=["country"])
    experiment_id = make_draft(project_id)
    Experiment.objects.filter(pk=experiment_id).update(dimensions=["country"])
    assert draft_plan(experiment_id).dimensions == ("country",)
    running = make_running(project_id, key="other")
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.filter(pk=running).update(dimensions=["country"])
    assert plan_of(running).dimensions == ()
