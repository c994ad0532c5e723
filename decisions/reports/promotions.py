"""The promotion inbox: what would replace what, for whom, on which evidence; then what was decided."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from decisions.promotion import ProposalState
from decisions.queries.inbox import ProposalRecord
from decisions.reports.addresses import admin_url, point_url, readout_url, version_url
from decisions.reports.audiences import audience_words, unit_words
from decisions.reports.holders import version_label
from decisions.reports.wording import PROPOSALS
from experiments.reports import figures
from experiments.reports.names import names_of
from experiments.reports.page import Fact, Link
from experiments.reports.sentences import sentence_of
from experiments.reports.times import moment
from experiments.reports.wording import Text, Words


@dataclass(frozen=True, slots=True)
class ProposalCard:
    """A proposal; `warning` says why an approval would not promote, `sentences` are the evidence."""

    id: int
    state: Words
    is_open: bool
    challenger: Link
    control: Link
    winner: str
    scope: Text
    place: Link
    project: str
    proposed: str
    experiment: Link
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    warning: Text
    next_step: Text
    admin_url: str


@dataclass(frozen=True, slots=True)
class Inbox:
    """Open proposals, then decided ones."""

    waiting: tuple[ProposalCard, ...]
    decided: tuple[ProposalCard, ...]


def inbox_of(records: Iterable[ProposalRecord]) -> Inbox:
    """Return the inbox."""
    cards = [card_of(record) for record in records]
    return Inbox(
        waiting=tuple(card for card in cards if card.is_open),
        decided=tuple(card for card in cards if not card.is_open),
    )


def card_of(record: ProposalRecord) -> ProposalCard:
    """Return a proposal as the inbox and the administration show it."""
    proposal, project = record.proposal, record.project
    names = names_of(record.evidence) if record.evidence else None
    return ProposalCard(
        id=proposal.id,
        state=PROPOSALS[proposal.state],
        is_open=proposal.state is ProposalState.OPEN,
        challenger=_version(record, proposal.challenger),
        control=_version(record, proposal.control),
        winner=names.variant(proposal.winner) if names else proposal.winner,
        scope=audience_words(proposal.audience),
        place=Link(record.point.name, point_url(record.point.key, project)),
        project=project.name,
        proposed=moment(proposal.created_at, project.time_zone),
        experiment=Link(proposal.experiment_name, readout_url(proposal.experiment_key, project)),
        sentences=tuple(_sentences(record)),
        facts=tuple(_facts(record)),
        warning=_warning(record),
        next_step=_next_step(record),
        admin_url=admin_url("decisions_promotionproposal", proposal.id),
    )


def stale_words(record: ProposalRecord) -> str:
    """Return why a proposal cannot be carried out any more, and what to do."""
    told = {
        "tested": version_label(record.versions.get(record.proposal.control or 0), record.proposal.control),
        "champion": version_label(record.versions.get(record.champion or 0), record.champion),
        "challenger": version_label(record.versions.get(record.proposal.challenger), record.proposal.challenger),
    }
    return (
        _(
            "The test compared with %(tested)s, but %(champion)s serves now. "
            "Run a new experiment of %(challenger)s against %(champion)s."
        )
        % told
    )


def _version(record: ProposalRecord, version_id: int | None) -> Link:
    version = record.versions.get(version_id) if version_id is not None else None
    return Link(version_label(version, version_id), version_url(version, record.project) if version else "")


def _sentences(record: ProposalRecord) -> list[str]:
    readout = record.evidence
    if readout is None or readout.plan is None or record.verdict is None:
        return []
    names, currency = names_of(readout), readout.project.currency
    return [sentence_of(reason, names=names, plan=readout.plan, currency=currency) for reason in record.verdict.reasons]


def _facts(record: ProposalRecord) -> list[Fact]:
    proposal, zone = record.proposal, record.project.time_zone
    facts = [
        Fact(_("Randomization unit"), unit_words(proposal.unit_kind)),
        Fact(_("Look"), figures.count(proposal.look)),
        Fact(_("Proposed"), moment(proposal.created_at, zone)),
    ]
    if proposal.bundle_version is not None:
        facts.append(Fact(_("Bundle"), figures.count(proposal.bundle_version)))
    if proposal.decided_at is not None:
        facts.append(Fact(_("Decided by"), f"{proposal.decided_by}, {moment(proposal.decided_at, zone)}"))
        facts.append(Fact(_("Reason"), proposal.decision_reason))
    return facts


def _warning(record: ProposalRecord) -> Text:
    return stale_words(record) if record.is_outdated else ""


def _next_step(record: ProposalRecord) -> Text:
    state = record.proposal.state
    if state is ProposalState.OPEN:
        if record.is_outdated:
            return _("Reject it: an approval would find it out of date.")
        return _("Read the evidence and the readout, then approve or reject it.")
    if state is ProposalState.STALE:
        return stale_words(record)
    if state is ProposalState.PROMOTED and record.is_latest:
        return _("If it does harm, roll it back: what served before serves again within seconds.")
    if state is ProposalState.PROMOTED:
        return _("The champion has moved on since; this promotion can no longer be rolled back.")
    return ""
