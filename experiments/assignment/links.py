"""A customer who was a visitor before logging in: what the visitor met is what the customer gets."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from experiments.assignment.bucketing import encode_unit
from experiments.assignment.snapshot import Answer, Assignment, Experiment, Snapshot
from experiments.vocabulary import ArmState, Reason, UnitKind


def through_links(
    assignments: Sequence[Assignment],
    units: Mapping[str, object],
    attributes: Mapping[str, object],
    at: datetime,
    met: Mapping[int, str] | None,
    bundle: Snapshot,
    *,
    personalised: bool = True,
) -> tuple[Assignment, ...]:
    """Return the assignments with those that lack a visitor answered by what the customer's visitor met.

    `met` maps experiments to that variant; None where it cannot be told. A visitor that met nothing cannot be drawn,
    since nobody knows the plain id. Without a valid customer, or with a visitor, everything stays as it is.
    """
    if units.get(UnitKind.VISITOR) or encode_unit(units.get(UnitKind.CUSTOMER)) is None:
        return tuple(assignments)
    return tuple(
        Assignment(_linked(bundle.experiments[a.experiment_key], attributes, at, met, personalised=personalised))
        if a.reason is Reason.UNIT_MISSING and a.unit_kind == UnitKind.VISITOR
        else a
        for a in assignments
    )


def _linked(
    experiment: Experiment,
    attributes: Mapping[str, object],
    at: datetime,
    met: Mapping[int, str] | None,
    *,
    personalised: bool,
) -> Answer:
    """Return the answer about the visitor, in the order of the engine; holdout and layer once let the visitor in."""
    variant = None if met is None else experiment.variants.get(met.get(experiment.id, ""))
    if at < experiment.epoch_opened_at:
        reason = Reason.NOT_STARTED
    elif experiment.is_personalised and not personalised:
        reason = Reason.PERSONALISATION_OFF
    elif experiment.admits is not None and not experiment.admits(attributes):
        reason = Reason.AUDIENCE
    elif met is None:
        reason = Reason.STICKY_UNAVAILABLE
    elif variant is None:
        reason = Reason.ALIAS_UNKNOWN
    elif variant.state is ArmState.EMPTY:
        reason = Reason.ARM_CLOSED
    else:
        return variant.kept
    return experiment.refused[reason]
