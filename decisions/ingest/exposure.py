"""From an `Experiment Viewed` message to enrolments: what it proves, or why it proves nothing.

With a decision token the token is the proof. Without one a server key is needed: where the attributes are sent
the assignment is computed again, otherwise the claim is kept as UNVERIFIED.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from decisions.ingest.browsers import BrowserFamily
from decisions.ingest.validation import ValidMessage
from decisions.serving.bundle import LiveBundle
from decisions.serving.token import DecisionToken, TokenEntry, TokenRefused, verify_token
from decisions.vocabulary import ExposureFault, KeyKind, TokenFault, Verification
from experiments.assignment.engine import assign
from experiments.assignment.periods import Periods, cell_id
from experiments.assignment.snapshot import Experiment
from experiments.vocabulary import PERSONAL_UNITS, Reason
from foundation.ids import hash_unit

EXPOSURE_EVENT = "Experiment Viewed"
PERSONAL_KINDS = frozenset(kind.value for kind in PERSONAL_UNITS)
LONGEST_NAME = 200
LARGEST_ID = 2**63

_DIGITS = re.compile(r"[0-9]{1,18}")

Enrolment = dict[str, Any]
Fault = ExposureFault | TokenFault


@dataclass(frozen=True, slots=True)
class Intake:
    """Under what circumstances messages arrive. `now` is project time.

    `browser` is the family of the browser that sends them: None where a server does, or the project does not store it.
    """

    bundle: LiveBundle
    key_kind: KeyKind
    now: datetime
    token_age: timedelta
    browser: BrowserFamily | None = None


@dataclass(frozen=True, slots=True)
class _Claim:
    """The experiment that a message names. Where the bundle knows it both are set, else what was sent."""

    id: int | None
    key: str


def stored_units(bundle: LiveBundle, plain: Mapping[str, str]) -> dict[str, str]:
    """Return the ids under which units are stored: personal ones hashed, items and stores as they are."""
    return {
        kind: hash_unit(bundle.pepper, kind, unit) if kind in PERSONAL_KINDS else unit for kind, unit in plain.items()
    }


def enrolments_of(message: ValidMessage, stored: Mapping[str, str], at: datetime, intake: Intake) -> list[Enrolment]:
    """Return the enrolments that an exposure claims, each with how it was verified or why it was not.

    `stored` are the message's units as they are stored, `at` is the moment of the exposure in project time. At
    least one is returned: an exposure that proves nothing says so.
    """
    token_text = message.sent.get("decision_token")
    claimed = _claimed(message.sent, intake.bundle)
    if isinstance(token_text, str) and token_text:
        try:
            token = verify_token(
                token_text,
                project_id=intake.bundle.project_id,
                keys=intake.bundle.signing_keys,
                now=intake.now,
                age=intake.token_age,
            )
        except TokenRefused as refused:
            return [_refused(claimed, message.sent, Verification.TOKEN, refused.fault)]
        message.properties["decision_id"] = token.decision_id  # Whatever the client calls it: the token is the proof.
        return _by_token(token, claimed, message.sent, stored)
    return [_without_token(message, claimed, stored, at, intake)]


def unit_in_period(unit: str | None, period: int | None) -> str | None:
    """Return the id under which a unit's exposure is kept: that of its cell where units are randomised by period."""
    return unit if unit is None or period is None else cell_id(unit, period)


def _without_token(
    message: ValidMessage, claimed: _Claim | None, stored: Mapping[str, str], at: datetime, intake: Intake
) -> Enrolment:
    fault = None
    experiment = None if claimed is None else intake.bundle.snapshot.experiments.get(claimed.key)
    if intake.key_kind is not KeyKind.SERVER:
        fault = ExposureFault.TOKEN_MISSING
    elif claimed is None:
        fault = ExposureFault.EXPERIMENT_MISSING
    elif experiment is None:
        fault = ExposureFault.EXPERIMENT_UNKNOWN
    if fault is not None or experiment is None:
        return _refused(claimed, message.sent, Verification.UNVERIFIED, fault or ExposureFault.EXPERIMENT_UNKNOWN)
    if isinstance(message.sent.get("attributes"), dict):
        return _recomputed(experiment, message, stored, at, intake)
    return _unverified(experiment, message.sent, stored, at)


def _claimed(sent: Mapping[str, Any], bundle: LiveBundle) -> _Claim | None:
    """Return the experiment named by `experiment` or `experiment_id`, as a key or as an id."""
    experiments = bundle.snapshot.experiments
    for name in ("experiment", "experiment_id"):
        value = sent.get(name)
        if isinstance(value, str) and value not in experiments and _DIGITS.fullmatch(value):
            value = int(value)
        if isinstance(value, str) and 0 < len(value) <= LONGEST_NAME:
            return _Claim(experiments[value].id if value in experiments else None, value)
        if type(value) is int and 0 <= value < LARGEST_ID:
            return _Claim(value, next((e.key for e in experiments.values() if e.id == value), ""))
    return None


