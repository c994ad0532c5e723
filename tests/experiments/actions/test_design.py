import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from experiments.actions.design import (
    KeyTaken,
    LayerTaken,
    MetricDefinition,
    create_holdout,
    create_layer,
    create_metric,
    hold_layer,
)
from experiments.models import Experiment, Layer, LayerRange, Metric
from experiments.queries.plans import spec_of
from foundation.models import JournalEntry
from tests.fixtures.records import ACTOR, CONVERSION, NOW, make_draft, make_project

pytestmark = pytest.mark.django_db


def test_create_metric__existing_key__makes_the_next_version_and_keeps_the_first():
    project_id = make_project()
    first = create_metric(project_id=project_id, definition=CONVERSION, acting_user=ACTOR, now=NOW)
    second = create_metric(project_id=project_id, definition=CONVERSION, acting_user=ACTOR, now=NOW)
    assert list(Metric.objects.order_by("version").values_list("pk", "version")) == [(first, 1), (second, 2)]
    with pytest.raises(DatabaseError), transaction.atomic():
        Metric.objects.filter(pk=first).update(window_hours=24)


@pytest.mark.parametrize(
    "changes",
    [
        {"numerator_events": []},
        {"window_hours": 25},
        {"kind": "RATIO"},
        {"numerator_what": "SUM_VALUE"},
        {"cap_micros": 5},
    ],
)
def test_create_metric__definition_without_a_meaning__is_refused_and_stores_nothing(changes):
    project_id = make_project()
    values = {
        "key": "m",
        "name": "M",
        "kind": "CONVERSION",
        "numerator_events": ["Order Completed"],
        "numerator_what": "ANY",
    }
    with pytest.raises((ValueError, ValidationError)):
        create_metric(
            project_id=project_id, definition=MetricDefinition(**{**values, **changes}), acting_user=ACTOR, now=NOW
        )
    assert not Metric.objects.exists()


def test_spec_of__ratio_metric__has_both_parts():
    project_id = make_project()
    definition = MetricDefinition(
        key="ctr",
        name="CTR",
        kind="RATIO",
        numerator_events=["Product Clicked"],
        numerator_what="COUNT",
        denominator_events=["Product List Viewed"],
        denominator_what="COUNT",
    )
    metric = Metric.objects.get(
        pk=create_metric(project_id=project_id, definition=definition, acting_user=ACTOR, now=NOW)
    )
    spec = spec_of(metric)
    assert spec.numerator.events == ("Product Clicked",)
    assert spec.denominator is not None
    assert spec.denominator.events == ("Product List Viewed",)


def test_create_experiment__key_taken__is_refused():
    project_id = make_project()
    make_draft(project_id)
    with pytest.raises(KeyTaken):
        make_draft(project_id, definitions=(), roles=())
    assert Experiment.objects.count() == 1


def test_hold_layer__overlapping_slots__are_refused_and_the_old_ones_stay():
    project_id = make_project()
    layer = create_layer(project_id=project_id, key="home", name="Home", acting_user=ACTOR, now=NOW)
    make_draft(project_id, layer_id=layer, layer_ranges=[(0, 600_000)])
    second = make_draft(
        project_id, key="other", definitions=(), roles=(), layer_id=layer, layer_ranges=[(600_000, 700_000)]
    )
    with pytest.raises(LayerTaken):
        hold_layer(experiment_id=second, layer_id=layer, ranges=[(599_999, 800_000)])
    kept = LayerRange.objects.get(experiment_id=second).slots
    assert (kept.lower, kept.upper) == (600_000, 700_000)


def test_salts__new_rows__are_random_and_fixed():
    project_id = make_project()
    first = create_layer(project_id=project_id, key="a", name="A", acting_user=ACTOR, now=NOW)
    second = create_layer(project_id=project_id, key="b", name="B", acting_user=ACTOR, now=NOW)
    salts = set(Layer.objects.values_list("salt", flat=True))
    assert len(salts) == 2
    assert all(len(salt) >= 20 for salt in salts)
    with pytest.raises(DatabaseError), transaction.atomic():
        Layer.objects.filter(pk__in=[first, second]).update(salt="same")


def test_create_holdout__share_out_of_bounds__is_refused():
    project_id = make_project()
    with pytest.raises(DatabaseError), transaction.atomic():
        create_holdout(
            project_id=project_id,
            key="h",
            name="H",
            unit_kind="visitor",
            share=1_000_000,
            acting_user=ACTOR,
            now=NOW,
        )


def test_journal__every_creation__names_who_and_what():
    project_id = make_project()
    create_layer(project_id=project_id, key="home", name="Home", acting_user=ACTOR, now=NOW)
    entry = JournalEntry.objects.get(action="layer.create")
    assert (entry.actor, entry.subject, entry.after) == (ACTOR, "layer:home", {"name": "Home"})
