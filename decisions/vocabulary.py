"""The words of serving and collecting that the edge, the projector and the docs share."""

from enum import StrEnum


class BundleSource(StrEnum):
    """Where the live bundle came from."""

    REDIS = "redis"
    """Fetched from Postgres because a hint said so."""
    POSTGRES = "postgres"
    """Found by the regular look into Postgres."""
    FILE = "file"
    """Read from the last-known-good file at the start."""


class KeyKind(StrEnum):
    """Who may hold an API key."""

    CLIENT = "client"
    SERVER = "server"


class MessageKind(StrEnum):
    """The calls of the Segment HTTP API."""

    TRACK = "track"
    IDENTIFY = "identify"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"


DECISION_KIND = "decision"
"""The kind of the event log's rows that are decisions: the edge alone writes them, clients cannot send them."""

HISTORY_KIND = "history"
"""The kind of the event log's rows that were sent as history: outcomes of long ago, for covariates alone."""


class MessageStatus(StrEnum):
    """What became of a message."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class Rejection(StrEnum):
    """Why a message was not stored."""

    MALFORMED = "MALFORMED"
    TOO_LARGE = "TOO_LARGE"
    TOO_DEEP = "TOO_DEEP"
    NUL_CHARACTER = "NUL_CHARACTER"
    TYPE_UNKNOWN = "TYPE_UNKNOWN"
    MESSAGE_ID_MISSING = "MESSAGE_ID_MISSING"
    MESSAGE_ID_INVALID = "MESSAGE_ID_INVALID"
    UNIT_MISSING = "UNIT_MISSING"
    UNIT_INVALID = "UNIT_INVALID"
    PREVIOUS_ID_MISSING = "PREVIOUS_ID_MISSING"
    EVENT_MISSING = "EVENT_MISSING"
    EVENT_INVALID = "EVENT_INVALID"
    PROPERTIES_INVALID = "PROPERTIES_INVALID"
    BACKFILL_FORBIDDEN = "BACKFILL_FORBIDDEN"


class IntakeKind(StrEnum):
    """What is counted of the messages that arrive, for each project and day of receipt.

    RECEIVED is the sum of ACCEPTED, DUPLICATE and REJECTED; the others are observations on messages that are stored.
    """

    RECEIVED = "RECEIVED"
    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    REJECTED = "REJECTED"
    DROPPED = "DROPPED"
    """Properties outside the allow-list."""
    LATE = "LATE"
    """Messages that came more than an hour after what they tell of."""
    SKEWED = "SKEWED"
    """Messages of a client whose clock is more than a minute off."""
    UNVERIFIED = "UNVERIFIED"
    """Exposures that nothing proves but a server key."""


class ProjectionFault(StrEnum):
    """Why a message that was stored cannot count, apart from the faults of exposures and tokens."""

    TIMESTAMP_UNREADABLE = "TIMESTAMP_UNREADABLE"
    FROM_THE_FUTURE = "FROM_THE_FUTURE"
    TOO_LATE = "TOO_LATE"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    AMOUNT_MISSING = "AMOUNT_MISSING"
    AMOUNT_INVALID = "AMOUNT_INVALID"
    QUANTITY_INVALID = "QUANTITY_INVALID"
    DUPLICATE_ORDER = "DUPLICATE_ORDER"
    EXPOSURE_EMPTY = "EXPOSURE_EMPTY"
    EXPOSURE_UNKNOWN = "EXPOSURE_UNKNOWN"
    HISTORY_EXPOSURE = "HISTORY_EXPOSURE"
    HISTORY_INSIDE_EXPERIMENT = "HISTORY_INSIDE_EXPERIMENT"


class Verification(StrEnum):
    """How an exposure's assignment was established."""

    TOKEN = "TOKEN"  # noqa: S105
    RECOMPUTED = "RECOMPUTED"
    UNVERIFIED = "UNVERIFIED"
    DECIDED = "DECIDED"
    """The edge decided and exposed in one request, so the assignment is its own."""


