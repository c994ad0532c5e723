"""Asking predictors within a deadline: what hangs holds up nothing else, and threads do not pile up."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

from decisions.policy import Indices, Scores
from decisions.serving.scoring import NotScored, Question, ScoringPool, score_at_once
from decisions.vocabulary import DecisionReason
from models_registry.vocabulary import PredictorKind

NO_ITEMS = np.array([], dtype=np.int64)
BOTH = np.array([0, 1], dtype=np.int64)


class Scripted:
    """A predictor that does what it is told to."""

    kind = PredictorKind.POPULARITY
    items = ("a", "b")

    def __init__(self, script: Callable[[], Scores]) -> None:
        self._script = script

    def score(self, history: Indices, candidates: Indices | None = None) -> Scores:
        return self._script()


def scores() -> Scores:
    return np.array([1.0, 2.0], dtype=np.float32)


def scores_after(released: threading.Event) -> Scores:
    released.wait(60)
    return scores()


def about(predictor: Scripted, *, at_once: bool = True) -> Question:
    return Question(12, predictor, NO_ITEMS, BOTH, at_once)


def ask(pool: ScoringPool, predictor: Scripted, *, seconds: float) -> Scores:
    return pool.score(about(predictor), until=time.monotonic() + seconds)


def reason_of(call: Callable[[], object]) -> DecisionReason:
    with pytest.raises(NotScored) as caught:
        call()
    return caught.value.reason


@pytest.fixture
def pool() -> Iterator[ScoringPool]:
    pool = ScoringPool(threads=2)
    yield pool
    pool.close()


def test_score__in_time__returns_the_scores(pool: ScoringPool) -> None:
    assert ask(pool, Scripted(scores), seconds=5).tolist() == [1.0, 2.0]


def test_score__many_at_once__all_are_answered(pool: ScoringPool) -> None:
    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(lambda _: ask(pool, Scripted(scores), seconds=30).tolist(), range(200)))

    assert found == [[1.0, 2.0]] * 200


def test_score__predictor_that_raises__is_a_model_error(pool: ScoringPool) -> None:
    failing = Scripted(lambda: np.zeros(1 // 0, dtype=np.float32))

    assert reason_of(partial(ask, pool, failing, seconds=5)) is DecisionReason.MODEL_ERROR
    assert reason_of(partial(score_at_once, about(failing))) is DecisionReason.MODEL_ERROR
    assert ask(pool, Scripted(scores), seconds=5).tolist() == [1.0, 2.0]


def test_score__hanging_predictors__cost_the_deadline_then_nothing_and_no_more_threads(pool: ScoringPool) -> None:
    released = threading.Event()
    hanging = Scripted(lambda: scores_after(released))
    before = threading.active_count()

    for _ in range(pool.threads):
        assert reason_of(partial(ask, pool, hanging, seconds=0.05)) is DecisionReason.DEADLINE
    started = time.monotonic()
    for _ in range(100):
        assert reason_of(partial(ask, pool, hanging, seconds=30)) is DecisionReason.DEADLINE
    took = time.monotonic() - started

    assert took < 15, "with every thread stuck nobody waits for a deadline"
    assert threading.active_count() <= before + pool.threads
    released.set()
    found = None
    while found is None:
        try:
            found = ask(pool, Scripted(scores), seconds=5)
        except NotScored:
            time.sleep(0.01)
    assert found.tolist() == [1.0, 2.0]


def test_score__one_thread_stuck__the_other_goes_on(pool: ScoringPool) -> None:
    released = threading.Event()
    hanging = Scripted(lambda: scores_after(released))

    assert reason_of(partial(ask, pool, hanging, seconds=0.05)) is DecisionReason.DEADLINE
    assert [ask(pool, Scripted(scores), seconds=5).tolist() for _ in range(20)] == [[1.0, 2.0]] * 20
    released.set()


def test_score__deadline_already_over__is_not_asked(pool: ScoringPool) -> None:
    pool._places.acquire()
    pool._places.acquire()

    assert reason_of(partial(ask, pool, Scripted(scores), seconds=-1)) is DecisionReason.DEADLINE
    pool._places.release(2)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [1.0, 2.0],
        np.zeros(3, dtype=np.float32),
        np.zeros((2, 1), dtype=np.float32),
        np.zeros(2, dtype=np.int64),
        np.array([1.0, np.nan], dtype=np.float32),
        np.array([np.inf, 1.0], dtype=np.float32),
    ],
    ids=["none", "list", "long", "column", "integers", "nan", "infinite"],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_score__scores_that_make_no_sense__are_refused(wrong: Any, at_once: bool) -> None:
    question = about(Scripted(lambda: wrong), at_once=at_once)

    assert reason_of(partial(score_at_once, question)) is DecisionReason.SCORES_INVALID


def test_score__all_items_at_once__only_those_asked_about_need_be_finite() -> None:
    predictor = Scripted(lambda: np.array([np.nan, 2.0], dtype=np.float32))

    assert score_at_once(Question(12, predictor, NO_ITEMS, BOTH[1:], True)).tolist() == [2.0]


def test_pool__machine_without_a_thread_left__says_so_at_once_and_scores_later(pool: ScoringPool) -> None:
    usual = threading.stack_size(2**46)
    try:
        met = {reason_of(lambda: ask(pool, Scripted(scores), seconds=60)) for _ in range(5)}
    finally:
        threading.stack_size(usual)

    assert met == {DecisionReason.DEADLINE}
    assert ask(pool, Scripted(scores), seconds=60).tolist() == [1.0, 2.0]
