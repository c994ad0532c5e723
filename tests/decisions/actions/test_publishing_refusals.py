"""Configurations that are wrong never get a version: the last good bundle stays published, and edges go on with it."""

import copy
import random
from pathlib import Path

import pytest

from config.edge import Edge
from decisions.actions.publishing import publish_bundle
from decisions.models import PublishedBundle, PublishedChunk
from decisions.queries.publication import publications
from decisions.serving.settings import EdgeSettings
from experiments.assignment.reading import BundleInvalid
from foundation.actions.jobs import claim, fail
from foundation.models import Job, Project
from tests.decisions.mutations import mutations, whole_content
from tests.fixtures.records import make_project

TRIED = 500
EXPERIMENTS = ("holdouts", "layers", "experiments", "flags")
DECISIONS = ("decision_points", "models", "catalogue")


def records_say(content: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the records be what a content says: by hand, at the database, somebody may have made them so."""
    experiments = {name: content[name] for name in EXPERIMENTS if name in content}
    decisions = {"learners": []} | {name: content[name] for name in DECISIONS if name in content}
    monkeypatch.setattr("decisions.actions.publishing.bundle_parts", lambda _project: copy.deepcopy(experiments))
    monkeypatch.setattr("decisions.actions.publishing.decision_parts", lambda *_, **__: copy.deepcopy(decisions))


def move_revision(project_id: int) -> int:
    project = Project.objects.get(pk=project_id)
    Project.objects.filter(pk=project_id).update(revision=project.revision + 1)
    return project.revision + 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_publish_bundle__five_hundred_broken_configurations__publish_nothing_and_edges_keep_the_last_good_one(
    monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path
) -> None:
    project_id = make_project()
    good = publish_bundle(project_id=project_id)
    edge = Edge(EdgeSettings(database_url=database_url, redis_url=None, state_directory=tmp_path, poll_seconds=0.1))
    edge.runtime.start()
    before = list(PublishedBundle.objects.values_list("version", "sha256", "content", "companion"))
    # Broken names would end in the query for the experiments of the decision points, which reads ids.
    broken = [
        (name, c)
        for name, c in mutations()
        if all(isinstance(e, dict) and type(e.get("id")) is int for e in _experiments(c))
    ]
    try:
        for name, content in random.Random(20_260_302).sample(broken, TRIED):
            records_say(content, monkeypatch)
            revision = move_revision(project_id)
            with pytest.raises(BundleInvalid) as caught:
                publish_bundle(project_id=project_id)
            assert caught.value.message.startswith("bundle"), name
            assert Project.objects.get(pk=project_id).revision == revision

        assert list(PublishedBundle.objects.values_list("version", "sha256", "content", "companion")) == before
        assert not PublishedChunk.objects.exists()
        assert edge.runtime.refresh()
        assert {b.version for b in edge.runtime.live.by_project.values() if b.project_id == project_id} == {good}
        assert edge.runtime.status().last_error is None
    finally:
        edge.close()


def _experiments(content: dict) -> list:
    listed = content.get("experiments")
    return listed if isinstance(listed, list) else [None]


@pytest.mark.django_db
def test_publish_bundle__mended_after_a_refusal__is_published_with_the_next_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project_id = make_project()
    content = whole_content() | {"models": [], "decision_points": []}
    records_say(content | {"flags": None}, monkeypatch)
    with pytest.raises(BundleInvalid):
        publish_bundle(project_id=project_id)

    records_say(content, monkeypatch)

    assert publish_bundle(project_id=project_id) == Project.objects.get(pk=project_id).revision


@pytest.mark.django_db
def test_publications__refused_revision__is_told_with_what_is_wrong_and_what_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project_id = make_project()
    good = publish_bundle(project_id=project_id)
    Job.objects.filter(project_id=project_id).delete()
    revision = move_revision(project_id)
    job = Job.objects.create(
        kind="publish_bundle", key=f"publish_bundle:{project_id}:{revision}", project_id=project_id
    )
    claimed = claim(job_id=job.pk, owner="tester")
    assert claimed is not None
    records_say(whole_content() | {"layers": []}, monkeypatch)
    with pytest.raises(BundleInvalid) as caught:
        publish_bundle(project_id=project_id)
    fail(job=claimed, error=f"BundleInvalid: {caught.value.message}")

    (told,) = publications()

    assert (told.project_key, told.revision, told.version, told.is_current) == ("shop", revision, good, False)
    assert told.fault is not None
    assert "there is no layer" in told.fault.error
    assert told.fault.attempts == 1


@pytest.mark.django_db
def test_publications__everything_published__has_no_fault() -> None:
    project_id = make_project()
    assert [(told.version, told.is_current) for told in publications()] == [(None, False)]

    publish_bundle(project_id=project_id)

    (told,) = publications()
    assert (told.version, told.is_current, told.fault) == (told.revision, True, None)