class DecisionReason(StrEnum):
    """Why a decision has the actions it has. All but the first four are served by the baseline, or by nothing."""

    MODEL = "MODEL"
    LEARNED = "LEARNED"
    """Drawn by a learning policy."""
    FIXED = "FIXED"
    BASELINE = "BASELINE"
    HOLDBACK = "HOLDBACK"
    """The unit belongs to the share that a learning policy never serves, to compare with."""
    PERSONALISATION_OFF = "PERSONALISATION_OFF"
    DATA_STALE = "DATA_STALE"
    """The shop has not confirmed its catalogue for longer than the decision point allows."""
    FEATURES_UNAVAILABLE = "FEATURES_UNAVAILABLE"
    HISTORY_EMPTY = "HISTORY_EMPTY"
    MODEL_UNAVAILABLE = "MODEL_UNAVAILABLE"
    DEADLINE = "DEADLINE"
    MODEL_ERROR = "MODEL_ERROR"
    SCORES_INVALID = "SCORES_INVALID"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    """The version failed again and again a moment ago, so this process does not ask it for a while."""
    LEARNER_UNAVAILABLE = "LEARNER_UNAVAILABLE"
    """What the learning policy knows could not be loaded or verified, or it could not choose with it."""
    CANDIDATES_EMPTY = "CANDIDATES_EMPTY"
    SUBJECT_UNKNOWN = "SUBJECT_UNKNOWN"
    """What is to be decided for is not in the catalogue."""
    PRICE_MISSING = "PRICE_MISSING"
    COST_MISSING = "COST_MISSING"
    STOCK_MISSING = "STOCK_MISSING"
    """Nobody has counted the stock of the item in the store."""
    OUTSIDE_ENVELOPE = "OUTSIDE_ENVELOPE"
    """What the policy would do breaks a constraint, so that what was there before stays."""
    CATALOGUE_MISSING = "CATALOGUE_MISSING"
    BUNDLE_MISSING = "BUNDLE_MISSING"
    ENGINE_ERROR = "ENGINE_ERROR"


class BatchState(StrEnum):
    """What became of a batch of decisions."""

    MADE = "MADE"
    """It is there to be fetched."""
    DELIVERED = "DELIVERED"
    """The shop has fetched it, or its address has taken it."""
    UNDELIVERABLE = "UNDELIVERABLE"
    """The shop's address has refused it again and again; it is still there to be fetched."""


class AppliedState(StrEnum):
    """What the shop says has become of a decision of a batch."""

    PENDING = "PENDING"
    """It has not said."""
    APPLIED = "APPLIED"
    OVERRIDDEN = "OVERRIDDEN"
    """Somebody did something else; what, is kept beside it."""
    FAILED = "FAILED"


class FeatureState(StrEnum):
    """What became of looking up what a unit dealt with."""

    AVAILABLE = "AVAILABLE"
    EMPTY = "EMPTY"
    """The store answered, and knows nothing of the unit."""
    UNAVAILABLE = "UNAVAILABLE"
    NOT_ASKED = "NOT_ASKED"
    """The decision point is not personal, or the shopper switched personalisation off."""


class PreviewState(StrEnum):
    """What became of a request's preview token; all but APPLIED are ignored."""

    APPLIED = "APPLIED"
    MALFORMED = "MALFORMED"
    WRONG_PROJECT = "WRONG_PROJECT"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    FORGED = "FORGED"
    EXPIRED = "EXPIRED"
    NOT_IN_BUNDLE = "NOT_IN_BUNDLE"
    """The experiment is neither running nor paused, or has no such variant."""


class TokenFault(StrEnum):
    """Why a decision token proves nothing."""

    MALFORMED = "TOKEN_MALFORMED"
    WRONG_PROJECT = "TOKEN_WRONG_PROJECT"
    UNKNOWN_KEY = "TOKEN_UNKNOWN_KEY"
    FORGED = "TOKEN_FORGED"
    EXPIRED = "TOKEN_EXPIRED"


class ExposureFault(StrEnum):
    """Why an exposure earns no enrolment, apart from the faults of its token."""

    TOKEN_WRONG_UNIT = "TOKEN_WRONG_UNIT"  # noqa: S105
    TOKEN_MISSING = "TOKEN_MISSING"  # noqa: S105
    EXPERIMENT_MISSING = "EXPERIMENT_MISSING"
    EXPERIMENT_UNKNOWN = "EXPERIMENT_UNKNOWN"
    NOT_ENROLLED = "NOT_ENROLLED"
    VARIANT_MISSING = "VARIANT_MISSING"
    VARIANT_MISMATCH = "VARIANT_MISMATCH"
    UNIT_MISSING = "UNIT_MISSING"
