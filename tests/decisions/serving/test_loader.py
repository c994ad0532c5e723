"""From published files to equipment: verified, parsed once; a bad one costs what it stands for and nothing else."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decisions.learning.state import BetaSnapshot, write_state
from decisions.policy import Choices
from decisions.serving.artifacts import FileCache
from decisions.serving.loader import EquipmentLoader
from decisions.serving.point_reading import compile_points
from decisions.serving.points import Points
from decisions.serving.source import BundleSourceDown
from tests.decisions.published import (
    SECRET,
    catalogue_bytes,
    decision_content,
    file_record,
    learner_record,
    model_record,
    point,
    popularity_bytes,
)
from tests.experiments.assignment.builders import compiled, experiment

CATALOGUE = catalogue_bytes()
ARTIFACT = popularity_bytes()
OTHER = popularity_bytes({"item-00": 1.0})


class Published:
    """Files as Postgres has them, and a note of which were fetched."""

    def __init__(self, *files: bytes) -> None:
        self.files = {sha256(raw).hexdigest(): raw for raw in files}
        self.fetched: list[str] = []

    def __call__(self, sha: str) -> bytes | None:
        self.fetched.append(sha)
        return self.files.get(sha)


def points_of(*models: dict[str, Any], catalogue: bytes | None = CATALOGUE) -> Points:
    named = None if catalogue is None else file_record(catalogue)
    content = decision_content(experiment(1), points=[point()], models=models, catalogue=named)
    return compile_points(content, compiled(experiment(1)))


def nowhere(_sha: str) -> bytes | None:
    return None


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return FileCache(tmp_path)


@pytest.fixture
def loader(cache: FileCache) -> EquipmentLoader:
    return EquipmentLoader(cache)


def test_equip__published_files__are_loaded_and_kept_on_disk(loader: EquipmentLoader, cache: FileCache) -> None:
    published = Published(CATALOGUE, ARTIFACT)
    points = points_of(model_record(12, ARTIFACT))

    equipment = loader.equip(points, SECRET, published)

    assert equipment.catalogue is not None
    assert (list(equipment.models), dict(equipment.faults)) == ([12], {})
    assert set(published.fetched) == points.files
    again = EquipmentLoader(cache).equip(points, SECRET, nowhere)
    assert (list(again.models), dict(again.faults)) == ([12], {})


def test_equip__next_bundle_version__parses_and_fetches_nothing_again(loader: EquipmentLoader) -> None:
    published = Published(CATALOGUE, ARTIFACT, OTHER)
    first = loader.equip(points_of(model_record(12, ARTIFACT)), SECRET, published)
    published.fetched.clear()

    second = loader.equip(points_of(model_record(12, ARTIFACT), model_record(13, OTHER)), SECRET, published)

    assert published.fetched == [sha256(OTHER).hexdigest()]
    assert second.catalogue is first.catalogue
    assert second.models[12].predictor is first.models[12].predictor
    assert second.models[12].of_catalogue is first.models[12].of_catalogue


def test_equip__same_file_for_two_versions__is_one_predictor(loader: EquipmentLoader) -> None:
    points = points_of(model_record(12, ARTIFACT), model_record(13, ARTIFACT))

    equipment = loader.equip(points, SECRET, Published(CATALOGUE, ARTIFACT))

    assert equipment.models[12].predictor is equipment.models[13].predictor
    assert (equipment.models[12].record.version, equipment.models[13].record.version) == (12, 13)


def test_equip__damaged_on_disk__is_fetched_again(loader: EquipmentLoader, cache: FileCache) -> None:
    sha = sha256(ARTIFACT).hexdigest()
    cache.write(sha, ARTIFACT[:-1] + b"\0")
    published = Published(CATALOGUE, ARTIFACT)

    equipment = loader.equip(points_of(model_record(12, ARTIFACT)), SECRET, published)

    assert list(equipment.models) == [12]
    assert cache.read(sha) == ARTIFACT


FLIPPED = ARTIFACT[:200] + bytes([ARTIFACT[200] ^ 1]) + ARTIFACT[201:]
WRONG_SHAPE = ARTIFACT.replace(b'\\"shape\\":[30]', b'\\"shape\\":[31]')


def flipped() -> tuple[dict[str, Any], Published]:
    published = Published(CATALOGUE)
    published.files[sha256(ARTIFACT).hexdigest()] = FLIPPED
    return model_record(12, ARTIFACT), published


def forged() -> tuple[dict[str, Any], Published]:
    return model_record(12, ARTIFACT, seal="0" * 64), Published(CATALOGUE, ARTIFACT)


def misshapen() -> tuple[dict[str, Any], Published]:
    assert WRONG_SHAPE != ARTIFACT
    return model_record(12, WRONG_SHAPE), Published(CATALOGUE, WRONG_SHAPE)


def no_artifact() -> tuple[dict[str, Any], Published]:
    return model_record(12, b"GIF89a"), Published(CATALOGUE, b"GIF89a")


def missing() -> tuple[dict[str, Any], Published]:
    return model_record(12, ARTIFACT), Published(CATALOGUE)


@pytest.mark.parametrize(
    ("situation", "code"),
    [
        (flipped, "FILE_DAMAGED"),
        (forged, "ARTIFACT_FORGED"),
        (misshapen, "ARTIFACT_MALFORMED"),
        (no_artifact, "ARTIFACT_MALFORMED"),
        (missing, "FILE_MISSING"),
    ],
)
def test_equip__artifact_at_fault__leaves_its_version_out_and_everything_else_in(
    loader: EquipmentLoader, situation: Callable[[], tuple[dict[str, Any], Published]], code: str
) -> None:
    record, published = situation()
    published.files[sha256(OTHER).hexdigest()] = OTHER

    equipment = loader.equip(points_of(record, model_record(13, OTHER)), SECRET, published)

    assert list(equipment.models) == [13]
    assert equipment.catalogue is not None
    assert list(equipment.faults) == ["model version 12"]
    assert equipment.faults["model version 12"].startswith(f"{code}: ")


def test_equip__flipped_byte_in_postgres__is_not_kept_on_disk(loader: EquipmentLoader, cache: FileCache) -> None:
    record, published = flipped()

    loader.equip(points_of(record), SECRET, published)

    assert not (cache.directory / record["sha256"]).exists()


def test_equip__fault_that_was_mended__loads_with_the_next_try(loader: EquipmentLoader) -> None:
    record, published = missing()
    assert not loader.equip(points_of(record), SECRET, published).models

    published.files[record["sha256"]] = ARTIFACT

    assert list(loader.equip(points_of(record), SECRET, published).models) == [12]


def test_equip__catalogue_at_fault__leaves_models_without_a_place(loader: EquipmentLoader) -> None:
    equipment = loader.equip(points_of(model_record(12, ARTIFACT), catalogue=b"{}"), SECRET, Published(b"{}", ARTIFACT))

    assert (equipment.catalogue, dict(equipment.models)) == (None, {})
    assert equipment.faults["catalogue"].startswith("CATALOGUE_MALFORMED: ")


def test_equip__no_catalogue_yet__is_no_fault(loader: EquipmentLoader) -> None:
    equipment = loader.equip(points_of(model_record(12, ARTIFACT), catalogue=None), SECRET, Published(ARTIFACT))

    assert (equipment.catalogue, dict(equipment.models), dict(equipment.faults)) == (None, {}, {})


def test_equip__key_that_was_exchanged__does_not_believe_the_old_seal(loader: EquipmentLoader) -> None:
    points, published = points_of(model_record(12, ARTIFACT)), Published(CATALOGUE, ARTIFACT)
    assert list(loader.equip(points, SECRET, published).models) == [12]

    equipment = loader.equip(points, b"another key" * 4, published)

    assert "ARTIFACT_FORGED" in equipment.faults["model version 12"]


def test_equip__postgres_gone_while_fetching__says_so_to_the_caller(loader: EquipmentLoader) -> None:
    def gone(_sha: str) -> bytes | None:
        raise BundleSourceDown("gone")

    with pytest.raises(BundleSourceDown):
        loader.equip(points_of(model_record(12, ARTIFACT)), SECRET, gone)


def test_forget_all_but__what_no_bundle_names__is_parsed_again_when_it_comes_back(loader: EquipmentLoader) -> None:
    points, published = points_of(model_record(12, ARTIFACT)), Published(CATALOGUE, ARTIFACT)
    first = loader.equip(points, SECRET, published)

    loader.forget_all_but([points])
    assert loader.equip(points, SECRET, published).models[12].predictor is first.models[12].predictor
    loader.forget_all_but([])
    assert loader.equip(points, SECRET, published).models[12].predictor is not first.models[12].predictor


def test_equip__directory_that_cannot_be_written__serves_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("a file where the directory should be")
    loader = EquipmentLoader(FileCache(tmp_path))

    equipment = loader.equip(points_of(model_record(12, ARTIFACT)), SECRET, Published(CATALOGUE, ARTIFACT))

    assert list(equipment.models) == [12]


WRAPS = catalogue_bytes(
    ("silk", "paper"),
    schema=2,
    collection="creatives",
    fields={"campaign": ["c-1", "c-1"], "bid": [1.0, 2.0]},
)
STATE = write_state(
    BetaSnapshot(
        floor=0.1,
        items=("item-00", "item-01"),
        counts=np.array([[2.0, 3.0], [1.0, 1.0]]),
        best=np.array([0.25, 0.5]),
        best_unseen=0.25,
        unseen_rate=0.1,
    )
)


def learning_points(raw: bytes = STATE, **changes: Any) -> Points:
    """Return points of which one has a learning policy."""
    content = decision_content(
        experiment(1),
        points=[point(learner=5)],
        catalogue=file_record(CATALOGUE),
        learners=[learner_record(5, raw, **changes)],
    )
    return compile_points(content, compiled(experiment(1)))


def test_equip__several_collections__each_domain_chooses_from_its_own(loader: EquipmentLoader) -> None:
    banner = point(id=8, key="banner", domain="ad_placement")
    content = decision_content(
        experiment(1),
        points=[point(), banner],
        catalogue=file_record(CATALOGUE),
        catalogues=[{"collection": "creatives", **file_record(WRAPS)}],
    )
    points = compile_points(content, compiled(experiment(1)))

    equipment = loader.equip(points, SECRET, Published(CATALOGUE, WRAPS))

    assert dict(equipment.faults) == {}
    assert set(equipment.catalogues) == {"items", "creatives"}
    banners = equipment.shelves["ad_placement"]
    assert banners.catalogue.items == ("silk", "paper")
    assert banners.groups is not None
    assert banners.groups[0] == banners.groups[1], "one campaign is one group"
    assert equipment.shelves["recommendation"].catalogue is equipment.catalogue
    assert equipment.shelves["recommendation"].groups is None


def test_equip__catalogue_of_another_collection_than_named__is_a_fault_of_that_one_alone(
    loader: EquipmentLoader,
) -> None:
    content = decision_content(
        experiment(1),
        points=[point(), point(id=8, key="banner", domain="ad_placement")],
        catalogue=file_record(CATALOGUE),
        catalogues=[{"collection": "creatives", **file_record(CATALOGUE)}],
    )

    equipment = loader.equip(compile_points(content, compiled(experiment(1))), SECRET, Published(CATALOGUE))

    assert list(equipment.shelves) == ["recommendation"]
    assert equipment.faults["catalogue of creatives"].startswith("CATALOGUE_MALFORMED: ")


def test_equip__point_that_decides_in_batches__has_nothing_loaded_for_it(loader: EquipmentLoader) -> None:
    prices = point(key="prices", domain="pricing", personal=False, slate_size=1, largest_slate=1)
    content = decision_content(
        experiment(1),
        points=[prices | {"champions": [{"version": 12}], "learner": 5}],
        models=[model_record(12, ARTIFACT)],
        catalogue=file_record(CATALOGUE),
        learners=[learner_record(5, STATE)],
    )
    points = compile_points(content, compiled(experiment(1)))
    published = Published(CATALOGUE, ARTIFACT, STATE)

    equipment = loader.equip(points, SECRET, published)

    assert ([*points.version_domains], [*points.learner_domains]) == ([12], [5])
    assert (dict(equipment.models), dict(equipment.learners), dict(equipment.shelves)) == ({}, {}, {})
    assert published.fetched == [file_record(CATALOGUE)["sha256"]]


def test_equip__state_of_a_learner__is_verified_fitted_and_parsed_once(loader: EquipmentLoader) -> None:
    published = Published(CATALOGUE, STATE)

    first = loader.equip(learning_points(), SECRET, published)
    again = loader.equip(learning_points(number=4), SECRET, nowhere)

    assert dict(first.faults) == {}
    choices = Choices(np.array([0, 1, 5]), np.ones(3, dtype=np.float32), seed=1)
    slate = first.learners[5].policy.choose(choices, size=3)
    assert set(slate.actions.tolist()) == {0, 1, 5}
    assert again.learners[5].policy is first.learners[5].policy
    assert (first.learners[5].record.number, again.learners[5].record.number) == (3, 4)
    loader.forget_all_but([])
    assert loader.equip(learning_points(), SECRET, published).learners[5].policy is not first.learners[5].policy


@pytest.mark.parametrize(
    ("points", "published", "code"),
    [
        (learning_points(), Published(CATALOGUE), "FILE_MISSING"),
        (learning_points(seal="0" * 64), Published(CATALOGUE, STATE), "LEARNER_STATE_FORGED"),
        (learning_points(b"GIF89a"), Published(CATALOGUE, b"GIF89a"), "LEARNER_STATE_"),
        (learning_points(ARTIFACT), Published(CATALOGUE, ARTIFACT), "LEARNER_STATE_"),
        (learning_points(kind="linear"), Published(CATALOGUE, STATE), "LEARNER_MISMATCH"),
    ],
    ids=["missing", "forged", "no state", "an artifact", "of another kind"],
)
def test_equip__state_at_fault__leaves_its_learner_out_and_everything_else_in(
    loader: EquipmentLoader, points: Points, published: Published, code: str
) -> None:
    equipment = loader.equip(points, SECRET, published)

    assert dict(equipment.learners) == {}
    assert equipment.catalogue is not None
    assert list(equipment.faults) == ["learner home-learner"]
    assert equipment.faults["learner home-learner"].startswith(code)
