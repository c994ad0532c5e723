"""What a learning policy may learn from: its seen decisions whose time for a reward is over, with what came of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from django.db import connection

from decisions.domain import PolicyKind
from decisions.learning.batches import Batch
from decisions.learning.settings import Target
from decisions.queries.learners import LearnerFacts
from decisions.queries.rewards import (
    RewardQuestion,
    SeenDecision,
    question_rewards,
    stage_rewards,
    staged_decisions,
    staged_figures,
)

_MORE = "concat(seen.properties->>'policy', ' ', coalesce(seen.properties->>'holdback', 'false'))"
_ONLY = "AND seen.properties->>'learner' = %(learner)s"
_MADE = """
SELECT count(*) FROM decisions_eventlog
WHERE project_id = %(project)s AND day BETWEEN %(start)s::date - 1 AND %(end)s::date + 1 AND kind = 'decision'
    AND properties->>'decision_point' = %(point)s AND properties->>'learner' = %(learner)s
    AND occurred_at >= %(start)s AND occurred_at < %(end)s AND received_at <= %(received_before)s
"""

_read = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True, eq=False)
class Matured:
    """Rewards of a stretch of decisions.

    figures: of everything that is not in the batch, how much and why; and of the decisions that somebody saw, how many
    earned the reward, those of held-back units apart.
    """

    batch: Batch
    figures: Mapping[str, int]


def matured_rewards(learner: LearnerFacts, *, since: datetime, until: datetime, received_before: datetime) -> Matured:
    """Return the rewards of a policy's decisions made in [since, until), project time; in an open transaction.

    Each action that somebody saw is a row. A reward that came twice counts once, for the decision that was seen last
    before it; one that came when its time was over does not count. Units of the holdback are counted, not learnt from.
    """
    rewards = question_rewards(learner.reward, learner.domain.rewards)
    question = RewardQuestion(
        project_id=learner.project_id,
        point_key=learner.point_key,
        start=since,
        end=until,
        rewards=rewards,
        received_before=received_before,
    )
    stage_rewards(question)
    scheme = learner.scheme()
    rows = _Rows(len(scheme.features), len(rewards) - 1, scheme.settings.target)
    values = {"learner": str(learner.id)}
    for decision in staged_decisions(question, more=_MORE, only=_ONLY, values=values):
        rows.add(decision)
    happened = staged_figures(question, len(rewards) - 1)
    with connection.cursor() as cursor:
        cursor.execute(_MADE, question.parameters() | values)
        made = int(cursor.fetchone()[0])
    figures = {
        "decisions": made,
        "unseen": made - rows.decisions,
        "holdback": rows.counts["holdback"],
        "holdback_rewarded": rows.counts["holdback_rewarded"],
        "served": rows.decisions - rows.counts["holdback"],
        "served_rewarded": rows.counts["served_rewarded"],
        "fallback": rows.counts["fallback"],
        "happened": happened.happened,
        "unattributed": happened.happened - happened.credited,
        "late": happened.late,
    }
    return Matured(rows.batch(), figures)


@dataclass(slots=True)
class _Rows:
    """Collects a row for each action that the policy chose. reward: its place in the question."""

    width: int
    reward: int
    target: Target
    decisions: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, int] = field(default_factory=dict)
    items: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    features: list[np.ndarray] = field(default_factory=list)

    def add(self, decision: SeenDecision) -> None:
        """Add the rows of a decision, or count why it has none."""
        self.decisions += 1
        policy, _, held_back = (decision.more or "").partition(" ")
        # Both sides count every decision that was seen, whatever became of it: as who is held back is drawn by unit.
        side = "holdback" if held_back == "true" else "served"
        self.counts[f"{side}_rewarded"] += any(number == self.reward for number, _place, _amount in decision.met)
        if side == "holdback":
            self.counts["holdback"] += 1
            return
        if policy != PolicyKind.LEARNED:
            self.counts["fallback"] += 1
            return
        # What the baseline filled the slate up with stands at its end and has no score.
        actions = [action for action in _read(decision.actions or "[]") if action[2] is not None]
        met = {place: amount for number, place, amount in decision.met if number == self.reward}
        for place, (item, *_rest) in enumerate(actions):
            self.items.append(self.places.setdefault(item, len(self.places)))
            self.positions.append(place)
            self.rewards.append(self._reward(met, place))
        if self.width:
            self.features.append(self._features(decision.features, len(actions)))

    def batch(self) -> Batch:
        """Return what was added."""
        features = None
        if self.width:
            features = np.concatenate([np.zeros((0, self.width)), *self.features])
        return Batch(
            items=np.array(self.items, dtype=np.int32),
            positions=np.array(self.positions, dtype=np.int32),
            rewards=np.array(self.rewards, dtype=np.float64),
            features=features,
            item_ids=tuple(self.places),
        )

    def _reward(self, met: Mapping[int, float | None], place: int) -> float:
        if place not in met:
            return 0.0
        if self.target is Target.REWARD:
            return 1.0
        amount = met[place]
        return float("nan") if amount is None else amount

    def _features(self, text: str | None, count: int) -> np.ndarray:
        """Return the features of so many actions, NaN where the log has no such rows."""
        try:
            said: Any = np.array(_read(text or "null"), dtype=np.float64)
        except (TypeError, ValueError):
            said = None
        if said is None or said.shape != (count, self.width):
            return np.full((count, self.width), np.nan)
        found: np.ndarray = said
        return found
