"""`manage.py rebuild PROJECT`: project the event log again and compare everything with what was there, to the byte."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from decisions.actions.rebuilding import rebuild_project
from foundation.errors import DomainError


class Command(BaseCommand):
    help = _("Rebuild exposures, outcomes and scorecards from the event log, and compare them to the byte.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help=_("key of the project"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = rebuild_project(project_key=options["project"])
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        for line in result.lines():
            self.stdout.write(line)
        if not result.identical:
            raise CommandError(_("The rebuilt evidence differs from what was stored."))
