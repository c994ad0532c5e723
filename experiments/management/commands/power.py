"""bin/manage power: how many units a test needs, what it can find, or what finished arms say; from summary numbers."""

import json
import re
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from experiments.analysis.calculator.comparison import compared, comparison_figures
from experiments.analysis.calculator.power import planned, power_figures
from experiments.analysis.calculator.reading import CalculationInvalid
from experiments.management.design_options import (
    add_comparison_options,
    add_design_options,
    compare_request,
    power_request,
)
from experiments.management.design_text import comparison_text, design_text
from foundation.errors import DomainError

_PLACE = re.compile(r"s\[(\d+)\]$")
"""Where a repeatable option stands among its like: guardrails[0] is the first --guardrail."""


class NotComputed(CommandError):
    """Nothing was computed; the message says why and what to do."""


class Command(BaseCommand):
    """Translate the command line into one design or one comparison."""

    help = "Plan a test, or compare finished arms, from summary numbers. See docs/statistics.md, Planning."
    requires_system_checks = ()  # nothing here needs a database

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
            raise NotComputed(f"{error.code}\n{_told(error)}\n  fix: {error.hint}") from error
        self.stdout.write(answer)


def _planned(options: Mapping[str, Any]) -> str:
    request = power_request(options)
    found = planned(request)
    return _json(power_figures(request, found)) if options["json"] else design_text(found.design, found.answer)


def _compared(options: Mapping[str, Any]) -> str:
    found = compared(compare_request(options))
    return _json(comparison_figures(found)) if options["json"] else comparison_text(found)


def _told(error: DomainError) -> str:
    """Return what is wrong, with a field of the request named as the option that fills it."""
    if not isinstance(error, CalculationInvalid) or not error.field:
        return error.message
    option, _, part = error.field.partition(".")
    option = _PLACE.sub(lambda found: f" {int(found[1]) + 1}", option).replace("_", "-")
    return f"--{option}{', ' if part else ''}{part}: {error.problem}"


def _json(figures: dict[str, Any]) -> str:
    return json.dumps(figures, sort_keys=True, separators=(",", ":"), allow_nan=False)
