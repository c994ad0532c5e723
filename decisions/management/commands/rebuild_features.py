"""`manage.py rebuild_features PROJECT`: write the features of all units to Redis again, from the event log."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from decisions.actions.features import rebuild_features
from foundation.errors import DomainError
from foundation.queries import project_by_key


class Command(BaseCommand):
    help = _("Write what every unit dealt with to Redis again, from the event log.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help=_("key of the project"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            facts = rebuild_features(project_id=project_by_key(options["project"]).id)
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        self.stdout.write(_("%(facts)d facts written to Redis.") % {"facts": facts})
