"""What is told of a pull."""

from decisions.queries.feeds import LineFault, PullOutcome, PullState, read_outcome
from decisions.reports.feeds import pull_words
from tests.fixtures.records import NOW


def test_words__of_each_state__say_what_became_of_the_items():
    at = NOW.isoformat()
    unchanged = PullOutcome(state=PullState.UNCHANGED, at=at)
    failed = PullOutcome(state=PullState.FAILED, at=at, code="FEED_REFUSED", message="The host answered 404. Look.")
    assert pull_words(None, "UTC").summary == "It has not been pulled yet."
    assert "confirmed as they are" in pull_words(unchanged, "UTC").summary
    words = pull_words(failed, "Asia/Shanghai")
    assert words.summary == "Nothing was changed. The host answered 404. Look. [FEED_REFUSED]"
    assert words.time == "2026-03-02 20:00"


def test_outcome__as_it_is_stored__reads_back_the_same():
    outcome = PullOutcome(state=PullState.TAKEN, at=NOW.isoformat(), refused=2, faults=(LineFault(3, "price"),), size=9)
    assert read_outcome(outcome.as_json()) == outcome
    assert read_outcome(outcome.as_json() | {"of_later": 1}) == outcome
    assert read_outcome({}) is None
