"""`bin/manage try`, kept here because `try` is a word of the language and no name that code can import."""

import json
import tempfile
import time
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from experiments.trial.opinion import Opinion
from experiments.trial.run import Findings, Request, try_out
from experiments.trial.sentences import findings_text
from foundation.errors import DomainError


class NotTried(CommandError):
    """Nothing could be said of the files; the message says why and what to do."""


class Command(BaseCommand):
    """Translate the command line into one try-out."""

    help = (
        "On your own order log: how often usual methods raise a false alarm, what this engine does, and what a test"
        " would find; with a finished test, a second opinion on it. No server, no database. See docs/import.md."
    )
    requires_system_checks = ()  # nothing here needs a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("orders", type=Path, help="order log: CSV (also gzip) or Parquet; customer, time, amount")
        parser.add_argument("last_test", type=Path, nargs="?", help="a finished test: rows per user, or totals")
        parser.add_argument("--split", default="", help="planned shares of that test, such as control=96,ad=4")
        parser.add_argument("--seed", type=int, default=1, help="of the random splits; default 1")
        parser.add_argument("--scale", type=float, default=1.0, help="times the usual numbers of random splits")
        parser.add_argument("--json", action="store_true", help="print every figure as JSON")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  # Django fixes the signature
        """Try, and say what was found."""
        started = time.monotonic()
        if not 0.0 < options["scale"] <= 100.0 or options["seed"] < 0:
            raise NotTried("--scale must be above 0 and at most 100, --seed 0 or more.")
        try:
            request = Request(
                options["orders"], options["last_test"], _shares(options["split"]), options["seed"], options["scale"]
            )
            with tempfile.TemporaryDirectory(prefix="tiltyard-try-") as folder:
                found = try_out(request, workspaces=Path(folder), progress=self.stderr.write)
        except DomainError as error:
            raise NotTried(f"{error.code}\n{error.message}\n  fix: {error.hint}") from error
        self.stdout.write(_json(found) if options["json"] else findings_text(found))
        self.stderr.write(f"Done in {time.monotonic() - started:.0f} s.")


def _shares(text: str) -> dict[str, float] | None:
    """Return the shares of `control=96,ad=4`. Raises NotTried."""
    if not text:
        return None
    found = {}
    for part in text.split(","):
        name, _, share = part.rpartition("=")
        try:
            found[name.strip()] = float(share)
        except ValueError:
            found[name.strip()] = 0.0
    if not all(name and 0.0 < share < 1e6 for name, share in found.items()):
        raise NotTried(f"--split: {text!r} is not like control=96,ad=4.")
    return found


def _json(found: Findings) -> str:
    """Return the findings as canonical JSON."""
    plain = {name: value for name, value in asdict(_without_opinion(found)).items() if name != "opinion"}
    plain["opinion"] = None if found.opinion is None else _opinion(found.opinion)
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, allow_nan=False, default=_plain)


def _without_opinion(found: Findings) -> Findings:
    return Findings(**{**{name: getattr(found, name) for name in found.__dataclass_fields__}, "opinion": None})


def _opinion(opinion: Opinion) -> dict[str, Any]:
    return {
        "scorecard": opinion.scorecard.to_dict(),
        "verdict": {"state": opinion.verdict.state, "winner": opinion.verdict.winner},
        "usual": [asdict(each) for each in opinion.usual],
        "together": None if opinion.together is None else asdict(opinion.together),
        "crossed": opinion.test.crossed,
        "left_out": opinion.test.left_out,
    }


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} is no plain value")
