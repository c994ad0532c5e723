"""Decisions with what came of them: set-wise, streamed, and the same answer whenever the question is asked again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from decisions.domain import Interaction, Reward
from decisions.queries import rewards_sql as sql
from foundation.errors import DomainError

EXPOSED_WITHIN: Final = timedelta(hours=1)
"""An exposure that names its decision counts so long after it."""
ROWS_AT_ONCE: Final = 20_000

_FIGURES = """
SELECT count(DISTINCT identity),
    count(DISTINCT identity) FILTER (WHERE identity IN (
        SELECT identity FROM reward_credited WHERE reward = %(reward)s
    )),
    (SELECT count(*) FROM reward_credited
     WHERE reward = %(reward)s AND at >= seen_at + %(within)s AND decided_at >= %(start)s AND decided_at < %(end)s)
FROM reward_happening WHERE reward = %(reward)s AND at >= %(start)s AND at < %(end)s
"""


class RewardUnclear(DomainError):
    """An order names no action, and nothing says what its unit touched before it."""

    code = "REWARD_UNCLEAR"
    hint = "Ask for the click's reward too: the order counts for the action that was clicked last before it."


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardQuestion:
    """Decisions made at a point in [start, end), project time, and which rewards came of them.

    received_before: what was received later does not exist for this question (wall time). Ask for a time by which the
    windows of all rewards have closed.
    """

    project_id: int
    point_key: str
    start: datetime
    end: datetime
    rewards: tuple[Reward, ...]
    received_before: datetime

    @property
    def longest(self) -> timedelta:
        """How long after a decision its last reward may come, a late exposure included."""
        return EXPOSED_WITHIN + max((reward.within for reward in self.rewards), default=timedelta())

    def parameters(self) -> dict[str, Any]:
        """Return what every statement needs."""
        return {
            "project": self.project_id,
            "point": self.point_key,
            "start": self.start,
            "end": self.end,
            "horizon": self.end + self.longest,
            "received_before": self.received_before,
            "exposed_within": EXPOSED_WITHIN,
            "number": sql.NUMBER,
        }


@dataclass(frozen=True, slots=True)
class RewardFigures:
    """How often a reward happened in the stretch of the decisions.

    credited: of those, to an action that was shown before. late: what came for an action of these decisions when its
    window had closed.
    """

    happened: int
    credited: int
    late: int


@dataclass(frozen=True, slots=True)
class SeenDecision:
    """A decision that somebody saw. at: seconds since 1970. met: (reward's place in the question, position, amount).

    variant: `<experiment>/<variant>`, as variants of different experiments share their keys; None outside of them.
    actions and features are JSON as it was logged; `more` is whatever else was asked for.
    """

    id: str
    at: float
    unit: str
    variant: str | None
    version: int | None
    actions: str | None
    features: str | None
    more: str | None
    met: tuple[tuple[int, int, float | None], ...]


def stage_rewards(question: RewardQuestion) -> None:
    """Join decisions and rewards in temporary tables of this transaction, which must be open.

    Raises RewardUnclear.
    """
    parameters = question.parameters()
    with connection.cursor() as cursor:
        for statement in (sql.DROP, sql.SEEN, sql.SHOWN, sql.HAPPENINGS):
            cursor.execute(statement, parameters)
        for number, reward in enumerate(question.rewards):
            cursor.execute(_statement(reward), parameters | _of_reward(number, reward))
        cursor.execute(sql.ANALYSE)
        cursor.execute(sql.CREDITED)
        for number, reward in enumerate(question.rewards):
            if not reward.prop:
                touch = _touch(question.rewards)
                touched = {"touch": touch, "touch_within": question.rewards[touch].within}
                cursor.execute(sql.TOUCHED, parameters | _of_reward(number, reward) | touched)


def staged_decisions(
    question: RewardQuestion, *, more: str = "NULL", only: str = "", values: dict[str, Any] | None = None
) -> Iterator[SeenDecision]:
    """Yield the decisions that `stage_rewards` found, in the order of (at, id), from a cursor on the server.

    more: an expression over `seen`; only: a condition, with `values` for its placeholders. Both are code, not input.
    """
    parameters = question.parameters()
    parameters["withins"] = [reward.within for reward in question.rewards]
    statement = sql.ROWS.format(more=more, only=only)
    with connection.cursor() as cursor:
        cursor.execute(sql.ALL_ROWS)
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters | (values or {}))
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from map(_decision, rows)


def staged_figures(question: RewardQuestion, number: int) -> RewardFigures:
    """Return how often one of the question's rewards happened; after `stage_rewards`, in its transaction."""
    parameters = question.parameters() | {"reward": number, "within": question.rewards[number].within}
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, parameters)
        return RewardFigures(*cursor.fetchone())


def question_rewards(reward: Reward, rewards: Sequence[Reward]) -> tuple[Reward, ...]:
    """Return what must be asked to learn of one of a domain's rewards; it comes last."""
    if reward.prop:
        return (reward,)
    return (rewards[_touch(tuple(rewards))], reward)


def _statement(reward: Reward) -> str:
    if reward.event != Interaction.ORDER:
        return sql.EVENTS
    return sql.LINES if reward.prop else sql.ORDERS


def _of_reward(number: int, reward: Reward) -> dict[str, Any]:
    return {"reward": number, "event": reward.event, "prop": reward.prop}


def _touch(rewards: tuple[Reward, ...]) -> int:
    """Return the reward that tells which action an order without one is about. Raises RewardUnclear."""
    touches = [number for number, reward in enumerate(rewards) if reward.prop and reward.event != Interaction.ORDER]
    if not touches:
        raise RewardUnclear("Orders of this domain name no action.")
    return touches[-1]


def _decision(row: Sequence[Any]) -> SeenDecision:
    decision_id, at, unit, variant, version, actions, features, more, numbers, positions, amounts = row
    met = tuple(zip(numbers or (), positions or (), amounts or (), strict=True))
    return SeenDecision(decision_id, at, unit, variant, version, actions, features, more, met)
