"""How an experiment divides the traffic of a decision point: each variant's share, and what it does."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from decisions.domain import PolicyKind
from decisions.queries.learners import LearnerFacts
from decisions.queries.point_records import PointRecord
from decisions.queries.points import PolicyFacts
from decisions.queries.trials import Trial
from decisions.reports.addresses import inbox_url, learner_url, readout_url, version_url
from decisions.reports.audiences import audience_words
from decisions.reports.holders import version_label
from decisions.reports.numbers import slots
from decisions.reports.wording import PROPOSALS, policy_words
from experiments.queries.standing import Share
from experiments.reports import figures
from experiments.reports.page import Fact
from experiments.reports.times import moment
from experiments.reports.wording import ARM_STATES, NO_DATA, STATUSES, UNITS, Text, Words, verdict_words


@dataclass(frozen=True, slots=True)
class VariantLine:
    """A variant: its share of those who take part, and what decides for it."""

    name: str
    control: bool
    share: str
    state: Text
    policy: Text
    policy_url: str
    version: Text
    version_url: str


@dataclass(frozen=True, slots=True)
class TrialBlock:
    """An experiment at a decision point."""

    name: str
    url: str
    status: Text
    verdict: Words
    facts: tuple[Fact, ...]
    variants: tuple[VariantLine, ...]
    proposal: Words | None
    proposal_url: str


def trial_block(record: PointRecord, trial: Trial) -> TrialBlock:
    """Return an experiment as the page of its decision point shows it."""
    standing, allocation = trial.standing, trial.allocation
    verdict = NO_DATA
    if trial.verdict is not None:
        winner = trial.verdict.winner
        verdict = verdict_words(trial.verdict.state, trial.names.get(winner, winner) if winner else None)
    facts = [
        Fact(_("Audience"), audience_words(standing.audience)),
        Fact(_("Randomization unit"), UNITS[standing.unit_kind]),
    ]
    if allocation is not None:
        opened = moment(allocation.opened_at, record.project.time_zone)
        facts.append(Fact(_("Coverage"), slots(allocation.coverage)))
        facts.append(
            Fact(
                _("Epoch"),
                _("%(number)s, since %(time)s") % {"number": figures.count(allocation.epoch), "time": opened},
            )
        )
    return TrialBlock(
        name=standing.name,
        url=readout_url(standing.key, record.project),
        status=STATUSES[standing.status],
        verdict=verdict,
        facts=tuple(facts),
        variants=tuple(_variant(record, trial, share) for share in allocation.shares) if allocation else (),
        proposal=PROPOSALS[trial.proposal.state] if trial.proposal else None,
        proposal_url=inbox_url(trial.proposal.id) if trial.proposal else "",
    )


def _variant(record: PointRecord, trial: Trial, share: Share) -> VariantLine:
    fact = trial.policies.get(share.variant)
    serves = None if fact is None else record.newest.get(fact.schedule or 0, fact.version)
    version = record.versions.get(serves) if serves is not None else None
    return VariantLine(
        name=share.name,
        control=share.control,
        share=slots(share.weight),
        state="" if share.state == "OPEN" else ARM_STATES.get(share.state, share.state),
        policy=_policy(record, fact),
        policy_url=_policy_url(record, fact),
        version=version_label(version) if version else "–",
        version_url=version_url(version, record.project) if version else "",
    )


def _policy(record: PointRecord, fact: PolicyFacts | None) -> Text:
    if fact is None:
        return _("not said")
    learner, schedule = _learner(record, fact), record.schedules.get(fact.schedule or 0)
    if learner is not None:
        return _("Learning policy %(name)s") % {"name": learner.name}
    if schedule is not None:
        return _("Newest of the schedule %(schedule)s") % {"schedule": schedule.key}
    words = policy_words(fact.policy)
    if fact.policy is PolicyKind.FIXED:
        return _("%(policy)s: %(items)s") % {"policy": words, "items": ", ".join(fact.actions)}
    return words


def _policy_url(record: PointRecord, fact: PolicyFacts | None) -> str:
    learner = None if fact is None else _learner(record, fact)
    return "" if learner is None else learner_url(record.point.key, learner.key, record.project)


def _learner(record: PointRecord, fact: PolicyFacts) -> LearnerFacts | None:
    return next((learner for learner in record.learners if learner.id == fact.learner), None)
