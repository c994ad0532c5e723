"""bin/manage schedule: the schedule of an experiment by period, for the units of a file, as CSV."""

import csv
import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from experiments.actions.schedules import hand_out
from experiments.queries.schedules import find_scheduled, schedule_of
from experiments.reports.schedule import schedule_csv
from foundation.errors import DomainError

MOST_DAYS = 3_660


class Command(BaseCommand):
    """Translate the command line into one schedule."""

    help = "Write out which unit gets which variant in which period. See docs/periods.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("experiment", help="key of an experiment by period that has been launched")
        parser.add_argument(
            "--units", type=Path, required=True, help="CSV in UTF-8: one id a line; a first line 'unit' is a heading"
        )
        parser.add_argument("--days", type=int, required=True, help="days from the start of the first period")
        parser.add_argument("--project", help="key of its project, where the experiment's key alone is not enough")
        parser.add_argument("--out", type=Path, help="where to write; default: standard output")
        parser.add_argument("--actor", default="", help="who hands it out, for the journal; default: your user name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the schedule, and say on standard error who takes no part."""
        days = options["days"]
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days: must be between 1 and {MOST_DAYS}.")
        try:
            units = _ids(options["units"])
            facts = hand_out(
                experiment_id=find_scheduled(key=options["experiment"], project_key=options["project"]),
                units=units,
                days=days,
                acting_user=options["actor"] or getpass.getuser(),
                now=timezone.now(),
            )
            found = schedule_of(facts, facts.units, facts.periods)
        except DomainError as error:
            raise CommandError(f"{error.code}\n{error.message}\n  fix: {error.hint}") from error
        content = schedule_csv(found.cells, zone=facts.zone)
        if options["out"] is None:
            self.stdout.write(content.decode(), ending="")
        else:
            options["out"].write_bytes(content)
        planned = len({cell.unit for cell in found.cells})
        self.stderr.write(f"{planned} units, {facts.periods} periods, {len(found.cells)} cells.")
        if found.blackouts:
            self.stderr.write(f"  Kept out by the blackout calendar: {len(found.blackouts)} periods.")
        for reason, number in sorted(found.left_out.items()):
            self.stderr.write(f"  Left out: {number} units, {reason.value}.")


def _ids(path: Path) -> list[str]:
    """Return the ids in the first column; empty lines are passed over."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = [row[0] for row in csv.reader(lines) if row and row[0]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path}: cannot be read: {error}") from error
    return rows[1:] if rows and rows[0].strip().lower() == "unit" else rows
