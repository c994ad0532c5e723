"""From a request and what is known to the scene of a decision: the moment, and what may be chosen in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

import numpy as np

from decisions.domain import Domain
from decisions.moment import Catalogue, Eligible, Moment
from decisions.policy import Indices, Scores
from decisions.serving.decision_requests import EXCLUDE, RECENT_ITEMS, DecisionRequest
from decisions.serving.equipment import Shelf
from decisions.serving.feature_keys import LONGEST_HISTORY
from decisions.serving.known import Features
from decisions.serving.points import DecisionPoint
from experiments.assignment.snapshot import Assignment

NOTHING: Final = Catalogue((), MappingProxyType({}), np.zeros(0, np.bool_), np.zeros(0, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What the policies of a domain choose from. `unknown_items` counts ids of the request that the catalogue lacks.

    `menu` is what there is to choose for the subject of the decision, None where all choose from one catalogue;
    `is_known` whether that subject is there.
    """

    domain: Domain
    shelf: Shelf
    moment: Moment
    eligible: Eligible
    unknown_items: int
    menu: Catalogue | None = None
    is_known: bool = True

    @property
    def catalogue(self) -> Catalogue:
        return self.shelf.catalogue if self.menu is None else self.menu

    @property
    def candidates(self) -> Indices:
        return self.eligible.candidates

    @property
    def size(self) -> int:
        return self.moment.size

    def baseline_of(self, candidates: Indices) -> Scores:
        """Return what the model-free policy ranks candidates by."""
        own = self.domain.hooks.baseline
        if own is None:
            return self.catalogue.baseline[candidates]
        return own(self.moment, self.catalogue, candidates)

    @property
    def age(self) -> float | None:
        """Seconds of project time since the shop confirmed its catalogue, None where it never did."""
        fresh_at = self.catalogue.fresh_at
        return None if fresh_at is None else self.moment.at.timestamp() - fresh_at

    def is_stale(self, point: DecisionPoint) -> bool:
        """Return whether the catalogue is older than the point allows, or may be."""
        if point.most_age is None:
            return False
        age = self.age
        return age is None or age > point.most_age


def set_scene(
    request: DecisionRequest,
    point: DecisionPoint,
    shelf: Shelf,
    features: Features,
    at: datetime,
    assignment: Assignment | None,
    wanted: tuple[str, ...] = (),
) -> Scene:
    """Return the scene of a request; `at` is project time, `assignment` that of the experiment that decides, if any.

    wanted: the texts of the policy, where it is fixed.
    """
    catalogue, context = shelf.catalogue, request.context
    recent: Sequence[str] = context.get(RECENT_ITEMS, ())
    excluded: Sequence[str] = context.get(EXCLUDE, ())
    history: tuple[str, ...] = ()
    if request.personalised or not point.is_personal:
        told = [item for item in recent if item in catalogue.places]
        history = tuple(dict.fromkeys((*told, *features.history)))[:LONGEST_HISTORY]
    moment = Moment(
        at=at,
        personalised=request.personalised,
        attributes=request.attributes,
        context=context,
        history=history,
        bought=features.bought,
        shown=features.shown,
        excluded=tuple(excluded),
        only=None if request.candidates is None else tuple(request.candidates),
        size=request.size or point.slate_size,
        arm="" if assignment is None else f"{assignment.experiment_id}.{assignment.variant}",
        subject=_subject(request, point.domain),
        settings=point.settings,
    )
    menu = _menu(moment, point.domain, catalogue, wanted)
    return Scene(
        domain=point.domain,
        shelf=shelf,
        moment=moment,
        eligible=point.domain.hooks.eligible(moment, catalogue if menu is None else menu),
        unknown_items=sum(_unknown(items, catalogue) for items in (recent, excluded, request.candidates or ())),
        menu=menu,
        is_known=menu is None or moment.subject in catalogue.places,
    )


def _subject(request: DecisionRequest, domain: Domain) -> str:
    subject = None if domain.subject_kind is None else request.units.get(domain.subject_kind)
    return subject if isinstance(subject, str) else ""


def _menu(moment: Moment, domain: Domain, catalogue: Catalogue, wanted: tuple[str, ...]) -> Catalogue | None:
    """Return what there is to choose for the subject: nothing for one that is not there; None in other domains."""
    if domain.hooks.menu is None:
        return None
    place = catalogue.places.get(moment.subject)
    return NOTHING if place is None else domain.hooks.menu(moment, catalogue, place, wanted)


def _unknown(items: Sequence[str], catalogue: Catalogue) -> int:
    return sum(item not in catalogue.places for item in items)
