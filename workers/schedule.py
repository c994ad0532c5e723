"""The static beat table. A second beat does no harm: whatever it rings is keyed and guarded in the database."""

from typing import Final

from workers.queues import DECISIONS

TICK_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 15.0
REMEMBER_SECONDS: Final = 15.0
CLEAN_SECONDS: Final = 3600.0

BEAT_SCHEDULE: Final = {
    "tick": {
        "task": "workers.tasks.tick",
        "schedule": TICK_SECONDS,
        "options": {"queue": DECISIONS, "expires": 5},
    },
    "sweep": {
        "task": "workers.tasks.sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"queue": DECISIONS, "expires": 30},
    },
    "remember": {
        "task": "workers.tasks.remember",
        "schedule": REMEMBER_SECONDS,
        "options": {"queue": DECISIONS, "expires": 30},
    },
    "clean": {
        "task": "workers.tasks.clean",
        "schedule": CLEAN_SECONDS,
        "options": {"queue": DECISIONS, "expires": 3600},
    },
}
