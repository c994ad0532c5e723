"""Learning policies: a choice at the edge, folding rewards in (pure, and from the database), many arms. Prints JSON."""

import config.arithmetic  # noqa: F401 - before NumPy is imported, so that it has one thread, as where it serves

# isort: split
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import psycopg

from benchmarks.database import own_database
from decisions.learning import LearnerKind
from decisions.learning.batches import Batch
from decisions.learning.best import probability_best
from decisions.learning.settings import read_settings
from decisions.learning.state import LearnerSnapshot, open_state, write_state
from decisions.learning.updating import Scheme, fold, prior_state
from decisions.moment import Catalogue
from decisions.policies.learned import fit_learner
from decisions.policy import Choices
from models_registry.artifacts import digest, seal

REWARDS = 100_000
ARMS = 100
MOST_ARMS = 2_000
WIDTH = 12
SLATE = 20
REPEATS = 2_000
FEATURES = tuple(f"f{number}" for number in range(WIDTH))
TARGETS = {"choice_us": 300, "slate_of_20_ms": 2, "fold_100000_s": 2, "probability_best_2000_arms_s": 2}

KINDS = (LearnerKind.BETA, LearnerKind.LINEAR, LearnerKind.LOGISTIC)
"""Those that an edge chooses by."""
RNG = np.random.default_rng(1)
ITEMS = tuple(f"item-{place}" for place in range(ARMS))
NOW = datetime(2026, 3, 2, tzinfo=UTC)

# A decision a second of one action each; one in twenty is clicked a minute later.
_DECISIONS = """
INSERT INTO decisions_eventlog (project_id, day, message_id, received_at, kind, occurred_at, corrected_at, visitor,
    properties)
SELECT %(project)s, (%(now)s + n * interval '0.8 seconds')::date, 'd' || n, %(now)s + n * interval '0.8 seconds',
    'decision', %(now)s + n * interval '0.8 seconds', %(now)s + n * interval '0.8 seconds', 'visitor-' || n,
    jsonb_build_object('decision_point', 'bench', 'policy', 'learned', 'learner', %(learner)s::int, 'holdback', false,
        'displayed', true, 'state', 0,
        'actions', jsonb_build_array(jsonb_build_array('item-' || n %% 100, 0.01, 0.1)),
        'features', jsonb_build_array((
            SELECT jsonb_agg(round((random())::numeric, 4)) FROM generate_series(1, %(width)s) WHERE n >= 0)))
FROM generate_series(0, %(rows)s - 1) AS n
"""
_CLICKS = """
INSERT INTO decisions_eventlog (project_id, day, message_id, received_at, kind, event, occurred_at, corrected_at,
    visitor, properties)
SELECT %(project)s, (%(now)s + n * interval '0.8 seconds' + interval '1 minute')::date, 'c' || n,
    %(now)s + n * interval '0.8 seconds' + interval '1 minute', 'track', %(event)s,
    %(now)s + n * interval '0.8 seconds' + interval '1 minute',
    %(now)s + n * interval '0.8 seconds' + interval '1 minute', 'visitor-' || n,
    jsonb_build_object(%(prop)s::text, 'item-' || n %% 100)
FROM generate_series(0, %(rows)s - 1, 20) AS n
"""


def main() -> int:
    """Measure and print."""
    report: dict[str, Any] = {"benchmark": "learning", "arms": ARMS, "features": WIDTH, "rewards": REWARDS}
    report["edge"] = {kind.value: _edge(kind) for kind in KINDS}
    report["fold_pure_s"] = {kind.value: _seconds(partial(_fold, kind)) for kind in KINDS}
    counts = np.exp(RNG.uniform(np.log(0.5), np.log(1e5), size=(MOST_ARMS, 2)))
    report["probability_best_2000_arms_s"] = _seconds(lambda: probability_best(counts))
    with own_database("learning") as database:
        report["fold_with_database_s"] = _database(database)
    report["targets"] = TARGETS
    print(json.dumps(report))
    return 0


def _scheme(kind: LearnerKind) -> Scheme:
    features = () if kind is LearnerKind.BETA else FEATURES
    return Scheme(kind, read_settings(kind, {}, features), 0.05, "salt", features)


def _batch(kind: LearnerKind) -> Batch:
    features = None if kind is LearnerKind.BETA else RNG.normal(size=(REWARDS, WIDTH))
    items = RNG.integers(0, ARMS, REWARDS).astype(np.int32)
    rewards = (RNG.random(REWARDS) < 0.05).astype(np.float64)
    return Batch(items, np.zeros(REWARDS, np.int32), rewards, features, ITEMS)


