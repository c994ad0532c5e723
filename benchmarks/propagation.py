"""Seconds from a pause or a resumption in the console until every edge process answers with it.

Each trial takes the real way: action -> job in the same transaction -> NOTIFY -> listener -> worker -> compiled and
tried -> published -> hint -> edge. Prints one JSON object; the promise is 5 seconds, the target 1 second in the median.
"""

import argparse
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.database import own_database
from config.local.processes import EVALUATION_THREADS, Role
from config.local.supervisor import Site
from config.local.valkey import Valkey

TRIALS = 50
ACTOR = "benchmark"
PROCESSES = 3
LONGEST_WAIT = 60.0
PAUSE_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Trial:
    """One switch: the version it made, the seconds until each process answered with it, and what each then said."""

    version: int
    seconds: tuple[float, ...]
    reasons: tuple[str, ...]


class NotSwitched(Exception):
    """A process did not serve a version within a minute."""


class Shop:
    """A project with one running experiment, switched by the real actions; Django must be set up."""

    def __init__(self) -> None:
        from experiments.actions import lifecycle
        from experiments.actions.design import (
            ExperimentDraft,
            MetricDefinition,
            MetricDraft,
            VariantDraft,
            create_experiment,
            create_metric,
        )
        from foundation.actions.projects import create_project, issue_api_key

        now = datetime.now(UTC)
        name = f"shop-{secrets.token_hex(4)}"
        self.project_id = create_project(key=name, name=name, currency="USD", now=now, acting_user=ACTOR)
        metric = MetricDefinition(
            key="orders", name="Orders", kind="CONVERSION", numerator_events=["Order Completed"], numerator_what="ANY"
        )
        metric_id = create_metric(project_id=self.project_id, definition=metric, now=now, acting_user=ACTOR)
        draft = ExperimentDraft(
            key="button",
            name="Button",
            hypothesis="Blue is seen sooner.",
            variants=(
                VariantDraft("control", "Control", 500_000, control=True),
                VariantDraft("treatment", "Treatment", 500_000),
            ),
            metrics=[MetricDraft(metric_id, "DECISION", None)],
        )
        self._experiment_id = create_experiment(project_id=self.project_id, draft=draft, now=now, acting_user=ACTOR)
        lifecycle.submit(experiment_id=self._experiment_id, now=now, acting_user=ACTOR)
        lifecycle.launch(experiment_id=self._experiment_id, now=now, acting_user=ACTOR)
        self.key = issue_api_key(
            project_id=self.project_id, kind="server", name="bench", now=now, acting_user=ACTOR
        ).secret
        self.is_running = True

    @property
    def revision(self) -> int:
        """The version that edges are to serve."""
        from foundation.queries import project_facts

        return project_facts(self.project_id).revision

    def switch(self) -> int:
        """Pause the experiment where it runs, else let it run again; return the version that says so."""
        from experiments.actions import lifecycle

        act = lifecycle.pause if self.is_running else lifecycle.resume
        act(experiment_id=self._experiment_id, acting_user=ACTOR, now=datetime.now(UTC))
        self.is_running = not self.is_running
        return self.revision


def measure(shop: Shop, edges: Sequence[str], *, trials: int) -> list[Trial]:
    """Return what so many switches took; `edges` are the addresses of edge processes, each of one process.

    Raises:
        NotSwitched: a process stayed on an old version for a minute.
    """
    with ThreadPoolExecutor(len(edges)) as watchers:
        for url in edges:
            _await(url, shop, shop.revision, time.monotonic())
        return [_trial(shop, edges, watchers) for _ in range(trials)]


def _trial(shop: Shop, edges: Sequence[str], watchers: ThreadPoolExecutor) -> Trial:
    begun = time.monotonic()
    version = shop.switch()
    found = list(watchers.map(lambda url: _await(url, shop, version, begun), edges))
    return Trial(version, tuple(seconds for seconds, _ in found), tuple(reason for _, reason in found))


def _await(url: str, shop: Shop, version: int, begun: float) -> tuple[float, str]:
    """Return the seconds until a process answered from a version, and the reason that its answer gave."""
    body = json.dumps({"units": {"visitor": "probe"}, "experiments": ["button"]}).encode()
    request = urllib.request.Request(f"{url}/v1/assignments", body, {"X-API-Key": shop.key})
    while time.monotonic() - begun < LONGEST_WAIT:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                told = json.loads(answer.read())
        except urllib.error.HTTPError:  # A process that does not know the new key yet.
            told = {"bundle_version": None}
        if (told["bundle_version"] or 0) >= version:
            return time.monotonic() - begun, told["assignments"][0]["reason"]
        time.sleep(PAUSE_SECONDS)
    raise NotSwitched(f"{url} does not serve version {version}.")


@contextmanager
def running_edges(state: Path, database: str, redis_url: str, *, count: int) -> Iterator[list[str]]:
    """Run so many edge processes, each on a port of its own, with one worker that publishes; yield their addresses."""
    environment = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "SECRET_KEY": os.environ.get("SECRET_KEY") or secrets.token_urlsafe(50),
        "TILTYARD_EDGE_WORKERS": "1",
        "TILTYARD_EDGE_THREADS": str(EVALUATION_THREADS),
    }
    with ExitStack() as stack:
        stack.enter_context(Site(state / "worker", environment=environment, roles=(Role.WORKER,), concurrency=1))
        sites = [
            stack.enter_context(Site(state / f"edge-{number}", environment=environment, roles=(Role.EDGE,)))
            for number in range(count)
        ]
        yield [site.edge_url for site in sites]


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bin/bench propagation")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tiltyard-") as folder, own_database("propagation") as database:
        state = Path(folder)
        valkey = Valkey(state / "valkey")
        valkey.start()
        try:
            with running_edges(state, database, valkey.url, count=options.processes) as edges:
                trials = measure(Shop(), edges, trials=options.trials)
        finally:
            valkey.remove()
    print(json.dumps(summary(trials)))
    return 0


def summary(trials: Sequence[Trial]) -> dict[str, object]:
    """Return the figures of the trials: each trial counts with its slowest process."""
    slowest = sorted(max(trial.seconds) for trial in trials)
    return {
        "benchmark": "propagation",
        "trials": len(trials),
        "processes": len(trials[0].seconds),
        "median_seconds": round(statistics.median(slowest), 3),
        "p90_seconds": round(slowest[int(0.9 * (len(slowest) - 1))], 3),
        "max_seconds": round(slowest[-1], 3),
        "promise_seconds": 5.0,
        "kept": slowest[-1] <= 5.0,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
