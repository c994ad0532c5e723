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


class Verification(StrEnum):
    """How an exposure's assignment was established."""

    TOKEN = "TOKEN"  # noqa: S105
    RECOMPUTED = "RECOMPUTED"
    UNVERIFIED = "UNVERIFIED"
    DECIDED = "DECIDED"
    """The edge decided and exposed in one request, so the assignment is its own."""


class DecisionReason(StrEnum):
    """Why a decision has the actions it has. All but the first three are served by the baseline, or by nothing."""

    MODEL = "MODEL"
    FIXED = "FIXED"
    BASELINE = "BASELINE"
    PERSONALISATION_OFF = "PERSONALISATION_OFF"
    FEATURES_UNAVAILABLE = "FEATURES_UNAVAILABLE"
    HISTORY_EMPTY = "HISTORY_EMPTY"
    MODEL_UNAVAILABLE = "MODEL_UNAVAILABLE"
    DEADLINE = "DEADLINE"
    MODEL_ERROR = "MODEL_ERROR"
    SCORES_INVALID = "SCORES_INVALID"
    CANDIDATES_EMPTY = "CANDIDATES_EMPTY"
    CATALOGUE_MISSING = "CATALOGUE_MISSING"
    BUNDLE_MISSING = "BUNDLE_MISSING"
    ENGINE_ERROR = "ENGINE_ERROR"


class FeatureState(StrEnum):
    """What became of looking up what a unit dealt with."""

    AVAILABLE = "AVAILABLE"
    EMPTY = "EMPTY"
    """The store answered, and knows nothing of the unit."""
    UNAVAILABLE = "UNAVAILABLE"
    NOT_ASKED = "NOT_ASKED"
    """The decision point is not personal, or the shopper switched personalisation off."""


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
