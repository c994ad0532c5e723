"""Decision points, and what the variants of an experiment do there."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from decisions.actions.features import promise_all_features
from decisions.actions.feed_addresses import read_address
from decisions.actions.price_publishing import promise_prices
from decisions.domain import Domain, Mode, PolicyKind
from decisions.models import DecisionPoint, PointExperiment, VariantPolicy
from decisions.queries.learners import learner_by_id
from decisions.queries.points import PointUnknown
from decisions.registry import domain_of
from decisions.settings import checked_settings
from experiments.assignment.periods import DAY_MINUTES
from experiments.lifecycle import EDITABLE
from experiments.queries.designs import design_of, variants_of
from experiments.queries.standing import standing_of
from foundation.actions.journal import write_journal
from foundation.actions.projects import bump_revision
from foundation.errors import DomainError
from foundation.queries import project_facts
from models_registry.queries.schedules import schedule_by_id
from models_registry.queries.versions import model_by_id

LONGEST_CADENCE: Final = 366 * DAY_MINUTES
"""Minutes from one batch to the next."""


class PointExists(DomainError):
    """The project has a decision point with this key."""

    code = "DECISION_POINT_EXISTS"
    hint = "Choose another key; keys are never reused within a project."


class PointInvalid(DomainError):
    """The parts of the decision point do not fit together."""

    code = "DECISION_POINT_INVALID"
    hint = (
        "Choose a model and a learning policy of the same decision point, bounds that the domain allows, and batches "
        "only where the domain decides in batches."
    )


class PolicyInvalid(DomainError):
    """A variant's policy does not fit the experiment or the decision point."""

    code = "POLICY_INVALID"
    hint = (
        "Name each variant once; pin a model version for model_ranked, a training schedule of the point's model for "
        "recipe, a learning policy of the point for learned, and list for fixed what the domain can do."
    )


class DesignFrozen(DomainError):
    """The experiment has started, so what its variants do is fixed."""

    code = "DESIGN_FROZEN"
    hint = "Clone the experiment, or stop it and design another."


@dataclass(frozen=True, slots=True, kw_only=True)
class PointDraft:
    """A decision point to create; None takes what the domain begins with.

    every_minutes, webhook: of domains that decide in batches, see PointEdit.
    """

    key: str
    name: str
    domain: str
    model_id: int | None = None
    slate_size: int | None = None
    deadline_ms: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    every_minutes: int | None = None
    webhook: str = ""


@dataclass(frozen=True, slots=True)
class PolicyDraft:
    """What a variant is to do.

    `version_id` for model_ranked, `actions` for fixed (ids of items, or what the domain reads as prices or rules),
    `schedule_id` for recipe, `learner_id` for learned.
    """

    policy: PolicyKind
    version_id: int | None = None
    actions: tuple[str, ...] = ()
    schedule_id: int | None = None
    learner_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointEdit:
    """What a decision point is to be. learner_id: who serves outside experiments in place of the champion.

    settings: of its domain, by name; what is left out has its default. every_minutes: from one batch to the next, None
    makes none. webhook: where batches are sent to, "" waits until they are fetched.
    """

    name: str
    model_id: int | None
    slate_size: int
    deadline_ms: int
    learner_id: int | None = None
    most_age_minutes: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    every_minutes: int | None = None
    webhook: str = ""


