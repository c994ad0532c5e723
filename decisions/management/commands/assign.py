"""`manage.py assign TABLE --unit visitor --id-column id --output OUT`: what experiments give the units of a file."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from decisions.queries.live import newest_bundle
from experiments.assignment.compiler import compile_snapshot
from experiments.assignment.reading import BundleInvalid
from experiments.assignment.snapshot import Snapshot
from experiments.bulk.columns import read_attribute
from experiments.bulk.frames import Layout
from experiments.bulk.run import Request, Summary, assign_file
from experiments.vocabulary import UnitKind
from foundation.errors import DomainError
from foundation.queries import all_projects, project_by_key

PROGRESS_ROWS = 1_000_000


class Command(BaseCommand):
    help = _(
        "Write which variants the units of a CSV or Parquet file get, by the published bundle. Nobody is enrolled:"
        " units count from their exposures."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", type=Path, help=_("file of units: .csv, .csv.gz or .parquet"))
        parser.add_argument(
            "--unit", choices=[kind.value for kind in UnitKind], required=True, help=_("what the ids name")
        )
        parser.add_argument("--id-column", required=True, help=_("column with the ids, which are texts"))
        parser.add_argument(
            "--attributes",
            default="",
            help=_("columns for audiences, by comma; in CSV files NAME:number or NAME:boolean where they are no texts"),
        )
        parser.add_argument("--experiments", help=_("keys, by comma; all that randomise such units where left out"))
        parser.add_argument(
            "--sticky",
            action="append",
            default=[],
            metavar="KEY=COLUMN",
            help=_("column with the variant that units met before, for an experiment that keeps them"),
        )
        parser.add_argument("--output", type=Path, required=True, help=_("file to write: .csv or .parquet"))
        parser.add_argument(
            "--exposures", type=Path, help=_("also write the exposures of those enrolled, for POST /v1/batch")
        )
        parser.add_argument("--project", help=_("key of the project, where there are several"))
        parser.add_argument("--bundle", type=Path, help=_("file with a downloaded bundle instead of the published one"))
        parser.add_argument("--at", help=_("project time for which to assign, ISO 8601 with a zone; now by default"))

    def handle(self, *args: Any, **options: Any) -> None:
        self._told = 0
        try:
            bundle, now = _bundle_and_time(options["bundle"], options["project"])
            request = Request(
                source=options["table"],
                layout=Layout(
                    unit_kind=options["unit"],
                    id_column=options["id_column"],
                    attributes=[read_attribute(text) for text in _listed(options["attributes"])],
                    sticky=_sticky(options["sticky"]),
                ),
                at=_moment(options["at"]) or now,
                keys=None if options["experiments"] is None else _listed(options["experiments"]),
                output=options["output"],
                exposures=options["exposures"],
            )
            summary = assign_file(request, bundle, progress=self._tell)
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        self._report(summary, request, bundle)

    def _tell(self, rows: int) -> None:
        if rows // PROGRESS_ROWS > self._told:
            self._told = rows // PROGRESS_ROWS
            self.stderr.write(_("%(rows)d rows ...") % {"rows": rows})

    def _report(self, summary: Summary, request: Request, bundle: Snapshot) -> None:
        names = {"rows": summary.rows, "version": bundle.version, "output": request.output, "at": request.at}
        self.stdout.write(_("%(rows)d rows, bundle %(version)d at %(at)s: %(output)s") % names)
        for (key, variant, enrolled, reason), rows in sorted(summary.counts.items()):
            self.stdout.write(f"  {key}  {variant}  {reason}  {rows}" + ("" if enrolled else "  " + _("not enrolled")))
        if request.exposures is not None:
            said = {"messages": summary.messages, "file": request.exposures}
            self.stdout.write(
                _("%(messages)d exposures in %(file)s. Send them with a server key when the units meet it.") % said
            )
        if summary.repeated:
            self.stderr.write(
                ngettext(
                    "Warning: %(rows)d row repeats the id of an earlier one. Equal ids are one unit.",
                    "Warning: %(rows)d rows repeat the id of an earlier one. Equal ids are one unit.",
                    summary.repeated,
                )
                % {"rows": summary.repeated}
            )
        if summary.marked:
            self.stderr.write(
                _(
                    "Warning: %(cells)d cells begin with an apostrophe, lest a spreadsheet takes them for formulas;"
                    " a .parquet file has them as they are."
                )
                % {"cells": summary.marked}
            )


def _bundle_and_time(path: Path | None, project_key: str | None) -> tuple[Snapshot, datetime]:
    """Return the bundle and the project's time. Raises BundleInvalid, and what is raised for no project or bundle."""
    if path is not None:
        return _downloaded(path), datetime.now(UTC)
    if project_key is not None:
        project = project_by_key(project_key)
    else:
        projects = all_projects()
        if len(projects) != 1:
            raise CommandError(_("Name the project: --project KEY."))
        project = projects[0]
    return newest_bundle(project.id).snapshot, project.clock.at(timezone.now())


def _downloaded(path: Path) -> Snapshot:
    try:
        return compile_snapshot(json.loads(path.read_bytes()))
    except OSError as error:
        raise CommandError(_("The bundle cannot be read: %(error)s") % {"error": error.strerror}) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, BundleInvalid):
            raise
        hint = "Download it again: GET /v1/bundle with a server key."
        raise BundleInvalid("bundle: is not JSON.", hint=hint) from error


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _sticky(pairs: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for pair in pairs:
        key, _separator, column = pair.partition("=")
        if not key or not column:
            raise CommandError(_("--sticky: %(pair)s is not like KEY=COLUMN.") % {"pair": pair})
        found[key] = column
    return found


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CommandError(_("--at: %(text)s is no ISO 8601 time with a zone.") % {"text": text})
    return moment
