"""`manage.py replay_quarantine PROJECT [--reason R]`: judge quarantined events again once their cause is mended."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from decisions.actions.replaying import replay_quarantine
from foundation.errors import DomainError


class Command(BaseCommand):
    help = _("Judge the quarantined events of a project again; what has no fault any more counts from now on.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help=_("key of the project"))
        parser.add_argument("--reason", help=_("only events with this reason, such as EXPERIMENT_UNKNOWN"))
        parser.add_argument("--why", default="", help=_("what was mended, for the journal"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = replay_quarantine(
                project_key=options["project"],
                reason=options["reason"],
                why=options["why"],
                acting_user="manage.py",
                now=timezone.now(),
            )
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        for line in done.lines():
            self.stdout.write(line)
