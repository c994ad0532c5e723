"""The declaration that a decision domain exports: one frozen record says everything that is particular to it.

A domain is a folder `decisions/domains/<key>/` whose module `domain` has a `DOMAIN`. Training is named by a dotted
string, so that importing a domain never imports what trains its models.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from experiments.vocabulary import UnitKind


class PolicyKind(StrEnum):
    """How a variant, or the traffic outside experiments, is decided for."""

    BASELINE = "baseline"
    """The model-free policy of the domain; it serves whenever anything fails."""
    FIXED = "fixed"
    """The same actions for everybody."""
    MODEL_RANKED = "model_ranked"
    """Candidates by the scores of a pinned model version."""


class Interaction(StrEnum):
    """What somebody did with an item; the events that say so, in the order of growing intent."""

    VIEW = "Product Viewed"
    CART = "Product Added"
    ORDER = "Order Completed"


INTERACTIONS = tuple(Interaction)
"""By the number that `InteractionLog.kinds` uses."""


@dataclass(frozen=True, slots=True, eq=False)
class InteractionLog:
    """What units did with items in a stretch of time: columns of equal length, in the order of (at, unit, item).

    units: codes from 0, int32. items: places in `item_ids`, int32. kinds: places in INTERACTIONS, int8. at: seconds
    since 1970, float64. `item_ids`, `categories` ("" where unknown), `prices` (currency units, 0 where unknown) and
    `ratings` (0 where unknown) run parallel. The window is [start, end) in project time.
    """

    units: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int8]
    at: npt.NDArray[np.float64]
    item_ids: tuple[str, ...]
    categories: tuple[str, ...]
    prices: npt.NDArray[np.float32]
    ratings: npt.NDArray[np.float32]
    start: datetime
    end: datetime

    @property
    def unit_count(self) -> int:
        """How many units there are."""
        return int(self.units.max()) + 1 if len(self.units) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One kind of decision.

    key: the folder's name. personal: whether its models read what a person did, so that `personalised=false` gets
    the baseline. unit_kinds: what may be randomised in it, the default first. policies: what its variants may use.
    recipes: what can be trained, by name, with a sentence for people. training: the dotted name of the module whose
    `RECIPES` holds them. slate_size, deadline_ms: what a new decision point begins with.
    """

    key: str
    name: str
    summary: str
    personal: bool
    unit_kinds: tuple[UnitKind, ...]
    policies: tuple[PolicyKind, ...]
    recipes: Mapping[str, str]
    training: str
    slate_size: int
    deadline_ms: int
    largest_slate: int
