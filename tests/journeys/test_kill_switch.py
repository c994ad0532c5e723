"""The kill switch: a pause in the console reaches every edge process, and so does letting the experiment run again."""

import os
from pathlib import Path

import pytest

from benchmarks.propagation import Shop, Trial, measure, running_edges, summary

PROCESSES = 3


def switched(directory: Path, database_url: str, *, trials: int) -> list[Trial]:
    with running_edges(directory, database_url, os.environ["REDIS_URL"], count=PROCESSES) as edges:
        return measure(Shop(), edges, trials=trials)


def assert_that_every_process_obeyed(trials: list[Trial]) -> None:
    versions = [trial.version for trial in trials]
    assert versions == sorted(set(versions))
    for number, trial in enumerate(trials):
        assert set(trial.reasons) == {"SPLIT" if number % 2 else "NOT_RUNNING"}
        assert len(trial.seconds) == PROCESSES


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_kill_switch__five_times__every_process_serves_each_new_version(own_directory: Path, database_url: str) -> None:
    assert_that_every_process_obeyed(switched(own_directory, database_url, trials=5))


@pytest.mark.nightly
@pytest.mark.django_db(transaction=True)
def test_kill_switch__fifty_times__every_process_serves_each_new_version(
    own_directory: Path, database_url: str, record_property: pytest.FixtureRequest
) -> None:
    trials = switched(own_directory, database_url, trials=50)

    record_property("propagation", summary(trials))  # type: ignore[operator]
    assert_that_every_process_obeyed(trials)
