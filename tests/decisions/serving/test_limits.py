"""Token buckets, by their own account of time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.serving.limits import KeyLimit, LimitPolicy, RateLimited

POLICY = LimitPolicy("requests", rate=10.0, burst=20.0)


def taken(limit: KeyLimit, *moments: float, key: int = 1, amount: float = 1.0) -> int:
    """Return how many were let through."""
    through = 0
    for now in moments:
        try:
            limit.take(key, amount, now)
        except RateLimited:
            continue
        through += 1
    return through


def test_take__at_once__lets_the_burst_through_and_no_more() -> None:
    assert taken(KeyLimit(POLICY), *[5.0] * 100) == 20


def test_take__steadily_at_the_rate__is_never_refused() -> None:
    assert taken(KeyLimit(POLICY), *(number / 10 for number in range(500))) == 500


def test_take__after_the_burst__fills_up_with_the_rate() -> None:
    limit = KeyLimit(POLICY)
    taken(limit, *[0.0] * 100)

    assert taken(limit, *[1.0] * 100) == 10
    assert taken(limit, *[100.0] * 100) == 20


def test_take__refused__says_when_to_come_again_and_takes_nothing() -> None:
    limit = KeyLimit(LimitPolicy("events", rate=10.0, burst=100.0))
    limit.take(1, 100.0, 0.0)

    with pytest.raises(RateLimited) as caught:
        limit.take(1, 35.0, 0.0)

    assert (caught.value.code, caught.value.retry_seconds) == ("RATE_LIMITED", 4)
    assert dict(caught.value.headers) == {
        "Retry-After": "4",
        "RateLimit-Policy": '"events";q=100;w=10',
        "RateLimit": '"events";r=0;t=4',
    }
    with pytest.raises(RateLimited):
        limit.take(1, 35.0, 3.4)
    limit.take(1, 35.0, 3.5)


def test_take__one_key_used_up__leaves_the_others_alone() -> None:
    limit = KeyLimit(POLICY)
    taken(limit, *[0.0] * 100)

    assert taken(limit, *[0.0] * 100, key=2) == 20


def test_take__more_than_a_whole_bucket__goes_through_when_the_bucket_is_full() -> None:
    limit = KeyLimit(POLICY)

    limit.take(1, 50.0, 0.0)

    assert taken(limit, 4.9) == 1
    assert taken(limit, 3.0, key=1, amount=50.0) == 0


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 12)), max_size=100),
    st.floats(0.5, 50),
    st.integers(12, 100),
)
def test_take__any_stretch_of_time__lets_no_more_through_than_burst_and_rate(
    steps: list[tuple[float, int]], rate: float, burst: int
) -> None:
    limit = KeyLimit(LimitPolicy("requests", rate, burst))
    now = 0.0
    passed: list[tuple[float, int]] = []
    for pause, amount in steps:
        now += pause
        refused = None
        try:
            limit.take(1, amount, now)
        except RateLimited as error:
            refused = error
        if refused is None:
            passed.append((now, amount))
        else:
            assert 1 <= refused.retry_seconds <= burst / rate + 1
            assert re.fullmatch(r'"requests";r=0;t=\d+', dict(refused.headers)["RateLimit"])
    for first, (start, _) in enumerate(passed):
        total = 0
        for moment, amount in passed[first:]:
            total += amount
            assert total <= burst + rate * (moment - start) + 1e-3
