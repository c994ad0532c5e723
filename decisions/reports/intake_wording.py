"""What was wrong with a message and how to mend it: a sentence each, for every reason there is."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext_lazy as _

from decisions.vocabulary import ExposureFault, IntakeKind, ProjectionFault, Rejection, TokenFault
from experiments.reports.wording import Text

REJECTIONS: Final[Mapping[Rejection, Text]] = {
    Rejection.MALFORMED: _("The message is no JSON object: send one object for each message."),
    Rejection.TOO_LARGE: _("The message has more than 32,768 bytes: send fewer properties, or split it."),
    Rejection.TOO_DEEP: _("The message is nested more than 32 levels deep: send flat properties."),
    Rejection.NUL_CHARACTER: _("The message contains the character U+0000: remove it before you send."),
    Rejection.TYPE_UNKNOWN: _("The type is none of the six of the Segment API: send track, identify or alias."),
    Rejection.MESSAGE_ID_MISSING: _(
        "The messageId is missing: give every message one, the same when it is sent again."
    ),
    Rejection.MESSAGE_ID_INVALID: _("The messageId is no text of 1 to 255 characters: send it as a text."),
    Rejection.UNIT_MISSING: _("The message says nothing of whom it is about: send anonymousId or userId."),
    Rejection.UNIT_INVALID: _("An id is no text, too long, or contains half a character: send ids as texts."),
    Rejection.PREVIOUS_ID_MISSING: _("The alias lacks its previousId: send the visitor that logged in."),
    Rejection.EVENT_MISSING: _("The event has no name: send event with every track."),
    Rejection.EVENT_INVALID: _("The name of the event is no text of 1 to 200 characters: shorten it."),
    Rejection.PROPERTIES_INVALID: _("The properties or traits are no object: send an object."),
    Rejection.BACKFILL_FORBIDDEN: _("History was sent with a client key: send it from a back end with a server key."),
}

FAULTS: Final[Mapping[StrEnum, Text]] = {
    ProjectionFault.TIMESTAMP_UNREADABLE: _("The timestamp is missing or has no zone: send ISO 8601 with a zone."),
    ProjectionFault.FROM_THE_FUTURE: _(
        "The message is more than 24 hours ahead: set the client's clock, and send sentAt so that it can be corrected."
    ),
    ProjectionFault.TOO_LATE: _(
        "The message came more than 7 days late: send buffered events earlier, or as history by a back end."
    ),
    ProjectionFault.CURRENCY_MISMATCH: _("The currency is not the project's: convert amounts before you send them."),
    ProjectionFault.AMOUNT_MISSING: _("The order has no amount: send revenue, total or value."),
    ProjectionFault.AMOUNT_INVALID: _(
        "An amount is no plain decimal number: send 12.50, without signs and separators."
    ),
    ProjectionFault.QUANTITY_INVALID: _("A quantity is no number: send a number, or leave it out for 1."),
    ProjectionFault.DUPLICATE_ORDER: _(
        "Another message brought this order already: send an order once, from one place, under one messageId."
    ),
    ProjectionFault.EXPOSURE_EMPTY: _("The exposure names no enrolment: send the decision token of the assignment."),
    ProjectionFault.EXPOSURE_UNKNOWN: _(
        "Experiment, variant and unit do not belong together here: check which project's key is used where."
    ),
    ProjectionFault.HISTORY_EXPOSURE: _("An exposure was sent as history: exposures count only when they happen."),
    ProjectionFault.HISTORY_INSIDE_EXPERIMENT: _(
        "History lies inside an experiment: send only what happened before it was launched or after it was over."
    ),
    ExposureFault.TOKEN_WRONG_UNIT: _(
        "The token was made for somebody else: ask for a new assignment after the visitor's id has changed."
    ),
    ExposureFault.TOKEN_MISSING: _("A client key sent no token: give back the decision token of the assignment."),
    ExposureFault.EXPERIMENT_MISSING: _("The exposure names no experiment: send its key as experiment."),
    ExposureFault.EXPERIMENT_UNKNOWN: _(
        "The experiment was not known when the exposure came: if it runs by now, replay; otherwise correct the key."
    ),
    ExposureFault.NOT_ENROLLED: _("The unit was not enrolled: expose only where the assignment says enrolled."),
    ExposureFault.VARIANT_MISSING: _("The exposure has neither token nor variant: send one of them."),
    ExposureFault.VARIANT_MISMATCH: _("The variant is not the one that was assigned: render what was assigned."),
    ExposureFault.UNIT_MISSING: _("The message lacks the unit that the experiment randomises: send its id."),
    TokenFault.MALFORMED: _("The token was cut or changed on its way: give it back as it came."),
    TokenFault.WRONG_PROJECT: _("The token is of another project: check which key is used where."),
    TokenFault.UNKNOWN_KEY: _("The token was signed with a key that is gone: ask for a new assignment."),
    TokenFault.FORGED: _("The token has a wrong signature: give it back as it came; nobody else can make one."),
    TokenFault.EXPIRED: _("The token is older than 400 days: ask for a new assignment."),
}

NOTED: Final[Mapping[IntakeKind, Text]] = {
    IntakeKind.DROPPED: _(
        "Properties outside the allow-list were dropped: add those that you need to the project's stored attributes."
    ),
    IntakeKind.LATE: _(
        "Messages came more than an hour after what they tell of: they count, and looks that are affected are restated."
    ),
    IntakeKind.SKEWED: _(
        "A client's clock is more than a minute off: times were corrected by sentAt; set the clock where you can."
    ),
    IntakeKind.UNVERIFIED: _(
        "Exposures that only a server key vouches for: send the decision token, or the attributes for a check."
    ),
}

UNBOOKED: Final[Mapping[str, Text]] = {
    "COST_MISSING": _(
        "Lines of orders whose item had no cost then count for no contribution: send costs (PUT /v1/costs) with a from"
        " before them, and they are booked at once."
    ),
}

KINDS: Final[Mapping[str, Text]] = {
    "REJECTED": _("Rejected"),
    "QUARANTINED": _("In quarantine"),
    "UNBOOKED": _("Without contribution"),
    "DROPPED": _("Dropped properties"),
    "LATE": _("Late"),
    "SKEWED": _("Clock skew"),
    "UNVERIFIED": _("Unverified exposures"),
}
_UNTOLD = _("There is no explanation for this reason.")


def fix_of(kind: str, reason: str) -> Text:
    """Return what happened and how to mend it, in a sentence."""
    if kind == "REJECTED":
        return next((text for known, text in REJECTIONS.items() if known.value == reason), _UNTOLD)
    if kind == "QUARANTINED":
        return next((text for known, text in FAULTS.items() if known.value == reason), _UNTOLD)
    if kind == "UNBOOKED":
        return UNBOOKED.get(reason, _UNTOLD)
    return next((text for known, text in NOTED.items() if known.value == kind), _UNTOLD)
