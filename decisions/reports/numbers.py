"""Numbers that only these pages have: offline figures between 0 and 1, sizes, shares of traffic."""

from typing import Final

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from experiments.reports import figures
from experiments.reports.figures import Shape

SLOTS: Final = 1_000_000
KILO: Final = 1024


def offline(value: float | None) -> str:
    """Return an offline figure."""
    return _("not defined") if value is None else figures.level(value, Shape.NUMBER, "")


def offline_change(value: float | None, *, beside: float | None = None) -> str:
    """Return the change of an offline figure with its sign, to as many decimals as the figure `beside` it."""
    if value is None:
        return _("not defined")
    return figures.difference(value, Shape.NUMBER, "", figures.decimals_for(beside if beside is not None else value))


def slots(count: int) -> str:
    """Return slots of a million as a percentage."""
    return figures.percent(count / SLOTS)


def size(count: int) -> str:
    """Return a number of bytes in its largest unit, and exactly."""
    exact = _("%(bytes)s bytes") % {"bytes": figures.count(count)}
    return exact if count < KILO else f"{filesizeformat(count)} ({exact})"


def score(value: float | None) -> str:
    """Return the score that an action was ranked by."""
    return "–" if value is None else figures.level(value, Shape.NUMBER, "")


def propensity(value: float) -> str:
    """Return a probability with which an action was shown."""
    return figures.percent(value)


def milliseconds(microseconds: int) -> str:
    """Return a time of microseconds in milliseconds."""
    return _("%(number)s ms") % {"number": figures.level(microseconds / 1000.0, Shape.NUMBER, "")}
