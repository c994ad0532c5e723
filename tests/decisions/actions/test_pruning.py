"""Pruning: what experiments pin is kept while they run and for a while after; the command says before it drops."""

import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from decisions.actions.pruning import DaysInvalid, prunable_artifacts, prune_artifacts
from decisions.domain import PolicyKind
from decisions.models import DecisionPoint, VariantPolicy
from experiments.models import Experiment
from experiments.vocabulary import Status
from models_registry.models import ArtifactChunk, ArtifactDrop, ModelVersion
from models_registry.queries.versions import dropped_artifacts, version_by_id
from tests.decisions.recipes import make_recipe_draft
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_decision_experiment, make_model, make_point, make_version

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=3_650)


@pytest.fixture
def shop() -> tuple[int, int, int]:
    """Return the versions of a model: one that a running experiment pins, an old one, and the newest."""
    project_id = make_project()
    model_id = make_model(project_id)
    pinned, old, newest = (make_version(model_id, first=score) for score in (1.0, 2.0, 3.0))
    make_decision_experiment(project_id, make_point(project_id, model_id), pinned)
    return pinned, old, newest


def going(days: int = 180) -> list[int]:
    return [version for leaving in prunable_artifacts(days=days, now=LATER) for version in leaving.versions]


def test_prunable__what_a_running_experiment_pins__stays(shop):
    _pinned, old, _newest = shop
    assert going() == [old]


def test_prunable__an_experiment_that_is_long_over__needs_it_no_more(shop):
    pinned, old, _newest = shop
    over = {"status": Status.STOPPED, "stopped_at": LATER - timedelta(days=200)}
    Experiment.objects.update(**over)
    Experiment.objects.update(status=Status.CONCLUDED, conclusion="SHIPPED", concluded_at=LATER - timedelta(days=200))
    assert going(days=180) == [pinned, old]
    assert going(days=365) == [old]


def test_prune__drops_and_returns_what_went(shop):
    pinned, old, newest = shop
    (left,) = prune_artifacts(days=180, acting_user=ACTOR, now=LATER, reason="saves room")
    assert left.versions == (old,)
    shas = {version: version_by_id(version).sha256 for version in shop}
    assert set(dropped_artifacts(shas.values())) == {shas[old]}
    assert prune_artifacts(days=180, acting_user=ACTOR, now=LATER, reason="saves room") == []
    assert {pinned, newest}.isdisjoint(left.versions)


@pytest.mark.django_db(transaction=True)
def test_prune__a_version_that_a_draft_pins_once_it_was_listed__stays(shop):
    _pinned, old, _newest = shop
    point = DecisionPoint.objects.get()
    draft = make_recipe_draft(point.project_id, point.pk, key="later")
    ended = threading.Event()
    dropped: list[int] = []

    def prune() -> None:
        try:
            went = prune_artifacts(days=180, acting_user=ACTOR, now=LATER, reason="saves room")
            dropped.extend(version for leaving in went for version in leaving.versions)
        finally:
            ended.set()
            connection.close()

    pruner = threading.Thread(target=prune)
    with transaction.atomic():
        ModelVersion.objects.select_for_update().get(pk=old)
        pruner.start()
        # It has listed what may go, and waits for the version; meanwhile somebody pins that.
        assert not ended.wait(1.0)
        row = VariantPolicy.objects.filter(experiment_id=draft, variant__key="first")
        row.update(policy=PolicyKind.MODEL_RANKED, version_id=old)
    pruner.join(30)
    assert ended.is_set()
    assert dropped == []
    assert dropped_artifacts([version_by_id(old).sha256]) == {}


def test_prune__zero_days__is_refused_and_changes_nothing(shop):
    chunks = ArtifactChunk.objects.count()
    with pytest.raises(DaysInvalid):
        prune_artifacts(days=0, acting_user=ACTOR, now=LATER, reason="all")
    assert ArtifactChunk.objects.count() == chunks


def test_command__dry_run__says_what_would_go_and_drops_nothing(shop, capsys):
    chunks = ArtifactChunk.objects.count()
    call_command("prune_artifacts", "--days", "1", "--dry-run")
    assert "0 artifacts would go." in capsys.readouterr().out
    assert ArtifactChunk.objects.count() == chunks
    assert not ArtifactDrop.objects.exists()


def test_command__days_that_make_no_sense__are_refused(shop):
    with pytest.raises(CommandError, match="cannot be kept"):
        call_command("prune_artifacts", "--days", "0")
