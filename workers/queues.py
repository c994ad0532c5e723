"""Which queue carries which kind of job."""

from typing import Final

INGEST: Final = "ingest"
ANALYSIS: Final = "analysis"
DECISIONS: Final = "decisions"
TRAINING: Final = "training"

DEFAULT_QUEUE: Final = DECISIONS

QUEUE_OF_KIND: Final = {
    "project_events": INGEST,
    "analyse": ANALYSIS,
    "explore": ANALYSIS,
    "publish_bundle": DECISIONS,
    "publish_catalogue": DECISIONS,
    "publish_prices": DECISIONS,
    "pull_feed": INGEST,
    "update_features": INGEST,
    "remember_units": INGEST,
    "refill_units": INGEST,
    "propose": DECISIONS,
    "pace_campaigns": DECISIONS,
    "restate": ANALYSIS,
    "update_learner": DECISIONS,
    "keep_partitions": INGEST,
    "close_periods": DECISIONS,
    "train": TRAINING,
    "check_drift": TRAINING,
    "decide_batch": ANALYSIS,
    "deliver_batch": INGEST,
}


def queue_of(kind: str) -> str:
    """Return the queue for a kind of job; an unknown kind goes where it fails visibly."""
    return QUEUE_OF_KIND.get(kind, DEFAULT_QUEUE)
