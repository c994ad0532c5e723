"""bin/manage import_experiment: an experiment that was recorded elsewhere, from its manifest to its verdict."""

import getpass
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from experiments.actions.imports import Imported, import_recorded
from experiments.management.announcement import announcement_of, readout_address
from experiments.queries.readouts import Readout, readout
from experiments.recorded.manifest import Manifest
from experiments.recorded.reading import read_manifest
from foundation.errors import DomainError


class NotImported(CommandError):
    """Nothing was imported; the message says why and what to do."""


class Command(BaseCommand):
    """Translate the command line into one import."""

    help = "Import an experiment that was recorded elsewhere and judge it. See docs/import.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("manifest", type=Path, help="the YAML file that says what the data mean")
        parser.add_argument("data", type=Path, nargs="+", help="CSV (also gzip) or Parquet files")
        parser.add_argument("--json", action="store_true", help="print scorecard and verdict as JSON")
        parser.add_argument("--actor", default="", help="who imports, for the journal; default: your user name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and say what came out."""
        try:
            manifest = _read(options["manifest"])
            imported = import_recorded(
                manifest=manifest,
                paths=options["data"],
                workspaces=settings.STATE_DIRECTORY / "imports",
                acting_user=options["actor"] or getpass.getuser(),
                now=timezone.now(),
                progress=self.stderr.write,
            )
        except DomainError as error:
            raise NotImported(f"{error.code}\n{error.message}\n  fix: {error.hint}") from error
        found = [(entry, readout(key=entry.key, project_key=manifest.project)) for entry in imported]
        if options["json"]:
            self.stdout.write(_json(found, manifest))
        else:
            for entry, page in found:
                self.stdout.write(announcement_of(page, already=entry.already, url=_url(page)))


def _read(path: Path) -> Manifest:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise NotImported(f"{path}: cannot be opened: {error.strerror}.\n  fix: check the path.") from None
    except UnicodeDecodeError as error:
        raise NotImported(f"{path}: is not UTF-8 text (byte {error.start}).\n  fix: save it as UTF-8.") from None
    return read_manifest(text, name=path.name)


def _url(page: Readout) -> str:
    return settings.CONSOLE_URL + readout_address(page)


def _json(found: list[tuple[Imported, Readout]], manifest: Manifest) -> str:
    """Return one canonical JSON object, or a list of them where the manifest imports every experiment of a file."""
    entries = [
        {
            "schema": 1,
            "project": page.project.key,
            "experiment": page.key,
            "already_imported": entry.already,
            "readout": _url(page),
            "counts": page.import_counts,
            "scorecard": json.loads(page.evidence.text) if page.evidence else None,
            "verdict": msgspec.to_builtins(page.evidence.verdict) if page.evidence else None,
        }
        for entry, page in found
    ]
    result: object = entries if manifest.experiment.many else entries[0]
    return json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
