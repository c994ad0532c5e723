"""What a variant does at a decision point, in words."""

from django.utils.translation import gettext as _

from decisions.queries.learners import learner_by_id
from decisions.queries.points import PolicyFacts
from decisions.reports.holders import version_label
from decisions.reports.wording import policy_words
from models_registry.queries.schedules import newest_passed, schedule_by_id
from models_registry.queries.versions import versions_by_id


def deed_words(fact: PolicyFacts) -> str:
    """Return what a variant does, with the names of what it rests on."""
    version = None if fact.version is None else versions_by_id([fact.version]).get(fact.version)
    if fact.learner is not None:
        told = {"learner": learner_by_id(fact.learner).name, "version": version_label(version, fact.version)}
        if fact.version is None:
            return _("Learning policy %(learner)s") % told
        return _("Learning policy %(learner)s, reading scores of %(version)s") % told
    if fact.schedule is not None:
        return _recipe(fact.schedule)
    if version is not None:
        return str(version_label(version))
    return ", ".join([str(policy_words(fact.policy)), *fact.actions])


def _recipe(schedule_id: int) -> str:
    schedule, newest = schedule_by_id(schedule_id), newest_passed(schedule_id)
    if newest is None:
        return _("Newest of the schedule %(schedule)s, which has no version yet") % {"schedule": schedule.key}
    told = {"schedule": schedule.key, "version": version_label(newest)}
    return _("Newest of the schedule %(schedule)s (now %(version)s)") % told
