"""The words of the validity checks: what each one looks at, and what to do when it fails."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from experiments.reports.wording import Text


@dataclass(frozen=True, slots=True)
class CheckWords:
    """A check's title and the advice when it does not pass."""

    title: Text
    advice: Text


CHECKS: Final[dict[str, CheckWords]] = {}

FIGURES: Final[dict[str, Text]] = {}
