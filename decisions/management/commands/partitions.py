"""`manage.py partitions list|ensure|drop`: the days of event log and outcomes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from decisions.actions.retention import TABLES, drop_old_days, make_days_ahead, retention_plan
from foundation.actions.partitions import partitions_of
from foundation.errors import DomainError


class Command(BaseCommand):
    help = _("List the days of event log and outcomes, make the next ones, or drop those that are not kept any more.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("step", choices=["list", "ensure", "drop"])
        parser.add_argument(
            "--days", type=int, help=_("how many days are kept; TILTYARD_RETENTION_DAYS where not given")
        )
        parser.add_argument("--dry-run", action="store_true", help=_("only say what would be dropped"))

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] is not None and options["days"] < 1:
            raise CommandError(_("At least one day must be kept."))
        try:
            getattr(self, f"_{options['step']}")(options)
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error

    def _list(self, _options: dict[str, Any]) -> None:
        for table in TABLES:
            for part in partitions_of(table):
                self.stdout.write(f"{part.day} {part.table} {part.rows} rows {part.size // 1024} kB")

    def _ensure(self, _options: dict[str, Any]) -> None:
        made = make_days_ahead(now=timezone.now())
        self.stdout.write(_("%(count)d days were made.") % {"count": made})

    def _drop(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        plan = retention_plan(now=now, days=options["days"])
        if plan is None:
            self.stdout.write(_("There is no project, so there is nothing to drop."))
            return
        for project, need in plan.kept_for:
            told = {"key": need.experiment_key, "project": project, "day": need.first_day}
            self.stdout.write(_("Experiment %(key)s of %(project)s needs the days from %(day)s: they are kept.") % told)
        leaving = (
            plan.leaving()
            if options["dry_run"]
            else drop_old_days(now=now, days=options["days"], acting_user="manage.py")
        )
        for part in leaving:
            self.stdout.write(part.table)
        said = _("%(count)d days would go.") if options["dry_run"] else _("%(count)d days were dropped.")
        self.stdout.write(said % {"count": len(leaving)})
