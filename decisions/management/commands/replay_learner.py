"""`manage.py replay_learner PROJECT POINT KEY`: compute every state of a learning policy from the log, and compare."""

import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from decisions.actions.replaying_learners import Outcome, replay_learner
from foundation.errors import DomainError

GOOD = (Outcome.SAME, Outcome.LOG_GONE)


class Command(BaseCommand):
    help = _("Compute every state of a learning policy from the event log and compare it with what is stored.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help=_("key of the project"))
        parser.add_argument("point", help=_("key of the decision point"))
        parser.add_argument("key", help=_("key of the learning policy"))

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[Outcome] = Counter()
        replayed = replay_learner(project_key=options["project"], point_key=options["point"], key=options["key"])
        try:
            for state in replayed:
                counts[state.outcome] += 1
                self.stdout.write(f"{state.number}\t{state.outcome.value}\t{state.stored[:12]}\t{state.found[:12]}")
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        self.stdout.write(
            _("%(same)d states are as the log has them, %(different)d are not, %(damaged)d are damaged;")
            % {
                "same": counts[Outcome.SAME],
                "different": counts[Outcome.DIFFERENT],
                "damaged": counts[Outcome.DAMAGED],
            }
        )
        self.stdout.write(_("of %(gone)d the log is gone.") % {"gone": counts[Outcome.LOG_GONE]})
        if any(outcome not in GOOD for outcome in counts):
            sys.exit(1)
