"""What a decision is about: the actions there are, and what is known of the unit and of the moment. Pure records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from decisions.policy import Indices, Scores

Bools = npt.NDArray[np.bool_]
Column = tuple[str, ...] | npt.NDArray[np.float64]
"""A field of every action: texts ("" where unknown), or numbers (NaN where unknown)."""


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The actions of a collection: columns run parallel to `items`, `places` says where each stands.

    baseline: how much each is dealt with, the order of the model-free policy. fields: the columns that the domain
    declares, by name. fresh_at: project time (seconds since 1970) at which the shop last confirmed the data, None where
    it never said. about: in a menu, what is known of the subject that its actions are for.
    """

    items: tuple[str, ...]
    places: Mapping[str, int]
    in_stock: Bools
    baseline: Scores
    fields: Mapping[str, Column] = field(default_factory=lambda: MappingProxyType({}))
    fresh_at: float | None = None
    about: Mapping[str, float | str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What a domain may know when it decides.

    at: project time. history, bought: ids of items, the most recent first; empty where personalisation is off. shown:
    how often each action was shown to the unit lately. only: the candidates the storefront restricts the decision to,
    None for the whole catalogue. context: what the storefront says besides, by the names that the domain declares.
    arm: `<experiment id>.<variant key>` of the experiment that decides, "" outside of experiments. subject: the id of
    what is decided for, "" where a domain decides for whoever asks. settings: of the decision point, all that the
    domain declares.
    """

    at: datetime
    personalised: bool
    attributes: Mapping[str, object]
    context: Mapping[str, object]
    history: tuple[str, ...]
    bought: tuple[str, ...]
    shown: Mapping[str, int]
    excluded: tuple[str, ...]
    only: tuple[str, ...] | None
    size: int
    arm: str = ""
    subject: str = ""
    settings: Mapping[str, float | str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Eligible:
    """What may be chosen: ascending places in the catalogue, and how many each constraint took that none before had."""

    candidates: Indices
    removed: Mapping[str, int]
