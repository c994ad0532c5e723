"""Times as people read them: in the project's zone, and how long ago."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.timesince import timesince
from django.utils.translation import gettext as _


def moment(at: datetime, zone: str) -> str:
    """Return a time to the minute in the zone, as 2026-11-22 23:59."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def age(at: datetime, now: datetime) -> str:
    """Return how long before `now` a time was, in its largest unit."""
    if at >= now:
        return _("just now")
    return _("%(span)s ago") % {"span": timesince(at, now, depth=1)}
