"""`manage.py create_project KEY --currency USD`: a project without the admin, for scripts."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from foundation.actions.projects import create_project
from foundation.errors import DomainError


class Command(BaseCommand):
    help = _("Create a project: one shop with its currency and time zone.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", help=_("key of the project, such as shop-eu"))
        parser.add_argument("--currency", required=True, help=_("ISO 4217 code, such as USD"))
        parser.add_argument("--name", help=_("name for people; the key where it is left out"))
        parser.add_argument("--time-zone", default="UTC", help=_("such as Asia/Shanghai; days begin at its midnight"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            create_project(
                key=options["key"],
                name=options["name"] or options["key"],
                currency=options["currency"],
                time_zone=options["time_zone"],
                acting_user="manage.py",
                now=timezone.now(),
            )
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        except ValidationError as error:
            faults = (f"{name}: {' '.join(said)}" for name, said in error.message_dict.items())
            raise CommandError("; ".join(faults)) from error
        self.stdout.write(_("Project %(key)s created.") % {"key": options["key"]})
