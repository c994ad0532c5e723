"""bin/manage power: how many units a test needs, what it can find, or what finished arms say; from summary numbers."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from experiments.analysis.summaries import compare
from experiments.management.design_options import (
    OptionsUnclear,
    add_comparison_options,
    add_design_options,
    arms_of,
    design_of,
    lift_of,
    units_of,
)
from experiments.management.design_text import comparison_text, design_text
from experiments.statistics.calculator import lift_for, power_for, units_for
from foundation.errors import DomainError


class NotComputed(CommandError):
    """Nothing was computed; the message says why and what to do."""


class Command(BaseCommand):
    """Translate the command line into one design or one comparison."""

    help = "Plan a test, or compare finished arms, from summary numbers. See docs/statistics.md, Planning."
    requires_system_checks: list[str] = []  # noqa: RUF012  # Django declares it so; nothing here needs a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_design_options(parser)
        add_comparison_options(parser)
        parser.add_argument("--json", action="store_true", help="print every figure as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute, and print the result."""
        try:
            answer = _compared(options) if options["compare"] else _planned(options)
        except DomainError as error:
            raise NotComputed(f"{error.code}\n{error.message}\n  fix: {error.hint}") from error
        self.stdout.write(answer)


def _planned(options: Mapping[str, Any]) -> str:
    design = design_of(options)
    lift, units = lift_of(options, design), units_of(options, design)
    if lift is not None and units is not None:
        answer = power_for(design, lift, units)
    elif lift is not None:
        answer = units_for(design, lift)
    elif units is not None:
        answer = lift_for(design, units)
    else:
        raise OptionsUnclear("Neither an effect nor units are given.", hint="Add --effect, --units or --days.")
    return _json(asdict(answer)) if options["json"] else design_text(design, answer)


def _compared(options: Mapping[str, Any]) -> str:
    kind, control, treatments = arms_of(options)
    found = compare(kind, control, treatments, alpha=options["alpha"])
    if options["json"]:
        return _json({"alpha": options["alpha"], "comparisons": [asdict(each) for each in found]})
    return comparison_text(found, options["alpha"])


def _json(figures: dict[str, Any]) -> str:
    return json.dumps({"schema": 1, **figures}, sort_keys=True, separators=(",", ":"), allow_nan=False)
