"""Letting persons pay differently: somebody answers for it by name, for named countries, never for China."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from django.db import transaction

from experiments.models import Experiment, PayableOverride
from experiments.payable import JURISDICTIONS, NEVER
from experiments.queries.designs import ExperimentUnknown
from experiments.queries.payable import OverrideFacts, implied_payable, override_of, usual_disclosure
from experiments.vocabulary import Source, Status
from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import project_facts

AUTOMATON = "tiltyard"
"""The actor of rules: no rule answers for anything."""


class PayableNeverInChina(DomainError):
    """Nobody can answer for prices by person in China."""

    code: ClassVar[str] = "PAYABLE_NEVER_IN_CHINA"
    hint = "Randomise items, clusters or stores by period there, or leave China out."


class PayableNeedsAPerson(DomainError):
    """Nobody by name answers for it."""

    code: ClassVar[str] = "PAYABLE_NEEDS_A_PERSON"
    hint = "Somebody who is signed in has to answer for it."


class PayableOverrideInvalid(DomainError):
    """The override is not complete, or there is nothing to override."""

    code: ClassVar[str] = "PAYABLE_OVERRIDE_INVALID"
    hint = "Give a reason, countries by their two letters, and what shoppers are told there."


class PayableOverrideClosed(DomainError):
    """The experiment is no draft any more."""

    code: ClassVar[str] = "PAYABLE_OVERRIDE_CLOSED"
    hint = "Send it back to draft first; once launched, nothing of its design changes."


@transaction.atomic
def allow_payable(
    *,
    experiment_id: int,
    reason: str,
    jurisdictions: Sequence[str],
    disclosure: str,
    acting_user: str,
    now: datetime,
) -> None:
    """Let an experiment that changes what a person pays randomise persons, in these countries alone.

    It lifts PAYABLE_BY_PERSON and nothing else. An empty disclosure takes the usual text for the countries, where there
    is one. A second call takes the place of the first. Raises PayableNeverInChina, PayableNeedsAPerson,
    PayableOverrideInvalid, PayableOverrideClosed, ExperimentUnknown.
    """
    person, why = acting_user.strip(), reason.strip()
    if not person or person == AUTOMATON:
        raise PayableNeedsAPerson("Nobody by name would answer for it.")
    countries = _countries(jurisdictions)
    row = _draft(experiment_id)
    if not row.payable and not implied_payable(experiment_id):
        raise PayableOverrideInvalid(
            f"Experiment {row.key} does not say what it changes of the amount to pay.",
            hint="Say first what it changes, then who answers for it.",
        )
    told = disclosure.strip() or usual_disclosure(countries)
    if not why:
        raise PayableOverrideInvalid("There is no reason.")
    if not told:
        raise PayableOverrideInvalid("It is not said what shoppers are told.")
    at = project_facts(row.project_id).clock.at(now)
    before = override_of(experiment_id)
    PayableOverride.objects.update_or_create(
        experiment_id=experiment_id,
        defaults={
            "acting_user": person,
            "reason": why,
            "jurisdictions": list(countries),
            "disclosure": told,
            "made_at": at,
        },
    )
    after = {"payable": row.payable, "jurisdictions": list(countries), "disclosure": told}
    _journal(row, at, person, "experiment.payable_allow", why, _noted(before), after)


@transaction.atomic
def withdraw_payable(*, experiment_id: int, reason: str, acting_user: str, now: datetime) -> bool:
    """Take an override back and return whether there was one. Raises PayableOverrideClosed, ExperimentUnknown."""
    row = _draft(experiment_id)
    before = override_of(experiment_id)
    if before is None:
        return False
    PayableOverride.objects.filter(experiment_id=experiment_id).delete()
    at = project_facts(row.project_id).clock.at(now)
    _journal(row, at, acting_user, "experiment.payable_withdraw", reason.strip(), _noted(before), {})
    return True


def _countries(jurisdictions: Sequence[str]) -> tuple[str, ...]:
    """Return the countries by their letters, each once. Raises PayableNeverInChina, PayableOverrideInvalid."""
    countries = tuple(sorted({code.strip().upper() for code in jurisdictions if code.strip()}))
    if NEVER in countries:
        raise PayableNeverInChina("In China no person may pay differently from another for what they are.")
    unknown = [code for code in countries if code not in JURISDICTIONS]
    if unknown:
        raise PayableOverrideInvalid(
            f"{unknown[0][:20]!r} is no country.", hint="Use the two letters of ISO 3166, such as US or DE."
        )
    if not countries:
        raise PayableOverrideInvalid("There are no countries.")
    return countries


def _draft(experiment_id: int) -> Experiment:
    row = Experiment.objects.select_for_update().filter(pk=experiment_id).first()
    if row is None:
        raise ExperimentUnknown(f"There is no experiment {experiment_id}.")
    if row.status != Status.DRAFT or row.source != Source.OWN:
        raise PayableOverrideClosed(f"Experiment {row.key} is no draft.")
    return row


def _noted(override: OverrideFacts | None) -> Mapping[str, object]:
    if override is None:
        return {}
    return {
        "acting_user": override.acting_user,
        "jurisdictions": list(override.jurisdictions),
        "disclosure": override.disclosure,
    }


def _journal(
    row: Experiment,
    at: datetime,
    actor: str,
    action: str,
    reason: str,
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> None:
    write_journal(
        project_id=row.project_id,
        at=at,
        actor=actor,
        action=action,
        subject=f"experiment:{row.key}",
        reason=reason,
        before=before,
        after=after,
    )
