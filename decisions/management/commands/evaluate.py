"""bin/manage evaluate DOMAIN: train and judge what a domain knows on recorded data, and write docs/models.md."""

import os
import platform
import resource
import time
from argparse import ArgumentParser
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from decisions.domain_reports import Section, Tell, markdown, with_section
from decisions.registry import all_domains, domain_of
from foundation.errors import DomainError

DATA: Final = "TILTYARD_REAL_DATA"

Evaluate = Callable[..., Section]
"""`evaluate` of a domain's `real_data`; see decisions.domain_reports."""


class Command(BaseCommand):
    """Translate the command line into one evaluation."""

    help = "Train and judge the recipes of a domain on recorded data, beside references. See docs/models.md."
    requires_system_checks = ()  # nothing here needs a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("domain", help=f"one of: {', '.join(all_domains())}")
        parser.add_argument("--data", type=Path, help=f"the folder of recorded data; else what {DATA} names")
        parser.add_argument("--quick", action="store_true", help="less data and fewer trials: whether it works at all")
        parser.add_argument("--write", type=Path, help="also write the section into this document")

    def handle(self, *args: Any, **options: Any) -> None:
        """Evaluate, print the section, and write it where asked for."""
        folder = options["data"] or (Path(os.environ[DATA]) if os.environ.get(DATA) else None)
        if folder is None or not folder.is_dir():
            raise CommandError(f"There is no folder of recorded data.\n  fix: name it with --data, or in {DATA}")
        target: Path | None = options["write"]
        if target is not None and options["quick"]:
            raise CommandError("A quick evaluation is not written.\n  fix: leave out --quick, or --write")
        started = time.monotonic()
        try:
            section = _evaluation(options["domain"])(folder, quick=options["quick"], tell=self._tell)
        except DomainError as error:
            raise CommandError(f"{error.code}\n{error.message}\n  fix: {error.hint}") from error
        text = f"{markdown(section)}\n{_made_by(options['domain'], time.monotonic() - started)}"
        self.stdout.write(text)
        if target is not None:
            before = target.read_text(encoding="utf-8") if target.exists() else ""
            target.write_text(with_section(before, options["domain"], text), encoding="utf-8")

    @property
    def _tell(self) -> Tell:
        def tell(line: str) -> None:
            self.stderr.write(line)
            self.stderr.flush()

        return tell


def _evaluation(key: str) -> Evaluate:
    """Return what evaluates a domain. Raises DomainUnknown; CommandError where the domain has nothing to evaluate."""
    name = f"{domain_of(key).training}.real_data"
    if find_spec(name) is None:
        raise CommandError(f"The domain {key} has no evaluation on recorded data.")
    evaluation: Evaluate = import_module(name).evaluate
    return evaluation


def _made_by(domain: str, seconds: float) -> str:
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"Made by `bin/manage evaluate {domain} --data ... --write docs/models.md` in {seconds:,.0f} s, peak memory "
        f"{megabytes:,.0f} MB, on {_processor()} ({os.cpu_count()} cores), {platform.system()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}.\n"
    )


def _processor() -> str:
    """Return the processor's name as Linux tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
