import json
from hashlib import sha256

import pytest

from decisions.actions.publishing import publish_bundle
from decisions.models import PublishedBundle
from experiments.actions import lifecycle
from experiments.actions.design import create_holdout, create_layer
from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.reading import BundleInvalid
from experiments.models import EpochAllocation
from foundation.actions.projects import issue_api_key, revoke_api_key
from tests.fixtures.records import ACTOR, NOW, make_draft, make_project, make_running

pytestmark = pytest.mark.django_db


def content(project_id: int) -> dict:
    publish_bundle(project_id=project_id)
    return json.loads(PublishedBundle.objects.filter(project_id=project_id).latest("version").content)


def test_publish_bundle__running_experiment__compiles_to_what_was_designed():
    project_id = make_project()
    layer = create_layer(project_id=project_id, key="home", name="Home", acting_user=ACTOR, now=NOW)
    holdout = create_holdout(
        project_id=project_id, key="h", name="H", unit_kind="visitor", share=50_000, acting_user=ACTOR, now=NOW
    )
    make_running(
        project_id,
        layer_id=layer,
        layer_ranges=[(0, 400_000)],
        holdout_id=holdout,
        audience={"attribute": "country", "op": "eq", "value": "CN"},
        coverage=300_000,
    )
    published = content(project_id)
    experiment = published["experiments"][0]
    assert experiment["layer_ranges"] == [[0, 400_000]]
    assert (experiment["coverage"], experiment["epoch"], experiment["holdout"]) == (300_000, 1, holdout)
    assert [variant["ranges"] for variant in experiment["variants"]] == [[[0, 500_000]], [[500_000, 1_000_000]]]
    assert compile_snapshot(published).version == published["version"]


def test_publish_bundle__drafts_and_stopped_experiments__are_left_out():
    project_id = make_project()
    make_draft(project_id, key="draft")
    stopped = make_running(project_id, key="stopped", definitions=(), roles=(), metrics=_metrics(project_id))
    lifecycle.stop(experiment_id=stopped, acting_user=ACTOR, now=NOW, reason="done")
    assert content(project_id)["experiments"] == []


def test_publish_bundle__same_revision_twice__is_one_version():
    project_id = make_project()
    first = publish_bundle(project_id=project_id)
    assert publish_bundle(project_id=project_id) == first
    row = PublishedBundle.objects.get(project_id=project_id)
    assert row.sha256 == sha256(row.content.encode()).hexdigest()


def test_publish_bundle__secrets__travel_in_the_companion_alone():
    project_id = make_project()
    client = issue_api_key(project_id=project_id, kind="client", name="web", acting_user=ACTOR, now=NOW)
    server = issue_api_key(project_id=project_id, kind="server", name="api", acting_user=ACTOR, now=NOW)
    revoke_api_key(key_id=server.id, acting_user=ACTOR, now=NOW)
    publish_bundle(project_id=project_id)
    row = PublishedBundle.objects.get(project_id=project_id)
    companion = json.loads(row.companion)
    assert [key["kind"] for key in companion["api_keys"]] == ["client"]
    assert client.secret not in row.companion
    assert companion["pepper"] not in row.content
    assert "api_keys" not in row.content


def test_publish_bundle__content_that_cannot_be_served__is_refused_and_the_last_one_stays():
    project_id = make_project()
    experiment_id = make_running(project_id)
    good = content(project_id)
    _corrupt(experiment_id)
    lifecycle.pause(experiment_id=experiment_id, acting_user=ACTOR, now=NOW)
    with pytest.raises(BundleInvalid):
        publish_bundle(project_id=project_id)
    latest = PublishedBundle.objects.filter(project_id=project_id).latest("version")
    assert latest.version == good["version"]


def _corrupt(experiment_id: int) -> None:
    """Let two variants own the same slots, as only somebody at the database could."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE experiments_epochallocation DISABLE TRIGGER allocation_is_append_only")
        EpochAllocation.objects.filter(epoch__experiment_id=experiment_id).update(ranges=[[0, 1_000_000]])


def _metrics(project_id: int):
    from experiments.actions.design import MetricDraft
    from experiments.models import Metric

    return [MetricDraft(Metric.objects.filter(project_id=project_id).latest("version").pk, "DECISION")]
