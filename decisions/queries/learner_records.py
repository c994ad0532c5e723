"""A learning policy with all that its page tells: what it knows, what it would do, and how its units fared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from django.db import connection
from django.db.models import IntegerField, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from decisions.learning import LearnerKind
from decisions.learning.arrays import LearnerStateRefused
from decisions.learning.state import BetaSnapshot, LearnerSnapshot, WeightsSnapshot, open_state
from decisions.models import LearnerState
from decisions.moment import Catalogue
from decisions.queries.catalogue import ItemFacts, items_by_id
from decisions.queries.learners import LearnerFacts, StateFacts, state_content, states_of
from decisions.queries.points import PointFacts, point_by_id
from decisions.queries.shelves import CatalogueUnpublished, shelf_of
from decisions.queries.trials import Trial, trials_at
from decisions.serving.catalogues import CatalogueMalformed
from decisions.serving.choosing import MOST_LEARNED
from decisions.serving.preselection import best_places
from foundation.queries import ProjectFacts, project_facts

MOST_CHANCES: Final = 20
MOST_STATES: Final = 30
LATELY: Final = timedelta(hours=24)
COUNTED: Final = (
    "decisions",
    "unseen",
    "served",
    "served_rewarded",
    "holdback",
    "holdback_rewarded",
    "fallback",
    "happened",
    "unattributed",
    "late",
    "rewarded",
)

_FIRST = """
SELECT properties->'actions'->0->>0, count(*) FROM decisions_eventlog
WHERE project_id = %s AND kind = 'decision' AND properties->>'decision_point' = %s
    AND properties->>'learner' = %s AND properties->>'policy' = 'learned' AND received_at > %s
