"""What a variant may do at a decision point, as the values of a drop-down, and back."""

from collections.abc import Iterator, Mapping
from typing import Final

from django.utils.translation import gettext as _

from decisions.actions.points import PolicyDraft
from decisions.domain import PolicyKind
from decisions.learning import LearnerKind
from decisions.queries.learners import LearnerFacts, learner_by_id, learners_of
from decisions.queries.points import PointFacts, PolicyFacts
from decisions.registry import domain_of
from models_registry.queries.aliases import holder_of
from models_registry.queries.schedules import ScheduleFacts, newest_passed, schedule_by_id, schedules_of
from models_registry.queries.versions import VersionFacts, versions_by_id, versions_of
from models_registry.vocabulary import AliasName

BASELINE: Final = PolicyKind.BASELINE.value
FIXED: Final = PolicyKind.FIXED.value
_VERSION: Final = "version"
_SCHEDULE: Final = "schedule"
_LEARNER: Final = "learner"

Choice = tuple[str, str]


def policy_choices(point: PointFacts, said: Mapping[str, PolicyFacts]) -> list[Choice]:
    """Return what the variants of an experiment may do at a decision point; what is said already stays on offer."""
    allowed = domain_of(point.domain).policies
    offered = [(BASELINE, _("Baseline (no model)")), (FIXED, _("Fixed actions"))]
    choices = [choice for choice in offered if PolicyKind(choice[0]) in allowed]
    champion = None if point.model_id is None else holder_of(point.model_id, AliasName.CHAMPION)
    if PolicyKind.MODEL_RANKED in allowed:
        choices += _of_versions(point, said, champion)
    if PolicyKind.RECIPE in allowed:
        choices += _of_schedules(point, said)
    if PolicyKind.LEARNED in allowed:
        choices += _of_learners(point, said, champion)
    return choices


def chosen_value(fact: PolicyFacts) -> str:
    """Return the value that stands for what a variant does."""
    match fact.policy:
        case PolicyKind.MODEL_RANKED:
            return f"{_VERSION}:{fact.version}"
        case PolicyKind.RECIPE:
            return f"{_SCHEDULE}:{fact.schedule}"
        case PolicyKind.LEARNED:
            return _learner_value(fact.learner or 0, fact.version)
        case _:
            return fact.policy.value


def draft_of(chosen: str, items: list[str]) -> PolicyDraft:
    """Return what a value of the drop-down stands for; items: of fixed actions."""
    kind, *numbers = chosen.split(":")
    match kind:
        case "version":
            return pinned(int(numbers[0]))
        case "schedule":
            return PolicyDraft(PolicyKind.RECIPE, schedule_id=int(numbers[0]))
        case "learner":
            version = int(numbers[1]) if len(numbers) > 1 else None
            return PolicyDraft(PolicyKind.LEARNED, version, learner_id=int(numbers[0]))
        case _:
            return PolicyDraft(PolicyKind(chosen), actions=tuple(items))


def pinned(version_id: int | None) -> PolicyDraft:
    """Return the ranking of a model version, the baseline where there is none."""
    if version_id is None:
        return PolicyDraft(PolicyKind.BASELINE)
    return PolicyDraft(PolicyKind.MODEL_RANKED, version_id)


def _of_versions(point: PointFacts, said: Mapping[str, PolicyFacts], champion: int | None) -> Iterator[Choice]:
    offered = {} if point.model_id is None else {version.id: version for version in versions_of(point.model_id)}
    pins = (fact for fact in said.values() if fact.policy is PolicyKind.MODEL_RANKED)
    offered |= versions_by_id(fact.version for fact in pins if fact.version is not None)
    for version in offered.values():
        label = _label(version)
        if version.id == champion:
            label = _("%(version)s, the champion") % {"version": label}
        elif not version.gate_passed:
            label = _("%(version)s, which has not passed its gate") % {"version": label}
        yield f"{_VERSION}:{version.id}", label


def _of_schedules(point: PointFacts, said: Mapping[str, PolicyFacts]) -> Iterator[Choice]:
    offered = {} if point.model_id is None else {found.id: found for found in schedules_of(point.model_id)}
    named = {fact.schedule for fact in said.values() if fact.schedule is not None}
    offered |= {schedule: schedule_by_id(schedule) for schedule in named - set(offered)}
    for schedule in offered.values():
        if schedule.is_enabled or schedule.id in named:
            yield f"{_SCHEDULE}:{schedule.id}", _schedule_label(schedule)


def _schedule_label(schedule: ScheduleFacts) -> str:
    newest = newest_passed(schedule.id)
    told = {"schedule": schedule.key, "version": "" if newest is None else _label(newest)}
    if not schedule.is_enabled:
        return _("Newest of the schedule %(schedule)s, which is switched off") % told
    if newest is None:
        return _("Newest of the schedule %(schedule)s, which has no version yet") % told
    return _("Newest of the schedule %(schedule)s (now %(version)s)") % told


def _of_learners(point: PointFacts, said: Mapping[str, PolicyFacts], champion: int | None) -> Iterator[Choice]:
    offered = {found.id: found for found in learners_of(point.project_id, point_id=point.id)}
    named = {(fact.learner, fact.version) for fact in said.values() if fact.learner is not None}
    offered |= {learner: learner_by_id(learner) for learner, _version in named if learner and learner not in offered}
    for learner in offered.values():
        yield _learner_value(learner.id, None), _learner_label(learner)
        read = {version for owner, version in named if owner == learner.id}
        if learner.kind is not LearnerKind.BETA:
            read.add(champion)
        for version in versions_by_id(version for version in read if version is not None).values():
            told = {"learner": _learner_label(learner), "version": _label(version)}
            yield _learner_value(learner.id, version.id), _("%(learner)s, reading scores of %(version)s") % told


def _learner_value(learner: int, version: int | None) -> str:
    return f"{_LEARNER}:{learner}" if version is None else f"{_LEARNER}:{learner}:{version}"


def _learner_label(learner: LearnerFacts) -> str:
    if learner.is_learning:
        return _("Learning policy %(name)s") % {"name": learner.name}
    return _("Learning policy %(name)s, which has stopped learning") % {"name": learner.name}


def _label(version: VersionFacts) -> str:
    return f"{version.model.name} v{version.number}"
