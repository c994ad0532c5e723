"""Looks: from stored evidence to a scorecard and its verdict, kept for ever; harm stops the experiment at once."""

from datetime import datetime

from django.db import transaction

from experiments.actions.lifecycle import SYSTEM, pause, stop
from experiments.analysis.build import build_scorecard
from experiments.analysis.inputs import History
from experiments.analysis.plan import AnalysisPlan
from experiments.analysis.reasons import ReasonCode, Verdict
from experiments.analysis.scorecard import Scorecard
from experiments.analysis.verdict import judge
from experiments.models import Experiment
from experiments.models import Scorecard as ScorecardRow
from experiments.queries.analysis_inputs import own_inputs, past_scorecards, recorded_inputs
from experiments.queries.designs import RunFacts, run_facts
from experiments.queries.plans import plan_of
from experiments.vocabulary import Status, VerdictState


@transaction.atomic
def analyse(*, experiment_id: int, window_end: datetime, received_before: datetime, now: datetime) -> int | None:
    """Take one look at an experiment of our own and return the scorecard's id.

    None when nobody has been exposed yet, or a report has been judged in place of events. A window that has its
    scorecard keeps it. A verdict of STOP_FOR_HARM stops a running experiment in the same transaction; harm that cannot
    be trusted (INVALID) pauses it.
    Raises ExperimentUnknown.
    """
    Experiment.objects.select_for_update().get(pk=experiment_id)
    known = ScorecardRow.objects.filter(experiment_id=experiment_id, window_end=window_end).first()
    if known is not None:
        return int(known.pk)
    run = run_facts(experiment_id)
    if not run.looks_at_events:
        return None
    plan = plan_of(experiment_id)
    scorecard = derive(
        run=run,
        plan=plan,
        window_end=window_end,
        received_before=received_before,
        past=past_scorecards(experiment_id),
    )
    if not any(count.units for count in scorecard.variants):
        return None
    verdict = judge(plan, scorecard)
    row = _keep(experiment_id, scorecard, verdict, window_end=window_end, received_before=received_before)
    _react(run, verdict, now)
    return row


@transaction.atomic
def analyse_recorded(*, experiment_id: int) -> int:
    """Take the one look at a recorded experiment, or at one whose report came in, and return the scorecard's id.

    A second call returns the same.
    """
    Experiment.objects.select_for_update().get(pk=experiment_id)
    known = ScorecardRow.objects.filter(experiment_id=experiment_id).first()
    if known is not None:
        return int(known.pk)
    run, plan = run_facts(experiment_id), plan_of(experiment_id)
    scorecard = derive_recorded(run=run, plan=plan)
    window_end = scorecard.window_end or run.started_at
    return _keep(
        experiment_id,
        scorecard,
        judge(plan, scorecard),
        window_end=window_end,
        received_before=run.started_at,
    )


def derive(
    *,
    run: RunFacts,
    plan: AnalysisPlan,
    window_end: datetime,
    received_before: datetime,
    past: list[Scorecard],
) -> Scorecard:
    """Return the scorecard that the stored evidence gives for a look; equal evidence gives equal bytes."""
    inputs = own_inputs(
        run=run, plan=plan, window_end=window_end, received_before=received_before, history=History.of(past)
    )
    return build_scorecard(plan, inputs)


def derive_recorded(*, run: RunFacts, plan: AnalysisPlan) -> Scorecard:
    """Return the scorecard that the imported units give."""
    return build_scorecard(plan, recorded_inputs(run=run, plan=plan))


def differing_looks(experiment_id: int) -> list[int]:
    """Return the looks whose stored scorecard is not, byte for byte, what the stored evidence gives now."""
    run, plan = run_facts(experiment_id), plan_of(experiment_id)
    past: list[Scorecard] = []
    differing = []
    for row in ScorecardRow.objects.filter(experiment_id=experiment_id).order_by("look"):
        if run.looks_at_events:
            again = derive(
                run=run, plan=plan, window_end=row.window_end, received_before=row.received_before, past=past
            )
        else:
            again = derive_recorded(run=run, plan=plan)
        if again.to_json().decode() != row.content:
            differing.append(row.look)
        past.append(again)
    return differing


def _keep(
    experiment_id: int,
    scorecard: Scorecard,
    verdict: Verdict,
    *,
    window_end: datetime,
    received_before: datetime,
) -> int:
    row = ScorecardRow.objects.create(
        experiment_id=experiment_id,
        look=scorecard.look,
        window_end=window_end,
        received_before=received_before,
        plan_sha256=scorecard.plan_sha256,
        content=scorecard.to_json().decode(),
        sha256=scorecard.sha256(),
        verdict_state=verdict.state.value,
        verdict=verdict.to_dict(),
    )
    return int(row.pk)


def _react(run: RunFacts, verdict: Verdict, now: datetime) -> None:
    codes = {reason.code for reason in verdict.reasons}
    status = Status(Experiment.objects.values_list("status", flat=True).get(pk=run.id))
    if verdict.state is VerdictState.STOP_FOR_HARM and status in (Status.RUNNING, Status.PAUSED):
        stop(experiment_id=run.id, acting_user=SYSTEM, now=now, reason=f"Harm: {', '.join(verdict.harmful)}")
    elif ReasonCode.HARM_IN_INVALID in codes and status is Status.RUNNING:
        pause(experiment_id=run.id, acting_user=SYSTEM, now=now, reason="Harm in data that cannot be trusted")