GROUP BY 1 ORDER BY 2 DESC, 1
"""


@dataclass(frozen=True, slots=True)
class Chance:
    """How probable an action is. floor: the part of it that the exploration floor gives, None where that is not said.

    rewards, misses: what is known of a rate, the prior included; None for other kinds.
    """

    item: str
    probability: float
    floor: float | None = None
    rewards: float | None = None
    misses: float | None = None


@dataclass(frozen=True, slots=True)
class Weight:
    """What a learner thinks of a feature: mean and standard deviation of its weight."""

    feature: str
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class LearnerRecord:
    """A learning policy. states: newest first, the most recent of `total`.

    figures: sums over all states. fault: why the newest state could not be read, "" where it could. chances: the
    likeliest actions of `competing` for the first place of a slate; by what it knows where it knows rates, else by what
    it did in the last day.
    """

    project: ProjectFacts
    point: PointFacts
    learner: LearnerFacts
    states: Sequence[StateFacts]
    total: int
    figures: Mapping[str, int]
    fault: str
    chances: tuple[Chance, ...]
    competing: int
    weights: tuple[Weight, ...]
    trials: tuple[Trial, ...]
    titles: Mapping[str, ItemFacts] = field(default_factory=dict)

    @property
    def knows_rates(self) -> bool:
        """Whether it keeps one rate for each action."""
        return not self.weights and not self.knows_demand

    @property
    def knows_demand(self) -> bool:
        """Whether it keeps what every item sells at each price."""
        return self.learner.kind is LearnerKind.DEMAND


def learner_record(learner: LearnerFacts, *, now: datetime) -> LearnerRecord:
    """Return all that the page of a learning policy tells; `now` is wall time."""
    states = states_of(learner.id, limit=MOST_STATES)
    snapshot, fault = _snapshot(learner, states)
    chances, competing = _chances(learner, snapshot, now)
    items = {chance.item for chance in chances}
    return LearnerRecord(
        project=project_facts(learner.project_id),
        point=point_by_id(learner.point_id),
        learner=learner,
        states=states,
        total=states[0].number + 1 if states else 0,
        figures=_figures(learner.id),
        fault=fault,
        chances=chances,
        competing=competing,
        weights=_weights(snapshot),
        trials=tuple(
            trial
            for trial in trials_at(learner.point_id)
            if any(fact.learner == learner.id for fact in trial.policies.values())
        ),
        titles=items_by_id(learner.project_id, items, collection=learner.domain.collection),
    )


def snapshot_of(learner: LearnerFacts, state: StateFacts) -> LearnerSnapshot:
    """Return what a learner knew in a state, after digest and seal have been checked. Raises LearnerStateRefused."""
    key = project_facts(learner.project_id).signing_key
    return open_state(state_content(learner.id, state.number), sha256=state.sha256, seal=state.seal, key=key)


def first_chances(snapshot: BetaSnapshot, catalogue: Catalogue | None) -> tuple[Chance, ...]:
    """Return how probable each action is for the first place where nothing but stock keeps it out, likeliest first.

    e = f / K + (1 - f) p / sum of p over the K that compete: at most MOST_LEARNED, those that the baseline thinks best.
    """
    known = {item: place for place, item in enumerate(snapshot.items)}
    items = snapshot.items if catalogue is None else _competing(catalogue)
    if not items:
        return ()
    places = [known.get(item, -1) for item in items]
    best = np.array([snapshot.best_unseen if place < 0 else snapshot.best[place] for place in places])
    total = float(best.sum())
    shares = best / total if total > 0.0 else np.full(len(best), 1.0 / len(best))
    floor = snapshot.floor / len(items)
    order = np.argsort(-shares, kind="stable")
    return tuple(
        Chance(
            item=items[at],
            probability=floor + (1.0 - snapshot.floor) * float(shares[at]),
            floor=floor,
            rewards=None if places[at] < 0 else float(snapshot.counts[places[at], 0]),
            misses=None if places[at] < 0 else float(snapshot.counts[places[at], 1]),
        )
        for at in order.tolist()
    )


def _competing(catalogue: Catalogue) -> tuple[str, ...]:
    places = np.flatnonzero(catalogue.in_stock)
    kept = places[best_places(catalogue.baseline[places], MOST_LEARNED)]
    return tuple(catalogue.items[place] for place in kept.tolist())


def _snapshot(learner: LearnerFacts, states: Sequence[StateFacts]) -> tuple[LearnerSnapshot | None, str]:
    if not states:
        return None, "LEARNER_STATE_MISSING"
    try:
        return snapshot_of(learner, states[0]), ""
    except LearnerStateRefused as error:
        return None, error.code


def _chances(learner: LearnerFacts, snapshot: LearnerSnapshot | None, now: datetime) -> tuple[tuple[Chance, ...], int]:
    """Return the likeliest actions, and how many compete."""
    if snapshot is None:
        return (), 0
    if isinstance(snapshot, BetaSnapshot):
        try:
            catalogue: Catalogue | None = shelf_of(learner.project_id, learner.domain)
        except (CatalogueUnpublished, CatalogueMalformed):
            catalogue = None
        found = first_chances(snapshot, catalogue)
        return found[:MOST_CHANCES], len(found)
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [learner.project_id, learner.point_key, str(learner.id), now - LATELY])
        counts = [(str(item), int(count)) for item, count in cursor.fetchall() if item is not None]
    total = sum(count for _item, count in counts)
    return tuple(Chance(item, count / total) for item, count in counts[:MOST_CHANCES]), len(counts)


def _weights(snapshot: LearnerSnapshot | None) -> tuple[Weight, ...]:
    if not isinstance(snapshot, WeightsSnapshot):
        return ()
    spread = np.sqrt(np.diag(snapshot.posterior.covariance))
    means = snapshot.posterior.mean
    return tuple(
        Weight(name, float(means[place]), float(spread[place])) for place, name in enumerate(snapshot.features)
    )


def _figures(learner_id: int) -> dict[str, int]:
    sums = {name: Coalesce(Sum(Cast(KT(f"figures__{name}"), IntegerField())), 0) for name in COUNTED}
    return {
        name: int(found) for name, found in LearnerState.objects.filter(learner_id=learner_id).aggregate(**sums).items()
    }
