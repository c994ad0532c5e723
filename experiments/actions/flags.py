"""Flags: made with a type for good, given another default or another layer; each change is a new bundle."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from experiments.actions.design import KeyTaken
from experiments.assignment.flags import value_fault
from experiments.lifecycle import SERVING
from experiments.models import Experiment, Flag
from experiments.vocabulary import FlagKind, Source
from foundation.actions.journal import write_journal
from foundation.actions.projects import bump_revision
from foundation.errors import DomainError


class FlagUnknown(DomainError):
    """There is no such flag."""

    code = "FLAG_UNKNOWN"
    hint = "Check the id."


class FlagValueInvalid(DomainError):
    """A value of the flag is not of its type."""

    code = "FLAG_VALUE_INVALID"
    hint = "Give a value of the flag's type; a flag's type never changes, so another type needs another flag."


class FlagInUse(DomainError):
    """Experiments that run or are paused set the flag in another way than it is to be."""

    code = "FLAG_IN_USE"
    hint = "Stop the experiment that the message names, or wait for its end."


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagDefinition:
    """A flag to create. `default` is the value outside experiments, `layer_id` whose experiments may set it."""

    key: str
    name: str
    kind: str
    default: object
    layer_id: int | None = None


@transaction.atomic
def create_flag(*, project_id: int, definition: FlagDefinition, acting_user: str, now: datetime) -> int:
    """Create a flag, promise a bundle with it and return its id.

    Raises FlagValueInvalid, FlagInUse, KeyTaken, ValidationError.
    """
    flag = Flag(project_id=project_id, **asdict(definition))
    flag.clean_fields(exclude=["default"])  # Django takes an empty text or object for no value.
    _check(flag)
    try:
        with transaction.atomic():
            flag.save(force_insert=True)
    except IntegrityError as error:
        if "flag_key" in str(error):
            raise KeyTaken(f"The key {flag.key} is taken.") from error
        raise
    _record(flag, "create", before={}, acting_user=acting_user, now=now)
    return int(flag.pk)


@transaction.atomic
def change_flag(
    *, flag_id: int, name: str, default: object, layer_id: int | None, acting_user: str, now: datetime
) -> None:
    """Give a flag another name, default or layer and promise a bundle with it; where nothing differs, do nothing.

    Raises FlagUnknown, FlagValueInvalid, FlagInUse, ValidationError.
    """
    flag = Flag.objects.select_for_update().filter(pk=flag_id).first()
    if flag is None:
        raise FlagUnknown(f"There is no flag {flag_id}.")
    before = _described(flag)
    flag.name, flag.default, flag.layer_id = name, default, layer_id
    if json.dumps(_described(flag)) == json.dumps(before):  # To Python 1, 1.0 and true are equal.
        return
    flag.clean_fields(exclude=["default"])
    _check(flag)
    flag.save(update_fields=["name", "default", "layer"])
    _record(flag, "edit", before=before, acting_user=acting_user, now=now)


def _record(flag: Flag, verb: str, *, before: Mapping[str, Any], acting_user: str, now: datetime) -> None:
    write_journal(
        project_id=flag.project_id,
        at=now,
        actor=acting_user,
        action=f"flag.{verb}",
        subject=f"flag:{flag.key}",
        before=before,
        after=_described(flag),
    )
    bump_revision(project_id=flag.project_id)


def _described(flag: Flag) -> dict[str, Any]:
    return {"name": flag.name, "kind": str(flag.kind), "default": flag.default, "layer": flag.layer_id}


def _check(flag: Flag) -> None:
    """Refuse what could not be published. Raises FlagValueInvalid, FlagInUse."""
    kind = FlagKind(flag.kind)
    fault = value_fault(kind, flag.default)
    if fault is not None:
        raise FlagValueInvalid(f"The default of {flag.key} {fault}.")
    if flag.layer is not None and flag.layer.project_id != flag.project_id:
        raise FlagInUse("The layer belongs to another project.", hint="Choose a layer of this project, or none.")
    serving = Experiment.objects.filter(project_id=flag.project_id, source=Source.OWN, status__in=SERVING)
    users = [
        experiment
        for experiment in serving.prefetch_related("variants").order_by("pk")
        if any(flag.key in variant.parameters for variant in experiment.variants.all())
    ]
    for experiment in users:
        if experiment.layer_id != flag.layer_id:
            raise FlagInUse(f"Experiment {experiment.key} sets {flag.key}, and is not of the layer of the flag.")
        _check_values(flag, kind, experiment)
    if flag.layer_id is None and len(users) > 1:
        keys = " and ".join(experiment.key for experiment in users)
        raise FlagInUse(f"The experiments {keys} set {flag.key}, and none of them has a layer.")


def _check_values(flag: Flag, kind: FlagKind, experiment: Experiment) -> None:
    given: Iterable[tuple[str, object]] = (
        (variant.key, variant.parameters[flag.key])
        for variant in experiment.variants.all()
        if flag.key in variant.parameters
    )
    for variant, value in given:
        fault = value_fault(kind, value)
        if fault is not None:
            raise FlagInUse(f"The value of {flag.key} in variant {variant} of experiment {experiment.key} {fault}.")
