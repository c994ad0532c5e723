"""The one table of an experiment's life: which action leads from which status to which.

The database holds the same table in a trigger; a test walks every pair of statuses through raw SQL and compares.
"""

from enum import StrEnum
from typing import Final

from experiments.vocabulary import Status
from foundation.errors import DomainError


class Transition(StrEnum):
    """What a person or a rule may do with an experiment."""

    SUBMIT = "submit"
    SEND_BACK = "send_back"
    LAUNCH = "launch"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    CONCLUDE = "conclude"


TRANSITIONS: Final[dict[tuple[Status, Transition], Status]] = {
    (Status.DRAFT, Transition.SUBMIT): Status.IN_REVIEW,
    (Status.IN_REVIEW, Transition.SEND_BACK): Status.DRAFT,
    (Status.IN_REVIEW, Transition.LAUNCH): Status.RUNNING,
    (Status.RUNNING, Transition.PAUSE): Status.PAUSED,
    (Status.PAUSED, Transition.RESUME): Status.RUNNING,
    (Status.RUNNING, Transition.STOP): Status.STOPPED,
    (Status.PAUSED, Transition.STOP): Status.STOPPED,
    (Status.STOPPED, Transition.CONCLUDE): Status.CONCLUDED,
}

EDITABLE: Final = frozenset({Status.DRAFT, Status.IN_REVIEW})
"""Statuses in which salt-independent design (metrics, variants, plan) may still change."""

SERVING: Final = frozenset({Status.RUNNING, Status.PAUSED})
"""Statuses whose experiments are part of the bundle."""


class IllegalTransition(DomainError):
    """The status does not allow this action."""

    code = "ILLEGAL_TRANSITION"


def after(status: Status, transition: Transition) -> Status:
    """Return the status that `transition` leads to.

    Raises IllegalTransition and names the actions that are possible instead.
    """
    try:
        return TRANSITIONS[status, transition]
    except KeyError:
        possible = ", ".join(available(status)) or "none: this is the end"
        raise IllegalTransition(f"An experiment that is {status} cannot {transition}; possible: {possible}.") from None


def available(status: Status) -> tuple[Transition, ...]:
    """Return the actions that `status` allows, in the order of the table."""
    return tuple(transition for (origin, transition) in TRANSITIONS if origin is status)
