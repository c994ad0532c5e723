"""The fixed words of a readout: what scorecards, plans and statuses can hold, in the language of the page."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from experiments.analysis.plan import Multiplicity, SequentialMethod
from experiments.analysis.scorecard import Estimator
from experiments.vocabulary import MetricRole, Source, Status, UnitKind, VerdictState

Text = str | Promise


class Tone(StrEnum):
    """The colour of a statement; its glyph says the same without colour."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"
    WARN = "warn"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class Words:
    """How a code is shown."""

    label: Text
    tone: Tone
    glyph: str


VERDICTS: Final[dict[VerdictState, Words]] = {
    VerdictState.SHIP: Words(_("Ship “%(variant)s”"), Tone.GOOD, "▲"),
    VerdictState.STOP_FOR_HARM: Words(_("Stop: it does harm"), Tone.BAD, "▼"),
    VerdictState.CONTINUE: Words(_("Continue"), Tone.OPEN, "▶"),
    VerdictState.INCONCLUSIVE: Words(_("Inconclusive"), Tone.MUTED, "■"),
    VerdictState.INVALID: Words(_("Not trustworthy"), Tone.WARN, "✖"),
}


def verdict_words(state: VerdictState, winner: str | None) -> Words:
    """Return how a verdict is shown; `winner` is the name of the variant to ship, if any."""
    words = VERDICTS[state]
    return Words(words.label % {"variant": winner or ""}, words.tone, words.glyph)


HARDLY_WORTH_IT: Final = Words(_("Continue, though hardly worth it"), Tone.OPEN, "▶")
NO_DATA: Final = Words(_("No data yet"), Tone.MUTED, "○")

STATUSES: Final[dict[Status, Text]] = {
    Status.DRAFT: _("Draft"),
    Status.IN_REVIEW: _("In review"),
    Status.RUNNING: _("Running"),
    Status.PAUSED: _("Paused"),
    Status.STOPPED: _("Stopped"),
    Status.CONCLUDED: _("Concluded"),
}

SOURCES: Final[dict[Source, Text]] = {
    Source.OWN: _("Randomised here"),
    Source.EXTERNAL: _("Recorded elsewhere, unit by unit"),
    Source.AGGREGATE: _("Recorded elsewhere, as totals"),
}

UNITS: Final[dict[UnitKind, Text]] = {
    UnitKind.VISITOR: _("Visitor"),
    UnitKind.CUSTOMER: _("Customer"),
    UnitKind.SESSION: _("Session"),
    UnitKind.ITEM: _("Item"),
    UnitKind.STORE: _("Store"),
    UnitKind.CLUSTER: _("Cluster"),
    UnitKind.STORE_ITEM: _("Item in a store"),
}

CONCLUSIONS: Final[dict[str, Text]] = {
    "WON": _("Won"),
    "LOST": _("Lost"),
    "FLAT": _("Flat"),
    "INVALID": _("Not trustworthy"),
    "STOPPED_EARLY": _("Stopped early"),
}


@dataclass(frozen=True, slots=True)
class RoleWords:
    """The heading of a role's metrics and what they are for."""

    title: Text
    purpose: Text


ROLES: Final[dict[MetricRole, RoleWords]] = {
    MetricRole.DECISION: RoleWords(_("Decision metrics"), _("These decide whether a variant ships.")),
    MetricRole.GUARDRAIL: RoleWords(
        _("Guardrails"),
        _("These must not get worse by more than their margin, drawn as a dashed line."),
    ),
    MetricRole.SECONDARY: RoleWords(
        _("Secondary metrics"), _("These help to understand the result; they decide nothing.")
    ),
    MetricRole.DIAGNOSTIC: RoleWords(_("Diagnostics"), _("These show whether the experiment works as intended.")),
}

ESTIMATORS: Final[dict[Estimator, Text]] = {
    Estimator.SCORE: _("score test of two proportions"),
    Estimator.FISHER: _("Fisher's exact test"),
    Estimator.BOSCHLOO: _("Boschloo's exact test"),
    Estimator.WELCH: _("Welch's t-test"),
    Estimator.WELCH_NULL_RESTRICTED: _("Welch's t-test with the variance under no effect"),
    Estimator.LINEARISED_RATIO: _("ratio linearised at the randomised unit"),
    Estimator.LIN_ADJUSTED: _("regression adjustment (CUPED, Lin 2013)"),
    Estimator.LIN_ADJUSTED_RATIO: _("linearised ratio with regression adjustment (CUPED)"),
    Estimator.POST_STRATIFIED: _("post-stratification by epoch"),
    Estimator.CLUSTERED: _("difference over periods, errors over the randomised units (CR2)"),
    Estimator.CLUSTERED_RATIO: _("ratio over periods, errors over the randomised units (CR2)"),
}

