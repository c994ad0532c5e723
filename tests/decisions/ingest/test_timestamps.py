from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.ingest.timestamps import moments_of, read_timestamp

RECEIVED = datetime(2026, 6, 1, 0, 30, tzinfo=UTC)
TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-31T23:00:00Z", datetime(2026, 5, 31, 23, tzinfo=UTC)),
        ("2026-05-31T23:00:00.123456+08:00", datetime(2026, 5, 31, 15, 0, 0, 123456, tzinfo=UTC)),
        ("2026-05-31T23:00:00.123Z", datetime(2026, 5, 31, 23, 0, 0, 123000, tzinfo=UTC)),
        ("2026-05-31 23:00:00+00:00", datetime(2026, 5, 31, 23, tzinfo=UTC)),
        ("20260531T230000Z", datetime(2026, 5, 31, 23, tzinfo=UTC)),
    ],
)
def test_read_timestamp__iso_8601_with_a_zone__is_read(text: str, moment: datetime) -> None:
    assert read_timestamp(text) == moment


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "yesterday",
        "2026-05-31",
        "2026-05-31T23:00:00",
        "2026-13-01T00:00:00Z",
        "2026-05-31T23:59:60Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        1_780_000_000,
        "2026-05-31T23:00:00Z" + " " * 40,
        ["2026-05-31T23:00:00Z"],
    ],
)
def test_read_timestamp__anything_else__is_none(value: object) -> None:
    assert read_timestamp(value) is None


def test_moments__day__is_the_utc_date_of_the_untouched_timestamp() -> None:
    moments = moments_of("2026-05-31T23:59:00-05:00", RECEIVED + timedelta(hours=3), received=RECEIVED)

    assert moments.day == date(2026, 6, 1)
    assert moments.occurred_at == datetime(2026, 6, 1, 4, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("offset", "day"),
    [
        (timedelta(days=-400), date(2025, 4, 27)),
        (timedelta(days=-400, microseconds=-1), TODAY),
        (timedelta(days=1), date(2026, 6, 2)),
        (timedelta(days=1, microseconds=1), TODAY),
        (timedelta(days=-7), date(2026, 5, 25)),
    ],
)
def test_moments__outside_400_days_back_or_one_ahead__goes_under_the_receipt(offset: timedelta, day: date) -> None:
    moments = moments_of((RECEIVED + offset).isoformat(), None, received=RECEIVED)

    assert moments.day == day
    assert moments.occurred_at == RECEIVED + offset, "the timestamp itself is never clamped"


def test_moments__unreadable__goes_under_the_receipt_without_a_time() -> None:
    moments = moments_of("soon", RECEIVED, received=RECEIVED)

    assert (moments.day, moments.occurred_at, moments.corrected_at) == (TODAY, None, None)


@given(
    skew=st.timedeltas(timedelta(hours=-24), timedelta(hours=24)), ago=st.timedeltas(timedelta(0), timedelta(days=3))
)
def test_moments__client_clock_off_by_a_day__is_corrected(skew: timedelta, ago: timedelta) -> None:
    happened = RECEIVED - ago
    moments = moments_of((happened + skew).isoformat(), RECEIVED + skew, received=RECEIVED)

    assert moments.corrected_at == happened


def test_moments__without_sent_at__are_taken_as_they_are() -> None:
    moments = moments_of("2026-05-31T23:00:00Z", None, received=RECEIVED)

    assert moments.corrected_at == moments.occurred_at


def test_moments__correction_beyond_the_calendar__is_left_out() -> None:
    moments = moments_of("9999-12-31T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC), received=RECEIVED)

    assert moments.corrected_at == moments.occurred_at


@given(st.text(max_size=45))
def test_read_timestamp__any_text__never_raises(text: str) -> None:
    moment = read_timestamp(text)
    assert moment is None or moment.tzinfo is UTC
