"""`doctor`: each need with ok or not ok, and the exact fix."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandError

from foundation.management.needs import machine, services
from foundation.management.needs.need import Check, Need, Standing, examine

CHECKS: Sequence[tuple[str, Check]] = (
    ("Python", machine.python),
    ("packages", machine.packages),
    ("embedded servers", machine.embedded_servers),
    ("Postgres", services.postgres),
    ("migrations", services.migrations),
    ("Redis", services.redis_server),
    ("edge and intake", machine.edge_counts),
    ("secret key", machine.secret_key),
    ("state directory", machine.state_directory),
    ("static files", machine.static_files),
    ("translations", machine.translations),
    ("workers", services.workers),
    ("Chromium", machine.browser),
    ("recorded experiments", machine.recorded_experiments),
)


class Command(BaseCommand):
    """Examine everything Tiltyard needs around it."""

    help = "Print each need of this installation with ok or not ok, and the exact fix. Exit code 1 if one is not ok."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON list on standard output")

    def handle(self, *args: object, **options: object) -> None:
        needs = examine(CHECKS)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(need) for need in needs], indent=2))
        else:
            self._print(needs)
        faults = [need for need in needs if need.standing is Standing.NOT_OK]
        if faults:
            raise CommandError(f"{len(faults)} of {len(needs)} needs not ok.", returncode=1)

    def _print(self, needs: Sequence[Need]) -> None:
        styles: dict[Standing, Callable[[str], str]] = {
            Standing.OK: self.style.SUCCESS,
            Standing.NOT_OK: self.style.ERROR,
            Standing.OPTIONAL: str,
        }
        for need in needs:
            self.stdout.write(f"{styles[need.standing](f'{need.standing:<8}')}  {need.name}: {need.found}")
            if need.fix:
                self.stdout.write(f"{'':10}fix: {need.fix}")
