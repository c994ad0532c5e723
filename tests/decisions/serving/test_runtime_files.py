"""Bundles that name files, from a real Postgres: loaded before they serve, from disk when nothing else answers."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.local.embedded import Postgres, Shutdown
from decisions.serving.bundle import LiveBundle, PublishedText
from decisions.serving.runtime import BundleRuntime
from decisions.serving.settings import EdgeSettings
from decisions.vocabulary import BundleSource
from tests.decisions.published import (
    ab_point,
    catalogue_bytes,
    companion,
    decision_content,
    file_record,
    forget_files,
    model_record,
    policy,
    popularity_bytes,
    publish,
    publish_files,
    published,
)
from tests.experiments.assignment.builders import experiment

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
CATALOGUE, ARTIFACT = catalogue_bytes(), popularity_bytes()
OTHER = popularity_bytes({"item-00": 1.0})
Start = Callable[..., BundleRuntime]


def text_of(*models: dict[str, Any], version: int = 1) -> PublishedText:
    at = ab_point(policy("model_ranked", version=models[0]["version"]))
    parts = {"points": [at], "models": models, "catalogue": file_record(CATALOGUE), "version": version}
    return published(decision_content(experiment(1), **parts), companion())


@pytest.fixture
def postgres(breakable_postgres: Postgres) -> Postgres:
    forget_files(breakable_postgres.url)
    return breakable_postgres


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[BundleRuntime] = []

    def begin(database: str | None, **changes: Any) -> BundleRuntime:
        settings = EdgeSettings(database_url=database, redis_url=None, state_directory=tmp_path, poll_seconds=0.1)
        runtime = BundleRuntime(replace(settings, **changes))
        running.append(runtime)
        runtime.start()
        return runtime

    yield begin
    for runtime in running:
        runtime.stop()


def bundle_of(runtime: BundleRuntime) -> LiveBundle:
    return runtime.live.by_project[1]


def eventually(holds: Callable[[], bool], *, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.01)


def test_runtime__bundle_with_files__is_live_with_its_equipment(postgres: Postgres, start: Start) -> None:
    publish_files(postgres.url, CATALOGUE, ARTIFACT)
    publish(postgres.url, text_of(model_record(12, ARTIFACT)))

    runtime = start(postgres.url)

    equipment = bundle_of(runtime).equipment
    assert equipment.catalogue is not None
    assert len(equipment.catalogue.items) == 30
    assert list(equipment.models) == [12]
    assert runtime.status().faults == ()


def test_runtime__next_version__reuses_what_is_parsed(postgres: Postgres, start: Start) -> None:
    publish_files(postgres.url, CATALOGUE, ARTIFACT, OTHER)
    publish(postgres.url, text_of(model_record(12, ARTIFACT), version=1))
    runtime = start(postgres.url)
    before = bundle_of(runtime).equipment

    publish(postgres.url, text_of(model_record(12, ARTIFACT), model_record(13, OTHER), version=2))
    eventually(lambda: bundle_of(runtime).version == 2)

    after = bundle_of(runtime).equipment
    assert list(after.models) == [12, 13]
    assert after.catalogue is before.catalogue
    assert after.models[12].predictor is before.models[12].predictor


def test_runtime__one_file_damaged__serves_the_bundle_says_so_and_mends_itself(
    postgres: Postgres, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("decisions.serving.runtime.MEND_SECONDS", 0.0)
    publish_files(postgres.url, CATALOGUE, ARTIFACT, OTHER)
    with psycopg.connect(postgres.url) as connection:
        connection.execute(
            "UPDATE decisions_publishedchunk SET content = set_byte(content, 300, get_byte(content, 300) # 1)"
            " WHERE sha256 = %s AND position = 0",
            [sha256(ARTIFACT).hexdigest()],
        )
    publish(postgres.url, text_of(model_record(12, ARTIFACT), model_record(13, OTHER)))

    runtime = start(postgres.url)

    assert (bundle_of(runtime).version, list(bundle_of(runtime).equipment.models)) == (1, [13])
    (fault,) = runtime.status().faults
    assert fault.startswith("shop: model version 12: FILE_DAMAGED")
    publish_files(postgres.url, ARTIFACT)
    eventually(lambda: runtime.status().faults == ())
    assert list(bundle_of(runtime).equipment.models) == [12, 13]


def test_runtime__nothing_answers_at_the_start__serves_the_last_known_good_files_too(
    postgres: Postgres, start: Start
) -> None:
    publish_files(postgres.url, CATALOGUE, ARTIFACT)
    publish(postgres.url, text_of(model_record(12, ARTIFACT)))
    start(postgres.url).stop()

    runtime = start(NOWHERE)

    assert bundle_of(runtime).source == BundleSource.FILE
    assert list(bundle_of(runtime).equipment.models) == [12]
    assert runtime.status().faults == ()


def test_runtime__nothing_answers_and_the_cache_is_damaged__serves_without_that_file(
    postgres: Postgres, start: Start, tmp_path: Path
) -> None:
    publish_files(postgres.url, CATALOGUE, ARTIFACT)
    publish(postgres.url, text_of(model_record(12, ARTIFACT)))
    start(postgres.url).stop()
    (tmp_path / "artifacts" / sha256(ARTIFACT).hexdigest()).write_bytes(b"damaged")

    runtime = start(NOWHERE)

    assert bundle_of(runtime).equipment.catalogue is not None
    assert not bundle_of(runtime).equipment.models
    assert "FILE_MISSING" in runtime.status().faults[0]


def test_runtime__file_of_the_start__is_fetched_once_postgres_answers(
    postgres: Postgres, start: Start, tmp_path: Path
) -> None:
    publish_files(postgres.url, CATALOGUE, ARTIFACT)
    publish(postgres.url, text_of(model_record(12, ARTIFACT)))
    start(postgres.url).stop()
    (tmp_path / "artifacts" / sha256(ARTIFACT).hexdigest()).unlink()
    postgres.shut_down(Shutdown.IMMEDIATE)
    runtime = start(postgres.url)
    assert not bundle_of(runtime).equipment.models

    postgres.start()

    eventually(lambda: list(bundle_of(runtime).equipment.models) == [12])
    assert bundle_of(runtime).source == BundleSource.POSTGRES
