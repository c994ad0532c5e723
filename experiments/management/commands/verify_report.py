"""`manage.py verify_report EXPERIMENT`: derive every stored look again; exit code 1 on any difference."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from experiments.actions.verification import verify_report
from experiments.queries.readouts import readout
from foundation.errors import DomainError


class Command(BaseCommand):
    help = _("Derive every look of an experiment again from the stored rows, and compare everything.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("experiment", help=_("key of the experiment"))
        parser.add_argument("--project", help=_("key of its project, where several have such an experiment"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = verify_report(readout(key=options["experiment"], project_key=options["project"]).id)
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        for difference in found.differences:
            where = _("look %(look)s") % {"look": difference.look} if difference.look else _("all looks")
            self.stdout.write(f"{where}: {difference.part}: {difference.detail}")
        if found.later:
            self.stdout.write(
                _("%(rows)d exposures came after the newest look and belong to none.") % {"rows": found.later}
            )
        if found.erased_before is not None:
            self.stdout.write(
                _("The retention policy erased evidence of days before %(day)s: figures were not derived again.")
                % {"day": found.erased_before}
            )
        if not found.holds:
            raise CommandError(_("The report is not what the records give."))
        self.stdout.write(_("%(looks)d looks verified: everything is what the records give.") % {"looks": found.looks})
