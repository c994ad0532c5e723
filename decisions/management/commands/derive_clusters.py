"""`bin/manage derive_clusters PROJECT`: substitution clusters from prices, sales, baskets and categories."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from decisions.actions.clusters import LARGEST, derive_for_project
from foundation.errors import DomainError

SHOWN = 6
"""Items of a cluster that are named."""


class Command(BaseCommand):
    help = _("Derive which items replace each other, for items that were sent without a cluster.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help=_("key of the project"))
        parser.add_argument("--days", type=int, default=180, help=_("days of sales to look at (default: 180)"))
        parser.add_argument("--largest", type=int, default=LARGEST, help=_("the most items of a cluster (default: 12)"))
        parser.add_argument("--dry-run", action="store_true", help=_("show what would come out and write nothing"))

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1 or options["largest"] < 1:
            raise CommandError(_("Days and the largest cluster must be at least 1."))
        try:
            found = derive_for_project(
                project_key=options["project"],
                days=options["days"],
                largest=options["largest"],
                dry_run=options["dry_run"],
                acting_user="manage.py",
                now=timezone.now(),
            )
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        self.stdout.write(f"{_('cluster'):<40}  {_('items'):>6}")
        for cluster, items in found.clusters.items():
            more = ", ..." if len(items) > SHOWN else ""
            self.stdout.write(f"{cluster:<40}  {len(items):>6}  {', '.join(items[:SHOWN])}{more}")
        told = _(
            "%(items)d items in %(clusters)d clusters, %(changed)d changed; %(priced)d items had prices that moved."
        )
        self.stdout.write(
            told
            % {
                "items": sum(map(len, found.clusters.values())),
                "clusters": len(found.clusters),
                "changed": found.changed,
                "priced": found.priced,
            }
        )
        if found.contained is not None:
            within = _("%(links)d pairs replace each other; %(share).0f %% of that lies within clusters.")
            self.stdout.write(within % {"links": found.links, "share": 100 * found.contained})
        self.stdout.write(_("They hold from now on.") if found.written else _("Nothing was written."))
