"""What a decision point did lately, faults first, and what to do next."""

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from decisions.promotion import ProposalState
from decisions.queries.made import DecisionCount
from decisions.queries.point_records import PointRecord
from decisions.reports.addresses import admin_url, inbox_url, learner_url, model_url, readout_url
from decisions.reports.batch_steps import point_strip
from decisions.reports.wording import fault_advice, reason_words
from experiments.reports import figures
from experiments.reports.page import Link, Strip
from experiments.reports.wording import Text, Tone

Step = tuple[Text, Link | None]


def faults_of(counts: Sequence[DecisionCount]) -> int:
    """Return how many decisions were made in a way that somebody should mend."""
    return sum(count.decisions for count in counts if fault_advice(count.reason) is not None)


def strip_of(record: PointRecord) -> Strip:
    """Return the strip above a decision point's page: faults before anything else."""
    if record.batches is not None:
        return point_strip(record.batches, record.point) or _in_order(record)
    total, faults = sum(count.decisions for count in record.counts), faults_of(record.counts)
    step, link = _next_step(record)
    if faults:
        worst = _worst(record.counts)
        label = _("%(share)s of decisions fell back") % {"share": figures.share(faults / total)}
        return Strip(
            label=label,
            tone=Tone.WARN,
            glyph="✖",
            sentence=_("%(faults)s of %(total)s decisions in the last 24 hours were not made as configured.")
            % {"faults": figures.count(faults), "total": figures.count(total)},
            more=tuple(_faults_in_words(record.counts)),
            next_step=fault_advice(worst.reason) or "",
            next_link=None,
            facts=(),
            fault="",
        )
    if total:
        sentence = ngettext(
            "%(total)s decision in the last 24 hours, made as configured.",
            "%(total)s decisions in the last 24 hours, all made as configured.",
            total,
        ) % {"total": figures.count(total)}
        return Strip(_("Decides as configured"), Tone.GOOD, "✔", sentence, (), step, link, (), "")
    sentence = _("Nobody has asked for a decision here in the last 24 hours.")
    step = _("Let the shop ask for decisions: POST /v1/decisions/%(key)s.") % {"key": record.point.key}
    return Strip(_("No decisions yet"), Tone.MUTED, "○", sentence, (), step, None, (), "")


def _in_order(record: PointRecord) -> Strip:
    """Return the strip of a point whose batches are as they should be: it may still be told what to try next."""
    step, link = _next_step(record)
    sentence = _("The newest batch was made as configured, and the shop has said what it did.")
    return Strip(_("Decides as configured"), Tone.GOOD, "✔", sentence, (), step, link, (), "")


def _worst(counts: Sequence[DecisionCount]) -> DecisionCount:
    return next(count for count in counts if fault_advice(count.reason) is not None)


def _faults_in_words(counts: Sequence[DecisionCount]) -> list[Text]:
    by_reason: dict[str, int] = {}
    for count in counts:
        if fault_advice(count.reason) is not None:
            by_reason[count.reason] = by_reason.get(count.reason, 0) + count.decisions
    return [
        _("%(reason)s: %(number)s") % {"reason": reason_words(reason).label, "number": figures.count(number)}
        for reason, number in sorted(by_reason.items(), key=lambda entry: -entry[1])
    ]


def _next_step(record: PointRecord) -> Step:
    for trial in record.trials:
        if trial.proposal is not None and trial.proposal.state is ProposalState.OPEN:
            link = Link(_("Open the proposal"), inbox_url(trial.proposal.id))
            return _("A promotion waits for somebody to approve or reject it."), link
    if record.live:
        running = record.live[0].standing
        return _("An experiment is running here; its readout says what the figures allow."), Link(
            running.name, readout_url(running.key, record.project)
        )
    if record.learner is not None:
        learner = Link(record.learner.name, learner_url(record.point.key, record.learner.key, record.project))
        return _("A learning policy serves here; its page says what it has learnt."), learner
    if record.model is None:
        form = Link(_("Open its form"), admin_url("decisions_decisionpoint", record.point.id))
        return _("Name a model whose versions shall compete here."), form
    if not record.champions and not record.trials:
        return _("Train a version, then try it against the baseline."), Link(
            record.model.name, model_url(record.model, record.project)
        )
    bind = Link(_("Bind an experiment"), reverse("admin:decisions_pointexperiment_add"))
    return _("Nothing is being tried here. Bind an experiment when there is a newer version."), bind
