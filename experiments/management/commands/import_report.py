"""bin/manage import_report: what a platform reports on a schedule, from its rows to the verdict."""

import getpass
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from experiments.actions.reports import TOLERATED, import_report
from experiments.management.announcement import announcement_of, readout_address
from experiments.queries.readouts import readout
from experiments.queries.schedules import find_scheduled
from foundation.errors import DomainError


class Command(BaseCommand):
    """Translate the command line into one import."""

    help = "Import the report on a schedule that was handed out, and judge it. See docs/periods.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("experiment", help="key of the experiment whose schedule was handed out")
        parser.add_argument("report", type=Path, help="CSV in UTF-8: unit, period or date, a column for each metric")
        parser.add_argument("--project", help="key of its project, where the experiment's key alone is not enough")
        parser.add_argument(
            "--missing", choices=["quarantine", "zero"], default="quarantine", help="what empty and missing cells mean"
        )
        parser.add_argument("--tolerate", type=float, default=TOLERATED, help="share that may be bad; default 0.05")
        parser.add_argument("--json", action="store_true", help="print scorecard and verdict as JSON")
        parser.add_argument("--actor", default="", help="who imports, for the journal; default: your user name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and say what came out."""
        if not 0.0 <= options["tolerate"] < 1.0:
            raise CommandError("--tolerate: must be 0 or more and below 1.")
        try:
            found = import_report(
                experiment_id=find_scheduled(key=options["experiment"], project_key=options["project"]),
                path=options["report"],
                acting_user=options["actor"] or getpass.getuser(),
                now=timezone.now(),
                tolerated=options["tolerate"],
                missing_is_zero=options["missing"] == "zero",
            )
            page = readout(key=options["experiment"], project_key=options["project"])
        except DomainError as error:
            raise CommandError(f"{error.code}\n{error.message}\n  fix: {error.hint}") from error
        url = settings.CONSOLE_URL + readout_address(page)
        if options["json"]:
            entry = {
                "schema": 1,
                "project": page.project.key,
                "experiment": page.key,
                "already_imported": found.already,
                "readout": url,
                "counts": page.import_counts,
                "scorecard": json.loads(page.evidence.text) if page.evidence else None,
                "verdict": msgspec.to_builtins(page.evidence.verdict) if page.evidence else None,
            }
            self.stdout.write(json.dumps(entry, sort_keys=True, ensure_ascii=False, allow_nan=False))
            return
        self.stdout.write(announcement_of(page, already=found.already, url=url))
        if found.missing:
            self.stdout.write(f"  Missing: {found.missing} of {found.planned} planned cells.")