def _fold(kind: LearnerKind) -> LearnerSnapshot:
    scheme = _scheme(kind)
    return fold(prior_state(scheme), _batch(kind), scheme)[0]


def _edge(kind: LearnerKind) -> dict[str, Any]:
    """Return what a choice takes, and loading a state, by a state that has learnt something."""
    content = write_state(_fold(kind))
    sha = digest(content)
    sealed = seal(sha, b"key")
    snapshot = open_state(content, sha256=sha, seal=sealed, key=b"key")
    places = MappingProxyType({item: place for place, item in enumerate(ITEMS)})
    catalogue = Catalogue(ITEMS, places, np.ones(ARMS, np.bool_), np.zeros(ARMS, np.float32))
    features = None if kind is LearnerKind.BETA else RNG.normal(size=(ARMS, WIDTH))
    policy = fit_learner(snapshot, catalogue, () if features is None else FEATURES)
    candidates, baseline = np.arange(ARMS), np.zeros(ARMS, np.float32)

    def choose(seed: int, size: int) -> None:
        policy.choose(Choices(candidates, baseline, None, features, seed), size=size)

    return {
        "state_bytes": len(content),
        "open_s": _seconds(lambda: open_state(content, sha256=sha, seal=sealed, key=b"key")),
        "choice_us": _microseconds(lambda seed: choose(seed, 1)),
        "slate_of_20_us": _microseconds(lambda seed: choose(seed, SLATE)),
    }


def _database(database: str) -> dict[str, float]:
    """Return what whole updates of 100 000 rewards take: joined, parsed, folded, stored, journalled, published."""
    from decisions.actions.learners import LearnerDraft, create_learner
    from decisions.actions.learning import update_learner, waits
    from decisions.actions.points import PointDraft, create_point
    from decisions.queries.learners import latest_state, learner_by_id
    from foundation.actions.projects import create_project

    cases = {LearnerKind.BETA: "recommendation", LearnerKind.LOGISTIC: "ad_placement"}
    events = {"recommendation": ("Product Viewed", "product_id"), "ad_placement": ("Promotion Clicked", "promotion_id")}
    found = {}
    for kind, domain in cases.items():
        project = create_project(key=kind.value, name="Bench", currency="USD", acting_user="bench", now=NOW)
        draft = PointDraft(key="bench", name="Bench", domain=domain)
        point = create_point(project_id=project, draft=draft, acting_user="bench", now=NOW)
        wanted = LearnerDraft(key="bandit", name="Bandit", kind=kind, reward="clicked")
        learner = learner_by_id(create_learner(point_id=point, draft=wanted, acting_user="bench", now=NOW))
        width = len(learner.domain.hooks.feature_names) or 1
        _log(database, project, learner.id, width, events[domain])
        until = NOW + timedelta(days=1)
        began, used = time.perf_counter(), time.process_time()
        update_learner(learner_id=learner.id, until=until, now=until + waits(learner) + timedelta(minutes=1))
        found[kind.value] = round(time.perf_counter() - began, 3)
        found[f"{kind.value}_of_it_in_python"] = round(time.process_time() - used, 3)
        assert latest_state(learner.id).rows == REWARDS
    return found


def _log(database: str, project: int, learner: int, width: int, event: tuple[str, str]) -> None:
    values = {"project": project, "learner": learner, "now": NOW, "rows": REWARDS, "width": width}
    with psycopg.connect(database) as session:
        for day in (NOW, NOW + timedelta(days=1)):
            session.execute("SELECT tiltyard_ensure_partition('decisions_eventlog', %s)", [day.date()])
        session.execute(_DECISIONS, values)
        session.execute(_CLICKS, values | {"event": event[0], "prop": event[1]})
    with psycopg.connect(database, autocommit=True) as session:
        session.execute("VACUUM ANALYZE decisions_eventlog")


def _microseconds(call: Callable[[int], None]) -> dict[str, float]:
    taken = []
    for seed in range(REPEATS):
        began = time.perf_counter()
        call(seed)
        taken.append(1e6 * (time.perf_counter() - began))
    p50, p99 = np.percentile(taken, [50, 99])
    return {"p50": round(float(p50), 1), "p99": round(float(p99), 1)}


def _seconds(call: Callable[[], object]) -> float:
    """Return the best of three."""
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return round(min(taken), 4)


if __name__ == "__main__":
    sys.exit(main())
