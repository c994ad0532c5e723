"""`manage.py preview EXPERIMENT VARIANT`: a token that shows a variant for a while, without being enrolled."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from decisions.actions.preview import PREVIEW_HOURS, preview_token
from experiments.queries.readouts import readout
from foundation.errors import DomainError

MOST_HOURS = 366 * 24
"""A token cannot be called back before the project's signing key changes."""


class Command(BaseCommand):
    help = _("Print a token that shows one variant of a live experiment for a while; nobody is enrolled by it.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("experiment", help=_("key of the experiment"))
        parser.add_argument("variant", help=_("key of the variant"))
        parser.add_argument("--project", help=_("key of the project, where several have an experiment of this key"))
        parser.add_argument("--hours", type=int, default=PREVIEW_HOURS, help=_("how long it lasts"))

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["hours"] <= MOST_HOURS:
            raise CommandError(_("--hours: must be between 1 and %(most)d.") % {"most": MOST_HOURS})
        try:
            found = readout(key=options["experiment"], project_key=options["project"])
            token = preview_token(
                project_id=found.project.id,
                experiment=options["experiment"],
                variant=options["variant"],
                now=timezone.now(),
                hours=options["hours"],
            )
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        self.stdout.write(token)
