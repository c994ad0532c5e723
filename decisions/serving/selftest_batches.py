"""The second look at a decision point that decides in batches: made to decide for one plain subject."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Never

import numpy as np

from decisions.domain import Domain, FieldKind, PolicyKind
from decisions.moment import Catalogue, Column
from decisions.serving.bundle import LiveBundle
from decisions.serving.choosing import Means
from decisions.serving.decide import decide
from decisions.serving.decision_requests import DecisionRequest
from decisions.serving.equipment import Equipment, stocked
from decisions.serving.known import NOTHING_KNOWN
from decisions.serving.points import DecisionPoint
from decisions.serving.scoring import NotScored, Question
from decisions.vocabulary import DecisionReason
from experiments.assignment.reading import BundleInvalid
from experiments.vocabulary import UnitKind
from foundation.errors import DomainError

ITEM: Final = "self-test-1"
STORE: Final = "self-test"
NUMBERS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "price": 2.0,
        "cost": 1.0,
        "daily_sales": 1.0,
        "changed_at": 0.0,
        "reference": 2.0,
        "on_hand": 1.0,
        "on_order": 0.0,
        "capacity": np.nan,
        "reorder_point": np.nan,
        "order_up_to": np.nan,
        "lead_days": 1.0,
        "lead_sd": 0.0,
    }
)
_OF_NOBODY = (
    DecisionReason.BASELINE,
    DecisionReason.MODEL_UNAVAILABLE,
    DecisionReason.LEARNER_UNAVAILABLE,
    DecisionReason.HOLDBACK,
)


def examine_batch_point(point: DecisionPoint, bundle: LiveBundle) -> None:
    """Refuse where the baseline of a point has no answer for a plain subject, its models and experiments left out.

    Raises BundleInvalid.
    """
    where, domain, at = f"bundle.decision_points[{point.key}]", point.domain, bundle.snapshot.latest_opening
    subjects = plain_subjects(domain, at)
    try:
        shelf = stocked(domain, subjects)
    except DomainError as error:
        raise BundleInvalid(f"{where}: {error.message}") from error
    bare = replace(bundle, equipment=Equipment(shelves={domain.key: shelf}))
    free = replace(point, most_age=None, arms={})
    request = DecisionRequest(units={domain.subject_kind or UnitKind.ITEM: subjects.items[0]})
    decision = decide(request, free, bare, NOTHING_KNOWN, at, Means(_no_scores, "self-test"))
    is_meant = decision.policy is PolicyKind.BASELINE and decision.reason in _OF_NOBODY
    if not is_meant or len(decision.actions) != 1:
        taken = ", ".join(f"{name} took {count}" for name, count in decision.removed.items() if count)
        raise BundleInvalid(
            f"{where}: for a plain {domain.subject_kind}, all its required fields filled, the domain {domain.key} "
            f"decides {[action.item for action in decision.actions]}, for {decision.reason}; "
            f"{taken or 'no constraint took any'}."
        )


def plain_subjects(domain: Domain, at: datetime) -> Catalogue:
    """Return one subject of which all is known that batches know by themselves, and the fields that are required."""
    subject = f"{STORE}|{ITEM}" if domain.subject_kind is UnitKind.STORE_ITEM else ITEM
    columns: dict[str, Column] = {
        "item": (ITEM,),
        "store": (STORE if subject != ITEM else "",),
        "cluster": ("",),
        "category": ("",),
        **{name: np.array([number]) for name, number in NUMBERS.items()},
        "counted_at": np.array([at.timestamp()]),
    }
    for name, field in domain.fields.items():
        if field.kind is FieldKind.TEXT:
            columns.setdefault(name, (ITEM if field.required else "",))
        else:
            columns.setdefault(name, np.array([1.0 if field.required else np.nan]))
    return Catalogue(
        items=(subject,),
        places=MappingProxyType({subject: 0}),
        in_stock=np.ones(1, np.bool_),
        baseline=np.zeros(1, np.float32),
        fields=MappingProxyType(columns),
        fresh_at=at.timestamp(),
    )


def _no_scores(_question: Question) -> Never:
    raise NotScored(DecisionReason.MODEL_UNAVAILABLE)
