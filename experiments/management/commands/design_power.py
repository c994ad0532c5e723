"""bin/manage design_power: what an experiment by period would find, rehearsed on the shop's own past."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from experiments.analysis.design_power import DRAWS
from experiments.queries.design_power import PAST_DAYS, design_power
from experiments.queries.schedules import find_scheduled
from experiments.reports.design_power import power_sentence, power_table
from foundation.errors import DomainError

MOST_DAYS = 1_100
MOST_DRAWS = 10_000


class Command(BaseCommand):
    """Translate the command line into one rehearsal."""

    help = "Say what lift an experiment by period would find, by the shop's own past. See docs/periods.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("experiment", help="key of an experiment by period, drafts included")
        parser.add_argument("--days", type=int, default=PAST_DAYS, help="days of the past, up to yesterday")
        parser.add_argument("--draws", type=int, default=DRAWS, help="how often the design is drawn")
        parser.add_argument("--project", help="key of its project, where the experiment's key alone is not enough")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the sentence and the table."""
        for name, most in (("days", MOST_DAYS), ("draws", MOST_DRAWS)):
            if not 1 <= options[name] <= most:
                raise CommandError(f"--{name}: must be between 1 and {most}.")
        try:
            found = design_power(
                find_scheduled(key=options["experiment"], project_key=options["project"]),
                now=timezone.now(),
                days=options["days"],
                draws=options["draws"],
            )
        except DomainError as error:
            raise CommandError(f"{error.code}\n{error.message}\n  fix: {error.hint}") from error
        self.stdout.write(power_sentence(found))
        if found.found:
            self.stdout.write("")
            self.stdout.write("\n".join(power_table(found)))
