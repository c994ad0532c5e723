"""`manage.py rebuild_sticky PROJECT`: write what units met to Redis again, from first exposures and identity links."""

from argparse import ArgumentParser
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from decisions.actions.remembering import refill_units
from foundation.errors import DomainError
from foundation.queries import project_by_key


class Command(BaseCommand):
    help = _("Write what units met before their experiment changed to Redis again, and what customers met as visitors.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help=_("key of the project"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            facts = refill_units(project_id=project_by_key(options["project"]).id)
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        except redis.RedisError as error:
            raise CommandError(_("Redis does not answer: %(error)s") % {"error": error}) from error
        self.stdout.write(_("%(facts)d facts written to Redis.") % {"facts": facts})
