"""Which former price may be struck through: never one above the lowest of the 30 days before the reduction."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisions.strike_through import Stretch, Struck, judge
from tests.fixtures.records import NOW


def stretches(*told: tuple[int, float, float | None]) -> list[Stretch]:
    """Return offers by price, and days before now from and until which they held."""
    return [
        Stretch(price, NOW - timedelta(days=since), None if until is None else NOW - timedelta(days=until))
        for price, since, until in told
    ]


def test_judge__price_that_was_asked_for_30_days__may_be_struck_through():
    judged = judge(100, stretches((100, 60, 5), (80, 5, None)), at=NOW)
    assert judged.verdict is Struck.ALLOWED
    assert (judged.lowest, judged.now) == tuple(stretches((100, 60, 5), (80, 5, None)))


def test_judge__price_above_the_lowest__is_refused_with_that_and_its_dates():
    judged = judge(100, stretches((100, 60, 20), (70, 20, 15), (100, 15, 5), (80, 5, None)), at=NOW)
    assert judged.verdict is Struck.WAS_PRICE_TOO_HIGH
    assert judged.lowest == stretches((70, 20, 15))[0]


def test_judge__lower_price_longer_ago_than_30_days__does_not_count():
    judged = judge(100, stretches((60, 90, 36), (100, 36, 5), (80, 5, None)), at=NOW)
    assert judged.verdict is Struck.ALLOWED


def test_judge__lower_price_that_ended_within_the_30_days__counts():
    judged = judge(100, stretches((60, 90, 34), (100, 34, 5), (80, 5, None)), at=NOW)
    assert (judged.verdict, judged.lowest.price) == (Struck.WAS_PRICE_TOO_HIGH, 60)


def test_judge__falls_one_after_the_other__each_is_a_reduction_of_its_own():
    offers = stretches((100, 90, 10), (90, 10, 5), (80, 5, None))
    assert judge(90, offers, at=NOW).verdict is Struck.ALLOWED
    assert judge(100, offers, at=NOW).verdict is Struck.WAS_PRICE_TOO_HIGH


def test_judge__ledger_that_does_not_reach_back__is_refused_with_what_is_known():
    judged = judge(100, stretches((100, 20, 5), (80, 5, None)), at=NOW)
    assert judged.verdict is Struck.HISTORY_UNKNOWN
    assert judged.known_since == NOW - timedelta(days=20)


def test_judge__first_price_ever__has_no_history():
    assert judge(100, stretches((80, 100, None)), at=NOW).verdict is Struck.HISTORY_UNKNOWN


@pytest.mark.parametrize("price", [80, 79])
def test_judge__present_price_that_is_not_below_it__is_no_reduction(price):
    assert judge(price, stretches((100, 60, 5), (80, 5, None)), at=NOW).verdict is Struck.NOT_REDUCED


def test_judge__item_that_is_not_offered_now__is_refused():
    assert judge(100, stretches((100, 60, 5)), at=NOW).verdict is Struck.NOT_OFFERED
    assert judge(100, [], at=NOW).verdict is Struck.NOT_OFFERED
    assert judge(100, stretches((100, -1, None)), at=NOW).verdict is Struck.NOT_OFFERED


def test_judge__change_that_has_not_begun__does_not_count_yet():
    offers = stretches((100, 60, 5), (80, 5, -1), (50, -1, None))
    assert judge(100, offers, at=NOW).verdict is Struck.ALLOWED


@given(
    st.lists(st.tuples(st.integers(1, 100), st.integers(1, 20), st.integers(0, 3)), min_size=1, max_size=12),
    st.integers(1, 120),
)
@settings(max_examples=300, deadline=None)
def test_judge__any_history__what_is_allowed_was_asked_on_no_day_of_the_30_for_less(told, price):
    """Offers of whole days with gaps; the rule is counted out again, day by day."""
    offers, at = [], NOW - timedelta(days=sum(length + gap for _, length, gap in told))
    for asked, length, gap in told:
        offers.append(Stretch(asked, at, at + timedelta(days=length)))
        at += timedelta(days=length + gap)
    offers[-1] = Stretch(offers[-1].price, offers[-1].since, None)
    judged = judge(price, offers, at=NOW)
    began = offers[-1].since
    by_day = [
        offer.price
        for day in range(1, 31)
        for offer in offers
        if offer.since <= began - timedelta(days=day)
        and (offer.until is None or began - timedelta(days=day) < offer.until)
    ]
    is_known = offers[0].since <= began - timedelta(days=30)
    is_lawful = is_known and offers[-1].price < price <= min(by_day, default=0)
    assert (judged.verdict is Struck.ALLOWED) is is_lawful
