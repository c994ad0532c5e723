"""Looks that later evidence concerns: marked as stale with the evidence, then restated; the look itself is kept.

A look is what was seen and judged; a restatement is the same look with everything that has come since. It spends no
alpha and starts nothing: the next look does, with the same evidence.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from decisions.models import ProjectionState, StaleLook
from experiments.actions.analysis import derive
from experiments.analysis.verdict import judge
from experiments.queries.analysis_inputs import past_scorecards
from experiments.queries.designs import run_facts
from experiments.queries.lateness import later_rows
from experiments.queries.looks import look_by_id
from experiments.queries.plans import plan_of
from foundation.actions.jobs import enqueue
from foundation.queries import ProjectFacts, project_facts

RESTATE = "restate"
STRETCH = timedelta(minutes=10)
"""A look is restated at most once in it, however many events trickle in."""


def mark_stale_looks(*, project_id: int, replayed: bool = False) -> int:
    """Note on the newest looks of a project what has just been recorded about their time; return how many it concerns.

    Must run in the transaction that recorded it.
    """
    later = later_rows(project_id, replayed=replayed)
    for found in later:
        known, is_new = StaleLook.objects.get_or_create(
            scorecard_id=found.scorecard_id, defaults={"rows": found.rows, "newest": found.newest}
        )
        if not is_new:
            StaleLook.objects.filter(pk=known.pk).update(
                rows=F("rows") + found.rows, newest=Greatest("newest", found.newest)
            )
    return len(later)


def promise_restatements(*, facts: ProjectFacts, now: datetime) -> int:
    """Promise to restate the looks whose later evidence may be counted by now; return how many were promised."""
    state = ProjectionState.objects.filter(project_id=facts.id).first()
    if state is None:
        return 0
    counted = min(state.watermark, now - facts.report_guard)
    stale = StaleLook.objects.filter(
        scorecard__experiment__project_id=facts.id, rows__gt=F("restated_rows"), newest__lt=counted
    )
    stretch = int(now.timestamp() // STRETCH.total_seconds())
    return sum(
        enqueue(
            kind=RESTATE,
            key=f"{RESTATE}:{pk}:{stretch}",
            project_id=facts.id,
            payload={"scorecard_id": pk},
        )
        for pk in stale.values_list("pk", flat=True)
    )


@transaction.atomic
def restate(*, scorecard_id: int, now: datetime) -> bool:
    """Take a stale look again with everything received and projected by now; return whether its verdict is another."""
    look = look_by_id(scorecard_id)
    run = run_facts(look.experiment_id)
    facts = project_facts(run.project_id)
    stale = StaleLook.objects.select_for_update().get(pk=scorecard_id)
    state = ProjectionState.objects.get(project_id=facts.id)
    plan = plan_of(run.id)
    before = min(state.watermark, now - facts.report_guard)
    window_end = look.scorecard.window_end
    assert window_end is not None, "a look at an experiment of our own has an end"
    card = derive(
        run=run,
        plan=plan,
        window_end=window_end,
        received_before=before,
        past=past_scorecards(run.id, before=window_end),
    )
    verdict = judge(plan, card)
    if stale.newest < before:
        stale.restated_rows = stale.rows
    stale.restated_before = before
    stale.content = card.to_json().decode()
    stale.verdict_state = verdict.state.value
    stale.save()
    return verdict.state is not look.verdict.state