def _by_token(
    token: DecisionToken, claimed: _Claim | None, sent: Mapping[str, Any], stored: Mapping[str, str]
) -> list[Enrolment]:
    entries: Iterable[TokenEntry] = token.entries
    if claimed is not None:
        entries = [e for e in token.entries if e.experiment_id == claimed.id or e.experiment_key == claimed.key]
    enrolments = []
    for entry in entries:
        kind, unit = token.unit_of(entry)
        reason = None
        if stored.get(kind) != unit and not _is_vouched(token, kind, stored):
            reason = ExposureFault.TOKEN_WRONG_UNIT
        elif claimed is not None and _variant(sent) not in (None, entry.variant):
            reason = ExposureFault.VARIANT_MISMATCH
        enrolments.append(
            {
                "experiment": entry.experiment_id,
                "variant": entry.variant,
                "epoch": entry.epoch,
                "probability": entry.probability,
                "slots": entry.slots,
                "unit": unit_in_period(unit, entry.period),
                "unit_kind": kind,
                "verification": Verification.TOKEN,
                "reason": reason,
            }
        )
    return enrolments or [_refused(claimed, sent, Verification.TOKEN, ExposureFault.NOT_ENROLLED)]


def _is_vouched(token: DecisionToken, kind: str, stored: Mapping[str, str]) -> bool:
    """Return whether a message that names a customer alone may speak for the visitor of a token.

    It may where the token names this very customer beside the visitor: the edge has seen that they are one.
    """
    customer = stored.get("customer")
    return kind == "visitor" and kind not in stored and customer is not None and token.units.get("customer") == customer


def _recomputed(
    experiment: Experiment, message: ValidMessage, stored: Mapping[str, str], at: datetime, intake: Intake
) -> Enrolment:
    (answer,) = assign(
        message.units,
        message.sent["attributes"],
        at,
        None,
        intake.bundle.snapshot,
        keys=(experiment.key,),
        personalised=message.sent.get("personalised") is not False,
    )
    if answer.reason is Reason.STICKY_UNAVAILABLE:  # Only the store knows, and it is not asked for events.
        return _unverified(experiment, message.sent, stored, at)
    enrolment = _enrolment(experiment, answer.variant, stored, Verification.RECOMPUTED, answer.period)
    if not answer.enrolled:
        return enrolment | {"reason": ExposureFault.NOT_ENROLLED}
    enrolment |= {"probability": answer.probability, "slots": answer.slots}
    if _variant(message.sent) not in (None, answer.variant):
        return enrolment | {"reason": ExposureFault.VARIANT_MISMATCH}
    return enrolment


def _unverified(experiment: Experiment, sent: Mapping[str, Any], stored: Mapping[str, str], at: datetime) -> Enrolment:
    claimed = _variant(sent)
    periods = experiment.periods
    period = None if periods is None else periods.index(at)
    enrolment = _enrolment(experiment, claimed, stored, Verification.UNVERIFIED, period)
    if periods is not None and not _counts(periods, at):
        return enrolment | {"reason": ExposureFault.NOT_ENROLLED}
    if claimed is None:
        return enrolment | {"reason": ExposureFault.VARIANT_MISSING}
    variant = experiment.variants.get(claimed)
    if variant is None:
        return enrolment | {"reason": ExposureFault.VARIANT_MISMATCH}
    enrolment["probability"] = variant.drawn.probability
    return enrolment


def _counts(periods: Periods, at: datetime) -> bool:
    """Return whether units are enrolled at a moment: the periods have begun, and this one is past its burn-in."""
    index = periods.index(at)
    return index >= 0 and at >= periods.counts_from(index) and not periods.is_kept_out(index)


def _enrolment(
    experiment: Experiment,
    variant: str | None,
    stored: Mapping[str, str],
    verification: Verification,
    period: int | None,
) -> Enrolment:
    unit = unit_in_period(stored.get(experiment.unit_kind), period)
    return {
        "experiment": experiment.id,
        "variant": variant,
        "epoch": experiment.epoch,
        "probability": 0.0,
        "slots": (None, None, None),
        "unit": unit,
        "unit_kind": experiment.unit_kind,
        "verification": verification,
        "reason": None if unit is not None else ExposureFault.UNIT_MISSING,
    }


def _refused(claimed: _Claim | None, sent: Mapping[str, Any], verification: Verification, fault: Fault) -> Enrolment:
    return {
        "experiment": None if claimed is None else claimed.id,
        "variant": _variant(sent),
        "epoch": None,
        "probability": None,
        "slots": (None, None, None),
        "unit": None,
        "unit_kind": None,
        "verification": verification,
        "reason": fault,
    }


def _variant(sent: Mapping[str, Any]) -> str | None:
    """Return the variant that a message claims: `variant`, or Segment's `variation_id`."""
    for name in ("variant", "variation_id"):
        value = sent.get(name)
        if isinstance(value, str) and 0 < len(value) <= LONGEST_NAME:
            return value
    return None
