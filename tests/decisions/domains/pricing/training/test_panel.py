"""Days of items in columns."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from decisions.domains.pricing.training.panel import day_numbers, filled_forward


def test_day_numbers__midnights_of_any_zone__rise_by_one_and_mondays_are_divisible_by_seven():
    monday = 1_767_571_200.0  # 2026-01-05T00:00Z
    for offset in (-8, 0, 1, 11):
        days = day_numbers(monday - offset * 3_600.0 + np.arange(15) * 86_400.0)
        assert np.diff(days).tolist() == [1] * 14
        assert (days[0] % 7, days[7] % 7) == (0, 0)


@pytest.mark.parametrize(
    "zone", ["Pacific/Auckland", "Pacific/Chatham", "America/Adak", "Europe/Berlin", "Asia/Shanghai", "Pacific/Fiji"]
)
def test_day_numbers__a_year_of_a_zone__rise_by_one_whenever_clocks_change(zone):
    monday = datetime(2026, 1, 5, tzinfo=ZoneInfo(zone))
    days = day_numbers(np.array([(monday + timedelta(days=n)).timestamp() for n in range(365)]))
    assert np.diff(days).tolist() == [1] * 364
    assert days[0] % 7 == 0


def test_filled_forward__gaps__have_the_value_before_them_else_the_first_one_of_their_item():
    nan = np.nan
    item = np.array([0, 0, 0, 1, 1, 1, 2])
    found = filled_forward(np.array([nan, 3.0, nan, nan, nan, 5.0, nan]), item)
    assert np.array_equal(found, [3.0, 3.0, 3.0, 5.0, 5.0, 5.0, nan], equal_nan=True)