def create_point(*, project_id: int, draft: PointDraft, acting_user: str, now: datetime) -> int:
    """Create a decision point and return its id.

    Raises PointExists, PointInvalid, DomainUnknown, ModelUnknown, SettingInvalid, FeedAddressInvalid.
    """
    domain = domain_of(draft.domain)
    row = DecisionPoint(
        project_id=project_id,
        key=draft.key,
        name=draft.name,
        domain=draft.domain,
        model_id=draft.model_id,
        slate_size=domain.slate_size if draft.slate_size is None else draft.slate_size,
        deadline_ms=domain.deadline_ms if draft.deadline_ms is None else draft.deadline_ms,
        settings=dict(draft.settings),
        every_minutes=draft.every_minutes,
        webhook=draft.webhook,
    )
    row.clean_fields()
    _check(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _note(row, "decision_point.create", acting_user, now, after=asdict(draft))
            promise_all_features(project_id=project_id)
            promise_prices(project_id=project_id)
    except IntegrityError as error:
        if "decision_point_key" in str(error):
            raise PointExists(f"The project has a decision point {draft.key} already.") from error
        raise
    return int(row.pk)


@transaction.atomic
def edit_point(*, point_id: int, edit: PointEdit, acting_user: str, now: datetime) -> None:
    """Change a decision point. Raises PointUnknown, PointInvalid, SettingInvalid, FeedAddressInvalid."""
    row = DecisionPoint.objects.select_for_update(of=("self",)).filter(pk=point_id).first()
    if row is None:
        raise PointUnknown(f"There is no decision point {point_id}.")
    after = asdict(edit)
    before = {name: getattr(row, name) for name in after}
    if before == after:
        return
    for name, value in after.items():
        setattr(row, name, value)
    row.clean_fields()
    _check(row)
    row.save(update_fields=list(after))
    _note(row, "decision_point.edit", acting_user, now, before=before, after=after)


@transaction.atomic
def bind_experiment(
    *, experiment_id: int, point_id: int, policies: Mapping[str, PolicyDraft], acting_user: str, now: datetime
) -> None:
    """Let a draft's variants decide at a decision point, in place of what was said before.

    Raises PointUnknown, PolicyInvalid, DesignFrozen, ExperimentUnknown, LearnerUnknown, ScheduleUnknown.
    """
    point = DecisionPoint.objects.filter(pk=point_id).first()
    if point is None:
        raise PointUnknown(f"There is no decision point {point_id}.")
    if standing_of(experiment_id).status not in EDITABLE:
        raise DesignFrozen("The experiment has started.")
    design = design_of(experiment_id)
    variants = {variant.key: variant.id for variant in variants_of(experiment_id)}
    if design.project_id != point.project_id or set(policies) != set(variants):
        raise PolicyInvalid("Experiment and decision point differ in project, or not every variant has one policy.")
    for draft in policies.values():
        _check_policy(draft, point)
    PointExperiment.objects.update_or_create(experiment_id=experiment_id, defaults={"point_id": point_id})
    VariantPolicy.objects.filter(experiment_id=experiment_id).delete()
    try:
        with transaction.atomic():
            for key, draft in policies.items():
                VariantPolicy.objects.create(
                    experiment_id=experiment_id,
                    variant_id=variants[key],
                    policy=draft.policy,
                    version_id=draft.version_id,
                    schedule_id=draft.schedule_id,
                    learner_id=draft.learner_id,
                    actions=list(draft.actions),
                )
    except IntegrityError as error:
        raise PolicyInvalid("A policy lacks what it needs, or has more.") from error
    write_journal(
        project_id=design.project_id,
        at=project_facts(design.project_id).clock.at(now),
        actor=acting_user,
        action="experiment.policies",
        subject=f"experiment:{design.key}",
        after={"point": point.key, "policies": {key: asdict(draft) for key, draft in policies.items()}},
    )


def _check(row: DecisionPoint) -> None:
    domain = domain_of(row.domain)
    if row.slate_size > domain.largest_slate:
        raise PointInvalid(f"A slate of {domain.key} has at most {domain.largest_slate} actions.")
    checked_settings(domain, row.settings)
    _check_batches(row, domain)
    if row.learner_id is not None and learner_by_id(row.learner_id).point_id != row.pk:
        raise PointInvalid("The learning policy belongs to another decision point.")
    if row.model_id is None:
        return
    model = model_by_id(row.model_id)
    if (model.project_id, model.domain) != (row.project_id, row.domain):
        raise PointInvalid(f"The model {model.key} is of another project or domain.")


def _check_batches(row: DecisionPoint, domain: Domain) -> None:
    """Let pass a cadence that midnights can be counted by. Raises PointInvalid, FeedAddressInvalid."""
    if domain.mode is not Mode.BATCH:
        if row.every_minutes is not None or row.webhook:
            raise PointInvalid(f"The domain {domain.key} decides at each request and makes no batches.")
        return
    every = row.every_minutes
    if every is not None and not 1 <= every <= LONGEST_CADENCE:
        raise PointInvalid(f"Batches are made every 1 to {LONGEST_CADENCE} minutes.")
    if every is not None and every > DAY_MINUTES and every % DAY_MINUTES:
        raise PointInvalid(f"More than a day from one batch to the next is counted in whole days of {DAY_MINUTES}.")
    if row.webhook:
        read_address(row.webhook)


def _check_policy(draft: PolicyDraft, point: DecisionPoint) -> None:
    """Let pass what the point's domain allows and what belongs to the point. Raises PolicyInvalid."""
    domain = domain_of(point.domain)
    if draft.policy not in domain.policies:
        raise PolicyInvalid(f"The domain {domain.key} has no policy {draft.policy}.")
    if draft.learner_id is not None and learner_by_id(draft.learner_id).point_id != point.pk:
        raise PolicyInvalid("The learning policy belongs to another decision point.")
    if draft.schedule_id is not None and schedule_by_id(draft.schedule_id).model.id != point.model_id:
        raise PolicyInvalid("The training schedule belongs to another model.")
    fault_of = domain.hooks.fixed_fault
    for fault in filter(None, map(fault_of, draft.actions) if fault_of else ()):
        raise PolicyInvalid(fault)


def _note(
    row: DecisionPoint,
    action: str,
    acting_user: str,
    now: datetime,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object],
) -> None:
    write_journal(
        project_id=row.project_id,
        at=project_facts(row.project_id).clock.at(now),
        actor=acting_user,
        action=action,
        subject=f"decision_point:{row.key}",
        before=before,
        after=after,
    )
    bump_revision(project_id=row.project_id)
