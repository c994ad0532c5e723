"""What serves of a model now, and what to do next with it."""

from django.urls import reverse
from django.utils.translation import gettext as _

from decisions.promotion import ProposalState
from decisions.queries.model_records import ModelRecord
from decisions.reports.addresses import admin_url, inbox_url, readout_url
from decisions.reports.holders import holders_in_words
from decisions.reports.runs import advice_for
from experiments.lifecycle import EDITABLE, SERVING
from experiments.reports.page import Link, Strip
from experiments.reports.wording import Text, Tone
from models_registry.vocabulary import RunState

Step = tuple[Text, Link | None]


def strip_of(record: ModelRecord) -> Strip:
    """Return the strip above a model's page: what serves, and the next step."""
    numbers = {version.id: version.number for version in record.versions}
    if record.champions:
        label = _("v%(number)s is champion") % {"number": numbers.get(record.champions[0].version, "?")}
        sentence = _("Outside experiments: %(serving)s.") % {"serving": holders_in_words(record.champions, numbers)}
    else:
        label = _("The baseline serves")
        sentence = _("No version has become champion so far, so nothing changes for shoppers.")
    step, link = _next_step(record)
    return Strip(
        label=label,
        tone=Tone.GOOD if record.champions else Tone.MUTED,
        glyph="✔" if record.champions else "○",
        sentence=sentence,
        more=(),
        next_step=step,
        next_link=link,
        facts=(),
        fault="",
    )


def _next_step(record: ModelRecord) -> Step:
    open_proposal = next(
        (trial.proposal for trial in record.trials if trial.proposal and trial.proposal.state is ProposalState.OPEN),
        None,
    )
    if open_proposal is not None:
        return _("A promotion waits for somebody to approve or reject it."), Link(
            _("Open the proposal"), inbox_url(open_proposal.id)
        )
    newest = record.runs[0] if record.runs else None
    if newest is not None and newest.state is not RunState.SUCCEEDED:
        return advice_for(newest), None
    return _step_of_versions(record)


def _step_of_versions(record: ModelRecord) -> Step:
    in_admin = Link(_("Open its form"), admin_url("models_registry_registeredmodel", record.model.id))
    if not record.versions:
        return _("Train a first version from the shop's own log."), in_admin
    if not record.points:
        add = Link(_("Create a decision point"), reverse("admin:decisions_decisionpoint_add"))
        return _("Nothing asks this model yet: let a decision point name it."), add
    running = next((trial for trial in record.trials if trial.standing.status in SERVING), None)
    if running is not None:
        readout = Link(running.standing.name, readout_url(running.standing.key, record.project))
        return _("An experiment is trying a version; its readout says what the figures allow."), readout
    champions = {holder.version for holder in record.champions}
    newest = record.versions[0]
    drafted = any(trial.standing.status in EDITABLE for trial in record.trials)
    if newest.id not in champions and newest.gate_passed and not drafted:
        bind = Link(_("Bind an experiment"), reverse("admin:decisions_pointexperiment_add"))
        return _("Try v%(number)s against what serves.") % {"number": newest.number}, bind
    if drafted:
        return _("An experiment with a version is being prepared. Launch it when its checklist is empty."), None
    return _("Train a new version when the shop or its shoppers have changed."), in_admin
