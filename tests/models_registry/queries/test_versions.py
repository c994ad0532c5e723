"""The registry opens what it registered; the corpus of hostile files is refused and moves no alias."""

from pathlib import Path

import pytest

from models_registry.artifacts import ArtifactDamaged, ArtifactRefused
from models_registry.models import Alias, ArtifactChunk, ModelVersion, TrainingRun
from models_registry.predictors.loading import predictor_of
from models_registry.queries.aliases import holder_of
from models_registry.queries.versions import artifact_bytes, verified_artifact, version_by_id, version_facts
from models_registry.vocabulary import AliasName
from tests.fixtures.records import make_project
from tests.fixtures.registry import make_champion, make_model, make_run, make_version, popularity_artifact
from tests.models_registry.hostile import KEY, Specimen, specimens

pytestmark = pytest.mark.django_db


def keep(model_id: int, specimen: Specimen, number: int) -> ModelVersion:
    """Return a version whose record and bytes are those of a specimen, as if somebody wrote them into the tables."""
    run = TrainingRun.objects.get(pk=make_run(model_id))
    content = specimen.content or b"\0"
    if not ArtifactChunk.objects.filter(sha256=specimen.sha).exists():
        ArtifactChunk.objects.create(sha256=specimen.sha, position=0, content=content)
    return ModelVersion.objects.create(
        model_id=model_id,
        number=number,
        kind="popularity",
        sha256=specimen.sha,
        size=len(content),
        seal=specimen.sealed,
        signature={},
        metrics={},
        gate={"passed": True},
        run=run,
        data_start=run.data_start,
        data_end=run.data_end,
        code_revision="",
    )


def test_verified__the_corpus_in_the_tables__is_refused_and_the_champion_is_untouched(tmp_path: Path):
    """The project's key is not the corpus's, so that every seal of it is a forgery here; damage is seen before."""
    model_id = make_model(make_project())
    champion = make_version(model_id)
    make_champion(champion)
    before = list(Alias.objects.values())
    found: dict[str, str] = {}
    by_digest: dict[str, Specimen] = {}
    for specimen in specimens(tmp_path / "canary"):
        if specimen.content:
            by_digest.setdefault(specimen.sha, specimen)
    for number, specimen in enumerate(by_digest.values(), start=2):
        row = keep(model_id, specimen, number)
        try:
            verified_artifact(version_facts(row))
        except ArtifactRefused as error:
            found[specimen.name] = error.code
    assert len(found) == len(by_digest)
    assert set(found.values()) == {"ARTIFACT_FORGED"}
    assert not (tmp_path / "canary").exists()
    assert list(Alias.objects.values()) == before
    assert predictor_of(verified_artifact(version_by_id(champion))).items
    assert holder_of(model_id, AliasName.CHAMPION) == champion


def test_verified__sealed_with_the_projects_own_key__is_refused_all_the_same(tmp_path: Path):
    from foundation.models import Project

    project_id = make_project()
    Project.objects.filter(pk=project_id).update(signing_key=KEY)
    model_id = make_model(project_id)
    wrong: dict[str, str] = {}
    seen: set[str] = set()
    for number, specimen in enumerate(specimens(tmp_path / "canary"), start=1):
        if specimen.sha in seen or not specimen.content:
            continue
        seen.add(specimen.sha)
        try:
            predictor_of(verified_artifact(version_facts(keep(model_id, specimen, number))))
        except ArtifactRefused as error:
            if error.code != specimen.code:
                wrong[specimen.name] = error.code
        else:
            wrong[specimen.name] = ""
    assert wrong == {}
    assert not (tmp_path / "canary").exists()


def test_artifact_bytes__that_were_never_stored__are_damaged_and_not_dropped():
    with pytest.raises(ArtifactDamaged, match="is not stored"):
        artifact_bytes("0" * 64)


def test_artifact_bytes__stored__are_those_that_were_registered():
    version = version_by_id(make_version(make_model(make_project()), first=4.0))
    assert artifact_bytes(version.sha256) == popularity_artifact(first=4.0)
