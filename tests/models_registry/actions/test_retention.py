"""Retention: which artifacts may go, that nothing else goes, and that a version stays and says why it cannot serve."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from foundation.models import JournalEntry
from models_registry.actions.aliases import ReasonMissing, Scope, clear_alias, move_alias, take_back
from models_registry.actions.retention import drop_artifact, leaving_artifacts
from models_registry.models import AliasMove, ArtifactChunk, ArtifactDrop, ModelVersion
from models_registry.queries.aliases import holder_of
from models_registry.queries.versions import (
    ArtifactDropped,
    artifact_bytes,
    dropped_artifacts,
    verified_artifact,
    version_by_id,
)
from models_registry.vocabulary import AliasName
from tests.fixtures.records import ACTOR, NOW, make_project
from tests.fixtures.registry import make_champion, make_model, make_version

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=3_650)
"""After every version of these tests: they are registered by the wall clock."""

EVERYBODY = Scope()


@pytest.fixture
def model_id() -> int:
    return make_model(make_project())


def going(**kept: object) -> list[int]:
    """Return the versions whose artifacts may go."""
    values = {"before": LATER, "kept": (), **kept}
    return [version for leaving in leaving_artifacts(**values) for version in leaving.versions]


def drop(version_id: int) -> bool:
    (leaving,) = [one for one in leaving_artifacts(before=LATER, kept=()) if version_id in one.versions]
    return drop_artifact(leaving, acting_user=ACTOR, now=NOW, reason="saves room")


def test_leaving__old_versions_that_nothing_needs__are_named_and_the_newest_stays(model_id):
    first, second, newest = (make_version(model_id, first=score) for score in (1.0, 2.0, 3.0))
    assert going() == [first, second]
    assert going(kept=[first]) == [second]
    assert going(before=NOW - timedelta(days=36_500)) == []
    assert newest not in going()


def test_leaving__holders_and_what_they_could_go_back_to__are_kept(model_id):
    first, second, third, newest = (make_version(model_id, first=score) for score in (1.0, 2.0, 3.0, 4.0))
    make_champion(first)
    make_champion(second)
    assert going() == [third]
    make_champion(newest)
    assert going() == [first, third]


def test_leaving__bytes_that_another_version_shares__are_kept_with_it(model_id):
    twin = make_version(model_id, first=1.0)
    other = make_version(model_id, first=1.0)
    newest = make_version(model_id, first=2.0)
    assert going() == [twin, other]
    assert going(kept=[other]) == []
    assert newest not in going()


def test_drop__an_artifact__goes_and_the_version_stays_and_says_so(model_id):
    old, newest = make_version(model_id, first=1.0), make_version(model_id, first=2.0)
    facts = version_by_id(old)
    assert drop(old)
    assert version_by_id(old) == facts
    assert set(dropped_artifacts([facts.sha256, version_by_id(newest).sha256])) == {facts.sha256}
    with pytest.raises(ArtifactDropped, match="was dropped on"):
        verified_artifact(facts)
    entry = JournalEntry.objects.latest("sequence")
    assert (entry.action, entry.reason, entry.after["version"]) == ("artifact.drop", "saves room", facts.number)
    assert verified_artifact(version_by_id(newest)).tensors
    assert going() == []


def test_drop__without_a_reason__changes_nothing(model_id):
    old, _newest = make_version(model_id, first=1.0), make_version(model_id, first=2.0)
    (leaving,) = leaving_artifacts(before=LATER, kept=())
    with pytest.raises(ReasonMissing):
        drop_artifact(leaving, acting_user=ACTOR, now=NOW, reason=" ")
    assert artifact_bytes(version_by_id(old).sha256)
    assert not ArtifactDrop.objects.exists()


def test_drop__a_version_that_holds_an_alias_by_now__is_left_alone(model_id):
    old, _newest = make_version(model_id, first=1.0), make_version(model_id, first=2.0)
    (leaving,) = leaving_artifacts(before=LATER, kept=())
    make_champion(old)
    entries = JournalEntry.objects.count()
    assert not drop_artifact(leaving, acting_user=ACTOR, now=NOW, reason="saves room")
    assert verified_artifact(version_by_id(old)).tensors
    assert JournalEntry.objects.count() == entries


def test_drop__the_same_bytes_registered_by_another_version_since__is_left_alone(model_id):
    make_version(model_id, first=1.0)
    make_version(model_id, first=2.0)
    (leaving,) = leaving_artifacts(before=LATER, kept=())
    twin = make_version(model_id, first=1.0)
    assert not drop_artifact(leaving, acting_user=ACTOR, now=NOW, reason="saves room")
    assert verified_artifact(version_by_id(twin)).tensors


def test_dropped__a_version__cannot_hold_an_alias(model_id):
    old, newest = make_version(model_id, first=1.0), make_version(model_id, first=2.0)
    make_champion(newest)
    drop(old)
    moves = AliasMove.objects.count()
    for name in AliasName:
        with pytest.raises(ArtifactDropped, match="v1"):
            move_alias(version_id=old, name=name, scope=EVERYBODY, acting_user=ACTOR, now=NOW, reason="again")
    assert AliasMove.objects.count() == moves
    assert holder_of(model_id, AliasName.CHAMPION) == newest


def test_dropped__trained_again_to_the_same_bytes__serves_again(model_id):
    old, _newest = make_version(model_id, first=1.0), make_version(model_id, first=2.0)
    drop(old)
    again = make_version(model_id, first=1.0)
    sha = version_by_id(again).sha256
    assert sha == version_by_id(old).sha256
    assert dropped_artifacts([sha]) == {}
    make_champion(old)
    assert holder_of(model_id, AliasName.CHAMPION) == old


def test_clear__an_alias__leaves_nobody_and_can_be_taken_back(model_id):
    version = make_version(model_id)
    move_alias(
        version_id=version, name=AliasName.SHADOW, scope=EVERYBODY, acting_user=ACTOR, now=NOW, reason="watch it"
    )
    move = clear_alias(model_id=model_id, name=AliasName.SHADOW, acting_user=ACTOR, now=NOW, reason="seen enough")
    assert holder_of(model_id, AliasName.SHADOW) is None
    take_back(move_id=move, acting_user=ACTOR, now=NOW, reason="not yet")
    assert holder_of(model_id, AliasName.SHADOW) == version


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM models_registry_artifactchunk",
        "UPDATE models_registry_artifactchunk SET content = ''",
        "DELETE FROM models_registry_artifactdrop",
        "UPDATE models_registry_artifactdrop SET reason = ''",
    ],
)
def test_tables__changed_by_hand__refuse(model_id, statement):
    old = make_version(model_id, first=1.0)
    make_version(model_id, first=2.0)
    drop(old)
    chunks = ArtifactChunk.objects.count()
    with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute(statement)
    assert ArtifactChunk.objects.count() == chunks
    assert ArtifactDrop.objects.get().reason == "saves room"


def test_tables__the_artifact_of_a_champion__refuses_even_with_a_note(model_id):
    version = make_version(model_id)
    make_champion(version)
    sha = version_by_id(version).sha256
    ArtifactDrop.objects.create(sha256=sha, size=1, actor=ACTOR, reason="by hand")
    with pytest.raises(DatabaseError, match="holds an alias"), transaction.atomic():
        ArtifactChunk.objects.filter(sha256=sha).delete()
    assert artifact_bytes(sha)


def test_tables__a_version_without_an_artifact__is_refused(model_id):
    row = ModelVersion.objects.get(pk=make_version(model_id))
    row.pk, row.sha256, row.number = None, "0" * 64, 9
    with pytest.raises(DatabaseError, match="needs its artifact"), transaction.atomic():
        row.save(force_insert=True)
    assert ModelVersion.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_drop__while_an_alias_moves__one_of_both_happens(model_id):
    """Whoever comes second waits for the first, and finds the artifact held or gone."""
    for round_number in range(6):
        old = make_version(model_id, first=1.0 + round_number)
        make_version(model_id, first=100.0 + round_number)
        (leaving,) = [one for one in leaving_artifacts(before=LATER, kept=()) if old in one.versions]
        together = threading.Barrier(2)
        moved: list[bool] = []

        def move(version: int = old, together: threading.Barrier = together, moved: list[bool] = moved) -> None:
            together.wait(30)
            try:
                make_champion(version)
            except ArtifactDropped:
                moved.append(False)
            else:
                moved.append(True)
            finally:
                connection.close()

        mover = threading.Thread(target=move)
        mover.start()
        together.wait(30)
        dropped = drop_artifact(leaving, acting_user=ACTOR, now=NOW, reason="saves room")
        mover.join(30)
        assert moved == [not dropped]
        assert (holder_of(model_id, AliasName.CHAMPION) == old) is not dropped