TEST_INTERVAL: Final = _("each end holds at %(level)s, like the test against the margin")
AFTER_HORIZON: Final = _("%(level)s interval, valid after the planned horizon")
INTERVALS: Final[dict[str, Text]] = {
    SequentialMethod.GROUP_SEQUENTIAL: _("%(level)s interval, valid at every planned look"),
    SequentialMethod.CONFIDENCE_SEQUENCE: _("%(level)s interval, valid at any time"),
    SequentialMethod.FIXED_HORIZON: _("%(level)s interval, valid for one look"),
}

METHODS: Final[dict[SequentialMethod, Text]] = {
    SequentialMethod.GROUP_SEQUENTIAL: _("Group sequential"),
    SequentialMethod.CONFIDENCE_SEQUENCE: _("Confidence sequence"),
    SequentialMethod.FIXED_HORIZON: _("One look at the end"),
}

CORRECTIONS: Final[dict[Multiplicity, Text]] = {
    Multiplicity.HOLM: _("adjusted (Holm)"),
    Multiplicity.DUNNETT: _("adjusted (Dunnett)"),
    Multiplicity.NONE: _("not adjusted"),
}


@dataclass(frozen=True, slots=True)
class ExclusionWords:
    """What was left out, and what that means."""

    title: Text
    meaning: Text


EXCLUSIONS: Final[dict[str, ExclusionWords]] = {
    "crossovers": ExclusionWords(
        _("Units that met several variants"), _("Left out, because they belong to no variant alone.")
    ),
    "immature": ExclusionWords(
        _("Units that are not complete yet"),
        _("They count as soon as their window, and the time for refunds after it, has passed; nothing to do."),
    ),
    "mismatched_rows": ExclusionWords(
        _("Rows that showed another variant than assigned"), _("Dropped; a unit keeps its clean rows.")
    ),
    "duplicates": ExclusionWords(_("Repeated rows of a unit"), _("Only the first one counts.")),
    "quarantined": ExclusionWords(
        _("Rows in quarantine"), _("They could not be understood or came too late; the quarantine says why.")
    ),
    "unverified": ExclusionWords(
        _("Exposures that nothing proves"),
        _("They came without a decision token and could not be recomputed."),
    ),
    "personalisation_off": ExclusionWords(
        _("Units with personalisation switched off"),
        _("They saw the control and are left out by a rule fixed in advance."),
    ),
    "filtered": ExclusionWords(
        _("Units left out by a filter"),
        _("Robots, brushing or your own staff. “More” below each metric has the result with everybody."),
    ),
    "erased": ExclusionWords(_("Erased units"), _("Their data were deleted on request.")),
}

ACTIONS: Final[dict[str, Text]] = {
    "experiment.create": _("Created"),
    "experiment.edit": _("Design changed"),
    "experiment.submit": _("Submitted for review"),
    "experiment.send_back": _("Sent back to draft"),
    "experiment.launch": _("Launched"),
    "experiment.pause": _("Paused"),
    "experiment.resume": _("Resumed"),
    "experiment.stop": _("Stopped"),
    "experiment.conclude": _("Concluded"),
    "experiment.allocation": _("Allocation changed"),
    "experiment.import": _("Imported"),
    "experiment.policies": _("Decision point and policies chosen"),
    "experiment.payable_allow": _("Somebody answers for it that persons pay differently"),
    "experiment.payable_withdraw": _("Nobody answers any more for it that persons pay differently"),
}

PAYABLES: Final[dict[str, Text]] = {
    "PRICE": _("prices"),
    "COUPON": _("coupons"),
    "SHIPPING": _("shipping fees"),
    "BENEFIT": _("other benefits"),
}

ARM_STATES: Final[dict[str, Text]] = {
    "OPEN": pgettext_lazy("variant", "open"),
    "CLOSED": pgettext_lazy("variant", "closed to new units"),
    "EMPTY": pgettext_lazy("variant", "empty"),
}
