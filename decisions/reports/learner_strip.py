"""The strip above a learning policy's page: whether it learns and serves, and what to do next."""

from django.utils.translation import gettext as _

from decisions.queries.learner_records import LearnerRecord
from decisions.reports.addresses import admin_url
from experiments.lifecycle import SERVING
from experiments.reports import figures
from experiments.reports.page import Link, Strip
from experiments.reports.times import moment
from experiments.reports.wording import Text, Tone

Step = tuple[Text, Link | None]


def strip_of(record: LearnerRecord) -> Strip:
    """Return the strip: a fault before anything else."""
    label, tone, glyph = _state_of(record)
    step, link = _next_step(record)
    return Strip(
        label=label,
        tone=tone,
        glyph=glyph,
        sentence=_sentence(record),
        more=(),
        next_step=step,
        next_link=link,
        facts=(),
        fault=_("Its newest state cannot be used: %(code)s.") % {"code": record.fault} if record.fault else "",
    )


def _state_of(record: LearnerRecord) -> tuple[Text, Tone, str]:
    if record.fault:
        return _("The baseline serves in its place"), Tone.WARN, "✖"
    if not _serves(record):
        return _("It serves nobody yet"), Tone.MUTED, "○"
    if not record.learner.is_learning:
        return _("It serves and has stopped learning"), Tone.WARN, "■"
    return _("It serves and learns"), Tone.GOOD, "✔"


def _sentence(record: LearnerRecord) -> str:
    newest = record.states[0] if record.states else None
    if newest is None or newest.rewards_from is None:
        return _("It knows nothing but its prior: no reward has matured yet.")
    learnt = record.figures["rewarded"]
    told = {
        "number": figures.count(newest.number),
        "until": moment(newest.rewards_until, record.project.time_zone),
        "rewards": figures.count(learnt),
    }
    return _("State %(number)s: it has learnt from decisions before %(until)s and %(rewards)s rewards.") % told


def _next_step(record: LearnerRecord) -> Step:
    if record.fault:
        return _("Replay it as said below; if its states are not as the log has them, create a new policy."), None
    if not _serves(record):
        form = Link(_("Open its decision point"), admin_url("decisions_decisionpoint", record.point.id))
        return _("Give it to a variant of an experiment, or to all traffic outside experiments."), form
    if not record.learner.is_learning:
        return _("Start it again when what kept you from it is over."), Link(
            _("Open its form"), admin_url("decisions_learner", record.learner.id)
        )
    if any(trial.standing.status in SERVING for trial in record.trials):
        return _("An experiment is trying it; its readout says what the figures allow."), None
    return _("Nothing: it goes on by itself. For a verdict, try it in an experiment."), None


def _serves(record: LearnerRecord) -> bool:
    return record.point.learner_id == record.learner.id or any(
        trial.standing.status in SERVING for trial in record.trials
    )
