"""What an experiment changes of the amount that a person pays: as apps above know it, and who answers for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from experiments.models import PayableOverride
from experiments.vocabulary import Payable

Knower = Callable[[int], Payable]
Discloser = Callable[[Sequence[str]], str]
_knowers: list[Knower] = []
_disclosers: list[Discloser] = []


@dataclass(frozen=True, slots=True)
class OverrideFacts:
    """Somebody's word that persons may pay differently in some countries, and what shoppers are told there."""

    acting_user: str
    reason: str
    jurisdictions: tuple[str, ...]
    disclosure: str
    made_at: datetime


def register(knower: Knower) -> None:
    """Add what an app above knows an experiment to change, by its id; adding it again changes nothing."""
    if knower not in _knowers:
        _knowers.append(knower)


def disclose_with(discloser: Discloser) -> None:
    """Add what shoppers of some countries are told, where an app above has a text; adding it again changes nothing."""
    if discloser not in _disclosers:
        _disclosers.append(discloser)


def implied_payable(experiment_id: int) -> Payable:
    """Return what of the amount to pay the experiment changes as far as apps above know, NOTHING where they do not."""
    return next((kind for knower in _knowers if (kind := knower(experiment_id))), Payable.NOTHING)


def usual_disclosure(jurisdictions: Sequence[str]) -> str:
    """Return what shoppers of these countries are usually told, "" where nobody has a text for them."""
    return next((text for discloser in _disclosers if (text := discloser(jurisdictions))), "")


def override_of(experiment_id: int) -> OverrideFacts | None:
    """Return who answers for an experiment in which persons may pay differently; None where nobody does."""
    return override_facts(PayableOverride.objects.filter(experiment_id=experiment_id).first())


def override_facts(row: PayableOverride | None) -> OverrideFacts | None:
    """Return what a row says, None for none."""
    if row is None:
        return None
    return OverrideFacts(
        acting_user=row.acting_user,
        reason=row.reason,
        jurisdictions=tuple(row.jurisdictions),
        disclosure=row.disclosure,
        made_at=row.made_at,
    )
