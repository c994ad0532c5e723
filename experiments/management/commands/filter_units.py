"""`manage.py filter_units KEY FILE.csv`: put the ids of a file on the list of a filter."""

import csv
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from experiments.actions.filters import MOST_UNITS, list_units
from experiments.vocabulary import UnitKind
from foundation.errors import DomainError
from foundation.queries import all_projects, project_by_key

ACTOR = "operator"


class Command(BaseCommand):
    help = _("Put the ids of a file, one a line in its first column, on the list of a filter.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", help=_("key of the filter"))
        parser.add_argument("file", type=Path, help=_("CSV in UTF-8; a first line “unit” is a heading"))
        parser.add_argument("--project", help=_("key of its project, where there are several"))
        parser.add_argument(
            "--kind", choices=[kind.value for kind in UnitKind], default="visitor", help=_("what the ids name")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        added = known = 0
        now = timezone.now()
        try:
            project_id = _project_id(options["project"])
            with transaction.atomic():
                ids = _ids(options["file"])
                while units := list(islice(ids, MOST_UNITS)):
                    listed = list_units(
                        project_id=project_id,
                        key=options["key"],
                        unit_kind=UnitKind(options["kind"]),
                        units=units,
                        acting_user=ACTOR,
                        now=now,
                    )
                    added, known = added + listed.added, known + listed.known
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise CommandError(_("The file cannot be read: %(error)s") % {"error": error}) from error
        self.stdout.write(_("%(added)d new on the list, %(known)d on it already.") % {"added": added, "known": known})


def _project_id(key: str | None) -> int:
    """Return the project that is named, or the only one."""
    if key is not None:
        return project_by_key(key).id
    projects = all_projects()
    if len(projects) != 1:
        raise CommandError(_("Name the project: --project KEY."))
    return projects[0].id


def _ids(path: Path) -> Iterator[str]:
    """Yield the ids in the first column; empty lines are passed over."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for number, row in enumerate(csv.reader(lines)):
            if row and row[0] and not (number == 0 and row[0].strip().lower() == "unit"):
                yield row[0]
