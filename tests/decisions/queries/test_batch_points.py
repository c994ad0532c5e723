"""When batches are due: by the midnights of the project, whatever its clocks do."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from decisions.queries.batch_points import cadence_due, skipped_between

DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "every", "zone", "due"),
    [
        ("2026-03-03T00:00:00+00:00", 1440, "UTC", "2026-03-03T00:00:00+00:00"),
        ("2026-03-03T15:59:59+00:00", 1440, "Asia/Shanghai", "2026-03-02T16:00:00+00:00"),
        ("2026-03-03T16:00:00+00:00", 1440, "Asia/Shanghai", "2026-03-03T16:00:00+00:00"),
        ("2026-03-03T13:29:00+00:00", 30, "UTC", "2026-03-03T13:00:00+00:00"),
        ("2026-03-03T23:59:00+00:00", 1000, "UTC", "2026-03-03T16:40:00+00:00"),
        # Clocks go forward at two: the third hour after midnight is four o'clock.
        ("2026-03-29T04:30:00+02:00", 60, "Europe/Berlin", "2026-03-29T04:00:00+02:00"),
        ("2026-03-30T00:10:00+02:00", 1440, "Europe/Berlin", "2026-03-30T00:00:00+02:00"),
        # A midnight that clocks skip is the first moment after it.
        ("2026-03-29T05:00:00+00:00", 1440, "Asia/Beirut", "2026-03-29T01:00:00+03:00"),
    ],
)
def test_cadence_due__from_midnight_to_midnight__is_the_last_moment(now, every, zone, due):
    assert cadence_due(at(now), every, zone) == at(due)


def test_cadence_due__weeks__come_every_seventh_midnight():
    found = {cadence_due(datetime(2026, 3, 1, 12, tzinfo=UTC) + n * DAY, 7 * 1440, "UTC") for n in range(28)}
    days = sorted(found)
    assert {later - earlier for earlier, later in pairwise(days)} == {7 * DAY}


@pytest.mark.parametrize(
    ("apart", "skipped"),
    [(DAY, 0), (2 * DAY, 1), (5 * DAY, 4), (DAY - timedelta(hours=1), 0), (2 * DAY + timedelta(hours=1), 1)],
)
def test_skipped_between__days_with_and_without_a_change_of_clocks__are_counted(apart, skipped):
    begun = datetime(2026, 3, 3, tzinfo=UTC)
    assert skipped_between(begun, begun + apart, 1440) == skipped
