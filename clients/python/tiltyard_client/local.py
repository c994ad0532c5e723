"""What the engine answers in a process of the shop: as on the server, except where only the server can know."""

from collections.abc import Mapping, Sequence

from experiments.assignment.engine import assign
from experiments.assignment.snapshot import Answer, Assignment
from experiments.assignment.unit_ids import with_store_item
from experiments.vocabulary import Reason, UnitKind
from tiltyard_client.held import HeldBundle

_NEEDS_THE_SERVER = frozenset({Reason.STICKY_UNAVAILABLE, Reason.ALIAS_UNKNOWN})


def assign_locally(
    held: HeldBundle,
    units: Mapping[str, str],
    attributes: Mapping[str, object],
    *,
    keys: Sequence[str] | None,
    personalised: bool,
) -> tuple[Assignment, ...]:
    """Return what the engine gives the units now. Never raises."""
    snapshot = held.snapshot
    if type(units) is dict:  # Anything else is for the engine to answer.
        units = with_store_item(units)
    found = assign(units, attributes, held.time.now(), None, snapshot, keys=keys, personalised=personalised)
    if snapshot.sticky or _is_customer_alone(units):
        return tuple([_told(assignment, units) for assignment in found])
    return found


def nothing(keys: Sequence[str] | None, reason: Reason) -> tuple[Assignment, ...]:
    """Return the answers where there is no bundle: none of the named experiments is known."""
    return tuple([Assignment(Answer(None, str(key), None, None, False, reason, 0, 0.0, {})) for key in keys or ()])


def _is_customer_alone(units: object) -> bool:
    """Return whether the server would look for the visitor that the customer was."""
    return isinstance(units, Mapping) and bool(units.get(UnitKind.CUSTOMER)) and not units.get(UnitKind.VISITOR)


def _told(assignment: Assignment, units: Mapping[str, str]) -> Assignment:
    """Return the assignment, with REMOTE_ONLY where the server's answer may be another one."""
    answer = assignment.answer
    is_aliased = answer.reason is Reason.UNIT_MISSING and answer.unit_kind == UnitKind.VISITOR
    if answer.reason in _NEEDS_THE_SERVER or (is_aliased and _is_customer_alone(units)):
        remote = Answer(
            answer.experiment_id,
            answer.experiment_key,
            answer.unit_kind,
            answer.variant,
            False,
            Reason.REMOTE_ONLY,
            answer.epoch,
            0.0,
            answer.parameters,
        )
        return Assignment(remote, assignment.layer_slot)
    return assignment
