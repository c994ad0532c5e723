"""`manage.py explain EXPERIMENT --visitor ID`: why a unit gets what it gets, step by step, by the newest bundle."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from decisions.queries.live import newest_bundle
from decisions.serving.answers import AssignmentRequest
from decisions.serving.explaining import case_of
from decisions.serving.known import wants_of
from decisions.serving.unit_store import UnitStore
from experiments.assignment.explain import Explanation, explain
from experiments.assignment.explain_audience import Condition
from experiments.queries.readouts import readout
from experiments.vocabulary import UnitKind
from foundation.errors import DomainError

STORE_SECONDS = 2.0


class Command(BaseCommand):
    help = _("Explain step by step why a unit gets what it gets from an experiment.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("experiment", help=_("key of the experiment"))
        for kind in UnitKind:
            parser.add_argument(f"--{kind}", help=_("id of the %(kind)s") % {"kind": kind})
        parser.add_argument("--attributes", default="{}", help=_("attributes of the unit as JSON"))
        parser.add_argument("--project", help=_("key of the project, where several have an experiment of this key"))
        parser.add_argument("--not-personalised", action="store_true", help=_("as if personalisation were off"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            explanation = _explained(options)
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        for number, step in enumerate(explanation.steps, 1):
            self.stdout.write(f"{number:2}. {step.code:15} {step.text}")
            for condition in step.conditions:
                self.stdout.write(_in_a_line(condition))
        given = explanation.assignment
        self.stdout.write(_("Answer: %(variant)s, %(reason)s") % {"variant": given.variant, "reason": given.reason})


def _in_a_line(condition: Condition) -> str:
    asked = condition.op
    if condition.attribute is not None:
        asked = f"{condition.attribute} {condition.op} {condition.value!r}, holds {condition.held!r}"
    return f"      {'+' if condition.matches else '-'} {condition.path}: {asked}"


def _explained(options: dict[str, Any]) -> Explanation:
    try:
        attributes = json.loads(options["attributes"])
    except ValueError as error:
        raise CommandError(_("The attributes are not JSON: %(error)s") % {"error": error}) from error
    if not isinstance(attributes, dict):
        raise CommandError(_("The attributes are no JSON object."))
    found = readout(key=options["experiment"], project_key=options["project"])
    bundle = newest_bundle(found.project.id)
    units = {kind.value: options[kind.replace("-", "_")] for kind in UnitKind if options[kind.replace("-", "_")]}
    request = AssignmentRequest(
        units=units,
        attributes=attributes,
        experiments=[options["experiment"]],
        personalised=not options["not_personalised"],
    )
    store = UnitStore(settings.REDIS_URL, within=STORE_SECONDS)
    known = store.look_up(bundle.project_id, wants_of(bundle, units, request.experiments))
    store.close()
    return explain(case_of(bundle, request, bundle.clock.at(timezone.now()), known))
