"""What models read of a moment and of a creative: the same numbers wherever they are made."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.domains.ad_placement.features import (
    FACTS,
    FIELDS,
    MOST_WORDS,
    creative_numbers,
    fact_text,
    moment_numbers,
    number_of,
    seconds_of,
    words_of,
)

AT = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)


def test_moment_numbers__same_moment_elsewhere__is_the_same():
    there = AT.astimezone(timezone(timedelta(hours=8)))
    assert moment_numbers({"slot": "top"}, AT).tolist() == moment_numbers({"slot": "top"}, there).tolist()
    assert len(moment_numbers({}, AT)) == len(FACTS)


def test_moment_numbers__one_fact_changes__changes_its_number_alone():
    before, after = moment_numbers({"slot": "top"}, AT), moment_numbers({"slot": "side"}, AT)
    assert np.flatnonzero(before != after).tolist() == [FACTS.index("slot")]


@pytest.mark.parametrize(
    ("name", "sent", "logged"),
    [("customer", True, "true"), ("views", 3, "3"), ("views", 3.0, "3.7"), ("slot", "top", "top"), ("page", 4.0, "4")],
)
def test_fact_text__json_and_its_text_in_the_log__are_the_same_fact(name, sent, logged):
    assert fact_text(name, sent) == fact_text(name, logged) != ""


_HUGE = pytest.param(10**400, id="huge")


@pytest.mark.parametrize("value", [_HUGE, None, "many", float("nan"), float("inf"), -1, [], {}])
def test_fact_text__no_count__is_unknown(value):
    assert fact_text("views", value) == ""


@given(st.text(), st.text())
def test_number_of__any_text__is_a_positive_int64(name, value):
    assert 0 < number_of(name, value) < 2**63


def test_words_of__english_and_chinese__gives_words_and_pairs():
    assert words_of("Fresh COFFEE, fresh!") == ["fresh", "coffee"]
    assert words_of("夏季大减价 50%") == ["夏季", "季大", "大减", "减价", "50"]
    assert words_of("爱 it") == ["爱", "it"]
    assert words_of("买coffee送杯子") == ["买", "coffee", "送杯", "杯子"]


@given(st.text(max_size=400))
def test_words_of__any_text__are_few_and_different(text):
    words = words_of(text)
    assert len(words) == len(set(words)) <= MOST_WORDS
    assert all(words)


def test_creative_numbers__missing_columns__are_unknown_and_not_an_error():
    numbers = creative_numbers(["a", "b"], {"title": ["Sale", ""], "pays": ["order", "click"]})
    assert numbers.shape == (2, len(FIELDS) + MOST_WORDS + 1)
    assert numbers[:, -1].tolist() == [1, 0]
    assert np.count_nonzero(numbers[1, len(FIELDS) : -1]) == 0
    assert numbers[0, 1] == numbers[1, 1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-03-02", 1_772_409_600.0),
        ("2026-03-02T08:00:00+08:00", 1_772_409_600.0),
        ("2026-03-02T00:00:00Z", 1_772_409_600.0),
        ("soon", None),
        ("", None),
        ("2026-13-40", None),
    ],
)
def test_seconds_of__iso_text__is_a_moment(text, seconds):
    assert seconds_of(text) == seconds
