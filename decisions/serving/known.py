"""What is known of the units of a request beyond the request itself, and what has to be asked to know it.

Most requests need nothing: only an experiment whose allocation changed so that the hash no longer tells, a customer
without a visitor, and a personal decision point make the edge ask its store, once for all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from decisions.serving.bundle import LiveBundle
from decisions.vocabulary import FeatureState
from experiments.assignment.bucketing import encode_unit
from experiments.assignment.unit_ids import with_store_item
from experiments.vocabulary import PERSONAL_UNITS, UnitKind
from foundation.ids import hash_unit

VISITOR: Final = UnitKind.VISITOR.value
CUSTOMER: Final = UnitKind.CUSTOMER.value

_PERSONAL = frozenset(kind.value for kind in PERSONAL_UNITS)


@dataclass(frozen=True, slots=True)
class Features:
    """What a unit dealt with, as item ids: `history` the most recent first, `bought` for the filter.

    `shown` is how often each action was shown to it lately, where the domain asks.
    """

    state: FeatureState
    history: tuple[str, ...] = ()
    bought: tuple[str, ...] = ()
    shown: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


NOT_ASKED = Features(FeatureState.NOT_ASKED)


class Linked(NamedTuple):
    """What the visitor met that a customer was before logging in; `visitor` is a stored id."""

    visitor: str
    variant: str


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What the store said.

    `sticky` maps the sticky experiments to the variant that their unit met, "" for none and None where that cannot be
    told. `linked` maps experiments to what a customer's visitor met. Both are None where the store did not answer or
    was not asked.
    """

    sticky: Mapping[int, str | None] | None = None
    linked: Mapping[int, Linked] | None = None
    features: Features = NOT_ASKED


NOTHING_KNOWN = Known()


class Met(NamedTuple):
    """A unit by its stored id, and the sticky experiments that randomise it."""

    kind: str
    unit: str
    experiments: tuple[int, ...]


class Wants(NamedTuple):
    """What to ask of the store: units for their features, units for what they met, a customer for their visitors.

    `shown_since` is the project time (seconds since 1970) from which what was shown to the units of `features` counts;
    None where nobody asks.
    """

    features: Sequence[tuple[str, str]] = ()
    shown_since: float | None = None
    met: Sequence[Met] = ()
    customer: str | None = None


NOTHING_WANTED = Wants()


def wants_of(bundle: LiveBundle, units: Mapping[str, Any], keys: Sequence[str] | None = None) -> Wants:
    """Return what has to be asked before these units can be assigned; `keys` are the experiments that are asked for.

    Plain ids of any type: what is no valid id needs no asking.
    """
    snapshot = bundle.snapshot
    customer = _stored(bundle, CUSTOMER, units) if is_customer_alone(units) and _randomise_visitors(bundle) else None
    if not snapshot.sticky:
        return NOTHING_WANTED if customer is None else Wants(customer=customer)
    met = []
    units = with_store_item(units)
    for kind, experiments in snapshot.sticky.items():
        asked = tuple(e.id for e in experiments if keys is None or e.key in keys)
        unit = _stored(bundle, kind, units) if asked else None
        if unit is not None:
            met.append(Met(kind, unit, asked))
    return Wants(met=met, customer=customer)


def is_customer_alone(units: Mapping[str, Any]) -> bool:
    """Return whether a request names a customer and no visitor."""
    return bool(units.get(CUSTOMER)) and not units.get(VISITOR)


def stored_unit(bundle: LiveBundle, kind: str, unit_id: str) -> str:
    """Return the id under which a unit is stored: hashed where it is personal."""
    return hash_unit(bundle.pepper, kind, unit_id) if kind in _PERSONAL else unit_id


def _stored(bundle: LiveBundle, kind: str, units: Mapping[str, Any]) -> str | None:
    unit_id = units.get(kind)
    return None if encode_unit(unit_id) is None else stored_unit(bundle, kind, str(unit_id))


def _randomise_visitors(bundle: LiveBundle) -> bool:
    return any(plan.unit_kind == VISITOR for plan in bundle.snapshot.plans)
