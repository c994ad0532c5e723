"""The words of experimentation that code, API, admin and docs share."""

from enum import StrEnum


class UnitKind(StrEnum):
    """What is randomised."""

    VISITOR = "visitor"
    CUSTOMER = "customer"
    SESSION = "session"
    ITEM = "item"
    STORE = "store"
    CLUSTER = "cluster"
    STORE_ITEM = "store-item"


class Payable(StrEnum):
    """What an experiment changes of the amount that a person pays."""

    NOTHING = ""
    PRICE = "PRICE"
    COUPON = "COUPON"
    SHIPPING = "SHIPPING"
    BENEFIT = "BENEFIT"


PERSONAL_UNITS = frozenset({UnitKind.VISITOR, UnitKind.CUSTOMER, UnitKind.SESSION})
"""Kinds whose ids are hashed with the project's pepper before they are stored."""


class Source(StrEnum):
    """Who randomised."""

    OWN = "OWN"
    EXTERNAL = "EXTERNAL"
    AGGREGATE = "AGGREGATE"


class Status(StrEnum):
    """Where an experiment stands in its life."""

    DRAFT = "DRAFT"
    IN_REVIEW = "IN_REVIEW"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"
    CONCLUDED = "CONCLUDED"


class ArmState(StrEnum):
    """Whether a variant takes new units."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    EMPTY = "EMPTY"


class FlagKind(StrEnum):
    """Of which type the values of a flag are."""

    BOOLEAN = "BOOLEAN"
    STRING = "STRING"
    INTEGER = "INTEGER"
    FLOAT = "FLOAT"
    OBJECT = "OBJECT"


class PeriodDesign(StrEnum):
    """How the cells of unit x period are randomised."""

    INDEPENDENT = "INDEPENDENT"
    """Each cell by the hash of its id."""
    BALANCED = "BALANCED"
    """Each unit meets every variant equally often in each block of periods, in an order drawn from the stored salt."""


class MetricKind(StrEnum):
    """How a unit's events become its value."""

    CONVERSION = "CONVERSION"
    COUNT = "COUNT"
    SUM = "SUM"
    RATIO = "RATIO"


class MetricRole(StrEnum):
    """What a metric may decide."""

    DECISION = "DECISION"
    GUARDRAIL = "GUARDRAIL"
    SECONDARY = "SECONDARY"
    DIAGNOSTIC = "DIAGNOSTIC"


class Direction(StrEnum):
    """Which way is better."""

    INCREASE = "INCREASE"
    DECREASE = "DECREASE"


class Reason(StrEnum):
    """Why a unit got what it got."""

    SPLIT = "SPLIT"
    OVERRIDE = "OVERRIDE"
    STICKY = "STICKY"
    """The variant that the unit met before the allocation changed, or before its visitor logged in."""
    STICKY_UNAVAILABLE = "STICKY_UNAVAILABLE"
    """What the unit met before cannot be looked up, so it gets the control and counts for nothing."""
    ALIAS_UNKNOWN = "ALIAS_UNKNOWN"
    """Only the customer is known, and no visitor of theirs."""
    REMOTE_ONLY = "REMOTE_ONLY"
    """A client that evaluates by itself cannot know what this experiment needs; the server can."""
    PREVIEW = "PREVIEW"
    """A preview link asks for this variant; nobody is enrolled."""
    BURN_IN = "BURN_IN"
    """The period has just begun: the variant is served and nothing counts yet."""
    NOT_RUNNING = "NOT_RUNNING"
    NOT_STARTED = "NOT_STARTED"
    UNIT_MISSING = "UNIT_MISSING"
    UNIT_INVALID = "UNIT_INVALID"
    HOLDOUT = "HOLDOUT"
    LAYER_TAKEN = "LAYER_TAKEN"
    AUDIENCE = "AUDIENCE"
    COVERAGE = "COVERAGE"
    BLACKOUT = "BLACKOUT"
    """The period touches days that the shop keeps out of experiments by period."""
    ARM_CLOSED = "ARM_CLOSED"
    PERSONALISATION_OFF = "PERSONALISATION_OFF"
    UNKNOWN_EXPERIMENT = "UNKNOWN_EXPERIMENT"
    ENGINE_ERROR = "ENGINE_ERROR"
    BUNDLE_MISSING = "BUNDLE_MISSING"
    BUNDLE_STALE = "BUNDLE_STALE"


CONTRIBUTION_BOOKED = "Contribution Booked"
"""The event of an outcome that a line of an order implies: what it brought beyond what its pieces cost."""
BOOKED_LINE = 10_000
"""Added to the number of a line, it is the number of the outcome that is booked for it; no message has so many."""


class VerdictState(StrEnum):
    """What the evidence allows."""

    SHIP = "SHIP"
    CONTINUE = "CONTINUE"
    STOP_FOR_HARM = "STOP_FOR_HARM"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"


class CheckLevel(StrEnum):
    """What a failed validity check does to the verdict."""

    BLOCK = "BLOCK"
    WARN = "WARN"
    INTERPRET = "INTERPRET"
