"""Learning policies learn: the rewards of a closed stretch of decisions are folded in once, by one updater."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from decisions.actions.learner_states import Learnt, append_state, verified_state
from decisions.learning import LearnerKind
from decisions.learning.batches import digest_of
from decisions.learning.state import LearnerSnapshot
from decisions.learning.updating import fold
from decisions.models import Learner
from decisions.queries.learners import LearnerFacts, LearnerUnknown, latest_state, learner_by_id, learner_facts
from decisions.queries.matured import Matured, matured_rewards
from decisions.queries.matured_sales import matured_sales
from decisions.queries.rewards import EXPOSED_WITHIN, question_rewards
from foundation.actions.jobs import enqueue
from foundation.actions.journal import write_journal
from foundation.actions.projects import bump_revision
from foundation.errors import DomainError
from foundation.queries import ProjectFacts, open_jobs, project_facts

UPDATE: Final = "update_learner"
"""The kind of the job that folds rewards in."""
LATENESS: Final = timedelta(hours=1)
"""Events that come so much later than they happened still count: it is waited for them (project time)."""
LONGEST_BATCH: Final = timedelta(days=1)
"""Who has not learnt for long catches up in pieces of a day, or of one period where that is longer."""
SYSTEM: Final = "tiltyard"


logger = logging.getLogger(__name__)


class BatchOpen(DomainError):
    """Rewards of the decisions may still come."""

    code = "LEARNER_BATCH_OPEN"
    hint = "Wait until the time of the reward is over for the last decision; the clock promises the update then."


@transaction.atomic
def update_learner(*, learner_id: int, until: datetime, now: datetime) -> int | None:
    """Fold in the rewards of the decisions made since the last state and before `until` (project time).

    Return the number of the state that this gave; None where somebody has learnt that far already, or the policy has
    been stopped. The state, its bytes for the edge, the new revision and the journal entry come in one transaction; a
    second updater waits for the first and finds nothing to do.

    Raises:
        LearnerUnknown, BatchOpen: see there.
        LogisticUnsettled, TooManyArms: nothing was learnt, and the state is the one before.
        LearnerStateDamaged, LearnerStateForged, LearnerStateMalformed: the state before cannot be trusted.
    """
    if Learner.objects.select_for_update(no_key=True).filter(pk=learner_id).first() is None:
        raise LearnerUnknown(f"There is no learning policy {learner_id}.")
    learner, last = learner_by_id(learner_id), latest_state(learner_id)
    if not learner.is_learning or last.rewards_until >= until:
        return None
    facts = project_facts(learner.project_id)
    received_before = now - facts.receipt_guard
    if facts.clock.at(received_before) < until + waits(learner):
        raise BatchOpen(f"The rewards of decisions before {until.isoformat()} are not complete.")
    since = last.rewards_until
    periods = (until - since) / timedelta(minutes=learner.update_minutes)
    figures: dict[str, Any] = {"received_before": received_before.isoformat(), "periods": periods}
    snapshot, learnt = learnt_from(learner, verified_state(learner, last), since=since, until=until, figures=figures)
    sha256 = append_state(learner, last.number + 1, snapshot, learnt)
    if sha256 != last.sha256:
        _tell(learner, last.number + 1, facts.clock.at(now), learnt, sha256)
    return last.number + 1


def learnt_from(
    learner: LearnerFacts, state: LearnerSnapshot, *, since: datetime, until: datetime, figures: Mapping[str, Any]
) -> tuple[LearnerSnapshot, Learnt]:
    """Return the state after the rewards of [since, until), and what it came of; in an open transaction.

    figures: `received_before` and `periods`, all that the result depends on besides the log.
    """
    matured = _matured(learner, since, until, datetime.fromisoformat(figures["received_before"]))
    snapshot, folded = fold(state, matured.batch, learner.scheme(), periods=figures["periods"])
    return snapshot, Learnt(
        batch=f"{since.isoformat()}/{until.isoformat()}",
        rewards_from=since,
        rewards_until=until,
        rows=folded.rows,
        rewards_sha256=digest_of(matured.batch),
        figures={**figures, **matured.figures, "rewarded": folded.rewarded, "ignored": dict(folded.ignored)},
    )


def _matured(learner: LearnerFacts, since: datetime, until: datetime, received_before: datetime) -> Matured:
    question = matured_sales if learner.kind is LearnerKind.DEMAND else matured_rewards
    return question(learner, since=since, until=until, received_before=received_before)


def waits(learner: LearnerFacts) -> timedelta:
    """Return how long after a decision its rewards are complete, in project time.

    What prices sell is learnt by the time of the sale, whichever decision's price held: there only late events count.
    """
    if learner.kind is LearnerKind.DEMAND:
        return LATENESS
    rewards = question_rewards(learner.reward, learner.domain.rewards)
    return EXPOSED_WITHIN + max(reward.within for reward in rewards) + LATENESS


def promise_updates(*, facts: ProjectFacts, now: datetime) -> int:
    """Promise the updates of a project's learning policies that are due, and return how many were new.

    One whose reward its domain does not declare any more stays as it is, and is no obstacle for the others.
    """
    rows = Learner.objects.select_related("point").filter(point__project_id=facts.id, is_learning=True)
    promised = 0
    for row in rows.annotate(learnt_until=Max("states__rewards_until")):
        try:
            promised += _promise(learner_facts(row), row.learnt_until, facts, now)
        except DomainError as error:
            logger.warning("the learning policy %s cannot learn: %s: %s", row.key, error.code, error.message)
    return promised


def _promise(learner: LearnerFacts, since: datetime, facts: ProjectFacts, now: datetime) -> int:
    step = timedelta(minutes=learner.update_minutes)
    complete = facts.clock.at(now - facts.receipt_guard) - waits(learner)
    periods = min((complete - since) // step, max(1, LONGEST_BATCH // step))
    prefix = f"{UPDATE}:{learner.id}:"
    if periods < 1 or open_jobs(key_prefix=prefix):
        return 0
    until = since + periods * step
    return int(
        enqueue(
            kind=UPDATE,
            # The day lets an update whose job ended for good be tried again tomorrow.
            key=f"{prefix}{since.isoformat()}/{until.isoformat()}/{now.date().isoformat()}",
            project_id=facts.id,
            payload={"learner_id": learner.id, "until": until.isoformat()},
        )
    )


def _tell(learner: LearnerFacts, number: int, at: datetime, learnt: Learnt, sha256: str) -> None:
    """Journal a state that differs from the one before, and have it published."""
    write_journal(
        project_id=learner.project_id,
        at=at,
        actor=SYSTEM,
        action="learner.update",
        subject=f"learner:{learner.point_key}/{learner.key}",
        after={"number": number, "batch": learnt.batch, "rows": learnt.rows, "sha256": sha256},
    )
    bump_revision(project_id=learner.project_id)
