"""`manage.py prune_artifacts --days 180`: drop the bytes of versions that nothing can need any more."""

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from decisions.actions.pruning import prunable_artifacts, prune_artifacts
from foundation.errors import DomainError

DAYS: Final = 180
KILO: Final = 1024


class Command(BaseCommand):
    help = _(
        "Drop the artifacts of model versions that hold no alias, are older than so many days, and that no experiment"
        " of these days pins. The versions stay, with their figures and their lineage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=DAYS, help=_("for how many days artifacts are kept"))
        parser.add_argument("--reason", default="", help=_("why, for the journal"))
        parser.add_argument("--dry-run", action="store_true", help=_("only say what would be dropped"))

    def handle(self, *args: Any, **options: Any) -> None:
        now, days = timezone.now(), options["days"]
        reason = options["reason"] or _("Kept for %(days)d days.") % {"days": days}
        try:
            leaving = (
                prunable_artifacts(days=days, now=now)
                if options["dry_run"]
                else prune_artifacts(days=days, acting_user="manage.py", now=now, reason=reason)
            )
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        for artifact in leaving:
            self.stdout.write(f"{artifact.sha256[:12]} {artifact.size // KILO} kB")
        said = _("%(count)d artifacts would go.") if options["dry_run"] else _("%(count)d artifacts were dropped.")
        self.stdout.write(said % {"count": len(leaving)})
