"""bin/manage calibrate: simulate how often the statistics err, and write docs/calibration.md or another page."""

import json
import os
import time
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from experiments.calibration.encoding import to_plain
from experiments.calibration.pages import CALIBRATION, PAGES, Page
from experiments.calibration.records import Effort, State, StudyOutcome
from experiments.calibration.report import counts, document
from experiments.calibration.running import DEFAULT_SEED, CalibrationInvalid, Order, run
from experiments.calibration.studies.catalogue import named, studies_of


class TargetsMissed(CommandError):
    """Results that miss their target; the message names them."""


class Command(BaseCommand):
    """Translate the command line into one run."""

    help = "Simulate how often the statistics err, beside the targets. See docs/calibration.md."
    requires_system_checks = ()  # nothing here needs a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--full", action="store_true", help="all settings and replicates; writes the document")
        parser.add_argument("--document", choices=sorted(PAGES), default=CALIBRATION.name, help="whose studies to run")
        parser.add_argument("--study", action="append", default=[], help="only this study (repeatable)")
        parser.add_argument("--list", action="store_true", help="print the names of the studies and stop")
        parser.add_argument("--replicates", type=int, help="so many for every setting")
        parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
        parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
        parser.add_argument("--json", type=Path, help="also write every result to this file")
        parser.add_argument("--output", type=Path, help="where the document goes; its place in docs/ for all of --full")
        parser.add_argument(
            "--allow-explained", action="store_true", help="do not fail for misses that the document explains"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, print a line for each study, and write what was asked for. Raises TargetsMissed."""
        folder = os.environ.get("TILTYARD_REAL_DATA")
        page = PAGES[options["document"]]
        every = studies_of(page, Path(folder) if folder else None)
        if options["list"]:
            for study in every:
                self.stdout.write(f"{study.name:<24}{study.title}")
            return
        try:
            studies = named(every, options["study"])
            order = Order(
                seed=options["seed"],
                effort=Effort.FULL if options["full"] else Effort.REDUCED,
                replicates=options["replicates"],
                processes=options["processes"],
            )
        except CalibrationInvalid as error:
            raise CommandError(f"{error.code}\n{error.message}\n  fix: {error.hint}") from error
        progress = _Progress(self)
        outcomes = run(studies, order, progress)
        _write(options, _Run(page, order, progress.seconds, complete=not options["study"]), outcomes)
        self._conclude(outcomes, allow_explained=options["allow_explained"])

    def _conclude(self, outcomes: tuple[StudyOutcome, ...], *, allow_explained: bool) -> None:
        found = counts(outcomes)
        self.stdout.write(
            f"{found[State.MET]} targets met, {found[State.WITHIN_NOISE]} within noise, {found[State.MISSED]} missed."
        )
        missed = [
            f"{outcome.name}, {setting.setting}: {result.figure} {result.value:.4f}"
            for outcome in outcomes
            for setting, result in outcome.missed
            if not (allow_explained and setting.explained)
        ]
        if missed:
            raise TargetsMissed("Targets missed:\n" + "\n".join(missed))


class _Progress:
    """Prints one line for each study that is done, with the time that is left."""

    def __init__(self, command: BaseCommand) -> None:
        self._command = command
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return time.monotonic() - self._start

    def __call__(self, outcome: StudyOutcome, over: float) -> None:
        passed = self.seconds
        left = passed * (1.0 - over) / over if over > 0.0 else 0.0
        found = counts([outcome])
        result = "skipped" if outcome.skipped else f"{found[State.MISSED]} missed, {found[State.MET]} met"
        self._command.stdout.write(
            f"{outcome.name:<24}{result:<24}{passed:>7.0f} s, {100.0 * over:.0f}% done, about {left:.0f} s left"
        )
        self._command.stdout.flush()


@dataclass(frozen=True, slots=True)
class _Run:
    """What was run. complete: all studies of the page."""

    page: Page
    order: Order
    seconds: float
    complete: bool


def _write(options: dict[str, Any], ran: _Run, outcomes: tuple[StudyOutcome, ...]) -> None:
    target = options["output"]
    if target is None and options["full"] and ran.complete and ran.order.replicates is None:
        target = Path(settings.BASE_DIR) / ran.page.path
    if target is not None:
        target.write_text(document(outcomes, ran.order, ran.page, seconds=ran.seconds), encoding="utf-8")
    if options["json"] is not None:
        plain = to_plain(outcomes, ran.order)
        options["json"].write_text(json.dumps(plain, sort_keys=True, indent=1) + "\n", encoding="utf-8")
