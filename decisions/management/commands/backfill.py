"""`manage.py backfill PROJECT EVENTS.jsonl[.gz]`: history of up to 400 days, for covariates."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from decisions.actions.backfilling import backfill
from foundation.errors import DomainError


class Command(BaseCommand):
    help = _("Store the messages of a file as history: outcomes from before any experiment, up to 400 days old.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help=_("key of the project"))
        parser.add_argument("events", type=Path, help=_("a file with one message a line, plain or gzip"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = backfill(project_key=options["project"], path=options["events"], now=timezone.now())
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_("%(count)d messages read.") % {"count": done.lines})
        for name, count in (*done.statuses.items(), *done.rejections.items()):
            self.stdout.write(f"{name}: {count}")
